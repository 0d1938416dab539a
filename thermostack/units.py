"""Conversion between SI numbers and text with units, such as "50 um", and units as Python numbers.

The unit constants `m cm mm um nm W mW kW K s ms us ns` multiply numbers in scripts, and `celsius` converts
a temperature to kelvin:

>>> from thermostack.units import celsius, mW, um
>>> 30 * um
3e-05
>>> 250 * mW
0.25
>>> celsius(25)
298.15

`parse_quantity` reads text, and `format_quantity` and `write_quantity` write it:

>>> parse_quantity("50 um", "length")
5e-05
>>> parse_quantity("148 W/(m K)", "conductivity")
148.0
>>> format_quantity(0.000123456, "length")
'123.5 um'
>>> write_quantity(298.15, "temperature")
'25 degC'

All conversions are exact and rounded once, so that planes given in different units coincide:

>>> 30 * um == parse_quantity("30 um", "length") == parse_quantity("0.03 mm", "length") == 30e-6
True

A quantity is a number followed by units. Units are joined by a space, `*` or `·` (multiplication) or by `/`
(division by the next unit or parenthesis only); each may have an integer power: `W/m2/K`, `W/(m K)`,
`mm² K/W`, `W m^-1 K^-1`. A unit may begin with `1/`: `0.02 1/K`. After a `/` only another `/` may follow:
`W/m K` is ambiguous and is refused. The list of units is closed, and no text is evaluated. "degC" alone is a
point on the Celsius scale: it is accepted where a temperature is expected, and refused for a difference of
temperatures. In a compound unit it is a kelvin.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

MAX_TEXT_LENGTH = 100  # characters; the longest quantity that `write_quantity` writes has about 40
MAX_EXPONENT = 2000  # powers of ten; 100 digits cannot bring such a number back into the range of floats

_BLANK = " \t\u00a0\u2009\u202f"  # space, tab, and the spaces that typesetting puts before a unit
_MINUS = str.maketrans("−", "-")
_NUMBER = re.compile(r"([+\-−]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+\-−]?[0-9]+))?")
_UNIT_NAME = re.compile(r"(°C|℃|°|%|[A-Za-zµμ]+)(?:(?:\^|\*\*)([+\-−]?[1-9])|([-−]?[1-9])|(⁻?[¹²³⁴-⁹]))?")
_RECIPROCAL = re.compile(rf"1[{_BLANK}]*(?=/)")  # the beginning of a unit like 1/K
_TIMES = re.compile(rf"[{_BLANK}]*(?:\*|·|⋅)?[{_BLANK}]*")
_SUPERSCRIPTS = str.maketrans("⁻¹²³⁴⁵⁶⁷⁸⁹−", "-123456789-")
_ABSOLUTE_ZERO = Fraction("-273.15")  # degC, by definition of the Celsius scale
ZERO_CELSIUS = 273.15  # K
_DIGITS = Context(prec=50)  # the caller's decimal context may have fewer digits
_PI = Fraction("3.14159265358979323846264338327950288419716939937510582097494459")


class UnitError(ValueError):
    """The text is not a quantity of the expected dimension; the message gives a valid example."""


class _Unit(NamedTuple):
    """A unit in SI: ratio * 10**shift times powers of kg, m, s, K, rad and bytes."""

    powers: tuple[int, ...] = (0, 0, 0, 0, 0, 0)
    shift: int = 0
    ratio: Fraction = Fraction(1)

    def times(self, other: _Unit, power: int) -> _Unit:
        """Return the product of this unit and a power of another unit."""
        powers = tuple(a + power * b for a, b in zip(self.powers, other.powers, strict=True))
        return _Unit(powers, self.shift + power * other.shift, self.ratio * other.ratio**power)


class _Dimension(NamedTuple):
    """A physical dimension: its name with article, an example, its SI unit, and the units of display."""

    noun: str
    example: str
    si: str
    display_units: tuple[tuple[float, str], ...]  # (smallest value [SI], unit), ascending


_PREFIXES = {"": 0, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "d": -1, "k": 3, "M": 6, "G": 9, "T": 12}
_BASES = {  # unit: (permitted prefixes, size)
    "m": ("pnumcdk", _Unit((0, 1, 0, 0, 0, 0))),
    "in": ("", _Unit((0, 1, 0, 0, 0, 0), -4, Fraction(254))),
    "mil": ("", _Unit((0, 1, 0, 0, 0, 0), -7, Fraction(254))),
    "L": ("num", _Unit((0, 3, 0, 0, 0, 0), -3)),
    "l": ("num", _Unit((0, 3, 0, 0, 0, 0), -3)),
    "g": ("umk", _Unit((1, 0, 0, 0, 0, 0), -3)),
    "s": ("pnum", _Unit((0, 0, 1, 0, 0, 0))),
    "Hz": ("mkMG", _Unit((0, 0, -1, 0, 0, 0))),
    "min": ("", _Unit((0, 0, 1, 0, 0, 0), 1, Fraction(6))),
    "h": ("", _Unit((0, 0, 1, 0, 0, 0), 2, Fraction(36))),
    "K": ("um", _Unit((0, 0, 0, 1, 0, 0))),
    "degC": ("", _Unit((0, 0, 0, 1, 0, 0))),
    "W": ("pnumkMG", _Unit((1, 2, -3, 0, 0, 0))),
    "J": ("pnumkMG", _Unit((1, 2, -2, 0, 0, 0))),
    "Pa": ("mkMG", _Unit((1, -1, -2, 0, 0, 0))),
    "bar": ("m", _Unit((1, -1, -2, 0, 0, 0), 5)),
    "rad": ("um", _Unit((0, 0, 0, 0, 1, 0))),
    "deg": ("", _Unit((0, 0, 0, 0, 1, 0), 0, _PI / 180)),
    "B": ("kMGT", _Unit((0, 0, 0, 0, 0, 1))),
    "KiB": ("", _Unit((0, 0, 0, 0, 0, 1), 0, Fraction(1024))),
    "MiB": ("", _Unit((0, 0, 0, 0, 0, 1), 0, Fraction(1024**2))),
    "GiB": ("", _Unit((0, 0, 0, 0, 0, 1), 0, Fraction(1024**3))),
    "%": ("", _Unit((0, 0, 0, 0, 0, 0), -2)),
}
_UNITS = {
    prefix + base: unit._replace(shift=unit.shift + _PREFIXES[prefix])
    for base, (prefixes, unit) in _BASES.items()
    for prefix in ("", *prefixes)
}
_SPELLINGS = {"°C": "degC", "℃": "degC", "°": "deg"}
_MISSPELLINGS = {  # unit: common wrong spellings of it
    "degC": "C c oC degc Celsius celsius",
    "K": "degK kelvin Kelvin",
    "W": "watt watts Watt",
    "um": "micron microns",
    "in": "inch inches",
    "mil": "mils",
    "s": "sec",
    "h": "hr",
}
_CORRECTIONS = {wrong: unit for unit, spellings in _MISSPELLINGS.items() for wrong in spellings.split()}

_DIMENSIONS = {
    name: _Dimension(f"{'an' if name[0] == 'a' else 'a'} {name.replace('_', ' ')}", *rest)
    for name, rest in {
        "length": ("50 um", "m", ((0, "nm"), (1e-6, "um"), (1e-3, "mm"), (1, "m"))),
        "area": ("100 mm2", "m2", ((0, "um2"), (1e-8, "mm2"), (1, "m2"))),
        "volume": ("10 mm3", "m3", ((0, "um3"), (1e-12, "mm3"), (1e-3, "m3"))),
        "temperature": ("25 degC", "K", ((0, "degC"),)),
        "temperature_difference": ("5 K", "K", ((0, "uK"), (1e-3, "mK"), (0.1, "K"))),
        "temperature_coefficient": ("0.02 1/K", "1/K", ((0, "1/K"),)),
        "quadratic_coefficient": ("0.0001 1/K2", "1/K2", ((0, "1/K2"),)),
        "cubic_coefficient": ("1e-6 1/K3", "1/K3", ((0, "1/K3"),)),
        "power": ("10 W", "W", ((0, "nW"), (1e-6, "uW"), (1e-3, "mW"), (1, "W"), (1e4, "kW"))),
        "heat_flux": ("50 W/cm2", "W/m2", ((0, "W/m2"), (1e4, "W/cm2"))),
        "power_density": ("1 W/mm3", "W/m3", ((0, "W/m3"), (1e7, "W/mm3"))),
        "heat_transfer_coefficient": ("1000 W/m2/K", "W/m2/K", ((0, "W/m2/K"), (1e5, "kW/m2/K"))),
        "thermal_resistance": ("0.1 K/W", "K/W", ((0, "mK/W"), (1e-2, "K/W"))),
        "area_resistance": ("5 mm2 K/W", "m2 K/W", ((0, "mm2 K/W"), (1, "m2 K/W"))),
        "conductance": ("5 mW/K", "W/K", ((0, "uW/K"), (1e-3, "mW/K"), (1, "W/K"))),
        "conductivity": ("150 W/m/K", "W/m/K", ((0, "W/m/K"),)),
        "conductivity_change": ("-0.5 W/m/K2", "W/m/K2", ((0, "W/m/K2"),)),
        "density": ("2330 kg/m3", "kg/m3", ((0, "kg/m3"),)),
        "specific_heat": ("700 J/kg/K", "J/kg/K", ((0, "J/kg/K"),)),
        "volumetric_heat_capacity": ("1.6 MJ/m3/K", "J/m3/K", ((0, "J/m3/K"), (1e5, "MJ/m3/K"))),
        "heat_capacity": ("10 J/K", "J/K", ((0, "mJ/K"), (0.1, "J/K"))),
        "time": ("10 ms", "s", ((0, "ns"), (1e-6, "us"), (1e-3, "ms"), (1, "s"), (36e3, "h"))),
        "frequency": ("1 kHz", "Hz", ((0, "mHz"), (1, "Hz"), (1e3, "kHz"), (1e6, "MHz"))),
        "angular_frequency": ("10 rad/s", "rad/s", ((0, "rad/s"),)),
        "velocity": ("2 m/s", "m/s", ((0, "mm/s"), (0.1, "m/s"))),
        "flow_rate": ("1 L/min", "m3/s", ((0, "mL/min"), (1e-6, "L/min"), (1, "m3/s"))),
        "pressure": ("20 kPa", "Pa", ((0, "Pa"), (1e3, "kPa"), (1e6, "MPa"))),
        "fraction": ("20 %", "", ((0, "%"),)),
        "angle": ("90 deg", "rad", ((0, "deg"),)),
        "memory_size": ("4 GB", "B", ((0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"))),
    }.items()
}
DIMENSIONS = tuple(_DIMENSIONS)  # valid values of the parameter `dimension`
_OTHER_NOUNS = {  # SI unit: name; dimensions that are never expected, for messages only
    "J": "an energy",
    "kg": "a mass",
    "kg/s": "a mass flow",
    "W/m": "a power per length",
    "m K/W": "a thermal resistivity",
}


def example_of(dimension: str) -> str:
    """Return an example of a quantity of this dimension as text, like "50 um"."""
    return _find(dimension).example


def exact_scale(unit: str, dimension: str) -> tuple[Fraction, Fraction]:
    """Return (factor, zero) such that a number in `unit` is factor * number + zero in SI, exactly.

    `zero` is 273.15 for degC if the dimension is temperature, and 0 otherwise. Raises UnitError if the unit
    is unknown or of another dimension.
    """
    parse_quantity(f"1 {unit}", dimension)
    unit = unit.strip(_BLANK)
    read = _read_unit(unit)
    return read.ratio * Fraction(10) ** read.shift, _zero_of(unit, dimension)


def decimal_point_advice(text: str) -> str:
    """Return the advice for a number with a comma; three digits after it may also be thousands.

    >>> decimal_point_advice("20,5 W")
    'write a decimal point, 20.5 W'
    >>> decimal_point_advice("12,000 W")
    'write 12000 W without separators, or 12.000 W with a decimal point'
    """
    text = _printable(text)
    point = text.replace(",", ".", 1)
    if re.search(r",[0-9]{3}(?![0-9])", text):
        return f"write {text.replace(',', '', 1)} without separators, or {point} with a decimal point"
    return f"write a decimal point, {point}"


def parse_quantity(text: str, dimension: str) -> float:
    """Return the value [SI] of a text like "50 um", rounded once from its exact value.

    Parameters
    ----------
    text : str
        A number and a unit.
    dimension : str
        The expected dimension, one of `DIMENSIONS`: "length", "temperature", "power" ...

    Returns
    -------
    float
        The value in SI units; a temperature is in kelvin.

    Raises
    ------
    UnitError
        If the text is not a number with a unit, if the unit is unknown, ambiguous or of another dimension, or
        if the number is outside the range of floats.

    Examples
    --------
    >>> parse_quantity("25 degC", "temperature")
    298.15
    >>> parse_quantity("50 W", "length")
    Traceback (most recent call last):
    ...
    thermostack.units.UnitError: "50 W" is a power; expected a length, like "50 um"
    """
    expected = _find(dimension)
    if not isinstance(text, str):
        raise UnitError(
            f"a quantity is text with a unit, like {_quote(expected.example)}, not {type(text).__name__}"
        )
    try:
        return _parse(text, dimension)
    except UnitError as error:
        example = _quote(expected.example)
        raise UnitError(f"{_quote(text)} {error}; expected {expected.noun}, like {example}") from None


@lru_cache(maxsize=1024)  # texts: the copies of a stack repeat its quantities
def _parse(text: str, dimension: str) -> float:
    """Return the value [SI] of a text; a UnitError says what is wrong with it."""
    expected = _find(dimension)
    number, rest = _split(text)
    if not rest and expected.si:
        raise UnitError("has no unit")
    unit = _read_unit(rest)
    if unit.powers != _read_unit(expected.si).powers:
        raise UnitError(_mismatch_message(unit, rest, expected))
    if dimension == "temperature_difference" and _is_celsius(rest):
        raise UnitError("is a temperature, not a difference of temperatures")
    value = _scale(number, unit, _zero_of(rest, dimension))
    if dimension == "temperature" and value < 0:
        raise UnitError("is below absolute zero (-273.15 degC)")
    return value


def split_quantity(text: str) -> tuple[float, str]:
    """Return the number and the unit of a text like "50 um"; the unit is "" if there is none.

    Raises UnitError if the text does not begin with a number or its unit is unknown.

    >>> split_quantity("2.5e-6 m2 K/W")
    (2.5e-06, 'm2 K/W')
    """
    (mantissa, exponent), unit = _split(text)
    _read_unit(unit)
    return _scale((mantissa, exponent), _Unit(), Fraction(0)), unit


def convert_from_si(value: float, unit: str, dimension: str) -> float:
    """Return a value [SI] in a unit of its dimension. Raises UnitError as `exact_scale`.

    >>> convert_from_si(298.15, "degC", "temperature")
    25.0
    """
    factor, zero = exact_scale(unit, dimension)
    return float((Fraction(repr(value)) - zero) / factor) if value - value == 0 else value


def format_quantity(value: float, dimension: str) -> str:
    """Return a value [SI] as readable text: four significant digits in a common unit.

    Parameters
    ----------
    value : float
        The value in SI units.
    dimension : str
        One of `DIMENSIONS`.

    Returns
    -------
    str
        The rounded number and its unit; temperatures are in degC.

    Examples
    --------
    >>> format_quantity(0.775e-3, "length")
    '775 um'
    >>> format_quantity(360.0, "temperature")
    '86.85 degC'
    """
    described = _find(dimension)
    value = float(value)
    if value - value != 0:  # not finite
        return f"{value} {described.si}".rstrip()
    unit = _choose_unit(value, described)
    number = float(_in_unit(value, unit, dimension))
    digits = f"{number:.2f}" if dimension == "temperature" and abs(number) < 100 else f"{number:.4g}"
    return f"{_plain(Decimal(digits))} {unit}"


def write_quantity(value: float, dimension: str) -> str:
    """Return a value [SI] as text that `parse_quantity` reads back as exactly the same float.

    Parameters
    ----------
    value : float
        The value in SI units.
    dimension : str
        One of `DIMENSIONS`.

    Returns
    -------
    str
        The number and its unit, in a common unit if that takes few digits, else in the SI unit.

    Raises
    ------
    UnitError
        If the value is infinite, not a number, or a temperature below 0 K.

    Examples
    --------
    >>> write_quantity(0.1 + 0.2, "time")
    '300.00000000000004 ms'
    """
    described = _find(dimension)
    value = float(value)
    if value - value != 0:
        raise UnitError(f"{value} cannot be written as {described.noun}")
    if value < 0 and dimension == "temperature":
        raise UnitError(f"{value} K is below absolute zero")
    plain = _plain(Decimal(repr(value)))
    unit = _choose_unit(value, described)
    exact = _in_unit(value, unit, dimension)
    allowed = _count_digits(Decimal(plain)) + 3
    for digits in (12, 17):
        number = Context(prec=digits).divide(Decimal(exact.numerator), Decimal(exact.denominator))
        readable = f"{_plain(number)} {unit}"
        if _count_digits(number) <= allowed and parse_quantity(readable, dimension) == value:
            return readable
    return f"{plain} {described.si}".rstrip()


def celsius(temperature: float | str) -> float:
    """Return a temperature [K] from one in degC, equal to that of the text "<t> degC".

    Text has a unit: `celsius("85 degC")` is `celsius(85)`.

    >>> celsius(85)
    358.15
    """
    if isinstance(temperature, str):
        return parse_quantity(temperature, "temperature")
    return parse_quantity(f"{float(temperature)!r} degC", "temperature")


class _Scaled(float):
    """A unit as a float: `30 * um` is the float nearest to 30e-6, whereas 30 * 1e-6 is not.

    The product is computed from the decimal digits of both factors. Products with NumPy arrays are ordinary
    floating-point products.
    """

    __slots__ = ()

    def __mul__(self, other: float) -> float:
        """Return the float nearest to the product of both factors as written in decimal."""
        if not isinstance(other, (int, float)) or other - other != 0:
            return float.__mul__(self, other)
        exact = Fraction(int(other)) if isinstance(other, int) else Fraction(repr(float(other)))
        try:
            return float(exact * Fraction(repr(float(self))))
        except OverflowError:
            return float.__mul__(self, other)

    __rmul__ = __mul__


m = 1.0
cm: float = _Scaled(1e-2)
mm: float = _Scaled(1e-3)
um: float = _Scaled(1e-6)
nm: float = _Scaled(1e-9)
W = 1.0
mW: float = _Scaled(1e-3)
kW: float = _Scaled(1e3)
K = 1.0
s = 1.0
ms: float = _Scaled(1e-3)
us: float = _Scaled(1e-6)
ns: float = _Scaled(1e-9)


def _find(dimension: str) -> _Dimension:
    """Return the dimension of a name."""
    if dimension not in _DIMENSIONS:
        raise UnitError(f"unknown dimension {_quote(dimension)}; the dimensions are {', '.join(DIMENSIONS)}")
    return _DIMENSIONS[dimension]


def _quote(text: object) -> str:
    """Return a text in quotes for a message, its control characters escaped, cut after 60 characters."""
    return f'"{_printable(str(text)[:60])}{"..." if len(str(text)) > 60 else ""}"'


def _printable(text: str) -> str:
    """Return a text with its control characters escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _split(text: str) -> tuple[tuple[str, int], str]:
    """Return ((mantissa, exponent), unit text) of a quantity."""
    if len(text) > MAX_TEXT_LENGTH:
        raise UnitError(f"has {len(text)} characters, more than the maximum of {MAX_TEXT_LENGTH}")
    text = text.strip(_BLANK)
    match = _NUMBER.match(text)
    if match is None:
        raise UnitError("does not begin with a number")
    rest = text[match.end() :].strip(_BLANK)
    if rest.startswith(","):
        raise UnitError(f"has a comma in its number; {decimal_point_advice(text)}")
    if rest and rest[0] in "_.'0123456789" and not _RECIPROCAL.match(rest):
        raise UnitError("is not a single number; write digits without separators: 12000 or 1.2e4")
    mantissa, exponent = match.group(1).translate(_MINUS), match.group(2) or "0"
    return (mantissa, int(exponent.translate(_MINUS))), rest


