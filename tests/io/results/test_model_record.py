"""The model of a package in a result file: every kind of cooling is stored and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thermostack import (
    Adiabatic,
    Base,
    ColdPlate,
    Convection,
    Cooling,
    FaceCooling,
    FaceRectangle,
    FixedFlux,
    FixedTemperature,
    ForcedConvection,
    FreeConvection,
    HeatSink,
    HtcMap,
    Layer,
    Package,
    PoolBoiling,
    Radiation,
    Stack,
    TabulatedConvection,
    discretize,
    read_result,
    read_transient,
    solve_steady,
    solve_transient,
)
from thermostack.units import mm

WINDOW = FaceRectangle((0.0, 0.0), (1 * mm, 1 * mm))
AIR = Convection(10.0, 300.0)
COOLINGS: dict[str, dict[str, Any]] = {
    "isolated": {"isolated": True},
    "isolated-flux": {"isolated": True, "top": FixedFlux(heat=1.0)},
    "isolated-map": {"isolated": True, "top": Convection(HtcMap([[0.0, 0.0]]), 300.0)},
    "adiabatic": {"surroundings": AIR, "top": Adiabatic()},
    "map": {"top": Convection(HtcMap([[10.0, 20.0]]), 300.0), "bottom": AIR},
    "fixed": {"bottom": FixedTemperature(300.0), "top": FixedFlux(flux=1e4)},
    "sink": {"top": HeatSink(300.0, resistance=2.0, base=Base("copper", 1 * mm))},
    "plate": {"top": ColdPlate(300.0, h=HtcMap([[1e3], [2e3]])), "west": AIR},
    "regions": {"top": [AIR, FaceCooling(Convection(1e3, 310.0), WINDOW)], "surroundings": AIR},
}


@pytest.mark.parametrize("name", COOLINGS)
def test_package_of_any_cooling_is_stored(tmp_path: Path, name: str) -> None:
    layer = Layer("body", 1 * mm, "silicon_constant", power=1.0)
    package = Package("case", (Stack("die", (2 * mm, 2 * mm), (layer,)),), Cooling(**COOLINGS[name]))
    model = discretize(package, "1 mm")
    path = tmp_path / "run.vtkhdf"
    run = solve_transient(model, 0.1, initial=300.0, tolerance=1.0, path=path)
    again = read_transient(path)
    assert again.model.package == package
    assert again.field.tobytes() == run.field.tobytes()


NONLINEAR: dict[str, dict[str, Any]] = {
    "radiation": {"surroundings": Radiation(0.9, 300.0)},
    "free": {"surroundings": FreeConvection(300.0, emissivity=0.5, radiates_to=310.0)},
    "forced": {"top": ForcedConvection(300.0, 2.0, 0.1, "water"), "bottom": AIR},
    "table": {"top": TabulatedConvection(300.0, ((300.0, 5.0), (400.0, 9.0)))},
    "boiling": {"top": PoolBoiling("water", 370.0, 0.0128, 1.0)},
    "flux table": {"top": PoolBoiling("FC-72", 310.0, flux_table=((330.0, 1e3), (345.0, 8e4)))},
    "radiating sink": {"top": HeatSink(300.0, resistance=2.0, base=Base("copper", 1 * mm), emissivity=0.9)},
}


@pytest.mark.parametrize("name", NONLINEAR)
def test_nonlinear_laws_are_read_with_the_package(tmp_path: Path, name: str) -> None:
    layer = Layer("body", 1 * mm, "silicon_constant", power=0.01)
    package = Package("case", (Stack("die", (2 * mm, 2 * mm), (layer,)),), Cooling(**NONLINEAR[name]))
    model = discretize(package, "1 mm")
    path = tmp_path / "steady.vtkhdf"
    solve_steady(model).save(path)
    again = read_result(path).model
    assert again.package == package
    assert model.nonlinear_faces is not None
    assert again.nonlinear_faces is not None
    assert again.nonlinear_faces.laws == model.nonlinear_faces.laws
    assert again.nonlinear_faces.law.tolist() == model.nonlinear_faces.law.tolist()
    assert again.nonlinear_faces.face.tolist() == model.nonlinear_faces.face.tolist()
