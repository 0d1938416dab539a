"""Descriptions of unit cells: constituents, formulas, temperature, files, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from thermostack.errors import DescriptionError
from thermostack.io.description.package_file import read_package
from thermostack.io.description.write_package import write_package
from thermostack.materials.cell_bounds import conductivity_bounds
from thermostack.materials.cell_formulas import formula_of
from thermostack.materials.effective_media import BumpArray, Laminate, LineLayer, MaterialLike, Ply, ViaArray
from thermostack.materials.material import Material
from thermostack.materials.material_library import MaterialDefinitions, find_material
from thermostack.materials.ready_made_cells import BumpCell, HybridBondCell, ViaCell
from thermostack.materials.unit_cell import CellLayer, Inclusion, UnitCell
from thermostack.schema.validated_dataclass import diagnostics_of, dump
from thermostack.steady import solve_steady
from thermostack.unit_cells.unit_cell_result import solve_unit_cell

um = 1e-6
COPPER = Material("copper", 398.0, volumetric_heat_capacity=3.4e6)
SILICON = Material("silicon", 148.0, volumetric_heat_capacity=1.6e6)
OXIDE = Material("oxide", 1.38, volumetric_heat_capacity=1.7e6)
SOLDER, UNDERFILL, NCF = Material("solder", 50.0), Material("underfill", 0.6), Material("ncf", 0.3)


def of(medium: Any, temperature: float = 300.0) -> tuple[float, float, float]:
    """Return the conductivity [W/(m K)] along x, y and z."""
    return find_material(medium).conductivity_at(temperature)


# -- values of the table of layers, and formulas ---------------------------------------------


@pytest.mark.parametrize(
    ("diameter", "pitch", "plain", "lined"),
    [
        (10, 50, (152.3, 155.9), (140.4, 153.5)),
        (10, 40, (154.8, 160.3), (136.3, 156.6)),
        (10, 20, (177.2, 197.1), (106.0, 182.3)),
        (5, 40, (149.7, 151.1), (144.7, 149.3)),
        (20, 100, (152.3, 155.9), (141.6, 154.6)),
        (100, 200, (177.2, 197.1), (137.7, 195.5)),
    ],
)
def test_vias_have_the_reference_values(diameter: int, pitch: int, plain: Any, lined: Any) -> None:
    """Copper in silicon, without and with a liner of 0.5 um of silicon dioxide."""
    size = {"diameter": diameter * um, "pitch": pitch * um}
    x, y, z = of(UnitCell(via=ViaCell(COPPER, SILICON, **size)))
    assert x == y
    assert (x, z) == pytest.approx(plain, rel=1e-3)
    x, _, z = of(UnitCell(via=ViaCell(COPPER, SILICON, **size, liner=OXIDE, liner_thickness=0.5 * um)))
    assert (x, z) == pytest.approx(lined, rel=2.5e-3)


@pytest.mark.parametrize(
    ("diameter", "pitch", "height", "fill", "expected"),
    [
        (25, 40, 30, UNDERFILL, (1.11, 15.8, 1.90)),
        (25, 55, 30, UNDERFILL, (0.83, 8.6, 3.48)),
        (18, 36, 20, UNDERFILL, (0.89, 10.3, 1.94)),
        (20, 36, 15, NCF, (0.49, 12.3, 1.21)),
        (80, 130, 70, UNDERFILL, (1.09, 15.3, 4.6)),
        (90, 150, 80, UNDERFILL, (1.06, 14.6, 5.5)),
    ],
)
def test_bumps_have_the_reference_values(
    diameter: int, pitch: int, height: int, fill: Material, expected: tuple[float, float, float]
) -> None:
    cell = UnitCell(bump=BumpCell(SOLDER, fill, diameter * um, pitch * um, height * um))
    result = solve_unit_cell(cell)
    resistance = result.area_resistance
    assert resistance is not None
    # The table is rounded to two or three digits.
    assert (result.x.value, result.z.value, 1e6 * resistance) == pytest.approx(expected, rel=8e-3)


FORMULAS = [
    UnitCell(via=ViaCell(COPPER, SILICON, 12 * um, 20 * um, arrangement="hexagonal")),
    UnitCell(via=ViaCell(COPPER, OXIDE, 8 * um, 20 * um, liner=NCF, liner_thickness=um)),
    UnitCell(bump=BumpCell(SOLDER, UNDERFILL, 16 * um, 20 * um, 9 * um)),
    UnitCell(bump=BumpCell(SOLDER, UNDERFILL, 16 * um, 20 * um, 9 * um, arrangement="hexagonal")),
    UnitCell(hybrid_bond=HybridBondCell(COPPER, OXIDE, 3 * um, 9 * um, 2 * um)),
    UnitCell(pitch=20 * um, layers=(CellLayer(OXIDE, um, (Inclusion(COPPER, diameter=7 * um),)),)),
    UnitCell(pitch=(3 * um, um), layers=(CellLayer(OXIDE, um, (Inclusion(COPPER, (3 * um, 0.4 * um)),)),)),
    UnitCell(pitch=(3 * um, um), layers=(CellLayer(OXIDE, um, (Inclusion(COPPER, (0.4 * um, um)),)),)),
]


@pytest.mark.parametrize("cell", FORMULAS, ids=range(len(FORMULAS)))
def test_formulas_agree_with_the_solved_cell(cell: UnitCell) -> None:
    """The formula of a via with liner is less exact: it replaces the via by one cylinder."""
    formula = formula_of(cell)
    assert formula is not None
    assert of(formula) == pytest.approx(of(cell), rel=2e-3)


def test_kinds_of_formulas() -> None:
    kinds = [type(formula_of(cell)) for cell in FORMULAS]
    assert kinds == [ViaArray, ViaArray, BumpArray, BumpArray, BumpArray, BumpArray, LineLayer, LineLayer]
    pillar = UnitCell(
        bump=BumpCell(SOLDER, NCF, 9 * um, 20 * um, 9 * um, pillar=COPPER, pillar_height=4 * um)
    )
    square = UnitCell(hybrid_bond=HybridBondCell(COPPER, OXIDE, 3 * um, 9 * um, 2 * um, pad_shape="square"))
    wide = UnitCell(via=ViaCell(COPPER, SILICON, 18 * um, 20 * um, liner=OXIDE, liner_thickness=um))
    rectangle = UnitCell(pitch=um, layers=(CellLayer(OXIDE, um, (Inclusion(COPPER, (0.5 * um, 0.5 * um)),)),))
    oblong = UnitCell(
        pitch=(um, 2 * um), layers=(CellLayer(OXIDE, um, (Inclusion(COPPER, diameter=0.5 * um),)),)
    )
    for cell in (pillar, square, wide, rectangle, oblong):
        assert formula_of(cell) is None


# -- structures ------------------------------------------------------------------------------


def test_pads_and_pillars_are_layers() -> None:
    cell = UnitCell(
        bump=BumpCell(
            SOLDER, UNDERFILL, 25 * um, 40 * um, 30 * um, pillar=COPPER, pillar_height=12 * um,
            pad_diameter=30 * um, pad_thickness=5 * um, pad=COPPER, dielectric=OXIDE,
        )
    )  # fmt: skip
    structure = cell.structure
    assert [layer.thickness for layer in structure.layers] == pytest.approx(
        [5 * um, 18 * um, 12 * um, 5 * um]
    )
    assert [layer.background[0] for layer in structure.layers] == [
        "bump.dielectric", "bump.fill", "bump.fill", "bump.dielectric",
    ]  # fmt: skip
    area = math.pi / 4.0 / 40.0**2
    shares = {field: share for field, _, share in cell.constituents()}
    # Pads and pillar are of one material, which is one constituent.
    assert shares["bump.pad"] == pytest.approx(area * (25.0**2 * 12.0 + 30.0**2 * 10.0) / 40.0)
    assert shares["bump.bump"] == pytest.approx(area * 25.0**2 * 18.0 / 40.0)
    assert math.fsum(shares.values()) == pytest.approx(1.0, abs=1e-15)
    assert cell.geometry.height == pytest.approx(40 * um)


def test_vias_and_hybrid_bonds_have_default_materials() -> None:
    pads = {"pad_diameter": 15 * um, "pad_thickness": um, "height": 50 * um}
    via = UnitCell(via=ViaCell(COPPER, SILICON, 10 * um, 50 * um, **pads))
    assert [field for field, _, _ in via.constituents()] == ["via.host", "via.core"]
    assert len(via.structure.layers) == 3
    bond = HybridBondCell(
        COPPER, OXIDE, 3 * um, 9 * um, 2 * um, upper_diameter=2 * um, via_diameter=um, via_height=um
    )
    layers = UnitCell(hybrid_bond=bond).structure.layers
    assert [layer.shapes[0][2][0] for layer in layers] == pytest.approx([um, 3 * um, 2 * um, um])
    assert [layer.thickness for layer in layers] == pytest.approx([um] * 4)


def test_resistance_grows_with_a_narrower_pad() -> None:
    resistances = [
        solve_unit_cell(
            UnitCell(
                hybrid_bond=HybridBondCell(
                    COPPER, OXIDE, 3 * um, 9 * um, 2 * um, via_diameter=width * um, via_height=0.5 * um
                )
            )
        ).area_resistance
        for width in (2.5, 1.5, 1.0)
    ]
    assert resistances == sorted(resistances)  # type: ignore[type-var]


def test_cell_inside_a_cell_and_in_a_laminate() -> None:
    lines = UnitCell(pitch=(um, 2 * um), layers=(CellLayer(OXIDE, um, (Inclusion(COPPER, (um, 0.5 * um)),)),))
    x, y, z = of(lines)
    around = UnitCell(pitch=10 * um, layers=(CellLayer(lines, um), CellLayer(OXIDE, um)))
    assert of(around) == pytest.approx(((x + 1.38) / 2, (y + 1.38) / 2, 2 / (1 / z + 1 / 1.38)))
    assert of(Laminate((Ply(lines, um), Ply(OXIDE, um)))) == pytest.approx(of(around))


def test_isotropy_follows_from_the_geometry() -> None:
    square = find_material(UnitCell(via=ViaCell(COPPER, SILICON, 10 * um, 50 * um)))
    assert square.is_isotropic_in_plane
    assert square.is_constant
    lines = UnitCell(pitch=um, layers=(CellLayer(OXIDE, um, (Inclusion(COPPER, (um, 0.5 * um)),)),))
    assert not find_material(lines).is_isotropic_in_plane
    with pytest.raises(DescriptionError, match="different conductivities along x and y"):
        find_material(ViaArray(COPPER, lines, 10 * um, 50 * um))
    directional = UnitCell(via=ViaCell(COPPER, Material("wood", (3.0, 1.0, 1.0)), 10 * um, 50 * um))
    x, y, _ = of(directional)
    assert x > 2.0 * y


# -- temperature, capacity -------------------------------------------------------------------

SILICON_T = Material(
    "silicon", {"power_law": {"at_reference": 148.0, "exponent": 1.3, "range": [250.0, 700.0]}}
)


def test_conductivity_follows_the_temperature() -> None:
    cell = UnitCell(via=ViaCell(COPPER, SILICON_T, 10 * um, 20 * um))
    material = find_material(cell)
    assert not material.is_constant
    assert material.temperature_range == (250.0, 700.0)
    formula = find_material(ViaArray(COPPER, SILICON_T, 10 * um, 20 * um))
    temperature = np.array([[240.0, 250.0, 300.0], [333.0, 512.0, 800.0]])
    for found, expected in zip(
        material.conductivity_at(temperature), formula.conductivity_at(temperature), strict=True
    ):
        assert found == pytest.approx(expected, rel=1e-3)
    assert solve_unit_cell(cell, "512 K").z.value == pytest.approx(
        float(material.conductivity_at(512.0)[2]), rel=2e-4
    )


def test_several_slices_agree_with_a_solution_at_each_temperature() -> None:
    cell = UnitCell(
        via=ViaCell(
            COPPER, SILICON_T, 10 * um, 30 * um, height=20 * um, pad_diameter=20 * um, pad_thickness=2 * um
        )
    )
    material = find_material(cell)
    for temperature in (300.0, 420.0, 600.0):
        direct = solve_unit_cell(cell, temperature).conductivity
        assert material.conductivity_at(temperature) == pytest.approx(direct, rel=1e-3)
    assert 0.0 < max(material.law.relative_errors) < 0.01


def test_jump_of_a_constituent_keeps_the_bounds() -> None:
    """The contrast to silicon changes from 1:150 to nearly one within 10 K."""
    changing = Material("changing", {"table": {"temperature": [300.0, 350.0, 360.0],
                                               "conductivity": [1.0, 1.0, 100.0]}})  # fmt: skip
    pads = CellLayer(changing, 2 * um, (Inclusion(SILICON_T, (6 * um, 6 * um), center=(5 * um, 5 * um)),))
    rest = CellLayer(SILICON_T, um, (Inclusion(changing, diameter=5 * um),))
    cell = UnitCell(pitch=10 * um, layers=(pads, rest))
    material = find_material(cell)
    for temperature in (340.0, 352.0, 400.0):
        direct = solve_unit_cell(cell, temperature).conductivity
        assert material.conductivity_at(temperature) == pytest.approx(direct, rel=3e-3)
    for temperature in np.linspace(250.0, 700.0, 91):
        rows = [each.conductivity_at(float(temperature)) for each in (changing, SILICON_T)]
        bounds = conductivity_bounds(cell.geometry, np.array(rows))
        found = np.array(material.conductivity_at(float(temperature)))
        assert (found >= bounds.lower * (1.0 - 1e-6)).all()
        assert (found <= bounds.upper * (1.0 + 1e-6)).all()


def test_package_warns_of_a_cell_with_a_large_error(tmp_path: Path) -> None:
    """Conductors that touch at corners; also inside of another medium."""
    pads = "{material: bb, size: [5 um, 5 um]}, {material: bb, at: [5 um, 5 um], size: [5 um, 5 um]}"
    corners = f"inclusions: [{pads}]"
    (tmp_path / "board.yaml").write_text(f"""
