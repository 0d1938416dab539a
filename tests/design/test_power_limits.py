"""The power that is allowed for a limited time: exact curves, monotony, the steady limit, files, errors."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import thermostack as ts
from thermostack.errors import ArgumentError, OutputError, UnknownNameError

THETA, TAU = 0.4, 2.0  # K/W and s of one node
AMBIENT = 300.0


def one_node(resistance: list[float] | None = None, tau: list[float] | None = None) -> ts.ThermalImpedance:
    """Return the impedance of a network, by default of one node."""
    network = ts.Foster(resistance or [THETA], tau or [TAU])
    time = np.geomspace(1e-2, 1e3, 101)
    return ts.ThermalImpedance(
        "node", "die", time, {"die": network}, 0.0, (0.0,), "constant", (0.0, 0.0, 0.0), 5.0, 0.0
    )


def test_the_power_brings_one_node_to_its_limit_at_the_end() -> None:
    limit, before = 360.0, 50.0
    curve = ts.power_limit_curve(one_node(), limit, before, [0.1, 1.0, 10.0], ambient=AMBIENT)
    # The node obeys tau dT/dt = T_ambient + theta P - T from its steady temperature at the base power.
    start = AMBIENT + THETA * before
    decay = np.exp(-curve.duration / TAU)
    reached = (AMBIENT + THETA * curve.power) * (1.0 - decay) + start * decay
    assert curve.base_temperature == pytest.approx(start)
    assert reached == pytest.approx(np.full(3, limit), rel=1e-12)
    assert curve.energy == pytest.approx((curve.power - before) * curve.duration)


def test_the_power_falls_with_the_duration_to_the_steady_limit() -> None:
    zth = one_node([0.1, 0.3, 0.2], [1e-2, 0.5, 20.0])
    curve = ts.power_limit_curve(zth, "90 degC", "20 W", ambient="25 degC")
    assert (np.diff(curve.power) <= 0.0).all()
    assert curve.power[0] > 2.0 * curve.power[-1]
    assert curve.power[-1] == pytest.approx(curve.steady_power, rel=1e-9)
    assert curve.steady_power == pytest.approx(65.0 / 0.6)


def test_a_higher_base_power_leaves_less_for_every_duration() -> None:
    zth = one_node()
    low, high = (ts.power_limit_curve(zth, 360.0, base, ambient=AMBIENT) for base in (0.0, 100.0))
    assert (high.power[:-30] < low.power[:-30]).all()
    assert high.steady_power == low.steady_power


def test_the_curve_of_a_package_holds_for_its_hottest_cell() -> None:
    model = ts.discretize(ts.read_package("hbm3_8h"), cell=4e-3)
    source, ambient = "hbm3_8h", 298.15
    zth = ts.thermal_impedance(model, source, temperature=330.0)
    curve = ts.power_limit_curve(zth, 340.0, 5.0, ["10 ms", "1 s"], ambient=ambient)
    assert curve.output == "hbm3_8h peak"
    rise = zth.rise(curve.duration, curve.output) * (curve.power - 5.0)
    assert ambient + 5.0 * zth.networks[curve.output].total + rise == pytest.approx(340.0)
    assert np.isfinite(curve.error).all()
    assert (curve.error > 0.0).all()


def test_table_csv_and_figure_have_every_duration(tmp_path: Path) -> None:
    curve = ts.power_limit_curve(one_node(), 360.0, 50.0, ["100 ms", "1 s"], ambient=AMBIENT)
    assert "PowerLimitCurve of 'die' in 'node'" in repr(curve)
    assert repr(curve).count("\n") == 4
    assert len(curve.table().splitlines()) == 5
    assert "steady" in curve.table()
    assert "<table" in curve._repr_html_()
    curve.to_csv(tmp_path / "curve.csv")
    rows = list(csv.reader((tmp_path / "curve.csv").open()))
    assert rows[0][:2] == ["duration [s]", "power [W]"]
    assert [float(row[1]) for row in rows[1:]] == curve.power.tolist()
    curve.to_csv(tmp_path / "curve.csv")  # replaces its own file
    (tmp_path / "other.csv").write_text("something else\n")
    with pytest.raises(OutputError):
        curve.to_csv(tmp_path / "other.csv")
    axes = curve.plot(tmp_path / "curve.png").axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert (tmp_path / "curve.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        ((310.0, 50.0), "not below the limit", "E-LIMIT"),
        ((290.0, 0.0), "a limit above the ambient", "E-LIMIT"),
        ((360.0, -1.0), "base_power", "E-RANGE"),
        ((360.0, 0.0, [1e-3]), "outside the times of the impedance", "E-RANGE"),
        ((360.0, 0.0, ["1 h"]), "outside the times of the impedance", "E-RANGE"),
        ((360.0, 0.0, []), "no duration", "E-MISSING"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[object, ...], message: str, code: str) -> None:
    with pytest.raises(ArgumentError, match=message) as error:
        ts.power_limit_curve(one_node(), *arguments, ambient=AMBIENT)  # type: ignore[arg-type]
    assert error.value.diagnostics[0].code == code


def test_an_output_must_be_known_and_must_have_warmed() -> None:
    with pytest.raises(UnknownNameError):
        ts.power_limit_curve(one_node(), 360.0, ambient=AMBIENT, output="lid")
    zth = one_node()
    zth.networks["board"] = ts.Foster([-1.0, 2.0], [1.0, 50.0])
    with pytest.raises(ArgumentError, match="is not positive"):
        ts.power_limit_curve(zth, 360.0, durations=[0.1], ambient=AMBIENT, output="board")
    with pytest.raises(ArgumentError, match="ThermalImpedance"):
        ts.power_limit_curve(0.3, 360.0, ambient=AMBIENT)  # type: ignore[arg-type]
