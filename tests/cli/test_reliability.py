"""Fault injection through the public interface; the names give the rows of docs/guide/reliability.md.

Most rows are tested with the module that they concern. This file tests those that concern several modules.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.command_line import command_line, enter_work_directory, files, run, start
from support.cost import peak_memory
from support.small_result import small_model

import thermostack.mesh.memory_estimate
from thermostack import (
    ConvergenceError,
    DescriptionError,
    Layer,
    Material,
    Package,
    ResourceError,
    Stack,
    discretize,
    read_package,
    read_result,
    solve_steady,
)
from thermostack.cli.main import main
from thermostack.linear.multigrid import Multigrid
from thermostack.mesh.memory_estimate import MemoryEstimate
from thermostack.package.cooling import Convection, Cooling, FaceCooling
from thermostack.package.power import Block, Power
from thermostack.units import mm, nm, um

TESTS = Path(__file__).parents[1]
GUIDE = TESTS.parent / "docs" / "guide" / "reliability.md"

DESCRIPTION = """\
package: die
materials:
  own: {conductivity: 100 W/m/K}
stacks:
  carrier:
    size: [20 mm, 20 mm]
    layers:
      - {name: plate, thickness: 1 mm, material: own}
  die:
    on: carrier
    at: [5 mm, 5 mm]
    size: [10 mm, 10 mm]
    layers:
      - {name: active, thickness: 10 um, material: own, power: 20 W}
      - {name: bulk, thickness: 500 um, material: own}
cooling:
  top: {convection: {h: 20000 W/m2/K, ambient: 40 degC}}
  bottom: {convection: {h: 10 W/m2/K, ambient: 25 degC}}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory beside one with a description."""
    return enter_work_directory(tmp_path, monkeypatch, {"die.yaml": DESCRIPTION})


DIE_FILE = "../descriptions/die.yaml"
FAST = ["--cell", "2 mm", "--threads", "1"]


def change(old: str, new: str) -> str:
    """Return the path of the description with one text replaced."""
    assert old in DESCRIPTION
    path = Path("../descriptions/changed.yaml")
    path.write_text(DESCRIPTION.replace(old, new))
    return str(path)


# -- rows 3 to 40: unusual values and difficult descriptions --------------------------------------


def test_row_3_exponent_notation_is_a_number() -> None:
    package = read_package(change("100 W/m/K", "1e3 W/m/K"))
    assert package.materials["own"].conductivity_at(300.0) == (1000.0, 1000.0, 1000.0)


SQUARE, FAR = "{at: [1 mm, 1 mm], size: [1 mm, 1 mm]", "{at: [5 mm, 5 mm], size: [1 mm, 1 mm]"


@pytest.mark.parametrize(
    ("row", "old", "new", "words"),
    [
        (4, "100 W/m/K", "120e3 W/m/K", "a conductivity of 120000 W/m/K, outside 0.001 to 10000 W/m/K"),
        (18, "power: 20 W", f"power: {{blocks: {{a: {SQUARE}, power: 20 W}}, b: {FAR}}}}}}}",
         "block 'b' has no power, other blocks have one"),
        (27, "ambient: 40 degC", "ambient: 40 K", "40 K .* is an unusual ambient temperature"),
        (27, "ambient: 40 degC", "ambient: 450 degC", "450 degC.* is an unusual ambient temperature"),
        (30, "100 W/m/K", "{table: {temperature: [300 K, 310 K], conductivity: [9 W/m/K, 8 W/m/K]}}",
         r"is reached, own is known from 26.85 degC to 36.85 degC"),
    ],
)  # fmt: skip
def test_warnings_are_printed_and_stored_in_the_result(
    row: int, old: str, new: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["solve", change(old, new), *FAST]) == 0
    logged = capsys.readouterr().err
    assert re.search(rf"warning: .*{words}.* \[W-", logged), logged
    assert any(re.search(words, warning) for warning in read_result("die.vtkhdf").warnings)


ISLAND = """\
package: island
stacks:
  board:
    size: [20 mm, 20 mm]
    layers:
      - {name: fr4, thickness: 1 mm, material: silicon}
  air:
    on: board
    at: [0 mm, 0 mm]
    size: [20 mm, 20 mm]
    layers:
      - {name: gap, thickness: 1 mm, material: void}
  die:
    on: air
    at: [5 mm, 5 mm]
    size: [10 mm, 10 mm]
    layers:
      - {name: active, thickness: 10 um, material: silicon, power: 20 W}
      - {name: bulk, thickness: 500 um, material: silicon}
