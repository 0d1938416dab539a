"""Unit cells against exact values: value, reference, error, estimate, observed order, cells, seconds.

python benchmarks/unit_cells.py [--quick] [--json FILE] [--page]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from thermostack.materials.cell_geometry import CellGeometry, CellShape, CellSlice
from thermostack.materials.transverse_conductivity import Arrangement, conductivity_across
from thermostack.unit_cells.cell_solution import solve_geometry

MAX_ERROR = 1e-3  # claim for cylinders, relative
PAGE = Path(__file__).parents[1] / "docs" / "numerics.md"


@dataclass(frozen=True)
class Row:
    """A cell with its exact and its computed value along x."""

    case: str
    exact: float
    value: float
    estimate: float
    order: float | None
    cells: int
    seconds: float

    @property
    def error(self) -> float:
        """Return the relative error."""
        return self.value / self.exact - 1.0


def cylinders(arrangement: Arrangement, fraction: float) -> tuple[CellGeometry, float]:
    """Return an array of cylinders of an area fraction with a pitch of one, and their diameter."""
    height = 1.0 if arrangement == "square" else math.sqrt(3.0)
    points = [(0.5, 0.5)] if arrangement == "square" else [(0.0, 0.0), (0.5, 0.5 * height)]
    diameter = math.sqrt(4.0 * fraction * height / (len(points) * math.pi))
    shapes = tuple(CellShape(1, point, (diameter, diameter), is_round=True) for point in points)
    return CellGeometry((1.0, height), (CellSlice(1.0, 0, shapes),), 2, is_isotropic=True), diameter


def solve(case: str, geometry: CellGeometry, contrast: float, exact: float) -> Row:
    """Return the row of a cell of two materials, of the conductivities 1 and `contrast`."""
    start = time.perf_counter()
    axis = solve_geometry(geometry, np.array([[1.0] * 3, [contrast] * 3])).axes[0]
    seconds = time.perf_counter() - start
    cells = axis.grids[-1][0] if axis.grids else 0
    return Row(case, exact, axis.value, axis.error, axis.order, cells, seconds)


def arrays(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of arrays of cylinders, exact by Rayleigh's multipoles."""
    cases: list[tuple[Arrangement, float, float]] = [("square", 0.4, 10.0), ("square", 0.7, 10.0)]
    if not quick:
        cases += [
            ("square", 0.4, 0.01),
            ("square", 0.7, 5e4),
            ("square", 0.77, 10.0),
            ("square", 0.77, 5e4),
            ("square", 0.78, 1e4),
            ("hexagonal", 0.5, 10.0),
            ("hexagonal", 0.88, 10.0),
            ("hexagonal", 0.89, 1e3),
        ]
    for arrangement, fraction, contrast in cases:
        geometry, diameter = cylinders(arrangement, fraction)
        values = np.array(1.0), np.array(contrast)
        exact = float(conductivity_across(*values, diameter, 1.0, arrangement))
        yield solve(f"{arrangement}, f = {fraction:g}, contrast {contrast:g}", geometry, contrast, exact)


def chessboards() -> Iterator[Row]:
    """Yield the rows of chessboards, exact by Dykhne's theorem."""
    squares = tuple(CellShape(1, (n, n), (0.5, 0.5), is_round=False) for n in (0.25, 0.75))
    board = CellGeometry((1.0, 1.0), (CellSlice(1.0, 0, squares),), 2)
    for contrast in (4.0, 100.0):
        yield solve(f"chessboard, contrast {contrast:g}", board, contrast, math.sqrt(contrast))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two arrays, to test the script")
    parser.add_argument("--json", metavar="FILE", help="write the rows")
    parser.add_argument("--page", action="store_true", help="write the table into docs/numerics.md")
    arguments = parser.parse_args()
    os.environ["THERMOSTACK_CACHE"] = "off"
    rows = [*arrays(quick=arguments.quick), *chessboards()]
    print(f"{'case':<36} {'exact':>9} {'value':>9} {'error':>9} {'estimate':>9} order   cells seconds")
    for row in rows:
        order = "" if row.order is None else f"{row.order:.2f}"
        numbers = f"{row.exact:9.4f} {row.value:9.4f} {row.error:9.1e} {row.estimate / row.value:9.1e}"
        print(f"{row.case:<36} {numbers} {order:>5} {row.cells:7d} {row.seconds:7.2f}")
    worst = max(abs(row.error) for row in rows if "chess" not in row.case)
    inside = sum(abs(row.value - row.exact) <= row.estimate for row in rows)
    print(f"claim: error of arrays at most {MAX_ERROR:g}; found {worst:.1e}")
    print(f"the estimate covers the error in {inside} of {len(rows)} cells")
    if arguments.json:
        stored = [{**asdict(replace(row, seconds=round(row.seconds, 2))), "error": row.error} for row in rows]
        Path(arguments.json).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    if arguments.page:
        write_page(rows)


def write_page(rows: list[Row]) -> None:
    """Write the rows into the table of docs/numerics.md."""
    lines = PAGE.read_text(encoding="utf-8").split("\n")
    first = lines.index("| case | exact | found | error | estimate |") + 2
    last = next(n for n in range(first, len(lines)) if not lines[n])
    table = [
        f"| {row.case} | {row.exact:.4g} | {row.value:.4g} | {100.0 * row.error:+.3f} % | "
        f"{100.0 * row.estimate / row.value:.2g} % |"
        for row in rows
    ]
    PAGE.write_text("\n".join([*lines[:first], *table, *lines[last:]]), encoding="utf-8")


if __name__ == "__main__":
    main()