def _scale(number: tuple[str, int], unit: _Unit, zero: Fraction) -> float:
    """Return the float nearest to a number in a unit, in SI units, with the offset `zero` of the scale."""
    mantissa, exponent = number
    is_zero = not mantissa.strip("+-0.")
    exponent = max(-MAX_EXPONENT, min(MAX_EXPONENT, exponent + unit.shift))
    if unit.ratio == 1 and not zero:
        value = float(f"{mantissa}e{exponent}")
    else:
        try:
            value = float(Fraction(f"{mantissa}e{exponent}") * unit.ratio + zero)
        except OverflowError:
            value = float("inf")
    if value - value != 0:
        raise UnitError("is too large for a float")
    if value == 0 and not is_zero and not zero:
        raise UnitError("is too small for a float and would become zero")
    return value


def _zero_of(rest: str, dimension: str) -> Fraction:
    """Return the offset [K] of the scale of a unit: 273.15 for degC as a temperature, else zero."""
    if dimension != "temperature":
        return Fraction(0)
    match = _UNIT_NAME.fullmatch(rest)
    if match is None or match.lastindex != 1:
        raise UnitError('is not in degC or K; write it like "25 degC" or "298.15 K"')
    return -_ABSOLUTE_ZERO if _is_celsius(rest) else Fraction(0)


