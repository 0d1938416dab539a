"""Random packages with a box, whose local results are compared with those of much finer global grids."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

import thermostack as ts

MM = 1e-3
CELL = (0.5 * MM, 0.5 * MM, 0.15 * MM)  # of the global model
REFERENCE = 4.0  # finer cells of the reference in plan
REFERENCE_Z = 3.0


@dataclass(frozen=True)
class ZoomCase:
    """A package, a box of it, and the boundary and the cell size of its local model."""

    package: ts.Package
    box: tuple[tuple[float, float, float], tuple[float, float, float]]
    boundary: str
    cell: tuple[float, float, float]


def random_zoom(seed: int) -> ZoomCase:
    """Return a die on a board with one to three blocks, and a box that may cut the die and its blocks."""
    rng = np.random.default_rng(seed)
    conductivity = 10.0 ** rng.uniform([-0.3, 1.3, 0.0], [1.0, 2.5, 2.5])
    board, die, lid = (
        ts.Material(name, float(value), density=2000.0, specific_heat=800.0, source="random")
        for name, value in zip(("board", "die", "lid"), conductivity, strict=True)
    )
    blocks = []
    for n in rng.permutation(4)[: rng.integers(1, 4)].tolist():  # each in a quarter of the die
        corner = rng.uniform(0.1, 0.6, 2) + 1.5 * np.array([n % 2, n // 2])
        size = rng.uniform(0.3, 0.8, 2)
        blocks.append(ts.Block(f"b{n}", tuple(corner * MM), tuple(size * MM), rng.uniform(0.2, 2.0)))
    layers = (
        ts.Layer("active", rng.uniform(0.02, 0.1) * MM, "die", power=ts.Power(blocks=tuple(blocks))),
        ts.Layer("bulk", rng.uniform(0.2, 0.5) * MM, "lid"),
    )
    base = ts.Stack("base", (6 * MM, 6 * MM), (ts.Layer("core", rng.uniform(0.4, 1.0) * MM, "board"),))
    chip = ts.Stack("chip", (3 * MM, 3 * MM), layers, on=("base",), position=(1.5 * MM, 1.5 * MM))
    cooling = ts.Cooling(
        top=ts.Convection(float(10.0 ** rng.uniform(3.0, 4.3)), 300.0),
        bottom=ts.Convection(float(10.0 ** rng.uniform(1.0, 3.0)), 310.0),
    )
    package = ts.Package(f"zoom{seed}", (base, chip), cooling, materials=(board, die, lid))
    low = np.append(rng.uniform(1.2, 2.8, 2), rng.uniform(0.0, 0.5))
    high = np.append(low[:2] + rng.uniform(0.8, 2.4, 2), rng.uniform(1.0, 2.0))
    corners = tuple((low * MM).tolist()), tuple((high * MM).tolist())
    factor = float(rng.choice([2.0, 4.0]))
    cell = CELL[0] / factor, CELL[1] / factor, CELL[2] / 2.0
    boundary = str(rng.choice(["temperature", "flux"]))
    if rng.random() < 0.3:  # a conductivity that depends on temperature
        layers = layers[0], replace(layers[1], material="silicon")
    if rng.random() < 0.3:
        resistance = ts.Interface(bottom=float(10.0 ** rng.uniform(-6.0, -4.5)))
        layers = replace(layers[0], interface=resistance), layers[1]
    package = replace(package, stacks=(base, replace(chip, layers=layers)))
    return ZoomCase(package, corners, boundary, cell)


def measure_zoom(case: ZoomCase) -> np.ndarray:
    """Return rows of true error, estimated error and doubt of the reference [K] of maxima and means."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parent = ts.solve_steady(ts.discretize(case.package, cell=CELL))
        local = parent.zoom(case.box, cell=case.cell, boundary=case.boundary)
        fine = CELL[0] / REFERENCE / 2.0, CELL[1] / REFERENCE / 2.0, CELL[2] / REFERENCE_Z
        whole = ts.solve_steady(ts.discretize(case.package, cell=fine))
        exact = whole.zoom(case.box, cell=fine)
    rows = []
    for part in local.parts:
        true = exact.of(part.name)
        for value, error, plain, better in (
            (part.max, part.error, true.max, true.extrapolated),
            (part.mean, part.mean_error, true.mean, true.extrapolated_mean),
        ):
            reference = plain if better is None else better
            rows.append((abs(value - reference), error, abs(reference - plain)))
    return np.array(rows)
