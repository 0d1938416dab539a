"""Who heats: a total, blocks of a floorplan and maps, drawn on a layer and laid on cells by overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, cast

import numpy as np
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh.area_overlap import deposit_raster, deposit_rectangles
from thermostack.schema.fields import Point, PowerValue, SignedPower, Size, fail, suggest
from thermostack.schema.raster import RasterField
from thermostack.schema.validated_dataclass import NamedItems, described, diagnostic_at, diagnostics_of
from thermostack.units import format_quantity

SNAP = 1e-9  # m: a block that leaves its layer by no more than this is cut to the layer
SUM_TOLERANCE = 1e-3  # of a declared total: blocks and map may differ from it by rounding in a table

Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1 in m


# -- what is drawn ---------------------------------------------------------------------------


def read_block_name(value: Any) -> str:
    """Return the name of a block; other tools' names, "core0/alu[3]" or "HBM PHY", are welcome."""
    if not isinstance(value, str):
        raise fail("E-TYPE", f"{value!r} is not a name", "put it in quotes" if value is not None else "")
    if not value or len(value) > 128 or value != value.strip() or not value.isprintable():
        shown = repr(value) if len(value) <= 128 else f"a text of {len(value)} characters"
        raise fail("E-NAME", f"{shown} is not a name", "up to 128 printable characters, no blank at the ends")
    return value


BlockName = Annotated[str, BeforeValidator(read_block_name)]


@described
class Block:
    """A rectangle that heats evenly: its lower-left corner in the frame of the layer's stack."""

    name: BlockName
    position: Annotated[Point, Field(validation_alias="at", serialization_alias="at")]
    size: Size
    power: SignedPower | None = None  # None: nothing is said, which heats nothing

    @property
    def drawn_power(self) -> float:
        """Return what is dissipated [W], before the power is scaled."""
        return self.power or 0.0