cooling:
  bottom: {convection: {h: 20000 W/m2/K, ambient: 40 degC}, on: lowest}
"""


def test_row_7_isolated_part_with_power_is_rejected(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("../descriptions/island.yaml").write_text(ISLAND)
    assert main(["solve", "../descriptions/island.yaml", *FAST]) == 2
    logged = capsys.readouterr().err
    assert "no path through solids leads from die.active, die.bulk" in logged
    assert "close the gap around it, or cool one of its faces" in logged
    assert files(here) == []


def test_row_7_isolated_part_without_power_is_omitted(here: Path) -> None:
    """Its temperature is undefined, and it does not affect the other parts."""
    path = Path("../descriptions/island.yaml")
    path.write_text(
        ISLAND.replace(", power: 20 W", "").replace("material: silicon}", "material: silicon, power: 1 W}", 1)
    )
    steady = solve_steady(discretize(read_package(path), cell=1 * mm))
    (warning,) = (text for text in steady.warnings if "island.yaml" in text)
    assert re.search(
        r"island.yaml:\d+.*no path through solids leads from die.active, die.bulk to .*removed.*W-GAP",
        warning,
    )
    assert not any(part.name.startswith("die.") for part in steady.parts)
    assert steady.heat_balance.heat_in == pytest.approx(1.0)
    assert steady.heat_balance.relative < 1e-8


def test_row_9_rounding_errors_of_positions_are_accepted() -> None:
    shifted = read_package(change("at: [5 mm, 5 mm]", "at: [10.00000000000001 mm, 5 mm]"))
    model = discretize(shifted, cell=2 * mm)
    assert model.grid.x[-1] == pytest.approx(20 * mm, rel=1e-12)
    assert not model.warnings


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("interface: {top: 1 mm2 K/W}", "touches this face"),
        ("interface: {bottom: .nan}", "nan is not a finite area resistance"),
        ("interface: {bottom: 1 K/W}", "expected an area resistance"),
    ],
    ids=["domain face", "nan", "unit"],
)
def test_row_35_invalid_interface_is_rejected(
    new: str, words: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = change("thickness: 500 um, material: own", f"thickness: 500 um, material: own, {new}")
    assert main(["solve", path, *FAST]) == 2
    logged = capsys.readouterr().err
    assert re.search(rf"changed.yaml:15:\d+: stacks.die.layers.bulk.interface.*{words}.* \[E-", logged), (
        logged
    )
    assert files(here) == []


def hard(name: str) -> Package:
    """Return a package with extreme material or cell properties."""
    plain = Material("plain", 100.0)
    heated = Power(blocks=(Block("hot", (1 * mm, 1 * mm), (2 * mm, 2 * mm), 5.0),))
    middle: dict[str, Layer] = {
        "anisotropy 1e6": Layer("odd", 100 * um, Material("odd", (1e3, 1e3, 1e-3))),
        "anisotropy across": Layer("odd", 100 * um, Material("odd", (1e-3, 1e3, 1.0))),
        "contrast 1e9": Layer("odd", 100 * um, Material("odd", 1e-7)),
        "aspect 1e5": Layer("odd", 20 * nm, Material("odd", 1.0)),
    }
    layers = (
        Layer("base", 500 * um, plain),
        middle[name],
        Layer("active", 10 * um, plain, power=heated),
        Layer("bulk", 300 * um, plain),
    )
    cooling = Cooling(top=FaceCooling(Convection(1e4, 300.0)), bottom=FaceCooling(Convection(10.0, 300.0)))
    return Package("hard", (Stack("die", (10 * mm, 10 * mm), layers),), cooling)


@pytest.mark.parametrize(
    "name", ["anisotropy 1e6", "anisotropy across", "contrast 1e9", "aspect 1e5"]
)  # fmt: skip
def test_row_34_extreme_package_agrees_with_direct_solver(name: str) -> None:
    model = discretize(hard(name), cell=2 * mm if name == "aspect 1e5" else 0.5 * mm)
    steady, direct = (solve_steady(model, method=method) for method in ("multigrid", "direct"))
    rise = direct.peak.max - 300.0
    assert abs(steady.peak.max - direct.peak.max) < 1e-5 * rise
    assert np.nanmax(np.abs(steady.field - direct.field)) < 1e-5 * rise
    assert steady.heat_balance.relative < 1e-8


def test_row_38_zero_cell_size_and_one_cell_per_layer() -> None:
    message = r'a cell size must be positive, got 0.0 m \(write a length like "0.25 mm"\)'
    with pytest.raises(DescriptionError, match=message):
        discretize(read_package(DIE_FILE), cell=0.0)
    coarse = solve_steady(discretize(read_package(DIE_FILE), cell=1.0))
    assert coarse.model.grid.cells < 100
    assert coarse.peak.error is not None
    assert coarse.peak.error > 0.0
    assert any("only one cell across: die.active; the error" in warning for warning in coarse.warnings)
    assert not any("one cell across" in warning for warning in discretize(read_package(DIE_FILE)).warnings)


def test_row_39_eight_billion_cells_are_rejected(here: Path) -> None:
    package = read_package(DIE_FILE)

    def refusal() -> None:
        with pytest.raises(
            ResourceError, match=r"GB; .* GB are available. Use cells about [\d.]+ times as large"
        ):
            discretize(package, cell=(10 * um, 10 * um, 0.75 * um))

    assert peak_memory(refusal) < 50e6
    codes: list[int] = []
    command = ["solve", DIE_FILE, "--cell", "10 um, 10 um, 0.75 um"]
    assert peak_memory(lambda: codes.append(main(command))) < 50e6
    assert codes == [4]
    assert files(here) == []


def test_row_40_close_faces_are_merged_and_power_is_conserved() -> None:
    region = "regions: {r: {at: [0.0000002 mm, 0 mm], size: [5 mm, 5 mm], material: silicon}}"
    near = read_package(change("power: 20 W", f"power: 20 W, {region}"))
    model = discretize(near, cell=2 * mm)
    assert any(
        "at x = " in warning and "merged" in warning and "[W-GRID]" in warning for warning in model.warnings
    )
    assert np.diff(model.grid.x).min() > 1 * um
    assert model.total_power == pytest.approx(20.0, rel=1e-12)
    assert model.power.sum() == pytest.approx(20.0, rel=1e-12)


# -- rows 45 to 51: hostile files -----------------------------------------------------------------


PEAK_MEMORY = """\
def peak_memory():
    rows = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(rows["VmHWM"].split()[0]) * 1024
