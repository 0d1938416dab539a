"""Random packages for the error estimate: layers uniform in plan, dies in mold, and dies in mold with k(T).

All lengths, conductivities and powers are assumed, in the range of published packages. A seed determines a
package.
"""

from __future__ import annotations

import numpy as np
from exact.layered_block import Layer as ExactLayer
from exact.layered_block import LayeredBlock, Source

from thermostack import Package
from thermostack.materials.material import Material
from thermostack.package.cooling import Convection, Cooling
from thermostack.package.power import Block, Power
from thermostack.package.stack import Interface, Layer, Stack
from thermostack.units import mm, um

AMBIENT = 300.0  # K
STEP = 0.05 * mm  # of positions in plan
SILICON_EXPONENT = 1.3
UNIFORM_MATERIALS = (
    (148.0,) * 3,
    (390.0,) * 3,
    (4.0,) * 3,
    (0.8, 0.8, 1.5),
    (20.0, 20.0, 0.4),
    (2.0, 2.0, 1.2),
)


def _length(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a multiple of the step between two lengths [m]."""
    return STEP * float(rng.integers(round(low / STEP), round(high / STEP), endpoint=True))


def _choice(rng: np.random.Generator, *values: float) -> float:
    return float(values[rng.integers(len(values))])


# -- layers uniform in plan --------------------------------------------------------------------------


def layered_block(seed: int) -> LayeredBlock:
    """Return a block of three to six layers with one to four rectangular sources in one or two of them."""
    rng = np.random.default_rng([1, seed])
    width, depth = _length(rng, 6 * mm, 16 * mm), _length(rng, 6 * mm, 16 * mm)
    count = int(rng.integers(3, 7))
    layers = []
    for n in range(count):
        thickness = _choice(rng, 2 * um, 10 * um, 30 * um, 75 * um, 200 * um, 500 * um, 800 * um)
        conductivity = UNIFORM_MATERIALS[rng.integers(len(UNIFORM_MATERIALS))]
        contact = _choice(rng, 0.0, 0.0, 1e-6, 5e-6) if n else 0.0
        layers.append(ExactLayer(f"layer_{n}", thickness, conductivity, contact))
    powered = rng.choice(count, size=int(rng.integers(1, 3)), replace=False)
    sources = []
    for n in range(int(rng.integers(1, 5))):
        w, d = _length(rng, 0.3 * mm, 0.45 * width), _length(rng, 0.3 * mm, 0.45 * depth)
        half = n % 2 * 0.5 * width, n // 2 % 2 * 0.5 * depth
        x, y = half[0] + _length(rng, 0.0, 0.5 * width - w), half[1] + _length(rng, 0.0, 0.5 * depth - d)
        layer = int(powered[rng.integers(powered.size)])
        sources.append(Source(f"source_{n}", layer, x, y, w, d, float(rng.uniform(2.0, 20.0))))
    weak, strong = _choice(rng, 0.0, 20.0, 500.0), _choice(rng, 5e3, 1e4, 2.5e4)
    below, above = (weak, strong) if rng.integers(2) else (strong, weak)
    return LayeredBlock(
        (width, depth), tuple(layers), tuple(sources), below, AMBIENT, above, AMBIENT, name=f"uniform_{seed}"
    )


# -- dies in mold ------------------------------------------------------------------------------------


def dies_in_mold(seed: int, *, depends_on_temperature: bool = False) -> Package:
    """Return an interposer on a substrate with two to four dies in mold, with a lid or without.

    With silicon that depends on temperature the maximum rise is about 60 to 300 K, otherwise 15 to 150 K.
    """
    rng = np.random.default_rng([2 + depends_on_temperature, seed])
    silicon = _silicon(depends_on_temperature)
    counts = ((2, 1), (1, 2), (2, 2), (2, 2))[rng.integers(4)]
    pitch = _length(rng, 5 * mm, 10 * mm), _length(rng, 5 * mm, 10 * mm)
    size = counts[0] * pitch[0], counts[1] * pitch[1]
    margin = _choice(rng, 0.0, 1.0 * mm, 3.0 * mm)
    laminate = Material("laminate", (20.0, 20.0, _choice(rng, 0.4, 0.8)))
    substrate = Stack(
        "substrate",
        (size[0] + 2 * margin, size[1] + 2 * margin),
        (Layer("laminate", _choice(rng, 0.4 * mm, 0.8 * mm, 1.2 * mm), laminate),),
    )
    mold = Material("mold", (_choice(rng, 0.6, 0.9, 2.5),) * 3)
    bumps = Material("bumps", (1.0, 1.0, _choice(rng, 1.5, 4.0)))
    layers = (Layer("bumps", 70 * um, bumps), Layer("silicon", _choice(rng, 50 * um, 100 * um), silicon))
    interposer = Stack("interposer", size, layers, on=("substrate",), filler=mold).at(margin, margin)
    height = _choice(rng, 150 * um, 400 * um, 700 * um)
    dies = _dies(rng, counts, pitch, height, silicon)
    top = _cover(rng, size, tuple(die.name for die in dies))
    htc = _choice(rng, 2e3, 8e3, 2.5e4)
    cooling = Cooling(top=Convection(htc, AMBIENT), bottom=Convection(_choice(rng, 15.0, 500.0), AMBIENT))
    rise = float(rng.uniform(20.0, 60.0) if depends_on_temperature else rng.uniform(5.0, 30.0))
    stacks = _with_power(rng, dies, rise, htc * size[0] * size[1])
    name = f"{'k_of_t' if depends_on_temperature else 'mold'}_{seed}"
    return Package(name, (substrate, interposer, *stacks, *top), cooling)


def _silicon(depends_on_temperature: bool) -> Material:
    if depends_on_temperature:
        return Material("silicon", {"power_law": {"at_reference": 148.0, "exponent": SILICON_EXPONENT}})
    return Material("silicon", 148.0)


def _dies(
    rng: np.random.Generator,
    counts: tuple[int, int],
    pitch: tuple[float, float],
    height: float,
    silicon: Material,
) -> list[Stack]:
    """Return one die in each field of the interposer, perhaps except one of four, all of one height."""
    fields = [(i, j) for j in range(counts[1]) for i in range(counts[0])]
    if len(fields) == 4 and rng.integers(2):
        fields.pop(int(rng.integers(4)))
    found = []
    for n, (i, j) in enumerate(fields):
        side = [_length(rng, 0.5 * p, p - 0.4 * mm) for p in pitch]
        at = [
            p * m + _length(rng, 0.1 * mm, p - s - 0.1 * mm)
            for p, m, s in zip(pitch, (i, j), side, strict=True)
        ]
        joint = Material("joint", (1.0, 1.0, _choice(rng, 2.0, 5.0)))
        layers = (
            Layer("joint", 30 * um, joint),
            Layer("active", 5 * um, silicon),
            Layer("bulk", height - 35 * um, silicon),
        )
        found.append(Stack(f"die_{n}", (side[0], side[1]), layers, on=("interposer",)).at(at[0], at[1]))
    return found


def _cover(rng: np.random.Generator, size: tuple[float, float], dies: tuple[str, ...]) -> tuple[Stack, ...]:
    """Return an interface layer with a copper lid over all dies, or nothing."""
    if rng.integers(3) == 0:
        return ()
    material = Material("tim", _choice(rng, 1.5, 5.0, 20.0))
    contact = Interface(bottom=_choice(rng, 0.0, 2e-6))
    lid = Material("copper", 390.0)
    layers = (
        Layer("sheet", _choice(rng, 30 * um, 80 * um), material, interface=contact),
        Layer("lid", _choice(rng, 0.5 * mm, 1.0 * mm, 2.0 * mm), lid),
    )
    return (Stack("cover", size, layers, on=dies).at(0.0, 0.0),)


def _with_power(rng: np.random.Generator, dies: list[Stack], rise: float, conductance: float) -> list[Stack]:
    """Return the dies with even power or one to three blocks, for about this rise [K] of their mean.

    `conductance` [W/K] is that of the cooled face; the joints and layers between add to its resistance.
    """
    area = sum(die.size[0] * die.size[1] for die in dies)
    total = rise / (1.0 / conductance + 2e-5 / area)
    powers = total * rng.dirichlet(np.full(len(dies), 4.0))
    found = []
    for die, power in zip(dies, powers.tolist(), strict=True):
        joint, active, bulk = die.layers
        if rng.integers(3) == 0:
            given = Power(total=power)
        else:
            blocks, third = [], die.size[1] / 3.0
            shares = rng.dirichlet(np.full(int(rng.integers(1, 4)), 2.0)).tolist()
            for n, share in enumerate(shares):
                w, d = (
                    _length(rng, 0.15 * die.size[0], 0.7 * die.size[0]),
                    _length(rng, 0.5 * third, 0.9 * third),
                )
                x = _length(rng, 0.0, die.size[0] - w)
                y = n * third + _length(rng, 0.0, max(third - d - STEP, 0.0))
                blocks.append(Block(f"block_{n}", (x, y), (w, d), share * power))
            given = Power(blocks=tuple(blocks))
        layers = (joint, Layer("active", active.thickness, active.material, given), bulk)
        found.append(Stack(die.name, die.size, layers, on=die.on).at(*die.corner))
    return found
