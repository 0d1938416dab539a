"""Writer of package descriptions; every quantity is text that reads back as exactly the same number."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

from pydantic_core import PydanticCustomError

from thermostack.errors import DescriptionError, Diagnostic, OutputError
from thermostack.io.description.file_forms import require_file_form
from thermostack.io.description.floorplan import write_floorplan
from thermostack.io.description.maps import write_map
from thermostack.io.description.overrides import apply_overrides, read_overrides
from thermostack.io.description.yaml_nodes import parse_scalar, parse_yaml
from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import DESCRIPTION_SUFFIXES, require_suffix
from thermostack.materials.material import Material
from thermostack.materials.material_library import library
from thermostack.package.cooling import FaceCooling, HtcMap
from thermostack.package.leakage import Leakage
from thermostack.package.package import Package
from thermostack.package.power import Block, Power, PowerMap
from thermostack.schema.arguments import require_instance
from thermostack.schema.deferred_union import DeferredUnion
from thermostack.schema.fields import read_name
from thermostack.schema.validated_dataclass import TaggedUnion, dump
from thermostack.units import write_quantity

MAX_INLINE_BLOCKS = 200  # more blocks are written to a floorplan file
LINE_WIDTH = 100  # characters; longer only if a single value is longer
_ORDER = (
    "package",
    "kind",
    "about",
    "sources",
    "bands",
    "materials",
    "stacks",
    "contacts",
    "links",
    "cooling",
    "grid",
)
_STACK_ORDER = (
    "on",
    "inside",
    "at",
    "center",
    "relative_to",
    "depth",
    "size",
    "diameter",
    "rotate",
    "flip",
    "height",
    "overhang",
    "frame",
    "filler",
    "gap_fill",
    "limit",
)
_PLAIN = re.compile(r"(?:[^\W\d_]|[\d_+.]|-\d)[\w.+/% -]*(?<! )\Z")

SideFileWriter = Callable[
    [str, Power | HtcMap], dict[str, Any]
]  # writes a map or floorplan, and returns the fields that refer to it


def package_to_yaml(package: Package) -> str:
    """Return the text of a description file that reads back as the same package.

    All blocks and maps are in the text; `write_package` writes them to separate files. Raises as
    `write_package` does.
    """
    return _text(package, lambda name, source: {})


def write_package(package: Package, path: str | Path) -> None:
    """Write a description file that reads back as the same package, and files of its maps and many blocks.

    Parameters
    ----------
    package : Package
        The package.
    path : str or pathlib.Path
        The .yaml file. For NAME.yaml the other files are NAME.STACK.LAYER.npy and .csv, and
        NAME.cooling.FACE.npy.

    Raises
    ------
    ArgumentError
        If `package` is not a package.
    OutputError
        If the name does not end in .yaml or .yml, or the file cannot be written, or cannot contain a law or
        an effective medium of the package, or a band of a value that the file does not have.
    DescriptionError
        If different materials have the same name (E-DUPLICATE), or the name of a `Material` object is no name
        of a file (E-NAME).

    Notes
    -----
    A file has no materials in layers. A `Material` object of a layer is written under `materials` and named
    in the layer; the package that is read has equal temperatures, but compares equal only without such
    objects. The file has every copy and repeat in place of `copies`, `array`, `repeat`, `use` and
    `templates`. Paths as `stacks.hbm.layers.gap.material` still select all copies and repeats. A stack with a
    `power` is written with the powers of its layers as they are described, before they are scaled to it.

    Examples
    --------
    >>> import tempfile, thermostack as ts
    >>> package = ts.read_package("fcbga")
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     ts.write_package(package, f"{directory}/copy.yaml")
    ...     ts.read_package(f"{directory}/copy.yaml") == package
    True
    """
    hint = "pass the package of `read_package`"
    require_instance(package, (Package,), "package", "a Package", hint, reader="read_package")
    path = require_suffix(path, DESCRIPTION_SUFFIXES)

    def beside(name: str, source: Power | HtcMap) -> dict[str, Any]:
        named: dict[str, Any] = {}
        if isinstance(source, HtcMap):
            named["map"] = f"{path.stem}.{name}.npy"
            write_map(path.with_name(named["map"]), source)
            return named
        power = source
        if len(power.blocks) > MAX_INLINE_BLOCKS and not _has_own_laws(power):
            named["floorplan"] = f"{path.stem}.{name}.csv"
            write_floorplan(path.with_name(named["floorplan"]), power.blocks)
        if power.map is not None:
            file = f"{path.stem}.{name}.npy"
            write_map(path.with_name(file), power.map)
            named["map"] = {"file": file, **_map_position(power.map)}
        return named

    _require_paths_of_bands(package)
    write_atomic(path, _text(package, beside).encode())


def _has_own_laws(power: Power) -> bool:
    """Return whether a block has a law of leakage, which a floorplan file cannot contain."""
    return any(block.leakage is not None and block.leakage.law is not None for block in power.blocks)


def _require_paths_of_bands(package: Package) -> None:
    """Raise OutputError at the first band of a value that the written description does not have."""
    if not package.bands:
        return
    root = parse_yaml(package_to_yaml(package), package.name)
    ends = read_overrides({band.name: band.low for band in package.bands})
    for override in apply_overrides(root, ends, create=True, groups=True)[1]:
        text = f"bands.{'.'.join(override.parts)} is a path that a written package does not have"
        hint = "it has no templates, copies, arrays and repeats: name stacks and layers, or remove the band"
        raise OutputError(Diagnostic(f"package {package.name}", text, hint, "E-NAME"))


def _text(package: Package, beside: SideFileWriter) -> str:
    require_file_form(package)
    stacks = tuple(
        replace(
            stack,
            power=None,
            leakage=None,
            layers=tuple(replace(layer, power=None) for layer in stack.layers),
        )
        for stack in package.stacks
    )
    data = dump(Package, replace(package, stacks=stacks))
    for stack in package.stacks:
        written = data["stacks"][stack.name]
        if stack.power is not None:
            written["power"] = write_quantity(stack.power, "power")
        if stack.leakage is not None:
            written["leakage"] = dump(Leakage, stack.leakage)
        for layer, power, made in zip(stack.layers, stack.described_powers, written["layers"], strict=True):
            if power is not None:
                made["power"] = _power(power, f"{stack.name}.{layer.name}", beside)
        data["stacks"][stack.name] = _stack(written)
    if materials := {**data.get("materials", {}), **_inline_materials(package)}:
        data["materials"] = materials
    data["cooling"] = {
        face: _coolers(f"cooling.{face}", coolers, getattr(package.cooling, face), beside)
        for face, coolers in data["cooling"].items()
        if face != "isolated"
    } | ({"isolated": True} if package.cooling.isolated else {})
    ordered = {key: data[key] for key in _ORDER if key in data}
    return "\n".join(_lines(ordered, 0)) + "\n"


def _inline_materials(package: Package) -> dict[str, Any]:
    """Return {name: plain data} of the materials that a package contains as objects."""
    own, known = package.materials, library()
    described = (package.stacks, package.links, package.cooling, tuple(own.values()))
    named = {item for item in _materials_in(described) if isinstance(item, str)}
    found: dict[str, Material] = {}
    for material in _materials_in(described):
        if isinstance(material, str):
            continue
        name = material.name
        meant = own.get(name, known.get(name)) if name in named else own.get(name, material)
        if found.setdefault(name, material) != material or meant != material:
            text = f"two different materials are named {name!r}"
            raise DescriptionError(Diagnostic("materials", text, "give one another name", "E-DUPLICATE"))
    inline = {
        name: material for name, material in found.items() if name not in own and known.get(name) != material
    }
    for name in inline:
        try:
            read_name(name)
        except PydanticCustomError:
            text = f"a file cannot define a material named {name!r}"
            hint = "rename it with dataclasses.replace(material, name=...)"
            raise DescriptionError(Diagnostic("materials", text, hint, "E-NAME")) from None
    written: dict[str, Any] = dump(dict[str, Material], inline)
    return {
        name: {key: item for key, item in each.items() if key != "name"} for name, each in written.items()
    }


def _materials_in(value: Any) -> Iterator[Material | str]:
    """Yield the materials in part of a package: objects, and the names in fields of materials."""
    if isinstance(value, Material):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _materials_in(item)
    elif is_dataclass(value) and not isinstance(value, (type, Block, Power)):
        names = _material_fields(type(value))
        for field in fields(value):
            item = getattr(value, field.name)
            if isinstance(item, str) and field.name in names:
                yield item
            else:
                yield from _materials_in(item)


@cache
def _material_fields(kind: Any) -> frozenset[str]:
    """Return the names of the fields of a described class that name a material."""
    described = getattr(kind, "__pydantic_fields__", {})
    return frozenset(
        name for name, field in described.items() if _has_names((field.annotation, *field.metadata))
    )


def _has_names(hints: tuple[Any, ...]) -> bool:
    """Return whether type hints contain a field whose value may be a name."""
    unions = [hint.union if isinstance(hint, DeferredUnion) else hint for hint in hints]
    return any(each.names if isinstance(each, TaggedUnion) else _has_names(get_args(each)) for each in unions)


def _stack(written: dict[str, Any]) -> dict[str, Any]:
    if len(written.get("on", ())) == 1:
        written["on"] = written["on"][0]
    regions = (region for layer in written["layers"] for region in layer.get("regions", {}).values())
    for plan in (written, *regions):
        if "diameter" in plan:
            del plan["size"]
    others = [key for key in written if key not in (*_STACK_ORDER, "name", "layers")]
    keys = [*(key for key in _STACK_ORDER if key in written), *others, "layers"]
    return {key: written[key] for key in keys}


def _power(power: Power, name: str, beside: SideFileWriter) -> Any:
    """Return a power as plain data as in a file."""
    fields_: dict[str, Any] = {}
    for key in ("total", "scale_to"):
        value = getattr(power, key)
        if value is not None:
            fields_[key] = write_quantity(value, "power")
    if power.allow_negative:
        fields_["allow_negative"] = True
    if power.overlap != "refuse":
        fields_["overlap"] = power.overlap
    if power.leakage is not None:
        fields_["leakage"] = dump(Leakage, power.leakage)
    if fields_.keys() == {"total"} and not power.blocks and power.map is None:
        return fields_["total"]
    named = beside(name, power)
    if power.blocks and "floorplan" not in named:
        fields_["blocks"] = [_block(block) for block in power.blocks]
    if power.map is not None and "map" not in named:
        fields_["map"] = {"values": power.map.values.tolist(), **_map_position(power.map)}
    return {**named, **fields_}


def _block(block: Block) -> dict[str, Any]:
    made: dict[str, Any] = {"name": block.name, "at": _pair(block.position), "size": _pair(block.size)}
    if block.power is not None:
        made["power"] = write_quantity(block.power, "power")
    if block.leakage is not None:
        made["leakage"] = dump(Leakage, block.leakage)
    return made


def _map_position(raster: PowerMap) -> dict[str, Any]:
    """Return the unit, position, size and source of a map."""
    position: dict[str, Any] = {"unit": raster.unit}
    if raster.position is not None and raster.size is not None:
        position |= {"at": _pair(raster.position), "size": _pair(raster.size)}
    return {**position, "source": raster.source}


def _pair(pair: tuple[float, float]) -> list[str]:
    return [write_quantity(value, "length") for value in pair]


def _coolers(
    name: str, coolers: list[dict[str, Any]], described: tuple[FaceCooling, ...], beside: SideFileWriter
) -> Any:
    """Return the coolers of a face as plain data as in a file."""
    made = []
    for n, (each, cooled) in enumerate(zip(coolers, described, strict=True)):
        ((kind, data),) = each["cooler"].items()
        h = getattr(cooled.cooler, "h", None)
        if isinstance(h, HtcMap):
            named = beside(name if len(described) == 1 else f"{name}_{n}", h)
            data = {**data, "h": {**data["h"], **named, "unit": h.unit, "source": h.source}}
        made.append({kind: data, **{key: value for key, value in each.items() if key != "cooler"}})
    return made[0] if len(made) == 1 else made


# -- YAML text -------------------------------------------------------------------------------


def _lines(value: dict[str, Any], depth: int) -> Iterator[str]:
    """Yield the lines of a mapping; a value that fits is on the line of its key."""
    indent = "  " * depth
    for key, item in value.items():
        head = f"{indent}{_scalar(key)}:"
        flow = _flow(item)
        is_block = isinstance(item, dict) and item and (depth == 0 or "layers" in item)
        if not is_block and (
            len(head) + len(flow) < LINE_WIDTH or not isinstance(item, (dict, list)) or not item
        ):
            yield f"{head} {flow}"
        elif isinstance(item, dict):
            yield head
            yield from _lines(item, depth + 1)
        else:
            yield head
            yield from (f"{indent}  - {_flow(each)}" for each in item)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if _PLAIN.match(value) and parse_scalar(value) == value else _quoted(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def _quoted(text: str) -> str:
    """Return text in quotes with the escapes of JSON, and all other unprintable characters escaped too."""
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in json.dumps(text, ensure_ascii=False))
