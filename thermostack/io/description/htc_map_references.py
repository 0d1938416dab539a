"""Replacement of references to files of heat transfer coefficients in a description by their values."""

from __future__ import annotations

from dataclasses import replace

from thermostack.errors import DescriptionError
from thermostack.io.description.maps import read_htc_map
from thermostack.io.description.referenced_files import ReferencedFiles
from thermostack.io.description.source_locations import diagnostic_in
from thermostack.io.description.yaml_nodes import Node
from thermostack.package.nonlinear_coolers import TabulatedConvection
from thermostack.schema.validated_dataclass import class_key

_UNIT = "unit: W/m2/K"
_TABULATED = class_key(TabulatedConvection)  # its `h` is a table over temperature, not a map


class HtcMapReferences(ReferencedFiles):
    """Reader of the files in `h: {map: file.csv, unit: kW/m2/K}`."""

    def expand(self, node: Node, depth: int = 0) -> Node:
        """Return the cooling with the values of its maps; errors are added to `diagnostics`.

        A face has a cooler or a list of coolers, each under the key of its type.
        """
        if node.is_list:
            return replace(node, value=[self.expand(item, depth) for item in node.value])
        if not node.is_mapping:
            return node
        if depth < 2:
            return node.with_items(
                {
                    key: item if key == _TABULATED else self.expand(item, depth + 1)
                    for key, item in node.items()
                }
            )
        h = node.get("h")
        if h is None or not (h.is_mapping or h.is_list):
            return node
        try:
            return node.with_items({**node.value, "h": self.read_map(h)})
        except DescriptionError as error:
            self.diagnostics += error.diagnostics
            return node.with_items(
                {**node.value, "h": replace(h, value="1 W/m2/K")}
            )  # placeholder of the coefficient

    def read_map(self, h: Node) -> Node:
        """Return a map as a mapping of its values and its source."""
        if h.is_list:
            text = "the values of a table have no unit"
            raise DescriptionError(diagnostic_in(h, text, f"write {{map: [[...]], {_UNIT}}}", "E-UNIT"))
        named = h.get("map")
        if named is None:
            return h
        if h.get("unit") is None:
            text = "the values of the map have no unit"
            raise DescriptionError(diagnostic_in(h, text, f"write {_UNIT}", "E-UNIT"))
        if named.is_list:
            return h
        given = dict(h.items())
        options = self.take_options(h, given, {"unit": "like W/m2/K or kW/m2/K", "origin": "south or north"})
        raster = self.read_file(named, lambda path: read_htc_map(path, **options))
        own = {"map": raster.values, "source": raster.source}
        items = {key: Node(value, named.mark, named.path) for key, value in own.items()}
        return h.with_items({**items, **{key: item for key, item in given.items() if key != "map"}})