"""
CHECK = """\
import sys
from thermostack.cli.main import main
code = main(["check", "bomb.yaml"])
print(peak_memory())
sys.exit(code)
"""


def test_row_45_alias_bomb_needs_little_memory() -> None:
    bomb = "package: x\na: &a [x, x, x, x, x, x, x, x, x]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for text in (bomb, "a: " + "[" * 3000, "a: " + "x" * 10**8):
        Path("bomb.yaml").write_text(text)
        done = subprocess.run(
            [sys.executable, "-c", PEAK_MEMORY + CHECK], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2, done.stderr
        assert int(done.stdout) < 200e6  # of which NumPy and pydantic need 75 MB
        assert "Traceback" not in done.stderr


def test_row_48_files_elsewhere_are_neither_read_nor_shown(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here.parent / "secret.csv").write_text("hunter2,hunter2\n")
    (here.parent / "descriptions" / "link.csv").symlink_to(here.parent / "secret.csv")
    (here.parent / "descriptions" / "loop.csv").symlink_to("loop.csv")
    for name in (
        "../secret.csv",
        "link.csv",
        "loop.csv",
        str(here.parent / "secret.csv"),
        "file:///etc/passwd",
    ):
        assert main(["solve", change("power: 20 W", f"power: {{floorplan: '{name}'}}")]) == 2
        logged = capsys.readouterr().err
        assert "[E-FILE]" in logged
        assert "hunter2" not in logged
        assert "root:" not in logged
    assert files(here) == []


# -- rows 61 and 62: names and environment -------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a\nb.yaml", "$(touch pwned);`touch pwned`|&.yaml", "-x.yaml", "Größe 二.yaml"]
)
def test_row_61_file_names_are_used_literally(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / name).write_text(DESCRIPTION)
    assert main(["solve", "./" + name, *FAST, "--output", "r;touch pwned"]) == 0
    assert files(here) == sorted([name, "r;touch pwned"])
    assert files(here / "r;touch pwned") == ["die.png", "die.vtkhdf"]
    (here / name).write_text(DESCRIPTION.replace("20 W", "20"))
    capsys.readouterr()
    assert main(["check", "./" + name]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "20 has no unit" in line


COMMA, NOWHERE = "de_DE.UTF-8", "/proc"
ENVIRONMENTS: dict[str, dict[str, str | None]] = {
    "decimal comma and another time": {"LC_ALL": COMMA, "LC_NUMERIC": COMMA, "TZ": "Asia/Kathmandu"},
    "plain and no home": {"LC_ALL": "C", "PYTHONUTF8": "0", "HOME": None},
    "no place to write": {"HOME": NOWHERE, "XDG_CACHE_HOME": NOWHERE, "TMPDIR": NOWHERE},
}


def test_row_62_numbers_do_not_depend_on_the_environment(here: Path) -> None:
    found = {}
    for name, changes in ENVIRONMENTS.items():
        environment = {**os.environ, **{key: value for key, value in changes.items() if value is not None}}
        for key in [key for key, value in changes.items() if value is None]:
            environment.pop(key, None)
        done = run("solve", DIE_FILE, *FAST, "--json", "--output", name, env=environment)
        assert done.returncode == 0, done.stderr
        assert files(here / name) == ["die.png", "die.vtkhdf"]
        found[name] = json.loads(done.stdout)["parts"]
    first, *others = found.values()
    assert all(parts == first for parts in others)


# -- rows 63 and 64: a full disk and an interrupt --------------------------------------------------


def test_row_63_file_size_limit_keeps_the_previous_result(here: Path) -> None:
    assert run("solve", DIE_FILE, *FAST).returncode == 0
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    for limit in (0, 20_000):
        done = run(
            "solve", DIE_FILE, "--cell", "1 mm", "--threads", "1",
            preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )  # fmt: skip
        assert done.returncode == 5, done.stderr
        assert "die.vtkhdf: File too large" in done.stderr
        assert "are needed" in done.stderr
        assert "Traceback" not in done.stderr
        assert {path.name: path.read_bytes() for path in here.iterdir()} == before


def test_row_63_deleted_output_directory_is_reported(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from thermostack import steady

    (here / "out").mkdir()
    (here / "out" / "sub").mkdir()

    def solve_and_remove(*arguments: Any, **options: Any) -> Any:
        shutil.rmtree(here / "out")
        return solve_steady(*arguments, **options)

    monkeypatch.setattr(steady, "solve_steady", solve_and_remove)
    assert main(["solve", DIE_FILE, *FAST, "--output", "out/sub"]) == 5
    assert "out/sub" in capsys.readouterr().err
    assert files(here) == []


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a coarse solution of the package, by name."""
    place = tmp_path_factory.mktemp("previous")
    done = run("solve", "cowos_s_h100", "--cell", "5 mm", "--output", str(place))
    assert done.returncode == 0
    return {path.name: path.read_bytes() for path in place.iterdir()}


