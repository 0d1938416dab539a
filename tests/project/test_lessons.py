"""Lessons: their scripts run, print the numbers that are shown, and write the figures that are shown."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in (ROOT / "docs" / "lessons").glob("*.md") if page.stem != "README")
RELATIVE_TOLERANCE, TOLERANCE = 0.02, 0.01  # of a number, and absolute: for changes of the grid
SCRIPT = re.compile(r"^```python lesson\n(.*?)^```\n\n^```\n(.*?)^```", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")


def test_every_lesson_is_listed() -> None:
    listed = (ROOT / "docs" / "lessons" / "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        assert f"({page.name})" in listed
        assert page.read_text(encoding="utf-8").splitlines()[0][2:] in listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_lesson_prints_what_is_shown(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    text = page.read_text(encoding="utf-8")
    ((code, shown),) = SCRIPT.findall(text)
    exec(compile(code, page.stem, "exec"), {"__name__": "lesson"})
    printed = capsys.readouterr().out
    assert NUMBER.sub("0", printed).split() == NUMBER.sub("0", shown).split()
    numbers, expected = (list(map(float, NUMBER.findall(each))) for each in (printed, shown))
    assert len(numbers) >= 4
    assert numbers == pytest.approx(expected, rel=RELATIVE_TOLERANCE, abs=TOLERANCE)
    ((picture,),) = [re.findall(r"!\[.+?\]\(\.\./pictures/(lesson_\w+\.png)\)", text)]
    assert (tmp_path / picture).stat().st_size > 5000
    assert (ROOT / "docs" / "pictures" / picture).exists()
