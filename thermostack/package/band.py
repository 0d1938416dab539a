"""Bands: ranges of values of a description that are not known better."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails

from thermostack.schema.fields import PathName, fail, quote_value
from thermostack.schema.validated_dataclass import described
from thermostack.units import DIMENSIONS, UnitError, parse_quantity

_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "number"}]}


def _read_text(value: Any) -> str:
    """Return a value of a description as text; a number becomes the text of it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value!r}"
    if not isinstance(value, str) or not value.strip():
        raise fail("E-TYPE", f"{quote_value(value)} is not a value of a description", 'write "20 um"')
    return value.strip()


BandValue = Annotated[str, BeforeValidator(_read_text), WithJsonSchema(_SCHEMA)]


def _is_above(one: str, other: str) -> bool:
    """Return whether a value is above another one; only quantities of one dimension have an order."""
    for dimension in DIMENSIONS:
        try:
            return parse_quantity(one, dimension) > parse_quantity(other, dimension)
        except UnitError:
            continue
    return False


@described
class Band:
    """The range of a value of the description that is not known better, for studies of sensitivity.

    Parameters
    ----------
    name : str
        Path of the value, as of an override: "stacks.tim.layers.sheet.thickness".
    low, high : str
        The two ends of the range, as they are written in a description: "20 um", or the name of a material.
        If they are quantities, `low` must not be above `high`.
    source : str
        Source of the range.

    Raises
    ------
    DescriptionError
        If an end is no value of a description, or `low` is above `high` (E-RANGE).

    Notes
    -----
    A band does not change the package. `thermostack check` verifies that the package is valid with both ends.

    Examples
    --------
    >>> Band("cooling.top.cold_plate.h", "15 kW/m2/K", "50 kW/m2/K").low
    '15 kW/m2/K'
    """

    name: PathName
    low: BandValue
    high: BandValue
    source: str = ""

    def __post_init__(self) -> None:
        """Raise where the lower end is above the upper one."""
        if _is_above(self.low, self.high):
            text = f"low is {quote_value(self.low)}, above high, which is {quote_value(self.high)}"
            details = InitErrorDetails(
                type=fail("E-RANGE", text, "exchange low and high"), loc=("low",), input=self.low
            )
            raise ValidationError.from_exception_data("Band", [details])
