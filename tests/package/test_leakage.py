"""Leakage in descriptions: laws and their slopes, errors, distribution over layers and blocks, files."""

from __future__ import annotations

import math
import tomllib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from thermostack import Block, DescriptionError, Layer, Leakage, Power, Stack, read_package, write_package
from thermostack.io.description.write_package import package_to_yaml
from thermostack.package.leakage_laws import (
    ExponentialLeakage,
    LeakageLaw,
    PolynomialLeakage,
    TabulatedLeakage,
)
from thermostack.package.leakage_presets import leakage_presets
from thermostack.package.leakage_shares import LeakageShare
from thermostack.units import celsius, mm

ROWS = (("25 degC", 0.4), ("85 degC", 1.0), ("125 degC", 2.1))
LAW = {"at": "85 degC", "doubles_every": "30 K"}
LAWS: dict[str, LeakageLaw] = {
    "exponential": ExponentialLeakage(celsius(85), 0.023),
    "table": TabulatedLeakage(celsius(60), (celsius(25), celsius(85), celsius(125)), (0.4, 1.0, 2.1)),
    "polynomial": PolynomialLeakage(celsius(85), (1.0, 0.02, 1e-4), (celsius(0), celsius(150))),
    "cubic": PolynomialLeakage(celsius(85), (1.0, 0.015, 1e-4, 1e-7), (celsius(0), celsius(150))),
}
DESCRIPTION = """\
package: leaking
stacks:
  die:
    size: [10 mm, 8 mm]
    leakage: {{total: 30 W, at: 85 degC, beta: 0.023 1/K}}
    layers:
      - name: active
        thickness: 100 um
        material: silicon
        power:
          leakage: {leakage}
          blocks:
            core: {{at: [0 mm, 0 mm], size: [4 mm, 4 mm], power: 5 W, leakage: {block}}}
            sram: {{at: [0 mm, 4 mm], size: [8 mm, 4 mm], power: 1 W}}
            rest: {{at: [4 mm, 0 mm], size: [4 mm, 4 mm], power: 1 W}}
      - {{name: cache, thickness: 50 um, material: silicon, power: 2 W}}
      - {{name: bulk, thickness: 300 um, material: silicon}}
cooling:
  top: {{convection: {{h: 2000 W/m2/K, ambient: 25 degC}}}}
"""


def write(
    path: Path, leakage: str = "{total: 12 W, at: 85 degC, doubles_every: 30 K}", block: str = "3 W"
) -> Path:
    path.write_text(DESCRIPTION.format(leakage=leakage, block=block))
    return path


# -- laws ------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_factor_is_one_at_the_reference_and_positive_everywhere(law: LeakageLaw) -> None:
    assert law.factor(np.array(law.reference)) == pytest.approx(1.0, abs=1e-15)
    assert np.all(law.factor(np.linspace(100.0, 900.0, 801)) > 0.0)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_slope_is_the_derivative_of_the_factor(law: LeakageLaw) -> None:
    temperature = np.linspace(200.3, 600.7, 397).reshape(397, 1)  # no row of the table, no end of a range
    step = 1e-3
    central = (law.factor(temperature + step) - law.factor(temperature - step)) / (2.0 * step)
    slope = law.slope(temperature)
    assert slope.shape == temperature.shape
    assert slope == pytest.approx(central, rel=1e-8)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_factor_is_continuous(law: LeakageLaw) -> None:
    for kelvin in (celsius(0), celsius(25), celsius(85), celsius(125), celsius(150)):
        below, above = law.factor(np.array([kelvin - 1e-9, kelvin + 1e-9]))
        assert above == pytest.approx(below, rel=1e-8)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_convex_laws_have_slopes_that_do_not_decrease(law: LeakageLaw) -> None:
    slopes = law.slope(np.linspace(150.0, 700.0, 5501))
    assert law.is_convex == bool(np.all(np.diff(slopes) >= -1e-15))
    assert law.is_convex


def test_laws_that_are_not_convex() -> None:
    flattening = TabulatedLeakage(300.0, (300.0, 310.0, 320.0), (1.0, 2.0, 3.0))
    bent = PolynomialLeakage(celsius(85), (1.0, 0.01, -1e-5), (celsius(0), celsius(150)))
    assert not flattening.is_convex
    assert not bent.is_convex


