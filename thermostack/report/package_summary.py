"""Facts of a package for the table of the shipped packages: kind, size, number of dies, power."""

from __future__ import annotations

from typing import Any

from thermostack.package.geometry import package_geometry
from thermostack.package.package import Package


def package_summary(package: Package) -> dict[str, Any]:
    """Return what a package is, its kind, size [m], number of dies, and power [W].

    A die is a layer with power, so that a memory of eight dies on a base die has nine.

    Examples
    --------
    >>> from thermostack import read_package
    >>> summary = package_summary(read_package("fcbga"))
    >>> summary["kind"], summary["dies"], summary["power"]
    ('flip chip', 1, 10.0)
    """
    geometry = package_geometry(package)
    low = [min(box.low[axis] for box in geometry.boxes) for axis in range(3)]
    high = [max(box.high[axis] for box in geometry.boxes) for axis in range(3)]
    return {
        "about": " ".join(package.about.split()),
        "kind": package.kind,
        "size": [float(b - a) for a, b in zip(low, high, strict=True)],
        "dies": len({source.part for source in geometry.sources}),
        "power": float(package.power),
    }
