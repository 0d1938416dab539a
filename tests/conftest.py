"""Shared settings and fixtures: number of random examples, precision of conductances, checks of files."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from thermostack.finite_volume import conduction

# No test reads or writes the cache of the user; those of the cache have a directory of their own.
os.environ["THERMOSTACK_CACHE"] = "off"

# A loaded machine makes an example slow without making it wrong, so no example has a deadline.
SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("quick", max_examples=15, **SHARED)
settings.register_profile("ci", max_examples=15, derandomize=True, print_blob=True, **SHARED)
settings.register_profile("deep", max_examples=500, **SHARED)
settings.load_profile("ci" if os.environ.get("CI") else "quick")


@pytest.fixture
def float64_conductances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Store face conductances in float64, for tests that are exact except for their rounding."""
    monkeypatch.setattr(conduction, "FACE_CONDUCTANCE_DTYPE", np.float64)


@pytest.fixture(scope="module")
def float64_conductances_in_module() -> Iterator[None]:
    """Store face conductances in float64 in a whole module, including its shared fixtures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conduction, "FACE_CONDUCTANCE_DTYPE", np.float64)
        yield


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look files through without starting a process each time: for ones that HDF5 itself has written."""
    from thermostack.io.results import hdf5_arrays, hdf5_check

    monkeypatch.setattr(hdf5_arrays, "_run_check", lambda path: hdf5_check.check_hdf5(str(path), 2**33))
