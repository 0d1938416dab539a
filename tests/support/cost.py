"""Cost of a call that does not depend on the speed of the machine: function calls and allocated memory."""

import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


def count_calls(function: Callable[[], T]) -> tuple[int, T]:
    """Return the number of Python and C functions that a call enters, and what it returns."""
    entered = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal entered
        entered += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        returned = function()
    finally:
        sys.setprofile(before)
    return entered, returned


def peak_memory(function: Callable[[], Any]) -> int:
    """Return the maximum memory that Python and NumPy hold during a call [bytes], beyond that before it."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
