"""Random stacks in families, each hard for a linear solver in a way of its own, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
from thermostack.linear import prepare
from thermostack.linear.direct import LuFactorization

CONDUCTIVITIES = (0.03, 0.5, 0.8, 4.0, 20.0, 120.0, 398.0)  # W/(m K), air to copper
TINY, SMALL, LARGE = ((1, 6), (1, 10)), ((3, 10), (8, 22)), ((10, 20), (24, 48))  # planes; columns a side
SHARE = (0.3, 0.5, 0.2)  # of the stacks, how many are of each size
SIDES, TOP = slice(0, 4), 5  # places in a draft's coefficients
DIRECT_CELLS = 3000  # up to which an answer is compared with that of the direct solver
TOLERANCE = 1e-8  # the default of the solver
ERROR = 1e-6  # of the rise, which is nobody's concern any more
REFINEMENTS = 6  # of the direct solver's answer, until nothing changes but the last digit


@dataclass(frozen=True)
class Stack:
    """A problem as the solver takes it."""

    conduction: Conduction
    heat: np.ndarray  # (nz, ny, nx) W
    widths: tuple[np.ndarray, np.ndarray]  # dx, dy, m


@dataclass(frozen=True)
class Outcome:
    """What the solver made of a stack, recomputed here from the temperatures it returned."""

    cells: int
    iterations: int
    fallback: str
    residual: float  # norm of heat - G t over that of the heat
    rounding: float  # of that residual, where temperatures are float64: there is none smaller
    imbalance: float  # heat in less heat out over the heat
    error: float  # largest difference from the direct solver's answer over the rise; nan where not compared

    @property
    def is_right(self) -> bool:
        """Return whether the answer is as good as was asked for."""
        is_solved = (
            self.residual <= 1.01 * max(TOLERANCE, self.rounding) and self.imbalance <= 1.01 * TOLERANCE
        )
        return is_solved and not self.error > ERROR

    @property
    def taken(self) -> str:
        """Return the way that led to the answer in the end."""
        return self.fallback.rpartition("; then ")[2].partition(" because ")[0] or "float32 cycle"


@dataclass
class Draft:
    """A stack before its conductances are formed, which the families change."""

    k: np.ndarray  # (3, nz, ny, nx) W/(m K) along x, y and z; 0 outside the body
    dx: np.ndarray  # m
    dy: np.ndarray
    dz: np.ndarray
    h: np.ndarray  # (6,) W/(m2 K) at the faces west, east, south, north, bottom, top
    cooled: tuple[int, int] | None = None  # (j, i) of the one cell at the top that is cooled, None: all
    is_cold: np.ndarray | bool = False  # (nz, ny, nx) where no heat is to be

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (nz, ny, nx)."""
        return self.dz.size, self.dy.size, self.dx.size


def random_stack(family: str, seed: int, shape: tuple[int, int, int] | None = None) -> Stack:
    """Return a stack of a family, of random shape unless one is given; the same for the same seed.

    Every other one has its faces' conductances in float32, as a package has.
    """
    rng = np.random.default_rng((seed, list(FAMILIES).index(family)))
    draft = random_package(rng, shape or random_shape(rng))
    FAMILIES[family](rng, draft)
    conduction = joined(draft)
    if seed % 2:
        g_x, g_y, g_z = (g.astype(np.float32) for g in (conduction.g_x, conduction.g_y, conduction.g_z))
        conduction = Conduction(g_x, g_y, g_z, conduction.boundary)
    active = conduction.is_active
    heat = random_heat(rng, draft.shape) * (active & ~np.asarray(draft.is_cold))
    if not heat.any():
        heat[np.unravel_index(np.argmax(active), active.shape)] = 1.0
    return Stack(conduction, heat, (draft.dx, draft.dy))


def outcome_of(stack: Stack) -> Outcome:
    """Return what the solver makes of a stack; ConvergenceError where it gives up."""
    conduction, heat = stack.conduction, stack.heat
    t, report = prepare(conduction, widths=stack.widths, threads=1).solve(heat)
    assert np.isfinite(t).all()
    flux = 2.0 * conduction.diagonal() * np.abs(t)
    scale = np.linalg.norm(heat)
    error = np.nan
    if heat.size <= DIRECT_CELLS:
        exact = directly(stack)
        error = float(np.abs(t - exact).max() / np.abs(exact).max())
    return Outcome(
        heat.size,
        report.iterations,
        report.fallback,
        residual=float(np.linalg.norm(heat - conduction.apply(t)) / scale),
        rounding=float(np.finfo(float).eps * np.linalg.norm(flux) / scale),
        imbalance=float(abs(heat.sum() - (conduction.boundary.dense * t).sum()) / np.abs(heat).sum()),
        error=error,
    )


