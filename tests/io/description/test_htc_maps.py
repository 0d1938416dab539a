"""Maps of heat-transfer coefficients: their sum on any grid, their file format, and invalid input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from thermostack import (
    Block,
    ColdPlate,
    Convection,
    Cooling,
    DescriptionError,
    Grid,
    HeatSink,
    HtcMap,
    Layer,
    Material,
    Package,
    Power,
    Region,
    Stack,
    discretize,
    read_package,
    read_result,
    solve_steady,
    write_package,
)
from thermostack.io.description.write_package import package_to_yaml
from thermostack.materials.material import VOID
from thermostack.mesh.boundary_faces import deposit_htc
from thermostack.mesh.model import Model
from thermostack.package.cooling import FACES, Base, FaceCooling, FaceRectangle
from thermostack.units import mm, um

WIDTH, DEPTH = 10 * mm, 8 * mm
VALUES = arrays(
    np.float64, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.floats(0.0, 1e5, width=32)
)


def planes(length: float) -> st.SearchStrategy[np.ndarray]:
    """Return planes of a grid from 0 to a length, no two of them merged."""
    inner = st.lists(st.integers(1, 999), max_size=8, unique=True).map(sorted)
    return inner.map(lambda steps: np.array([0.0, *(0.001 * length * n for n in steps), length]))


def slab(cooling: Cooling) -> Package:
    block = Block("spot", (1 * mm, 2 * mm), (2 * mm, 3 * mm), 5.0)
    layers = (
        Layer("active", 1 * um, "silicon_constant", Power(blocks=(block,))),
        Layer("bulk", 0.5 * mm, "silicon_constant"),
    )
    return Package("slab", (Stack("die", (WIDTH, DEPTH), layers),), cooling)


def conductance(model: Model, face: str) -> float:
    """Return the sum of htc times area [W/K] over a face."""
    own = model.boundary.face == FACES.index(face)
    return float((model.boundary.h * model.boundary.area)[own].sum())


# -- what a map does -------------------------------------------------------------------------


@given(VALUES, planes(WIDTH), planes(DEPTH))
def test_total_conductance_of_map_is_kept_on_any_grid(
    values: np.ndarray, x: np.ndarray, y: np.ndarray
) -> None:
    face = (0.0, 0.0, WIDTH, DEPTH)
    h = deposit_htc(HtcMap(values), x, y, face, face)
    due = values.mean() * WIDTH * DEPTH
    assert (h * np.diff(y)[:, None] * np.diff(x)).sum() == pytest.approx(due, rel=1e-12)
    assert h.min() >= 0.0
    assert h.max() <= values.max() * (1.0 + 1e-12)


@settings(max_examples=20, deadline=None)
@given(VALUES.filter(np.any), st.sampled_from(["top", "bottom"]), st.booleans())
def test_total_conductance_of_map_is_kept_in_model(values: np.ndarray, face: str, is_region: bool) -> None:
    region = FaceRectangle((1.1 * mm, 0.7 * mm), (3.3 * mm, 2 * mm))
    rest = {"top": "bottom", "bottom": "top"}[face]
    cooled = FaceCooling(Convection(HtcMap(values), 300.0), region if is_region else None)
    model = discretize(slab(Cooling(**{face: (cooled,), rest: Convection(10.0, 300.0)})), cell=1.3 * mm)
    area = 6.6e-6 if is_region else WIDTH * DEPTH
    assert conductance(model, face) == pytest.approx(values.mean() * area, rel=1e-12)


@pytest.mark.parametrize("kind", ["convection", "heat_sink", "cold_plate"])
def test_uniform_map_equals_constant_coefficient(kind: str) -> None:
    """The same htc as one number and as a map of any resolution: the same temperatures."""

    def field(h: Any) -> np.ndarray:
        cooler = {
            "convection": lambda: Convection(h, 300.0),
            "heat_sink": lambda: HeatSink(300.0, h=h),
            "cold_plate": lambda: ColdPlate(300.0, h=h, base=Base("copper", 1 * mm, (14 * mm, 12 * mm))),
        }[kind]()
        package = slab(Cooling(top=cooler, bottom=Convection(50.0, 310.0)))
        return solve_steady(discretize(package, cell=0.9 * mm), residual=1e-12, estimate=False).field

    one = field(2e3)
    for shape in ((1, 1), (3, 7), (40, 30)):
        assert np.nanmax(np.abs(field(np.full(shape, 2e3)) - one)) < 1e-9 * np.nanmax(one - 300.0)


def test_two_bars_under_two_pixels_are_two_plane_walls() -> None:
    """Bars on either side of an open strip, each under a pixel of its own: exactly a wall with one htc."""
    gap = Region("gap", (1 * mm, 4 * mm), VOID, (2 * mm, 0.0))
    si = Material("si", 148.0)
    blocks = (
        Block("left", (0.0, 0.0), (2 * mm, 4 * mm), 3.0),
        Block("right", (3 * mm, 0.0), (2 * mm, 4 * mm), 2.0),
    )
    layers = (
        Layer("active", 1 * um, si, Power(blocks=blocks), regions=(gap,)),
        Layer("bulk", 1 * mm, si, regions=(gap,)),
    )
    stack = Stack("s", (5 * mm, 4 * mm), layers)
    package = Package("bars", (stack,), Cooling(top=Convection(HtcMap([[1e4, 2e3]]), 300.0)))
    grid = Grid(
        np.array([0.0, 2.0, 3.0, 5.0]) * mm, np.array([0.0, 4.0]) * mm, np.array([0.0, 0.001, 1.001]) * mm
    )
    steady = solve_steady(discretize(package, grid=grid), method="direct", estimate=False)
    area = 8e-6
    for i, heat, h in ((0, 3.0, 1e4), (2, 2.0, 2e3)):
        rise = heat * (1.0 / (h * area) + 0.5 * mm / (148.0 * area))
        assert steady.field[1, 0, i] - 300.0 == pytest.approx(rise, rel=1e-9)
    assert steady.heat_balance.out == pytest.approx({"top": 5.0}, rel=1e-9)


def test_face_has_area_mean_of_overlapped_pixels() -> None:
    rows = np.array([[1000.0, 3000.0], [5000.0, 7000.0]])
    package = slab(Cooling(top=Convection(rows, 300.0)))
    z = np.array([0.0, 1e-6, 0.501e-3])
    grid = Grid(np.array([0.0, 4.0, 10.0]) * mm, np.array([0.0, 4.0, 8.0]) * mm, z)
    surfaces = discretize(package, grid=grid).boundary
    assert surfaces.h == pytest.approx([1000.0, (1.0 * 1000 + 5.0 * 3000) / 6, 5000.0, (5000 + 5 * 7000) / 6])


def test_map_outside_its_face_has_no_effect() -> None:
    region = FaceRectangle((5 * mm, -8 * mm), (10 * mm, 16 * mm))
    cooled = FaceCooling(Convection(HtcMap([[9e3, 9e3], [1000.0, 9e3]]), 300.0), region)
    model = discretize(slab(Cooling(top=(cooled,))), cell=1 * mm)
    assert conductance(model, "top") == pytest.approx(1000.0 * 5 * mm * 8 * mm, rel=1e-12)


def test_map_covers_bounding_rectangle_of_highest_parts() -> None:
    """Two dies of one height: each under its half of the map, nothing is shifted by the gap between them."""
    board = Stack("board", (20 * mm, 10 * mm), (Layer("core", 1 * mm, "copper"),))
    bulk = (Layer("bulk", 0.5 * mm, "silicon"),)
    left = Stack("left", (4 * mm, 4 * mm), bulk, on="board", position=(2 * mm, 1 * mm))
    right = Stack("right", (4 * mm, 4 * mm), bulk, on="board", position=(10 * mm, 1 * mm))
    jets = FaceCooling(Convection([[100.0, 200.0, 300.0]], 300.0), on="highest")
    cooling = Cooling(top=jets, bottom=Convection(10.0, 300.0))
    model = discretize(Package("two", (board, left, right), cooling), cell=1 * mm)
    assert conductance(model, "top") == pytest.approx((100.0 + 300.0) * 16e-6, rel=1e-12)
    everywhere = Cooling(top=Convection([[100.0, 300.0]], 300.0))  # also on the board
    model = discretize(Package("two", (board, left, right), everywhere), cell=1 * mm)
    assert conductance(model, "top") == pytest.approx((100.0 + 300.0) * 100e-6, rel=1e-12)


def test_later_coolers_replace_map() -> None:
    spot = FaceCooling(Convection(5.0, 300.0), FaceRectangle((0.0, 0.0), (5 * mm, 8 * mm)))
    model = discretize(slab(Cooling(top=(Convection([[70.0, 90.0]], 300.0), spot))), cell=1 * mm)
    assert conductance(model, "top") == pytest.approx((5.0 + 90.0) * 40e-6, rel=1e-12)


# -- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[1.0, -2.0], [-3.0, 1.0]], "2 of its pixels are negative, the first -2 W/m2/K in row 1"),
        ([[1.0], [float("nan")]], "nan in row 2, column 1 is not a finite number"),
        ([[1.0, 2.0], [3.0]], "the rows of the map differ in length"),
        (np.zeros((2, 2, 2)), "with shape (2, 2, 2) is not a map"),
        (np.zeros((0, 3)), "with shape (0, 3) is not a map"),
        ([["1", "2"]], "expected a two-dimensional array of real numbers"),
        ({"file": "h.csv"}, "unknown key 'file'"),
    ],
)
def test_refused_map_values(values: Any, words: str) -> None:
    with pytest.raises(DescriptionError, match=re.escape(words)) as caught:
        Convection(values, 300.0)
    assert caught.value.diagnostics[0].field.startswith("Convection.h")


@pytest.mark.parametrize("face", [*FACES[2:], "surroundings"])
def test_only_top_and_bottom_have_maps(face: str) -> None:
    cooling = Cooling(top=Convection(10.0, 300.0), **{face: Convection([[1.0, 2.0]], 300.0)})
    with pytest.raises(
        DescriptionError, match="a map of h is permitted on the top and the bottom only"
    ) as caught:
        discretize(slab(cooling))
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.field, diagnostic.code) == (f"cooling.{face}[0].convection.h", "E-COOLING")


def test_map_of_zeros_fixes_no_temperature() -> None:
    with pytest.raises(DescriptionError, match="no heat leaves the package"):
        discretize(slab(Cooling(top=Convection(np.zeros((2, 2)), 300.0))))


# -- in a file -------------------------------------------------------------------------------


def write(folder: Path, cooler: str) -> Path:
    path = folder / "case.yaml"
    die = "{size: [10 mm, 8 mm], layers: [{name: bulk, thickness: 1 mm, material: silicon, power: 5 W}]}"
    path.write_text(f"package: case\nstacks:\n  die: {die}\ncooling:\n  top: {cooler}\n")
    return path


def htc_of(path: Path) -> Any:
    return getattr(read_package(path).cooling.top[0].cooler, "h", None)


def test_map_file_with_unit_and_origin(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("# a jet in the middle\n1,2\n3,4\n")
    np.save(tmp_path / "h.npy", np.array([[3e3, 4e3], [1e3, 2e3]]))
    north = htc_of(
        write(
            tmp_path,
            "{convection: {h: {map: h.csv, unit: kW/m2/K, origin: north}, ambient: 35 degC}}",
        )
    )
    south = htc_of(write(tmp_path, "{heat_sink: {h: {map: h.npy, unit: W/m2/K}, ambient: 35 degC}}"))
    table = htc_of(
        write(
            tmp_path, "[{cold_plate: {h: {map: [[3.e+3, 4000], [1e3, 2e3]], unit: W/m2/K}, coolant: 9 degC}}]"
        )
    )
    assert north.source == "h.csv"
    for h in (north, south, table):
        assert np.array_equal(h.values, [[3e3, 4e3], [1e3, 2e3]])


@pytest.mark.parametrize(
    ("h", "words", "code"),
    [
        ("{map: g.csv, unit: W/m2/K}", "there is no file 'g.csv' (did you mean h.csv?)", "E-FILE"),
        ("{map: ../h.csv, unit: W/m2/K}", "is outside the directory of the description", "E-FILE"),
        ("{map: h.csv}", "the values of the map have no unit (write unit: W/m2/K)", "E-UNIT"),
        ("{map: h.csv, unit: W/m2}", "is not a unit of a heat transfer coefficient", "E-UNIT"),
        ("{map: h.csv, unit: 5}", "5 is not a text", "E-TYPE"),
        ("{map: h.csv, unit: W/m2/K, origin: west}", "the first row lies south or north", "E-NAME"),
        ("{map: h.csv, unit: W/m2/K, at: [1 mm, 1 mm]}", "unknown key 'at'", "E-KEY"),
        ("{map: 5, unit: W/m2/K}", "5 is not the name of a file", "E-TYPE"),
        ("[[1, 2]]", "the values of a table have no unit", "E-UNIT"),
        ("{map: [[1, -2]], unit: W/m2/K}", "1 of its pixels are negative", "E-RANGE"),
        ("{map: [[1, x]], unit: W/m2/K}", "is not a map", "E-TYPE"),
        ("{mp: h.csv, unit: W/m2/K}", "unknown key 'mp' (did you mean map?)", "E-KEY"),
        (
            "{map: below.csv, unit: W/m2/K}",
            "below.csv: 1 of its pixels are negative, the first -3",
            "E-RANGE",
        ),
        ("{map: flat.npy, unit: W/m2/K}", "expected a two-dimensional array of real numbers", "E-FILE"),
    ],
)
def test_refused_map_files(tmp_path: Path, h: str, words: str, code: str) -> None:
    (tmp_path / "h.csv").write_text("1,2\n3,4\n")
    (tmp_path / "below.csv").write_text("1,2\n-3,4\n")
    np.save(tmp_path / "flat.npy", np.zeros(5))
    path = write(tmp_path, f"{{convection: {{h: {h}, ambient: 35 degC}}}}")
    with pytest.raises(DescriptionError) as caught:
        read_package(path)
    diagnostic = next(diagnostic for diagnostic in caught.value.diagnostics if diagnostic.code == code)
    assert words in str(diagnostic)
    assert (diagnostic.file, diagnostic.line) == (str(path), 5)
    assert diagnostic.field.startswith("cooling.top.convection.h")


@pytest.mark.parametrize(
    ("table", "line", "words"),
    [
        ("1,2\n3,nan\n", 2, "nan"),
        ("1,2\n3\n", 2, "expected 2 cells as in the first row, got 1"),
        ("1,2\n3,four\n", 2, "four"),
    ],
)
def test_diagnostic_of_map_file_has_its_line(tmp_path: Path, table: str, line: int, words: str) -> None:
    (tmp_path / "h.csv").write_text(table)
    path = write(tmp_path, "{convection: {h: {map: h.csv, unit: W/m2/K}, ambient: 35 degC}}")
    with pytest.raises(DescriptionError, match=re.escape(words)) as caught:
        read_package(path)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.file, diagnostic.line) == (str(tmp_path / "h.csv"), line)


def drawn_by_maps() -> Package:
    rng = np.random.default_rng(2)
    region = FaceRectangle((1 * mm, 1 * mm), (3 * mm, 3 * mm))
    top = (
        Convection(HtcMap(rng.random((3, 4)) * 1e4, source="jets.csv"), 310.0),
        FaceCooling(HeatSink(300.0, h=rng.random((2, 2)) * 1e3), region),
    )
    return slab(Cooling(top=top, bottom=ColdPlate(300.0, h=rng.random((5, 2)))))


def test_written_maps_read_back(tmp_path: Path) -> None:
    package = drawn_by_maps()
    (tmp_path / "inline.yaml").write_text(package_to_yaml(package))
    assert read_package(tmp_path / "inline.yaml") == package
    write_package(package, tmp_path / "case.yaml")
    assert {path.name for path in tmp_path.glob("case.*")} == {
        "case.yaml",
        "case.cooling.top_0.npy",
        "case.cooling.top_1.npy",
        "case.cooling.bottom.npy",
    }
    assert read_package(tmp_path / "case.yaml") == package


def test_result_file_contains_maps(tmp_path: Path) -> None:
    steady = solve_steady(discretize(drawn_by_maps(), cell=2 * mm), estimate=False)
    steady.save(tmp_path / "case.vtkhdf")
    again = read_result(tmp_path / "case.vtkhdf")
    assert again.package == steady.package
    assert np.array_equal(again.model.boundary.h, steady.model.boundary.h)
