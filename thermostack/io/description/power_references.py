"""Replacement of references to floorplan and power map files in a description by their content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from thermostack.errors import DescriptionError
from thermostack.io.description.floorplan import read_floorplan
from thermostack.io.description.maps import read_power_map
from thermostack.io.description.referenced_files import ReferencedFiles
from thermostack.io.description.source_locations import SourceMap, diagnostic_in
from thermostack.io.description.yaml_nodes import Node, to_plain
from thermostack.package.block_powers import assign_powers


class PowerReferences(ReferencedFiles):
    """Reader of the files in `floorplan: file.csv` and `map: file.npy`."""

    def __init__(self, directory: Path, *, may_leave: bool) -> None:
        super().__init__(directory, may_leave=may_leave)
        self.resolved: dict[int, tuple[Node, Node]] = {}  # by id; copies are read once

    def expand(self, stack: Node) -> Node:
        """Return a stack with the content of the files of its powers; errors are added to `diagnostics`."""
        layers = stack.get("layers")
        if layers is None or not layers.is_list:
            return stack
        made = [self.resolve_layer(layer) for layer in layers.value]
        return stack.with_items({**stack.value, "layers": replace(layers, value=made)})

    def resolve_layer(self, layer: Node) -> Node:
        """Return a layer with the content of the files of its power."""
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
                    power.without("floorplan", "powers", "map", "total", "scale_to", "leakage"),
                )
        made = self.resolved[id(power)][1]
        if made is power:
            return layer
        if not made.value:  # nothing is left to validate
            return layer.without("power")
        return layer.with_items({**layer.value, "power": made})

    def resolve_power(self, power: Node) -> Node:
        """Return a power with the content of its files. Raises DescriptionError with their diagnostics."""
        items = dict(power.items())
        if "floorplan" in items:
            if "blocks" in items:
                text = "blocks and floorplan are given"
                raise DescriptionError(diagnostic_in(power, text, "remove one of them", "E-KEY", "floorplan"))
            items["blocks"] = self.read_blocks(power, items.pop("floorplan"), items.pop("powers", None))
        elif "powers" in items:
            text = "powers needs a floorplan"
            raise DescriptionError(diagnostic_in(power, text, "write floorplan: file.csv", "E-KEY", "powers"))
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
        """Return the blocks of a floorplan with their powers, as the value of one node."""
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
        """Return a map as a mapping of its values, unit, source and position."""
        given = dict(named.items()) if named.is_mapping else {"file": named}
        given = {**beside, **given}
        options = self.take_options(named, given, {"unit": "W or W/m2", "origin": "south or north"})
        file = given.pop("file")
        raster = self.read_file(file, lambda path: read_power_map(path, **options))
        own = {"values": raster.values, "unit": raster.unit, "source": raster.source}
        items = {key: Node(value, file.mark, file.path) for key, value in own.items()} | given
        keys = named.keys if named.is_mapping else {}
        return replace(named, value={}).with_items(items, keys)
