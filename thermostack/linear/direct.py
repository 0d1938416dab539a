"""The second opinion: SciPy's SuperLU on the assembled matrix, with one step of refinement."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from thermostack.errors import ConvergenceError
from thermostack.finite_volume.conduction import Conduction

Array = np.ndarray


class LuFactorization:
    """The LU factors of G, about 10 kB per cell of a package of 10^5 cells."""

    def __init__(self, conduction: Conduction, held: Array | None = None) -> None:
        """Factorise; ConvergenceError where G is singular.

        `held` are cells, one of each body that nothing holds, to be kept at zero.
        """
        self.conduction = conduction
        self.outside = ~conduction.is_active
        matrix = conduction.to_csr().tocsc()
        if held is not None:  # where all heats cancel, no heat passes through what is added here
            extra = np.zeros(matrix.shape[0])
            extra[held] = matrix.diagonal().mean()
            matrix = (matrix + sp.diags_array(extra)).tocsc()
        try:
            # Any pivot of a symmetric positive definite matrix is stable, so the order may follow fill alone.
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
        """Return the bytes of the factors: value and row of each entry."""
        return int(self.lu.nnz) * 12

    def solve(self, heat: Array) -> Array:
        """Return the temperature [K] of each cell over the caller's zero, 0 outside the body."""
        t = self.lu.solve(heat.ravel()).reshape(heat.shape)
        t[self.outside] = 0.0
        t += self.lu.solve((heat - self.conduction.apply(t)).ravel()).reshape(heat.shape)
        t[self.outside] = 0.0
        answer: Array = t
        return answer
