"""The command line: exit codes, error messages, and interruption from the first import on.

This file imports nothing that takes long: a signal that arrives while the commands and their libraries are
imported ends the process like one that arrives later. The modules of the commands import numerical libraries
inside functions, so that `--help` starts fast.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from thermostack.cli.signals import INTERRUPTED_EXIT_CODE, interruptible

INTERNAL_ERROR_EXIT_CODE = 1


def main(tokens: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, that of its error, or 130 where a signal interrupted it.

    Parameters
    ----------
    tokens
        The command line without the program; that of the process if None.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # for characters that the terminal cannot encode
    arguments = list(sys.argv[1:] if tokens is None else tokens)
    is_debugging = "--debug" in arguments
    try:
        with interruptible():
            _run(arguments)
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        exec("")  # clears the pending-interrupt flag of Python, which would kill `python -m` after main
        return INTERRUPTED_EXIT_CODE
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except Exception as error:
        if is_debugging:
            import traceback

            traceback.print_exc()
        return report_error(error, is_debugging)
    finally:
        if tokens is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a traceback of the exit of Python tells nothing
    return 0


def _run(arguments: Sequence[str]) -> None:
    from thermostack.cli.app import app
    from thermostack.cli.options import join_negative_values

    tokens = join_negative_values(arguments)
    command, bound, *_ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    command(*bound.args, **bound.kwargs)


def report_error(error: Exception, is_debugging: bool) -> int:
    """Print the message of an error on stderr and return its exit code."""
    from cyclopts import CycloptsError

    from thermostack.cli.console import ERROR_COLOR, log
    from thermostack.errors import DescriptionError, OutputError, ResourceError, ThermostackError

    if isinstance(error, ThermostackError):
        log(str(error), ERROR_COLOR)
        return error.exit_code
    if isinstance(error, CycloptsError):
        log(f"{error}\n`thermostack --help` lists the commands and their options.", ERROR_COLOR)
        return DescriptionError.exit_code
    if isinstance(error, MemoryError):
        log("not enough memory on this machine; use larger cells (--cell)", ERROR_COLOR)
        return ResourceError.exit_code
    if isinstance(error, OSError):
        if error.filename is None:  # stdout failed; without this Python fails again when it flushes at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):  # the reader of a pipe may close it, as `head` does
            log(f"cannot write {error.filename or 'to standard output'}: {error.strerror}", ERROR_COLOR)
        return OutputError.exit_code
    hint = "" if is_debugging else "; --debug prints the traceback"
    log(f"internal error of thermostack: {type(error).__name__}: {error}{hint}", ERROR_COLOR)
    return INTERNAL_ERROR_EXIT_CODE
