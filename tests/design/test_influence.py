"""The influence matrix: exact columns, superposition, reciprocity, heat through coolers, linearisation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.two_dies import two_die_model, two_dies

import thermostack as ts
from thermostack.design.influence import peak_warnings
from thermostack.design.source_columns import source_columns
from thermostack.errors import ArgumentError, DescriptionError, ResultFileError, UnknownNameError

TIGHT = 1e-12  # residual of the columns where exact values are compared


def slab(*, flux: float = 0.0) -> ts.Model:
    """Return a slab of 1 cm2 with a source in its second layer, cooled at both ends."""
    metal, silicon = ts.Material("metal", 200.0), ts.Material("silicon_like", 100.0)
    layers = (
        ts.Layer("plate", 2e-3, metal),
        ts.Layer("active", 1e-4, silicon, power=ts.Power(total=5.0)),
        ts.Layer("bulk", 5e-4, silicon),
    )
    stack = ts.Stack("slab", (1e-2, 1e-2), layers)
    faces = {"bottom": ts.Convection(1e4, 310.0), "top": ts.Convection(2e3, 290.0)}
    if flux:
        faces["west"] = ts.FixedFlux(flux=flux)
    package = ts.Package("slab", (stack,), ts.Cooling(**faces))
    return ts.discretize(package, cell=(5e-3, 5e-3, 5e-6))


def test_the_column_of_a_slab_has_its_closed_form() -> None:
    matrix = ts.influence(slab(), tolerance=TIGHT)
    area = 1e-4
    below = (1.0 / 1e4 + 2e-3 / 200.0) / area  # K/W, from the lower face of the source to the ambient
    above = (1.0 / 2e3 + 5e-4 / 100.0) / area
    source = 1e-4 / 100.0 / area  # K/W through the source
    # One watt in a layer of resistance r between resistances a and b: the fraction to the lower side is
    # (b + r / 2) / (a + b + r), and the mean rise of the layer that of its lower face and of a parabola.
    to_below = (above + source / 2.0) / (below + above + source)
    mean = to_below * below + source * (to_below / 2.0 - 1.0 / 6.0)
    peak = to_below * below + source * to_below**2 / 2.0
    row = matrix.resistance[matrix.outputs.index("slab.active"), 0]
    assert row == pytest.approx(mean, rel=1e-5)  # of the cells: an eighth of r over their number squared
    through = dict(zip(matrix.ambients, matrix.heat[:, 0].tolist(), strict=True))
    assert through["bottom convection"] == pytest.approx(to_below, rel=1e-6)
    reached = matrix.peak([1.0], {"bottom": 300.0, "top": 300.0})[0] - 300.0
    assert reached == pytest.approx(peak, abs=1e-4)  # temperatures in single precision


def test_ambient_weights_of_a_slab_have_their_closed_form() -> None:
    matrix = ts.influence(slab(), tolerance=TIGHT)
    below, above, source = 1.1e-4 / 1e-4, 5.05e-4 / 1e-4, 1e-6 / 1e-4
    weight = (above + source / 2.0) / (below + above + source)  # of the bottom, at the middle of the source
    row = matrix.ambient_weight[matrix.outputs.index("slab.active")]
    bottom = matrix.ambients.index("bottom convection")
    assert row[bottom] == pytest.approx(weight, rel=1e-6)
    assert matrix.ambient_weight.sum(axis=1) == pytest.approx(np.ones(len(matrix.outputs)), abs=1e-9)
    warm = matrix.temperatures([0.0], {"bottom": 320.0}) - matrix.temperatures([0.0])
    assert warm == pytest.approx(10.0 * matrix.ambient_weight[:, bottom])


def test_two_equal_dies_have_symmetric_resistances() -> None:
    matrix = ts.influence(two_die_model(), tolerance=TIGHT)
    r = matrix.source_resistance
    assert r[0, 0] == pytest.approx(r[1, 1], rel=1e-6)  # conductances have single precision
    assert r[0, 0] > r[0, 1] > 0.0


@pytest.fixture(scope="module")
def h100() -> ts.InfluenceMatrix:
    """The matrix of the reference package on coarse cells."""
    model = ts.discretize(ts.read_package("cowos_s_h100"), cell="4 mm")
    return ts.influence(model, tolerance=1e-9, check=False)


def test_the_default_tolerance_is_sufficient_for_a_tenth_of_a_millikelvin(h100: ts.InfluenceMatrix) -> None:
    assert h100.model is not None
    matrix = ts.influence(h100.model, check=False)
    assert matrix.tolerance == 1e-6
    assert matrix.iterations < h100.iterations
    powers = np.random.default_rng(7).uniform(0.0, 20.0, (20, len(matrix.sources)))
    assert np.abs(matrix.temperatures(powers) - h100.temperatures(powers)).max() < 1e-4
    assert np.abs(matrix.peak(powers) - h100.peak(powers)).max() < 2e-4
    r = matrix.source_resistance
    assert np.abs(r - r.T).max() <= 1e-6 * r.max()


def test_resistances_are_positive_and_reciprocal(h100: ts.InfluenceMatrix) -> None:
    r = h100.source_resistance
    assert (r > 0.0).all()
    assert (h100.resistance > 0.0).all()
    assert np.abs(r - r.T).max() <= 1e-8 * r.max()


def test_all_heat_of_a_source_leaves_through_the_coolers(h100: ts.InfluenceMatrix) -> None:
    assert h100.heat.sum(axis=0) == pytest.approx(np.ones(len(h100.sources)), abs=1e-8)
    assert sum(h100.heat_by_face.values()) == pytest.approx(np.ones(len(h100.sources)), abs=1e-8)
    assert sum(h100.heat_flows().values()) == pytest.approx(660.0, rel=1e-8)


def test_heat_through_a_cooler_is_the_weight_of_its_ambient(h100: ts.InfluenceMatrix) -> None:
    # Reciprocity between a source and an ambient: two independent solves.
    assert np.abs(h100.heat.T - h100.source_ambient_weight).max() < 1e-7


def test_random_powers_reproduce_the_full_solve(h100: ts.InfluenceMatrix) -> None:
    assert h100.model is not None
    frozen = h100.columns.powered_model(h100.model, h100.power)
    again = ts.solve_steady(frozen, estimate=False)
    means = {part.name: part.mean for part in again.parts}
    assert h100.temperatures() == pytest.approx([means[name] for name in h100.outputs], abs=1e-5)


@pytest.mark.parametrize("seed", [1, 2])
def test_random_powers_of_a_linear_package_reproduce_the_full_solve(seed: int) -> None:
    model = ts.discretize(linear_h100(), cell="4 mm")
    matrix = ts.influence(model, fields=True, tolerance=1e-8)
    power = np.random.default_rng(seed).uniform(0.0, 20.0, len(matrix.sources))
    full = ts.solve_steady(matrix.columns.powered_model(model, power), estimate=False)
    parts = {part.name: part for part in full.parts}
    assert matrix.temperatures(power) == pytest.approx(
        [parts[name].mean for name in matrix.outputs], abs=2e-6
    )
    inside = model.part > 0
    assert matrix.field(power)[inside] == pytest.approx(np.asarray(full.temperature)[inside], abs=1e-4)
    assert np.isnan(matrix.field(power)[~inside]).all()
    peaks = dict(zip(matrix.peaks.names, matrix.peak(power).tolist(), strict=True))
    # A vertex beside a hotter part can be hotter than the faces of a part, as of the layers below the GPU.
    assert all(parts[name].max > t - 1e-3 for name, t in peaks.items())
    for name in ("gpu.active", "hbm.west_0.core_3"):
        assert parts[name].max == pytest.approx(peaks[name], abs=1e-3)
    hottest = max(matrix.hottest(power), key=lambda each: each.max)
    assert hottest.max == pytest.approx(max(part.max for part in full.parts), abs=1e-3)


def linear_h100() -> ts.Package:
    """Return the reference package with constant conductivities."""
    package = ts.read_package("cowos_s_h100")
    values = {"silicon": 120.0, "si_itp": 130.0, "copper": 390.0}
    constant = {name: ts.Material(name, conductivity) for name, conductivity in values.items()}
    return replace(package, materials={**package.materials, **constant})


def test_the_error_at_other_powers_is_that_of_nonlinear_solves() -> None:
    model = ts.discretize(ts.read_package("fcbga"), cell="4 mm")
    matrix = ts.influence(model)
    assert matrix.linearisation is not None
    assert not matrix.is_linear
    hot = ts.solve_steady(matrix.columns.powered_model(model, 1.2 * matrix.power), estimate=False)
    means = {part.name: part.mean for part in hot.parts}
    error = np.abs(matrix.temperatures(1.2 * matrix.power) - [means[name] for name in matrix.outputs]).max()
    assert matrix.linearisation.mean_error[1.2] == pytest.approx(error)
    assert 1e-3 < matrix.linearisation.error < 1.0
    assert "-20%, +20% power" in matrix.linearised_at


def test_a_linear_package_has_no_operating_point() -> None:
    assert ts.influence(two_die_model()).linearisation is None


def test_tiles_add_to_the_layer_and_carry_its_described_power() -> None:
    model = two_die_model()
    whole, tiled = (
        ts.influence(model, tolerance=TIGHT),
        ts.influence(model, tiles={"west.active": 2}, tolerance=TIGHT),
    )
    own = [n for n, name in enumerate(tiled.sources) if "tile" in name]
    assert [tiled.sources[n] for n in own] == [
        f"west.active.tile_{x}_{y}" for y in range(2) for x in range(2)
    ]
    assert tiled.power[own] == pytest.approx(np.full(4, 0.25))
    column = whole.resistance[:, whole.sources.index("west.active")]
    assert tiled.resistance[:, own].mean(axis=1) == pytest.approx(column, rel=1e-6)
    assert tiled.temperatures() == pytest.approx(whole.temperatures(), abs=1e-6)


def test_power_of_no_named_source_is_part_of_the_constant() -> None:
    model = two_die_model()
    whole, west = ts.influence(model, tolerance=TIGHT), ts.influence(model, sources=["west"], tolerance=TIGHT)
    assert west.sources == ("west",)
    assert west.other_power == pytest.approx(1.0)
    assert west.temperatures() == pytest.approx(whole.temperatures(), abs=1e-6)
    assert sum(west.heat_flows().values()) == pytest.approx(2.0)


def test_fixed_flux_is_part_of_the_constant() -> None:
    model = slab(flux=2e4)
    matrix = ts.influence(model, tolerance=TIGHT)
    full = {part.name: part.mean for part in ts.solve_steady(model, estimate=False).parts}
    assert matrix.temperatures() == pytest.approx([full[name] for name in matrix.outputs], abs=1e-5)
    cold = matrix.temperatures([0.0]) - (matrix.ambient_weight @ matrix.ambient_temperature)
    assert (cold > 0.1).all()


def test_a_point_at_a_cell_centre_has_the_temperature_of_the_cell() -> None:
    model = two_die_model()
    grid = model.grid
    k, j, i = np.argwhere(model.part == 2)[3]
    position = tuple(
        float(axis[n]) for axis, n in ((grid.x_center, i), (grid.y_center, j), (grid.z_center, k))
    )
    matrix = ts.influence(model, outputs="west", points={"sensor": position}, tolerance=TIGHT)
    assert matrix.outputs == ("west", "sensor")
    assert matrix.kinds == ("mean", "point")
    full = ts.solve_steady(model, estimate=False)
    assert matrix.temperature("sensor") == pytest.approx(float(full.temperature[k, j, i]), abs=1e-6)


def test_several_power_vectors_give_the_rows_of_each() -> None:
    matrix = ts.influence(two_die_model())
    vectors = np.array([[1.0, 2.0], [0.0, 0.0], [3.0, -1.0]])
    assert matrix.temperatures(vectors) == pytest.approx(np.array([matrix.temperatures(v) for v in vectors]))
    assert matrix.peak(vectors) == pytest.approx(np.array([matrix.peak(v) for v in vectors]), abs=1e-3)


def test_powers_by_name_keep_the_described_power_of_others() -> None:
    matrix = ts.influence(two_die_model(), outputs=["west", "east"])
    assert matrix.power_vector({"west": "3 W"}).tolist() == [3.0, 1.0]
    assert matrix.temperatures({"west": 3.0}) == pytest.approx(matrix.temperatures([3.0, 1.0]))


def test_a_file_has_the_whole_matrix(tmp_path: Path, h100: ts.InfluenceMatrix) -> None:
    h100.save(tmp_path / "matrix.npz")
    again = ts.read_influence(tmp_path / "matrix.npz")
    power = np.linspace(0.0, 30.0, len(h100.sources))
    assert again.temperatures(power).tolist() == h100.temperatures(power).tolist()
    assert again.peak(power).tolist() == h100.peak(power).tolist()
    assert again.linearised_at == h100.linearised_at
    assert again.model is None
    h100.to_csv(tmp_path / "matrix.csv")
    rows = (tmp_path / "matrix.csv").read_text().splitlines()
    assert len(rows) == 2 + len(h100.outputs) + len(h100.ambients)
    assert "gpu.active.gpc_0 [per W]" in rows[0]
    assert h100.to_dict()["resistance"] == h100.resistance.tolist()
    assert len(repr(h100).splitlines()) <= 10


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 damaged"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "matrix.npz"
    path.write_bytes(content)
    with pytest.raises(ResultFileError, match=r"matrix\.npz"):
        ts.read_influence(path)
    with pytest.raises(ResultFileError, match="no such file"):
        ts.read_influence(tmp_path / "other.npz")


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    with pytest.raises(ResultFileError, match="no influence matrix"):
        ts.read_influence(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"sources": ["gpu"]}, UnknownNameError, "'gpu' has no heat source"),
        ({"sources": ["west", "west.active"]}, ArgumentError, "west.active and west have the source"),
        ({"outputs": ["lid"]}, UnknownNameError, "no part is named 'lid'"),
        ({"outputs": ["west", "west"]}, ArgumentError, "west is given twice"),
        ({"tiles": {"west": 4}}, UnknownNameError, "no layer with power is named 'west'"),
        ({"tiles": {"west.active": 0}}, ArgumentError, "must be from 1 to 256"),
        ({"points": {"sensor": (1.0, 1.0, 1.0)}}, ArgumentError, "is outside the body"),
        ({"tolerance": 2.0}, ArgumentError, "tolerance"),
    ],
)
def test_a_wrong_argument_names_its_remedy(
    options: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        ts.influence(two_die_model(), **options)  # type: ignore[arg-type]


def test_wrong_powers_and_ambients_are_named() -> None:
    matrix = ts.influence(two_die_model(), peaks=False)
    with pytest.raises(ArgumentError, match=r"shape \(3,\) for 2 sources"):
        matrix.temperatures([1.0, 2.0, 3.0])
    with pytest.raises(UnknownNameError, match="north"):
        matrix.temperatures({"north": 1.0})
    with pytest.raises(UnknownNameError, match="no cooler is named 'top'"):
        matrix.temperatures(None, {"top": 300.0})
    with pytest.raises(ArgumentError, match="has no peaks"):
        matrix.peak()
    with pytest.raises(ArgumentError, match="has no fields"):
        matrix.field()
    with pytest.raises(UnknownNameError, match="no output is named 'lid'"):
        matrix.temperature("lid")


def test_a_package_without_heat_source_or_cooling_is_refused() -> None:
    package = two_dies()
    cold = replace(package, stacks=package.stacks[:1])
    with pytest.raises(ArgumentError, match="no heat source"):
        ts.influence(ts.discretize(cold, cell=5e-4))
    with pytest.raises(DescriptionError, match="isolated"):
        ts.influence(ts.discretize(replace(package, cooling=ts.Cooling()), cell=5e-4))


def test_sources_of_a_powered_model_are_those_of_the_vector() -> None:
    model = two_die_model()
    powered = source_columns(model).powered_model(model, np.array([3.0, 5.0]))
    powers = dict(zip((part.name for part in powered.parts), powered.power_of_parts.tolist(), strict=True))
    assert powers["west.active"] == pytest.approx(3.0)
    assert powers["east.active"] == pytest.approx(5.0)


def test_a_peak_that_the_map_misses_is_stated_and_warned_of() -> None:
    """One name is missed by 0.3 K; with 10 K in place of it, the warning names the part and the share."""
    model = ts.discretize(ts.read_package("cowos_s_h100"), cell=4e-3)
    matrix, steady = ts.influence(model, check=False), ts.solve_steady(model, estimate=False)
    peaks = matrix.require_peaks()
    assert peaks.difference > 0.05
    for each in matrix.hottest():
        assert abs(each.max - steady.of(each.name).max) == pytest.approx(each.error, abs=1e-3)
    assert not any("superposed" in warning for warning in matrix.warnings)
    missed = replace(peaks, differences=np.where(np.arange(len(peaks.names)) == 3, 10.0, 0.0))
    (warning,) = peak_warnings(missed, matrix.power, 298.15)
    assert warning.startswith(f"{peaks.names[3]}: the superposed peak differs by 10 K")
    assert warning.endswith("[W-GRID]")


def test_differences_of_peaks_are_stored(tmp_path: Path) -> None:
    matrix = ts.influence(ts.discretize(ts.read_package("hbm3_8h"), cell=3e-3), check=False)
    matrix.save(tmp_path / "m.npz")
    same = ts.read_influence(tmp_path / "m.npz")
    assert [each.error for each in same.hottest()] == [each.error for each in matrix.hottest()]