@described
class PowerMap:
    """Equal pixels over a layer, or over the rectangle of it that `position` and `size` give.

    `unit` says what a value is: the heat of its pixel [W], or its heat per area [W/m2].
    """

    values: Annotated[np.ndarray, RasterField]  # (ny, nx), row 0 at the south edge (y = 0)
    unit: Literal["W", "W/m2"] = "W"
    position: Annotated[Point | None, Field(validation_alias="at", serialization_alias="at")] = None
    size: Size | None = None
    source: str = ""  # the file it was read from

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return a bare table as the values."""
        return {"values": value} if isinstance(value, (np.ndarray, list, tuple)) else value

    def __post_init__(self) -> None:
        """Check that the rectangle is given whole or not at all."""
        if (self.position is None) != (self.size is None):
            raise fail(
                "E-MISSING", "at and size of a map belong together", "leave out both for the whole layer"
            )

    def __eq__(self, other: object) -> bool:
        """Return whether two maps are the same drawing."""
        if not isinstance(other, PowerMap):
            return NotImplemented
        return self._drawn == other._drawn and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self._drawn, self.values.shape))

    @property
    def _drawn(self) -> tuple[Any, ...]:
        return self.unit, self.position, self.size, self.source

    def rectangle(self, width: float, height: float) -> Rectangle:
        """Return what the map covers [m] of a layer of that size, cut to it within `SNAP`."""
        if self.position is None or self.size is None:
            return 0.0, 0.0, width, height
        (x, y), (w, h) = self.position, self.size
        ends = _snapped(np.array([x, y, x + w, y + h]), np.array([width, height, width, height]))
        return ends[0], ends[1], ends[2], ends[3]

    def pixels(self, width: float, height: float) -> np.ndarray:
        """Return the heat of each pixel [W], (ny, nx), on a layer of that size [m]."""
        if self.unit == "W":
            return self.values
        x0, y0, x1, y1 = self.rectangle(width, height)
        heat: np.ndarray = self.values * ((x1 - x0) * (y1 - y0) / self.values.size)
        return heat


@described
class Power:
    """What heats a layer: a total spread evenly, or blocks and a map whose heats add.

    Beside blocks or a map a `total` is a check: their sum must be that within 0.1 %. `scale_to`
    scales everything to a sum. A heat below zero needs `allow_negative` (a Peltier element).
    """

    total: SignedPower | None = None
    blocks: Annotated[tuple[Block, ...], NamedItems(Block)] = ()
    map: PowerMap | None = None
    scale_to: PowerValue | None = None
    allow_negative: bool = False

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return a bare heat, "560 W", as the total."""
        is_heat = isinstance(value, (str, int, float)) and not isinstance(value, bool)
        return {"total": value} if is_heat else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        """Return the schema of the forms a file may use, those that name other files among them."""
        drawn = handler.resolve_ref_schema(handler(schema))
        if "properties" not in drawn:  # asked a second time, of the schema below
            return cast(dict[str, Any], drawn)
        own = drawn["properties"]
        corner = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}
        properties = {
            "file": {"type": "string", "examples": ["map.csv", "map.npy"]},
            "unit": {"type": "string", "examples": ["W", "W/m2", "W/cm2"]},
            "origin": {"enum": ["south", "north"]},
            "at": corner,
            "size": corner,
        }
        map_file = {"type": "object", "properties": properties, "required": ["file"]}
        files = {
            "floorplan": {"type": "string", "examples": ["gpu.csv"]},
            "powers": {"type": "object", "additionalProperties": {"type": "string", "examples": ["5 W"]}},
            "map": {"anyOf": [{"type": "string"}, {**map_file, "additionalProperties": False}, own["map"]]},
        }
        drawn = {**drawn, "properties": {**own, **files}}
        return {"anyOf": [{"type": "string", "examples": ["560 W"]}, drawn]}

    def __post_init__(self) -> None:
        """Check signs, names and sums, and raise every fault that needs no layer."""
        diagnostics = [*self._sign_diagnostics(), *self._name_diagnostics()]
        if not self.is_map_per_layer_area:
            diagnostics += self._sum_diagnostics(0.0, 0.0)
        if diagnostics:
            raise ValidationError.from_exception_data(
                "Power", [_raised(diagnostic) for diagnostic in diagnostics]
            )

    @property
    def is_map_per_layer_area(self) -> bool:
        """True where the heat depends on the size of the layer: a map in W/m2 that covers all of it."""
        return self.map is not None and self.map.unit == "W/m2" and self.map.size is None

    @property
    def total_power(self) -> float:
        """Return the whole heat [W], scaled; for a map in W/m2 over a whole layer ask `heat_on`."""
        if self.is_map_per_layer_area:
            text = "the heat of a map in W/m2 depends on the size of its layer"
            raise DescriptionError(diagnostic_at(("map",), text, "ask heat_on(width, height)", "E-POWER"))
        return self.power_on(0.0, 0.0)

    def power_on(self, width: float, height: float) -> float:
        """Return the whole heat [W], scaled, on a layer of that size [m]."""
        return self.scale_to if self.scale_to is not None else self._drawn_heat(width, height)

    def diagnostics(self, width: float, height: float) -> list[Diagnostic]:
        """Return what is wrong or unusual on a layer of that size [m], at paths like ("blocks", "gpc0")."""
        found = [*self._outside_diagnostics(width, height)]
        if self.is_map_per_layer_area:
            found += self._sum_diagnostics(width, height)
        if any(block.drawn_power for block in self.blocks):
            for block in self.blocks:
                if block.power is None:
                    text = f"block {block.name!r} gets no power, others do"
                    remedy = 'write "0 W" where this is meant'
                    found.append(diagnostic_at(("blocks", block.name), text, remedy, "W-POWER"))
        return found

    def _drawn_heat(self, width: float, height: float) -> float:
        if not self.blocks and self.map is None:
            return self.total or 0.0
        heat = np.array([block.drawn_power for block in self.blocks]).sum()
        if self.map is not None:
            heat += self.map.pixels(width, height).sum()
        return float(heat)

    def _sign_diagnostics(self) -> Iterator[Diagnostic]:
        if self.allow_negative:
            return
        remedy = "write allow_negative: true where something is cooled here"
        if self.total is not None and self.total < 0.0:
            yield diagnostic_at(("total",), f"{_watts(self.total)} is negative", remedy, "E-POWER")
        for block in self.blocks:
            if block.drawn_power < 0.0:
                text = f"{_watts(block.drawn_power)} is negative"
                yield diagnostic_at(("blocks", block.name, "power"), text, remedy, "E-POWER")
        if self.map is not None and self.map.values.min() < 0.0:
            where = np.argwhere(self.map.values < 0.0)
            row, column = where[0]
            text = (
                f"{len(where)} of its pixels are negative, the first {self.map.values[row, column]:g} "
                f"{self.map.unit} in row {row + 1} from the south, column {column + 1}"
            )
            yield diagnostic_at(("map",), text, remedy, "E-POWER")

    def _name_diagnostics(self) -> Iterator[Diagnostic]:
        seen: set[str] = set()
        for block in self.blocks:
            if block.name in seen:
                yield diagnostic_at(
                    ("blocks", block.name), f"{block.name!r} names two blocks", "", "E-DUPLICATE"
                )
            seen.add(block.name)

    def _sum_diagnostics(self, width: float, height: float) -> Iterator[Diagnostic]:
        if not self.blocks and self.map is None:
            if self.total is None:
                yield diagnostic_at((), "no heat is given", "give total, blocks or map", "E-MISSING")
            return
        heat = self._drawn_heat(width, height)
        if self.total is not None and abs(self.total - heat) > SUM_TOLERANCE * abs(self.total):
            parts = "its blocks and its map add" if self.blocks and self.map else "its map adds"
            parts = parts if self.map else "its blocks add"
            text = f"{_watts(self.total)} is declared, but {parts} up to {_watts(heat)}"
            remedy = f'correct one of them, or write scale_to: "{_watts(self.total)}" instead'
            yield diagnostic_at(("total",), text, remedy, "E-POWER")
        if self.scale_to and heat <= 0.0:
            text = f"{_watts(heat)} cannot be scaled to {_watts(self.scale_to)}"
            yield diagnostic_at(("scale_to",), text, "give each part its share of the power", "E-POWER")

    def _outside_diagnostics(self, width: float, height: float) -> Iterator[Diagnostic]:
        table = _table(self.blocks)
        paths: list[tuple[str, ...]] = [("blocks", block.name) for block in self.blocks]
        names = [f"block {block.name!r}" for block in self.blocks]
        if self.map is not None and self.map.position is not None and self.map.size is not None:
            table = np.vstack([table, [*self.map.position, *self.map.size, 0.0]])
            paths.append(("map",))
            names.append("the map")
        x, y, w, h = table[:, :4].T
        beyond = np.stack([-x, x + w - width, -y, y + h - height], axis=1)
        for n in np.flatnonzero(beyond.max(axis=1) > SNAP):
            sides = [
                f"{format_quantity(by, 'length')} to the {side}"
                for side, by in zip(("west", "east", "south", "north"), beyond[n], strict=True)
                if by > SNAP
            ]
            size = f"{format_quantity(width, 'length')} x {format_quantity(height, 'length')}"
            text = f"{names[n]} leaves its layer of {size} by {' and '.join(sides)}"
            remedy = "positions are in the frame of the stack, from its lower-left corner"
            yield diagnostic_at(paths[n], text, remedy, "E-OUTSIDE")


