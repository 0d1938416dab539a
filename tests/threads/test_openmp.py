"""OpenMP is loaded before every kernel, with threads that sleep soon when they wait."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from thermostack.threads.openmp import WAIT_SETTINGS, max_threads

ROOT = Path(__file__).parents[2]
KERNELS = sorted(f"thermostack.{path.parent.name}._{path.stem}" for path in (ROOT / "ext").glob("*/*.pyx"))


def settings_after(statement: str, **environment: str) -> tuple[str, str]:
    """Return what OpenMP prints of its settings when it is loaded, and what the statement prints."""
    clean = {name: value for name, value in os.environ.items() if name not in WAIT_SETTINGS}
    done = subprocess.run(
        [sys.executable, "-c", statement],
        capture_output=True,
        text=True,
        check=True,
        env={**clean, "OMP_DISPLAY_ENV": "verbose", **environment},
    )
    return done.stderr, done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="settings of the OpenMP of GCC")
@pytest.mark.parametrize("kernel", KERNELS)
def test_waiting_threads_sleep_whichever_kernel_is_loaded_first(kernel: str) -> None:
    shown, printed = settings_after(
        f"import os, {kernel}; print(sorted(set(os.environ) & {set(WAIT_SETTINGS)}))"
    )
    assert "GOMP_SPINCOUNT = '3000'" in shown
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in shown
    assert printed == "[]\n"  # other processes that this one starts have their own settings


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="settings of the OpenMP of GCC")
def test_settings_of_the_user_are_kept() -> None:
    shown, _ = settings_after("import thermostack", OMP_WAIT_POLICY="active")
    assert "OMP_WAIT_POLICY = 'ACTIVE'" in shown
    assert "GOMP_SPINCOUNT = '3000'" not in shown


def test_number_of_threads_is_that_of_openmp() -> None:
    _, printed = settings_after(
        "from thermostack.threads.openmp import max_threads; print(max_threads())", OMP_NUM_THREADS="3"
    )
    assert printed.strip() in ("1", "3")  # one where the compiler has no OpenMP
    assert max_threads() >= 1
