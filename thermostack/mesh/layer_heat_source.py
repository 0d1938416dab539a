"""The described power of each layer on its cells.

All powers take one path. `lay_out_power` turns the description of a layer into rectangles and pixels in
coordinates of the package, `layer_window` finds the cells of the layer, and `layer_columns` the columns of
them that it occupies. The last step exists in two forms: `deposit_power` returns the power of the cells for
the powers of the description, and `find_heat_sources` the fraction of each source in each cell, for powers
that vary in time. The two differ by rounding only. The first form needs no matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh.area_overlap import deposit_raster, deposit_rectangles, rectangle_fractions
from thermostack.mesh.grid import Grid
from thermostack.mesh.layer_cells import disc_plan, fills_window, layer_columns, layer_window
from thermostack.mesh.part_map import PartMap, Window
from thermostack.package.geometry import Geometry, HeatSource
from thermostack.package.power_layout import PowerLayout
from thermostack.package.rectangles import Rectangle
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

MAX_LOST_FRACTION = 1e-9  # of the power magnitudes of a layer: more outside the layer is an error
BALANCE_TOLERANCE = 1e-9  # of the magnitudes of a map: a smaller sum counts as zero and cannot be scaled


@dataclass(frozen=True, eq=False)
class LayerHeatSource:
    """The described power of a layer on its cells: a plane of powers, and its fraction at each height."""

    part: int
    k0: int
    shares: np.ndarray  # (heights,) fraction at heights k0, k0 + 1, ...; sum 1
    j0: int
    i0: int
    plane: np.ndarray  # (rows, columns) W, from cell (j0, i0)

    @property
    def window(self) -> Window:
        """Return the cells of the layer."""
        rows, columns = self.plane.shape
        return (
            slice(self.k0, self.k0 + self.shares.size),
            slice(self.j0, self.j0 + rows),
            slice(self.i0, self.i0 + columns),
        )

    def add_plane_to(self, power: np.ndarray, k: int) -> None:
        """Add the power of the cells at height k to a plane of powers [W], (ny, nx)."""
        if self.k0 <= k < self.k0 + self.shares.size:
            power[self.window[1:]] += self.shares[k - self.k0] * self.plane

    def add_to_parts(self, power: np.ndarray, part: np.ndarray) -> None:
        """Add the power to that of its parts [W], (1 + parts,), by the part of every cell, (nz, ny, nx).

        The cells of the layer with a power have one part over its whole height.
        """
        _, rows, columns = self.window
        below = part[self.k0, rows, columns]
        for number in np.unique(below[self.plane != 0.0]).tolist():
            power[number] += self.plane[below == number].sum()


def deposit_power(layout: PowerLayout, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the power [W] of each cell between the planes x and y [m], (ny, nx).

    Each block and pixel is distributed over the cells that it overlaps in proportion to the common area.
    Parts beyond the first or last plane (close planes may have been merged) go to the outermost cells. The
    sum equals the power of the layout on any grid, to 1e-12 of the sum of the magnitudes.
    Raises ValueError where the layer extends beyond the planes by more than the outermost cell.
    """
    x, y = (np.ascontiguousarray(edges, dtype=np.float64) for edges in (x, y))
    left, front, right, back = layout.rectangle
    _check_extent(x, left, right)
    _check_extent(y, front, back)
    powered = layout.is_powered
    x0, y0, x1, y1 = (column[powered] for column in (layout.x0, layout.y0, layout.x1, layout.y1))
    power = deposit_rectangles(x, y, x0, y0, x1, y1, layout.power[powered])
    if layout.pixels is not None and layout.map_rectangle is not None:
        power += layout.scale * deposit_raster(x, y, layout.pixels, *layout.map_rectangle)
    return power


EvenPlanes = dict[tuple[Rectangle, float], np.ndarray]  # W, of bare totals: by the rectangle and the total


def layer_heat_sources(geometry: Geometry, grid: Grid, part_map: PartMap) -> tuple[LayerHeatSource, ...]:
    """Return the heat sources of a geometry on the cells of their layers, as `layer_heat_source` does."""
    even: EvenPlanes = {}  # stacks repeat equal layers
    return tuple(layer_heat_source(geometry, grid, part_map, source, even) for source in geometry.sources)


