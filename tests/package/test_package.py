"""A package described in Python: values, invalid values, and diagnostics."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    DescriptionError,
    Diagnostic,
    FixedFlux,
    FixedTemperature,
    HeatSink,
    Layer,
    Material,
    Package,
    Power,
    Region,
    Stack,
)
from thermostack.package.cooling import Adiabatic
from thermostack.package.package import VOID
from thermostack.units import mm, um

AIR = Cooling(top=Convection(10.0, 300.0))
SHEET = Layer("sheet", 1 * mm, "silicon")
BOARD = Stack("board", (20 * mm, 10 * mm), (SHEET,))


def package(*stacks: Stack, cooling: Cooling = AIR, **more: Any) -> Package:
    return Package("case", stacks, cooling, **more)


def texts(diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [f"{diagnostic.code} {diagnostic.field}: {diagnostic.message}" for diagnostic in diagnostics]


# -- objects ---------------------------------------------------------------------------------


def test_objects_are_frozen_and_compare_by_value() -> None:
    assert Layer("a", 50 * um, "silicon") == Layer("a", "50 um", "silicon")  # type: ignore[arg-type]
    with pytest.raises(FrozenInstanceError):
        SHEET.thickness = 2.0  # type: ignore[misc]
    assert replace(SHEET, thickness=2 * mm).thickness == 2 * mm
    assert hash(BOARD) == hash(replace(BOARD))


def test_changed_copy_is_validated() -> None:
    with pytest.raises(DescriptionError, match="is not greater than zero"):
        replace(SHEET, thickness=-1.0)


def test_height_footprint_and_corner() -> None:
    stack = Stack("a", (4 * mm, 2 * mm), (SHEET, SHEET), on="board", center=(10 * mm, 5 * mm), rotate=90)
    assert stack.height == 2 * mm
    assert stack.footprint == (2 * mm, 4 * mm)
    assert stack.corner == pytest.approx((9 * mm, 3 * mm))
    assert stack.supports == ("board",)
    assert Stack("a", (1 * mm, 1 * mm), (), inside="b").supports == ("b",)


def test_packages_are_pickled() -> None:
    described = package(BOARD, materials={"own": Material("own", 3.0)})
    assert pickle.loads(pickle.dumps(described)) == described


def test_stack_and_material_by_name() -> None:
    described = package(BOARD, materials=[Material("goo", 3.0)])
    assert described.stack("board") is described.stacks[0]
    assert described.material("goo").conductivity_at(300.0) == (3.0, 3.0, 3.0)
    assert described.material("copper").name == "copper"
    with pytest.raises(DescriptionError, match=r"no stack is named 'bord' \(did you mean board\?\)"):
        described.stack("bord")
    with pytest.raises(DescriptionError, match=r"no material is named 'gooo' \(did you mean goo"):
        described.material("gooo")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Layer("a b", 1 * mm, "silicon"), "Layer.name: 'a b' is not a name"),
        (lambda: Layer("a.b", 1 * mm, "silicon"), "Layer.name: 'a.b' is not a name"),
        (lambda: Layer("x" * 65, 1 * mm, "silicon"), "is not a name"),
        (lambda: Layer("a", "1", "silicon"), 'Layer.thickness: "1" has no unit'),
        (lambda: Layer("a", True, "silicon"), "Layer.thickness: True is not a length"),
        (lambda: Layer("a", 200 * mm, "silicon"), "200 mm is outside 10 nm to 100 mm (did you mean 200 um?)"),
        (lambda: Layer("a", 1 * mm, "silicon", limit=-1.0), "Layer.limit: "),
        (
            lambda: Layer("a", 1 * mm, "silicon", limt=1),
            "Layer.limt: unknown key 'limt' (did you mean limit?)",
        ),
        (lambda: Layer("a", 1 * mm), "Layer.material: is missing"),
        (lambda: Stack("a", (1 * mm,), ()), "Stack.size"),
        (lambda: Stack("a", (1 * mm, 2), ()), "Stack.size[1]: 2 m is outside"),
        (lambda: Stack("a", (1 * mm, 1 * mm), (), rotate=45), "Stack.rotate: 45 is not 0, 90, 180 or 270"),
        (lambda: Stack("a", (1 * mm, 1 * mm), (), depth=-1e-3), "Stack.depth: -1 mm is less than zero"),
        (lambda: Stack("a", (1 * mm, 1 * mm), ("x",)), "Stack.layers[0]: 'x' is not a layer"),
        (lambda: FixedFlux(), "give exactly one of flux and heat"),
        (lambda: FixedFlux(1.0, 2.0), "give exactly one of flux and heat"),
        (lambda: HeatSink(300.0), "give exactly one of resistance and h"),
        (lambda: HeatSink(300.0, resistance=0.0), "HeatSink.resistance: 0 K/W is not greater than zero"),
        (lambda: FixedTemperature(0.0), "FixedTemperature.temperature"),
        (lambda: Convection(-1.0, 300.0), "Convection.h: -1 W/m2/K is less than zero"),
        (lambda: Cooling(top="water"), "'water'"),
        (lambda: Package("case", (BOARD,), None), "Package.cooling"),
    ],
)
def test_constructors_refuse(make: Any, words: str) -> None:
    with pytest.raises((DescriptionError, TypeError)) as caught:
        make()
    assert isinstance(caught.value, DescriptionError), caught.value
    assert words in str(caught.value)


def test_all_errors_of_an_object_are_reported_together() -> None:
    with pytest.raises(DescriptionError) as caught:
        Layer("a b", -1.0, 7)  # type: ignore[arg-type]
    assert [diagnostic.field for diagnostic in caught.value.diagnostics] == [
        "Layer.name",
        "Layer.thickness",
        "Layer.material",
    ]


# -- descriptions ----------------------------------------------------------------------------


def test_valid_description_has_no_diagnostics() -> None:
    assert package(BOARD).diagnostics == ()


def test_empty_description() -> None:
    assert texts(package().diagnostics) == ["E-MISSING stacks: a package needs a stack"]
    empty = package(replace(BOARD, layers=()))
    assert texts(empty.diagnostics) == ["E-MISSING stacks.board.layers: a stack needs a layer"]


def test_duplicate_names() -> None:
    twice = package(
        BOARD,
        replace(BOARD, on="board", position=(0.0, 0.0)),
        replace(BOARD, name="x", layers=(SHEET, SHEET)),
    )
    found = texts(twice.diagnostics)
    assert "E-DUPLICATE stacks[1]: the name 'board' is used twice" in found
    assert "E-DUPLICATE stacks.x.layers[1]: the name 'sheet' is used twice" in found
    regions = (Region("r", (1 * mm, 1 * mm), "copper"), Region("r", (1 * mm, 1 * mm), "copper"))
    found = texts(package(replace(BOARD, layers=(replace(SHEET, regions=regions),))).diagnostics)
    assert found == ["E-DUPLICATE stacks.board.layers[0].regions[1]: the name 'r' is used twice"]


def test_support_errors() -> None:
    both = Stack("a", (1 * mm, 1 * mm), (SHEET,), on="board", inside="board", position=(0.0, 0.0))
    lost = Stack("b", (1 * mm, 1 * mm), (SHEET,), on="bord", position=(0.0, 0.0), depth=1e-4)
    nowhere = Stack("c", (1 * mm, 1 * mm), (SHEET,), on="board")
    second = Stack("d", (1 * mm, 1 * mm), (SHEET,))
    assert texts(package(BOARD, both, lost, nowhere, second).diagnostics) == [
        "E-GAP stacks.d: d and board have no support",
        "E-VALUE stacks.a: has both `on` and `inside`",
        "E-NAME stacks.b.on: no stack is named 'bord'",
        "E-MISSING stacks.c.at: its position on board is missing",
        "E-VALUE stacks.b.depth: depth needs `inside`",
    ]


def test_materials_are_checked_in_every_use() -> None:
    layers = (Layer("a", 1 * mm, "silicn"), Layer("b", 1 * mm, VOID), Layer("c", 1 * mm, "silicon"))
    regions = (Region("r", (1 * mm, 1 * mm), "cooper"),)
    layers = (layers[0], layers[1], replace(layers[2], regions=regions))
    described = package(replace(BOARD, layers=layers, filler="emcc"))
    assert texts(described.diagnostics) == [
        "E-NAME stacks.board.filler: no material is named 'emcc'",
        "E-NAME stacks.board.layers[0].material: no material is named 'silicn'",
        "E-NAME stacks.board.layers[2].regions.r.material: no material is named 'cooper'",
    ]


def test_unusual_conductivity_is_a_warning_at_its_definition() -> None:
    layer = Layer("a", 1 * mm, "odd")
    described = package(replace(BOARD, layers=(layer,)), materials={"odd": Material("odd", 120e3)})
    (diagnostic,) = described.diagnostics
    assert (diagnostic.code, diagnostic.field) == ("W-RANGE", "materials.odd")
    assert "outside 0.001 to 10000 W/m/K" in diagnostic.message
    described.refuse(described.diagnostics)


def test_power_is_checked_on_the_plan_of_its_stack() -> None:
    power = Power(blocks=(Block("a", (19.5 * mm, 0.0), (1 * mm, 1 * mm), 1.0),))
    described = package(replace(BOARD, layers=(replace(SHEET, power=power),)))
    (diagnostic,) = described.diagnostics
    assert (diagnostic.code, diagnostic.field) == ("E-OUTSIDE", "stacks.board.layers[0].power.blocks.a")


@pytest.mark.parametrize(
    ("cooling", "is_enough"),
    [
        (Cooling(), False),
        (Cooling(top=Adiabatic()), False),
        (Cooling(top=FixedFlux(flux=5.0)), False),
        (Cooling(top=Convection(0.0, 300.0)), False),
        (Cooling(surroundings=Convection(1.0, 300.0)), True),
        (Cooling(west=FixedTemperature(300.0)), True),
        (Cooling(top=HeatSink(300.0, h=0.0)), False),
        (Cooling(top=HeatSink(300.0, resistance=1.0)), True),
    ],
)
def test_cooling_needs_a_temperature(cooling: Cooling, is_enough: bool) -> None:
    found = texts(package(BOARD, cooling=cooling).diagnostics)
    text = "E-COOLING cooling: no face has an ambient or fixed temperature, so no heat leaves the package"
    assert found == ([] if is_enough else [text])


@pytest.mark.parametrize(
    ("ambient", "is_unusual"), [(25.0, True), (298.0, False), (571.15, False), (700.0, True)]
)
def test_unusual_ambient_is_a_warning(ambient: float, is_unusual: bool) -> None:
    diagnostics = package(BOARD, cooling=Cooling(top=Convection(10.0, ambient))).diagnostics
    assert [(diagnostic.code, diagnostic.field) for diagnostic in diagnostics] == (
        [("W-RANGE", "cooling.top[0].convection.ambient")] if is_unusual else []
    )


def test_faces_without_cooler_have_the_surroundings() -> None:
    cooling = Cooling(top=Convection(10.0, 300.0), surroundings=Convection(5.0, 290.0))
    assert cooling.face("top")[0].cooler == Convection(10.0, 300.0)
    assert cooling.face("west")[0].cooler == Convection(5.0, 290.0)
    assert [face for face, _ in cooling] == ["top", "surroundings"]
