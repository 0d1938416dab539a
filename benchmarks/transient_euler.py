"""Implicit Euler against the adaptive scheme at equal error: operator applications for a GPU in bursts.

    python benchmarks/transient_euler.py [--package NAME] [--cells 1e5] [--tolerance 0.1 0.01]
                                         [--periods 1] [--max-steps 10000] [--quick] [--json FILE]

Claim: 20 times fewer operator applications than implicit Euler at the same error.

The GPU makes 560 W for 20 ms of every 100 ms and 100 W in between. The error is the largest of the cells
that make this heat, which bounds that of its highest temperature, at the end of any step, against the scheme
of order 4 at a hundredth of the tightest tolerance (between the times at which that is known by a spline
over the logarithm of the time since a jump). Three ways of implicit Euler are compared: "equal" steps, judged
at the end of each; the same judged only where the power "jumps", which suits it best, because its errors
since the jump before have died out there; and "graded" steps, those that the adaptive scheme has chosen,
each divided alike, as a control of steps would have it that costs nothing and never errs. Steps are halved
until the error is that of the adaptive scheme, and the work at equal error is interpolated between the last
two; where more than `--max-steps` steps would be needed it is extrapolated, and said to be.

What counts as work are operator applications: one in each iteration, one for each residual, and those that
cycles and changes of the operator are worth by their time in the same run. What a stage needs beside them
is in the seconds, of the processor, with one thread. Iterations stop where their error is small beside the
tolerance of the adaptive run. Materials are constant.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from pipeline import cell_for
from scipy.interpolate import CubicSpline
from transient_stage import BURST, QUICK, REST, Unit, at_rest, bursts, counting, drawn, shown

from thermostack import Model, discretize
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.transient.simulation import Simulation

Array = np.ndarray
Piece = tuple[float | None, float]  # length of steps [s], None where the scheme chooses, until a time [s]

CLAIM = 20.0  # times
EULER, ADAPTIVE, REFERENCE = "implicit_euler", "sdirk3", "sdirk4"
TIGHTER = 100.0  # times, the reference's tolerance
KNOTS = 80  # of the reference's spline, between two jumps
SOON = 1e-7  # s after a jump, from which on the knots stand further and further apart
EPSILON = 1e-9  # of a time
FEWEST = 4  # equal steps of a burst, from which they are halved
OF = ("work", "seconds", "steps", "cycles", "applications", "changes")


@dataclass
class ErrorCurve:
    """The temperatures of the GPU's hot cells over time, and what they cost."""

    times: Array  # (n,) s, the ends of steps
    values: Array  # (n, cells) K
    cost: dict[str, float]


class Case:
    """One model under one load, run in several ways."""

    def __init__(self, model: Model, periods: int) -> None:
        self.model, self.start = model, at_rest(model)
        begins = [n * (BURST + REST) for n in range(periods)]
        self.jumps = [jump for begin in begins for jump in (begin + BURST, begin + BURST + REST)]
        self.end = self.jumps[-1]
        self.unit = Unit(assemble_conduction(model))
        names = [part.name for part in model.parts]
        self.hot = model.part == 1 + names.index("gpu.active")

    def run(self, scheme: str, tolerance: float, pieces: Sequence[Piece] = ()) -> ErrorCurve:
        """Return a run, with steps of its own or those given."""
        pieces = pieces or [(None, self.end)]
        times, values, spent = [], [], 0.0
        simulation = Simulation(
            self.model,
            bursts(),
            initial=self.start,
            tolerance=tolerance,
            scheme=scheme,
            step=pieces[0][0],
            threads=1,
        )

        def watch(_: Simulation) -> None:
            nonlocal spent, begun
            spent += time.process_time() - begun
            times.append(simulation.time)
            values.append(simulation.field[self.hot])
            if len(times) % 10 == 1:
                self.unit.time()
            begun = time.process_time()

        with counting() as count:
            begun = time.process_time()
            for length, until in pieces:
                simulation.fixed_step = length
                simulation.advance(until, watch)
        beside = (count.seconds["cycles"] + count.seconds["changes"]) / self.unit.seconds
        steps = simulation.steps + simulation.rejected
        cost = (count.applications + beside, spent, steps, count.cycles, count.applications, count.changes)
        return ErrorCurve(np.array(times), np.array(values), dict(zip(OF, cost, strict=True)))

    def exact(self, tolerance: float) -> Callable[[Array], Array]:
        """Return the temperatures [K] as a function of times [s], nearly exact."""
        pieces, splines = list(pairwise([0.0, *self.jumps])), []
        ends = [low + _since(np.linspace(0.0, 1.0, KNOTS), high - low) for low, high in pieces]
        for end, (_, high) in zip(ends, pieces, strict=True):
            end[-1] = high
        run = self.run(REFERENCE, tolerance, [(None, each) for end in ends for each in end[1:].tolist()])
        met = dict(zip(run.times.tolist(), run.values, strict=True))
        begin = self.start[self.hot]
        for end in ends:
            values = np.array([begin, *(met[each] for each in end[1:].tolist())])
            splines.append(CubicSpline(np.linspace(0.0, 1.0, KNOTS), values))
            begin = values[-1]

        def at(times: Array) -> Array:
            found = []
            for when in times.tolist():
                n = next(n for n, (_, high) in enumerate(pieces) if when <= high * (1.0 + EPSILON))
                low, high = pieces[n]
                found.append(splines[n](_place(when - low, high - low)))
            return np.array(found)

        return at

    def error(self, curve: ErrorCurve, exact: Callable[[Array], Array], *, of_jumps: bool = False) -> float:
        """Return the largest error [K] at the ends of steps, all of them or where the power jumps."""
        chosen = (
            [int(np.abs(curve.times - jump).argmin()) for jump in self.jumps] if of_jumps else slice(None)
        )
        return float(np.abs(curve.values[chosen] - exact(curve.times[chosen])).max())

    def equal(self, parts: int) -> list[Piece]:
        """Return steps of one length, so many of them in a burst."""
        return [(BURST / parts, self.end)]

    def graded(self, curve: ErrorCurve, parts: int) -> list[Piece]:
        """Return the steps of a run, each divided into so many."""
        return [((high - low) / parts, high) for low, high in pairwise([0.0, *curve.times.tolist()])]


