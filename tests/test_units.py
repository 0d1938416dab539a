"""Quantities as text: what is read, how exactly, what is refused and with which words."""

from __future__ import annotations

import contextlib
import decimal
import math
import pickle
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import thermostack.units as units
from thermostack.units import (
    DIMENSIONS,
    MAX_TEXT_LENGTH,
    K,
    UnitError,
    W,
    celsius,
    cm,
    example_of,
    format_quantity,
    kW,
    m,
    mm,
    ms,
    mW,
    nm,
    ns,
    parse_quantity,
    s,
    um,
    us,
    write_quantity,
)

MANY = settings(max_examples=20 * settings().max_examples)  # an example costs microseconds
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def refusal(text: str, dimension: str) -> str:
    """Return the message with which a text is refused."""
    with pytest.raises(UnitError) as caught:
        parse_quantity(text, dimension)
    return str(caught.value)


# -- what is read --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("50 um", "length", 50e-6),
        ("50um", "length", 50e-6),
        ("50 µm", "length", 50e-6),
        ("50 μm", "length", 50e-6),
        ("  50\t um ", "length", 50e-6),
        ("50\u00a0um", "length", 50e-6),
        ("1.4 mm", "length", 1.4e-3),
        ("+.5e1 cm", "length", 0.05),
        ("5.E-3 m", "length", 5e-3),
        ("-3 nm", "length", -3e-9),
        ("−3 nm", "length", -3e-9),
        ("1 in", "length", 0.0254),
        ("3 mil", "length", 76.2e-6),
        ("0 um", "length", 0.0),
        ("0e9999999999 m", "length", 0.0),
        ("813.26 mm2", "area", 813.26e-6),
        ("1 mm·cm", "area", 1e-5),
        ("2 mm^3", "volume", 2e-9),
        ("1 mL", "volume", 1e-6),
        ("25 degC", "temperature", 298.15),
        ("25 °C", "temperature", 298.15),
        ("25℃", "temperature", 298.15),
        ("-40 degC", "temperature", 233.15),
        ("0 degC", "temperature", 273.15),
        ("1e-9999 degC", "temperature", 273.15),
        ("-273.15 degC", "temperature", 0.0),
        ("0 K", "temperature", 0.0),
        ("349.35 K", "temperature", 349.35),
        ("5 K", "temperature_difference", 5.0),
        ("-4 mK", "temperature_difference", -4e-3),
        ("560 W", "power", 560.0),
        ("1 mW", "power", 1e-3),
        ("1 MW", "power", 1e6),
        ("3 J/s", "power", 3.0),
        ("100 W/cm2", "heat_flux", 1e6),
        ("1 W/mm**2", "heat_flux", 1e6),
        ("2 W/mm3", "power_density", 2e9),
        ("25000 W/m2/K", "heat_transfer_coefficient", 25000.0),
        ("25 kW/(m² K)", "heat_transfer_coefficient", 25000.0),
        ("25 kW/(m²·degC)", "heat_transfer_coefficient", 25000.0),
        ("15 W m-2 K-1", "heat_transfer_coefficient", 15.0),
        ("0.045 K/W", "thermal_resistance", 0.045),
        ("0.045 degC/W", "thermal_resistance", 0.045),
        ("1 mm2 K/W", "area_resistance", 1e-6),
        ("1 mm2K/W", "area_resistance", 1e-6),
        ("1 K*mm2/W", "area_resistance", 1e-6),
        ("1 (K mm2)/W", "area_resistance", 1e-6),
        ("1 K / (W/mm2)", "area_resistance", 1e-6),
        ("130 W/m/K", "conductivity", 130.0),
        ("130 W/m/degC", "conductivity", 130.0),
        ("130 W/(m K)", "conductivity", 130.0),
        ("130 W / (m * K)", "conductivity", 130.0),
        ("130 W m^-1 K^-1", "conductivity", 130.0),
        ("130 W·m⁻¹·K⁻¹", "conductivity", 130.0),
        ("1.3 W/cm/K", "conductivity", 130.0),
        ("2.33 g/cm3", "density", 2330.0),
        ("2330 kg/m3", "density", 2330.0),
        ("0.7 J/g/K", "specific_heat", 700.0),
        ("1.63 MJ/m3/K", "volumetric_heat_capacity", 1.63e6),
        ("1.63 J/cm3/K", "volumetric_heat_capacity", 1.63e6),
        ("10 ms", "time", 10e-3),
        ("10 µs", "time", 10e-6),
        ("2 min", "time", 120.0),
        ("1.5 h", "time", 5400.0),
        ("2 m/s", "velocity", 2.0),
        ("1 L/min", "flow_rate", 1e-3 / 60),
        ("6 l/h", "flow_rate", 6e-3 / 3600),
        ("20 kPa", "pressure", 20e3),
        ("1.5 bar", "pressure", 1.5e5),
        ("20 %", "fraction", 0.2),
        ("20%", "fraction", 0.2),
        ("0.2", "fraction", 0.2),
        ("1e-1", "fraction", 0.1),
        ("90 deg", "angle", math.pi / 2),
        ("90°", "angle", math.pi / 2),
        ("1 rad", "angle", 1.0),
        ("0.02 1/K", "temperature_coefficient", 0.02),
        ("0.02 1 / K", "temperature_coefficient", 0.02),
        ("0.02 K^-1", "temperature_coefficient", 0.02),
        ("20 1/mK", "temperature_coefficient", 2e4),
        ("2e-4 1/K2", "quadratic_coefficient", 2e-4),
        ("2e-4 1/K/K", "quadratic_coefficient", 2e-4),
        ("1 1/s", "frequency", 1.0),
    ],
)
def test_common_units_are_read(text: str, dimension: str, value: float) -> None:
    assert parse_quantity(text, dimension) == value


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_example_of_every_dimension_reads_and_writes_unchanged(dimension: str) -> None:
    value = parse_quantity(example_of(dimension), dimension)
    assert write_quantity(value, dimension) == format_quantity(value, dimension) == example_of(dimension)


