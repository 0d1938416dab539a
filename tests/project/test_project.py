"""The project as a newcomer finds it: quick to import, complete when installed, of one version."""

from __future__ import annotations

import ast
import importlib.resources
import re
import subprocess
import sys
from pathlib import Path

import pytest

import thermostack

ROOT = Path(__file__).parents[2]
HEAVY = (
    "numpy scipy pyamg h5py xarray pandas pydantic ruamel pyvista vtkmodules matplotlib rich cyclopts".split()
)


def run_python(program: str, *options: str) -> str:
    """Return what a fresh Python prints."""
    command = [sys.executable, *options, "-c", program]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_import_loads_no_heavy_library() -> None:
    program = f"import sys, thermostack; print([name for name in {HEAVY} if name in sys.modules])"
    assert run_python(program).strip() == "[]"


def test_import_loads_few_modules() -> None:
    program = "import sys; before = len(sys.modules); import thermostack; print(len(sys.modules) - before)"
    assert int(run_python(program)) < 20


@pytest.mark.parametrize("name", thermostack.__all__)
def test_public_name_is_there(name: str) -> None:
    assert getattr(thermostack, name) is not None
    assert name in dir(thermostack)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'solve_everything'"):
        _ = thermostack.solve_everything  # type: ignore[attr-defined]


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse((ROOT / "thermostack/__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    names = {name: f"{module}.{name}" for name, module in thermostack._MODULE.items()}
    assert seen == names | {name: f"thermostack.{name}" for name in thermostack._SUBMODULES}


@pytest.mark.parametrize(
    "path", ["thermostack", "ext", "meshes", "benchmarks", "tests", "docs", "setup.py", "pyproject.toml"]
)
def test_top_level_entry_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_meshes_are_found_where_thermostack_is_installed() -> None:
    installed = {entry.name for entry in importlib.resources.files("thermostack.meshes").iterdir()}
    assert {path.name for path in (ROOT / "meshes").iterdir() if path.is_file()} <= installed


def test_wheel_carries_modules_stubs_and_meshes(tmp_path: Path) -> None:
    build = ["egg_info", "--egg-base", str(tmp_path), "build_py", "--build-lib", str(tmp_path / "lib")]
    command = [sys.executable, "setup.py", "-q", *build]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    built = tmp_path / "lib" / "thermostack"
    for folder, target in ((ROOT / "thermostack", built), (ROOT / "meshes", built / "meshes")):
        wanted = {".py", ".pyi", ".typed", ".toml", ".yaml", ".csv", ".npy", ".md", ".css", ".js"}
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in wanted}
        missing = {name for name in names if not (target / name).is_file()}
        assert not missing


def test_one_version_everywhere() -> None:
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    changed = re.search(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited is not None
    assert changed is not None
    assert cited[1] == changed[1] == thermostack.__version__


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "pictures").glob("*.png")), ids=lambda path: path.name
)
def test_pictures_are_small(path: Path) -> None:
    """A palette of 256 colours makes them a third as large; CONTRIBUTING.md has the command."""
    content = path.read_bytes()
    color_type = content[25]  # of the header: 2 and 6 are true colour, 3 is a palette
    assert color_type == 3
    assert len(content) < 100_000


def test_changelog_has_a_place_for_changed_temperatures() -> None:
    assert "### Temperatures changed" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "ext").glob("*/*.p[yx]*")), ids=lambda path: path.stem)
def test_kernel_leaves_its_checks_to_the_build(path: Path) -> None:
    owned = "boundscheck|wraparound|initializedcheck|overflowcheck"
    assert not re.search(owned, path.read_text(encoding="utf-8")), (
        "a directive in a kernel overrides setup.py"
    )


@pytest.mark.parametrize("path", sorted((ROOT / "ext").glob("*/*.pyx")), ids=lambda path: path.stem)
def test_kernel_has_a_stub_in_the_folder_of_the_same_name(path: Path) -> None:
    assert (ROOT / "thermostack" / path.parent.name / f"_{path.stem}.pyi").is_file()


def test_kernels_and_tests_have_the_folders_of_the_package() -> None:
    folders = {path.parent.name for path in (ROOT / "thermostack").glob("*/__init__.py")}
    assert {path.name for path in (ROOT / "ext").iterdir() if path.is_dir()} <= folders
    beside = {"exact", "project", "support", "validation", "__pycache__"}
    assert {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} - beside <= folders


def test_every_folder_with_modules_is_installed() -> None:
    listed = re.findall(r'^  "(thermostack[\w.]*)",$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "thermostack").rglob("__init__.py")
    }
    assert set(listed) == folders | {"thermostack.meshes"}


def test_every_code_of_a_diagnostic_is_explained() -> None:
    page = (ROOT / "docs/guide/errors.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "thermostack").rglob("*.py")]
    used = {code for source in sources for code in re.findall(r"""["']([EW]-[A-Z]+)["']""", source)}
    assert used == set(re.findall(r"^\| `([EW]-[A-Z]+)`", page, re.MULTILINE))


def links() -> list[tuple[str, str]]:
    """Return page and target of every link inside the repository."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "meshes").glob("*.md")]
    return [
        (page.relative_to(ROOT).as_posix(), target)
        for page in sorted(pages)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target
    ]


@pytest.mark.parametrize(("page", "target"), links())
def test_link_has_a_target(page: str, target: str) -> None:
    assert (ROOT / page).parent.joinpath(target).exists()
