"""The commands packages and new: the table of shipped packages, and copies to edit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from thermostack import read_package
from thermostack.cli.main import main
from thermostack.io.description import package_summaries
from thermostack.io.description.package_file import shipped_packages
from thermostack.io.description.package_summaries import shipped_peaks
from thermostack.io.description.shipped_packages import referenced_files

README = Path(__file__).parents[2] / "meshes" / "README.md"
COUNTS = {"two": 2, "four": 4, "five": 5, "six": 6, "eight": 8, "sixteen": 16, "64": 64, "sixty-four": 64}
COUNTS |= {"thirty-six": 36}


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_packages_lists_every_shipped_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "132")
    assert main(["packages"]) == 0
    printed = capsys.readouterr().out
    for name in shipped_packages():
        assert name in printed
    for title in ("kind", "size", "dies", "power", "peak", "limit", "margin"):
        assert title in printed


def test_packages_in_json_have_the_stored_results(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["packages", "--json"]) == 0
    listed, stored = json.loads(capsys.readouterr().out), shipped_peaks()
    assert sorted(listed) == sorted(shipped_packages()) == sorted(stored)
    h100 = listed["cowos_s_h100"]
    assert h100["power"] == pytest.approx(660.0)
    assert h100["dies"] == 1 + 5 * 9
    assert h100["size"][:2] == pytest.approx([60e-3, 60e-3])  # of the base of its cold plate
    assert h100["peak"] == stored["cowos_s_h100"]["peak"]
    for facts in listed.values():
        assert facts["kind"]
        assert facts["about"]
        assert 0.0 <= facts["error"] <= facts["largest_error"]
        if facts["limit"] is not None:
            assert facts["margin"] <= facts["limit"] - 273.15


def test_changed_descriptions_are_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["packages", "--json"]) == 0
    stored = json.loads(capsys.readouterr().out)
    monkeypatch.setattr(package_summaries, "digest_of_descriptions", lambda directory: "of a changed file")
    assert package_summaries.stored_summaries() is None
    assert main(["packages", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == stored


def test_every_change_of_a_description_is_noticed(tmp_path: Path) -> None:
    digests = []
    for name, content in (
        ("one.yaml", b"a: 1\n"),
        ("one.yaml", b"a: 2\n"),
        ("map.csv", b"x,y\n"),
        ("map.npy", b"1\r\n"),
        ("map.npy", b"1\n"),
    ):
        (tmp_path / name).write_bytes(content)
        digests.append(package_summaries.digest_of_descriptions(tmp_path))
    (tmp_path / "map.csv").rename(tmp_path / "other.csv")
    digests.append(package_summaries.digest_of_descriptions(tmp_path))
    assert len(set(digests)) == len(digests)
    (tmp_path / "other.csv").write_bytes(b"x,y\r\n")  # line ends as version control may write them
    (tmp_path / "README.md").write_text("no description")
    assert package_summaries.digest_of_descriptions(tmp_path) == digests[-1]


def test_packages_imports_no_reader_of_descriptions() -> None:
    """The table of unchanged packages needs neither their classes nor the YAML reader."""
    program = (
        "import sys; from thermostack.cli.main import main; main(['packages']); "
        "readers = 'ruamel', 'numpy', 'thermostack.package.package'; "
        "print([name for name in readers if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_packages_of_one_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["packages", "--kind", "Memory", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"hbm3_8h", "hbm3e_12h", "hbm4_16h"} <= set(listed)
    assert all("memory" in facts["kind"] for facts in listed.values())
    assert main(["packages", "--kind", "memry"]) == 2
    message = capsys.readouterr().err
    assert "no shipped package is of the kind 'memry'" in message
    assert "silicon interposer" in message


def test_packages_are_searched(capsys: pytest.CaptureFixture[str]) -> None:
    def found(*words: str) -> set[str]:
        assert main(["packages", *words, "--json"]) == 0
        return set(json.loads(capsys.readouterr().out))

    assert found("QFN") == {"qfn_wirebond"}
    assert {"cowos_s_h100", "hbm3_8h"} <= found("hbm")
    assert {"v_cache", "xcube"} <= found("cache", "die") <= found("cache")
    assert found("hbm", "CoWoS-L", "380") == {"cowos_l_b200"}
    assert found("hbm", "--kind", "memory") == {"hbm3_8h", "hbm3e_12h", "hbm4_16h", "hbm_on_gpu"}


def test_searches_without_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["packages", "interposr"]) == 2
    assert "no package has 'interposr' in its name, kind or description (did you mean interposer" in (
        capsys.readouterr().err
    )
    assert main(["packages", "qfn", "hbm"]) == 2
    assert "each word occurs in another package: leave out one of qfn, hbm" in capsys.readouterr().err
    assert main(["packages", "--kind", "qfn"]) == 2
    assert "`thermostack packages qfn` searches descriptions too" in capsys.readouterr().err


def test_packages_show_the_error_and_the_part_of_the_limit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit may be that of another part than the hottest one."""
    stored = shipped_peaks()["sip_rf_power"]
    assert stored["limited_part"] != stored["part"]
    for columns in ("80", "132", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        assert main(["packages", "sip_rf_power"]) == 0
        printed = capsys.readouterr().out
        assert "error" in printed
        assert stored["limited_part"] in printed
        assert ("System in package" in printed) == (columns == "200")


@pytest.mark.parametrize("name", sorted(shipped_packages()))
def test_texts_about_packages_have_their_power(name: str) -> None:
    """Watts that stand alone are the total; those "of" something are of a part, so the total is no less."""
    row = re.search(rf"^\| `{name}` \|([^|]*)\|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    power = read_package(name).power
    for text in (row[1], read_package(name).about):
        for number in re.findall(r"(?<![\d.])(?<!of )(\d[\d.]*) W\b", text):
            assert float(number) == pytest.approx(power, rel=0.01)
        stated = re.findall(r"(\w+(?:-\w+)?) (?:[\w-]+ )*?of (\d[\d.]*) W\b", re.sub(r",| and ", " . ", text))
        parts = [COUNTS.get(count.lower(), 1) * float(watts) for count, watts in stated]
        assert sum(parts) <= 1.01 * power
        if re.search(r"(package|processor) of [\d.]+ W", text):
            assert sum(parts) == pytest.approx(power, rel=0.01)


def test_variants_have_measured_peaks() -> None:
    """`python benchmarks/reference_packages.py --variants --write` renews them."""
    variants = README.read_text(encoding="utf-8").partition("## Variants")[2].partition("\n## ")[0]
    rows = [line for line in variants.splitlines() if "`thermostack solve " in line]
    assert rows
    assert all(re.match(r"\| [^|]+ \| [\d.]+ degC \+- [\d.]+ K \| `", row) for row in rows)


def test_packages_in_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["packages"]) == 0
    printed = capsys.readouterr().out
    assert max(len(line) for line in printed.splitlines()) <= 80
    assert all(name in printed for name in shipped_packages())


@pytest.mark.parametrize("source", sorted(shipped_packages()))
def test_a_copy_is_the_same_package(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine", "--from", source]) == 0
    copy, original = read_package("mine.yaml"), read_package(source)
    assert copy.name == "mine"
    assert copy.about == f"from {source}, edit this line"
    assert f"# {source}: {original.about}" in Path("mine.yaml").read_text()
    assert (copy.stacks, copy.cooling, copy.links) == (original.stacks, original.cooling, original.links)
    assert "mine.yaml written" in capsys.readouterr().err


def test_a_copy_has_the_comments_and_the_floorplans(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine", "--from", "cowos_s_h100"]) == 0
    assert "# assumed" in Path("mine.yaml").read_text()
    assert Path("h100_gpu.csv").exists()
    assert "thermostack check mine.yaml" in capsys.readouterr().err
    assert main(["check", "mine.yaml"]) == 0


def test_existing_files_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    Path("h100_gpu.csv").write_text("mine")
    assert main(["new", "mine", "--from", "cowos_s_h100"]) == 5
    message = capsys.readouterr().err
    assert message.startswith("h100_gpu.csv exists already (")
    assert "--overwrite" in message
    assert Path("h100_gpu.csv").read_text() == "mine"
    assert not Path("mine.yaml").exists()
    assert main(["new", "mine", "--from", "cowos_s_h100", "--overwrite"]) == 0
    assert Path("h100_gpu.csv").read_text() != "mine"


@pytest.mark.parametrize("name", ["my package", "a/b", "1st", "mine.yaml", ""])
def test_wrong_names(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", name, "--from", "fcbga"]) == 2
    assert "is not a name of letters, digits, _ and -" in capsys.readouterr().err
    assert not list(Path().iterdir())


def test_unknown_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine", "--from", "cowos_s_h10"]) == 2
    assert "did you mean cowos_s_h100" in capsys.readouterr().err
    assert main(["new", "mine"]) == 2
    assert "--from" in capsys.readouterr().err


def test_own_descriptions_are_copied_with_all_their_files(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "maps").mkdir(parents=True)
    np.save(source / "maps" / "power.npy", np.full((2, 2), 1.0))
    (source / "part.yaml").write_text("""\
package: part
stacks:
  memory:
    size: [3 mm, 3 mm]
    layers: [{name: si, thickness: 0.2 mm, material: silicon, power: {floorplan: blocks.csv}}]
cooling: {top: {convection: {h: 1 kW/m2/K, ambient: 25 degC}}}
""")
    (source / "blocks.csv").write_text("name,x [mm],y [mm],width [mm],height [mm],power [W]\na,1,1,1,1,2\n")
    (source / "all.yaml").write_text("""\
package: all
stacks:
  board:
    size: [8 mm, 8 mm]
    layers: [{name: core, thickness: 1 mm, material: fr4, power: {map: maps/power.npy, unit: W}}]
  memory: {use: part.yaml, on: board, at: [1 mm, 1 mm]}
cooling: {top: {convection: {h: 1 kW/m2/K, ambient: 25 degC}}}
""")
    assert sorted(referenced_files(source / "all.yaml")) == ["blocks.csv", "maps/power.npy", "part.yaml"]
    assert main(["new", "mine", "--from", str(source / "all.yaml")]) == 0
    assert Path("maps/power.npy").read_bytes() == (source / "maps" / "power.npy").read_bytes()
