"""The report of a sweep: made from the table alone, self-contained, with escaped names, and sortable."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.sweep_tables import SALTELLI, UNIT, study_of, table_of

import thermostack as ts
from thermostack.cli.main import main
from thermostack.sweeps.report_page import MAX_CHARTS, MAX_TABLE_ROWS, Objective, report_page, write_report
from thermostack.sweeps.svg_charts import MAX_POINTS, nice_ticks, scatter_chart

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
ATTACK = '<script>document.title="attacked"</script>'


def table(count: int = 6, attack: str = "") -> ts.SweepResult:
    """Return a grid of two axes, of which the second has labels; the last case failed."""
    h = np.repeat(np.arange(1.0, count // 2 + 1), 2)
    peak = 400.0 - 10.0 * h + np.tile([0.0, 5.0], count // 2)
    peak[-1] = np.nan
    status = np.full(count, "ok", dtype="<U8")
    status[-1] = "failed"
    columns = {
        "case": np.arange(count),
        "h": h,
        "cooler": np.tile([f"fin{attack}", "plate"], count // 2),
        "status": status,
        "peak": peak,
        "peak error": 0.01 * peak,
        "margin": 380.0 - peak,
        "balance": np.full(count, 1e-9),
        "seconds": np.full(count, 0.1),
        "version": np.full(count, "0.1.0"),
        "hash": np.full(count, "ab12"),
        "message": np.where(status == "failed", f"no result{attack}", ""),
    }
    units = dict.fromkeys(columns, "") | {"h": "kW/m2/K", "peak": "K", "peak error": "K", "margin": "K"}
    return ts.SweepResult(columns, units)


class Elements(HTMLParser):
    """The start tags of a page with their attributes, and the tags that were not closed."""

    VOID = ("meta", "rect", "line", "circle")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.found.append((tag, dict(attributes)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_well_formed_and_refers_to_no_other_file() -> None:
    page = report_page(table(), "study")
    elements = Elements(page)
    assert elements.open == []
    assert {tag for tag, _ in elements.found} >= {"svg", "table", "script", "style", "h2"}
    for tag, attributes in elements.found:
        assert not {"src", "href", "style", "onclick", "onload"} & set(attributes), tag
    assert "http://" not in page
    assert "https://" not in page


def test_policy_permits_the_own_script_and_style_alone() -> None:
    page = report_page(table(), "study")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_names_are_escaped() -> None:
    columns = {
        f"{name}{ATTACK}" if name == "h" else name: each for name, each in table(6, ATTACK).columns.items()
    }
    result = ts.SweepResult(columns, dict.fromkeys(columns, ATTACK))
    page = report_page(result, f"study{ATTACK}")
    assert ATTACK not in page
    assert page.count("<script>") == 1
    assert "&lt;script&gt;" in page
    assert Elements(page).open == []


def test_sections_follow_from_the_table() -> None:
    page = report_page(table(), "study")
    titles = re.findall("<h2>(.*?)</h2>", page)
    assert titles == ["Outputs over inputs", "Pareto front", "Worst cases", "All cases"]
    assert page.count("<svg") == 2 * 2 + 1
    assert "5 cases" not in page
    assert "6 cases, 1 failed" in page
    assert "cooler = plate" in page  # of a line over h
    assert 'class="failed"' in page


def test_a_tornado_has_bars_and_saltelli_has_indices() -> None:
    axes = {name: {"nominal": 1, "tolerance": 0.5} for name in "abc"}
    page = report_page(table_of(study_of(axes, "tornado"), {"f": lambda a, b, c: a + 5 * b - c}), "t")
    assert "<h2>One axis at a time</h2>" in page
    assert page.count('class="bar b0"') == 3 + 1
    pytest.importorskip("SALib", reason="the extra thermostack[sweep] is not installed")
    result = table_of(study_of({"a": UNIT, "b": UNIT}, {"saltelli": SALTELLI}), {"f": lambda a, b: a + b})
    page = report_page(result, "t")
    assert "<h2>Sobol indices</h2>" in page
    assert page.count('class="interval"') == 4


def test_indices_without_salib_are_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SALib.analyze", None)
    result = table_of(study_of({"a": UNIT, "b": UNIT}, {"saltelli": SALTELLI}), {"f": lambda a, b: a + b})
    assert "Sobol indices need SALib" in report_page(result, "t")


def test_objectives_choose_the_pareto_front() -> None:
    page = report_page(table(), "t", [Objective("h"), Objective("peak")])
    assert "small h and small peak" in page
    section = page[page.index("Pareto front") : page.index("Worst cases")]
    assert section.count('class="point marked"') == 3  # one for each h


def test_large_tables_are_shown_in_part() -> None:
    page = report_page(table(5000), "t")
    assert f"the first {MAX_TABLE_ROWS} of 5000 cases" in page
    assert page.count("<tr") < MAX_TABLE_ROWS + 100
    assert page.count("<circle") < 6 * MAX_POINTS
    assert MAX_CHARTS > 4


def test_a_table_without_results_has_a_page() -> None:
    result = table()
    result.columns["peak"][:] = np.nan
    result.columns["margin"][:] = np.nan
    result.columns["status"][:] = "failed"
    assert re.findall("<h2>(.*?)</h2>", report_page(result, "t")) == ["All cases"]


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (299.3, 301.1), (1e-9, 5e-9), (-3.0, 12.0), (0.0, 7e6)]
)
def test_ticks_are_inside_and_evenly_spaced(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert 3 <= len(ticks) <= 6
    assert low <= ticks[0] < ticks[-1] <= high
    np.testing.assert_allclose(np.diff(ticks), ticks[1] - ticks[0], rtol=1e-6)


def test_a_wide_range_is_logarithmic() -> None:
    x = np.array([1.0, 10.0, 100.0])
    chart = scatter_chart(x, x, ("x", "y"), np.arange(3))
    centers = [float(value) for value in re.findall(r'cx="([\d.]+)"', chart)]
    assert centers[1] - centers[0] == pytest.approx(centers[2] - centers[1], abs=0.2)


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a table as a file, in the current directory."""
    result = table()
    labels = [result.label(name) for name in result.columns]
    rows = zip(*(column.tolist() for column in result.columns.values()), strict=True)
    lines = [",".join(labels), *(",".join("" if v != v else str(v) for v in row) for row in rows)]
    path = tmp_path / "study.csv"
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    return path


