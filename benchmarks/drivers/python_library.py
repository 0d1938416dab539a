"""Driver of the libraries called from Python and of thermostack, with the interface of the C++ drivers.

python python_library.py PROBLEM ANSWERS REPEAT TOLERANCE[,TOLERANCE...] library=NAME [KEY=VALUE ...]

problem.hpp describes input and output. Set-up and solution are timed, the transfer of the matrix is not.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from thermostack.finite_volume.conduction import BoundaryConductance, Conduction

MAX_TOTAL_SECONDS = 60.0  # s
TIMING_REPEATS = 7  # of short operations

Array = np.ndarray
Widths = tuple[Array, Array]
Settings = dict[str, str]
Solve = Callable[[float], tuple[Array, int]]  # from a tolerance to the answer and its iterations
SetUp = Callable[[], Solve]


def read_problem(path: str) -> tuple[Conduction, Array, Widths]:
    """Return the operator, the rhs [W] and the widths [m] of the cells in a file."""
    with Path(path).open("rb") as file:
        nz, ny, nx = np.fromfile(file, np.int64, 3).tolist()

        def field(*shape: int) -> Array:
            return np.fromfile(file, np.float64, int(np.prod(shape))).reshape(shape)

        faces = field(nz, ny, nx - 1), field(nz, ny - 1, nx), field(nz - 1, ny, nx)
        boundary, rhs = BoundaryConductance.from_dense(field(nz, ny, nx)), field(nz, ny, nx)
        return Conduction(*faces, boundary), rhs, (field(nx), field(ny))


def write_problem(path: Path, conduction: Conduction, rhs: Array, widths: Widths) -> None:
    """Write what `read_problem` and problem.hpp read."""
    c = conduction
    with path.open("wb") as file:
        np.array(c.shape, dtype=np.int64).tofile(file)
        for values in (c.g_x, c.g_y, c.g_z, c.boundary.dense, rhs, *widths):
            np.ascontiguousarray(values, dtype=np.float64).tofile(file)


def rows_of(conduction: Conduction) -> Any:
    """Return the operator in compressed rows with 32-bit indices, the input of the libraries."""
    matrix = sp.csr_matrix(conduction.to_csr())
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    matrix.sort_indices()
    return matrix


def bytes_held(row: str) -> int:
    """Return the maximum memory so far ("VmHWM") or the present memory ("VmRSS") [bytes]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(row))


# -- the libraries ---------------------------------------------------------------------------------


def thermostack(conduction: Conduction, rhs: Array, widths: Widths, settings: Settings) -> SetUp:
    """Return the set-up of the column multigrid; `precision=single` keeps the conductances in float32."""
    from thermostack.linear import prepare

    stored = conduction
    if settings.get("precision") == "single":
        faces = (g.astype(np.float32) for g in (conduction.g_x, conduction.g_y, conduction.g_z))
        stored = Conduction(*faces, conduction.boundary)

    def set_up() -> Solve:
        solver = prepare(stored, widths=widths, threads=1)

        def solve(tolerance: float) -> tuple[Array, int]:
            t, report = solver.solve(rhs, tolerance=tolerance)
            return t, report.iterations

        return solve

    return set_up


def pyamg(conduction: Conduction, rhs: Array, _: Widths, settings: Settings) -> SetUp:
    """Return the set-up of PyAMG as preconditioner of its conjugate gradients."""
    import pyamg as library

    matrix, right = rows_of(conduction), rhs.ravel()
    theta, kind = float(settings.get("theta", 0.25)), settings["kind"]
    smoothers = {
        "presmoother": ("gauss_seidel", {"sweep": "forward"}),
        "postsmoother": ("gauss_seidel", {"sweep": "backward"}),
    }

    def hierarchy() -> Any:
        if kind == "pairwise":
            options = {"theta": theta, "norm": "min", "matchings": int(settings.get("matchings", 2))}
            return library.pairwise_solver(matrix, aggregate=("pairwise", options), **smoothers)
        if kind == "classical":
            strength = ("classical", {"theta": theta})
            return library.ruge_stuben_solver(matrix, strength=strength, CF=settings["CF"], **smoothers)
        return library.smoothed_aggregation_solver(
            matrix,
            strength=("symmetric", {"theta": theta}),
            symmetry="symmetric",
            improve_candidates=None,
            **smoothers,
        )

    def set_up() -> Solve:
        built = hierarchy()

        def solve(tolerance: float) -> tuple[Array, int]:
            history: list[float] = []
            cycle = settings.get("cycle", "V")
            t = built.solve(right, tol=tolerance, maxiter=500, accel="cg", cycle=cycle, residuals=history)
            return t, len(history) - 1

        return solve

    return set_up


