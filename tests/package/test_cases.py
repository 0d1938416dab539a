"""Packages that once gave a wrong answer without a word, with the right values."""

from __future__ import annotations

from pathlib import Path

import pytest

from thermostack import DescriptionError, Package, discretize, read_package, solve_steady
from thermostack.package.geometry import build_geometry
from thermostack.units import mm

CASES = Path(__file__).parent / "cases"


def celsius(kelvin: float) -> float:
    return kelvin - 273.15


def test_top_convection_acts_on_the_board_beside_the_chip() -> None:
    """2525 degC before; the heat of 1 W leaves 4 cm2 of copper through 100 W/m2/K."""
    steady = solve_steady(discretize(read_package(CASES / "top_faces.yaml"), cell=0.5 * mm))
    assert celsius(steady.of("board").mean) == pytest.approx(50.0, abs=0.5)
    (top,) = steady.model.coolers
    assert (top.name, top.area) == ("top convection", pytest.approx(4e-4))
    assert top.parts == {"board.pcb": pytest.approx(3.96e-4), "chip.body": pytest.approx(4e-6)}


def test_hollow_block_is_cooled_on_its_outside_only() -> None:
    """28.33 degC before; 1 W through 100 W/m2/K and 24 cm2 is 4.17 K."""
    steady = solve_steady(discretize(read_package(CASES / "cavity.yaml"), cell=1 * mm))
    assert celsius(steady.of("block").mean) == pytest.approx(29.17, abs=0.02)


@pytest.mark.slow
def test_spreader_larger_than_its_die() -> None:
    """Refused before; 52.88 degC when it is drawn upside down, or with air around the die."""
    steady = solve_steady(read_package(CASES / "spreader_over_die.yaml"))
    assert celsius(steady.peak.max) == pytest.approx(52.88, abs=0.05)


def test_coarse_spreader_larger_than_its_die() -> None:
    steady = solve_steady(discretize(read_package(CASES / "spreader_over_die.yaml"), cell=2 * mm))
    assert celsius(steady.peak.max) == pytest.approx(52.9, abs=0.5)


# -- thickness of a layer below a lid --------------------------------------------------------

TIM = "stacks.die.layers.tim.thickness"


def peak(package: Package) -> float:
    return solve_steady(discretize(package, cell=2 * mm), estimate=False).of("die").max


def test_thinner_tim_below_a_rigid_lid_is_refused() -> None:
    """144.3 degC before: the filler of the substrate took the place of the contact."""
    with pytest.raises(
        DescriptionError, match="a gap of 30 um separates lid from die, because it rests on foot"
    ):
        build_geometry(read_package("fcbga", {TIM: "50 um"}))


def test_die_is_cooler_with_a_thinner_tim_below_a_lid_that_follows() -> None:
    follows = {"stacks.foot.layers.wall.thickness": "fill"}
    peaks = [peak(read_package("fcbga", {**follows, TIM: f"{t} um"})) for t in (120, 80, 50)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[1] == pytest.approx(peak(read_package("fcbga")), abs=1e-6)


def test_thinner_solder_below_the_lid_of_the_cache_is_refused() -> None:
    """955 degC before."""
    thin = {f"stacks.{name}.layers.indium.thickness": "200 um" for name in ("solder", "iod")}
    with pytest.raises(DescriptionError, match="a gap of 50 um separates lid from"):
        build_geometry(read_package("v_cache", thin))