def test_exponential_doubles() -> None:
    leakage = Leakage("20 W", at="85 degC", doubles_every="30 K")
    assert leakage.power(celsius(115)) == pytest.approx(40.0, rel=1e-14)
    assert leakage.power(celsius(55)) == pytest.approx(10.0, rel=1e-14)
    assert Leakage("20 W", at="85 degC", beta=math.log(2.0) / 30.0).law == leakage.law


def test_table_is_exponential_between_rows_and_beyond_the_last_two() -> None:
    leakage = Leakage(1.0, at="85 degC", table=ROWS)
    assert [leakage.power(celsius(t)) for t in (25, 85, 125)] == pytest.approx([0.4, 1.0, 2.1])
    assert leakage.power(celsius(55)) == pytest.approx(math.sqrt(0.4))
    assert leakage.power(celsius(165)) == pytest.approx(2.1**2)
    assert leakage.power(celsius(-35)) == pytest.approx(0.4**2)


def test_polynomial_is_a_polynomial_from_0_to_150_degc_and_exponential_beyond() -> None:
    leakage = Leakage(1.0, at="85 degC", polynomial=(1.0, "0.02 1/K", "1e-4 1/K2"))
    assert leakage.power(celsius(125)) == pytest.approx(1.0 + 0.8 + 0.16)
    end, slope = 1.0 + 0.02 * 65 + 1e-4 * 65**2, 0.02 + 2e-4 * 65
    assert leakage.power(celsius(190)) == pytest.approx(end * math.exp(slope / end * 40.0))


def test_very_high_temperatures_do_not_overflow() -> None:
    for law in LAWS.values():
        assert np.isfinite(law.factor(np.array([1e6])))


def test_presets_have_the_doubling_temperature_of_their_formula() -> None:
    """The swing S and the threshold V are those in the sources of the file of presets."""
    rows = tomllib.loads(files("thermostack.package").joinpath("leakage_presets.toml").read_text())
    kelvin, boltzmann = celsius(85), 8.617333262e-5  # eV/K
    for name, preset in leakage_presets().items():
        source = rows[name]["doubles_every_source"]
        volts = float(source.partition("V = ")[2].split()[0])
        swing = 1e-3 * float(source.partition("S = ")[2].split()[0])
        ideality = swing / (math.log(10.0) * boltzmann * 300.0)
        beta = 2.0 / kelvin + volts / (ideality * boltzmann * kelvin**2)
        assert preset.doubles_every == round(math.log(2.0) / beta)
        assert Leakage("1 W", at="85 degC", preset=name).power(
            celsius(85) + preset.doubles_every
        ) == pytest.approx(2.0)
        assert all(text.startswith(("computed", "assumed")) for text in (source, rows[name]["share_source"]))
        assert 0.0 < preset.share < 1.0


# -- errors ----------------------------------------------------------------------------------

