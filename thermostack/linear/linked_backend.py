"""Conjugate gradients with links: their terms in the operator, and in the preconditioner if they are few.

The terms of links join cells that are no neighbours, which no level of a multigrid can represent. So the
multigrid belongs to an operator B of faces and boundary alone, and the iteration solves with G = B + K. The
correction K has the terms g u u^T of the links, minus a small diagonal D that B contains so that it is not
singular where links alone join a body to an ambient.

With V for the cycle and U for the vectors u, the preconditioner is V - V U (1/g + U^T V U)^-1 U^T V, the
inverse of V^-1 + U g U^T (Woodbury; Golub and Van Loan, Matrix Computations, 2013, section 2.1.4). It is as
good for G as V is for B. It takes two cycles, and one for each link when the operator changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from thermostack.finite_volume.conduction import BoundaryConductance, Conduction, face_conductance_sums
from thermostack.finite_volume.link_conductance import LinkConductance
from thermostack.linear.pcg_backend import PcgBackend

Array = np.ndarray

# Fraction of the conductance of the links at a cell that is in the diagonal D, and its bound as a fraction of
# the sum of the face conductances of the cell.
DIAGONAL_FRACTION, MAX_FACE_FRACTION = 0.01, 0.1
MAX_PRECONDITIONED_LINKS = 8  # of more, the preconditioner would take longer than the iterations it saves
# Of a link's conductance times u.B^-1 u: below, it hardly changes the eigenvalues, and V serves for G.
MIN_PRECONDITIONED_RATIO = 0.1


class LinkCorrection:
    """K = sum of g u u^T - D, on the cells at the ends of the links."""

    def __init__(self, links: LinkConductance, conduction: Conduction) -> None:
        self.links, self.cell = links, links.cell
        faces = face_conductance_sums(
            np.unravel_index(self.cell, conduction.shape), (conduction.g_z, conduction.g_y, conduction.g_x)
        )
        of_links = abs(links.difference).T @ links.conductance.diagonal()
        bound = np.where(faces > 0.0, MAX_FACE_FRACTION * faces, np.inf)
        self.diagonal = np.minimum(DIAGONAL_FRACTION * of_links, bound)  # W/K
        self.is_preconditioned = self._is_relevant(conduction) and links.count <= MAX_PRECONDITIONED_LINKS
        self._backend: PcgBackend | None = None  # that `_coupling` belongs to
        self._coupling = np.zeros((0, 0))

    def _positions(self, boundary: BoundaryConductance) -> Array | None:
        """Return the positions of the cells among those of the boundary, None where one has none."""
        position = np.searchsorted(boundary.cell, self.cell)
        is_known = position.max() < boundary.cell.size and np.array_equal(boundary.cell[position], self.cell)
        return position if is_known else None

    def apply(self, values: Array) -> Array:
        """Return K times the values in the cells, (cells,)."""
        links = self.links
        product: Array = links.difference.T @ (links.conductance @ (links.difference @ values))
        product -= self.diagonal * values
        return product

    def _is_relevant(self, conduction: Conduction) -> bool:
        """Return whether a link may change the eigenvalues of the preconditioned operator much.

        B is at least its diagonal of boundary conductances, which contains the storage of short time steps.
        """
        position = self._positions(conduction.boundary)
        if position is None:
            return True
        ground = conduction.boundary.conductance[position]  # W/K
        if not ground.all():
            return True
        ratio = self.links.conductance.diagonal() * (self.links.difference.power(2) @ (1.0 / ground))
        return bool((ratio > MIN_PRECONDITIONED_RATIO).any())

    def coupling(self, backend: PcgBackend) -> Array:
        """Return 1/g + U^T V U [K/W], (links, links), with one cycle of the backend for each link.

        It is computed once for each backend, whose vectors it changes.
        """
        if self._backend is not backend:
            self._backend = backend
            self._coupling = self.links.resistance.toarray() + self._responses(backend)
        return self._coupling

    def _responses(self, backend: PcgBackend) -> Array:
        """Return U^T V U [K/W], (links, links)."""
        difference, shape = self.links.difference, backend.conduction.shape
        responses = np.empty((self.links.count, self.links.count))
        backend.allocate(1)
        backend.set_active([0])
        rhs = np.zeros(shape)
        for n in range(self.links.count):
            rhs.reshape(-1)[self.cell] = difference[[n]].toarray()[0]
            backend.set_rhs(0, rhs, 1.0)
            backend.apply_preconditioner()
            responses[:, n] = difference @ backend.values_at("z", 0, self.cell)
        return 0.5 * (responses + responses.T)

    def preconditioned_part(self, conduction: Conduction) -> Conduction:
        """Return the operator B = G - K, which has no links."""
        boundary, position = conduction.boundary, self._positions(conduction.boundary)
        if position is not None:
            conductance = boundary.conductance.copy()
            conductance[position] += self.diagonal
            return replace(conduction, boundary=boundary.with_conductance(conductance), links=None)
        cell = np.union1d(boundary.cell, self.cell)
        conductance = np.zeros(cell.size)
        conductance[np.searchsorted(cell, boundary.cell)] = boundary.conductance
        conductance[np.searchsorted(cell, self.cell)] += self.diagonal
        return replace(
            conduction, boundary=BoundaryConductance(boundary.shape, cell, conductance), links=None
        )


class LinkedBackend:
    """A `PcgBackend` (pcg.py) of the operator with links, with the preconditioner of the one without."""

    def __init__(self, inner: PcgBackend, conduction: Conduction, correction: LinkCorrection) -> None:
        """Take the backend of B = G - K, the operator G and the correction K."""
        self.inner, self.conduction, self.correction = inner, conduction, correction
        self.threads = inner.threads
        self._coupling = correction.coupling(inner) if correction.is_preconditioned else None
        self._active: Sequence[int] = (0,)
        self._link_heat: dict[int, Array] = {}  # by right-hand side: U y of the last cycle, (cells,)

    @property
    def is_single(self) -> bool:
        """Return whether residuals and directions are float32."""
        return self.inner.is_single

    def allocate(self, rhs_count: int) -> None:
        """Allocate the vectors of a number of right-hand sides."""
        self.inner.allocate(rhs_count)

    def set_active(self, indices: Sequence[int]) -> None:
        """Set the right-hand sides that the preconditioner and `update` process."""
        self._active = tuple(indices)
        self.inner.set_active(indices)

    def set_rhs(self, n: int, rhs: Array, scale: float) -> None:
        """Set r = scale rhs."""
        self.inner.set_rhs(n, rhs, scale)

    def residual(self, n: int, rhs: Array, field: Array, scale: float) -> tuple[float, float]:
        """Set r = scale (rhs - G field); return norm and sum of rhs - G field [W]."""
        corrected, cell = rhs.copy(), self.correction.cell
        corrected.reshape(-1)[cell] -= self.correction.apply(field.reshape(-1)[cell])
        return self.inner.residual(n, corrected, field, scale)

    def residual_replacement(self, rhs: Array, scales: Array) -> Any | None:
        """Return None: the kernels cannot compute true residuals with links."""
        return None

    def apply_preconditioner(self) -> None:
        """Set z from r."""
        self._precondition(self.inner.apply_preconditioner)

    def apply_first_preconditioner(self) -> None:
        """Set z from r in the first iteration from a zero guess."""
        self._precondition(self.inner.apply_first_preconditioner)

    def _precondition(self, cycle: Callable[[], None]) -> None:
        """Set z from r by one cycle, or by two of which the second has the heat of the links."""
        cycle()
        if self._coupling is None:
            return
        cell, difference = self.correction.cell, self.correction.links.difference
        residuals = {}
        for n in self._active:
            z = self.inner.values_at("z", n, cell)
            self._link_heat[n] = difference.T @ np.linalg.solve(self._coupling, difference @ z)
            residuals[n] = self.inner.values_at("r", n, cell)
            self.inner.set_residual(n, cell, residuals[n] - self._link_heat[n])
        cycle()
        for n, values in residuals.items():
            self.inner.set_residual(n, cell, values)

    def values_at(self, vector: str, n: int, cell: Array) -> Array:
        """Return the vector r, z or p in some cells, given by their indices in the raveled grid, (cells,)."""
        return self.inner.values_at(vector, n, cell)

    def set_residual(self, n: int, cell: Array, values: Array) -> None:
        """Set r in some cells."""
        self.inner.set_residual(n, cell, values)

    def products(self, n: int) -> tuple[float, float, float, float]:
        """Return z.r, z.Gz, z.Gp and the sum of Gz; p is the last direction."""
        zr, zgz, zgp, total = self.inner.products(n)
        z, p = (self.inner.values_at(vector, n, self.correction.cell) for vector in "zp")
        kz = self.correction.apply(z)
        if self._coupling is not None:  # the kernels multiplied z by the residual of the second cycle
            zr += float(z @ self._link_heat[n])
        return zr, zgz + float(z @ kz), zgp + float(p @ kz), total + float(kz.sum())

    def update(self, steps: Array, fields: Array, squares: Array, replacement: Any | None = None) -> None:
        """Set p = z + beta p, field += step p + constant and r -= alpha G p; set squares to r.r.

        The correction is subtracted first, so that r.r contains it.
        """
        cell = self.correction.cell
        for n in self._active:
            beta, alpha, _, _ = steps[:, n].tolist()
            r, z, p = (self.inner.values_at(vector, n, cell) for vector in "rzp")
            self.inner.set_residual(n, cell, r - alpha * self.correction.apply(z + beta * p))
        self.inner.update(steps, fields, squares, replacement)
