"""What measures a solved field and estimates its error against plain NumPy twins, on odd shapes too."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.random_packages import packages

from thermostack import (
    Block,
    Convection,
    Cooling,
    FixedFlux,
    FixedTemperature,
    Grid,
    Interface,
    Layer,
    Material,
    Package,
    Power,
    Region,
    Stack,
    discretize,
)
from thermostack.finite_volume import error_estimate
from thermostack.finite_volume.conduction import CellConductivity, assemble_conduction
from thermostack.finite_volume.error_estimate import SHARED, BisectedGrid
from thermostack.finite_volume.part_temperatures import PartsAndBlocks, measure_parts
from thermostack.finite_volume.reconstruction import CellFluxes, Cells, Fluxes, X, Y, Z, cell_extremum
from thermostack.materials.material import VOID
from thermostack.mesh.model import Model
from thermostack.units import mm

SILICON, MOLD, BOARD = Material("si", 100.0), Material("mold", 2.0), Material("board", (20.0, 15.0, 0.5))
SHAPES = [(3, 1, 1), (2, 1, 5), (4, 7, 1), (2, 3, 4), (3, 6, 21), (5, 9, 16), (2, 4, 67)]
PRECISIONS = (np.float32, np.float64)


# -- bodies ----------------------------------------------------------------------------------


def blocks_of(nx: int, ny: int) -> tuple[Block, ...]:
    """Return two blocks of whole cells of 1 mm, where there is room for them, one of which is cooled."""
    west = Block("west", (0.0, 0.0), (max(1, nx // 2) * mm, max(1, ny // 3) * mm), 2.0)
    east = Block("east", ((nx - 1) * mm, (ny - 1) * mm), (1 * mm, 1 * mm), -0.5)
    return (west, east) if ny > 2 else (west,)


def body(shape: tuple[int, int, int]) -> Model:
    """Return layers of cells of 1 mm by 1 mm, a hole and a joint in them, cooled on all sides differently."""
    nz, ny, nx = shape
    size = nx * mm, ny * mm
    hole = Region("hole", (2 * mm, 1 * mm), VOID, (1 * mm, 1 * mm))
    regions = (hole,) if nx > 3 and ny > 2 else ()
    power = Power(blocks=blocks_of(nx, ny), allow_negative=True)
    layers = [
        Layer("low", 1 * mm, BOARD, interface=Interface(top=1e-4)),
        Layer("heated", 0.2 * mm, SILICON, power),
    ]
    layers += [Layer(f"l{k}", 0.3 * mm, MOLD, regions=regions) for k in range(2, nz)]
    cooling = Cooling(
        bottom=FixedTemperature(310.0),
        top=Convection(1e4, 300.0),
        west=FixedFlux(heat=1.0),
        surroundings=Convection(200.0, 290.0),
    )
    z = np.concatenate([[0.0, 1.0, 1.2], 1.2 + 0.3 * np.arange(1, nz - 1)]) * mm
    grid = Grid(np.arange(nx + 1) * mm, np.arange(ny + 1) * mm, z)
    return discretize(Package("p", (Stack("s", size, tuple(layers)),), cooling), grid=grid)


def flowing(model: Model, dtype: type, seed: int = 0, roughness: float = 3.0) -> Fluxes:
    """Return the heat in a model at temperatures without any order."""
    t = 320.0 + roughness * np.random.default_rng(seed).standard_normal(model.grid.shape)
    conductivity = CellConductivity(model)
    c = assemble_conduction(model, conductivity)
    g = {name: np.ascontiguousarray(getattr(c, name), dtype=dtype) for name in ("g_x", "g_y", "g_z")}
    return Fluxes(model, replace(c, **g), conductivity, t)


EVERY = pytest.mark.parametrize(
    ("shape", "dtype"), [(shape, dtype) for shape in SHAPES for dtype in PRECISIONS]
)
WIDELY = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


# -- twins -----------------------------------------------------------------------------------


def cells_of(fluxes: Fluxes, k: int) -> Cells:
    j, i = np.indices(fluxes.t.shape[1:])
    return np.full(j.shape, k), j, i


def plane_of(fluxes: Fluxes, k: int) -> CellFluxes:
    return fluxes.of_cells(cells_of(fluxes, k), fluxes.conductivity.plane(k))


def volumes(model: Model, k: int) -> np.ndarray:
    return model.grid.dz[k] * model.grid.dy[:, None] * model.grid.dx


def inside(model: Model) -> list[np.ndarray]:
    """Return which cells belong to each part and, after them, each block."""
    found = [model.part == n for n in range(1, len(model.parts) + 1)]
    for block in model.blocks:
        found.append(np.zeros(model.grid.shape, dtype=bool))
        found[-1][block.window] = model.part[block.window] > 0
    return found


def plain_extremes(fluxes: Fluxes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the least, the mean and the greatest temperature [K] in each cell, unbounded from outside."""
    low, mean, high = (np.empty(fluxes.t.shape) for _ in range(3))
    for k, t in enumerate(fluxes.t):
        a, b = plane_of(fluxes, k).slopes
        before, beyond = fluxes.hotter(cells_of(fluxes, k))
        colder = (np.where(np.isfinite(step), -step, np.inf) for step in (before, beyond))
        high[k] = t + cell_extremum(a, b, before, beyond)[1].sum(axis=0)
        low[k] = t - cell_extremum(-a, -b, *colder)[1].sum(axis=0)
        mean[k] = t + (b - a).sum(axis=0) / 24.0
    return low, mean, high


