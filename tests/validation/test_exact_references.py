"""The reference solutions against published numbers, against each other, and against their own equations."""

from __future__ import annotations

import ast
from math import inf
from pathlib import Path

import numpy as np
import pytest
from exact import cosine_modes, kirchhoff_slab, nafems_t4, perrins_cylinders, spreading_resistance
from exact.cases import block_cases, largest_rise, mirrored, reference_values
from exact.layered_block import FINE, LayeredBlock, Region, Source
from exact.layered_column import Column, Layer
from exact.layered_wall import FixedFlux, FixedTemperature, LayeredWall, RobinEnd, WallLayer
from exact.manufactured import FACES, Manufactured
from exact.spreading_resistance import SpreadingResistance

CASES = {case.name: case for case in block_cases()}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def test_references_share_no_code_with_the_package() -> None:
    for file in (Path(__file__).parent / "exact").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            assert not any(name.split(".")[0] == "thermostack" for name in names), file.name


# --- the plane wall ---------------------------------------------------------------------------------------

WALL = (
    WallLayer(5e-4, 148.0, 2e8, 3e-6),
    WallLayer(3e-5, 4.0, 0.0, 1e-6),
    WallLayer(2e-3, 390.0, 1e7),
)


def test_wall_by_hand() -> None:
    """5 W/cm2 through 1 mm of 100 W/(m K), a 1 mm2 K/W joint and 2 mm of 50 W/(m K)."""
    wall = LayeredWall(
        (WallLayer(1e-3, 100.0), WallLayer(2e-3, 50.0, 0.0, 1e-6)), FixedTemperature(300.0), FixedFlux(5e4)
    )
    assert wall.temperature(1e-3) == pytest.approx(300.5, rel=1e-14)
    assert wall.temperature(1e-3, layer=1) == pytest.approx(300.55, rel=1e-14)
    assert wall.temperature(3e-3) == pytest.approx(302.55, rel=1e-14)
    assert wall.layer_mean(1) == pytest.approx(301.55, rel=1e-14)
    assert wall.fluxes == pytest.approx([-5e4] * 3)


def test_wall_with_a_source_peaks_inside() -> None:
    """Both faces held: the maximum of a heated slab is s t**2 / (8 k) above them, its mean two thirds."""
    wall = LayeredWall((WallLayer(2e-3, 10.0, 1e7),), FixedTemperature(300.0), FixedTemperature(300.0))
    assert wall.layer_max(0) == pytest.approx(300.5, rel=1e-14)
    assert wall.layer_mean(0) == pytest.approx(300.0 + 0.5 * 2.0 / 3.0, rel=1e-14)
    assert wall.temperature([0.0, 1e-3, 2e-3]) == pytest.approx([300.0, 300.5, 300.0], rel=1e-14)


ENDS = [RobinEnd(2e4, 310.0), FixedTemperature(325.0), FixedFlux(3e4)]
END_PAIRS = [(bottom, top) for bottom in ENDS for top in ENDS if not isinstance(bottom, FixedFlux)] + [
    (ENDS[2], ENDS[0]), (ENDS[2], ENDS[1])
]  # fmt: skip


@pytest.mark.parametrize(("bottom", "top"), END_PAIRS)
def test_wall_obeys_its_equations(bottom: object, top: object) -> None:
    wall = LayeredWall(WALL, bottom, top)  # type: ignore[arg-type]
    made = sum(layer.thickness * layer.source for layer in WALL)
    assert wall.fluxes[-1] - wall.fluxes[0] == pytest.approx(made, rel=1e-12)
    for end, sign, index, z, joint in ((bottom, 1.0, 0, 0.0, 3e-6), (top, -1.0, 2, wall.levels[-1], 0.0)):
        inward = sign * wall.fluxes[0 if index == 0 else -1]
        face = float(wall.temperature(z, layer=index)) + inward * joint
        match end:
            case RobinEnd(h, ambient):
                assert inward == pytest.approx(h * (ambient - face), rel=1e-9)
            case FixedTemperature(temperature):
                assert face == pytest.approx(temperature, rel=1e-13)
            case FixedFlux(flux):
                assert inward == pytest.approx(flux, rel=1e-12)
    for index in (1, 2):
        jump = wall.temperature(wall.levels[index], index - 1) - wall.temperature(wall.levels[index], index)
        assert jump == pytest.approx(WALL[index].interface_below * wall.fluxes[index], rel=1e-6, abs=1e-11)
    for index in range(3):
        z = np.linspace(wall.levels[index], wall.levels[index + 1], 20001)
        t = wall.temperature(z, layer=index)
        assert np.trapezoid(t, z) / (z[-1] - z[0]) == pytest.approx(wall.layer_mean(index), rel=1e-10)
        assert t.max() == pytest.approx(wall.layer_max(index), rel=1e-10)


