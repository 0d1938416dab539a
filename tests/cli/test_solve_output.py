"""Output of `solve`: the table before the files, rows of some parts, no progress, no figure."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import TWO_DIES, enter_work_directory

import thermostack as ts
from thermostack.cli import timing
from thermostack.cli.main import main

TWO_DIES_FILE = "../descriptions/two_dies.yaml"
FAST = ["--cell", "1 mm", "--threads", "1"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory beside one with a description."""
    return enter_work_directory(tmp_path, monkeypatch, {"two_dies.yaml": TWO_DIES})


def rows_of(text: str) -> list[str]:
    """Return the first words of the rows of the table of temperatures."""
    table = text.split("\n\n")[1].splitlines()
    return [line.split()[0] for line in table[2:]]


def test_table_is_printed_before_the_files_are_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: dict[str, str] = {}

    def stop_writing(timer: timing.StageTimer, steady: ts.SteadyResult, path: Path) -> None:
        shown["before"] = capsys.readouterr().out
        raise ts.OutputError("the disk is full")

    monkeypatch.setattr(timing.StageTimer, "write", stop_writing)
    assert main(["solve", TWO_DIES_FILE, *FAST, "--output", "out"]) == 5
    assert "\npeak " in shown["before"]
    assert "\nsolver " in shown["before"]
    assert "the disk is full" in capsys.readouterr().err


def test_facts_of_solution_and_run_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    for options, width in ((["--no-save"], 9), (["--output", "out"], 9)):
        assert main(["solve", TWO_DIES_FILE, *FAST, *options]) == 0
        facts = capsys.readouterr().out.split("\n\n")[-1].splitlines()
        starts = {len(line) - len(line[7:].lstrip()) for line in facts if line.split()[0] in ("peak", "time")}
        assert len(starts) == 1, (options, width, facts)


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["logic.active.core"], ["logic.active.core"]),
        (["logic"], None),
        (["logic.active", "memory"], None),
    ],
)
def test_only_lists_the_rows_of_the_named_parts(
    only: list[str], expected: list[str] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [word for name in only for word in ("--only", name)]
    assert main(["solve", TWO_DIES_FILE, *FAST, "--no-save", *names]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert rows
    assert all(any(f"{row}.".startswith(f"{name}.") for name in only) for row in rows)
    assert all(any(f"{row}.".startswith(f"{name}.") for row in rows) for name in only)
    assert expected is None or rows == expected


def test_only_with_an_unknown_name_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", TWO_DIES_FILE, *FAST, "--no-save", "--only", "logc"]) == 2
    error = capsys.readouterr().err
    assert "--only: 'logc' is no stack, part or block of two_dies (did you mean logic" in error
    assert "[E-NAME]" in error


def test_quiet_prints_no_progress_but_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    limits = ["--set", "stacks.logic.limit=30 degC"]
    assert main(["solve", TWO_DIES_FILE, *FAST, "--no-save", "--quiet", *limits]) == 0
    error = capsys.readouterr().err.splitlines()
    assert error
    assert all(line.startswith("warning: ") for line in error)


def test_no_plot_writes_the_result_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", TWO_DIES_FILE, *FAST, "--no-plot"]) == 0
    assert [path.name for path in here.iterdir()] == ["two_dies.vtkhdf"]
    assert ".png" not in capsys.readouterr().out
