"""Bands: ranges of values of a description that are not known better."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from thermostack.schema.fields import PathName, fail, quote_value
from thermostack.schema.validated_dataclass import described

_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "number"}]}


def _read_text(value: Any) -> str:
    """Return a value of a description as text; a number becomes the text of it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value!r}"
    if not isinstance(value, str) or not value.strip():
        raise fail("E-TYPE", f"{quote_value(value)} is not a value of a description", 'write "20 um"')
    return value.strip()


BandValue = Annotated[str, BeforeValidator(_read_text), WithJsonSchema(_SCHEMA)]


@described
class Band:
    """The range of a value of the description that is not known better, for studies of sensitivity.

    Parameters
    ----------
    name : str
        Path of the value, as of an override: "stacks.tim.layers.sheet.thickness".
    low, high : str
        The two ends of the range, as they are written in a description: "20 um", or the name of a material.
    source : str
        Source of the range.

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
