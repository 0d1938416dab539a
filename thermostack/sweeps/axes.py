"""Axes of a study: lists, ranges, tolerances and distributions of the value of one field."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import core_schema

from thermostack.schema.fields import CoreSchema, Name, fail, plain_number, quote_value
from thermostack.schema.validated_dataclass import described
from thermostack.units import UnitError, split_quantity

MAX_LEVELS = 10_000  # values of one axis
VALUE_DIGITS = 12  # significant digits of a value of a range or of a distribution
TORNADO_QUANTILES = (0.5, 0.05, 0.95)  # of a distribution: nominal, low and high value
NO_UNIT = ""

Number = np.ndarray


@dataclass(frozen=True)
class Measure:
    """A number and its unit as they are written in a study."""

    number: float
    unit: str = NO_UNIT


class _MeasureReader:
    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        write = core_schema.plain_serializer_function_ser_schema(write_measure)
        return core_schema.no_info_plain_validator_function(read_measure, serialization=write)

    @staticmethod
    def __get_pydantic_json_schema__(core: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": ["string", "number"], "description": "a number, with its unit if it is a quantity"}


MeasureField = Annotated[Measure, _MeasureReader]


def read_measure(value: Any) -> Measure:
    """Return the number and unit of a text or of a plain number. Raises the error of `fail`."""
    if isinstance(value, Measure):
        return value
    number = plain_number(value)
    if number is not None and math.isfinite(number):
        return Measure(number)
    if isinstance(value, str):
        try:
            return Measure(*split_quantity(value))
        except UnitError as error:
            raise fail(
                "E-UNIT", f"{quote_value(value)} {error}", 'write a number with its unit, "50 um"'
            ) from None
    raise fail("E-TYPE", f"{quote_value(value)} is not a number", 'write a number with its unit, "50 um"')


def write_measure(measure: Measure) -> str | float:
    """Return a number as text with its unit, or the number alone if it has none.

    >>> write_measure(Measure(50.0, "um")), write_measure(Measure(0.5))
    ('50 um', 0.5)
    """
    return with_unit(measure.number, measure.unit)


def with_unit(number: float, unit: str) -> str | float | int:
    """Return a number of a table as the value of a field: text with its unit, or a plain number."""
    number = float(f"{number:.{VALUE_DIGITS}g}")
    plain = int(number) if number.is_integer() and abs(number) < 2**53 else number
    return f"{plain!r} {unit}" if unit else plain


def common_unit(measures: Mapping[str, Measure | None]) -> str:
    """Return the one unit of the given numbers of an axis. Raises the error of `fail` if they differ."""
    given = {key: measure for key, measure in measures.items() if measure is not None}
    first, *others = given.items()
    for key, measure in others:
        if measure.unit != first[1].unit:
            text = f"{first[0]} is in {first[1].unit or 'no unit'}, {key} in {measure.unit or 'no unit'}"
            raise fail("E-UNIT", text, f"write both in {first[1].unit or measure.unit}")
    return first[1].unit


def _read_paths(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_read_paths)]  # of other fields with the same value


class _Axis:
    """Properties that all axes share, with the values of an axis that is not a list."""

    unit: str

    def value(self, level: float) -> Any:
        """Return the value of the field at a level, as it is written in a description."""
        return with_unit(level, self.unit)

    def cell(self, level: float) -> float | str:
        """Return the content of the table at a level: a number in the unit of the axis, or a text."""
        return float(f"{level:.{VALUE_DIGITS}g}")


# -- lists and ranges --------------------------------------------------------------------------------


@described
class ListAxis(_Axis):
    """Values that are listed, or labels with the value of each."""

    example: ClassVar[str] = "values: [20 um, 50 um]"

    values: Any
    name: Name | None = None
    zip: Name | None = None
    also: Paths = ()

    def __post_init__(self) -> None:
        """Check that there are values, and that those without a label are scalars of one unit."""
        if not isinstance(self.values, (list, tuple, Mapping)) or not self.values:
            raise fail("E-TYPE", f"{quote_value(self.values)} is not a list of values", self.example)
        if len(self.values) > MAX_LEVELS:
            raise fail("E-RANGE", f"{len(self.values)} values, more than {MAX_LEVELS}")
        if isinstance(self.values, Mapping):
            return
        for value in self.values:
            if isinstance(value, (list, tuple, Mapping)):
                hint = "give it a label, as values: {cold: {...}, hot: {...}}"
                raise fail("E-TYPE", f"{quote_value(value)} has no place in a table", hint)
        units = sorted({measure.unit for measure in self._measures if measure is not None})
        if None not in self._measures and len(units) > 1:
            text = f"the values have several units: {', '.join(unit or 'none' for unit in units)}"
            raise fail("E-UNIT", text, f"write all values in {self.unit or units[-1]}")

    @cached_property
    def _measures(self) -> list[Measure | None]:
        return [_measure_or_none(value) for value in self.values]

    @property
    def is_numeric(self) -> bool:
        """Return whether all values are numbers of one unit."""
        return not isinstance(self.values, Mapping) and None not in self._measures

    @property
    def levels(self) -> int | None:
        """Return the number of values."""
        return len(self.values)

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Return the unit of the values; "" for labels and texts."""
        measure = self._measures[0] if self.is_numeric else None
        return NO_UNIT if measure is None else measure.unit

    def grid_levels(self) -> Number:
        """Return the numbers of the values, from 0."""
        return np.arange(len(self.values), dtype=float)

    def value(self, level: float) -> Any:
        """Return the value of a number in the list."""
        values = list(self.values.values()) if isinstance(self.values, Mapping) else self.values
        return values[int(level)]

    def cell(self, level: float) -> float | str:
        """Return the number of a value in its unit, or its label or text."""
        measure = self._measures[int(level)] if self.is_numeric else None
        return str(list(self.values)[int(level)]) if measure is None else measure.number

    def quantile(self, u: Number) -> Number:
        """Return the numbers of the values at probabilities; all values have the same one."""
        found: Number = np.minimum(np.floor(u * len(self.values)), len(self.values) - 1)
        return found


