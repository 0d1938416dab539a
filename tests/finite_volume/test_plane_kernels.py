"""Kernels of part temperatures and error estimate against NumPy twins, on odd shapes too."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.plain_nodal_values import all_fluxes, cells_of_plane, plain_extremes, plane_fluxes
from support.random_packages import packages

from thermostack import (
    Block,
    Convection,
    Cooling,
    FaceCooling,
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
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.finite_volume.error_estimate import MAX_SLOPE_CHANGE_RATIO, BisectedGrid
from thermostack.finite_volume.nodal_values import TIE_TOLERANCE, nodal_values
from thermostack.finite_volume.part_temperatures import PartsAndBlocks, measure_parts, measure_zones
from thermostack.finite_volume.reconstruction import CellFluxes, FaceFluxes, X, Y, Z, cell_resistance
from thermostack.materials.material import VOID
from thermostack.mesh.model import Model
from thermostack.units import mm

SILICON, MOLD, BOARD = Material("si", 100.0), Material("mold", 2.0), Material("board", (20.0, 15.0, 0.5))
SHAPES = [(3, 1, 1), (2, 1, 5), (4, 7, 1), (2, 3, 4), (3, 6, 21), (5, 9, 16), (2, 4, 67)]
DTYPES = (np.float32, np.float64)


# -- bodies ----------------------------------------------------------------------------------


def blocks_of(nx: int, ny: int) -> tuple[Block, ...]:
    """Return blocks of whole cells of 1 mm: a heat source, and in a large plane a heat sink."""
    west = Block("west", (0.0, 0.0), (max(1, nx // 2) * mm, max(1, ny // 3) * mm), 2.0)
    east = Block("east", ((nx - 1) * mm, (ny - 1) * mm), (1 * mm, 1 * mm), -0.5)
    return (west, east) if ny > 2 else (west,)


def body(shape: tuple[int, int, int], heated: Material = SILICON, mold: Material = MOLD) -> Model:
    """Return layers of cells of 1 mm by 1 mm with a hole, a contact resistance and four kinds of cooling."""
    nz, ny, nx = shape
    size = nx * mm, ny * mm
    hole = Region("hole", (2 * mm, 1 * mm), VOID, (1 * mm, 1 * mm))
    regions = (hole,) if nx > 3 and ny > 2 else ()
    power = Power(blocks=blocks_of(nx, ny), allow_negative=True)
    layers = [
        Layer("low", 1 * mm, BOARD, interface=Interface(top=1e-4)),
        Layer("heated", 0.2 * mm, heated, power),
    ]
    layers += [Layer(f"l{k}", 0.3 * mm, mold, regions=regions) for k in range(2, nz)]
    cooling = Cooling(
        bottom=FixedTemperature(310.0),
        top=Convection(1e4, 300.0),
        west=FaceCooling(FixedFlux(heat=1.0), on="highest"),
        surroundings=Convection(200.0, 290.0),
    )
    z = np.concatenate([[0.0, 1.0, 1.2], 1.2 + 0.3 * np.arange(1, nz - 1)]) * mm
    grid = Grid(np.arange(nx + 1) * mm, np.arange(ny + 1) * mm, z)
    return discretize(Package("p", (Stack("s", size, tuple(layers)),), cooling), grid=grid)


def random_fluxes(model: Model, dtype: type, seed: int = 0, roughness: float = 3.0) -> FaceFluxes:
    """Return the heat fluxes of a model at random temperatures."""
    t = 320.0 + roughness * np.random.default_rng(seed).standard_normal(model.grid.shape)
    conductivity = CellConductivity(model)
    c = assemble_conduction(model, conductivity)
    g = {name: np.ascontiguousarray(getattr(c, name), dtype=dtype) for name in ("g_x", "g_y", "g_z")}
    return FaceFluxes(model, replace(c, **g), conductivity, t)


def varying_fluxes(shape: tuple[int, int, int]) -> FaceFluxes:
    """Return the heat fluxes at random temperatures of a body whose conductivities depend on them."""
    falling = {"power_law": {"at_reference": [100.0, 80.0, 60.0], "exponent": 1.3}}
    rising = {"linear": {"at_reference": 2.0, "change_per_kelvin": 0.01, "range": [200.0, 600.0]}}
    model = body(shape, Material("falling", falling), Material("rising", rising))
    t = 320.0 + 30.0 * np.random.default_rng(0).standard_normal(model.grid.shape)
    conductivity = CellConductivity(model, t)
    return FaceFluxes(model, assemble_conduction(model, conductivity), conductivity, t)


EVERY = pytest.mark.parametrize(("shape", "dtype"), [(shape, dtype) for shape in SHAPES for dtype in DTYPES])
WIDELY = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


# -- twins -----------------------------------------------------------------------------------


def volumes(model: Model, k: int) -> np.ndarray:
    return model.grid.dz[k] * model.grid.dy[:, None] * model.grid.dx


def inside(model: Model) -> list[np.ndarray]:
    """Return the cells of each part and then of each block, each (nz, ny, nx) bool."""
    found = [model.part == n for n in range(1, len(model.parts) + 1)]
    for block in model.blocks:
        found.append(np.zeros(model.grid.shape, dtype=bool))
        found[-1][block.window] = model.part[block.window] > 0
    return found


def plain_mean(fluxes: FaceFluxes, power: np.ndarray | None = None) -> np.ndarray:
    """Return the mean temperature [K] of each cell; with a power [W], of cells that may store heat."""
    flux = all_fluxes(fluxes)
    mean_resistance = 0.5 * (flux.resistance_low + flux.resistance_high)
    by_sources = mean_resistance * (flux.low - flux.high)
    by_conductivity = (flux.resistance_low - flux.resistance_high) * (flux.low + flux.high)
    outflow = flux.high - flux.low
    kept = np.ones(fluxes.t.shape)
    if power is not None:
        magnitude, stored = np.abs(outflow).sum(axis=0), np.abs(outflow.sum(axis=0) - power)
        with np.errstate(invalid="ignore", divide="ignore"):
            kept = np.where(magnitude > stored, 1.0 - stored / magnitude, 0.0)
    bend = kept * by_sources.sum(axis=0) + by_conductivity.sum(axis=0)
    mean: np.ndarray = fluxes.t + bend / 24.0
    return mean


@dataclass(frozen=True, eq=False)
class Halves:
    """The cells at one height bisected along one axis."""

    whole: CellFluxes
    resistance: np.ndarray  # K/W, h / (k A) with k at the temperature of the cell
    limiters: tuple[np.ndarray, np.ndarray]  # of the slopes at the low and the high face
    low: np.ndarray  # K, in the low halves
    high: np.ndarray
    of_halves: tuple[np.ndarray, np.ndarray]  # K/W, h / (k A) with the mean k of each half
    inner: tuple[np.ndarray, np.ndarray]  # K/W, with k between the centres of the cell and of each half


class PlainBisection:
    """The twin of BisectedGrid, whole planes at a time, with the restriction of all planes at once."""

    def __init__(self, fluxes: FaceFluxes, axis: int) -> None:
        self.fluxes, self.axis, self.c = fluxes, axis, fluxes.conduction
        self.model, self.nz = fluxes.model, fluxes.t.shape[0]
        self.halves = [self.cut(k) for k in range(self.nz)]
        self.balances = [self.balance(k) for k in range(self.nz)]

    def cut(self, k: int) -> Halves:
        whole, cells = plane_fluxes(self.fluxes, k), cells_of_plane(self.fluxes, k)
        resistance = cell_resistance(self.model.grid, whole.conductivity, cells)[self.axis]
        a, b = -resistance * whole.low[self.axis], -resistance * whole.high[self.axis]
        limiters = plain_limiters(a, b, self.axis)
        a, b = a * limiters[0], b * limiters[1]
        of_halves = whole.resistance_low[self.axis], whole.resistance_high[self.axis]
        inner = tuple(0.5 * (resistance + half) for half in of_halves)
        t, curve, slope = self.fluxes.t[k], (b - a) / 32.0, (a + b) / 8.0
        of_low, of_high = (
            np.divide(half, resistance, out=np.ones(half.shape), where=resistance > 0.0) for half in inner
        )
        low, high = t + of_low * (curve - slope), t + of_high * (curve + slope)
        return Halves(whole, resistance, limiters, low, high, of_halves, (inner[0], inner[1]))

    def balance(self, k: int) -> tuple[np.ndarray, ...]:
        """Return the residuals of the low and high halves and the flows into, between and out of them [W]."""
        here = self.halves[k]
        both = sum(here.inner)
        with np.errstate(divide="ignore"):
            between = np.where(both > 0.0, 4.0 / both, 0.0) * (here.low - here.high)
        into, out_of = self.original_faces(k, here)
        own = 0.5 * self.model.power_of_plane(k)
        low, high = own + into - between, own + between - out_of
        for side in ("low", "high"):
            self.add_transverse(low if side == "low" else high, k, side)
        return low, high, into, between, out_of

    def original_faces(self, k: int, here: Halves) -> tuple[np.ndarray, np.ndarray]:
        c, (of_low, of_high) = self.c, here.inner
        low, high = np.zeros((3, *of_low.shape)), np.zeros((3, *of_low.shape))
        if self.axis == X:
            g = half_cell_conductance(c.g_x[k], of_high[:, :-1], of_low[:, 1:])
            low[X, :, 1:] = high[X, :, :-1] = g * (here.high[:, :-1] - here.low[:, 1:])
        elif self.axis == Y:
            g = half_cell_conductance(c.g_y[k], of_high[:-1], of_low[1:])
            low[Y, 1:] = high[Y, :-1] = g * (here.high[:-1] - here.low[1:])
        else:
            if k > 0:
                below = self.halves[k - 1]
                g = half_cell_conductance(c.g_z[k - 1], below.inner[1], of_low)
                low[Z] = g * (below.high - here.low)
            if k + 1 < self.nz:
                above = self.halves[k + 1]
                g = half_cell_conductance(c.g_z[k], of_high, above.inner[0])
                high[Z] = g * (here.high - above.low)
        s, chosen = self.model.boundary, self.model.boundary_of_plane(k)
        for n, j, i in zip(range(chosen.start, chosen.stop), *self.model.columns_of(chosen), strict=True):
            if s.axis[n] == self.axis:
                half, sign, faces = (here.high, 1.0, high) if s.is_high[n] else (here.low, -1.0, low)
                nearer = (of_high if s.is_high[n] else of_low)[j, i]
                g = half_cell_conductance(c.boundary_face_conductance[n], nearer, 0.0)
                outflow = g * (half[j, i] - s.temperature[n]) - s.flux[n] * s.area[n]
                faces[self.axis, j, i] = sign * outflow
        return low[self.axis], high[self.axis]

    def add_transverse(self, residual: np.ndarray, k: int, side: str) -> None:
        """Add the heat flow into the low or high halves through the faces normal to the other axes [W]."""
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
                outflow = (
                    c.boundary_face_conductance[n] * (t[j, i] - s.temperature[n]) - s.flux[n] * s.area[n]
                )
                residual[j, i] -= 0.5 * outflow

    def residual(self) -> np.ndarray:
        """Return the residual restricted to the cells [W], by the transpose of the interpolation."""
        c, s = self.c, self.model.boundary
        adjoint_low, adjoint_high = np.empty(self.fluxes.t.shape), np.empty(self.fluxes.t.shape)
        residual = np.empty(self.fluxes.t.shape)
        for k, (halves, (low, high, *_)) in enumerate(zip(self.halves, self.balances, strict=True)):
            first, second = (limiter * halves.resistance for limiter in halves.limiters)
            adjoint_low[k] = first * (5.0 * low - 3.0 * high) / 32.0
            adjoint_high[k] = second * (3.0 * low - 5.0 * high) / 32.0
            residual[k] = low + high
        lower = tuple(slice(None, -1) if n == self.axis else slice(None) for n in range(3))
        upper = tuple(slice(1, None) if n == self.axis else slice(None) for n in range(3))
        through = (c.g_z, c.g_y, c.g_x)[self.axis] * (adjoint_high[lower] + adjoint_low[upper])
        residual[lower] += through
        residual[upper] -= through
        own = np.flatnonzero(s.axis == self.axis)
        cell = s.cell[own]
        adjoint_face = np.where(s.is_high[own], adjoint_high.ravel()[cell], -adjoint_low.ravel()[cell])
        np.add.at(residual.reshape(-1), cell, c.boundary_face_conductance[own] * adjoint_face)
        return residual

    def ends(self, k: int) -> tuple[np.ndarray, ...]:
        here, (into, between, out_of) = self.halves[k], self.balances[k][2:]
        outer = (here.resistance + 1.5 * (half - here.resistance) for half in here.of_halves)
        resistances = next(outer), here.resistance, next(outer)
        return tuple(-0.5 * r * flow for r, flow in zip(resistances, (into, between, out_of), strict=True))

    def mean_change(self, k: int) -> np.ndarray:
        """Return the change of the mean of each cell by bisection [K]."""
        here, (into, _, out_of) = self.halves[k], self.balances[k][2:]
        flow_low, flow_high = here.whole.low[self.axis], here.whole.high[self.axis]
        low, high = here.of_halves
        before = 0.5 * (low + high) * (flow_low - flow_high) + (low - high) * (flow_low + flow_high)
        after = here.resistance * (into - out_of) + (low - high) * (into + out_of)
        change: np.ndarray = 0.5 * (here.low + here.high) - self.fluxes.t[k] + after / 96.0 - before / 24.0
        return change + self.mean_of_halves(here) - before / 24.0

    def mean_of_halves(self, here: Halves) -> np.ndarray:
        """Return the mean of each cell over its centre [K] with k linear in temperature in each half."""
        sources, total = np.zeros(here.resistance.shape), np.zeros(here.resistance.shape)
        for half, flow, sign in zip(
            here.of_halves, (here.whole.low[self.axis], here.whole.high[self.axis]), (1.0, -1.0), strict=True
        ):
            rise = 0.5 * sign * half * flow
            ratio = np.divide(here.resistance, half, out=np.ones(half.shape), where=half > 0.0)
            fraction = 0.5 + (1.0 - 1.0 / ratio) / 6.0  # of the rise at the face
            total += 0.5 * fraction * rise
            sources += 0.5 * sum(here.of_halves) * sign * flow
        return np.asarray(total - sources / 12.0)


def plain_limiters(a: np.ndarray, b: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the limiters of the slopes, which bound the slope change by that of the neighbours."""
    if axis == Z:
        return np.ones(a.shape), np.ones(a.shape)
    slope_change = np.moveaxis(np.abs(b - a), axis - 1, 0)
    shared = np.full(slope_change.shape, np.inf)
    shared[1:] = slope_change[:-1]
    shared[:-1] = np.minimum(shared[:-1], slope_change[1:])
    allowed = MAX_SLOPE_CHANGE_RATIO * shared
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.moveaxis(np.where(allowed < slope_change, allowed / slope_change, 1.0), 0, axis - 1)
        low = np.where(np.abs(a) > np.abs(b), kept + (1.0 - kept) * b / a, 1.0)
        high = np.where(np.abs(b) > np.abs(a), kept + (1.0 - kept) * a / b, 1.0)
    return low, high


