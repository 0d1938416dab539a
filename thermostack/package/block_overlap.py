"""Search for blocks of a floorplan that overlap: a sweep along x over intervals that are sorted along y."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.package.rectangles import COINCIDENCE_TOLERANCE, Rectangle
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

EDGE_TOLERANCE = 1e-6  # of the extent of the floorplan: a narrower overlap is a rounding error of the edges


def overlap_diagnostics(names: Sequence[str], table: np.ndarray) -> Iterator[Diagnostic]:
    """Yield an error for each block that overlaps another one.

    `table` has the columns x, y, width and height [m], (blocks, 4). Each error names both blocks and their
    common rectangle in the frame of the stack. A block that overlaps several blocks is reported once.
    """
    for one, other, rectangle in find_overlaps(table):
        x0, y0, x1, y1 = (format_quantity(value, "length") for value in rectangle)
        text = (
            f"block {names[one]!r} overlaps block {names[other]!r} from ({x0}, {y0}) to ({x1}, {y1}) "
            "of the stack"
        )
        hint = "move or remove one of them, or write overlap: add where both powers are meant"
        yield diagnostic_at(("blocks", names[one]), text, hint, "E-OVERLAP")


def find_overlaps(table: np.ndarray) -> list[tuple[int, int, Rectangle]]:
    """Return pairs of overlapping blocks and their common rectangle [m], ordered by the first block.

    `table` has the columns x, y, width and height [m], (blocks, 4). The first block of a pair has the higher
    index. The list is empty if no two blocks overlap; otherwise each block of it overlaps at least one other.
    The search takes O(n log n) time.
    """
    if len(table) == 0:
        return []
    low, high = table[:, :2], table[:, :2] + table[:, 2:4]
    shrunk_low, shrunk_high = _without_rounding(low, high)
    rows = np.concatenate([shrunk_low, shrunk_high], axis=1).tolist()
    starts = [(x0, 1, n) for n, (x0, _, _, _) in enumerate(rows)]
    ends = [(x1, 0, n) for n, (_, _, x1, _) in enumerate(rows)]
    found = []
    active: list[tuple[float, float, int]] = []  # (y0, y1, block) of disjoint intervals, ascending
    for _, is_start, n in sorted(starts + ends):
        interval = rows[n][1], rows[n][3], n
        index = bisect_left(active, interval)
        if not is_start:
            if index < len(active) and active[index] == interval:
                del active[index]
            continue
        common = [
            m for y0, y1, m in active[max(0, index - 1) : index + 1] if y0 < interval[1] and interval[0] < y1
        ]
        if common:
            m = common[0]
            x0, y0 = np.maximum(low[n], low[m]).tolist()
            x1, y1 = np.minimum(high[n], high[m]).tolist()
            found.append((max(n, m), min(n, m), (x0, y0, x1, y1)))
        else:
            active.insert(index, interval)
    return sorted(found)


def _without_rounding(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners [m] of blocks, (blocks, 2) each, moved inwards by the rounding error of an edge."""
    extent = float((high.max(axis=0) - low.min(axis=0)).max())
    tolerance = max(COINCIDENCE_TOLERANCE, EDGE_TOLERANCE * extent)
    inset = np.minimum(0.5 * tolerance, 0.25 * (high - low))
    return low + inset, high - inset