def pardiso(conduction: Conduction, rhs: Array, _: Widths, settings: Settings) -> SetUp:
    """Return the set-up of MKL PARDISO's Cholesky factors."""
    from pypardiso import PyPardisoSolver

    matrix, right = sp.csr_matrix(sp.triu(rows_of(conduction), format="csr")), rhs.ravel()
    matrix.sort_indices()

    def set_up() -> Solve:
        solver = PyPardisoSolver(mtype=2)  # symmetric and positive definite
        solver.set_iparm(1, 1)
        solver.set_iparm(2, int(settings.get("ordering", 2)))  # 2: METIS
        solver.factorize(matrix)

        def solve(_: float) -> tuple[Array, int]:
            return solver.solve(matrix, right), 0

        # Its factors are not in Python's memory; they are freed before the next ones are computed.
        PARDISO_SOLVERS.append(solver)
        return solve

    return set_up


PARDISO_SOLVERS: list[Any] = []  # whose factors are still allocated


def cholmod(conduction: Conduction, rhs: Array, _: Widths, settings: Settings) -> SetUp:
    """Return the set-up of CHOLMOD's supernodal factors."""
    from sksparse.cholmod import cholesky

    matrix, right = sp.csc_matrix(rows_of(conduction)), rhs.ravel()

    def set_up() -> Solve:
        factors = cholesky(matrix, mode="supernodal", ordering_method=settings.get("ordering", "nesdis"))
        return lambda _: (factors(right), 0)

    return set_up


def superlu(conduction: Conduction, rhs: Array, _: Widths, settings: Settings) -> SetUp:
    """Return the set-up of SuperLU in symmetric mode."""
    from scipy.sparse.linalg import splu

    matrix, right = sp.csc_matrix(rows_of(conduction)), rhs.ravel()
    ordering = settings.get("ordering", "MMD_AT_PLUS_A")
    options = {"SymmetricMode": ordering == "MMD_AT_PLUS_A"}

    def set_up() -> Solve:
        factors = splu(matrix, permc_spec=ordering, diag_pivot_thresh=0.0, options=options)
        return lambda _: (factors.solve(right), 0)

    return set_up


LIBRARIES = {f.__name__: f for f in (thermostack, pyamg, pardiso, cholmod, superlu)}


# -- the runs --------------------------------------------------------------------------------------


def min_seconds(work: Callable[[], object]) -> float:
    """Return the minimum time of a short operation [s]."""

    def once() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return min(once() for _ in range(TIMING_REPEATS))


def units(conduction: Conduction, rhs: Array, widths: Widths) -> dict[str, float]:
    """Return the times of a work unit and of a cycle [s], and the cells of all grids."""
    from thermostack.linear.multigrid import Multigrid, apply_operator

    out = np.empty_like(rhs)
    unit = min_seconds(lambda: apply_operator(conduction, rhs, out))
    multigrid = Multigrid(conduction, widths)
    multigrid.set_rhs(0, rhs, 1.0 / float(np.abs(rhs).max()))
    cycle = min_seconds(multigrid.cycle)
    cells = sum(level.nz * level.ny * level.nx for level in multigrid.levels)
    return {"unit_s": unit, "cycle_s": cycle, "cells_of_levels": cells}


def run(set_up: SetUp, tolerances: list[float]) -> tuple[dict[str, Any], list[Array]]:
    """Return the times of one set-up and of each solution [s], and the solutions."""
    start = time.perf_counter()
    solve = set_up()
    found: dict[str, Any] = {"setup_s": time.perf_counter() - start, "solve_s": [], "iterations": []}
    fields = []
    for tolerance in tolerances:
        start = time.perf_counter()
        t, iterations = solve(tolerance)
        found["solve_s"].append(time.perf_counter() - start)
        found["iterations"].append(iterations)
        fields.append(t)
    while PARDISO_SOLVERS:
        PARDISO_SOLVERS.pop().free_memory(everything=True)
    return found, fields


def runs(set_up: SetUp, tolerances: list[float], repeat: int) -> Iterator[tuple[dict[str, Any], list[Array]]]:
    """Yield the runs, until the time limit."""
    spent = 0.0
    for _ in range(repeat):
        if spent >= MAX_TOTAL_SECONDS:
            return
        found, fields = run(set_up, tolerances)
        gc.collect()
        spent += found["setup_s"] + sum(found["solve_s"])
        yield found, fields


def main() -> None:
    problem, answers, repeat, tolerances, *words = sys.argv[1:]
    settings = dict(word.split("=", 1) for word in words)
    conduction, rhs, widths = read_problem(problem)
    set_up = LIBRARIES[settings["library"]](conduction, rhs, widths, settings)
    Path("/proc/self/clear_refs").write_text("5")  # resets the maximum memory
    before = bytes_held("VmRSS")
    wanted = [float(tolerance) for tolerance in tolerances.split(",")]
    fields: list[Array] = []
    for found, fields in runs(set_up, wanted, int(repeat)):  # noqa: B007
        found["bytes"] = bytes_held("VmHWM") - before
        print(json.dumps(found), flush=True)
    with Path(answers).open("wb") as file:
        for field in fields:
            np.ascontiguousarray(field, dtype=np.float64).tofile(file)
    if settings["library"] == "thermostack":
        print(json.dumps(units(conduction, rhs, widths)), flush=True)
    sys.stdout.flush()
    os._exit(0)  # skip the clean-up of a library's threads and factors


if __name__ == "__main__":
    main()
