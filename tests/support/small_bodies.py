"""Small packages whose discrete equations are solved exactly in time, as references for time steppers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from exact.semi_discrete import SemiDiscrete

from thermostack import (
    Adiabatic,
    Block,
    Convection,
    Cooling,
    Grid,
    Interface,
    Layer,
    Material,
    Model,
    Package,
    Power,
    Stack,
    discretize,
)
from thermostack.finite_volume.conduction import add_boundary_sources, assemble_conduction
from thermostack.finite_volume.heat_capacity import assemble_capacity
from thermostack.package.cooling import FACES
from thermostack.units import mm, um

AMBIENT = 300.0  # K
SILICON = Material("silicon", 148.0, volumetric_heat_capacity=1.63e6)
COPPER = Material("copper", 390.0, volumetric_heat_capacity=3.45e6)
BOND = Material("bond", (0.8, 0.8, 1.5), volumetric_heat_capacity=2.1e6)
TIM = Material("tim", 4.0, volumetric_heat_capacity=2.4e6)
SIZE = (6 * mm, 5 * mm)


@dataclass(frozen=True, eq=False)
class Body:
    """A model and its discrete equations as a dense system with an exact solution in time."""

    model: Model

    @cached_property
    def is_active(self) -> np.ndarray:
        """Return which cells are in the body, (nz, ny, nx) bool."""
        inside: np.ndarray = self.model.part > 0
        return inside

    @cached_property
    def cells(self) -> SemiDiscrete:
        """Return the equations of the cells of the body, with assembled conductances and heat capacities."""
        chosen = np.flatnonzero(self.is_active)
        matrix = assemble_conduction(self.model).to_csr()[chosen][:, chosen].toarray()
        return SemiDiscrete(assemble_capacity(self.model)[self.is_active], 0.5 * (matrix + matrix.T))

    def to_field(self, values: np.ndarray) -> np.ndarray:
        """Return values of the body's cells (cells,) as a field (nz, ny, nx), 300 outside the body."""
        field = np.full(self.model.grid.shape, AMBIENT)
        field[self.is_active] = values
        return field

    @cached_property
    def boundary_heat(self) -> np.ndarray:
        """Return the heat flow [W] into every cell at 0 K by the boundary conditions, (cells,)."""
        heat = np.zeros(self.model.grid.shape)
        add_boundary_sources(self.model, assemble_conduction(self.model), heat)
        return heat[self.is_active]

    def pattern(self, name: str) -> np.ndarray:
        """Return the heat of every cell [W] for 1 W in a layer or 1 K at a face ("cooling.top"), (cells,)."""
        heat = np.zeros(self.model.grid.shape)
        if name.startswith("cooling."):
            faces = self.model.boundary
            conductance = assemble_conduction(self.model).boundary_face_conductance
            own = faces.face == FACES.index(name.removeprefix("cooling."))
            np.add.at(heat.reshape(-1), faces.cell[own], conductance[own])
            return heat[self.is_active]
        for source in self.model.layer_sources:
            if self.model.parts[source.part].name == name:
                heat[source.window] += source.shares[:, None, None] * source.plane
        return heat[self.is_active] / heat.sum()

    def cell_powers(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """Return the heat of every cell [W] for columns of powers [W] and ambient temperatures [K].

        The shape is (rows, cells). Powers and temperatures without a column are those of the description.
        """
        rows = len(next(iter(columns.values()))) if columns else 1
        total = np.tile(self.boundary_heat, (rows, 1))
        for source in self.model.layer_sources:
            name = self.model.parts[source.part].name
            nominal = np.full(rows, float(source.plane.sum()))
            total += np.outer(columns.get(name, nominal), self.pattern(name))
        for name, values in columns.items():
            if name.startswith("cooling."):
                nominal = self.model.boundary.temperature[
                    self.model.boundary.face == FACES.index(name.removeprefix("cooling."))
                ]
                total += np.outer(np.asarray(values) - nominal[0], self.pattern(name))
        return total


@lru_cache(maxsize=4)
def sandwich(top: float = 5e3, bottom: float = 50.0, *, is_mirrored: bool = False) -> Body:
    """Return two dies face to face under a copper lid, 220 cells, with time constants from 0.1 us to seconds.

    The lower die is heated in a part of its area, the upper die uniformly. `top` and `bottom` are
    heat-transfer coefficients [W/(m2 K)] to 300 K.
    """
    x, y = np.array([0.0, 1.0, 2.0, 3.0, 4.5, 6.0]) * mm, np.array([0.0, 1.0, 2.5, 3.5, 5.0]) * mm
    z = np.cumsum([0.0, 100.0, 100.0, 10.0, 15.0, 10.0, 60.0, 240.0, 40.0, 100.0, 300.0, 600.0]) * um
    west = 3 * mm if is_mirrored else 1 * mm
    core = Block("core", (west, 1 * mm), (2 * mm, 1.5 * mm), 10.0)
    lower = Layer("bulk", 200 * um, SILICON), Layer("active", 10 * um, SILICON, Power(blocks=(core,)))
    upper = (
        Layer("bond", 15 * um, BOND, interface=Interface(bottom=2e-6)),
        Layer("active", 10 * um, SILICON, Power(total=20.0)),
        Layer("bulk", 300 * um, SILICON),
        Layer("tim", 40 * um, TIM),
        Layer("lid", 1 * mm, COPPER),
    )
    stacks = Stack("lower", SIZE, lower), Stack("upper", SIZE, upper, on="lower", position=(0.0, 0.0))
    air = Cooling(top=Convection(top, AMBIENT), bottom=Convection(bottom, AMBIENT) if bottom else Adiabatic())
    grid = Grid(6 * mm - x[::-1] if is_mirrored else x, y, z)
    return Body(discretize(Package("sandwich", stacks, air), grid=grid))


@lru_cache(maxsize=1)
def plate() -> Body:
    """Return a plate of copper in 24 cells, without short time constants."""
    heated = Layer("heated", 1 * mm, COPPER, Power(total=30.0))
    stack = Stack("plate", (6 * mm, 4 * mm), (heated, Layer("rest", 1 * mm, COPPER)))
    grid = Grid(np.arange(5) * 1.5 * mm, np.array([0.0, 1.0, 2.5, 4.0]) * mm, np.arange(3) * 1.0 * mm)
    air = Cooling(top=Convection(2e4, AMBIENT), bottom=Convection(1e3, AMBIENT))
    return Body(discretize(Package("plate", (stack,), air), grid=grid))
