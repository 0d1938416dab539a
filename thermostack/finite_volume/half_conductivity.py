"""Mean conductivities of half cells, between the temperatures of a cell and of its face.

Heat flow through half a cell without sources follows from the integral of the conductivity over temperature
(Kirchhoff's transformation; Carslaw and Jaeger, Conduction of Heat in Solids, 1959, section 1.6). Each law is
sampled once as a table that is linear between its rows, so that means are exact integrals of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from thermostack.finite_volume import _half_conductivity
from thermostack.mesh.boundary_faces import BoundaryFaces
from thermostack.mesh.model import Model

Array = np.ndarray
ConductivityTable = tuple[Array, Array]  # temperatures (n,) [K] and conductivities (3, n) [W/(m K)]
Law = Callable[[Array], Sequence[Array]]  # temperatures (n,) [K] to conductivities (n,) along z, y and x

TABLE_TOLERANCE = 1e-6  # relative error of a conductivity between two rows
MAX_ROW_DISTANCE = 20.0  # K
MIN_ROW_DISTANCE = 1e-4  # K, where a law jumps
MAX_ROWS = 400_000  # of one law
WIDEST_RANGE = (1.0, 5000.0)  # K, of a law without a range
BUCKETS_PER_ROW = 8
REACHES = (16.0, 8.0, 4.0, 2.0, 1.0)  # K, distances up to which parabolas are compared with a law
PARABOLA_TOLERANCE = 1e-6  # relative error of a mean conductivity by a parabola


class ConductivityLaws:
    """The conductivity laws of a model as tables, and the resistances of the faces between its cells."""

    def __init__(self, model: Model, laws: Sequence[ConductivityTable], law: Array, constant: Array) -> None:
        """Store the tables of the laws.

        `law` (parts + 1,) uint16 is 1 + the law of a part, 0 without one, and 0 outside the body. `constant`
        (3, parts + 1) is the conductivity [W/(m K)] of the parts without a law.
        """
        self.model, self._law, self._constant = model, law, constant
        self._tables = _kernel_tables(laws)
        self._axis = np.ascontiguousarray(model.boundary.axis, dtype=np.uint8)
        self._is_high = np.ascontiguousarray(model.boundary.is_high, dtype=np.uint8)

    def at_temperature(
        self, temperature: Array, zero: float, boundary: BoundaryFaces
    ) -> HalfCellConductivity:
        """Return the conductivities at temperatures (nz, ny, nx) [K] above `zero` [K].

        `boundary` are the boundary faces of the model with the present heat transfer coefficients and ambient
        temperatures.
        """
        grid, t = self.model.grid, np.ascontiguousarray(temperature, dtype=np.float64)
        per_half_width = 2.0 / grid.dz, 2.0 / grid.dy, 2.0 / grid.dx
        cells = _half_conductivity.CellTemperatures(
            self.model.part, t, zero, per_half_width, self._law, self._constant
        )
        return HalfCellConductivity(self, cells, boundary)

    def plane(self, cells: _half_conductivity.CellTemperatures, k: int) -> Array:
        """Return the conductivity at the temperatures of the cells at height k, (3, ny, nx)."""
        out = np.empty((3, *self.model.grid.shape[1:]))
        _half_conductivity.set_conductivities(cells, self._tables, k, out)
        return out

    def of_cells(
        self, cells: _half_conductivity.CellTemperatures, cell: Array, inflow: tuple[Array, Array]
    ) -> tuple[Array, Array, Array]:
        """Return the conductivities of some cells, of their low and of their high halves, each (3, n).

        `cell` (n,) are indices in the raveled grid, `inflow` (3, n) [W/m2] the heat fluxes through their low
        and high faces.
        """
        own, low, high = np.empty((3, 3, cell.size))
        _half_conductivity.set_conductivities_of_cells(cells, self._tables, cell, *inflow, own, low, high)
        return own, low, high

    def set_halves(
        self,
        cells: _half_conductivity.CellTemperatures,
        k: int,
        axis: int,
        known: Array | None,
        out: Sequence[Array],
    ) -> None:
        """Set the mean conductivities of the halves at height k; the arguments are those of the kernel."""
        contacts = self._contacts(k), self._contacts(k + 1), *self._side_contacts(k)
        _half_conductivity.set_half_conductivities(cells, self._tables, k, contacts, axis, known, *out)

    def set_boundary(
        self,
        cells: _half_conductivity.CellTemperatures,
        k: int,
        boundary: BoundaryFaces,
        low: Array,
        high: Array,
    ) -> None:
        """Set the mean conductivities of the halves at the boundary faces of height k."""
        here = self.model.boundary_of_plane(k)
        cosine = boundary.direction_cosine[here]  # h and flux per area of the faces of the cells
        columns = boundary.h[here] * cosine, boundary.temperature[here], boundary.flux[here] * cosine
        cell = np.ascontiguousarray(boundary.cell[here], dtype=np.intp)
        values = (np.ascontiguousarray(column, dtype=np.float64) for column in columns)
        faces = (cell, self._axis[here], self._is_high[here], *values)
        _half_conductivity.set_boundary_conductivities(cells, self._tables, k, faces, low, high)

    def _contacts(self, k: int) -> Array | None:
        """Return the contact resistance of the faces below the cells at height k [m2 K/W], None if none."""
        contacts = [contact for contact in self.model.contacts if contact.k == k]
        j, i, of_parts = self.model.part_contacts.faces[0].in_plane(k - 1)
        if not contacts and j.size == 0:
            return None
        resistance = np.zeros(self.model.grid.shape[1:])
        for contact in contacts:
            resistance[contact.j, contact.i] += contact.resistance
        resistance[j, i] += of_parts
        return resistance

    def _side_contacts(self, k: int) -> tuple[Array | None, ...]:
        """Return the contact resistance of faces to the next cells along y and x [m2 K/W], None if none."""
        found: list[Array | None] = []
        for faces in self.model.part_contacts.faces[1:]:
            j, i, of_parts = faces.in_plane(k)
            resistance = np.zeros(self.model.grid.shape[1:]) if j.size else None
            if resistance is not None:
                resistance[j, i] = of_parts
            found.append(resistance)
        return tuple(found)


class HalfCellConductivity:
    """The conductivities of cells and of their halves at given temperatures, plane by plane."""

    def __init__(
        self, laws: ConductivityLaws, cells: _half_conductivity.CellTemperatures, boundary: BoundaryFaces
    ) -> None:
        self._laws, self._cells, self._boundary = laws, cells, boundary
        # The height and the low halves along z that the plane below has computed already.
        self._known: tuple[int, Array] | None = None

    def plane(self, k: int) -> Array:
        """Return the conductivity at the temperatures of the cells at height k, (3, ny, nx)."""
        return self._laws.plane(self._cells, k)

    def of_cells(self, cell: Array, inflow: tuple[Array, Array]) -> tuple[Array, Array, Array]:
        """Return the conductivities of some cells and halves, with the arguments of `ConductivityLaws`."""
        return self._laws.of_cells(self._cells, cell, inflow)

    def halves(self, k: int, plane: Array, axis: int | None = None) -> tuple[Array, Array]:
        """Return the mean conductivity of the low and of the high halves at height k, each (3, ny, nx).

        `plane` is that of the cells. With `axis` only the halves along it are valid.
        """
        low, high, low_above = plane.copy(), plane.copy(), np.empty(plane.shape[1:])
        known = self._known[1] if self._known is not None and self._known[0] == k else None
        every = -1 if axis is None else axis
        self._laws.set_halves(self._cells, k, every, known, (low, high, low_above))
        if every <= 0:
            self._known = k + 1, low_above
        self._laws.set_boundary(self._cells, k, self._boundary, low, high)
        return low, high


def sample_law(law: Law, breakpoints: Sequence[float]) -> ConductivityTable:
    """Return temperatures (n,) [K] and conductivities (3, n) [W/(m K)] between which a law is linear.

    The rows contain the breakpoints. Between them intervals are bisected until the error of the linear
    interpolation is below TABLE_TOLERANCE or the interval shorter than MIN_ROW_DISTANCE. Outside the rows the
    conductivity is that of the first or the last row.
    """
    points = np.unique(np.asarray(breakpoints if len(breakpoints) > 1 else WIDEST_RANGE, dtype=np.float64))
    counts = np.ceil(np.diff(points) / MAX_ROW_DISTANCE).astype(int)
    pieces = [np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(points, points[1:], counts, strict=False)]
    temperature = np.append(np.concatenate(pieces), points[-1])
    conductivity = np.array(law(temperature))
    is_open = np.ones(temperature.size - 1, dtype=bool)  # intervals that may need a row in the middle
    while is_open.any() and temperature.size < MAX_ROWS:
        first = np.flatnonzero(is_open)
        middle = 0.5 * (temperature[first] + temperature[first + 1])
        exact = np.array(law(middle))
        error = np.abs(exact - 0.5 * (conductivity[:, first] + conductivity[:, first + 1])) / exact
        is_curved = (error.max(axis=0) > TABLE_TOLERANCE) & (
            temperature[first + 1] - temperature[first] > MIN_ROW_DISTANCE
        )
        where = first[is_curved] + 1
        temperature = np.insert(temperature, where, middle[is_curved])
        conductivity = np.insert(conductivity, where, exact[:, is_curved], axis=1)
        new = where - 1 + np.arange(where.size)  # the two halves of each interval that was bisected
        is_open = np.zeros(temperature.size - 1, dtype=bool)
        is_open[new] = is_open[new + 1] = True
    return temperature, conductivity


def _kernel_tables(tables: Sequence[ConductivityTable]) -> _half_conductivity.ConductivityTables:
    """Return the kernel's form of the tables of all laws."""
    slopes, integrals, buckets, density = [], [], [], []
    parabolas = [_parabolas(*table) for table in tables]
    for temperature, conductivity in tables:
        step = np.diff(temperature)
        slopes.append(np.pad(np.diff(conductivity, axis=1) / step, ((0, 0), (0, 1))))
        integrals.append(_integrals(temperature, conductivity))
        count = BUCKETS_PER_ROW * temperature.size
        ends = np.linspace(temperature[0], temperature[-1], count + 1)
        row = np.searchsorted(temperature, ends, side="right") - 1
        buckets.append(np.maximum(row - 1, 0))  # one row less, as the rounding of a bucket may need
        density.append(count / (temperature[-1] - temperature[0]))
    sizes, first = [len(t) for t, _ in tables], np.cumsum([0, *(len(t) for t, _ in tables)])
    rows = (
        np.concatenate([t for t, _ in tables]),
        np.ascontiguousarray(np.concatenate([k for _, k in tables], axis=1)),
        np.ascontiguousarray(np.concatenate(slopes, axis=1)),
        np.ascontiguousarray(np.concatenate(integrals, axis=1)),
        *(np.ascontiguousarray(np.concatenate(each, axis=-1)) for each in zip(*parabolas, strict=True)),
    )
    bucket = np.concatenate([each + start for each, start in zip(buckets, first[: len(sizes)], strict=True)])
    bucket_start = np.cumsum([0, *map(len, buckets)]).astype(np.intp)
    index = bucket.astype(np.intc), bucket_start, np.array(density)
    return _half_conductivity.ConductivityTables(rows, first.astype(np.intp), index)