def half_cell_conductance(g: np.ndarray, low: np.ndarray, high: np.ndarray | float) -> np.ndarray:
    return g / (1.0 - 0.25 * g * (low + high))


# -- part temperatures -------------------------------------------------------------------------------


def check_measured(fluxes: FaceFluxes, power: np.ndarray | None = None) -> None:
    (low, high), mean = plain_extremes(fluxes), plain_mean(fluxes, power)
    model, unbounded = fluxes.model, high
    power_of_plane = None if power is None else lambda k: power[k]
    zones = PartsAndBlocks(model)
    measured = measure_parts(fluxes, zones, measure_zones(fluxes, zones, power_of_plane=power_of_plane))
    boundary, sources = model.boundary, [source.plane for source in model.layer_sources]
    fixed = boundary.temperature[boundary.h > 0.0]
    if min(heat.min() for heat in [*sources, boundary.flux, np.zeros(1)] if heat.size) >= 0.0:
        low, high = np.maximum(low, fixed.min()), np.maximum(high, fixed.min())
    if max(heat.max() for heat in [*sources, boundary.flux, np.zeros(1)] if heat.size) <= 0.0:
        low, high = np.minimum(low, fixed.max()), np.minimum(high, fixed.max())
    volume = np.stack([volumes(model, k) for k in range(model.grid.shape[0])])
    for n, where in enumerate(inside(model)):
        if not where.any():
            assert n not in measured.temperatures
            assert measured.peaks.cell[n] == -1
            continue
        found = measured.temperatures[n]
        assert found.volume == pytest.approx(volume[where].sum(), rel=1e-12)
        assert found.min == pytest.approx(low[where].min(), rel=1e-13)
        average = np.average(mean[where], weights=volume[where])
        assert found.mean == pytest.approx(np.clip(average, found.min, found.max), rel=1e-13)
        assert found.max == pytest.approx(high[where].max(), rel=1e-13)
        cell = np.unravel_index(measured.peaks.cell[n], model.grid.shape)
        assert where[cell]
        assert high[cell] == pytest.approx(found.max, rel=1e-13)
        nodes = nodal_values(fluxes, tuple(np.array([index]) for index in cell))
        ties = TIE_TOLERANCE * np.ptp(nodes.t)
        assert nodes.at(measured.peaks.offset[:, [n]])[0] == pytest.approx(unbounded[cell], abs=ties + 1e-10)


