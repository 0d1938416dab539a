"""The geometry of a local model: the boxes of a package in a region, with resolved vias, bumps and lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.package.box import Box
from thermostack.package.geometry import Geometry, HeatSource, InterfaceResistance, Part
from thermostack.package.local_region import LocalRegion, ResolvedArray
from thermostack.package.rectangles import COINCIDENCE_TOLERANCE, intersection
from thermostack.package.resolved_arrays import (
    MAX_INCLUSIONS,
    ArrayLattice,
    resolvable_medium,
)
from thermostack.schema.spelling import suggest


def local_geometry(geometry: Geometry, region: LocalRegion) -> Geometry:
    """Return the geometry of a package restricted to a region: the parts with boxes in it, and these boxes.

    The matrix of a resolved array keeps the name of its part; its vias, bumps or lines become the parts
    "<name>.core" and "<name>.liner", "<name>.bump" or "<name>.line". Raises DescriptionError where a part
    that is to be resolved does not exist or is no array.
    """
    lattices = {array.name: array_lattice(geometry, array) for array in region.resolved}
    builder = _LocalBuilder(geometry, region, lattices)
    for box in geometry.boxes:
        builder.add(box)
    return Geometry(
        geometry.package,
        tuple(builder.parts),
        tuple(builder.boxes),
        tuple(builder.sources(geometry.sources)),
        tuple(_contacts_in(geometry.contacts, region)),
        geometry.warnings,
        tuple((name, thickness) for name, thickness in geometry.fills if name in builder.names),
        (),
        region,
    )


def array_lattice(geometry: Geometry, array: ResolvedArray) -> ArrayLattice:
    """Return the lattice of the array of a part. Raises DescriptionError as `local_geometry`."""
    numbers = [n for n, part in enumerate(geometry.parts) if part.name == array.name]
    if not numbers:
        text = f"no part is named {array.name!r}"
        hint = suggest(array.name, [part.name for part in geometry.parts])
        raise DescriptionError(Diagnostic("resolve", text, hint, "E-NAME"))
    part = geometry.parts[numbers[0]]
    medium = resolvable_medium(geometry.package, part.name, part.path)
    own = [box for box in geometry.boxes if box.part == numbers[0]]
    x0, y0 = (min(box.low[axis] for box in own) for axis in (0, 1))
    x1, y1 = (max(box.high[axis] for box in own) for axis in (0, 1))
    return ArrayLattice(medium, (x0, y0, x1, y1), array.origin or (x0, y0), part.is_turned)


def clip(box: Box, region: LocalRegion) -> Box | None:
    """Return the common part of a box and a region, None where they touch at most."""
    low = tuple(max(pair) for pair in zip(box.low, region.low, strict=True))
    high = tuple(min(pair) for pair in zip(box.high, region.high, strict=True))
    if any(b - a <= COINCIDENCE_TOLERANCE for a, b in zip(low, high, strict=True)):
        return None
    return replace(box, low=(low[0], low[1], low[2]), high=(high[0], high[1], high[2]))


@dataclass
class _LocalBuilder:
    """The parts and boxes of a region that are added one box after the other."""

    geometry: Geometry
    region: LocalRegion
    lattices: dict[str, ArrayLattice]
    parts: list[Part] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    numbers: dict[tuple[int, str], int] = field(default_factory=dict)  # by part of the package and suffix

    @property
    def names(self) -> set[str]:
        """Return the names of the parts."""
        return {part.name for part in self.parts}

    def add(self, box: Box) -> None:
        """Add a box of the package, if it reaches into the region, with the inclusions of its array."""
        piece = clip(box, self.region)
        if piece is None:
            return
        if box.part < 0:
            self.boxes.append(piece)
            return
        part = self.geometry.parts[box.part]
        lattice = self.lattices.get(part.name)
        if lattice is None:
            self.boxes.append(replace(piece, part=self.number(box.part, part)))
            return
        _require_few(part.name, lattice.count_in((*piece.low[:2], *piece.high[:2])))
        package = self.geometry.package
        matrix = replace(part, material=package.material(lattice.matrix))
        piece = replace(piece, part=self.number(box.part, matrix))
        self.boxes.append(piece)
        for kind in lattice.inclusions:
            name, material = f"{part.name}.{kind.suffix}", package.material(kind.material)
            own = self.number(box.part, replace(part, name=name, material=material), kind.suffix)
            self.boxes += lattice.boxes(kind, own, piece)

    def number(self, original: int, part: Part, suffix: str = "") -> int:
        """Return the number of a part of the region, which is added at its first use."""
        key = original, suffix
        if key not in self.numbers:
            if suffix and part.name in {other.name for other in self.geometry.parts}:
                text = f"{part.name} is the name of a region, and of the {suffix} of the resolved array"
                raise DescriptionError(Diagnostic("resolve", text, "rename the region", "E-DUPLICATE"))
            self.numbers[key] = len(self.parts)
            self.parts.append(part)
        return self.numbers[key]

    def sources(self, sources: Sequence[HeatSource]) -> Iterable[HeatSource]:
        """Yield the heat sources whose layers reach into the region, with the extents of the whole layers."""
        for source in sources:
            reaches = intersection(source.rectangle, self.region.plan) is not None
            low, high = max(source.z0, self.region.low[2]), min(source.z1, self.region.high[2])
            if reaches and high - low > COINCIDENCE_TOLERANCE and (source.part, "") in self.numbers:
                yield replace(source, part=self.numbers[source.part, ""])


def _require_few(name: str, count: float) -> None:
    """Raise DescriptionError where the region has too many inclusions of an array to resolve them."""
    if count > MAX_INCLUSIONS:
        text = f"about {count:.3g} vias, bumps or lines of {name} lie in the box, more than {MAX_INCLUSIONS}"
        raise DescriptionError(Diagnostic("resolve", text, "use a smaller box", "E-RANGE"))


def _contacts_in(
    contacts: Iterable[InterfaceResistance], region: LocalRegion
) -> Iterable[InterfaceResistance]:
    """Yield the interface resistances inside a region; one on its surface lies outside."""
    for contact in contacts:
        common = intersection(contact.rectangle, region.plan)
        is_inside = region.low[2] + COINCIDENCE_TOLERANCE < contact.z < region.high[2] - COINCIDENCE_TOLERANCE
        if common is not None and is_inside:
            yield replace(contact, rectangle=common)
