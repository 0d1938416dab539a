"""Writer of the history of a transient as CSV: values at every step, and powers as a trace."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thermostack.io.files.atomic_file import atomic_file, write_all
from thermostack.io.results.summary import escape_formula

if TYPE_CHECKING:
    from thermostack.mesh.heat_sources import HeatSources
    from thermostack.results.transient_result import TransientResult

_ROWS_PER_WRITE = 1000  # rows in memory as text at the same time
_BYTES_PER_NUMBER = 20  # approximate length of a number as text
ROUNDING = 1e-12  # of the powers of a layer and its blocks: a smaller difference of them is no power
_ENERGIES = ("generated [J]", "outflow [J]", "stored [J]")


def write_history_csv(transient: TransientResult, path: str | Path) -> None:
    """Write a row for every step: time, power and temperatures of parts and blocks, probes, energies.

    The header has the units; numbers have all digits, and unknown values are empty. Raises OutputError if the
    file cannot be written.
    """
    header = ["time [s]"]
    columns = [transient.time]
    for n, name in enumerate(transient.names):
        for quantity, unit, values in (
            ("power", "W", transient.power),
            ("min", "K", transient.min),
            ("mean", "K", transient.mean),
            ("max", "K", transient.max),
        ):
            header.append(f"{name} {quantity} [{unit}]")
            columns.append(values[:, n])
    for name, values in transient.probes.items():
        header.append(f"{name} [K]")
        columns.append(values)
    header += [*_ENERGIES, *(f"{link.link.name} heat [W]" for link in transient.model.geometry.links)]
    _write(path, "", header, [*columns, *transient.energy.T, *transient.link_heat.T])


def write_power_csv(transient: TransientResult, path: str | Path) -> None:
    """Write the powers at every step as a trace of steps, which `read_trace` reads.

    A layer with blocks has a column for each block and one for its map; any other powered layer has one. Heat
    sources without a column have no power. If the power changed in steps, the trace is exactly this power; if
    it changed linearly or with temperature, each value is held until the next. Raises OutputError if the file
    cannot be written.
    """
    columns = _power_columns(transient)
    header = ["time [s]", *(f"{name} [W]" for name in columns)]
    _write(path, "#! kind: steps, after: hold, rest: off\n", header, [transient.time, *columns.values()])


def _power_columns(transient: TransientResult) -> dict[str, np.ndarray]:
    """Return the powers [W] at every step by the names of the columns of a trace, (steps,) each."""
    model = transient.model
    power = dict(zip(transient.names, transient.power.T, strict=True))
    blocks: dict[str, list[str]] = {}  # names by layer
    for block in model.blocks:
        if block.name in power:
            blocks.setdefault(model.parts[block.part].name, []).append(block.name)
    columns = {name: values for name, values in power.items() if name not in blocks and np.any(values)}
    for layer, names in blocks.items():
        rest = power[layer] - sum(power[name] for name in names)
        rest[np.abs(rest) <= ROUNDING * sum(np.abs(power[name]) for name in (layer, *names))] = 0.0
        if np.any(rest):
            columns |= _power_of_others(model.heat_sources, layer, names, rest)
    return columns


def _power_of_others(
    sources: HeatSources, layer: str, names: Sequence[str], power: np.ndarray
) -> dict[str, np.ndarray]:
    """Return a power [W] of a layer divided among its heat sources that are not among the names."""
    layers = [sources.part_names[part] for part in sources.layer_parts]
    of_layer = [n for n, number in enumerate(sources.layer.tolist()) if layers[number] == layer]
    others = [n for n in of_layer if sources.names[n] not in set(names)]
    fractions = sources.power_fractions(layer, np.array(others, dtype=np.intp))
    return {sources.names[n]: power * share for n, share in zip(others, fractions.tolist(), strict=True)}


def _write(path: str | Path, first: str, header: Sequence[str], columns: Sequence[np.ndarray]) -> None:
    count = len(columns[0])
    with atomic_file(path, _BYTES_PER_NUMBER * len(columns) * count) as file:
        write_all(file, (first + _lines([[escape_formula(name) for name in header]])).encode())
        for start in range(0, count, _ROWS_PER_WRITE):
            rows = np.column_stack([column[start : start + _ROWS_PER_WRITE] for column in columns])
            write_all(file, _lines(_cells(rows)).encode())


def _cells(rows: np.ndarray) -> Iterator[list[str]]:
    for row in rows.tolist():
        yield [repr(value) if value == value else "" for value in row]  # NaN is not known


def _lines(rows: Sequence[list[str]] | Iterator[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