def _place(since: float, whole: float) -> float:
    """Return where on the spline's axis, 0 to 1, a time [s] since a jump stands."""
    return float(np.log1p(since / SOON) / np.log1p(whole / SOON))


def _since(place: Array, whole: float) -> Array:
    """Return the times [s] since a jump of places on the spline's axis."""
    times: Array = SOON * np.expm1(place * np.log1p(whole / SOON))
    return times


def halved(
    run: Callable[[int], ErrorCurve],
    error: Callable[[ErrorCurve], float],
    wanted: float,
    maximum: int,
    parts: int,
) -> Iterator[tuple[float, ErrorCurve]]:
    """Yield errors [K] and runs, with ever shorter steps until the error is as wanted."""
    while True:
        curve = run(parts)
        found = error(curve)
        yield found, curve
        if found <= wanted or 2 * curve.cost["steps"] > maximum:
            return
        parts *= 2


def at_error(ladder: list[tuple[float, ErrorCurve]], wanted: float) -> dict[str, Any]:
    """Return the cost at an error [K], by a power law through two runs next to it."""
    n = next((n for n, (error, _) in enumerate(ladder) if error <= wanted), len(ladder) - 1)
    if n == 0:
        return {**ladder[0][1].cost, "error_K": ladder[0][0], "order": None, "is_foreseen": False}
    (error_before, before), (error, curve) = ladder[n - 1], ladder[n]
    share = np.log(error_before / wanted) / np.log(error_before / error)
    cost = {name: before.cost[name] * (curve.cost[name] / before.cost[name]) ** share for name in OF}
    order = np.log(error_before / error) / np.log(curve.cost["steps"] / before.cost["steps"])
    return {**cost, "error_K": wanted, "order": float(order), "is_foreseen": error > wanted}


def measure(case: Case, tolerances: Sequence[float], maximum: int) -> list[dict[str, Any]]:
    """Return what the adaptive scheme and implicit Euler cost at the errors of the adaptive scheme."""
    adaptive = {tolerance: case.run(ADAPTIVE, tolerance) for tolerance in tolerances}
    exact = case.exact(min(tolerances) / TIGHTER)
    results = []
    for tolerance, own in adaptive.items():
        wanted, at_jumps = case.error(own, exact), case.error(own, exact, of_jumps=True)
        results.append({"tolerance_K": tolerance, "way": ADAPTIVE, "error_K": wanted, **own.cost})

        def equal(parts: int, tolerance: float = tolerance) -> ErrorCurve:
            return case.run(EULER, tolerance, case.equal(parts))

        def graded(parts: int, tolerance: float = tolerance, own: ErrorCurve = own) -> ErrorCurve:
            return case.run(EULER, tolerance, case.graded(own, parts))

        def everywhere(curve: ErrorCurve) -> float:
            return case.error(curve, exact)

        def jumps(curve: ErrorCurve) -> float:
            return case.error(curve, exact, of_jumps=True)

        ways = {
            "equal": (equal, everywhere, wanted, FEWEST),
            "jumps": (equal, jumps, at_jumps, FEWEST),
            "graded": (graded, everywhere, wanted, 1),
        }
        for way, (run, error, minimum, parts) in ways.items():
            found = at_error(list(halved(run, error, minimum, maximum, parts)), minimum)
            times = {f"times_{name}": found[name] / own.cost[name] for name in ("work", "seconds")}
            results.append({"tolerance_K": tolerance, "way": way} | found | times)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", default="cowos_s_h100")
    parser.add_argument("--cells", type=float, default=1e5)
    parser.add_argument("--tolerance", type=float, nargs="+", default=[0.1, 0.01], help="K")
    parser.add_argument("--periods", type=int, default=1)
    parser.add_argument("--max-steps", type=int, default=10_000, help="steps of one run")
    parser.add_argument("--quick", action="store_true", help="few cells: does it run?")
    parser.add_argument("--json", type=Path, help="where to save the figures too")
    options = parser.parse_args()
    if options.quick:
        options.cells, options.tolerance, options.max_steps = QUICK, [1.0], 60
    geometry = drawn(options.package, is_constant=True)
    model = discretize(geometry, cell_for(geometry, options.cells))
    results = measure(Case(model, options.periods), options.tolerance, options.max_steps)
    names = list(results[-1])
    for name in names:
        print(f"{name:>14}", *(f"{shown(result.get(name, '')):>11}" for result in results))
    for way in ("equal", "jumps", "graded"):
        minimum = min(result["times_work"] for result in results if result["way"] == way)
        verdict = "held" if minimum >= CLAIM else f"MISSED, {minimum:.3g}"
        print(f"claim of {CLAIM:g} times fewer applications than implicit Euler, {way}: {verdict}")
    if options.json:
        options.json.write_text(json.dumps({"cells": model.grid.cells, "runs": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