def _raised(diagnostic: Diagnostic) -> InitErrorDetails:
    return InitErrorDetails(
        type=fail(diagnostic.code, diagnostic.message, diagnostic.hint), loc=diagnostic.path, input=None
    )


def _watts(heat: float) -> str:
    return format_quantity(heat, "power")


def assign_powers(
    blocks: Sequence[Block], powers: Mapping[str, Any], *, from_file: bool = False
) -> tuple[Block, ...]:
    """Return the blocks with the powers given by name; the others keep what they have.

    Raises DescriptionError with every name that is no block (E-POWER) and every value that is no heat,
    at paths like ("powers", "gpc0"). With `from_file` a number without unit is refused.
    """
    diagnostics, heats = [], {}
    known = {block.name for block in blocks}
    heat = TypeAdapter(SignedPower)
    for name, value in powers.items():
        try:
            heats[name] = heat.validate_python(value, context={"from_file": from_file})
        except ValidationError as error:
            (found,) = diagnostics_of(error)
            diagnostics.append(diagnostic_at(("powers", str(name)), found.message, found.hint, found.code))
        if name not in known:
            remedy = suggest(str(name), known) or _listed(sorted(known))
            diagnostics.append(
                diagnostic_at(("powers", str(name)), f"no block is named {name!r}", remedy, "E-POWER")
            )
    if diagnostics:
        raise DescriptionError(diagnostics)
    named = (replace(block, power=heats[block.name]) for block in blocks if block.name in heats)
    return tuple(next(named) if block.name in heats else block for block in blocks)


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "the floorplan has no blocks"
    return f"there are {', '.join(names[:20])}{' and others' if len(names) > 20 else ''}"


