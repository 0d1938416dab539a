"""Algebraic multigrid (PyAMG) as the preconditioner of conjugate gradients, the last but one fallback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from thermostack.errors import ResourceError
from thermostack.finite_volume.conduction import Conduction
from thermostack.linear.multigrid import apply_operator, vector_norms
from thermostack.mesh.memory_estimate import MAX_MEMORY_FRACTION, available_memory

Array = np.ndarray


@dataclass(frozen=True)
class AmgSettings:
    """Parameters of the hierarchy.

    `bytes_per_cell` is the memory that setup and solve may take: 691 bytes were measured on 0.96 million
    orthotropic cells, 342 to 621 on 0.3 million cells of other kinds. A coupling is strong from `strength`
    times the largest of its row. Grids of at most `max_coarse_cells` are solved exactly.
    """

    bytes_per_cell: int = 1000
    strength: float = 0.25
    max_coarse_cells: int = 100


class AmgPreconditioner:
    """A V(1,1) cycle of Ruge-Stueben multigrid on the matrix of the active cells, in float64.

    Coarse cells are selected in two passes and interpolation is classical (Ruge and Stueben, Algebraic
    multigrid, 1987). Gauss-Seidel runs forward before and backward after the coarser grid, so that the cycle
    is symmetric.
    The class implements `PcgBackend` (pcg.py) for one right-hand side.
    """

    is_single = False

    def __init__(self, conduction: Conduction, threads: int = 1, settings: AmgSettings | None = None) -> None:
        """Build the hierarchy; raise ResourceError where it would not fit in memory.

        Links are in the matrix, for which they should join few cells each, as those of a periodic structure.
        """
        self.conduction, self.threads = conduction, threads
        self.active = np.flatnonzero(conduction.is_active)
        settings = settings or AmgSettings()
        needed, available = (
            settings.bytes_per_cell * self.active.size,
            MAX_MEMORY_FRACTION * available_memory(),
        )
        if needed > available:
            raise ResourceError(
                f"algebraic multigrid needs about {needed / 1e9:.2g} GB and "
                f"{available / 1e9:.2g} GB are available"
            )
        import pyamg

        matrix = conduction.to_csr()
        if conduction.links is not None:
            matrix = scipy.sparse.csr_array(matrix + conduction.links.to_csr(conduction.cells))
        if self.active.size < matrix.shape[0]:
            matrix = matrix[self.active][:, self.active]
        self.hierarchy: Any = pyamg.ruge_stuben_solver(
            matrix,
            strength=("classical", {"theta": settings.strength}),
            CF=("RS", {"second_pass": True}),
            presmoother=("gauss_seidel", {"sweep": "forward"}),
            postsmoother=("gauss_seidel", {"sweep": "backward"}),
            max_coarse=settings.max_coarse_cells,
            coarse_solver="splu",
        )
        self.cycle = self.hierarchy.aspreconditioner(cycle="V")

    @property
    def levels(self) -> list[Any]:
        """Return the grids, the finest first."""
        levels: list[Any] = self.hierarchy.levels
        return levels

    @property
    def memory(self) -> int:
        """Return the bytes of the matrices."""
        matrices = [getattr(level, name) for level in self.levels for name in "APR" if hasattr(level, name)]
        return sum(m.data.nbytes + m.indices.nbytes + m.indptr.nbytes for m in matrices)

    # ---- PcgBackend

    def allocate(self, rhs_count: int) -> None:
        """Allocate residual r, direction p and G p, and set the direction to zero."""
        if rhs_count != 1:
            raise ValueError(f"algebraic multigrid solves one right-hand side at a time, got {rhs_count}")
        shape = self.conduction.shape
        self._p, self._gp = np.zeros(shape), np.zeros(shape)
        self._r, self._z, self._gz = np.empty(shape), np.zeros(shape), np.empty(shape)

    def set_active(self, indices: Sequence[int]) -> None:
        """Do nothing: there is one right-hand side."""

    def set_rhs(self, n: int, rhs: Array, scale: float) -> None:
        """Set r = scale rhs."""
        np.multiply(rhs, scale, out=self._r)

    def residual(self, n: int, rhs: Array, field: Array, scale: float) -> tuple[float, float]:
        """Set r = scale (rhs - G field); return norm and sum of rhs - G field [W]."""
        apply_operator(self.conduction, field, self._r, self.threads)
        np.subtract(rhs, self._r, out=self._r)
        norm, total = vector_norms(self._r, self.threads)[0], float(self._r.sum())
        self._r *= scale
        return norm, total

    def residual_replacement(self, rhs: Array, scales: Array) -> None:
        """Return None: the recurrence is float64 and needs no replacement on the way."""

    def apply_preconditioner(self) -> None:
        """Set z from r by one cycle, and G z."""
        self._z.reshape(-1)[self.active] = self.cycle @ self._r.reshape(-1)[self.active]
        apply_operator(self.conduction, self._z, self._gz, self.threads)

    apply_first_preconditioner = apply_preconditioner

    def products(self, n: int) -> tuple[float, float, float, float]:
        """Return z.r, z.Gz, z.Gp and the sum of Gz; p is the last direction."""
        z = self._z
        return dot(z, self._r), dot(z, self._gz), dot(z, self._gp), float(self._gz.sum())

    def values_at(self, vector: str, n: int, cell: Array) -> Array:
        """Return r, z or p in some cells, given by their indices."""
        field: Array = {"r": self._r, "z": self._z, "p": self._p}[vector]
        values: Array = field.reshape(-1)[cell]
        return values

    def set_residual(self, n: int, cell: Array, values: Array) -> None:
        """Set r in some cells."""
        self._r.reshape(-1)[cell] = values

    def update(self, steps: Array, fields: Array, squares: Array, replacement: None = None) -> None:
        """Set p = z + beta p, field += step p + constant and r -= alpha G p; set squares to r.r.

        G p follows the same recurrence as p, so that an iteration applies G once.
        """
        beta, alpha, step, constant = steps[:, 0].tolist()
        for direction, start in ((self._p, self._z), (self._gp, self._gz)):
            direction *= beta
            direction += start
        fields[0] += step * self._p + constant
        self._r -= alpha * self._gp
        squares[0] = vector_norms(self._r, self.threads)[0] ** 2


def dot(a: Array, b: Array) -> float:
    """Return the scalar product of two fields, without the threads of a linear-algebra library."""
    return float(np.einsum("kji,kji->", a, b))
