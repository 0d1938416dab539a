"""Throttles with preset states and limits: processors with a variable clock, and HBM stacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thermostack.schema.arguments import argument_error, check_quantity
from thermostack.schema.spelling import suggest
from thermostack.transient.throttling import PowerState, Throttle
from thermostack.units import celsius, format_quantity

REFRESH_TIME_FRACTION = 350e-9 / 3.9e-6  # tRFC of 8 Gb per channel over tREFI, as in Ramulator 2's HBM3
REFRESH_POWER_FRACTION = 0.1  # of the power of a busy stack; assumed
IDLE_POWER_FRACTION = 0.2  # power of a stack without transfers over that of a busy one; assumed
CONTROL_PERIOD = 10e-3  # s between two readings of a sensor; assumed
STATIC_POWER_FRACTION = 0.2  # of the power of a processor, independent of its clock; assumed

REFRESH_LIMIT = "85 degC"  # above it DRAM is refreshed at the double rate: data sheets of DDR3 and DDR3L
TRIP_LIMIT = "105 degC"  # above it a stack stops; remembered, not checked against the standard of HBM


@dataclass(frozen=True)
class ProcessorLimits:
    """Temperatures of a processor [degC] as its driver reports them, None if it does not.

    Parameters
    ----------
    operating
        Maximum operating temperature.
    slowdown
        Temperature above which the clock is reduced.
    shutdown
        Temperature above which the processor is switched off.
    source
        Source of the values.
    """

    operating: float | None
    slowdown: float
    shutdown: float | None
    source: str


PROCESSOR_LIMITS = {
    "h100": ProcessorLimits(87.0, 89.0, 92.0, "published: logs of the driver of H100 cards"),
    "a100": ProcessorLimits(85.0, 89.0, 92.0, "published: logs of the driver of A100 cards"),
    "mi100": ProcessorLimits(None, 100.0, 105.0, "published: log in ROCm issue 1468, critical and emergency"),
}


def clock_states(*clocks: float | str, still: float | str = STATIC_POWER_FRACTION) -> tuple[PowerState, ...]:
    """Return the full state of a processor and states at fractions of its clock: "90 % clock", ...

    Parameters
    ----------
    *clocks : float or str
        Clock of each state relative to the full clock, between 0 and 1, descending; text such as "80 %".
    still : float or str
        Fraction of the power that does not depend on the clock (0.2: assumed).

    Returns
    -------
    tuple of PowerState
        The full state, followed by one state for each clock.

    Raises
    ------
    ArgumentError
        If a clock is not between 0 and the one before it, or `still` is not a fraction.

    Notes
    -----
    The power is still + (1 - still) clock^3: dynamic power is proportional to clock times voltage squared
    (Chandrakasan, Sheng and Brodersen, IEEE J. Solid-State Circuits 27, 473, 1992). The voltage is assumed
    proportional to the clock, which holds above the minimum voltage. The performance is assumed proportional
    to the clock, as for a workload limited by computation.

    Examples
    --------
    >>> import thermostack as ts
    >>> [(state.name, round(state.power, 3)) for state in ts.clock_states(0.5)]
    [('full', 1.0), ('50 % clock', 0.3)]
    """
    still = check_quantity(still, "fraction", "still", min=0.0)
    if still > 1.0:
        raise argument_error("still", f"{still:g} is more than 100 %", 'write 0.2 or "20 %"', "E-RANGE")
    states, before = [PowerState("full", 1.0, 1.0)], 1.0
    for n, each in enumerate(clocks):
        clock = check_quantity(each, "fraction", f"clocks[{n}]", above=0.0)
        if not clock < before:
            text = f"{format_quantity(clock, 'fraction')} is not below {format_quantity(before, 'fraction')}"
            hint = 'list clocks from the full one downwards, as 0.9 or "90 %"'
            raise argument_error(f"clocks[{n}]", text, hint, "E-RANGE")
        states.append(PowerState(f"{100.0 * clock:.3g} % clock", still + (1.0 - still) * clock**3, clock))
        before = clock
    return tuple(states)


def gpu_throttle(
    stack: str = "gpu", limit: float | str | None = None, *, product: str = "h100", **options: Any
) -> Throttle:
    """Return a throttle that reduces the clock of a processor above a temperature limit.

    Parameters
    ----------
    stack : str
        Name of the stack.
    limit : float or str, optional
        Temperature limit [K], or text such as "105 degC", in place of that of the product.
    product : {"h100", "a100", "mi100"}
        Processor whose slowdown temperature is the limit: 89, 89 or 100 degC.
    **options
        Fields of `Throttle` that differ from the preset.

    Returns
    -------
    Throttle
        Five states from 90 % to 50 % of the clock, as `clock_states` gives them.

    Raises
    ------
    ArgumentError
        If the product is unknown, or a field of the throttle is wrong.

    Notes
    -----
    The drivers of the products report a maximum operating temperature (H100: 87 degC, A100: 85 degC), a
    slowdown temperature (89, 89 and 100 degC) and a shutdown temperature (92, 92 and 105 degC). A shutdown
    is not simulated. The maximum temperature is read every 10 ms with a delay of 10 ms, a state lasts 20 ms
    at least, and the hysteresis is 3 K. These times are assumed; vendors do not publish theirs.

    Examples
    --------
    >>> import thermostack as ts
    >>> len(ts.gpu_throttle("gpu", "95 degC").states)
    6
    """
    if product not in PROCESSOR_LIMITS:
        names = ", ".join(PROCESSOR_LIMITS)
        nearest = suggest(str(product), PROCESSOR_LIMITS) or f"choose one of {names}, or give limit"
        raise argument_error("product", f"unknown processor {product!r}", nearest, "E-NAME")
    preset = {
        "states": clock_states(0.9, 0.8, 0.7, 0.6, 0.5),
        "limit": celsius(PROCESSOR_LIMITS[product].slowdown) if limit is None else limit,
        "period": CONTROL_PERIOD,
        "delay": CONTROL_PERIOD,
        "dwell": 2 * CONTROL_PERIOD,
    }
    return Throttle(stack=stack, **{**preset, **options})


def hbm_throttle(
    stack: str, *, refresh: float | str = REFRESH_LIMIT, trip: float | str = TRIP_LIMIT, **options: Any
) -> Throttle:
    """Return the throttle of an HBM stack: double refresh rate above 85 degC, stopped above 105 degC.

    Parameters
    ----------
    stack : str
        Name of the stack.
    refresh : float or str
        Temperature [K] above which the refresh rate is doubled, or text such as "85 degC".
    trip : float or str
        Temperature [K] above which the stack stops.
    **options
        Fields of `Throttle` that differ from the preset; a `limit` needs `states` without limits.

    Returns
    -------
    Throttle
        The states "full", "double refresh" and "stopped".

    Notes
    -----
    A channel transfers no data while it refreshes all its banks: tRFC / tREFI = 350 ns / 3.9 us = 9 % of the
    time with 8 Gb per channel (the HBM3 model of Ramulator 2, SAFARI group, 2023), and 18 % at half tREFI.
    Thus 90 % of the performance remains; the loss is smaller if banks are refreshed one by one. The power
    hardly changes: the transfers that are lost save about the power of the additional refreshes, if refreshes
    take 10 % of the power (assumed). A stopped stack transfers no data and draws 20 % of its power (assumed).
    The maximum temperature is read every 10 ms with a delay of 10 ms, and the hysteresis is 3 K (assumed).
    Data sheets of DRAM double the refresh rate above 85 degC. Between the two limits lies the maximum
    operating temperature of the memories of H100 and A100, 95 degC by the logs of their driver, which is the
    `limit` of the stacks in the shipped packages. 105 degC is remembered, not checked against the standard.

    Examples
    --------
    >>> import thermostack as ts
    >>> [state.name for state in ts.hbm_throttle("hbm").states]
    ['full', 'double refresh', 'stopped']
    """
    performance = (1.0 - 2.0 * REFRESH_TIME_FRACTION) / (1.0 - REFRESH_TIME_FRACTION)
    power = (1.0 - REFRESH_POWER_FRACTION) * performance + 2.0 * REFRESH_POWER_FRACTION
    states = (
        PowerState("full", 1.0, 1.0),
        PowerState("double refresh", power, performance, check_quantity(refresh, "temperature", "refresh")),
        PowerState("stopped", IDLE_POWER_FRACTION, 0.0, check_quantity(trip, "temperature", "trip")),
    )
    return Throttle(
        stack=stack, **{"states": states, "period": CONTROL_PERIOD, "delay": CONTROL_PERIOD, **options}
    )
