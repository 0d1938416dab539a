"""Figures of results: values and edges of cells, outlines, the peak, and cells outside the body."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import imread
from support.cost import count_calls
from support.small_result import small_model, small_package, small_steady

from thermostack.errors import OutputError
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model, discretize
from thermostack.package.placement import place_stacks
from thermostack.plot.overview import plot_grid, plot_layer_map, plot_overview, plot_section
from thermostack.plot.planes import crop
from thermostack.results.fields import slice_plane
from thermostack.results.steady_result import SteadyResult

CELSIUS, MM = 273.15, 1e3


@pytest.fixture(scope="module")
def steady() -> SteadyResult:
    return small_steady()


def mesh_of(figure: Figure, n: int = 0) -> QuadMesh:
    """Return the cells drawn in the n-th axes."""
    (mesh,) = (item for item in figure.axes[n].collections if isinstance(item, QuadMesh))
    return mesh


def texts(figure: Figure) -> list[str]:
    """Return all that is written in a figure, but for the numbers along the axes."""
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel()]
        found += [text.get_text() for text in axes.texts]
    return found


# -- what is drawn ---------------------------------------------------------------------------


def test_layer_map_has_the_temperatures_of_its_cells(steady: SteadyResult) -> None:
    grid = steady.model.grid
    z = 0.3e-3
    mesh = mesh_of(plot_layer_map(steady, z=z))
    plane = slice_plane(grid, "z", z)
    rows, columns = crop(plane, plane.take_values(steady.model.part))
    expected = plane.take_values(steady.field)[rows, columns] - CELSIUS
    drawn = np.ma.filled(mesh.get_array(), np.nan).reshape(expected.shape)
    assert np.array_equal(drawn, expected, equal_nan=True)
    edges = mesh.get_coordinates()
    assert np.array_equal(edges[0, :, 0], grid.x[columns.start : columns.stop + 1] * MM)
    assert np.array_equal(edges[:, 0, 1], grid.y[rows.start : rows.stop + 1] * MM)


@pytest.mark.parametrize(("axis", "at"), [("y", 5e-3), ("x", 18e-3)])
def test_section_is_blank_outside_the_body(steady: SteadyResult, axis: str, at: float) -> None:
    mesh = mesh_of(plot_section(steady, axis, at=at))
    plane = slice_plane(steady.model.grid, axis, at)
    rows, columns = crop(plane, plane.take_values(steady.model.part))
    outside = plane.take_values(steady.model.part)[rows, columns] == 0
    assert outside.any()
    assert np.array_equal(np.ma.getmaskarray(mesh.get_array()).reshape(outside.shape), outside)


def test_overview_shows_the_hottest_layer_and_its_peak(steady: SteadyResult) -> None:
    figure = plot_overview(steady)
    said = texts(figure)
    peak = steady.peak
    assert peak.error is not None
    assert any("two_dies" in text for text in said)
    heading = next(text for text in said if "45 W" in text)
    assert peak.name in heading
    assert "±" in heading
    assert "below its limit" in heading
    assert f"{peak.max - CELSIUS:.1f} °C" in said
    assert any(text.startswith(f"{peak.name}, z = ") for text in said)
    places = [line.get_xydata()[0].tolist() for axes in figure.axes for line in axes.lines]
    x, y, z = (value * MM for value in peak.at)
    for place in ([x, y], [x, z], [y, z]):
        assert place in places
    number = 1 + [part.name for part in steady.model.parts].index(peak.name)
    drawn = mesh_of(figure).get_array()
    assert drawn is not None
    assert drawn.max() == np.nanmax(steady.field[steady.model.part == number]) - CELSIUS


def test_stacks_are_outlined_and_labelled(steady: SteadyResult) -> None:
    figure = plot_layer_map(steady, "logic.active")
    assert {"logic", "memory"} <= set(texts(figure))
    place = place_stacks(steady.package)["logic"]
    boxes = [patch.get_bbox().extents / MM for patch in figure.axes[0].patches]
    assert any(np.allclose(box, place.outline) for box in boxes)


def test_missing_error_estimate_is_stated(steady: SteadyResult) -> None:
    unsure = dataclasses.replace(
        steady, parts=tuple(dataclasses.replace(part, error=None) for part in steady.parts)
    )
    assert any("error not estimated" in text for text in texts(plot_overview(unsure)))


@pytest.mark.parametrize("axis", ["x", "y"])
def test_section_states_its_stretch_factor(steady: SteadyResult, axis: str) -> None:
    axes = plot_section(steady, axis).axes[0]
    aspect = float(axes.get_aspect())
    said = "true to scale" if aspect == 1.0 else f"stretched {aspect:g} times"
    assert axes.get_ylabel() == f"z [mm], {said}"


def test_interfaces_between_parts_are_lines(steady: SteadyResult) -> None:
    figure = plot_section(steady, "y", at=5e-3)
    (lines,) = (item for item in figure.axes[0].collections if isinstance(item, LineCollection))
    heights = {
        round(float(segment[0][1]), 6) for segment in lines.get_segments() if segment[0][1] == segment[1][1]
    }
    assert {0.1, 0.11, 0.81} <= heights  # mm: the faces of interposer, active silicon and logic


def test_grid_figure_shows_every_cell_of_the_body() -> None:
    model = small_model()
    figure = plot_grid(model)
    nz, ny, nx = model.grid.shape
    assert any(f"{nx} x {ny} x {nz} = {model.grid.cells} cells" in text for text in texts(figure))
    colors = mesh_of(figure, 1).get_array()
    assert colors is not None
    assert np.any(colors[..., 3] == 0.0)  # outside the body nothing is drawn
    assert len(np.unique(colors.reshape(-1, 4), axis=0)) > 4


def test_body_without_power_can_be_plotted(steady: SteadyResult) -> None:
    same = dataclasses.replace(steady, field=np.where(steady.model.part > 0, 300.0, np.nan))
    plot_overview(same)
    unheated = dataclasses.replace(steady.model, layer_sources=(), blocks=())
    plot_grid(unheated)


# -- files -----------------------------------------------------------------------------------


def test_figure_is_wide_enough_to_print(steady: SteadyResult, tmp_path: Path) -> None:
    plot_overview(steady, tmp_path / "a.png")
    height, width, _ = imread(tmp_path / "a.png").shape
    assert width >= 1600
    assert 600 < height < width


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_suffix_gives_the_format(steady: SteadyResult, tmp_path: Path, suffix: str, start: bytes) -> None:
    plot_section(steady, path=tmp_path / f"a.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["a.jpeg2000", "a"])
def test_other_suffixes_are_rejected(steady: SteadyResult, tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"name a file that ends in \.png"):
        plot_overview(steady, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_missing_directory_is_an_output_error(steady: SteadyResult, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="absent does not exist"):
        plot_overview(steady, tmp_path / "absent" / "a.png")


def test_names_are_not_parsed_as_formulas(steady: SteadyResult, tmp_path: Path) -> None:
    parts = tuple(dataclasses.replace(part, name="$\\frac$") for part in steady.parts)
    plot_overview(dataclasses.replace(steady, parts=parts), tmp_path / "a.png")


def test_invalid_planes_are_rejected(steady: SteadyResult) -> None:
    with pytest.raises(ValueError, match="must be x or y"):
        plot_section(steady, "z")
    with pytest.raises(ValueError, match="outside the grid"):
        plot_section(steady, "x", at=1.0)
    with pytest.raises(ValueError, match="outside the grid"):
        plot_layer_map(steady, z=-1.0)
    with pytest.raises(KeyError, match="logic"):
        plot_layer_map(steady, "logik")


def test_import_of_plot_does_not_import_matplotlib() -> None:
    program = "import sys, thermostack.plot; assert not any(m.startswith('matplotlib') for m in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def large() -> Model:
    """Return the small package on two million cells."""
    planes = (np.linspace(0.0, 24e-3, 241), np.linspace(0.0, 14e-3, 141), np.linspace(0.0, 2.81e-3, 61))
    package = small_package()
    drawn = discretize(package, cell=1e-3).grid
    edges = (np.union1d(old, new) for old, new in zip((drawn.x, drawn.y, drawn.z), planes, strict=True))
    kept = [axis[np.concatenate(([True], np.diff(axis) > 1e-7))] for axis in edges]
    return discretize(package, grid=Grid(*kept))


def test_millions_of_cells_are_plotted(steady: SteadyResult, tmp_path: Path) -> None:
    model = large()
    assert model.grid.cells > 2e6
    field = np.where(model.part > 0, 330.0, np.nan)
    huge = dataclasses.replace(steady, model=model, field=field)
    calls, _ = count_calls(lambda: plot_overview(huge, tmp_path / "a.png"))
    assert calls < 1_000_000  # fewer than cells