@EVERY
@pytest.mark.parametrize("roughness", [0.01, 3.0, 100.0])
def test_temperatures_of_parts_and_blocks_equal_those_of_numpy(
    shape: tuple[int, int, int], dtype: type, roughness: float
) -> None:
    check_measured(random_fluxes(body(shape), dtype, roughness=roughness))


@EVERY
def test_means_of_cells_that_store_heat_equal_those_of_numpy(
    shape: tuple[int, int, int], dtype: type
) -> None:
    check_stored(random_fluxes(body(shape), dtype))


def check_stored(fluxes: FaceFluxes) -> None:
    outflow = all_fluxes(fluxes)
    balanced = (outflow.high - outflow.low).sum(axis=0)
    shares = np.random.default_rng(0).choice([0.0, 0.5, 0.9, 1.0, 2.0], size=balanced.shape)
    check_measured(fluxes, shares * balanced)


@pytest.mark.parametrize("shape", SHAPES)
def test_temperatures_where_conductivity_depends_on_temperature(shape: tuple[int, int, int]) -> None:
    check_measured(varying_fluxes(shape))
    check_stored(varying_fluxes(shape))


@WIDELY
@given(packages(), st.integers(0, 1000))
def test_temperatures_in_random_packages_equal_those_of_numpy(package: Package, seed: int) -> None:
    check_measured(random_fluxes(discretize(package, fineness=0.3), np.float64, seed))


