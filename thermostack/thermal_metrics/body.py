"""The body of a package: what stands on its board, and how it is put on a test board or left alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from thermostack.errors import DescriptionError
from thermostack.materials.effective_media import BumpArray
from thermostack.materials.material import VOID, Material
from thermostack.package.cooling import Cooling
from thermostack.package.geometry import package_geometry
from thermostack.package.package import Package
from thermostack.package.placement import Placement, place_stacks
from thermostack.package.position_frame import position_frame
from thermostack.package.rectangles import COINCIDENCE_TOLERANCE, Rectangle
from thermostack.package.stack import Layer, Region, Stack
from thermostack.schema.arguments import argument_error
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.thermal_metrics.board import STANDARDS, BoardOutline, JedecBoard, board_facts
from thermostack.units import mm, um

BOARD_NAMES = ("board", "pcb")  # of a stack that is the board of a description
BOARD_MATERIALS = ("pcb_jedec", "pcb_flotherm", "fr4", "fr4_copper")
JOINT_WORDS = ("ball", "bga", "solder", "land", "joint")  # in the name of a layer or of its material
BALL_THICKNESS = 0.4 * mm  # of balls that are added
BALL_MATERIAL = "bga_field"
CARRIER_THICKNESS = 10 * um  # of the plate that replaces the board of a body without one
CARRIER_RESISTANCE = 1e-9  # m2 K/W through the plate, less than 0.4 um of copper


@dataclass(frozen=True)
class Body:
    """A package without its board: its outline and the stacks that stand on a board."""

    package: Package
    own_board: str | None  # name of the root if it is the board of the description
    outline: Rectangle  # m, in coordinates of the description
    bottom: float  # m
    standing: tuple[str, ...]  # stacks that stand on the board
    has_joints: bool
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[float, float]:
        """Return width and depth [m]."""
        x0, y0, x1, y1 = self.outline
        return x1 - x0, y1 - y0


@dataclass(frozen=True)
class PlacedBody:
    """A body on a test board, or alone, as a package whose cooling is still to be set."""

    package: Package
    outline: Rectangle  # m, of the body in coordinates of `package`
    bottom: float  # m, top of the board or bottom of the body
    board: str | None  # name of the stack that is the board, None without one
    carrier: str | None  # name of the plate that replaces the board, None without one
    board_size: tuple[float, float] | None
    title: str  # of the board: "jesd51-9/2s2p, 101.5 x 114.5 x 1.6 mm", or "none"
    notes: tuple[str, ...]

    def cooled(self, cooling: Cooling) -> Package:
        """Return the package in an environment."""
        return replace(self.package, cooling=cooling)


def find_body(package: Package, own_board: str | None = None) -> Body:
    """Return the body of a package.

    `own_board` is the name of the stack that is the board of the description, "none" without one. By default
    it is the stack without support if its name or a material of its layers is that of a board. Raises
    ArgumentError where no stack or another stack has that name, and DescriptionError where nothing stands on
    the board.
    """
    package, notes = without_outer_interfaces(package)
    geometry = package_geometry(package)
    root = next(stack for stack in package.stacks if not stack.supports)
    name = _own_board(package, root, own_board)
    left_out = "" if name is None else f"{name}."
    boxes = [
        box
        for box in geometry.boxes
        if box.part >= 0
        and not geometry.parts[box.part].name.startswith("cooling.")
        and not (name is not None and geometry.parts[box.part].name.startswith(left_out))
    ]
    embedded = {stack.name for stack in package.stacks if name is not None and stack.inside == name}
    boxes = [box for box in boxes if geometry.parts[box.part].name.split(".")[0] not in embedded]
    standing = tuple(stack.name for stack in package.stacks if name in stack.on) if name else (root.name,)
    if not boxes or not standing:
        text = f"nothing stands on the board {name!r}: the package has no bottom to put on a test board"
        hint = 'name the board of the description with own_board, "none" if it has none (--own-board)'
        raise DescriptionError(diagnostic_at(("stacks", str(name)), text, hint, "E-GAP"))
    outline = (
        min(box.low[0] for box in boxes),
        min(box.low[1] for box in boxes),
        max(box.high[0] for box in boxes),
        max(box.high[1] for box in boxes),
    )
    bottom = min(box.low[2] for box in boxes)
    joints = name is not None or _has_joints(package, root)
    return Body(package, name, outline, bottom, standing, joints, tuple(notes))


def without_outer_interfaces(package: Package) -> tuple[Package, list[str]]:
    """Return a package without the interface materials to its coolers on top, and notes on them.

    They are the layers of thermal interface material at the top of stacks that carry no other stack. A stack
    of such layers whose gap fill surrounds dies remains, without the contact resistance of its top.
    """
    carriers = {name for stack in package.stacks for name in stack.supports}
    named = {stack.relative_to for stack in package.stacks} | {stack.height_to for stack in package.stacks}
    stacks, notes = [], []
    for stack in package.stacks:
        if stack.name in carriers or not stack.supports or stack.has_fill or stack.flip:
            stacks.append(stack)
            continue
        kept = list(stack.layers)
        found: list[str] = []
        while kept and package.material(kept[-1].material).kind_in(kept[-1].name) == "interface":
            if kept[-1].power is not None:
                break
            layer = kept.pop()
            found.append(f"left out: {stack.name}.{layer.name}, the interface material to the cooler")
        if found and not kept and (stack.gap_fill is not None or stack.name in named):
            *lower, top = stack.layers
            bare = replace(top, interface=replace(top.interface, top=0.0))
            stacks.append(replace(stack, layers=(*lower, bare), power=None))
            notes.append(f"kept: {stack.name}.{top.name}, an interface material, for the gap fill below it")
            continue
        notes += found
        if kept:
            stacks.append(replace(stack, layers=tuple(kept), power=None) if found else stack)
    return (replace(package, stacks=tuple(stacks)), notes) if notes else (package, [])


def _own_board(package: Package, root: Stack, given: str | None) -> str | None:
    """Return the name of the root if it is the board of the description."""
    if given is not None:
        if given == "none":
            return None
        if given != root.name:
            names = [stack.name for stack in package.stacks]
            hint = f"{root.name!r} has no support" if given in names else suggest(given, names)
            text = f"the board is the stack without support, not {given!r}"
            raise argument_error("own_board", text, hint or f'write {root.name!r} or "none"', "E-NAME")
        return given
    materials = {str(layer.material) for layer in root.layers if isinstance(layer.material, str)}
    is_board = root.name in BOARD_NAMES or bool(materials & set(BOARD_MATERIALS))
    return root.name if is_board else None


def _has_joints(package: Package, root: Stack) -> bool:
    """Return whether the bottom layer of the root is a layer of solder balls or lands."""
    layer = root.layers[-1 if root.flip else 0]
    names = [layer.name, layer.material if isinstance(layer.material, str) else ""]
    if any(word in name.lower() for name in names for word in JOINT_WORDS):
        return True
    return isinstance(layer.material, BumpArray)


# -- on a board ----------------------------------------------------------------------------------


def place_on_board(body: Body, board: JedecBoard) -> PlacedBody:
    """Return the body on a test board.

    Raises ArgumentError where the board is too small, and DescriptionError where a link ends on the board of
    the description.
    """
    outline = board.outline(*body.size)
    shift = _shift(body, outline.center)
    pad = _exposed_pad(body, board, shift) if STANDARDS[board.standard].has_vias else None
    name = body.own_board or _free_name(body.package, "board")
    stack = board.stack(name, *body.size, pad)
    notes = list(body.notes)
    notes += [f"the board of the description, {name}, is replaced"] if body.own_board else []
    stacks: list[Stack] = [stack]
    if body.own_board is None:
        stacks += _root_on(body, name, outline, notes)
    else:
        stacks += _moved_stacks(body, name, shift)
    notes += _cooling_notes(body.package.cooling)
    moved = _moved_outline(body.outline, shift)
    package = _with_stacks(body, stacks, f"{body.package.name}_on_board")
    return PlacedBody(
        package, moved, stack.height, name, None, outline.size, board_facts(board, outline), tuple(notes)
    )


def _root_on(body: Body, board: str, outline: BoardOutline, notes: list[str]) -> list[Stack]:
    """Return the stacks of a body without own board, with its root on the board or on added balls."""
    root, *others = _root_first(body.package)
    under = board
    added = []
    if not body.has_joints:
        under = _free_name(body.package, "balls")
        size = {"diameter": root.diameter} if root.diameter is not None else {"size": root.footprint}
        layers = (Layer("field", BALL_THICKNESS, BALL_MATERIAL),)
        added.append(Stack(under, layers=layers, on=(board,), center=outline.center, **size))
        notes.append(f"added: solder balls of 0.4 mm between {root.name} and the board, of {BALL_MATERIAL}")
    center = outline.center if under == board else (0.5 * root.footprint[0], 0.5 * root.footprint[1])
    return [*added, replace(root, on=(under,), position=None, center=center), *others]


def _moved_stacks(body: Body, board: str, shift: tuple[float, float]) -> list[Stack]:
    """Return the stacks of a body with own board; positions relative to the board are moved [m]."""
    placements = place_stacks(body.package)
    kept = []
    for stack in body.package.stacks:
        if stack.name == board or stack.inside == board:
            continue
        frame = position_frame(stack, placements)
        if frame is not None and frame.stack.name == board:
            x, y = stack.corner
            stack = replace(stack, position=(x + shift[0], y + shift[1]), center=None)
        kept.append(stack)
    _refuse_links(body, board)
    return kept


def _refuse_links(body: Body, board: str) -> None:
    """Raise DescriptionError where a link ends on the board that is replaced."""
    for link in body.package.links:
        for key, end in link.ends:
            if end.part == board or end.part.startswith(f"{board}."):
                text = f"the link {link.name} ends on {end.part}, and the test board replaces {board}"
                hint = "remove the link, or let it end on a stack of the package"
                raise DescriptionError(diagnostic_at(("links", link.name, key), text, hint, "E-NAME"))


def _exposed_pad(body: Body, board: JedecBoard, shift: tuple[float, float]) -> Rectangle:
    """Return the rectangle of the exposed pad in coordinates of the board [m]."""
    placements = place_stacks(body.package)
    named = [board.pad] if board.pad is not None else list(body.standing)
    if board.pad is not None and board.pad not in body.standing:
        hint = f"on the board stand {', '.join(body.standing)}"
        raise argument_error("pad", f"{board.pad!r} does not stand on the board", hint, "E-NAME")
    outlines = [placements[name].outline for name in named]
    largest = max(outlines, key=lambda each: (each[2] - each[0]) * (each[3] - each[1]))
    return _moved_outline(largest, shift)


# -- alone ---------------------------------------------------------------------------------------


def place_alone(body: Body) -> PlacedBody:
    """Return the body without a board.

    A body whose description has a board stands on a thin plate instead, which conducts heat only through
    itself, below the stacks that stood on the board.
    """
    notes = [*body.notes, *_cooling_notes(body.package.cooling)]
    if body.own_board is None:
        package = _with_stacks(body, list(body.package.stacks), f"{body.package.name}_alone")
        return PlacedBody(package, body.outline, body.bottom, None, None, None, "none", tuple(notes))
    placements = place_stacks(body.package)
    width, depth = body.size
    name = body.own_board
    shift = (-body.outline[0], -body.outline[1])
    plate = Material("jedec_carrier", (1e-3, 1e-3, CARRIER_THICKNESS / CARRIER_RESISTANCE))
    regions = tuple(
        _footprint(f"under_{n}", placements[stack], shift, plate) for n, stack in enumerate(body.standing)
    )
    carrier = Stack(name, (width, depth), (Layer("plate", CARRIER_THICKNESS, VOID, regions=regions),))
    stacks = [carrier, *_moved_stacks(body, name, shift)]
    package = _with_stacks(body, stacks, f"{body.package.name}_alone")
    outline = (0.0, 0.0, width, depth)
    return PlacedBody(package, outline, 0.0, None, name, None, "none", tuple(notes))


def _footprint(name: str, placement: Placement, shift: tuple[float, float], plate: Material) -> Region:
    """Return the region of the plate below a stack."""
    x0, y0, x1, y1 = placement.outline
    stack = placement.stack
    size = {"diameter": stack.diameter} if stack.diameter is not None else {"size": (x1 - x0, y1 - y0)}
    position = (x0 + shift[0], y0 + shift[1])
    return Region(name, material=plate, position=position, frame=stack.frame, **size)


# -- shared --------------------------------------------------------------------------------------


def _root_first(package: Package) -> list[Stack]:
    """Return the stacks with the root first."""
    return sorted(package.stacks, key=lambda stack: bool(stack.supports))


def _with_stacks(body: Body, stacks: Iterable[Stack], name: str) -> Package:
    """Return a package of other stacks without cooling; contacts with parts of its own board are left out."""
    board = body.own_board
    contacts = tuple(
        contact
        for contact in body.package.contacts
        if board is None or not any(each.startswith(f"{board}.") for each in contact.between)
    )
    return replace(
        body.package,
        name=name,
        stacks=tuple(stacks),
        cooling=Cooling(isolated=True),
        contacts=contacts,
        bands=(),
        grid=None,
    )


def _shift(body: Body, center: tuple[float, float]) -> tuple[float, float]:
    """Return the shift [m] that moves the centre of the body to a position."""
    x0, y0, x1, y1 = body.outline
    return center[0] - 0.5 * (x0 + x1), center[1] - 0.5 * (y0 + y1)


def _moved_outline(outline: Rectangle, shift: tuple[float, float]) -> Rectangle:
    x0, y0, x1, y1 = outline
    return x0 + shift[0], y0 + shift[1], x1 + shift[0], y1 + shift[1]


def _free_name(package: Package, name: str) -> str:
    """Return a name that no stack and no group of stacks has."""
    used = {stack.name.split(".")[0] for stack in package.stacks}
    while name in used:
        name = f"jedec_{name}"
    return name


def _cooling_notes(cooling: Cooling) -> list[str]:
    """Return the note on the coolers of the description, which the environment replaces."""
    found = list(dict.fromkeys(f"{_cooler_name(entry.cooler)} on {face}" for face, entry in cooling))
    return [f"the environment replaces the coolers of the description: {', '.join(found)}"] if found else []


def _cooler_name(cooler: object) -> str:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(cooler).__name__)
    return words.strip() + (" with its base" if getattr(cooler, "base", None) is not None else "")


def top_of(placed: PlacedBody) -> tuple[float, float, float]:
    """Return the centre of the top of the body (x, y, z) [m].

    It is the centre of the rectangle around its uppermost plane, or of the largest box there if the body does
    not reach that plane at the centre.
    """
    geometry = package_geometry(placed.package)
    solids = [box for box in geometry.boxes if box.part >= 0]
    z = max(box.high[2] for box in solids)
    upper = [box for box in solids if abs(box.high[2] - z) < COINCIDENCE_TOLERANCE]
    x = 0.5 * (min(box.low[0] for box in upper) + max(box.high[0] for box in upper))
    y = 0.5 * (min(box.low[1] for box in upper) + max(box.high[1] for box in upper))
    if not any(box.low[0] <= x <= box.high[0] and box.low[1] <= y <= box.high[1] for box in upper):
        box = max(upper, key=lambda each: (each.high[0] - each.low[0]) * (each.high[1] - each.low[1]))
        x, y = 0.5 * (box.low[0] + box.high[0]), 0.5 * (box.low[1] + box.high[1])
    return x, y, z
