"""Coolers whose flux is not linear: fields, files, refused input, and their laws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

import thermostack as ts
from thermostack.boundary_laws.boundary_law import FreeConvectionLaw, LawSum, PoolBoilingLaw
from thermostack.boundary_laws.correlations import critical_boiling_flux, subcooling_factor
from thermostack.boundary_laws.fluids import find_fluid
from thermostack.package.boundary_law import boundary_law
from thermostack.package.cooling import Cooling, is_cooling
from thermostack.package.robin_coefficients import robin_coefficients
from thermostack.schema.validated_dataclass import diagnostics_of, dump

ROWS = [["25 degC", "5 W/m2/K"], ["100 degC", "9 W/m2/K"]]
FILE: dict[str, Any] = {
    "top": {
        "forced_convection": {
            "ambient": "25 degC",
            "speed": "2 m/s",
            "length": "114.3 mm",
            "fluid": "air",
            "emissivity": 0.9,
        }
    },
    "bottom": {"free_convection": {"ambient": "25 degC"}},
    "surroundings": {"radiation": {"emissivity": 0.9, "ambient": "25 degC"}},
    "east": {"tabulated_convection": {"ambient": "25 degC", "h": ROWS}},
    "west": {
        "tabulated_convection": {
            "ambient": "25 degC",
            "flux": [["25 degC", "0 W/m2"], ["80 degC", "1 kW/m2"]],
            "emissivity": "80 %",
        }
    },
    "north": {
        "pool_boiling": {
            "fluid": "fc-72",
            "pool": "50 degC",
            "surface_factor": 0.0053,
            "exponent": 1.7,
            "critical_flux_factor": 0.149,
        }
    },
    "south": {
        "convection": {"h": "10 W/m2/K", "ambient": "25 degC", "emissivity": 0.9, "radiates_to": "30 degC"}
    },
}


def read(description: Any) -> Cooling:
    """Return the cooling of a description in a file."""
    found: Cooling = TypeAdapter(Cooling).validate_python(description, context={"from_file": True})
    return found


def test_file_and_python_give_the_same_cooling() -> None:
    made: dict[str, Any] = {
        "top": ts.ForcedConvection(298.15, 2.0, 0.1143, emissivity=0.9),
        "bottom": ts.FreeConvection(298.15),
        "surroundings": ts.Radiation(0.9, 298.15),
        "east": ts.TabulatedConvection(298.15, np.array([[298.15, 5.0], [373.15, 9.0]])),  # type: ignore[arg-type]
        "west": ts.TabulatedConvection(298.15, flux_table=((298.15, 0.0), (353.15, 1e3)), emissivity=0.8),
        "north": ts.PoolBoiling("FC-72", 323.15, 0.0053),
        "south": ts.Convection(10.0, 298.15, 0.9, 303.15),
    }
    assert read(FILE) == Cooling(**made)


def test_writing_and_reading_gives_the_same_cooling() -> None:
    assert read(dump(Cooling, read(FILE))) == read(FILE)


# -- refused input ---------------------------------------------------------------------------

TABLE = {"ambient": "25 degC", "h": ROWS}
BOILING = FILE["north"]["pool_boiling"]
FORCED = FILE["top"]["forced_convection"]
REFUSED: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("radiation", {"emissivity": 3, "ambient": "25 degC"}, "E-RANGE", "3 is not an emissivity", "solder"),
    ("radiation", {"emissivity": 0, "ambient": "25 degC"}, "E-RANGE", "0 is not an emissivity", "0.05"),
    ("radiation", {"emissivity": "2 m", "ambient": "25 degC"}, "E-UNIT", "a length", ""),
    ("convection", {"h": "-5 W/m2/K", "ambient": "25 degC"}, "E-RANGE", "less than zero", "did you mean"),
    (
        "convection",
        {"h": "5 W/m2/K", "ambient": "25 degC", "radiates_to": "30 degC"},
        "E-COOLING",
        "radiates_to has no effect",
        "add emissivity",
    ),
    (
        "convection",
        {"h": {"map": [[1.0, 2.0]], "unit": "W/m2/K"}, "ambient": "25 degC", "emissivity": 0.9},
        "E-COOLING",
        "map of h cannot have an emissivity",
        "several regions",
    ),
    ("tabulated_convection", {**TABLE, "h": ROWS[:1]}, "E-RANGE", "at least two rows", "add a row"),
    ("tabulated_convection", {**TABLE, "h": ROWS[::-1]}, "E-RANGE", "25 degC follows 100 degC", "sort"),
    ("tabulated_convection", {**TABLE, "h": [ROWS[0]] * 2}, "E-RANGE", "25 degC follows 25 degC", "sort"),
    ("tabulated_convection", {**TABLE, "h": "5 W/m2/K"}, "E-TYPE", "is not a table", "write [["),
    ("tabulated_convection", {**TABLE, "h": [["25 degC", "-5 W/m2/K"], ROWS[1]]}, "E-RANGE", "less than", ""),
    (
        "tabulated_convection",
        {**TABLE, "h": [["25 degC", "50 W/m2/K"], ["40 degC", "1 W/m2/K"]]},
        "E-RANGE",
        "the flux falls with temperature between 25 degC and 40 degC",
        "end the table",
    ),
    (
        "tabulated_convection",
        {"ambient": "25 degC", "flux": [["25 degC", "0 W/m2"], ["40 degC", "9 W/m2"], ["50 degC", "8 W/m2"]]},
        "E-RANGE",
        "the flux falls with temperature between 40 degC and 50 degC",
        "end the table",
    ),
    (
        "tabulated_convection",
        {"ambient": "30 degC", "flux": [["25 degC", "0 W/m2"], ["40 degC", "9 W/m2"]]},
        "E-RANGE",
        "the flux at the ambient, 30 degC, is 3 W/m2",
        "add the row [30 degC, 0 W/m2]",
    ),
    (
        "tabulated_convection",
        {"ambient": "25 degC", "h": [["25 degC", "0 W/m2/K"], ["40 degC", "0 W/m2/K"]]},
        "E-RANGE",
        "all values of the table are zero",
        "adiabatic",
    ),
    (
        "tabulated_convection",
        {**TABLE, "flux": [["25 degC", "0 W/m2"], ["40 degC", "9 W/m2"]]},
        "E-COOLING",
        "exactly one of h and flux",
        "write h:",
    ),
    ("tabulated_convection", {"ambient": "25 degC"}, "E-COOLING", "exactly one of h and flux", "write h:"),
    ("pool_boiling", {**BOILING, "fluid": "PG25"}, "E-COOLING", "PG25 has no data of boiling", "FC-72"),
    ("pool_boiling", {**BOILING, "fluid": "FC-27"}, "E-NAME", "no fluid is named 'FC-27'", "FC-72"),
    ("pool_boiling", {**BOILING, "fluid": 72}, "E-TYPE", "72 is not the name of a fluid", "FC-72"),
    ("pool_boiling", {**BOILING, "pool": "60 degC"}, "E-RANGE", "above saturation, 56.6 degC", "up to 56.6"),
    ("pool_boiling", {**BOILING, "pool": "-20 degC"}, "E-RANGE", "outside the table of FC-72", ""),
    ("pool_boiling", {"fluid": "FC-72", "pool": "50 degC"}, "E-COOLING", "exactly one of surf", "0.0053"),
    ("forced_convection", {**FORCED, "fluid": "mercury"}, "E-NAME", "no fluid is named", "the fluids are"),
    ("forced_convection", {**FORCED, "speed": "0 m/s"}, "E-RANGE", "not greater than zero", ""),
    ("forced_convection", {**FORCED, "length": "0 mm"}, "E-RANGE", "not greater than zero", ""),
    ("free_convection", {"ambient": "25 degC", "length": "0 mm"}, "E-RANGE", "not greater than zero", ""),
    (
        "free_convection",
        {"ambient": "-10 degC", "fluid": "water"},
        "E-RANGE",
        "the ambient -10 degC is outside the table of water, 5 degC to 99.97 degC",
        "use another fluid",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "code", "text", "hint"), REFUSED)
def test_bad_input_is_refused(kind: str, fields: dict[str, Any], code: str, text: str, hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read({"top": {kind: fields}})
    (diagnostic,) = diagnostics_of(caught.value)
    assert diagnostic.code == code
    assert text in diagnostic.message
    assert hint in diagnostic.hint
    assert diagnostic.field.startswith(f"top[0].cooler.{kind}")


def test_an_error_in_a_file_has_its_line(tmp_path: Any) -> None:
    path = tmp_path / "package.yaml"
    path.write_text(
        "package: one\nstacks:\n  die:\n    size: [4 mm, 4 mm]\n    layers:\n"
        "      - {name: bulk, thickness: 500 um, material: silicon, power: 1 W}\n"
        "cooling:\n  top:\n    radiation:\n      emissivity: 3\n      ambient: 25 degC\n",
        encoding="utf-8",
    )
    with pytest.raises(ts.DescriptionError) as caught:
        ts.read_package(path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E-RANGE"
    assert "package.yaml:10" in str(caught.value)
    assert "solder mask" in str(caught.value)


PACKAGE = """package: chip_in_air
stacks:
  chip:
    size: [10 mm, 10 mm]
    layers: [{name: bulk, thickness: 500 um, material: silicon, power: 1 W}]
