"""A small package with everything a result may hold: blocks, a map, materials of every kind, empty space."""

from __future__ import annotations

import numpy as np

from thermostack.materials.effective_media import ViaArray
from thermostack.materials.material import Material
from thermostack.mesh.model import Model, discretize
from thermostack.package.cooling import Base, ColdPlate, Convection, Cooling, FaceCooling
from thermostack.package.package import Package
from thermostack.package.power import Block, Power, PowerMap
from thermostack.package.stack import Interface, Layer, Stack
from thermostack.results.steady_result import SteadyResult
from thermostack.steady import solve_steady
from thermostack.units import mm, um


def small_package(pixels: int = 6) -> Package:
    """Return two dies on an interposer, under a cold plate that is wider than the one and not the other."""
    heat = PowerMap(values=np.random.default_rng(1).random((pixels, pixels)))
    core = Block("core", (1 * mm, 1 * mm), (3 * mm, 3 * mm), 25.0)
    side = Block("io", (6 * mm, 1 * mm), (2 * mm, 8 * mm), 15.0)
    own = Material("own", {"power_law": {"at_reference": 148.0, "exponent": 1.3}})
    logic = (
        Layer("active", 10 * um, "silicon", power=Power(blocks=(core, side))),
        Layer("bulk", 700 * um, own, interface=Interface(top=1e-6)),
    )
    memory = (
        Layer("active", 10 * um, "vias", power=Power(map=heat, scale_to=5.0)),
        Layer("bulk", 400 * um, "silicon"),
    )
    base = Base("copper", 2 * mm, size=(20 * mm, 10 * mm))
    return Package(
        "two_dies",
        (
            Stack("interposer", (24 * mm, 14 * mm), (Layer("silicon", 100 * um, "silicon"),), filler="epoxy"),
            Stack(
                "logic", (10 * mm, 10 * mm), logic, on="interposer", position=(1 * mm, 2 * mm), limit=360.0
            ),
            Stack("memory", (10 * mm, 10 * mm), memory, on="interposer", position=(13 * mm, 2 * mm)),
        ),
        Cooling(
            top=FaceCooling(ColdPlate(coolant=313.15, h=2e4, base=base)),
            bottom=FaceCooling(Convection(15.0, 308.15)),
        ),
        materials={
            "epoxy": Material("epoxy", 0.8),
            "vias": ViaArray("copper", "silicon", diameter=10 * um, pitch=50 * um),
        },
    )


def small_model() -> Model:
    """Return it on about five thousand cells."""
    return discretize(small_package(), cell=1 * mm)


def small_steady() -> SteadyResult:
    """Return it solved."""
    return solve_steady(small_model())