def _is_celsius(rest: str) -> bool:
    """Return whether a unit is degC alone, a point on the Celsius scale."""
    match = _UNIT_NAME.fullmatch(rest)
    return match is not None and match.lastindex == 1 and _name_of(match) == "degC"


def _name_of(match: re.Match[str]) -> str:
    """Return the name of a matched unit in the spelling of the list of units."""
    name = match.group(1)
    return _SPELLINGS.get(name, name).replace("µ", "u").replace("μ", "u")


@lru_cache(maxsize=512)
def _read_unit(text: str) -> _Unit:
    """Return the unit of a text like "W/(m K)"; the empty text is the dimensionless unit."""
    if not text:
        return _Unit()
    unit, end = _read_product(text, 0, inside=False)
    if end < len(text):
        raise UnitError(_unreadable_message(text, end))
    return unit


def _read_product(text: str, position: int, *, inside: bool) -> tuple[_Unit, int]:
    """Return the product of the units that begin at a position, and the position of its end."""
    reciprocal = None if inside else _RECIPROCAL.match(text, position)
    if reciprocal is not None:
        unit, position = _Unit(), reciprocal.end()
    else:
        unit, position = _read_factor(text, position, inside=inside)
    divisor = -1  # where the last divisor begins
    while True:
        start = _TIMES.match(text, position).end()  # type: ignore[union-attr]  # matches the empty text
        if start == len(text) or text[start] == ")":
            return unit, position
        if text[start] == "/":
            position = start + 1
            while text[position : position + 1] in tuple(_BLANK):
                position += 1
            divisor = position
            factor, position = _read_factor(text, position, inside=inside)
            unit = unit.times(factor, -1)
        else:
            factor, end = _read_factor(text, start, inside=inside)
            if divisor >= 0:
                raise UnitError(_ambiguous_message(text, divisor, position, start))
            unit, position = unit.times(factor, 1), end


