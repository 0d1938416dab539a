"""The studies on the page of the guide give the tables that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.command_line import run

import thermostack as ts
from thermostack.sweeps.outputs import FACE, KEYS, QUANTITIES

PAGE = (Path(__file__).parents[2] / "docs/guide/sweeps.md").read_text(encoding="utf-8")
STUDIES = dict(re.findall(r"^```yaml title=(\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
OUTPUTS = dict(re.findall(r"^```text output=(\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_study_of_the_guide_prints_the_table_that_is_shown(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(STUDIES[name])
    done = run("sweep", name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(OUTPUTS[name])


def test_the_transient_study_of_the_guide_runs(tmp_path: Path) -> None:
    (tmp_path / "burst.yaml").write_text(STUDIES["burst.yaml"])
    result = ts.sweep(tmp_path / "burst.yaml", tmp_path / "burst.csv")
    assert result.is_ok.all()
    assert sorted(result.column("peak"), reverse=True) == result.column("peak").tolist()


def test_every_quantity_is_on_the_page() -> None:
    words = set(re.findall(r"`([a-z_]+)(?: of [A-Z /]+)?`", PAGE))
    assert set(QUANTITIES) <= words
    assert {quantity.noun for quantity in QUANTITIES.values()} >= {FACE, KEYS}
