"""Reader of package descriptions: from a YAML file to a Package, with all diagnostics by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.arrays import expand_arrays
from thermostack.io.description.htc_map_references import HtcMapReferences
from thermostack.io.description.includes import IncludeResolver
from thermostack.io.description.instances import MAX_LAYERS, InstanceExpander, RepeatExpander
from thermostack.io.description.name_checks import name_diagnostics
from thermostack.io.description.override_causes import with_causes
from thermostack.io.description.override_order import OverrideOrder, own_fields_of_copies, select
from thermostack.io.description.overrides import Override, read_overrides, unknown_field
from thermostack.io.description.power_references import PowerReferences
from thermostack.io.description.scaled_power_warnings import scaled_power_warnings
from thermostack.io.description.short_paths import complete_paths
from thermostack.io.description.source_locations import (
    COMMAND_OVERRIDES,
    PYTHON_OVERRIDES,
    SourceMap,
    diagnostic_in,
)
from thermostack.io.description.yaml_nodes import Node, read_yaml, to_plain
from thermostack.package.geometry import package_geometry
from thermostack.package.package import Package
from thermostack.schema.arguments import require_instance
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import diagnostics_of


def read_package(
    source: str | Path, overrides: Mapping[str, Any] | None = None, *, allow_include_root: bool = False
) -> Package:
    """Return the package of a description file or of the name of a shipped package.

    Parameters
    ----------
    source : str or pathlib.Path
        The path of a .yaml file, or the name of a shipped package such as "cowos_s_h100".
    overrides : mapping from str to value, optional
        Values of fields by their path, as `{"stacks.gpu.layers.active.power.scale_to": "700 W"}`. A value is
        plain data as in a file: text, with a unit if it is a quantity, or lists and mappings of text.
    allow_include_root : bool, optional
        Whether the description may refer to files outside its own directory.

    Returns
    -------
    Package
        The validated description.

    Raises
    ------
    DescriptionError
        With all diagnostics of the description, each with its file, line and field.

    Examples
    --------
    >>> package = read_package("fcbga")
    >>> [stack.name for stack in package.stacks][:2]
    ['board', 'substrate']
    """
    return load_package(source, overrides, PYTHON_OVERRIDES, allow_include_root=allow_include_root)


def load_package(
    source: str | Path,
    overrides: Mapping[str, Any] | None = None,
    override_source: str = COMMAND_OVERRIDES,
    *,
    allow_include_root: bool = False,
) -> Package:
    """Return the package of `read_package`; messages name `override_source` as the place of overrides."""
    return ParsedDescription(find_package(source), allow_include_root).build(overrides, override_source)


@dataclass(frozen=True)
class ParsedDescription:
    """A description file that is parsed once, and from which packages with different overrides are built."""

    path: Path
    allow_include_root: bool = False  # whether it may refer to files outside its own directory

    @cached_property
    def root(self) -> Node:
        """Return the tree of the file, without overrides."""
        root = read_yaml(self.path)
        if not root.is_mapping:
            hint = "a description begins with `package:`"
            raise DescriptionError(diagnostic_in(root, "is not a mapping of keys to values", hint, "E-YAML"))
        return root

    @cached_property
    def expanded(self) -> Node:
        """Return the tree without overrides and without short forms."""
        order = OverrideOrder([])
        return expand(self.root, self.path.parent, order, may_leave=self.allow_include_root)[0]

    def build(
        self, overrides: Mapping[str, Any] | None = None, override_source: str = PYTHON_OVERRIDES
    ) -> Package:
        """Return the package with overrides; messages name `override_source` as their place."""

        def read(values: Mapping[str, Any]) -> Package:
            return _build(self, read_overrides(values, override_source))

        try:
            return read(overrides or {})
        except DescriptionError as error:
            if not overrides or not isinstance(overrides, Mapping):
                raise
            raise with_causes(error, overrides, override_source, read) from None


def _build(description: ParsedDescription, overrides: list[Override]) -> Package:
    """Return the package of a parsed description with overrides."""
    overrides = complete_paths(overrides, lambda: description.expanded)
    order = OverrideOrder(overrides)
    directory, may_leave = description.path.parent, description.allow_include_root
    tree, diagnostics = expand(description.root, directory, order, may_leave=may_leave)
    locator = SourceMap(tree)
    try:
        package: Package = TypeAdapter(Package).validate_python(to_plain(tree), context={"from_file": True})
    except ValidationError as error:
        diagnostics += [locator(diagnostic) for diagnostic in diagnostics_of(error)]
        diagnostics += name_diagnostics(tree)
    if diagnostics:
        raise DescriptionError(_sort_unique(diagnostics))
    object.__setattr__(package, "locator", locator)
    object.__setattr__(package, "notes", tuple(scaled_power_warnings(package, select(tree, order.given))))
    try:
        package_geometry(package)
    except DescriptionError as error:
        raise DescriptionError(_sort_unique(error.diagnostics)) from None
    return package


def shipped_packages() -> dict[str, str]:
    """Return {name: description in one sentence} of the shipped packages."""
    found = {}
    for name, path in _shipped().items():
        about = read_yaml(path).get("about")
        found[name] = " ".join(str(about.value).split()) if about is not None else ""
    return found


def find_package(source: str | Path) -> Path:
    """Return the file of a description, given by its path or by the name of a shipped package.

    Raises DescriptionError (E-FILE), with similar names as a hint, if there is neither.
    """
    require_instance(source, (str, PathLike), "source", "a path or a name", 'write read_package("fcbga")')
    path = Path(source)
    if not isinstance(source, str) or _is_path(path):
        return path
    shipped = _shipped()
    if path.name not in shipped:
        hint = suggest(path.name, shipped) or "`thermostack packages` lists them"
        if file := next((f for f in (".yaml", ".yml") if path.with_suffix(f).is_file()), ""):
            hint = f"did you mean {path.with_suffix(file)}?"
        raise DescriptionError(
            Diagnostic("", f"no file and no shipped package is named {path.name!r}", hint, "E-FILE")
        )
    return shipped[path.name]


def is_package(source: str) -> bool:
    """Return whether a text is the path of a file, which may be absent, or the name of a shipped package."""
    return _is_path(Path(source)) or Path(source).name in _shipped()


def _is_path(path: Path) -> bool:
    """Return whether text stands for a path: by its suffix or a directory, or because it exists."""
    is_path = path.suffix in (".yaml", ".yml") or path.parent != Path()
    return is_path or path.exists() or path.is_symlink()


def _shipped() -> dict[str, Path]:
    """Return {name: file} of the shipped packages."""
    directory = Path(str(files("thermostack.meshes")))
    return {path.stem: path for path in sorted(directory.glob("*.yaml"))}


def expand(
    root: Node, directory: Path, order: OverrideOrder, *, may_leave: bool
) -> tuple[Node, list[Diagnostic]]:
    """Return the tree of a description with all short forms expanded, and their diagnostics.

    The overrides of `order` are applied. `directory` contains the files that the description refers to;
    `may_leave` permits files outside it.
    """
    includes = IncludeResolver(directory, _shipped(), may_leave=may_leave)
    repeats, copies = RepeatExpander(), InstanceExpander()
    faults: list[Diagnostic] = []
    own: dict[str, set[str]] = {}
    root = order.apply(root)
    root = order.apply(includes.expand(root), create=True)
    stacks = root.get("stacks")
    if stacks is not None and stacks.is_mapping:
        stacks = stacks.with_items({name: repeats.expand(stack) for name, stack in stacks.items()})
        stacks, faults = expand_arrays(stacks)
        own = own_fields_of_copies(stacks)
        stacks = copies.expand(stacks)
        _check_layer_count(stacks)
        root = root.with_items({**root.value, "stacks": stacks})
    root, conflicts = order.apply_to_groups(root, own)
    powers = PowerReferences(directory, may_leave=may_leave)
    stacks = root.get("stacks")
    if stacks is not None and stacks.is_mapping:
        stacks = stacks.with_items({name: powers.expand(stack) for name, stack in stacks.items()})
        root = root.with_items({**root.value, "stacks": stacks})
    htc_maps = HtcMapReferences(directory, may_leave=may_leave)
    cooling = root.get("cooling")
    if cooling is not None and cooling.is_mapping:
        root = root.with_items({**root.value, "cooling": htc_maps.expand(cooling)})
    unknown = [unknown_field(root, override) for override in order.missed]
    return root, [
        *includes.diagnostics,
        *repeats.diagnostics,
        *faults,
        *copies.diagnostics,
        *powers.diagnostics,
        *htc_maps.diagnostics,
        *conflicts,
        *unknown,
    ]


def _check_layer_count(stacks: Node) -> None:
    """Raise DescriptionError if copies and repeats make more than `MAX_LAYERS` layers."""
    layers = [found for _, stack in stacks.items() if (found := stack.get("layers")) is not None]
    count = sum(len(each.value) for each in layers if each.is_list)
    if count > MAX_LAYERS:
        text = f"copies and repeats make {count} layers, more than {MAX_LAYERS}"
        raise DescriptionError(
            diagnostic_in(stacks, text, "describe fine structures as one layer of a mixture", "E-RANGE")
        )


def _sort_unique(diagnostics: Any) -> list[Diagnostic]:
    """Return diagnostics in the order of files and lines, those of copied or included stacks only once."""
    found: dict[Any, Diagnostic] = {}
    for diagnostic in diagnostics:
        found.setdefault(
            (diagnostic.file, diagnostic.line, diagnostic.column, diagnostic.message, diagnostic.code),
            diagnostic,
        )
    return sorted(
        found.values(),
        key=lambda diagnostic: (diagnostic.file or "", diagnostic.line or 0, diagnostic.column or 0),
    )
