"""Expansion of `array: {columns: 4, rows: 4, pitch: [x, y]}` of a stack into copies `c0r0`, `c1r0` ..."""

from __future__ import annotations

from dataclasses import replace

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.source_locations import diagnostic_in
from thermostack.io.description.yaml_nodes import Node
from thermostack.schema.spelling import suggest
from thermostack.units import UnitError, parse_quantity

KEYS = ("columns", "rows", "pitch")
EXAMPLE = 'write array: {columns: 4, rows: 4, pitch: ["3 mm", "3 mm"]}'
ROUNDING_DIGITS = 12  # of a position in metres, so that 0.5 mm + 3 mm is 3.5 mm


def expand_arrays(stacks: Node) -> tuple[Node, list[Diagnostic]]:
    """Return the stacks with their arrays expanded into copies, and the diagnostics of wrong ones."""
    made, faults = {}, []
    for name, stack in stacks.items():
        made[name], found = expand_array(stack)
        faults += found
    return stacks.with_items(made), faults


def expand_array(stack: Node) -> tuple[Node, list[Diagnostic]]:
    """Return a stack with its `array` replaced by `copies`, and the diagnostics of a wrong one.

    The position of the stack is that of the copy `c0r0`; columns are counted along x and rows along y.
    """
    array = stack.get("array")
    if array is None:
        return stack, []
    try:
        copies = _copies(stack, array)
    except DescriptionError as error:
        return stack.without("array"), list(error.diagnostics)
    items = {**stack.value, "copies": replace(array, value=copies, keys={})}
    return stack.with_items(items, {"copies": stack.key_mark("array")}).without("array", "at", "center"), []


def _copies(stack: Node, array: Node) -> dict[str, Node]:
    """Return the copies of an array by name, each with its position."""
    if stack.get("copies") is not None:
        raise DescriptionError(
            diagnostic_in(
                stack, "a stack has copies or an array, not both", "write one of them", "E-KEY", "array"
            )
        )
    if not array.is_mapping:
        raise DescriptionError(diagnostic_in(array, "is not a mapping", EXAMPLE, "E-TYPE"))
    faults = [
        diagnostic_in(array, f"unknown key {key!r}", suggest(key, KEYS) or EXAMPLE, "E-KEY", key)
        for key in array.value
        if key not in KEYS
    ]
    faults += [
        diagnostic_in(array, "is missing", EXAMPLE, "E-MISSING", key)
        for key in KEYS
        if key not in array.value
    ]
    if faults:
        raise DescriptionError(faults)
    key = "center" if stack.get("center") is not None else "at"
    first = stack.get(key)
    if first is None:
        raise DescriptionError(
            diagnostic_in(
                stack, "an array needs the position of its first copy", "write at: [x, y]", "E-MISSING", "at"
            )
        )
    (x, y), (dx, dy) = _point(first), _point(array.value["pitch"])
    columns, rows = (_count(array.value[name]) for name in ("columns", "rows"))
    found = {}
    for row in range(rows):
        for column in range(columns):
            place = (round(x + column * dx, ROUNDING_DIGITS), round(y + row * dy, ROUNDING_DIGITS))
            point = replace(first, value=[replace(first, value=f"{value!r} m") for value in place])
            name = f"c{column}r{row}"
            found[name] = replace(first, value={key: point}, keys={key: first.mark}, path=(*array.path, name))
    return found


def _point(node: Node) -> tuple[float, float]:
    """Return two lengths [m]."""
    if not node.is_list or len(node.value) != 2:
        raise DescriptionError(
            diagnostic_in(node, "is not a list of two lengths", 'write ["3 mm", "3 mm"]', "E-TYPE")
        )
    lengths = []
    for item in node.value:
        try:
            lengths.append(parse_quantity(str(item.value), "length"))
        except UnitError as error:
            raise DescriptionError(diagnostic_in(item, str(error), "", "E-UNIT")) from None
    return lengths[0], lengths[1]


def _count(node: Node) -> int:
    """Return a number of columns or rows."""
    if not isinstance(node.value, int) or isinstance(node.value, bool) or node.value < 1:
        raise DescriptionError(
            diagnostic_in(node, f"{node.value!r} is not a number of copies", "1, 2, 3, ...", "E-RANGE")
        )
    return node.value
