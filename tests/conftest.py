"""What every test shares: how many examples the property tests draw."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A loaded machine makes an example slow without making it wrong, so no example has a deadline.
SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("quick", max_examples=15, **SHARED)
settings.register_profile("ci", max_examples=15, derandomize=True, print_blob=True, **SHARED)
settings.register_profile("deep", max_examples=500, **SHARED)
settings.load_profile("ci" if os.environ.get("CI") else "quick")