package: board
materials:
  aa: {{conductivity: 1 W/m/K}}
  bb: {{conductivity: 300 W/m/K}}
  board: {{unit_cell: {{pitch: 10 um, layers: [{{material: aa, thickness: 1 um, {corners}}}]}}}}
  both: {{laminate: {{plies: [{{material: board, thickness: 1 um}}, {{material: aa, thickness: 1 um}}]}}}}
stacks:
  die:
    size: [1 mm, 1 mm]
    layers:
      - {{name: one, thickness: 50 um, material: board}}
      - {{name: two, thickness: 50 um, material: board, power: 1 W}}
      - {{name: three, thickness: 50 um, material: both}}
cooling: {{top: {{convection: {{h: 1 kW/m2/K, ambient: 25 degC}}}}}}
""")
    warned = [
        text for text in solve_steady(read_package(tmp_path / "board.yaml")).warnings if "W-CELL" in text
    ]
    assert len(warned) == 2
    assert "board.yaml:12:" in warned[0]
    assert "the unit cell of board has an estimated error of" in warned[0]
    assert "die.two uses it too" in warned[0]
    assert "both" in warned[1]


def test_laminate_follows_its_constituents() -> None:
    cell = UnitCell(pitch=um, layers=(CellLayer(COPPER, um), CellLayer(SILICON_T, 3 * um)))
    found = find_material(cell).conductivity_at(np.array([260.0, 333.0, 690.0]))
    one, other = (
        COPPER.conductivity_at(300.0)[0],
        SILICON_T.conductivity_at(np.array([260.0, 333.0, 690.0]))[0],
    )
    assert found[0] == pytest.approx(0.25 * one + 0.75 * other, rel=1e-5)
    assert found[2] == pytest.approx(1.0 / (0.25 / one + 0.75 / other), rel=1e-5)


def test_heat_capacity_is_the_mean_by_volume() -> None:
    cell = UnitCell(via=ViaCell(COPPER, SILICON, 10 * um, 20 * um, liner=OXIDE, liner_thickness=um))
    hole, core = math.pi * 100.0 / 1600.0, math.pi * 64.0 / 1600.0
    expected = core * 3.4e6 + (hole - core) * 1.7e6 + (1.0 - hole) * 1.6e6
    assert find_material(cell).capacity_at(300.0) == pytest.approx(expected, rel=1e-12)
    assert solve_unit_cell(cell).volumetric_heat_capacity == pytest.approx(expected, rel=1e-12)
    assert not find_material(UnitCell(bump=BumpCell(SOLDER, NCF, um, 2 * um, um))).has_capacity


def test_homogenize_returns_values_for_each_temperature() -> None:
    cell = UnitCell(via=ViaCell(COPPER, SILICON, 10 * um, 50 * um))
    host = np.array([148.0, 100.0])
    x, y, z = cell.homogenize(((host, host, host), (np.array(398.0),) * 3))
    assert x == pytest.approx(y)
    assert (x[0], z[0]) == pytest.approx(np.array(of(cell))[[0, 2]])
    assert x[1] < x[0]


# -- files -----------------------------------------------------------------------------------

PACKAGE = """
package: cells
materials:
  interposer: {unit_cell: {via: {core: copper, host: silicon, diameter: 10 um, pitch: 50 um,
                                 liner: silicon_dioxide, liner_thickness: 0.5 um}}}