def _read_factor(text: str, position: int, *, inside: bool) -> tuple[_Unit, int]:
    """Return one unit with its power, or one parenthesis, and the position of its end."""
    if text[position : position + 1] == "(" and not inside:
        unit, end = _read_product(text, position + 1, inside=True)
        if text[end : end + 1] != ")":
            raise UnitError("has a parenthesis that is not closed")
        return unit, end + 1
    match = _UNIT_NAME.match(text, position)
    if match is None:
        raise UnitError(_unreadable_message(text, position))
    name = _name_of(match)
    if name not in _UNITS:
        raise UnitError(_unknown_message(name))
    power = match.group(2) or match.group(3) or match.group(4) or "1"
    return _Unit().times(_UNITS[name], int(power.translate(_SUPERSCRIPTS))), match.end()


def _unreadable_message(text: str, position: int) -> str:
    """Return the message for a text that has no unit at a position."""
    part = _quote(text[position:]) if position < len(text) else "its end"
    return f'cannot be read at {part}; units are joined by a space, "*" or "/", like "W/m2/K" or "W/(m K)"'


def _ambiguous_message(text: str, divisor: int, end: int, start: int) -> str:
    """Return the message for a product after a slash, with both of its possible meanings."""
    before, below, after = text[:divisor].rstrip("/" + _BLANK), text[divisor:end], text[start:]
    if "(" in text or "/" in after:
        return "can be read in two ways; give every divisor its own slash, like W/m2/K"
    return (
        f'can be read in two ways: write "{before}/({below} {after})" or "{before}/{below}/{after}" '
        f'to divide by both, "{after} {before}/{below}" to multiply'
    )


