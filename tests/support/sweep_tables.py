"""Tables of sweeps whose outputs are functions of the inputs, without any solve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import thermostack as ts

Function = Callable[..., Any]


def table_of(study: ts.Study, functions: Mapping[str, Function]) -> ts.SweepResult:
    """Return the table of a study whose outputs are functions of its inputs."""
    cells = [study.case(n).inputs for n in range(study.count)]
    inputs = {name: np.array([each[name] for each in cells]) for name in study.input_names}
    outputs = {name: function(*inputs.values()) for name, function in functions.items()}
    count = study.count
    columns = {
        "case": np.arange(count),
        **inputs,
        "status": np.full(count, "ok"),
        **outputs,
        "balance": np.zeros(count),
        "seconds": np.zeros(count),
        **{name: np.full(count, "") for name in ("version", "hash", "message")},
    }
    return ts.SweepResult(columns, dict.fromkeys(columns, ""))


def study_of(axes: Mapping[str, Any], design: Any) -> ts.Study:
    return ts.Study(package="fcbga", axes=dict(axes), design=design, outputs={"f": "peak"})


UNIT = {"from": 0, "to": 1}
SALTELLI = {"samples": 256, "seed": 1}
