"""Vias, bumps and lines of effective media as boxes of their own: materials, positions and plans."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.materials.effective_media import BumpArray, LineLayer, MaterialLike, ViaArray
from thermostack.materials.material_library import find_definition
from thermostack.package.box import Box
from thermostack.package.disc import disc_rectangles
from thermostack.package.package import Package
from thermostack.package.rectangles import Rectangle, intersection
from thermostack.schema.validated_dataclass import FieldPath, class_key

ResolvableMedium = ViaArray | BumpArray | LineLayer

MAX_INCLUSIONS = 20_000  # vias, bumps or lines of one array in a region
_SLACK = 1e-9  # of a pitch: an inclusion that touches the edge of the part by rounding lies in the part


@dataclass(frozen=True)
class Inclusions:
    """One kind of inclusions of an array: the material and the diameter, or the width of lines."""

    suffix: str  # of the name of the part: "core"
    material: MaterialLike
    width: float  # m


@dataclass(frozen=True)
class ArrayLattice:
    """The positions of the inclusions of an array in a part: a lattice in coordinates of the package."""

    medium: ResolvableMedium
    outline: Rectangle  # m, of the part
    origin: tuple[float, float]  # m, corner of a unit cell
    is_turned: bool  # x of the medium lies along y of the package

    @property
    def matrix(self) -> MaterialLike:
        """Return the material around the inclusions."""
        medium = self.medium
        if isinstance(medium, ViaArray):
            return medium.host
        return medium.fill if isinstance(medium, BumpArray) else medium.dielectric

    @property
    def inclusions(self) -> tuple[Inclusions, ...]:
        """Return the kinds of inclusions; a later one lies inside an earlier one."""
        medium = self.medium
        if isinstance(medium, LineLayer):
            return (Inclusions("line", medium.line, medium.width),)
        if isinstance(medium, BumpArray):
            return (Inclusions("bump", medium.bump, medium.diameter),)
        core = medium.diameter - 2.0 * medium.liner_thickness
        liner = () if medium.liner is None else (Inclusions("liner", medium.liner, medium.diameter),)
        return (*liner, Inclusions("core", medium.core, core))

    @property
    def smallest(self) -> float:
        """Return the smallest length that the grid has to resolve across an inclusion [m]."""
        if isinstance(self.medium, LineLayer):
            return min(self.medium.width, self.medium.pitch - self.medium.width)
        return self.medium.diameter

    def boxes(self, kind: Inclusions, part: int, piece: Box) -> Iterator[Box]:
        """Yield the boxes of a part number for one kind of inclusions in a piece of the matrix."""
        plan = piece.low[0], piece.low[1], piece.high[0], piece.high[1]
        z0, z1 = piece.low[2], piece.high[2]
        for rectangle in self._plans(kind, plan):
            common = intersection(rectangle, plan)
            if common is not None:
                x0, y0, x1, y1 = common
                yield Box(part, (x0, y0, z0), (x1, y1, z1))

    def count_in(self, plan: Rectangle) -> float:
        """Return about how many inclusions lie in a plan [m]."""
        width, depth = plan[2] - plan[0], plan[3] - plan[1]
        pitch = self.medium.pitch
        if isinstance(self.medium, LineLayer):
            return (depth if self._line_axis == 0 else width) / pitch
        cell = pitch**2 * (math.sqrt(0.75) if self.medium.arrangement == "hexagonal" else 1.0)
        return width * depth / cell

    @property
    def _line_axis(self) -> int:
        """Return the axis of the package along which lines run."""
        is_x = isinstance(self.medium, LineLayer) and self.medium.direction == "x"
        return 0 if is_x != self.is_turned else 1

    def _plans(self, kind: Inclusions, plan: Rectangle) -> Iterator[Rectangle]:
        """Yield the rectangles [m] of the inclusions that may lie in a plan."""
        if isinstance(self.medium, LineLayer):
            across = 1 - self._line_axis
            low, high = self.outline[across], self.outline[across + 2]
            for center in self._positions(across, self.medium.pitch, 0.5, plan):
                start, stop = max(center - 0.5 * kind.width, low), min(center + 0.5 * kind.width, high)
                ends = [*self.outline]
                ends[across], ends[across + 2] = start, stop
                if start < stop:
                    yield ends[0], ends[1], ends[2], ends[3]
            return
        whole = 0.5 * self.medium.diameter
        radius = 0.5 * kind.width
        for x, y in self._centers(plan):
            if self._is_inside(x, y, whole):
                square = x - radius, y - radius, x + radius, y + radius
                yield from disc_rectangles(square)

    def _centers(self, plan: Rectangle) -> Iterator[tuple[float, float]]:
        """Yield the axes [m] of the cylinders that may reach into a plan."""
        pitch = self.medium.pitch
        if not isinstance(self.medium, LineLayer) and self.medium.arrangement == "hexagonal":
            along = 1 if self.is_turned else 0  # the axis of the rows
            rows = self._numbers(1 - along, math.sqrt(0.75) * pitch, 0.5, plan)
            for row in rows:
                across = self.origin[1 - along] + (row + 0.5) * math.sqrt(0.75) * pitch
                for place in self._positions(along, pitch, 0.5 if row % 2 == 0 else 1.0, plan):
                    yield (place, across) if along == 0 else (across, place)
            return
        yield from product(self._positions(0, pitch, 0.5, plan), self._positions(1, pitch, 0.5, plan))

    def _numbers(self, axis: int, distance: float, offset: float, plan: Rectangle) -> range:
        """Return the numbers of the lattice planes normal to an axis that may reach into a plan."""
        low, high = (plan[axis] - self.origin[axis], plan[axis + 2] - self.origin[axis])
        reach = self.medium.pitch
        return range(math.floor((low - reach) / distance - offset), math.ceil((high + reach) / distance) + 1)

    def _positions(self, axis: int, distance: float, offset: float, plan: Rectangle) -> list[float]:
        """Return the coordinates [m] of the lattice planes normal to an axis that may reach into a plan."""
        numbers = self._numbers(axis, distance, offset, plan)
        return [self.origin[axis] + (n + offset) * distance for n in numbers]

    def _is_inside(self, x: float, y: float, radius: float) -> bool:
        """Return whether a cylinder lies in the outline of the part."""
        x0, y0, x1, y1 = self.outline
        slack = _SLACK * self.medium.pitch
        return (
            x - radius >= x0 - slack
            and x + radius <= x1 + slack
            and y - radius >= y0 - slack
            and y + radius <= y1 + slack
        )


def resolvable_medium(package: Package, name: str, path: FieldPath) -> ResolvableMedium:
    """Return the effective medium of the part at a path of the description.

    Raises DescriptionError where its material is no array of vias, bumps or lines.
    """
    definition = find_definition(_described_material(package, path), package.materials)
    if isinstance(definition, ViaArray | BumpArray | LineLayer):
        return definition
    kind = class_key(type(definition)).replace("_", " ")
    text = f"{name} cannot be resolved: its material is a {kind}, not an array of vias, bumps or lines"
    hint = "name a part whose material is a via_array, a bump_array or a line_layer"
    raise DescriptionError(Diagnostic("resolve", text, hint, "E-VALUE"))


def _described_material(package: Package, path: FieldPath) -> Any:
    """Return the material in the description of a part."""
    if path[:1] != ("stacks",):  # a base plate or the gap fill of a cooler
        cooler = getattr(package.cooling.face(str(path[1]))[int(path[2])].cooler, "base", None)
        return getattr(cooler, "gap_fill" if path[-1] == "gap_fill" else "material", None)
    stack = package.stack(str(path[1]))
    if path[2] != "layers":
        return getattr(stack, str(path[2]))
    layer = stack.layers[int(path[3])]
    if len(path) == 4:
        return layer.material
    return next(region.material for region in layer.regions if region.name == path[5])