def _unknown_message(name: str) -> str:
    """Return the message for an unknown unit, with similar known units."""
    from difflib import get_close_matches  # imported here since only errors need it

    if name in _CORRECTIONS:
        near = [_CORRECTIONS[name]]
    elif name.endswith("K") and name[:-1] in _UNITS:
        near = [f'"({name[:-1]} K)"']
    else:
        near = [known for known in _UNITS if known.lower() == name.lower()]
        near = near or get_close_matches(name, _UNITS, n=3, cutoff=0.5)
    advice = f" (did you mean {' or '.join(near)}?)" if near else ""
    return f"has an unknown unit {_quote(name)}{advice}"


def _mismatch_message(unit: _Unit, rest: str, expected: _Dimension) -> str:
    """Return the message for a quantity of another dimension than the expected one."""
    nouns = {_read_unit(text).powers: noun for text, noun in _OTHER_NOUNS.items()}
    nouns |= {_read_unit(other.si).powers: other.noun for other in reversed(_DIMENSIONS.values())}
    message = f"is {nouns[unit.powers]}" if unit.powers in nouns else "is a quantity of another dimension"
    meant = rest.replace("mK", "(m K)")
    if meant != rest and _powers_of(meant) == _powers_of(expected.si):
        return f'{message} ("mK" is a millikelvin; did you mean {_quote(meant)}?)'
    return message


