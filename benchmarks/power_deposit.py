"""Time to deposit 100 000 power blocks, or a map of 4000 x 4000 pixels, onto a plane of a million cells.

python benchmarks/power_deposit.py [--quick]
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
from thermostack.mesh.layer_heat_source import deposit_power
from thermostack.package.power import Power, blocks_of
from thermostack.package.power_layout import lay_out_power, orient_power
from thermostack.units import mm

T = TypeVar("T")
SIDE = 30 * mm
MAX_SECONDS = 1.0  # claim for one deposit


def timed(label: str, task: Callable[[], T]) -> T:
    """Return the result of a task and print its duration."""
    start = time.perf_counter()
    done = task()
    print(f"  {label:<34} {time.perf_counter() - start:7.3f} s")
    return done


def check(power: Power, edges: np.ndarray) -> None:
    """Deposit a power onto the cells; print the time, the claim and the error of the sum."""
    start = time.perf_counter()
    cell_power = deposit_power(lay_out_power(power, (0.0, 0.0, SIDE, SIDE)), edges, edges)
    seconds = time.perf_counter() - start
    error = abs(cell_power.sum() / power.total_power - 1.0)
    label = f"deposited onto {cell_power.size} cells"
    print(f"  {label:<34} {seconds:7.3f} s  (claim: under {MAX_SECONDS:g} s)")
    print(f"  sum preserved to {error:.1e}  (claim: 1e-12)")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a hundredth of each size, to test the script")
    scale = 10 if parser.parse_args().quick else 1
    measure(blocks=100_000 // scale**2, pixels=4000 // scale, cells=1000 // scale)


def measure(blocks: int, pixels: int, cells: int) -> None:
    """Print the time of blocks and of a map of pixels x pixels on a plane of cells x cells."""
    chance = np.random.default_rng(7)
    # Edges of pixels and blocks do not coincide with the planes, because the cells have uneven widths.
    edges = SIDE * np.concatenate([[0.0], np.cumsum(chance.uniform(0.5, 1.5, cells))])
    edges *= SIDE / edges[-1]
    print(f"{blocks} blocks")
    place = chance.uniform(0.0, 0.99 * SIDE, (blocks, 2))
    size = chance.uniform(0.0005, 0.01, (blocks, 2)) * SIDE
    names = [f"block_{n}" for n in range(blocks)]
    blocks_in = blocks_of(names, np.hstack([place, size]), chance.uniform(0.0, 0.01, blocks).tolist())
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder, "plan.csv")
        timed("written as CSV", lambda: write_floorplan(plan, blocks_in))
        read = timed("read from CSV", lambda: read_floorplan(plan))
        power = timed("validated", lambda: Power(blocks=read, scale_to=700.0))
        timed("checked on the layer", lambda: power.diagnostics(SIDE, SIDE))
        timed("flipped and rotated", lambda: orient_power(power, SIDE, SIDE, 90, flip=True))
        check(power, edges)
        print(f"map of {pixels} x {pixels} pixels")
        image = Path(folder, "map.npy")
        np.save(image, chance.uniform(0.0, 1e-4, (pixels, pixels)))
        power_map = timed("read from NPY", lambda: read_power_map(image))
        check(Power(map=power_map), edges)


if __name__ == "__main__":
    main()
