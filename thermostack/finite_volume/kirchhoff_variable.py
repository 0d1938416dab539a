"""The Kirchhoff variable of every cell, and the conductances that belong to it.

u is the integral of k(T) / k(300 K) over temperature, so that heat flow in one material is linear in u,
however steep its law is (Carslaw and Jaeger, Conduction of Heat in Solids, 1959, section 1.6). Where
conductivity is independent of temperature, u is the temperature.
"""

from __future__ import annotations

import numpy as np

from thermostack.finite_volume.cell_conductivity import sampled_law
from thermostack.finite_volume.conduction import BoundaryConductance, Conduction, assemble_conduction
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.materials.temperature_laws import Table
from thermostack.mesh.model import Model
from thermostack.units import format_quantity

RowTable = tuple[np.ndarray, np.ndarray, np.ndarray]  # T [K], k(T) / k(300 K) and u [K], each (n,)


class KirchhoffVariable:
    """The transformation of the temperatures of a model; that of an orthotropic law is of its mean."""

    def __init__(self, model: Model) -> None:
        """Store the tables of the laws, and the conductances at 300 K."""
        self.model = model
        self._constant = assemble_conduction(model)
        self._tables: dict[int, RowTable] = {}  # by 1 + the index of a part
        for n, part in enumerate(model.parts, 1):
            if not part.material.is_constant:
                temperature, along_axes = sampled_law(part.material.law)
                ratio = np.mean(along_axes, axis=0) / np.mean(part.conductivity_at(ROOM_TEMPERATURE))
                steps = 0.5 * (ratio[1:] + ratio[:-1]) * np.diff(temperature)
                integral = temperature[0] + np.append(0.0, np.cumsum(steps))
                self._tables[n] = temperature, ratio, integral

    def of_temperature(self, t: np.ndarray) -> np.ndarray:
        """Return u (nz, ny, nx) [K] at temperatures t [K]."""
        out = t.copy()
        for n, (temperature, ratio, integral) in self._tables.items():
            here = self.model.part == n
            row, distance, slope = _interval(t[here], temperature, temperature, ratio)
            out[here] = integral[row] + distance * (ratio[row] + 0.5 * slope * distance)
        return out

    def to_temperature(self, u: np.ndarray) -> np.ndarray:
        """Return the temperatures (nz, ny, nx) [K] at u [K]."""
        out = u.copy()
        for n, (temperature, ratio, integral) in self._tables.items():
            here = self.model.part == n
            row, distance, slope = _interval(u[here], integral, temperature, ratio)
            root = np.sqrt(np.maximum(ratio[row] ** 2 + 2.0 * slope * distance, 0.0))
            out[here] = temperature[row] + 2.0 * distance / (ratio[row] + root)
        return out

    def conduction(self, conduction: Conduction, t: np.ndarray) -> Conduction:
        """Return symmetric conductances [W/K] for changes of u; `conduction` is that at temperatures t [K].

        Between cells of one part they are those at 300 K, which is exact. Between two parts the derivatives
        of the heat flow by both u differ, and their geometric mean takes their place. A fixed temperature is
        exact too.
        """
        inverse = self._inverse_ratio(t)
        constant, boundary = self._constant, self.model.boundary
        faces = []
        for axis, name in ((0, "g_z"), (1, "g_y"), (2, "g_x")):
            g, own = getattr(conduction, name), getattr(constant, name)
            low, high = (_side(axis, end) for end in (slice(None, -1), slice(1, None)))
            is_inner = self.model.part[low] == self.model.part[high]
            faces.append(np.where(is_inner, own, g * np.sqrt(inverse[low] * inverse[high])).astype(g.dtype))
        g_z, g_y, g_x = faces
        present, at_300_k = conduction.boundary_face_conductance, constant.boundary_face_conductance
        half, half_at_300_k = (boundary.area / g - 1.0 / boundary.h for g in (present, at_300_k))  # K/W
        factor = np.divide(half, half_at_300_k, out=np.ones(half.size), where=half_at_300_k > 0.0)
        of_faces = present * factor
        total = BoundaryConductance.accumulate(conduction.shape, boundary.cell, of_faces)
        of_cells = conduction.boundary.with_conductance(total.conductance)
        return Conduction(g_x, g_y, g_z, of_cells, of_faces, conduction.links)

    def _inverse_ratio(self, t: np.ndarray) -> np.ndarray:
        """Return k(300 K) / k(T) of each cell (nz, ny, nx) at temperatures t [K]."""
        out = np.ones(t.shape)
        for n, (temperature, ratio, _) in self._tables.items():
            here = self.model.part == n
            out[here] = 1.0 / np.interp(t[here], temperature, ratio)
        return out


def steepest_interval(model: Model) -> str:
    """Return a text about the steepest interval of the tables of conductivity, "" without a table."""
    found = []
    for part in model.parts:
        law = part.material.law
        if isinstance(law, Table):
            k = np.mean(law.conductivity, axis=1)
            for n, step in enumerate(np.diff(law.temperature)):
                found.append((abs(float(np.log(k[n + 1] / k[n]))) / float(step), part.material.name, law, n))
    if not found:
        return ""
    _, name, law, n = max(found, key=lambda each: each[0])
    first, last = (format_quantity(law.temperature[row], "temperature") for row in (n, n + 1))
    before, after = (
        format_quantity(float(np.mean(law.conductivity[row])), "conductivity") for row in (n, n + 1)
    )
    return f"the table of {name} goes from {before} at {first} to {after} at {last}"


def _interval(
    value: np.ndarray, bounds: np.ndarray, temperature: np.ndarray, ratio: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the row of a table from which each value is measured, its distance from it, and dk/dT there.

    `bounds` (n,) are the values of the rows. Outside the table the slope is zero.
    """
    row = np.clip(np.searchsorted(bounds, value, side="right") - 1, 0, bounds.size - 1)
    slope = np.append(np.diff(ratio) / np.diff(temperature), 0.0)[row]
    return row, value - bounds[row], np.where(value < bounds[0], 0.0, slope)


def _side(axis: int, end: slice) -> tuple[slice, ...]:
    return tuple(end if n == axis else slice(None) for n in range(3))
