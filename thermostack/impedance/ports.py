"""Ports of a thermal impedance: cells of a source or of an output, with their weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thermostack.mesh.model import Model
from thermostack.results.names import unknown_name
from thermostack.schema.arguments import argument_error


@dataclass(frozen=True, eq=False)
class Port:
    """Cells and their weights in a power or in a mean temperature."""

    cell: np.ndarray  # (n,) index in the raveled grid, ascending
    weight: np.ndarray  # (n,) sum 1

    def source_field(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the power [W] of all cells, (nz, ny, nx), that sums to one watt in this port."""
        power = np.zeros(shape)
        power.reshape(-1)[self.cell] = self.weight
        return power

    def mean(self, t: np.ndarray) -> float:
        """Return the weighted mean over the port of a field of all cells, (nz, ny, nx)."""
        return float(t.reshape(-1)[self.cell] @ self.weight)


def find_port(model: Model, name: str) -> Port:
    """Return the port of a part, block or stack: weighted by power, or by volume if it has no power.

    Raises UnknownNameError, with similar names, if nothing has this name.
    """
    return _powered_cells(model, name) or _all_cells(model, name)


def find_source(model: Model, name: str) -> Port:
    """Return the port of a part, block or stack that has power, weighted by power.

    Raises UnknownNameError if nothing has this name, ArgumentError if it has no power.
    """
    port = _powered_cells(model, name)
    if port is None:
        _all_cells(model, name)
        sources = ", ".join(heated_stacks(model)) or "none"
        raise argument_error("source", f"{name} has no power", f"stacks with power: {sources}", "E-POWER")
    return port


def heated_stacks(model: Model) -> dict[str, float]:
    """Return the power [W] of every stack that has any, the maximum first."""
    power: dict[str, float] = {}
    for part, part_power in zip(model.parts, model.power_of_parts.tolist(), strict=True):
        stack = _stack_of(model, part.name)
        power[stack] = power.get(stack, 0.0) + part_power
    return dict(sorted(((name, p) for name, p in power.items() if p > 0.0), key=lambda item: -item[1]))


def _stack_of(model: Model, name: str) -> str:
    """Return the name of the stack that a part belongs to."""
    stacks = [stack.name for stack in model.package.stacks if name.startswith(f"{stack.name}.")]
    return max(stacks, key=len, default=name)


def _is_within(part: str, name: str) -> bool:
    """Return whether a part has a name or belongs to the stack of that name."""
    return part == name or part.startswith(f"{name}.")


def _powered_cells(model: Model, name: str) -> Port | None:
    """Return the cells with power of a part, block or stack, None if its power is zero."""
    blocks = [block for block in model.blocks if block.name == name]
    cells, powers = [], []
    for source in model.layer_sources:
        if blocks and source.part != blocks[0].part:
            continue
        if not blocks and not _is_within(model.parts[source.part].name, name):
            continue
        window = blocks[0].window if blocks else source.window
        for k, share in enumerate(source.shares.tolist(), source.k0):
            plane = np.zeros(model.grid.shape[1:])
            plane[source.window[1:]] = share * source.plane
            power = np.zeros_like(plane)
            power[window[1:]] = plane[window[1:]]
            cell = np.flatnonzero(power)
            cells.append(cell + k * power.size)
            powers.append(power.reshape(-1)[cell])
    if not cells or not sum(float(power.sum()) for power in powers) > 0.0:
        return None
    cell, inverse = np.unique(np.concatenate(cells), return_inverse=True)
    power = np.bincount(inverse, np.concatenate(powers))
    return Port(cell, power / power.sum())


def _all_cells(model: Model, name: str) -> Port:
    """Return all cells of a part, block or stack, weighted by volume."""
    grid = model.grid
    members = [n for n, part in enumerate(model.parts, 1) if _is_within(part.name, name)]
    windows = [block.window for block in model.blocks if block.name == name]
    cells, volumes = [], []
    for k in range(grid.shape[0]):
        if windows:
            inside = np.zeros(grid.shape[1:], dtype=bool)
            if windows[0][0].start <= k < windows[0][0].stop:
                inside[windows[0][1:]] = True
        else:
            inside = np.isin(model.part[k], members)
        cell = np.flatnonzero(inside)
        cells.append(cell + k * inside.size)
        volumes.append(grid.dz[k] * (grid.dy[:, None] * grid.dx).reshape(-1)[cell])
    cell, volume = np.concatenate(cells), np.concatenate(volumes)
    if not cell.size:
        raise unknown_name(name, list(dict.fromkeys(_names(model))))
    return Port(cell, volume / volume.sum())


def _names(model: Model) -> Iterator[str]:
    """Yield the names of parts and blocks, and of every stack and part that contains them."""
    for name in [*(part.name for part in model.parts), *(block.name for block in model.blocks)]:
        pieces = name.split(".")
        yield from (".".join(pieces[: n + 1]) for n in range(len(pieces)))