@pytest.mark.parametrize(
    ("number", "stage"),
    [
        (signal.SIGINT, "building"),
        (signal.SIGHUP, "solving"),
        (signal.SIGTERM, "estimating"),
        (signal.SIGINT, "writing"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_row_64_signal_ends_a_solve_and_keeps_the_previous_result(
    number: signal.Signals, stage: str, here: Path, previous: dict[str, bytes]
) -> None:
    for name, content in previous.items():
        (here / name).write_bytes(content)
    process = start(command_line("solve", "cowos_s_h100", "--cell", "0.5 mm"), stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(stage):
            break
    time.sleep(0.05)
    process.send_signal(number)
    _, logged = process.communicate(timeout=30)
    assert process.returncode == 130
    assert logged.splitlines()[-1] == "interrupted"
    assert "Traceback" not in logged
    assert {path.name: path.read_bytes() for path in here.iterdir()} == previous


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_row_64_signal_at_any_moment_prints_one_word(seed: int, here: Path) -> None:
    """Half of the moments lie in the whole solution, half while the files are written."""
    process = start(command_line("solve", "cowos_s_h100", "--cell", "0.5 mm"), stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("writing" if seed % 2 else "reading"):
            break
    time.sleep(np.random.default_rng(seed).uniform(0.0, 1.0 if seed % 2 else 2.5))
    process.send_signal(signal.SIGINT)
    _, logged = process.communicate(timeout=30)
    assert "Traceback" not in logged
    if logged.endswith("interrupted\n"):
        assert process.returncode == 130
    else:  # the command was finished, or Python was exiting
        assert process.returncode in (0, -signal.SIGINT)
        assert files(here) == ["cowos_s_h100.png", "cowos_s_h100.vtkhdf"]


# -- memory and solver ---------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "code"), [(0.5, 0), (0.85, 0), (1.5, 4), (10.0, 4)])
def test_row_m1_insufficient_memory_is_detected_before_solving(
    share: float, code: int, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    need = MemoryEstimate(discretize(read_package(DIE_FILE), cell=1 * mm).grid, estimate=True).memory
    monkeypatch.setattr(thermostack.mesh.memory_estimate, "available_memory", lambda: int(need / share))
    assert main(["solve", DIE_FILE, "--cell", "1 mm"]) == code
    assert ("GB are available" in capsys.readouterr().err) == (code == 4)
    assert (files(here) == []) == (code == 4)


def test_row_m1_memory_limit_of_the_process_is_respected(here: Path) -> None:
    limit = 3 * 2**30
    done = run(
        "solve", DIE_FILE, "--cell", "20 um, 20 um, 20 um",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip
    assert (done.returncode, "GB are available" in done.stderr) == (4, True), done.stderr
    assert files(here) == []


BROKEN = {
    "not a number": lambda t, rng: np.full_like(t, np.nan),
    "infinite": lambda t, rng: np.full_like(t, np.inf),
    "zeros": lambda t, rng: np.zeros_like(t),
    "reversed": lambda t, rng: -t,
    "noise": lambda t, rng: rng.normal(size=t.shape),
    "the same for all": lambda t, rng: np.full_like(t, 1e30),
    "off in one cell": lambda t, rng: t * (1.0 + 1e6 * (np.arange(t.size).reshape(t.shape) == 7)),
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_row_f3_wrong_preconditioner_never_gives_a_wrong_result(
    how: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The result is correct or rejected, because the residual is computed with the operator."""
    right = solve_steady(small_model(), estimate=False)
    cycle, rng = Multigrid.cycle, np.random.default_rng(0)

    def broken(self: Multigrid) -> None:
        cycle(self)
        t = np.asarray(self.finest.t)
        with np.errstate(over="ignore", invalid="ignore"):
            t[...] = BROKEN[how](t.copy(), rng)

    monkeypatch.setattr(Multigrid, "cycle", broken)
    try:
        steady = solve_steady(small_model(), estimate=False)
    except ConvergenceError as error:
        message = str(error)
    else:
        message = ""
        assert np.nanmax(np.abs(steady.field - right.field)) < 1e-4
    assert not message or "the multigrid solver stopped at a residual of" in message
    code = main(["solve", DIE_FILE, *FAST])
    logged = capsys.readouterr().err
    assert code in (0, 3)
    assert ("the multigrid solver stopped at a residual of" in logged) == (code == 3)
    assert files(here) == ([] if code == 3 else ["die.png", "die.vtkhdf"])


def test_row_f3_false_convergence_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The true residual is computed with the operator, not taken from the iteration."""
    from thermostack.linear import multigrid

    kernels = multigrid.KERNELS[np.float32]

    class FalseConvergence(kernels.FinestLevel):  # type: ignore[misc, valid-type]
        def pcg_update(self, *arguments: Any) -> None:
            super().pcg_update(*arguments)
            square = arguments[5]
            square[:] = 0.0

    false_kernels = SimpleNamespace(**vars(kernels) | {"FinestLevel": FalseConvergence})
    right = solve_steady(small_model(), estimate=False)
    monkeypatch.setitem(multigrid.KERNELS, np.float32, false_kernels)
    try:
        steady = solve_steady(small_model(), estimate=False)
    except ConvergenceError:
        return
    assert np.nanmax(np.abs(steady.field - right.field)) < 1e-4


def test_row_r1_repeated_runs_and_thread_counts_are_bitwise_equal() -> None:
    model = discretize(read_package("cowos_s_h100"), cell=2 * mm)
    first, *others = (solve_steady(model, threads=threads) for threads in (1, 1, 2, 2))
    for other in others:
        assert other.field.tobytes() == first.field.tobytes()
        assert other.parts == first.parts
        assert other.heat_balance == first.heat_balance
        assert other.report.history == first.report.history


# -- the page ------------------------------------------------------------------------------------


def named_tests() -> list[tuple[str, str, str]]:
    """Return file, function and case of every test that the page names."""
    return re.findall(r"`(test_\w+)\.(test_\w+)(?:\[([^\]`]+)\])?`", GUIDE.read_text(encoding="utf-8"))


def test_every_test_named_on_the_page_exists() -> None:
    named = named_tests()
    assert len(named) > 60
    for file, function, case in named:
        text = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob(f"{file}.py"))
        assert f"def {function}(" in text, f"{file}.{function}"
        assert case in text, f"{file}.{function}[{case}]"


def test_page_has_every_row() -> None:
    rows = set()
    for line in GUIDE.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\| (\d+)(?: to (\d+))? \|", line):
            rows |= set(range(int(found[1]), int(found[2] or found[1]) + 1))
    assert rows == set(range(1, 67))
