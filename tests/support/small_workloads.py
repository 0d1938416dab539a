"""A small package that is heated in time: a die with two blocks beside one with a map, and empty cells."""

from __future__ import annotations

import numpy as np

from thermostack import (
    Block,
    Convection,
    Cooling,
    Grid,
    Layer,
    Material,
    Model,
    Package,
    Power,
    PowerMap,
    Stack,
    Trace,
    discretize,
)
from thermostack.materials.temperature_laws import SpecificHeatTable
from thermostack.units import mm, um

AMBIENT = 300.0  # K
SILICON = Material("silicon", 120.0, volumetric_heat_capacity=1.6e6)
BOARD = Material("board", (20.0, 15.0, 0.6), density=2000.0, specific_heat=900.0)
HOT_SILICON = Material(
    "hot_silicon",
    {"power_law": {"at_reference": 120.0, "exponent": 1.3}},
    density=2330.0,
    specific_heat=SpecificHeatTable((250.0, 300.0, 400.0, 600.0), (650.0, 710.0, 790.0, 870.0)),
)
PLANES = (
    np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 8.0, 9.0]) * mm,
    np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]) * mm,
    np.array([0.0, 0.5, 1.0, 1.05, 1.3]) * mm,
)


def workload_package(material: Material = SILICON, top: float = 2e3) -> Package:
    """Return a die of 10 W in two blocks and a memory of 2 W by a map, with an htc on top [W/(m2 K)]."""
    blocks = (
        Block("left", (0.0, 0.0), (1 * mm, 2 * mm), 7.0),
        Block("right", (2.0 * mm, 0.0), (1 * mm, 2 * mm), 3.0),
    )
    heat = PowerMap(values=np.array([[1.0, 3.0], [2.0, 2.0]]))
    stacks = (
        Stack("board", (9 * mm, 5 * mm), (Layer("plate", 1 * mm, BOARD),)),
        Stack(
            "die",
            (4 * mm, 3 * mm),
            (Layer("active", 50 * um, material, Power(blocks=blocks)), Layer("bulk", 250 * um, material)),
            on="board",
            position=(1 * mm, 1 * mm),
            limit=350.0,
        ),
        Stack(
            "memory",
            (2 * mm, 2 * mm),
            (
                Layer("active", 50 * um, SILICON, Power(map=heat, scale_to=2.0)),
                Layer("bulk", 250 * um, SILICON),
            ),
            on="board",
            position=(7 * mm, 1 * mm),
        ),
    )
    cooling = Cooling(top=(Convection(top, AMBIENT),), bottom=(Convection(100.0, AMBIENT + 10.0),))
    return Package("workload", stacks, cooling)


def workload_model(material: Material = SILICON, top: float = 2e3) -> Model:
    """Return it on 160 cells, 48 of them empty."""
    return discretize(workload_package(material, top), grid=Grid(*PLANES))


def pulses() -> Trace:
    """Return 30 W in the die from 20 to 50 ms, 5 W before and after, and 4 W in the memory after 40 ms."""
    return Trace.of(
        [0.0, 0.02, 0.04, 0.05],
        {"die": [5.0, 30.0, 30.0, 5.0], "memory": [2.0, 2.0, 4.0, 4.0]},
        after="hold",
    )
