"""OpenMP, loaded with the setting that waiting threads sleep soon.

OpenMP reads its settings once, when the first kernel that uses it is loaded. By default a waiting thread
spins for milliseconds, which makes a solve two to thirteen times as long where other processes need the
processors. So `import thermostack` loads OpenMP here before any other kernel. Settings of the user are
kept, and the environment is restored. A process that has loaded OpenMP before for another library keeps
its settings.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

# Threads that wait spin for some microseconds and then sleep.
WAIT_SETTINGS = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "3000"}


@contextlib.contextmanager
def _wait_settings() -> Iterator[None]:
    """Add the settings to the environment, unless the user has set one of them."""
    added = {} if WAIT_SETTINGS.keys() & os.environ.keys() else WAIT_SETTINGS
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


with _wait_settings():
    from thermostack.threads import _openmp


def max_threads() -> int:
    """Return the number of threads that OpenMP uses by default; one without OpenMP."""
    return _openmp.max_threads()
