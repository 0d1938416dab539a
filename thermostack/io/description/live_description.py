"""A description that changes value by value without being read from its file again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from thermostack.io.description.package_file import ParsedDescription, find_package
from thermostack.io.description.write_package import write_package
from thermostack.package.package import Package


class LiveDescription:
    """The tree of a description, the values that are set in it, and the package that they give.

    Parameters
    ----------
    source
        Path of a description file, name of a shipped package, or a package.
    overrides
        Values of fields by their path, as those of `read_package`.
    allow_include_root
        Whether the description may refer to files outside its own directory.
    """

    def __init__(
        self,
        source: str | Path | Package,
        overrides: Mapping[str, Any] | None = None,
        *,
        allow_include_root: bool = False,
    ) -> None:
        """Read the description. Raises DescriptionError as `read_package` does."""
        self._folder: TemporaryDirectory[str] | None = None  # of the maps of a package that has no file
        if isinstance(source, Package):
            self._folder = TemporaryDirectory(prefix="thermostack-")
            path = Path(self._folder.name) / "package.yaml"
            write_package(source, path)
        else:
            path = find_package(source)
        self._parsed = ParsedDescription(path, allow_include_root)
        self._values: dict[str, Any] = dict(overrides or {})
        self.package = self._parsed.build(self._values)

    @property
    def values(self) -> dict[str, Any]:
        """Return the values that are set, by their path."""
        return dict(self._values)

    def set(self, values: Mapping[str, Any]) -> Package:
        """Set values by their path, and return the package.

        A path that was set before has the new value alone. Raises DescriptionError with every error; then
        nothing has changed.
        """
        merged = merge_values(self._values, values)
        self.package = self._parsed.build(merged)
        self._values = merged
        return self.package

    def restore(self, values: Mapping[str, Any]) -> Package:
        """Set these values alone, and return the package."""
        self.package = self._parsed.build(values)
        self._values = dict(values)
        return self.package


def merge_values(values: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by path with later ones, which come last and replace those of the same path."""
    return {path: value for path, value in values.items() if path not in later} | dict(later)