def test_wall_with_two_fixed_fluxes_is_refused() -> None:
    with pytest.raises(ValueError, match="no steady"):
        LayeredWall(WALL, FixedFlux(1.0), FixedFlux(-1.0)).temperature(0.0)


# --- spreading resistance ---------------------------------------------------------------------------------


@pytest.mark.parametrize("row", spreading_resistance.PUBLISHED, ids=["lid", "hot_spot", "base"])
def test_spreading_resistance_as_published(row: spreading_resistance.PublishedRow) -> None:
    """The published digits are those of the plain sum of 1500 terms; the limit is up to 1.3e-5 away."""
    terms = spreading_resistance.PUBLISHED_TERMS
    assert row.case.mean_resistance(terms, extrapolate=False) == pytest.approx(row.mean, abs=5.1e-7)
    assert row.case.centre_resistance(terms, fade=False) == pytest.approx(row.centre, abs=5.1e-7)
    assert row.case.mean_resistance() == pytest.approx(row.mean, rel=5e-6)
    assert row.case.centre_resistance() == pytest.approx(row.centre, rel=1.5e-5)


def _as_block(case: SpreadingResistance, thin: float = 1e-12) -> LayeredBlock:
    """Return the plate with 1 W in a layer of 1 pm under its top."""
    k, (a, b), (w, h) = case.conductivity, case.plate, case.source
    x, y = case.centre or (0.5 * a, 0.5 * b)
    layers = (Layer("plate", case.thickness - thin, (k, k, k)), Layer("source", thin, (k, k, k)))
    source = Source("heat", 1, x - 0.5 * w, y - 0.5 * h, w, h, 1.0)
    return LayeredBlock(case.plate, layers, (source,), case.h, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "case",
    [row.case for row in spreading_resistance.PUBLISHED]
    + [SpreadingResistance((0.012, 0.009), 1e-3, 150.0, 8e3, (0.002, 0.001), (0.004, 0.007))],
)
def test_block_and_spreading_resistance_agree(case: SpreadingResistance) -> None:
    block = _as_block(case)
    mean, centre = case.mean_resistance(), case.centre_resistance()
    assert block.mean(block.regions["heat"]) == pytest.approx(mean, rel=2e-7)
    x, y = np.array([0.1, 0.41, 0.9]) * case.plate[0], np.array([0.2, 0.5, 0.77]) * case.plate[1]
    plane = block.temperature(x, y, case.thickness)[0]
    assert plane == pytest.approx(case.resistance_at(x, y), abs=1e-6 * centre)
    if case.centre is None:
        assert block.peak(block.regions["heat"]).temperature == pytest.approx(centre, rel=1e-6)


# --- the layered block: its parts -------------------------------------------------------------------------

MIXED = LayeredBlock(
    (7e-3, 5e-3),
    (
        Layer("substrate", 4e-4, (40.0, 15.0, 0.6), 2e-6),
        Layer("active", 4e-6, (120.0, 90.0, 60.0), 5e-6),
        Layer("bulk", 3e-4, (148.0, 100.0, 148.0)),
        Layer("lid", 1e-3, (390.0, 390.0, 390.0), 1e-5),
    ),
    (Source("a", 1, 1e-3, 1e-3, 2e-3, 1.5e-3, 4.0), Source("b", 2, 4e-3, 2e-3, 2e-3, 2e-3, 3.0)),
    300.0, 310.0, 6e3, 295.0, name="mixed",
)  # fmt: skip


