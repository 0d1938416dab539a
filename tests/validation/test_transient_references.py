"""The transient reference solutions against published numbers, each other, and their own equations."""

from __future__ import annotations

from itertools import product
from math import inf

import numpy as np
import pytest
from exact import heated_slab, nafems_t3
from exact.heated_box import HeatedBox
from exact.heated_slab import HeatedSlab
from exact.layered_wall import End, FixedFlux, FixedTemperature, RobinEnd
from exact.semi_discrete import SemiDiscrete
from exact.spreading_resistance import SpreadingResistance
from exact.transient_wall import TransientLayer, TransientWall, invert
from exact.wall_modes import count_below, decay_rates, series
from exact.warming_slab import WarmingSlab
from scipy.linalg import expm
from scipy.special import erfc

TIMES = np.logspace(-6.0, 2.0, 33)  # s


# --- the way back from the Laplace domain -----------------------------------------------------------------


def test_inversion_of_known_transforms() -> None:
    """A decay, a ramp and the erfc of a half space: 1e-12 over eight decades of time."""
    assert invert(lambda s: 1.0 / (s + 3.0), TIMES) == pytest.approx(np.exp(-3.0 * TIMES), abs=1e-13)
    assert invert(lambda s: 1.0 / s**2, TIMES) == pytest.approx(TIMES, rel=1e-12)
    found = invert(lambda s: np.exp(-0.1 * np.sqrt(s)) / s, TIMES)
    assert found == pytest.approx(erfc(0.05 / np.sqrt(TIMES)), abs=1e-13)
    both = invert(lambda s: np.stack([1.0 / s, 1.0 / (s + 1.0)], axis=-1), TIMES)
    assert both.shape == (33, 2)


# --- the heated slab --------------------------------------------------------------------------------------


def test_heated_slab_as_published() -> None:
    slab = HeatedSlab()
    for t, published in heated_slab.PUBLISHED.items():
        assert slab.impedance(t) == pytest.approx(published, abs=5.1e-7)
    assert slab.resistance == pytest.approx(0.033784, abs=5.1e-7)
    assert slab.heat_capacity == pytest.approx(0.0814, rel=1e-12)


def test_heated_slab_by_modes_and_by_reflections() -> None:
    slab, t = HeatedSlab(), np.logspace(-6.0, -1.3, 25)
    assert slab.impedance(t) == pytest.approx(slab.impedance_by_reflections(t), rel=1e-10)
    early = np.array([1e-9, 1e-8])
    half_space = 2.0 / slab.area * np.sqrt(early / (np.pi * slab.conductivity * slab.capacity))
    assert slab.impedance_by_reflections(early) == pytest.approx(half_space, rel=1e-14)


def test_time_constants_of_a_slab_add_up() -> None:
    """To the whole resistance R; what is missing from the impedance, added up over time, is R**2 C / 3."""
    slab = HeatedSlab()
    constants, resistances = slab.time_constants(200_000)
    assert resistances.sum() == pytest.approx(slab.resistance, rel=1e-5)
    moment = slab.resistance**2 * slab.heat_capacity / 3.0  # J/W2, the integral of R - Z(t)
    assert (constants * resistances).sum() == pytest.approx(moment, rel=1e-12)


def test_wall_of_one_layer_is_the_slab() -> None:
    slab = HeatedSlab()
    layer = TransientLayer(slab.thickness, slab.conductivity, slab.capacity)
    wall = TransientWall((layer,), FixedTemperature(0.0), FixedFlux(1.0 / slab.area))
    found = wall.temperature(slab.thickness, TIMES)[:, 0]
    assert found == pytest.approx(slab.impedance(TIMES), rel=1e-11)


# --- the wall of layers -----------------------------------------------------------------------------------

