"""Types of the fields of a description: quantities with units, positions, names and fractions.

Numbers from Python are in SI units; numbers from a file need a unit (validation context
`{"from_file": True}`).
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from thermostack.errors import ArgumentError, Diagnostic
from thermostack.units import UnitError, example_of, format_quantity, parse_quantity, write_quantity

CoreSchema = core_schema.CoreSchema


def fail(code: str, message: str, hint: str = "") -> PydanticCustomError:
    """Return the error that a validator raises; it becomes a `Diagnostic` with this code."""
    return PydanticCustomError(cast(Any, code), "{text}", {"text": message, "hint": hint})


def to_si(value: Any, dimension: str, field: str = "") -> float:
    """Return a quantity [SI] from a number in SI units, or from text with a unit like "0.25 mm".

    `field` names the argument in messages. Raises ArgumentError where the text is no quantity of the
    dimension (E-UNIT), or the value is neither a number nor text (E-TYPE).
    """
    if type(value) is float:  # the usual case inside of loops over time
        return value
    example = f'"{example_of(dimension)}"'
    hint = f"write {example}, or a number in SI units"
    if isinstance(value, str):
        try:
            return parse_quantity(value, dimension)
        except UnitError as error:
            raise ArgumentError(Diagnostic(field, str(error), hint, "E-UNIT")) from None
    number = plain_number(value)
    if number is None:
        text = f"{quote_value(value)} is not {Quantity(dimension).noun}"
        raise ArgumentError(Diagnostic(field, text, hint, "E-TYPE"))
    return number


def plain_number(value: Any) -> float | None:
    """Return a real number of Python or NumPy, also in an array without axes, as a float; None for others.

    A number beyond the range of a float is infinite.
    """
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if cast(Any, value) > 0 else -math.inf


def point_in_metres(point: Iterable[Any], field: str = "point") -> tuple[float, float, float]:
    """Return x, y and z [m] of a point whose coordinates are numbers [m] or text with a unit.

    Raises ArgumentError unless it is a sequence of three of them.
    """
    if isinstance(point, str) or not isinstance(point, Iterable) or len(point := list(point)) != 3:
        text = f"{quote_value(point)} is not a position with three coordinates"
        raise ArgumentError(Diagnostic(field, text, 'write ("12 mm", "8 mm", "1.2 mm")', "E-TYPE"))
    x, y, z = (to_si(value, "length", f"{field}.{axis}") for axis, value in zip("xyz", point, strict=True))
    return x, y, z


# -- quantities ------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Quantity:
    """The dimension of a number, and the bounds of its value in SI units."""

    dimension: str
    above: float | None = None  # the value must be greater than this
    min: float | None = None
    max: float | None = None
    plausible: tuple[float, float] | None = None  # outside, a wrong unit is more likely

    def read(self, value: Any, info: core_schema.ValidationInfo) -> float:
        """Return the value [SI] of a text with its unit, or of a number from Python."""
        if isinstance(value, str):
            try:
                number = parse_quantity(value, self.dimension)
            except UnitError as error:
                raise fail("E-UNIT", str(error)) from None
        else:
            found = plain_number(value)
            if found is None:
                raise fail("E-TYPE", f"{quote_value(value)} is not {self.noun}", f"write {self.example}")
            if is_from_file(info) and math.isfinite(found):
                text = f"{quote_value(value)} has no unit; expected {self.noun}"
                raise fail("E-UNIT", text, f"write {self.example}")
            number = found
        self.check(number)
        return number

    def write(self, number: float) -> str:
        """Return a value [SI] as text with its unit, from which the same value is read."""
        return write_quantity(number, self.dimension)

    def check(self, number: float) -> None:
        """Raise the error of `fail` if the number [SI] is out of bounds or implausible."""
        if not math.isfinite(number):
            raise fail("E-RANGE", f"{number} is not a finite {self.words}", f"write {self.example}")
        if self.dimension == "temperature" and number <= 0.0:
            raise fail("E-RANGE", f"{number:g} K is not above absolute zero", f"write {self.example}")
        if self.above is not None and number <= self.above:
            bound = "zero" if self.above == 0.0 else self._text(self.above)
            raise fail(
                "E-RANGE", f"{self._text(number)} is not greater than {bound}", self._sign_hint(number)
            )
        if self.min is not None and number < self.min:
            bound = "zero" if self.min == 0.0 else self._text(self.min)
            raise fail("E-RANGE", f"{self._text(number)} is less than {bound}", self._sign_hint(number))
        if self.max is not None and number > self.max:
            raise fail("E-RANGE", f"{self._text(number)} is more than {self._text(self.max)}")
        if self.plausible is not None and not self.plausible[0] <= number <= self.plausible[1]:
            low, high = map(self._text, self.plausible)
            raise fail("E-SLIP", f"{self._text(number)} is outside {low} to {high}", self._unit_hint(number))

    @property
    def words(self) -> str:
        """The dimension in words, "area resistance"."""
        return self.dimension.replace("_", " ")

    @property
    def noun(self) -> str:
        """The dimension with its article, "an area resistance"."""
        return f"{'an' if self.dimension[0] == 'a' else 'a'} {self.words}"

    @property
    def example(self) -> str:
        """A value with a unit, in quotes."""
        return f'"{example_of(self.dimension)}"'

    def _text(self, number: float) -> str:
        return format_quantity(number, self.dimension)

    def _sign_hint(self, number: float) -> str:
        return f"did you mean {self._text(-number)}?" if number < 0.0 else ""

    def _unit_hint(self, number: float) -> str:
        assert self.plausible is not None
        for factor in (1e-3, 1e3, 1e-6, 1e6):
            if self.plausible[0] <= number * factor <= self.plausible[1]:
                return f"did you mean {self._text(number * factor)}?"
        return "check the unit"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {
            "type": "string",
            "description": f"{self.noun} with its unit",
            "examples": [example_of(self.dimension)],
        }


class FillQuantity(Quantity):
    """A length, or `fill` for the length that is left between the neighbours, which is infinite in Python."""

    def read(self, value: Any, info: core_schema.ValidationInfo) -> float:
        """Return the length [m], infinite for `fill`."""
        is_fill = value == FILL or (isinstance(value, float) and value == math.inf)
        return math.inf if is_fill else super().read(value, info)

    def write(self, number: float) -> str:
        """Return `fill`, or the length with its unit."""
        return FILL if number == math.inf else super().write(number)


FILL = "fill"

Length = Annotated[float, Quantity("length")]
LayerThickness = Annotated[float, FillQuantity("length", above=0.0, plausible=(10e-9, 0.1))]
Thickness = Annotated[float, Quantity("length", above=0.0, plausible=(10e-9, 0.1))]
Extent = Annotated[float, Quantity("length", above=0.0, plausible=(10e-9, 1.0))]
Depth = Annotated[float, Quantity("length", min=0.0)]
Temperature = Annotated[float, Quantity("temperature", above=0.0)]
PowerValue = Annotated[float, Quantity("power", min=0.0)]
SignedPower = Annotated[float, Quantity("power")]
HeatFlux = Annotated[float, Quantity("heat_flux")]
HeatTransferCoefficient = Annotated[float, Quantity("heat_transfer_coefficient", min=0.0)]
ThermalResistance = Annotated[float, Quantity("thermal_resistance", above=0.0)]
AreaResistance = Annotated[float, Quantity("area_resistance", min=0.0)]
ConductivityValue = Annotated[float, Quantity("conductivity", above=0.0)]
Conductance = Annotated[float, Quantity("conductance", above=0.0)]
Area = Annotated[float, Quantity("area", above=0.0, plausible=(1e-15, 1.0))]
Density = Annotated[float, Quantity("density", above=0.0)]
SpecificHeatValue = Annotated[float, Quantity("specific_heat", above=0.0)]
VolumetricHeatCapacityValue = Annotated[float, Quantity("volumetric_heat_capacity", above=0.0)]


def plain_list(value: Any) -> Any:
    """Return an array with one axis as a list, and any other value unchanged."""
    return value.tolist() if getattr(value, "ndim", None) == 1 and hasattr(value, "tolist") else value


def _read_pair(value: Any) -> Any:
    value = plain_list(value)
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise fail("E-TYPE", f"{quote_value(value)} is not a pair of lengths", "write [2.5 mm, 8 mm]")
    return value


Point = Annotated[tuple[Length, Length], BeforeValidator(_read_pair)]
Size = Annotated[tuple[Extent, Extent], BeforeValidator(_read_pair)]


# -- names, fractions ------------------------------------------------------------------------

_NAME = re.compile(r"\w[\w+-]*\Z")


def read_name(value: Any) -> str:
    """Return a name. Raises the error of `fail` if the value is not one."""
    if not isinstance(value, str):
        hint = "put it in quotes" if isinstance(value, (int, float)) else ""
        raise fail("E-TYPE", f"{quote_value(value)} is not a name", hint)
    if len(value) > 64 or not _NAME.match(value):
        raise fail(
            "E-NAME", f"{quote_value(value)} is not a name", "up to 64 letters, digits, _ + -, no dots"
        )
    return value


def read_path_name(value: Any) -> str:
    """Return names joined by dots. Raises the error of `fail` if the value has another form."""
    if isinstance(value, str):
        for piece in value.split("."):
            read_name(piece)
        return value
    return read_name(value)


def _read_fraction(value: Any) -> float:
    if isinstance(value, str):
        try:
            value = parse_quantity(value, "fraction")
        except UnitError as error:
            raise fail("E-UNIT", str(error)) from None
    number = plain_number(value)
    if number is None or not 0.0 <= number <= 1.0:
        raise fail("E-RANGE", f"{quote_value(value)} is not a fraction", "from 0 to 1")
    return number


def _plain(read: Callable[[Any], Any], schema: dict[str, Any]) -> Any:
    class Plain:
        @staticmethod
        def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
            return core_schema.no_info_plain_validator_function(
                read, serialization=core_schema.to_string_ser_schema() if schema["type"] == "string" else None
            )

        @staticmethod
        def __get_pydantic_json_schema__(core: CoreSchema, handler: Any) -> dict[str, Any]:
            return dict(schema)  # pydantic writes the default of a field into it

    return Plain


Name = Annotated[str, _plain(read_name, {"type": "string", "pattern": r"^\w[\w+-]*$"})]
PathName = Annotated[str, _plain(read_path_name, {"type": "string"})]  # names joined by dots
Fraction = Annotated[float, _plain(_read_fraction, {"type": "number", "minimum": 0, "maximum": 1})]


def quote_value(value: Any) -> str:
    """Return the repr of a value for a message, cut after 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def is_from_file(info: core_schema.ValidationInfo) -> bool:
    """Return whether the value is read from a file, where quantities need units."""
    return isinstance(info.context, dict) and bool(info.context.get("from_file"))


class Unset:
    """The value of a key whose field has its default, as if the key were not there."""

    def __repr__(self) -> str:
        return "None"


UNSET = Unset()


def without_unset(value: Mapping[Any, Any], known: Sequence[str]) -> dict[Any, Any]:
    """Return a mapping without the known keys that are unset; an unknown one is an error and stays."""
    return {
        key: None if item is UNSET else item
        for key, item in value.items()
        if item is not UNSET or key not in known
    }
