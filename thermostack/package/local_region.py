"""The region of a local model: a box of a package, and the arrays that are resolved in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thermostack.package.rectangles import Rectangle

Point3 = tuple[float, float, float]  # m: x, y, z


@dataclass(frozen=True)
class ResolvedArray:
    """A part of an effective medium whose vias, bumps or lines become parts of their own.

    `origin` (x, y) [m] is a corner of a unit cell of the array, None for the corner of the part.
    """

    name: str  # of the part: "interposer.silicon"
    origin: tuple[float, float] | None = None  # m


@dataclass(frozen=True)
class LocalRegion:
    """A box of a package [m] with the arrays that are resolved in it."""

    low: Point3
    high: Point3
    resolved: tuple[ResolvedArray, ...] = ()

    @property
    def plan(self) -> Rectangle:
        """Return the plan of the box [m]."""
        return self.low[0], self.low[1], self.high[0], self.high[1]

    def as_data(self) -> dict[str, Any]:
        """Return the region as plain data for JSON."""
        arrays = [[each.name, None if each.origin is None else list(each.origin)] for each in self.resolved]
        return {"low": list(self.low), "high": list(self.high), "resolved": arrays}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> LocalRegion:
        """Return the region of plain data; raises KeyError, TypeError or ValueError where they are wrong."""
        low, high = (tuple(float(value) for value in data[key]) for key in ("low", "high"))
        if len(low) != 3 or len(high) != 3 or not all(a < b for a, b in zip(low, high, strict=True)):
            raise ValueError("a region is a box with three extents")
        arrays = [
            ResolvedArray(str(name), None if origin is None else (float(origin[0]), float(origin[1])))
            for name, origin in data["resolved"]
        ]
        return cls((low[0], low[1], low[2]), (high[0], high[1], high[2]), tuple(arrays))
