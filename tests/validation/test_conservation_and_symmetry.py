"""Laws that hold for every package, on random ones: balance, reciprocity, superposition, symmetry, bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from support.random_packages import (
    described_power,
    mirrored,
    packages,
    powered_layers,
    scaled,
    scaled_powers,
    solid_volume,
    turned,
)

from thermostack import (
    Block,
    Convection,
    Cooling,
    Grid,
    Interface,
    Layer,
    Model,
    Package,
    Power,
    Stack,
    discretize,
    solve_steady,
)
from thermostack.errors import DescriptionError
from thermostack.finite_volume.conduction import Conduction, assemble_conduction
from thermostack.linear import prepare
from thermostack.materials.material import VOID, Material
from thermostack.results.steady_result import SteadyResult
from thermostack.units import mm

CELL = (1 * mm, 1 * mm, 0.4 * mm)  # coarse on purpose: the laws hold on any grid, some 10^3 cells here
FINE = 1e-12  # tolerance of solutions that are compared with each other


def solved(package: Package, grid: Grid | None = None, **options: object) -> SteadyResult:
    given_here = {"method": "direct", "residual": FINE, "estimate": False} | options
    return solve_steady(discretize(package, cell=CELL, grid=grid), **given_here)  # type: ignore[arg-type]


def reach(steady: SteadyResult) -> float:
    """Return how far temperatures lie apart, with those outside [K]: what errors are relative to."""
    surfaces = steady.model.boundary
    outside = surfaces.temperature[surfaces.h > 0.0]
    low, high = min(outside.min(), np.nanmin(steady.field)), max(outside.max(), np.nanmax(steady.field))
    return max(float(high - low), 1e-6)


def assert_alike(one: np.ndarray, other: np.ndarray, allowed: float) -> None:
    assert np.array_equal(np.isnan(one), np.isnan(other))
    assert np.nanmax(np.abs(one - other)) <= allowed


# -- conservation ----------------------------------------------------------------------------


@given(packages())
def test_heat_balances(package: Package) -> None:
    """In and out agree to 1e-8 of what passes through, with the solver and its tolerance as they are."""
    steady = solve_steady(discretize(package, cell=CELL))
    assert steady.heat_balance.heat_in == pytest.approx(described_power(package), rel=1e-12)
    assert steady.heat_balance.relative <= 1e-8


@given(packages(), st.floats(0.15, 3.0), st.floats(0.02, 1.0), st.floats(0.3, 1.5))
def test_power_and_volume_are_kept_on_any_grid(package: Package, x: float, z: float, fineness: float) -> None:
    """Power to 1e-12, and the volume of the parts to 1e-12 of what was drawn: all faces are planes."""
    models = (
        discretize(package, cell=(x * mm, x * mm, z * mm)),
        discretize(package, fineness=fineness),
    )
    for model in models:
        assert model.power.sum() == pytest.approx(described_power(package), rel=1e-12)
        assert model.power_of_parts.sum() == pytest.approx(described_power(package), rel=1e-12)
        assert (model.power[model.part == 0] == 0.0).all()
        volume = model.grid.volume[model.part > 0].sum()
        expected = solid_volume(package)
        if expected > 0.0:
            assert volume == pytest.approx(expected, rel=1e-12, abs=0.0)


@given(packages())
def test_power_is_kept_on_planes_that_miss_the_blocks(package: Package) -> None:
    """On planes that stand on the faces of materials and on no edge of a block the sum is kept to 1e-12."""

    def evenly(layer: Layer) -> Layer:
        return layer if layer.power is None else replace(layer, power=Power(total=1.0))

    stacks = tuple(
        replace(stack, layers=tuple(evenly(layer) for layer in stack.layers)) for stack in package.stacks
    )
    grid = discretize(replace(package, stacks=stacks), cell=(0.83 * mm, 0.71 * mm, 0.4 * mm)).grid
    assert discretize(package, grid=grid).power.sum() == pytest.approx(described_power(package), rel=1e-12)


def test_planes_far_from_what_is_heated_are_refused() -> None:
    """A grid of two cells across a die that ends in the middle of one is an E-GRID, no wrong sum."""
    die = Layer("die", 0.2 * mm, Material("si", 148.0), Power(total=1.0))
    stacks = (
        Stack("board", (8 * mm, 4 * mm), (Layer("board", 1 * mm, Material("fr4", 1.0)),)),
        Stack("die", (1 * mm, 1 * mm), (die,), on="board", position=(3 * mm, 1 * mm)),
    )
    package = Package("two", stacks, Cooling(bottom=Convection(100.0, 300.0)))
    coarse = Grid(np.array([0.0, 4.0, 8.0]) * mm, np.array([0.0, 4.0]) * mm, np.array([0.0, 1.0, 1.2]) * mm)
    with pytest.raises(DescriptionError, match="E-GRID"):
        discretize(package, grid=coarse)
    short = Grid(
        np.array([0.0, 4.0]) * mm, np.array([0.0, 1.0, 2.0, 4.0]) * mm, np.array([0.0, 1.0, 1.2]) * mm
    )
    with pytest.raises(DescriptionError, match="do not cover the body"):
        discretize(package, grid=short)


# -- the operator ----------------------------------------------------------------------------


@given(packages(), st.integers(0, 10**6))
def test_the_operator_is_symmetric_and_gives_no_heat(package: Package, seed: int) -> None:
    """U G t = t G u, u G u > 0, and what an even temperature loses is what it gives to the outside."""
    model = discretize(package, cell=CELL)
    conduction = assemble_conduction(model)
    chance = np.random.default_rng(seed)
    u, t = (np.where(model.part > 0, chance.standard_normal(model.grid.shape), 0.0) for _ in range(2))
    gu, gt = conduction.apply(u), conduction.apply(t)
    size = np.abs(t * gu).sum() + np.abs(u * gt).sum()
    assert abs((t * gu).sum() - (u * gt).sum()) <= 1e-12 * size
    assert (u * gu).sum() > 0.0
    even = np.where(model.part > 0, 1.0, 0.0)
    assert np.array_equal(conduction.apply(even), conduction.boundary.dense)
    assert conduction.boundary.dense.sum() == pytest.approx(
        conduction.boundary_face_conductance.sum(), rel=1e-12
    )
    assert np.array_equal(conduction.is_active, model.part > 0)
    assert_matrix_is_operator(conduction, t)


def assert_matrix_is_operator(conduction: Conduction, t: np.ndarray) -> None:
    applied = conduction.apply(t)
    by_matrix = (conduction.to_csr() @ t.ravel()).reshape(t.shape)
    assert np.abs(by_matrix - applied).max() <= 1e-12 * np.abs(conduction.diagonal() * t).max()


@given(packages())
def test_reciprocity(package: Package) -> None:
    """1 W in part a warms part b as 1 W in b warms a: the influence matrix is symmetric to 1e-8."""
    model = discretize(package, cell=CELL)
    volume = np.where(model.part > 0, model.grid.volume, 0.0)
    sources = []
    for part in np.unique(model.part[model.part > 0])[:6].tolist():
        cells = np.where(model.part == part, volume, 0.0)
        sources.append(cells / cells.sum())
    solver = prepare(assemble_conduction(model), "direct")
    answers = [solver.solve(source, tolerance=FINE)[0] for source in sources]
    influence = np.array([[(source * answer).sum() for answer in answers] for source in sources])
    assert np.abs(influence - influence.T).max() <= 1e-8 * influence.max()
    assert (influence >= -1e-12 * influence.max()).all()
    own = np.diag(influence)
    assert (influence**2 <= np.outer(own, own) * (1.0 + 1e-8)).all()  # Cauchy and Schwarz: G is positive


@given(packages())
def test_superposition(package: Package) -> None:
    """The rises of one layer's power and of all the others' add to that of all: to 1e-8 of the range."""
    names = powered_layers(package)
    assume(len(names) > 1)
    whole = solved(package)
    grid = whole.model.grid  # an edge of a block without heat would be no plane
    bare = solved(scaled_powers(package, {}), grid)
    one = solved(scaled_powers(package, {names[0]: 1.0}), grid)
    others = solved(scaled_powers(package, dict.fromkeys(names[1:], 1.0)), grid)
    assert_alike(one.field + others.field - bare.field, whole.field, 1e-8 * reach(whole))
    double = solved(scaled_powers(package, dict.fromkeys(names, 3.0)), grid)
    assert_alike(double.field - bare.field, 3.0 * (whole.field - bare.field), 1e-8 * reach(double))


# -- bounds ----------------------------------------------------------------------------------


@given(packages())
def test_maximum_principle(package: Package) -> None:
    """Without heat all lies between the temperatures outside; heat warms all, and most where it is."""
    calm = replace(package.cooling, **dict.fromkeys(("west", "east", "south", "north"), ()))  # no given heat
    package = replace(package, cooling=calm)
    heated = solved(package)
    bare = solved(scaled_powers(package, {}), heated.model.grid)
    surfaces = bare.model.boundary
    outside = surfaces.temperature[surfaces.h > 0.0]
    slack = 1e-9 * reach(heated) + 1e-11  # K: the rounding of 300 K
    assert np.nanmin(bare.field) >= outside.min() - slack
    assert np.nanmax(bare.field) <= outside.max() + slack
    assert np.nanmin(heated.field - bare.field) >= -slack
    warmest = np.unravel_index(np.nanargmax(heated.field), heated.field.shape)
    if heated.field[warmest] > outside.max() + slack:
        assert heated.model.power[warmest] > 0.0
    for part in bare.parts:  # what is rebuilt between the centres keeps to it too
        assert part.min >= outside.min() - slack
        assert part.max <= outside.max() + slack
    for part in heated.parts:
        assert outside.min() - slack <= part.min <= part.mean + slack
        assert part.mean <= part.max + slack


# -- symmetry --------------------------------------------------------------------------------


@given(packages())
def test_a_turned_package_has_the_turned_field(package: Package) -> None:
    """A quarter turn of everything drawn, coolers too: the same temperatures to 1e-8 of their range."""
    one, other = solved(package), solved(turned(package))
    assert_alike(other.field, np.rot90(one.field, axes=(2, 1)), 1e-8 * reach(one))
    assert other.heat_balance.heat_in == pytest.approx(one.heat_balance.heat_in, rel=1e-12)


@given(packages())
def test_a_mirrored_package_has_the_mirrored_field(package: Package) -> None:
    """Everything drawn at W - x: the same temperatures to 1e-8 of their range."""
    one, other = solved(package), solved(mirrored(package))
    assert_alike(other.field, one.field[:, :, ::-1], 1e-8 * reach(one))


@given(packages())
def test_symmetry_of_the_default_grid(package: Package) -> None:
    """The default rule's planes turn and mirror with the package: as many, and in their places to 0.1 mm.

    The wanted size of a cell jumps where blocks end, and rounding may put one sample of 128 beyond that.
    """
    width, depth = package.stacks[0].size
    one = discretize(package, fineness=0.25).grid
    rotated = discretize(turned(package), fineness=0.25).grid
    flipped = discretize(mirrored(package), fineness=0.25).grid
    assert rotated.shape == (one.dz.size, one.dx.size, one.dy.size)
    assert rotated.y == pytest.approx(one.x, abs=1e-4)
    assert rotated.x == pytest.approx((depth - one.y)[::-1], abs=1e-4)
    assert flipped.shape == one.shape
    assert flipped.x == pytest.approx((width - one.x)[::-1], abs=1e-4)


@given(packages(), st.sampled_from((0.125, 0.7, 3.0)))
def test_scaling(package: Package, scale: float) -> None:
    """Lengths times s, k / s, h / s^2, interfaces times s^2: every conductance and temperature stays."""
    models = (
        discretize(package, cell=CELL),
        discretize(scaled(package, scale), cell=tuple(scale * size for size in CELL)),
    )
    one, other = (solve_steady(model, method="direct", residual=FINE, estimate=False) for model in models)
    assert_alike(other.field, one.field, 1e-8 * reach(one))


@given(packages(), st.integers(0, 4))
def test_a_layer_drawn_as_two_is_the_same(package: Package, pick: int) -> None:
    """Half a layer on half a layer of the same material, half the power in each, on the same planes."""
    stack = package.stacks[pick % len(package.stacks)]
    n = pick % len(stack.layers)
    halves = []
    for half, name in enumerate(("lower", "upper")):
        layer = stack.layers[n]
        power = layer.power
        if power is not None:
            total = None if power.total is None else 0.5 * power.total
            blocks = tuple(replace(block, power=0.5 * block.unscaled_power) for block in power.blocks)
            power = replace(power, total=total, blocks=blocks)
        interface = layer.interface if half == 0 else Interface()
        halves.append(
            replace(layer, name=name, thickness=0.5 * layer.thickness, power=power, interface=interface)
        )
    layers = (*stack.layers[:n], *halves, *stack.layers[n + 1 :])
    others = tuple(replace(each, layers=layers) if each is stack else each for each in package.stacks)
    split = replace(package, stacks=others)
    grid = discretize(split, cell=CELL).grid
    one, two = (
        solve_steady(discretize(each, grid=grid), method="direct", residual=FINE, estimate=False)
        for each in (package, split)
    )
    assert_alike(two.field, one.field, 1e-8 * reach(one))


# -- the solver ------------------------------------------------------------------------------


@given(packages())
def test_threads_change_nothing(package: Package) -> None:
    """One thread and two give the same bits."""
    model = discretize(package, cell=CELL)
    one, two = (solve_steady(model, threads=threads) for threads in (1, 2))
    assert np.array_equal(one.field, two.field, equal_nan=True)
    assert one.parts == two.parts
    assert one.report.history == two.report.history


@given(packages())
def test_multigrid_and_direct_agree(package: Package) -> None:
    """The second opinion is the same to 1e-8 of the range, where the multigrid is asked for 1e-11."""
    one, other = solved(package), solved(package, method="multigrid", residual=1e-11)
    assert_alike(other.field, one.field, 1e-8 * reach(one))


# -- planes nearer than a tolerance ----------------------------------------------------------


def neighbours(gap: float, step: float) -> Package:
    """Return two heated dies `gap` apart, one higher by `step`, with a joint on each and a lid over both."""
    silicon, filler = Material("si", 148.0), Material("filler", 0.8)
    board = Stack(
        "board",
        (8 * mm, 4 * mm),
        (Layer("board", 0.5 * mm, Material("fr4", (20.0, 20.0, 0.4))),),
        filler=filler,
    )
    dies = []
    for name, x, height in (("left", 1 * mm, 0.3 * mm), ("right", 4 * mm + gap, 0.3 * mm + step)):
        power = Power(blocks=(Block("spot", (0.5 * mm, 0.5 * mm), (1 * mm, 1 * mm), 2.0),))
        layer = Layer("die", height, silicon, power, Interface(bottom=2e-5, top=1e-5))
        dies.append(Stack(name, (3 * mm, 2 * mm), (layer,), on="board", position=(x, 1 * mm)))
    lid = Stack(
        "lid",
        (8 * mm, 4 * mm),
        (Layer("lid", 1 * mm, Material("cu", 390.0)),),
        on=("left", "right"),
        position=(0.0, 0.0),
        gap_fill=filler,
    )
    return Package("neighbours", (board, *dies, lid), Cooling(top=Convection(5e3, 300.0)))


@settings(max_examples=8)
@given(st.sampled_from((0.0, 5e-13, 1e-9, 4e-9)), st.sampled_from((0.0, 1e-13, 4e-10, 9e-10)))
@example(4e-9, 9e-10)
def test_merged_planes_keep_volume_power_and_interfaces(gap: float, step: float) -> None:
    """Planes a few nanometres apart become one: volume to 1e-5, power to 1e-12, temperatures to 1e-4.

    Nothing may be lost that is not as thin as the gap: the joints of both dies stay, all of their area.
    """
    even, uneven = neighbours(0.0, 0.0), neighbours(gap, step)
    models = [discretize(each, cell=(0.47 * mm, 0.47 * mm, 0.19 * mm)) for each in (even, uneven)]
    assert models[1].grid.shape == models[0].grid.shape
    for model in models:
        assert model.power.sum() == pytest.approx(4.0, rel=1e-12)
        assert joined(model) == pytest.approx(6e-6 * (2 * 2e-5 + 2 * 1e-5), rel=1e-5)
    volumes = [model.grid.volume[model.part > 0].sum() for model in models]
    assert volumes[1] == pytest.approx(volumes[0], rel=1e-5)
    assert bool(models[1].warnings) == (max(gap, step) > 1e-12)
    one, other = (solve_steady(model, residual=1e-11, estimate=False) for model in models)
    assert_alike(other.field, one.field, 1e-4 * reach(one))


def joined(model: Model) -> float:
    """Return the sum over the interfaces of area times resistance [m4 K/W]."""
    area = model.grid.dy[:, None] * model.grid.dx
    return float(sum(contact.resistance * area[contact.j, contact.i].sum() for contact in model.contacts))


# -- the packages themselves -----------------------------------------------------------------


def test_random_packages_are_varied() -> None:
    """Every feature of the description appears among 200 random packages."""
    seen: set[str] = set()
    asked: set[str] = set()

    @settings(max_examples=200, derandomize=True)
    @given(packages())
    def look(package: Package) -> None:
        names = [stack.name for stack in package.stacks]
        layers = [layer for stack in package.stacks for layer in stack.layers]
        found = {
            "several dies": sum(name.startswith("die_") for name in names) >= 2,
            "stacked": "upper" in names,
            "embedded": "die_inside" in names,
            "lid": "lid" in names,
            "filled": package.stacks[0].filler is not None,
            "open": package.stacks[0].filler is None and len(names) > 1,
            "void": any(layer.material == VOID for layer in layers),
            "joint": any(layer.interface.bottom > 0.0 for layer in layers),
            "region": any(layer.regions and layer.material != VOID for layer in layers),
            "turned": any(stack.rotate in (90, 270) for stack in package.stacks),
            "flipped": any(stack.flip for stack in package.stacks),
            "blocks": any(layer.power and layer.power.blocks for layer in layers),
            "base": any(getattr(cooled.cooler, "base", None) for cooled in package.cooling.top),
            "two ambients": len({getattr(c.cooler, "ambient", 0.0) for _, c in package.cooling}) > 1,
            "given heat": any(getattr(c.cooler, "heat", None) for _, c in package.cooling),
        }
        seen.update(name for name, is_there in found.items() if is_there)
        asked.update(found)

    look()
    assert asked - seen == set()
