"""The shipped packages: their files, the temperatures of their default grids, and copies to edit."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from thermostack.errors import Diagnostic, OutputError
from thermostack.io.description.description_text import read_text
from thermostack.io.description.package_file import find_package
from thermostack.io.description.yaml_nodes import Node, read_yaml
from thermostack.schema.arguments import argument_error

PEAKS = "peaks.json"  # written by benchmarks/reference_packages.py
FILE_KEYS = ("floorplan", "map", "h")  # whose text may be the name of a file


def shipped_peaks() -> dict[str, dict[str, Any]]:
    """Return the results of the shipped packages on their default grids by name.

    Each has the maximum temperature [K], its estimated error [K], its part, the smallest margin [K] to a
    limit, and the number of cells.
    """
    text = Path(str(files("thermostack.meshes") / PEAKS)).read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def copy_package(source: str, name: str, directory: Path, *, overwrites: bool = False) -> list[Path]:
    """Write a copy of a shipped package, with its comments and the files that it refers to.

    Parameters
    ----------
    source : str
        Name of a shipped package, or a description.
    name : str
        Name of the copy; its description is NAME.yaml.
    directory : Path
        Directory of the copy.
    overwrites : bool
        Whether existing files are replaced.

    Returns
    -------
    list of Path
        The files that were written, the description first.

    Raises
    ------
    ArgumentError
        If the name is no name of a file.
    DescriptionError
        If there is no such package.
    OutputError
        If a file exists already or cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        text = f"{name!r} is not a name of letters, digits, _ and -"
        raise argument_error("name", text, "write a name such as my_package, without .yaml", "E-NAME")
    path = find_package(source)
    tree = read_yaml(path)
    described = re.sub(r"^package:.*$", f"package: {name}", read_text(path), count=1, flags=re.MULTILINE)
    made = {directory / f"{name}.yaml": described}
    for file in referenced_files(tree):
        if (path.parent / file).is_file():
            made[directory / file] = read_text(path.parent / file)
    existing = [target.name for target in made if target.exists()]
    if existing and not overwrites:
        hint = "write to another directory, or pass --overwrite"
        raise OutputError(
            Diagnostic(str(directory), f"{' and '.join(existing)} exist already", hint, "E-FILE")
        )
    for target, text in made.items():
        try:
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            text = f"cannot be written: {error.strerror}"
            raise OutputError(Diagnostic(str(target), text, "choose another directory", "E-FILE")) from None
    return list(made)


def referenced_files(node: Node) -> list[str]:
    """Return the names of the files to which a description refers: floorplans and maps, each once."""
    found: dict[str, None] = {}
    items = [*node.items()] if node.is_mapping else []
    for key, item in items:
        if key in FILE_KEYS and isinstance(item.value, str) and item.value.endswith((".csv", ".npy")):
            found[item.value] = None
        found |= dict.fromkeys(referenced_files(item))
    for item in node.value if node.is_list else ():
        found |= dict.fromkeys(referenced_files(item))
    return list(found)
