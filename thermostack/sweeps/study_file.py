"""Reader of study files, and the check of a study against its package before anything is solved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.package_file import ParsedDescription
from thermostack.io.description.source_locations import PYTHON_OVERRIDES, SourceMap, diagnostic_in
from thermostack.io.description.trace_files import read_trace
from thermostack.io.description.yaml_nodes import read_yaml, to_plain
from thermostack.package.geometry import package_geometry
from thermostack.package.package import Package
from thermostack.results.names import unknown_name, with_stacks
from thermostack.schema.arguments import require_instance
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import diagnostic_at, diagnostics_of
from thermostack.sweeps.analyses import trace_paths
from thermostack.sweeps.axes import ListAxis
from thermostack.sweeps.outputs import FACE, PART, THROTTLE
from thermostack.sweeps.study import Study, package_path

MAX_CHECKED_VALUES = 20  # texts or labels of one axis, each of which is read with the package
# Errors of a path or of the form of a value, which hold in every case; others are those of single cases.
CODES_OF_STUDY = ("E-NAME", "E-KEY", "E-TYPE", "E-UNIT", "E-MISSING", "E-YAML", "E-DUPLICATE", "E-FILE")
_HINT = "a study begins with `package:` and has axes and outputs"


@dataclass(frozen=True, eq=False)
class LoadedStudy:
    """A study, the directory to which its paths are relative, and the locations of its fields in a file."""

    study: Study
    directory: Path
    name: str  # of its files
    locate: Callable[[Diagnostic], Diagnostic] = lambda diagnostic: diagnostic

    @cached_property
    def description(self) -> ParsedDescription:
        """Return the parsed description of the package."""
        try:
            path = package_path(self.study, self.directory)
        except DescriptionError as error:
            raise DescriptionError(self._at("package", each) for each in error.diagnostics) from None
        if not path.exists():
            near = suggest(path.name, [each.name for each in path.parent.glob("*.yaml")])
            diagnostic = Diagnostic("", f"there is no file {path}", near, "E-FILE")
            raise DescriptionError(self._at("package", diagnostic))
        return ParsedDescription(path, self.study.allow_include_root)

    def _at(self, key: str, diagnostic: Diagnostic, *path: str) -> Diagnostic:
        """Return an error of the package or of a value at a key of the study."""
        made = diagnostic_at((key, *path), diagnostic.message, diagnostic.hint, diagnostic.code)
        return self.locate(made)

    def check(self) -> Package | None:
        """Check paths, units and names against the package; return the package of the first case.

        It is None if the values of this case are out of range, which is an error of this case alone. Raises
        DescriptionError with all errors, at their lines of the study.
        """
        self.description.build({})
        found = [*self._override_errors()]
        found += self._trace_errors()
        if found:
            raise DescriptionError(found)
        try:
            package = self.description.build(self.study.case(int(self.study.order[0])).overrides)
        except DescriptionError:
            return None
        if errors := [*self._name_errors(package)]:
            raise DescriptionError(errors)
        return package

    def _trace_errors(self) -> Iterator[Diagnostic]:
        """Yield the errors of the traces, and that of a run without an end."""
        ends = False
        for path in trace_paths(self.study.analysis, self.directory):
            try:
                ends |= read_trace(path).after == "refuse"
            except DescriptionError as error:
                yield from error.diagnostics
                return
        if self.study.is_transient and self.study.analysis.duration is None and not ends:
            text = "duration is required: each trace holds its last values or repeats"
            yield self._at("analysis", Diagnostic("", text, "as duration: 10 s", "E-MISSING"), "transient")

    def _override_errors(self) -> Iterator[Diagnostic]:
        """Yield the errors of paths and values, each set alone; those of axes if the constants have none."""
        wrong: set[tuple[str, str]] = set()
        for key, path, values in self._settings():
            if (key, path) in wrong or (key == "axes" and any(each == "set" for each, _ in wrong)):
                continue
            base = {} if key == "set" else self.study.set
            try:
                self.description.build({**base, **values})
            except DescriptionError as error:
                found = [each for each in error.diagnostics if _is_of_study(each, key)]
                wrong |= {(key, path)} if found else set()
                yield from (self._at(key, each, path) for each in found)

    def _settings(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield key, path and overrides of each constant, each text of an axis, and one of its numbers."""
        for path, value in self.study.set.items():
            yield "set", path, {path: value}
        for n, (path, axis) in enumerate(self.study.axes.items()):
            levels = [float(self.study.levels[0, n])]  # numbers of an axis have one unit and one kind
            if isinstance(axis, ListAxis) and not axis.is_numeric:
                levels = axis.grid_levels()[:MAX_CHECKED_VALUES].tolist()
            for level in levels:
                yield "axes", path, dict.fromkeys((path, *axis.also), axis.value(level))

    def _name_errors(self, package: Package) -> Iterator[Diagnostic]:
        """Yield the errors of names and limits of the outputs."""
        geometry = package_geometry(package)
        parts = {part.name: part.limit for part in geometry.parts}
        blocks = {
            f"{stack.name}.{layer.name}.{block.name}"
            for stack in package.stacks
            for layer in stack.layers
            if layer.power is not None
            for block in layer.power.blocks
        }
        names = with_stacks([*parts, *blocks])
        faces = [*FACES, *(link.name for link in package.links)]
        throttles = getattr(self.study.analysis, "throttle", {})
        for key, output in self.study.outputs.items():
            kind, name = output.object
            error = None
            if kind == PART and name not in names:
                error = unknown_name(name, names)
            elif kind == PART and output.needs_limit and not _has_limit(name, parts):
                yield self._at("outputs", Diagnostic("", f"{name} has no limit", _LIMIT, "E-MISSING"), key)
            elif kind == FACE and name not in faces:
                error = unknown_name(name, faces, "face or link")
            elif kind == THROTTLE and not any(_is_within(name, each) for each in throttles):
                error = unknown_name(name, [*throttles], "throttle")
            if error is not None:
                yield self._at("outputs", error.diagnostics[0], key)
        for stack in throttles:
            if not any(_is_within(name, stack) for name in names):
                yield self._at("analysis", unknown_name(stack, names).diagnostics[0], "transient")


