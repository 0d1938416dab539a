"""An interrupted command ends within two seconds, also inside a library that Python cannot stop."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

INTERRUPTED = 130  # the exit code, whichever of the signals it was
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 1.2  # s for the main thread to unwind; a factorisation in C would hold it for minutes
PATIENCE = 0.6  # s for a run to come to the end of a step, where it can be gone on with


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread at a signal, and end the process where that is not heeded.

    A signal that the process was started to ignore (nohup) stays ignored. Files are safe either way: one
    that is being written has no name yet.
    """
    heeded = threading.Event()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    handlers = {}
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            handlers[number] = signal.signal(number, _Raise())
    threading.Thread(target=_watch, args=(reading, heeded), daemon=True).start()
    try:
        yield
    finally:
        heeded.set()
        signal.set_wakeup_fd(wakeup)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(writing)


class _Raise:
    """Raises KeyboardInterrupt once; a second signal must not interrupt the tidying up after the first."""

    def __init__(self) -> None:
        self.is_raised = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.is_raised:
            self.is_raised = True
            raise KeyboardInterrupt


@contextlib.contextmanager
def between_steps() -> Iterator[Callable[[], None]]:
    """Yield what a run calls between its steps: a signal raises KeyboardInterrupt there.

    Where a step takes longer than that can wait, it is raised in the middle of it.
    """
    waiting = _Wait()
    kept = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in kept.items():
        if handler not in (signal.SIG_IGN, None):
            signal.signal(number, waiting)
    alarm = signal.signal(signal.SIGALRM, waiting.ring)
    try:
        yield waiting.look
        waiting.look()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        for number, handler in {**kept, signal.SIGALRM: alarm}.items():
            if handler is not None:
                signal.signal(number, handler)


class _Wait:
    """Raises KeyboardInterrupt once, when it is asked after a signal, or some time after that."""

    def __init__(self) -> None:
        self.is_asked = self.is_raised = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.is_asked:
            self.is_asked = True
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    def ring(self, number: int, frame: FrameType | None) -> None:
        self.look()

    def look(self) -> None:
        if self.is_asked and not self.is_raised:
            self.is_raised = True
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            raise KeyboardInterrupt


def _watch(reading: int, heeded: threading.Event) -> None:
    """Wait for a signal, which arrives here even while the main thread is in C, and see that it is heeded."""
    while number := os.read(reading, 1):
        if number[0] in SIGNALS and not heeded.wait(GRACE):
            restore = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # the cursor that a progress display hid
            os.write(2, f"{restore}interrupted\n".encode())
            os._exit(INTERRUPTED)
    os.close(reading)
