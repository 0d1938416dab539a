"""Packages of the exact cases, and the temperatures of the solver beside the exact ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from exact.cases import largest_rise, reference_values
from exact.layered_block import LayeredBlock

from thermostack import Model, Package, discretize, solve_steady
from thermostack.materials.material import Material
from thermostack.package.cooling import Convection, Cooling, FixedTemperature
from thermostack.package.power import Block, Power
from thermostack.package.stack import Interface, Layer, Stack


def package_of_case(case: LayeredBlock) -> Package:
    """Return a case as a package: one stack, with the sources as blocks."""
    layers = []
    for n, layer in enumerate(case.layers):
        blocks = tuple(
            Block(source.name, (source.x0, source.y0), (source.width, source.height), source.power)
            for source in case.sources
            if source.layer == n
        )
        layers.append(
            Layer(
                layer.name,
                layer.thickness,
                Material(layer.name, layer.conductivity),
                power=Power(blocks=blocks) if blocks else None,
                interface=Interface(bottom=layer.interface_below),
            )
        )
    faces = {}
    for face, h, t in (("bottom", case.h_bottom, case.t_bottom), ("top", case.h_top, case.t_top)):
        if h > 0.0:
            faces[face] = {"cooler": FixedTemperature(t) if h == inf else Convection(h, t)}
    stack = Stack("block", case.size, tuple(layers))
    return Package("case", (stack,), Cooling(**faces))


@dataclass(frozen=True)
class Comparison:
    """A temperature of a part on a grid beside the exact one [K]."""

    case: str
    cells: int
    part: str
    quantity: str  # "peak" or "mean"
    exact: float
    value: float
    estimate: float
    rise: float  # maximum of the case

    @property
    def error(self) -> float:
        """Return the magnitude of the error [K]."""
        return abs(self.value - self.exact)


def compare(case: LayeredBlock, model: Model, **options: object) -> list[Comparison]:
    """Return the peak and mean of every part on a model of a case beside the exact ones."""
    steady = solve_steady(model, **options)  # type: ignore[arg-type]
    rise = largest_rise(case)
    found = []
    for part in steady.parts:
        reference = reference_values(case)[part.name.split(".")[-1]]
        rows = (
            ("peak", reference.peak, part.max, part.error),
            ("mean", reference.mean, part.mean, part.mean_error),
        )
        for quantity, exact, value, estimate in rows:
            found.append(
                Comparison(case.name, model.active, part.name, quantity, exact, value, estimate or 0.0, rise)
            )
    return found


FINENESSES = (0.35, 0.6, 1.0, 1.5)


def study(case: LayeredBlock, finenesses: tuple[float, ...] = FINENESSES) -> list[Comparison]:
    """Return the comparisons of a case on the default grids of several finenesses."""
    package = package_of_case(case)
    return [row for fineness in finenesses for row in compare(case, discretize(package, fineness=fineness))]