cooling:
  top: {forced_convection: {ambient: 25 degC, speed: 2 m/s, length: 114.3 mm, emissivity: 0.9}}
  bottom: {pool_boiling: {fluid: FC-72, pool: 50 degC, flux: [[60 degC, 1 W/cm2], [70 degC, 8 W/cm2]]}}
  east: {tabulated_convection: {ambient: 25 degC, h: [[25 degC, 5 W/m2/K], [100 degC, 9 W/m2/K]]}}
  surroundings: {radiation: {emissivity: 0.9, ambient: 25 degC}}
"""


def test_a_file_is_read_overridden_and_written(tmp_path: Any) -> None:
    path = tmp_path / "package.yaml"
    path.write_text(PACKAGE, encoding="utf-8")
    package = ts.read_package(path, {"cooling.top.speed": "3 m/s", "cooling.surroundings.emissivity": 0.5})
    cooling = package.cooling
    assert cooling.top[0].cooler == ts.ForcedConvection(298.15, 3.0, 0.1143, emissivity=0.9)
    assert cooling.surroundings[0].cooler == ts.Radiation(0.5, 298.15)
    assert cooling.east[0].cooler == ts.TabulatedConvection(298.15, ((298.15, 5.0), (373.15, 9.0)))
    ts.write_package(package, tmp_path / "written.yaml")
    assert ts.read_package(tmp_path / "written.yaml").cooling == cooling


# -- laws ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cooler",
    [
        ts.Adiabatic(),
        ts.Convection(10.0, 300.0),
        ts.FixedTemperature(300.0),
        ts.FixedFlux(flux=5.0),
        ts.HeatSink(300.0, resistance=0.5),
        ts.ColdPlate(300.0, h=1e4),
    ],
)
def test_linear_coolers_have_no_law(cooler: Any) -> None:
    assert boundary_law(cooler, "top", 1e-4, 1e-2) is None


def test_free_convection_faces_as_its_face_does() -> None:
    cooler = ts.FreeConvection(298.15)
    air = find_fluid("air")
    for face, facing in (("top", "up"), ("bottom", "down"), ("west", "sideways"), ("north", "sideways")):
        expected = FreeConvectionLaw(298.15, 0.02, facing, air)  # type: ignore[arg-type]
        assert boundary_law(cooler, face, 1.0, 0.02) == expected
    own = boundary_law(ts.FreeConvection(298.15, length=0.03), "top", 1.0, 0.02)
    assert own == FreeConvectionLaw(298.15, 0.03, "up", air)


@pytest.mark.parametrize(
    ("cooler", "h", "ambient"),
    [
        (ts.Convection(10.0, 298.15, 0.9, 303.15), 10.0, 298.15),
        (ts.HeatSink(298.15, resistance=0.5, emissivity=0.9, radiates_to=303.15), 1.0 / (0.5 * 4e-4), 298.15),
        (ts.ColdPlate(298.15, h=50.0, emissivity=0.9, radiates_to=303.15), 50.0, 298.15),
    ],
)
def test_a_radiating_cooler_adds_both_fluxes(cooler: Any, h: float, ambient: float) -> None:
    law = boundary_law(cooler, "top", 4e-4, 1.0)
    assert isinstance(law, LawSum)
    radiation = 0.9 * 5.670374419e-8 * (350.0**4 - 303.15**4)
    assert float(law.flux(np.array(350.0))) == pytest.approx(h * (350.0 - ambient) + radiation)
    assert law.temperatures == (298.15, 303.15)


def test_radiation_goes_to_the_ambient_unless_another_is_given() -> None:
    law = boundary_law(ts.Convection(10.0, 298.15, emissivity=0.5), "top", 1.0, 1.0)
    assert law is not None
    assert law.temperatures == (298.15, 298.15)
    assert float(law.flux(np.array(298.15))) == pytest.approx(0.0, abs=1e-9)


def test_the_law_of_a_subcooled_pool() -> None:
    law = boundary_law(ts.PoolBoiling("FC-72", "46.6 degC", 0.0053), "top", 1.0, 0.01)
    assert isinstance(law, PoolBoilingLaw)
    fluid = find_fluid("FC-72")
    assert law.ambient == pytest.approx(319.75)
    limit = critical_boiling_flux(fluid, 0.149) * subcooling_factor(fluid, 10.0)
    assert law.critical_flux == pytest.approx(limit)
    assert law.critical_flux / 1e4 == pytest.approx(15.54 * 1.471, rel=1e-3)
    assert float(law.flux(np.array(349.75))) / 1e4 == pytest.approx(8.19, rel=1e-3)  # 20 K above saturation


def test_a_boiling_table_replaces_the_correlation() -> None:
    cooler = ts.PoolBoiling("water", 373.0, flux_table=((378.0, 1e4), (390.0, 4e5)))
    law = boundary_law(cooler, "top", 1.0, 0.01)
    assert law is not None
    assert float(law.flux(np.array(390.0))) == pytest.approx(4e5)
    assert math.isfinite(law.critical_flux)


def test_estimated_coefficients_of_nonlinear_coolers() -> None:
    """The secant over 20 K, on a square plate that faces up."""
    found = robin_coefficients(ts.Radiation(0.9, 298.15), 1e-4)
    expected = 0.9 * 5.670374419e-8 * (318.15**4 - 298.15**4) / 20.0
    assert (found.h, found.temperature, found.flux) == (pytest.approx(expected), 298.15, 0.0)
    assert 5.0 < robin_coefficients(ts.FreeConvection(298.15), 0.01).h < 9.0


@pytest.mark.parametrize(
    ("cooler", "cools"),
    [
        (ts.Adiabatic(), False),
        (ts.FixedFlux(flux=1.0), False),
        (ts.Convection(0.0, 300.0), False),
        (ts.Convection(0.0, 300.0, emissivity=0.9), True),
        (ts.Radiation(0.1, 300.0), True),
        (ts.TabulatedConvection(300.0, ((300.0, 5.0), (400.0, 6.0))), True),
        (ts.PoolBoiling("water", 360.0, 0.0128, 1.0), True),
        (ts.HeatSink(300.0, resistance=1.0), True),
        (ts.FixedTemperature(300.0), True),
    ],
)
def test_coolers_that_set_a_temperature(cooler: Any, cools: bool) -> None:
    assert is_cooling(cooler) is cools


def test_the_json_schema_has_the_coolers_and_their_limits() -> None:
    schema = TypeAdapter(Cooling).json_schema()["$defs"]
    assert set(schema["ForcedConvection"]["required"]) == {"ambient", "speed", "length"}
    emissivity = schema["Radiation"]["properties"]["emissivity"]
    assert (emissivity["exclusiveMinimum"], emissivity["maximum"]) == (0, 1)
    assert {"h", "flux"} <= set(schema["TabulatedConvection"]["properties"])
    assert "surface_factor" in schema["PoolBoiling"]["properties"]
