"""Warnings about overrides of powers in stacks that scale the powers of their layers to a total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from thermostack.errors import Diagnostic
from thermostack.io.description.override_order import Selection
from thermostack.package.package import Package
from thermostack.package.power import Power
from thermostack.package.stack import Stack
from thermostack.package.stack_power import EQUAL_POWER_TOLERANCE
from thermostack.schema.validated_dataclass import field_path
from thermostack.units import format_quantity

KEYS_OF_POWERS = ("total", "scale_to", "blocks", "powers", "floorplan", "map")  # that set watts
Change = tuple[str, str, float, float]  # stack, layer or block, described and scaled power [W]


def scaled_power_warnings(package: Package, selections: Sequence[Selection]) -> Iterator[Diagnostic]:
    """Yield a warning for each override of powers that are scaled to the power of their stack."""
    stacks = {stack.name: stack for stack in package.stacks}
    for selection in selections:
        changes = [
            change
            for target in selection.targets
            if len(target) > 2 and target[0] == "stacks" and target[2] == "layers" and target[1] in stacks
            for change in _changes(stacks[target[1]], target[3:])
        ]
        if changes:
            yield _warning(selection, changes, stacks)


def _changes(stack: Stack, rest: tuple[str, ...]) -> Iterator[Change]:
    """Yield the powers of a stack that an override of a path in its layers sets, and that are scaled.

    The path is that of the layers, of a layer, of its power, or of a field of its power.
    """
    if stack.power is None or (len(rest) > 1 and rest[1] != "power"):
        return
    for layer, described in zip(stack.layers, stack.described_powers, strict=True):
        if layer.power is None or described is None or rest[:1] not in ((), (layer.name,)):
            continue
        for name, before, after in _powers(layer.name, described, layer.power, stack.size, rest[2:]):
            if abs(after - before) > EQUAL_POWER_TOLERANCE * abs(before):
                yield stack.name, name, before, after


def _powers(
    layer: str, described: Power, scaled: Power, size: tuple[float, float], rest: tuple[str, ...]
) -> Iterator[tuple[str, float, float]]:
    """Yield name, described and scaled power of a layer, or of the block that a path in its power names."""
    if rest[:1] not in ((), *((key,) for key in KEYS_OF_POWERS)):
        return
    if rest[:1] not in (("blocks",), ("powers",)) or len(rest) == 1:
        yield layer, described.power_on(*size), scaled.power_on(*size)
    elif rest[0] == "powers" or rest[2:] in ((), ("power",)):
        name = rest[1] if rest[0] == "blocks" else ".".join(rest[1:])
        for old, new in zip(described.blocks, scaled.blocks, strict=True):
            if old.name == name:
                yield f"{layer}.{name}", old.unscaled_power, new.unscaled_power


def _warning(selection: Selection, changes: Sequence[Change], stacks: dict[str, Stack]) -> Diagnostic:
    """Return the warning of an override, with the power that differs most."""
    stack, name, before, after = max(changes, key=lambda change: abs(change[3] - change[2]))
    total = stacks[stack].power
    assert total is not None
    given, got, whole = (format_quantity(value, "power") for value in (before, after, total))
    others = f"; {len(changes) - 1} more are scaled" if len(changes) > 1 else ""
    parts = selection.override.parts
    return Diagnostic(
        field_path(parts),
        f"{stack}.{name} gets {got}, not {given}: the powers in {stack} are scaled to {whole}{others}",
        f"set stacks.{stack}.power to the sum, or to null",
        "W-POWER",
        selection.override.value.mark.file,
        path=parts,
    )
