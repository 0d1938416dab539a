"""Random stacks in families, each with one difficulty for a linear solver, and their solution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
from thermostack.linear import prepare
from thermostack.linear.direct import LuFactorization

CONDUCTIVITIES = (0.03, 0.5, 0.8, 4.0, 20.0, 120.0, 398.0)  # W/(m K), air to copper
TINY, SMALL, LARGE = ((1, 6), (1, 10)), ((3, 10), (8, 22)), ((10, 20), (24, 48))  # planes; columns per side
SIZE_FRACTIONS = (0.3, 0.5, 0.2)  # fractions of tiny, small and large stacks
SIDES, TOP = slice(0, 4), 5  # positions among the heat-transfer coefficients
MAX_DIRECT_CELLS = 3000  # stacks up to this size are compared with the direct solver
TOLERANCE = 1e-8  # the default of the solver
MAX_ERROR = 1e-6  # relative to the maximum rise
REFINEMENTS = 6  # steps of the direct solution, until only the last digit changes


@dataclass(frozen=True)
class Stack:
    """Input of the solver."""

    conduction: Conduction
    rhs: np.ndarray  # (nz, ny, nx) W
    widths: tuple[np.ndarray, np.ndarray]  # dx, dy, m


@dataclass(frozen=True)
class Outcome:
    """Result of the solver for a stack, recomputed from the temperatures it returned."""

    cells: int
    iterations: int
    fallback: str
    residual: float  # norm of rhs - G t over that of rhs
    rounding: float  # smallest residual of temperatures in float64
    imbalance: float  # power minus heat to the ambient, over the sum of absolute powers
    error: float  # max difference from the direct solution over the max rise; nan where not compared

    @property
    def is_right(self) -> bool:
        """Return whether residual, heat balance and error are within their tolerances."""
        is_solved = (
            self.residual <= 1.01 * max(TOLERANCE, self.rounding) and self.imbalance <= 1.01 * TOLERANCE
        )
        return is_solved and not self.error > MAX_ERROR

    @property
    def last_method(self) -> str:
        """Return the method that converged."""
        return self.fallback.rpartition("; then ")[2].partition(" because ")[0] or "float32 cycle"


@dataclass
class StackDescription:
    """Conductivities, widths and cooling of a stack, which the families modify."""

    k: np.ndarray  # (3, nz, ny, nx) W/(m K) along x, y and z; 0 outside the body
    dx: np.ndarray  # m
    dy: np.ndarray
    dz: np.ndarray
    h: np.ndarray  # (6,) W/(m2 K) at the faces west, east, south, north, bottom, top
    cooled_cell: tuple[int, int] | None = None  # (j, i) of the only cooled cell at the top, None: all
    is_cold: np.ndarray | bool = False  # (nz, ny, nx) cells without power

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (nz, ny, nx)."""
        return self.dz.size, self.dy.size, self.dx.size


def random_stack(family: str, seed: int, shape: tuple[int, int, int] | None = None) -> Stack:
    """Return a stack of a family, of random shape unless one is given; the same for the same seed.

    Every other stack has face conductances in float32, as a package has.
    """
    rng = np.random.default_rng((seed, list(FAMILIES).index(family)))
    description = random_package(rng, shape or random_shape(rng))
    FAMILIES[family](rng, description)
    conduction = cooled_conduction(description)
    if seed % 2:
        g_x, g_y, g_z = (g.astype(np.float32) for g in (conduction.g_x, conduction.g_y, conduction.g_z))
        conduction = Conduction(g_x, g_y, g_z, conduction.boundary)
    active = conduction.is_active
    rhs = random_rhs(rng, description.shape) * (active & ~np.asarray(description.is_cold))
    if not rhs.any():
        rhs[np.unravel_index(np.argmax(active), active.shape)] = 1.0
    return Stack(conduction, rhs, (description.dx, description.dy))


def solve_stack(stack: Stack) -> Outcome:
    """Return the outcome of the solver for a stack; ConvergenceError where it gives up."""
    conduction, rhs = stack.conduction, stack.rhs
    t, report = prepare(conduction, widths=stack.widths, threads=1).solve(rhs)
    assert np.isfinite(t).all()
    flux = 2.0 * conduction.diagonal() * np.abs(t)
    scale = np.linalg.norm(rhs)
    error = np.nan
    if rhs.size <= MAX_DIRECT_CELLS:
        exact = solve_directly(stack)
        error = float(np.abs(t - exact).max() / np.abs(exact).max())
    return Outcome(
        rhs.size,
        report.iterations,
        report.fallback,
        residual=float(np.linalg.norm(rhs - conduction.apply(t)) / scale),
        rounding=float(np.finfo(float).eps * np.linalg.norm(flux) / scale),
        imbalance=float(abs(rhs.sum() - (conduction.boundary.dense * t).sum()) / np.abs(rhs).sum()),
        error=error,
    )