stacks:
  die:
    size: [2 mm, 2 mm]
    layers:
      - {name: joints, thickness: 30 um,
         material: {unit_cell: {bump: {bump: solder_bump, fill: underfill, diameter: 25 um, pitch: 40 um,
                                       height: 30 um}}}}
      - name: wiring
        thickness: 300 nm
        material:
          unit_cell:
            pitch: [2 um, 1 um]
            layers:
              - {material: low_k, thickness: 100 nm, inclusions: [{material: copper, size: [2 um, 0.5 um]}]}
              - {material: low_k, thickness: 100 nm,
                 inclusions: [{material: copper, center: [1 um, 0.25 um], diameter: 0.2 um}]}
      - {name: bulk, thickness: 50 um, material: interposer, power: 1 W}
cooling: {top: {convection: {h: 5000 W/m2/K, ambient: 25 degC}}}
"""


def test_package_with_cells_is_solved_and_written(tmp_path: Path) -> None:
    file = tmp_path / "cells.yaml"
    file.write_text(PACKAGE)
    package = read_package(file)
    write_package(package, tmp_path / "copy.yaml")
    copy = read_package(tmp_path / "copy.yaml")
    assert copy == package
    joints = package.material(package.stacks[0].layers[0].material)
    assert joints.conductivity_at(300.0) == pytest.approx((0.932, 0.932, 15.69), rel=1e-3)
    assert joints.source.startswith("computed as unit_cell of ")


def test_reading_a_package_solves_no_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from thermostack.unit_cells import cell_solution

    def fail(*_: object) -> None:
        raise AssertionError("solved")

    monkeypatch.setattr(cell_solution, "cached_solution", fail)
    file = tmp_path / "cells.yaml"
    file.write_text(PACKAGE)
    assert read_package(file).stacks


@pytest.mark.parametrize("cell", FORMULAS, ids=range(len(FORMULAS)))
def test_cell_reads_back_equal(cell: UnitCell) -> None:
    written = dump(MaterialLike, cell)
    names = {"copper", "silicon", "oxide", "solder", "underfill", "ncf"}
    assert set(written) == {"unit_cell"}
    again = TypeAdapter(MaterialLike).validate_python(written, context={"from_file": True})
    assert {material for _, material, _ in again.constituents()} <= names
    assert dump(MaterialLike, again) == written


VIA = {"core": "copper", "host": "silicon", "diameter": "10 um", "pitch": "50 um"}
BUMP = {"bump": "sac305", "fill": "underfill", "diameter": "25 um", "pitch": "40 um", "height": "30 um"}
BOND = {
    "pad": "copper",
    "dielectric": "silicon_dioxide",
    "diameter": "3 um",
    "pitch": "9 um",
    "thickness": "2 um",
}


def layered(**inclusion: Any) -> dict[str, Any]:
    layer = {"material": "low_k", "thickness": "1 um", "inclusions": [{"material": "copper", **inclusion}]}
    return {"pitch": "10 um", "layers": [layer]}


IN_LAYER = "layers[0].inclusions[0]"
BAD: list[tuple[dict[str, Any], str, str, str]] = [
    ({}, "", "E-VALUE", "needs one structure, got nothing"),
    ({"via": VIA, "bump": BUMP}, "", "E-VALUE", "got via and bump"),
    ({"via": VIA, "pitch": "1 um"}, "", "E-VALUE", "got via and pitch and layers"),
    ({"pitch": "10 um"}, "", "E-MISSING", "layers is missing"),
    ({"layers": layered(diameter="1 um")["layers"]}, "", "E-MISSING", "pitch is missing"),
    (layered(diameter="1 um") | {"pitch": ["1 um", "2 um", "3 um"]}, "pitch", "E-TYPE", "is not a pitch"),
    (
        {"via": VIA | {"diameter": "50 um"}},
        "via",
        "E-RANGE",
        "vias of 50 um touch or overlap at a pitch of 50 um",
    ),
    ({"via": VIA | {"diametre": "5 um"}}, "via.diametre", "E-KEY", "did you mean diameter?"),
    ({"via": VIA | {"diameter": "10"}}, "via.diameter", "E-UNIT", "no unit"),
    ({"via": VIA | {"liner": "silicon_dioxide"}}, "via", "E-MISSING", "liner without liner_thickness"),
    (
        {"via": VIA | {"liner": "silicon_dioxide", "liner_thickness": "5 um"}},
        "via",
        "E-RANGE",
        "a liner of 5 um fills a hole of 10 um",
    ),
    ({"via": VIA | {"pad_diameter": "15 um"}}, "via", "E-MISSING", "pad_diameter without pad_thickness"),
    ({"via": VIA | {"pad": "copper"}}, "via", "E-MISSING", "pad without pads"),
    (
        {"via": VIA | {"pad_diameter": "15 um", "pad_thickness": "1 um"}},
        "via",
        "E-MISSING",
        "pads without height",
    ),
    (
        {"bump": BUMP | {"pad_diameter": "40 um", "pad_thickness": "1 um"}},
        "bump",
        "E-RANGE",
        "pads of 40 um touch or overlap",
    ),
    ({"bump": BUMP | {"pillar": "copper"}}, "bump", "E-MISSING", "pillar without pillar_height"),
    (
        {"bump": BUMP | {"pillar": "copper", "pillar_height": "30 um"}},
        "bump",
        "E-RANGE",
        "leaves no bump in a height of 30 um",
    ),
    ({"hybrid_bond": BOND | {"upper_diameter": "9 um"}}, "hybrid_bond", "E-RANGE", "pads of 9 um touch"),
    (
        {"hybrid_bond": BOND | {"via_diameter": "1 um"}},
        "hybrid_bond",
        "E-MISSING",
        "via_diameter without via_height",
    ),
    (
        {"hybrid_bond": BOND | {"via_height": "1 um"}},
        "hybrid_bond",
        "E-MISSING",
        "via_height without via_diameter",
    ),
    ({"via": VIA | {"core": "void"}}, "via.core", "E-NAME", "void is no constituent"),
    (layered(), IN_LAYER, "E-VALUE", "neither size nor diameter given"),
    (layered(size=["1 um", "1 um"], diameter="1 um"), IN_LAYER, "E-VALUE", "both size and diameter given"),
    (layered(diameter="1 um", at=["1 um", "1 um"]), IN_LAYER, "E-VALUE", "a disc has no corner"),
    (
        layered(size=["1 um", "1 um"], at=["1 um", "1 um"], center=["1 um", "1 um"]),
        IN_LAYER,
        "E-VALUE",
        "both at and center given",
    ),
    (layered(diameter="10 um"), f"{IN_LAYER}.diameter", "E-RANGE", "discs of 10 um touch or overlap"),
    (
        layered(size=["11 um", "1 um"]),
        f"{IN_LAYER}.size",
        "E-RANGE",
        "larger than the pitch of 10 um x 10 um",
    ),
    (layered(size=["1 um", "1 um"], at=["0 um", "12 um"]), f"{IN_LAYER}.at", "E-OUTSIDE", "outside the cell"),
    (
        layered(diameter="1 um", center=["-1 um", "1 um"]),
        f"{IN_LAYER}.center",
        "E-OUTSIDE",
        "outside the cell",
    ),
    (layered(diameter="1 um", material="void"), f"{IN_LAYER}.material", "E-NAME", "void is no constituent"),
]


@pytest.mark.parametrize(("description", "field", "code", "text"), BAD)
def test_invalid_cells_raise(description: Any, field: str, code: str, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(MaterialDefinitions).validate_python(
            {"mine": {"unit_cell": description}}, context={"from_file": True}
        )
    path = f"mine.unit_cell.{field}" if field else "mine.unit_cell"
    diagnostics = diagnostics_of(caught.value)
    assert [each for each in diagnostics if each.field == path and each.code == code and text in str(each)], (
        diagnostics
    )


def test_errors_of_python_name_the_field() -> None:
    with pytest.raises(DescriptionError, match=r"touch or overlap.*E-RANGE"):
        ViaCell("copper", "silicon", 60 * um, 50 * um)
    with pytest.raises(DescriptionError, match=r"UnitCell\.layers\[0\]\.inclusions\[0\]\.center"):
        UnitCell(
            pitch=um,
            layers=(CellLayer("low_k", um, (Inclusion("copper", diameter=0.1 * um, center=(5 * um, 0.0)),)),),
        )


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        (
            "{material: copper, size",
            "{material: coper, size",
            r":19:\d+: .*inclusions\[0\]\.material: no material is",
        ),
        (
            "fill: underfill",
            "fill: underfil",
            r":11:\d+: .*unit_cell\.bump\.fill: no material is named 'underfil'",
        ),
        ("diameter: 0.2 um", "diameter: 2 um", r":21:\d+: .*inclusions\[0\]\.diameter: discs of 2 um touch"),
        (
            "host: silicon",
            "host: silicn",
            r":4:\d+: .*interposer\.unit_cell\.via\.host: no material is named",
        ),
    ],
)
def test_errors_of_a_file_have_line_and_field(tmp_path: Path, before: str, after: str, place: str) -> None:
    file = tmp_path / "cells.yaml"
    assert before in PACKAGE
    file.write_text(PACKAGE.replace(before, after))
    with pytest.raises(DescriptionError, match=place):
        read_package(file)
