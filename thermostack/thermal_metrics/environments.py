"""The environments of JEDEC as cooling of a placed body: air, ring cold plate, cold plate on one face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thermostack.errors import Diagnostic, UnknownNameError
from thermostack.package.cooling import (
    Adiabatic,
    ColdPlate,
    Cooling,
    FaceCooling,
    FaceRectangle,
    FixedTemperature,
)
from thermostack.package.nonlinear_coolers import ForcedConvection, FreeConvection
from thermostack.package.rectangles import Rectangle
from thermostack.schema.arguments import argument_error, as_names
from thermostack.schema.spelling import suggest
from thermostack.thermal_metrics.body import PlacedBody
from thermostack.units import format_quantity, mm

SPEEDS = (1.0, 2.0, 3.0)  # m/s, of JESD51-6
EMISSIVITY = 0.9  # assumed: solder mask and mold compound
RING_START, RING_END = 5 * mm, 9 * mm  # from the body, of the ring cold plate of JESD51-8
COLD_PLATE_HTC = 1e4  # W/(m2 K)
KINDS = ("still-air", "moving-air", "ring", "top", "bottom")


ZONES = (
    "package sides",
    "board sides",
    "package top",
    "board top",
    "package bottom",
    "board bottom",
)  # exposed surfaces in air, in the order of the coolers of `air_cooling`


@dataclass(frozen=True)
class Air:
    """Air around a board: its temperature and speed, and the emissivity of all surfaces."""

    ambient: float  # K
    speed: float  # m/s, 0 in still air
    emissivity: float = EMISSIVITY

    @property
    def name(self) -> str:
        """Return the name of the environment."""
        return "still air" if self.speed == 0.0 else f"air {self.speed:g} m/s"

    @property
    def standard(self) -> str:
        return "JESD51-2A" if self.speed == 0.0 else "JESD51-6"

    def cooler(self, board: tuple[float, float]) -> FreeConvection | ForcedConvection:
        """Return the cooler of all surfaces, which radiate to the air temperature.

        The lengths are those of the board (width, depth) [m], also for the package: area over perimeter in
        still air, the longer side along a stream.
        """
        width, depth = board
        emissivity = self.emissivity or None
        if self.speed == 0.0:
            length = width * depth / (2.0 * (width + depth))
            return FreeConvection(self.ambient, length, emissivity=emissivity)
        return ForcedConvection(self.ambient, self.speed, max(width, depth), emissivity=emissivity)


def air_cooling(placed: PlacedBody, air: Air) -> Cooling:
    """Return the cooling of all exposed faces by air, with a cooler for each zone."""
    assert placed.board is not None
    assert placed.board_size is not None
    cooler = air.cooler(placed.board_size)
    pair = FaceCooling(cooler), FaceCooling(cooler, part=placed.board)
    return Cooling(surroundings=pair, top=pair, bottom=pair)


def ring_cooling(placed: PlacedBody, temperature: float) -> Cooling:
    """Return a ring cold plate [K] on both faces of the board, 5 to 9 mm from the body; the rest adiabatic.

    Raises ArgumentError where the ring does not lie on the board.
    """
    assert placed.board is not None
    assert placed.board_size is not None
    x0, y0, x1, y1 = placed.outline
    margins = (x0, y0, placed.board_size[0] - x1, placed.board_size[1] - y1)
    if min(margins) < RING_END:
        text = f"the ring cold plate needs {format_quantity(RING_END, 'length')} of board beside the package"
        hint = "take a larger board: --board-size, or JedecBoard(size=...)"
        raise argument_error("board", f"{text}, not {format_quantity(min(margins), 'length')}", hint)
    plate = FixedTemperature(temperature)
    regions = [FaceRectangle((a, b), (c - a, d - b)) for a, b, c, d in ring_rectangles(placed.outline)]
    return Cooling(
        top=tuple(FaceCooling(plate, region, placed.board, "highest") for region in regions),
        bottom=tuple(FaceCooling(plate, region, placed.board, "lowest") for region in regions),
    )


def ring_rectangles(outline: Rectangle) -> list[Rectangle]:
    """Return the four rectangles of the ring cold plate around a body [m], which do not overlap."""
    x0, y0, x1, y1 = outline
    a, b = RING_START, RING_END
    return [
        (x0 - b, y0 - b, x1 + b, y0 - a),
        (x0 - b, y1 + a, x1 + b, y1 + b),
        (x0 - b, y0 - a, x0 - a, y1 + a),
        (x1 + a, y0 - a, x1 + b, y1 + a),
    ]


def top_cooling(temperature: float, htc: float | None = None) -> Cooling:
    """Return a cold plate [K] on the uppermost plane of the body; the rest is adiabatic.

    `htc` [W/(m2 K)] is its coefficient; None is an isothermal surface.
    """
    if htc is None:
        return Cooling(top=(FaceCooling(FixedTemperature(temperature), on="highest"),))
    return Cooling(top=(FaceCooling(ColdPlate(temperature, h=htc)),))


def bottom_cooling(placed: PlacedBody, temperature: float) -> Cooling:
    """Return an isothermal cold plate [K] on the undermost plane of the body; the rest is adiabatic."""
    return Cooling(
        top=(FaceCooling(Adiabatic()),),
        bottom=(FaceCooling(FixedTemperature(temperature), part=placed.carrier, on="lowest"),),
    )


def check_kinds(kinds: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the kinds of environments in their order, all for None.

    Raises UnknownNameError for an unknown one.
    """
    if kinds is None:
        return KINDS
    given = as_names(kinds, "environments")
    for kind in given:
        if kind not in KINDS:
            hint = suggest(kind, KINDS) or f"there are {', '.join(KINDS)}"
            raise UnknownNameError(
                Diagnostic("environments", f"no environment is named {kind!r}", hint, "E-NAME")
            )
    if not given:
        raise argument_error("environments", "is empty", f"there are {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in given)
