"""Temperature laws of conductivity and heat capacity, with their form in files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic_core import core_schema

from thermostack.schema.fields import Quantity, Temperature, fail, plain_list
from thermostack.schema.validated_dataclass import described, dump
from thermostack.units import UnitError, parse_quantity, write_quantity

Array: TypeAlias = NDArray[np.float64]
Axes: TypeAlias = tuple[float, float, float]  # along x, y and z
ArrayAxes: TypeAlias = tuple[Array, Array, Array]


# -- values along the axes -------------------------------------------------------------------


def _as_three(values: list[float]) -> Axes:
    """Return values along x, y and z from two (in-plane, through-plane) or three values."""
    if len(values) == 2:
        return values[0], values[0], values[1]
    return values[0], values[1], values[2]


def _check_two_or_three(value: Any) -> Any:
    value = plain_list(value)
    if len(value) not in (2, 3):
        text = f"a list of length {len(value)}; give two (in-plane, through-plane) or three (x, y, z)"
        raise fail("E-TYPE", text)
    return value


@dataclass(frozen=True)
class AxisValues:
    """Field type of one value for all directions, two (in-plane, through-plane), or three (x, y, z)."""

    quantity: Quantity

    def write(self, value: Axes) -> str | list[str]:
        """Return the shortest file form of three values."""
        x, y, z = (write_quantity(each, self.quantity.dimension) for each in value)
        if x == y:
            return x if y == z else [x, z]
        return [x, y, z]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        one = self.quantity.__get_pydantic_core_schema__(source, handler)
        several = core_schema.list_schema(one)
        each = core_schema.no_info_before_validator_function(_check_two_or_three, several)
        return core_schema.tagged_union_schema(
            {
                "@one": core_schema.no_info_after_validator_function(lambda one: (one,) * 3, one),
                "@each": core_schema.no_info_after_validator_function(_as_three, each),
            },
            lambda value: "@each" if isinstance(plain_list(value), (list, tuple)) else "@one",
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        one = self.quantity.__get_pydantic_json_schema__(schema, handler)
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 2, "maxItems": 3}]}


_POSITIVE_CONDUCTIVITY = AxisValues(Quantity("conductivity", above=0.0))
ConductivityAlongAxes = Annotated[Axes, _POSITIVE_CONDUCTIVITY]


class _ChangePerKelvin(Quantity):
    """Change of conductivity per kelvin [W/(m K2)]; text in W/(m K) is accepted too."""

    def read(self, value: Any, info: core_schema.ValidationInfo) -> float:
        """Return the value [SI] of a text with its unit, or of a number from Python."""
        if isinstance(value, str):
            with suppress(UnitError):
                value = write_quantity(parse_quantity(value, "conductivity"), self.dimension)
        return super().read(value, info)


ChangeAlongAxes = Annotated[Axes, AxisValues(_ChangePerKelvin("conductivity_change"))]
TemperatureRange = tuple[Temperature, Temperature]


# -- conductivity ----------------------------------------------------------------------------


class ConductivityLaw:
    """Base class of temperature laws of the conductivity along x, y and z.

    Attributes
    ----------
    range : tuple of float or None
        Temperatures [K] between which the law is valid; outside, the value of the nearer end applies.
    is_constant : bool
        Whether the conductivity is independent of temperature.

    Examples
    --------
    >>> import thermostack as ts
    >>> law = ts.Material("si", {"power_law": {"at_reference": 148.0, "exponent": 1.3}}).law
    >>> isinstance(law, ts.ConductivityLaw), law.range
    (True, (200.0, 1000.0))
    """

    range: tuple[float, float] | None  # K; a value here would be the default of the field of a law
    is_constant = False  # whether the value is independent of temperature
    relative_errors = (0.0, 0.0, 0.0)  # estimated, along x, y, z; those of a unit cell are of its grid
    is_expensive = False  # whether an evaluation takes seconds, as that of a unit cell

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Return the temperatures [K] at which the slope of the law may jump, ascending, with its range."""
        return self.range or ()

    @property
    def coefficients(self) -> tuple[Axes, ...]:
        """Return the coefficients of the law, each along x, y and z."""
        raise NotImplementedError

    @property
    def is_isotropic_in_plane(self) -> bool:
        """Return whether x and y are equal at every temperature."""
        return all(x == y for x, y, _ in self.coefficients)

    @property
    def is_isotropic(self) -> bool:
        """Return whether all directions are equal at every temperature."""
        return all(x == y == z for x, y, z in self.coefficients)

    def evaluate(self, temperature: Array) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z at temperatures [K]."""
        raise NotImplementedError

    @property
    def written(self) -> Any:
        """Return the form of the law in a file."""
        raise NotImplementedError

    def _along_axes(self, column: Any) -> ArrayAxes:
        """Return `column(axis)` for x, y and z, computed once for equal axes."""
        x = column(0)
        y = x if self.is_isotropic_in_plane else column(1)
        return x, y, x if self.is_isotropic else column(2)


@dataclass(frozen=True)
class Constant(ConductivityLaw):
    """A conductivity that is independent of temperature."""

    conductivity: Axes  # W/(m K)
    is_constant = True
    range = None

    @property
    def coefficients(self) -> tuple[Axes, ...]:
        """Return the conductivity [W/(m K)] along x, y and z."""
        return (self.conductivity,)

    def evaluate(self, temperature: Array) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z, read-only in the shape of `temperature`."""
        return self._along_axes(
            lambda axis: np.broadcast_to(np.float64(self.conductivity[axis]), np.shape(temperature))
        )

    @property
    def written(self) -> Any:
        """Return one, two or three conductivities with their unit, as text."""
        return _POSITIVE_CONDUCTIVITY.write(self.conductivity)


