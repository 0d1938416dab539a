"""A result comes back from its file to the last bit, opens in PyVista, and broken files are refused."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_result import small_model, small_package, small_steady

from thermostack.errors import DescriptionError, OutputError, ResultFileError
from thermostack.io.results import hdf5_arrays, hdf5_check
from thermostack.io.results.model_record import describe, input_hash
from thermostack.io.results.steady_file import read_result, result_bytes, write_result
from thermostack.io.results.summary import result_summary, table_text, write_table
from thermostack.materials.material_library import library
from thermostack.mesh.boundary_faces import BoundaryFaces
from thermostack.mesh.model import discretize
from thermostack.package.package import Package
from thermostack.results.steady_result import SteadyResult
from thermostack.steady import solve_steady

TEMPERATURE = "VTKHDF/CellData/temperature"


@pytest.fixture(scope="module")
def steady() -> SteadyResult:
    return small_steady()


@pytest.fixture(scope="module")
def image(steady: SteadyResult) -> bytes:
    return result_bytes(steady)


@pytest.fixture
def path(tmp_path: Path, image: bytes) -> Path:
    """Return a sound result file, to be spoiled."""
    (tmp_path / "result.vtkhdf").write_bytes(image)
    return tmp_path / "result.vtkhdf"


# -- there and back --------------------------------------------------------------------------


def test_result_reads_back_bit_for_bit(steady: SteadyResult, path: Path) -> None:
    back = read_result(path)
    assert back.field.tobytes() == steady.field.tobytes()
    for name in ("parts", "heat_balance", "report", "warnings", "seconds", "memory"):
        assert getattr(back, name) == getattr(steady, name)
    assert back.package == steady.package
    assert str(back.heat_balance) == str(steady.heat_balance)
    assert back.peak == steady.peak
    assert back.of("logic") == steady.of("logic")
    assert result_summary(back) == result_summary(steady)
    assert table_text(back) == table_text(steady)
    assert back.temperature.identical(steady.temperature)


def test_model_reads_back_and_solves_equally(steady: SteadyResult, path: Path) -> None:
    model, first = read_result(path).model, steady.model
    for axis in ("x", "y", "z"):
        assert np.array_equal(getattr(model.grid, axis), getattr(first.grid, axis))
    assert np.array_equal(model.part, first.part)
    assert np.array_equal(model.power, first.power)
    assert (model.blocks, model.contacts, model.warnings) == (first.blocks, first.contacts, first.warnings)
    for field in dataclasses.fields(BoundaryFaces):
        ours, theirs = getattr(model.boundary, field.name), getattr(first.boundary, field.name)
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs)
    assert model.parts == first.parts
    again = solve_steady(model, estimate=False)
    assert np.array_equal(again.field, steady.field, equal_nan=True)


def test_two_saved_files_differ_only_in_time(steady: SteadyResult) -> None:
    def without_time(content: bytes) -> dict[str, bytes]:
        with h5py.File(io.BytesIO(content)) as file:
            found = dict(hdf5_check.walk_objects(file))
            return {
                name: item[()].tobytes()
                for name, item in found.items()
                if isinstance(item, h5py.Dataset) and not name.endswith(("provenance", "part_names"))
            }

    assert without_time(result_bytes(steady)) == without_time(result_bytes(steady))


def test_field_without_estimate_reads_back(tmp_path: Path) -> None:
    plain = solve_steady(small_model(), estimate=False)
    plain.save(tmp_path / "plain.vtkhdf")
    back = read_result(tmp_path / "plain.vtkhdf")
    assert back.peak.error is None
    assert back.parts == plain.parts


def test_file_has_provenance(path: Path, steady: SteadyResult) -> None:
    with h5py.File(path) as file:
        facts = json.loads(file["thermostack/provenance"][()].tobytes())
        assert facts["input"] == input_hash(steady.model)
        assert {"thermostack", "python", "numpy", "h5py", "hdf5", "platform", "written"} < set(facts)
        assert file["thermostack"].attrs["format"] == 1
        assert "Steps" not in file["VTKHDF"]


def test_every_array_has_checksum(path: Path) -> None:
    with h5py.File(path) as file:
        for name, item in hdf5_check.walk_objects(file):
            if isinstance(item, h5py.Dataset) and item.size and not name.endswith("part_names"):
                assert item.fletcher32, name


def test_different_inputs_have_different_hashes(steady: SteadyResult) -> None:
    package = steady.package
    warmer = dataclasses.replace(package, stacks=package.stacks[:2])
    finer = discretize(package, cell=0.9e-3)
    other_map = discretize(small_package(pixels=7), grid=steady.model.grid)
    models = [steady.model, discretize(warmer, cell=1e-3), finer, other_map]
    assert len({input_hash(model) for model in models}) == 4
    assert input_hash(small_model()) == input_hash(steady.model)


def test_result_keeps_materials_of_its_solution(
    path: Path, steady: SteadyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {"silicon", "copper"} <= set(describe(steady.package)["library"])
    changed = {**library().definitions, "silicon": {"conductivity": "1 W/m/K", "source": "a later edition"}}
    monkeypatch.setattr(
        "thermostack.io.results.model_record.library",
        lambda: dataclasses.replace(library(), definitions=changed),
    )
    model = read_result(path).model
    for now, then in zip(model.parts, steady.model.parts, strict=True):
        assert now.material.conductivity_at(350.0) == then.material.conductivity_at(350.0)


# -- PyVista ---------------------------------------------------------------------------------


def test_pyvista_reads_equal_temperatures(path: Path, steady: SteadyResult) -> None:
    pyvista = pytest.importorskip("pyvista")
    grid, model = pyvista.read(path), steady.model
    assert isinstance(grid, pyvista.RectilinearGrid)
    for axis in ("x", "y", "z"):
        assert np.array_equal(getattr(grid, axis), getattr(model.grid, axis))
    cells = grid.cell_data
    assert np.array_equal(cells["temperature"].reshape(model.grid.shape), steady.field, equal_nan=True)
    assert np.array_equal(cells["part"].reshape(model.grid.shape), model.part)
    assert np.array_equal(cells["power"].reshape(model.grid.shape), model.power)
    assert list(grid.field_data["part_names"]) == ["outside", *(part.name for part in model.parts)]
    hidden = cells["vtkGhostType"].reshape(model.grid.shape) == 32
    assert np.array_equal(hidden, model.part == 0)
    assert hidden.any()


# -- writing fails ---------------------------------------------------------------------------


def test_full_disk_keeps_previous_result(path: Path, steady: SteadyResult, image: bytes) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(image) // 2, before[1]))
    try:
        with pytest.raises(OutputError, match=r"needed, .* free") as caught:
            write_result(steady, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.exit_code == 5
    assert path.read_bytes() == image
    assert os.listdir(path.parent) == [path.name]


def test_new_result_replaces_old_one(path: Path, steady: SteadyResult) -> None:
    other = dataclasses.replace(steady, warnings=("other",))
    other.save(path)
    assert read_result(path).warnings == ("other",)


# -- what is refused -------------------------------------------------------------------------

Spoil = Callable[[h5py.File], Any]


def _replace(file: h5py.File, name: str, values: Any, **options: Any) -> None:
    del file[name]
    file.create_dataset(name, data=values, **options)


def _attribute(name: str, value: Any) -> Spoil:
    return lambda file: file["thermostack"].attrs.__setitem__(name, value)


def _external(file: h5py.File) -> None:
    shape, size = file[TEMPERATURE].shape, file[TEMPERATURE].nbytes
    del file[TEMPERATURE]
    file.create_dataset(TEMPERATURE, shape, "f8", external=[("/etc/hostname", 0, size)])


def _huge(file: h5py.File) -> None:
    del file[TEMPERATURE]
    file.create_dataset(TEMPERATURE, (10**4, 10**5, 10**5), "f8", chunks=(1, 1000, 1000), compression=1)


def _large_and_empty(file: h5py.File) -> None:
    del file[TEMPERATURE]
    file.create_dataset(TEMPERATURE, (100, 100, 100), "f8", chunks=(1, 100, 100))


def _link(name: str, link: Any) -> Spoil:
    def spoil(file: h5py.File) -> None:
        del file[name]
        file[name] = link

    return spoil


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(file[TEMPERATURE].shape, "f8")
    layout[:] = h5py.VirtualSource("/etc/hostname", "data", file[TEMPERATURE].shape)
    del file[TEMPERATURE]
    file.create_virtual_dataset(TEMPERATURE, layout)


def _unknown_filter(file: h5py.File) -> None:
    values = file[TEMPERATURE][()]
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk(values.shape)
    properties.set_filter(h5py.h5z.FILTER_SCALEOFFSET, h5py.h5z.FLAG_OPTIONAL, (0, 6))
    del file[TEMPERATURE]
    space = h5py.h5s.create_simple(values.shape)
    made = h5py.h5d.create(file.id, TEMPERATURE.encode(), h5py.h5t.IEEE_F64LE, space, properties)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, values)


def _json(name: str, change: Callable[[Any], Any]) -> Spoil:
    def spoil(file: h5py.File) -> None:
        full = f"thermostack/{name}"
        value = json.loads(file[full][()].tobytes())
        value = change(value) or value
        _replace(file, full, np.frombuffer(json.dumps(value).encode(), np.uint8))

    return spoil


def _values(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Spoil:
    return lambda file: _replace(file, name, change(file[name][()]))


SPOILED: dict[str, tuple[Spoil, str]] = {
    "newer format": (
        lambda f: (_attribute("format", 2)(f), _attribute("needs", "3.1.0")(f)),
        r"written by thermostack .* newer format; .* needs thermostack >= 3\.1\.0",
    ),
    "other kind": (_attribute("kind", "transient"), "contains a transient result, not a steady result"),
    "format of a wrong type": (_attribute("format", "one"), "not a result of thermostack"),
    "no group": (lambda f: f.__delitem__("thermostack"), "not a result of thermostack"),
    "external storage": (_external, f"{TEMPERATURE} stores its values in another file"),
    "virtual dataset": (_virtual, f"{TEMPERATURE} is a virtual dataset"),
    "external link": (
        _link("thermostack/model", h5py.ExternalLink("/etc/hostname", "/")),
        "link to another file",
    ),
    "soft link": (_link("thermostack/model", h5py.SoftLink("/VTKHDF")), "thermostack/model is a soft link"),
    "soft link loop": (_link("VTKHDF/PointData", h5py.SoftLink("/VTKHDF/PointData")), "is a soft link"),
    "home is a link": (
        lambda f: (f.move("thermostack", "other"), f.__setitem__("thermostack", h5py.SoftLink("/other"))),
        "is a soft link",
    ),
    "group in itself": (lambda f: f["VTKHDF"].__setitem__("up", f["/"]), "a group inside itself"),
    "claims terabytes": (_huge, rf"{TEMPERATURE} needs 8e\+05 GB"),
    "claims what it has not": (_large_and_empty, f"{TEMPERATURE} has 0 of its 100 chunks"),
    "unknown filter": (_unknown_filter, f"{TEMPERATURE} has an unknown filter"),
    "wrong type": (
        _values(TEMPERATURE, lambda t: t.astype("f4")),
        f"{TEMPERATURE} has type float32, not float64",
    ),
    "text for numbers": (_values(TEMPERATURE, lambda t: np.bytes_(b"warm")), f"{TEMPERATURE} has type"),
    "wrong shape": (_values(TEMPERATURE, lambda t: t[:-1]), f"{TEMPERATURE} has the shape"),
    "wrong rank": (_values(TEMPERATURE, np.ravel), f"{TEMPERATURE} has the shape"),
    "no values": (_values(TEMPERATURE, lambda t: h5py.Empty("f8")), f"{TEMPERATURE} has no values"),
    "a group for an array": (
        lambda f: (f.__delitem__(TEMPERATURE), f.create_group(TEMPERATURE)),
        f"{TEMPERATURE} is not an array",
    ),
    "missing field": (lambda f: f.__delitem__(TEMPERATURE), f"{TEMPERATURE} is missing"),
    "missing planes": (lambda f: f.__delitem__("VTKHDF/XCoordinates"), "VTKHDF/XCoordinates is missing"),
    "planes that do not ascend": (_values("VTKHDF/XCoordinates", lambda x: x[::-1].copy()), "must ascend"),
    "not finite": (_values(TEMPERATURE, lambda t: t * np.inf), "must be finite in the body"),
    "unknown part": (
        _values("VTKHDF/CellData/part", lambda p: p + np.uint16(900)),
        "a part that does not exist",
    ),
    "cells outside": (
        _values("thermostack/surfaces/cell", lambda c: c + 10**6),
        "surfaces/cell has a value above",
    ),
    "surfaces of two lengths": (
        _values("thermostack/surfaces/area", lambda a: a[1:]),
        "surfaces/.* has the shape",
    ),
    "heat outside": (_values("thermostack/heating/0/shares", lambda s: np.ones(999)), "has cells"),
    "no map": (lambda f: f.__delitem__("thermostack/maps/0"), "maps/.* is missing"),
    "no JSON": (_values("thermostack/model", lambda t: t[:-9]), "thermostack/model is not JSON text"),
    "deep JSON": (
        lambda f: _replace(f, "thermostack/model", np.frombuffer(b"[" * 10**6, np.uint8)),
        "thermostack/model is not JSON text",
    ),
    "model of a wrong kind": (_json("model", lambda m: [1, 2]), "its model is not valid"),
    "other parts": (_json("model", lambda m: m.update(parts=[])), "its parts differ from those"),
    "missing fact": (_json("result", lambda r: r.pop("report") and None), "result has no field report"),
    "fact of a wrong kind": (
        _json("result", lambda r: r["report"].update(iterations="many")),
        r"result\.report\.iterations",
    ),
    "bad description": (
        _json("description", lambda d: d["package"]["stacks"]["logic"].update(size=["-1 mm", "1 mm"])),
        "description is",
    ),
    "description of nothing": (_json("description", lambda d: [0]), "is not valid"),
    "unknown key": (
        _json("description", lambda d: d["package"].update(extra=1)),
        "is not valid.*unknown key",
    ),
}


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", SPOILED)
def test_damaged_dataset_is_named(path: Path, name: str) -> None:
    spoil, message = SPOILED[name]
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(ResultFileError, match=message) as caught:
        read_result(path)
    assert caught.value.exit_code == 6
    assert str(path) in str(caught.value)
    assert Path("/etc/hostname").read_text().strip() not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be opened as HDF5"),
        (b"package: two_dies\n", "cannot be opened as HDF5"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "cannot be opened as HDF5"),
    ],
)
def test_other_files_than_hdf5_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ResultFileError, match=message):
        read_result(tmp_path / "file")


def test_missing_file_and_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="absent: there is no such file"):
        read_result(tmp_path / "absent")
    with pytest.raises(ResultFileError, match="is not a file"):
        read_result(tmp_path)
    with pytest.raises(ResultFileError, match="cannot be read"):
        read_result("a\0b")


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999999])
def test_truncated_file_is_refused(path: Path, image: bytes, share: float) -> None:
    path.write_bytes(image[: int(share * len(image))])
    with pytest.raises(ResultFileError, match=r"cannot be opened as HDF5|is damaged"):
        read_result(path)


def test_flipped_bit_in_temperatures_is_reported(path: Path) -> None:
    with h5py.File(path) as file:
        chunk = file[TEMPERATURE].id.get_chunk_info(0)
        intact = sum(isinstance(item, h5py.Dataset) for _, item in hdf5_check.walk_objects(file)) - 1
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        ResultFileError, match=f"{TEMPERATURE} is damaged: checksum of chunk 0.*{intact} datasets"
    ):
        read_result(path)


@settings(max_examples=40, deadline=None)
@given(place=st.floats(0.0, 1.0, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_detected_or_harmless(
    image: bytes, steady: SteadyResult, tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    content = bytearray(image)
    content[int(place * len(content))] ^= 1 << bit
    path = tmp_path_factory.mktemp("flipped") / "result.vtkhdf"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf5_arrays, "MIN_CHECK_SECONDS", 10.0)
        try:
            back = read_result(path)
        except ResultFileError:
            return
    assert back.field.tobytes() == steady.field.tobytes()
    assert (back.parts, back.heat_balance, back.report) == (steady.parts, steady.heat_balance, steady.report)
    assert back.package == steady.package


def test_endless_heap_is_refused_after_time_limit(
    path: Path, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 keeps no checksum of the heap of its texts, and goes round in it for ever on such a bit."""
    content = bytearray(image)
    content[image.index(b"GCOL") + 25] ^= 2  # in the size of the first text
    path.write_bytes(content)
    monkeypatch.setattr(hdf5_arrays, "MIN_CHECK_SECONDS", 2.0)
    with pytest.raises(ResultFileError, match="does not finish reading it"):
        read_result(path)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os; os.abort()", r"crashes on it \(signal 6\)"),
        ("import time; time.sleep(9)", "does not finish reading it"),
        ("raise MemoryError", r"crashes on it \(exit code 1\)"),
    ],
)
def test_crash_of_check_process_is_reported(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, message: str
) -> None:
    deadly = tmp_path / "deadly.py"
    deadly.write_text(program)
    monkeypatch.setattr(hdf5_check, "__file__", str(deadly))
    monkeypatch.setattr(hdf5_arrays, "MIN_CHECK_SECONDS", 0.5)
    with pytest.raises(ResultFileError, match=message):
        read_result(path)


