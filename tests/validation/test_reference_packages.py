"""Shipped packages: valid descriptions, sources, and plausible temperatures."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from thermostack import Package, SteadyResult, discretize, read_package, solve_steady
from thermostack.io.description.package_file import shipped_packages
from thermostack.units import mm

MESHES = Path(__file__).parents[2] / "meshes"
NAMES = sorted(path.stem for path in MESHES.glob("*.yaml"))

# Cells coarse enough for a test; the peak [degC] that estimates by hand and finer grids leave room for.
COARSE = {
    "cowos_s_h100": (2.0, 68.0, 78.0),
    "fcbga": (4.0, 112.0, 126.0),
    "hbm3_8h": (1.0, 80.0, 92.0),
    "mfit_16": (1.5, 172.0, 186.0),
    "v_cache": (1.0, 80.0, 92.0),
    "v_cache_unstacked": (1.0, 76.0, 88.0),
}


@cache
def solved(name: str) -> SteadyResult:
    """Return the steady result of a package on coarse cells, solved with one thread."""
    model = discretize(read_package(name), cell=COARSE[name][0] * mm)
    return solve_steady(model, estimate=False, threads=1)


def rise_of(steady: SteadyResult, part: str, ambient: float) -> float:
    return steady.of(part).max - 273.15 - ambient


def test_all_packages_are_listed_and_tested() -> None:
    assert list(shipped_packages()) == NAMES == sorted(COARSE)
    assert all(len(about) > 20 for about in shipped_packages().values())


@pytest.mark.parametrize("name", NAMES)
def test_packages_have_sources(name: str) -> None:
    package = read_package(name)
    assert package.name == name
    assert len(package.sources) >= 2
    assert f"| `{name}` |" in (MESHES / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(MESHES.glob("*.csv")), ids=lambda path: path.name)
def test_floorplans_and_traces_are_used_and_documented(path: Path) -> None:
    users = [*MESHES.glob("*.yaml"), *(MESHES.parent / "docs" / "guide").glob("*.md")]
    assert any(path.name in user.read_text(encoding="utf-8") for user in users)
    assert f"| `{path.name}` |" in (MESHES / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_default_grids_have_no_warnings(name: str) -> None:
    model = discretize(read_package(name))
    assert not model.warnings
    assert model.grid.cells < 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_peak_temperatures_are_plausible(name: str) -> None:
    steady = solved(name)
    _, low, high = COARSE[name]
    assert low < steady.peak.max - 273.15 < high
    assert steady.heat_balance.relative < 1e-8
    assert all("only one cell across" in warning for warning in steady.warnings)  # the cells here are coarse


def powers_of(package: Package) -> dict[str, float]:
    return {
        stack.name: sum(layer.power.total_power for layer in stack.layers if layer.power is not None)
        for stack in package.stacks
    }


def test_cowos_has_a_gpu_and_five_memories_of_eight_dies() -> None:
    package = read_package("cowos_s_h100")
    powers = powers_of(package)
    memories = [name for name in powers if name.startswith("hbm.")]
    assert len(memories) == 5
    assert powers["gpu"] == pytest.approx(560.0, rel=1e-12)
    assert all(powers[name] == pytest.approx(20.0, rel=1e-12) for name in memories)
    assert sum(powers.values()) == pytest.approx(660.0, rel=1e-12)
    for name in memories:
        cores = [layer for layer in package.stack(name).layers if layer.name.startswith("core_")]
        assert len(cores) == 8
        assert package.stack(name).height == pytest.approx(750e-6)  # 720 um on bumps of 30 um
    assert package.stack("gpu").height == pytest.approx(750e-6)  # level, for one flat cold plate


def test_memory_interfaces_face_the_gpu() -> None:
    steady = solved("cowos_s_h100")
    middle = 27.5 * mm
    for name in ("west_0", "west_1", "west_2", "east_0", "east_1"):
        phy = steady.of(f"hbm.{name}.base_active.phy").at[0]
        core = steady.model.package.stack(f"hbm.{name}").position
        assert core is not None
        center = core[0] + 2.5 * mm + 5.5 * mm
        assert abs(phy - middle) < abs(center - middle)


def test_gpu_and_memories_are_below_their_limits() -> None:
    steady = solved("cowos_s_h100")
    assert (steady.of("gpu").margin or -1.0) > 20.0
    assert (steady.of("hbm").margin or -1.0) > 20.0
    assert 5.0 < steady.of("gpu").max - steady.of("hbm.west_1.cap").max < 30.0


def test_cold_plate_removes_nearly_all_heat() -> None:
    balance = solved("cowos_s_h100").heat_balance
    assert balance.out["top"] > 0.99 * balance.heat_in


def test_optimistic_bump_layers_cool_the_memory() -> None:
    better = {"stacks.hbm3_8h.layers.gap.material": "hbm_gap_optimistic"}
    model = discretize(read_package("hbm3_8h", better), cell=1 * mm)
    cooler = solve_steady(model, estimate=False, threads=1)
    assert 5.0 < solved("hbm3_8h").peak.max - cooler.peak.max < 15.0


def test_resistance_of_the_package_on_a_board_is_plausible() -> None:
    theta_ja = rise_of(solved("fcbga"), "die.active", 25.0) / 10.0  # K/W
    assert 8.5 < theta_ja < 16.0
    (top,) = (each for each in solved("fcbga").model.coolers if each.name.startswith("top"))
    assert top.area > 0.9 * 101.5 * 114.5 * 1e-6  # m2: also the board around the package cools


def test_stacked_cache_raises_the_core_temperature() -> None:
    stacked, plain = solved("v_cache"), solved("v_cache_unstacked")
    for core in range(8):
        name = f"ccd.active.core_{core}"
        assert 1.0 < stacked.of(name).max - plain.of(name).max < 12.0
    assert stacked.of("ccd").max < 273.15 + 90.0


def test_chiplets_of_mfit_are_symmetric() -> None:
    steady = solved("mfit_16")
    for one, other in (("c0r0", "c3r3"), ("c0r0", "c3r0"), ("c1r0", "c0r1"), ("c1r1", "c2r2")):
        first, second = steady.of(f"chiplet.{one}.die"), steady.of(f"chiplet.{other}.die")
        assert first.max == pytest.approx(second.max, abs=1e-4)
    assert steady.of("chiplet.c1r1.die").max > steady.of("chiplet.c0r0.die").max
    # all heat leaves through two htc: the mean of each face follows from its heat rate alone
    area = (15.5 * mm) ** 2
    top = steady.heat_balance.out["top"] / (1400.0 * area) + 300.0
    assert steady.of("lid").mean == pytest.approx(top, abs=8.0)


@pytest.mark.parametrize("name", NAMES)
def test_overrides_suggested_in_package_files_exist(name: str) -> None:
    text = re.sub(r"\n\s*# ", " ", (MESHES / f"{name}.yaml").read_text(encoding="utf-8"))
    for path, value in re.findall(r"--set ([\w.]+)=('[^']*'|\S+)", text):
        read_package(name, {path: value.strip("'")})
