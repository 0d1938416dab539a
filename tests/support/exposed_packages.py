"""Packages with leakage in all heated layers, and free convection that radiates on all other surfaces."""

from __future__ import annotations

from dataclasses import replace

from thermostack import FaceCooling, FreeConvection, Leakage, Package, read_package


def exposed(name: str, *, leakage: float = 0.2, beta: float = 0.02) -> Package:
    """Return a shipped package with leakage as a fraction of the powers at 85 degC.

    Coolers of the description stay where it has some; the surroundings have free convection and radiation.
    """
    package = read_package(name)
    stacks = []
    for stack in package.stacks:
        layers = []
        for layer in stack.layers:
            power = 0.0 if layer.power is None else layer.power.power_on(*stack.size)
            if layer.power is not None and power > 0.0:
                leaking = Leakage(leakage * power, at=358.15, beta=beta)
                layer = replace(layer, power=replace(layer.power, leakage=leaking))
            layers.append(layer)
        stacks.append(replace(stack, layers=tuple(layers)))
    air = FaceCooling(FreeConvection("35 degC", length="60 mm", emissivity=0.9))
    return replace(package, stacks=tuple(stacks), cooling=replace(package.cooling, surroundings=air))
