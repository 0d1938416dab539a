"""Sweeps of every layer thickness of the shipped packages by 50 %: refused with the gap, or plausible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from thermostack import DescriptionError, Package, discretize, read_package, solve_steady
from thermostack.io.description.package_file import shipped_packages
from thermostack.package.stack import Layer, Stack
from thermostack.units import mm, um

FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5)
CELL = 2 * mm
MAX_CONDUCTIVITY, MAX_THICKNESS = 15.0, 300 * um  # W/(m K), m: a bond line and the like, which only resists
# A layer that conducts better sideways than through, and enough of it, spreads heat: a thicker one may cool.
MAX_ANISOTROPY, MAX_SHEET_CONDUCTANCE = 5.0, 3e-4  # W/K: thickness times in-plane conductivity
SLACK = 2e-3  # of the rise: the grid changes with the thickness
MAX_CHANGE = 0.35  # of the rise by a quarter of one thickness, in any direction


def name_of(stack: Stack) -> str:
    """Return the name of a stack without that of its copy."""
    return stack.name.split(".")[0]


def layers(package: Package) -> Iterator[tuple[str, Layer]]:
    """Yield every layer with the name of its stack, copies once, and repeated layers once."""
    seen = set()
    for stack in package.stacks:
        for layer in stack.layers:
            kind = (name_of(stack), layer.name.rstrip("0123456789"), layer.thickness)
            if kind not in seen and not layer.is_fill:
                seen.add(kind)
                yield name_of(stack), layer


def scaled(package: Package, stack_name: str, layer_name: str, factor: float) -> Package:
    """Return the package with the thickness of a layer times a factor, in all copies of its stack."""
    stacks = []
    for stack in package.stacks:
        if name_of(stack) == stack_name:
            changed = tuple(
                replace(layer, thickness=factor * layer.thickness) if layer.name == layer_name else layer
                for layer in stack.layers
            )
            stack = replace(stack, layers=changed)
        stacks.append(stack)
    return replace(package, stacks=tuple(stacks))


def peak(package: Package) -> float | str:
    """Return the peak temperature [K], or the code of the error."""
    try:
        return solve_steady(discretize(package, cell=CELL), estimate=False, threads=1).peak.max
    except DescriptionError as error:
        return error.diagnostics[0].code


def ambient(package: Package) -> float:
    """Return the lowest ambient temperature [K]."""
    outside = discretize(package, cell=5 * mm).boundary
    return float(outside.temperature[outside.h > 0.0].min())


def check_sweep(package: Package, stack_name: str, layer: Layer) -> list[float | str]:
    """Sweep the thickness of a layer, and check every result."""
    found = [peak(scaled(package, stack_name, layer.name, factor)) for factor in FACTORS]
    assert isinstance(found[2], float)  # as described
    refused = [value for value in found if isinstance(value, str)]
    assert set(refused) <= {"E-GAP", "E-SLIP"}, refused
    solved = [value for value in found if isinstance(value, float)]
    rise = found[2] - ambient(package)
    along_x, _, along_z = package.material(layer.material).conductivity_at(350.0)
    sheet_conductance = layer.thickness * along_x
    spreads_heat = along_x > MAX_ANISOTROPY * along_z and sheet_conductance > MAX_SHEET_CONDUCTANCE
    is_resistance = (
        layer.thickness < MAX_THICKNESS
        and layer.material != "void"
        and along_z < MAX_CONDUCTIVITY
        and not spreads_heat
    )
    for before, after in pairwise(solved):
        assert abs(after - before) < MAX_CHANGE * rise
        if is_resistance:
            assert after > before - SLACK * rise
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_packages())
def test_every_thickness_of_a_shipped_package(name: str) -> None:
    package = read_package(name)
    for stack_name, layer in layers(package):
        check_sweep(package, stack_name, layer)


def test_bond_line_of_a_lid_is_refused_or_followed() -> None:
    """Thinner, it leaves a gap under the lid that rests on its wall; with a wall that follows, it cools."""
    package = read_package("fcbga")
    (tim,) = (layer for name, layer in layers(package) if (name, layer.name) == ("die", "tim"))
    assert check_sweep(package, "die", tim)[:2] == ["E-GAP", "E-GAP"]
    followed = read_package("fcbga", {"stacks.foot.layers.wall.thickness": "fill"})
    found = check_sweep(followed, "die", tim)
    assert found == sorted(found)  # type: ignore[type-var]
    assert found[0] < found[2] - 0.1  # type: ignore[operator]


def test_bond_lines_of_two_dies_below_one_lid_are_followed() -> None:
    package = read_package(
        "v_cache",
        {"stacks.foot.layers.wall.thickness": "fill", "stacks.iod.layers.indium.thickness": "fill"},
    )
    (indium,) = (layer for name, layer in layers(package) if (name, layer.name) == ("solder", "indium"))
    found = check_sweep(package, "solder", indium)
    assert not any(isinstance(value, str) for value in found)
