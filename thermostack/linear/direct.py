"""Direct solution by SciPy's SuperLU on the assembled matrix, with one step of iterative refinement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy

from thermostack.errors import ConvergenceError, RunawayError
from thermostack.finite_volume.conduction import Conduction

Array = np.ndarray

BYTES_PER_FACTOR_ENTRY = 12  # a float64 value and a 32-bit row number


class LuFactorization:
    """The LU factors of G, about 10 kB per cell of a package of 10^5 cells."""

    def __init__(self, conduction: Conduction, pinned: Array | None = None) -> None:
        """Factorize G; raise ConvergenceError where it is singular, and RunawayError where it is indefinite.

        `pinned` are the numbers of cells, one of each floating body, whose temperature is kept at zero.
        """
        self.conduction = conduction
        self.is_inactive = ~conduction.is_active
        matrix = conduction.to_csr().tocsc()
        scale = float(matrix.diagonal().mean())
        extra = np.zeros(matrix.shape[0])
        if pinned is not None:  # where the power of a body sums to zero, no heat flows to the pinned cell
            extra[pinned] = scale
        joined = self._cells_of_joined_bodies(extra > 0.0)
        grounding = conduction.links.conductance.diagonal().max() if conduction.links is not None else 0.0
        extra[joined] = grounding
        if extra.any():
            matrix = (matrix + scipy.sparse.diags_array(extra)).tocsc()
        try:
            # Every pivot order of a symmetric positive definite matrix is stable, so it can minimize fill-in.
            from scipy.sparse.linalg import splu  # it takes long to load, and is seldom needed

            self.lu = splu(
                matrix,
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
        except RuntimeError as error:
            raise ConvergenceError(
                f"the direct solver found G singular ({error}); every part needs a path to an ambient"
            ) from error
        if conduction.power_slope is not None and not (self.lu.U.diagonal() > 0.0).all():
            # Without row exchanges the pivots have the signs of the eigenvalues (Sylvester's law of inertia).
            raise RunawayError("power grows faster with temperature than cooling")
        self._set_rank_update(joined, grounding)

    def _cells_of_joined_bodies(self, is_pinned: Array) -> Array:
        """Return one cell of each body that links alone join to the others, where none is pinned."""
        conduction = self.conduction
        if conduction.links is None:
            return np.zeros(0, dtype=np.intp)
        count, label = replace(conduction, links=None).components()
        is_grounded = np.bincount(label, is_pinned, count) > 0.0
        boundary = conduction.boundary
        is_grounded |= np.bincount(label[boundary.cell], boundary.conductance, count) > 0.0
        active = np.flatnonzero(~self.is_inactive)
        bodies, first = np.unique(label[active], return_index=True)
        cells: Array = active[first[~is_grounded[bodies]]]
        return cells

    def _set_rank_update(self, joined: Array, grounding: float) -> None:
        """Factorize the terms that the LU factors omit: links, minus the diagonal added to joined bodies.

        By the formula of Woodbury: Golub and Van Loan, Matrix Computations (2013), section 2.1.4.
        """
        self._terms: Array = np.zeros((self.is_inactive.size, 0))
        links = self.conduction.links
        if links is None:
            return
        self._terms = np.zeros((self.is_inactive.size, links.count + joined.size))
        self._terms[links.cell, : links.count] = links.difference.toarray().T
        self._terms[joined, links.count + np.arange(joined.size)] = 1.0
        self._columns = self.lu.solve(self._terms)
        self._small = self._terms.T @ self._columns
        self._small[: links.count, : links.count] += links.resistance.toarray()
        self._small[links.count :, links.count :] -= np.eye(joined.size) / grounding

    @property
    def memory(self) -> int:
        """Return the bytes of the factors, and of the terms of links."""
        return int(self.lu.nnz) * BYTES_PER_FACTOR_ENTRY + 2 * self._terms.nbytes

    def solve(self, rhs: Array) -> Array:
        """Return the temperature rise [K] of each cell, zero in inactive cells; `rhs` [W] has its shape."""
        t = self._solve(rhs)
        t += self._solve(rhs - self.conduction.apply(t))
        return t

    def _solve(self, rhs: Array) -> Array:
        """Return the temperature rise [K] before refinement, zero in inactive cells."""
        t = self.lu.solve(rhs.ravel())
        if self._terms.size:
            t -= self._columns @ np.linalg.solve(self._small, self._terms.T @ t)
        rise: Array = t.reshape(rhs.shape)
        rise[self.is_inactive] = 0.0
        return rise