def _powers_of(text: str) -> tuple[int, ...] | None:
    """Return the powers of kg, m, s, K, rad and bytes in a unit, or None if the text is not a unit."""
    try:
        return _read_unit(text).powers
    except UnitError:
        return None


def _choose_unit(value: float, dimension: _Dimension) -> str:
    """Return the unit in which a value [SI] is displayed."""
    if value == 0:
        return dimension.example.partition(" ")[2]
    size = abs(float(f"{value:.4g}"))
    return [unit for start, unit in dimension.display_units if size >= start][-1]


def _in_unit(value: float, unit: str, dimension: str) -> Fraction:
    """Return a value [SI] in another unit, exactly."""
    read = _read_unit(unit)
    exact = Fraction(repr(value)) - _zero_of(unit, dimension)
    return exact / read.ratio / Fraction(10) ** read.shift


def _count_digits(number: Decimal) -> int:
    """Return the number of significant digits of a number."""
    return len(number.normalize(_DIGITS).as_tuple().digits)


def _plain(number: Decimal) -> str:
    """Return the digits of a number, with an exponent if it is below 1e-5 or at least 1e9."""
    if number == 0:
        return "0"
    number = number.normalize(_DIGITS)
    if -5 <= number.adjusted() < 9:
        return f"{number:f}"
    return f"{number:e}"


def format_share(share: float) -> str:
    """Return a fraction in per cent, with two digits, or whole from 100 % on.

    >>> format_share(0.0234), format_share(0.4), format_share(4.82)
    ('2.3 %', '40 %', '482 %')
    """
    percent = 100.0 * share
    return f"{percent:.2g} %" if percent < 99.5 else f"{percent:.0f} %"
