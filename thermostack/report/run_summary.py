"""A run in short: a table of its energy and its steps, and all of it as plain data for other programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.tables import ZERO, cells_of, stage_times
from thermostack.results.history import History, history_of, step_lengths
from thermostack.results.throttling_log import ThrottlingLog
from thermostack.results.transient_result import TransientResult
from thermostack.units import format_quantity


def run_table(
    transient: TransientResult, seconds: Mapping[str, float], files: Sequence[str]
) -> RenderableType:
    """Return the peak, the probes, the energy, the steps, the grid, the time of each stage and the files."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    hottest = _hottest(transient, _members(transient))
    is_above = hottest.limit is not None and hottest.hottest > hottest.limit
    peak = f"{hottest.hottest - ZERO:.2f} degC in {hottest.name} at {format_quantity(hottest.when, 'time')}"
    table.add_row("peak", Text(peak, style="bold red" if is_above else "bold"))
    for name, values in transient.probes.items():
        text = f"{values[0] - ZERO:.2f} degC at the start, {values.max() - ZERO:.2f} at most"
        table.add_row(name, Text(f"{text}, {values[-1] - ZERO:.2f} at the end"))
    made, left, stored = (f"{joule:.5g} J" for joule in transient.energy[-1].tolist())
    energy = f"{made} made, {left} let out, {stored} stored; missing {transient.imbalance:.1e} of it"
    table.add_row("energy", Text(energy))
    table.add_row("steps", Text(_steps(transient)))
    grid = cells_of(transient.model)
    table.add_row("grid", Text(f"{grid}; {len(transient.frame_time)} frames kept"))
    table.add_row("time", stage_times(seconds))
    if files:
        table.add_row("written", Text(", ".join(files)))
    return table


def _steps(transient: TransientResult) -> str:
    lengths = step_lengths(transient.time)
    shortest, longest = (format_quantity(float(each), "time") for each in (lengths.min(), lengths.max()))
    text = f"{lengths.size}, {shortest} to {longest} long"
    report = transient.report
    if report is None:
        return text
    held = f"error held at {format_quantity(report.tolerance, 'temperature_difference')}"
    text += f", {report.scheme}, {held if report.step is None else 'of one length, their error not known'}"
    again = f", {report.rejected} made again" if report.rejected else ""
    return f"{text}{again}; {report.solves} solves, {report.iterations} iterations"


def run_summary(transient: TransientResult) -> dict[str, Any]:
    """Return a run as plain data in SI units: W, K, J, m, s; null where there is nothing to say.

    The keys are a contract with those who read the JSON of `thermostack transient --json`: none is removed
    or changes its meaning; new ones may come. Blocks of floorplans, which are pieces of parts, stand apart
    from the parts, so that the powers of the parts add up.
    """
    model, names = transient.model, _members(transient)
    solid = {part.name for part in model.parts}
    stacks = [stack.name for stack in model.package.stacks if _has_parts(stack.name, names)]
    hottest = _hottest(transient, names)
    made, left, stored = transient.energy[-1].tolist()
    return {
        "package": model.package.name,
        "duration": float(transient.time[-1] - transient.time[0]),
        "stacks": _by_name(_curves(transient, stacks)),
        "parts": _by_name(_curves(transient, (name for name in names if name in solid))),
        "blocks": _by_name(_curves(transient, (name for name in names if name not in solid))),
        "peak": {"part": hottest.name, "temperature": hottest.hottest, "time": hottest.when},
        "probes": {name: _extremes(transient.time, values) for name, values in transient.probes.items()},
        "energy": {"made": made, "left": left, "stored": stored, "imbalance": transient.imbalance},
        "throttling": [_throttling(each) for each in transient.throttling],
        "frames": len(transient.frame_time),
        "grid": {"cells": model.grid.cells, "active": model.active, "shape": list(model.grid.shape)},
        "solver": _solver(transient),
        "warnings": list(transient.warnings),
    }


def _members(transient: TransientResult) -> list[str]:
    """Return the names of the parts and blocks that have a cell of their own."""
    known = np.isfinite(transient.max).all(axis=0)
    return [name for name, is_known in zip(transient.names, known.tolist(), strict=True) if is_known]


def _hottest(transient: TransientResult, names: Iterable[str]) -> History:
    """Return the curve that comes highest; of two that share a face, the one that heats."""
    curves = _curves(transient, names)
    return max(curves, key=lambda curve: (round(curve.hottest, 2), curve.power.any()))


def _has_parts(stack: str, names: Iterable[str]) -> bool:
    return any(name.startswith(f"{stack}.") for name in names)


def _curves(transient: TransientResult, names: Iterable[str]) -> list[History]:
    return [history_of(transient, name) for name in names]


def _by_name(curves: Iterable[History]) -> dict[str, Any]:
    return {curve.name: _curve(curve) for curve in curves}


def _curve(curve: History) -> dict[str, Any]:
    duration = float(curve.time[-1] - curve.time[0])
    energy = float(curve.power[:-1] @ np.diff(curve.time))
    has_limit = curve.limit is not None
    return {
        "power": energy / duration,
        **_extremes(curve.time, curve.peak),
        "limit": curve.limit,
        "margin": curve.limit - curve.hottest if curve.limit is not None else None,
        "above": curve.above if has_limit else None,
    }


def _extremes(time: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """Return temperatures [K] at the start, at most, when that was [s], and at the end."""
    highest = int(values.argmax())
    return {
        "start": float(values[0]),
        "max": float(values[highest]),
        "time": float(time[highest]),
        "end": float(values[-1]),
    }


def _throttling(each: ThrottlingLog) -> dict[str, Any]:
    return {
        "name": each.name,
        "stacks": list(each.stacks),
        "first": each.first,
        "throttled": each.throttled,
        "changes": each.changes,
        "performance_lost": each.performance_lost,
        "seconds": each.seconds,
    }


def _solver(transient: TransientResult) -> dict[str, Any]:
    report = transient.report
    keys = ("scheme", "tolerance", "step", "steps", "rejected", "solves", "iterations")
    return {key: getattr(report, key) for key in keys} if report is not None else {}