LAYERS = (
    TransientLayer(500e-6, 148.0, 1.63e6),
    TransientLayer(2e-6, 100.0, 1.6e6, 2e11, 3e-6),
    TransientLayer(30e-6, 4.0, 2.2e6, 0.0, 1e-6),
    TransientLayer(2e-3, 390.0, 3.45e6, 1e6),
    TransientLayer(10e-6, 0.5, 1.2e6),
)
ENDS: tuple[End, ...] = (RobinEnd(2e4, 310.0), FixedTemperature(325.0), FixedFlux(3e4))
OPPOSITE: tuple[End, ...] = (RobinEnd(5e3, 290.0), FixedTemperature(340.0), FixedFlux(1e4))
PAIRS = [pair for pair in product(ENDS, OPPOSITE) if not all(isinstance(end, FixedFlux) for end in pair)]
each_pair = pytest.mark.parametrize(("bottom", "top"), PAIRS)


def heights(wall: TransientWall, inside: int = 4) -> np.ndarray:
    """Return heights in every layer, faces from below with them."""
    share = np.arange(1, inside + 1) / inside
    return np.concatenate(
        [low + share * (high - low) for low, high in zip(wall.levels, wall.levels[1:], strict=False)]
    )


@each_pair
@pytest.mark.parametrize("under", [0.0, 2e-6])
def test_wall_by_laplace_and_by_modes(bottom: End, top: End, under: float) -> None:
    """Two solutions that share only the steady one and the heat equation: 1e-9 of the largest rise."""
    wall = TransientWall((LAYERS[0]._replace(interface_below=under), *LAYERS[1:]), bottom, top, 300.0)
    z, t = heights(wall), np.logspace(-5.0, 2.0, 15)
    found = wall.temperature(z, t)
    span = np.abs(found - 300.0).max()
    assert span > 1.0
    assert np.abs(found - series(wall, z, t)).max() < 1e-9 * span


@each_pair
def test_wall_ends_where_the_steady_one_is(bottom: End, top: End) -> None:
    wall = TransientWall(LAYERS, bottom, top, 300.0)
    z = heights(wall)
    found, steady = wall.temperature(z, 1e4)[0], wall.steady.temperature(z)
    assert np.abs(found - steady).max() < 1e-8 * np.abs(steady - 300.0).max()
    for n in range(len(LAYERS)):
        assert wall.layer_mean(n, 1e4)[0] == pytest.approx(wall.steady.layer_mean(n), abs=1e-6)


def test_wall_starts_where_it_was() -> None:
    """After 1 us heat has come 18 um far in silicon: nothing is felt at ten times that."""
    wall = TransientWall(LAYERS, RobinEnd(2e4, 310.0), RobinEnd(5e3, 290.0), 300.0)
    assert wall.temperature(200e-6, 1e-6)[0, 0] == pytest.approx(300.0, abs=1e-9)


@pytest.mark.parametrize("t", [1e-6, 1e-3, 1e1])
def test_means_are_those_of_the_temperatures(t: float) -> None:
    wall = TransientWall(LAYERS, RobinEnd(2e4, 310.0), RobinEnd(5e3, 290.0), 300.0)
    points, weights = np.polynomial.legendre.leggauss(20)
    share = np.linspace(0.0, 1.0, 41)
    for n, layer in enumerate(LAYERS):
        z = share[:-1, None] + 0.5 * np.diff(share)[:, None] * (1.0 + points)
        values = wall.temperature(wall.levels[n] + layer.thickness * z.ravel(), t, layer=n)[0]
        mean = float((0.5 * np.diff(share)[:, None] * weights).ravel() @ values)
        assert wall.layer_mean(n, t)[0] == pytest.approx(mean, abs=1e-9)


@each_pair
def test_wall_keeps_the_heat(bottom: End, top: End) -> None:
    """The stored heat grows by generated heat and inflow through the ends, at all times."""
    wall = TransientWall(LAYERS, bottom, top, 300.0)
    points, weights = np.polynomial.legendre.leggauss(24)
    made = sum(layer.source * layer.thickness for layer in LAYERS)
    for low, high in ((1e-5, 3e-5), (1e-3, 2e-3), (0.5, 0.7)):
        t = low + 0.5 * (high - low) * (1.0 + points)
        entered = np.full(t.size, made)
        for end, z, layer, sign in ((bottom, 0.0, LAYERS[0], 1.0), (top, wall.levels[-1], LAYERS[-1], -1.0)):
            match end:
                case FixedFlux(flux):
                    entered += flux
                case RobinEnd(h, ambient):
                    entered += h * (ambient - wall.temperature(z, t, layer=0 if sign > 0.0 else 4)[:, 0])
                case FixedTemperature(_):
                    step = sign * 2e-4 * layer.thickness * np.arange(5)
                    line = wall.temperature(z + step, t, layer=0 if sign > 0.0 else 4)
                    slope = line @ np.array([-25.0, 48.0, -36.0, 16.0, -3.0]) / (12.0 * abs(step[1]))
                    entered += -layer.conductivity * slope
        change = sum(
            layer.capacity * layer.thickness * float(np.diff(wall.layer_mean(n, [low, high]))[0])
            for n, layer in enumerate(LAYERS)
        )
        scale = made * (high - low)
        assert change == pytest.approx(float(0.5 * (high - low) * weights @ entered), abs=1e-5 * scale)


