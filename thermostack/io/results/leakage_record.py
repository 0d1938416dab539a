"""Storage of the leakage of a model in a result file: sources, powers of their cells, and laws."""

from __future__ import annotations

import dataclasses
from typing import Any

import h5py
import numpy as np

from thermostack.io.results.hdf5_arrays import Hdf5Reader, write_array
from thermostack.mesh.grid import Grid
from thermostack.mesh.leakage_sources import LeakageSource, LeakageSources
from thermostack.package.leakage_laws import (
    ExponentialLeakage,
    LeakageLaw,
    PolynomialLeakage,
    TabulatedLeakage,
)

_LAWS: dict[str, type] = {
    "exponential": ExponentialLeakage,
    "table": TabulatedLeakage,
    "polynomial": PolynomialLeakage,
}


def write_leakage(home: h5py.Group, leakage: LeakageSources | None) -> dict[str, Any] | None:
    """Write the powers of the cells of all sources as one array; return the other data of the leakage."""
    if leakage is None:
        return None
    planes = [source.plane.reshape(-1) for source in leakage.sources]
    write_array(home, "leakage/power", np.concatenate(planes))
    numbers = {law: n for n, law in enumerate(dict.fromkeys(source.law for source in leakage.sources))}
    return {
        "laws": [_law_data(law) for law in numbers],
        "sources": [
            [s.part, s.k, s.j0, s.i0, *s.plane.shape, numbers[s.law], s.block] for s in leakage.sources
        ],
    }


def read_leakage(stored: Hdf5Reader, path: str, grid: Grid, data: Any) -> LeakageSources | None:
    """Return the leakage of a model from the array at a path and the other data, None without data.

    Raises ResultFileError or ValueError where they are inconsistent.
    """
    if data is None:
        return None
    power = stored.array(path, np.float64, (None,))
    laws = [_read_law(each) for each in data["laws"]]
    sources, first = [], 0
    for part, k, j0, i0, rows, columns, law, block in data["sources"]:
        window = ((k, 1), (j0, rows), (i0, columns))
        if any(
            not 0 <= start < start + count <= n for (start, count), n in zip(window, grid.shape, strict=True)
        ):
            raise stored.fail("its leakage has cells outside of the grid")
        plane = power[first : first + rows * columns].reshape(rows, columns)
        first += rows * columns
        sources.append(LeakageSource(part, k, j0, i0, plane, laws[law], block))
    if first != power.size or not np.isfinite(power).all():
        raise stored.fail(f"{path} does not have the powers of its sources")
    return LeakageSources.of_sources(sources, grid.shape)


def _law_data(law: LeakageLaw) -> dict[str, Any]:
    kind = next(name for name, cls in _LAWS.items() if isinstance(law, cls))
    fields = dataclasses.fields(law)  # type: ignore[arg-type]  # every law is a dataclass
    return {"kind": kind, **{field.name: getattr(law, field.name) for field in fields}}


def _read_law(data: dict[str, Any]) -> LeakageLaw:
    values = {
        key: tuple(map(float, value)) if isinstance(value, list) else float(value)
        for key, value in data.items()
        if key != "kind"
    }
    law: LeakageLaw = _LAWS[data["kind"]](**values)
    return law
