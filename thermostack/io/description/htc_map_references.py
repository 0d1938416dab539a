"""The maps of films that the cooling of a description names, read and put in the place of their names."""

from __future__ import annotations

from dataclasses import replace

from thermostack.errors import DescriptionError
from thermostack.io.description.maps import read_htc_map
from thermostack.io.description.referenced_files import ReferencedFiles
from thermostack.io.description.source_locations import diagnostic_in
from thermostack.io.description.yaml_nodes import Node

_UNIT = "unit: W/m2/K"


class HtcMapReferences(ReferencedFiles):
    """Replaces `h: {map: file.csv, unit: kW/m2/K}` by the values of the file."""

    def expand(self, node: Node, depth: int = 0) -> Node:
        """Return the cooling with its maps read; what is wrong is added to the faults.

        Faces hold a cooler or a list of them, each under its kind.
        """
        if node.is_list:
            return replace(node, value=[self.expand(item, depth) for item in node.value])
        if not node.is_mapping:
            return node
        if depth < 2:
            return node.with_items({key: self.expand(item, depth + 1) for key, item in node.items()})
        h = node.get("h")
        if h is None or not (h.is_mapping or h.is_list):
            return node
        try:
            return node.with_items({**node.value, "h": self.read_map(h)})
        except DescriptionError as error:
            self.diagnostics += error.diagnostics
            return node.with_items({**node.value, "h": replace(h, value="1 W/m2/K")})  # stands for the film

    def read_map(self, h: Node) -> Node:
        """Return a map as a mapping of its values and where they are from."""
        if h.is_list:
            text = "the values of a table have no unit"
            raise DescriptionError(diagnostic_in(h, text, f"write {{map: [[...]], {_UNIT}}}", "E-UNIT"))
        named = h.get("map")
        if named is None:
            return h
        if h.get("unit") is None:
            text = "nothing says what the values of the map are"
            raise DescriptionError(diagnostic_in(h, text, f"write {_UNIT}", "E-UNIT"))
        if named.is_list:
            return h
        given = dict(h.items())
        said = self.take_options(h, given, {"unit": "like W/m2/K or kW/m2/K", "origin": "south or north"})
        drawn = self.read_file(named, lambda path: read_htc_map(path, **said))
        own = {"map": drawn.values, "source": drawn.source}
        items = {key: Node(value, named.mark, named.path) for key, value in own.items()}
        return h.with_items({**items, **{key: item for key, item in given.items() if key != "map"}})
