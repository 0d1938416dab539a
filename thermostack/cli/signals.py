"""An interrupted command ends within two seconds, also inside a library that Python cannot stop."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

INTERRUPTED = 130  # the exit code, whichever of the signals it was
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 1.2  # s for the main thread to unwind; a factorisation in C would hold it for minutes
PATIENCE = 0.6  # s for a run to come to the end of a step, where it can be gone on with
AGAIN = 0.01  # s after which an interrupt that was dropped is raised again


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
    threading.Thread(target=_watch, args=(reading, heeded), daemon=True).start()
    try:
        with _SignalHandler().installed():
            yield
    finally:
        heeded.set()
        signal.set_wakeup_fd(wakeup)
        os.close(writing)


@contextlib.contextmanager
def between_steps() -> Iterator[Callable[[], None]]:
    """Yield what a run calls between its steps: a signal raises KeyboardInterrupt there.

    Where a step takes longer than that can wait, it is raised in the middle of it.
    """
    interrupt = _SignalHandler(PATIENCE)
    with interrupt.installed():
        yield interrupt.look
        interrupt.look()


class _SignalHandler:
    """Raises KeyboardInterrupt after a signal, once: a second signal must not interrupt the tidying up.

    It may be raised where it gets lost. Python drops it in a destructor, or as a weak reference dies: then
    it is raised again soon after. A library may catch it, or make an error of its own out of it (pydantic
    does): then what is interrupted ends with it all the same.
    """

    def __init__(self, patience: float = 0.0) -> None:
        self.patience = patience  # s from a signal until it is raised, where nobody looks before
        self.is_asked = self.is_raised = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.is_asked:
            return
        self.is_asked = True
        if self.patience:
            signal.setitimer(signal.ITIMER_REAL, self.patience)
        else:
            self.look()

    def look(self) -> None:
        if self.is_asked and not self.is_raised:
            self.is_raised = True
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        kept = {number: signal.getsignal(number) for number in SIGNALS}
        hook = sys.unraisablehook

        def dropped(what: UnraisableHookArgs) -> None:
            if self.is_raised and issubclass(what.exc_type, KeyboardInterrupt):
                self.is_raised = False
                signal.setitimer(signal.ITIMER_REAL, AGAIN)
            else:
                hook(what)

        for number, handler in kept.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, self)
        kept[signal.SIGALRM] = signal.signal(signal.SIGALRM, lambda number, frame: self.look())
        sys.unraisablehook = dropped
        try:
            yield
            if self.is_raised:
                raise KeyboardInterrupt
        except Exception as error:
            if self.is_raised:
                raise KeyboardInterrupt from error
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            sys.unraisablehook = hook
            for number, handler in kept.items():
                if handler is not None:
                    signal.signal(number, handler)


def _watch(reading: int, heeded: threading.Event) -> None:
    """Wait for a signal, which arrives here even while the main thread is in C, and see that it is heeded."""
    while number := os.read(reading, 1):
        if number[0] in SIGNALS and not heeded.wait(GRACE):
            restore = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # the cursor that a progress display hid
            os.write(2, f"{restore}interrupted\n".encode())
            os._exit(INTERRUPTED)
    os.close(reading)