def layer_heat_source(
    geometry: Geometry, grid: Grid, part_map: PartMap, source: HeatSource, even: EvenPlanes | None = None
) -> LayerHeatSource:
    """Return a heat source of the geometry on the cells of its layer; the sum of the power is preserved.

    Raises DescriptionError where the layer extends beyond the grid, or where power lies outside the layer.
    A bare total is distributed over the existing cells of the layer instead. `even` has the planes of bare
    totals that are known, and receives new ones.
    """
    even = {} if even is None else even
    k, j, i = layer_window(grid, source)
    key = (source.rectangle, float(source.layout.power[0])) if source.layout.is_even else None
    plane = _described_plane(geometry, grid, source, j, i) if key not in even else even[key]
    if key is not None:
        even[key] = plane
    if not fills_window(geometry, part_map, (k, j, i), source.part):
        is_layer = layer_columns(geometry, part_map, k, source.part)[j, i]
        plane = _power_on_layer(geometry, source, plane, is_layer)
    shares = grid.dz[k] / grid.dz[k].sum()
    return LayerHeatSource(source.part, k.start, shares, j.start, i.start, plane)


def _described_plane(geometry: Geometry, grid: Grid, source: HeatSource, j: slice, i: slice) -> np.ndarray:
    """Return the power [W] of each cell of a layer as described, also off the layer, (rows, columns)."""
    x, y = grid.x[i.start : i.stop + 1], grid.y[j.start : j.stop + 1]
    plan = None if source.layout.is_even else disc_plan(geometry, grid, source)
    try:
        plane = deposit_power(source.layout, x, y)
        plane += _moved_onto_disc(source.layout, x, y, None if plan is None else plan[j, i])
    except ValueError as error:
        hint = "add planes at the edges of the powered layers"
        raise DescriptionError(Diagnostic("grid", str(error), hint, "E-GRID")) from None
    return plane


def _power_on_layer(
    geometry: Geometry, source: HeatSource, plane: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Return the power [W] of each cell of a layer; `mask` marks those that it occupies, (rows, columns)."""
    kept = np.where(mask, plane, 0.0)
    lost = np.abs(plane - kept).sum()  # of magnitudes, because positive and negative powers may cancel
    if lost > MAX_LOST_FRACTION * np.abs(plane).sum():
        if not source.layout.is_even or not kept.any():
            shown = format_quantity(float(lost), "power")
            text = f"{shown} of the power lie where the layer is open or another stack is embedded"
            geometry.package.refuse(
                [diagnostic_at(source.path, text, "move the blocks onto the layer", "E-POWER")]
            )
        kept *= plane.sum() / kept.sum()
    return kept


def _moved_onto_disc(
    layout: PowerLayout, x: np.ndarray, y: np.ndarray, plan: np.ndarray | None
) -> np.ndarray | float:
    """Return the power [W] to add to each cell, so that blocks have none beyond the staircase of a disc."""
    if plan is None or layout.is_even:
        return 0.0
    powered = layout.is_powered
    fractions = rectangle_fractions(x, y, *layout.corners[powered].T)
    moved: np.ndarray = (restrict_to_layer(fractions, plan) - fractions) @ layout.power[powered]
    return moved.reshape(plan.shape)


def _check_extent(edges: np.ndarray, low: float, high: float) -> None:
    if low < 2.0 * edges[0] - edges[1] or high > 2.0 * edges[-1] - edges[-2]:
        raise ValueError(
            f"a layer from {low} to {high} m extends beyond the grid from {edges[0]} to {edges[-1]} m"
        )


def restrict_to_layer(fractions: scipy.sparse.csr_array, mask: np.ndarray) -> scipy.sparse.csr_array:
    """Return fractions without cells off the layer; each source is distributed over its remaining cells."""
    if mask.all():
        return fractions
    before = np.asarray(abs(fractions).sum(axis=0)).reshape(-1)
    kept = scipy.sparse.csr_array(scipy.sparse.diags_array(mask.reshape(-1).astype(np.float64)) @ fractions)
    kept.eliminate_zeros()
    after = np.asarray(abs(kept).sum(axis=0)).reshape(-1)
    scale = np.divide(before, after, out=np.zeros(after.size), where=after > BALANCE_TOLERANCE * before)
    return scipy.sparse.csr_array(kept @ scipy.sparse.diags_array(scale))