# -- exactness -------------------------------------------------------------------------------------

LENGTHS = {"pm": "1e-12", "nm": "1e-9", "um": "1e-6", "mil": "25.4e-6", "mm": "1e-3", "cm": "1e-2"}
LENGTHS |= {"in": "0.0254", "dm": "0.1", "m": "1", "km": "1e3"}
TIMES = {"ps": "1e-12", "ns": "1e-9", "us": "1e-6", "ms": "1e-3", "s": "1", "min": "60", "h": "3600"}
NUMBERS = st.from_regex(
    r"[+-]?([0-9]{1,22}(\.[0-9]{0,22})?|\.[0-9]{1,22})([eE][+-]?[0-9]{1,2})?", fullmatch=True
)


@MANY
@given(NUMBERS, st.sampled_from(sorted(LENGTHS)), st.sampled_from(sorted(TIMES)))
def test_value_is_rounded_once(number: str, length: str, duration: str) -> None:
    exact = Fraction(number) * Fraction(LENGTHS[length])
    assert parse_quantity(f"{number} {length}", "length") == float(exact)
    assert parse_quantity(f"{number} {length}3", "volume") == float(exact * Fraction(LENGTHS[length]) ** 2)
    exact /= Fraction(TIMES[duration])
    assert parse_quantity(f"{number} {length}/{duration}", "velocity") == float(exact)


@MANY
@given(NUMBERS)
def test_temperature_is_rounded_once(number: str) -> None:
    exact = Fraction(number) + Fraction("273.15")
    if exact >= 0:
        assert parse_quantity(f"{number} degC", "temperature") == float(exact)
        assert parse_quantity(f"{number} K", "temperature_difference") == float(Fraction(number))
    elif float(exact) < 0:
        assert "absolute zero" in refusal(f"{number} degC", "temperature")


@pytest.mark.parametrize("digits", range(1, 1200, 7))
def test_equal_lengths_in_different_units_are_equal(digits: int) -> None:
    in_um = parse_quantity(f"{digits} um", "length")
    assert in_um == parse_quantity(f"{digits}e-3 mm", "length") == parse_quantity(f"{digits}000 nm", "length")
    assert in_um == float(f"{digits}e-6")


