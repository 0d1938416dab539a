"""What can go wrong, each failure with its cause, its place and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

MAX_SHOWN_DIAGNOSTICS = 50  # a file with more faults than this is another kind of file


@dataclass(frozen=True)
class Diagnostic:
    """One thing wrong with a description: where it stands, what is wrong, what would be right."""

    field: str  # "stacks.gpu.layers.bulk.thickness"
    message: str  # "-50 um is not greater than zero"
    hint: str = ""  # "did you mean 50 um?"
    code: str = "E-VALUE"  # stable; the list is in docs/guide/errors.md
    file: str | None = None
    line: int | None = None  # from 1
    column: int | None = None  # from 1
    path: tuple[str | int, ...] = ()  # the field as the keys and indices that lead to it

    @property
    def is_warning(self) -> bool:
        """True where the description is unusual rather than wrong."""
        return self.code.startswith("W-")

    def located_at(self, file: str | None, line: int | None = None, column: int | None = None) -> Diagnostic:
        """Return this fault with its place in a file."""
        return replace(self, file=file, line=line, column=column)

    def __str__(self) -> str:
        """Return `file:line:column: field: message (remedy) [code]`."""
        file = None if self.file is None else "".join(map(_escaped, self.file))
        place = ":".join(str(part) for part in (file, self.line, self.column) if part is not None)
        head = ": ".join(part for part in (place, self.field) if part)
        tail = f" ({self.hint})" if self.hint else ""
        return f"{head + ': ' if head else ''}{self.message}{tail} [{self.code}]"


def _escaped(sign: str) -> str:
    """Return a sign of a file's name; one that would break the line, or cannot be printed, as its escape."""
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()


class ThermostackError(Exception):
    """Any failure this package raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class DescriptionError(ThermostackError):
    """The drawing is wrong: every fault found in it, with file, line and field."""

    exit_code = 2

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        self.diagnostics = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        shown = [str(diagnostic) for diagnostic in self.diagnostics[:MAX_SHOWN_DIAGNOSTICS]]
        if len(self.diagnostics) > MAX_SHOWN_DIAGNOSTICS:
            shown.append(f"... and {len(self.diagnostics) - MAX_SHOWN_DIAGNOSTICS} more")
        super().__init__("\n".join(shown))


class ConvergenceError(ThermostackError):
    """An iteration stopped before its tolerance; no temperature is returned."""

    exit_code = 3

    def __init__(self, message: str, history: Iterable[float] = ()) -> None:
        self.history = tuple(history)  # the residual after each iteration, relative
        super().__init__(message)


class RunawayError(ConvergenceError):
    """No steady temperature exists: the heat grows faster with temperature than the cooling."""


class ResourceError(ThermostackError):
    """The machine is too small for what was asked; nothing was allocated."""

    exit_code = 4


class OutputError(ThermostackError):
    """A file could not be written; what stood there before is untouched."""

    exit_code = 5


class ResultFileError(ThermostackError):
    """A result file is damaged, foreign or from a newer version."""

    exit_code = 6
