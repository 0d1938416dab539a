"""Tables of a thermal impedance: temperature rise at every decade of time, and a summary of the networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.io.results.impedance_files import RISE_SHARES
from thermostack.report.table_layout import add_number_column, fact_table, format_stage_times, header_table
from thermostack.units import format_quantity, format_share

if TYPE_CHECKING:
    from thermostack.results.impedance_result import ThermalImpedance

TIME_WIDTH, MIN_TIME_WIDTH, MIN_OUTPUT_WIDTH = 12, 8, 13  # characters of the columns of a table
STEADY_TIMES = 1e6  # last times after which every rise is steady
ERROR_WIDTH = 12  # characters of the column of the discretisation error
MAX_LISTED_TERMS = 4  # of the Foster network, the largest


def impedance_table(impedance: ThermalImpedance, width: int) -> RenderableType:
    """Return the table of rises per watt [K/W] with a footnote on outputs that do not fit in the width.

    `width` is the number of characters of a line.
    """
    columns = (max(MIN_OUTPUT_WIDTH, len(name) + 2) for name in _output_names(impedance))
    left = width - TIME_WIDTH - (ERROR_WIDTH if impedance.grid_error is not None else 0)
    shown = sum(total <= left for total in accumulate(columns))
    table = rise_table(impedance, shown)
    hidden = len(impedance.networks) - shown
    return Group(table, Text(f"and {hidden} more outputs in the files", style="dim")) if hidden else table


def _output_names(impedance: ThermalImpedance) -> list[str]:
    """Return the names of the outputs: the source, its peak, then the others."""
    peak = f"{impedance.source} peak"
    own = [impedance.source, peak]
    return [*own, *(name for name in impedance.networks if name not in own)]


def rise_table(impedance: ThermalImpedance, shown: int | None = None) -> Table:
    """Return the rise per watt [K/W] of the first outputs at every decade of time and at steady state."""
    names = _output_names(impedance)[:shown]
    table = header_table()
    table.add_column("time", no_wrap=True, min_width=MIN_TIME_WIDTH)
    for name in names:
        add_number_column(table, name, "K/W")
    if has_errors := impedance.grid_error is not None:
        add_number_column(table, "grid error", impedance.source)
    for time in decades(impedance.time):
        error = impedance.error * float(impedance.rise(time))
        rise_values = [float(impedance.rise(time, name)) for name in names]
        cells = [f"{rise:.4g}" if rise > error else "0" for rise in rise_values]
        table.add_row(format_quantity(time, "time"), *cells, *[_grid_error(impedance, time)][:has_errors])
    totals = [f"{impedance.networks[name].total:.4g}" for name in names]
    last = STEADY_TIMES * float(impedance.time[-1])
    table.add_row("steady", *totals, *[_grid_error(impedance, last)][:has_errors], style="bold")
    return table


def _grid_error(impedance: ThermalImpedance, time: float) -> str:
    """Return the estimated discretisation error of the source at a time [s], in per cent of its rise."""
    return format_share(float(impedance.error_of_rise(time) / impedance.rise(time)))


def decades(time: np.ndarray) -> list[float]:
    """Return the first time [s], the powers of ten between it and the last time, and the last time.

    >>> decades(np.array([2e-3, 0.5]))
    [0.002, 0.01, 0.1, 0.5]
    """
    first, last = float(time[0]), float(time[-1])
    low, high = np.ceil(np.log10(first) - 1e-9), np.floor(np.log10(last) + 1e-9)
    powers = [float(f"1e{n}") for n in range(int(low), int(high) + 1)]
    inner = [power for power in powers if first * (1 + 1e-9) < power < last * (1 - 1e-9)]
    return [first, *inner, last] if last > first else [first]


def networks_table(
    impedance: ThermalImpedance, seconds: Mapping[str, float], files: Sequence[str]
) -> RenderableType:
    """Return the table of resistances, terms of the network, error, wall-clock times [s] and files."""
    table = fact_table()
    x, y, z = (format_quantity(coordinate, "length") for coordinate in impedance.peak_at)
    peak = impedance.networks[f"{impedance.source} peak"].total
    theta = f"{impedance.theta:.5g} K/W from {impedance.source} to the ambient"
    table.add_row("resistance", Text(theta, style="bold"))
    table.add_row("peak", Text(f"{peak:.5g} K/W in the cell at x {x}, y {y}, z {z}"))
    shares = ", ".join(
        f"{share:.0%} at {format_quantity(impedance.time_of_rise(share), 'time')}" for share in RISE_SHARES
    )
    table.add_row("rise", Text(shares))
    tau, resistance = impedance.spectrum
    largest = np.sort(np.argsort(resistance)[-MAX_LISTED_TERMS:])
    terms = ", ".join(f"{resistance[n]:.3g} K/W at {format_quantity(float(tau[n]), 'time')}" for n in largest)
    table.add_row("terms", Text(f"{tau.size}, the largest {terms}"))
    table.add_row("capacity", Text(f"{impedance.capacity:.4g} J/K in total"))
    table.add_row("properties", Text(f"evaluated at: {impedance.taken_at}"))
    table.add_row(
        "error", Text(f"{impedance.error:.1e} of the rise, estimated, in addition to the error of the grid")
    )
    table.add_row("solver", Text(f"{len(impedance.rates)} solves at real rates, no time integration"))
    table.add_row("time", format_stage_times(seconds))
    if files:
        table.add_row("written", Text(", ".join(files)))
    return table
