"""Comparison of two results, or of two packages that are solved first."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path

from thermostack.errors import DescriptionError, OutputError
from thermostack.io.description.package_differences import package_differences
from thermostack.io.description.package_file import read_package
from thermostack.io.files.output_paths import RESULT_SUFFIX
from thermostack.mesh.grid_lines import Cell
from thermostack.mesh.model import Model, discretize
from thermostack.package.package import Package
from thermostack.results.comparison import Comparison, Result, compare_results
from thermostack.results.field_difference import FieldDifference
from thermostack.results.steady_result import SteadyResult
from thermostack.results.transient_result import TransientResult
from thermostack.schema.arguments import argument_error, require_instance
from thermostack.steady import solve_steady

Comparable = SteadyResult | TransientResult | Package | Model | str | PathLike[str]


def compare(
    first: Comparable,
    second: Comparable,
    *,
    cell: Cell = None,
    threads: int | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> Comparison:
    """Return the comparison of two results by part, heat, description and cell.

    Parameters
    ----------
    first, second : SteadyResult, TransientResult, Package, Model, str or path
        Results, or their .vtkhdf files. A package, its file, its name, or a model is solved for its steady
        temperatures.
    cell : float, str, sequence or mapping, optional
        Largest cell size of packages that are solved, as in `discretize`.
    threads : int, optional
        Number of threads of the solver.
    progress : callable
        Function that is called with the name of each stage.

    Returns
    -------
    Comparison
        All differences are those of the second result minus the first.

    Raises
    ------
    ArgumentError
        If an argument is no result and no package, or if a steady and a transient result are compared.
    DescriptionError
        If a description is wrong, or a file does not exist.
    ResultFileError
        If a result file is damaged or of another kind.

    Notes
    -----
    The difference of two maxima is compared with the sum of their estimated discretisation errors. Equal
    grids have nearly equal errors, which mostly cancel in the difference; then the sum is a safe bound.

    Examples
    --------
    >>> import thermostack as ts
    >>> comparison = ts.compare("fcbga", "fcbga_bare", cell="6 mm")
    >>> comparison.of("die").difference > 1.0
    True
    >>> comparison.only_first
    ('substrate.filler', 'die.tim', 'foot.seal', 'foot.wall', 'lid.plate')
    """
    results, labels = [], []
    for argument, given in (("first", first), ("second", second)):
        result = _result_of(given, argument, cell, threads, progress)
        results.append(result)
        labels.append(given if isinstance(given, str) else str(given) if isinstance(given, PathLike) else "")
    if isinstance(results[0], TransientResult) != isinstance(results[1], TransientResult):
        kinds = ("transient" if isinstance(each, TransientResult) else "steady" for each in results)
        text = "a {} and a {} result have no common quantities".format(*kinds)
        raise argument_error("second", text, "compare results of the same kind", "E-TYPE")
    names = [label or result.package.name for label, result in zip(labels, results, strict=True)]
    if names[0] == names[1]:
        names = [f"{names[0]} (first)", f"{names[1]} (second)"]
    differences, warnings = compare_descriptions(results[0].package, results[1].package)
    return compare_results(results[0], results[1], (names[0], names[1]), differences, warnings)


def compare_descriptions(
    first: Package, second: Package
) -> tuple[tuple[FieldDifference, ...], tuple[str, ...]]:
    """Return the differences of two descriptions, and a warning if a package cannot be written as a file."""
    if first is second:
        return (), ()
    try:
        return package_differences(first, second), ()
    except (DescriptionError, OutputError) as error:
        return (), (f"the descriptions are not compared: {error}",)


def _result_of(
    given: Comparable, argument: str, cell: Cell, threads: int | None, progress: Callable[[str], None]
) -> Result:
    """Return a result, one of a file, or that of a package that is solved."""
    if isinstance(given, (SteadyResult, TransientResult)):
        return given
    kinds = (str, PathLike, Package, Model)
    hint = "pass a result, a .vtkhdf file, a package or its name"
    require_instance(given, kinds, argument, "a result or a package", hint)
    if isinstance(given, (str, PathLike)) and Path(given).suffix == RESULT_SUFFIX:
        progress("open")
        return read_any_result(Path(given))
    if isinstance(given, Model):
        return solve_steady(given, threads=threads, progress=progress)
    if not isinstance(given, Package):
        progress("read")
        given = read_package(given if isinstance(given, str) else Path(given))
    progress("mesh")
    if cell is None:
        return solve_steady(given, threads=threads, progress=progress)
    return solve_steady(discretize(given, cell), threads=threads, progress=progress)


def read_any_result(path: Path) -> Result:
    """Return the steady or transient result of a file.

    Raises ResultFileError if the file is no result, and DescriptionError (E-FILE) if it does not exist.
    """
    from thermostack.io.results.hdf5_arrays import result_kind

    if result_kind(path) == "transient":
        from thermostack.io.results.transient_file import read_transient

        return read_transient(path)
    from thermostack.io.results.steady_file import read_result

    return read_result(path)
