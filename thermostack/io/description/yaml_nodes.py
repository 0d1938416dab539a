"""YAML files as trees of nodes that keep the file, line and column of every key and value.

Scalars follow the rules of YAML 1.2: `1e-6` is a number, `no` is text. Duplicate keys, tags, several
documents, and excessive size, nesting or use of aliases are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from thermostack.errors import DescriptionError, Diagnostic

MAX_FILE_BYTES = 4 * 2**20  # thousands of blocks and pixels belong in CSV and NPY files
MAX_NODES = 100_000  # keys and values; those of an alias count at every use
MAX_NESTING = 40  # levels of mappings and lists

Key = str | int
FieldPath = tuple[Key, ...]

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OTHER_INTEGER = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"(?:([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_CONSTANTS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_CONSTANTS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Mark(NamedTuple):
    """A source location: file, line and column, both from 1."""

    file: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class Node:
    """A mapping of nodes, a list of nodes or a scalar, and its location in the file."""

    value: Any
    mark: Mark
    path: FieldPath = ()  # keys from the root of its file; items of a list by their name
    keys: dict[str, Mark] = field(default_factory=dict)  # location of each key of a mapping

    @property
    def is_mapping(self) -> bool:
        """True if this is a mapping."""
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        """True if this is a list."""
        return isinstance(self.value, list)

    def get(self, key: str) -> Node | None:
        """Return the node of a key, or None if there is none or this is not a mapping."""
        found = self.value.get(key) if isinstance(self.value, dict) else None
        return found if isinstance(found, Node) else None

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield the keys and nodes of a mapping, and nothing for other nodes."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def with_items(self, items: dict[str, Node], keys: dict[str, Mark] | None = None) -> Node:
        """Return this mapping with other items; a new key has the location of its item."""
        known = {**self.keys, **(keys or {})}
        return replace(
            self, value=items, keys={key: known.get(key, item.mark) for key, item in items.items()}
        )

    def without(self, *names: str) -> Node:
        """Return this mapping without some keys."""
        return self.with_items({key: item for key, item in self.items() if key not in names})

    def key_mark(self, key: str) -> Mark:
        """Return the location of a key of this mapping, or of the mapping if it has no such key."""
        return self.keys.get(key, self.mark)


def to_plain(node: Node) -> Any:
    """Return the mappings, lists and scalars of a tree without source locations."""
    if node.is_mapping:
        return {key: to_plain(item) for key, item in node.items()}
    if node.is_list:
        return [to_plain(item) for item in node.value]
    return node.value


def read_yaml(path: Path) -> Node:
    """Return the tree of a YAML file.

    Raises DescriptionError (E-FILE, E-YAML, E-DUPLICATE) if the file cannot be read.
    """
    file = str(path)
    return parse_yaml(_decode(_read_bytes(path, file), file), file)


def parse_yaml(text: str, file: str) -> Node:
    """Return the tree of YAML text. Raises DescriptionError with all duplicate keys, or the first error."""
    composer = _Composer(file)
    try:
        root = composer.compose(text)
    except (DescriptionError, ImportError):  # a missing module is not an error of the text
        raise
    except Exception as error:  # the parser raises many kinds of errors for malformed text
        raise DescriptionError(_syntax_diagnostic(error, text, file)) from None
    if composer.diagnostics:
        raise DescriptionError(composer.diagnostics)
    return with_paths(root, ())


def with_paths(node: Node, path: FieldPath) -> Node:
    """Return the tree with the path of keys in each node."""
    if node.is_mapping:
        items = {
            key: _mark_at_key(node.keys[key], with_paths(item, (*path, key))) for key, item in node.items()
        }
        return replace(node, value=items, path=path)
    if node.is_list:
        names: list[Key] = []
        for n, item in enumerate(node.value):
            name = item.get("name")
            named = name is not None and _is_path_name(name.value) and name.value not in names
            names.append(name.value if named else n)
        made = [with_paths(item, (*path, name)) for name, item in zip(names, node.value, strict=True)]
        return replace(node, value=made, path=path)
    return replace(node, path=path)


def _mark_at_key(key: Mark, node: Node) -> Node:
    """Return the node, with the location of its key if it is a mapping or list on later lines."""
    is_below = (node.is_mapping or node.is_list) and key.line != node.mark.line
    return replace(node, mark=key) if is_below else node


def _is_path_name(name: Any) -> bool:
    return isinstance(name, str) and re.fullmatch(r"[\w+-]+", name) is not None


def _read_bytes(path: Path, file: str) -> bytes:
    try:
        if path.is_dir():
            raise DescriptionError(
                Diagnostic("", "is a directory", "name the .yaml file in it", "E-FILE", file)
            )
        if path.exists() and not path.is_file():
            raise DescriptionError(Diagnostic("", "is not a regular file", "", "E-FILE", file))
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            text = f"has {size} bytes, more than the maximum of {MAX_FILE_BYTES} of a description"
            hint = "keep blocks and maps in CSV or NPY files"
            raise DescriptionError(Diagnostic("", text, hint, "E-FILE", file))
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: the name contains a NUL
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DescriptionError(
            Diagnostic("", f"cannot be read: {reason.lower()}", "", "E-FILE", file)
        ) from None


def _decode(data: bytes, file: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[1:2] == b"\0" or data[:1] == b"\0":
        raise DescriptionError(Diagnostic("", "is not UTF-8 text", "save it as UTF-8", "E-YAML", file, 1, 1))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _line_and_column(data[: error.start].decode("latin-1"), error.start)
        message = f"is not UTF-8 text: byte 0x{data[error.start]:02x}"
        raise DescriptionError(
            Diagnostic("", message, "save it as UTF-8", "E-YAML", file, line, column)
        ) from None
    if found := _UNPRINTABLE.search(text):
        line, column = _line_and_column(text, found.start())
        message = f"character U+{ord(found.group()):04X} is not text"
        raise DescriptionError(Diagnostic("", message, "", "E-YAML", file, line, column))
    return text


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


_PARSER_MESSAGES = (  # (part of the parser's message, message, hint)
    ("\\t", "a tab where the line is indented", "indent with spaces"),
    ("stream end", "the file ends inside a bracket, brace or quote", "close it"),
    ("end of stream", "the file ends inside a bracket, brace or quote", "close it"),
    ("mapping values are not allowed", "a second colon in one line", "quote the text, or begin a new line"),
    ("could not find expected ':'", "a line without a colon", "write `key: value`, or quote the text"),
    ("<block end>", "the indentation of this line differs from its neighbours", "align them"),
    ("cannot start any token", "text cannot begin with this character", "put the text in quotes"),
    ("expected ',' or", "a comma or a closing bracket is missing before this", ""),
)


def _syntax_diagnostic(error: Exception, text: str, file: str) -> Diagnostic:
    """Return the diagnostic of an error of the YAML parser."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or "it cannot be parsed").splitlines()[0]
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    for part, message, hint in _PARSER_MESSAGES:
        if part in problem:
            return Diagnostic("", f"is not YAML: {message}", hint, "E-YAML", file, line, column)
    hint = "check this line and the one above"
    return Diagnostic("", f"is not YAML: {problem}", hint, "E-YAML", file, line, column)


