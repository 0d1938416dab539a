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

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from thermostack.finite_volume.conduction import BoundaryConductance, Conduction, face_conductance_sums
from thermostack.finite_volume.link_conductance import LinkConductance
from thermostack.linear.corrected_backend import CorrectedBackend
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


class LinkedBackend(CorrectedBackend):
    """A `PcgBackend` (pcg.py) of the operator with links, with the preconditioner of the one without."""

    correction: LinkCorrection

    def __init__(self, inner: PcgBackend, conduction: Conduction, correction: LinkCorrection) -> None:
        """Take the backend of B = G - K, the operator G and the correction K."""
        super().__init__(inner, conduction, correction)
        self._coupling = correction.coupling(inner) if correction.is_preconditioned else None
        self._link_heat: dict[int, Array] = {}  # by right-hand side: U y of the last cycle, (cells,)

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

    def products(self, n: int) -> tuple[float, float, float, float]:
        """Return z.r, z.Gz, z.Gp and the sum of Gz; p is the last direction."""
        zr, zgz, zgp, total = super().products(n)
        if self._coupling is not None:  # the kernels multiplied z by the residual of the second cycle
            zr += float(self.inner.values_at("z", n, self.correction.cell) @ self._link_heat[n])
        return zr, zgz, zgp, total