def _by_linear_algebra(
    block: LayeredBlock, source: int, lx2: float, ly2: float, at: tuple[int, float]
) -> float:
    """Return the modal answer [K m3/W] from the 2 L boundary conditions, solved as one dense system."""
    n = len(block.layers)
    matrix, right = np.zeros((2 * n, 2 * n)), np.zeros(2 * n)
    decays = [np.sqrt((kx * lx2 + ky * ly2) / kz) for _, _, (kx, ky, kz), _ in block.layers]

    def value(index: int, z: float) -> tuple[list[float], list[float], float]:
        t, beta = block.layers[index].thickness, decays[index]
        kz = block.layers[index].conductivity[2]
        e, f = np.exp(-beta * z), np.exp(-beta * (t - z))
        return [e, f], [-kz * beta * e, kz * beta * f], (1.0 / (kz * beta**2) if index == source else 0.0)

    (basis, slope, own) = value(0, 0.0)
    past = 1.0 + block.h_bottom * block.layers[0].interface_below
    matrix[0, :2] = [past * s - block.h_bottom * v for v, s in zip(basis, slope, strict=True)]
    right[0] = block.h_bottom * own
    for index in range(n - 1):
        low, low_slope, low_own = value(index, block.layers[index].thickness)
        up, up_slope, up_own = value(index + 1, 0.0)
        r = block.layers[index + 1].interface_below
        matrix[2 * index + 1, 2 * index : 2 * index + 4] = [*low_slope, *(-s for s in up_slope)]
        matrix[2 * index + 2, 2 * index : 2 * index + 4] = [
            *(v + r * s for v, s in zip(low, low_slope, strict=True)), *(-v for v in up)
        ]  # fmt: skip
        right[2 * index + 2] = up_own - low_own
    basis, slope, own = value(n - 1, block.layers[-1].thickness)
    matrix[-1, -2:] = [s + block.h_top * v for v, s in zip(basis, slope, strict=True)]
    right[-1] = -block.h_top * own
    scale = np.abs(matrix).max(axis=1)
    unknown = np.linalg.solve(matrix / scale[:, None], right / scale)
    index, z = at
    basis, _, own = value(index, z)
    return float(np.dot(basis, unknown[2 * index : 2 * index + 2]) + own)


def test_transfer_across_layers_against_linear_algebra() -> None:
    for lx, ly in ((448.0, 0.0), (0.0, 628.0), (3e3, 2e3), (4e4, 1e3), (2e5, 3e5)):
        column = Column(MIXED.layers, 300.0, 6e3, np.array([[lx**2]]), np.array([[ly**2]]))
        for source in (1, 2):
            response = column.respond(source)
            peak = _by_linear_algebra(MIXED, source, lx**2, ly**2, (source, 2e-6))
            for index, layer in enumerate(MIXED.layers):
                for z in (0.0, 0.3 * layer.thickness, layer.thickness):
                    expected = _by_linear_algebra(MIXED, source, lx**2, ly**2, (index, z))
                    assert column.at(response, index, z)[0, 0] == pytest.approx(expected, abs=1e-9 * peak)


def _graded_quadrature() -> tuple[np.ndarray, np.ndarray]:
    """Return points and weights on 0..1, ever finer to both ends, for profiles with thin skins."""
    half = np.concatenate([[0.0], 0.5 ** np.arange(20, 0, -1)])
    edges = np.concatenate([half, 1.0 - half[-2::-1]])
    points, weights = np.polynomial.legendre.leggauss(10)
    widths = np.diff(edges)[:, None]
    return (edges[:-1, None] + widths * 0.5 * (1.0 + points)).ravel(), (0.5 * widths * weights).ravel()


@pytest.mark.parametrize("wave", [0.0, 1e2, 3e3, 2e5, 2e7])
def test_means_across_layers_against_quadrature(wave: float) -> None:
    column = Column(MIXED.layers, 0.0, inf, np.array([[wave**2]]), np.array([[0.0]]))
    points, weights = _graded_quadrature()
    response = column.respond(1)
    for index, (low, high) in ((0, (1e-4, 4e-4)), (1, (0.0, 4e-6)), (1, (1e-6, 1.5e-6)), (2, (0.0, 3e-6))):
        values = np.array([column.at(response, index, low + (high - low) * s)[0, 0] for s in points])
        mean = float(np.dot(weights, values))
        scale = column.at(response, 1, 2e-6)[0, 0]
        assert column.mean(response, index, low, high)[0, 0] == pytest.approx(mean, abs=1e-8 * scale)


