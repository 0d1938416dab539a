"""Small packages for tests of JEDEC metrics."""

from __future__ import annotations

from thermostack import Block, Convection, Cooling, Layer, Material, Package, Power, Stack
from thermostack.units import mm, um

COPPER = Material("block_copper", 400.0)
SILICON = Material("block_silicon", 120.0)
LAMINATE = Material("block_laminate", (30.0, 30.0, 0.5))
AIR = Cooling(top=Convection(10.0, 300.0))
ACTIVE_THICKNESS = 2 * um
SIZE = (10 * mm, 8 * mm)


def slab(power: float = 5.0) -> Package:
    """Return two layers around a thin layer with power, all of one plan."""
    layers = (
        Layer("lower", 0.4 * mm, COPPER),
        Layer("active", ACTIVE_THICKNESS, SILICON, power=power),
        Layer("upper", 0.6 * mm, SILICON),
    )
    return Package("slab", (Stack("die", SIZE, layers),), AIR)


def source_on_plate(width: float = 4 * mm) -> Package:
    """Return a square source of 1 W on the middle of a square plate."""
    side = 10 * mm
    corner = 0.5 * (side - width)
    power = Power(blocks=(Block("spot", (corner, corner), (width, width), 1.0),))
    layers = (Layer("plate", 2 * mm, SILICON), Layer("active", 0.1 * um, SILICON, power=power))
    return Package("source_on_plate", (Stack("plate", (side, side), layers),), AIR)


def dual_die(power: tuple[float, float] = (1.0, 1.0)) -> Package:
    """Return two dies on a copper pad of 12 mm under mold, like a power QFN with two switches."""
    pad = Stack("pad", (12 * mm, 12 * mm), (Layer("copper", 0.2 * mm, COPPER),), filler="emc")
    layers = lambda watts: (  # noqa: E731
        Layer("attach", 30 * um, Material("attach", 2.0)),
        Layer("bulk", 0.25 * mm, SILICON),
        Layer("active", 5 * um, SILICON, power=watts),
    )
    dies = (
        Stack("control", (3 * mm, 4 * mm), layers(power[0]), on=("pad",), position=(1.5 * mm, 4 * mm)),
        Stack("switch", (4 * mm, 6 * mm), layers(power[1]), on=("pad",), position=(6.5 * mm, 3 * mm)),
    )
    return Package("dual_die", (pad, *dies), AIR)


def with_own_board() -> Package:
    """Return a die on a substrate on a board of the description."""
    board = Stack("board", (50 * mm, 60 * mm), (Layer("pcb", 1.0 * mm, "fr4"),))
    substrate = Stack(
        "substrate",
        (12 * mm, 10 * mm),
        (Layer("balls", 0.3 * mm, "bga_field"), Layer("laminate", 0.8 * mm, LAMINATE)),
        on=("board",),
        position=(5 * mm, 7 * mm),
    )
    die = Stack(
        "die",
        (5 * mm, 5 * mm),
        (Layer("active", ACTIVE_THICKNESS, SILICON, power=2.0), Layer("bulk", 0.5 * mm, SILICON)),
        on=("substrate",),
        center=(6 * mm, 5 * mm),
    )
    return Package("with_own_board", (board, substrate, die), AIR)
