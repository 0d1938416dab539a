"""Working directory of command tests, and commands in processes with default signal handling."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from thermostack.cli.signals import SIGNALS

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

# A description for tests of commands.
TWO_DIES = """\
package: two_dies
about: Two dies on a carrier
stacks:
  carrier:
    size: [24 mm, 14 mm]
    filler: emc
    layers:
      - {name: silicon, thickness: 100 um, material: silicon_constant}
  logic:
    on: carrier
    at: [1 mm, 2 mm]
    size: [10 mm, 10 mm]
    limit: 85 degC
    layers:
      - name: active
        thickness: 1 um
        material: silicon_constant
        power: {blocks: {core: {at: [1 mm, 1 mm], size: [2 mm, 2 mm], power: 10 W}}, total: 10 W}
      - {name: bulk, thickness: 700 um, material: silicon_constant}
  memory:
    on: carrier
    at: [13 mm, 2 mm]
    size: [10 mm, 10 mm]
    layers:
      - {name: active, thickness: 1 um, material: silicon_constant, power: 5 W}
      - {name: bulk, thickness: 700 um, material: silicon_constant}
cooling:
  top: {convection: {h: 10000 W/m2/K, ambient: 40 degC}}
  surroundings: {convection: {h: 10 W/m2/K, ambient: 25 degC}}
"""


def enter_work_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, descriptions: Mapping[str, str]
) -> Path:
    """Return an empty directory, the current one from now on, beside ../descriptions with these files."""
    (tmp_path / "descriptions").mkdir()
    for name, text in descriptions.items():
        (tmp_path / "descriptions" / name).write_text(text)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path / "work"


def command_line(*arguments: str) -> list[str]:
    """Return the command line of `thermostack` with these arguments."""
    return [sys.executable, "-m", "thermostack.cli", *arguments]


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Return exit code, stdout and stderr of a command in a process of its own."""
    return subprocess.run(
        command_line(*arguments), capture_output=True, text=True, timeout=60, check=False, **options
    )


def reset_signals() -> None:
    """Reset the signals that interrupt a command to their default action.

    For `preexec_fn`: a shell starts background jobs with SIGINT ignored, and `nohup` ignores SIGHUP. Child
    processes inherit that, and the program would ignore the signals of a test.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    """Return a started process that the signals of a test interrupt, with its stderr as a pipe."""
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=reset_signals, **options)


def files(directory: Path) -> list[str]:
    """Return the sorted names of the files in a directory."""
    return sorted(path.name for path in directory.iterdir())
