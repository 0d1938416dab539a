"""Cooling: Robin coefficients of each cooler, required fields, short forms and order of the coolers."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from thermostack import (
    Adiabatic,
    Base,
    ColdPlate,
    Convection,
    Cooling,
    DescriptionError,
    FixedFlux,
    FixedTemperature,
    HeatSink,
    UnknownNameError,
)
from thermostack.package.cooling import (
    FACES,
    FaceCooling,
    FaceRectangle,
)
from thermostack.package.robin_coefficients import RobinCoefficients, robin_coefficients
from thermostack.schema.validated_dataclass import diagnostics_of, dump
from thermostack.units import mm

AREA = 4e-4
BASE = Base("copper", 2 * mm)


def read(description: Any) -> Cooling:
    """Return the cooling of a description in a file."""
    return TypeAdapter(Cooling).validate_python(description, context={"from_file": True})


def refused(description: Any) -> dict[str, str]:
    """Return the error messages by field."""
    with pytest.raises(ValidationError) as caught:
        read(description)
    return {
        diagnostic.field: f"{diagnostic.message} [{diagnostic.code}]"
        for diagnostic in diagnostics_of(caught.value)
    }


# -- laws ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cooler", "law"),
    [
        (Adiabatic(), RobinCoefficients(0.0, 0.0, 0.0)),
        (Convection(25.0, 300.0), RobinCoefficients(25.0, 300.0)),
        (FixedTemperature(310.0), RobinCoefficients(inf, 310.0)),
        (FixedFlux(flux=-100.0), RobinCoefficients(0.0, 0.0, -100.0)),
        (FixedFlux(heat=8.0), RobinCoefficients(0.0, 0.0, 8.0 / AREA)),
        (FixedFlux(heat=0.0), RobinCoefficients(0.0, 0.0, 0.0)),
        (HeatSink(300.0, h=1e4), RobinCoefficients(1e4, 300.0)),
        (HeatSink(300.0, resistance=0.5), RobinCoefficients(1.0 / (0.5 * AREA), 300.0)),
        (ColdPlate(305.0, h=2e4, base=BASE), RobinCoefficients(2e4, 305.0)),
        (ColdPlate(305.0, resistance=0.05), RobinCoefficients(1.0 / (0.05 * AREA), 305.0)),
    ],
)
def test_robin_coefficients_of_every_cooler(cooler: Any, law: RobinCoefficients) -> None:
    """W/(m2 K), K and W/m2 on 4 cm2; a base is a separate solid and does not change them."""
    found = robin_coefficients(cooler, AREA)
    assert (found.h, found.temperature, found.flux) == pytest.approx((law.h, law.temperature, law.flux))


@pytest.mark.parametrize("kind", [HeatSink, ColdPlate])
@pytest.mark.parametrize("given", [{}, {"resistance": 1.0, "h": 100.0}])
def test_cooler_needs_resistance_or_htc(kind: Any, given: dict[str, float]) -> None:
    with pytest.raises(DescriptionError, match="give exactly one of resistance and h") as caught:
        kind(300.0, **given)
    assert caught.value.diagnostics[0].code == "E-COOLING"
    assert 'resistance: "0.05 K/W"' in caught.value.diagnostics[0].hint


@pytest.mark.parametrize("given", [{}, {"flux": 1.0, "heat": 1.0}])
def test_flux_and_heat_exclude_each_other(given: dict[str, float]) -> None:
    with pytest.raises(DescriptionError, match="give exactly one of flux and heat") as caught:
        FixedFlux(**given)
    assert caught.value.diagnostics[0].code == "E-COOLING"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Convection(-1.0, 300.0),
        lambda: Convection(10.0, 0.0),
        lambda: FixedTemperature(-5.0),
        lambda: HeatSink(300.0, resistance=0.0),
        lambda: ColdPlate(300.0, h=-1.0),
        lambda: Base("copper", 0.0),
        lambda: FaceRectangle((0.0, 0.0), (1 * mm, 0.0)),
        lambda: Convection(inf, 300.0),
    ],
)
def test_invalid_values_are_rejected(make: Any) -> None:
    with pytest.raises(DescriptionError) as caught:
        make()
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E-RANGE"]


# -- entries ---------------------------------------------------------------------------------

AIR, WATER = Convection(10.0, 300.0), ColdPlate(290.0, h=2e4)
SPOT = FaceRectangle((1 * mm, 2 * mm), (3 * mm, 4 * mm))


def test_single_cooler_becomes_a_list() -> None:
    assert Cooling(top=AIR) == Cooling(top=(FaceCooling(AIR),)) == Cooling(top=[FaceCooling(AIR, None)])  # type: ignore[arg-type]
    assert Cooling(top=AIR).top[0].region is None


def test_coolers_are_iterated_by_face_in_order() -> None:
    cooling = Cooling(surroundings=AIR, west=WATER, top=(AIR, FaceCooling(WATER, SPOT)))  # type: ignore[arg-type]
    assert [(face, cooled.cooler, cooled.region) for face, cooled in cooling] == [
        ("top", AIR, None),
        ("top", WATER, SPOT),
        ("west", WATER, None),
        ("surroundings", AIR, None),
    ]


def test_unknown_face_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="no face is named 'up'"):
        Cooling().face("up")


def test_faces_are_independent() -> None:
    faces = {face: FixedTemperature(300.0 + n) for n, face in enumerate((*FACES, "surroundings"))}
    cooling = Cooling(**faces)  # type: ignore[arg-type]
    assert [face for face, _ in cooling] == [*FACES, "surroundings"]
    for face, cooler in faces.items():
        assert [cooled.cooler for cooled in cooling.face(face)] == [cooler]


def test_face_without_cooler_has_the_surroundings() -> None:
    """An explicit adiabatic face is kept."""
    cooling = Cooling(surroundings=AIR, bottom=Adiabatic())  # type: ignore[arg-type]
    assert cooling.face("top") == cooling.surroundings
    assert [cooled.cooler for cooled in cooling.face("bottom")] == [Adiabatic()]
    assert list(Cooling()) == []
    assert Cooling().face("top") == ()


# -- in files --------------------------------------------------------------------------------

FILE = {
    "top": [
        {"convection": {"h": "10 W/m2/K", "ambient": "25 degC"}},
        {
            "cold_plate": {"coolant": "40 degC", "resistance": "0.05 K/W"},
            "region": {"at": ["1 mm", "2 mm"], "size": ["3 mm", "4 mm"]},
        },
    ],
    "bottom": {
        "heat_sink": {
            "ambient": "25 degC",
            "h": "1 kW/m2/K",
            "base": {"material": "copper", "thickness": "2 mm"},
        }
    },
    "west": {"adiabatic": None},
    "east": {"fixed_flux": {"heat": "-2 W"}},
    "surroundings": {"fixed_temperature": {"temperature": "300 K"}},
}


def test_file_and_python_give_the_same_cooling() -> None:
    assert read(FILE) == Cooling(
        top=(Convection(10.0, 298.15), FaceCooling(ColdPlate(313.15, resistance=0.05), SPOT)),  # type: ignore[arg-type]
        bottom=HeatSink(298.15, h=1000.0, base=BASE),  # type: ignore[arg-type]
        west=Adiabatic(),  # type: ignore[arg-type]
        east=FixedFlux(heat=-2.0),  # type: ignore[arg-type]
        surroundings=FixedTemperature(300.0),  # type: ignore[arg-type]
    )


def test_entry_needs_exactly_one_cooler() -> None:
    expected = (
        "expected exactly one of adiabatic, convection, free_convection, forced_convection, "
        "tabulated_convection, radiation, pool_boiling, fixed_temperature, fixed_flux, heat_sink, cold_plate"
    )
    both = {"convection": {}, "adiabatic": {}}
    assert refused({"top": both}) == {"top[0].cooler": f"{expected}, got convection and adiabatic [E-TYPE]"}
    (text,) = refused({"top": {"convektion": {}}}).values()
    assert text == f"unknown kind 'convektion'; {expected} [E-KEY]"


def test_unknown_faces_and_keys_are_rejected() -> None:
    assert refused({"up": FILE["west"]}) == {"up": "unknown key 'up' [E-KEY]"}
    found = refused({"top": {"convection": {"h": "10 W/m2/K", "ambent": "25 degC"}}})
    assert {text.split()[-1] for text in found.values()} == {"[E-KEY]", "[E-MISSING]"}


def test_numbers_without_unit_are_rejected_in_files() -> None:
    found = refused({"top": {"convection": {"h": 10, "ambient": "25 degC"}}})
    (text,) = found.values()
    assert "10 has no unit; expected a heat transfer coefficient [E-UNIT]" in text


def test_written_description_reads_back() -> None:
    cooling = read(FILE)
    again = dump(Cooling, cooling)
    assert TypeAdapter(Cooling).validate_python(again) == cooling