def solve_directly(stack: Stack) -> np.ndarray:
    """Return the temperatures [K] by factorization, with iterative refinement."""
    factors = LuFactorization(stack.conduction)
    t = factors.solve(stack.rhs)
    for _ in range(REFINEMENTS):
        left = stack.rhs - stack.conduction.apply(t)
        t += np.where(factors.is_inactive, 0.0, factors.lu.solve(left.ravel()).reshape(t.shape))
    return t


def random_shape(rng: np.random.Generator) -> tuple[int, int, int]:
    planes, columns = (TINY, SMALL, LARGE)[rng.choice(3, p=SIZE_FRACTIONS)]
    ny, nx = rng.integers(*columns, 2, endpoint=True)
    return int(rng.integers(*planes, endpoint=True)), int(ny), int(nx)


def random_package(rng: np.random.Generator, shape: tuple[int, int, int]) -> StackDescription:
    """Return layers of 1 um to 2 mm with boxes of other materials in them, cooled at the top."""
    nz, ny, nx = shape
    pitch = 10.0 ** rng.uniform(-4.5, -3.0)
    k = np.empty((3, *shape))
    for layer in range(nz):
        k[:, layer] = rng.choice(CONDUCTIVITIES)
        for _ in range(rng.integers(0, 5)):
            box = random_box(rng, ny, nx)
            k[(slice(None), layer, *box)] = rng.choice(CONDUCTIVITIES)
    h = np.array([0.0, 0.0, 0.0, 0.0, 10.0 ** rng.uniform(0.0, 2.0), 10.0 ** rng.uniform(1.0, 5.0)])
    return StackDescription(k, np.full(nx, pitch), np.full(ny, pitch), 10.0 ** rng.uniform(-6.0, -2.7, nz), h)


def random_box(rng: np.random.Generator, ny: int, nx: int) -> tuple[slice, slice]:
    """Return rows and columns of a box, which may be empty."""
    y, x = np.sort(rng.integers(0, ny + 1, 2)), np.sort(rng.integers(0, nx + 1, 2))
    return slice(*y), slice(*x)