def _measure_or_none(value: Any) -> Measure | None:
    """Return the number and unit of a value, None for other texts, as names of materials."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            return Measure(*split_quantity(value))
        except UnitError:
            return None
    number = plain_number(value)
    return None if number is None else Measure(number)


@described
class RangeAxis(_Axis):
    """Numbers between two ends: equal steps, or a uniform distribution; linear or in the logarithm."""

    example: ClassVar[str] = "from: 20 um, to: 100 um, steps: 5"

    start: Annotated[MeasureField, Field(validation_alias="from", serialization_alias="from")]
    stop: Annotated[MeasureField, Field(validation_alias="to", serialization_alias="to")]
    steps: int | None = None
    scale: Literal["linear", "log"] = "linear"
    name: Name | None = None
    zip: Name | None = None
    also: Paths = ()

    def __post_init__(self) -> None:
        """Check the units, the ends and the number of steps."""
        common_unit({"from": self.start, "to": self.stop})
        if self.start.number == self.stop.number:
            raise fail("E-RANGE", "from and to are equal", "use `set:` for a field that does not vary")
        if self.scale == "log" and min(self.start.number, self.stop.number) <= 0.0:
            raise fail("E-RANGE", "a logarithmic range has positive ends", "use scale: linear")
        if self.steps is not None and not 2 <= self.steps <= MAX_LEVELS:
            raise fail("E-RANGE", f"steps is {self.steps}", f"write a number from 2 to {MAX_LEVELS}")

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Return the unit of both ends."""
        return self.start.unit

    @property
    def levels(self) -> int | None:
        """Return the number of steps, None without steps."""
        return self.steps

    def quantile(self, u: Number) -> Number:
        """Return the numbers at probabilities [0, 1]; with steps, all of them have the same one."""
        if self.steps is not None:
            u = np.minimum(np.floor(u * self.steps), self.steps - 1) / (self.steps - 1)
        return self._between(u)

    def grid_levels(self) -> Number:
        """Return the number at each of the steps."""
        return self._between(np.linspace(0.0, 1.0, self.steps or 2))

    def corners(self) -> tuple[float, float, float]:
        """Return the middle, the low and the high number."""
        middle, low, high = self._between(np.array([0.5, 0.0, 1.0])).tolist()
        return middle, low, high

    def _between(self, u: Number) -> Number:
        low, high = self.start.number, self.stop.number
        found: Number = low * (high / low) ** u if self.scale == "log" else low + (high - low) * u
        return found