def test_insulated_wall_warms_evenly_for_ever() -> None:
    wall = TransientWall(LAYERS, FixedFlux(0.0), FixedFlux(2e4), 300.0)
    made = 2e4 + sum(layer.source * layer.thickness for layer in LAYERS)
    held = np.array([layer.capacity * layer.thickness for layer in LAYERS])
    for t in (1e-6, 1e-2, 1e2):
        stored = held @ [wall.layer_mean(n, t)[0] - 300.0 for n in range(len(LAYERS))]
        assert stored == pytest.approx(made * t, rel=1e-8)


def test_plane_of_heat_is_a_thin_heated_layer() -> None:
    """1e5 W/m2 between silicon and copper, in a plane and in 1 nm of the copper."""
    silicon, copper = TransientLayer(3e-4, 148.0, 1.63e6), TransientLayer(1e-3, 390.0, 3.45e6)
    ends = RobinEnd(1e4, 0.0), RobinEnd(2e4, 0.0)
    plane = TransientWall((silicon, copper._replace(plane=1e5)), *ends)
    thin = TransientLayer(1e-9, 390.0, 3.45e6, 1e5 / 1e-9)
    layer = TransientWall((silicon, thin, copper._replace(thickness=1e-3 - 1e-9)), *ends)
    z = np.array([1e-4, 3e-4, 8e-4, 1.3e-3])
    found, expected = plane.temperature(z, TIMES), layer.temperature(z, TIMES)
    assert np.abs(found - expected).max() < 1e-5 * expected.max()
    with pytest.raises(ValueError, match="plane of heat"):
        _ = plane.steady


def test_a_layer_may_be_cut_in_two() -> None:
    wall = TransientWall(LAYERS, RobinEnd(2e4, 310.0), FixedTemperature(290.0), 300.0)
    first = LAYERS[3]._replace(thickness=0.3 * LAYERS[3].thickness)
    rest = LAYERS[3]._replace(thickness=0.7 * LAYERS[3].thickness)
    cut = TransientWall((*LAYERS[:3], first, rest, LAYERS[4]), wall.bottom, wall.top, 300.0)
    z = heights(wall)
    assert np.abs(wall.temperature(z, TIMES) - cut.temperature(z, TIMES)).max() < 1e-9
    assert decay_rates(cut, 30) == pytest.approx(decay_rates(wall, 30), rel=1e-12)


# --- decay rates ------------------------------------------------------------------------------------------


def test_decay_rates_of_one_layer() -> None:
    layer = TransientLayer(5e-4, 148.0, 1.628e6)
    unit = 148.0 / (1.628e6 * 5e-4**2)
    n = np.arange(40)
    held = decay_rates(TransientWall((layer,), FixedTemperature(0.0), FixedFlux(0.0)), 40)
    assert held == pytest.approx(unit * ((n + 0.5) * np.pi) ** 2, rel=1e-13)
    both = decay_rates(TransientWall((layer,), FixedTemperature(0.0), FixedTemperature(0.0)), 40)
    assert both == pytest.approx(unit * ((n + 1.0) * np.pi) ** 2, rel=1e-13)
    coefficient = decay_rates(TransientWall((layer,), FixedFlux(0.0), RobinEnd(2e4, 0.0)), 40)
    turns = np.sqrt(coefficient / unit)
    assert turns * np.tan(turns) == pytest.approx(np.full(40, 2e4 * 5e-4 / 148.0), rel=1e-8)
    assert np.all((turns > n * np.pi) & (turns < (n + 0.5) * np.pi))


