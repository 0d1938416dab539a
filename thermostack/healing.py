"""How far heat spreads sideways before it leaves: the lengths to resolve at the edges of what is heated.

A column through the body is a stack of sheets that conduct along and are joined to each other and to the
coolers through. Sideways its temperature is a sum of modes that each die out over a length of their own;
a heated block excites those its sheet takes part in.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from thermostack.cooling import film
from thermostack.geometry import Box, Geometry
from thermostack.materials import ROOM_TEMPERATURE
from thermostack.placement import TOUCH

RESOLVED = 0.9  # of the rise over a wide source: the modes that make it up, the longest first
SHEETS = 6  # that a thick layer is cut into
THICK = 0.1  # of the column

Axes = tuple[float, float, float]


def healing_lengths(geometry: Geometry, places: np.ndarray, z: float) -> np.ndarray:
    """Return the length [m] over which an edge of heat at each of some places (x, y) [m], height z, is felt.

    Most blocks of a floorplan lie under the same layers: each column is looked at once.
    """
    boxes = np.array([(*box.low[:2], *box.high[:2]) for box in geometry.boxes])
    joints = np.array([contact.rectangle for contact in geometry.contacts]).reshape(-1, 4)
    x0, y0, x1, y1 = np.concatenate([boxes, joints]).T
    known: dict[bytes, float] = {}
    lengths = []
    for x, y in places.tolist():
        over = np.packbits((x0 < x) & (x < x1) & (y0 < y) & (y < y1)).tobytes()
        if over not in known:
            known[over] = healing_length(geometry, x, y, z)
        lengths.append(known[over])
    return np.array(lengths)


def healing_length(geometry: Geometry, x: float, y: float, z: float) -> float:
    """Return the length [m] over which an edge of heat at (x, y), height z, is felt; infinite where unknown.

    The fin equation of every mode of the column, after Kraus, Aziz & Welty, Extended Surface Heat
    Transfer (2001), chapter 1, with sheets for fins.
    """
    column = _column(geometry, x, y)
    if not column:
        return np.inf
    thickness = np.array([high - low for low, high, _ in column])
    along = np.array([0.5 * (kx + ky) for _, _, (kx, ky, _) in column])
    through = np.array([kz for _, _, (_, _, kz) in column])
    half = 0.5 * thickness / through
    contacts = np.array([_contact(geometry, x, y, low) for low, _, _ in column[1:]])
    joint = 1.0 / (half[:-1] + half[1:] + contacts)  # W/(m2 K) between sheets
    ends = _film(geometry, "bottom"), _film(geometry, "top")
    ground = np.zeros(len(column))
    ground[0] += 1.0 / (half[0] + 1.0 / ends[0]) if ends[0] > 0.0 else 0.0
    ground[-1] += 1.0 / (half[-1] + 1.0 / ends[1]) if ends[1] > 0.0 else 0.0
    if not ground.any():
        return np.inf
    matrix = np.diag(ground)
    for n, g in enumerate(joint):
        matrix[n : n + 2, n : n + 2] += g * np.array(((1.0, -1.0), (-1.0, 1.0)))
    scale = 1.0 / np.sqrt(along * thickness)
    rates, modes = np.linalg.eigh(scale[:, None] * matrix * scale)
    heated = int(np.argmax([low <= z <= high for low, high, _ in column]))
    shares = (scale[heated] * modes[heated]) ** 2 / rates  # of the rise, the slowest mode first
    count = int(np.searchsorted(np.cumsum(shares) / shares.sum(), RESOLVED))
    return float(1.0 / np.sqrt(rates[min(count, rates.size - 1)]))


def _column(geometry: Geometry, x: float, y: float) -> list[tuple[float, float, Axes]]:
    """Return (low, high, conductivity) of the sheets over (x, y) from the bottom, [m] and [W/(m K)]."""
    over = [box for box in geometry.boxes if _covers(box, x, y)]
    planes = sorted({edge for box in over for edge in (box.low[2], box.high[2])})
    height = planes[-1] - planes[0] if planes else 0.0
    sheets = []
    for low, high in pairwise(planes):
        middle = 0.5 * (low + high)
        inside = [box for box in over if box.low[2] < middle < box.high[2]]
        if high - low <= TOUCH or not inside or inside[-1].part < 0:
            continue
        conductivity = geometry.parts[inside[-1].part].conductivity_at(ROOM_TEMPERATURE)
        cuts = np.linspace(low, high, (SHEETS if high - low > THICK * height else 1) + 1).tolist()
        sheets += [(a, b, conductivity) for a, b in pairwise(cuts)]
    return sheets


def _covers(box: Box, x: float, y: float) -> bool:
    return box.low[0] < x < box.high[0] and box.low[1] < y < box.high[1]


def _contact(geometry: Geometry, x: float, y: float, z: float) -> float:
    """Return the resistance [m2 K/W] of the contacts at a point."""
    return sum(
        contact.resistance
        for contact in geometry.contacts
        if abs(contact.z - z) < TOUCH
        and contact.rectangle[0] < x < contact.rectangle[2]
        and contact.rectangle[1] < y < contact.rectangle[3]
    )


def _film(geometry: Geometry, face: str) -> float:
    """Return the film coefficient [W/(m2 K)] of a face; a resistance is over the plan of the body."""
    cooled = geometry.package.cooling.of(face)
    solid = [box for box in geometry.boxes if box.part >= 0]
    x, y = (max(box.high[axis] for box in solid) - min(box.low[axis] for box in solid) for axis in (0, 1))
    return film(cooled[-1].cooler, x * y).h if cooled else 0.0
