"""The power of a source that is allowed for a limited time, from its thermal impedance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thermostack.results.impedance_result import ThermalImpedance
from thermostack.results.power_limit_curve import PowerLimitCurve
from thermostack.schema.arguments import (
    argument_error,
    check_quantity,
    quantities_in_si,
    require_instance,
)
from thermostack.units import format_quantity

RANGE_ROUNDING = 1e-9  # relative difference of a duration from an end of the times of the impedance


def power_limit_curve(
    zth: ThermalImpedance,
    limit: float | str,
    base_power: float | str = 0.0,
    durations: Sequence[float | str] | np.ndarray | None = None,
    *,
    ambient: float | str,
    output: str | None = None,
) -> PowerLimitCurve:
    """Return the power that a source may have for given durations until it reaches a temperature limit.

    Parameters
    ----------
    zth : ThermalImpedance
        Thermal impedance of the source.
    limit : float or str
        Temperature limit [K], or text with a unit.
    base_power : float or str
        Power P1 before, for so long that the temperatures are steady [W].
    durations : array_like, shape (n,), optional
        Durations of the higher power [s], or text with a unit; by default the times of the impedance.
    ambient : float or str
        Temperature of the output at zero power of the source [K]: that of the coolant if nothing else is
        powered, otherwise with the heat of the other sources.
    output : str, optional
        Output of the impedance that has the limit. Default: the peak of the source.

    Returns
    -------
    PowerLimitCurve
        Powers, their errors by the grid, and the steady limit.

    Raises
    ------
    ArgumentError
        E-LIMIT if the temperature at `base_power` is not below the limit; E-RANGE if a duration is outside
        the times of the impedance, or if a power is negative.
    UnknownNameError
        If the impedance has no such output.

    Notes
    -----
    The body is linear: after a stay at P1 with the temperature `T(P1) = T_ambient + P1 theta`, a step to P2
    raises the temperature by `(P2 - P1) Zth(t)`. Hence `P2(t) = P1 + (T_limit - T(P1)) / Zth(t)`. It falls
    with the duration to the steady limit `(T_limit - T_ambient) / theta`. Other sources keep their power.

    Examples
    --------
    >>> import thermostack as ts
    >>> model = ts.discretize(ts.read_package("fcbga"), cell=4e-3)
    >>> zth = ts.thermal_impedance(model, "die")
    >>> curve = ts.power_limit_curve(zth, "105 degC", "5 W", ["1 s", "10 s"], ambient="25 degC")
    >>> bool(curve.power[0] > curve.power[1] > curve.steady_power > 5.0)
    True
    """
    require_instance(zth, (ThermalImpedance,), "zth", "a ThermalImpedance", "thermal_impedance returns one")
    limit = check_quantity(limit, "temperature", "limit", above=0.0)
    ambient = check_quantity(ambient, "temperature", "ambient", above=0.0)
    base_power = check_quantity(base_power, "power", "base_power", min=0.0)
    peak = f"{zth.source} peak"
    name = output or (peak if peak in zth.networks else zth.source)
    duration = zth.time if durations is None else _durations(zth, durations)
    rise, theta = zth.rise(duration, name), zth.networks[name].total
    if not (rise > 0.0).all():
        first = format_quantity(float(duration[np.argmin(rise)]), "time")
        text = f"the impedance of {name} is not positive at {first}"
        raise argument_error("output", text, "use the source, or later durations", "E-RANGE")
    base_temperature = ambient + base_power * theta
    if not base_temperature < limit:
        reached, shown = (format_quantity(t, "temperature") for t in (base_temperature, limit))
        power = format_quantity(base_power, "power")
        hint = f"a base power below {format_quantity(max(limit - ambient, 0.0) / theta, 'power')}"
        hint = hint if limit > ambient else "a limit above the ambient temperature"
        text = f"{name} has {reached} at {power}, not below the limit of {shown}"
        raise argument_error("limit", text, hint, "E-LIMIT")
    extra = (limit - base_temperature) / rise
    return PowerLimitCurve(
        zth.package,
        zth.source,
        name,
        limit,
        ambient,
        base_power,
        base_temperature,
        (limit - ambient) / theta,
        duration,
        base_power + extra,
        extra * zth.error_of_rise(duration, name) / rise,
    )


def _durations(zth: ThermalImpedance, durations: Sequence[float | str] | np.ndarray) -> np.ndarray:
    """Return durations [s], ascending, each once. Raises ArgumentError outside the times of the impedance."""
    duration = np.unique(quantities_in_si(durations, "time", "durations").reshape(-1))
    first, last = float(zth.time[0]), float(zth.time[-1])
    low, high = first * (1.0 - RANGE_ROUNDING), last * (1.0 + RANGE_ROUNDING)
    outside = duration[~((duration >= low) & (duration <= high))]
    if not duration.size:
        raise argument_error("durations", "there is no duration", 'write ["1 ms", "1 s"]', "E-MISSING")
    if outside.size:
        shown, start, end = (format_quantity(t, "time") for t in (float(outside[0]), first, last))
        text = f"{shown} is outside the times of the impedance, {start} to {end}"
        raise argument_error("durations", text, "compute the impedance with times that contain it", "E-RANGE")
    return duration
