"""Check of the names of stacks and materials in a description whose values may still be invalid."""

from __future__ import annotations

from collections.abc import Iterator

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.source_locations import diagnostic_in
from thermostack.io.description.yaml_nodes import Node
from thermostack.materials.material import VOID
from thermostack.materials.material_library import find_material
from thermostack.schema.spelling import suggest


def name_diagnostics(tree: Node) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each name of a stack or material that is not defined.

    A valid package finds these errors itself. This function is for invalid ones, so that a wrong value in one
    line does not hide a wrong name in another.
    """
    stacks = tree.get("stacks")
    if stacks is None or not stacks.is_mapping:
        return
    names = [name for name, _ in stacks.items()]
    for stack in _items(stacks):
        for host in (text for key in ("on", "inside", "relative_to") for text in _texts(stack.get(key))):
            if host.value not in names:
                text = f"no stack is named {host.value!r}"
                yield diagnostic_in(host, text, suggest(host.value, names), "E-NAME")
    materials = tree.get("materials")
    own = [name for name, _ in materials.items()] if materials is not None and materials.is_mapping else []
    of_stacks = [material for stack in _items(stacks) for material in _materials(stack)]
    of_links = [material for link in _items(tree.get("links")) for material in _texts(link.get("material"))]
    for material in (*of_stacks, *of_links):
        if material.value not in (VOID, *own):
            yield from _unknown(material)


def _unknown(material: Node) -> Iterator[Diagnostic]:
    try:
        find_material(material.value)
    except DescriptionError as error:
        for diagnostic in error.diagnostics:
            yield diagnostic_in(material, diagnostic.message, diagnostic.hint, diagnostic.code)


def _materials(stack: Node) -> Iterator[Node]:
    """Yield the names of the materials of a stack."""
    for key in ("filler", "gap_fill"):
        yield from _texts(stack.get(key))
    for layer in _items(stack.get("layers")):
        yield from _texts(layer.get("material"))
        for region in _items(layer.get("regions")):
            yield from _texts(region.get("material"))


def _items(node: Node | None) -> list[Node]:
    """Return the mappings in a list or in a mapping of names."""
    if node is None:
        return []
    held = node.value if node.is_list else [item for _, item in node.items()] if node.is_mapping else []
    return [item for item in held if item.is_mapping]


def _texts(node: Node | None) -> list[Node]:
    """Return a text node, or the text nodes of a list."""
    if node is None:
        return []
    return [item for item in (node.value if node.is_list else [node]) if isinstance(item.value, str)]