@pytest.mark.parametrize("count", [64, 256])
def test_nodes_stand_for_all_modes(count: int) -> None:
    """The sum over nodes against the plain double sum, with the same fade of the last octave."""
    x, y, z = np.array([1e-3, 2.2e-3]), np.array([1e-3, 4.1e-3]), 4.03e-4
    grid = cosine_modes.modes(count)
    fade = np.ones(count)
    for _, modes, weights in grid.octaves[-1:]:
        fade[modes] = weights.sum(axis=1)  # the interpolant of 1 is 1
    a, b = MIXED.size
    mx, my = (cosine_modes.wave_numbers(side, count) for side in MIXED.size)
    column = Column(MIXED.layers, 300.0, 6e3, (mx**2)[None, :], (my**2)[:, None])
    expected = np.full((2, 2), MIXED._ambient(1, 3e-6))
    for source in MIXED.sources:
        density = source.power / (source.width * source.height * MIXED.layers[source.layer].thickness)
        kernel = density * column.at(column.respond(source.layer), 1, 3e-6)
        along_x = cosine_modes.window_series(a, source.x0, source.x0 + source.width, count) * fade
        along_y = cosine_modes.window_series(b, source.y0, source.y0 + source.height, count) * fade
        plan_x, plan_y = cosine_modes.point_series(a, x, count), cosine_modes.point_series(b, y, count)
        expected += (plan_y * along_y) @ kernel @ (plan_x * along_x).T
    found = MIXED.temperature(x, y, z, count=count)[0]
    assert found == pytest.approx(expected, abs=1e-9 * (expected.max() - 295.0))


# --- the layered block: its equations ---------------------------------------------------------------------


def test_block_obeys_the_heat_equation() -> None:
    """Second differences at points inside and outside the sources, in every layer."""
    rng = np.random.default_rng(3)
    for index, layer in enumerate(MIXED.layers):
        for x, y in ((2e-3, 1.7e-3), (5e-3, 3.1e-3), *rng.uniform((5e-4, 5e-4), (6.5e-3, 4.5e-3), (3, 2))):
            made = sum(
                s.power / (s.width * s.height * layer.thickness)
                for s in MIXED.sources
                if s.layer == index and s.x0 < x < s.x0 + s.width and s.y0 < y < s.y0 + s.height
            )
            step, z = (
                (5e-6, 5e-6, min(0.2 * layer.thickness, 1e-5)),
                MIXED.levels[index] + 0.45 * layer.thickness,
            )
            stencil = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
            weights = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0
            lines = (
                MIXED.temperature(x + stencil * step[0], y, z)[0, 0],
                MIXED.temperature(x, y + stencil * step[1], z)[0, :, 0],
                MIXED.temperature(x, y, z + stencil * step[2])[:, 0, 0],
            )
            terms = [
                k * float(weights @ line) / h**2
                for k, line, h in zip(layer.conductivity, lines, step, strict=True)
            ]
            scale = max(made, *(abs(term) for term in terms))
            assert sum(terms) + made == pytest.approx(0.0, abs=2e-5 * scale)


def _slope(block: LayeredBlock, x: float, y: float, index: int, top: bool) -> float:
    """Return kz dT/dz [W/m2] at a face of layer index, from five points inside it."""
    t = block.layers[index].thickness
    step = (-1.0 if top else 1.0) * min(0.02 * t, 2e-6)
    z = block.levels[index] + (t if top else 0.0) + step * np.arange(5)
    line = block.temperature(x, y, z, layer=index)[:, 0, 0]
    return (
        block.layers[index].conductivity[2]
        * float(np.dot([-25.0, 48.0, -36.0, 16.0, -3.0], line))
        / 12.0
        / step
    )