def test_decay_rates_come_in_pairs() -> None:
    """Two slabs that hardly touch have every rate twice but for a touch: none is missed, none made up."""
    layer = TransientLayer(5e-4, 148.0, 1.628e6)
    alone = decay_rates(TransientWall((layer,), FixedTemperature(0.0), FixedFlux(0.0)), 20)
    pair = TransientWall(
        (layer, layer._replace(interface_below=1e4)), FixedTemperature(0.0), FixedTemperature(0.0)
    )
    found = decay_rates(pair, 40)
    assert found == pytest.approx(np.repeat(alone, 2), rel=1e-6)
    assert count_below(pair, np.array([0.99 * alone[0], 0.5 * (alone[4] + alone[5])])).tolist() == [0, 10]


def _by_cells(wall: TransientWall, cells: int) -> SemiDiscrete:
    """Return the wall cut into so many cells a layer, heat-transfer coefficients on both ends."""
    assert isinstance(wall.bottom, RobinEnd)
    assert isinstance(wall.top, RobinEnd)
    half, capacity, gap = [], [], []
    for layer in wall.layers:
        half += [0.5 * layer.thickness / cells / layer.conductivity] * cells
        capacity += [layer.capacity * layer.thickness / cells] * cells
        gap += [layer.interface_below] + [0.0] * (cells - 1)
    across = [1.0 / (a + b + r) for a, b, r in zip(half, half[1:], gap[1:], strict=False)]
    matrix = np.diag([-g for g in across], 1) + np.diag([-g for g in across], -1)
    matrix[0, 0] += 1.0 / (1.0 / wall.bottom.h + gap[0] + half[0])
    matrix[-1, -1] += 1.0 / (1.0 / wall.top.h + half[-1])
    matrix += np.diag(np.append(across, 0.0) + np.append(0.0, across))
    return SemiDiscrete(np.array(capacity), matrix)


def test_decay_rates_of_layers_against_cells() -> None:
    """The cells' rates come four times nearer with twice the cells; by Richardson's rule they are there.

    The cells resolve the ninth rate less well than the first: 1e-4 of it is left, and 1e-7 of the first two.
    """
    wall = TransientWall(LAYERS, RobinEnd(2e4, 0.0), RobinEnd(5e3, 0.0))
    rates = decay_rates(wall, 10)
    coarse, fine = (_by_cells(wall, cells).rates[:10] for cells in (40, 80))
    assert np.all(np.abs(fine / rates - 1.0) < 0.3 * np.abs(coarse / rates - 1.0) + 1e-9)
    extrapolated = (4.0 * fine - coarse) / 3.0
    assert extrapolated == pytest.approx(rates, rel=2e-4)
    assert extrapolated[:2] == pytest.approx(rates[:2], rel=1e-7)


def test_last_of_the_transient_falls_with_the_slowest_rate() -> None:
    wall = TransientWall(LAYERS, RobinEnd(2e4, 300.0), RobinEnd(5e3, 300.0), 300.0)
    first, second = decay_rates(wall, 2)
    t = np.array([14.0, 15.0]) / (second - first)
    left = wall.steady.layer_mean(0) - wall.layer_mean(0, t)
    assert np.log(left[0] / left[1]) / (t[1] - t[0]) == pytest.approx(first, rel=1e-5)


# --- NAFEMS T3 --------------------------------------------------------------------------------------------


def test_nafems_t3_as_published() -> None:
    for x, published in nafems_t3.PUBLISHED.items():
        digits = 5.1e-5 if x == 0.08 else 5.1e-4
        assert nafems_t3.temperature(x, 32.0)[0, 0] == pytest.approx(published, abs=digits)
    assert nafems_t3.temperature(nafems_t3.PROBE, nafems_t3.END)[0, 0] == pytest.approx(36.60, abs=5e-3)


