"""The metrics: exact cases, heat by surface, discretisation errors, matrices, and errors with remedies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from exact.spreading_resistance import SpreadingResistance
from support.jedec_packages import ACTIVE_THICKNESS, SIZE, dual_die, slab, source_on_plate, with_own_board

from thermostack import (
    ArgumentError,
    Cooling,
    DescriptionError,
    FreeConvection,
    JedecBoard,
    JedecResult,
    UnknownNameError,
    discretize,
    jedec,
    solve_steady,
)
from thermostack.thermal_metrics.body import find_body, place_on_board
from thermostack.thermal_metrics.environments import ring_rectangles
from thermostack.units import mm

AREA = SIZE[0] * SIZE[1]
CELL = "2 mm"


@pytest.fixture(scope="module")
def dual() -> JedecResult:
    return jedec(dual_die(), board="jesd51-9/1s", cell=CELL)


# -- exact cases -------------------------------------------------------------------------------------


def test_slab_has_the_sum_of_its_resistances() -> None:
    """theta_JC is t / (k A) of the layers above the source, and half of the source itself."""
    found = jedec(slab(), environments=("top", "bottom"), cell="1 mm")
    half = 0.5 * ACTIVE_THICKNESS / 120.0
    top = found.of("theta_JC_top", "isothermal top")
    assert top.value == pytest.approx((0.6e-3 / 120.0 + half) / AREA, rel=1e-6)
    assert top.error < 1e-3 * top.value
    assert top.heat == pytest.approx({"top": 1.0})
    assert found.of("theta_JC_bottom").value == pytest.approx((0.4e-3 / 400.0 + half) / AREA, rel=1e-6)
    plate = found.of("theta_JC_top", "cold plate of 10000 W/m2/K on top")
    assert plate.value == pytest.approx(top.value, rel=1e-6)  # T_C is that of the surface
    assert plate.reference.temperature - found.ambient == pytest.approx(5.0 / (1e4 * AREA), rel=1e-6)


def test_error_of_a_source_on_a_plate_contains_the_exact_value() -> None:
    exact = SpreadingResistance((10e-3, 10e-3), 2e-3, 120.0, 1e12, (4e-3, 4e-3)).centre_resistance(500)
    for cell in ("2 mm", "1 mm", "0.5 mm"):
        metric = jedec(source_on_plate(), environments="bottom", cell=cell).of("theta_JC_bottom")
        assert abs(metric.value - exact) < metric.error
        assert metric.error < 0.2 * exact


def test_value_does_not_depend_on_the_power_where_coefficients_are_constant() -> None:
    values = [
        jedec(with_own_board(), environments=("ring", "top"), power=power, cell=CELL).metrics
        for power in ("1 W", "3 W")
    ]
    assert [m.value for m in values[0]] == pytest.approx([m.value for m in values[1]], rel=1e-7)


def test_less_than_proportional_rise_in_still_air() -> None:
    """Convection and radiation grow with the rise, so that theta_JA falls with the power."""
    low, high = (
        jedec(with_own_board(), environments="still-air", power=power, cell=CELL).of("theta_JA").value
        for power in ("0.5 W", "4 W")
    )
    assert high < 0.97 * low


# -- environments ------------------------------------------------------------------------------------


def test_all_heat_leaves_through_the_surfaces(dual: JedecResult) -> None:
    for metric in dual.metrics:
        assert sum(metric.heat.values()) == pytest.approx(1.0, abs=1e-7)


def test_all_heat_leaves_through_the_ring_of_the_right_area() -> None:
    found = jedec(with_own_board(), environments="ring", cell=CELL)
    steady = found.fields["ring cold plate"]
    width, depth = 12e-3, 10e-3
    ring = (width + 18e-3) * (depth + 18e-3) - (width + 10e-3) * (depth + 10e-3)
    assert steady.model.boundary.area.sum() == pytest.approx(2.0 * ring)
    assert sum((c - a) * (d - b) for a, b, c, d in ring_rectangles(found.outline)) == pytest.approx(ring)
    assert set(found.of("theta_JB").heat) == {"ring, top of the board", "ring, bottom of the board"}


def test_air_is_that_of_the_coolers_by_correlation() -> None:
    """theta_JA is that of the package on the board with free convection that radiates, solved alone."""
    placed = place_on_board(find_body(with_own_board()), JedecBoard("jesd51-9/2s2p"))
    found = jedec(with_own_board(), environments="still-air", cell=CELL)
    assert placed.board_size is not None
    width, depth = placed.board_size
    air = FreeConvection("25 degC", width * depth / (2.0 * (width + depth)), emissivity=0.9)
    steady = solve_steady(discretize(placed.cooled(Cooling(surroundings=air)), cell=CELL))
    theta = found.of("theta_JA")
    assert theta.value == pytest.approx((steady.peak.max - 298.15) / theta.power, rel=1e-6)


def test_matrix_reproduces_the_solution_in_air() -> None:
    """With the coefficients of the solution the matrix times the powers is the rise of each die."""
    found = jedec(dual_die(), environments="still-air", cell=CELL)
    (matrix,) = found.matrices
    steady = found.fields["still air"]
    powered = {part.name.split(".")[0]: part for part in steady.parts if part.power and not part.is_block}
    products = matrix.resistance @ [powered[name].power for name in matrix.dies]
    means = np.array([powered[name].mean for name in matrix.dies]) - 298.15
    assert products == pytest.approx(means, rel=5e-3)


def test_inequalities_of_a_package_on_a_board() -> None:
    found = jedec(with_own_board(), cell=CELL)
    theta = [found.of("theta_JA").value]
    theta += [found.of("theta_JMA", f"air {speed} m/s").value for speed in (1, 2, 3)]
    assert theta == sorted(theta, reverse=True)
    assert 0.0 < found.of("psi_JT").value < found.of("theta_JC_top").value
    assert 0.0 < found.of("psi_JB").value < found.of("theta_JB").value
    assert found.of("theta_JB").board.startswith("jesd51-9/2s2p")


def test_theta_jb_is_that_of_a_board_with_planes(dual: JedecResult) -> None:
    assert dual.of("theta_JB").board.startswith("jesd51-9/2s2p")
    assert dual.of("theta_JA").board.startswith("jesd51-9/1s,")
    assert any("JESD51-8" in note for note in dual.notes)


def test_junction_may_be_a_mean_or_a_part() -> None:
    values = {
        junction: jedec(with_own_board(), environments="top", junction=junction, cell=CELL).metrics[0]
        for junction in ("max", "mean", "die.bulk")
    }
    assert values["mean"].value < values["max"].value
    assert values["die.bulk"].junction.place == "die.bulk, maximum"


# -- several dies ------------------------------------------------------------------------------------


def test_matrices_are_symmetric_and_their_heat_adds_to_one(dual: JedecResult) -> None:
    assert len(dual.matrices) == 8
    for matrix in dual.matrices:
        assert matrix.dies == ("control", "switch")
        assert matrix.asymmetry < 1e-8
        assert sum(matrix.heat.values()) == pytest.approx(np.ones(2), abs=1e-7)


def test_matrix_predicts_the_solve(dual: JedecResult) -> None:
    matrix = dual.matrices[0]
    steady = dual.fields[matrix.environment]
    rise = [steady.of(f"{die}.active").mean - dual.ambient for die in matrix.dies]
    assert matrix.resistance @ [1.0, 1.0] == pytest.approx(rise, rel=2e-3)


def test_resistances_of_two_dies_fall_with_the_copper_on_the_board() -> None:
    """The trend of the matrix in the data sheet of MC10XS3435 (NXP): R12 = R21, and all fall with the area.

    There R11, R12 and R22 fall by 18, 18 and 12 % from 0 to 600 mm2. The copper of the board here already
    contains the traces of JESD51-9, so that the fall is smaller.
    """
    found = [
        jedec(
            dual_die(),
            board=JedecBoard("jesd51-9/1s", copper_area=area * 1e-6),
            environments="still-air",
            cell=CELL,
        ).matrices[0]
        for area in (0.0, 150.0, 300.0, 450.0, 600.0)
    ]
    values = np.array([matrix.resistance[[0, 0, 1], [0, 1, 1]] for matrix in found])
    assert (np.diff(values, axis=0) < 0.0).all()
    falls = np.diff(values, axis=0)
    assert (np.abs(falls[0]) > np.abs(falls[-1])).all()  # less and less with the area
    assert all(matrix.asymmetry < 1e-8 for matrix in found)


# -- errors ------------------------------------------------------------------------------------------


def test_package_without_power() -> None:
    die = slab().stacks[0]
    layers = tuple(replace(layer, power=None) for layer in die.layers)
    with pytest.raises(DescriptionError, match=r"no part has power.*power: 1 W"):
        jedec(replace(slab(), stacks=(replace(die, layers=layers),)))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"board": "jesd51-2"}, UnknownNameError, "no board is named"),
        ({"environments": "still_air"}, UnknownNameError, "still-air"),
        ({"environments": ()}, ArgumentError, "is empty"),
        ({"junction": "die.actif"}, UnknownNameError, "die.active"),
        ({"emissivity": 1.5}, ArgumentError, "at most 1"),
        ({"power": "0 W"}, ArgumentError, "power"),
        ({"ambient": "25 W"}, ArgumentError, "ambient"),
        ({"cold_plate_htc": 0.0}, ArgumentError, "cold_plate_htc"),
        ({"fineness": 0.0}, ArgumentError, "fineness"),
        ({"own_board": "die"}, None, ""),
    ],
)
def test_wrong_arguments(arguments: dict, error: type[Exception] | None, text: str) -> None:
    if error is None:  # the root may be declared a board, on which nothing stands
        error, text = DescriptionError, "nothing stands on the board 'die'"
    with pytest.raises(error, match=text):
        jedec(slab(), **{"environments": "top", **arguments})


def test_metric_that_was_not_computed() -> None:
    found = jedec(slab(), environments="top", cell="2 mm")
    with pytest.raises(UnknownNameError, match="theta_JC_top"):
        found.of("theta_JB")


def test_large_package_needs_a_larger_board() -> None:
    die = slab().stacks[0]
    package = replace(slab(), stacks=(replace(die, size=(95 * mm, 40 * mm)),))
    with pytest.raises(ArgumentError, match="up to 90 mm"):
        jedec(package, environments="still-air")
    board = JedecBoard("jesd51-9/2s2p", ("160 mm", "170 mm"))
    found = jedec(package, board=board, environments="still-air", cell="8 mm")
    assert found.board.startswith("jesd51-9/2s2p, 160 x 170")
