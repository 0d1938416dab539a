"""Conjugate gradients for G = B + K: the multigrid belongs to B, and K acts on a few cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from thermostack.finite_volume.conduction import Conduction
from thermostack.linear.pcg_backend import PcgBackend

Array = np.ndarray


class Correction(Protocol):
    """The symmetric operator K on some cells."""

    @property
    def cell(self) -> Array:
        """Return the cells, (cells,) indices in the raveled grid, strictly ascending."""

    def apply(self, values: Array) -> Array:
        """Return K times the values in the cells, (cells,)."""


class CorrectedBackend:
    """A `PcgBackend` (pcg.py) of G = B + K, with the preconditioner of B."""

    def __init__(self, inner: PcgBackend, conduction: Conduction, correction: Correction) -> None:
        """Take the backend of B, the operator G and the correction K."""
        self.inner, self.conduction, self.correction = inner, conduction, correction
        self.threads = inner.threads
        self._active: Sequence[int] = (0,)

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
        """Return None: the kernels cannot compute true residuals with a correction."""
        return None

    def apply_preconditioner(self) -> None:
        """Set z from r."""
        self.inner.apply_preconditioner()

    def apply_first_preconditioner(self) -> None:
        """Set z from r in the first iteration from a zero guess."""
        self.inner.apply_first_preconditioner()

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