def directly(stack: Stack) -> np.ndarray:
    """Return the temperatures [K] by factorisation, refined with the operator in differences."""
    factors = LuFactorization(stack.conduction)
    t = factors.solve(stack.heat)
    for _ in range(REFINEMENTS):
        left = stack.heat - stack.conduction.apply(t)
        t += np.where(factors.is_inactive, 0.0, factors.lu.solve(left.ravel()).reshape(t.shape))
    return t


def random_shape(rng: np.random.Generator) -> tuple[int, int, int]:
    planes, columns = (TINY, SMALL, LARGE)[rng.choice(3, p=SHARE)]
    ny, nx = rng.integers(*columns, 2, endpoint=True)
    return int(rng.integers(*planes, endpoint=True)), int(ny), int(nx)


def random_package(rng: np.random.Generator, shape: tuple[int, int, int]) -> Draft:
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
    return Draft(k, np.full(nx, pitch), np.full(ny, pitch), 10.0 ** rng.uniform(-6.0, -2.7, nz), h)


def random_box(rng: np.random.Generator, ny: int, nx: int) -> tuple[slice, slice]:
    """Return rows and columns of a box, which may be empty."""
    y, x = np.sort(rng.integers(0, ny + 1, 2)), np.sort(rng.integers(0, nx + 1, 2))
    return slice(*y), slice(*x)


