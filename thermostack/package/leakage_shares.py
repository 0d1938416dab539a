"""Distribution of described leakage over the layers of a stack and the blocks of a layer.

The total of a layer or stack includes the leakage of the blocks or layers that have their own: the rest is
distributed over the others in proportion to their area. A leakage at another reference temperature counts
with its value at that of the total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from thermostack.package.leakage import Leakage, LeakageLaw
from thermostack.schema.fields import fail
from thermostack.units import format_quantity

SUM_TOLERANCE = 1e-3  # maximum relative difference of a total from a sum that must equal it


class LeakingBlock(Protocol):
    """A block of a floorplan with its size [m], and its leakage if it has its own."""

    @property
    def size(self) -> tuple[float, float]: ...
    @property
    def leakage(self) -> Leakage | None: ...


class LeakingPower(Protocol):
    """The power of a layer with its blocks, and its leakage if it has its own."""

    @property
    def blocks(self) -> Sequence[LeakingBlock]: ...
    @property
    def leakage(self) -> Leakage | None: ...


@dataclass(frozen=True)
class LeakageShare:
    """The leakage of one block of a layer, or of a whole layer."""

    block: int | None  # index of the block in the power of its layer; None: the whole layer
    total: float  # W, at the reference temperature of the law
    law: LeakageLaw


def layer_shares(leakage: Leakage | None, blocks: Sequence[LeakingBlock]) -> tuple[LeakageShare, ...]:
    """Return the leakage of a layer and its blocks as described, without that of the stack.

    A total of the layer, less the leakage of blocks that have their own, is distributed over the other blocks
    in proportion to their area; without blocks it is that of the whole layer. Raises the error of `fail`
    (E-POWER) where the blocks exceed the total, or all have their own and do not add up to it.
    """
    law = None if leakage is None else leakage.law
    own = [
        LeakageShare(n, block.leakage.total or 0.0, cast(LeakageLaw, block.leakage.law or law))
        for n, block in enumerate(blocks)
        if block.leakage is not None
    ]
    if leakage is None or leakage.total is None:
        return tuple(own)
    areas: dict[int | None, float] = {
        n: block.size[0] * block.size[1] for n, block in enumerate(blocks) if block.leakage is None
    }
    areas = areas if blocks else {None: 1.0}
    return (*own, *_distribute_rest(leakage, own, areas, "blocks"))


def stack_shares(
    leakage: Leakage | None, powers: Sequence[LeakingPower | None], area: float
) -> tuple[tuple[LeakageShare, ...], ...]:
    """Return the leakage of each layer of a stack, whose plan has an area [m2].

    The leakage of the stack, less that of layers and blocks that have their own, is distributed over its
    layers with a power in proportion to their area: the plan, or that of the blocks without a leakage of
    their own. A layer with a total of its own takes no part. Raises the error of `fail` (E-POWER).
    """
    shares = [() if power is None else layer_shares(power.leakage, power.blocks) for power in powers]
    if leakage is None:
        return tuple(shares)
    places: list[tuple[int, int | None, float]] = []  # layer, block, area
    for n, power in enumerate(powers):
        if power is None or (power.leakage is not None and power.leakage.total is not None):
            continue
        places += [
            (n, m, block.size[0] * block.size[1])
            for m, block in enumerate(power.blocks)
            if block.leakage is None
        ]
        places += [] if power.blocks else [(n, None, area)]
    own = [share for layer in shares for share in layer]
    if not places and not own:
        text = f"{format_quantity(leakage.total or 0.0, 'power')} of leakage cannot be distributed"
        raise fail("E-POWER", f"{text}: no layer has a power", "write power: 0 W at the layer that leaks")
    areas = {n: place[2] for n, place in enumerate(places)}
    for share in _distribute_rest(leakage, own, cast(Any, areas), "layers and blocks"):
        layer, block, _ = places[cast(int, share.block)]
        shares[layer] = (*shares[layer], LeakageShare(block, share.total, share.law))
    return tuple(shares)


def _distribute_rest(
    leakage: Leakage, own: Sequence[LeakageShare], areas: dict[int | None, float], noun: str
) -> tuple[LeakageShare, ...]:
    """Return the leakage of a layer or stack, less that of some shares, distributed by area."""
    total, law = cast(float, leakage.total), cast(LeakageLaw, leakage.law)
    known = sum(share.total * float(share.law.factor(cast(Any, law.reference))) for share in own)
    rest = total - known
    if rest < -SUM_TOLERANCE * total or (not areas and rest > SUM_TOLERANCE * total):
        at = format_quantity(law.reference, "temperature")
        given, sum_ = format_quantity(total, "power"), format_quantity(known, "power")
        text = f"{given} is declared, but the leakage of its {noun} adds up to {sum_} at {at}"
        hint = f"the total includes them: write total: {sum_}, or remove their own leakage"
        raise fail("E-POWER", text, hint)
    area = sum(areas.values())
    rest = max(rest, 0.0)
    return tuple(LeakageShare(n, rest * own_area / area, law) for n, own_area in areas.items())