def blocks_of(names: Sequence[str], table: np.ndarray, powers: Sequence[float | None]) -> tuple[Block, ...]:
    """Return blocks from columns that were checked where they were read: x, y, width, height [m] and W.

    A floorplan has 100 000 blocks; checked one by one they would take seconds.
    """
    blocks = []
    for name, (x, y, width, height), power in zip(names, table.tolist(), powers, strict=True):
        block = object.__new__(Block)
        block.__dict__.update(name=name, position=(x, y), size=(width, height), power=power)
        blocks.append(block)
    return tuple(blocks)


# -- in the plane of a layer -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PowerRectangles:
    """Rectangles that heat evenly, from (x0, y0) to (x1, y1)."""

    x0: np.ndarray  # (rectangles,) m
    y0: np.ndarray
    x1: np.ndarray
    y1: np.ndarray
    power: np.ndarray  # (rectangles,) W


def power_rectangles(
    power: Power, width: float, height: float, *, with_idle: bool = False
) -> PowerRectangles:
    """Return the heated blocks of a layer of that size [m], or all of it for a bare total; no map.

    Heats are scaled. Blocks are cut to the layer within `SNAP`; those without heat are left out, unless
    they are asked for.
    """
    if power.blocks or power.map is not None:
        table = _table(power.blocks)
    else:
        table = np.array([[0.0, 0.0, width, height, power.total or 0.0]])
    x, y, w, h, heat = table[(table[:, 4] != 0.0) | with_idle].T
    x0, x1 = _snapped(x, width), _snapped(x + w, width)
    y0, y1 = _snapped(y, height), _snapped(y + h, height)
    return PowerRectangles(x0, y0, x1, y1, heat * power_scale(power, width, height))


def powered_rectangles(power: Power, width: float, height: float) -> np.ndarray:
    """Return x0, y0, x1, y1 [m] of the heated blocks and the map on a layer of that size [m], (n, 4)."""
    drawn = power_rectangles(power, width, height)
    corners = np.stack([drawn.x0, drawn.y0, drawn.x1, drawn.y1], axis=1)
    return corners if power.map is None else np.vstack([corners, power.map.rectangle(width, height)])


