"""The standard problem: a 2.5D package of 38 layers of cells, solved and timed in units of its own operator.

    python benchmarks/standard_problem.py [--cells 0.13 0.46 1.84] [--threads 1] [--repeat 15] [--single]
        [--json FILE]

A work unit (WU) is one application of the float64 operator with stored conductances, timed in the same run
by one thread, in turns with the solver; `alone` it is repeated by itself, with its data in the caches.
`total` is preparation and solution from a zero guess to a true residual of 1e-8.
standard_problem.yaml describes the same package, and results/standard_problem_matrix.json contains norms of
the matrix from another program; tests/linear/test_standard_problem.py compares the operator with both.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from thermostack import discretize, read_package
from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
from thermostack.linear import prepare
from thermostack.linear.multigrid import apply_operator
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model
from thermostack.units import mm

DESCRIPTION = Path(__file__).with_name("standard_problem.yaml")
SIDE = 55 * mm
MOLD, COPPER = (0.8, 0.8, 0.8), (398.0, 398.0, 398.0)
TOP, BOTTOM = 3000.0, 10.0  # W/(m2 K) to an ambient at 0
CELL_SIZES = {
    0.13: 1.0 * mm,
    0.46: 0.5 * mm,
    1.84: 0.25 * mm,
    6.9: 0.13 * mm,
}  # lateral size by million cells

Box = tuple[float, float, float, float]  # x low, x high, y low, y high
Conductivity = tuple[float, float, float]


def centred(x: float, y: float, width: float, height: float) -> Box:
    """Return a box by its centre, measured from that of the package [mm], in metres."""
    cx, cy = SIDE / 2 + x * mm, SIDE / 2 + y * mm
    return cx - width / 2 * mm, cx + width / 2 * mm, cy - height / 2 * mm, cy + height / 2 * mm


INTERPOSER = centred(0, 0, 45, 40)
GPU = centred(0, 0, 26, 30)
MEMORIES = tuple(centred(side * 17.5, row * 12, 8, 11) for side in (-1, 1) for row in (-1, 0, 1))
DIES = (GPU, *MEMORIES)


@dataclass(frozen=True)
class Slice:
    """One layer: its conductivity, and boxes of other conductivities in it."""

    name: str
    thickness: float
    cells: int
    material: Conductivity
    inside: tuple[tuple[tuple[Box, ...], Conductivity], ...] = ()


def slices() -> list[Slice]:
    """Return the layers from the substrate up."""
    silicon = ((GPU,), (130.0, 130.0, 130.0))
    dram, bond = (MEMORIES, (120.0, 120.0, 110.0)), (MEMORIES, (0.5, 0.5, 3.0))
    stack = [
        Slice("substrate", 1.2 * mm, 4, (20.0, 20.0, 0.8)),
        Slice("c4", 0.08 * mm, 1, (0.6, 0.6, 4.0)),
        Slice("interposer", 0.1 * mm, 2, MOLD, (((INTERPOSER,), (120.0, 120.0, 140.0)),)),
        Slice("ubump", 0.03 * mm, 1, MOLD, ((DIES, (0.9, 0.9, 8.0)),)),
    ]
    for die in range(8):
        stack.append(Slice(f"dram{die}", 0.055 * mm, 1, MOLD, (dram, silicon)))
        stack.append(Slice(f"bond{die}", 0.02 * mm, 1, MOLD, (bond, silicon)))
    return [
        *stack,
        Slice("dram8", 0.175 * mm, 2, MOLD, (dram, silicon)),
        Slice("tim", 0.05 * mm, 1, MOLD, ((DIES, (20.0, 20.0, 20.0)),)),
        Slice("lid", 2.0 * mm, 4, COPPER),
        Slice("tim2", 0.1 * mm, 1, (4.0, 4.0, 4.0)),
        Slice("sink", 6.0 * mm, 6, COPPER),
    ]


def powers() -> list[tuple[str, Box, float]]:
    """Return layer, box and power [W] of every source."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        width, height = rng.uniform(1, 4) * mm, rng.uniform(1, 4) * mm
        x, y = rng.uniform(GPU[0], GPU[1] - width), rng.uniform(GPU[2], GPU[3] - height)
        found.append(("dram0", (x, x + width, y, y + height), 10.0))
    found.append(("dram0", GPU, 300.0))
    found += [("dram0", memory, 12.0) for memory in MEMORIES]
    return found + [(f"dram{die}", memory, 2.0) for memory in MEMORIES for die in range(1, 8)]