def test_first_of_equal_maxima_is_the_peak() -> None:
    """In a uniform body the peak of every part and block is its first cell in the order of the grid."""
    fluxes = random_fluxes(body((3, 6, 21)), np.float64, roughness=0.0)
    fluxes.boundary_outflow[:] = 0.0
    measured = measure_parts(fluxes)
    for n, where in enumerate(inside(fluxes.model)):
        assert measured.peaks.cell[n] == np.flatnonzero(where)[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_integrals_equal_those_of_numpy(shape: tuple[int, int, int]) -> None:
    model = body(shape)
    zones, rng = PartsAndBlocks(model), np.random.default_rng(1)
    for k in range(shape[0]):
        values, sums = rng.standard_normal(shape[1:]), np.ones(zones.count)
        zones.add_integral(k, values, sums)
        expected = [1.0 + (volumes(model, k) * values)[where[k]].sum() for where in inside(model)]
        assert sums == pytest.approx(expected, rel=1e-12)


# -- bisection ---------------------------------------------------------------------------------


def check_bisection(fluxes: FaceFluxes, axis: int, tolerance: float = 1e-10) -> None:
    twin, zones = PlainBisection(fluxes, axis), PartsAndBlocks(fluxes.model)
    residual, integral = np.full(fluxes.t.shape, np.nan), np.zeros(zones.count)
    bisected, expected = BisectedGrid(fluxes, axis, zones.windows), np.zeros(zones.count)
    probes = np.unique(np.random.default_rng(0).integers(0, residual[0].size, 7))
    flow_max, change_max = 0.0, 1e-300
    for k in range(residual.shape[0]):
        found = bisected.restrict_residual(k, residual, integral, probes)
        here, change = twin.halves[k], twin.mean_change(k)
        is_active = fluxes.model.part[k].ravel()[probes] > 0
        values = np.stack([here.low, here.high, *twin.ends(k)], axis=-1).reshape(-1, 5)[probes]
        scale = np.abs(values - values[0]).max() + 1.0
        assert found[is_active] == pytest.approx(values[is_active], rel=1e-12, abs=tolerance * scale)
        zones.add_integral(k, change, expected)
        flow_max = max(flow_max, *(float(np.abs(flow).max()) for flow in twin.balances[k]))
        change_max = max(change_max, float(np.abs(change).max()), 1e-3)
    assert residual == pytest.approx(twin.residual(), abs=tolerance * flow_max)
    assert not residual[fluxes.model.part == 0].any()
    assert integral == pytest.approx(expected, abs=tolerance * change_max * zones.volume.max())


@EVERY
@pytest.mark.parametrize("axis", [Z, Y, X], ids="zyx")
def test_bisection_equals_that_of_numpy(shape: tuple[int, int, int], dtype: type, axis: int) -> None:
    check_bisection(random_fluxes(body(shape), dtype), axis)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [Z, Y, X], ids="zyx")
