"""The leakage of a block, a layer or a stack: its power at a reference temperature, and its law."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from thermostack.package.leakage_laws import (
    ExponentialLeakage,
    PolynomialLeakage,
    TabulatedLeakage,
)
from thermostack.package.leakage_laws import LeakageLaw as LeakageLaw
from thermostack.package.leakage_presets import leakage_presets
from thermostack.schema.fields import (
    PowerValue,
    Quantity,
    Temperature,
    fail,
    plain_number,
    quote_value,
)
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import described
from thermostack.units import ZERO_CELSIUS, example_of, format_quantity

LAWS = ("doubles_every", "beta", "table", "polynomial", "preset")  # keys, one of which gives the law
POLYNOMIAL_RANGE = (ZERO_CELSIUS, ZERO_CELSIUS + 150.0)  # K, in which a polynomial must be positive
REFERENCE_TOLERANCE = 1e-3  # maximum difference of the factor of a table at `at` from 1
_COEFFICIENTS = ("fraction", "temperature_coefficient", "quadratic_coefficient", "cubic_coefficient")


def _read_preset(value: Any) -> str:
    if not isinstance(value, str) or value not in leakage_presets():
        known = ", ".join(leakage_presets())
        hint = suggest(value, leakage_presets()) if isinstance(value, str) else ""
        raise fail("E-NAME", f"no preset is named {quote_value(value)}", hint or f"the presets are {known}")
    return value


def _read_factor(value: Any) -> float:
    number = plain_number(value)
    if number is None:
        raise fail("E-TYPE", f"{quote_value(value)} is not a factor", "write a number, 1.0 at `at`")
    if not 0.0 < number < math.inf:
        text = f"the factor {number:g} is not greater than zero"
        text = text if number <= 0.0 else f"{number} is not a finite factor"
        raise fail("E-RANGE", text, "write a positive number, 1.0 at `at`")
    return number


def _as_lists(value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(value, (list, tuple)):
        text = f"{quote_value(value)} is not a table"
        raise fail("E-TYPE", text, "write rows: [[25 degC, 0.4], [85 degC, 1.0]]")
    for row in value:
        row = row.tolist() if hasattr(row, "tolist") else row
        if not isinstance(row, (list, tuple)) or len(row) != 2:
            text = f"the row {quote_value(row)} is not a temperature and a factor"
            raise fail("E-TYPE", text, "write rows: [[25 degC, 0.4], [85 degC, 1.0]]")
    return value


class _Coefficients:
    """Field type of the coefficients of a polynomial: 1, 1/K, 1/K2, 1/K3; the first is 1."""

    @staticmethod
    def read(value: Any, info: core_schema.ValidationInfo) -> tuple[float, ...]:
        """Return the coefficients in SI units of a list."""
        value = value.tolist() if hasattr(value, "tolist") else value
        example = "[1.0, 0.02 1/K, 1e-4 1/K2]"
        if not isinstance(value, (list, tuple)) or not 2 <= len(value) <= len(_COEFFICIENTS):
            text = f"{quote_value(value)} is not a list of two to four coefficients"
            raise fail("E-TYPE", text, f"write {example}")
        first = plain_number(value[0])
        if first is None or abs(first - 1.0) > REFERENCE_TOLERANCE:
            text = f"the first coefficient is {quote_value(value[0])}, not 1"
            hint = f"it is the factor at `at`: divide all coefficients by it, as in {example}"
            raise fail("E-VALUE", text, hint)
        rest = (
            Quantity(dimension).read(item, info)
            for dimension, item in zip(_COEFFICIENTS[1:], value[1:], strict=False)
        )
        return 1.0, *rest

    @staticmethod
    def write(value: tuple[float, ...]) -> list[Any]:
        """Return the coefficients as in a file."""
        rest = (Quantity(d).write(c) for d, c in zip(_COEFFICIENTS[1:], value[1:], strict=False))
        return [value[0], *rest]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            cls.read,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.write, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {
            "type": "array",
            "items": {"anyOf": [{"type": "number"}, {"type": "string"}]},
            "minItems": 2,
            "maxItems": len(_COEFFICIENTS),
            "examples": [[1.0, "0.02 1/K", "1e-4 1/K2"]],
        }


class _Preset:
    """Field type of the name of a preset."""

    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read_preset, serialization=core_schema.to_string_ser_schema()
        )

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": "string", "enum": list(leakage_presets())}


class _Factor:
    """Field type of a positive factor without unit."""

    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_factor)

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": "number", "exclusiveMinimum": 0}


Row = tuple[Temperature, Annotated[float, _Factor]]
PolynomialCoefficients = Annotated[tuple[float, ...], _Coefficients]
PresetName = Annotated[str, _Preset]
Rows = Annotated[tuple[Row, ...], BeforeValidator(_as_lists)]


class _Growth(Quantity):
    """A positive quantity that says how leakage grows with temperature."""

    def _sign_hint(self, number: float) -> str:
        example = "30 K" if self.dimension == "temperature_difference" else example_of(self.dimension)
        return super()._sign_hint(number) or f"leakage grows with temperature: write {example}"


Doubling = Annotated[float, _Growth("temperature_difference", above=0.0)]
Beta = Annotated[float, _Growth("temperature_coefficient", above=0.0)]


@described
class Leakage:
    """Leakage power that depends on temperature: its value at a reference temperature, and one law.

    Parameters
    ----------
    total : float or str, optional
        The leakage power at the reference temperature [W]. A block needs one, a stack too. Of a layer with
        blocks it includes the leakage of its blocks; without one the law is that of its blocks.
    at : float or str, optional
        Reference temperature [K]. Without a law, and in a block only, the law is that of the layer.
    doubles_every : float or str, optional
        Rise of temperature that doubles the leakage power [K].
    beta : float or str, optional
        Relative increase per kelvin [1/K]: the factor is exp(beta (T - at)).
    table : sequence of (float or str, float), optional
        Temperatures [K], ascending, with the factor of the total, 1 at `at`. Between two rows, and through
        the last two rows beyond an end, the factor is exponential.
    polynomial : sequence of float or str, optional
        Coefficients [1, 1/K, 1/K2, 1/K3] of the factor in T - at, the first one 1, for 0 to 150 degC; beyond,
        the factor continues as an exponential.
    preset : str, optional
        Name of a process node, whose doubling temperature is used: "finfet_7nm", "finfet_5nm", "finfet_3nm",
        "gaa_2nm", "gaa_2nm_backside".

    Raises
    ------
    DescriptionError
        Where `at` or the law is missing, more than one law is given, or a law is not positive.

    Examples
    --------
    >>> Leakage("20 W", at="85 degC", doubles_every="30 K").power(388.15)
    40.0
    """

    total: PowerValue | None = None
    at: Temperature | None = None
    doubles_every: Doubling | None = None
    beta: Beta | None = None
    table: Rows | None = None
    polynomial: PolynomialCoefficients | None = None
    preset: PresetName | None = None

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return a quantity without a key, "2 W", as the total."""
        is_quantity = isinstance(value, str) or plain_number(value) is not None
        return {"total": value} if is_quantity else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        """Return the schema of a mapping, or of a quantity for the total."""
        resolved = handler.resolve_ref_schema(handler(schema))
        if "properties" not in resolved:  # pydantic calls this a second time, with the inner schema
            return cast(dict[str, Any], resolved)
        mapping = {**resolved, "additionalProperties": False, "description": "leakage power and its law"}
        return {"anyOf": [{"type": "string", "examples": ["20 W"]}, mapping]}

    def __post_init__(self) -> None:
        """Raise where keys are missing or exclude each other, or where a law is not positive."""
        given = [key for key in LAWS if getattr(self, key) is not None]
        if len(given) > 1:
            self._refuse(
                given[1], "E-KEY", f"both {given[0]} and {given[1]} are given", f"remove one: {given[1]}"
            )
        if not given:
            if self.at is not None:
                hint = f"write one of {', '.join(LAWS)}, as doubles_every: 30 K"
                self._refuse("at", "E-MISSING", "a reference temperature without a law", hint)
            if self.total is None:
                self._refuse((), "E-MISSING", "no leakage power is given", "write total: 20 W")
            return
        key = given[0]
        if self.at is None:
            text = f"{key} has no reference temperature"
            self._refuse(key, "E-MISSING", text, "write at: 85 degC, at which `total` holds")
        try:
            self._check_table()
            self._check_polynomial()
        except PydanticCustomError as error:
            details = InitErrorDetails(type=error, loc=(key,), input=None)
            raise ValidationError.from_exception_data("Leakage", [details]) from None

    def _refuse(self, key: str | tuple[()], code: str, text: str, hint: str) -> None:
        loc = (key,) if isinstance(key, str) else key
        details = InitErrorDetails(type=fail(code, text, hint), loc=loc, input=None)
        raise ValidationError.from_exception_data("Leakage", [details])

    def _check_table(self) -> None:
        """Raise where rows are missing or do not ascend, or where the factor at the reference is not 1."""
        if self.table is None or self.at is None:
            return
        if len(self.table) < 2:
            text = f"{len(self.table)} rows; a table needs at least two"
            raise fail("E-RANGE", text.replace("1 rows", "1 row"), "add a row, or write doubles_every: 30 K")
        for n, ((before, _), (after, _)) in enumerate(pairwise(self.table), start=2):
            if not before < after:
                text = f"row {n}: {_celsius(after)} follows {_celsius(before)}"
                raise fail("E-RANGE", text, "sort the rows by ascending temperature, each of them once")
        low, high = self.table[0][0], self.table[-1][0]
        if not low <= self.at <= high:
            text = f"the rows from {_celsius(low)} to {_celsius(high)} do not contain at: {_celsius(self.at)}"
            raise fail("E-RANGE", text, "add a row, or choose a reference temperature between the rows")
        temperatures, factors = zip(*self.table, strict=True)
        at_first = TabulatedLeakage(low, temperatures, factors)
        factor = factors[0] * float(at_first.factor(cast(Any, self.at)))
        if abs(factor - 1.0) > REFERENCE_TOLERANCE:
            text = f"the factor at {_celsius(self.at)} is {factor:.4g}, not 1"
            raise fail("E-VALUE", text, f"divide the factors by {factor:.4g}, and multiply the total by it")

    def _check_polynomial(self) -> None:
        """Raise where the reference is out of the range, or where the factor is not positive in it."""
        if self.polynomial is None or self.at is None:
            return
        shown = " to ".join(map(_celsius, POLYNOMIAL_RANGE))
        if not POLYNOMIAL_RANGE[0] <= self.at <= POLYNOMIAL_RANGE[1]:
            text = f"the reference temperature {_celsius(self.at)} is outside {shown}"
            raise fail("E-RANGE", text, "use a table, or another reference temperature")
        minimum, temperature = PolynomialLeakage(self.at, self.polynomial, POLYNOMIAL_RANGE).minimum
        if minimum <= 0.0:
            text = f"the factor is {minimum:.3g} at {_celsius(temperature)}; it must be positive in {shown}"
            raise fail("E-RANGE", text, "use a table, or doubles_every: 30 K")

    @property
    def law(self) -> LeakageLaw | None:
        """Return the law, None where it is that of the layer."""
        if self.at is None:
            return None
        if self.table is not None:
            temperatures, factors = zip(*self.table, strict=True)
            return TabulatedLeakage(self.at, temperatures, factors)
        if self.polynomial is not None:
            return PolynomialLeakage(self.at, self.polynomial, POLYNOMIAL_RANGE)
        doubling = self.doubles_every
        if self.preset is not None:
            doubling = leakage_presets()[self.preset].doubles_every
        if doubling is not None:
            return ExponentialLeakage(self.at, math.log(2.0) / doubling)
        return ExponentialLeakage(self.at, cast(float, self.beta))

    def power(self, temperature: float) -> float:
        """Return the leakage power [W] at a temperature [K]; it needs a total and a law."""
        if self.total is None or self.law is None:
            raise ValueError("the leakage has no total or no law")
        return self.total * float(self.law.factor(cast(Any, temperature)))


def _celsius(temperature: float) -> str:
    return format_quantity(temperature, "temperature")


def leakage_of_total(total: float) -> Leakage:
    """Return the leakage of a validated total [W] with the law of the layer, for rows of a floorplan."""
    made = object.__new__(Leakage)
    made.__dict__.update(
        total=total, at=None, doubles_every=None, beta=None, table=None, polynomial=None, preset=None
    )
    return made