def test_command_writes_the_page_of_a_table(csv: Path) -> None:
    assert main(["report", "study.csv"]) == 0
    page = (csv.parent / "study.html").read_text()
    assert "<h1>study</h1>" in page
    assert main(["report", "study.csv", "-o", "other.html", "--minimize", "h", "--maximize", "margin"]) == 0
    assert "small h and large margin" in (csv.parent / "other.html").read_text()
    ts.read_sweep("study.csv").report("third.html")
    assert (csv.parent / "third.html").read_text() == page


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["absent.csv"], 2, "No such file"),
        (["study.csv", "-o", "page.txt"], 5, "ends in .html"),
        (["study.csv", "-o", "absent/page.html"], 5, "does not exist"),
        (["study.csv", "-o", "notes.html"], 5, "is not replaced"),
        (["study.csv", "--minimize", "peek", "--minimize", "h"], 2, "did you mean peak"),
        (["study.csv", "--minimize", "peak"], 2, "1 columns, and a Pareto front has two"),
    ],
)
def test_errors_of_the_command(
    csv: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, text: str
) -> None:
    (csv.parent / "notes.html").write_text("<p>my notes</p>")
    assert main(["report", *arguments]) == code
    assert text in capsys.readouterr().err


# -- a browser ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield headless Chromium; the tests are skipped where it is not installed."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="the Python package playwright is not installed"
    )
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is not installed at {CHROMIUM} (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


def test_a_browser_shows_the_page_and_sorts_the_table(browser: Any, tmp_path: Path) -> None:
    write_report(table(6, ATTACK), tmp_path / "page.html", title="study")
    messages: list[str] = []
    requests: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((tmp_path / "page.html").as_uri())
    assert messages == []
    assert requests == [(tmp_path / "page.html").as_uri()]
    assert page.title() == "study"
    assert page.locator("svg").count() == 5
    assert page.locator("svg").first.bounding_box()["width"] > 300

    def column(n: int) -> list[str]:
        return list(page.locator(f"table.sortable tbody tr td:nth-child({n})").all_inner_texts())

    titles = page.locator("table.sortable th button")
    assert titles.nth(4).inner_text() == "peak [K]"
    assert column(1) == ["0", "1", "2", "3", "4", "5"]
    titles.nth(4).click()
    assert column(5) == ["370", "380", "385", "390", "395", ""]
    titles.nth(4).click()
    assert column(5) == ["395", "390", "385", "380", "370", ""]
    assert page.locator('th[aria-sort="descending"]').count() == 1
    titles.nth(3).click()
    assert column(4)[0] == "failed"
    page.close()