def test_decimal_context_of_caller_has_no_effect() -> None:
    with decimal.localcontext(decimal.Context(prec=2, traps=[decimal.Inexact])):
        assert parse_quantity("123.456789 mm", "length") == 0.123456789
        assert parse_quantity("76.23 degC", "temperature") == 349.38
        assert write_quantity(0.123456789, "length") == "123.456789 mm"
        assert format_quantity(0.123456789, "length") == "123.5 mm"


# -- writing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", DIMENSIONS)
@MANY
@given(value=FINITE)
@example(value=0.0)
@example(value=-0.0)
@example(value=5e-324)
@example(value=sys.float_info.max)
@example(value=sys.float_info.min)
@example(value=1 / 3)
@example(value=0.1 + 0.2)
@example(value=math.pi)
@example(value=298.15)
def test_written_quantity_reads_back_exactly(dimension: str, value: float) -> None:
    value = abs(value) if dimension == "temperature" else value
    text = write_quantity(value, dimension)
    assert parse_quantity(text, dimension) == value
    assert len(text) <= 45


@MANY
@given(st.floats(min_value=1e-9, max_value=1e9), st.sampled_from(DIMENSIONS))
def test_formatted_quantity_has_four_correct_digits(value: float, dimension: str) -> None:
    shown = parse_quantity(format_quantity(value, dimension), dimension)
    slack = 0.0051 if dimension == "temperature" else 0.0  # two decimals near 0 degC
    offset = 273.15 if dimension == "temperature" else 0.0
    assert abs(shown - value) <= 0.5001e-3 * abs(value - offset) + slack


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (5e-05, "length", "50 um"),
        (1.4e-3, "length", "1.4 mm"),
        (0.055, "length", "55 mm"),
        (1.0, "length", "1 m"),
        (3.5e-9, "length", "3.5 nm"),
        (-5e-05, "length", "-50 um"),
        (0.0, "length", "0 um"),
        (349.35, "temperature", "76.2 degC"),
        (298.15, "temperature", "25 degC"),
        (233.15, "temperature", "-40 degC"),
        (0.0, "temperature", "0 K"),
        (560.0, "power", "560 W"),
        (0.25, "power", "250 mW"),
        (12000.0, "power", "12 kW"),
        (0.045, "thermal_resistance", "0.045 K/W"),
        (1e-6, "area_resistance", "1 mm2 K/W"),
        (25000.0, "heat_transfer_coefficient", "25000 W/m2/K"),
        (1e6, "heat_flux", "100 W/cm2"),
        (1e-3 / 60, "flow_rate", "1 L/min"),
        (math.pi / 2, "angle", "90 deg"),
        (0.3, "fraction", "30 %"),
        (90.0, "time", "90 s"),
        (1e-300, "conductivity", "1e-300 W/m/K"),
    ],
)
def test_written_unit(value: float, dimension: str, text: str) -> None:
    assert write_quantity(value, dimension) == text
    assert write_quantity(np.float64(value), dimension) == text


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (1.23456e-5, "length", "12.35 um"),
        (9.99999e-4, "length", "1 mm"),
        (349.3789, "temperature", "76.23 degC"),
        (1234.5678, "temperature", "961.4 degC"),
        (273.1500001, "temperature", "0 degC"),
        (813.264e-6, "area", "813.3 mm2"),
        (123456.0, "heat_transfer_coefficient", "123.5 kW/m2/K"),
        (-559.96, "power", "-560 W"),
        (math.nan, "power", "nan W"),
        (math.inf, "fraction", "inf"),
    ],
)
def test_formatted_quantities(value: float, dimension: str, text: str) -> None:
    assert format_quantity(value, dimension) == text


@pytest.mark.parametrize("degrees", range(1, 361))
def test_whole_degrees_are_written_without_fraction(degrees: int) -> None:
    assert write_quantity(parse_quantity(f"{degrees} deg", "angle"), "angle") == f"{degrees} deg"


def test_angle_in_radians_is_written_short() -> None:
    assert write_quantity(0.1, "angle") == "0.1 rad"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_number_is_not_written(value: float) -> None:
    with pytest.raises(UnitError, match=r"(nan|inf) cannot be written as a length"):
        write_quantity(value, "length")


