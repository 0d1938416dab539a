"""The shipped packages: their files, and copies to edit."""

from __future__ import annotations

import re
from pathlib import Path

from thermostack.errors import Diagnostic, OutputError
from thermostack.io.description.description_text import read_text
from thermostack.io.description.package_file import find_package
from thermostack.io.description.yaml_nodes import Node, read_yaml
from thermostack.io.files.atomic_file import with_path_error, write_atomic
from thermostack.io.files.output_paths import DESCRIPTION_SUFFIXES
from thermostack.schema.arguments import argument_error

SUFFIXES_OF_KEY = {  # of files: keys whose text may name a file, and the suffixes of those that do
    "floorplan": ("",),
    "map": ("",),
    "file": ("",),
    "use": DESCRIPTION_SUFFIXES,
}


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
    described = _renamed(read_text(path), name, path.stem)
    copies = {directory / f"{name}.yaml": described.encode()}
    for file in referenced_files(path):
        copies[directory / file] = (path.parent / file).read_bytes()
    existing = [str(target) for target in copies if target.exists()]
    if existing and not overwrites:
        hint = "write to another directory, or pass --overwrite"
        text = f"{' and '.join(existing)} {'exists' if len(existing) == 1 else 'exist'} already"
        raise OutputError(Diagnostic("", text, hint, "E-FILE"))
    for target, content in copies.items():
        with with_path_error(target.parent, 0):
            target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, content)
    return list(copies)


def _renamed(text: str, name: str, source: str) -> str:
    """Return a description with another name, and an `about` that names its source.

    The `about` of the source, which a change of powers or sizes would make wrong, is kept as a comment.
    """
    text = re.sub(r"^package:.*$", f"package: {name}", text, count=1, flags=re.MULTILINE)
    lines = text.split("\n")
    begin = next((n for n, line in enumerate(lines) if re.match(r"about\s*:", line)), None)
    if begin is None:
        return text
    end = begin + 1
    while end < len(lines) and (not lines[end].strip() or lines[end][0].isspace()):  # continues the text
        end += 1
    while not lines[end - 1].strip():  # empty lines after it
        end -= 1
    old = " ".join(re.sub(r"^about\s*:\s*([>|][-+0-9]*)?", "", "\n".join(lines[begin:end])).split())
    return "\n".join(
        [*lines[:begin], f"about: from {source}, edit this line", f"# {source}: {old}", *lines[end:]]
    )


def referenced_files(path: Path) -> list[str]:
    """Return the files to which a description refers, relative to its directory, each once.

    Other descriptions that it uses are followed. Files outside its directory are not listed.
    """
    found: dict[str, None] = {}
    pending = [path.name]
    while pending:
        here = Path(pending.pop())
        for file in _references(read_yaml(path.parent / here)):
            inner = (here.parent / file).as_posix()
            if inner in found or Path(inner).is_absolute() or ".." in Path(inner).parts:
                continue
            if (path.parent / inner).is_file():
                found[inner] = None
                pending += [inner] if inner.endswith(DESCRIPTION_SUFFIXES) else []
    return list(found)


def _references(node: Node) -> list[str]:
    """Return the texts in a tree that name floorplans, maps and other descriptions."""
    found: list[str] = []
    for key, item in node.items() if node.is_mapping else ():
        if isinstance(item.value, str) and item.value.endswith(SUFFIXES_OF_KEY.get(key, ())):
            found.append(item.value)
        found += _references(item)
    for item in node.value if node.is_list else ():
        found += _references(item)
    return found
