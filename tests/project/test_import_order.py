"""Imports run one way between folders, and no two modules import each other in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "thermostack"

# One row per folder (or module at the top), the lowest first. A module imports from rows above its own row in
# this list and from its own folder.
ORDER = (
    "errors",
    "units",
    "threads",
    "schema",
    "materials",
    "boundary_laws",
    "package",
    "mesh",
    "finite_volume",
    "linear",
    "results",
    "refinement",
    "io.files",
    "unit_cells",
    "io.description",
    "io.results",
    "report",
    "plot",
    "steady",
    "transient",
    "impedance",
    "zoom",
    "comparison",
    "design",
    "sweeps",
    "thermal_metrics",
    "cli",
)
# Module and the module of a later row that it may import, with the reason.
EXCEPTIONS = {
    # A trace is a description of power over time and knows no cells; it lies beside what simulates it.
    ("io.description.trace_files", "transient.trace"),
    ("io.description.trace_files", "transient.trace_checks"),
    ("io.description.trace_files", "transient.waveform"),
    # Networks are data with their algebra; they know nothing of packages, and a result holds them.
    ("results.impedance_result", "impedance.networks"),
    ("results.impedance_result", "impedance.structure_function"),
}
# Modules that import a module of a later row by its name when it is needed, which no import statement shows.
LATE = {
    "schema.deferred_union": "classes with fields of their own union",
    "materials.unit_cell_law": "the solver of unit cells",
    "results.actions": "tables, figures and files of results",
}
# Packages whose __init__ only hands out names: nothing inside imports them.
FACADES = ("", "linear", "impedance")


def module_name(path: Path) -> str:
    """Return the dotted name of a file inside the package, "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def row(module: str) -> int:
    """Return the index in `ORDER` of the folder that a module belongs to."""
    return next(n for n, folder in enumerate(ORDER) if module == folder or module.startswith(f"{folder}."))


def imported_names(source: str, module: str) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every import from this package: in functions and for types too."""
    package = ["thermostack", *module.split(".")[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            stem = [*package[: len(package) - node.level + 1]] if node.level else []
            stem += [node.module] if node.module else []
            names = [".".join([*stem, alias.name]) for alias in node.names]
        else:
            continue
        for name in names:
            head, _, rest = name.partition(".")
            if head == "thermostack":
                yield node.lineno, rest


def imported_modules(source: str, module: str, known: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    """Yield line and name of every module of this package that a source imports; kernels are left out."""
    for line, name in imported_names(source, module):
        pieces = name.split(".")
        if any(piece.startswith("_") and not piece.startswith("__") for piece in pieces):
            continue
        stems = (".".join(pieces[:length]) for length in range(len(pieces), 0, -1))
        yield line, next((stem for stem in stems if stem in known), "")


def violations(module: str, source: str, known: Mapping[str, object] = MODULES) -> list[str]:
    """Return a line of text for each import that the order does not allow."""
    found = []
    for line, imported in imported_modules(source, module, known):
        if imported in FACADES:
            if imported or "__version__" not in source.splitlines()[line - 1]:
                found.append(
                    f"{module}:{line} imports the facade {imported!r}; import the module of the name"
                )
        elif (module, imported) not in EXCEPTIONS and row(imported) > row(module):
            found.append(f"{module}:{line} imports {imported}, whose folder comes later in the order")
    return found


def test_every_module_has_a_row() -> None:
    homeless = [name for name in MODULES if name not in ("", "io") and not any(
        name == folder or name.startswith(f"{folder}.") for folder in ORDER)]  # fmt: skip
    assert not homeless


def test_only_errors_units_and_steady_lie_at_the_top() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "errors", "steady", "units"}


@pytest.mark.parametrize("module", sorted(set(MODULES) - set(FACADES) - {"io"}))
def test_imports_follow_the_order(module: str) -> None:
    assert not (found := violations(module, MODULES[module].read_text(encoding="utf-8"))), "\n".join(found)


def test_every_exception_is_used() -> None:
    used = {
        (module, imported)
        for module, path in MODULES.items()
        for _, imported in imported_modules(path.read_text(encoding="utf-8"), module, MODULES)
    }
    assert used >= EXCEPTIONS


def test_modules_that_import_by_name_are_listed() -> None:
    found = {
        module
        for module, path in MODULES.items()
        if module and "import_module(" in path.read_text(encoding="utf-8")
    }
    assert found == set(LATE)


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        module: {
            imported
            for _, imported in imported_modules(path.read_text(encoding="utf-8"), module, MODULES)
            if imported not in FACADES
        }
        for module, path in MODULES.items()
        if module not in FACADES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("facade", FACADES)
def test_a_facade_hands_out_only_names_of_its_own_folder(facade: str) -> None:
    source = MODULES[facade].read_text(encoding="utf-8")
    strangers = [
        name
        for _, name in imported_modules(source, f"{facade}.__init__", MODULES)
        if not name.startswith(facade)
    ]
    assert not strangers


def test_every_kernel_has_one_owner() -> None:
    owners: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        for _, name in imported_names(path.read_text(encoding="utf-8"), module):
            pieces = name.split(".")
            for n, piece in enumerate(pieces):
                if piece.startswith("_") and not piece.startswith("__"):
                    owners.setdefault(".".join(pieces[: n + 1]), set()).add(module)
    kernels = {f"{path.parent.name}._{path.stem}" for path in (ROOT / "ext").glob("*/*.pyx")}
    assert kernels == set(owners)
    assert not {kernel: names for kernel, names in owners.items() if len(names) > 1}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("materials.material", "from thermostack.mesh.model import Model"),
        ("materials.material", "def f():\n    import thermostack.mesh.model"),
        ("materials.material", "from ..package import package"),
        ("linear.direct", "from ..steady import solve_steady"),
        ("linear.direct", "from thermostack.linear import prepare"),
        ("errors", "from thermostack.units import mm"),
        ("units", "from thermostack import Layer"),
        ("mesh.model", "if TYPE_CHECKING:\n    from thermostack.cli.main import main"),
        ("results.fields", "from thermostack.io.results.steady_file import write_result"),
    ],
)
def test_an_import_against_the_order_is_found(module: str, source: str) -> None:
    assert len(violations(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mesh.model", "from thermostack.errors import Diagnostic\nimport numpy as np"),
        ("materials.effective_media", "from .material import Material"),
        ("linear.solver", "from thermostack.linear import multigrid"),
        ("cli.main", "from thermostack import __version__"),
        ("mesh.model", "from thermostack.mesh._area_overlap import deposit_rectangles"),
    ],
)
def test_an_import_in_order_is_not(module: str, source: str) -> None:
    assert not violations(module, source)