def _check_range(low: float, high: float) -> None:
    """Raise if a range [K] does not ascend."""
    if not low < high:
        raise fail(
            "E-RANGE",
            f"the range {low:g} K to {high:g} K must ascend",
            "write the lower temperature first",
        )


@described
class PowerLaw(ConductivityLaw):
    """Conductivity = at_reference (reference / T)^exponent."""

    at_reference: ConductivityAlongAxes  # W/(m K)
    exponent: float = Field(ge=-10.0, le=10.0, allow_inf_nan=False)
    reference: Temperature = 300.0  # K
    range: TemperatureRange = (200.0, 1000.0)  # K

    def __post_init__(self) -> None:
        """Check that the range ascends."""
        _check_range(*self.range)

    @property
    def coefficients(self) -> tuple[Axes, ...]:
        """Return the conductivity [W/(m K)] at the reference temperature."""
        return (self.at_reference,)

    def evaluate(self, temperature: Array) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z at temperatures [K]."""
        scale = (self.reference / np.clip(temperature, *self.range)) ** self.exponent
        return self._along_axes(lambda axis: self.at_reference[axis] * scale)

    @property
    def written(self) -> Any:
        """Return the mapping of the law in a file."""
        return {"power_law": dump(PowerLaw, self)}


@described
class Linear(ConductivityLaw):
    """Conductivity = at_reference + change_per_kelvin (T - reference)."""

    at_reference: ConductivityAlongAxes  # W/(m K)
    change_per_kelvin: ChangeAlongAxes  # W/(m K2)
    range: TemperatureRange  # K
    reference: Temperature = 300.0  # K

    def __post_init__(self) -> None:
        """Check that the range ascends and that the conductivity is positive in it."""
        _check_range(*self.range)
        for end in self.range:
            minimum = min(float(value) for value in self.evaluate(np.array(end)))
            if minimum <= 0.0:
                text = f"the conductivity is {minimum:.3g} W/m/K at {end:g} K"
                raise fail("E-RANGE", text, "narrow the range")

    @property
    def coefficients(self) -> tuple[Axes, ...]:
        """Return the conductivity [W/(m K)] at the reference temperature and its change per kelvin."""
        return self.at_reference, self.change_per_kelvin

    def evaluate(self, temperature: Array) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z at temperatures [K]."""
        rise = np.clip(temperature, *self.range) - self.reference
        return self._along_axes(lambda axis: self.at_reference[axis] + self.change_per_kelvin[axis] * rise)

    @property
    def written(self) -> Any:
        """Return the mapping of the law in a file."""
        return {"linear": dump(Linear, self)}


def _check_table(temperature: tuple[float, ...], values: tuple[Any, ...], noun: str) -> None:
    """Raise if two columns differ in length, are too short, or do not ascend."""
    if len(temperature) != len(values):
        text = f"{len(temperature)} temperatures but {len(values)} values of {noun}"
        raise fail("E-TYPE", text, "give one value for each temperature")
    if len(temperature) < 2:
        text = f"{len(temperature)} row{'s' * (len(temperature) != 1)}; a table needs at least two"
        raise fail("E-RANGE", text, "give a single value instead of a table, or add a row")
    for row, (before, after) in enumerate(pairwise(temperature), start=2):
        if after == before:
            raise fail("E-RANGE", f"row {row} repeats {after:g} K")
        if after < before:
            raise fail(
                "E-RANGE",
                f"row {row}: {after:g} K follows {before:g} K",
                "sort the rows by ascending temperature",
            )


