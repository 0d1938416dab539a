"""Ports of a thermal impedance: cells of a source or of an output, with their weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thermostack.errors import DescriptionError
from thermostack.mesh.model import Model
from thermostack.results.names import unknown_name
from thermostack.schema.arguments import argument_error

CANCELLATION = 1e-9  # of the magnitudes of some powers: a smaller sum is rounding


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
    sources = _sources_of(model, name)
    has_power = model.heat_sources.described_power[sources].any()
    return _source_port(model, name, sources) if has_power else _all_cells(model, name)


def find_source(model: Model, name: str) -> Port:
    """Return the port of a part, block or stack with heat sources.

    The port is weighted by the described power of the sources, or by their area if that is 0 W everywhere.
    Raises UnknownNameError if nothing has this name, ArgumentError if it has no heat source or if its powers
    are positive and negative.
    """
    sources = _sources_of(model, name)
    if not sources.size:
        _all_cells(model, name)
        known = ", ".join(heated_stacks(model)) or "none"
        raise argument_error("source", f"{name} has no power", f"stacks with power: {known}", "E-POWER")
    return _source_port(model, name, sources)


def default_source(model: Model) -> str:
    """Return the stack with the maximum power, or the only stack with heat sources if none has power.

    Raises ArgumentError if there is no such stack.
    """
    heated = heated_stacks(model)
    if heated:
        return next(iter(heated))
    sources = model.heat_sources
    parts = (sources.part_names[part] for part in sources.layer_parts)
    stacks = list(dict.fromkeys(_stack_of(model, part) for part in parts))
    if len(stacks) == 1:
        return stacks[0]
    candidates = f"name a source: {', '.join(stacks)}" if stacks else "give a layer a power, which may be 0 W"
    raise argument_error("source", "no stack has power", candidates, "E-POWER")


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


def _sources_of(model: Model, name: str) -> np.ndarray:
    """Return the indices of the heat sources of a part, block or stack; none if it has no source."""
    sources = model.heat_sources
    try:
        found = sources.find(name, is_hinted=False)
    except DescriptionError:
        return np.zeros(0, dtype=np.intp)
    is_whole = [sources.names[n] == name or sources.names[n].startswith(f"{name}.") for n in found.tolist()]
    return found[is_whole]  # a block is named with its layer here


def _source_port(model: Model, name: str, found: np.ndarray) -> Port:
    """Return the cells of some heat sources, weighted by their described power, or by their area."""
    sources = model.heat_sources
    power = np.zeros(sources.count)
    described = sources.described_power[found]
    power[found] = described if described.any() else sources.area[found]
    of_cells = sources.cell_powers(power)
    total = float(of_cells.sum())
    if abs(total) <= CANCELLATION * float(np.abs(of_cells).sum()):
        text = f"the positive and negative powers of {name} cancel"
        raise argument_error("source", text, "name one of its blocks", "E-POWER")
    used = np.flatnonzero(of_cells)
    return Port(sources.cell[used], of_cells[used] / total)


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
