"""The test boards of JEDEC: their sizes, copper planes and traces, as layers below a package."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

from thermostack.errors import Diagnostic, UnknownNameError
from thermostack.materials.material import Material
from thermostack.materials.material_library import find_material
from thermostack.package.rectangles import Rectangle
from thermostack.package.stack import Layer, Region, Stack
from thermostack.schema.arguments import argument_error, check_number, check_quantity
from thermostack.schema.spelling import suggest
from thermostack.units import format_quantity, mm, um

# -- numbers of the standards; docs/guide/jedec.md lists which of them are published ---------------------

THICKNESS = 1.6 * mm
TRACE_THICKNESS, PLANE_THICKNESS = 70 * um, 35 * um
DIELECTRIC_THICKNESS = 0.375 * mm  # assumed: the middle of 0.25 to 0.50 mm between traces and plane
TRACE_LENGTH = 25 * mm  # of the traces beyond the package
RING_EDGES = (0.0, 5 * mm, 12 * mm, TRACE_LENGTH)  # assumed: distances from the package of equal coverage
TRACE_COVERAGE = 0.4  # of the traces at the edge of the package: their width is 36 to 44 % of the pitch
BACK_COVERAGE = 0.2  # of the traces on the back, as TI simulates them
VIA_DIAMETER, VIA_PLATING, VIA_PITCH = 0.3 * mm, 25 * um, 1.2 * mm  # of JESD51-5, remembered


@dataclass(frozen=True)
class Outline:
    """A size of a board for packages up to a largest side."""

    max_side: float  # m, of the package
    width: float
    depth: float
    plane: float  # side of the square planes


AREA_ARRAY = (
    Outline(40 * mm, 101.5 * mm, 114.5 * mm, 99.5 * mm),
    Outline(65 * mm, 127.0 * mm, 139.5 * mm, 125.0 * mm),
    Outline(90 * mm, 152.5 * mm, 165.0 * mm, 150.5 * mm),
)
LEADED = (
    Outline(27 * mm, 76.2 * mm, 114.3 * mm, 74.2 * mm),
    Outline(51.6 * mm, 101.6 * mm, 114.3 * mm, 99.6 * mm),  # to 2 x 25 mm of traces at its width
)


@dataclass(frozen=True)
class Standard:
    """A board of a standard: its outlines, and whether it has planes and vias under an exposed pad."""

    outlines: tuple[Outline, ...]
    has_planes: bool
    has_vias: bool = False


STANDARDS = {
    "jesd51-9/2s2p": Standard(AREA_ARRAY, has_planes=True),
    "jesd51-9/1s": Standard(AREA_ARRAY, has_planes=False),
    "jesd51-7": Standard(LEADED, has_planes=True),
    "jesd51-5": Standard(LEADED, has_planes=True, has_vias=True),
    "jesd51-3": Standard(LEADED, has_planes=False),
}
WITH_PLANES = {"jesd51-9/1s": "jesd51-9/2s2p", "jesd51-3": "jesd51-7"}  # for theta_JB of JESD51-8


@dataclass(frozen=True)
class JedecBoard:
    """A test board of JEDEC for a package of any size.

    Parameters
    ----------
    standard : str
        "jesd51-9/2s2p" and "jesd51-9/1s" (packages with balls), "jesd51-7" (2s2p) and "jesd51-3" (1s0p) for
        packages with leads, "jesd51-5" (2s2p with thermal vias under an exposed pad).
    size : pair of float or str, optional
        Width and depth [m]; by default those of the standard for the size of the package.
    trace_coverage : float
        Fraction of the area next to the package that traces cover. Farther away it falls with the perimeter.
    pad : str, optional
        The stack on the board that is the exposed pad of "jesd51-5"; by default the largest one.
    copper_area : float or str
        Area of solid copper on the top layer around the package, outside of it [m2, or text with a unit], as
        in data sheets of power packages: a rectangle whose edge has the same distance from all sides.

    Raises
    ------
    UnknownNameError
        If no standard has the name.
    ArgumentError
        If the size or the coverage is out of range.

    Notes
    -----
    The sizes and the layers are those of JESD51-3, JESD51-5, JESD51-7 and JESD51-9. The traces conduct along
    themselves; the grid has no radial axis, so that the conductivity in the plane is the mean of the parallel
    and the series rule.

    Examples
    --------
    >>> board = JedecBoard("jesd51-9/2s2p")
    >>> [round(1e3 * side, 1) for side in board.outline(0.035, 0.035).size]
    [101.5, 114.5]
    """

    standard: str
    size: tuple[float | str, float | str] | None = None
    trace_coverage: float = TRACE_COVERAGE
    pad: str | None = None
    copper_area: float | str = 0.0

    def __post_init__(self) -> None:
        """Check the name of the standard, the size and the coverage."""
        if self.standard not in STANDARDS:
            hint = suggest(str(self.standard), STANDARDS) or f"there are {', '.join(STANDARDS)}"
            text = f"no board is named {self.standard!r}"
            raise UnknownNameError(Diagnostic("board", text, hint, "E-NAME"))
        coverage = check_number(self.trace_coverage, "trace_coverage", min=0.0)
        if coverage > 1.0:
            raise argument_error("trace_coverage", f"must be at most 1, got {coverage:g}", "", "E-RANGE")
        area = check_quantity(self.copper_area, "area", "copper_area", min=0.0)
        object.__setattr__(self, "copper_area", area)
        if self.size is not None:
            if isinstance(self.size, str) or len(self.size) != 2:
                raise argument_error("size", "is not a width and a depth", 'write ("150 mm", "170 mm")')
            width, depth = (check_quantity(side, "length", "size", above=0.0) for side in self.size)
            object.__setattr__(self, "size", (width, depth))

    def outline(self, width: float, depth: float) -> BoardOutline:
        """Return the outline of the board for a package of a width and a depth [m].

        Raises ArgumentError where the standard has no board for the package, or the board is too small.
        """
        side = max(width, depth)
        of_standard = STANDARDS[self.standard].outlines
        if self.size is not None:
            board_width, board_depth = (float(each) for each in self.size)
            plane = min(board_width, board_depth) - 2 * mm
        else:
            found = next((each for each in of_standard if side <= each.max_side + 1e-9), None)
            if found is None:
                largest = format_quantity(of_standard[-1].max_side, "length")
                text = f"{self.standard} has boards for packages up to {largest}, not for"
                text = f"{text} {format_quantity(side, 'length')}"
                raise argument_error(
                    "board", text, "give the board a size: --board-size, or JedecBoard(size=...)"
                )
            board_width, board_depth, plane = found.width, found.depth, found.plane
        needed = side + 2.0 * TRACE_LENGTH
        if min(board_width, board_depth) < needed - 1e-9:
            text = f"a board of {format_quantity(min(board_width, board_depth), 'length')} is too small for a"
            text = f"{text} package of {format_quantity(side, 'length')} with 25 mm of traces on each side"
            raise argument_error("board", text, f"it needs at least {format_quantity(needed, 'length')}")
        end = 0.5 * min(board_width, board_depth)  # the connector is at the south edge
        return BoardOutline((board_width, board_depth), (0.5 * board_width, board_depth - end), plane)

    @property
    def with_planes(self) -> JedecBoard:
        """Return the board with planes that JESD51-8 requires: this one, or that of the same family."""
        name = WITH_PLANES.get(self.standard, self.standard)
        return replace(self, standard=name)

    def layers(
        self, width: float, depth: float, pad: Rectangle | None = None
    ) -> tuple[BoardOutline, tuple[Layer, ...]]:
        """Return the outline and the layers, from the bottom, under a package of a width and a depth [m].

        `pad` is the rectangle of the exposed pad in coordinates of the board [m].
        """
        outline = self.outline(width, depth)
        standard = STANDARDS[self.standard]
        front = _trace_regions(outline, (width, depth), self.trace_coverage, "traces")
        if float(self.copper_area) > 0.0:
            front = (*front, self._copper_region(outline, width, depth))
        pad_region: tuple[Region, ...] = ()
        via_region: tuple[Region, ...] = ()
        if standard.has_vias and pad is not None:
            pad_region, via_region = _pad_regions(pad)
        traces = Layer("traces", TRACE_THICKNESS, "fr4", regions=(*front, *pad_region))
        if not standard.has_planes:
            return outline, (Layer("core", THICKNESS - TRACE_THICKNESS, "fr4"), traces)
        plane = (Region("copper", (outline.plane,) * 2, "copper_foil", center=outline.center),)
        back = _trace_regions(outline, (width, depth), BACK_COVERAGE, "back")
        core = THICKNESS - 2.0 * (TRACE_THICKNESS + DIELECTRIC_THICKNESS + PLANE_THICKNESS)
        return outline, (
            Layer("back_traces", TRACE_THICKNESS, "fr4", regions=back),
            Layer("lower_dielectric", DIELECTRIC_THICKNESS, "fr4"),
            Layer("lower_plane", PLANE_THICKNESS, "fr4", regions=plane),
            Layer("core", core, "fr4"),
            Layer("upper_plane", PLANE_THICKNESS, "fr4", regions=plane),
            Layer("upper_dielectric", DIELECTRIC_THICKNESS, "fr4", regions=via_region),
            traces,
        )

    def _copper_region(self, outline: BoardOutline, width: float, depth: float) -> Region:
        """Return the copper around a package of a width and a depth [m].

        Raises ArgumentError where it does not lie on the board.
        """
        total = width + depth
        margin = 0.25 * (math.sqrt(total * total + 4.0 * float(self.copper_area)) - total)
        size = (width + 2.0 * margin, depth + 2.0 * margin)
        if max(size) > min(outline.size):
            text = f"{1e6 * float(self.copper_area):g} mm2 of copper do not fit on the board"
            raise argument_error("copper_area", text, "give a smaller area, or a larger board")
        return Region("copper", size, "copper_foil", center=outline.center)

    def stack(self, name: str, width: float, depth: float, pad: Rectangle | None = None) -> Stack:
        """Return the board as a stack of a name."""
        outline, layers = self.layers(width, depth, pad)
        return Stack(name, outline.size, layers)


@dataclass(frozen=True)
class BoardOutline:
    """Size of a board, centre of its package and of its planes, and side of the planes [m]."""

    size: tuple[float, float]
    center: tuple[float, float]
    plane: float


def ring_coverages(width: float, depth: float, coverage: float) -> list[float]:
    """Return the fraction of each ring around a package that traces of one width cover.

    Their number and width are the same at every distance, so that the fraction falls with the perimeter; it
    is the mean over the ring.
    """
    perimeter = 2.0 * (width + depth)
    rings = pairwise(RING_EDGES)
    return [coverage * perimeter / (perimeter + 4.0 * (low + high)) for low, high in rings]


def _trace_regions(
    outline: BoardOutline, package: tuple[float, float], coverage: float, name: str
) -> tuple[Region, ...]:
    """Return the rings of traces around a package and the traces below it; inner regions come last.

    The back has the same coverage everywhere.
    """
    width, depth = package
    is_back = name == "back"
    rings = [coverage] * 3 if is_back else ring_coverages(width, depth, coverage)
    fractions = [*reversed(rings), coverage]
    edges = [*reversed(RING_EDGES[1:]), 0.0]
    if is_back:
        fractions, edges = fractions[:1], edges[:1]
    return tuple(
        Region(
            f"{name}_{n}",
            (width + 2.0 * edge, depth + 2.0 * edge),
            trace_material(f"jedec_{name}_{n}", fraction),
            center=outline.center,
        )
        for n, (edge, fraction) in enumerate(zip(edges, fractions, strict=True))
    )


def trace_material(name: str, coverage: float) -> Material:
    """Return the effective material of a trace layer of a coverage.

    In the plane it has the mean of the conductivities along and across the traces.
    """
    copper, dielectric = find_material("copper_foil"), find_material("fr4")
    metal, host = copper.room_conductivity, dielectric.room_conductivity
    along = coverage * metal[0] + (1.0 - coverage) * host[0]
    across = 1.0 / (coverage / metal[0] + (1.0 - coverage) / host[0])
    through = coverage * metal[2] + (1.0 - coverage) * host[2]
    in_plane = 0.5 * (along + across)
    capacity = _mixed_capacity(copper, dielectric, coverage)
    source = (
        f"computed: copper traces on {100 * coverage:.0f} % of FR-4, mean of both directions in the plane"
    )
    return Material(name, (in_plane, in_plane, through), volumetric_heat_capacity=capacity, source=source)


def _mixed_capacity(copper: Material, dielectric: Material, fraction: float) -> float:
    """Return the heat capacity [J/(m3 K)] of copper in FR-4."""
    capacities = copper.capacity_at(300.0), dielectric.capacity_at(300.0)
    return fraction * capacities[0] + (1.0 - fraction) * capacities[1]


def _pad_regions(pad: Rectangle) -> tuple[tuple[Region, ...], tuple[Region, ...]]:
    """Return the copper land under an exposed pad, and the field of vias from it to the upper plane."""
    x0, y0, x1, y1 = pad
    size = (x1 - x0, y1 - y0)
    counts = [max(1, math.floor(side / VIA_PITCH)) for side in size]
    inner = VIA_DIAMETER - 2.0 * VIA_PLATING
    copper_area = 0.25 * math.pi * (VIA_DIAMETER**2 - inner**2)
    fraction = min(1.0, counts[0] * counts[1] * copper_area / (size[0] * size[1]))
    copper, dielectric = find_material("copper_plated"), find_material("fr4")
    metal, host = copper.room_conductivity, dielectric.room_conductivity
    through = fraction * metal[2] + (1.0 - fraction) * host[2]
    capacity = _mixed_capacity(copper, dielectric, fraction)
    source = f"computed: {counts[0]} x {counts[1]} plated vias of 0.3 mm in FR-4"
    vias = Material(
        "jedec_vias", (host[0], host[1], through), volumetric_heat_capacity=capacity, source=source
    )
    land = Region("land", size, "copper_foil", position=(x0, y0))
    return (land,), (Region("vias", size, vias, position=(x0, y0)),)


def board_facts(board: JedecBoard, outline: BoardOutline) -> str:
    """Return a text that describes a board: its name and its size."""
    width, depth = (1e3 * side for side in outline.size)
    return f"{board.standard}, {width:.5g} x {depth:.5g} x 1.6 mm"
