"""A transient comes back from its file, plays in VTK, and goes on where it was killed, to the last bit."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import small_series
from support.small_result import small_package
from support.small_series import (
    FRAME_TIMES,
    METADATA,
    NAMES,
    PROBES,
    FakeSimulation,
    coarse_model,
    contents,
    fake_run,
)

from thermostack.errors import DescriptionError, OutputError, ResultFileError
from thermostack.io.description.trace_files import read_trace
from thermostack.io.files.append_log import AppendLog
from thermostack.io.results import frames, hdf5_arrays, hdf5_check, hdf5_transaction
from thermostack.io.results.checkpoint_file import pack, read_checkpoint, unpack, write_checkpoint
from thermostack.io.results.history_files import write_history_csv, write_power_csv
from thermostack.io.results.steady_file import read_result
from thermostack.io.results.transient_file import read_frames, read_transient
from thermostack.io.results.transient_writer import TransientWriter, checkpoint_path, partial_path
from thermostack.mesh.model import Model, discretize

SUPPORT = Path(__file__).parents[2] / "support"
FRAMES = "VTKHDF/CellData/temperature"

OLD = b"\x89HDF\r\n\x1a\nold"  # content of an older result


class Stop(Exception):
    """Exception that ends a run before its last step."""


def stop_at(steps: int) -> Callable[[FakeSimulation], None]:
    def stop(simulation: FakeSimulation) -> None:
        if simulation.steps == steps:
            raise Stop

    return stop


@pytest.fixture(scope="module")
def model() -> Model:
    return coarse_model()


@pytest.fixture(scope="module")
def whole(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a run that nothing interrupted."""
    path = tmp_path_factory.mktemp("whole") / "run.vtkhdf"
    fake_run(path, model)
    return path


@pytest.fixture(scope="module")
def noted(model: Model) -> Any:
    """Return what the run noted, kept as it went."""

    class Kept:
        def __init__(self) -> None:
            self.rows: list[Any] = []
            self.frames: list[np.ndarray] = []

        def row(self, *values: Any) -> None:
            self.rows.append([np.array(value) for value in values])

    kept, simulation = Kept(), FakeSimulation(model)
    simulation.note(kept)  # type: ignore[arg-type]
    kept.frames.append(simulation.field)
    for until in FRAME_TIMES[1:]:
        while simulation.time < until:
            simulation.step(until)
            simulation.note(kept)  # type: ignore[arg-type]
        kept.frames.append(simulation.field)
    return kept


@pytest.fixture
def path(tmp_path: Path, whole: Path) -> Path:
    """Return a sound file, to be spoiled."""
    return Path(shutil.copy(whole, tmp_path / "run.vtkhdf"))


@pytest.fixture
def killed(tmp_path: Path, model: Model) -> Path:
    """Return the path of a run that was interrupted after two frames and several checkpoints."""
    path = tmp_path / "run.vtkhdf"
    with pytest.raises(Stop):
        fake_run(path, model, after_step=stop_at(12))
    assert partial_path(path).exists()
    return path


@pytest.fixture
def quick_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a directory in memory where there is one, for runs by the hundred."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as name:
        yield Path(name)


# -- there and back --------------------------------------------------------------------------


def test_transient_reads_back_bit_for_bit(whole: Path, model: Model, noted: Any) -> None:
    back = read_transient(whole)
    columns = [np.array(column) for column in zip(*noted.rows, strict=True)]
    ours = (back.time, back.min, back.mean, back.max, back.power)
    for one, other in zip(ours, columns[:5], strict=True):
        assert one.tobytes() == other.tobytes()
    assert list(back.probes) == list(PROBES)
    assert np.array_equal(np.column_stack(list(back.probes.values())), columns[5])
    assert back.energy.tobytes() == columns[6].tobytes()
    assert back.names == NAMES
    assert back.field.tobytes() == noted.frames[-1].tobytes()
    assert (back.throttling, back.report, back.warnings) == tuple(METADATA.values())
    assert np.array_equal(back.model.part, model.part)
    assert back.model.package == model.package


def test_frames_are_fields_at_their_times(whole: Path, noted: Any) -> None:
    times, frames = read_frames(whole)
    assert tuple(times) == FRAME_TIMES
    assert frames.shape == (4, *noted.frames[0].shape)
    for one, other in zip(frames, noted.frames, strict=True):
        assert one.dtype == np.float32
        assert np.array_equal(one, other.astype(np.float32), equal_nan=True)
    every = np.asarray(frames)
    assert np.array_equal(frames[-1], every[3], equal_nan=True)
    assert np.array_equal(frames[1:3], every[1:3], equal_nan=True)
    assert np.array_equal(frames[:, 1, 2, 3], every[:, 1, 2, 3], equal_nan=True)
    assert np.array_equal(frames[::-1, ..., 1], every[::-1, ..., 1], equal_nan=True)
    assert frames[2:2, 0].shape == every[2:2, 0].shape
    with pytest.raises(IndexError, match="there are 4 frames"):
        frames[4]


