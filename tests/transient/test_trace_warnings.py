"""Warnings about the heat-transfer coefficients that traces set: their extremes over all rows."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from thermostack import (
    Convection,
    Cooling,
    FaceCooling,
    FaceRectangle,
    HeatSink,
    HtcMap,
    Layer,
    Loads,
    Package,
    Simulation,
    Stack,
    Trace,
    discretize,
    solve_transient,
)
from thermostack.cli.main import main
from thermostack.mesh.model import Model
from thermostack.units import mm

HTC = 100.0  # W/(m2 K)
CHIP = """\
package: chip
stacks:
  die: {size: [4 mm, 4 mm], layers: [{name: si, thickness: 1 mm, material: silicon, power: 1 W}]}
cooling:
  top: {convection: {h: 100 W/m2/K, ambient: 25 degC}}
"""


def model_with(top: object) -> Model:
    """Return a die that a condition at its top cools, and its bottom by convection of 100 W/(m2 K)."""
    stack = Stack("die", (4 * mm, 4 * mm), (Layer("si", 1 * mm, "silicon", power="1 W"),))
    cooling = Cooling(top=top, bottom=Convection(HTC, 300.0))  # type: ignore[arg-type]
    return discretize(Package("chip", (stack,), cooling), cell=2 * mm)


def warnings_of(model: Model, values: list[float]) -> list[str]:
    """Return the warnings (W-COOLING) of loads whose coefficient at the top has these fractions."""
    times = np.arange(float(len(values)))
    trace = Trace.of(times, {"cooling.top.h": values}, units={"cooling.top.h": "1"}, after="hold")
    return [text for text in Loads(model, trace).warnings if text.endswith("[W-COOLING]")]


@pytest.mark.parametrize(
    ("described", "values", "reached"),
    [
        (HTC, [1.0, 0.01, 1e4], None),  # 1 and 1e6 W/(m2 K) are the bounds
        (HTC, [1.0, 0.0], None),  # no cooling
        (HTC, [1.0, 0.5, 0.009, 1.0], r"0\.9 % of 100 W/m2/K is .* of 0\.9 W/m2/K, outside 1 W/m2/K to"),
        (
            HTC,
            [1.0, 2e4],
            r"of 100 W/m2/K is .* of 2000 kW/m2/K, outside .* \(check the unit",
        ),
        (HTC, [0.0, 1e-3, 0.0, 1e5], "of 0.1 W/m2/K|of 10000 kW/m2/K"),  # as far outside: either of both
        (2e6, [1.0, 0.5, 0.5], None),  # the description has a warning of its own
        (2e6, [1.0, 3.0], "of 6000 kW/m2/K"),
        (0.5, [0.2], "of 0.1 W/m2/K"),
    ],
)
def test_extremes_over_all_rows_are_checked(
    described: float, values: list[float], reached: str | None
) -> None:
    found = warnings_of(model_with(Convection(described, 300.0)), values)
    assert len(found) == (reached is not None)
    if reached is not None:
        assert re.search(rf"^cooling\.top\.h: .*({reached})", found[0])


@pytest.mark.parametrize(
    "top",
    [
        HeatSink(resistance=1.0 / (HTC * 16e-6), ambient=300.0),
        Convection(HtcMap(np.array([[HTC, 5.0 * HTC]])), 300.0),
        [
            FaceCooling(Convection(5.0 * HTC, 300.0)),
            FaceCooling(Convection(HTC, 300.0), FaceRectangle((0.0, 0.0), (2 * mm, 4 * mm))),
        ],
    ],
    ids=["resistance", "map", "regions"],
)
def test_smallest_and_largest_coefficient_of_a_face_are_checked(top: object) -> None:
    model = model_with(top)
    assert not warnings_of(model, [1.0, 0.011])
    (found,) = warnings_of(model, [1.0, 0.009])
    assert "of 0.9 W/m2/K" in found
    assert not warnings_of(model, [0.9e4 / 5.0])
    assert warnings_of(model, [1.1e4])


def test_runs_and_simulations_report_it() -> None:
    model = model_with(Convection(HTC, 300.0))
    trace = Trace.of([0.0, 1e-3], {"cooling.top.h": [1.0, 1e-3]}, units={"cooling.top.h": "1"}, after="hold")
    run = solve_transient(model, 1e-4, trace, initial=300.0, tolerance=5.0, threads=1)
    simulation = Simulation(model, trace, initial=300.0)
    for found in (run.warnings, simulation.warnings):
        (text,) = (each for each in found if each.endswith("[W-COOLING]"))
        assert "0.1 % of 100 W/m2/K is a heat-transfer coefficient of 0.1 W/m2/K" in text


def test_row_of_the_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "chip.yaml").write_text(CHIP)
    (tmp_path / "load.csv").write_text("#! after: hold\ntime [s], cooling.top.h [%]\n0, 100\n1, 0.5\n2, 50\n")
    arguments = ["transient", str(tmp_path / "chip.yaml"), "--trace", str(tmp_path / "load.csv")]
    options = ["--cell", "2 mm", "--duration", "1 ms", "--no-save", "--initial", "outside"]
    assert main([*arguments, *options]) == 0
    assert "load.csv:4: cooling.top.h: 0.5 % of 100 W/m2/K" in capsys.readouterr().err