def test_block_obeys_its_boundary_conditions() -> None:
    for x, y in ((2e-3, 1.7e-3), (5e-3, 3.1e-3), (0.4e-3, 4.2e-3)):
        faces = [
            (float(MIXED.temperature(x, y, MIXED.levels[index], index)[0, 0, 0]),
             float(MIXED.temperature(x, y, MIXED.levels[index + 1], index)[0, 0, 0]))
            for index in range(4)
        ]  # fmt: skip
        for index in range(3):
            flux = -_slope(MIXED, x, y, index, top=True)
            scale = abs(flux) + 1e3
            assert -_slope(MIXED, x, y, index + 1, top=False) == pytest.approx(flux, abs=1e-4 * scale)
            resistance = MIXED.layers[index + 1].interface_below
            assert faces[index][1] - faces[index + 1][0] == pytest.approx(
                resistance * flux, abs=1e-4 * scale * 1e-5
            )
        up = -_slope(MIXED, x, y, 3, top=True)
        assert up == pytest.approx(6e3 * (faces[3][1] - 295.0), rel=1e-5)
        down = _slope(MIXED, x, y, 0, top=False)
        coefficient = 1.0 / (1.0 / 300.0 + MIXED.layers[0].interface_below)
        assert down == pytest.approx(coefficient * (faces[0][0] - 310.0), rel=1e-4)
    near = MIXED.temperature([0.0, 1e-6], 1.7e-3, 4.5e-4)[0, 0]
    assert near[1] == pytest.approx(near[0], abs=1e-5)  # adiabatic side


def test_block_loses_the_heat_it_makes() -> None:
    for case in (MIXED, *CASES.values()):
        bottom, top = case.heat_out()
        assert bottom + top == pytest.approx(case.power, rel=1e-12)
        if 0.0 < case.h_bottom < inf:
            low = case.mean(Region(0, (0.0, case.size[0]), (0.0, case.size[1]), (0.0, 0.0)))
            coefficient = 1.0 / (1.0 / case.h_bottom + case.layers[0].interface_below)
            area = case.size[0] * case.size[1]
            assert coefficient * area * (low - case.t_bottom) == pytest.approx(bottom, abs=1e-11 * case.power)


# --- the layered block: instances with another solution -----------------------------------------------------


@pytest.mark.parametrize(("h_bottom", "h_top"), [(2e3, 5e4), (inf, 3e3), (0.0, 900.0), (700.0, inf)])
def test_block_with_full_layers_is_the_wall(h_bottom: float, h_top: float) -> None:
    """Two ambients, mixed boundaries and fixed temperatures in one dimension."""
    a, b = 4e-3, 3e-3
    layers = tuple(Layer(f"l{i}", t, (7.0, 9.0, k), joint) for i, (t, k, _, joint) in enumerate(WALL))
    heat = tuple(
        Source(f"s{i}", i, 0.0, 0.0, a, b, s * a * b * t) for i, (t, _, s, _) in enumerate(WALL) if s > 0.0
    )
    block = LayeredBlock((a, b), layers, heat, h_bottom, 320.0, h_top, 290.0)
    ends = [
        FixedTemperature(t) if h == inf else FixedFlux(0.0) if h == 0.0 else RobinEnd(h, t)
        for h, t in ((h_bottom, 320.0), (h_top, 290.0))
    ]
    wall = LayeredWall(WALL, *ends)
    for index, layer in enumerate(layers):
        z = np.linspace(wall.levels[index], wall.levels[index + 1], 5)
        found = block.temperature(1.1e-3, 0.7e-3, z, layer=index)[:, 0, 0]
        assert found == pytest.approx(wall.temperature(z, layer=index), rel=1e-12)
        region = block.regions[layer.name]
        assert block.mean(region) == pytest.approx(wall.layer_mean(index), rel=1e-12)
        assert block.peak(region).temperature == pytest.approx(wall.layer_max(index), rel=1e-10)


def test_fixed_temperature_is_the_limit_of_the_htc() -> None:
    case = CASES["held_bottom"]
    limit = LayeredBlock(case.size, case.layers, case.sources, 1e16, case.t_bottom, case.h_top, case.t_top)
    for region in case.regions.values():
        assert limit.mean(region) == pytest.approx(case.mean(region), rel=1e-9)


