"""Both parsers of YAML give the same trees, locations and errors."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thermostack.errors import DescriptionError
from thermostack.io.description import yaml_nodes
from thermostack.io.description.package_file import find_package, shipped_packages
from thermostack.io.description.yaml_events import fast_events
from thermostack.io.description.yaml_nodes import Node, parse_yaml

ODD_DOCUMENTS = {
    "empty": "",
    "comment": "# nothing\n",
    "scalar": "text",
    "block scalar at the root": "|\n#x",
    "anchors": "a: &x {b: 1, c: &y [1, 2]}\nd: *x\ne: *y\n",
    "alias in brackets": "a: &x 1\nb: [*x, *x]\n",
    "unknown alias": "a: *x\n",
    "merge": "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n",
    "folded": "a: >-\n  one\n  two\n\n  three\nb: 1\n",
    "literal": "a: |+\n  one\n   two\n\nb: 1\n",
    "literal with an indentation": "a: |2\n   one\n",
    "comment at a block header": "a: |# x\n  b\n",
    "plain of several lines": "a: one\n  two\n   three\nb:\n",
    "quotes of several lines": "a: \"one\n  two \\\n  three\"\nb: 'it''s\n\n  it'\n",
    "escapes": 'a: "\\u00e9 \\x41 \\n \\/ \\_"\n',
    "unknown escape": 'a: "\\q"\n',
    "tab": "a:\n\tb: 1\n",
    "tab after a value": "a: 1\t# x\nb: 2\n",
    "duplicate keys": "a: 1\nb: {c: 1, c: 2}\na: 2\n",
    "unicode": "µm: 20 µm\n'é': [Ω, \"😀\", 1]\nb: 2\n",
    "tag": "a: !!str 1\n",
    "tag of an application": "a: !x {b: 1}\n",
    "explicit key": "? a\n: 1\n",
    "directive": "%YAML 1.1\n---\na: 1\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "end of a document": "---\na: 1\n...\n",
    "decimal comma": "a: {power: 20,5 W}\nb: [1,5]\n",
    "line ends": "a: 1\r\nb: [2,\r\n 3]\r\n",
    "line separator": "a: x\u2028b: 1\n",
    "byte order mark": "\ufeffa: 1\n",
    "empty values": "a:\nb: {c: , d}\ne:\n  -\n  - \n  f:\n",
    "empty key": ": 1\n",
    "key with a colon": "a:b: 1\nhttp://x: y\n{c: d}: 1\n",
    "numbers": "[1, 1e-6, .5, 0x1F, 0o17, 1_000, .inf, -.inf, .nan, ~, yes, 12:30]",
    "percent and questions": "a: 50 %\nb: what? no!\nc: why ?\n",
    "unfinished": "a: [1, 2\nb: 3\n",
    "unfinished quote": 'a: "1\n',
    "indentation": "a: 1\n  b: 2\n",
    "second colon": "a: b: c\n",
    "deep": "[" * 60 + "]" * 60,
    "many": "a: [" + "1," * 100_001 + "]\n",
    "letters of other planes": "a: [\U0001f600\U0001f600, b]\nc: d\n",
}
PIECES = [
    *("a", "b: ", "key: ", "- ", "{", "a: ", "---", "...", "[", "]", "}", ", ", ":", " # c", "'", '"', "|\n"),
    *(
        "|-",
        "|2\n",
        ">\n",
        ">+",
        "!",
        "? ",
        "%",
        "~",
        "& ",
        "*x",
        "&x ",
        "<<: ",
        "1e-6",
        "20,5 W",
        "é",
        "\\n",
    ),
]


def result_of(text: str) -> Node | list[object]:
    """Return the tree or the diagnostics of a text."""
    try:
        return parse_yaml(text, "file.yaml")
    except DescriptionError as error:
        return list(error.diagnostics)


def standard_result(text: str, monkeypatch: pytest.MonkeyPatch) -> Node | list[object]:
    """Return the tree or the diagnostics of a text, read with the standard parser alone."""
    with monkeypatch.context() as patch:
        patch.setattr(yaml_nodes, "fast_events", lambda text: None)
        return result_of(text)


def is_same(one: object, other: object) -> bool:
    """Return whether trees are equal, with their locations; NaN equals NaN."""
    return repr(one) == repr(other)


@pytest.mark.parametrize("name", ODD_DOCUMENTS)
def test_odd_documents(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = ODD_DOCUMENTS[name]
    assert is_same(result_of(text), standard_result(text, monkeypatch))


@pytest.mark.parametrize("name", shipped_packages())
def test_shipped_packages(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = find_package(name).read_text(encoding="utf-8")
    assert fast_events(text) is not None
    tree = result_of(text)
    assert isinstance(tree, Node)
    assert is_same(tree, standard_result(text, monkeypatch))


def test_shipped_packages_need_the_fast_parser_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        yaml_nodes, "standard_events", lambda text: pytest.fail("the standard parser is used")
    )
    for name in shipped_packages():
        assert parse_yaml(find_package(name).read_text(encoding="utf-8"), name).is_mapping


lines = st.lists(st.sampled_from([*PIECES, "\n", "\n  ", "\n    ", " ", "\t"]), max_size=9).map("".join)
excerpt = find_package("fcbga").read_text(encoding="utf-8").splitlines(keepends=True)


@st.composite
def damaged_excerpts(draw: st.DrawFn) -> str:
    """Return a few lines of a description with pieces inserted anywhere."""
    first = draw(st.integers(0, len(excerpt) - 1))
    text = "".join(excerpt[first : first + draw(st.integers(1, 8))])
    for piece in draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3)):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + piece + text[at:]
    return text


@settings(max_examples=400)
@given(st.one_of(lines, damaged_excerpts()))
def test_random_text(text: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert is_same(result_of(text), standard_result(text, monkeypatch))


def test_without_libyaml_the_standard_parser_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    text = find_package("fcbga").read_text(encoding="utf-8")
    with_libyaml = result_of(text)
    monkeypatch.setitem(sys.modules, "yaml.cyaml", None)
    assert fast_events(text) is None
    assert is_same(result_of(text), with_libyaml)
