"""The power of a layer: a total, the blocks of a floorplan, and a map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Annotated, Any, Literal, cast

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.package.block_overlap import overlap_diagnostics
from thermostack.package.leakage import Leakage
from thermostack.package.leakage_shares import layer_shares
from thermostack.package.rectangles import Rectangle, lengths_beyond
from thermostack.schema.fields import Point, PowerValue, SignedPower, Size, fail, plain_number, to_si
from thermostack.schema.raster import RasterField
from thermostack.schema.validated_dataclass import NamedItems, described, diagnostic_at
from thermostack.units import format_quantity

SNAP_DISTANCE = 1e-9  # m: an edge of a block closer to an edge of its layer than this is moved onto it
SUM_TOLERANCE = 1e-3  # maximum relative difference of a declared total from the sum of blocks and map
MAX_NAME_LENGTH = 128  # characters of the name of a block


def read_block_name(value: Any) -> str:
    """Return the name of a block; names of other tools like "core0/alu[3]" or "HBM PHY" are permitted."""
    if not isinstance(value, str):
        raise fail("E-TYPE", f"{value!r} is not a name", "put it in quotes" if value is not None else "")
    if not value or len(value) > MAX_NAME_LENGTH or value != value.strip() or not value.isprintable():
        shown = repr(value) if len(value) <= MAX_NAME_LENGTH else f"a text of {len(value)} characters"
        raise fail(
            "E-NAME", f"{shown} is not a name", "up to 128 printable characters, no blank at either end"
        )
    return value


BlockName = Annotated[str, BeforeValidator(read_block_name)]


@described
class Block:
    """A rectangle of a layer in which power is generated evenly.

    Parameters
    ----------
    name : str
        Name of the block.
    position : pair of float or str
        Lower-left corner in the frame of the layer's stack [m].
    size : pair of float or str
        Width and depth [m].
    power : float or str, optional
        Power [W]. None generates none, and gives a warning if other blocks of the layer have a power.
    leakage : Leakage, optional
        Leakage power, generated evenly in addition. Without a law of its own it has that of the layer.

    Examples
    --------
    >>> Block("core0", ("1 mm", "2 mm"), ("2 mm", "2 mm"), "5 W").power
    5.0
    """

    name: BlockName
    position: Annotated[Point, Field(validation_alias="at", serialization_alias="at")]
    size: Size
    power: SignedPower | None = None
    leakage: Leakage | None = None

    @property
    def unscaled_power(self) -> float:
        """Return the power [W] before scaling, 0 where none is given."""
        return self.power or 0.0


@described
class PowerMap:
    """Power of equal pixels over a layer, or over a rectangle of it.

    Parameters
    ----------
    values : array_like, shape (ny, nx)
        Power of each pixel [W], or power per area [W/m2]; row 0 is at the south edge (y = 0).
    unit : {"W", "W/m2"}
        Unit of the values.
    position, size : pair of float or str, optional
        Lower-left corner in the frame of the layer's stack, and extent [m]; by default the whole layer.
    source : str
        File that the values were read from, "" for an array from Python.

    Raises
    ------
    DescriptionError
        Where only one of position and size is given, or a value is not finite.

    Examples
    --------
    >>> PowerMap([[1.0, 2.0], [3.0, 4.0]]).pixel_powers(1e-3, 1e-3).sum()
    np.float64(10.0)
    """

    values: Annotated[np.ndarray, RasterField]
    unit: Literal["W", "W/m2"] = "W"
    position: Annotated[Point | None, Field(validation_alias="at", serialization_alias="at")] = None
    size: Size | None = None
    source: str = ""

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return an array without a key as the values of the map."""
        return {"values": value} if isinstance(value, (np.ndarray, list, tuple)) else value

    def __post_init__(self) -> None:
        """Raise where only one of position and size is given."""
        if (self.position is None) != (self.size is None):
            raise fail(
                "E-MISSING",
                "a map needs both at and size, or none of them",
                "remove both for the whole layer",
            )

    def __eq__(self, other: object) -> bool:
        """Return whether two maps have the same values, unit, rectangle and source."""
        if not isinstance(other, PowerMap):
            return NotImplemented
        return self._key == other._key and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self._key, self.values.shape))

    @property
    def _key(self) -> tuple[Any, ...]:
        return self.unit, self.position, self.size, self.source

    def rectangle(self, width: float | str, height: float | str) -> Rectangle:
        """Return the rectangle of the map on a layer of a size [m], in the frame of the layer [m]."""
        width, height = to_si(width, "length", "width"), to_si(height, "length", "height")
        if self.position is None or self.size is None:
            return 0.0, 0.0, width, height
        (x, y), (w, h) = self.position, self.size
        ends = snap_to_edges(np.array([x, y, x + w, y + h]), np.array([width, height, width, height]))
        return ends[0], ends[1], ends[2], ends[3]

    def pixel_powers(self, width: float | str, height: float | str) -> np.ndarray:
        """Return the power of each pixel [W], (ny, nx), on a layer of a size [m, or text with a unit]."""
        if self.unit == "W":
            return self.values
        x0, y0, x1, y1 = self.rectangle(width, height)
        power: np.ndarray = self.values * ((x1 - x0) * (y1 - y0) / self.values.size)
        return power