@dataclass
class _Open:
    """A mapping or list whose end has not been read."""

    node: Node
    anchor: str | None
    first: int  # number of nodes before it
    key: tuple[str, Mark] | None = None  # of a mapping: the key of the next value


class _Composer:
    """Builder of the tree from the events of the parser, without recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.nodes = 0
        self.root: Node | None = None

    def compose(self, text: str) -> Node:
        """Return the tree of the only document of a text."""
        from ruamel.yaml import YAML

        documents = 0
        for event in YAML(typ="safe", pure=True).parse(text):
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    raise self.error(
                        "a second document starts here", event, "remove `---`: a file has one description"
                    )
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                self.begin(event, {} if kind == "MappingStartEvent" else [])
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self.end()
            elif kind == "ScalarEvent":
                self.scalar(event)
            elif kind == "AliasEvent":
                self.alias(event)
        if self.root is None or self.root.value is None:
            raise DescriptionError(
                Diagnostic("", "is empty", "a description begins with `package:`", "E-YAML", self.file, 1, 1)
            )
        return self.root

    def error(self, message: str, event: Any, hint: str = "", code: str = "E-YAML") -> DescriptionError:
        """Return an error at the location of an event."""
        mark = self.mark(event)
        return DescriptionError(Diagnostic("", message, hint, code, mark.file, mark.line, mark.column))

    def mark(self, event: Any) -> Mark:
        """Return the location of the start of an event."""
        return Mark(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def begin(self, event: Any, value: dict[str, Node] | list[Node]) -> None:
        """Open a mapping or a list."""
        self.check_tag(event)
        if len(self.open) >= MAX_NESTING:
            raise self.error(f"lists and mappings nest deeper than {MAX_NESTING}", event)
        if self.expects_key():
            raise self.error("a key must be text", event, "put it in quotes")
        self.count(1, event)
        self.open.append(_Open(Node(value, self.mark(event)), event.anchor, self.nodes - 1))

    def end(self) -> None:
        """Close the innermost mapping or list."""
        done = self.open.pop()
        if done.anchor:
            self.anchors[done.anchor] = (done.node, self.nodes - done.first)
        self.add(done.node)

    def scalar(self, event: Any) -> None:
        """Read a scalar: a key if one is expected, else a value."""
        self.check_tag(event)
        self.count(1, event)
        if self.expects_key():
            if not event.value and event.style is None:
                raise self.error("a key is missing before the colon", event)
            self.read_key(event.value, event)
            return
        value = event.value if event.style else parse_scalar(event.value)
        node = Node(value, self.mark(event))
        if event.anchor:
            self.anchors[event.anchor] = (node, 1)
        self.add(node)

    def read_key(self, key: str, event: Any) -> None:
        """Store a key until its value is read."""
        here, mark = self.open[-1], self.mark(event)
        if key in here.node.keys:
            first = here.node.keys[key]
            field = ".".join([*(each.key[0] for each in self.open if each.key), key])
            message = f"the key {_quoted(key)} is given twice, first in line {first.line}"
            self.diagnostics.append(Diagnostic(field, message, "keep one", "E-DUPLICATE", *mark))
        here.node.keys.setdefault(key, mark)
        here.key = (key, mark)

    def alias(self, event: Any) -> None:
        """Add the node of the anchor of an alias."""
        if self.expects_key():
            raise self.error("an alias cannot be a key", event)
        if event.anchor not in self.anchors:
            raise self.error(
                f"the alias *{event.anchor} has no anchor before it",
                event,
                f"write &{event.anchor} before the value that it refers to",
            )
        node, size = self.anchors[event.anchor]
        self.count(size, event)
        self.add(node)

    def expects_key(self) -> bool:
        """Return whether the next scalar is the key of a mapping."""
        return bool(self.open) and self.open[-1].node.is_mapping and self.open[-1].key is None

    def add(self, node: Node) -> None:
        """Add a complete node to the innermost open mapping or list."""
        if not self.open:
            self.root = node
            return
        here = self.open[-1]
        if here.key is None:
            here.node.value.append(node)
        else:
            here.node.value.setdefault(here.key[0], node)
            here.key = None

    def count(self, nodes: int, event: Any) -> None:
        """Count nodes, those of an alias again, and refuse more than `MAX_NODES`."""
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            hint = "keep blocks and maps in CSV or NPY files, use fewer aliases"
            raise self.error(f"has more than {MAX_NODES} values", event, hint)

    def check_tag(self, event: Any) -> None:
        """Refuse a tag, since only plain data is read."""
        if event.tag is not None:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            raise self.error(
                f"the tag {_quoted(tag)} is not allowed", event, "write plain values without `!`"
            )


def parse_scalar(text: str) -> Any:
    """Return the value of an unquoted scalar by the core schema of YAML 1.2."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.match(text):
        return int(text) if len(text) <= 18 else float(text)
    if _FLOAT.match(text):
        return float(text)
    if _OTHER_INTEGER.match(text) and len(text) <= 18:
        return int(text, 0)
    if found := _SPECIAL.match(text):
        return float("nan") if found.group(1) is None else float(f"{found.group(1)}inf")
    return text


def _quoted(text: str) -> str:
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"
