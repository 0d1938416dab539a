"""Distribution of the power of a stack over its layers, in proportion to their described power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from thermostack.package.power import Power, PowerMap, block_table, blocks_of
from thermostack.schema.fields import fail
from thermostack.units import format_quantity

EQUAL_POWER_TOLERANCE = 1e-12  # relative: the power of the layers is that of the stack already


def distribute_power(
    power: float, layers: Sequence[Power | None], size: tuple[float, float]
) -> tuple[Power | None, ...]:
    """Return the powers of layers of a size [m], scaled by one factor so that their sum is `power` [W].

    Powers whose sum is `power` already are returned unchanged. Raises the error of `fail` (E-POWER) if the
    described powers have no positive sum.
    """
    described = sum(layer.power_on(*size) for layer in layers if layer is not None)
    if abs(power - described) <= EQUAL_POWER_TOLERANCE * abs(power):
        return tuple(layers)
    if not described > 0.0:
        text = (
            f"{format_quantity(power, 'power')} cannot be distributed: "
            f"the power of its layers is {format_quantity(described, 'power')}"
        )
        raise fail("E-POWER", text, "write the power at the layer that generates it")
    factor = power / described
    return tuple(None if layer is None else scale_power(layer, factor) for layer in layers)


def scale_power(power: Power, factor: float) -> Power:
    """Return the power of a layer with its total, blocks, map and `scale_to` multiplied by a factor.

    Its leakage is not scaled. The result keeps the given power in `described`.

    >>> scale_power(Power(total=2.0), 1.5).total_power
    3.0
    """
    table = block_table(power.blocks)
    watts = [None if block.power is None else block.power * factor for block in power.blocks]
    leakages = [block.leakage for block in power.blocks]
    blocks = blocks_of([block.name for block in power.blocks], table[:, :4], watts, leakages)
    power_map = power.map
    if power_map is not None:
        values = power_map.values * factor
        power_map = PowerMap(values, power_map.unit, power_map.position, power_map.size, power_map.source)
    scaled = replace(
        power,
        total=None if power.total is None else power.total * factor,
        blocks=blocks,
        map=power_map,
        scale_to=None if power.scale_to is None else power.scale_to * factor,
    )
    object.__setattr__(scaled, "described", power)
    return scaled


def described_powers(
    power: float | None, layers: Sequence[Power | None], size: tuple[float, float]
) -> tuple[Power | None, ...]:
    """Return the powers of layers of a size [m] before they were scaled to the power [W] of their stack.

    They are the given powers without a power of the stack, or if a layer was changed after the scaling: the
    powers that are returned, scaled again, always are the given ones.
    """
    found = tuple(None if layer is None else layer.described or layer for layer in layers)
    if power is None or found == tuple(layers):
        return tuple(layers)
    return found if distribute_power(power, found, size) == tuple(layers) else tuple(layers)
