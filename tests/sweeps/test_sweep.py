"""Sweeps: exact temperatures over the axes, rows of failed cases, tables, resumed sweeps and executors."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.slab_study import CONDUCTIVITY, POWER, STUDY, THICKNESS, H, mean, peak, slab_study, write_study

import thermostack as ts
from thermostack.errors import ArgumentError, DescriptionError, OutputError, ResultFileError, ThermostackError
from thermostack.sweeps.case_log import read_log
from thermostack.sweeps.case_solver import CaseSolver
from thermostack.sweeps.study import Study
from thermostack.sweeps.table import write_csv


def threads(count: int = 1) -> ThreadPoolExecutor:
    """Return an executor in this process, which starts at once."""
    return ThreadPoolExecutor(count)


def without_seconds(table: Path) -> list[str]:
    """Return the lines of a table without the column of the seconds."""
    lines = table.read_text().splitlines()
    column = lines[0].split(",").index("seconds [s]")
    return [",".join(line.split(",")[:column] + line.split(",")[column + 1 :]) for line in lines]


def test_temperatures_are_exact_over_all_axes(tmp_path: Path) -> None:
    axes = {
        H: {"name": "h", "from": "1 kW/m2/K", "to": "10 kW/m2/K", "steps": 3, "scale": "log"},
        THICKNESS: {"name": "t", "values": ["0.5 mm", "2 mm"]},
        CONDUCTIVITY: {"name": "k", "values": ["50 W/m/K", "400 W/m/K"]},
        POWER: {"name": "p", "from": "5 W", "to": "20 W", "steps": 2},
    }
    outputs = {
        "peak": "max of die",
        "mean": "mean of die.body",
        "rise": "peak - 298.15",
        "margin": "margin of die",
        "resistance": "resistance of die",
        "top": "heat of top",
        "power": "power",
        "celsius": {"value": "max of die", "unit": "degC"},
        "per_watt": {"value": "rise / p", "unit": "K/W"},
        "stored": "result of heat / in",
    }
    study = slab_study(tmp_path, axes=axes, outputs=outputs)
    with threads() as executor:
        result = ts.sweep(study, tmp_path / "out.csv", executor=executor)
    assert len(result) == 24
    assert result.is_ok.all()
    h, t, k, p = (result.column(name) for name in "htkp")
    exact = np.array([peak(*each) for each in zip(p, 1e3 * h, 1e-3 * t, k, strict=True)])
    exact_mean = np.array([mean(*each) for each in zip(p, 1e3 * h, 1e-3 * t, k, strict=True)])
    np.testing.assert_allclose(result.column("peak"), exact, atol=2e-5)
    error = np.abs(result.column("mean") - exact_mean)
    assert (error < result.column("mean error")).all()
    assert (result.column("mean error") < 2.0 * error).all()
    np.testing.assert_allclose(result.column("rise"), exact - 298.15, atol=2e-5)
    np.testing.assert_allclose(result.column("margin"), 358.15 - exact, atol=2e-5)
    np.testing.assert_allclose(result.column("resistance"), (exact - 298.15) / p, atol=1e-5)
    np.testing.assert_allclose(result.column("per_watt"), (exact - 298.15) / p, atol=1e-5)
    np.testing.assert_allclose(result.column("celsius"), exact - 273.15, atol=2e-5)
    for name in ("top", "power", "stored"):
        np.testing.assert_allclose(result.column(name), p, rtol=1e-6)
    assert result.column("balance").max() < 1e-6
    assert result.units["celsius"] == "degC"
    assert result.units["celsius error"] == "K"
    assert result.inputs == ["h", "t", "k", "p"]
    assert result.outputs == list(outputs)


def test_rows_are_those_of_single_solves(tmp_path: Path) -> None:
    study = Study(**slab_study(tmp_path))
    with threads() as executor:
        result = ts.sweep(study, tmp_path / "out.csv", executor=executor)
    solver = CaseSolver(study, Path())
    for n in range(2):
        overrides = {H: f"{n + 1} kW/m2/K"}
        alone = ts.solve_steady(ts.discretize(ts.read_package(tmp_path / "slab.yaml", overrides), "10 mm"))
        assert result.column("peak")[n] == alone.of("die").max
        again = solver.solve(overrides)
        assert isinstance(again, ts.SteadyResult)
        assert again.of("die").max == alone.of("die").max


def test_a_failing_case_is_a_row_and_the_sweep_continues(tmp_path: Path) -> None:
    study = slab_study(tmp_path, axes={THICKNESS: {"name": "t", "values": ["1 mm", "-1 mm", "2 mm"]}})
    with threads() as executor:
        result = ts.sweep(study, tmp_path / "out.csv", executor=executor)
    assert result.failed.tolist() == [1]
    assert "-1 mm is not greater than zero" in result.column("message")[1]
    assert np.isnan(result.column("peak")).tolist() == [False, True, False]
    assert "1 failed" in repr(result)
    assert "failed: " in result.table()


def test_an_expression_without_a_value_fails_its_case_alone(tmp_path: Path) -> None:
    axes = {POWER: {"name": "p", "values": ["0 W", "10 W"]}}
    outputs = {"peak": "max of die", "r": "(peak - 298.15) / p"}
    with threads() as executor:
        result = ts.sweep(
            slab_study(tmp_path, axes=axes, outputs=outputs), tmp_path / "o.csv", executor=executor
        )
    assert result.failed.tolist() == [0]
    assert "r" in result.column("message")[0]


def test_numbers_of_cases_are_those_of_the_design(tmp_path: Path) -> None:
    """The power varies fastest when solving, although it is the first axis; the table keeps the order."""
    axes = {POWER: {"name": "p", "values": ["5 W", "10 W"]}, THICKNESS: {"values": ["1 mm", "2 mm"]}}
    with threads() as executor:
        result = ts.sweep(slab_study(tmp_path, axes=axes), tmp_path / "out.csv", executor=executor)
    assert result.column("case").tolist() == [0, 1, 2, 3]
    assert result.column("p").tolist() == [5.0, 5.0, 10.0, 10.0]
    rows = [line.split(b" ", 1)[1] for line in (tmp_path / "out.sweeplog").read_bytes().splitlines()[1:]]
    assert [int(row[1:2]) for row in rows] == [0, 2, 1, 3]


# -- files -----------------------------------------------------------------------------------------


def test_the_table_is_derived_from_the_log_again(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    with threads() as executor:
        first = ts.sweep(file, tmp_path / "out.csv", executor=executor)
        content = (tmp_path / "out.csv").read_bytes()
        (tmp_path / "out.csv").unlink()
        calls: list[tuple[int, int, int]] = []
        again = ts.sweep(file, tmp_path / "out.csv", executor=executor, progress=lambda *n: calls.append(n))
    assert (tmp_path / "out.csv").read_bytes() == content
    assert calls == [(12, 12, 0)]
    assert write_csv(tmp_path / "out.sweeplog", tmp_path / "other.csv") == 12
    assert (tmp_path / "other.csv").read_bytes() == content
    np.testing.assert_array_equal(first.column("peak"), again.column("peak"))
    np.testing.assert_array_equal(ts.read_sweep(tmp_path / "out.sweeplog").column("h"), first.column("h"))


def test_a_log_of_another_study_is_refused(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    output = tmp_path / "out.csv"
    with threads() as executor:
        ts.sweep(file, output, executor=executor)
        file.write_text(STUDY.replace("5 W", "6 W"))
        with pytest.raises(DescriptionError, match="another study") as error:
            ts.sweep(file, output, executor=executor)
        assert error.value.diagnostics[0].code == "E-UNFINISHED"
        assert "--overwrite" in error.value.diagnostics[0].hint
        assert ts.sweep(file, output, executor=executor, overwrite=True).column("p")[0] == 6.0


def test_a_log_of_another_package_is_refused(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    with threads() as executor:
        ts.sweep(file, tmp_path / "out.csv", executor=executor)
        slab = tmp_path / "slab.yaml"
        slab.write_text(slab.read_text().replace("25 degC", "26 degC"))
        with pytest.raises(DescriptionError, match="another package"):
            ts.sweep(file, tmp_path / "out.csv", executor=executor)


def test_a_damaged_line_is_solved_again(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    log = tmp_path / "out.sweeplog"
    with threads() as executor:
        ts.sweep(file, tmp_path / "out.csv", executor=executor)
        expected = without_seconds(tmp_path / "out.csv")
        lines = log.read_bytes().splitlines(keepends=True)
        lines[3] = lines[3].replace(b'"ok"', b'"oj"')
        log.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
        calls: list[tuple[int, int, int]] = []
        ts.sweep(file, tmp_path / "out.csv", executor=executor, progress=lambda *n: calls.append(n))
    assert calls[0][0] == 10
    assert without_seconds(tmp_path / "out.csv") == expected
    assert len(log.read_bytes().splitlines()) == len(lines) + 1


@pytest.mark.parametrize("content", [b"notes\n", b"00000000 {}\n", b'12345678 {"format": "thermo"}\n'])
def test_a_file_that_is_no_log_is_kept(tmp_path: Path, content: bytes) -> None:
    file = write_study(tmp_path)
    (tmp_path / "out.sweeplog").write_bytes(content)
    with threads() as executor, pytest.raises(ResultFileError, match="is not the log of a sweep"):
        ts.sweep(file, tmp_path / "out.csv", executor=executor)
    assert (tmp_path / "out.sweeplog").read_bytes() == content
    with pytest.raises(ResultFileError):
        read_log(tmp_path / "out.sweeplog")


def test_another_table_is_not_replaced(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    (tmp_path / "out.csv").write_text("time [s],gpu [W]\n")
    with pytest.raises(OutputError, match="is not replaced"):
        ts.sweep(file, tmp_path / "out.csv")
    with pytest.raises(OutputError, match=r"\.csv"):
        ts.sweep(file, tmp_path / "out.txt")


def test_fields_of_chosen_cases_are_result_files(tmp_path: Path) -> None:
    study = slab_study(tmp_path, fields=[1])
    with threads() as executor:
        result = ts.sweep(study, tmp_path / "out.csv", executor=executor)
    assert [path.name for path in (tmp_path / "out_fields").iterdir()] == ["case_000001.vtkhdf"]
    stored = ts.read_result(tmp_path / "out_fields" / "case_000001.vtkhdf")
    assert stored.of("die").max == pytest.approx(result.column("peak")[1], abs=1e-9)


def test_parquet_has_the_columns_of_the_table(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra thermostack[sweep] is not installed")
    labels = {"thin": "1 mm", "thick": "2 mm", "wrong": "-1 mm"}
    with threads() as executor:
        result = ts.sweep(
            slab_study(tmp_path, axes={THICKNESS: {"values": labels}}),
            tmp_path / "out.csv",
            executor=executor,
            parquet=True,
        )
    again = ts.read_sweep(tmp_path / "out.parquet")
    assert list(again.columns) == list(result.columns)
    assert again.units == result.units
    for name, values in result.columns.items():
        np.testing.assert_array_equal(again.column(name), values)


def test_parquet_without_pyarrow_tells_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ThermostackError, match=r'pip install "thermostack\[sweep\]"'):
        ts.sweep(slab_study(tmp_path), tmp_path / "out.csv", parquet=True)


def test_names_that_a_spreadsheet_would_evaluate_are_escaped(tmp_path: Path) -> None:
    axes = {H: {"name": "h", "values": {"=1+1": "1 kW/m2/K", "b": "2 kW/m2/K"}}}
    with threads() as executor:
        result = ts.sweep(slab_study(tmp_path, axes=axes), tmp_path / "out.csv", executor=executor)
    assert ",'=1+1," not in (tmp_path / "out.csv").read_text().splitlines()[0]
    assert "0,'=1+1,ok" in (tmp_path / "out.csv").read_text()
    assert result.column("h").tolist() == ["=1+1", "b"]


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("absent.csv", None, "No such file"),
        ("power.csv", "time [s],gpu [W]\n0,1\n", "is not the table of a sweep"),
        ("short.csv", "case,status,message\n0,ok\n", "expected 3 cells"),
        ("empty.csv", "", "is not the table of a sweep"),
        ("absent.sweeplog", None, "No such file"),
    ],
)
def test_errors_of_reading_a_table(tmp_path: Path, name: str, content: str | None, text: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DescriptionError, match=text) as error:
        ts.read_sweep(tmp_path / name)
    assert error.value.diagnostics[0].code == "E-FILE"


# -- executors and workers ------------------------------------------------------------------------------


def test_processes_of_a_foreign_executor_give_the_same_table(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    with threads() as executor:
        ts.sweep(file, tmp_path / "one.csv", executor=executor)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        ts.sweep(file, tmp_path / "two.csv", executor=executor)
    assert without_seconds(tmp_path / "one.csv") == without_seconds(tmp_path / "two.csv")


def test_workers_give_the_same_table(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    with threads(2) as executor:
        ts.sweep(file, tmp_path / "one.csv", executor=executor)
    ts.sweep(file, tmp_path / "two.csv", workers=2)
    assert without_seconds(tmp_path / "one.csv") == without_seconds(tmp_path / "two.csv")


class LosingExecutor(ThreadPoolExecutor):
    """An executor that loses the tasks of some cases."""

    def __init__(self, lost: dict[int, int]) -> None:
        super().__init__(1)
        self.lost = lost  # number of losses that remain, by case

    def submit(self, function: Any, task: Any, cases: Any) -> Any:
        def run() -> Any:
            for case in cases:
                if self.lost.get(case.number, 0) > 0:
                    self.lost[case.number] -= 1
                    raise ConnectionError("lost")
            return function(task, cases)

        return super().submit(run)


def test_a_lost_task_is_submitted_again_once(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    with LosingExecutor({2: 1, 5: 9}) as executor:
        result = ts.sweep(file, tmp_path / "out.csv", executor=executor)
    assert result.failed.tolist() == [5]
    assert "lost 2 times" in result.column("message")[5]


def test_few_tasks_are_submitted_at_the_same_time(tmp_path: Path) -> None:
    running, most_running = 0, 0

    class Counting(ThreadPoolExecutor):
        def submit(self, *arguments: Any) -> Any:
            nonlocal running, most_running
            running += 1
            most_running = max(most_running, running)
            future = super().submit(*arguments)
            future.add_done_callback(lambda _: ended())
            return future

    def ended() -> None:
        nonlocal running
        running -= 1

    axes = {H: {"from": "1 kW/m2/K", "to": "4 kW/m2/K", "steps": 40}}
    with Counting(2) as executor:
        ts.sweep(slab_study(tmp_path, axes=axes), tmp_path / "out.csv", executor=executor)
    assert most_running <= 4


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"workers": 0}, "workers: must be from 1"),
        ({"workers": "two"}, "workers: 'two' is not a whole number"),
        ({"executor": object()}, "executor: an object of object has no method submit"),
        ({"executor": object(), "scheduler": "tcp://a"}, "scheduler: is given beside"),
        ({"progress": 3}, "progress: 3 is not a function"),
    ],
)
def test_errors_of_arguments(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ArgumentError) as error:
        ts.sweep(slab_study(tmp_path), tmp_path / "out.csv", **options)
    assert text in str(error.value)


def test_a_wrong_study_argument(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="study"):
        ts.sweep(3)  # type: ignore[arg-type]


def test_columns_have_helpful_errors(tmp_path: Path) -> None:
    with threads() as executor:
        result = ts.sweep(slab_study(tmp_path), tmp_path / "out.csv", executor=executor)
    with pytest.raises(KeyError, match="did you mean peak"):
        result.column("peek")
    assert len(repr(result).splitlines()) <= 4
    assert result._repr_html_().startswith("<table>")


def test_cases_in_a_session_agree_with_separate_ones(tmp_path: Path) -> None:
    axes = {
        H: {"name": "h", "from": "1 kW/m2/K", "to": "10 kW/m2/K", "steps": 3, "scale": "log"},
        THICKNESS: {"name": "t", "values": ["0.5 mm", "-1 mm", "0.6 mm"]},
        POWER: {"name": "p", "from": "5 W", "to": "20 W", "steps": 2},
    }
    outputs = {"peak": "max of die", "top": "heat of top"}
    study = slab_study(tmp_path, axes=axes, outputs=outputs, analysis={"steady": {"solver_error": "0.01 K"}})
    with threads() as executor:
        result = ts.sweep(study, tmp_path / "out.csv", executor=executor)
    assert result.is_ok.sum() == 12
    ok = result.is_ok
    h, t, p = (result.column(name)[ok] for name in "htp")
    exact = np.array(
        [peak(power, 1e3 * htc, 1e-3 * length) for power, htc, length in zip(p, h, t, strict=True)]
    )
    assert np.abs(result.column("peak")[ok] - exact).max() < 0.01
    assert np.abs(result.column("top")[ok] - p).max() < 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver_error": "0.1 K", "estimate": True}, "estimates no error"),
        ({"solver_error": "0.1 K", "tolerance": "1 K"}, "share a session"),
        ({"solver_error": "0.1 K", "method": "direct"}, "share a session"),
        ({"solver_error": "1 uK"}, "solver_error"),
    ],
)
def test_options_that_do_not_fit_a_session_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    study = slab_study(tmp_path, analysis={"steady": options})
    with pytest.raises(DescriptionError, match=message):
        ts.sweep(study, tmp_path / "out.csv")
