"""Leakage on the cells of a model: conservation, slopes, parts and blocks, changes of a model, storage."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    DescriptionError,
    FaceCooling,
    Grid,
    Layer,
    Leakage,
    Model,
    Package,
    Power,
    Region,
    ResultFileError,
    Session,
    Stack,
    discretize,
    read_result,
    solve_steady,
)
from thermostack.io.results.hdf5_arrays import write_json
from thermostack.mesh import leakage_sources
from thermostack.mesh.leakage_sources import LeakageSources
from thermostack.mesh.model_change import Change, change_model, has_equal_plan
from thermostack.mesh.part_map import rasterize
from thermostack.package.geometry import package_geometry
from thermostack.report.power_table import power_table
from thermostack.units import celsius, mm, um

EXPONENTIAL = {"at": "85 degC", "doubles_every": "30 K"}
TABLE = {"at": "60 degC", "table": (("25 degC", 0.5), ("60 degC", 1.0), ("125 degC", 3.0))}
POLYNOMIAL = {"at": "85 degC", "polynomial": (1.0, 0.02, 1e-4)}
LEFT = Block("left", (0.13 * mm, 0.2 * mm), (1.9 * mm, 2.3 * mm), 1.0, leakage=Leakage("2 W", **TABLE))
RIGHT = Block("right", (2.5 * mm, 0.0), (1.5 * mm, 3.0 * mm), 2.0)
PLAN = Power(blocks=(LEFT, RIGHT), leakage=Leakage("5 W", **EXPONENTIAL))
EVEN = Power("1 W", leakage=Leakage("3 W", **POLYNOMIAL))


def package(first: Power | None = PLAN, second: Power | None = EVEN, **die: Any) -> Package:
    """Return a board and a die with two layers that have a power, 100 um and 200 um thick."""
    board = Stack("board", (9 * mm, 8 * mm), (Layer("pcb", 1 * mm, "fr4"),))
    layers = (
        Layer("active", 100 * um, "silicon_constant", power=first),
        Layer("cache", 200 * um, "silicon_constant", power=second),
    )
    given: dict[str, Any] = {"on": "board", "position": (2 * mm, 2.2 * mm), "size": (4 * mm, 3 * mm)} | die
    return Package(
        "leaking", (board, Stack("die", layers=layers, **given)), Cooling(top=Convection(1e3, 300.0))
    )


def leakage_of(model: Model) -> LeakageSources:
    assert model.leakage is not None
    return model.leakage


def random_temperature(model: Model, seed: int = 1) -> np.ndarray:
    """Return temperatures [K] of the cells, NaN outside the body."""
    t = np.random.default_rng(seed).uniform(280.0, 420.0, model.grid.shape)
    return np.where(model.part > 0, t, np.nan)


# -- conservation ----------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [None, "0.37 mm", "1.1 mm", "3 mm"])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_sum_is_preserved_on_any_grid(cell: str | None, rotate: int) -> None:
    model = discretize(package(rotate=rotate, flip=rotate == 90), cell)
    leakage = leakage_of(model)
    right = 5.0 - 2.0 * 3.0 ** (25.0 / 65.0)  # W: the table of the other block is exponential
    reference = {None: 3.0, "die.active.left": 2.0, "die.active.right": right}
    found = dict.fromkeys(reference, 0.0)
    for source in leakage.sources:
        found[source.block] += source.plane.sum()
    assert found == {name: pytest.approx(power, rel=1e-12) for name, power in reference.items()}
    assert leakage.reference == pytest.approx(5.0 + right, rel=1e-12)
    assert leakage.reference_power.sum() == pytest.approx(leakage.reference, rel=1e-12)
    uniform = np.full(model.grid.shape, celsius(85))
    parts = model.leakage_of_zones(uniform)
    assert parts is not None
    names = [part.name for part in model.parts] + [block.name for block in model.blocks]
    expected = {"board.pcb": 0.0, "die.active": 5.0, "die.cache": 3.0}
    expected |= {"die.active.left": 5.0 - right, "die.active.right": right}
    assert dict(zip(names, parts.tolist(), strict=True)) == {
        name: pytest.approx(power, rel=1e-12) for name, power in expected.items()
    }


def test_leakage_is_distributed_as_power_is() -> None:
    """The cells of blocks with leakage have the powers of the same blocks with as much power."""
    blocks = (replace(LEFT, leakage=Leakage("2 W")), replace(RIGHT, leakage=Leakage("3 W")))
    leaking = Power(blocks=blocks, leakage=Leakage(**EXPONENTIAL))
    powered = Power(blocks=(replace(LEFT, power=2.0, leakage=None), replace(RIGHT, power=3.0)))
    grid = discretize(package(leaking, None, rotate=90)).grid
    leakage = leakage_of(discretize(package(leaking, None, rotate=90), grid=grid))
    power = discretize(package(powered, None, rotate=90), grid=grid).power.reshape(-1)
    assert np.array_equal(leakage.cell, np.flatnonzero(power))
    assert leakage.reference_power == pytest.approx(power[leakage.cell], rel=1e-12)


def test_leakage_of_a_layer_avoids_the_stack_inside_it() -> None:
    """A whole layer distributes its leakage over its existing cells; a block under another stack is wrong."""
    inner = Stack(
        "inner", (1 * mm, 1 * mm), Layer("b", 300 * um, "copper"), inside="die", position=(1 * mm, 1 * mm)
    )
    base = package(Power("1 W", leakage=Leakage("4 W", **EXPONENTIAL)), None)
    model = discretize(replace(base, stacks=(*base.stacks, inner)))
    leakage = leakage_of(model)
    assert leakage.reference == pytest.approx(4.0, rel=1e-12)
    active = 1 + [part.name for part in model.parts].index("die.active")
    assert set(model.part.reshape(-1)[leakage.cell].tolist()) == {active}
    volume = (model.grid.dz[:, None, None] * model.grid.dy[:, None] * model.grid.dx).reshape(-1)[leakage.cell]
    assert leakage.reference_power / volume == pytest.approx(
        np.full(volume.size, 4.0 / volume.sum()), rel=1e-9
    )
    wrong = package(Power(blocks=(replace(LEFT, power=None), RIGHT), leakage=Leakage(**EXPONENTIAL)), None)
    with pytest.raises(
        DescriptionError, match=r"power: .* of the leakage lie where the layer is open .*E-POWER"
    ):
        discretize(replace(wrong, stacks=(*wrong.stacks, inner)))


def test_leakage_in_a_region_belongs_to_the_part_of_the_region() -> None:
    base = package(Power("0 W", leakage=Leakage("4 W", **EXPONENTIAL)), None)
    board, die = base.stacks
    region = Region("slug", (1 * mm, 3 * mm), "copper")
    die = replace(die, layers=(replace(die.layers[0], regions=(region,)), *die.layers[1:]))
    model = discretize(replace(base, stacks=(board, die)))
    zones = model.leakage_of_zones()
    assert zones is not None
    powers = dict(zip([part.name for part in model.parts], zones.tolist(), strict=True))
    assert powers["die.active"] == pytest.approx(3.0, rel=1e-9)
    assert powers["die.active.slug"] == pytest.approx(1.0, rel=1e-9)


def test_leakage_of_a_round_layer_stays_in_the_disc() -> None:
    spot = Block("spot", (0.6 * mm, 0.6 * mm), (1.8 * mm, 1.8 * mm), 1.0, leakage=Leakage("2 W"))
    blocks = Power(blocks=(spot,), leakage=Leakage(**EXPONENTIAL))
    layers = (
        Layer("active", 100 * um, "silicon_constant", power=blocks),
        Layer("cache", 100 * um, "silicon_constant", power=Power(leakage=Leakage("3 W", **EXPONENTIAL))),
    )
    round_die = Stack("die", layers=layers, diameter=3 * mm)
    model = discretize(Package("round", (round_die,), Cooling(top=Convection(1e3, 300.0))))
    leakage = leakage_of(model)
    assert leakage.reference == pytest.approx(5.0, rel=1e-12)
    assert np.all(model.part.reshape(-1)[leakage.cell] > 0)


# -- power and slope -------------------------------------------------------------------------


def test_slope_is_the_derivative_of_the_power_of_each_cell() -> None:
    model = discretize(package(), "0.6 mm")
    leakage, t, step = leakage_of(model), random_temperature(model), 1e-3
    central = (leakage.power(t + step) - leakage.power(t - step)) / (2.0 * step)
    assert leakage.slope(t) == pytest.approx(central, rel=1e-7)


def test_heat_sources_have_the_power_of_the_cells() -> None:
    model = discretize(package(), "0.6 mm")
    leakage, t = leakage_of(model), random_temperature(model)
    power = np.zeros(model.grid.shape)
    for source in leakage.layer_sources(t):
        assert source.shares.tolist() == [1.0]
        source.add_plane_to(power[source.k0], source.k0)
    assert np.all(np.diff(leakage.cell) > 0)
    assert power.reshape(-1)[leakage.cell] == pytest.approx(leakage.power(t), rel=1e-15)
    assert np.flatnonzero(power).tolist() == leakage.cell.tolist()


def test_parts_and_blocks_at_a_temperature_field() -> None:
    """The reference sums powers source by source."""
    model = discretize(package(), "0.6 mm")
    leakage, t = leakage_of(model), random_temperature(model)
    zones = model.leakage_of_zones(t)
    assert zones is not None
    expected = dict.fromkeys(
        [part.name for part in model.parts] + [block.name for block in model.blocks], 0.0
    )
    for source in leakage.sources:
        power = float((source.plane * source.law.factor(t[source.window])).sum())
        expected[model.parts[source.part].name] += power
        if source.block is not None:
            expected[source.block] += power
    assert zones.tolist() == pytest.approx(list(expected.values()), rel=1e-12)
    assert sum(zones[: len(model.parts)]) == pytest.approx(leakage.power(t).sum(), rel=1e-12)


def test_blocks_of_a_long_floorplan_are_grouped_by_law(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = leakage_of(discretize(package(), "0.6 mm"))
    monkeypatch.setattr(leakage_sources, "MAX_LISTED_BLOCKS", 1)
    model = discretize(package(), "0.6 mm")
    grouped, t = leakage_of(model), random_temperature(model)
    assert {source.block for source in grouped.sources} == {None}
    assert np.array_equal(grouped.cell, listed.cell)
    assert grouped.power(t) == pytest.approx(listed.power(t), rel=1e-12)


def test_packages_without_leakage_have_none() -> None:
    model = discretize(package(Power("1 W"), Power("0 W", leakage=Leakage("0 W", **EXPONENTIAL))))
    assert model.leakage is None
    assert model.leakage_of_zones() is None
    assert not discretize(package(Power("0 W"), None)).is_powered
    assert discretize(package(Power(leakage=Leakage("1 W", **EXPONENTIAL)), None)).is_powered


def test_arrays_of_a_model_are_read_only() -> None:
    for model in (
        discretize(package()),
        pickle.loads(pickle.dumps(discretize(package()))),
        copy.deepcopy(discretize(package())),
    ):
        leakage = leakage_of(model)
        assert not leakage.cell.flags.writeable
        assert not leakage.sources[0].plane.flags.writeable


def test_an_island_with_leakage_is_an_error() -> None:
    """A piece without a path to a cooler is removed only without power and leakage."""

    def island(leakage: Leakage | None) -> Package:
        die = Stack(
            "die",
            (2 * mm, 1 * mm),
            (
                Layer("gap", 100 * um, "void"),
                Layer("bulk", 500 * um, "silicon_constant", power=Power("0 W", leakage=leakage)),
            ),
            on="plate",
            position=(1 * mm, 1 * mm),
        )
        plate = Stack("plate", (4 * mm, 4 * mm), Layer("copper", 1 * mm, "copper"))
        coldest = FaceCooling(Convection(10.0, 300.0), on="lowest")
        return Package("island", (plate, die), Cooling(bottom=coldest))

    (warning,) = discretize(island(None)).warnings
    assert "it is removed" in warning
    (warning,) = discretize(island(Leakage("0 W", **EXPONENTIAL))).warnings
    assert "it is removed" in warning
    with pytest.raises(DescriptionError, match=r"no path through solids leads from die\.bulk"):
        discretize(island(Leakage("1 W", **EXPONENTIAL)))


# -- changes, results ------------------------------------------------------------------------


def change(model: Model, changed: Package) -> tuple[Model, Change]:
    geometry = package_geometry(changed)
    assert has_equal_plan(model, geometry)
    return change_model(model, geometry, rasterize(geometry, model.grid))


@pytest.mark.parametrize(
    "leakage",
    [
        Leakage("7 W", **EXPONENTIAL),
        Leakage("5 W", at="85 degC", doubles_every="25 K"),
        Leakage("5 W", **TABLE),
    ],
)
def test_a_change_of_leakage_is_a_change_of_power(leakage: Leakage) -> None:
    model = discretize(package())
    changed = package(replace(PLAN, leakage=leakage))
    made, kind = change(model, changed)
    fresh, t = discretize(changed), random_temperature(model)
    assert kind == Change.POWER
    assert leakage_of(made).power(t) == pytest.approx(leakage_of(fresh).power(t), rel=1e-14)
    assert not np.allclose(leakage_of(made).power(t), leakage_of(model).power(t))


def test_a_change_of_power_keeps_the_leakage() -> None:
    model = discretize(package())
    made, kind = change(model, package(second=replace(EVEN, total=2.0)))
    assert kind == Change.POWER
    assert made.leakage is model.leakage
    same, kind = change(model, package())
    assert kind == Change.NONE
    assert same.leakage is model.leakage


def test_new_and_removed_leakage() -> None:
    """Leakage beside a power keeps the plan; leakage in a block without power makes it a powered one."""
    model = discretize(package(second=Power("1 W")))
    made, kind = change(model, package())
    assert kind == Change.POWER
    assert leakage_of(made).reference == pytest.approx(leakage_of(discretize(package())).reference)
    made, kind = change(discretize(package(Power("1 W"))), package(Power("1 W"), Power("1 W")))
    assert (made.leakage, kind) == (None, Change.POWER)
    idle = discretize(package(second=Power("0 W")))
    assert not has_equal_plan(idle, package_geometry(package(second=Power("0 W", leakage=EVEN.leakage))))


def test_sessions_set_leakage() -> None:
    session = Session(package())
    before = session.model
    session.set("stacks.die.active.power.leakage.total", "9 W")
    session.set("stacks.die.cache.power.leakage.polynomial", [1.0, "0.01 1/K"])
    fresh, t = discretize(session.package, grid=before.grid), random_temperature(before)
    assert session.model.leakage is not before.leakage
    assert leakage_of(session.model).power(t) == pytest.approx(leakage_of(fresh).power(t), rel=1e-14)
    session.reset()
    assert leakage_of(session.model).power(t) == pytest.approx(leakage_of(before).power(t), rel=1e-14)


def test_result_files_keep_the_leakage(tmp_path: Path) -> None:
    cool = replace(package(), cooling=Cooling(top=Convection(1e5, 300.0)))
    steady = solve_steady(discretize(cool, "1 mm"))
    steady.save(tmp_path / "a.vtkhdf")
    again = read_result(tmp_path / "a.vtkhdf").model
    one, other, t = leakage_of(steady.model), leakage_of(again), random_temperature(again)
    assert again.package == steady.model.package
    assert np.array_equal(one.power(t), other.power(t))
    assert np.array_equal(one.slope(t), other.slope(t))
    assert one.cell.tolist() == other.cell.tolist()
    pairs = zip(one.sources, other.sources, strict=True)
    assert all(
        (a.part, a.k, a.j0, a.i0, a.law, a.block) == (b.part, b.k, b.j0, b.i0, b.law, b.block)
        for a, b in pairs
    )


@pytest.mark.parametrize("fault", ["window", "power", "law"])
def test_damaged_leakage_in_a_result_file(tmp_path: Path, fault: str) -> None:
    """The data are changed consistently with their checksums."""
    path = tmp_path / "a.vtkhdf"
    cool = replace(package(), cooling=Cooling(top=Convection(1e5, 300.0)))
    solve_steady(discretize(cool, "1 mm")).save(path)
    with h5py.File(path, "r+") as file:
        data = json.loads(file["thermostack/model"][:].tobytes())
        if fault == "window":
            data["leakage"]["sources"][0][1] = 10_000
        elif fault == "power":
            data["leakage"]["sources"].pop()
        else:
            data["leakage"]["laws"][0]["kind"] = "linear"
        del file["thermostack/model"]
        write_json(file["thermostack"], "model", data)
    with pytest.raises(ResultFileError, match=r"leakage|its model is not valid"):
        read_result(path)


def test_grid_given_by_the_user_has_the_same_leakage() -> None:
    grid = discretize(package()).grid
    finer = Grid(*(np.sort(np.concatenate([p, 0.5 * (p[1:] + p[:-1])])) for p in (grid.x, grid.y, grid.z)))
    assert leakage_of(discretize(package(), grid=finer)).reference == pytest.approx(
        leakage_of(discretize(package(), grid=grid)).reference, rel=1e-12
    )


def test_power_table_lists_power_and_leakage() -> None:
    model = discretize(package())
    table = power_table(model)
    columns = [list(column.cells) for column in table.columns]
    assert columns[0] == ["die.active", "  die.active.left", "  die.active.right", "die.cache", "all"]
    assert columns[1] == ["3.000", "1.000", "2.000", "1.000", "4.000"]
    right = 5.0 - 2.0 * 3.0 ** (25.0 / 65.0)
    assert columns[2] == [f"{power:.3f}" for power in (2.0 + right, 2.0, right, 3.0, 5.0 + right)]
