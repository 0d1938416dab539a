"""Comparison of loads with the powers that a run recorded, of which a local run is cut out."""

from __future__ import annotations

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.results.transient_result import TransientResult
from thermostack.schema.arguments import argument_error
from thermostack.transient.loads import Loads
from thermostack.units import format_quantity

MAX_TIMES = 1000  # of a run that are compared
MAX_POWER_DIFFERENCE = 1e-6  # of the largest power: the difference that rounding may cause


def power_warnings(run: TransientResult, loads: Loads) -> list[str]:
    """Return W-ZOOM where loads have other powers than a run recorded.

    Raises ArgumentError (E-MISSING) where no loads are given, and the powers of the description are not those
    of the run. Powers that controllers reduced are no error, because a local run cannot have them.
    """
    found = _largest_difference(run, loads)
    if found is None:
        return []
    name, time, before, now = found
    recorded, given = (format_quantity(value, "power") for value in (before, now))
    text = f"{name} had {recorded} in the run at {format_quantity(time, 'time')}, and has {given} in the"
    if not loads.waveforms and not run.throttling:
        hint = "give the traces of the run again; its result does not contain them"
        raise argument_error("loads", f"{text} description", hint, "E-MISSING")
    hint = "give the loads of the run"
    if run.throttling:
        hint = "controllers reduced its power: give the recorded powers as a trace"
    return [str(Diagnostic("zoom", f"{text} local run", hint, "W-ZOOM"))]


def _largest_difference(run: TransientResult, loads: Loads) -> tuple[str, float, float, float] | None:
    """Return member, time [s], recorded and given power [W] where they differ most; None if they agree."""
    rows = np.unique(np.linspace(0, run.time.size - 1, MAX_TIMES).astype(int))
    recorded = run.power[rows]
    given = np.array([loads.power(time) for time in run.time[rows].tolist()]).reshape(recorded.shape)
    difference = np.nan_to_num(np.abs(given - recorded))
    scale = float(np.nanmax(np.abs(recorded), initial=0.0))
    if difference.size == 0 or difference.max() <= MAX_POWER_DIFFERENCE * scale:
        return None
    row, member = np.unravel_index(int(difference.argmax()), difference.shape)
    time = float(run.time[rows[row]])
    return run.names[member], time, float(recorded[row, member]), float(given[row, member])
