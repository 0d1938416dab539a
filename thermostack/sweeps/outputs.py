"""Outputs of a study: measured values of a result, "max of gpu", and expressions of other outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator

from thermostack.results.steady_result import SteadyResult
from thermostack.results.transient_result import TransientResult
from thermostack.schema.fields import fail, quote_value
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import described
from thermostack.sweeps.expression import Expression, identifier
from thermostack.units import UnitError, convert_from_si, exact_scale

_OF = re.compile(r"([A-Za-z_]+)(?:\s+of\s+(\S.*?))?\s*\Z")
_FORMS = 'write "max of gpu", "power", or an expression of other outputs'


class Reading:
    """A value [SI] that a result has, and its error where it is estimated."""

    __slots__ = ("error", "value")

    def __init__(self, value: float | None, error: float | None = None) -> None:
        self.value, self.error = value, error


@dataclass(frozen=True)
class Quantity:
    """A kind of output: its dimension, whether it is of a named object, and functions that read it."""

    dimension: str
    noun: str  # of the named object; "" if there is none
    steady: Callable[[SteadyResult, str], Reading] | None
    transient: Callable[[TransientResult, str], Reading] | None = None
    has_error: bool = False


# -- steady results --------------------------------------------------------------------------------------


def _margin(result: SteadyResult, name: str) -> Reading:
    part = result.of(name)
    if part.margin is None:
        raise ValueError(f"{name} has no limit, so that it has no margin")
    return Reading(part.margin, part.error)


def _ambient(result: SteadyResult) -> float:
    """Return the one ambient temperature [K]. Raises ValueError if there are several."""
    boundary = result.model.boundary
    ambient = sorted({float(each) for each in boundary.temperature[boundary.h > 0.0]})
    if len(ambient) > 1:
        raise ValueError(f"a resistance to ambient needs one ambient temperature, there are {len(ambient)}")
    return ambient[0]


def _resistance(result: SteadyResult, name: str) -> Reading:
    """Return (maximum - ambient) / power of the package, the junction-to-ambient resistance of JESD51-2."""
    part, power = result.of(name), result.heat_balance.heat_in
    if power <= 0.0:
        raise ValueError("a resistance to ambient needs power")
    error = None if part.error is None else part.error / power
    return Reading((part.max - _ambient(result)) / power, error)


def _heat(result: SteadyResult, name: str) -> Reading:
    out = result.heat_balance.out
    links = {link.name: link.heat for link in result.links}
    if name not in out and name not in links:
        raise ValueError(
            f"no heat flows through a face or link {name!r}; there are {', '.join([*out, *links])}"
        )
    return Reading(out[name] if name in out else links[name])


def _stored_number(result: SteadyResult | TransientResult, name: str) -> Reading:
    """Return a number of `--json` of the commands solve or transient by its keys, which slashes separate."""
    from thermostack.io.results.summary import result_summary
    from thermostack.report.run_summary import run_summary

    found: Any = result_summary(result) if isinstance(result, SteadyResult) else run_summary(result)
    for key in (piece.strip() for piece in name.split("/")):
        if isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, Mapping) and key in found:
            found = found[key]
        else:
            keys = list(found) if isinstance(found, Mapping) else []
            raise ValueError(f"the result has no {key!r} in {name!r}; {suggest(key, keys) or 'see --json'}")
    if isinstance(found, bool) or not isinstance(found, (int, float, type(None))):
        raise ValueError(f"{name!r} of the result is not a number")
    return Reading(found)


# -- transient results -------------------------------------------------------------------------------------


def _history_margin(run: TransientResult, name: str) -> Reading:
    history = run.of(name)
    if history.limit is None:
        raise ValueError(f"{name} has no limit, so that it has no margin")
    return Reading(history.limit - history.hottest, history.error)


def _time_above(run: TransientResult, name: str) -> Reading:
    history = run.of(name)
    if history.limit is None:
        raise ValueError(f"{name} has no limit, so that no time is above it")
    return Reading(history.above)


def _log(run: TransientResult, name: str) -> Any:
    for log in run.throttling:
        if log.name == name:
            return log
    known = ", ".join(log.name for log in run.throttling) or "none"
    raise ValueError(f"no throttle is named {name!r}; there are {known}")


def _throttled(run: TransientResult, name: str) -> Reading:
    return Reading(_log(run, name).throttled)


def _performance_lost(run: TransientResult, name: str) -> Reading:
    return Reading(_log(run, name).performance_lost)


def _run_peak(run: TransientResult, name: str) -> Reading:
    history = run.of(name)
    return Reading(history.hottest, history.error)


def _hottest(result: SteadyResult, name: str) -> Reading:
    return Reading(result.peak.max, result.peak.error)


def _of(attribute: str, error: str = "") -> Callable[[SteadyResult, str], Reading]:
    """Return the reader of a number of a part, with its error."""

    def read(result: SteadyResult, name: str) -> Reading:
        part = result.of(name)
        return Reading(getattr(part, attribute), getattr(part, error) if error else None)

    return read


def _at_end(attribute: str) -> Callable[[TransientResult, str], Reading]:
    """Return the reader of a temperature of a part at the end of a run."""
    return lambda run, name: Reading(float(getattr(run.of(name), attribute)[-1]))


PART, FACE, THROTTLE, KEYS = "part", "face", "throttle", "keys"
QUANTITIES: dict[str, Quantity] = {
    "max": Quantity("temperature", PART, _of("max", "error"), _run_peak, has_error=True),
    "mean": Quantity("temperature", PART, _of("mean", "mean_error"), has_error=True),
    "min": Quantity("temperature", PART, _of("min")),
    "extrapolated": Quantity("temperature", PART, _of("extrapolated")),
    "margin": Quantity("temperature_difference", PART, _margin, _history_margin, has_error=True),
    "resistance": Quantity("thermal_resistance", PART, _resistance, has_error=True),
    "heat": Quantity("power", FACE, _heat),
    "peak": Quantity("temperature", "", _hottest, lambda run, _: Reading(run.peak), has_error=True),
    "power": Quantity("power", "", lambda result, _: Reading(result.heat_balance.heat_in),
                      lambda run, _: Reading(float(run.energy[-1, 0] / run.time[-1]))),
    "cells": Quantity("", "", lambda result, _: Reading(result.model.active),
                      lambda run, _: Reading(run.model.active)),
    "result": Quantity("", KEYS, _stored_number, _stored_number),
    "final_max": Quantity("temperature", PART, None, _at_end("peak")),
    "final_mean": Quantity("temperature", PART, None, _at_end("mean")),
    "time_of_max": Quantity("time", PART, None, lambda run, name: Reading(run.of(name).when)),
    "time_above": Quantity("time", PART, None, _time_above),
    "throttled": Quantity("time", THROTTLE, None, _throttled),
    "performance_lost": Quantity("fraction", THROTTLE, None, _performance_lost),
}  # fmt: skip
PART_POWER = Quantity("power", PART, _of("power"))
_SI = {
    "temperature": "K",
    "temperature_difference": "K",
    "thermal_resistance": "K/W",
    "power": "W",
    "time": "s",
    "fraction": "",
    "": "",
}


# -- outputs of a study --------------------------------------------------------------------------------------


def _as_text(value: Any) -> Any:
    if not isinstance(value, str) or not value.strip():
        raise fail("E-TYPE", f"{quote_value(value)} is not an output", _FORMS)
    return value.strip()


@described
class Output:
    """A value of a result, or an expression of outputs and axes, in a unit."""

    value: Annotated[str, BeforeValidator(_as_text)]
    unit: str | None = None

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return the fields of a text alone."""
        return {"value": value} if isinstance(value, str) else value

    def __post_init__(self) -> None:
        """Check the quantity, the grammar and the unit. Raises the error of `fail`."""
        if self.expression is not None:
            return
        quantity = self._quantity
        if self.unit and quantity.dimension:
            try:
                exact_scale(self.unit, quantity.dimension)
            except UnitError as error:
                raise fail("E-UNIT", str(error)) from None

    @cached_property
    def _measured(self) -> tuple[str, str] | None:
        """Return the quantity and the name of its object, None for an expression."""
        match = _OF.match(self.value)
        if match is None or (match[2] is None and match[1] not in QUANTITIES):
            return None
        return match[1], match[2] or ""

    @cached_property
    def expression(self) -> Expression | None:
        """Return the expression, None for a measured value."""
        return Expression(self.value) if self._measured is None else None

    @cached_property
    def _quantity(self) -> Quantity:
        assert self._measured is not None
        word, name = self._measured
        if word == "power" and name:
            return PART_POWER
        quantity = QUANTITIES.get(word)
        if quantity is None:
            hint = suggest(word, QUANTITIES) or f"there are {', '.join(QUANTITIES)}"
            raise fail("E-NAME", f"no quantity is named {word!r}", hint)
        if bool(quantity.noun) != bool(name):
            form = f'"{word} of NAME"' if quantity.noun else f'"{word}"'
            raise fail("E-VALUE", f"{quote_value(self.value)} is incomplete or too long", f"write {form}")
        return quantity

    @property
    def object(self) -> tuple[str, str]:
        """Return the kind of the named object and its name; both are "" if there is none."""
        return ("", "") if self._measured is None else (self._quantity.noun, self._measured[1])

    @property
    def shown_unit(self) -> str:
        """Return the unit in the header of the table."""
        if self.unit is not None:
            return self.unit
        return "" if self._measured is None else _SI[self._quantity.dimension]

    @property
    def has_error(self) -> bool:
        """Return whether the table has a column for the estimated error."""
        return self._measured is not None and self._quantity.has_error

    @property
    def needs_limit(self) -> bool:
        """Return whether the part needs a limit."""
        return self._measured is not None and self._measured[0] in ("margin", "time_above")

    def supports(self, is_transient: bool) -> bool:
        """Return whether results of an analysis have this output."""
        if self._measured is None:
            return True
        return (self._quantity.transient if is_transient else self._quantity.steady) is not None

    @property
    def error_unit(self) -> str:
        """Return the unit of the error: a difference of temperatures has no zero, and is in K beside degC."""
        is_temperature = self._measured is not None and self._quantity.dimension == "temperature"
        has_zero = is_temperature and exact_scale(self.shown_unit, "temperature")[1] != 0
        return "K" if has_zero else self.shown_unit

    def read(self, result: SteadyResult | TransientResult) -> Reading:
        """Return the measured value and its error in the unit of the output. Raises ValueError, KeyError."""
        assert self._measured is not None
        quantity, name = self._quantity, self._measured[1]
        if isinstance(result, TransientResult):
            assert quantity.transient is not None
            reading = quantity.transient(result, name)
        else:
            assert quantity.steady is not None
            reading = quantity.steady(result, name)
        if not self.unit or not quantity.dimension:
            return reading
        value = _converted(reading.value, self.unit, quantity.dimension)
        if quantity.dimension == "temperature":
            return Reading(value, _converted(reading.error, self.error_unit, "temperature_difference"))
        return Reading(value, _converted(reading.error, self.unit, quantity.dimension))


