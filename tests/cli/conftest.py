"""Signal handling of tests that send signals to their own process."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from thermostack.cli.signals import SIGNALS


@pytest.fixture
def default_signals() -> Iterator[None]:
    """Handle signals as Python does when none is ignored, until the end of the test."""
    previous = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, default)
    yield
    for number, handler in previous.items():
        signal.signal(number, handler)