def random_heat(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """Return heat [W] in scattered cells, in boxes of one plane, or in a single cell."""
    nz, ny, nx = shape
    heat = np.zeros(shape)
    kind = rng.integers(0, 3)
    if kind == 0:
        heat += np.where(rng.random(shape) < 0.2, rng.random(shape), 0.0)
    elif kind == 1:
        plane = rng.integers(nz)
        for _ in range(4):
            heat[(plane, *random_box(rng, ny, nx))] += rng.random()
    heat[rng.integers(nz), rng.integers(ny), rng.integers(nx)] += 1.0
    return heat


def joined(draft: Draft) -> Conduction:
    """Return the conductances of what is joined to the cooling; the rest is taken away."""
    if not ground_of(draft).any():  # all that was cooled has been taken away
        draft.k[...], draft.cooled, draft.h[TOP] = 4.0, None, 100.0
    conduction = assemble(draft)
    count, part = connected_components(conduction.to_csr(), directed=False)
    cooled = np.bincount(part, ground_of(draft).ravel(), count) > 0.0
    astray = ~cooled[part].reshape(draft.shape) & (draft.k[0] > 0.0)
    if not astray.any():
        return conduction
    draft.k[:, astray] = 0.0
    return assemble(draft)


def assemble(draft: Draft) -> Conduction:
    """Return the conductances [W/K] of a draft: half cells in series, and films."""
    half_x, half_y, half_z = halves(draft)
    dx, dy, dz = draft.dx, draft.dy[:, None], draft.dz[:, None, None]
    return Conduction(
        dz * dy / (half_x[:, :, 1:] + half_x[:, :, :-1]),
        dz * dx / (half_y[:, 1:] + half_y[:, :-1]),
        dy * dx / (half_z[1:] + half_z[:-1]),
        BoundaryConductance.from_dense(ground_of(draft)),
    )


def halves(draft: Draft) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the resistance [m2 K/W] of half of each cell along x, y and z, infinite outside the body."""
    dx, dy, dz = draft.dx, draft.dy[:, None], draft.dz[:, None, None]
    with np.errstate(divide="ignore"):
        return dx / (2 * draft.k[0]), dy / (2 * draft.k[1]), dz / (2 * draft.k[2])


def ground_of(draft: Draft) -> np.ndarray:
    """Return the conductance [W/K] of each cell to the ambient, (nz, ny, nx)."""
    half_x, half_y, half_z = halves(draft)
    dx, dy, dz = draft.dx, draft.dy[:, None], draft.dz[:, None, None]
    with np.errstate(divide="ignore"):
        film = 1.0 / draft.h
    ground = np.zeros(draft.shape)
    ground[:, :, 0] += (dz * dy)[:, :, 0] / (half_x[:, :, 0] + film[0])
    ground[:, :, -1] += (dz * dy)[:, :, 0] / (half_x[:, :, -1] + film[1])
    ground[:, 0] += (dz * dx)[:, 0] / (half_y[:, 0] + film[2])
    ground[:, -1] += (dz * dx)[:, 0] / (half_y[:, -1] + film[3])
    ground[0] += dy * dx / (half_z[0] + film[4])
    top = dy * dx / (half_z[-1] + film[5])
    if draft.cooled is None:
        ground[-1] += top
    else:
        ground[(-1, *draft.cooled)] += top[draft.cooled]
    return ground


# ---- what makes the families


def leave(rng: np.random.Generator, draft: Draft) -> None:
    """Change nothing."""


def cut_vias(rng: np.random.Generator, draft: Draft) -> None:
    """Set a cell of copper every few cells into some of the layers, on cells of 5 to 20 um."""
    step, room = rng.integers(2, 6), rng.integers(0, 2, 2)
    draft.dx[:], draft.dy[:] = np.full((2, 1), rng.uniform(5e-6, 20e-6))
    for layer in np.flatnonzero(rng.random(draft.dz.size) < 0.6):
        draft.k[:, layer, room[0] :: step, room[1] :: step] = 398.0


def grade(spread: float) -> Callable[[np.random.Generator, Draft], None]:
    """Return what lets the widths of cells wander by a factor of exp(spread) from one to the next."""

    def change(rng: np.random.Generator, draft: Draft) -> None:
        draft.dx *= np.exp(np.cumsum(rng.normal(0.0, spread, draft.dx.size)))
        draft.dy *= np.exp(np.cumsum(rng.normal(0.0, spread, draft.dy.size)))

    return change


def build_walls(rng: np.random.Generator, draft: Draft) -> None:
    """Build up to eight walls one cell thick, of copper or air, through some of the layers."""
    nz, ny, nx = draft.shape
    for _ in range(rng.integers(1, 9)):
        low, high = np.sort(rng.integers(0, nz + 1, 2))
        material = rng.choice([0.03, 398.0])
        if rng.random() < 0.5:
            draft.k[:, low:high, rng.integers(ny)] = material
        else:
            draft.k[:, low:high, :, rng.integers(nx)] = material


def stretch(rng: np.random.Generator, draft: Draft) -> None:
    """Make the cells 30 to 300 times as long along one axis as along the other."""
    width = draft.dx if rng.random() < 0.5 else draft.dy
    width *= 30.0 * 10.0 ** rng.uniform(0.0, 1.0)


def direct(rng: np.random.Generator, draft: Draft) -> None:
    """Let boxes of each layer conduct 1e-2 to 1e2 times as well along each axis."""
    nz, ny, nx = draft.shape
    for layer in range(nz):
        draft.k[:, layer] *= 10.0 ** rng.uniform(-2.0, 2.0, (3, 1, 1))
        for _ in range(3):
            box = random_box(rng, ny, nx)
            draft.k[(slice(None), layer, *box)] *= 10.0 ** rng.uniform(-2.0, 2.0, (3, 1, 1))


def contrast_layers(rng: np.random.Generator, draft: Draft) -> None:
    """Give each layer a conductivity between 1e-3 and 1e3 W/(m K)."""
    draft.k[...] = 10.0 ** rng.uniform(-3.0, 3.0, (draft.dz.size, 1, 1))


def contrast_boxes(rng: np.random.Generator, draft: Draft) -> None:
    """Put boxes of 1e-3 to 1e3 W/(m K) through some of the layers."""
    nz, ny, nx = draft.shape
    for _ in range(rng.integers(2, 12)):
        low, high = np.sort(rng.integers(0, nz + 1, 2))
        draft.k[(slice(None), slice(low, high), *random_box(rng, ny, nx))] = 10.0 ** rng.uniform(-3.0, 3.0)


def contrast_cells(rng: np.random.Generator, draft: Draft) -> None:
    """Multiply each cell by 1e-3, 1 or 1e3, whatever its neighbours are."""
    draft.k *= 10.0 ** rng.choice([-3.0, 0.0, 3.0], size=draft.shape)


def insulate(rng: np.random.Generator, draft: Draft) -> None:
    """Set up to five cold blocks of copper, each in a coat that conducts 1e-3 to 1e-6 times as well."""
    draft.is_cold = np.zeros(draft.shape, dtype=bool)
    for _ in range(rng.integers(1, 6)):
        low = [int(rng.integers(0, max(n - 4, 1))) for n in draft.shape]
        size = rng.integers(1, 5, 3)
        coat = tuple(slice(a, a + int(n) + 2) for a, n in zip(low, size, strict=True))
        block = tuple(slice(a + 1, a + 1 + int(n)) for a, n in zip(low, size, strict=True))
        draft.k[(slice(None), *coat)] = 398.0 * 10.0 ** rng.uniform(-6.0, -3.0)
        draft.k[(slice(None), *block)] = 398.0
        draft.is_cold[coat] = True


def choose_films(rng: np.random.Generator, draft: Draft) -> None:
    """Cool each face with 1e-3 to 1e6 W/(m2 K), or not at all, one of them at least."""
    draft.h[:] = 10.0 ** rng.uniform(-3.0, 6.0, 6) * (rng.random(6) < 0.6)
    draft.h[rng.integers(6)] = 10.0 ** rng.uniform(-3.0, 6.0)


def cool_one_cell(rng: np.random.Generator, draft: Draft) -> None:
    """Cool one cell at the top, and nothing else."""
    _, ny, nx = draft.shape
    draft.h[:] = 0.0
    draft.h[TOP] = 10.0 ** rng.uniform(-3.0, 6.0)
    draft.cooled = int(rng.integers(ny)), int(rng.integers(nx))


def hardly_cool(rng: np.random.Generator, draft: Draft) -> None:
    """Cool one face with 1e-3 to 1e-1 W/(m2 K), and nothing else."""
    draft.h[:] = 0.0
    draft.h[rng.integers(6)] = 10.0 ** rng.uniform(-3.0, -1.0)


def scatter_columns(rng: np.random.Generator, draft: Draft) -> None:
    """Make each column of cells copper or polymer, whatever its neighbours are."""
    draft.k[...] = rng.choice([0.2, 398.0], size=draft.shape[1:])


def cut_holes(rng: np.random.Generator, draft: Draft) -> None:
    """Take away boxes of cells, a share of all cells, and half of the upper planes."""
    nz, ny, nx = draft.shape
    for _ in range(rng.integers(1, 6)):
        low, high = np.sort(rng.integers(0, nz + 1, 2))
        draft.k[(slice(None), slice(low, high), *random_box(rng, ny, nx))] = 0.0
    if rng.random() < 0.5:
        draft.k[:, rng.random(draft.shape) < rng.uniform(0.0, 0.4)] = 0.0
    draft.h[SIDES] = 10.0 ** rng.uniform(0.0, 3.0)


def flatten(rng: np.random.Generator, draft: Draft) -> None:
    """Keep one cell only along one or two axes, which makes the others long enough to matter."""
    shape = np.array(random_shape(rng))
    shape[rng.choice(3, rng.integers(1, 3), replace=False)] = 1
    shape[1:][shape[1:] > 1] *= rng.integers(1, 5)
    other = random_package(rng, (int(shape[0]), int(shape[1]), int(shape[2])))
    draft.k, draft.dx, draft.dy, draft.dz, draft.h = other.k, other.dx, other.dy, other.dz, other.h


def mix(rng: np.random.Generator, draft: Draft) -> None:
    """Apply two to four of the changes of the other families, one after the other."""
    changes = [change for change in FAMILIES.values() if change not in (leave, flatten, insulate, mix)]
    for n in rng.choice(len(changes), rng.integers(2, 5), replace=False):
        changes[n](rng, draft)


FAMILIES: dict[str, Callable[[np.random.Generator, Draft], None]] = {
    "packages": leave,
    "via arrays": cut_vias,
    "graded": grade(0.2),
    "wildly graded": grade(0.5),
    "one-cell walls": build_walls,
    "long cells": stretch,
    "orthotropic": direct,
    "contrast by layer": contrast_layers,
    "contrast by box": contrast_boxes,
    "contrast by cell": contrast_cells,
    "insulated blocks": insulate,
    "films": choose_films,
    "one cooled cell": cool_one_cell,
    "near Neumann": hardly_cool,
    "random columns": scatter_columns,
    "holes": cut_holes,
    "odd shapes": flatten,
    "mixed": mix,
}
REALISTIC = ("packages", "via arrays", "graded")  # what is drawn, on grids like the default one
MOST = dict.fromkeys(FAMILIES, 60) | dict.fromkeys(REALISTIC, 25)  # iterations, of all ways together