# -- tolerances and distributions ---------------------------------------------------------------------


@described
class ToleranceAxis(_Axis):
    """A nominal number and how far it may be above and below: absolute, or in per cent."""

    example: ClassVar[str] = "nominal: 50 um, tolerance: 10 um"

    nominal: MeasureField
    tolerance: MeasureField | None = None
    plus: MeasureField | None = None
    minus: MeasureField | None = None
    name: Name | None = None
    zip: Name | None = None
    also: Paths = ()

    def __post_init__(self) -> None:
        """Check that there is one tolerance, or plus and minus, each positive and of the unit."""
        sides = (self.plus, self.minus)
        if (self.tolerance is None) == (sides == (None, None)):
            raise fail("E-MISSING", "give tolerance, or plus and minus", self.example)
        if self.tolerance is None and None in sides:
            raise fail("E-MISSING", "plus and minus belong together", "write both; 0 is allowed for one")
        for key, given in (("tolerance", self.tolerance), ("plus", self.plus), ("minus", self.minus)):
            if given is None:
                continue
            if given.unit != "%":
                common_unit({"nominal": self.nominal, key: given})
            if given.number < 0.0:
                raise fail("E-RANGE", f"{key} is negative", f"write {-given.number:g} {given.unit}".strip())
        if self.low == self.high:
            raise fail("E-RANGE", "the tolerance is zero", "use `set:` for a field that does not vary")

    levels: ClassVar[int | None] = None

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Return the unit of the nominal number."""
        return self.nominal.unit

    @property
    def low(self) -> float:
        """Return the low number."""
        return self.nominal.number - self._width(self.tolerance or self.minus)

    @property
    def high(self) -> float:
        """Return the high number."""
        return self.nominal.number + self._width(self.tolerance or self.plus)

    def _width(self, given: Measure | None) -> float:
        assert given is not None
        return abs(self.nominal.number) * given.number / 100.0 if given.unit == "%" else given.number

    def quantile(self, u: Number) -> Number:
        """Return the numbers at probabilities of a uniform distribution from low to high."""
        return self.low + (self.high - self.low) * u

    def corners(self) -> tuple[float, float, float]:
        """Return the nominal, the low and the high number."""
        return self.nominal.number, self.low, self.high


class _Distribution(_Axis):
    """Properties of the axes with a distribution of `scipy.stats`, cut off at `min` and `max`."""

    levels: ClassVar[int | None] = None
    min: Measure | None
    max: Measure | None

    def _frozen(self) -> Any:
        raise NotImplementedError

    def quantile(self, u: Number) -> Number:
        """Return the numbers at probabilities of the distribution between its bounds."""
        frozen = self._frozen()
        low = 0.0 if self.min is None else float(frozen.cdf(self.min.number))
        high = 1.0 if self.max is None else float(frozen.cdf(self.max.number))
        found: Number = frozen.ppf(low + (high - low) * u)
        return found

    def corners(self) -> tuple[float, float, float]:
        """Return the median, and the numbers at 5 and 95 per cent."""
        nominal, low, high = self.quantile(np.array(TORNADO_QUANTILES)).tolist()
        return nominal, low, high

    def _check_bounds(self) -> None:
        if self.min is not None and self.max is not None and self.min.number >= self.max.number:
            raise fail("E-RANGE", "min is not below max", "exchange them")


@described
class NormalAxis(_Distribution):
    """A normal distribution, optionally cut off at bounds."""

    example: ClassVar[str] = "mean: 50 um, deviation: 5 um"

    mean: MeasureField
    deviation: MeasureField
    min: MeasureField | None = None
    max: MeasureField | None = None
    name: Name | None = None
    zip: Name | None = None
    also: Paths = ()

    def __post_init__(self) -> None:
        """Check the units, the standard deviation and the bounds."""
        common_unit({"mean": self.mean, "deviation": self.deviation, "min": self.min, "max": self.max})
        if self.deviation.number <= 0.0:
            raise fail("E-RANGE", "deviation is not greater than zero", self.example)
        self._check_bounds()

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Return the unit of the mean."""
        return self.mean.unit

    def _frozen(self) -> Any:
        from scipy import stats

        return stats.norm(self.mean.number, self.deviation.number)