@pytest.mark.parametrize("name", ["unequal_blocks", "interfaces", "orthotropic_plane"])
def test_mirrored_and_turned_blocks_give_the_same_values(name: str) -> None:
    case = CASES[name]
    turned = LayeredBlock(
        case.size[::-1],
        tuple(
            layer._replace(conductivity=(layer.conductivity[1], layer.conductivity[0], layer.conductivity[2]))
            for layer in case.layers
        ),
        tuple(s._replace(x0=s.y0, y0=s.x0, width=s.height, height=s.width) for s in case.sources),
        case.h_bottom, case.t_bottom, case.h_top, case.t_top,
    )  # fmt: skip
    for other in (mirrored(case), turned):
        for part, region in other.regions.items():
            assert other.mean(region) == pytest.approx(reference_values(case)[part].mean, rel=1e-11)
            assert other.peak(region).temperature == pytest.approx(
                reference_values(case)[part].peak, rel=1e-9
            )


def test_upside_down_block_gives_the_same_values() -> None:
    case = CASES["interfaces"]
    n = len(case.layers)
    joints = [0.0, *(layer.interface_below for layer in case.layers[:0:-1])]
    layers = tuple(
        layer._replace(interface_below=joint) for layer, joint in zip(case.layers[::-1], joints, strict=True)
    )
    sources = tuple(s._replace(layer=n - 1 - s.layer) for s in case.sources)
    other = LayeredBlock(case.size, layers, sources, case.h_top, case.t_top, case.h_bottom, case.t_bottom)
    for part, region in other.regions.items():
        assert other.mean(region) == pytest.approx(reference_values(case)[part].mean, rel=1e-11)


def test_orthotropic_slab_is_a_stretched_isotropic_one() -> None:
    """Stretched by sqrt(kz / kx) and sqrt(kz / ky) the equation is isotropic (Carslaw and Jaeger, 1.20)."""
    size, t, (kx, ky, kz), h = (8e-3, 6e-3), 5e-4, (300.0, 90.0, 20.0), 4e3
    sx, sy = np.sqrt(kz / kx), np.sqrt(kz / ky)
    thin = 1e-12
    block = LayeredBlock(
        size, (Layer("slab", t - thin, (kx, ky, kz)), Layer("heat", thin, (kx, ky, kz))),
        (Source("s", 1, 2e-3, 1e-3, 2e-3, 3e-3, 1.0),), h, 0.0, 0.0, 0.0,
    )  # fmt: skip
    plate = SpreadingResistance(
        (size[0] * sx, size[1] * sy), t, kz, h, (2e-3 * sx, 3e-3 * sy), (3e-3 * sx, 2.5e-3 * sy)
    )
    x, y = np.array([3e-3, 6e-3]), np.array([2.5e-3, 5e-3])
    expected = plate.resistance_at(x * sx, y * sy) * sx * sy
    assert block.temperature(x, y, t)[0] == pytest.approx(expected, rel=1e-6)


def test_block_is_reciprocal_and_linear() -> None:
    """Mean rise of j per watt in i equals that of i per watt in j; two loads add up."""
    case = CASES["stack_of_two"]
    alone = {
        s.name: LayeredBlock(
            case.size, case.layers, (s._replace(power=1.0),), case.h_bottom, 0.0, case.h_top, 0.0
        )
        for s in case.sources
    }
    influence = np.array([[block.mean(case.regions[part]) for block in alone.values()] for part in alone])
    assert influence == pytest.approx(influence.T, rel=1e-11)
    powers = np.array([s.power for s in case.sources])
    means = np.array([reference_values(case)[s.name].mean for s in case.sources])
    assert means - 300.0 == pytest.approx(influence @ powers, rel=1e-10)


def test_mean_is_the_integral_of_the_temperature() -> None:
    """Gauss quadrature on a box without a source edge inside, where the field is smooth."""
    points, weights = np.polynomial.legendre.leggauss(24)
    for region in (
        Region(1, (1.2e-3, 2.8e-3), (1.2e-3, 2.3e-3), (1e-6, 3e-6)),
        Region(3, (0.5e-3, 1.7e-3), (3e-3, 5e-3), (4e-4, 1e-3)),
    ):
        axes = [0.5 * (low + high) + 0.5 * (high - low) * points for low, high in region[1:]]
        field = MIXED.temperature(axes[0], axes[1], axes[2] + MIXED.levels[region.layer], region.layer)
        mean = float(np.einsum("k,j,i,kji", weights, weights, weights, field)) / 8.0
        assert MIXED.mean(region) == pytest.approx(mean, abs=1e-8 * (mean - 295.0))