def test_bisection_where_conductivity_depends_on_temperature(shape: tuple[int, int, int], axis: int) -> None:
    check_bisection(varying_fluxes(shape), axis)


@WIDELY
@given(packages(), st.integers(0, 1000), st.sampled_from([Z, Y, X]))
def test_bisection_in_random_packages_equals_that_of_numpy(package: Package, seed: int, axis: int) -> None:
    check_bisection(random_fluxes(discretize(package, fineness=0.3), np.float64, seed), axis)


@pytest.mark.parametrize("axis", [Z, Y, X], ids="zyx")
def test_restriction_is_the_transpose_of_interpolation(axis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the interpolation S and the operator A of the halves the residual is S' A S t: symmetric."""
    # Without limiters S is linear.
    monkeypatch.setattr(error_estimate, "MAX_SLOPE_CHANGE_RATIO", 1e300)
    # Without a hole, because a cell next to one has no neighbour that bounds its slope change.
    fluxes = random_fluxes(body((3, 4, 3)), np.float64)
    start, columns = fluxes.t.copy(), []
    for n in range(-1, start.size):
        t = start.copy()
        t.reshape(-1)[max(n, 0)] += n >= 0
        residual, zones = np.empty(t.shape), PartsAndBlocks(fluxes.model)
        changed = FaceFluxes(fluxes.model, fluxes.conduction, fluxes.conductivity, t)
        bisected = BisectedGrid(changed, axis, zones.windows)
        for k in range(t.shape[0]):
            bisected.restrict_residual(k, residual, np.zeros(zones.count), np.zeros(0, np.intp))
        columns.append(residual.ravel())
    operator = np.array(columns[1:]) - columns[0]
    assert operator == pytest.approx(operator.T, abs=1e-9 * np.abs(operator).max())
    assert np.count_nonzero(operator) > start.size