def orient_power(power: Power, width: float, height: float, rotate: int = 0, flip: bool = False) -> Power:
    """Return the power as it lies on a layer of that size [m] that is flipped and rotated.

    First x is mirrored where `flip` is set, then the layer is turned counter-clockwise by `rotate`
    degrees (0, 90, 180 or 270) and moved back so that its lower-left corner is the origin.
    """
    if rotate not in (0, 90, 180, 270):
        raise ValueError(f"a layer is rotated by 0, 90, 180 or 270 degrees, not by {rotate}")
    if rotate == 0 and not flip:
        return power
    turned = _turned(_table(power.blocks)[:, :4], width, height, rotate, flip)
    names = [block.name for block in power.blocks]
    blocks = blocks_of(names, turned, [block.power for block in power.blocks])
    drawn = power.map
    if drawn is not None:
        values = np.rot90(drawn.values[:, ::-1] if flip else drawn.values, -(rotate // 90))
        position, size = drawn.position, drawn.size
        if position is not None and size is not None:
            x, y, w, h = _turned(np.array([[*position, *size]]), width, height, rotate, flip)[0].tolist()
            position, size = (x, y), (w, h)
        drawn = PowerMap(values, drawn.unit, position, size, drawn.source)
    return replace(power, blocks=blocks, map=drawn)


def _turned(table: np.ndarray, width: float, height: float, rotate: int, flip: bool) -> np.ndarray:
    x, y, w, h = table.T
    if flip:
        x = width - (x + w)
    for _ in range(rotate // 90):
        x, y, w, h = height - (y + h), x, h, w
        width, height = height, width
    return np.stack([x, y, w, h], axis=1)


def _table(blocks: Sequence[Block]) -> np.ndarray:
    rows = [(*block.position, *block.size, block.power or 0.0) for block in blocks]
    return np.array(rows, dtype=np.float64).reshape(-1, 5)


def _snapped(position: np.ndarray, length: float | np.ndarray) -> np.ndarray:
    inside = np.where(np.abs(position) <= SNAP, 0.0, position)
    return np.where(np.abs(inside - length) <= SNAP, length, inside)


def power_scale(power: Power, width: float, height: float) -> float:
    """Return by what all that is drawn on a layer of that size [m] is multiplied: 1 without `scale_to`."""
    if power.scale_to is None:
        return 1.0
    drawn = power._drawn_heat(width, height)
    return power.scale_to / drawn if drawn else 0.0


def deposit_power(power: Power, x: np.ndarray, y: np.ndarray, rectangle: Rectangle) -> np.ndarray:
    """Return the heat [W], (ny, nx), of each cell between the planes x and y [m] under a layer.

    The layer covers `rectangle` in the frame of the planes. Each block and pixel is laid on the cells
    it overlaps, in proportion to the area; what lies beyond the first or last plane (planes near one
    another may have been merged) goes into the outermost cells. So the sum is `power.heat_on(...)`, to
    1e-12 of the sum of the magnitudes, on any grid. Give only planes of cells the layer consists of.
    Raises ValueError where the rectangle leaves the grid by more than its outermost cell.
    """
    x, y = (np.ascontiguousarray(edges, dtype=np.float64) for edges in (x, y))
    left, front, right, back = rectangle
    _check_reach(x, left, right)
    _check_reach(y, front, back)
    width, height = right - left, back - front
    drawn = power_rectangles(power, width, height)
    corners = (drawn.x0 + left, drawn.y0 + front, drawn.x1 + left, drawn.y1 + front)
    heat = deposit_rectangles(x, y, *corners, drawn.power)
    if power.map is not None:
        x0, y0, x1, y1 = power.map.rectangle(width, height)
        pixels = power.map.pixels(width, height)
        covered = (left + x0, front + y0, left + x1, front + y1)
        heat += power_scale(power, width, height) * deposit_raster(x, y, pixels, *covered)
    return heat


def _check_reach(edges: np.ndarray, low: float, high: float) -> None:
    if low < 2.0 * edges[0] - edges[1] or high > 2.0 * edges[-1] - edges[-2]:
        raise ValueError(f"a layer from {low} to {high} m leaves the grid from {edges[0]} to {edges[-1]} m")
