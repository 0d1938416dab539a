"""Sweeps from start to end: the study is checked, cases are solved, and the table is written from the log."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thermostack import __version__
from thermostack.io.files.output_lock import output_lock
from thermostack.io.files.output_paths import require_replaceable, require_suffix
from thermostack.package.package import Package
from thermostack.schema.arguments import argument_error, check_whole_number, require_callable
from thermostack.sweeps.analyses import trace_paths
from thermostack.sweeps.case_log import LOG_SUFFIX, CaseLog
from thermostack.sweeps.case_rows import OK, Row, column_names
from thermostack.sweeps.case_solver import SweepTask, study_text
from thermostack.sweeps.executors import ExecutorRun, dask_executor
from thermostack.sweeps.study import Case, Study
from thermostack.sweeps.study_file import LoadedStudy, load_study
from thermostack.sweeps.sweep_result import TEXT_COLUMNS, SweepResult, read_sweep
from thermostack.sweeps.table import PARQUET_SUFFIX, import_pyarrow, name_and_unit, write_csv, write_parquet
from thermostack.sweeps.worker_pool import WorkerPool, processors
from thermostack.transient.run_hash import run_hash

TABLE_SUFFIX = ".csv"
TABLE_BEGIN = b"case,"  # of a table, which a sweep may replace
MAX_WORKERS = 1024

Progress = Callable[[int, int, int], None]  # cases that ended, all cases, cases that failed


def sweep(
    study: str | Path | Study | Mapping[str, Any],
    output: str | Path | None = None,
    *,
    workers: int | None = None,
    executor: Any = None,
    scheduler: Any = None,
    overwrite: bool = False,
    parquet: bool = False,
    progress: Progress = lambda done, count, failed: None,
) -> SweepResult:
    """Return the outputs of all cases of a parameter study, and write them as a table.

    Each row is on the disk when its case ends. A sweep that was interrupted or killed resumes when it is
    called again: cases that have a row are not solved again.

    Parameters
    ----------
    study : str, pathlib.Path, Study or dict
        The file of a study, a study, or plain data as in a file.
    output : str or pathlib.Path, optional
        The table (.csv). The log (.sweeplog) and the folder of the fields have the same name. By default the
        name of the study, in the current directory.
    workers : int, optional
        Number of processes, each with one solver thread; by default that of the processors. With an executor
        half of the number of tasks that are submitted at the same time.
    executor : concurrent.futures.Executor or similar, optional
        An executor with `submit`, on which cases are solved instead.
    scheduler : str or distributed.Client, optional
        A Dask cluster, on which cases are solved instead: the address of its scheduler, "tcp://...", or a
        client. Its workers need the same files at the same paths.
    overwrite : bool
        Whether a log of another study, or of this one, is discarded.
    parquet : bool
        Whether the table is also written as Parquet, which needs pyarrow.
    progress : callable
        Function of the number of cases that have ended, of all cases, and of those that failed since the
        start, which is called after each case.

    Returns
    -------
    SweepResult
        The columns of the table as arrays. A case that failed has a row with its message.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or is out of its range.
    DescriptionError
        If the study is wrong, or the log belongs to another study, package or version.
    OutputError
        If a file cannot be written, or another sweep writes the same files.
    ThermostackError
        If workers cannot start, an executor is broken, or an optional package is missing.

    Notes
    -----
    Latin hypercube and Sobol points are those of `scipy.stats.qmc`; the design for Sobol indices is that of
    Saltelli et al., Comput. Phys. Commun. 181, 259 (2010).

    Examples
    --------
    >>> import tempfile, thermostack as ts
    >>> study = {
    ...     "package": "hbm3_8h",
    ...     "axes": {"cooling.top.convection.h": {"name": "h", "values": ["2 kW/m2/K", "4 kW/m2/K"]}},
    ...     "outputs": {"peak": "max of hbm3_8h"},
    ...     "analysis": {"steady": {"cell": "3 mm"}},
    ... }
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = ts.sweep(study, f"{folder}/study.csv", workers=1)
    >>> bool(result.column("peak")[0] > result.column("peak")[1])
    True
    """
    require_callable(progress, "progress", "pass a function of the numbers of ended, all and failed cases")
    count = None if workers is None else check_whole_number(workers, "workers", min=1, max=MAX_WORKERS)
    if executor is not None and scheduler is not None:
        raise argument_error("scheduler", "is given beside an executor", "pass one of them")
    if parquet:
        import_pyarrow()
    loaded = load_study(study)
    files = SweepFiles.of(loaded, output)
    package = loaded.check()
    with ExitStack() as stack:
        stack.enter_context(output_lock(files.table))
        header = log_header(loaded, package)
        log = CaseLog(files.log, header, overwrite=overwrite)
        stack.callback(log.close)
        task = SweepTask(study_text(loaded.study), str(loaded.directory.absolute()), header["key"],
                         str(files.fields.absolute()))  # fmt: skip
        run = _Run(log, progress)
        cases, remaining = _open_cases(loaded.study, log), int((~log.is_done).sum())
        if not remaining:
            pass
        elif executor is not None:
            ExecutorRun(task, executor, cases, count).run(run.write)
        elif scheduler is not None:
            client, size = stack.enter_context(dask_executor(scheduler))
            ExecutorRun(task, client, cases, count or size()).run(run.write)
        else:
            pool = WorkerPool(task, min(count or processors(), remaining), cases, remaining)
            pool.run(run.write)
        log.sync()
        write_csv(files.log, files.table)
        if parquet:
            write_parquet(files.log, files.parquet)
    return read_sweep(files.table)


@dataclass(frozen=True)
class SweepFiles:
    """The paths of the files of a sweep."""

    table: Path

    @classmethod
    def of(cls, loaded: LoadedStudy, output: str | Path | None) -> SweepFiles:
        """Return the paths for an output. Raises OutputError if a file of another kind is there."""
        path = Path(f"{loaded.name}{TABLE_SUFFIX}" if output is None else output)
        require_suffix(path, [TABLE_SUFFIX])
        return cls(require_replaceable(path, TABLE_BEGIN))

    @property
    def log(self) -> Path:
        """Return the path of the log."""
        return self.table.with_suffix(LOG_SUFFIX)

    @property
    def parquet(self) -> Path:
        """Return the path of the table as Parquet."""
        return self.table.with_suffix(PARQUET_SUFFIX)

    @property
    def fields(self) -> Path:
        """Return the folder of the temperature fields."""
        return self.table.with_name(f"{self.table.stem}_fields")


class _Run:
    """Writes the rows of a sweep to the log, and reports the progress."""

    def __init__(self, log: CaseLog, progress: Progress) -> None:
        self.log, self.progress = log, progress
        self.done, self.failed = int(log.is_done.sum()), 0
        self.status = log.header["columns"].index("status")
        progress(self.done, log.is_done.size, 0)

    def write(self, row: Row) -> None:
        """Append the row of a case that has ended."""
        self.log.append(row)
        self.done += 1
        self.failed += row[self.status] != OK
        self.progress(self.done, self.log.is_done.size, self.failed)


def _open_cases(study: Study, log: CaseLog) -> Iterator[Case]:
    """Yield the cases that have no row, in the order in which they are solved."""
    is_done = log.is_done.copy()
    return (study.case(number) for number in study.order.tolist() if not is_done[number])


# -- identity of a sweep ------------------------------------------------------------------------------------


def log_header(loaded: LoadedStudy, package: Package | None) -> dict[str, Any]:
    """Return the header of a log: hashes of study and package, version, columns and number of cases."""
    study = loaded.study
    identity = {
        "study": _hash(study_text(study).encode()),
        "package": _package_hash(loaded, package),
        "version": __version__,
    }
    columns = column_names(study)
    key = _hash("".join(identity.values()).encode())
    kinds = [_column_kind(column, n, study) for n, column in enumerate(columns)]
    return {"key": key, **identity, "count": study.count, "columns": columns, "kinds": kinds}


def _column_kind(column: str, n: int, study: Study) -> str:
    """Return "whole", "number" or "text"."""
    if n == 0:
        return "whole"
    if n <= len(study.axes):
        axis = list(study.axes.values())[n - 1]
        return "number" if isinstance(axis.cell(study.levels[0, n - 1]), float) else "text"
    return "text" if name_and_unit(column)[0] in TEXT_COLUMNS else "number"


def _package_hash(loaded: LoadedStudy, package: Package | None) -> str:
    """Return the hash of the package of the first case, with its maps, and of the traces of the study."""
    traces = [path.read_bytes() for path in trace_paths(loaded.study.analysis, loaded.directory)]
    if package is None:
        return _hash(loaded.description.path.read_bytes(), *traces)
    fields = [field.name for field in dataclasses.fields(package)]
    content = {name: getattr(package, name) for name in fields if name not in ("locator", "notes")}
    return _hash(run_hash(content).encode(), *traces)


def _hash(*pieces: bytes) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(len(piece).to_bytes(8, "little") + piece)
    return digest.hexdigest()[:16]