def _is_of_study(diagnostic: Diagnostic, key: str) -> bool:
    """Return whether an error is that of all cases: of a path, of a unit, or of a constant itself."""
    is_of_constant = key == "set" and diagnostic.file == PYTHON_OVERRIDES
    return is_of_constant or diagnostic.code in CODES_OF_STUDY


FACES = ("bottom", "top", "south", "north", "west", "east", "surroundings")
_LIMIT = "write `limit: 105 degC` at the stack or layer, or in `set:`"


def _is_within(name: str, group: str) -> bool:
    return name == group or name.startswith(f"{group}.")


def _has_limit(name: str, limits: Mapping[str, float | None]) -> bool:
    """Return whether a part, a part of a stack, or the part of a block has a limit."""
    return any(
        limit is not None and (_is_within(part, name) or _is_within(name, part))
        for part, limit in limits.items()
    )


def read_study(source: str | Path) -> Study:
    r"""Return the study of a file.

    Parameters
    ----------
    source : str or pathlib.Path
        The path of a .yaml file.

    Returns
    -------
    Study
        The validated study. Paths in it are relative to the directory of the file.

    Raises
    ------
    DescriptionError
        With all errors of the study, each with its file, line and field.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> text = "package: fcbga\naxes: {cooling.top.convection.h: [1 kW/m2/K]}\noutputs: [peak]\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "study.yaml")
    ...     _ = file.write_text(text)
    ...     read_study(file).count
    1
    """
    return load_study(source).study


def load_study(source: str | Path | Study | Mapping[str, Any]) -> LoadedStudy:
    """Return a study from its file, from an object or from plain data as in a file.

    Raises DescriptionError with all errors of the study.
    """
    kinds = (str, PathLike, Study, Mapping)
    require_instance(source, kinds, "study", "a study or the path of its file", 'write sweep("study.yaml")')
    if isinstance(source, Study):
        return LoadedStudy(source, Path(), f"{Path(source.package).stem}_sweep")
    if isinstance(source, Mapping):
        return load_study(_validate(source, lambda diagnostic: diagnostic))
    path = Path(source)
    root = read_yaml(path)
    if not root.is_mapping:
        raise DescriptionError(diagnostic_in(root, "is not a mapping of keys to values", _HINT, "E-YAML"))
    if root.get("stacks") is not None and root.get("axes") is None:
        text = "is the description of a package, not a study"
        raise DescriptionError(diagnostic_in(root, text, _HINT, "E-TYPE"))
    locator = SourceMap(root)
    return LoadedStudy(_validate(to_plain(root), locator), path.parent, path.stem, locator)


def _validate(plain: Mapping[str, Any], locate: Callable[[Diagnostic], Diagnostic]) -> Study:
    """Return the study of plain data. Raises DescriptionError with located errors."""
    try:
        study: Study = TypeAdapter(Study).validate_python(plain, context={"from_file": True})
    except ValidationError as error:
        raise DescriptionError([locate(each) for each in diagnostics_of(error)]) from None
    return study


def study_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a study file, for editors that complete and validate it."""
    schema = TypeAdapter(Study).json_schema()
    for field in ("design", "analysis"):  # a name alone is one without options
        own = schema["properties"][field]
        own["anyOf"] = [{"type": "string"}, *own["anyOf"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "thermostack study",
        "additionalProperties": False,
    }
