"""Leakage power: its value at a reference temperature, and the law by which it grows with temperature."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo

from thermostack.schema.fields import (
    PowerValue,
    Quantity,
    Temperature,
    fail,
    is_from_file,
    plain_list,
    plain_number,
    quote_value,
)
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import described

Array = np.ndarray

MAX_EXPONENT = 200.0  # of the exponential law, above which its value is constant: far beyond any runaway
CHECKED_RANGE = 200.0, 500.0  # K, in which a law must not be negative

_PER_KELVIN = re.compile(r"\s*([0-9.eE+-]+)\s*(%)?\s*1?/K\s*\Z")


def _read_beta(value: Any, info: ValidationInfo) -> float:
    """Return a relative change per kelvin [1/K] from a number, or from text like "0.023 1/K" or "2.3 %/K"."""
    hint = 'write "0.023 1/K" or "2.3 %/K"'
    number = plain_number(value)
    if isinstance(value, str) and (match := _PER_KELVIN.match(value)):
        with suppress(ValueError):
            number = float(match[1]) * (0.01 if match[2] else 1.0)
    elif number is not None and is_from_file(info):
        raise fail("E-UNIT", f"{quote_value(value)} has no unit", hint)
    if number is None:
        raise fail("E-UNIT", f"{quote_value(value)} is not a relative change per kelvin", hint)
    if not 0.0 < number < math.inf:
        raise fail("E-RANGE", f"{number:g} 1/K is not greater than zero", hint)
    return number


TemperatureCoefficient = Annotated[
    float, BeforeValidator(_read_beta), PlainSerializer(lambda beta: f"{beta!r} 1/K", when_used="json")
]
TemperatureStep = Annotated[float, Quantity("temperature_difference", above=0.0)]
Factor = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Coefficient = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True)
class LeakagePreset:
    """The usual law of a technology node.

    No published value was found for these nodes; the numbers are assumed, within the doubling in 20 to 70 K
    and the share of 10 to 40 % that are worth a sweep. Measured at 65 nm: a doubling in 72 K.
    """

    doubles_every: float  # K, assumed
    at: float  # K, reference temperature, assumed
    share: float  # of the total power at the reference temperature, assumed
    about: str


PRESETS = {
    "finfet_7nm": LeakagePreset(35.0, 358.15, 0.20, "7 nm FinFET"),
    "finfet_5nm": LeakagePreset(33.0, 358.15, 0.20, "5 nm FinFET"),
    "finfet_3nm": LeakagePreset(31.0, 358.15, 0.20, "3 nm FinFET"),
    "gaa_2nm": LeakagePreset(30.0, 358.15, 0.15, "2 nm gate-all-around, frontside power"),
    "gaa_2nm_backside": LeakagePreset(30.0, 358.15, 0.15, "2 nm gate-all-around, backside power"),
}


@described
class LeakageTable:
    """Leakage power by temperature, relative to that at the reference temperature.

    Between the rows the logarithm of the factor is linear in temperature; beyond the ends the growth of the
    nearest two rows continues.

    Parameters
    ----------
    temperature : sequence of float or str
        Temperatures [K], ascending.
    factor : sequence of float
        Leakage power over that at the reference temperature; it is scaled so that it is 1 there.

    Examples
    --------
    >>> LeakageTable(("25 degC", "85 degC", "125 degC"), (0.4, 1.0, 2.1)).factor
    (0.4, 1.0, 2.1)
    """

    temperature: Annotated[tuple[Temperature, ...], BeforeValidator(plain_list)]
    factor: Annotated[tuple[Factor, ...], BeforeValidator(plain_list)]

    def __post_init__(self) -> None:
        """Check the length and the order of the rows."""
        count = len(self.temperature)
        if count != len(self.factor):
            text = f"{count} temperatures but {len(self.factor)} factors"
            raise fail("E-TYPE", text, "give one factor for each temperature")
        if count < 2:
            raise fail(
                "E-RANGE", f"{count} row; a table needs at least two", "write beta or doubles_every instead"
            )
        if any(not b > a for a, b in zip(self.temperature, self.temperature[1:], strict=False)):
            raise fail("E-RANGE", "the temperatures do not ascend", "sort the rows by temperature")
        if not min(self.factor) > 0.0:
            raise fail("E-RANGE", "a factor is zero", "write a small positive factor")


@described
class Leakage:
    """Leakage power of a layer, a block or a stack, which grows with temperature.

    Parameters
    ----------
    total : float or str, optional
        Leakage power at the reference temperature [W], spread evenly over the area of the layer or block.
        With a preset it may be omitted: then it is the usual share of the power of the layer or block.
    at : float or str, optional
        Reference temperature [K]; a preset has one.
    beta : float or str, optional
        Exponential law: factor exp(beta (T - at)) [1/K].
    doubles_every : float or str, optional
        The same law by the temperature difference in which the leakage power doubles [K].
    table : LeakageTable, optional
        Factors by temperature.
    polynomial : sequence of float, optional
        Coefficients c1, c2, ... of the factor 1 + c1 (T - at) + c2 (T - at)^2 + ... [1/K, 1/K2, ...].
    preset : str, optional
        Usual law of a technology node, of `PRESETS`; its numbers are assumed.

    Raises
    ------
    DescriptionError
        Unless there is exactly one law with its reference temperature.

    Examples
    --------
    >>> leakage = Leakage("20 W", at="85 degC", doubles_every="30 K")
    >>> float(leakage.factor(np.array(388.15)).round(6))
    2.0
    """

    total: PowerValue | None = None
    at: Temperature | None = None
    beta: TemperatureCoefficient | None = None
    doubles_every: TemperatureStep | None = None
    table: LeakageTable | None = None
    polynomial: Annotated[tuple[Coefficient, ...] | None, BeforeValidator(plain_list)] = None
    preset: str | None = None

    def __post_init__(self) -> None:
        """Check that there is one law, with a reference temperature, which is not negative."""
        given = [name for name in LAWS if getattr(self, name) is not None]
        if len(given) != 1:
            text = f"gives {' and '.join(given)}" if given else "gives no law"
            raise fail("E-POWER", text, f"write exactly one of {', '.join(LAWS)}")
        if self.preset is not None and self.preset not in PRESETS:
            hint = suggest(self.preset, PRESETS) or f"there are {', '.join(PRESETS)}"
            raise fail("E-NAME", f"no leakage preset is named {self.preset!r}", hint)
        if self.at is None and self.preset is None:
            text = f"{given[0]} without the reference temperature at which the total holds"
            raise fail("E-MISSING", text, 'write at: "85 degC"')
        if self.total is None and self.preset is None:
            raise fail("E-MISSING", "no leakage power is given", 'write total: "20 W"')
        if self.polynomial is not None:
            self._check_polynomial()

    def _check_polynomial(self) -> None:
        at = np.linspace(*CHECKED_RANGE, 301)
        values = self._polynomial(at)
        if values.min() < 0.0:
            worst = float(at[np.argmin(values)]) - 273.15
            text = f"the factor is {values.min():.3g} at {worst:.0f} degC"
            raise fail("E-RANGE", text, "write a table, which is not extrapolated to negative values")

    @property
    def reference(self) -> float:
        """Return the reference temperature [K]."""
        return self.at if self.at is not None else PRESETS[str(self.preset)].at

    def total_beside(self, power: float) -> float:
        """Return the leakage power at the reference temperature [W], beside a dynamic power [W]."""
        if self.total is not None:
            return self.total
        share = PRESETS[str(self.preset)].share
        return max(power, 0.0) * share / (1.0 - share)

    def factor(self, temperature: Array) -> Array:
        """Return the leakage power at temperatures [K], relative to that at the reference temperature."""
        if self.polynomial is not None:
            return np.asarray(np.maximum(self._polynomial(temperature), 0.0))
        return np.asarray(np.exp(np.minimum(self._logarithm(temperature)[0], MAX_EXPONENT)))

    def slope(self, temperature: Array) -> Array:
        """Return the derivative of the factor [1/K] at temperatures [K]."""
        if self.polynomial is not None:
            x = temperature - self.reference
            slope = sum(n * c * x ** (n - 1) for n, c in enumerate(self.polynomial, 1))
            return np.where(self._polynomial(temperature) > 0.0, slope, 0.0)
        exponent, slope = self._logarithm(temperature)
        return np.where(exponent < MAX_EXPONENT, slope * self.factor(temperature), 0.0)

    def _polynomial(self, temperature: Array) -> Array:
        assert self.polynomial is not None
        x = np.asarray(temperature) - self.reference
        return np.asarray(1.0 + sum(c * x**n for n, c in enumerate(self.polynomial, 1)))

    def _logarithm(self, temperature: Array) -> tuple[Array, Array]:
        """Return the logarithm of the factor at temperatures [K], and its derivative [1/K]."""
        temperature = np.asarray(temperature, dtype=np.float64)
        if self.table is None:
            beta = np.full(temperature.shape, self._beta)
            return beta * (temperature - self.reference), beta
        at, rows = np.array(self.table.temperature), np.log(self.table.factor)
        slopes = np.diff(rows) / np.diff(at)
        interval = np.clip(np.searchsorted(at, temperature, side="right") - 1, 0, slopes.size - 1)
        value = rows[interval] + slopes[interval] * (temperature - at[interval])
        n = int(np.clip(np.searchsorted(at, self.reference, side="right") - 1, 0, slopes.size - 1))
        return value - (rows[n] + slopes[n] * (self.reference - at[n])), slopes[interval]

    @property
    def _beta(self) -> float:
        """Return the exponent of the exponential law [1/K]."""
        if self.beta is not None:
            return self.beta
        step = PRESETS[self.preset].doubles_every if self.preset is not None else self.doubles_every
        assert step is not None
        return math.log(2.0) / step


LAWS = ("beta", "doubles_every", "table", "polynomial", "preset")