def test_temperature_below_absolute_zero_is_not_written() -> None:
    with pytest.raises(UnitError, match="below absolute zero"):
        write_quantity(-1.0, "temperature")


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "dimension", "message"),
    [
        ("50 W", "length", '"50 W" is a power; expected a length, like "50 um"'),
        ("50 %", "length", '"50 %" is a fraction; expected a length, like "50 um"'),
        (
            "25 degC/W",
            "temperature",
            '"25 degC/W" is a thermal resistance; expected a temperature, like "25 degC"',
        ),
        ("3 kg/s", "flow_rate", '"3 kg/s" is a mass flow; expected a flow rate, like "1 L/min"'),
        ("3 W2", "power", '"3 W2" is a quantity of another dimension; expected a power, like "10 W"'),
        ("3 deg", "fraction", '"3 deg" is an angle; expected a fraction, like "20 %"'),
        ("50", "length", '"50" has no unit; expected a length, like "50 um"'),
        ("5e-5", "length", '"5e-5" has no unit; expected a length, like "50 um"'),
        ("90", "angle", '"90" has no unit; expected an angle, like "90 deg"'),
        ("50 umm", "length", 'unknown unit "umm" (did you mean um or mm or m?); expected a length'),
        ("50 UM", "length", 'unknown unit "UM" (did you mean um?)'),
        ("5 mw", "power", 'unknown unit "mw" (did you mean mW or MW?)'),
        ("25 C", "temperature", 'unknown unit "C" (did you mean degC?)'),
        ("2 W/m/C", "conductivity", 'unknown unit "C" (did you mean degC?)'),
        ("5 microns", "length", 'unknown unit "microns" (did you mean um?)'),
        ("3 J/kgK", "specific_heat", 'unknown unit "kgK" (did you mean "(kg K)"?)'),
        ("5 xyzzy", "length", 'has an unknown unit "xyzzy"; expected a length, like "50 um"'),
        ("77 degF", "temperature", 'unknown unit "degF"'),
        ("5 degC", "temperature_difference", "is a temperature, not a difference of temperatures; expected"),
        ("5 °C", "temperature_difference", "is a temperature, not a difference"),
        ("1 mdegC", "temperature_difference", 'unknown unit "mdegC"'),
        ("2 W/mK", "conductivity", 'is a conductance ("mK" is a millikelvin; did you mean "W/(m K)"?)'),
        ("2 W/m K", "conductivity", 'can be read in two ways: write "W/(m K)" or "W/m/K" to divide by both'),
        ("2 W/m·K", "conductivity", 'can be read in two ways: write "W/(m K)" or "W/m/K" to divide by both'),
        ("2 W/m*K", "conductivity", 'can be read in two ways: write "W/(m K)" or "W/m/K" to divide by both'),
        ("2 W/m2K", "heat_transfer_coefficient", 'write "W/(m2 K)" or "W/m2/K" to divide by both'),
        (
            "3 K/W m2",
            "area_resistance",
            '"m2 K/W" to multiply; expected an area resistance, like "5 mm2 K/W"',
        ),
        ("3 K/(W/m2) m", "area_resistance", "two ways; give every divisor its own slash, like W/m2/K"),
        ("3 W/m-K", "conductivity", 'cannot be read at "-K"; units are joined by a space, "*" or "/"'),
        ("3 W/", "power", "cannot be read at its end"),
        ("3 /s", "power", 'cannot be read at "/s"'),
        ("3 W//m", "power", 'cannot be read at "/m"'),
        ("3 W * * m", "power", 'cannot be read at "* m"'),
        ("3 W^0", "power", 'cannot be read at "^0"'),
        ("3 m12", "length", 'cannot be read at "2"'),
        ("3 (W", "power", "has a parenthesis that is not closed"),
        ("3 W)", "power", 'cannot be read at ")"'),
        ("3 W/((m K))", "conductivity", 'cannot be read at "(m K))"'),
        ("3 W/(m K)2", "conductivity", 'cannot be read at "2"'),
        ("3 ()", "power", 'cannot be read at ")"'),
        ("3 Ω", "power", 'cannot be read at "Ω"'),
        ("", "length", '"" does not begin with a number; expected a length'),
        ("um", "length", "does not begin with a number"),
        ("nan W", "power", "does not begin with a number"),
        ("inf W", "power", "does not begin with a number"),
        ("-inf W", "power", "does not begin with a number"),
        ("٥٠ um", "length", "does not begin with a number"),
        ("\uff15\uff10 um", "length", "does not begin with a number"),
        ("- 5 um", "length", "does not begin with a number"),
        ("0x10 um", "length", 'unknown unit "x"'),
        ("1,5 mm", "length", "has a comma in its number; write a decimal point"),
        ("1,500 mm", "length", "has a comma in its number"),
        ("1_000 um", "length", "is not a single number; write digits without separators"),
        ("1 000 um", "length", "is not a single number; write digits without separators"),
        ("1.2.3 um", "length", "is not a single number; write digits without separators"),
        ("10 20 um", "length", "is not a single number; write digits without separators"),
        ("1e999 m", "length", '"1e999 m" is too large for a float'),
        ("-1e999 m", "length", "is too large for a float"),
        ("1e400 nm", "length", "is too large for a float"),
        ("1e308 km", "length", "is too large for a float"),
        ("1e309 degC", "temperature", "is too large for a float"),
        ("1e310 in", "length", "is too large for a float"),
        ("1e99999999999999999999 m", "length", "is too large for a float"),
        ("1e-99999999999999999999 in", "length", "is too small for a float and would become zero"),
        ("1e-320 nm", "length", "is too small for a float and would become zero"),
        ("-1 K", "temperature", '"-1 K" is below absolute zero (-273.15 degC)'),
        ("-273.16 degC", "temperature", "is below absolute zero"),
        ("2 K2", "temperature", "is a quantity of another dimension"),
        ("25 degC m/m", "temperature", "is not in degC or K"),
        (
            "25 degC/%",
            "temperature",
            'is not in degC or K; write it like "25 degC" or "298.15 K"',
        ),
        ("25 degC1", "temperature", "is not in degC or K"),
        ("50 um; rm", "length", 'cannot be read at "; rm"'),
        ("__import__('os').system('ls')", "length", "does not begin with a number"),
        ("5 W\x1b[31m", "power", r'"5 W\x1b[31m" cannot be read at "\x1b[31m"'),
        ("5 um\n", "length", r'cannot be read at "\n"'),
    ],
)
def test_messages_of_refused_text(text: str, dimension: str, message: str) -> None:
    found = refusal(text, dimension)
    assert message in found
    assert example_of(dimension) in found


