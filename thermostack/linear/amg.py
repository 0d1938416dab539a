"""The last resort: conjugate gradients with an algebraic multigrid, PyAMG's, as preconditioner."""

from __future__ import annotations

from typing import Any

import numpy as np

from thermostack.errors import ResourceError
from thermostack.finite_volume.conduction import Conduction
from thermostack.linear.multigrid import apply_operator, vector_norms
from thermostack.linear.pcg import MARGIN, IterationState, accept_rounding
from thermostack.mesh.memory_estimate import MAX_MEMORY_FRACTION, available_memory

Array = np.ndarray

# The most it took in setting up and solving: 691 bytes a cell on 0.96 million orthotropic ones, 342 to 621 on
# 0.3 million of other kinds.
BYTES_PER_CELL = 1000
STRENGTH = 0.25  # of a row's largest coupling, the least that counts as strong
COARSEST = 100  # cells, solved exactly


class AmgPreconditioner:
    """A V(1,1) cycle of Ruge and Stueben's method on the matrix of the body's cells, in float64.

    Coarse cells are chosen in two passes and interpolation is classical (Ruge and Stueben, Algebraic
    multigrid, 1987). Gauss-Seidel goes forward before and backward after, so that the cycle is symmetric.
    """

    def __init__(self, conduction: Conduction, threads: int = 1) -> None:
        """Set the hierarchy up; ResourceError where it would not fit in memory."""
        self.conduction, self.threads = conduction, threads
        self.active = np.flatnonzero(conduction.is_active)
        asked, there = BYTES_PER_CELL * self.active.size, MAX_MEMORY_FRACTION * available_memory()
        if asked > there:
            raise ResourceError(
                f"algebraic multigrid needs about {asked / 1e9:.2g} GB and {there / 1e9:.2g} GB are there"
            )
        import pyamg

        matrix = conduction.to_csr()
        if self.active.size < matrix.shape[0]:
            matrix = matrix[self.active][:, self.active]
        self.hierarchy: Any = pyamg.ruge_stuben_solver(
            matrix,
            strength=("classical", {"theta": STRENGTH}),
            CF=("RS", {"second_pass": True}),
            presmoother=("gauss_seidel", {"sweep": "forward"}),
            postsmoother=("gauss_seidel", {"sweep": "backward"}),
            max_coarse=COARSEST,
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

    def iterate(
        self, heat: Array, t: Array, tolerance: float, limit: int, *, of_guess: bool = False
    ) -> IterationState:
        """Improve t [K] in place until G t = heat [W] within the tolerance, and return how it went.

        `of_guess` says that the tolerance is relative to the residual of the guess instead of the heat.
        """
        scale, power = vector_norms(heat, self.threads)
        state, rounds = IterationState.initial(power, tolerance), 0
        p, q = np.zeros(heat.shape), np.empty(heat.shape)
        alpha = rz_old = 0.0

        def recompute() -> Array:
            apply_operator(self.conduction, t, q, self.threads)
            left: Array = heat - q
            state.residual, state.imbalance = (
                vector_norms(left, self.threads)[0] / scale,
                abs(float(left.sum())) / power,
            )
            state.update_convergence()
            return left

        if state.is_converged:
            t[...] = 0.0
            return state
        r = recompute()
        state.history.append(state.residual)
        if of_guess:
            state.set_tolerance(tolerance * state.residual)
        target = MARGIN * state.tolerance
        while not state.is_converged:
            if state.iterations >= limit:
                state.reason = f"{limit} iterations were not enough"
                break
            z = self._precondition(r)
            rz = dot(r, z)
            beta = -alpha * dot(q, z) / rz_old if rz_old > 0.0 else 0.0
            p *= beta
            p += z
            apply_operator(self.conduction, p, q, self.threads)
            energy = dot(p, q)
            if not (rz > 0.0 and energy > 0.0):
                state.reason = "the search direction lost its energy"
                break
            alpha, rz_old = rz / energy, rz
            t += alpha * p
            r -= alpha * q
            state.history.append(vector_norms(r, self.threads)[0] / scale)
            if state.history[-1] <= target:
                before = state.residual
                r = recompute()
                if not state.is_converged:
                    accept_rounding(state, self.conduction, heat, t, state.tolerance)
                    rounds, rz_old = rounds + 1, 0.0
                    if not state.is_converged and rounds > 3 and state.residual > 0.5 * before:
                        state.reason = "the true residual no longer follows the iteration"
                        break
                    target *= 0.1 if state.residual <= state.tolerance else 1.0
        state.reason = state.reason or "residual and heat balance within the tolerance"
        return state

    def _precondition(self, r: Array) -> Array:
        z = np.zeros(r.shape)
        z.ravel()[self.active] = self.cycle @ r.ravel()[self.active]
        return z


def dot(a: Array, b: Array) -> float:
    """Return the sum of products, without the threads a linear-algebra library would start."""
    return float(np.einsum("kji,kji->", a, b))