def _converted(value: float | None, unit: str, dimension: str) -> float | None:
    return None if value is None else convert_from_si(float(value), unit, dimension)


def order_expressions(outputs: Mapping[str, Output], axes: Iterable[str]) -> list[str]:
    """Return the names of the outputs with an expression, each after those that it needs.

    Raises the error of `fail` for an unknown name, and for expressions that need each other.
    """
    known = {*axes, *outputs}
    ready = {name for name in known if name not in outputs or outputs[name].expression is None}
    pending = [name for name in outputs if name not in ready]
    for name in pending:
        needed = outputs[name].expression
        assert needed is not None
        for unknown in sorted(needed.names - known):
            hint = suggest(unknown, known) or "names are those of outputs, and of axes with `name:`"
            raise fail("E-NAME", f"the expression of {name} needs {unknown!r}, which is not defined", hint)
    ordered: list[str] = []
    while pending:
        found = [name for name in pending if _needs(outputs[name]) <= ready]
        if not found:
            raise fail("E-CYCLE", f"the expressions of {' and '.join(pending)} need each other")
        ordered += found
        ready |= {*found}
        pending = [name for name in pending if name not in found]
    return ordered


def _needs(output: Output) -> frozenset[str]:
    return frozenset() if output.expression is None else output.expression.names


def read_outputs(
    outputs: Mapping[str, Output],
    ordered: Sequence[str],
    inputs: Mapping[str, float | str],
    result: SteadyResult | TransientResult,
) -> dict[str, Reading]:
    """Return the readings of all outputs; `ordered` has the expressions, and `inputs` the values of axes.

    Raises ValueError if one of them has no value.
    """
    readings = {name: output.read(result) for name, output in outputs.items() if output.expression is None}
    numbers = {name: value for name, value in inputs.items() if isinstance(value, float)}
    numbers |= {name: each.value for name, each in readings.items() if each.value is not None}
    for name in ordered:
        expression = outputs[name].expression
        assert expression is not None
        missing = sorted(expression.names - numbers.keys())
        if missing:
            raise ValueError(f"{name}: {missing[0]} has no number in this case")
        numbers[name] = expression.evaluate(numbers)
        readings[name] = Reading(numbers[name])
    return {name: readings[name] for name in outputs}


def output_name(name: Any) -> str:
    """Return the name of an output. Raises the error of `fail` if it cannot stand in an expression."""
    if not identifier(name):
        hint = "letters, digits and _, not a function: die_peak"
        raise fail("E-NAME", f"{quote_value(name)} is not a name of an output", hint)
    return str(name)