@described
class Table(ConductivityLaw):
    """Conductivity at ascending temperatures, interpolated linearly or by a power law between rows.

    The conductivity of a crystal decreases like a power of temperature: between 300 K and 400 K, linear
    interpolation of silicon is up to 4 % too high.
    """

    temperature: tuple[Temperature, ...]  # K
    conductivity: tuple[ConductivityAlongAxes, ...]  # W/(m K)
    interpolation: Literal["linear", "power"] = "linear"

    def __post_init__(self) -> None:
        """Check that the rows are complete and ascend."""
        _check_table(self.temperature, self.conductivity, "conductivity")

    @property
    def range(self) -> tuple[float, float]:  # type: ignore[override]  # read-only here
        """Return the first and the last temperature [K]."""
        return self.temperature[0], self.temperature[-1]

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Return the temperatures [K] of all rows."""
        return self.temperature

    @property
    def coefficients(self) -> tuple[Axes, ...]:
        """Return the conductivity [W/(m K)] of every row."""
        return self.conductivity

    def evaluate(self, temperature: Array) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z at temperatures [K]."""
        columns = np.array(self.conductivity).T
        if self.interpolation == "linear":
            return self._along_axes(lambda axis: np.interp(temperature, self.temperature, columns[axis]))
        log_t, rows = np.log(np.clip(temperature, *self.range)), np.log(self.temperature)
        return self._along_axes(lambda axis: np.exp(np.interp(log_t, rows, np.log(columns[axis]))))

    @property
    def written(self) -> Any:
        """Return the mapping of the law in a file."""
        return {"table": dump(Table, self)}


# -- heat capacity ---------------------------------------------------------------------------


class CapacityLaw:
    """Base class of temperature laws of a heat capacity, per mass or per volume."""

    range: tuple[float, float] | None = None  # K; outside it, the value of the nearer end applies

    def evaluate(self, temperature: Array) -> Array:
        """Return the capacity [J/(kg K)] or [J/(m3 K)] at temperatures [K]."""
        raise NotImplementedError

    @property
    def written(self) -> Any:
        """Return the form of the law in a file."""
        raise NotImplementedError


@described
class SpecificHeatTable(CapacityLaw):
    """Specific heat at ascending temperatures, interpolated linearly."""

    temperature: tuple[Temperature, ...]  # K
    specific_heat: tuple[Annotated[float, Quantity("specific_heat", above=0.0)], ...]  # J/(kg K)

    def __post_init__(self) -> None:
        """Check that the rows are complete and ascend."""
        _check_table(self.temperature, self.specific_heat, "specific heat")

    @property
    def range(self) -> tuple[float, float]:  # type: ignore[override]  # read-only here
        """Return the first and the last temperature [K]."""
        return self.temperature[0], self.temperature[-1]

    def evaluate(self, temperature: Array) -> Array:
        """Return the specific heat [J/(kg K)] at temperatures [K]."""
        return np.interp(temperature, self.temperature, self.specific_heat)

    @property
    def written(self) -> Any:
        """Return the mapping of the law in a file."""
        return {"table": dump(SpecificHeatTable, self)}


# -- laws in files ---------------------------------------------------------------------------


@dataclass(frozen=True)
class LawForm:
    """Field type of a plain quantity, or of a mapping with the key of a law: `{power_law: {...}}`."""

    plain: AxisValues | Quantity
    laws: tuple[tuple[str, type], ...]  # (key, class)
    kind: type  # base class of the laws

    def tag(self, value: Any) -> str:
        """Return the tag of the form of a value."""
        if isinstance(value, self.kind):
            return "@law"
        if isinstance(value, Mapping):
            return str(next(iter(value))) if len(value) == 1 else "@none"
        return "@plain"

    def write(self, value: Any) -> Any:
        """Return the file form of a value."""
        if isinstance(value, (float, int)) and isinstance(self.plain, Quantity):
            return write_quantity(value, self.plain.dimension)
        return value.written

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        plain = self.plain.__get_pydantic_core_schema__(source, handler)
        if isinstance(self.plain, AxisValues):
            plain = core_schema.no_info_after_validator_function(Constant, plain)
        choices: dict[Any, core_schema.CoreSchema] = {
            "@plain": plain,
            "@law": core_schema.is_instance_schema(self.kind),
        }
        for key, law in self.laws:
            inner = handler.generate_schema(law)
            choices[key] = core_schema.no_info_before_validator_function(_of_key(key), inner)
        return core_schema.tagged_union_schema(
            choices,
            self.tag,
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        forms = [self.plain.__get_pydantic_json_schema__(schema, handler)]
        for key, _ in self.laws:
            inner = handler(schema["choices"][key])
            properties = {"type": "object", "properties": {key: inner}, "required": [key]}
            forms.append({**properties, "additionalProperties": False})
        return {"anyOf": forms}


def _of_key(key: str) -> Any:
    """Return a function that returns the value of a key."""
    return lambda value: value[key] or {}


Conductivity = Annotated[
    Any,  # a ConductivityLaw after validation; Python also accepts numbers [W/(m K)]
    LawForm(
        _POSITIVE_CONDUCTIVITY,
        (("power_law", PowerLaw), ("linear", Linear), ("table", Table)),
        ConductivityLaw,
    ),
]
SpecificHeat = Annotated[
    Any,  # a float [J/(kg K)] or a SpecificHeatTable after validation
    LawForm(Quantity("specific_heat", above=0.0), (("table", SpecificHeatTable),), CapacityLaw),
]
VolumetricHeatCapacity = Annotated[
    Any,  # a float [J/(m3 K)], or the law of an effective medium
    LawForm(Quantity("volumetric_heat_capacity", above=0.0), (), CapacityLaw),
]