def test_nafems_t3_as_what_stays_and_what_dies_out() -> None:
    """The periodic answer to the sine, sinh(g x) / sinh(g L), and modes that take it away at the start."""
    x, t = np.array([0.02, 0.05, 0.08, 0.099]), np.array([1.0, 8.0, 32.0, 100.0])
    w, diffusivity = nafems_t3.FREQUENCY, nafems_t3.CONDUCTIVITY / nafems_t3.CAPACITY
    g, length = np.sqrt(1j * w / diffusivity), nafems_t3.LENGTH
    periodic = nafems_t3.AMPLITUDE * (np.sinh(g * x) / np.sinh(g * length) * np.exp(1j * w * t[:, None])).imag
    n = np.arange(1, 4001)
    p = n * np.pi / length
    # of sinh(g x) / sinh(g L) = sum of 2 p (-1)**(n+1) / (L (p**2 + g**2)) sin(p x)
    start = nafems_t3.AMPLITUDE * (2.0 * p * np.where(n % 2, 1.0, -1.0) / (length * (p**2 + g**2))).imag
    dying = (start * np.exp(-diffusivity * np.outer(t, p**2))) @ np.sin(np.outer(p, x))
    assert nafems_t3.temperature(x, t) == pytest.approx(periodic - dying, abs=1e-7)


def test_nafems_t3_keeps_its_ends() -> None:
    t = np.array([5.0, 20.0, 32.0])
    found = nafems_t3.temperature([0.0, nafems_t3.LENGTH], t)
    assert found[:, 0] == pytest.approx(np.zeros(3), abs=1e-12)
    assert found[:, 1] == pytest.approx(nafems_t3.end_temperature(t), abs=1e-9)
    assert nafems_t3.temperature([0.03, 0.09], 0.0)[0] == pytest.approx([0.0, 0.0], abs=1e-6)


# --- the heated box ---------------------------------------------------------------------------------------

BOX = HeatedBox(
    (6e-3, 4e-3, 5e-4), (120.0, 90.0, 148.0), 1.63e6, (1e-3, 0.5e-3), (1.5e-3, 2e-3), 4.9e-4, 10.0, inf
)


@pytest.mark.parametrize("h", [0.0, inf])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_factors_by_images_and_by_modes(axis: int, h: float) -> None:
    box = HeatedBox(BOX.size, BOX.conductivity, BOX.capacity, BOX.corner, BOX.width, 3.5e-4, 1.0, h)
    length = box.size[axis]
    for reach in (0.05, 0.2, 0.5, 1.0):  # of the length
        age = np.array([(reach * length) ** 2 / (box.conductivity[axis] / box.capacity)])
        for at in (0.0, 0.2 * length, 0.7 * length, length):
            images, modes, both = (box.factor(axis, at, age, way) for way in ("images", "modes", "both"))
            assert images == pytest.approx(modes, abs=2e-14)
            assert both == pytest.approx(modes, abs=2e-14)


def test_box_heated_all_over_is_a_wall() -> None:
    for h, bottom in ((inf, FixedTemperature(0.0)), (2e4, RobinEnd(2e4, 0.0)), (0.0, FixedFlux(0.0))):
        box = HeatedBox(BOX.size, BOX.conductivity, BOX.capacity, (0.0, 0.0), BOX.size[:2], 4.9e-4, 10.0, h)
        density = 10.0 / (6e-3 * 4e-3 * 1e-5)
        layers = TransientLayer(4.9e-4, 148.0, 1.63e6), TransientLayer(1e-5, 148.0, 1.63e6, density)
        wall = TransientWall(layers, bottom, FixedFlux(0.0))
        z = np.array([0.0, 2e-4, 5e-4])
        found = np.stack([box.temperature(2e-3, 1e-3, float(at), TIMES) for at in z], axis=-1)
        expected = wall.temperature(z, TIMES)
        assert np.abs(found - expected).max() < 1e-9 * expected.max()


