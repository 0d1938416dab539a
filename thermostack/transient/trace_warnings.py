"""Warnings about the ambient temperatures and the heat-transfer coefficients that traces set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.package.package import unusual_ambient
from thermostack.schema.usual_ranges import USUAL_HTC
from thermostack.transient.trace import Trace
from thermostack.units import format_quantity


def ambient_warnings(trace: Trace) -> Iterator[Diagnostic]:
    """Yield a warning (W-RANGE) for each column of a trace with an unusual ambient temperature."""
    for n, unit in enumerate(trace.units):
        if unit == "K":
            column = trace.values[:, n]
            texts = [unusual_ambient(float(value)) for value in (column.min(), column.max())]
            if text := next(filter(None, texts), ""):
                yield trace.diagnostic(text, "check the unit", "W-RANGE", n)


def htc_warnings(trace: Trace, n: int, described: np.ndarray) -> Iterator[Diagnostic]:
    """Yield a warning (W-COOLING) where a column of fractions makes a heat-transfer coefficient unusual.

    `described` (faces,) [W/(m2 K)] are the coefficients of the description at the boundary faces of column n.
    The extremes are those over all rows. Zero is permitted, and so is a coefficient that the description
    itself has, because that has a warning of its own.
    """
    fraction = trace.values[:, n]
    rows = np.flatnonzero(fraction > 0.0)
    if rows.size == 0:
        return
    low, high = float(described.min()), float(described.max())
    extremes = [(int(rows[np.argmin(fraction[rows])]), low), (int(rows[np.argmax(fraction[rows])]), high)]
    row, h = max(extremes, key=lambda each: USUAL_HTC.excess(each[1] * float(fraction[each[0]])))
    reached = h * float(fraction[row])
    if USUAL_HTC.contains(reached) or USUAL_HTC.excess(reached) <= USUAL_HTC.excess(h):
        return
    share, shown, own = (
        format_quantity(value, dimension)
        for value, dimension in (
            (float(fraction[row]), "fraction"),
            (reached, USUAL_HTC.dimension),
            (h, USUAL_HTC.dimension),
        )
    )
    text = f"{share} of {own} is a heat-transfer coefficient of {shown}, outside {USUAL_HTC}"
    hint = "check the unit of the trace; 0 % is no cooling"
    yield trace.diagnostic(text, hint, "W-COOLING", n, row)