A = "at: 85 degC"
ERRORS = {  # leakage of the layer, and the end of its only message: field, cause and remedy
    "beta without at": (
        "{total: 20 W, beta: 0.02 1/K}",
        "beta: beta has no reference temperature (write at: 85 degC, at which `total` holds) [E-MISSING]",
    ),
    "preset without at": (
        "{total: 20 W, preset: finfet_7nm}",
        "preset: preset has no reference temperature (write at: 85 degC, at which `total` holds) [E-MISSING]",
    ),
    "negative total": (
        f"{{total: -20 W, {A}, beta: 0.02 1/K}}",
        "total: -20 W is less than zero (did you mean 20 W?) [E-RANGE]",
    ),
    "table out of order": (
        f"{{total: 20 W, {A}, table: [[85 degC, 1.0], [25 degC, 0.4]]}}",
        ("table: row 2: 25 degC follows 85 degC (sort the rows by ascending temperature, each of them once) "
        "[E-RANGE]"),
    ),
    "negative factor": (
        f"{{total: 20 W, {A}, table: [[25 degC, -0.4], [85 degC, 1.0]]}}",
        ("table[0][1]: the factor -0.4 is not greater than zero (write a positive number, 1.0 at `at`) "
        "[E-RANGE]"),
    ),
    "table not around at": (
        f"{{total: 20 W, {A}, table: [[25 degC, 0.4], [75 degC, 1.0]]}}",
        ("table: the rows from 25 degC to 75 degC do not contain at: 85 degC (add a row, or choose a "
        "reference "
        "temperature between the rows) [E-RANGE]"),
    ),
    "table not 1 at the reference": (
        "{total: 20 W, at: 25 degC, table: [[25 degC, 0.5], [85 degC, 1.0]]}",
        ("table: the factor at 25 degC is 0.5, not 1 (divide the factors by 0.5, and multiply the total by "
        "it) "
        "[E-VALUE]"),
    ),
    "table of one row": (
        f"{{total: 20 W, {A}, table: [[85 degC, 1.0]]}}",
        "table: 1 row; a table needs at least two (add a row, or write doubles_every: 30 K) [E-RANGE]",
    ),
    "table without rows": (
        f"{{total: 20 W, {A}, table: [25 degC, 85 degC]}}",
        ("table: the row '25 degC' is not a temperature and a factor "
        "(write rows: [[25 degC, 0.4], [85 degC, 1.0]]) [E-TYPE]"),
    ),
    "polynomial that turns negative": (
        f"{{total: 20 W, {A}, polynomial: [1.0, 0.02 1/K, 1e-5 1/K2]}}",
        ("polynomial: the factor is -0.628 at 0 degC; it must be positive in 0 degC to 150 degC "
        "(use a table, or doubles_every: 30 K) [E-RANGE]"),
    ),
    "polynomial negative between the ends": (
        f"{{total: 20 W, {A}, polynomial: [1.0, 0.045 1/K, 5e-4 1/K2]}}",
        ("polynomial: the factor is -0.0125 at 40 degC; it must be positive in 0 degC to 150 degC "
        "(use a table, or doubles_every: 30 K) [E-RANGE]"),
    ),
    "polynomial without units": (
        f"{{total: 20 W, {A}, polynomial: [1.0, 0.02]}}",
        'polynomial: 0.02 has no unit; expected a temperature coefficient (write "0.02 1/K") [E-UNIT]',
    ),
    "polynomial not 1 at the reference": (
        f"{{total: 20 W, {A}, polynomial: [2.0, 0.02 1/K]}}",
        ("polynomial: the first coefficient is 2.0, not 1 (it is the factor at `at`: divide all coefficients "
        "by "
        "it, as in [1.0, 0.02 1/K, 1e-4 1/K2]) [E-VALUE]"),
    ),
    "polynomial at another temperature": (
        "{total: 20 W, at: 200 degC, polynomial: [1.0, 0.02 1/K]}",
        ("polynomial: the reference temperature 200 degC is outside 0 degC to 150 degC (use a table, or "
        "another "
        "reference temperature) [E-RANGE]"),
    ),
    "two laws": (
        f"{{total: 20 W, {A}, beta: 0.02 1/K, doubles_every: 30 K}}",
        "beta: both doubles_every and beta are given (remove one: beta) [E-KEY]",
    ),
    "unknown preset": (
        f"{{total: 20 W, {A}, preset: finfet_7}}",
        "preset: no preset is named 'finfet_7' (did you mean finfet_7nm?) [E-NAME]",
    ),
    "no doubling": (
        f"{{total: 20 W, {A}, doubles_every: 0 K}}",
        "doubles_every: 0 K is not greater than zero (leakage grows with temperature: write 30 K) [E-RANGE]",
    ),
    "halving": (
        f"{{total: 20 W, {A}, doubles_every: -30 K}}",
        "doubles_every: -30 K is not greater than zero (did you mean 30 K?) [E-RANGE]",
    ),
    "at without a law": (
        f"{{total: 20 W, {A}}}",
        ("at: a reference temperature without a law (write one of doubles_every, beta, table, polynomial, "
        "preset, as doubles_every: 30 K) [E-MISSING]"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("leakage", "message"), ERRORS.values(), ids=ERRORS)
def test_errors_of_a_leakage(tmp_path: Path, leakage: str, message: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        read_package(write(tmp_path / "die.yaml", leakage))
    (found,) = str(caught.value).splitlines()
    place, _, rest = found.partition(": stacks.die.layers.active.power.leakage.")
    assert rest == message
    assert place.startswith(f"{tmp_path}/die.yaml:11:")


@pytest.mark.parametrize(
    ("layer", "block", "line", "message"),
    [
        (
            f"{{total: 20 W, {A}, beta: 0.02 1/K}}",
            f"{{{A}, beta: 0.02 1/K}}",
            13,
            "blocks.core.leakage: the leakage has no total (write total: 1 W) [E-MISSING]",
        ),
        (
            "20 W",
            "2 W",
            13,
            (
                "blocks.core.leakage: the leakage has no law, and its layer has none either "
                "(write at: 85 degC and doubles_every: 30 K here, or in the leakage of the layer) [E-MISSING]"
            ),
        ),
        (
            f"{{total: 2 W, {A}, beta: 0.02 1/K}}",
            "3 W",
            11,
            (
                "leakage.total: 2 W is declared, but the leakage of its blocks adds up to 3 W at 85 degC "
                "(the total includes them: write total: 3 W, or remove their own leakage) [E-POWER]"
            ),
        ),
        (
            f"{{total: 12 W, {A}, beta: 0.02 1/K}}",
            "-3 W",
            13,
            "blocks.core.leakage: -3 W is less than zero (did you mean 3 W?) [E-RANGE]",
        ),
    ],
)
def test_errors_of_blocks(tmp_path: Path, layer: str, block: str, line: int, message: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        read_package(write(tmp_path / "die.yaml", layer, block))
    found = {
        rest: place
        for place, _, rest in (
            each.partition(": stacks.die.layers.active.power.") for each in str(caught.value).splitlines()
        )
    }
    assert found[message].startswith(f"{tmp_path}/die.yaml:{line}:")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"at": "85 degC", "beta": "0.02 1/K"}, "stacks.die.leakage: the leakage of a stack has no total"),
        ("2 W", "stacks.die.leakage: the leakage of a stack has no law"),
        (
            {"total": "2 W", **LAW},
            (
                "stacks.die.leakage.total: 2 W is declared, "
                "but the leakage of its layers and blocks adds up to 12 W"
            ),
        ),
    ],
)
def test_errors_of_a_stack(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        read_package(write(tmp_path / "die.yaml"), {"stacks.die.leakage": value})
    assert message in str(caught.value)


def test_a_stack_without_powered_layers_cannot_leak() -> None:
    with pytest.raises(DescriptionError, match=r"Stack.leakage.total: 2 W of leakage .*write power: 0 W"):
        Stack("die", (1e-3, 1e-3), Layer("a", 1e-4, "silicon"), leakage=Leakage("2 W", **LAW))


# -- distribution ----------------------------------------------------------------------------

LEFT = ("left", (0.0, 0.0), (1 * mm, 2 * mm))
RIGHT = ("right", (1 * mm, 0.0), (3 * mm, 2 * mm))


def totals(shares: tuple[LeakageShare, ...]) -> dict[int | None, float]:
    return {share.block: pytest.approx(share.total, rel=1e-12) for share in shares}


def stack(power: Power | None, leakage: Leakage | None = None, other: Power | None = None) -> Stack:
    layers = (Layer("a", 1e-4, "silicon", power=power), Layer("b", 1e-4, "silicon", power=other))
    return Stack("die", (4 * mm, 2 * mm), layers, leakage=leakage)


def test_leakage_of_a_layer_is_that_of_the_whole_layer_or_of_its_blocks_by_area() -> None:
    leakage = Leakage("8 W", **LAW)
    even = stack(Power("1 W", leakage=leakage))
    blocks = stack(Power(blocks=(Block(*LEFT, 1.0), Block(*RIGHT, 1.0)), leakage=leakage))
    assert totals(even.leakage_shares[0]) == {None: 8.0}
    assert totals(blocks.leakage_shares[0]) == {0: 2.0, 1: 6.0}


def test_total_of_a_layer_includes_blocks_with_their_own() -> None:
    own = Block(*LEFT, 1.0, leakage=Leakage("5 W"))
    blocks = (own, Block(*RIGHT, 1.0))
    shares = stack(Power(blocks=blocks, leakage=Leakage("8 W", **LAW))).leakage_shares[0]
    assert totals(shares) == {0: 5.0, 1: 3.0}
    assert {share.law for share in shares} == {Leakage("8 W", **LAW).law}


def test_a_block_at_another_reference_counts_with_its_value_at_that_of_the_layer() -> None:
    own = Block(*LEFT, 1.0, leakage=Leakage("5 W", at="115 degC", doubles_every="30 K"))
    power = Power(blocks=(own, Block(*RIGHT, 1.0)), leakage=Leakage("8 W", **LAW))
    assert totals(stack(power).leakage_shares[0]) == {0: 5.0, 1: 5.5}


def test_a_layer_without_a_total_gives_its_law_to_its_blocks() -> None:
    power = Power(
        blocks=(Block(*LEFT, 1.0, leakage=Leakage("5 W")), Block(*RIGHT, 1.0)), leakage=Leakage(**LAW)
    )
    assert totals(stack(power).leakage_shares[0]) == {0: 5.0}


def test_leakage_of_a_stack_is_distributed_over_powered_layers_by_area() -> None:
    """The blocks of the first layer cover half of the plan."""
    half = Power(blocks=(Block(*LEFT, 1.0), Block("more", (1 * mm, 0.0), (1 * mm, 2 * mm), 1.0)))
    shares = stack(half, Leakage("12 W", **LAW), Power("0 W")).leakage_shares
    assert [totals(each) for each in shares] == [{0: 2.0, 1: 2.0}, {None: 8.0}]
    alone = stack(half, Leakage("12 W", **LAW)).leakage_shares
    assert [totals(each) for each in alone] == [{0: 6.0, 1: 6.0}, {}]


def test_leakage_of_a_stack_includes_layers_and_blocks_with_their_own() -> None:
    """The layer with a total takes no part in the rest; a block with its own leakage does not either."""
    own = Power("1 W", leakage=Leakage("3 W", **LAW))
    blocks = Power(blocks=(Block(*LEFT, 1.0, leakage=Leakage("2 W", **LAW)), Block(*RIGHT, 1.0)))
    shares = stack(own, Leakage("12 W", **LAW), blocks).leakage_shares
    assert [totals(each) for each in shares] == [{None: 3.0}, {0: 2.0, 1: 7.0}]
    assert sum(share.total for layer in shares for share in layer) == pytest.approx(12.0)


def test_leakages_of_all_blocks_must_add_up_to_the_total() -> None:
    blocks = tuple(Block(*place, 1.0, leakage=Leakage("2 W")) for place in (LEFT, RIGHT))
    assert totals(stack(Power(blocks=blocks, leakage=Leakage("4 W", **LAW))).leakage_shares[0]) == {
        0: 2.0,
        1: 2.0,
    }
    with pytest.raises(
        DescriptionError, match="5 W is declared, but the leakage of its blocks adds up to 4 W"
    ):
        Power(blocks=blocks, leakage=Leakage("5 W", **LAW))


def test_the_power_of_a_stack_does_not_scale_leakage() -> None:
    power = Power(
        blocks=(Block(*LEFT, 1.0, leakage=Leakage("2 W")), Block(*RIGHT, 1.0)), leakage=Leakage("8 W", **LAW)
    )
    scaled = Stack("die", (4 * mm, 2 * mm), Layer("a", 1e-4, "silicon", power=power), power="10 W")
    assert scaled.layers[0].power is not None
    assert scaled.layers[0].power.total_power == pytest.approx(10.0)
    assert totals(scaled.leakage_shares[0]) == {0: 2.0, 1: 6.0}


def test_a_layer_may_have_leakage_alone() -> None:
    assert Power(leakage=Leakage("8 W", **LAW)).total_power == 0.0


# -- files -----------------------------------------------------------------------------------


def test_description_with_all_forms(tmp_path: Path) -> None:
    package = read_package(write(tmp_path / "die.yaml"))
    (die,) = package.stacks
    assert [totals(layer) for layer in die.leakage_shares] == [{0: 3.0, 1: 6.0, 2: 3.0}, {None: 18.0}, {}]
    assert package.leakage == pytest.approx(30.0)
    assert package.power == pytest.approx(9.0)
    assert "leakage  30 W at the reference temperature" in repr(package)
    assert "leakage" in package._repr_html_()


@pytest.mark.parametrize(
    "leakage",
    [
        "{total: 12 W, at: 85 degC, doubles_every: 30 K}",
        "{total: 12 W, at: 85 degC, beta: 0.023 1/K}",
        "{total: 12 W, at: 85 degC, table: [[25 degC, 0.4], [85 degC, 1.0], [125 degC, 2.1]]}",
        "{total: 12 W, at: 85 degC, polynomial: [1.0, 0.02 1/K, 1e-4 1/K2, 1e-8 1/K3]}",
        "{total: 12 W, at: 85 degC, preset: gaa_2nm_backside}",
    ],
)
def test_written_description_reads_back_as_the_same_package(tmp_path: Path, leakage: str) -> None:
    package = read_package(
        write(tmp_path / "die.yaml", leakage, "{total: 3 W, at: 60 degC, doubles_every: 28 K}")
    )
    write_package(package, tmp_path / "copy.yaml")
    assert read_package(tmp_path / "copy.yaml") == package
    assert package_to_yaml(read_package(tmp_path / "copy.yaml")) == package_to_yaml(package)


def test_overrides_of_leakage(tmp_path: Path) -> None:
    path = write(tmp_path / "die.yaml")
    changed = read_package(
        path,
        {
            "stacks.die.leakage.total": "40 W",
            "stacks.die.active.power.blocks.core.leakage": "6 W",
            "stacks.die.active.power.leakage.at": "65 degC",
        },
    )
    active, cache, _ = changed.stacks[0].leakage_shares
    assert totals(active) == {0: 6.0, 1: 4.0, 2: 2.0}
    assert {share.law.reference for share in active} == {celsius(65)}
    at_85 = 12.0 * 2.0 ** (20.0 / 30.0)
    assert totals(cache) == {None: pytest.approx(40.0 - at_85)}


def test_floorplan_with_a_column_of_leakage(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text(
        "name,x [mm],y [mm],width [mm],height [mm],power [W],leakage [mW]\n"
        "core,0,0,4,4,5,3000\nsram,0,4,8,4,1,\nrest,4,0,4,4,1,0\n"
    )
    text = DESCRIPTION.partition("          blocks:")[0].format(
        leakage="{total: 9 W, at: 85 degC, beta: 0.02 1/K}"
    )
    text += (
        "          floorplan: plan.csv\ncooling: {top: {convection: {h: 2000 W/m2/K, ambient: 25 degC}}}\n"
    )
    (tmp_path / "die.yaml").write_text(text.replace("total: 30 W", "total: 9 W"))
    package = read_package(tmp_path / "die.yaml")
    assert totals(package.stacks[0].leakage_shares[0]) == {0: 3.0, 2: 0.0, 1: 6.0}
    write_package(package, tmp_path / "copy.yaml")
    assert read_package(tmp_path / "copy.yaml") == package


def test_negative_leakage_in_a_floorplan(tmp_path: Path) -> None:
    from thermostack.io.description.floorplan import read_floorplan

    (tmp_path / "plan.csv").write_text(
        "name,x [mm],y [mm],width [mm],height [mm],leakage [W]\ncore,0,0,4,4,-3\n"
    )
    with pytest.raises(
        DescriptionError, match=r"plan.csv:2:14: core.leakage: -3 W is less than zero .*3 W\?"
    ):
        read_floorplan(tmp_path / "plan.csv")


@pytest.mark.parametrize("has_laws", [False, True])
def test_long_floorplans_keep_their_leakage(tmp_path: Path, has_laws: bool) -> None:
    """A block with a law of its own cannot be in a floorplan file."""
    law = LAW if has_laws else {}
    blocks = tuple(
        Block(f"b{n}", (n * 10e-6, 0.0), (10e-6, 1e-3), 1.0, leakage=Leakage(0.5, **law)) for n in range(300)
    )
    text = DESCRIPTION.format(leakage="{at: 85 degC, beta: 0.02 1/K}", block="1 W")
    (tmp_path / "die.yaml").write_text(text.replace("total: 30 W", "total: 150 W"))
    package = read_package(tmp_path / "die.yaml")
    from dataclasses import replace

    power = Power(blocks=blocks, leakage=Leakage(at="85 degC", beta=0.02))
    layers = (Layer("active", 1e-4, "silicon", power=power),)
    package = replace(package, stacks=(replace(package.stacks[0], layers=layers),))
    write_package(package, tmp_path / "copy.yaml")
    assert (tmp_path / "copy.die.active.csv").exists() is not has_laws
    assert read_package(tmp_path / "copy.yaml").stacks == package.stacks
