"""How far heat spreads sideways before it leaves: the lengths to resolve at the edges of what is heated.

A column through the body is a stack of sheets that conduct along and are joined to each other and to the
coolers through. Sideways its temperature is a sum of modes that each die out over a length of their own;
a heated block excites those its sheet takes part in.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.package.cooling import robin_coefficients
from thermostack.package.geometry import Box, Geometry, InterfaceResistance
from thermostack.package.placement import TOUCH

RESOLVED = 0.9  # of the rise over a wide source: the modes that make it up, the longest first
SHEETS = 6  # that a thick layer is cut into
THICK = 0.1  # of the column

Axes = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class LayerColumn:
    """A stack of sheets, and the modes of its temperature sideways."""

    low: np.ndarray  # (sheets,) m
    high: np.ndarray  # (sheets,) m
    rates: np.ndarray  # (modes,) 1/m2, ascending: of dying out sideways, squared
    modes: np.ndarray  # (sheets, modes)
    scale: np.ndarray  # (sheets,) of a sheet in the modes

    def length(self, z: float) -> float:
        """Return the length [m] over which an edge of heat at height z is felt; infinite where unknown."""
        if self.rates.size == 0:
            return np.inf
        heated = int(np.argmax((self.low <= z) & (z <= self.high)))
        shares = (self.scale[heated] * self.modes[heated]) ** 2 / self.rates  # of the rise, the slowest first
        count = int(np.searchsorted(np.cumsum(shares) / shares.sum(), RESOLVED))
        return float(1.0 / np.sqrt(self.rates[min(count, self.rates.size - 1)]))


NONE = np.zeros(0)
NOWHERE = LayerColumn(NONE, NONE, NONE, np.zeros((0, 0)), NONE)


class HealingLengths:
    """The lengths over which edges of heat are felt, anywhere in a geometry.

    Most blocks of a floorplan lie under the same layers: each column is looked at once.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        boxes = [(*box.low[:2], *box.high[:2]) for box in geometry.boxes]
        joints = [contact.rectangle for contact in geometry.contacts]
        self._x0, self._y0, self._x1, self._y1 = np.array([*boxes, *joints]).T
        self._columns: dict[bytes, LayerColumn] = {}
        self._films = tuple(_film(geometry, face) for face in ("bottom", "top"))
        self._conductivity: dict[int, Axes] = {}

    def lengths(self, places: np.ndarray, z: float) -> np.ndarray:
        """Return the length [m] over which an edge at each of some places (x, y) [m], height z, is felt.

        It is infinite where unknown.
        """
        return np.array([self.column(x, y).length(z) for x, y in places.tolist()])

    def column(self, x: float, y: float) -> LayerColumn:
        """Return the column over (x, y) [m]."""
        is_over = (self._x0 < x) & (x < self._x1) & (self._y0 < y) & (y < self._y1)
        over = np.packbits(is_over).tobytes()
        if over not in self._columns:
            self._columns[over] = self._solved(x, y, np.flatnonzero(is_over).tolist())
        return self._columns[over]

    def _solved(self, x: float, y: float, over: list[int]) -> LayerColumn:
        """Return the column over (x, y) with its modes.

        The fin equation of every mode of the column, after Kraus, Aziz & Welty, Extended Surface Heat
        Transfer (2001), chapter 1, with sheets for fins.
        """
        boxes, contacts = self.geometry.boxes, self.geometry.contacts
        sheets = self._sheets([boxes[n] for n in over if n < len(boxes)])
        if not sheets:
            return NOWHERE
        low, high = np.array([(low, high) for low, high, _ in sheets]).T
        thickness = high - low
        along = np.array([0.5 * (kx + ky) for _, _, (kx, ky, _) in sheets])
        through = np.array([kz for _, _, (_, _, kz) in sheets])
        half = 0.5 * thickness / through
        joints = [contacts[n - len(boxes)] for n in over if n >= len(boxes)]
        resistance = np.array([_resistance(joints, z) for z in low[1:].tolist()])
        joint = 1.0 / (half[:-1] + half[1:] + resistance)  # W/(m2 K) between sheets
        ground = np.zeros(len(sheets))
        for sheet, h in zip((0, -1), self._films, strict=True):
            ground[sheet] += 1.0 / (half[sheet] + 1.0 / h) if h > 0.0 else 0.0
        if not ground.any():
            return NOWHERE
        matrix = np.diag(ground)
        for n, g in enumerate(joint):
            matrix[n : n + 2, n : n + 2] += g * np.array(((1.0, -1.0), (-1.0, 1.0)))
        scale = 1.0 / np.sqrt(along * thickness)
        rates, modes = np.linalg.eigh(scale[:, None] * matrix * scale)
        return LayerColumn(low, high, rates, modes, scale)

    def _sheets(self, over: list[Box]) -> list[tuple[float, float, Axes]]:
        """Return (low, high, conductivity) of the sheets of a column from the bottom, [m] and [W/(m K)]."""
        planes = sorted({edge for box in over for edge in (box.low[2], box.high[2])})
        height = planes[-1] - planes[0] if planes else 0.0
        sheets = []
        for low, high in pairwise(planes):
            middle = 0.5 * (low + high)
            inside = [box for box in over if box.low[2] < middle < box.high[2]]
            if high - low <= TOUCH or not inside or inside[-1].part < 0:
                continue
            conductivity = self._conductivity_of(inside[-1].part)
            cuts = np.linspace(low, high, (SHEETS if high - low > THICK * height else 1) + 1).tolist()
            sheets += [(a, b, conductivity) for a, b in pairwise(cuts)]
        return sheets

    def _conductivity_of(self, part: int) -> Axes:
        if part not in self._conductivity:
            self._conductivity[part] = self.geometry.parts[part].conductivity_at(ROOM_TEMPERATURE)
        return self._conductivity[part]


def _resistance(joints: list[InterfaceResistance], z: float) -> float:
    """Return the resistance [m2 K/W] of the contacts at a height."""
    return sum(contact.resistance for contact in joints if abs(contact.z - z) < TOUCH)


def _film(geometry: Geometry, face: str) -> float:
    """Return the film coefficient [W/(m2 K)] of a face; a resistance is over the plan of the body."""
    cooled = geometry.package.cooling.face(face)
    solid = [box for box in geometry.boxes if box.part >= 0]
    x, y = (max(box.high[axis] for box in solid) - min(box.low[axis] for box in solid) for axis in (0, 1))
    return robin_coefficients(cooled[-1].cooler, x * y).h if cooled else 0.0
