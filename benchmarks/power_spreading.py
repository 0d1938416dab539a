"""Time to lay 100 000 power blocks, or a map of 4000 x 4000 pixels, on a plane of a million cells.

python benchmarks/power_spreading.py [--quick]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from thermostack.io.description.floorplan import read_floorplan, write_floorplan
from thermostack.io.description.maps import read_power_map
from thermostack.package.power import Power, blocks_of, deposit_power, orient_power
from thermostack.units import mm

T = TypeVar("T")
SIDE = 30 * mm
CLAIM = 1.0  # s


def timed(label: str, task: Callable[[], T]) -> T:
    """Return what a task returns; print how long it took."""
    start = time.perf_counter()
    done = task()
    print(f"  {label:<34} {time.perf_counter() - start:7.3f} s")
    return done


def check(power: Power, edges: np.ndarray) -> None:
    """Lay a power on the cells; print the time, the claim, and how well the sum is kept."""
    start = time.perf_counter()
    heat = deposit_power(power, edges, edges, (0.0, 0.0, SIDE, SIDE))
    seconds = time.perf_counter() - start
    error = abs(heat.sum() / power.total_power - 1.0)
    print(f"  {f'laid on {heat.size} cells':<34} {seconds:7.3f} s  (claim: under {CLAIM:g} s)")
    print(f"  sum kept to {error:.1e}  (claim: 1e-12)")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a hundredth of each: does it run?")
    scale = 10 if parser.parse_args().quick else 1
    measure(blocks=100_000 // scale**2, pixels=4000 // scale, cells=1000 // scale)


def measure(blocks: int, pixels: int, cells: int) -> None:
    """Print how long blocks and a map of pixels x pixels take on a plane of cells x cells."""
    chance = np.random.default_rng(7)
    # Neither pixels nor blocks stand on the planes: the cells are of uneven width.
    edges = SIDE * np.concatenate([[0.0], np.cumsum(chance.uniform(0.5, 1.5, cells))])
    edges *= SIDE / edges[-1]
    print(f"{blocks} blocks")
    place = chance.uniform(0.0, 0.99 * SIDE, (blocks, 2))
    size = chance.uniform(0.0005, 0.01, (blocks, 2)) * SIDE
    names = [f"block_{n}" for n in range(blocks)]
    drawn_blocks = blocks_of(names, np.hstack([place, size]), chance.uniform(0.0, 0.01, blocks).tolist())
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder, "plan.csv")
        timed("written as CSV", lambda: write_floorplan(plan, drawn_blocks))
        read = timed("read from CSV", lambda: read_floorplan(plan))
        power = timed("checked", lambda: Power(blocks=read, scale_to=700.0))
        timed("checked against the layer", lambda: power.diagnostics(SIDE, SIDE))
        timed("flipped and rotated", lambda: orient_power(power, SIDE, SIDE, 90, flip=True))
        check(power, edges)
        print(f"map of {pixels} x {pixels} pixels")
        image = Path(folder, "map.npy")
        np.save(image, chance.uniform(0.0, 1e-4, (pixels, pixels)))
        drawn = timed("read from NPY", lambda: read_power_map(image))
        check(Power(map=drawn), edges)


if __name__ == "__main__":
    main()