@pytest.mark.parametrize("h", [0.0, 1e4, inf])
def test_box_keeps_the_heat_of_its_source(h: float) -> None:
    """The mean over the plan is that of a wall with as many watts, wherever the rectangle lies."""
    box = HeatedBox(BOX.size, BOX.conductivity, BOX.capacity, BOX.corner, BOX.width, BOX.low, 10.0, h)
    whole = HeatedBox(BOX.size, BOX.conductivity, BOX.capacity, (0.0, 0.0), BOX.size[:2], BOX.low, 10.0, h)
    age = np.array([1e-5, 1e-3])
    points, weights = np.polynomial.legendre.leggauss(300)
    for axis in (0, 1):
        mean = sum(
            0.5 * w * box.factor(axis, 0.5 * box.size[axis] * (1.0 + s), age)
            for s, w in zip(points, weights, strict=True)
        )
        assert mean == pytest.approx(np.full(2, box.width[axis] / box.size[axis]), rel=1e-7)
    near = box.temperature(2e-3, 1e-3, 5e-4, [1e-5, 1e-2])
    share = 6e-3 * 4e-3 / (1.5e-3 * 2e-3)
    flat = whole.temperature(2e-3, 1e-3, 5e-4, [1e-5, 1e-2])
    assert near[0] == pytest.approx(share * flat[0], rel=1e-6)  # as long as heat has not gone sideways
    assert near[1] < 0.9 * share * flat[1]


@pytest.mark.parametrize("h", [300.0, 1e4])
def test_box_ends_at_its_spreading_resistance(h: float) -> None:
    plate = SpreadingResistance((12e-3, 9e-3), 1e-3, 150.0, h, (2e-3, 1.5e-3), (4e-3, 6.5e-3))
    thin = 1e-8
    box = HeatedBox(
        (12e-3, 9e-3, 1e-3 + thin), (150.0,) * 3, 1.6e6, (3e-3, 5.75e-3), plate.source, 1e-3, 1.0, h
    )
    found = box.temperature(4e-3, 6.5e-3, 1e-3 + thin, 1e3)[0]
    assert found == pytest.approx(plate.centre_resistance(), rel=2e-5)
    away = box.temperature(10e-3, 2e-3, 1e-3 + thin, 1e3)[0]
    assert away == pytest.approx(float(plate.resistance_at(10e-3, 2e-3)[0, 0]), rel=2e-5)


# --- materials that change with temperature ----------------------------------------------------------------


def test_warming_slab_obeys_its_equation() -> None:
    """C(T) dT/dt against the slope of the flux k(T) dT/dz, by differences, and the flux at the top."""
    slab = WarmingSlab(5e-4, 148.0, 1.63e6, -2e-3, 300.0, 3e7)
    z, t, dz, dt = 4e-4, 5e-4, 2e-6, 1e-7
    here = slab.temperature([z - dz, z, z + dz], [t - dt, t, t + dt])
    share = 1.0 + slab.change * (here - 300.0)
    stored = slab.capacity * share[1, 1] * (here[2, 1] - here[0, 1]) / (2.0 * dt)
    flux = slab.conductivity * 0.5 * (share[1, 1:] + share[1, :-1]) * np.diff(here[1]) / dz
    assert stored == pytest.approx(np.diff(flux)[0] / dz, rel=1e-3)
    top = slab.temperature(5e-4 - 1e-7 * np.arange(3), t)[0]
    slope = (3.0 * top[0] - 4.0 * top[1] + top[2]) / 2e-7
    assert slab.conductivity * (1.0 + slab.change * (top[0] - 300.0)) * slope == pytest.approx(3e7, rel=1e-5)
    assert slab.temperature(0.0, t)[0, 0] == pytest.approx(300.0, abs=1e-9)


def test_warming_slab_without_change_and_at_rest() -> None:
    still = WarmingSlab(5e-4, 148.0, 1.63e6, 0.0, 300.0, 3e7)
    wall = TransientWall(
        (TransientLayer(5e-4, 148.0, 1.63e6),), FixedTemperature(300.0), FixedFlux(3e7), 300.0
    )
    assert still.temperature(3e-4, TIMES) == pytest.approx(wall.temperature(3e-4, TIMES), abs=1e-9)
    rest = WarmingSlab(5e-4, 148.0, 1.63e6, -2e-3, 300.0, 3e7).temperature(5e-4, 10.0)[0, 0] - 300.0
    assert rest - 1e-3 * rest**2 == pytest.approx(3e7 * 5e-4 / 148.0, rel=1e-9)


# --- the cells, exact in time -----------------------------------------------------------------------------


