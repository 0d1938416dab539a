"""YAML files as trees of nodes that keep the file, line and column of every key and value.

Scalars follow the rules of YAML 1.2: `1e-6` is a number, `no` is text. Duplicate keys, tags, several
documents, and excessive size, nesting or use of aliases are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.description_text import read_text
from thermostack.io.description.yaml_events import fast_events, standard_events
from thermostack.schema.fields import UNSET
from thermostack.units import decimal_point_advice

MAX_NODES = 100_000  # keys and values; those of an alias count at every use
MAX_NESTING = 40  # levels of mappings and lists

Key = str | int
FieldPath = tuple[Key, ...]

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OTHER_INTEGER = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_DECIMALS = re.compile(r"[0-9]+(?:[eE][-+]?[0-9]+)?(?:\s*[A-Za-zµ°%].*)?\Z")  # after a decimal comma
_DECIMALS_WITH_UNIT = re.compile(r"[0-9]+(?:[eE][-+]?[0-9]+)?\s*[A-Za-zµ°%].*\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"(?:([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_CONSTANTS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_CONSTANTS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)


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
    # Location of each key of a mapping, also of a key that an override removed.
    keys: dict[str, Mark] = field(default_factory=dict)
    is_unset: bool = False  # of a scalar without a value: the field has its default

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
        removed = {key: mark for key, mark in self.keys.items() if key not in self.value}
        marks = {key: known.get(key, item.mark) for key, item in items.items()}
        return replace(self, value=items, keys={**removed, **marks})

    def without(self, *names: str) -> Node:
        """Return this mapping without some keys."""
        return self.with_items({key: item for key, item in self.items() if key not in names})

    def without_overridden(self, name: str, mark: Mark) -> Node:
        """Return this mapping without a key that an override removes; `mark` is the place of the override."""
        made = self.without(name)
        return replace(made, keys={**made.keys, name: mark})

    def key_mark(self, key: str) -> Mark:
        """Return the location of a key of this mapping, or of the mapping if it has no such key."""
        return self.keys.get(key, self.mark)


def to_plain(node: Node) -> Any:
    """Return the mappings, lists and scalars of a tree without source locations."""
    if node.is_unset:
        return UNSET
    if node.is_mapping:
        return {key: to_plain(item) for key, item in node.items()}
    if node.is_list:
        return [to_plain(item) for item in node.value]
    return node.value


def read_yaml(path: Path) -> Node:
    """Return the tree of a YAML file.

    Raises DescriptionError (E-FILE, E-YAML, E-DUPLICATE) if the file cannot be read.
    """
    return parse_yaml(read_text(path), str(path))


def parse_yaml(text: str, file: str) -> Node:
    """Return the tree of YAML text.

    Raises DescriptionError with all duplicate keys and decimal commas, or the first error of another kind.
    """
    quick = _compose_fast(text, file)
    if quick is not None:
        return with_paths(quick, ())
    composer = _Composer(file)
    try:
        root = composer.compose(standard_events(text))
    except (DescriptionError, ImportError):  # a missing module is not an error of the text
        raise
    except Exception as error:  # the parser raises many kinds of errors for malformed text
        raise DescriptionError(_syntax_diagnostic(error, text, file)) from None
    if composer.diagnostics:
        raise DescriptionError(composer.diagnostics)
    return with_paths(root, ())


def _compose_fast(text: str, file: str) -> Node | None:
    """Return the tree of the events of the fast parser, None where the text may have errors."""
    events = fast_events(text)
    if events is None:
        return None
    composer = _Composer(file)
    try:
        root = composer.compose(events)
    except Exception:  # the standard parser finds the errors again, and has their locations
        return None
    return root if root.is_mapping and not composer.diagnostics else None


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
    is_flow: bool = False  # whether it is written with brackets or braces
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
        self.last_scalar: Any = None  # event of the scalar before the present one

    def compose(self, events: Iterable[Any]) -> Node:
        """Return the tree of the events of the only document of a text."""
        documents = 0
        for event in events:
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
        node = Node(value, self.mark(event))
        self.open.append(_Open(node, event.anchor, self.nodes - 1, bool(event.flow_style)))

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
        self.check_decimal_comma(event)
        if self.expects_key():
            if not event.value and not event.style:
                raise self.error("a key is missing before the colon", event)
            self.read_key(event.value, event)
            return
        value = event.value if event.style else parse_scalar(event.value)
        key = self.open[-1].key if self.open else None
        is_empty = not event.value and not event.style  # the parser locates it at the next token
        node = Node(value, key[1] if is_empty and key is not None else self.mark(event))
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

    def check_decimal_comma(self, event: Any) -> None:
        """Report a number like `20,5 W` in brackets or braces, which YAML divides at the comma."""
        last, self.last_scalar = self.last_scalar, event
        if last is None or event.style or last.style or not (self.open and self.open[-1].is_flow):
            return
        is_next = last.end_mark.index + 1 == event.start_mark.index
        pattern = _DECIMALS if self.expects_key() else _DECIMALS_WITH_UNIT
        if is_next and _INTEGER.match(last.value) and pattern.match(event.value):
            text = f"{last.value},{event.value}"
            field = ".".join(each.key[0] for each in self.open if each.key)
            keys = list(self.open[-1].node.keys)
            field = ".".join(filter(None, [field, keys[-1] if keys else ""]))
            message = f"{_quoted(text)} has a comma in its number"
            hint = decimal_point_advice(text)
            self.diagnostics.append(Diagnostic(field, message, hint, "E-UNIT", *self.mark(last)))

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