@dataclass(frozen=True, eq=False)
class Halves:
    """The cells at one height cut in two along one axis."""

    whole: CellFluxes
    trust: tuple[np.ndarray, np.ndarray]  # of the slopes at the low and the high face
    low: np.ndarray  # K, in the low halves
    high: np.ndarray


class PlainHalving:
    """The twin of the halving: every step a whole plane, what comes back over all planes at once."""

    def __init__(self, fluxes: Fluxes, axis: int) -> None:
        self.fluxes, self.axis, self.c = fluxes, axis, fluxes.conduction
        self.model, self.nz = fluxes.model, fluxes.t.shape[0]
        self.halves = [self.cut(k) for k in range(self.nz)]
        self.balances = [self.balance(k) for k in range(self.nz)]

    def cut(self, k: int) -> Halves:
        whole = plane_of(self.fluxes, k)
        a, b = (slope[self.axis] for slope in whole.slopes)
        trust = plain_trust(a, b, self.axis)
        a, b = a * trust[0], b * trust[1]
        t, bend = self.fluxes.t[k], (b - a) / 32.0
        return Halves(whole, trust, t - (a + b) / 8.0 + bend, t + (a + b) / 8.0 + bend)

    def balance(self, k: int) -> tuple[np.ndarray, ...]:
        """Return what fails to balance in the halves [W], and what flows into, between and out of them."""
        here = self.halves[k]
        ratio = here.whole.width_over_conductance[self.axis]
        with np.errstate(divide="ignore"):
            between = np.where(ratio > 0.0, 2.0 / ratio, 0.0) * (here.low - here.high)
        into, out_of = self.old_faces(k, here)
        own = 0.5 * self.model.power_of_plane(k)
        low, high = own + into - between, own + between - out_of
        for side in ("low", "high"):
            self.add_across(low if side == "low" else high, k, side)
        return low, high, into, between, out_of

    def old_faces(self, k: int, here: Halves) -> tuple[np.ndarray, np.ndarray]:
        c, ratio = self.c, here.whole.width_over_conductance[self.axis]
        low, high = np.zeros((3, *ratio.shape)), np.zeros((3, *ratio.shape))
        if self.axis == X:
            g = nearer(c.g_x[k], ratio[:, :-1], ratio[:, 1:])
            low[X, :, 1:] = high[X, :, :-1] = g * (here.high[:, :-1] - here.low[:, 1:])
        elif self.axis == Y:
            g = nearer(c.g_y[k], ratio[:-1], ratio[1:])
            low[Y, 1:] = high[Y, :-1] = g * (here.high[:-1] - here.low[1:])
        else:
            if k > 0:
                below = self.halves[k - 1]
                g = nearer(c.g_z[k - 1], below.whole.width_over_conductance[Z], ratio)
                low[Z] = g * (below.high - here.low)
            if k + 1 < self.nz:
                above = self.halves[k + 1]
                g = nearer(c.g_z[k], ratio, above.whole.width_over_conductance[Z])
                high[Z] = g * (here.high - above.low)
        s, chosen = self.model.boundary, self.model.boundary_of_plane(k)
        for n, j, i in zip(range(chosen.start, chosen.stop), *self.model.columns_of(chosen), strict=True):
            if s.axis[n] == self.axis:
                beside, sign, faces = (here.high, 1.0, high) if s.is_high[n] else (here.low, -1.0, low)
                film = nearer(c.surface[n], ratio[j, i], 0.0)
                leaving = film * (beside[j, i] - s.temperature[n]) - s.flux[n] * s.area[n]
                faces[self.axis, j, i] = sign * leaving
        return low[self.axis], high[self.axis]

    def add_across(self, residual: np.ndarray, k: int, side: str) -> None:
        """Add what enters the low or high halves through their faces across the other axes."""
        c, s, t = self.c, self.model.boundary, getattr(self.halves[k], side)
        if self.axis != X:
            through = 0.5 * c.g_x[k] * (t[:, :-1] - t[:, 1:])
            residual[:, :-1] -= through
            residual[:, 1:] += through
        if self.axis != Y:
            through = 0.5 * c.g_y[k] * (t[:-1] - t[1:])
            residual[:-1] -= through
            residual[1:] += through
        if self.axis != Z and k > 0:
            residual += 0.5 * c.g_z[k - 1] * (getattr(self.halves[k - 1], side) - t)
        if self.axis != Z and k + 1 < self.nz:
            residual += 0.5 * c.g_z[k] * (getattr(self.halves[k + 1], side) - t)
        chosen = self.model.boundary_of_plane(k)
        for n, j, i in zip(range(chosen.start, chosen.stop), *self.model.columns_of(chosen), strict=True):
            if s.axis[n] != self.axis:
                leaving = c.surface[n] * (t[j, i] - s.temperature[n]) - s.flux[n] * s.area[n]
                residual[j, i] -= 0.5 * leaving

    def back(self) -> np.ndarray:
        """Return what fails to balance [W], brought back by the transpose of the way there."""
        c, s = self.c, self.model.boundary
        on_low, on_high = np.empty(self.fluxes.t.shape), np.empty(self.fluxes.t.shape)
        back = np.empty(self.fluxes.t.shape)
        for k, (halves, (low, high, *_)) in enumerate(zip(self.halves, self.balances, strict=True)):
            first, second = (trust * halves.whole.width_over_conductance[self.axis] for trust in halves.trust)
            on_low[k] = first * (5.0 * low - 3.0 * high) / 32.0
            on_high[k] = second * (3.0 * low - 5.0 * high) / 32.0
            back[k] = low + high
        lower = tuple(slice(None, -1) if n == self.axis else slice(None) for n in range(3))
        upper = tuple(slice(1, None) if n == self.axis else slice(None) for n in range(3))
        moved = (c.g_z, c.g_y, c.g_x)[self.axis] * (on_high[lower] + on_low[upper])
        back[lower] += moved
        back[upper] -= moved
        own = np.flatnonzero(s.axis == self.axis)
        cell = s.cell[own]
        on_face = np.where(s.is_high[own], on_high.ravel()[cell], -on_low.ravel()[cell])
        np.add.at(back.reshape(-1), cell, c.surface[own] * on_face)
        return back

    def ends(self, k: int) -> tuple[np.ndarray, ...]:
        ratio = self.halves[k].whole.width_over_conductance[self.axis]
        return tuple(-0.5 * ratio * flow for flow in self.balances[k][2:])

    def drift(self, k: int) -> np.ndarray:
        """Return how the cut changes the mean of each cell [K]."""
        here, ends = self.halves[k], self.ends(k)
        a, b = (slope[self.axis] for slope in here.whole.slopes)
        bend = 0.5 * (here.low + here.high) - self.fluxes.t[k]
        return bend + (ends[2] - ends[0]) / 48.0 - (b - a) / 24.0


