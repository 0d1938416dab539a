"""Materials of packages in written files: objects, names, laws and media without a form in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from thermostack import (
    Convection,
    Cooling,
    DescriptionError,
    Layer,
    Material,
    OutputError,
    Package,
    Region,
    Stack,
    ViaArray,
    discretize,
    find_material,
    read_package,
    solve_steady,
    solve_transient,
    write_package,
)
from thermostack.io.description.write_package import package_to_yaml
from thermostack.materials.temperature_laws import ConductivityLaw, PowerLaw
from thermostack.package.geometry import build_geometry
from thermostack.units import mm

OTHER_COPPER = Material("copper", 30.0, 8900.0, 385.0)
VIAS = ViaArray("copper", "silicon", 1e-5, 4e-5)


class Doubled(PowerLaw):
    """A law with the form of a power law and another value."""

    def evaluate(self, temperature: Any) -> Any:
        return tuple(2.0 * value for value in super().evaluate(temperature))


class OwnLaw(ConductivityLaw):
    """A law without a form in a file."""

    is_constant = True
    coefficients = ((5.0, 5.0, 5.0),)

    def evaluate(self, temperature: Any) -> Any:
        return (5.0 + 0.0 * temperature,) * 3


class OwnVias(ViaArray):
    """A medium with the form of a via array and another value."""

    def homogenize(self, parts: Any) -> Any:
        return parts[0]


def package(*materials: Any, **more: Any) -> Package:
    layers = tuple(Layer(f"l{n}", 1 * mm, material, power=1.0) for n, material in enumerate(materials))
    cooling = Cooling(top=Convection(1e4, 300.0))
    return Package("case", (Stack("die", (2 * mm, 2 * mm), layers),), cooling, **more)


@pytest.mark.parametrize(
    "odd",
    [
        package(OTHER_COPPER, "copper"),
        package(OTHER_COPPER, VIAS),
        package(OTHER_COPPER, "own", materials={"own": VIAS}),
        package(OTHER_COPPER, materials={"copper": Material("copper", 420.0)}),
    ],
    ids=["layer", "medium", "definition", "own"],
)
def test_object_with_the_name_of_another_material_is_refused(odd: Package) -> None:
    with pytest.raises(DescriptionError, match=r"two different materials are named 'copper'.*E-DUPLICATE"):
        package_to_yaml(odd)


@pytest.mark.parametrize(
    "case",
    [
        package(OTHER_COPPER, "silicon"),  # the library's copper is not used
        package(find_material("copper"), "copper"),
        package(OTHER_COPPER, "copper", materials={"copper": OTHER_COPPER}),
    ],
    ids=["alone", "equal", "defined"],
)
def test_written_package_has_the_same_temperatures(tmp_path: Path, case: Package) -> None:
    write_package(case, tmp_path / "case.yaml")
    again = read_package(tmp_path / "case.yaml")
    materials = [[part.material for part in build_geometry(each).parts] for each in (case, again)]
    assert materials[0] == materials[1]
    fields = [solve_steady(discretize(each, "1 mm"), estimate=False).field for each in (case, again)]
    assert fields[0].tobytes() == fields[1].tobytes()


def test_layer_may_have_the_name_of_a_material_object() -> None:
    layer = Layer("copper", 1 * mm, OTHER_COPPER, regions=(Region("copper", (1 * mm, 1 * mm), OTHER_COPPER),))
    stack = Stack("copper", (2 * mm, 2 * mm), (layer,))
    assert "copper: {conductivity: 30 W/m/K" in package_to_yaml(Package("copper", (stack,), Cooling()))


def test_name_that_a_file_cannot_define_is_refused() -> None:
    with pytest.raises(DescriptionError, match=r"a file cannot define a material named 'a\.b' \(rename it"):
        package_to_yaml(package(Material("a.b", 3.0)))


@pytest.mark.parametrize(
    ("material", "message"),
    [
        (
            find_material(VIAS),
            r"layers\.l0\.material\.conductivity is .* EffectiveConductivity.*give the",
        ),
        (Material("own", OwnLaw()), r"layers\.l0\.material\.conductivity is .* OwnLaw.*use a constant"),
        (Material("own", Doubled(100.0, 1.0)), r"class Doubled, which has no form in a file"),
        (OwnVias("copper", "silicon", 1e-5, 4e-5), r"layers\.l0\.material is of the class OwnVias"),
    ],
    ids=["medium", "law", "derived-law", "derived-medium"],
)
@pytest.mark.parametrize("definition", [False, True], ids=["layer", "definition"])
def test_law_without_a_form_in_a_file_is_refused(
    tmp_path: Path, material: Any, message: str, definition: bool
) -> None:
    case = package("own", materials={"own": material}) if definition else package(material)
    message = message.replace(r"layers\.l0\.material", r"materials\.own") if definition else message
    writes: list[Callable[[], Any]] = [
        lambda: write_package(case, tmp_path / "case.yaml"),
        lambda: solve_transient(case, 1.0, path=tmp_path / "case.vtkhdf"),
        lambda: solve_steady(discretize(case, "1 mm"), estimate=False).save(tmp_path / "case.vtkhdf"),
    ]
    for write in writes:
        with pytest.raises(OutputError, match=f"package case cannot be stored: .*{message}"):
            write()
    assert not list(tmp_path.iterdir())
