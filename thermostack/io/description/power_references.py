"""The floorplans and maps that a description names, read and put in the place of their names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from thermostack.errors import DescriptionError
from thermostack.io.description.floorplan import read_floorplan
from thermostack.io.description.maps import read_power_map
from thermostack.io.description.referenced_files import ReferencedFiles
from thermostack.io.description.source_locations import SourceMap, diagnostic_in
from thermostack.io.description.yaml_nodes import Node, to_plain
from thermostack.package.power import assign_powers


class PowerReferences(ReferencedFiles):
    """Replaces `floorplan: file.csv` by its blocks and `map: file.npy` by its values."""

    def __init__(self, home: Path, *, may_leave: bool) -> None:
        super().__init__(home, may_leave=may_leave)
        self.resolved: dict[int, tuple[Node, Node]] = {}  # a copied or repeated power is read once

    def expand(self, stack: Node) -> Node:
        """Return a stack whose layers' powers name no files; what is wrong is added to the faults."""
        layers = stack.get("layers")
        if layers is None or not layers.is_list:
            return stack
        made = [self.resolve_layer(layer) for layer in layers.value]
        return stack.with_items({**stack.value, "layers": replace(layers, value=made)})

    def resolve_layer(self, layer: Node) -> Node:
        """Return a layer whose power names no files."""
        power = layer.get("power")
        if power is None or not power.is_mapping:
            return layer
        if id(power) not in self.resolved:
            try:
                self.resolved[id(power)] = power, self.resolve_power(power)
            except DescriptionError as error:
                self.diagnostics += error.diagnostics
                self.resolved[id(power)] = (
                    power,
                    power.without("floorplan", "powers", "map", "total", "scale_to"),
                )
        made = self.resolved[id(power)][1]
        if made is power:
            return layer
        if not made.value:  # nothing is left of it that could be checked
            return layer.without("power")
        return layer.with_items({**layer.value, "power": made})

    def resolve_power(self, power: Node) -> Node:
        """Return a power with its files read; raises DescriptionError with what is wrong in them."""
        items = dict(power.items())
        if "floorplan" in items:
            if "blocks" in items:
                text = "blocks and floorplan both say where the blocks are"
                raise DescriptionError(
                    diagnostic_in(power, text, "give one of the two", "E-KEY", "floorplan")
                )
            items["blocks"] = self.read_blocks(power, items.pop("floorplan"), items.pop("powers", None))
        elif "powers" in items:
            text = "powers are for the blocks of a floorplan, and none is named"
            raise DescriptionError(
                diagnostic_in(power, text, "name it: floorplan: file.csv", "E-KEY", "powers")
            )
        named = items.get("map")
        if named is not None and (isinstance(named.value, str) or named.get("file") is not None):
            beside: dict[str, Node] = {key: items.pop(key) for key in ("unit", "origin") if key in items}
            items["map"] = self.read_map(named, beside)
        return (
            power
            if items.keys() == power.value.keys() and items.get("map") is named
            else power.with_items(items)
        )

    def read_blocks(self, power: Node, named: Node, powers: Node | None) -> Node:
        """Return the blocks of a floorplan with their powers, as one value."""
        blocks = self.read_file(named, read_floorplan)
        if powers is not None:
            if not powers.is_mapping:
                text = "is not a mapping from blocks to powers"
                raise DescriptionError(diagnostic_in(powers, text, 'write powers: {core: "5 W"}', "E-TYPE"))
            try:
                blocks = assign_powers(blocks, to_plain(powers), from_file=True)
            except DescriptionError as error:
                raise DescriptionError(
                    SourceMap(power)(diagnostic) for diagnostic in error.diagnostics
                ) from None
        return replace(named, value=blocks)

    def read_map(self, named: Node, beside: dict[str, Node]) -> Node:
        """Return a map as a mapping of its values, their unit, and where it lies."""
        given = dict(named.items()) if named.is_mapping else {"file": named}
        given = {**beside, **given}
        said = self.take_options(named, given, {"unit": "W or W/m2", "origin": "south or north"})
        file = given.pop("file")
        drawn = self.read_file(file, lambda path: read_power_map(path, **said))
        own = {"values": drawn.values, "unit": drawn.unit, "source": drawn.source}
        items = {key: Node(value, file.mark, file.path) for key, value in own.items()} | given
        keys = named.keys if named.is_mapping else {}
        return replace(named, value={}).with_items(items, keys)
