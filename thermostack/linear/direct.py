"""Direct solution by SciPy's SuperLU on the assembled matrix, with one step of iterative refinement."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from thermostack.errors import ConvergenceError
from thermostack.finite_volume.conduction import Conduction

Array = np.ndarray

BYTES_PER_FACTOR_ENTRY = 12  # a float64 value and a 32-bit row number


class LuFactorization:
    """The LU factors of G, about 10 kB per cell of a package of 10^5 cells."""

    def __init__(self, conduction: Conduction, pinned: Array | None = None) -> None:
        """Factorize G; raise ConvergenceError where it is singular.

        `pinned` are the numbers of cells, one of each floating body, whose temperature is kept at zero.
        """
        self.conduction = conduction
        self.is_inactive = ~conduction.is_active
        matrix = conduction.to_csr().tocsc()
        if pinned is not None:  # where the power of a body sums to zero, no heat flows to the pinned cell
            extra = np.zeros(matrix.shape[0])
            extra[pinned] = matrix.diagonal().mean()
            matrix = (matrix + sp.diags_array(extra)).tocsc()
        try:
            # Every pivot order of a symmetric positive definite matrix is stable, so it can minimize fill-in.
            self.lu = spla.splu(
                matrix,
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
        except RuntimeError as error:
            raise ConvergenceError(
                f"the direct solver found G singular ({error}); every part needs a path to an ambient"
            ) from error

    @property
    def memory(self) -> int:
        """Return the bytes of the factors."""
        return int(self.lu.nnz) * BYTES_PER_FACTOR_ENTRY

    def solve(self, rhs: Array) -> Array:
        """Return the temperature rise [K] of each cell, zero in inactive cells; `rhs` [W] has its shape."""
        t = self.lu.solve(rhs.ravel()).reshape(rhs.shape)
        t[self.is_inactive] = 0.0
        t += self.lu.solve((rhs - self.conduction.apply(t)).ravel()).reshape(rhs.shape)
        t[self.is_inactive] = 0.0
        rise: Array = t
        return rise
