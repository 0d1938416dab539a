"""Links between bodies: exact heat flows and temperatures, over time, in impedances, files and estimates."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.random_packages import packages

from thermostack import (
    Convection,
    Cooling,
    DescriptionError,
    FaceCooling,
    FixedFlux,
    FixedTemperature,
    Layer,
    LinkEnd,
    Material,
    Package,
    Stack,
    ThermalLink,
    discretize,
    read_result,
    read_transient,
    solve_steady,
    solve_transient,
    thermal_impedance,
    write_package,
)
from thermostack.cli.main import main
from thermostack.io.results.history_files import write_history_csv
from thermostack.materials.temperature_laws import Linear
from thermostack.report.run_summary import run_summary, transient_summary
from thermostack.report.table_layout import as_text
from thermostack.units import mm, um

K, CAPACITY = 400.0, 2e6  # W/(m K), J/(m3 K)
METAL = Material("metal", K, volumetric_heat_capacity=CAPACITY)
LUMPED = Material("lumped", 1e5, volumetric_heat_capacity=CAPACITY)
SIDE, THICKNESS = 2 * mm, 1 * mm
G = 0.02  # W/K
WIRE = ThermalLink("wire", "one", "two", conductance=G)


def pair(
    links: tuple[ThermalLink, ...] = (WIRE,),
    material: Material = METAL,
    power: float = 0.0,
    **cooling: object,
) -> Package:
    """Return two separate blocks over an empty space, joined by links alone."""
    blocks = [
        Stack(
            name,
            (SIDE, SIDE),
            Layer("block", THICKNESS, material, power=watts or None),
            on="board",
            position=(x, 0.0),
        )
        for name, x, watts in (("one", 0.0, power), ("two", 2 * SIDE, 0.0))
    ]
    board = Stack("board", (3 * SIDE, SIDE), Layer("gap", 1 * mm, "void"))
    return Package("pair", (board, *blocks), Cooling(**cooling), links=links)  # type: ignore[arg-type]


def fixed(one: float, two: float) -> list[FaceCooling]:
    """Return fixed temperatures [K] of the two blocks."""
    return [FaceCooling(FixedTemperature(t), part=name) for name, t in (("one", one), ("two", two))]


def cooled(h: float, part: str) -> FaceCooling:
    return FaceCooling(Convection(h=h, ambient=300.0), part=part)


# -- steady ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["multigrid", "direct"])
@pytest.mark.parametrize("cell", [0.25 * mm, 1 * mm])
def test_heat_between_fixed_temperatures_is_exact(cell: float, method: str) -> None:
    """Two slabs and a link in series: q = dT / (2 L / (k A) + 1 / g)."""
    steady = solve_steady(discretize(pair(bottom=fixed(400.0, 300.0)), cell=cell), method=method)
    slab = THICKNESS / (K * SIDE**2)
    exact = 100.0 / (2.0 * slab + 1.0 / G)
    (link,) = steady.links
    assert link.heat == pytest.approx(exact, rel=1e-6)
    assert link.start_temperature == pytest.approx(400.0 - exact * slab, abs=1e-5)
    assert link.end_temperature == pytest.approx(300.0 + exact * slab, abs=1e-5)
    assert (link.name, link.start, link.end, link.conductance) == ("wire", "one", "two", pytest.approx(G))
    assert steady.heat_balance.relative < 1e-8
    assert steady.of("one").mean == pytest.approx(400.0 - 0.5 * exact * slab, abs=1e-3 * exact * slab)
    assert steady.of("one").error == pytest.approx(0.0, abs=0.05 * exact * slab)
    assert steady.of("one").min == pytest.approx(link.start_temperature, abs=1e-5)
    assert steady.of("two").max == pytest.approx(link.end_temperature, abs=1e-5)
    assert steady.at(2.5 * SIDE, 0.5 * SIDE, 2 * mm) == pytest.approx(link.end_temperature, abs=1e-5)


def test_peak_under_an_end_is_within_its_error() -> None:
    """A strap heats a small area of a board: the error covers the difference to much smaller cells."""
    board = Stack("board", (12 * mm, 8 * mm), Layer("core", 1 * mm, Material("fr4", (0.3, 0.8, 0.8))))
    die = Stack("die", (4 * mm, 4 * mm), Layer("si", 0.3 * mm, METAL, "1 W"), on="board").at(1 * mm, 2 * mm)
    pad = LinkEnd("board", (8 * mm, 3.5 * mm), (0.5 * mm, 1 * mm))
    strap = ThermalLink(
        "strap", LinkEnd("die", (3.4 * mm, 1.5 * mm), (0.4 * mm, 1 * mm)), pad, conductance=0.05
    )
    package = Package("p", (board, die), Cooling(bottom=Convection(500.0, 300.0)), links=(strap,))
    coarse, fine = (solve_steady(discretize(package, fineness=f)).of("board.core") for f in (1.0, 2.0))
    difference = abs(fine.max - coarse.max)
    assert difference < coarse.error
    assert difference < 0.02 * (fine.max - 300.0)


def test_heated_block_is_cooled_through_the_link_alone() -> None:
    package = pair(material=LUMPED, power=1.0, top=cooled(5000.0, "two"))
    steady = solve_steady(discretize(package, cell=0.5 * mm))
    assert steady.of("two").mean - 300.0 == pytest.approx(1.0 / (5000.0 * SIDE**2), rel=1e-4)
    assert steady.of("one").mean - steady.of("two").mean == pytest.approx(1.0 / G, rel=1e-4)
    assert steady.links[0].heat == pytest.approx(1.0, rel=1e-8)


def test_many_links_are_in_parallel() -> None:
    whole = solve_steady(discretize(pair(bottom=fixed(400.0, 300.0)), cell=0.5 * mm))
    count = 12  # more than the preconditioner contains
    many = tuple(replace(WIRE, name=f"wire_{n}", conductance=G / count) for n in range(count))
    steady = solve_steady(discretize(pair(many, bottom=fixed(400.0, 300.0)), cell=0.5 * mm))
    assert sum(link.heat for link in steady.links) == pytest.approx(whole.links[0].heat, rel=1e-6)
    assert steady.links[0].start_temperature == pytest.approx(whole.links[0].start_temperature, abs=1e-4)
    counted = replace(WIRE, conductance=G / count, count=count)
    again = solve_steady(discretize(pair((counted,), bottom=fixed(400.0, 300.0)), cell=0.5 * mm))
    assert again.links[0].heat == pytest.approx(whole.links[0].heat, rel=1e-12)


def slab(conductivity: float, h: float, cooler: object = None) -> Package:
    """Return a slab between two coolants, with a link from its bottom to its top."""
    stack = Stack("slab", (SIDE, SIDE), Layer("a", THICKNESS, Material("m", conductivity)))
    strap = ThermalLink("strap", LinkEnd("slab", face="bottom"), LinkEnd("slab"), conductance=G)
    cooling = Cooling(bottom=cooler or Convection(h=h, ambient=400.0), top=Convection(h=h, ambient=300.0))  # type: ignore[arg-type]
    return Package("slab", (stack,), cooling, links=(strap,))


def test_ends_on_cooled_faces_converge_or_warn() -> None:
    """The link is in parallel with the slab; where its cells are too high, a warning gives their height."""
    conductivity, h = 1.0, 1000.0
    exact = 100.0 / (1.0 / (conductivity * SIDE**2 / THICKNESS + G) + 2.0 / (h * SIDE**2))
    errors = []
    for cells in (5, 12, 24, 48):
        steady = solve_steady(
            discretize(slab(conductivity, h), cell=(SIDE, SIDE, THICKNESS / cells)), estimate=False
        )
        errors.append(abs(steady.heat_balance.out["top"] / exact - 1.0))
        is_warned = any("h dz / (2 k)" in text for text in steady.warnings)
        assert is_warned == (0.5 * h * THICKNESS / cells / conductivity > 0.05)
    assert errors[-1] < 0.02
    assert all(after < 0.6 * before for before, after in pairwise(errors))
    text = discretize(slab(conductivity, h), cell=(SIDE, SIDE, THICKNESS)).warnings[0]
    assert "links.strap.from: the face of this end is cooled" in text
    assert '--cell "slab.a.z=100 um"' in text


def test_end_between_equal_conductors_asks_for_smaller_cells() -> None:
    """Naming the part on the other side would be no remedy."""
    layers = Layer("low", THICKNESS, METAL), Layer("high", THICKNESS, METAL)
    stack = Stack("slab", (SIDE, SIDE), layers)
    strap = ThermalLink("strap", "slab.low", LinkEnd("slab.low", face="bottom"), conductance=G)
    cooling = Cooling(bottom=Convection(10.0, 400.0), top=Convection(10.0, 300.0))
    package = Package("slab", (stack,), cooling, links=(strap,))
    (text,) = (each for each in discretize(package, cell=0.5 * mm).warnings if "is covered by" in each)
    assert "covered by slab.high, which conducts 1 times as well" in text
    assert re.search(r'use smaller cells, --cell "slab\.low\.z=20 um"', text)


@pytest.mark.parametrize(("flux", "is_warned"), [(1e4, True), (10.0, False)])
def test_end_on_a_face_with_a_fixed_flux_warns(flux: float, is_warned: bool) -> None:
    """1e4 W/m2 through half a cell of 0.5 mm and 1 W/(m K) cause 2.5 K."""
    model = discretize(slab(1.0, 10.0, FixedFlux(flux)), cell=(SIDE, SIDE, 0.5 * mm))
    texts = [text for text in model.warnings if "the fixed flux through the face of this end" in text]
    assert bool(texts) == is_warned
    assert all("links.strap.from" in text and "[W-GRID]" in text for text in texts)


def test_end_on_a_covered_face_warns() -> None:
    """The bottom of mold on silicon is the top of the silicon, which is the better place of the end."""
    layers = (
        Layer("si", 0.3 * mm, Material("si", 148.0), power=1.0),
        Layer("mold", 0.5 * mm, Material("m", 0.9)),
    )
    die = Stack("die", (SIDE, SIDE), layers)
    post = Stack("post", (SIDE, SIDE), Layer("cu", 0.5 * mm, Material("cu", 390.0)))
    stacks = (Stack("board", (4 * SIDE, SIDE), Layer("b", 1 * mm, Material("b", 0.5))),)
    stacks += (replace(die, on=("board",)).at(0.0, 0.0), replace(post, on=("board",)).at(3 * SIDE, 0.0))
    cooling = Cooling(bottom=Convection(h=500.0, ambient=300.0))
    found = {}
    for name, place in {"mold": LinkEnd("die.mold", face="bottom"), "si": LinkEnd("die.si")}.items():
        link = ThermalLink("clip", place, "post", conductance=0.1)
        model = discretize(Package("p", stacks, cooling, links=(link,)))
        found[name] = [text for text in model.warnings if "is covered by die.si" in text]
        assert found[name] == [] or "{part: die.si, face: top}" in found[name][0]
    assert (len(found["mold"]), len(found["si"])) == (1, 0)


def test_end_on_a_stack_is_on_its_layers() -> None:
    """Not on its filler, its gap fill, or the stacks on it."""
    core = Layer("core", 1 * mm, Material("b", 0.5))
    board = Stack("board", (4 * SIDE, SIDE), core, filler=Material("m", 0.9))
    die = Stack("die", (SIDE, SIDE), Layer("si", 0.5 * mm, Material("si", 148.0), power=1.0), on=("board",))
    place = LinkEnd("board", position=(3 * SIDE, 0.0), size=(0.5 * SIDE, 0.5 * SIDE))
    for end in (place, LinkEnd("board")):
        link = ThermalLink("w", "die", end, conductance=0.1)
        cooling = Cooling(bottom=Convection(h=500.0, ambient=300.0))
        model = discretize(Package("p", (board, die.at(0.0, 0.0)), cooling, links=(link,)))
        (cells,) = model.link_cells
        heights = model.grid.z[np.unique(cells.end.k) + 1]
        assert heights == pytest.approx([1 * mm])


def test_end_on_a_face_of_fixed_temperature_is_refused() -> None:
    with pytest.raises(DescriptionError, match="face of fixed temperature"):
        discretize(slab(1.0, 1000.0, FixedTemperature(400.0)), cell=0.5 * mm)


def test_ends_may_be_exchanged() -> None:
    pad = LinkEnd("one", (0.1 * mm, 0.3 * mm), (0.2 * mm, 0.4 * mm))
    link = replace(WIRE, start=pad)
    model = discretize(pair((link,), power=1.0, top=cooled(5000.0, "two")), cell=0.2 * mm)
    package = pair((replace(link, start=link.end, end=link.start),), power=1.0, top=cooled(5000.0, "two"))
    first, second = solve_steady(model), solve_steady(discretize(package, cell=0.2 * mm))
    np.testing.assert_allclose(first.field, second.field, rtol=0.0, atol=1e-6)
    assert first.links[0].heat == pytest.approx(-second.links[0].heat, rel=1e-8)
    assert first.links[0].start_temperature == pytest.approx(second.links[0].end_temperature, abs=1e-6)


def test_conductor_is_evaluated_at_the_mean_temperature_of_both_ends() -> None:
    """With k linear in T the heat flow of a wire is exactly k(mean) A dT / L (Kirchhoff)."""
    alloy = Material(
        "alloy", Linear((300.0,) * 3, (-1.0,) * 3, (200.0, 500.0)), volumetric_heat_capacity=CAPACITY
    )
    link = ThermalLink("wire", "one", "two", alloy, diameter=50 * um, length=2 * mm, count=10)
    package = pair((link,), LUMPED, bottom=fixed(400.0, 300.0))
    model = discretize(package, cell=0.5 * mm)
    assert not model.is_linear
    steady = solve_steady(model)
    conductivity = float(alloy.conductivity_at(350.0)[0])
    assert conductivity != alloy.conductivity_at(300.0)[0]
    exact = 10 * conductivity * 0.25 * np.pi * (50 * um) ** 2 / (2 * mm) * 100.0
    assert steady.links[0].heat == pytest.approx(exact, rel=1e-4)
    assert not any("alloy" in text for text in steady.warnings)
    short = replace(alloy, conductivity=Linear((300.0,) * 3, (-1.0,) * 3, (200.0, 340.0)))
    warned = solve_steady(discretize(replace(package, links=(replace(link, material=short),)), cell=1 * mm))
    assert any(
        text.startswith("links.wire: 76.85 degC is reached, alloy is known") for text in warned.warnings
    )


def test_body_without_a_path_to_a_cooler_is_refused_but_with_a_link() -> None:
    package = pair(power=1.0, top=cooled(5000.0, "two"))
    assert discretize(package, cell=1 * mm).link_cells
    with pytest.raises(DescriptionError, match=r"no path through solids leads from one\.block"):
        discretize(replace(package, links=()), cell=1 * mm)
    on_one = ThermalLink(
        "strap",
        LinkEnd("one", (0.0, 0.0), (0.2 * mm, 0.2 * mm)),
        LinkEnd("one", (1 * mm, 1 * mm), (0.2 * mm, 0.2 * mm)),
        conductance=G,
    )
    with pytest.raises(DescriptionError, match="no path through solids and links"):
        discretize(replace(package, links=(on_one,)), cell=1 * mm)


# -- over time -------------------------------------------------------------------------------


def test_temperatures_of_two_lumps_are_exponentials() -> None:
    model = discretize(pair(material=LUMPED, isolated=True), cell=0.5 * mm)
    run = solve_transient(model, 1.0, initial={"one": 400.0, "two": 300.0}, tolerance=1e-3)
    capacity = CAPACITY * SIDE**2 * THICKNESS
    difference = 100.0 * np.exp(-2.0 * G / capacity * run.time)
    for name, exact in (("one", 350.0 + 0.5 * difference), ("two", 350.0 - 0.5 * difference)):
        np.testing.assert_allclose(run.of(name).mean, exact, atol=5e-3)
    np.testing.assert_allclose(run.link_heat[:, 0], G * difference, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("is_linear", [True, False])
def test_transient_ends_at_the_steady_state(is_linear: bool, tmp_path: Path) -> None:
    alloy = Material(
        "alloy", Linear((300.0,) * 3, (-1.0,) * 3, (200.0, 500.0)), volumetric_heat_capacity=CAPACITY
    )
    link = ThermalLink("wire", "one", "two", METAL if is_linear else alloy, diameter=0.3 * mm, length=1 * mm)
    model = discretize(pair((link,), power=1.0, top=cooled(5000.0, "two")), cell=0.5 * mm)
    steady = solve_steady(model)
    run = solve_transient(model, 20.0, initial=300.0, path=tmp_path / "run.vtkhdf")
    assert run.of("one").mean[-1] == pytest.approx(steady.of("one").mean, abs=0.05)
    assert run.link_heat[-1, 0] == pytest.approx(steady.links[0].heat, rel=1e-3)
    assert run.imbalance < 1e-6
    again = read_transient(tmp_path / "run.vtkhdf")
    np.testing.assert_array_equal(again.link_heat, run.link_heat)
    again.save(tmp_path / "copy.vtkhdf")
    np.testing.assert_array_equal(read_transient(tmp_path / "copy.vtkhdf").link_heat, run.link_heat)
    assert run_summary(run)["links"]["wire"]["end"] == run.link_heat[-1, 0]
    printed = as_text(transient_summary(run, {}, []), 120)
    assert re.search(r"^wire +.* W at the start, 1\.0\d* W at most", printed, re.MULTILINE), printed
    write_history_csv(run, tmp_path / "run.csv")
    assert "wire heat [W]" in (tmp_path / "run.csv").read_text().splitlines()[0]
    start = solve_transient(model, 1e-3, initial="steady")
    assert start.of("one").mean[0] == pytest.approx(steady.of("one").mean, abs=2e-3)


def test_impedance_of_two_lumps_is_exact() -> None:
    model = discretize(pair(material=LUMPED, power=1.0, top=cooled(5000.0, "two")), cell=0.5 * mm)
    time = np.geomspace(0.01, 3.0, 8)
    impedance = thermal_impedance(model, source="one", times=time, tolerance=1e-3)
    cooling, capacity = 5000.0 * SIDE**2, CAPACITY * SIDE**2 * THICKNESS
    rates, modes = np.linalg.eigh(np.array([[G, -G], [-G, G + cooling]]) / capacity)
    exact = [float((modes[0] ** 2 * -np.expm1(-rates * t) / rates).sum()) / capacity for t in time]
    np.testing.assert_allclose(impedance.zth["one"], exact, rtol=3e-3)


# -- grid ------------------------------------------------------------------------------------


def wire_bond(**pad: tuple[float, float]) -> Package:
    """Return a heated die on mold and a lead, joined by a strap between two pads of 0.3 mm."""
    silicon = Material("silicon", 120.0, volumetric_heat_capacity=1.6e6)
    mold = Material("mold", 0.8, volumetric_heat_capacity=1.8e6)
    board = Stack("board", (6 * mm, 3 * mm), Layer("mold", 0.5 * mm, mold))
    die = Stack(
        "die",
        (2 * mm, 2 * mm),
        Layer("si", 0.2 * mm, silicon, power=1.0),
        on="board",
        position=(0.5 * mm, 0.5 * mm),
    )
    lead = Stack(
        "lead", (1.5 * mm, 2 * mm), Layer("cu", 0.2 * mm, METAL), on="board", position=(4 * mm, 0.5 * mm)
    )
    strap = ThermalLink(
        "strap",
        LinkEnd("die", (1.5 * mm, 0.8 * mm), (0.3 * mm, 0.3 * mm)),
        LinkEnd("lead", (0.2 * mm, 0.8 * mm), (0.3 * mm, 0.3 * mm)),
        conductance=0.05,
    )
    return Package("wire_bond", (board, die, lead), Cooling(top=cooled(20_000.0, "lead")), links=(strap,))


def test_ends_on_pads_converge_and_the_estimate_covers_their_error() -> None:
    package = wire_bond()
    names = ("die", "lead")
    coarse = [solve_steady(discretize(package, fineness=fineness)) for fineness in (0.5, 1.0, 2.0)]
    means = np.array([[steady.of(name).mean for name in names] for steady in coarse])
    peaks = np.array([[steady.of(name).max for name in names] for steady in coarse])
    changes = np.abs(np.diff(means, axis=0))
    assert (changes[1] < 0.75 * changes[0] + 0.01).all()
    fine = solve_steady(discretize(package, fineness=4.0), estimate=False)
    for n, name in enumerate(names):
        for m, steady in list(enumerate(coarse))[1:]:  # the default grid, and a finer one
            part = steady.of(name)
            assert part.error is not None
            assert part.mean_error is not None
            true_mean, true_peak = fine.of(name).mean, fine.of(name).max
            assert abs(means[m, n] - true_mean) <= part.mean_error + 0.01
            assert abs(peaks[m, n] - true_peak) <= part.error + 0.01
    rise = [steady.links[0].start_temperature - 300.0 for steady in (*coarse, fine)]
    steps = [abs(after - before) for before, after in pairwise(rise)]
    assert steps[-1] < 0.01 * rise[-1]


# -- tables and files ------------------------------------------------------------------------


def test_heat_of_links_is_stored(tmp_path: Path) -> None:
    steady = solve_steady(discretize(wire_bond(), cell=0.5 * mm))
    steady.save(tmp_path / "s.vtkhdf")
    again = read_result(tmp_path / "s.vtkhdf")
    assert again.links == steady.links
    assert again.fluxes.conduction.links is not None


def test_commands_list_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_package(wire_bond(), "wire_bond.yaml")
    solve = ["solve", "wire_bond.yaml", "--cell", "0.5 mm", "--no-save"]
    assert main([*solve, "--json"]) == 0
    link = json.loads(capsys.readouterr().out)["links"]["strap"]
    assert (link["from"], link["to"], link["conductance"]) == ("die", "lead", pytest.approx(0.05))
    assert link["heat"] == pytest.approx(0.05 * (link["from_temperature"] - link["to_temperature"]))
    assert main(solve) == 0
    printed = capsys.readouterr().out
    assert re.search(rf"^links +strap +{link['heat']:.3g}\d* W from die at", printed, re.MULTILINE), printed
    assert main(["check", "wire_bond.yaml"]) == 0
    assert "link strap: die to lead, 50 mW/K" in capsys.readouterr().out
    assert main(["check", "wire_bond.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["links"]["strap"]["areas"] == pytest.approx([9e-8, 9e-8])


# -- random packages -------------------------------------------------------------------------


@st.composite
def linked_packages(draw: st.DrawFn) -> Package:
    """Return a random package with up to three links between faces of its stacks."""
    package = draw(packages())
    names = [stack.name for stack in package.stacks]
    links = []
    for n in range(draw(st.integers(1, 3))):
        one, other = (draw(st.sampled_from(names)) for _ in range(2))
        faces = draw(st.sampled_from(["top", "bottom"])), draw(st.sampled_from(["top", "bottom"]))
        ends = [LinkEnd(name, face=face) for name, face in zip((one, other), faces, strict=True)]
        links.append(ThermalLink(f"link_{n}", *ends, conductance=draw(st.sampled_from([1e-4, 1e-2, 1.0]))))
    return replace(package, links=links)


@settings(max_examples=10)
@given(linked_packages())
def test_random_links_agree_with_the_direct_method_and_balance(package: Package) -> None:
    try:
        model = discretize(package, cell=(1 * mm, 1 * mm, 0.2 * mm))
    except DescriptionError as error:  # a stack may be covered completely, or its face be held
        assume(not re.search("has no cells|in the same place|fixed temperature", str(error)))
        raise
    steady = solve_steady(model, residual=1e-10)
    direct = solve_steady(model, residual=1e-10, method="direct", estimate=False)
    scale = max(float(np.nanmax(np.abs(direct.field - np.nanmin(direct.field)))), 1e-3)
    assert float(np.nanmax(np.abs(steady.field - direct.field))) <= 1e-5 * scale
    assert steady.heat_balance.relative <= 1e-8
    for link in steady.links:
        difference = link.start_temperature - link.end_temperature
        assert link.heat == pytest.approx(link.conductance * difference, rel=1e-6, abs=1e-9)
    errors = [part.error for part in steady.parts if part.error is not None]
    assert np.isfinite(errors).all()


def test_errors_over_time_are_covered_by_their_estimates() -> None:
    """The maximum of a short transient, and an impedance, on a coarse grid against a fine one."""
    package = wire_bond()
    coarse, fine = (discretize(package, fineness=fineness) for fineness in (0.4, 1.0))
    runs = [solve_transient(model, 0.02, initial=300.0, tolerance=0.05) for model in (coarse, fine)]
    die = runs[0].names.index("die.si")
    error = runs[0].peak_error[die]
    assert error is not None
    assert abs(runs[0].max[-1, die] - runs[1].max[-1, die]) <= error + 0.1
    times = np.geomspace(1e-2, 1.0, 3)
    rough, accurate = (thermal_impedance(model, source="die", times=times) for model in (coarse, fine))
    difference = np.abs(rough.zth["die"] - accurate.zth["die"])
    assert (difference <= rough.error_of_rise(times) + 0.01 * rough.zth["die"]).all()