def test_long_text_is_refused_quickly() -> None:
    assert f"has 1000003 characters, more than the maximum of {MAX_TEXT_LENGTH}" in refusal(
        "1" * 10**6 + " um", "length"
    )
    assert len(refusal("9" * 10**6, "length")) < 250
    assert parse_quantity("0." + "3" * 95 + " um", "length") == float("0." + "3" * 95 + "e-6")


@pytest.mark.parametrize("value", [50e-6, 50, None, b"50 um"])
def test_non_text_is_refused(value: object) -> None:
    with pytest.raises(
        UnitError, match=r'a quantity is text with a unit, like "50 um", not (int|float|None|bytes)'
    ):
        parse_quantity(value, "length")  # type: ignore[arg-type]


@pytest.mark.parametrize("call", [example_of, lambda name: parse_quantity("5 m", name)])
def test_unknown_dimension_is_named(call: object) -> None:
    with pytest.raises(UnitError, match='unknown dimension "lenght"; the dimensions are length, area'):
        call("lenght")  # type: ignore[operator]


# -- whatever is written there ---------------------------------------------------------------------

PIECES = [
    "5",
    "1e9",
    "99",
    ".",
    ",",
    "e",
    "_",
    "-1",
    "-",
    "2",
    "²",
    "⁻",
    "^",
    "**",
    "*",
    "·",
    "/",
    "(",
    ")",
    " ",
]
PIECES += ["um", "µ", "m", "W", "K", "degC", "mil", "%", "°", "\n", "\ud800", "\x00", "rad9", "Pa-9", "deg9"]