def cells() -> SemiDiscrete:
    rng = np.random.default_rng(5)
    n = 7
    across = rng.uniform(0.1, 3.0, (n, n)) * (rng.random((n, n)) < 0.5)
    across = np.triu(across, 1) + np.triu(across, 1).T
    matrix = np.diag(across.sum(axis=1) + rng.uniform(0.0, 0.5, n)) - across
    return SemiDiscrete(rng.uniform(1e-3, 1.0, n), matrix)


def test_cells_in_time_against_the_exponential_of_a_matrix() -> None:
    """A ramp is a linear equation with two unknowns more: its exponential knows nothing of modes."""
    body = cells()
    n = body.capacity.size
    rng = np.random.default_rng(6)
    start, first, last = rng.normal(size=(3, n))
    times = np.array([0.5, 0.7])
    at = np.array([0.5, 0.5 + 1e-7, 0.53, 0.7])
    found = body.temperature(start, times, np.stack([first, last]), at)
    matrix = np.zeros((n + 2, n + 2))
    matrix[:n, :n] = -body.conductance / body.capacity[:, None]
    matrix[:n, n], matrix[:n, n + 1] = first / body.capacity, (last - first) / 0.2 / body.capacity
    matrix[n + 1, n] = 1.0  # y' = A y + b one + c tau, tau' = one
    for row, t in zip(found, at, strict=True):
        expected = expm(matrix * (t - 0.5)) @ np.concatenate([start, [1.0, 0.0]])
        assert row == pytest.approx(expected[:n], abs=1e-12)


def test_cells_in_time_do_not_care_where_power_is_named() -> None:
    """More rows on the same lines, jumps of nothing, and times asked between: the same temperatures."""
    body = cells()
    n = body.capacity.size
    rng = np.random.default_rng(7)
    a, b, c = rng.normal(size=(3, n))
    times, powers = np.array([0.0, 1.0, 1.0, 2.0]), np.stack([a, b, c, c])
    more, along = (
        np.array([0.0, 0.25, 0.25, 1.0, 1.0, 1.3]),
        np.stack([a, *[0.75 * a + 0.25 * b] * 2, b, c, c]),
    )
    at = np.array([0.1, 0.3, 1.0, 1.6, 5.0])
    start = rng.normal(size=n)
    found = body.temperature(start, times, powers, at)
    assert found == pytest.approx(body.temperature(start, more, along, at), abs=1e-12)
    assert found[-2:] == pytest.approx(body.temperature(start, times, powers, at[-2:]), abs=1e-12)
    late = body.temperature(start, times, powers, np.array([1e4]))[0]
    assert late == pytest.approx(body.steady(c), abs=1e-10)


def test_modes_of_cells_die_out_in_their_shape() -> None:
    body = cells()
    still = np.zeros((1, body.capacity.size))
    for number in (0, 3, 6):
        shape = body.mode(number)
        found = body.temperature(shape, np.array([0.0]), still, np.array([0.2, 1.0]))
        decay = np.exp(-body.rates[number] * np.array([[0.2], [1.0]]))
        assert found == pytest.approx(decay * shape, abs=1e-12)
        assert np.abs(shape).max() == pytest.approx(1.0)


def test_wall_of_cells_becomes_the_wall() -> None:
    """Space and time together: cells as layers are cut, exact in time, near the inverse transform by h**2."""
    wall = TransientWall(LAYERS, RobinEnd(2e4, 300.0), RobinEnd(5e3, 300.0), 300.0)
    t = np.logspace(-4.0, 1.0, 11)
    off = []
    for count in (10, 20):
        body = _by_cells(wall, count)
        heat = np.repeat([layer.source * layer.thickness / count for layer in LAYERS], count)
        rise = body.temperature(np.zeros(heat.size), np.zeros(1), heat[None, :], t)
        means = rise.reshape(t.size, len(LAYERS), count).mean(axis=-1)
        exact = np.stack([wall.layer_mean(n, t) - 300.0 for n in range(len(LAYERS))], axis=-1)
        off.append(np.abs(means - exact).max() / exact.max())
    assert off[1] < 2e-3
    assert off[1] < 0.3 * off[0]
