"""Libraries that the steady path does not need are not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOLVE = "'solve', 'fcbga', '--cell', '6 mm', '--quiet'"


def modules_after(arguments: str, directory: Path) -> set[str]:
    """Return the names of the modules that a command has imported."""
    program = (
        f"import sys; from thermostack.cli.main import main; main([{arguments}]); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=directory
    )
    return set(done.stderr.splitlines()[-1].split())


def test_tables_need_no_library_of_files_and_figures(tmp_path: Path) -> None:
    unneeded = "scipy.sparse h5py ruamel.yaml matplotlib vtk pyvista pyamg xarray pandas".split()
    assert not modules_after(f"{SOLVE}, '--no-save'", tmp_path).intersection(unneeded)


def test_figure_needs_no_pyplot(tmp_path: Path) -> None:
    loaded = modules_after(SOLVE, tmp_path)
    assert "matplotlib.figure" in loaded
    assert not loaded.intersection(["matplotlib.pyplot", "scipy.sparse", "vtk", "pyvista", "xarray"])


def test_documentation_of_artists_is_composed_again_after_the_import(tmp_path: Path) -> None:
    program = (
        "from thermostack.cli.timing import load_matplotlib; load_matplotlib(); "
        "from matplotlib.artist import kwdoc; from matplotlib.lines import Line2D; print(len(kwdoc(Line2D)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 100