def _parabolas(temperature: Array, conductivity: Array) -> tuple[Array, Array, Array]:
    """Return the parabola of each row of a table, which continues the law beyond the row.

    These are its derivative and second derivative at the row, (3, n), and its reach (n,) [K]: up to this
    distance from both ends of the row the error of the mean is below PARABOLA_TOLERANCE.
    """
    middle, step = 0.5 * (temperature[1:] + temperature[:-1]), np.diff(temperature)
    slope = np.diff(conductivity, axis=1) / step
    curvature = np.gradient(slope, middle, axis=1) if middle.size > 1 else np.zeros(slope.shape)
    derivative, reach = slope - 0.5 * step * curvature, np.zeros(step.size)
    integral, first = _integrals(temperature, conductivity), conductivity[:, :-1]
    for distance in REACHES:
        error = np.zeros(step.size)
        for offset in (-distance, -0.5 * distance, step + 0.5 * distance, step + distance):
            at = temperature[:-1] + offset
            row = np.clip(np.searchsorted(temperature, at, side="right") - 1, 0, step.size - 1)
            above = np.clip(at, *temperature[[0, -1]]) - temperature[row]
            below, beyond = np.minimum(at - temperature[0], 0.0), np.maximum(at - temperature[-1], 0.0)
            exact = integral[:, row] + above * (conductivity[:, row] + 0.5 * slope[:, row] * above)
            exact += below * conductivity[:, :1] + beyond * conductivity[:, -1:] - integral[:, :-1]
            mean = first + offset * (0.5 * derivative + curvature * offset / 6.0)
            error = np.maximum(error, np.abs(mean * offset / exact - 1.0).max(axis=0))
        reach = np.where((error < PARABOLA_TOLERANCE) & (reach == 0.0), distance, reach)
    # Above the last row the conductivity is constant.
    return np.pad(derivative, ((0, 0), (0, 1))), np.pad(curvature, ((0, 0), (0, 1))), np.pad(reach, (0, 1))


def _integrals(temperature: Array, conductivity: Array) -> Array:
    """Return the integrals of the conductivities from the first row up to each row, (3, n) [W/m]."""
    area = 0.5 * (conductivity[:, 1:] + conductivity[:, :-1]) * np.diff(temperature)
    return np.pad(np.cumsum(area, axis=1), ((0, 0), (1, 0)))
