"""Code, descriptions and dialogues on the pages and in docstrings run as shown."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from thermostack import read_package

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(language: str) -> list[Any]:
    """Return the code blocks of all pages in a language, each with its page; "slow" behind it is a mark."""
    fence = re.compile(rf"^```{language}( slow)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [
        pytest.param(code, id=f"{page.relative_to(ROOT)}-{number}", marks=[pytest.mark.slow] if slow else [])
        for page in PAGES
        for number, (slow, code) in enumerate(fence.findall(page.read_text(encoding="utf-8")))
    ]


def titled_tables() -> list[tuple[str, str]]:
    """Return name and content of the tables that pages show as files beside a description."""
    fence = re.compile(r"^```csv title=(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [table for page in PAGES for table in fence.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("code", [block for block in blocks("python") if ">>>" not in block.values[0]])
def test_script_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code.replace("cell=0.25 * mm", "cell=2 * mm"), "example", "exec"), {"__name__": "example"})


@pytest.mark.parametrize("text", [block for block in blocks("yaml") if "package:" in block.values[0]])
def test_description_is_read(text: str, tmp_path: Path) -> None:
    for name, content in titled_tables():
        (tmp_path / name).write_text(content, encoding="utf-8")
    file = tmp_path / "package.yaml"
    file.write_text(text, encoding="utf-8")
    package = read_package(file)
    assert package.stacks


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_dialogue_prints_what_is_shown(page: Path) -> None:
    assert doctest.testfile(str(page), module_relative=False, encoding="utf-8").failed == 0


@pytest.mark.parametrize("path", sorted((ROOT / "thermostack").rglob("*.py")), ids=lambda path: path.stem)
def test_examples_of_docstrings_print_what_is_shown(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if path.stem == "__main__":
        return  # it runs the command line
    assert doctest.testmod(import_module(name)).failed == 0
