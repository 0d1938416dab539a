"""Healing lengths: the lateral distances over which the temperature field relaxes at the edge of a source.

A vertical line through the body crosses layers that conduct heat laterally and exchange heat with each other
and with the coolers. The lateral temperature variation is a sum of modes, each of which decays exponentially
over a length of its own. A source excites the modes in proportion to their amplitude in its layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from thermostack.materials.temperature_laws import Axes
from thermostack.package.box import Box
from thermostack.package.geometry import Geometry, InterfaceResistance
from thermostack.package.rectangles import COINCIDENCE_TOLERANCE
from thermostack.package.robin_coefficients import robin_coefficients

# Fraction of the temperature rise of a wide source. The slowest modes that add up to it are resolved.
RESOLVED_FRACTION = 0.9
SHEETS_PER_THICK_LAYER = 6
MIN_THICK_FRACTION = 0.1  # of the height of the column: a layer above it is divided into sheets


@dataclass(frozen=True, eq=False)
class LayerColumn:
    """The sheets along a vertical line, and the modes of their lateral temperature variation."""

    low: np.ndarray  # (sheets,) m
    high: np.ndarray  # (sheets,) m
    rates: np.ndarray  # (modes,) 1/m2, ascending: squared lateral decay rates
    modes: np.ndarray  # (sheets, modes)
    scale: np.ndarray  # (sheets,) 1/sqrt(k_lateral thickness): from modes to temperatures

    def resistance(self, z: float) -> float:
        """Return the resistance [m2 K/W] to the ambient of a wide source at height z [m], or infinity."""
        if self.rates.size == 0:
            return np.inf
        return float(self._rises(z).sum())

    def healing_length(self, z: float) -> float:
        """Return the healing length [m] of a source at height z [m]; infinite where it is unknown."""
        if self.rates.size == 0:
            return np.inf
        rise = self._rises(z)
        count = int(np.searchsorted(np.cumsum(rise) / rise.sum(), RESOLVED_FRACTION))
        return float(1.0 / np.sqrt(self.rates[min(count, self.rates.size - 1)]))

    def _rises(self, z: float) -> np.ndarray:
        """Return the rise [m2 K/W] of each mode at a wide source at height z [m], (modes,)."""
        sheet = int(self.high.searchsorted(z))
        if sheet == self.high.size or self.low[sheet] > z:
            sheet = 0
        return np.asarray((self.scale[sheet] * self.modes[sheet]) ** 2 / self.rates)


_EMPTY = np.zeros(0)
EMPTY_COLUMN = LayerColumn(_EMPTY, _EMPTY, _EMPTY, np.zeros((0, 0)), _EMPTY)


class HealingLengths:
    """The healing lengths at any point of a geometry.

    Most blocks of a floorplan lie below the same layers, so the columns are cached.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        contacts = np.array([contact.rectangle for contact in geometry.contacts]).reshape(-1, 4)
        rectangles = np.concatenate([geometry.corners[:, [0, 1, 3, 4]], contacts])
        self._x0, self._y0, self._x1, self._y1 = np.ascontiguousarray(rectangles.T)
        self._columns: dict[bytes, LayerColumn] = {}
        self._at: dict[tuple[float, float], LayerColumn] = {}
        self._htc = tuple(_face_htc(geometry, face) for face in ("bottom", "top"))

    def at_points(self, points: np.ndarray, z: float | np.ndarray) -> np.ndarray:
        """Return the healing length [m] at points, (n, 2) m, and heights z [m]; infinite where unknown."""
        heights = np.broadcast_to(z, len(points)).tolist()
        return np.array(
            [
                self.column(x, y).healing_length(height)
                for (x, y), height in zip(points.tolist(), heights, strict=True)
            ]
        )

    def column(self, x: float, y: float) -> LayerColumn:
        """Return the column at (x, y) [m]."""
        if (x, y) not in self._at:
            self._at[x, y] = self._find_column(x, y)
        return self._at[x, y]

    def _find_column(self, x: float, y: float) -> LayerColumn:
        is_over = (self._x0 < x) & (x < self._x1) & (self._y0 < y) & (y < self._y1)
        over = np.packbits(is_over).tobytes()
        if over not in self._columns:
            self._columns[over] = self._solve_column(x, y, np.flatnonzero(is_over).tolist())
        return self._columns[over]

    def _solve_column(self, x: float, y: float, over: list[int]) -> LayerColumn:
        """Return the column at (x, y) with its modes.

        Each sheet obeys the fin equation of Kraus, Aziz & Welty, Extended Surface Heat Transfer (2001),
        chapter 1, with the heat exchange between neighbouring sheets in place of convection.
        """
        boxes, contacts = self.geometry.boxes, self.geometry.contacts
        sheets = self._sheets([boxes[n] for n in over if n < len(boxes)])
        if not sheets:
            return EMPTY_COLUMN
        low, high = np.array([(low, high) for low, high, _ in sheets]).T
        thickness = high - low
        k_lateral = np.array([0.5 * (kx + ky) for _, _, (kx, ky, _) in sheets])
        k_vertical = np.array([kz for _, _, (_, _, kz) in sheets])
        half = 0.5 * thickness / k_vertical  # m2 K/W
        crossed = [contacts[n - len(boxes)] for n in over if n >= len(boxes)]
        resistance = np.array([_resistance(crossed, z) for z in low[1:].tolist()])
        exchange = 1.0 / (half[:-1] + half[1:] + resistance)  # W/(m2 K) between sheets
        cooling = np.zeros(len(sheets))  # W/(m2 K) from a sheet to the ambient
        for sheet, h in zip((0, -1), self._htc, strict=True):
            cooling[sheet] += 1.0 / (half[sheet] + 1.0 / h) if h > 0.0 else 0.0
        if not cooling.any():
            return EMPTY_COLUMN
        cooling[1:] += exchange
        cooling[:-1] += exchange
        matrix = np.diag(cooling)
        below = np.arange(exchange.size)
        matrix[below, below + 1] = matrix[below + 1, below] = -exchange
        scale = 1.0 / np.sqrt(k_lateral * thickness)
        rates, modes = np.linalg.eigh(scale[:, None] * matrix * scale)
        return LayerColumn(low, high, rates, modes, scale)

    def _sheets(self, over: list[Box]) -> list[tuple[float, float, Axes]]:
        """Return (low [m], high [m], conductivity [W/(m K)]) of the sheets of a column from the bottom up."""
        planes = sorted({edge for box in over for edge in (box.low[2], box.high[2])})
        height = planes[-1] - planes[0] if planes else 0.0
        sheets = []
        for low, high in pairwise(planes):
            middle = 0.5 * (low + high)
            last = next((box for box in reversed(over) if box.low[2] < middle < box.high[2]), None)
            if high - low <= COINCIDENCE_TOLERANCE or last is None or last.part < 0:
                continue
            conductivity = self.geometry.parts[last.part].room_conductivity
            if high - low > MIN_THICK_FRACTION * height:
                cuts = np.linspace(low, high, SHEETS_PER_THICK_LAYER + 1).tolist()
                sheets += [(a, b, conductivity) for a, b in pairwise(cuts)]
            else:
                sheets.append((low, high, conductivity))
        return sheets


def _resistance(contacts: list[InterfaceResistance], z: float) -> float:
    """Return the total resistance [m2 K/W] of the interfaces at a height [m]."""
    return sum(contact.resistance for contact in contacts if abs(contact.z - z) < COINCIDENCE_TOLERANCE)


def _face_htc(geometry: Geometry, face: str) -> float:
    """Return the heat-transfer coefficient [W/(m2 K)] of a face over the plan of the body."""
    coolers = geometry.package.cooling.face(face)
    solid = geometry.corners[geometry.is_solid]
    x, y = (solid[:, 3:].max(axis=0) - solid[:, :3].min(axis=0))[:2].tolist()
    return robin_coefficients(coolers[-1].cooler, x * y).h if coolers else 0.0
