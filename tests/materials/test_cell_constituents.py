"""Constituents of unit cells: names, materials and media, also other cells; errors inside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from thermostack.errors import DescriptionError
from thermostack.io.description.package_file import read_package
from thermostack.io.description.write_package import write_package
from thermostack.io.results.steady_file import read_result
from thermostack.materials.effective_media import Laminate, Ply
from thermostack.materials.material import Material
from thermostack.materials.material_library import find_material
from thermostack.materials.ready_made_cells import BumpCell, ViaCell
from thermostack.materials.unit_cell import CellLayer, Inclusion, UnitCell
from thermostack.mesh.model import discretize
from thermostack.steady import solve_steady
from thermostack.units import um

PACKAGE = """\
package: cells
materials:
  filled:
    unit_cell:
      via:
        core: copper
        host: silicon
        diameter: 10 um
        pitch: 50 um
  wiring:
    unit_cell:
      pitch: 2 um
      layers:
        - material: low_k
          thickness: 1 um
          inclusions:
            - material: copper
              diameter: 1 um
stacks:
  die:
    size: [1 mm, 1 mm]
    layers:
      - {name: filled, thickness: 50 um, material: filled}
      - {name: wiring, thickness: 1 um, material: wiring, power: 1 W}
cooling: {top: {convection: {h: 5000 W/m2/K, ambient: 25 degC}}}
"""
CORE, HOST, INNER = "        core: copper", "        host: silicon", "            - material: copper"
IN_VIA, IN_LAYER = (
    "materials.filled.unit_cell.via",
    "materials.wiring.unit_cell.layers[0].inclusions[0].material",
)

BAD = [
    (CORE, "5", (6, 15), f"{IN_VIA}.core", "expected a name or exactly one of via_array", "E-TYPE"),
    (CORE, "{bump_aray: {}}", (6, 16), f"{IN_VIA}.core.bump_aray", "unknown kind 'bump_aray'", "E-KEY"),
    (
        CORE,
        "{laminate: {}, via_array: {}}",
        (6, 9),
        f"{IN_VIA}.core",
        "got laminate and via_array",
        "E-TYPE",
    ),
    (
        HOST,
        "{bump_array: {bump: copper, fill: air, diameter: 5 um, pitch: 4 um}}",
        (7, 16),
        f"{IN_VIA}.host.bump_array",
        "cylinders of 5 um touch",
        "E-RANGE",
    ),
    (
        HOST,
        "{laminate: {plies: [{material: copper}]}}",
        (7, 35),
        f"{IN_VIA}.host.laminate.plies[0].thickness",
        "is missing",
        "E-MISSING",
    ),
    (
        INNER,
        "{unit_cell: {via: {core: copper, host: low_k, diameter: 9 um, pitch: 8 um}}}",
        (17, 38),
        f"{IN_LAYER}.unit_cell.via",
        "vias of 9 um touch",
        "E-RANGE",
    ),
    (
        INNER,
        "{unit_cell: {via: {core: copper, host: lowk, diameter: 1 um, pitch: 8 um}}}",
        (17, 64),
        f"{IN_LAYER}.unit_cell.via.host",
        "no material is named 'lowk' (did you mean low_k?)",
        "E-NAME",
    ),
    (
        INNER,
        "{unit_cell: {via: {core: copper, host: low_k, hots: 1, diameter: 1 um, pitch: 8 um}}}",
        (17, 71),
        f"{IN_LAYER}.unit_cell.via.hots",
        "unknown key 'hots' (did you mean host?)",
        "E-KEY",
    ),
]


def changed(line: str, value: str) -> str:
    """Return the package with another value in a line."""
    assert PACKAGE.count(line) == 1
    return PACKAGE.replace(line, f"{line.rsplit(': ', 1)[0]}: {value}")


@pytest.mark.parametrize(("line", "value", "place", "field", "text", "code"), BAD)
def test_errors_inside_a_constituent_have_line_and_field(
    tmp_path: Path, line: str, value: str, place: tuple[int, int], field: str, text: str, code: str
) -> None:
    file = tmp_path / "cells.yaml"
    file.write_text(changed(line, value))
    with pytest.raises(DescriptionError) as caught:
        read_package(file)
    (found,) = caught.value.diagnostics
    assert (found.line, found.column) == place
    assert (found.field, found.code) == (field, code)
    assert text in str(found)


def test_cell_that_contains_itself_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cells.yaml"
    file.write_text(changed(INNER, "wiring"))
    with pytest.raises(DescriptionError, match=r"contains itself: wiring of wiring .*E-CYCLE"):
        read_package(file)


def test_all_errors_of_a_cell_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "cells.yaml"
    text = changed(CORE, "{bump_array: {bump: copper}}").replace("diameter: 1 um", "diameter: 1")
    file.write_text(text.replace("host: silicon", "host: [silicon]"))
    with pytest.raises(DescriptionError) as caught:
        read_package(file)
    assert {(each.line, each.code) for each in caught.value.diagnostics} == {
        (6, "E-MISSING"),
        (7, "E-TYPE"),
        (18, "E-UNIT"),
    }


def test_errors_of_python_name_the_constituent() -> None:
    with pytest.raises(DescriptionError, match=r"^ViaCell\.core: expected a name or exactly one of .*E-TYPE"):
        ViaCell(5, "silicon", 10 * um, 50 * um)
    with pytest.raises(DescriptionError, match=r"^Inclusion\.material\.via_array\.pitch: is missing"):
        Inclusion({"via_array": {"core": "a", "host": "b", "diameter": um}}, diameter=um)


def test_cell_of_media_and_cells_is_solved_and_written(tmp_path: Path) -> None:
    inner = "{unit_cell: {bump: {bump: copper, fill: low_k, diameter: 0.2 um, pitch: 0.5 um, height: 1 um}}}"
    plies = "[{material: silicon, thickness: 9 um}, {material: silicon_dioxide, thickness: 1 um}]"
    text = changed(INNER, inner).replace(HOST, f"        host: {{laminate: {{plies: {plies}}}}}")
    file = tmp_path / "cells.yaml"
    file.write_text(text)
    package = read_package(file)
    write_package(package, tmp_path / "copy.yaml")
    assert read_package(tmp_path / "copy.yaml") == package
    result = solve_steady(discretize(package, "250 um"), estimate=False)
    assert result.peak.max > 298.15 + 1.0 / (5000.0 * 1e-6)  # the rise at the cooled face
    result.save(tmp_path / "cells.vtkhdf")
    assert read_result(tmp_path / "cells.vtkhdf").model.package == package


def test_shipped_package_with_a_cell_in_place_of_its_bumps_is_solved() -> None:
    array = {"bump": "solder_bump", "fill": "underfill", "diameter": "80 um", "pitch": "150 um"}
    peaks = []
    for material in ({"bump_array": array}, {"unit_cell": {"bump": {**array, "height": "80 um"}}}):
        package = read_package("fcbga", {"stacks.die.layers.c4.material": material})
        peaks.append(solve_steady(discretize(package, "2 mm"), estimate=False).peak.max)
    assert peaks[0] == pytest.approx(peaks[1], abs=0.01)
    assert peaks[0] > 320.0


def test_cell_in_a_cell_counts_as_its_effective_material() -> None:
    copper, fill = Material("copper", 400.0), Material("fill", 1.0)
    inner = UnitCell(bump=BumpCell(copper, fill, 5 * um, 10 * um, 10 * um))
    cell = UnitCell(
        pitch=10 * um,
        layers=(
            CellLayer(inner, 5 * um),
            CellLayer(fill, 5 * um, (Inclusion(copper, size=(5 * um, 10 * um)),)),
        ),
    )
    replaced = UnitCell(
        pitch=10 * um,
        layers=(CellLayer(find_material(inner), 5 * um), *cell.layers[1:]),
    )
    assert find_material(cell).conductivity_at(300.0) == find_material(replaced).conductivity_at(300.0)


def test_constituents_may_be_effective_media_with_different_axes() -> None:
    plies = Laminate((Ply(Material("metal", 100.0), um), Ply(Material("resin", 1.0), um)))
    cell = UnitCell(pitch=10 * um, layers=(CellLayer(plies, 5 * um),))
    x, y, z = find_material(cell).conductivity_at(300.0)
    assert (x, y, z) == pytest.approx((50.5, 50.5, 2.0 / 1.01), rel=1e-9)
