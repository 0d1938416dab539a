"""Loads: what traces, functions, overrides and shares make of the heat and the cooling of a model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermostack import (
    Block,
    Convection,
    Cooling,
    DescriptionError,
    FixedFlux,
    FixedTemperature,
    Layer,
    Material,
    Model,
    Package,
    Power,
    Stack,
    Trace,
    discretize,
    read_trace,
)
from thermostack.finite_volume.part_temperatures import PartsAndBlocks
from thermostack.package.cooling import FACES, FaceCooling, FaceRectangle
from thermostack.transient.loads import Loads
from thermostack.transient.waveform import TimeFunction
from thermostack.units import mm, ms

SILICON = Material("si", 148.0)
BLOCKS = (
    Block("core_0", (0.0, 0.0), (1 * mm, 2 * mm), 2.0),
    Block("core_1", (1 * mm, 0.0), (1 * mm, 2 * mm), 3.0),
    Block("cache", (2 * mm, 0.0), (2 * mm, 1 * mm), 5.0),
)
HTC, AIR = Convection(1000.0, 300.0), Convection(10.0, 310.0)


def model_of(power: Power | None = None, **cooling: Any) -> Model:
    """Return a chip of a floorplan and a memory of 4 W and 0 W on a board."""
    board = Stack("board", (10 * mm, 8 * mm), (Layer("core", 1 * mm, SILICON),))
    layers = (
        Layer("active", 0.1 * mm, SILICON, power=power or Power(blocks=BLOCKS)),
        Layer("bulk", 0.5 * mm, SILICON),
    )
    chip = Stack("chip", (4 * mm, 3 * mm), layers, on="board", position=(1 * mm, 2 * mm))
    memory = tuple(
        Layer(name, 0.1 * mm, SILICON, power=Power(heat)) for name, heat in (("base", 4.0), ("core", 0.0))
    )
    hbm = Stack("hbm", (2 * mm, 3 * mm), memory, on="board", position=(6 * mm, 2 * mm))
    faces = Cooling(**(cooling or {"top": HTC, "surroundings": AIR}))
    return discretize(Package("case", (board, chip, hbm), faces), cell=1 * mm)


MODEL = model_of()
DRAWN = 14.0


def field_of(loads: Loads, t: float, **how: bool) -> np.ndarray:
    """Return the heat of every cell [W]."""
    heat = np.zeros(loads.model.grid.cells)
    heat[loads.cell] = loads.cell_powers(t, **how)
    return heat.reshape(loads.model.grid.shape)


def power_by_name(loads: Loads, t: float, **how: bool) -> dict[str, float]:
    """Return the heat [W] of every heated part and block."""
    names = [member.name for member in (*loads.model.parts, *loads.model.blocks)]
    power = loads.power(t, **how)
    assert power.size == PartsAndBlocks(loads.model).count
    return {name: round(watts, 12) for name, watts in zip(names, power.tolist(), strict=True) if watts}


def refused(*args: Any, model: Model = MODEL, **kwargs: Any) -> list[str]:
    with pytest.raises(DescriptionError) as caught:
        Loads(model, *args, **kwargs)
    return str(caught.value).splitlines()


def steps(columns: dict[str, Any], **more: Any) -> Trace:
    (length,) = {len(values) for values in columns.values()}
    return Trace.of(np.arange(float(length)), columns, **{"after": "hold", **more})


# -- heat ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trace", [None, [], steps({"cooling.top": [320.0]})], ids=["none", "no traces", "cooling"]
)
def test_what_nothing_names_is_as_drawn(trace: Any) -> None:
    loads = Loads(MODEL, trace)
    np.testing.assert_allclose(field_of(loads, 0.0), MODEL.power, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(field_of(loads, 7.0), MODEL.power, rtol=1e-12, atol=1e-15)
    assert loads.next_event(0.0) == math.inf


def test_a_trace_of_what_is_drawn_changes_nothing() -> None:
    trace = steps({"chip": [10.0], "hbm.base": [4.0]})
    np.testing.assert_allclose(field_of(Loads(MODEL, trace), 0.0), MODEL.power, rtol=1e-12, atol=1e-15)
    share = Trace.constant({"chip": 1.0}, units={"chip": "1"})
    np.testing.assert_allclose(field_of(Loads(MODEL, share), 0.0), MODEL.power, rtol=1e-12, atol=1e-15)


def test_powers_of_parts_and_blocks() -> None:
    trace = steps({"chip": [10.0, 20.0], "hbm.core": [1.0, 0.0]})
    loads = Loads(MODEL, trace)
    assert power_by_name(loads, 1.0) == {
        "chip.active": 20.0,
        "hbm.base": 4.0,
        "chip.active.core_0": 4.0,
        "chip.active.core_1": 6.0,
        "chip.active.cache": 10.0,
    }
    assert power_by_name(loads, 1.0, before=True)["hbm.core"] == 1.0
    assert loads.next_event(0.0) == 1.0


def test_a_column_for_each_block() -> None:
    trace = steps(
        {"core_0": [1.0], "chip.active.core_1": [0.0], "cache": [0.5], "hbm": [8.0]}, units={"cache": "1"}
    )
    assert power_by_name(Loads(MODEL, trace), 0.0) == {
        "chip.active": 3.5,
        "hbm.base": 8.0,
        "chip.active.core_0": 1.0,
        "chip.active.cache": 2.5,
    }


def test_what_is_drawn_as_nothing_shares_by_area() -> None:
    idle = model_of(Power(blocks=[Block(block.name, block.position, block.size) for block in BLOCKS]))
    loads = Loads(idle, steps({"chip": [12.0]}))
    np.testing.assert_allclose(loads.source_powers(0.0), [4.0, 4.0, 4.0, 4.0, 0.0], rtol=1e-12)
    assert field_of(loads, 0.0).sum() == pytest.approx(16.0, rel=1e-12)


NAMES = ("core_0", "core_1", "cache", "hbm.base", "hbm.core")
watts = st.lists(st.floats(0.0, 100.0), min_size=5, max_size=5)


@given(watts)
def test_no_watt_is_lost(given_watts: list[float]) -> None:
    loads = Loads(MODEL, Trace.constant(dict(zip(NAMES, given_watts, strict=True))))
    assert loads.cell_powers(0.0).sum() == pytest.approx(sum(given_watts), rel=1e-12)
    power = loads.power(0.0)
    assert power[: len(MODEL.parts)].sum() == pytest.approx(sum(given_watts), rel=1e-12)
    np.testing.assert_allclose(power[len(MODEL.parts) :], given_watts[:3], rtol=1e-12)


@given(watts, watts, st.floats(0.0, 3.0))
def test_heats_superpose(one: list[float], other: list[float], factor: float) -> None:
    both = [a + factor * b for a, b in zip(one, other, strict=True)]
    fields = [
        Loads(MODEL, Trace.constant(dict(zip(NAMES, each, strict=True)))).cell_powers(0.0)
        for each in (one, other, both)
    ]
    np.testing.assert_allclose(fields[2], fields[0] + factor * fields[1], rtol=1e-11, atol=1e-12)


@given(watts, watts, st.floats(0.0, 1.0))
def test_a_line_between_two_loads_is_their_mixture(first: list[float], last: list[float], t: float) -> None:
    columns = {name: pair for name, *pair in zip(NAMES, first, last, strict=True)}
    loads = Loads(MODEL, Trace.of([0.0, 1.0], columns, kind="linear"))
    expected = (1.0 - t) * loads.cell_powers(0.0) + t * loads.cell_powers(1.0)
    np.testing.assert_allclose(loads.cell_powers(t), expected, rtol=1e-11, atol=1e-12)


def test_energy_of_the_cells_is_that_of_the_trace() -> None:
    trace = Trace.duty_cycle("chip", 50.0, 3 * ms, 0.4, low=5.0)
    loads, t, energy = Loads(MODEL, trace), 0.0, 0.0
    while t < 29 * ms:
        until = loads.next_event(t)
        energy += (until - t) * loads.cell_powers(t).sum()
        np.testing.assert_array_equal(loads.cell_powers(t), loads.cell_powers(until, before=True))
        t = until
    assert energy == pytest.approx(trace.integral(0.0, t).item() + 4.0 * t, rel=1e-12)


# -- several courses -------------------------------------------------------------------------


def test_traces_of_different_periods_go_side_by_side() -> None:
    loads = Loads(MODEL, [Trace.duty_cycle("chip", 20.0, 3.0, 1 / 3), Trace.duty_cycle("hbm", 8.0, 2.0, 0.5)])
    edges = [0.0]
    while edges[-1] < 6.0:
        edges.append(loads.next_event(edges[-1]))
    assert edges == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    totals = [round(loads.cell_powers(t).sum(), 12) for t in edges[:-1]]
    assert totals == [28.0, 0.0, 8.0, 20.0, 8.0, 0.0]


def test_a_function_of_time() -> None:
    loads = Loads(MODEL, function=lambda t: {"chip": 10.0 + t}, breaks=[2.0])
    assert loads.cell_powers(0.5).sum() == pytest.approx(14.5)
    assert [loads.next_event(t) for t in (0.0, 2.0)] == [2.0, math.inf]
    both = Loads(MODEL, steps({"hbm": [1.0, 2.0]}), lambda t: {"chip": t, "cooling.top": 300.0 + t})
    assert both.cell_powers(1.5).sum() == pytest.approx(3.5)
    assert both.ambient_temperature(1.5).max() == 310.0
    assert not both.is_ambient_constant


def test_a_function_may_not_cool_where_the_package_does_not() -> None:
    loads = Loads(MODEL, function=lambda t: {"core_0": 1.0 - t})
    with pytest.raises(DescriptionError) as caught:
        loads.cell_powers(2.0)
    assert str(caught.value) == (
        "chip.active.core_0: -1 W at 2 s is negative (set allow_negative: true in its power if it "
        "is a cooler) [E-POWER]"
    )


def test_a_trace_must_last() -> None:
    loads = Loads(MODEL, [steps({"chip": [1.0, 2.0]}, after="refuse"), steps({"hbm": [1.0, 2.0]})])
    loads.must_cover(1.0)
    with pytest.raises(DescriptionError, match="ends at 1 s, before 2 s"):
        loads.must_cover(2.0)
    with pytest.raises(DescriptionError, match=r"ends at 1 s, before 1\.5 s"):
        loads.cell_powers(1.5)
    with pytest.raises(DescriptionError) as caught:
        loads.must_cover(0.0, since=-1.0)
    assert len(caught.value.diagnostics) == 2


# -- cooling ---------------------------------------------------------------------------------


def test_outside_of_a_face() -> None:
    loads = Loads(MODEL, steps({"cooling.top": [320.0, 330.0]}))
    is_top = MODEL.boundary.face == FACES.index("top")
    for t, value in ((0.0, 320.0), (1.0, 330.0)):
        outside = loads.ambient_temperature(t)
        assert set(outside[is_top].tolist()) == {value}
        np.testing.assert_array_equal(outside[~is_top], MODEL.boundary.temperature[~is_top])
    assert set(loads.ambient_temperature(1.0, before=True)[is_top].tolist()) == {320.0}
    assert not loads.is_ambient_constant
    assert loads.is_htc_constant
    assert loads.htc_fraction(0.0) is None


def test_nothing_outside_changes_where_no_column_says_so() -> None:
    loads = Loads(MODEL, steps({"chip": [1.0]}))
    assert loads.is_ambient_constant
    np.testing.assert_array_equal(loads.ambient_temperature(0.0), MODEL.boundary.temperature)
    loads.ambient_temperature(0.0)[:] = 0.0
    assert MODEL.boundary.temperature.min() >= 300.0


def test_share_of_a_htc() -> None:
    loads = Loads(MODEL, steps({"cooling.top.h": [1.0, 0.25], "cooling.surroundings.h": [0.5, 0.5]}))
    share = loads.htc_fraction(1.0)
    assert share is not None
    np.testing.assert_array_equal(share, np.where(MODEL.boundary.face == FACES.index("top"), 0.25, 0.5))
    assert loads.is_ambient_constant
    assert not loads.is_htc_constant
    assert loads.next_event(0.0) == 1.0


def test_a_heat_given_to_a_face_has_nothing_outside() -> None:
    half = FaceRectangle((0.0, 0.0), (3 * mm, 8 * mm))
    model = model_of(top=(HTC, FaceCooling(FixedFlux(flux=10.0), half, on="highest")), surroundings=AIR)
    loads = Loads(model, steps({"cooling.top": [350.0], "cooling.top.h": [0.5]}))
    has_htc = (model.boundary.face == FACES.index("top")) & (model.boundary.h > 0.0)
    is_flux = model.boundary.flux != 0.0
    assert is_flux.any()
    assert set(loads.ambient_temperature(0.0)[has_htc].tolist()) == {350.0}
    np.testing.assert_array_equal(
        loads.ambient_temperature(0.0)[is_flux], model.boundary.temperature[is_flux]
    )


def test_a_face_without_its_own_cooling() -> None:
    assert refused(steps({"cooling.west": [300.0]})) == [
        (
            "cooling.west: the package has no boundary condition with an ambient temperature at west "
            "(there is cooling.surroundings and cooling.top) [E-COOLING]"
        )
    ]


def test_a_fixed_temperature_has_no_htc() -> None:
    model = model_of(top=FaceCooling(FixedTemperature(300.0), on="all"), surroundings=AIR)
    assert refused(steps({"cooling.top.h": [0.5]}), model=model) == [
        (
            "cooling.top.h: top has a fixed temperature and no heat-transfer coefficient "
            "(set cooling.top [degC]) [E-COOLING]"
        )
    ]
    assert Loads(model, steps({"cooling.top": [350.0]})).ambient_temperature(0.0).max() == 350.0


# -- refused ---------------------------------------------------------------------------------


def test_all_diagnostics_are_told_at_once() -> None:
    trace = steps({"chpi": [1.0], "chip": [1.0], "cache": [1.0], "board": [1.0], "hbm.core": [0.5]},
                  units={"hbm.core": "1"})  # fmt: skip
    assert refused(trace) == [
        "chpi: 'chpi' has no heat source (did you mean chip?) [E-NAME]",
        (
            "cache: cache and chip both set the power of chip.active.cache (remove one of the "
            "columns) [E-DUPLICATE]"
        ),
        ("board: 'board' has no heat source (give the layer a power, which may be 0 W) [E-NAME]"),
        "hbm.core: hbm.core has no power in the package to take a fraction of (write hbm.core [W]) [E-POWER]",
    ]


def test_two_traces_of_one_heat_source() -> None:
    assert refused([steps({"chip": [1.0]}), steps({"core_0": [1.0]})]) == [
        (
            "core_0: core_0 and chip both set the power of chip.active.core_0 (remove one of the "
            "columns) [E-DUPLICATE]"
        )
    ]
    assert refused([steps({"cooling.top": [300.0]}), steps({"cooling.top": [300.0]})]) == [
        "cooling.top: cooling.top is in two traces (remove one of the columns) [E-DUPLICATE]"
    ]


def test_negative_powers() -> None:
    assert refused(steps({"chip": [1.0, -2.0, -3.0]})) == [
        (
            "chip: -2 W is negative, and 1 more of its values are (set allow_negative: true in its "
            "power if it is a cooler) [E-POWER]"
        )
    ]
    cold = model_of(Power(blocks=BLOCKS, allow_negative=True))
    assert Loads(cold, steps({"chip": [-2.0]})).cell_powers(0.0).sum() == pytest.approx(2.0)


def test_diagnostics_of_a_file_have_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "0,1,2,3,20\n\n1,1,2,-3,20\n2,1,2,3,20\n"
    text = f"# load\ntime [ms],chpi [W],cache [W],hbm [W],cooling.west [degC]\n{rows}"
    Path("trace.csv").write_text(text)
    assert refused(read_trace("trace.csv")) == [
        "trace.csv:2:11: chpi: 'chpi' has no heat source (did you mean chip?) [E-NAME]",
        (
            "trace.csv:5: hbm: -3 W is negative (set allow_negative: true in its power if it "
            "is a cooler) [E-POWER]"
        ),
        (
            "trace.csv:2:38: cooling.west: the package has no boundary condition with an ambient temperature "
            "at west (there is cooling.surroundings and cooling.top) [E-COOLING]"
        ),
    ]


def test_missing_blocks_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("trace.csv").write_text("time [ms],hbm [W],core_1 [W]\n0,1,2\n1,1,2\n")
    assert refused(read_trace("trace.csv")) == [
        (
            "trace.csv:1:19: core_1: 2 of the 3 blocks of chip.active have no column: core_0 and cache "
            "(add columns, or set rest: drawn or rest: off) [E-MISSING]"
        )
    ]
    drawn = Loads(MODEL, read_trace("trace.csv", rest="drawn"))
    assert drawn.cell_powers(0.0).sum() == pytest.approx(1.0 + 2.0 + 7.0)
    off = Loads(MODEL, read_trace("trace.csv", rest="off"))
    assert off.cell_powers(0.0).sum() == pytest.approx(1.0 + 2.0)


def test_blocks_of_two_files_complete_one_another() -> None:
    one = steps({"core_0": [1.0], "core_1": [1.0]}, rest="refuse")
    assert len(refused(one)) == 1
    assert Loads(MODEL, [one, steps({"cache": [1.0]})]).cell_powers(0.0).sum() == pytest.approx(7.0)
    assert Loads(MODEL, steps({"hbm": [1.0]}, rest="refuse")).cell_powers(0.0).sum() == pytest.approx(11.0)


def test_an_idle_block_is_not_missed_among_powered_ones() -> None:
    model = model_of(Power(blocks=(*BLOCKS[:2], Block("idle", (2 * mm, 0.0), (1 * mm, 1 * mm), 0.0))))
    Loads(model, steps({"core_0": [1.0], "core_1": [1.0]}, rest="refuse"))
    idle = model_of(Power(blocks=[Block(block.name, block.position, block.size) for block in BLOCKS]))
    assert (
        "have no column: cache"
        in refused(steps({"core_0": [1.0], "core_1": [1.0]}, rest="refuse"), model=idle)[0]
    )


def test_a_block_of_zero_watts_needs_no_column() -> None:
    cores = [Block(block.name, block.position, block.size) for block in BLOCKS[:2]]
    model = model_of(Power(blocks=(*cores, Block("thermistor", (2 * mm, 0.0), (1 * mm, 1 * mm), 0.0))))
    loads = Loads(model, steps({"core_0": [1.0], "core_1": [1.0]}, rest="refuse"))
    assert loads.source_powers(0.0)[: len(BLOCKS)].tolist() == [1.0, 1.0, 0.0]


def test_many_unknown_names_are_refused_quickly() -> None:
    lines = refused(Trace.constant({f"gpc_{n}": 1.0 for n in range(3000)}))
    assert len(lines) == 51
    assert lines[-1] == "... and 2950 more"


# -- by others -------------------------------------------------------------------------------


def test_override() -> None:
    loads = Loads(MODEL, steps({"chip": [10.0, 20.0]}))
    loads.override({"core_0": 1.0, "hbm": 6.0})
    assert loads.cell_powers(1.0).sum() == pytest.approx(1.0 + 6.0 + 10.0 + 6.0)
    loads.override({"core_0": 3.0})
    assert loads.cell_powers(1.0).sum() == pytest.approx(3.0 + 6.0 + 10.0 + 6.0)
    loads.override({"chip": None, "hbm": None})
    assert loads.cell_powers(1.0).sum() == pytest.approx(24.0)


def test_scale() -> None:
    loads = Loads(MODEL, steps({"chip": [10.0, 20.0]}))
    loads.scale({"chip": 0.5, "cache": 0.5, "hbm": 0.25})
    assert loads.cell_powers(1.0).sum() == pytest.approx(2.0 + 3.0 + 2.5 + 1.0)
    loads.scale({"hbm": 0.0})
    assert loads.cell_powers(0.0).sum() == pytest.approx(10.0)
    loads.override({"hbm": 8.0})
    assert loads.cell_powers(0.0).sum() == pytest.approx(10.0)
    loads.scale({})
    assert loads.cell_powers(0.0).sum() == pytest.approx(18.0)


def test_state_goes_on_to_the_last_bit() -> None:
    loads = Loads(MODEL, steps({"chip": [10.0, 20.0]}))
    loads.override({"core_0": 0.1})
    loads.scale({"chip": 1 / 3})
    again = Loads(MODEL, steps({"chip": [10.0, 20.0]}))
    again.restore(loads.state())
    np.testing.assert_array_equal(again.cell_powers(0.5), loads.cell_powers(0.5))
    again.override({"core_0": 5.0})
    assert loads.cell_powers(0.5).sum() != again.cell_powers(0.5).sum()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda loads: loads.override({"gpu": 1.0}), "gpu: 'gpu' has no heat source"),
        (lambda loads: loads.override({"hbm": math.nan}), r"hbm: nan is not a finite power \[E-RANGE\]"),
        (lambda loads: loads.override({"hbm": -1.0}), r"hbm.base: -1 W is negative \(set allow_negative"),
        (lambda loads: loads.scale({"hbm": -1.0}), r"hbm: -1.0 is not a factor of power \(a number of zero"),
        (lambda loads: loads.scale({"hbm": math.inf}), "hbm: inf is not a factor"),
        (lambda loads: loads.scale({"cor_0": 1.0}), r"'cor_0' has no heat source \(did you mean core_0"),
        (
            lambda loads: loads.restore({"override": np.zeros(3), "scale": np.ones(3)}),
            "the state has 3 heat sources, the model has 5",
        ),
    ],
)
def test_diagnostic_of_others_leaves_all_as_it_was(act: Any, message: str) -> None:
    loads = Loads(MODEL)
    loads.override({"hbm": 7.0})
    before = loads.cell_powers(0.0)
    with pytest.raises(DescriptionError, match=message):
        act(loads)
    np.testing.assert_array_equal(loads.cell_powers(0.0), before)


def test_a_course_of_ones_own_is_taken() -> None:
    loads = Loads(MODEL, [TimeFunction(lambda t: {"chip": 1.0}), TimeFunction(lambda t: {"hbm": 2.0})])
    assert loads.cell_powers(0.0).sum() == pytest.approx(3.0, rel=1e-12)
