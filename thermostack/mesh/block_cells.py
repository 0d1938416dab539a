"""The cells of the blocks of floorplans, for which every result lists temperatures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.mesh.grid import Grid
from thermostack.mesh.layer_cells import disc_plan, layer_columns, layer_window
from thermostack.mesh.part_map import PartMap, Window, cell_range
from thermostack.mesh.source_names import listed
from thermostack.package.geometry import Geometry, HeatSource
from thermostack.schema.validated_dataclass import diagnostic_at

MAX_LISTED_BLOCKS = 10_000  # of a floorplan: of one with more blocks, results list no block temperatures


@dataclass(frozen=True)
class BlockCells:
    """A block of a floorplan and the window of cells between the planes nearest to its edges."""

    name: str  # "<stack>.<layer>.<block>"
    part: int
    power: float  # W, may be 0
    window: Window


def find_block_cells(
    geometry: Geometry, grid: Grid, part_map: PartMap
) -> tuple[tuple[BlockCells, ...], list[Diagnostic]]:
    """Return the blocks of all floorplans, and a warning for each layer with blocks that are not resolved.

    A block of which all cells belong to other parts than its layer has no temperature and is left out.
    """
    blocks: list[BlockCells] = []
    warnings: list[Diagnostic] = []
    for source in geometry.sources:
        count = len(source.power.blocks)
        if count > MAX_LISTED_BLOCKS:
            text = f"the results list no temperatures of its {count} blocks, more than {MAX_LISTED_BLOCKS}"
            hint = "use a map, or fewer blocks"
            warnings.append(diagnostic_at((*source.path, "blocks"), text, hint, "W-POWER"))
        elif count:
            own, outside = _layer_blocks(geometry, grid, part_map, source)
            blocks += own
            warnings += _outside_warnings(source, outside)
    return tuple(blocks), [geometry.package.locate(warning) for warning in warnings]


def _layer_blocks(
    geometry: Geometry, grid: Grid, part_map: PartMap, source: HeatSource
) -> tuple[list[BlockCells], list[str]]:
    """Return the blocks of a layer, and the names of those that lie at least partly off the layer."""
    layout = source.layout
    k, _, _ = layer_window(grid, source)
    is_layer = layer_columns(geometry, part_map, k, source.part)
    plan = disc_plan(geometry, grid, source)
    title = geometry.parts[source.part].name
    blocks, outside = [], []
    for name, power, (x0, y0, x1, y1) in zip(
        layout.names, layout.power.tolist(), layout.corners, strict=True
    ):
        j, i = covering_cells(grid.y, y0, y1), covering_cells(grid.x, x0, x1)
        own = is_layer[j, i]
        is_on_layer = own if plan is None else own | ~plan[j, i]
        if not own.any() or not is_on_layer.all():
            outside.append(name)
        if own.any():
            blocks.append(BlockCells(f"{title}.{name}", source.part, power, (k, j, i)))
    return blocks, outside


def covering_cells(planes: np.ndarray, low: float, high: float) -> slice:
    """Return the cells between the planes nearest to two coordinates [m], at least one cell."""
    cells = cell_range(planes, low, high)
    if cells.start < cells.stop:
        return cells
    middle = int(np.searchsorted(planes, 0.5 * (low + high), side="right")) - 1
    middle = min(max(middle, 0), planes.size - 2)
    return slice(middle, middle + 1)


def _outside_warnings(source: HeatSource, names: list[str]) -> Iterator[Diagnostic]:
    """Yield a warning that names the blocks of a layer that lie at least partly off the layer."""
    if names:
        verb, pronoun = ("is", "it") if len(names) == 1 else ("are", "them")
        text = f"{listed(names)} {verb} at least partly where the layer is open or another stack is embedded"
        hint = f"move {pronoun} onto the layer; without a cell of the layer a block has no temperature"
        yield diagnostic_at((*source.path, "blocks", names[0]), text, hint, "W-POWER")
