"""Maximum cell sizes that are given by part: the keys of `cell`, and the boxes to which they apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from thermostack.mesh.merged_planes import AXIS_NAMES
from thermostack.package.geometry import Geometry


def names_of_parts(geometry: Geometry) -> set[str]:
    """Return the names of all parts, and of the stacks and layers that contain them."""
    parts = [part.name for part in geometry.parts]
    return {name.rsplit(".", n)[0] for name in parts for n in range(name.count(".") + 1)}


def split_axis(name: str, known: Collection[str]) -> tuple[str, tuple[int, ...]]:
    """Return the part and the axes of a key of cell sizes: "die", "die.z", or "z" for all parts.

    >>> split_axis("die.z", {"die"}), split_axis("die", {"die"}), split_axis("z", {"die"})
    (('die', (2,)), ('die', (0, 1, 2)), ('', (2,)))
    """
    part, _, axis = name.rpartition(".")
    if name in known or axis not in AXIS_NAMES:
        return name, (0, 1, 2)
    return part, (AXIS_NAMES.index(axis),)


def part_sizes(geometry: Geometry, cell: Mapping[str, float], axis: int) -> list[tuple[float, float, float]]:
    """Return (low, high, maximum size) [m] along an axis of the boxes of every part that `cell` names."""
    sizes, known = [], names_of_parts(geometry)
    limits = [(*split_axis(key, known), size) for key, size in cell.items()]
    for box in geometry.boxes:
        name = geometry.parts[box.part].name if box.part >= 0 else ""
        for prefix, axes, size in limits:
            if axis in axes and (name == prefix or name.startswith(f"{prefix}.") or not prefix):
                sizes.append((box.low[axis], box.high[axis], size))
    return sizes