def test_run_leaves_one_file_and_replaces_older_result(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "run.vtkhdf"
    path.write_bytes(OLD)
    with pytest.raises(Stop):
        fake_run(path, model, after_step=stop_at(3))
    assert path.read_bytes() == OLD
    fake_run(path, model)
    assert os.listdir(tmp_path) == ["run.vtkhdf"]
    assert len(read_frames(path)[1]) == 4


def test_two_runs_write_equal_files(whole: Path, tmp_path: Path, model: Model) -> None:
    fake_run(tmp_path / "again.vtkhdf", model)
    assert contents(tmp_path / "again.vtkhdf") == contents(whole)


def test_every_array_has_checksum(whole: Path) -> None:
    bare = ("part_names", "CellDataOffsets/temperature")
    with h5py.File(whole) as file:
        for name, item in hdf5_check.walk_objects(file):
            if isinstance(item, h5py.Dataset) and item.size and not name.endswith(bare):
                assert item.fletcher32, name


def test_data_changed_in_place_are_in_one_page(whole: Path) -> None:
    with h5py.File(whole) as file:
        assert file["VTKHDF/Steps/CellDataOffsets/temperature"].id.get_offset() % 8 == 0


def test_file_has_provenance(whole: Path) -> None:
    with h5py.File(whole) as file:
        facts = json.loads(file["thermostack/provenance"][()].tobytes())
        assert facts["request"] == "all of it"
        assert {"thermostack", "hdf5", "input", "written"} < set(facts)
        assert file["thermostack"].attrs["kind"] == "transient"


def test_full_grid_has_no_hidden_cells(tmp_path: Path) -> None:
    package = small_package()
    board = replace(
        package, stacks=package.stacks[:1], cooling=replace(package.cooling, top=package.cooling.bottom)
    )
    model = discretize(board, cell=5e-3)
    assert model.active == model.grid.cells
    fake_run(tmp_path / "full.vtkhdf", model)
    with h5py.File(tmp_path / "full.vtkhdf") as file:
        assert "vtkGhostType" not in file["VTKHDF/CellData"]
    assert len(read_transient(tmp_path / "full.vtkhdf").frames) == 4


@pytest.mark.parametrize("times", [(), (0.0,), (0.0, 0.0), (1.0, 0.5)])
def test_at_least_two_frames_are_required(tmp_path: Path, model: Model, times: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="must be at least two"):
        TransientWriter(tmp_path / "run.vtkhdf", model, NAMES, {}, times, "")
    assert os.listdir(tmp_path) == []


def test_frames_must_be_in_order(tmp_path: Path, model: Model) -> None:
    field = FakeSimulation(model).field
    with TransientWriter(tmp_path / "run.vtkhdf", model, NAMES, {}, (0.0, 1.0), "") as writer:
        with pytest.raises(ValueError, match=r"expected a frame at 0\.0 s, got a frame at 1\.0 s"):
            writer.frame(1.0, field)
        writer.frame(0.0, field)
        writer.frame(1.0, field)
        with pytest.raises(ValueError, match="expected no frame"):
            writer.frame(2.0, field)
    assert os.listdir(tmp_path) == []


# -- VTK plays it ----------------------------------------------------------------------------


def played(path: Path) -> Iterator[tuple[float, Any]]:
    """Yield time and grid of every step, as the reader of ParaView has them."""
    pyvista = pytest.importorskip("pyvista")
    from vtkmodules.vtkIOHDF import vtkHDFReader

    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    for step in range(reader.GetNumberOfSteps()):
        reader.SetStep(step)
        reader.Update()
        yield reader.GetTimeValue(), pyvista.wrap(reader.GetOutputDataObject(0)).copy()


def test_vtk_reads_all_steps(whole: Path, model: Model, noted: Any) -> None:
    steps = list(played(whole))
    assert tuple(time for time, _ in steps) == FRAME_TIMES
    for (_, grid), field in zip(steps, noted.frames, strict=True):
        cells = {name: values.reshape(model.grid.shape) for name, values in grid.cell_data.items()}
        assert np.array_equal(cells["temperature"], field.astype(np.float32), equal_nan=True)
        assert np.array_equal(cells["part"], model.part)
        assert np.array_equal(cells["power"], model.power)
        assert np.array_equal(cells["vtkGhostType"] == 32, model.part == 0)
        for axis in ("x", "y", "z"):
            assert np.array_equal(getattr(grid, axis), getattr(model.grid, axis))
        assert list(grid.field_data["part_names"]) == ["outside", *(part.name for part in model.parts)]


def test_vtk_finds_step_by_time(whole: Path, model: Model, noted: Any) -> None:
    pytest.importorskip("pyvista")
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOHDF import vtkHDFReader

    reader = vtkHDFReader()
    reader.SetFileName(str(whole))
    reader.UpdateInformation()
    for time, field in zip(FRAME_TIMES, noted.frames, strict=True):
        reader.UpdateTimeStep(time)
        values = vtk_to_numpy(reader.GetOutputDataObject(0).GetCellData().GetArray("temperature"))
        assert np.array_equal(values.reshape(model.grid.shape), field.astype(np.float32), equal_nan=True)


def test_pyvista_reads_transient(whole: Path, model: Model, noted: Any) -> None:
    pyvista = pytest.importorskip("pyvista")
    grid = pyvista.read(whole)
    assert isinstance(grid, pyvista.RectilinearGrid)
    values = grid["temperature"].reshape(model.grid.shape)
    assert np.array_equal(values, noted.frames[0].astype(np.float32), equal_nan=True)


@pytest.mark.usefixtures("in_this_process")
def test_partial_file_can_be_read_during_run(tmp_path: Path, model: Model, noted: Any) -> None:
    seen = []

    def look(simulation: FakeSimulation) -> None:
        times, frames = read_frames(partial_path(tmp_path / "run.vtkhdf"))
        grids = list(played(partial_path(tmp_path / "run.vtkhdf")))
        assert tuple(time for time, _ in grids) == FRAME_TIMES
        for n, (time, grid) in enumerate(grids):
            values = grid["temperature"].reshape(model.grid.shape)
            if n < len(frames):
                assert time == times[n]
                assert np.array_equal(frames[n], noted.frames[n].astype(np.float32), equal_nan=True)
                assert np.array_equal(values, frames[n], equal_nan=True)
            else:
                assert np.isnan(values).all()
        seen.append(len(frames))

    fake_run(tmp_path / "run.vtkhdf", model, after_step=look)
    assert sorted(set(seen)) == [1, 2, 3, 4]


@pytest.mark.usefixtures("in_this_process")
def test_unfinished_run_is_refused(killed: Path) -> None:
    with pytest.raises(ResultFileError, match=r"2 of the 4 frames of a run that has not finished; resume"):
        read_transient(partial_path(killed))


# -- going on --------------------------------------------------------------------------------


def test_interrupted_run_is_resumed(killed: Path, model: Model, whole: Path) -> None:
    steps = []
    writer = fake_run(
        killed, model, resume=True, after_step=lambda simulation: steps.append(simulation.steps)
    )
    assert steps[0] == 11
    assert writer.resumed is not None
    assert contents(killed) == contents(whole)
    assert os.listdir(killed.parent) == ["run.vtkhdf"]


def test_run_without_resume_starts_again(killed: Path, model: Model, whole: Path) -> None:
    steps = []
    fake_run(killed, model, after_step=lambda simulation: steps.append(simulation.steps))
    assert steps[0] == 1
    assert contents(killed) == contents(whole)


def test_resume_without_files_starts_run(tmp_path: Path, model: Model, whole: Path) -> None:
    writer = fake_run(tmp_path / "run.vtkhdf", model, resume=True)
    assert writer.resumed is None
    assert contents(tmp_path / "run.vtkhdf") == contents(whole)


def test_run_without_checkpoint_leaves_no_files(tmp_path: Path, model: Model) -> None:
    with TransientWriter(tmp_path / "run.vtkhdf", model, NAMES, PROBES, FRAME_TIMES, "") as writer:
        writer.frame(0.0, FakeSimulation(model).field)
    assert os.listdir(tmp_path) == []


def test_finished_run_is_not_repeated(path: Path, model: Model) -> None:
    before = path.read_bytes()
    writer = fake_run(path, model, resume=True)
    assert writer.is_finished
    assert writer.resumed is None
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["run.vtkhdf"]
    other = fake_run(path, model, resume=True, request="something else")
    assert other.is_finished
    assert path.read_bytes() != before


def test_run_of_another_model_is_not_resumed(killed: Path) -> None:
    left = {entry.name: entry.read_bytes() for entry in killed.parent.iterdir()}
    other = discretize(small_package(pixels=7), cell=5e-3)
    with pytest.raises(
        DescriptionError, match=r"run.checkpoint: model hash mismatch.*another model"
    ) as caught:
        fake_run(killed, other, resume=True)
    assert caught.value.exit_code == 2
    with pytest.raises(DescriptionError, match=r"input hash mismatch.*loads or options"):
        fake_run(killed, coarse_model(), resume=True, request="longer")
    assert {entry.name: entry.read_bytes() for entry in killed.parent.iterdir()} == left


def test_two_runs_cannot_write_one_file(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "run.vtkhdf"

    def another(simulation: FakeSimulation) -> None:
        if simulation.steps == 3:
            for resume in (False, True):
                with pytest.raises(OutputError, match=r"run.rows: another run is writing"):
                    fake_run(path, model, resume=resume)

    fake_run(path, model, after_step=another)
    assert len(read_frames(path)[1]) == 4


def test_rows_after_checkpoint_are_removed(killed: Path, model: Model, whole: Path) -> None:
    rows = killed.with_suffix(".rows")
    content = rows.read_bytes()
    for end in (content + content[-100:], content[:-5], content + bytes(1000)):
        rows.write_bytes(end)
        copy = killed.with_name("copy")
        shutil.copytree(killed.parent, copy)
        fake_run(copy / "run.vtkhdf", model, resume=True)
        assert contents(copy / "run.vtkhdf") == contents(whole)
        shutil.rmtree(copy)


@pytest.mark.usefixtures("in_this_process")
def test_frames_after_checkpoint_are_hidden(
    tmp_path: Path, model: Model, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.vtkhdf"
    monkeypatch.setattr(small_series, "EVERY", 1000)
    with pytest.raises(Stop):
        fake_run(path, model, after_step=stop_at(12))
    assert len(read_frames(partial_path(path))[1]) == 2
    with TransientWriter(path, model, NAMES, PROBES, FRAME_TIMES, "all of it", resume=True) as writer:
        assert writer.frames == 1
        assert len(read_frames(partial_path(path))[1]) == 1
    fake_run(path, model, resume=True)
    assert contents(path) == contents(whole)


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("run.rows", lambda content: content[:200], r"run.rows: only \d of 11 rows are intact"),
        ("run.rows", lambda content: content[:999] + b"?" + content[1000:], r"only \d of 11 rows are intact"),
        ("run.rows", lambda content: b"", r"run.rows: is missing, damaged, or of another run"),
        ("run.checkpoint", lambda content: content[:-1], r"run.checkpoint: is damaged, or not a checkpoint"),
        (
            "run.checkpoint",
            lambda content: content[:999] + b"?" + content[1000:],
            r"run.checkpoint: is damaged",
        ),
        ("run.checkpoint", lambda content: b"", r"run.checkpoint: is damaged"),
        ("run.partial.vtkhdf", lambda content: b"", r"run.partial.vtkhdf: is missing or damaged"),
        ("run.partial.vtkhdf", lambda content: content[:999], r"run.partial.vtkhdf: is missing or damaged"),
    ],
)
def test_damaged_files_of_interrupted_run_are_reported(
    killed: Path, model: Model, name: str, spoil: Callable[[bytes], bytes], message: str
) -> None:
    file = killed.with_name(name)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(ResultFileError, match=message) as caught:
        fake_run(killed, model, resume=True)
    assert caught.value.exit_code == 6
    assert "start the run again" in str(caught.value)


# -- kill -9 ---------------------------------------------------------------------------------


def kill(folder: Path, *arguments: str) -> dict[str, int]:
    """Return how many runs were killed, how many of them had a checkpoint, and how many results compared."""
    command = [sys.executable, str(SUPPORT / "killed_runs.py"), arguments[0], str(folder), *arguments[1:]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def test_run_killed_at_30_random_moments_gives_equal_result(quick_disk: Path) -> None:
    counts = kill(quick_disk, "moments", "30", "1")
    assert counts["kills"] == 30
    assert counts["results"] > 0


@pytest.mark.slow
def test_run_killed_at_1000_random_moments_gives_equal_result(quick_disk: Path) -> None:
    counts = kill(quick_disk, "moments", "1000", "2")
    assert counts["kills"] == 1000
    assert counts["resumed"] > 100


def test_run_killed_at_any_system_call_gives_equal_result(quick_disk: Path) -> None:
    counts = kill(quick_disk, "calls")
    assert counts["kills"] == counts["results"] > 80
    assert counts["resumed"] > 40


# -- full disks ------------------------------------------------------------------------------


def test_too_large_result_is_refused_at_start(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "run.vtkhdf"
    path.write_bytes(OLD)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(
            OutputError, match=r"run.partial.vtkhdf: .* are needed, .* are free.*ulimit"
        ) as caught:
            fake_run(path, model)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.exit_code == 5
    assert path.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["run.vtkhdf"]


@pytest.mark.usefixtures("in_this_process")
def test_run_can_be_resumed_after_full_disk_at_any_write(
    quick_disk: Path, model: Model, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, nth = quick_disk / "run.vtkhdf", 0
    originals = {name: getattr(os, name) for name in ("write", "pwrite", "posix_fallocate")}
    expected = contents(whole)
    while True:
        nth += 1
        calls = [0]

        def failing(name: str, calls: list[int] = calls, nth: int = nth) -> Callable[..., Any]:
            def call(file: int, *arguments: Any) -> Any:
                calls[0] += 1
                if calls[0] == nth:
                    if name == "pwrite":  # a part of it finds room
                        content, place = arguments
                        originals[name](file, bytes(content)[: len(content) // 2], place)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return originals[name](file, *arguments)

            return call

        with monkeypatch.context() as patch:
            for name in originals:
                patch.setattr(os, name, failing(name))
            try:
                fake_run(path, model)
                break
            except OutputError as error:
                message, code = str(error), error.exit_code
        assert code == 5
        assert re.search(r"No space left.* needed, .* free", message)
        if checkpoint_path(path).exists():
            assert np.isfinite(read_frames(partial_path(path))[1][0]).any()
            fake_run(path, model, resume=True)
            assert contents(path) == expected
            path.unlink()
        assert os.listdir(quick_disk) == []
    assert nth > 50


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a directory on a disk of three megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("this user cannot mount a disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_disk_full_during_run(small_disk: Path, model: Model, whole: Path) -> None:
    path, filler = small_disk / "run.vtkhdf", small_disk / "filler"

    def fill_up(simulation: FakeSimulation) -> None:
        if simulation.steps == 12:
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1000))

    with pytest.raises(OutputError, match=r"No space left.* needed, .* free") as caught:
        fake_run(path, model, after_step=fill_up)
    assert caught.value.exit_code == 5
    assert len(read_frames(partial_path(path))[1]) >= 2
    filler.unlink()
    fake_run(path, model, resume=True)
    assert contents(path) == contents(whole)


def test_disk_too_small_at_start(small_disk: Path, model: Model) -> None:
    (small_disk / "filler").write_bytes(bytes(2_500_000))
    with pytest.raises(OutputError, match=r"No space left.*[\d.]+ MB are needed, [\d.]+ kB are free"):
        fake_run(small_disk / "run.vtkhdf", model)
    assert os.listdir(small_disk) == ["filler"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "name a file that ends in .vtkhdf"),
        ("absent/run.vtkhdf", "the directory .*absent does not exist"),
        ("x" * 300 + ".vtkhdf", "too long"),
        ("x" * 247 + ".vtkhdf", "too long"),
        ("a\0b.vtkhdf", "null"),
    ],
)
def test_impossible_path_is_reported_at_start(tmp_path: Path, model: Model, name: str, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        fake_run(tmp_path / name, model)
    assert os.listdir(tmp_path) == []


def test_directory_in_place_of_a_result_is_reported_at_start(tmp_path: Path, model: Model) -> None:
    (tmp_path / "run.vtkhdf").mkdir()
    with pytest.raises(OutputError, match="is a directory"):
        fake_run(tmp_path / "run.vtkhdf", model)


def test_write_protected_result_is_reported_at_start(tmp_path: Path, model: Model, monkeypatch: Any) -> None:
    (tmp_path / "run.vtkhdf").write_bytes(OLD)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match=r"run.vtkhdf: it is write-protected"):
        fake_run(tmp_path / "run.vtkhdf", model)
    assert os.listdir(tmp_path) == ["run.vtkhdf"]


# -- memory ----------------------------------------------------------------------------------


def held(key: str) -> float:
    """Return the memory this process holds now (VmRSS) or held at most (VmHWM) [bytes]."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024.0 * int(rows[key].split()[0])


@pytest.mark.slow
def test_thousand_steps_of_million_cells_need_little_memory(tmp_path: Path) -> None:
    model = discretize(small_package(), cell=(0.16e-3, 0.16e-3, 0.03e-3))
    assert model.grid.cells > 1e6
    field = np.where(model.part > 0, 300.0, np.nan)
    values, now = np.full((4, 200), 300.0), []
    with TransientWriter(
        tmp_path / "run.vtkhdf", model, ["m"] * 200, {}, np.arange(0.0, 1001.0, 20.0), ""
    ) as writer:
        for step in range(1001):
            writer.row(float(step), *values, [], np.zeros(3))
            if step % 20 == 0:
                writer.frame(float(step), field)
            if step % 100 == 0:
                writer.checkpoint({"field": field})
                now.append(held("VmRSS"))
        before = held("VmHWM")
        writer.finish(field, {"throttling": [], "report": None, "warnings": []})
    assert max(now[1:]) < now[1] + 2e6
    assert held("VmHWM") < before + 40e6  # the rows of all steps are 6.5 MB, the packed field 8 MB
    transient = read_transient(tmp_path / "run.vtkhdf")
    assert transient.time.size == 1001
    before = held("VmRSS")
    for frame in transient.frames:
        assert frame.shape == field.shape
    assert held("VmRSS") < before + 2 * field.size * 4


# -- damage ----------------------------------------------------------------------------------

Spoil = Callable[[h5py.File], Any]


def _replace(name: str, change: Callable[[np.ndarray], Any]) -> Spoil:
    def spoil(file: h5py.File) -> None:
        values = change(file[name][()])
        del file[name]
        file.create_dataset(name, data=values)

    return spoil


def _element(name: str, n: int, value: int) -> Spoil:
    return lambda file: file[name].__setitem__(n, value)


def _json(name: str, change: Callable[[Any], Any]) -> Spoil:
    def changed(values: np.ndarray) -> np.ndarray:
        value = json.loads(values.tobytes())
        change(value)
        return np.frombuffer(json.dumps(value).encode(), np.uint8)

    return _replace(f"thermostack/history/{name}", changed)


def _huge(file: h5py.File) -> None:
    del file[FRAMES]
    file.create_dataset(FRAMES, (4, 10**4, 10**5, 10**5), "f4", chunks=(1, 1, 1000, 1000), compression=1)


SPOILED: dict[str, tuple[Spoil, str]] = {
    "other kind": (lambda f: f["thermostack"].attrs.__setitem__("kind", "sweep"), "contains a sweep result"),
    "newer format": (lambda f: f["thermostack"].attrs.__setitem__("format", 9), "newer format"),
    "a step shows another frame": (_element("VTKHDF/Steps/CellDataOffsets/temperature", 1, 0), "damaged"),
    "a step shows nothing": (_element("VTKHDF/Steps/CellDataOffsets/temperature", 3, 4), "damaged"),
    "missing frames": (lambda f: f.__delitem__(FRAMES), f"{FRAMES}.* is damaged"),
    "frames of another type": (
        _replace(FRAMES, lambda t: t.astype("f8")),
        f"{FRAMES} is not an array of float32",
    ),
    "frames of another shape": (_replace(FRAMES, lambda t: t[:, 1:]), f"{FRAMES} has the shape"),
    "frames that claim terabytes": (_huge, rf"{FRAMES} needs .* GB"),
    "other length": (_replace("thermostack/history/mean", lambda t: t[1:]), "history/mean has the shape"),
    "other members": (
        _replace("thermostack/history/power", lambda t: t[:, 1:]),
        "history/power has the shape",
    ),
    "no field": (_replace("thermostack/history/field", lambda t: t * np.nan), "history/field must be finite"),
    "names of a wrong kind": (_json("columns", lambda c: c.update(names=[1])), r"columns\.names"),
    "missing fact": (_json("result", lambda r: r.pop("throttling")), "result has no field throttling"),
    "fact of a wrong kind": (
        _json("result", lambda r: r.update(throttling=[{}])),
        r"history/result\.throttling",
    ),
    "part of another shape": (
        _replace("VTKHDF/CellData/part", lambda p: p[0]),
        "CellData/part has the shape",
    ),
}


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", SPOILED)
def test_damaged_dataset_is_named(path: Path, name: str) -> None:
    spoil, message = SPOILED[name]
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(ResultFileError, match=message) as caught:
        np.asarray(read_transient(path).frames)
    assert caught.value.exit_code == 6


def test_steady_and_transient_files_are_distinguished(path: Path) -> None:
    with pytest.raises(ResultFileError, match="contains a transient result, not a steady result"):
        read_result(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ResultFileError, match="cannot be opened as HDF5"):
        read_transient(path)
    with pytest.raises(DescriptionError, match="there is no such file"):
        read_transient(path.with_name("absent.vtkhdf"))


def test_flipped_bit_in_frame_is_found_on_access(path: Path) -> None:
    with h5py.File(path) as file:
        place = file[FRAMES].id.get_chunk_info_by_coord((2, 0, 0, 0)).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 50] ^= 4
    path.write_bytes(content)
    frames = read_transient(path).frames
    assert np.isfinite(frames[1]).any()
    with pytest.raises(ResultFileError, match=rf"{FRAMES}\[2\] is damaged"):
        frames[2]


@settings(max_examples=12, deadline=None)
@given(place=st.floats(0.0, 1.0, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_detected_or_harmless(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    content = bytearray(whole.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path = tmp_path_factory.mktemp("flipped") / "run.vtkhdf"
    path.write_bytes(content)
    sound = read_transient(whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf5_arrays, "MIN_CHECK_SECONDS", 10.0)
        try:
            back = read_transient(path)
            frames = np.asarray(back.frames)
        except ResultFileError:
            return
    assert frames.tobytes() == np.asarray(sound.frames).tobytes()
    assert np.array_equal(back.frame_time, sound.frame_time)
    for name in ("time", "min", "mean", "max", "power", "energy", "field"):
        assert getattr(back, name).tobytes() == getattr(sound, name).tobytes()
    assert (back.names, back.throttling, back.warnings) == (sound.names, sound.throttling, sound.warnings)


# -- the pieces ------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.binary(min_size=2, max_size=3000).filter(lambda content: len(content) % 2 == 0))
def test_checksum_equals_hdf5(content: bytes) -> None:
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        values = np.frombuffer(content, np.uint8)
        data = file.create_dataset("data", data=values, chunks=values.shape, fletcher32=True)
        packed = data.id.read_direct_chunk((0,))[1]
    assert packed == content + frames.fletcher32(content).to_bytes(4, "little")


@pytest.mark.parametrize("content", [bytes(2000), b"\xff" * 2000, b"\xff\xff", b"\0\1" * 65535])
def test_checksum_of_extreme_values(content: bytes) -> None:
    test_checksum_equals_hdf5.hypothesis.inner_test(content)  # type: ignore[attr-defined]


@settings(max_examples=40)
@given(
    shape=st.tuples(*[st.integers(1, 12)] * 3),
    room=st.integers(64, 4000),
    count=st.integers(1, 3),
)
def test_frames_of_any_shape(shape: tuple[int, int, int], room: int, count: int) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile() as file:
        patch.setattr(hdf5_arrays, "CHUNK_BYTES", room)
        made = hdf5_transaction.open_transaction(
            file.fileno(),
            lambda hdf: frames.allocate_frames(hdf.create_group("VTKHDF/CellData"), shape, count),
        )
        needed = frames.frame_bytes(shape, count)
        assert 0 <= made.size - needed < 40 * count * np.prod(shape) + 20_000
        made.commit(0)
        os.truncate(file.fileno(), made.size)
        with h5py.File(file, "r") as hdf:
            places = frames.ChunkOffsets(hdf)
            assert not hdf[FRAMES][:count].any()
            assert np.isnan(hdf[FRAMES][count]).all()
        fields = np.random.default_rng(1).random((count, *shape))
        for n, field in enumerate(fields):
            places.write(file.fileno(), n, field)
        with h5py.File(file, "r") as hdf:
            assert np.array_equal(hdf[FRAMES][:count], fields.astype(np.float32))


def test_chunks_divide_frame_evenly() -> None:
    for shape in [(40, 300, 300), (1, 600, 600), (100, 100, 100), (7, 1, 1)]:
        needed = frames.frame_bytes(shape, 10)
        assert needed < 1.05 * 40 * np.prod(shape) + 1000


def test_commit_changes_only_first_page(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def first(hdf: h5py.File) -> None:
        hdf.create_group("early").attrs["number"] = 1
        hdf["data"] = np.arange(10_000)
        hdf.create_group("late").attrs["number"] = 1

    with path.open("w+b", buffering=0) as file:
        hdf5_transaction.open_transaction(file.fileno(), first).commit(0)
        before = path.read_bytes()[: hdf5_transaction.hdf5_end(file.fileno())]

        def second(hdf: h5py.File) -> None:
            hdf["early"].attrs.modify("number", np.int64(2))
            hdf["early/more"] = np.arange(5000)

        hdf5_transaction.commit(file.fileno(), second)
        after = path.read_bytes()
        assert after[hdf5_transaction.PAGE_BYTES : len(before)] == before[hdf5_transaction.PAGE_BYTES :]
        with pytest.raises(RuntimeError, match="first page"):
            hdf5_transaction.commit(
                file.fileno(), lambda hdf: hdf["late"].attrs.modify("number", np.int64(2))
            )
        assert path.read_bytes() == after
    with h5py.File(path) as hdf:
        assert hdf["early"].attrs["number"] == 2
        assert np.array_equal(hdf["early/more"], np.arange(5000))
        assert hdf["late"].attrs["number"] == 1


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ARRAYS = st.sampled_from(
    [np.zeros(0), np.arange(6.0).reshape(2, 3), np.array(1, np.int32), np.array([True]), np.eye(2)[::-1]]
)
TREES = st.recursive(
    PLAIN | ARRAYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one != one)


@given(st.dictionaries(st.text(max_size=5), TREES, max_size=4))
def test_state_reads_back_bit_for_bit(state: dict[str, Any]) -> None:
    assert same(state, unpack(pack(state)))


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([None]), np.array(["a"]), {1: 2.0}, b"bytes"])
def test_unsupported_state_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(TypeError, match="checkpoint"):
        write_checkpoint(tmp_path / "state", {"value": value})
    assert os.listdir(tmp_path) == []


def test_every_flipped_bit_of_checkpoint_is_found(tmp_path: Path) -> None:
    content = pack({"x": np.arange(3.0), "n": 1})
    assert unpack(content[:10]) is None
    for n in range(len(content)):
        assert unpack(content[:n] + bytes([content[n] ^ 1]) + content[n + 1 :]) is None
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "absent")
    with pytest.raises(ResultFileError, match="cannot be read"):
        read_checkpoint(tmp_path)


@given(count=st.integers(0, 6), cut=st.integers(0, 400), kept=st.integers(0, 6))
def test_complete_rows_survive_truncation(
    tmp_path_factory: pytest.TempPathFactory, count: int, cut: int, kept: int
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows"
    log = AppendLog(path, 3, "key")
    log.clear()
    values = np.random.default_rng(2).random((count, 3))
    for row in values:
        log.append(row)
    assert np.array_equal(log.rows(), values)
    log.close()
    content = path.read_bytes()
    end = max(len(content) - cut, 0)
    path.write_bytes(content[:end])
    again = AppendLog(path, 3, "key")
    if end >= len(content) - count * 32 + kept * 32 and kept <= count:
        again.truncate(kept)
        again.append(np.full(3, 7.0))
        assert np.array_equal(again.rows(), [*values[:kept], np.full(3, 7.0)])
    else:
        with pytest.raises(ResultFileError):
            again.truncate(kept)
    again.close()


def test_rows_of_another_run_are_refused(tmp_path: Path) -> None:
    log = AppendLog(tmp_path / "rows", 3, "key")
    log.clear()
    log.close()
    for width, key in ((3, "other"), (4, "key")):
        other = AppendLog(tmp_path / "rows", width, key)
        with pytest.raises(ResultFileError, match="of another run"):
            other.truncate(0)
        other.close()


# -- CSV -------------------------------------------------------------------------------------


def test_history_csv_has_all_digits(whole: Path, tmp_path: Path) -> None:
    transient = read_transient(whole)
    transient.mean[1, 1] = np.nan
    write_history_csv(transient, tmp_path / "history.csv")
    header, *rows = (tmp_path / "history.csv").read_text().splitlines()
    names = header.split(",")
    assert names[:5] == [
        "time [s]",
        *(f"logic.active {what}" for what in ("power [W]", "min [K]", "mean [K]", "max [K]")),
    ]
    assert names[-5:] == ["corner [K]", "middle [K]", "generated [J]", "outflow [J]", "stored [J]"]
    assert len(rows) == transient.time.size
    values = np.array([[float(cell) if cell else np.nan for cell in row.split(",")] for row in rows])
    columns = dict(zip(names, values.T, strict=True))
    assert np.array_equal(columns["time [s]"], transient.time)
    assert np.array_equal(columns["logic.bulk mean [K]"], transient.mean[:, 1], equal_nan=True)
    assert np.array_equal(columns["logic.active.core max [K]"], transient.max[:, 2])
    assert np.array_equal(columns["corner [K]"], transient.probes["corner"])
    assert np.array_equal(columns["stored [J]"], transient.energy[:, 2])
    assert rows[1].split(",")[names.index("logic.bulk mean [K]")] == ""


def test_names_in_csv_are_not_formulas(whole: Path, tmp_path: Path) -> None:
    odd = replace(read_transient(whole), names=("=cmd()", "b", "c"))
    write_history_csv(odd, tmp_path / "history.csv")
    assert ",'=cmd() power [W]," in (tmp_path / "history.csv").read_text()


def test_power_csv_is_a_trace(whole: Path, tmp_path: Path) -> None:
    transient = read_transient(whole)
    write_power_csv(transient, tmp_path / "power.csv")
    trace = read_trace(tmp_path / "power.csv")
    assert (trace.kind, trace.after) == ("steps", "hold")
    # The layer with blocks has no column of its own; its other block has no row here, and gets the rest.
    assert trace.names == ("logic.bulk", "logic.active.core", "logic.active.io")
    assert set(trace.units) == {"W"}
    assert np.array_equal(trace.times, transient.time)
    assert np.array_equal(trace.values[:, :2], transient.power[:, 1:])
    assert np.array_equal(trace.values[:, 2], transient.power[:, 0] - transient.power[:, 2])