@described
class Power:
    """The power of a layer: a total distributed evenly, or the sum of blocks and a map.

    Parameters
    ----------
    total : float or str, optional
        Power of the layer [W], without leakage. With blocks or a map it is a check: their sum must equal it
        within 0.1 %.
    blocks : sequence of Block
        Blocks of a floorplan.
    map : PowerMap or array_like, optional
        Power map.
    scale_to : float or str, optional
        Power [W] that the sum of all is scaled to.
    allow_negative : bool
        True permits negative powers, as of a Peltier element.
    overlap : {"refuse", "add"}
        Whether blocks that overlap are an error of the package, or add their powers.
    leakage : Leakage, optional
        Leakage power of the layer in addition, with that of its blocks. It is even over the layer, or over
        the blocks that have no leakage of their own.

    Raises
    ------
    DescriptionError
        With every value, sign and sum that is wrong.

    Examples
    --------
    >>> blocks = (Block("a", (0.0, 0.0), (1e-3, 1e-3), 1.0), Block("b", (1e-3, 0.0), (1e-3, 1e-3), 3.0))
    >>> Power(blocks=blocks, scale_to="8 W").total_power
    8.0
    """

    total: SignedPower | None = None
    blocks: Annotated[tuple[Block, ...], NamedItems(Block)] = ()
    map: PowerMap | None = None
    scale_to: PowerValue | None = None
    allow_negative: bool = False
    overlap: Literal["refuse", "add"] = "refuse"
    leakage: Leakage | None = None
    described: SkipJsonSchema[Annotated[Any, Field(exclude=True)]] = field(
        default=None, init=False, repr=False, compare=False
    )  # the power that the power of the stack scales, None without one

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return a quantity without a key, "560 W", as the total."""
        is_quantity = isinstance(value, str) or plain_number(value) is not None
        return {"total": value} if is_quantity else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        """Return the schema of all forms in a file, including references to floorplans and maps in files."""
        resolved = handler.resolve_ref_schema(handler(schema))
        if "properties" not in resolved:  # pydantic calls this a second time, with the inner schema
            return cast(dict[str, Any], resolved)
        own = resolved["properties"]
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
        mapping = {**resolved, "properties": {**own, **files}}
        return {"anyOf": [{"type": "string", "examples": ["560 W"]}, mapping]}

    def __post_init__(self) -> None:
        """Raise every error in signs, names and sums that does not depend on the size of the layer."""
        diagnostics = [*self._sign_diagnostics(), *self._name_diagnostics()]
        diagnostics += leakage_diagnostics(self.leakage, self.blocks)
        if not self.is_map_per_layer_area:
            diagnostics += self._sum_diagnostics(0.0, 0.0)
        if diagnostics:
            raise ValidationError.from_exception_data(
                "Power", [_error_details(diagnostic) for diagnostic in diagnostics]
            )

    @property
    def is_bare_total(self) -> bool:
        """Return whether the power has neither blocks nor a map."""
        return not self.blocks and self.map is None

    @property
    def is_map_per_layer_area(self) -> bool:
        """True where the power depends on the size of the layer: its map is in W/m2 and covers the layer."""
        return self.map is not None and self.map.unit == "W/m2" and self.map.size is None

    @property
    def total_power(self) -> float:
        """Return the scaled power [W]; raises DescriptionError where it depends on the size of the layer."""
        if self.is_map_per_layer_area:
            text = "the power of a map in W/m2 depends on the size of its layer"
            raise DescriptionError(diagnostic_at(("map",), text, "call power_on(width, height)", "E-POWER"))
        return self.power_on(0.0, 0.0)

    def power_on(self, width: float | str, height: float | str) -> float:
        """Return the scaled power [W] on a layer of a size [m, or text with a unit]."""
        return self.scale_to if self.scale_to is not None else self.unscaled_power_on(width, height)

    def diagnostics(self, width: float, height: float, *, is_round: bool = False) -> list[Diagnostic]:
        """Return the errors and warnings on a layer of a size [m], at paths like ("blocks", "gpc0").

        A layer is the disc in the rectangle of its size if `is_round`.
        """
        if self.is_bare_total:
            return []
        found = [*self._outside_diagnostics(width, height, is_round=is_round)]
        if self.overlap == "refuse":
            names = [block.name for block in self.blocks]
            found += overlap_diagnostics(names, block_table(self.blocks))
        if self.is_map_per_layer_area:
            found += self._sum_diagnostics(width, height)
        if any(block.unscaled_power for block in self.blocks):
            for block in self.blocks:
                if block.power is None and block.leakage is None:
                    text = f"block {block.name!r} has no power, other blocks have one"
                    hint = 'write "0 W" if this is intended'
                    found.append(diagnostic_at(("blocks", block.name), text, hint, "W-POWER"))
        return found

    def unscaled_power_on(self, width: float | str, height: float | str) -> float:
        """Return the sum of blocks and map, or the total, on a layer of a size [m], in W before scaling."""
        if self.is_bare_total:
            return self.total or 0.0
        power = np.array([block.unscaled_power for block in self.blocks]).sum()
        if self.map is not None:
            power += self.map.pixel_powers(width, height).sum()
        return float(power)

    def _sign_diagnostics(self) -> Iterator[Diagnostic]:
        if self.allow_negative:
            return
        hint = "write allow_negative: true if this is intended, as for a Peltier element"
        if self.total is not None and self.total < 0.0:
            yield diagnostic_at(("total",), f"{_watts(self.total)} is negative", hint, "E-POWER")
        for block in self.blocks:
            if block.unscaled_power < 0.0:
                text = f"{_watts(block.unscaled_power)} is negative"
                yield diagnostic_at(("blocks", block.name, "power"), text, hint, "E-POWER")
        if self.map is not None and self.map.values.min() < 0.0:
            negative = np.argwhere(self.map.values < 0.0)
            row, column = negative[0]
            text = (
                f"{len(negative)} of its pixels are negative, the first {self.map.values[row, column]:g} "
                f"{self.map.unit} in row {row + 1} from the south, column {column + 1}"
            )
            yield diagnostic_at(("map",), text, hint, "E-POWER")

    def _name_diagnostics(self) -> Iterator[Diagnostic]:
        seen: set[str] = set()
        for block in self.blocks:
            if block.name in seen:
                yield diagnostic_at(
                    ("blocks", block.name), f"two blocks are named {block.name!r}", "", "E-DUPLICATE"
                )
            seen.add(block.name)

    def _sum_diagnostics(self, width: float, height: float) -> Iterator[Diagnostic]:
        if self.is_bare_total:
            if self.total is None and self.leakage is None:
                yield diagnostic_at((), "no power is given", "give total, blocks or map", "E-MISSING")
            return
        power = self.unscaled_power_on(width, height)
        if self.total is not None and abs(self.total - power) > SUM_TOLERANCE * abs(self.total):
            parts = "its blocks and its map add" if self.blocks and self.map else "its map adds"
            parts = parts if self.map else "its blocks add"
            text = f"{_watts(self.total)} is declared, but {parts} up to {_watts(power)}"
            hint = f'correct one of them, or write scale_to: "{_watts(self.total)}" instead'
            yield diagnostic_at(("total",), text, hint, "E-POWER")
        if self.scale_to and power <= 0.0:
            text = f"{_watts(power)} cannot be scaled to {_watts(self.scale_to)}"
            yield diagnostic_at(("scale_to",), text, "give the blocks or the map a positive power", "E-POWER")

    def _outside_diagnostics(self, width: float, height: float, *, is_round: bool) -> Iterator[Diagnostic]:
        table = block_table(self.blocks)
        paths: list[tuple[str, ...]] = [("blocks", block.name) for block in self.blocks]
        names = [f"block {block.name!r}" for block in self.blocks]
        if self.map is not None and self.map.position is not None and self.map.size is not None:
            table = np.vstack([table, [*self.map.position, *self.map.size, 0.0]])
            paths.append(("map",))
            names.append("the map")
        x, y, w, h = table[:, :4].T
        is_beyond = np.stack([-x, x + w - width, -y, y + h - height], axis=1).max(axis=1) > SNAP_DISTANCE
        if is_round:  # the pixels of a map outside the disc may have no power
            farthest = np.hypot(abs(x + 0.5 * (w - width)) + 0.5 * w, abs(y + 0.5 * (h - height)) + 0.5 * h)
            is_block = np.arange(len(table)) < len(self.blocks)
            is_beyond |= is_block & (farthest - 0.5 * width > SNAP_DISTANCE)
        for n in np.flatnonzero(is_beyond):
            (x0, y0, *own), plan = table[n, :4].tolist(), (width, height)
            by = lengths_beyond(
                (x0, y0), (own[0], own[1]), plan, is_in_circle=is_round, tolerance=SNAP_DISTANCE
            )
            size = " x ".join(format_quantity(length, "length") for length in plan)
            size = f"diameter {format_quantity(width, 'length')}" if is_round else size
            text = f"{names[n]} extends beyond its layer of {size} by {by}"
            hint = "positions are relative to the lower-left corner of the stack"
            hint += ", that of the square around the disc" if is_round else ""
            yield diagnostic_at(paths[n], text, hint, "E-OUTSIDE")


def _error_details(diagnostic: Diagnostic) -> InitErrorDetails:
    return InitErrorDetails(
        type=fail(diagnostic.code, diagnostic.message, diagnostic.hint), loc=diagnostic.path, input=None
    )


def leakage_diagnostics(leakage: Leakage | None, blocks: Sequence[Block]) -> list[Diagnostic]:
    """Return the errors in the leakage of a layer and its blocks."""
    law = None if leakage is None else leakage.law
    found: list[Diagnostic] = []
    own = [block for block in blocks if block.leakage is not None]
    for block in own:
        path = ("blocks", block.name, "leakage")
        assert block.leakage is not None
        if block.leakage.total is None:
            found.append(diagnostic_at(path, "the leakage has no total", "write total: 1 W", "E-MISSING"))
        if law is None and block.leakage.law is None:
            text = "the leakage has no law, and its layer has none either"
            hint = "write at: 85 degC and doubles_every: 30 K here, or in the leakage of the layer"
            found.append(diagnostic_at(path, text, hint, "E-MISSING"))
    if leakage is not None and law is None:
        hint = "write at: 85 degC and doubles_every: 30 K, beta, table, polynomial or preset"
        found.append(diagnostic_at(("leakage",), "the leakage has no law", hint, "E-MISSING"))
    if leakage is not None and leakage.total is None and not own:
        text = "the leakage has no total, and no block has a leakage"
        found.append(diagnostic_at(("leakage",), text, "write total: 20 W", "E-MISSING"))
    if found:
        return found
    try:
        layer_shares(leakage, blocks)
    except PydanticCustomError as error:
        context = error.context or {}
        return [diagnostic_at(("leakage", "total"), context["text"], context["hint"], error.type)]
    return []


def _watts(power: float) -> str:
    return format_quantity(power, "power")


def blocks_of(
    names: Sequence[str],
    table: np.ndarray,
    powers: Sequence[float | None],
    leakages: Sequence[Leakage | None] | None = None,
) -> tuple[Block, ...]:
    """Return blocks of validated columns: x, y, width, height [m], (blocks, 4), power [W] and leakage.

    A floorplan has up to 100 000 blocks; the validation of each would take seconds.
    """
    blocks = []
    leakages = [None] * len(names) if leakages is None else leakages
    for name, (x, y, width, height), power, leakage in zip(
        names, table.tolist(), powers, leakages, strict=True
    ):
        block = object.__new__(Block)
        block.__dict__.update(name=name, position=(x, y), size=(width, height), power=power, leakage=leakage)
        blocks.append(block)
    return tuple(blocks)


def block_table(blocks: Sequence[Block]) -> np.ndarray:
    """Return x, y, width, height [m] and unscaled power [W] of blocks, (blocks, 5)."""
    rows = [(*block.position, *block.size, block.power or 0.0) for block in blocks]
    return np.array(rows, dtype=np.float64).reshape(-1, 5)


def snap_to_edges(position: np.ndarray, length: float | np.ndarray) -> np.ndarray:
    """Return positions [m] along a length [m], moved onto an end within `SNAP_DISTANCE` of it."""
    inside = np.where(np.abs(position) <= SNAP_DISTANCE, 0.0, position)
    return np.where(np.abs(inside - length) <= SNAP_DISTANCE, length, inside)
