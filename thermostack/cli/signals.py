"""Handling of SIGINT, SIGTERM and SIGHUP: a command ends within two seconds, also inside compiled code."""

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

INTERRUPTED_EXIT_CODE = 130  # for each of the signals
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
UNWIND_TIMEOUT = 1.2  # s for the main thread to unwind; a factorisation in C would run on for minutes
STEP_TIMEOUT = 0.6  # s for a run to finish a time step, from which it can be resumed
RETRY_DELAY = 0.01  # s until an exception that Python dropped is raised again


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread at a signal; end the process if it does not unwind in time.

    A signal that the process ignored at its start stays ignored, as shells and `nohup` intend for programs
    in the background. Files are safe in any case: a file gets its name only when it is complete.
    """
    unwound = threading.Event()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_exit_if_stuck, args=(reading, unwound), daemon=True).start()
    try:
        with _SignalHandler().installed():
            yield
    finally:
        unwound.set()
        signal.set_wakeup_fd(wakeup)
        os.close(writing)


@contextlib.contextmanager
def between_steps() -> Iterator[Callable[[], None]]:
    """Yield a function to call between time steps, which raises KeyboardInterrupt after a signal.

    If a step takes longer than `STEP_TIMEOUT` after the signal, KeyboardInterrupt is raised within the step.
    """
    handler = _SignalHandler(STEP_TIMEOUT)
    with handler.installed():
        yield handler.raise_pending
        handler.raise_pending()


class _SignalHandler:
    """Raises KeyboardInterrupt after the first signal; later signals must not interrupt the clean-up.

    The exception can get lost. Python drops exceptions in destructors and in callbacks of weak references;
    then it is raised again after `RETRY_DELAY`. A library may catch it, or convert it into an exception of
    its own, as pydantic does; then it is raised at the end of the `installed` block.
    """

    def __init__(self, timeout: float = 0.0) -> None:
        self.timeout = timeout  # s from a signal to the exception, unless `raise_pending` is called before
        self.is_pending = self.is_raised = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.is_pending:
            return
        self.is_pending = True
        if self.timeout:
            signal.setitimer(signal.ITIMER_REAL, self.timeout)
        else:
            self.raise_pending()

    def raise_pending(self) -> None:
        """Raise KeyboardInterrupt if a signal has arrived and it was not raised yet."""
        if self.is_pending and not self.is_raised:
            self.is_raised = True
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals that are not ignored; restore the previous handlers at the end."""
        previous = {number: signal.getsignal(number) for number in SIGNALS}
        hook = sys.unraisablehook

        def on_dropped_exception(dropped: UnraisableHookArgs) -> None:
            if self.is_raised and issubclass(dropped.exc_type, KeyboardInterrupt):
                self.is_raised = False
                signal.setitimer(signal.ITIMER_REAL, RETRY_DELAY)
            else:
                hook(dropped)

        for number, handler in previous.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, self)
        previous[signal.SIGALRM] = signal.signal(signal.SIGALRM, lambda number, frame: self.raise_pending())
        sys.unraisablehook = on_dropped_exception
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
            for number, handler in previous.items():
                if handler is not None:
                    signal.signal(number, handler)


def _exit_if_stuck(reading: int, unwound: threading.Event) -> None:
    """Wait for signals on a pipe, and end the process if the main thread has not unwound in time.

    The pipe receives signals also while the main thread runs compiled code.
    """
    while number := os.read(reading, 1):
        if number[0] in SIGNALS and not unwound.wait(UNWIND_TIMEOUT):
            restore = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # the cursor that a progress bar hid
            os.write(2, f"{restore}interrupted\n".encode())
            if locks := sys.modules.get("thermostack.io.files.output_lock"):
                locks.remove_locks()
            os._exit(INTERRUPTED_EXIT_CODE)
    os.close(reading)
