"""Imports go down only: every module has a floor, and uses what lies below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
PACKAGE = HOUSE / "thermostack"

# From the ground up. Inside one floor a module may use those named before it in the same group.
FLOORS: dict[int, tuple[tuple[str, ...], ...]] = {
    1: (("errors", "units", "quantity", "schema", "grid", "memory"),),
    2: (
        (
            "laws",
            "cylinders",
            "materials",
            "mixtures",
            "library",
            "overlap",
            "pixels",
            "power",
            "cooling",
            "courses",
            "traces",
        ),
        ("impedance.networks",),
    ),
    3: (("package",),),
    4: (("placement", "geometry"),),
    5: (("healing", "spacing", "mosaic", "surfaces", "model", "temperature"), ("io.safe_file",)),
    6: (
        (
            "properties",
            "conduction",
            "capacity",
            "reconstruction",
            "metrics",
            "accuracy",
            "tables",
            "impedance.tables",
        ),
        ("impedance.junction",),
        ("heaters", "loads"),
        (
            "io.safe_file",
            "io.sheet",
            "io.trace_files",
            "io.floorplan",
            "io.maps",
            "io.yaml_nodes",
            "io.places",
            "io.overrides",
            "io.copies",
            "io.uses",
            "io.named_files",
            "io.power_files",
            "io.film_files",
            "io.named_things",
            "io.package_file",
            "io.examine",
            "io.description_schema",
            "io.package_text",
            "io.examine",
            "io.stored",
            "io.stored_model",
            "io.stored_facts",
            "io.stored_grid",
            "io.result_file",
            "io.amended",
            "io.row_log",
            "io.checkpoint_file",
            "io.frames",
            "io.series_file",
            "io.destination",
            "io.impedance_files",
            "io.summary",
            "io.history_files",
            "drawing",
            "page",
            "plot",
            "impedance.picture",
        ),
    ),
    7: (
        (
            "linear.report",
            "linear.direct",
            "linear.multigrid",
            "linear.conjugate_gradient",
            "linear.bodies",
            "linear.algebraic",
            "linear.ways",
            "linear.solve",
            "linear.shifted",
        ),
        ("impedance.reduction",),
        ("control", "throttle"),
        ("histories", "plot_transient"),
    ),
    8: (("steady", "schemes", "stepping", "coefficients", "simulation", "transient", "impedance.response"),),
    9: (
        (
            "commands.interrupt",
            "commands.terminal",
            "commands.options",
            "commands.stages",
            "commands.run_summary",
            "commands.zth",
            "commands.transient_options",
            "commands.transient",
        ),
    ),
    10: (("cli",),),
}
# Packages whose __init__ hands out names and is imported by nobody inside.
FACES = ("", "commands", "impedance", "io", "linear")
PLACE = {
    name: (floor, number, place)
    for floor, groups in FLOORS.items()
    for number, group in enumerate(groups)
    for place, name in enumerate(group)
}


def is_allowed(importer: str, imported: str) -> bool:
    """Return whether one module may import another."""
    above, below = PLACE[importer], PLACE[imported]
    return below[0] < above[0] or (below[:2] == above[:2] and below[2] < above[2])


def name_of(path: Path) -> str:
    """Return the module's name inside the package, "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, Path]:
    """Return the file of every module of the package by name."""
    return {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def is_for_types_only(node: ast.AST) -> bool:
    """Return whether the statement is an `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports_of(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Yield line and full name of all that is imported, inside functions too, but not for types only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            stem = node.module or ""
            if node.level:
                ancestors = package.split(".")
                stem = ".".join([*ancestors[: len(ancestors) - node.level + 1], *([stem] if stem else [])])
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.If) and is_for_types_only(node):
            for branch in node.orelse:
                yield from imports_of(ast.Module([branch], []), package)
        else:
            yield from imports_of(node, package)


def inner_imports(name: str, source: str, known: set[str]) -> Iterator[tuple[int, str]]:
    """Yield line and name of each module of this package that a module's source imports."""
    package = "thermostack" if "." not in name else "thermostack." + name.rpartition(".")[0]
    for line, full in imports_of(ast.parse(source), package):
        head, _, rest = full.partition(".")
        if head != "thermostack":
            continue
        if rest.startswith("_") and not rest.startswith("__"):
            yield line, rest.partition(".")[0]
        else:
            pieces = rest.split(".")
            candidates = (".".join(pieces[:length]) for length in range(len(pieces), 0, -1))
            yield line, next((candidate for candidate in candidates if candidate in known), "")


def diagnostics(name: str, source: str, known: set[str]) -> list[str]:
    """Return a line for each import of a module that does not go down."""
    found = []
    for line, imported in inner_imports(name, source, known):
        if imported.startswith("_"):
            continue
        if imported in FACES:
            if not (imported == "" and "__version__" in source.splitlines()[line - 1]):
                found.append(f"{name}:{line} imports a face; import the module that has the name")
        elif imported in PLACE and not is_allowed(name, imported):
            found.append(f"{name}:{line} imports {imported}, which does not lie below it")
    return found


def test_every_module_has_a_floor() -> None:
    unlisted = sorted(set(modules()) - set(PLACE) - set(FACES))
    assert not unlisted, f"give these a floor in {Path(__file__).name}: {unlisted}"


@pytest.mark.parametrize("name", sorted(set(modules()) & set(PLACE)))
def test_imports_go_down(name: str) -> None:
    source = modules()[name].read_text(encoding="utf-8")
    assert not (found := diagnostics(name, source, set(modules()) | set(PLACE))), "\n".join(found)


@pytest.mark.parametrize("face", sorted(set(modules()) & set(FACES)))
def test_a_face_shows_only_its_own_house(face: str) -> None:
    source = modules()[face].read_text(encoding="utf-8")
    strangers = [
        imported
        for _, imported in inner_imports(f"{face}.__init__", source, set(PLACE) | set(FACES))
        if not imported.startswith(face)
    ]
    assert not strangers


def test_a_kernel_has_one_owner() -> None:
    owners: dict[str, set[str]] = {}
    for name, path in modules().items():
        for _, imported in inner_imports(name, path.read_text(encoding="utf-8"), set(PLACE)):
            if imported.startswith("_"):
                owners.setdefault(imported, set()).add(name)
    assert {f"_{path.stem}" for path in (HOUSE / "ext").glob("*.pyx")} == set(owners)
    assert not {kernel: names for kernel, names in owners.items() if len(names) > 1}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("materials", "from thermostack.model import Model"),
        ("materials", "def f():\n    import thermostack.model"),
        ("materials", "from . import package"),
        ("linear.direct", "from ..steady import solve_steady"),
        ("linear.direct", "from .solve import prepare"),
        ("errors", "from thermostack.units import mm"),
        ("power", "from thermostack.cooling import Cooling"),
        ("units", "from thermostack import Layer"),
        ("model", "if TYPE_CHECKING:\n    pass\nelse:\n    from thermostack.cli import main"),
    ],
)
def test_a_climbing_import_is_seen(name: str, source: str) -> None:
    assert len(diagnostics(name, source, set(PLACE) | set(FACES))) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("model", "from thermostack.errors import Fault\nimport numpy as np"),
        ("mixtures", "from .materials import Material"),
        ("linear.solve", "from thermostack.linear import multigrid"),
        ("conduction", "if TYPE_CHECKING:\n    from thermostack.steady import Steady"),
        ("cli", "from thermostack import __version__"),
        ("model", "from thermostack.mesh._area_overlap import spread"),
    ],
)
def test_a_descending_import_is_not(name: str, source: str) -> None:
    assert not diagnostics(name, source, set(PLACE) | set(FACES))