@MANY
@given(
    st.text(max_size=120) | st.lists(st.sampled_from(PIECES), max_size=60).map("".join),
    st.sampled_from(DIMENSIONS),
)
@example("1e9999" + " deg9/deg9" * 9, "fraction")
@example("1e-9999 deg" + " in9/m9" * 10, "angle")
def test_any_text_is_finite_number_or_unit_error(text: str, dimension: str) -> None:
    try:
        value = parse_quantity(text, dimension)
    except UnitError:
        assert refusal(text, dimension).isprintable()
    else:
        assert math.isfinite(value)
        assert type(value) is float


@pytest.mark.parametrize(
    "text",
    [
        "9" * MAX_TEXT_LENGTH,
        "5 " + "m" * 98,
        "5 " + "m*" * 49,
        "5 " + "(" * 98,
        "5 m" + " " * 97,
        "5 m" + " " * 96 + "x",
        "1e" + "9" * 96 + " m",
        "1e" + "9" * 96 + "in",
        "1e-" + "9" * 94 + " deg",
        "5 " + "deg9" * 24,
        "5 " + "deg9/" * 19 + "deg9",
        "5 " + "in9 in-9 " * 10,
        "1." * 50,
    ],
)
@pytest.mark.timeout(60)  # an exponential search would not end; the expected time is a few milliseconds
def test_no_text_makes_the_parser_search_exponentially(text: str) -> None:
    for dimension in DIMENSIONS:
        with contextlib.suppress(UnitError):
            parse_quantity(text, dimension)


def test_units_imports_no_other_module() -> None:
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); "
        "print([name for name in ('numpy', 'pydantic', 'difflib') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, units.__file__], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


# -- numbers with units in Python ------------------------------------------------------------------

SCALES = {"cm": cm, "mm": mm, "um": um, "nm": nm, "m": m}


@MANY
@given(FINITE | st.integers(-(10**20), 10**20), st.sampled_from(sorted(SCALES)))
@example(30, "um")
@example(12.05, "mm")
def test_number_times_unit_equals_text(number: float, unit: str) -> None:
    try:
        expected = parse_quantity(f"{number!r} {unit}", "length")
    except UnitError:  # too small for a float
        expected = 0.0
    assert number * SCALES[unit] == SCALES[unit] * number == expected


def test_thirty_micrometres() -> None:
    assert 30 * um == parse_quantity("30 um", "length") == 30e-6 != 30 * 1e-6
    assert type(30 * um) is float
    assert 0.25 * mm == 0.25e-3
    assert [3 * kW, 3 * mW, 3 * us, 3 * ns, 7 * ms] == [3e3, 3e-3, 3e-6, 3e-9, 7e-3]
    assert W == K == s == m == 1.0
    assert um * um == 1e-12
    assert True * um == 1e-6


def test_units_multiply_arrays_and_can_be_pickled() -> None:
    assert np.allclose(np.array([30.0, 50.0]) * um, [30e-6, 50e-6], rtol=1e-15, atol=0)
    assert np.allclose(um * np.array([30, 50]), [30e-6, 50e-6], rtol=1e-15, atol=0)
    assert np.float64(30) * um == pytest.approx(30e-6, rel=1e-15)
    copy = pickle.loads(pickle.dumps(um))
    assert 30 * copy == 30e-6


def test_unit_products_overflow_like_floats() -> None:
    assert math.inf * um == math.inf
    assert math.isnan(math.nan * um)
    assert 1e308 * kW == math.inf
    with pytest.raises(OverflowError):
        10**400 * kW
    with pytest.raises(TypeError):
        "30" * um  # type: ignore[operator]


@MANY
@given(st.floats(min_value=-273.15, max_value=1e6))
def test_celsius_equals_text(number: float) -> None:
    assert celsius(number) == parse_quantity(f"{number!r} degC", "temperature")


def test_celsius_gives_kelvin() -> None:
    assert celsius(25) == 298.15
    assert celsius(76.2) == 349.35
    with pytest.raises(UnitError, match="below absolute zero"):
        celsius(-300)


def test_control_characters_after_a_comma_are_escaped() -> None:
    assert "write a decimal point, 0.\\x1f" in refusal("0,\x1f", "length")
    assert refusal("0,\x1f", "length").isprintable()