@described
class LognormalAxis(_Distribution):
    """A lognormal distribution by its median and its geometric standard deviation, a factor."""

    example: ClassVar[str] = "median: 50 um, factor: 1.3"

    median: MeasureField
    factor: float
    min: MeasureField | None = None
    max: MeasureField | None = None
    name: Name | None = None
    zip: Name | None = None
    also: Paths = ()

    def __post_init__(self) -> None:
        """Check the units, the median, the factor and the bounds."""
        common_unit({"median": self.median, "min": self.min, "max": self.max})
        if self.median.number <= 0.0:
            raise fail("E-RANGE", "median is not greater than zero", self.example)
        if not 1.0 < self.factor < math.inf:
            raise fail("E-RANGE", f"factor is {self.factor:g}, not above 1", self.example)
        self._check_bounds()

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Return the unit of the median."""
        return self.median.unit

    def _frozen(self) -> Any:
        from scipy import stats

        return stats.lognorm(math.log(self.factor), scale=self.median.number)


# -- the union of all axes --------------------------------------------------------------------------------

Axis = ListAxis | RangeAxis | ToleranceAxis | NormalAxis | LognormalAxis
_KINDS: tuple[tuple[type, Sequence[str]], ...] = (  # class, and the keys that tell it from the others
    (ListAxis, ("values",)),
    (RangeAxis, ("from", "to", "start", "stop", "steps")),
    (ToleranceAxis, ("nominal", "tolerance", "plus", "minus")),
    (NormalAxis, ("mean", "deviation")),
    (LognormalAxis, ("median", "factor")),
)


class _AxisUnion:
    """A field of one of the axes, which the keys of its mapping tell; a list alone is a `ListAxis`."""

    @staticmethod
    def tag(value: Any) -> str:
        """Return the class name of the axis of a value."""
        if isinstance(value, (list, tuple)):
            return "@ListAxis"
        for kind, keys in _KINDS:
            if isinstance(value, kind) or (isinstance(value, Mapping) and any(key in value for key in keys)):
                return f"@{kind.__name__}"
        return "@none"

    @staticmethod
    def refuse(value: Any) -> Any:
        """Raise the error of an axis of no kind."""
        text = f"{quote_value(value)} is neither a list, a range, a tolerance nor a distribution"
        raise fail("E-TYPE", text, "; ".join(kind.example for kind, _ in _KINDS))  # type: ignore[attr-defined]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices: dict[Any, CoreSchema] = {
            f"@{kind.__name__}": handler.generate_schema(kind) for kind, _ in _KINDS
        }
        before = core_schema.no_info_before_validator_function
        choices["@ListAxis"] = before(_list_axis, choices["@ListAxis"])
        choices["@none"] = core_schema.no_info_plain_validator_function(cls.refuse)
        return core_schema.tagged_union_schema(choices, cls.tag)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        choices = schema["choices"]
        return {"anyOf": [{"type": "array"}, *(handler(choices[f"@{kind.__name__}"]) for kind, _ in _KINDS)]}


def _list_axis(value: Any) -> Any:
    return {"values": value} if isinstance(value, (list, tuple)) else value


AxisField = Annotated[Any, _AxisUnion]