def test_package_that_cannot_be_stored_is_refused(tmp_path: Path, steady: SteadyResult) -> None:
    from thermostack.materials.material_library import find_material

    package = steady.package
    blend = find_material(package.materials["vias"], own={"silicon": package.stacks[1].layers[1].material})
    layer = dataclasses.replace(package.stacks[2].layers[0], material=blend)
    memory = dataclasses.replace(package.stacks[2], layers=(layer, *package.stacks[2].layers[1:]))
    odd: Package = dataclasses.replace(package, stacks=(*package.stacks[:2], memory))
    with pytest.raises(
        OutputError, match=r"cannot be stored.*EffectiveConductivity.*give the effective medium"
    ):
        describe(odd)


# -- plain data ------------------------------------------------------------------------------


def test_keys_of_summary(steady: SteadyResult) -> None:
    summary = json.loads(json.dumps(result_summary(steady), allow_nan=False))
    assert {"package", "parts", "peak", "heat", "grid", "solver", "seconds", "memory", "warnings"} <= set(
        summary
    )
    assert summary["package"] == "two_dies"
    assert set(summary["parts"]) == {part.name for part in steady.model.parts}
    for part in summary["parts"].values():
        assert {"power", "min", "mean", "max", "error", "at"} <= set(part)
    assert sum(part["power"] for part in summary["parts"].values()) == pytest.approx(45.0)
    assert set(summary["blocks"]) == {"logic.active.core", "logic.active.io"}
    assert summary["peak"] == {
        "part": steady.peak.name,
        "temperature": steady.peak.max,
        "error": steady.peak.error,
        "at": list(steady.peak.at),
    }
    assert summary["heat"]["in"] == pytest.approx(sum(summary["heat"]["out"].values()))
    assert set(summary["heat"]["out"]) == {"top", "bottom"}
    nz, ny, nx = summary["grid"]["shape"]
    assert summary["grid"]["cells"] == nz * ny * nx > summary["grid"]["active"]
    assert {"iterations", "residual", "method"} <= set(summary["solver"])


def test_table_has_all_digits(steady: SteadyResult, tmp_path: Path) -> None:
    write_table(steady, tmp_path / "parts.csv")
    header, *rows = (tmp_path / "parts.csv").read_text().splitlines()
    assert header.startswith("part,power [W],min [K],mean [K],max [K],")
    assert len(rows) == len(steady.parts)
    for row, part in zip(rows, steady.parts, strict=True):
        name, *numbers = row.split(",")
        assert name == part.name
        assert float(numbers[3]) == part.max
        assert [number == "" for number in numbers[-4:]] == [part.limit is None] * 2 + [True] * 2


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@x", "\tx", "|x", "%x"])
def test_names_in_csv_are_not_formulas(steady: SteadyResult, name: str) -> None:
    odd = dataclasses.replace(steady, parts=(dataclasses.replace(steady.parts[0], name=name),))
    row = table_text(odd).splitlines()[1]
    assert row.lstrip('"').startswith("'" + name)


def test_check_process_imports_no_other_module() -> None:
    text = Path(hdf5_check.__file__).read_text()
    assert "import thermostack" not in text
    assert "from thermostack" not in text
    assert sys.executable
