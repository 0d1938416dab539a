"""Boundary faces with nonlinear laws: directions, lengths, areas, first coefficients, changes and files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import thermostack as ts
from thermostack.boundary_laws.boundary_law import (
    FreeConvectionLaw,
    LawSum,
    LinearLaw,
    PoolBoilingLaw,
    Radiation,
    secant_coefficient,
)
from thermostack.mesh.model import Model
from thermostack.mesh.model_change import Change, change_model, differs_in_power, has_equal_plan
from thermostack.mesh.nonlinear_faces import NonlinearFaces
from thermostack.mesh.part_map import rasterize
from thermostack.package.geometry import package_geometry
from thermostack.report.cooling_table import cooling_lines

AMBIENT = 298.15


def package(**cooling: Any) -> ts.Package:
    """Return a chip of 8 x 4 x 1 mm on a board of 20 x 10 x 2 mm."""
    board = ts.Stack("board", ("20 mm", "10 mm"), (ts.Layer("sheet", "2 mm", "fr4"),))
    chip = ts.Stack(
        "chip",
        ("8 mm", "4 mm"),
        (ts.Layer("bulk", "1 mm", "silicon", power=1.0),),
        position=("6 mm", "3 mm"),
        on="board",
    )
    return ts.Package("chip_on_board", (board, chip), ts.Cooling(**cooling))


def model(**cooling: Any) -> Model:
    return ts.discretize(package(**cooling), cell="1 mm")


def nonlinear(made: Model) -> NonlinearFaces:
    assert made.nonlinear_faces is not None
    return made.nonlinear_faces


def test_linear_packages_have_no_nonlinear_faces() -> None:
    assert model(surroundings=ts.Convection(10.0, AMBIENT)).nonlinear_faces is None


def test_each_direction_has_its_own_law_of_free_convection() -> None:
    """Area over perimeter of the projection on top and bottom; the height on the sides."""
    made = model(surroundings=ts.FreeConvection(AMBIENT))
    faces = nonlinear(made)
    assert faces.face.size == made.boundary.cell.size
    lengths: dict[str, float] = {}
    for law in faces.laws:
        assert isinstance(law, FreeConvectionLaw)
        lengths[law.facing] = law.length
    plan = 20e-3 * 10e-3 / (2 * (20e-3 + 10e-3))
    assert lengths == pytest.approx({"up": plan, "down": plan, "sideways": 3e-3})
    assert len(faces.laws) == 3  # the four sides have equal heights
    up = np.array([law.facing == "up" for law in faces.laws])[faces.law]  # type: ignore[attr-defined]
    axis, is_high = made.boundary.axis[faces.face], made.boundary.is_high[faces.face]
    assert np.array_equal(up, (axis == 0) & is_high)


def test_a_part_has_the_length_of_its_own_faces() -> None:
    """The board beside the chip has a hole, whose perimeter counts."""
    ring = ts.FaceCooling(ts.FreeConvection(AMBIENT), part="board")
    laws = nonlinear(model(top=[ts.Convection(10.0, AMBIENT), ring])).laws
    (law,) = laws
    assert isinstance(law, FreeConvectionLaw)
    area = 20e-3 * 10e-3 - 8e-3 * 4e-3
    assert law.length == pytest.approx(area / (2 * (20e-3 + 10e-3 + 8e-3 + 4e-3)))


def test_a_resistance_is_distributed_over_all_faces_of_its_cooler() -> None:
    cooler = ts.HeatSink(AMBIENT, resistance=2.0, emissivity=0.5, radiates_to=310.0)
    (law,) = nonlinear(model(top=cooler)).laws
    assert isinstance(law, LawSum)
    linear, radiation = law.laws
    assert isinstance(linear, LinearLaw)
    assert (linear.h, linear.ambient) == (pytest.approx(1.0 / (2.0 * 8e-3 * 4e-3)), AMBIENT)
    assert radiation == Radiation(0.5, 310.0)


def test_boundary_faces_have_the_secant_and_the_ambient_of_their_law() -> None:
    made = model(
        top=ts.PoolBoiling("FC-72", 320.0, 0.0053), surroundings=ts.FreeConvection(AMBIENT, emissivity=0.9)
    )
    faces = nonlinear(made)
    boundary = made.boundary
    expected = np.array([secant_coefficient(law) for law in faces.laws])[faces.law]
    assert boundary.h[faces.face] == pytest.approx(expected)
    assert boundary.temperature[faces.face] == pytest.approx(faces.temperatures[:, 0])
    assert np.all(boundary.flux == 0.0)
    boils = np.array([isinstance(law, PoolBoilingLaw) for law in faces.laws])[faces.law]
    assert boils.any()
    assert np.array_equal(np.isfinite(faces.critical_flux), boils)


def test_fluxes_and_slopes_are_those_of_the_laws() -> None:
    faces = nonlinear(
        model(top=ts.Radiation(0.9, 310.0), surroundings=ts.FreeConvection(AMBIENT, emissivity=0.4))
    )
    surface = np.linspace(300.0, 400.0, faces.face.size)
    for n in range(0, faces.face.size, 37):
        law = faces.laws[faces.law[n]]
        assert faces.flux(surface)[n] == pytest.approx(float(law.flux(surface[n : n + 1])[0]))
        assert faces.slope(surface)[n] == pytest.approx(float(law.slope(surface[n : n + 1])[0]))
        assert tuple(faces.temperatures[n]) == law.temperatures
    # 3 mm between area and perimeter give a Rayleigh number below the range
    assert any("Rayleigh number" in text for _, text in faces.range_warnings(surface))


def test_linear_faces_beside_nonlinear_ones_are_left_alone() -> None:
    made = model(top=ts.Radiation(0.9, 310.0), bottom=ts.Convection(10.0, 300.0))
    others = np.setdiff1d(np.arange(made.boundary.cell.size), nonlinear(made).face)
    assert others.size == 200
    assert np.all(made.boundary.h[others] == 10.0)
    assert np.all(made.boundary.axis[nonlinear(made).face] == 0)


# -- changes ---------------------------------------------------------------------------------


def changed(made: Model, new: ts.Package) -> tuple[Model, Change]:
    geometry = package_geometry(new)
    assert has_equal_plan(made, geometry)
    return change_model(made, geometry, rasterize(geometry, made.grid))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ts.Radiation(0.9, AMBIENT), ts.Radiation(0.8, AMBIENT)),
        (ts.FreeConvection(AMBIENT), ts.FreeConvection(303.15)),
        (ts.Convection(10.0, AMBIENT, 0.9), ts.Convection(20.0, AMBIENT, 0.9)),
        (ts.ForcedConvection(AMBIENT, 1.0, 0.1), ts.ForcedConvection(AMBIENT, 2.0, 0.1)),
        (ts.PoolBoiling("water", 360.0, 0.0128, 1.0), ts.PoolBoiling("water", 360.0, 0.0128, 1.0, 0.131)),
    ],
)
def test_a_changed_value_gives_the_laws_of_a_new_model(before: Any, after: Any) -> None:
    new = package(top=after, bottom=ts.Convection(10.0, 300.0))
    made = ts.discretize(package(top=before, bottom=ts.Convection(10.0, 300.0)), cell="1 mm")
    assert not differs_in_power(made, package_geometry(new))
    found, change = changed(made, new)
    expected = ts.discretize(new, cell="1 mm")
    assert change == Change.BOUNDARY
    assert nonlinear(found).laws == nonlinear(expected).laws
    assert np.array_equal(nonlinear(found).face, nonlinear(expected).face)
    assert np.array_equal(found.boundary.h, expected.boundary.h)
    assert np.array_equal(found.boundary.temperature, expected.boundary.temperature)


def test_a_changed_power_keeps_the_laws() -> None:
    made = model(top=ts.Radiation(0.9, AMBIENT))
    old = made.package
    layer = replace(old.stacks[1].layers[0], power=ts.Power(total=3.0))
    new = replace(old, stacks=(old.stacks[0], replace(old.stacks[1], layers=(layer,))))
    assert differs_in_power(made, package_geometry(new))
    found, change = changed(made, new)
    assert change == Change.POWER
    assert found.nonlinear_faces is made.nonlinear_faces
    assert found.boundary is made.boundary


def test_an_added_emissivity_is_another_plan() -> None:
    made = model(top=ts.Convection(10.0, AMBIENT))
    assert not has_equal_plan(made, package_geometry(package(top=ts.Convection(10.0, AMBIENT, 0.9))))


# -- tables and files ------------------------------------------------------------------------


def test_tables_name_fluid_speed_and_emissivity() -> None:
    made = model(
        top=ts.ForcedConvection(AMBIENT, 2.0, 0.1, emissivity=0.9, radiates_to=303.15),
        bottom=ts.PoolBoiling("FC-72", 320.0, 0.0053),
    )
    lines = "\n".join(cooling_lines(made))
    assert (
        "top forced convection (air, speed 2 m/s, length 100 mm, emissivity 0.9, radiates to 30 degC)"
        in lines
    )
    assert "bottom pool boiling (FC-72, pool at 46.85 degC)" in lines


def test_a_low_emissivity_is_no_reason_for_a_warning() -> None:
    warnings = model(surroundings=ts.Radiation(0.05, AMBIENT)).warnings
    assert not [text for text in warnings if "W-COOLING" in text]


def test_a_hidden_nonlinear_cooler_gives_a_warning() -> None:
    warnings = model(top=[ts.FreeConvection(AMBIENT), ts.Radiation(0.9, AMBIENT)]).warnings
    assert any("covers no surface" in text for text in warnings)
