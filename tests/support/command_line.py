"""Where the tests of commands work: an empty directory beside one with drawings, and a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

CHIP = """\
package: chip
about: Two dies on a plate
stacks:
  plate:
    size: [12 mm, 8 mm]
    layers:
      - {name: copper, thickness: 1 mm, material: copper}
  gpu:
    on: plate
    at: [1 mm, 2 mm]
    size: [4 mm, 4 mm]
    limit: 85 degC
    layers:
      - name: active
        thickness: 20 um
        material: silicon_constant
        power: {blocks: {core: {at: [0 mm, 0 mm], size: [2 mm, 4 mm], power: 10 W}}, total: 10 W}
      - {name: bulk, thickness: 300 um, material: silicon_constant}
  hbm:
    on: plate
    size: [2 mm, 2 mm]
    layers:
      - {name: active, thickness: 20 um, material: silicon_constant, power: 1 W}
      - {name: bulk, thickness: 300 um, material: silicon_constant}
    copies:
      west: {at: [6 mm, 3 mm]}
      east: {at: [9 mm, 3 mm]}
cooling:
  bottom: {convection: {h: 2000 W/m2/K, ambient: 25 degC}}
"""


def go_to_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawings: Mapping[str, str]) -> Path:
    """Return an empty directory, where commands run from now on, beside ../drawings with these files."""
    (tmp_path / "drawings").mkdir()
    for name, text in drawings.items():
        (tmp_path / "drawings" / name).write_text(text)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path / "work"


def command_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "thermostack.cli", *arguments]


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Return what a command does in a process of its own."""
    return subprocess.run(
        command_line(*arguments), capture_output=True, text=True, timeout=60, check=False, **options
    )


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())