def plain_trust(a: np.ndarray, b: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of the slopes carries over: a bend that the cells beside do not share does not."""
    if axis == Z:
        return np.ones(a.shape), np.ones(a.shape)
    bend = np.moveaxis(np.abs(b - a), axis - 1, 0)
    shared = np.full(bend.shape, np.inf)
    shared[1:] = bend[:-1]
    shared[:-1] = np.minimum(shared[:-1], bend[1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.moveaxis(np.where(SHARED * shared < bend, SHARED * shared / bend, 1.0), 0, axis - 1)
        low = np.where(np.abs(a) > np.abs(b), kept + (1.0 - kept) * b / a, 1.0)
        high = np.where(np.abs(b) > np.abs(a), kept + (1.0 - kept) * a / b, 1.0)
    return low, high


def nearer(g: np.ndarray, low: np.ndarray, high: np.ndarray | float) -> np.ndarray:
    return g / (1.0 - 0.25 * g * (low + high))


# -- measuring -------------------------------------------------------------------------------


def check_measured(fluxes: Fluxes) -> None:
    low, mean, high = plain_extremes(fluxes)
    measured, model = measure_parts(fluxes), fluxes.model
    s, heats = model.boundary, [source.plane for source in model.layer_sources]
    fixed = s.temperature[s.h > 0.0]
    if min(heat.min() for heat in [*heats, s.flux, np.zeros(1)] if heat.size) >= 0.0:
        low = np.maximum(low, fixed.min())
    if max(heat.max() for heat in [*heats, s.flux, np.zeros(1)] if heat.size) <= 0.0:
        high = np.minimum(high, fixed.max())
    volume = np.stack([volumes(model, k) for k in range(model.grid.shape[0])])
    for n, where in enumerate(inside(model)):
        if not where.any():
            assert n not in measured.temperatures
            assert measured.peaks.cell[n] == -1
            continue
        found = measured.temperatures[n]
        assert found.volume == pytest.approx(volume[where].sum(), rel=1e-12)
        assert found.min == pytest.approx(low[where].min(), rel=1e-13)
        assert found.mean == pytest.approx(np.average(mean[where], weights=volume[where]), rel=1e-13)
        assert found.max == pytest.approx(high[where].max(), rel=1e-13)
        cell = np.unravel_index(measured.peaks.cell[n], model.grid.shape)
        assert where[cell]
        assert high[cell] == pytest.approx(found.max, rel=1e-13)


@EVERY
@pytest.mark.parametrize("roughness", [0.01, 3.0, 100.0])
def test_parts_and_blocks_are_measured_as_by_numpy(
    shape: tuple[int, int, int], dtype: type, roughness: float
) -> None:
    check_measured(flowing(body(shape), dtype, roughness=roughness))


@WIDELY
@given(packages(), st.integers(0, 1000))
def test_random_packages_are_measured_as_by_numpy(package: Package, seed: int) -> None:
    check_measured(flowing(discretize(package, fineness=0.3), np.float64, seed))


def test_of_equal_cells_the_first_is_the_hottest() -> None:
    """A uniform body: in every part and block its first cell, in the order of the grid."""
    fluxes = flowing(body((3, 6, 21)), np.float64, roughness=0.0)
    fluxes.leaving[:] = 0.0
    measured = measure_parts(fluxes)
    for n, where in enumerate(inside(fluxes.model)):
        assert measured.peaks.cell[n] == np.flatnonzero(where)[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_integrals_are_those_of_numpy(shape: tuple[int, int, int]) -> None:
    model = body(shape)
    members, rng = PartsAndBlocks(model), np.random.default_rng(1)
    for k in range(shape[0]):
        values, sums = rng.standard_normal(shape[1:]), np.ones(members.count)
        members.add(k, values, sums)
        expected = [1.0 + (volumes(model, k) * values)[where[k]].sum() for where in inside(model)]
        assert sums == pytest.approx(expected, rel=1e-12)


# -- halving ---------------------------------------------------------------------------------


def check_halving(fluxes: Fluxes, axis: int, tolerance: float = 1e-10) -> None:
    twin, members = PlainHalving(fluxes, axis), PartsAndBlocks(fluxes.model)
    back, integral = np.full(fluxes.t.shape, np.nan), np.zeros(members.count)
    halving, expected = BisectedGrid(fluxes, axis), np.zeros(members.count)
    asked = np.unique(np.random.default_rng(0).integers(0, back[0].size, 7))
    flows, drifts = 0.0, 1e-300
    for k in range(back.shape[0]):
        told = halving.restrict_residual(k, back, members.windows, integral, asked)
        here, drift = twin.halves[k], twin.drift(k)
        body_of_it = fluxes.model.part[k].ravel()[asked] > 0
        values = np.stack([here.low, here.high, *twin.ends(k)], axis=-1).reshape(-1, 5)[asked]
        scale = np.abs(values - values[0]).max() + 1.0
        assert told[body_of_it] == pytest.approx(values[body_of_it], rel=1e-12, abs=tolerance * scale)
        members.add(k, drift, expected)
        flows = max(flows, *(float(np.abs(flow).max()) for flow in twin.balances[k]))
        drifts = max(drifts, float(np.abs(drift).max()), 1e-3)
    assert back == pytest.approx(twin.back(), abs=tolerance * flows)
    assert not back[fluxes.model.part == 0].any()
    assert integral == pytest.approx(expected, abs=tolerance * drifts * members.volume.max())


@EVERY
@pytest.mark.parametrize("axis", [Z, Y, X], ids="zyx")
def test_cells_are_halved_as_by_numpy(shape: tuple[int, int, int], dtype: type, axis: int) -> None:
    check_halving(flowing(body(shape), dtype), axis)


@WIDELY
@given(packages(), st.integers(0, 1000), st.sampled_from([Z, Y, X]))
def test_random_packages_are_halved_as_by_numpy(package: Package, seed: int, axis: int) -> None:
    check_halving(flowing(discretize(package, fineness=0.3), np.float64, seed), axis)


@pytest.mark.parametrize("axis", [Z, Y, X], ids="zyx")
def test_what_comes_back_comes_by_the_transpose(axis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With S for the way to the halves and A for their balance, what comes back is S' A S t: symmetric."""
    monkeypatch.setattr(error_estimate, "SHARED", 1e300)  # every slope is trusted, so that S is linear
    fluxes = flowing(body((3, 4, 3)), np.float64)  # no hole: a cell beside one shares its bend with nobody
    start, columns = fluxes.t.copy(), []
    for n in range(-1, start.size):
        t = start.copy()
        t.reshape(-1)[max(n, 0)] += n >= 0
        halving = BisectedGrid(Fluxes(fluxes.model, fluxes.conduction, fluxes.conductivity, t), axis)
        back, members = np.empty(t.shape), PartsAndBlocks(fluxes.model)
        for k in range(t.shape[0]):
            halving.restrict_residual(k, back, members.windows, np.zeros(members.count), np.zeros(0, np.intp))
        columns.append(back.ravel())
    operator = np.array(columns[1:]) - columns[0]
    assert operator == pytest.approx(operator.T, abs=1e-9 * np.abs(operator).max())
    assert np.count_nonzero(operator) > start.size
