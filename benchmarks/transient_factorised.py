"""Steps of fixed length, by multigrid and by a matrix that was factorised before: time per step of both.

    python benchmarks/transient_factorised.py [--package NAME] [--cells 1e5] [--scheme sdirk3]
                                              [--step 1e-5 1e-4 1e-3 1e-2 0.1 1] [--count 30] [--repeat 2]
                                              [--quick] [--json FILE]

Claim: 10 times faster per step than the triangular solutions of SuperLU at 1e5 cells, with no factorisation
to wait for.

A GPU goes to and fro between 100 W and 560 W, five steps each, so that nothing comes to rest. Both sides take
the same steps with the same scheme; SuperLU solves each stage once, without refinement, all with one matrix
whose factors it keeps. It orders by minimum degree and does not pivot, which suits a symmetric positive
definite matrix best. Multigrid stops where its error is small beside the tolerance (0.1 K) of the simulation;
how far apart the temperatures of the two end up is told. Materials are constant. Of each step the least
seconds of repeated runs count, of the processor, with one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from pipeline import cell_for, process_memory
from transient_stage import BUSY, IDLE, QUICK, at_rest, drawn, shown

from thermostack import Model, Trace, discretize
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.finite_volume.heat_capacity import assemble_capacity
from thermostack.linear.direct import LuFactorization
from thermostack.linear.shifted import ShiftedOperator
from thermostack.transient.loads import Loads
from thermostack.transient.runge_kutta import SCHEMES, RungeKuttaScheme
from thermostack.transient.simulation import Simulation

Array = np.ndarray

CLAIM = 10.0  # times faster per step
IN_A_ROW = 5  # steps between two jumps of the power


def to_and_fro(step: float) -> Trace:
    """Return the power of the GPU for steps of one length [s]."""
    return Trace.duty_cycle("gpu", BUSY, 2 * IN_A_ROW * step, 0.5, low=IDLE)


class Factorised:
    """The steps with each stage solved by triangular factors."""

    def __init__(self, model: Model, scheme: RungeKuttaScheme, step: float) -> None:
        """Factorise the one matrix of the stages."""
        self.model, self.scheme, self.length = model, scheme, step
        conduction, capacity = assemble_conduction(model), assemble_capacity(model)
        shift = 1.0 / (scheme.gamma * step)
        operator = ShiftedOperator(conduction, capacity, threads=1).update_shift(shift).operator
        before, begun = process_memory("VmRSS"), time.process_time()
        self.factors = LuFactorization(operator)
        self.seconds, self.memory = time.process_time() - begun, process_memory("VmRSS") - before
        self.stored = shift * capacity.ravel()
        surfaces = model.boundary
        self.brought = np.zeros(model.grid.cells)
        given = conduction.boundary_face_conductance * surfaces.temperature + surfaces.flux * surfaces.area
        np.add.at(self.brought, surfaces.cell, given)
        self.loads = Loads(model, to_and_fro(step))
        self.field = np.zeros(0)

    def steps(self, start: Array) -> Iterator[float]:
        """Yield the seconds of one step after the other, from temperatures [K] on."""
        self.field = np.where(self.model.part > 0, start, 0.0).ravel()
        count = 0
        while True:
            begun = time.process_time()
            self._step(self.loads.cell_powers((count + 0.5) * self.length))
            count += 1
            yield time.process_time() - begun

    def _step(self, powers: Array) -> None:
        increases: list[Array] = []
        for weights in self.scheme.w:
            heat = self.field.copy()
            for weight, rise in zip(weights, increases, strict=False):
                heat += weight * rise
            heat *= self.stored
            heat += self.brought
            heat[self.loads.cell] += powers
            increases.append(self.factors.lu.solve(heat) - self.field)
        self.field += increases[-1]


def iterated(simulation: Simulation, count: int) -> list[float]:
    """Return the seconds of so many steps of a simulation."""
    seconds: list[float] = []

    def watch(_: Simulation) -> None:
        nonlocal begun
        seconds.append(time.process_time() - begun)
        begun = time.process_time()

    begun = time.process_time()
    simulation.advance(count * simulation.fixed_step, watch)
    return seconds


def measure(model: Model, start: Array, step: float, options: Any) -> dict[str, Any]:
    """Return the figures of one length of steps [s]."""
    ours, theirs = [], []
    factorised = Factorised(model, SCHEMES[options.scheme], step)
    for _ in range(options.repeat):
        simulation = Simulation(
            model, to_and_fro(step), initial=start, scheme=options.scheme, step=step, threads=1
        )
        ours.append(iterated(simulation, options.count))
        theirs.append(list(islice(factorised.steps(start), options.count)))
    own, other = (float(np.min(turns, axis=0).mean()) for turns in (ours, theirs))
    body = model.part > 0
    apart = simulation.field - factorised.field.reshape(body.shape)
    return {
        "cells": model.grid.cells,
        "scheme": options.scheme,
        "step_s": step,
        "steps": simulation.steps,
        "iterations_per_stage": simulation.work.iterations / simulation.steps / simulation.scheme.stages,
        "multigrid_ms": 1e3 * own,
        "factorised_ms": 1e3 * other,
        "times_faster": other / own,
        "factorisation_s": factorised.seconds,
        "steps_while_it_waits": factorised.seconds / own,
        "factors_bytes_per_cell": factorised.factors.memory / model.grid.cells,
        "factors_held_bytes_per_cell": factorised.memory / model.grid.cells,
        "multigrid_bytes_per_cell": simulation._shifted.memory / model.grid.cells,
        "apart_K": float(np.abs(apart[body]).max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", default="cowos_s_h100")
    parser.add_argument("--cells", type=float, default=1e5)
    parser.add_argument("--scheme", choices=sorted(SCHEMES), default="sdirk3")
    parser.add_argument("--step", type=float, nargs="+", default=[1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0], help="s")
    parser.add_argument("--count", type=int, default=30, help="steps")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="few cells: does it run?")
    parser.add_argument("--json", type=Path, help="where to save the figures too")
    options = parser.parse_args()
    if options.quick:
        options.cells, options.repeat, options.step, options.count = QUICK, 1, [1e-3], 6
    geometry = drawn(options.package, is_constant=True)
    model = discretize(geometry, cell_for(geometry, options.cells))
    start = at_rest(model)
    results = [measure(model, start, step, options) for step in options.step]
    for name in results[0]:
        print(f"{name:>28}", *(f"{shown(result[name]):>10}" for result in results))
    minimum = min(result["times_faster"] for result in results)
    verdict = "held" if minimum >= CLAIM else f"MISSED, {minimum:.3g}"
    print(f"claim of {CLAIM:g} times faster than triangular solutions, at every length of steps: {verdict}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
