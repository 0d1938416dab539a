"""The conductivity of every cell, and its means over half cells where it depends on temperature."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np

from thermostack.finite_volume.cell_properties import CellProperties, Law
from thermostack.finite_volume.half_conductivity import (
    ConductivityLaws,
    ConductivityTable,
    HalfCellConductivity,
    sample_law,
)
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.materials.temperature_laws import ConductivityLaw
from thermostack.mesh.boundary_faces import BoundaryFaces
from thermostack.mesh.model import Model
from thermostack.package.geometry import Part

# Mean conductivities of the low and of the high halves at some heights, each (3, ny, nx) [W/(m K)].
StoredHalves = dict[int, tuple[np.ndarray, np.ndarray]]


class CellConductivity(CellProperties):
    """The conductivity [W/(m K)] of every cell; `plane(k)` is (3, ny, nx) along z, y and x."""

    def __init__(self, model: Model, temperature: np.ndarray | None = None) -> None:
        """Store the conductivities at temperatures (nz, ny, nx) [K], by default at 300 K."""
        super().__init__(
            model.part,
            [_conductivity_zyx(part, ROOM_TEMPERATURE) for part in model.parts],
            {
                n: ((id(part.material), part.is_turned), _conductivity_law(part))
                for n, part in enumerate(model.parts)
                if not part.material.is_constant
            },
        )
        self.temperature = temperature
        self.boundary = model.boundary
        self._model = model
        self._stored: StoredHalves | None = None

    def with_boundary(self, boundary: BoundaryFaces) -> Self:
        """Return the conductivities with other heat transfer coefficients and ambient temperatures."""
        other = self.at_temperature(self.temperature, self.zero)
        other.boundary = boundary
        return other

    def with_stored(self, stored: StoredHalves) -> Self:
        """Return the same conductivities, whose halves are kept in `stored`, and taken from there."""
        other = self.at_temperature(self.temperature, self.zero)
        other._stored = stored
        return other

    def at_temperature(self, temperature: np.ndarray | None, zero: float = 0.0) -> Self:
        """Return the conductivities at temperatures (nz, ny, nx) [K] above `zero` [K]."""
        other = super().at_temperature(temperature, zero)
        other.__dict__.pop("_present", None)
        if temperature is not None and self._laws:
            other.__dict__["_conductivity_laws"] = (
                self._conductivity_laws
            )  # sampled once for all temperatures
        return other

    def plane(self, k: int) -> np.ndarray:
        """Return the conductivities of the cells at height k, (3, ny, nx) along z, y and x.

        They are zero outside the body, where temperatures are ignored and may be NaN.
        """
        if self.temperature is None or not self.varies[k]:
            return super().plane(k)
        return self._present.plane(k)

    def halves(
        self, k: int, plane: np.ndarray, axis: int | None = None
    ) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
        """Return the mean conductivity of the low and of the high halves of the cells at height k.

        Each is (3, ny, nx) along z, y and x, and the mean between the temperatures of a cell and of its face;
        None where no conductivity depends on temperature. `plane` has the conductivities at the temperatures
        of the cells. With `axis` only the halves along it are valid.
        """
        if self.temperature is None or not self.varies[k]:
            return None, None
        if self._stored is None:
            return self._present.halves(k, plane, axis)
        if k not in self._stored:
            self._stored[k] = self._present.halves(k, plane)
        return self._stored[k]

    def halves_of_cells(
        self, k: np.ndarray, j: np.ndarray, i: np.ndarray, inflow: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the conductivities of cells given by their indices (...), and the means over their halves.

        `inflow` (3, ...) [W/m2] are the heat fluxes into the cells through their low and high faces at the
        temperatures of the conductivities, which give the temperatures of the faces. The conductivities are
        (3, ...) along z, y and x, of the cells, of their low and of their high halves.
        """
        shape = inflow[0].shape
        cell = np.ravel_multi_index((k.ravel(), j.ravel(), i.ravel()), self.part.shape).astype(np.intp)
        low, high = (np.ascontiguousarray(flux.reshape(3, -1)) for flux in inflow)
        own, of_low, of_high = self._present.of_cells(cell, (low, high))
        return own.reshape(shape), of_low.reshape(shape), of_high.reshape(shape)

    @property
    def has_halves(self) -> bool:
        """Return whether the means over half cells differ from the conductivities of the cells."""
        return self.temperature is not None and bool(self._laws)

    @cached_property
    def _conductivity_laws(self) -> ConductivityLaws:
        """Return the tables of the laws, sampled once for all temperatures."""
        first = {int(law): n for n, law in reversed(list(enumerate(self._law[1:]))) if law}
        tables = [_conductivity_table(self._model.parts[first[law]]) for law in sorted(first)]
        return ConductivityLaws(self._model, tables, self._law, self._table)

    @cached_property
    def _present(self) -> HalfCellConductivity:
        """Return the conductivities at the present temperatures."""
        return self._conductivity_laws.at_temperature(np.asarray(self.temperature), self.zero, self.boundary)


def _conductivity_table(part: Part) -> ConductivityTable:
    """Return the table of the conductivity law of a part along z, y and x."""
    temperature, conductivity = sampled_law(part.material.law)
    x, y, z = conductivity
    return temperature, np.array((z, x, y) if part.is_turned else (z, y, x))


@lru_cache(maxsize=64)
def sampled_law(law: ConductivityLaw) -> ConductivityTable:
    """Return the table of a law along x, y and z."""
    return sample_law(law.evaluate, law.breakpoints)


def _conductivity_law(part: Part) -> Law:
    return lambda temperature: _conductivity_zyx(part, temperature)


def _conductivity_zyx(part: Part, temperature: Any) -> Any:
    """Return the conductivity [W/(m K)] of a part along z, y and x.

    Descriptions use the order (x, y, z), arrays of cells (z, y, x). Only this function converts the order.
    """
    return part.conductivity_at(temperature)[::-1]
