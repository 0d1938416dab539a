"""Axes of a study: lists and ranges of the values of one field, and the union of all kinds of axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import core_schema

from thermostack.schema.fields import CoreSchema, Name, fail, plain_number, quote_value
from thermostack.schema.validated_dataclass import described
from thermostack.sweeps.axis_numbers import (
    NO_UNIT,
    AxisBase,
    Measure,
    MeasureField,
    Number,
    Paths,
    common_unit,
    require_no_celsius,
)
from thermostack.sweeps.distributions import LognormalAxis, NormalAxis, ToleranceAxis
from thermostack.units import UnitError, split_quantity

MAX_LEVELS = 10_000  # values of one axis


@described
class ListAxis(AxisBase):
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
class RangeAxis(AxisBase):
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
        if self.scale == "log":
            require_no_celsius(self.start, "a logarithm")
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
