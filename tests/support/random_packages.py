"""Random small packages: stacks beside, on and inside each other, rotated, flipped, filled and open.

A package has a root of one to three layers and up to four stacks in the quarters of its plan. It may have a
stack on one of them, a lid over all, and a die inside the root. Sizes are multiples of 50 um, so that
two planes coincide or have a distance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import TypeVar

from hypothesis import strategies as st

from thermostack import Package
from thermostack.materials.material import VOID, Material
from thermostack.package.contact_resistance import ContactResistance
from thermostack.package.cooling import (
    Base,
    ColdPlate,
    Convection,
    Cooling,
    FaceCooling,
    FaceRectangle,
    FixedFlux,
    FixedTemperature,
    HeatSink,
)
from thermostack.package.power import Block, Power
from thermostack.package.stack import Interface, Layer, Region, Stack
from thermostack.units import mm, um

STEP = 0.05 * mm
THICKNESSES = (5 * um, 30 * um, 75 * um, 200 * um, 500 * um)
INTERFACES = (1e-6, 1e-5, 1e-4)  # m2 K/W
ISOTROPIC = (0.5, 4.0, 30.0, 148.0, 390.0)  # W/(m K), mold to copper
ORTHOTROPIC = ((20.0, 20.0, 0.5), (300.0, 40.0, 5.0), (1.5, 9.0, 60.0))
AMBIENTS = (290.0, 300.0, 320.0)  # K
SIDES = ("west", "east", "south", "north")

Draw = st.DrawFn


def steps(low: float, high: float) -> st.SearchStrategy[float]:
    """Return multiples of the step [m] between two lengths [m]."""
    return st.integers(round(low / STEP), round(high / STEP)).map(lambda n: n * STEP)


@st.composite
def materials(draw: Draw) -> Material:
    number = draw(st.integers(0, len(ISOTROPIC) + len(ORTHOTROPIC) - 1))
    conductivity = [*((k,) * 3 for k in ISOTROPIC), *ORTHOTROPIC][number]
    return Material(f"material_{number}", conductivity)


@st.composite
def powers(draw: Draw, size: tuple[float, float]) -> Power:
    """Return a total, or blocks in the quarters of a layer."""
    if draw(st.booleans()):
        return Power(total=draw(st.floats(0.1, 10.0)))
    width, depth = (round(0.5 * side / STEP) * STEP for side in size)
    quarters = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True))
    blocks = []
    for quarter in quarters:
        w, d = draw(steps(STEP, width - STEP)), draw(steps(STEP, depth - STEP))
        x, y = draw(steps(0.0, width - STEP - w)), draw(steps(0.0, depth - STEP - d))
        at = (x + width * (quarter % 2), y + depth * (quarter // 2))
        blocks.append(Block(f"block_{quarter}", at, (w, d), draw(st.floats(0.1, 5.0))))
    return Power(blocks=tuple(blocks))


@st.composite
def stacks(draw: Draw, name: str, size: tuple[float, float], *, max_layers: int, may_be_open: bool) -> Stack:
    """Return a stack of one to `max_layers` layers; a void layer is neither the first nor the last."""
    count = draw(st.integers(1, max_layers))
    open_at = draw(st.integers(1, count - 2)) if may_be_open and count > 2 and draw(st.booleans()) else -1
    layers = []
    for n in range(count):
        thickness = draw(st.sampled_from(THICKNESSES))
        if n == open_at:
            frame = Region("frame", size, draw(materials()), frame=4 * STEP)
            layers.append(Layer(f"layer_{n}", thickness, VOID, regions=(frame,)))
            continue
        power = draw(st.none() | powers(size))
        joins = n > 0 and draw(st.booleans())
        interface = Interface(bottom=draw(st.sampled_from(INTERFACES)) if joins else 0.0)
        regions = ()
        if draw(st.integers(0, 3)) == 0:
            w, d = draw(steps(STEP, size[0] - STEP)), draw(steps(STEP, size[1] - STEP))
            at = draw(steps(0.0, size[0] - w)), draw(steps(0.0, size[1] - d))
            regions = (Region("piece", (w, d), draw(materials()), at),)
        layers.append(Layer(f"layer_{n}", thickness, draw(materials()), power, interface, regions))
    return Stack(name, size, tuple(layers))


@st.composite
def children(draw: Draw, size: tuple[float, float], *, may_be_open: bool) -> list[Stack]:
    """Return stacks in the quarters of the root, and perhaps one on one of them."""
    found = []
    width, depth = (round(0.5 * side / STEP) * STEP for side in size)
    for quarter in draw(st.lists(st.integers(0, 3), max_size=3, unique=True)):
        own = draw(steps(1 * mm, width - 4 * STEP)), draw(steps(1 * mm, depth - 4 * STEP))
        stack = draw(stacks(f"die_{quarter}", own, max_layers=3, may_be_open=may_be_open))
        turns = (0, 90, 180, 270) if max(own) <= min(width, depth) - STEP else (0, 180)
        rotate = draw(st.sampled_from(turns))
        stack = replace(stack, on=("root",), rotate=rotate, flip=draw(st.booleans()))
        margin = width - stack.footprint[0] - STEP, depth - stack.footprint[1] - STEP
        at = draw(steps(0.0, margin[0])), draw(steps(0.0, margin[1]))
        found.append(stack.at(at[0] + width * (quarter % 2), at[1] + depth * (quarter // 2)))
    if found and draw(st.booleans()):
        host = draw(st.sampled_from(found))
        own = draw(steps(0.5 * mm, host.size[0])), draw(steps(0.5 * mm, host.size[1]))
        stack = draw(stacks("upper", own, max_layers=2, may_be_open=False))
        at = draw(steps(0.0, host.size[0] - own[0])), draw(steps(0.0, host.size[1] - own[1]))
        found.append(replace(stack, on=(host.name,)).at(*at))
    return found


@st.composite
def embedded(draw: Draw, root: Stack) -> Stack | None:
    """Return a die inside the root, flush with its top or deeper, or None."""
    layers = [layer for layer in root.layers if layer.material == VOID]
    if layers or root.height < 90 * um or draw(st.integers(0, 2)) > 0:
        return None
    own = draw(steps(0.5 * mm, 1.5 * mm)), draw(steps(0.5 * mm, 1.5 * mm))
    die = Stack(
        "die_inside", own, (Layer("bulk", 80 * um, draw(materials()), draw(st.none() | powers(own))),)
    )
    at = draw(steps(0.0, root.size[0] - own[0])), draw(steps(0.0, root.size[1] - own[1]))
    depth = draw(st.sampled_from((0.0, 10 * um)))
    return replace(die, inside="root", depth=depth).at(*at)


PLANES = st.sampled_from(("highest", "all"))


def convections() -> st.SearchStrategy[Convection]:
    return st.builds(Convection, st.sampled_from((50.0, 2e3, 3e4)), st.sampled_from(AMBIENTS))


@st.composite
def face_coolings(draw: Draw, region: FaceRectangle | None = None) -> FaceCooling:
    """Return a convection or a fixed temperature on one plane of a face or on all."""
    held = st.builds(FixedTemperature, st.sampled_from(AMBIENTS))
    return FaceCooling(draw(convections() | held), region, on=draw(PLANES))


@st.composite
def coolings(draw: Draw, size: tuple[float, float], *, is_everywhere: bool) -> Cooling:
    """Return coolers of some faces, perhaps with a base on top and a heat flux through a side."""
    faces: dict[str, tuple[object, ...]] = {"bottom": (draw(face_coolings()),)}
    kind = draw(st.integers(0, 4))
    if kind == 0:
        larger = size[0] + 2 * mm, size[1] + 1 * mm
        base = Base(draw(materials()), 0.5 * mm, larger, gap_fill=draw(st.just(VOID) | materials()))
        faces["top"] = (HeatSink(draw(st.sampled_from(AMBIENTS)), resistance=0.5, base=base),)
    elif kind == 1:
        faces["top"] = (ColdPlate(300.0, h=1e4, base=Base(draw(materials()), 0.2 * mm, gap_fill=VOID)),)
    elif kind == 2:
        region = FaceRectangle((0.0, 0.0), (round(0.5 * size[0] / STEP) * STEP, size[1]))
        faces["bottom"] = (*faces["bottom"], draw(face_coolings(region)))
    if kind in (2, 3):
        faces["top"] = (draw(face_coolings()),)
    side = draw(st.sampled_from(SIDES))
    if draw(st.booleans()):
        faces[side] = (draw(face_coolings()),)
    elif draw(st.booleans()):
        faces[side] = (FaceCooling(FixedFlux(heat=draw(st.floats(0.1, 2.0))), on=draw(PLANES)),)
    if is_everywhere or draw(st.booleans()):
        faces["surroundings"] = (draw(convections()),)
    return Cooling(**faces)  # type: ignore[arg-type]


@st.composite
def packages(draw: Draw, *, may_be_open: bool = True) -> Package:
    """Return a package; `may_be_open` permits void layers and no filler around the dies."""
    size = draw(steps(4 * mm, 9 * mm)), draw(steps(4 * mm, 9 * mm))
    root = draw(stacks("root", size, max_layers=3, may_be_open=may_be_open))
    others = draw(children(size, may_be_open=may_be_open))
    is_filled = not may_be_open or draw(st.booleans())
    filler = draw(materials()) if is_filled else None
    root = replace(root, filler=filler)
    inside = draw(embedded(root))
    if inside is not None:  # a layer has no power inside an embedded stack
        root = replace(root, layers=tuple(replace(layer, power=None) for layer in root.layers))
    on_root = tuple(stack.name for stack in others if stack.on == ("root",))
    lid = []
    if filler is not None and len(on_root) > 1 and all(stack.name != "upper" for stack in others):
        plate = draw(stacks("lid", size, max_layers=2, may_be_open=False))
        lid = [replace(plate, on=on_root, gap_fill=draw(materials())).at(0.0, 0.0)]
    found = [root, *([inside] if inside else []), *others, *lid]
    cooling = draw(coolings(size, is_everywhere=may_be_open))
    return Package("random", tuple(found), cooling)


@st.composite
def varied(draw: Draw, package: Package) -> Package:
    """Return a package in which some parts are round, overhang their support, or have contact resistances.

    Stacks are round that have no power and carry nothing, so that whatever was described stays possible.
    """
    hosts = {name for stack in package.stacks for name in stack.on}
    is_alone = sum(stack.on == ("root",) for stack in package.stacks) == 1
    found = []
    for stack in package.stacks:
        regions = [
            replace(layer, regions=tuple(map(draw, map(rounded, layer.regions)))) for layer in stack.layers
        ]
        stack = replace(stack, layers=tuple(regions))
        is_cold = all(layer.power is None and not layer.regions for layer in stack.layers)
        if stack.on and stack.name not in hosts and stack.name != "lid" and is_cold and draw(st.booleans()):
            stack = draw(rounded(stack))
        if stack.name == "upper" and is_alone and draw(st.booleans()):
            width, depth = (side + draw(steps(0.0, 1 * mm)) for side in stack.size)
            stack = replace(stack, size=(width, depth), diameter=None, overhang=True)
        found.append(stack)
    pairs = [(stack.name, host) for stack in found for host in stack.on]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=2, unique=True)) if pairs else []
    contacts = tuple(ContactResistance(pair, draw(st.sampled_from(INTERFACES))) for pair in chosen)
    return replace(package, stacks=tuple(found), contacts=contacts)


Plan = TypeVar("Plan", Region, Stack)


@st.composite
def rounded(draw: Draw, plan: Plan) -> Plan:
    """Return a region or stack, or the disc in it at its south-western corner."""
    if draw(st.booleans()) or (isinstance(plan, Region) and plan.frame is not None):
        return plan
    diameter = min(plan.size)
    return replace(plan, size=(diameter, diameter), diameter=diameter)


# -- transformations and sums of a package --------------------------------------------------------


def with_materials(package: Package, become: Callable[[Material], Material]) -> Package:
    """Return a package with other materials of its layers, regions, fillers and gap fills; voids stay."""

    def changed(material: Material | None) -> Material | None:
        return material if material is None or material == VOID else become(material)

    found = []
    for stack in package.stacks:
        layers = tuple(
            replace(
                layer,
                material=changed(layer.material),
                regions=tuple(replace(region, material=changed(region.material)) for region in layer.regions),
            )
            for layer in stack.layers
        )
        fills = changed(stack.filler), changed(stack.gap_fill)
        found.append(replace(stack, layers=layers, filler=fills[0], gap_fill=fills[1]))
    return replace(package, stacks=tuple(found))


def scaled_powers(package: Package, factors: dict[str, float], rest: float = 0.0) -> Package:
    """Return a package with the power of each "stack.layer" times its factor, others times `rest`."""

    def scaled(stack: Stack, layer: Layer) -> Layer:
        if layer.power is None:
            return layer
        factor = factors.get(f"{stack.name}.{layer.name}", rest)
        power = layer.power
        total = None if power.total is None else power.total * factor
        blocks = tuple(replace(block, power=block.unscaled_power * factor) for block in power.blocks)
        return replace(layer, power=replace(power, total=total, blocks=blocks))

    found = [
        replace(stack, layers=tuple(scaled(stack, layer) for layer in stack.layers))
        for stack in package.stacks
    ]
    return replace(package, stacks=tuple(found))


def powered_layers(package: Package) -> list[str]:
    """Return "stack.layer" of every powered layer."""
    return [
        f"{stack.name}.{layer.name}"
        for stack in package.stacks
        for layer in stack.layers
        if layer.power is not None
    ]


def described_power(package: Package) -> float:
    """Return the sum of all described powers [W]."""
    given = [layer.power for stack in package.stacks for layer in stack.layers if layer.power is not None]
    return sum((power.total or 0.0) + sum(block.unscaled_power for block in power.blocks) for power in given)


def solid_volume(package: Package) -> float:
    """Return the volume of the solids [m3] from the description: layers without openings, fillers, bases."""
    known = {stack.name: stack for stack in package.stacks}
    volume = 0.0
    for stack in package.stacks:
        for layer in stack.layers:
            solid = stack.size[0] * stack.size[1] * layer.thickness
            hole = 0.0
            for region in layer.regions if layer.material == VOID else ():
                hole = (region.size[0] - 2.0 * (region.frame or 0.0)) * (
                    region.size[1] - 2.0 * (region.frame or 0.0)
                )
            volume += solid - hole * layer.thickness
        if stack.inside is not None:  # replaces the same volume of the stack around it
            volume -= stack.size[0] * stack.size[1] * stack.height
    root = package.stacks[0]
    standing = [stack for stack in package.stacks if stack.on and stack.name != "lid"]
    heights = [sum(known[name].height for name in _supports_below(stack, known)) for stack in standing]
    if root.filler is not None and heights:
        around = root.size[0] * root.size[1] * max(heights)
        volume += around - sum(stack.size[0] * stack.size[1] * stack.height for stack in standing)
    return volume + _base_volume(package, root, standing, heights)


def _supports_below(stack: Stack, known: dict[str, Stack]) -> list[str]:
    """Return the names of a stack and of those below it without the root."""
    names = [stack.name]
    while known[names[-1]].on[0] != "root":
        names.append(known[names[-1]].on[0])
    return names


def _base_volume(package: Package, root: Stack, standing: list[Stack], heights: list[float]) -> float:
    for cooled in package.cooling.top:
        base = getattr(cooled.cooler, "base", None)
        if base is None:
            continue
        if base.size is not None:
            is_filled = base.gap_fill not in (None, VOID)
            gap_fill = _gap_fill_volume(package, base.size, standing, heights) if is_filled else 0.0
            return base.size[0] * base.size[1] * base.thickness + gap_fill
        if root.filler is not None or not standing or any(stack.name == "lid" for stack in package.stacks):
            return root.size[0] * root.size[1] * base.thickness
        return -inf  # only the highest dies are below the base: not supported here
    return 0.0


def _gap_fill_volume(
    package: Package, size: tuple[float, float], standing: list[Stack], heights: list[float]
) -> float:
    """Return the volume of the gap fill of a base of a size [m]; -inf where it is not supported."""
    if package.stacks[0].filler is not None or any(stack.name == "lid" for stack in package.stacks):
        return 0.0
    top = max(heights, default=0.0)
    touching = {stack.name for stack, height in zip(standing, heights, strict=True) if height > top - 1e-9}
    carriers = {name for stack in standing for name in stack.on}
    below_touching = {name for stack in standing if stack.name in touching for name in stack.on}
    volume = 0.0
    for stack, height in zip(standing, heights, strict=True):
        if stack.name in touching | below_touching:
            continue
        if stack.name in carriers or not _is_below(size, stack, [s for s in standing if s.name in touching]):
            return -inf  # only a part of its top is below the base and empty
        volume += stack.size[0] * stack.size[1] * (top - height)
    return volume


def _is_below(size: tuple[float, float], stack: Stack, touching: list[Stack]) -> bool:
    """Return whether a base of a size [m] in the middle of the stacks that it touches covers a stack."""
    if any(each.on != ("root",) or each.position is None for each in (stack, *touching)):
        return False
    for axis in (0, 1):
        ends = [
            (each.position[axis], each.position[axis] + each.footprint[axis]) for each in (stack, *touching)
        ]  # type: ignore[index]
        middle = 0.5 * (min(low for low, _ in ends[1:]) + max(high for _, high in ends[1:]))
        if ends[0][0] < middle - 0.5 * size[axis] or ends[0][1] > middle + 0.5 * size[axis]:
            return False
    return True


def turned(package: Package) -> Package:
    """Return the package rotated counter-clockwise by 90 degrees."""
    root = package.stacks[0]
    depth = root.size[1]
    found = (replace(root, rotate=(root.rotate + 90) % 360), *package.stacks[1:])
    becomes = {"west": "south", "south": "east", "east": "north", "north": "west"}

    def turn(cooled: FaceCooling) -> FaceCooling:
        region, cooler = cooled.region, cooled.cooler
        if region is not None:
            (x, y), (w, d) = region.position, region.size
            region = FaceRectangle((depth - y - d, x), (d, w))
        return replace(cooled, cooler=_with_base(cooler, is_turned=True), region=region)

    return replace(package, stacks=found, cooling=_transform_cooling(package.cooling, becomes, turn))


def mirrored(package: Package) -> Package:
    """Return the package mirrored in x."""
    known = {stack.name: stack for stack in package.stacks}

    def mirror(stack: Stack) -> Stack:
        width = stack.size[0]
        layers = []
        for layer in stack.layers:
            regions = tuple(
                replace(piece, position=(width - piece.position[0] - piece.size[0], piece.position[1]))
                for piece in layer.regions
            )
            power = layer.power
            if power is not None:
                blocks = tuple(
                    replace(block, position=(width - block.position[0] - block.size[0], block.position[1]))
                    for block in power.blocks
                )
                power = replace(power, blocks=blocks)
            layers.append(replace(layer, regions=regions, power=power))
        moved = replace(stack, layers=tuple(layers), rotate=(360 - stack.rotate) % 360)
        if not stack.supports:
            return moved
        host = known[stack.supports[0]]
        frame = host if len(stack.supports) == 1 else known[host.supports[0]]
        x, y = stack.corner
        return moved.at(frame.size[0] - x - stack.footprint[0], y)

    width = package.stacks[0].size[0]

    def turn(cooled: FaceCooling) -> FaceCooling:
        region = cooled.region
        if region is not None:
            region = replace(
                region, position=(width - region.position[0] - region.size[0], region.position[1])
            )
        return replace(cooled, region=region)

    becomes = {"west": "east", "east": "west"}
    found = tuple(mirror(stack) for stack in package.stacks)
    return replace(package, stacks=found, cooling=_transform_cooling(package.cooling, becomes, turn))


def _transform_cooling(cooling: Cooling, becomes: dict[str, str], turn: object) -> Cooling:
    faces: dict[str, list[FaceCooling]] = {}
    for face, cooled in cooling:
        faces.setdefault(becomes.get(face, face), []).append(turn(cooled))  # type: ignore[operator]
    return Cooling(**{face: tuple(entries) for face, entries in faces.items()})


def _with_base(cooler: object, *, is_turned: bool = False, scale: float = 1.0) -> object:
    """Return a cooler with its base rotated by 90 degrees, or scaled with a lower conductivity."""
    base = getattr(cooler, "base", None)
    if base is None:
        return cooler

    def transform(material: Material) -> Material:
        if material == VOID:
            return material
        x, y, z = (value / scale for value in material.conductivity_at(300.0))
        return Material(material.name, (y, x, z) if is_turned else (x, y, z))

    size = base.size
    if size is not None:
        size = (size[1], size[0]) if is_turned else size
        size = (scale * size[0], scale * size[1])
    material, fill = transform(base.material), transform(base.gap_fill)
    made = Base(material, scale * base.thickness, size, gap_fill=fill)
    return replace(cooler, base=made)  # type: ignore[type-var]


def scaled(package: Package, scale: float) -> Package:
    """Return the package with lengths times `scale`, and conductivities that keep the temperatures."""
    area = scale * scale

    def material(given: Material | str | None) -> Material | str | None:
        if not isinstance(given, Material):
            return given
        return Material(given.name, tuple(value / scale for value in given.conductivity_at(300.0)))

    def size(given: tuple[float, float]) -> tuple[float, float]:
        return scale * given[0], scale * given[1]

    def layer(given: Layer) -> Layer:
        regions = tuple(
            Region(r.name, size(r.size), material(r.material), size(r.position), r.frame and scale * r.frame)
            for r in given.regions
        )
        power = given.power
        if power is not None:
            blocks = tuple(
                replace(block, position=size(block.position), size=size(block.size)) for block in power.blocks
            )
            power = replace(power, blocks=blocks)
        interface = Interface(area * given.interface.top, area * given.interface.bottom)
        return Layer(given.name, scale * given.thickness, material(given.material), power, interface, regions)

    def stack(given: Stack) -> Stack:
        layers = tuple(layer(each) for each in given.layers)
        position = None if given.position is None else size(given.position)
        fill = {"filler": material(given.filler), "gap_fill": material(given.gap_fill)}
        made = replace(given, size=size(given.size), layers=layers, depth=scale * given.depth, **fill)
        return replace(made, position=position)

    def cooled(given: FaceCooling) -> FaceCooling:
        cooler, region = _with_base(given.cooler, scale=scale), given.region
        if getattr(cooler, "h", None) is not None:
            cooler = replace(cooler, h=cooler.h / area)
        if region is not None:
            region = FaceRectangle(size(region.position), size(region.size))
        return replace(given, cooler=cooler, region=region)

    found = tuple(stack(each) for each in package.stacks)
    return replace(package, stacks=found, cooling=_transform_cooling(package.cooling, {}, cooled))
