"""Check of the bands of a description: the package must be valid with both ends of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.package_file import load_package
from thermostack.package.package import Package


def band_diagnostics(
    package: Package,
    source: str | Path,
    overrides: Mapping[str, Any] | None = None,
    *,
    allow_include_root: bool = False,
) -> Iterator[Diagnostic]:
    """Yield an error for each end of a band with which a description is not valid.

    `source` and `overrides` are those from which `package` was read.
    """
    for band in package.bands:
        for key in ("low", "high"):
            value = getattr(band, key)
            try:
                load_package(
                    source, {**(overrides or {}), band.name: value}, allow_include_root=allow_include_root
                )
            except DescriptionError as error:
                first = error.diagnostics[0]
                place = Diagnostic(
                    f"bands.{band.name}.{key}",
                    f"with {value} the description is not valid: {first.message}",
                    first.hint,
                    first.code,
                    path=("bands", band.name, key),
                )
                yield place if package.locator is None else package.locator(place)
