"""Summary of a transient result: a table of energy and steps, and all results as a dictionary for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from thermostack.report.grid_table import cell_counts
from thermostack.report.table_layout import (
    add_files_row,
    fact_table,
    format_celsius,
    format_power,
    format_stage_times,
)
from thermostack.results.history import History, history_of, step_lengths
from thermostack.results.throttling_log import ThrottlingLog
from thermostack.results.transient_result import TransientResult
from thermostack.results.zoom_agreement import agreement_summary
from thermostack.units import format_quantity


def transient_summary(
    transient: TransientResult, seconds: Mapping[str, float], files: Sequence[str]
) -> RenderableType:
    """Return peak, probes, energy, steps, grid, the time of each stage [s], and the written files."""
    table = fact_table()
    hottest = _hottest(transient, _member_names(transient))
    is_above_limit = hottest.limit is not None and hottest.hottest > hottest.limit
    when = format_quantity(hottest.when, "time")
    error = "" if hottest.error is None else f" +- {hottest.error:.2g} K"
    peak = f"{format_celsius(hottest.hottest)} degC{error} in {hottest.name} at {when}"
    table.add_row("peak", Text(peak, style="bold red" if is_above_limit else "bold"))
    for name, values in transient.probes.items():
        start, peak, end = (format_celsius(value) for value in (values[0], values.max(), values[-1]))
        table.add_row(name, Text(f"{start} degC at the start, {peak} at most, {end} at the end"))
    for name, values in _link_heat(transient):
        start, peak, end = (f"{format_power(value)} W" for value in (values[0], values.max(), values[-1]))
        table.add_row(name, Text(f"{start} at the start, {peak} at most, {end} at the end"))
    generated, outflow, stored = (f"{joule:.5g} J" for joule in transient.energy[-1].tolist())
    imbalance = f"relative imbalance {transient.imbalance:.1e}"
    table.add_row("energy", Text(f"{generated} generated, {outflow} outflow, {stored} stored; {imbalance}"))
    table.add_row("steps", Text(_steps(transient)))
    table.add_row("grid", Text(f"{cell_counts(transient.model)}; {len(transient.frame_time)} frames stored"))
    table.add_row("time", format_stage_times(seconds))
    add_files_row(table, files)
    return table


def _steps(transient: TransientResult) -> str:
    """Return number and sizes of the steps, the scheme, its tolerance, and the number of solves."""
    lengths = step_lengths(transient.time)
    shortest, longest = (format_quantity(float(each), "time") for each in (lengths.min(), lengths.max()))
    text = f"{lengths.size}, {shortest} to {longest} long"
    report = transient.report
    if report is None:
        return text
    tolerance = f"error held at {format_quantity(report.tolerance, 'temperature_difference')}"
    fixed = "of fixed size, their error not estimated"
    text += f", {report.scheme}, {tolerance if report.step is None else fixed}"
    rejected = f", {report.rejected} rejected" if report.rejected else ""
    return f"{text}{rejected}; {report.solves} solves, {report.iterations} iterations"


def run_summary(transient: TransientResult) -> dict[str, Any]:
    """Return a transient result as a dictionary in SI units (W, K, J, m, s); null where there is no value.

    Programs read these keys from `thermostack transient --json`: a key is never removed, and its meaning
    never changes; keys may be added. The blocks of floorplans are listed apart from the parts that they
    belong to, so that the powers of the parts add up to the total.
    """
    model, names = transient.model, _member_names(transient)
    solid = {part.name for part in model.parts}
    stacks = [stack.name for stack in model.package.stacks if _has_parts(stack.name, names)]
    hottest = _hottest(transient, names)
    generated, outflow, stored = transient.energy[-1].tolist()
    return {
        "package": model.package.name,
        "duration": float(transient.time[-1] - transient.time[0]),
        "stacks": _by_name(_histories(transient, stacks)),
        "parts": _by_name(_histories(transient, (name for name in names if name in solid))),
        "blocks": _by_name(_histories(transient, (name for name in names if name not in solid))),
        "peak": {
            "part": hottest.name,
            "temperature": hottest.hottest,
            "error": hottest.error,
            "time": hottest.when,
        },
        "probes": {name: _extremes(transient.time, values) for name, values in transient.probes.items()},
        "links": {name: _extremes(transient.time, values) for name, values in _link_heat(transient)},
        "energy": {
            "made": generated,
            "left": outflow,
            "stored": stored,
            "imbalance": transient.imbalance,
        },
        "throttling": [_throttling(each) for each in transient.throttling],
        "frames": len(transient.frame_time),
        "grid": {
            "cells": model.grid.cells,
            "active": model.active,
            "outside": model.outside,
            "shape": list(model.grid.shape),
        },
        "solver": _solver(transient),
        "warnings": list(transient.warnings),
        **({} if (agreement := transient.agreement) is None else {"agreement": agreement_summary(agreement)}),
    }


def _link_heat(transient: TransientResult) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name of each link and its heat flow over time [W], (n,)."""
    for link, values in zip(transient.model.geometry.links, transient.link_heat.T, strict=True):
        yield link.link.name, values


def _member_names(transient: TransientResult) -> list[str]:
    """Return the names of the parts and blocks that have at least one cell."""
    has_cells = np.isfinite(transient.max).all(axis=0)
    return [name for name, has_one in zip(transient.names, has_cells.tolist(), strict=True) if has_one]


def _hottest(transient: TransientResult, names: Iterable[str]) -> History:
    """Return the history with the largest peak; of two parts that share a face, that with power."""
    histories = _histories(transient, names)
    return max(histories, key=lambda history: (round(history.hottest, 2), history.power.any()))


def _has_parts(stack: str, names: Iterable[str]) -> bool:
    return any(name.startswith(f"{stack}.") for name in names)


def _histories(transient: TransientResult, names: Iterable[str]) -> list[History]:
    return [history_of(transient, name) for name in names]


def _by_name(histories: Iterable[History]) -> dict[str, Any]:
    return {history.name: _history_summary(history) for history in histories}


def _history_summary(history: History) -> dict[str, Any]:
    duration = float(history.time[-1] - history.time[0])
    energy = float(history.power[:-1] @ np.diff(history.time))
    return {
        "power": energy / duration,
        **_extremes(history.time, history.peak),
        "error": history.error,
        "limit": history.limit,
        "margin": history.limit - history.hottest if history.limit is not None else None,
        "above": history.above if history.limit is not None else None,
    }


def _extremes(time: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """Return the value [K, W] at the start, the maximum, its time [s], and the value at the end."""
    peak = int(values.argmax())
    return {
        "start": float(values[0]),
        "max": float(values[peak]),
        "time": float(time[peak]),
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
    lengths = step_lengths(transient.time)
    steps = {"shortest_step": float(lengths.min()), "longest_step": float(lengths.max())}
    return {**steps, **({key: getattr(report, key) for key in keys} if report is not None else {})}