def test_block_without_cooling_is_refused() -> None:
    with pytest.raises(ValueError, match="h_bottom"):
        LayeredBlock(MIXED.size, MIXED.layers, MIXED.sources, 0.0, 0.0, 0.0, 0.0)


# --- the cases: stated accuracy ---------------------------------------------------------------------------


def test_cases_are_many_and_named() -> None:
    names = [case.name for case in block_cases()]
    assert len(names) == len(set(names)) >= 12
    for case in block_cases():
        assert len(case.regions) == len(case.layers) + len(case.sources)


@each_case
def test_case_converges(case: LayeredBlock) -> None:
    """Half the modes change no mean by 1e-7 of the largest rise and no peak by 1e-9 of it."""
    rise = largest_rise(case)
    for name, region in case.regions.items():
        part = reference_values(case)[name]
        assert case.mean(region, FINE // 2) == pytest.approx(part.mean, abs=1e-7 * rise)
        x, y, z = part.at
        again = case.temperature(x, y, z, region.layer, FINE // 2)[0, 0, 0]
        assert again == pytest.approx(part.peak, abs=1e-9 * rise)
        assert part.mean <= part.peak


@each_case
def test_no_point_of_a_part_tops_its_peak(case: LayeredBlock) -> None:
    """Sampled on regular points that know nothing of the edges, and again close to the peak."""
    rise = largest_rise(case)
    rng = np.random.default_rng(7)
    for name, region in case.regions.items():
        peak, at = reference_values(case)[name].peak, reference_values(case)[name].at
        bottom = case.levels[region.layer]
        for reach in (None, 0.05, 1e-3):
            axes = []
            for (low, high), place, n in zip(
                region[1:], (at[0], at[1], at[2] - bottom), (41, 41, 3), strict=True
            ):
                if reach is None:
                    axes.append(np.linspace(low, high, n))
                else:
                    axes.append(np.clip(place + reach * (high - low) * rng.uniform(-1.0, 1.0, 5), low, high))
            field = case._sample(region.layer, axes[0], axes[1], axes[2], 2**13)
            assert field.max() <= peak + 1e-6 * rise


def test_parts_of_a_block_cover_its_layer() -> None:
    """The abutting blocks of one layer: the mean of their union is the mean of the means."""
    case = CASES["abutting_blocks"]
    hot, warm = (case.regions[name] for name in ("hot", "warm"))
    union = Region(hot.layer, (hot.x[0], warm.x[1]), hot.y, hot.z)
    values = reference_values(case)
    expected = (2.0 * values["hot"].mean + 3.0 * values["warm"].mean) / 5.0
    assert case.mean(union) == pytest.approx(expected, abs=1e-7 * largest_rise(case))
    assert case.peak(union).temperature == pytest.approx(values["hot"].peak, rel=1e-10)
    assert values["warm"].at[0] == pytest.approx(warm.x[0], abs=1e-12)  # beside the hot block, on the edge


def test_scattered_points_are_the_grid() -> None:
    x, y, z = np.array([1e-3, 4e-3]), np.array([2e-3, 3e-3]), np.array([1e-4, 1e-3])
    grid = MIXED.temperature(x, y, z)
    assert MIXED.temperature_at(x, y, z) == pytest.approx([grid[0, 0, 0], grid[1, 1, 1]], rel=1e-13)


# --- the plate, the slab, the cylinders, the manufactured field -------------------------------------------


def test_nafems_t4_as_published() -> None:
    for (x, y), published in nafems_t4.PUBLISHED.items():
        assert nafems_t4.temperature(x, y) == pytest.approx(published, abs=5.1e-5)
    assert nafems_t4.temperature(0.6, 0.2) == pytest.approx(18.3, abs=0.05)


def test_nafems_t4_obeys_its_equations() -> None:
    x, y, step = np.array([0.11, 0.37]), np.array([0.24, 0.61]), 1e-3
    laplacian = -4.0 * nafems_t4.temperature(x, y)
    for dx, dy in ((step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)):
        laplacian = laplacian + nafems_t4.temperature(x + dx, y + dy)
    assert laplacian / step**2 == pytest.approx(0.0, abs=1e-2)
    for place, inward in (((0.6, 0.4), (-step, 0.0)), ((0.3, 1.0), (0.0, -step))):
        face, first, second = (
            nafems_t4.temperature(place[0] + i * inward[0], place[1] + i * inward[1]) for i in range(3)
        )
        flux = nafems_t4.CONDUCTIVITY * (-3.0 * face + 4.0 * first - second) / (2.0 * step)
        assert flux == pytest.approx(nafems_t4.HTC * face, rel=1e-3)
    assert nafems_t4.temperature(0.3, 0.0, terms=20000) == pytest.approx(100.0, abs=0.01)


@pytest.mark.parametrize(("exponent", "published"), kirchhoff_slab.PUBLISHED.items())
def test_kirchhoff_slab_as_published(exponent: float, published: float) -> None:
    slab = kirchhoff_slab.silicon_slab(exponent)
    assert slab.top == pytest.approx(published, abs=5.1e-5)
    z = np.array([1e-4, 3e-4])
    slope = (slab.temperature(z + 1e-7) - slab.temperature(z - 1e-7)) / 2e-7
    assert slab.conductivity_at(slab.temperature(z)) * slope == pytest.approx(slab.flux, rel=1e-6)


@pytest.mark.parametrize(("index", "fraction"), list(enumerate(perrins_cylinders.FRACTIONS)))
def test_cylinders_as_published(index: int, fraction: float) -> None:
    perfect = perrins_cylinders.effective_conductivity(fraction, inf)
    assert perfect == pytest.approx(perrins_cylinders.PERFECT[index], abs=5.1e-4)
    ten = perrins_cylinders.effective_conductivity(fraction, 10.0)
    assert ten == pytest.approx(perrins_cylinders.CONTRAST_TEN[index], abs=5.1e-5)
    assert ten * perrins_cylinders.effective_conductivity(fraction, 0.1) == pytest.approx(1.0, rel=1e-10)
    assert perrins_cylinders.effective_conductivity(fraction, inf, 80) == pytest.approx(perfect, rel=1e-9)


def test_cylinders_that_are_few_obey_maxwell() -> None:
    for contrast in (0.0, 0.2, 5.0, inf):
        beta = 1.0 if contrast == inf else (contrast - 1.0) / (contrast + 1.0)
        f = 1e-3
        expected = (1.0 + f * beta) / (1.0 - f * beta)
        assert perrins_cylinders.effective_conductivity(f, contrast) == pytest.approx(expected, rel=1e-9)
    assert perrins_cylinders.effective_conductivity(0.4, 1.0) == 1.0
    with pytest.raises(ValueError, match="touch"):
        perrins_cylinders.effective_conductivity(0.8, 2.0)


def test_manufactured_source_is_the_divergence() -> None:
    """The gradient and the divergence by complex steps, which have no rounding error to speak of."""
    field = Manufactured()
    points = np.random.default_rng(1).uniform(0.0, 1.0, (3, 50)) * np.array(field.size)[:, None]
    tiny = 1e-25
    divergence = np.zeros(50)
    for axis in range(3):
        moved = [p + (1j * tiny if i == axis else 0.0) for i, p in enumerate(points)]
        slope = np.imag(field.temperature(*moved)) / tiny
        assert slope == pytest.approx(field.gradient(*points)[axis], rel=1e-12, abs=1e-9)
        divergence += np.imag(field.conductivity(*moved)[axis] * field.gradient(*moved)[axis]) / tiny
    assert field.source(*points) == pytest.approx(-divergence, rel=1e-11)


def test_manufactured_field_meets_its_coefficients() -> None:
    field = Manufactured()
    points = np.random.default_rng(2).uniform(0.0, 1.0, (3, 20)) * np.array(field.size)[:, None]
    for number, name in enumerate(FACES):
        axis, far = divmod(number, 2)
        on_face = [p.copy() for p in points]
        on_face[axis][:] = field.size[axis] * far
        outward = (1.0 if far else -1.0) * field.gradient(*on_face)[axis]
        flux = -field.conductivity(*on_face)[axis] * outward
        coefficient = field.coefficients[name] * (field.temperature(*on_face) - field.ambient)
        assert coefficient == pytest.approx(flux, rel=1e-10)
    assert all(h > 0.0 for h in field.coefficients.values())
    assert min(k.min() for k in field.conductivity(*points)) > 0.0
