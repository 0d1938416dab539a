"""Numbers of an axis with their unit, as they are written in a study, and properties that all axes share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, GetCoreSchemaHandler
from pydantic_core import core_schema

from thermostack.schema.fields import CoreSchema, fail, plain_number, quote_value
from thermostack.units import UnitError, exact_scale, split_quantity

VALUE_DIGITS = 12  # significant digits of a value of a range or of a distribution
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


def check_difference(key: str, given: Measure, base: str, measure: Measure) -> None:
    """Raise the error of `fail` unless a number is a difference in the unit of another one.

    Beside a temperature in degC it is in K.
    """
    unit = "K" if is_celsius(measure.unit) else measure.unit
    if given.unit != unit:
        text = f"{base} is in {measure.unit or 'no unit'}, {key} in {given.unit or 'no unit'}"
        if is_celsius(given.unit):
            text = f"{key} is in degC, which is a temperature and not a difference of temperatures"
        raise fail("E-UNIT", text, f"write {key}: {with_unit(given.number, unit)}")


def require_no_celsius(measure: Measure, ratio: str) -> None:
    """Raise the error of `fail` for a ratio of temperatures in degC, whose zero is not absolute."""
    if is_celsius(measure.unit):
        raise fail("E-UNIT", f"{ratio} of a temperature in degC has no meaning", "write it in K")


def is_celsius(unit: str) -> bool:
    """Return whether a unit is degC, in any of its spellings."""
    try:
        return exact_scale(unit, "temperature")[1] != 0
    except UnitError:
        return False


def _read_paths(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_read_paths)]  # of other fields with the same value


class AxisBase:
    """Properties that all axes share, with the values of an axis that is not a list."""

    unit: str

    def value(self, level: float) -> Any:
        """Return the value of the field at a level, as it is written in a description."""
        return with_unit(level, self.unit)

    def cell(self, level: float) -> float | str:
        """Return the content of the table at a level: a number in the unit of the axis, or a text."""
        return float(f"{level:.{VALUE_DIGITS}g}")
