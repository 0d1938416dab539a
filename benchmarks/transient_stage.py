"""Cost of an implicit stage in applications of the operator, over an adaptive run of a GPU in bursts.

    python benchmarks/transient_stage.py [--package NAME] [--cells 1e6] [--tolerance 1 0.1 0.01]
                                         [--periods 2] [--repeat 3] [--quick] [--json FILE]

Claims: under 10 operator applications for a stage solved as well as the error control needs, and under 20
for one solved to a residual of 1e-8 of its heat. (What 1e-8 of the residual of a stage's guess costs is told
too: guesses are good, and that is far below the errors of a step.)

The GPU makes 560 W for 20 ms of every 100 ms and 100 W in between. The cost is the time of all that advances
the temperatures: stages, estimated errors, steps made again, heat balances, and materials taken at new
temperatures; not that of measuring parts, which is told beside it. It is divided by the stages and by the
time of one float64 operator application with stored conductances, taken in turns with the steps. Every run
is repeated, and the minimum time of each step counts; seconds are those of the processor, with one thread.
Once materials depend on temperature, as the package has them, and once they are constant, where the linear
part stands alone. Cycles are V(2,2) in float32; of applications there are one in each iteration and one for
each residual that is computed again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from pipeline import cell_for, with_constant_materials

import thermostack.linear.shifted as shifted
import thermostack.transient.simulation as simulations
from thermostack import Model, Trace, discretize, read_package
from thermostack.finite_volume.conduction import Conduction, assemble_conduction
from thermostack.linear.multigrid import Multigrid, apply_operator
from thermostack.package.geometry import Geometry, build_geometry
from thermostack.transient.simulation import Simulation
from thermostack.transient.stepper import Stepper

Array = np.ndarray

CLAIMS = {"error control": 10.0, "1e-8 of heat": 20.0}  # operator applications
TIGHT = 1e-8  # residual of a stage, of its heat
BURST, REST = 0.02, 0.08  # s
IDLE, BUSY = 100.0, 560.0  # W
QUICK = 2e4  # cells


def bursts() -> Trace:
    """Return the power of a GPU that works and rests in turns, for ever."""
    return Trace.pattern([BURST, REST], {"gpu": [BUSY, IDLE]})


def at_rest(model: Model) -> Array:
    """Return the temperatures [K] of a GPU that has been at rest for long."""
    return Simulation(model, Trace.constant({"gpu": IDLE}), threads=1).field


def drawn(package: str, *, is_constant: bool) -> Geometry:
    """Return a package laid out, with its materials as they are or all constant."""
    geometry = build_geometry(read_package(package))
    return with_constant_materials(geometry) if is_constant else geometry


@dataclass
class Count:
    """Numbers of operations, and their processor time."""

    cycles: int = 0
    applications: int = 0  # of the operator: for the residuals, and in the iterations
    changes: int = 0  # of the operator: other ground, or other conductances
    seconds: dict[str, float] = field(default_factory=dict)

    def heard(self, plain: Callable[..., Any], name: str, what: str) -> Callable[..., Any]:
        """Return a function that does the same and is counted."""
        self.seconds.setdefault(name, 0.0)

        def call(*given: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return plain(*given, **named)
            finally:
                self.seconds[name] += time.process_time() - start
                setattr(self, what, getattr(self, what) + 1)

        return call


@contextmanager
def counting() -> Iterator[Count]:
    """Count what multigrid does in all simulations; iterations are counted by their cycles."""
    count = Count()

    def iteration(*given: Any, **named: Any) -> Any:
        count.applications += 1
        return cycle(*given, **named)

    cycle = count.heard(Multigrid.cycle, "cycles", "cycles")
    residual = count.heard(Multigrid.residual, "residuals", "applications")
    with (
        patch.object(Multigrid, "cycle", iteration),
        patch.object(Multigrid, "residual", residual),
        patch.object(
            Multigrid, "update_diagonal", count.heard(Multigrid.update_diagonal, "changes", "changes")
        ),
        patch.object(
            Multigrid, "update_operator", count.heard(Multigrid.update_operator, "changes", "changes")
        ),
        patch.object(shifted, "apply_operator", count.heard(apply_operator, "rates", "applications")),
    ):
        yield count


class OfHeat(Stepper):
    """Solves every stage to a small residual, relative to its heat."""

    relative_to_guess = False

    def _solve_stage(self, n: int, tolerance: float) -> None:
        stage, rhs = self.stage(n), self._rhs.reshape(self.shape)
        _, report = self.shifted.solve(rhs, stage, TIGHT, relative_to_guess=self.relative_to_guess)
        self.counts.solves += 1
        self.counts.iterations += report.iterations
        self.shifted.balance(rhs, stage)


class OfGuess(OfHeat):
    """Solves every stage to a small residual, relative to that of its guess."""

    relative_to_guess = True


SOLVED = {"error control": Stepper, "1e-8 of heat": OfHeat, "1e-8 of guess": OfGuess}


class Unit:
    """One application of the float64 operator, timed again and again."""

    def __init__(self, conduction: Conduction) -> None:
        faces = (g.astype(np.float64) for g in (conduction.g_x, conduction.g_y, conduction.g_z))
        self.conduction = Conduction(*faces, conduction.boundary)
        self.field, self.out = np.ones(conduction.shape), np.empty(conduction.shape)
        self.seconds = np.inf

    def time(self) -> None:
        start = time.process_time()
        apply_operator(self.conduction, self.field, self.out)
        self.seconds = min(self.seconds, time.process_time() - start)


@dataclass
class Run:
    """One run, in seconds of the processor."""

    steps: list[float]
    measuring: float
    attempts: int
    simulation: Simulation
    count: Count


def run(model: Model, start: Array, unit: Unit, tolerance: float, solved: str, periods: int) -> Run:
    """Return a run from the temperatures of a GPU at rest."""
    steps: list[float] = []
    with patch.object(simulations, "Stepper", SOLVED[solved]):
        simulation = Simulation(model, bursts(), initial=start, tolerance=tolerance, threads=1)

    def watch(_: Simulation) -> None:
        nonlocal begun
        steps.append(time.process_time() - begun)
        unit.time()
        begun = time.process_time()

    with counting() as count:
        begun = time.process_time()
        simulation.advance(periods * (BURST + REST), watch)
    begun = time.process_time()
    simulation.zone_temperatures()
    measuring = time.process_time() - begun
    return Run(steps, measuring, simulation.steps + simulation.rejected, simulation, count)


def measure(model: Model, start: Array, tolerance: float, solved: str, options: Any) -> dict[str, Any]:
    """Return the figures of one tolerance of the run, and one way to stop in its stages."""
    unit = Unit(assemble_conduction(model))
    runs = [run(model, start, unit, tolerance, solved, options.periods) for _ in range(options.repeat)]
    minimum = np.array([each.steps for each in runs]).min(axis=0)
    one, scheme = runs[-1], runs[-1].simulation.scheme
    stages, count = one.attempts * scheme.stages, one.count
    shares = {name: min(each.count.seconds[name] for each in runs) for name in count.seconds}
    return {
        "cells": model.grid.cells,
        "is_constant": model.is_linear,
        "tolerance_K": tolerance,
        "solved_to": solved,
        "steps": one.simulation.steps,
        "rejected": one.simulation.rejected,
        "stages": stages,
        "solves_per_stage": one.simulation.work.solves / stages,
        "cycles_per_stage": count.cycles / stages,
        "applications_per_stage": count.applications / stages,
        "changes_per_step": count.changes / one.attempts,
        "unit_ms": 1e3 * unit.seconds,
        "stage_ms": 1e3 * float(minimum.sum()) / stages,
        "stage_wu": float(minimum.sum()) / stages / unit.seconds,
        **{f"{name}_wu": seconds / stages / unit.seconds for name, seconds in shares.items()},
        "dearest_step_wu": float(minimum.max()) / unit.seconds,
        "measuring_wu": min(each.measuring for each in runs) / unit.seconds,
        "imbalance": one.simulation.energy.imbalance / max(one.simulation.energy.generated, 1e-300),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", default="cowos_s_h100")
    parser.add_argument("--cells", type=float, default=1e6)
    parser.add_argument("--tolerance", type=float, nargs="+", default=[1.0, 0.1, 0.01], help="K")
    parser.add_argument("--solved", choices=list(SOLVED), nargs="+", default=list(SOLVED))
    parser.add_argument("--periods", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few cells: does it run?")
    parser.add_argument("--json", type=Path, help="where to save the figures too")
    options = parser.parse_args()
    if options.quick:
        options.cells, options.repeat, options.tolerance, options.periods = QUICK, 1, [0.1], 1
    results = []
    for is_constant in (True, False):
        geometry = drawn(options.package, is_constant=is_constant)
        model = discretize(geometry, cell_for(geometry, options.cells))
        start = at_rest(model)
        for solved in options.solved:
            middle = options.tolerance[len(options.tolerance) // 2]
            asked = options.tolerance if solved == "error control" else [middle]
            results += [measure(model, start, tolerance, solved, options) for tolerance in asked]
    for name in results[0]:
        print(f"{name:>24}", *(f"{shown(result[name]):>14}" for result in results))
    for solved, claim in CLAIMS.items():
        found = [one["stage_wu"] for one in results if one["solved_to"] == solved]
        if not found:
            continue
        held = "held" if max(found) < claim else f"MISSED, {max(found):.3g}"
        print(f"claim of {claim:g} operator applications for a stage solved to {solved}: {held}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


def shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
