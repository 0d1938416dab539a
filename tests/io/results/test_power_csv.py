"""The power of a run written as a trace is the power of the run in every cell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.small_workloads import workload_package

from thermostack import Block, Loads, Power, PowerMap, discretize, read_trace, solve_transient
from thermostack.io.results.history_files import write_power_csv
from thermostack.units import mm

BLOCKS = (
    Block("left", (0.0, 0.0), (1 * mm, 2 * mm), 7.0),
    Block("right", (2 * mm, 0.0), (1 * mm, 2 * mm), 3.0),
)
MAP = PowerMap(np.array([[1.0, 3.0], [2.0, 2.0]]))
POWERS = {
    "blocks": Power(blocks=BLOCKS),
    "map": Power(map=MAP),
    "total": Power(total=5.0),
    "blocks-and-map": Power(blocks=BLOCKS, map=MAP),
    "idle-block": Power(blocks=(BLOCKS[0], replace(BLOCKS[1], power=0.0)), map=MAP),
}
CHANGES: dict[str, dict[str, Any]] = {
    "as-described": {},
    "zero": {"die": 0.0},
    "memory-off": {"memory": 0.0},
    "one-block": {"left": 2.0},
    "map-alone": {"die.active.map": 4.0},
    "no-map": {"die.active.map": 0.0},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", POWERS)
def test_written_power_is_that_of_every_cell(tmp_path: Path, name: str, change: str) -> None:
    package = workload_package()
    die = package.stack("die")
    layers = (replace(die.layers[0], power=POWERS[name]), *die.layers[1:])
    stacks = tuple(replace(s, layers=layers) if s is die else s for s in package.stacks)
    model = discretize(replace(package, stacks=stacks), 0.5 * mm)
    loads = Loads(model)
    changed = {key: watts for key, watts in CHANGES[change].items() if _has_source(model, key)}
    loads.override(changed)
    run = solve_transient(model, 1e-3, loads, initial=300.0, tolerance=5.0)
    write_power_csv(run, tmp_path / "power.csv")
    again = Loads(model, read_trace(tmp_path / "power.csv"))
    expected = loads.cell_powers(0.0)
    np.testing.assert_allclose(again.cell_powers(0.0), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(again.power(0.0), loads.power(0.0), rtol=1e-12, atol=1e-12)


def _has_source(model: Any, name: str) -> bool:
    return any(source == name or source.endswith(f".{name}") for source in model.heat_sources.names) or (
        "." not in name and name in ("die", "memory")
    )
