"""Where heat goes in, and where a temperature is read: parts by name, as cells and their shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thermostack.mesh.model import Model
from thermostack.schema.fields import suggest


@dataclass(frozen=True, eq=False)
class Port:
    """Some cells and the share each has in a heat, or in a mean."""

    cell: np.ndarray  # (n,) index in the raveled grid, ascending
    weight: np.ndarray  # (n,) sum 1

    def source_field(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return one watt at this place as the heat of all cells [W]."""
        heat = np.zeros(shape)
        heat.reshape(-1)[self.cell] = self.weight
        return heat

    def mean(self, t: np.ndarray) -> float:
        """Return the mean here of a field of all cells."""
        return float(t.reshape(-1)[self.cell] @ self.weight)


def find_port(model: Model, name: str) -> Port:
    """Return a part, block or stack: its cells by their share of its heat, by volume where it makes none.

    Raises KeyError with the nearest names for an unknown one.
    """
    return _heated(model, name) or _whole(model, name)


def find_source(model: Model, name: str) -> Port:
    """Return a part, block or stack that makes heat.

    Raises KeyError with the nearest names for an unknown one, ValueError where it makes no heat.
    """
    place = _heated(model, name)
    if place is None:
        _whole(model, name)
        raise ValueError(f"{name} makes no heat; there are {', '.join(heated_stacks(model)) or 'no sources'}")
    return place


def heated_stacks(model: Model) -> dict[str, float]:
    """Return the heat [W] of every stack that makes any, the hottest first."""
    heat: dict[str, float] = {}
    for part, power in zip(model.parts, model.power_of_parts.tolist(), strict=True):
        stack = _stack_of(model, part.name)
        heat[stack] = heat.get(stack, 0.0) + power
    return dict(sorted(((name, h) for name, h in heat.items() if h > 0.0), key=lambda item: -item[1]))


def _stack_of(model: Model, name: str) -> str:
    stacks = [stack.name for stack in model.package.stacks if name.startswith(f"{stack.name}.")]
    return max(stacks, key=len, default=name)


def _is_within(part: str, name: str) -> bool:
    return part == name or part.startswith(f"{name}.")


def _heated(model: Model, name: str) -> Port | None:
    """Return where something makes heat, None where it makes none in all."""
    blocks = [block for block in model.blocks if block.name == name]
    cells, heats = [], []
    for source in model.layer_sources:
        if blocks and source.part != blocks[0].part:
            continue
        if not blocks and not _is_within(model.parts[source.part].name, name):
            continue
        window = blocks[0].window if blocks else source.window
        for k, share in enumerate(source.shares.tolist(), source.k0):
            plane = np.zeros(model.grid.shape[1:])
            plane[source.window[1:]] = share * source.plane
            heat = np.zeros_like(plane)
            heat[window[1:]] = plane[window[1:]]
            cell = np.flatnonzero(heat)
            cells.append(cell + k * heat.size)
            heats.append(heat.reshape(-1)[cell])
    if not cells or not sum(float(heat.sum()) for heat in heats) > 0.0:
        return None
    cell, where = np.unique(np.concatenate(cells), return_inverse=True)
    heat = np.bincount(where, np.concatenate(heats))
    return Port(cell, heat / heat.sum())


def _whole(model: Model, name: str) -> Port:
    """Return all cells of a part, a block or a stack, by volume."""
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
        hint = suggest(name, set(_names(model)))
        raise KeyError(f"no part is named {name!r}{'; ' if hint else ''}{hint}")
    return Port(cell, volume / volume.sum())


def _names(model: Model) -> Iterator[str]:
    for name in [*(part.name for part in model.parts), *(block.name for block in model.blocks)]:
        pieces = name.split(".")
        yield from (".".join(pieces[: n + 1]) for n in range(len(pieces)))