@dataclass(frozen=True)
class StandardProblem:
    """Input of the solver."""

    conduction: Conduction
    rhs: np.ndarray  # (nz, ny, nx) W
    widths: tuple[np.ndarray, np.ndarray]  # dx, dy, m


def edges(breaks: list[float], cell: float) -> np.ndarray:
    """Return the grid's edges [m]: those given, and equal cells of at most one size between them."""
    fixed = np.unique(np.round(breaks, 9))
    parts = [
        low + (high - low) * np.arange(1, n + 1) / n
        for low, high in pairwise(fixed)
        for n in [max(1, int(np.ceil((high - low) / cell - 1e-9)))]
    ]
    return np.concatenate([fixed[:1], *parts])


def standard_problem(cell: float = 0.5 * mm, refine_z: int = 1) -> StandardProblem:
    """Return the standard problem with lateral cells of one size [m], each layer's cells times `refine_z`."""
    stack = slices()
    layers = [layer for layer in stack for _ in range(layer.cells * refine_z)]
    dz = np.array([layer.thickness / (layer.cells * refine_z) for layer in layers])
    boxes = (INTERPOSER, *DIES)
    x = edges([0.0, SIDE, *(box[n] for box in boxes for n in (0, 1))], cell)
    y = edges([0.0, SIDE, *(box[n] for box in boxes for n in (2, 3))], cell)
    dx, dy = np.diff(x), np.diff(y)

    def cells_in(box: Box) -> tuple[np.ndarray, ...]:
        centre_x, centre_y = (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2
        return np.ix_((centre_y > box[2]) & (centre_y < box[3]), (centre_x > box[0]) & (centre_x < box[1]))

    k = np.empty((3, len(dz), len(dy), len(dx)))
    for axis in range(3):
        for n, layer in enumerate(layers):
            k[axis, n] = layer.material[axis]
            for inside, material in layer.inside:
                for box in inside:
                    k[axis, n][cells_in(box)] = material[axis]
    rhs = np.zeros(k.shape[1:])
    names = [layer.name for layer in layers]
    area = dy[:, None] * dx
    for name, box, power in powers():
        cells = cells_in(box)
        # All of it in the layer's lowest cells, by the area of the box instead of that of its cells.
        rhs[names.index(name)][cells] += power * area[cells] / ((box[1] - box[0]) * (box[3] - box[2]))
    return StandardProblem(_conduction(k, dx, dy, dz), rhs, (dx, dy))


def _conduction(k: np.ndarray, dx: np.ndarray, dy: np.ndarray, dz: np.ndarray) -> Conduction:
    half_x = dx / (2 * k[0])
    half_y = dy[:, None] / (2 * k[1])
    half_z = dz[:, None, None] / (2 * k[2])
    area = dy[:, None] * dx
    boundary = np.zeros(k.shape[1:])
    boundary[-1] += area / (half_z[-1] + 1 / TOP)
    boundary[0] += area / (half_z[0] + 1 / BOTTOM)
    return Conduction(
        dz[:, None, None] * dy[:, None] / (half_x[:, :, 1:] + half_x[:, :, :-1]),
        dz[:, None, None] * dx / (half_y[:, 1:] + half_y[:, :-1]),
        area / (half_z[1:] + half_z[:-1]),
        BoundaryConductance.from_dense(boundary),
    )


def with_model_precision(problem: StandardProblem) -> StandardProblem:
    """Return a problem with face conductances in float32, the precision of a model of a package."""
    c = problem.conduction
    faces = (g.astype(np.float32) for g in (c.g_x, c.g_y, c.g_z))
    return replace(problem, conduction=Conduction(*faces, c.boundary))


def described_model(cell: float = 0.5 * mm) -> Model:
    """Return the package of standard_problem.yaml on the cells of the standard problem."""
    boxes = (INTERPOSER, *DIES)
    x, y = (edges([0.0, SIDE, *(box[n] for box in boxes for n in pair)], cell) for pair in ((0, 1), (2, 3)))
    dz = [layer.thickness / layer.cells for layer in slices() for _ in range(layer.cells)]
    grid = Grid(x, y, np.concatenate([[0.0], np.cumsum(dz)]))
    return discretize(read_package(DESCRIPTION), grid=grid)


def fingerprint(matrix: sp.csr_array, rhs: np.ndarray) -> dict[str, float]:
    """Return counts, sums and norms that identify a matrix and right-hand side."""
    shape = nz, ny, nx = rhs.shape
    k, j, i = np.ogrid[:nz, :ny, :nx]
    smooth = np.cos(np.pi * (i + 0.5) / nx) * np.cos(np.pi * (j + 0.5) / ny) * (k + 1.0) / nz
    rough = np.sin(0.37 * i) + np.cos(0.61 * j) + np.sin(0.83 * k)
    fields = {"smooth": smooth, "rough": np.broadcast_to(rough, shape)}
    found = {
        "nz": nz,
        "ny": ny,
        "nx": nx,
        "entries": matrix.nnz,
        "trace": float(matrix.diagonal().sum()),
        "frobenius": float(np.linalg.norm(matrix.data)),
        "power": float(rhs.sum()),
        "rhs_norm": float(np.linalg.norm(rhs)),
    }
    for name, field in fields.items():
        applied = matrix @ field.ravel()
        found[f"{name}_norm"] = float(np.linalg.norm(applied))
        found[f"{name}_energy"] = float(field.ravel() @ applied)
    return found


def seconds_of(work: Callable[[], object]) -> float:
    """Return the seconds of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def min_seconds(repeat: int, works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the fastest time of each work [s], timed in turns so that all see the same machine load."""
    turns = [{name: seconds_of(work) for name, work in works.items()} for _ in range(repeat)]
    return {name: min(turn[name] for turn in turns) for name in works}


def peak_memory() -> int:
    """Return the maximum bytes this process has used so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(cell: float, threads: int, repeat: int, *, is_single: bool) -> dict[str, float]:
    """Return the results of one size, with conductances in float64 or float32."""
    problem = standard_problem(cell)
    exact, rhs = problem.conduction, problem.rhs
    stored = with_model_precision(problem).conduction if is_single else exact
    out = np.empty_like(rhs)
    before = peak_memory()
    solver = prepare(stored, widths=problem.widths, threads=1)
    _, report = solver.solve(rhs)
    grown = peak_memory() - before
    held_bytes = stored.memory + report.memory + 2 * rhs.nbytes  # conductances, solver, rhs and temperatures
    several = np.stack([rhs, rhs[:, ::-1, ::-1]])
    works = {
        "unit": lambda: apply_operator(exact, rhs, out),
        "prepare": lambda: prepare(stored, widths=problem.widths, threads=1),
        "solve": lambda: solver.solve(rhs),
        "loose": lambda: solver.solve(rhs, tolerance=1e-3),
        "pair": lambda: solver.solve_many(several),
    }
    if threads > 1:
        other = prepare(stored, widths=problem.widths, threads=threads)
        works["threads prepare"] = lambda: prepare(stored, widths=problem.widths, threads=threads)
        works["threads solve"] = lambda: other.solve(rhs)
    fastest = min_seconds(repeat, works)
    alone = min_seconds(3 * repeat, {"unit": works["unit"]})["unit"]
    unit, total = fastest["unit"], fastest["prepare"] + fastest["solve"]
    figures = {
        "cells": rhs.size,
        "iterations": report.iterations,
        "residual": report.residual,
        "levels": report.levels,
        "unit_ms": 1e3 * unit,
        "total_s": total,
        "prepare_wu": fastest["prepare"] / unit,
        "solve_wu": fastest["solve"] / unit,
        "total_wu": total / unit,
        "loose_wu": fastest["loose"] / unit,
        "unit_alone_ms": 1e3 * alone,
        "total_wu_alone": total / alone,
        "pair_per_rhs": fastest["pair"]
        / 2
        / fastest["solve"],  # time per right-hand side over that of a single one
        "solver_bytes_per_cell": report.memory / rhs.size,
        "held_bytes_per_cell": held_bytes / rhs.size,
        "grown_bytes_per_cell": grown / rhs.size,
    }
    if threads > 1:
        figures["threads"] = threads
        figures["solve_speedup"] = fastest["solve"] / fastest["threads solve"]
        figures["total_speedup"] = total / (fastest["threads prepare"] + fastest["threads solve"])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cells", type=float, nargs="+", default=[0.13, 0.46, 1.84], choices=sorted(CELL_SIZES)
    )
    parser.add_argument("--threads", type=int, default=1, help="measured in addition to one thread")
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--single", action="store_true", help="conductances in float32, as in a model")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = [
        measure(CELL_SIZES[size], options.threads, options.repeat, is_single=options.single)
        for size in options.cells
    ]
    for name in results[0]:
        print(f"{name:>22}", *(f"{result[name]:12.4g}" for result in results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
