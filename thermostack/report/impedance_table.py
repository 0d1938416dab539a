"""A thermal impedance as tables of text: the rise decade by decade, and what the networks come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.table_layout import format_stage_times
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from thermostack.impedance.thermal_impedance import ThermalImpedance

TIME, PLACE = 12, 13  # columns of text, the least a place takes


def impedance_table(impedance: ThermalImpedance, width: int) -> RenderableType:
    """Return the rise per watt of each place at every decade and at rest, in so many columns of text."""
    names = list(impedance.networks)
    peak = names.index(f"{impedance.source} peak")
    names = [names[0], names[peak], *names[1:peak], *names[peak + 1 :]]
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold", show_edge=False)
    table.add_column("time", no_wrap=True, min_width=8)
    room = width - TIME
    shown = 0
    for name in names:
        room -= max(PLACE, len(name) + 2)
        if room < 0:
            break
        shown += 1
        table.add_column(Text(f"{name}\nK/W", justify="right"), justify="right", no_wrap=True)
    for time in decades(impedance.time):
        least = impedance.error * float(impedance.rise(time))
        rises = [float(impedance.rise(time, name)) for name in names[:shown]]
        cells = (f"{rise:.4g}" if rise > least else "0" for rise in rises)
        table.add_row(format_quantity(time, "time"), *cells)
    totals = (impedance.networks[name].total for name in names[:shown])
    table.add_row("at rest", *(f"{total:.4g}" for total in totals), style="bold")
    left = len(names) - shown
    return Group(table, Text(f"and {left} places more in the files", style="dim")) if left else table


def decades(time: np.ndarray) -> list[float]:
    """Return the powers of ten between the first and the last time [s], and these two.

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
    """Return resistance and time constants, the networks, how they were found, the time and the files."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    x, y, z = (f"{1e3 * place:.3f}" for place in impedance.peak_at)
    peak = impedance.networks[f"{impedance.source} peak"].total
    theta = f"{impedance.theta:.5g} K/W from {impedance.source} to the ambient"
    table.add_row("resistance", Text(theta, style="bold"))
    table.add_row("peak", Text(f"{peak:.5g} K/W in the cell at x {x}, y {y}, z {z} mm"))
    halves = ", ".join(
        f"{share:.0%} at {format_quantity(time_of(impedance, share), 'time')}" for share in (0.1, 0.5, 0.9)
    )
    table.add_row("rise", Text(halves))
    tau, resistance = impedance.spectrum
    largest = np.sort(np.argsort(resistance)[-4:])
    terms = ", ".join(f"{resistance[n]:.3g} K/W at {format_quantity(float(tau[n]), 'time')}" for n in largest)
    table.add_row("terms", Text(f"{tau.size}, the largest {terms}"))
    table.add_row("stores", Text(f"{impedance.capacity:.4g} J/K in all"))
    table.add_row("taken at", Text(impedance.taken_at))
    table.add_row(
        "error",
        Text(f"{impedance.error:.1e} of the rise, estimated; that of the grid comes on top"),
    )
    table.add_row("solver", Text(f"{len(impedance.rates)} solves, none of them in time"))
    table.add_row("time", format_stage_times(seconds))
    if files:
        table.add_row("written", Text(", ".join(files)))
    return table


def time_of(impedance: ThermalImpedance, share: float) -> float:
    """Return the time [s] at which the rise of the source has come to a share of that at rest."""
    tau = impedance.foster.time_constant
    time = np.geomspace(1e-3 * tau[0], 30.0 * tau[-1], 4000)
    return float(np.exp(np.interp(share * impedance.theta, impedance.rise(time), np.log(time))))