def random_rhs(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """Return powers [W] in scattered cells, in boxes of one plane, or in a single cell."""
    nz, ny, nx = shape
    rhs = np.zeros(shape)
    kind = rng.integers(0, 3)
    if kind == 0:
        rhs += np.where(rng.random(shape) < 0.2, rng.random(shape), 0.0)
    elif kind == 1:
        plane = rng.integers(nz)
        for _ in range(4):
            rhs[(plane, *random_box(rng, ny, nx))] += rng.random()
    rhs[rng.integers(nz), rng.integers(ny), rng.integers(nx)] += 1.0
    return rhs


def cooled_conduction(description: StackDescription) -> Conduction:
    """Return the conductances of the cells connected to the ambient; other cells become inactive."""
    if not boundary_conductance(description).any():  # no cooled cell is active
        description.k[...], description.cooled_cell, description.h[TOP] = 4.0, None, 100.0
    conduction = assemble(description)
    count, part = connected_components(conduction.to_csr(), directed=False)
    cooled = np.bincount(part, boundary_conductance(description).ravel(), count) > 0.0
    is_isolated = ~cooled[part].reshape(description.shape) & (description.k[0] > 0.0)
    if not is_isolated.any():
        return conduction
    description.k[:, is_isolated] = 0.0
    return assemble(description)


def assemble(description: StackDescription) -> Conduction:
    """Return the conductances [W/K] of a description: half cells and boundary layers in series."""
    half_x, half_y, half_z = half_cell_resistances(description)
    dx, dy, dz = description.dx, description.dy[:, None], description.dz[:, None, None]
    return Conduction(
        dz * dy / (half_x[:, :, 1:] + half_x[:, :, :-1]),
        dz * dx / (half_y[:, 1:] + half_y[:, :-1]),
        dy * dx / (half_z[1:] + half_z[:-1]),
        BoundaryConductance.from_dense(boundary_conductance(description)),
    )


def half_cell_resistances(description: StackDescription) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the resistance [m2 K/W] of half of each cell along x, y and z, infinite outside the body."""
    dx, dy, dz = description.dx, description.dy[:, None], description.dz[:, None, None]
    with np.errstate(divide="ignore"):
        return dx / (2 * description.k[0]), dy / (2 * description.k[1]), dz / (2 * description.k[2])


def boundary_conductance(description: StackDescription) -> np.ndarray:
    """Return the conductance [W/K] from each cell to the ambient, (nz, ny, nx)."""
    half_x, half_y, half_z = half_cell_resistances(description)
    dx, dy, dz = description.dx, description.dy[:, None], description.dz[:, None, None]
    with np.errstate(divide="ignore"):
        resistance = 1.0 / description.h
    boundary = np.zeros(description.shape)
    boundary[:, :, 0] += (dz * dy)[:, :, 0] / (half_x[:, :, 0] + resistance[0])
    boundary[:, :, -1] += (dz * dy)[:, :, 0] / (half_x[:, :, -1] + resistance[1])
    boundary[:, 0] += (dz * dx)[:, 0] / (half_y[:, 0] + resistance[2])
    boundary[:, -1] += (dz * dx)[:, 0] / (half_y[:, -1] + resistance[3])
    boundary[0] += dy * dx / (half_z[0] + resistance[4])
    top = dy * dx / (half_z[-1] + resistance[5])
    if description.cooled_cell is None:
        boundary[-1] += top
    else:
        boundary[(-1, *description.cooled_cell)] += top[description.cooled_cell]
    return boundary


# ---- the families


def unchanged(rng: np.random.Generator, description: StackDescription) -> None:
    """Change nothing."""


def add_vias(rng: np.random.Generator, description: StackDescription) -> None:
    """Place a copper cell every few cells in some of the layers, on cells of 5 to 20 um."""
    step, offset = rng.integers(2, 6), rng.integers(0, 2, 2)
    description.dx[:], description.dy[:] = np.full((2, 1), rng.uniform(5e-6, 20e-6))
    for layer in np.flatnonzero(rng.random(description.dz.size) < 0.6):
        description.k[:, layer, offset[0] :: step, offset[1] :: step] = 398.0


def graded(deviation: float) -> Callable[[np.random.Generator, StackDescription], None]:
    """Return a change that multiplies cell widths by random factors of about exp(deviation) cell by cell."""

    def change(rng: np.random.Generator, description: StackDescription) -> None:
        description.dx *= np.exp(np.cumsum(rng.normal(0.0, deviation, description.dx.size)))
        description.dy *= np.exp(np.cumsum(rng.normal(0.0, deviation, description.dy.size)))

    return change


def add_walls(rng: np.random.Generator, description: StackDescription) -> None:
    """Add up to eight walls one cell thick, of copper or air, in some of the layers."""
    nz, ny, nx = description.shape
    for _ in range(rng.integers(1, 9)):
        low, high = np.sort(rng.integers(0, nz + 1, 2))
        material = rng.choice([0.03, 398.0])
        if rng.random() < 0.5:
            description.k[:, low:high, rng.integers(ny)] = material
        else:
            description.k[:, low:high, :, rng.integers(nx)] = material


def stretch(rng: np.random.Generator, description: StackDescription) -> None:
    """Make the cells 30 to 300 times as long along one axis as along the other."""
    width = description.dx if rng.random() < 0.5 else description.dy
    width *= 30.0 * 10.0 ** rng.uniform(0.0, 1.0)


def make_orthotropic(rng: np.random.Generator, description: StackDescription) -> None:
    """Multiply conductivities of boxes in each layer by 1e-2 to 1e2 along each axis."""
    nz, ny, nx = description.shape
    for layer in range(nz):
        description.k[:, layer] *= 10.0 ** rng.uniform(-2.0, 2.0, (3, 1, 1))
        for _ in range(3):
            box = random_box(rng, ny, nx)
            description.k[(slice(None), layer, *box)] *= 10.0 ** rng.uniform(-2.0, 2.0, (3, 1, 1))


def contrast_layers(rng: np.random.Generator, description: StackDescription) -> None:
    """Set each layer to a conductivity between 1e-3 and 1e3 W/(m K)."""
    description.k[...] = 10.0 ** rng.uniform(-3.0, 3.0, (description.dz.size, 1, 1))


def contrast_boxes(rng: np.random.Generator, description: StackDescription) -> None:
    """Place boxes of 1e-3 to 1e3 W/(m K) in some of the layers."""
    nz, ny, nx = description.shape
    for _ in range(rng.integers(2, 12)):
        low, high = np.sort(rng.integers(0, nz + 1, 2))
        description.k[(slice(None), slice(low, high), *random_box(rng, ny, nx))] = 10.0 ** rng.uniform(
            -3.0, 3.0
        )


def contrast_cells(rng: np.random.Generator, description: StackDescription) -> None:
    """Multiply the conductivity of each cell by 1e-3, 1 or 1e3 at random."""
    description.k *= 10.0 ** rng.choice([-3.0, 0.0, 3.0], size=description.shape)


def insulate(rng: np.random.Generator, description: StackDescription) -> None:
    """Place up to five copper blocks without power, each in a coat of 1e-3 to 1e-6 times its conductivity."""
    description.is_cold = np.zeros(description.shape, dtype=bool)
    for _ in range(rng.integers(1, 6)):
        low = [int(rng.integers(0, max(n - 4, 1))) for n in description.shape]
        size = rng.integers(1, 5, 3)
        coat = tuple(slice(a, a + int(n) + 2) for a, n in zip(low, size, strict=True))
        block = tuple(slice(a + 1, a + 1 + int(n)) for a, n in zip(low, size, strict=True))
        description.k[(slice(None), *coat)] = 398.0 * 10.0 ** rng.uniform(-6.0, -3.0)
        description.k[(slice(None), *block)] = 398.0
        description.is_cold[coat] = True


def choose_htc(rng: np.random.Generator, description: StackDescription) -> None:
    """Cool each face with 1e-3 to 1e6 W/(m2 K) or not at all, at least one of them."""
    description.h[:] = 10.0 ** rng.uniform(-3.0, 6.0, 6) * (rng.random(6) < 0.6)
    description.h[rng.integers(6)] = 10.0 ** rng.uniform(-3.0, 6.0)


def cool_one_cell(rng: np.random.Generator, description: StackDescription) -> None:
    """Cool one cell at the top only."""
    _, ny, nx = description.shape
    description.h[:] = 0.0
    description.h[TOP] = 10.0 ** rng.uniform(-3.0, 6.0)
    description.cooled_cell = int(rng.integers(ny)), int(rng.integers(nx))


def cool_weakly(rng: np.random.Generator, description: StackDescription) -> None:
    """Cool only one face, with 1e-3 to 1e-1 W/(m2 K)."""
    description.h[:] = 0.0
    description.h[rng.integers(6)] = 10.0 ** rng.uniform(-3.0, -1.0)


def scatter_columns(rng: np.random.Generator, description: StackDescription) -> None:
    """Set each column of cells to copper or polymer at random."""
    description.k[...] = rng.choice([0.2, 398.0], size=description.shape[1:])


def cut_holes(rng: np.random.Generator, description: StackDescription) -> None:
    """Make boxes of cells inactive, and in half of the stacks random cells too."""
    nz, ny, nx = description.shape
    for _ in range(rng.integers(1, 6)):
        low, high = np.sort(rng.integers(0, nz + 1, 2))
        description.k[(slice(None), slice(low, high), *random_box(rng, ny, nx))] = 0.0
    if rng.random() < 0.5:
        description.k[:, rng.random(description.shape) < rng.uniform(0.0, 0.4)] = 0.0
    description.h[SIDES] = 10.0 ** rng.uniform(0.0, 3.0)


def flatten(rng: np.random.Generator, description: StackDescription) -> None:
    """Keep one cell along one or two axes, and more cells along the others."""
    shape = np.array(random_shape(rng))
    shape[rng.choice(3, rng.integers(1, 3), replace=False)] = 1
    shape[1:][shape[1:] > 1] *= rng.integers(1, 5)
    other = random_package(rng, (int(shape[0]), int(shape[1]), int(shape[2])))
    description.k, description.dx, description.dy, description.dz, description.h = (
        other.k,
        other.dx,
        other.dy,
        other.dz,
        other.h,
    )


def combine(rng: np.random.Generator, description: StackDescription) -> None:
    """Apply two to four changes of the other families."""
    changes = [
        change for change in FAMILIES.values() if change not in (unchanged, flatten, insulate, combine)
    ]
    for n in rng.choice(len(changes), rng.integers(2, 5), replace=False):
        changes[n](rng, description)


FAMILIES: dict[str, Callable[[np.random.Generator, StackDescription], None]] = {
    "packages": unchanged,
    "via arrays": add_vias,
    "graded": graded(0.2),
    "wildly graded": graded(0.5),
    "one-cell walls": add_walls,
    "long cells": stretch,
    "orthotropic": make_orthotropic,
    "contrast by layer": contrast_layers,
    "contrast by box": contrast_boxes,
    "contrast by cell": contrast_cells,
    "insulated blocks": insulate,
    "rhs-transfer coefficients": choose_htc,
    "one cooled cell": cool_one_cell,
    "near Neumann": cool_weakly,
    "random columns": scatter_columns,
    "holes": cut_holes,
    "odd shapes": flatten,
    "mixed": combine,
}
REALISTIC = ("packages", "via arrays", "graded")  # packages on grids like the default one
MAX_ITERATIONS = dict.fromkeys(FAMILIES, 60) | dict.fromkeys(REALISTIC, 25)  # of all methods together
