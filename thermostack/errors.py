"""Exceptions of thermostack, and diagnostics that locate an error in a description."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

MAX_SHOWN_DIAGNOSTICS = 50  # a file with more of them is probably not a description at all


@dataclass(frozen=True)
class Diagnostic:
    """One error or warning about a description: its place, the problem, and a hint at the solution.

    Parameters
    ----------
    field : str
        The field as written in the file, such as "stacks.gpu.layers.bulk.thickness".
    message : str
        The problem, such as "-50 um is not greater than zero".
    hint : str
        The solution, such as "did you mean 50 um?"; empty if none is known.
    code : str
        A code that is the same in every version; docs/guide/errors.md lists them. W- codes are warnings.
    file : str or None
        The file of the description.
    line, column : int or None
        The position in the file, from 1.
    path : tuple of str or int
        The keys and indices that lead to the field.

    Examples
    --------
    >>> message, hint = "-50 um is not greater than zero", "did you mean 50 um?"
    >>> diagnostic = Diagnostic("thickness", message, hint, "E-RANGE")
    >>> print(diagnostic.located_at("case.yaml", 14, 33))
    case.yaml:14:33: thickness: -50 um is not greater than zero (did you mean 50 um?) [E-RANGE]
    """

    field: str
    message: str
    hint: str = ""
    code: str = "E-VALUE"
    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: tuple[str | int, ...] = ()

    @property
    def is_warning(self) -> bool:
        """True if the description is unusual but not wrong."""
        return self.code.startswith("W-")

    def located_at(self, file: str | None, line: int | None = None, column: int | None = None) -> Diagnostic:
        """Return this diagnostic with its position in a file."""
        return replace(self, file=file, line=line, column=column)

    def __str__(self) -> str:
        """Return `file:line:column: field: message (hint) [code]`."""
        file = None if self.file is None else "".join(map(_escaped, self.file))
        position = ":".join(str(part) for part in (file, self.line, self.column) if part is not None)
        head = ": ".join(part for part in (position, self.field) if part)
        tail = f" ({self.hint})" if self.hint else ""
        return f"{head + ': ' if head else ''}{self.message}{tail} [{self.code}]"


def _escaped(character: str) -> str:
    """Return a character of a file name, or its escape sequence if it is not printable."""
    return character if character.isprintable() else character.encode("unicode_escape").decode()


class ThermostackError(Exception):
    """Base class of the errors that thermostack raises intentionally.

    The attribute `exit_code` is the exit code of the command line: 1 here, 2 to 6 in the derived classes.

    Examples
    --------
    >>> import thermostack as ts
    >>> try:
    ...     ts.read_package("no_such_package")
    ... except ts.ThermostackError as error:
    ...     print(type(error).__name__, error.exit_code)
    DescriptionError 2
    """

    exit_code = 1


class DescriptionError(ThermostackError):
    """The description is wrong, or a file to be read does not exist (exit code 2).

    Parameters
    ----------
    diagnostics : Diagnostic or iterable of Diagnostic
        All errors that were found, kept in the attribute `diagnostics`. The text of the exception has a line
        for each of the first 50.

    Examples
    --------
    >>> import thermostack as ts
    >>> try:
    ...     ts.Layer("bulk", "-50 um", "silicon")
    ... except ts.DescriptionError as error:
    ...     print(error.diagnostics[0].field, error.diagnostics[0].code)
    Layer.thickness E-RANGE
    """

    exit_code = 2

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        self.diagnostics = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        lines = [str(diagnostic) for diagnostic in self.diagnostics[:MAX_SHOWN_DIAGNOSTICS]]
        if len(self.diagnostics) > MAX_SHOWN_DIAGNOSTICS:
            lines.append(f"... and {len(self.diagnostics) - MAX_SHOWN_DIAGNOSTICS} more")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the class and the diagnostics, of which a copied or unpickled error is constructed."""
        return type(self), (self.diagnostics,)


class ArgumentError(DescriptionError, ValueError):
    """An argument of a function is wrong: its type, its unit or its range (exit code 2).

    It is a `DescriptionError` and a `ValueError`; the field of its diagnostic is the name of the argument.

    Examples
    --------
    >>> import thermostack as ts
    >>> try:
    ...     ts.solve_steady("fcbga")
    ... except ts.ArgumentError as error:
    ...     print(error)
    model: 'fcbga' is not a Model or a Package (read the package first: read_package('fcbga')) [E-TYPE]
    """


class UnknownNameError(DescriptionError, KeyError):
    """No part, block, stack, side or output has the requested name (exit code 2).

    It is a `DescriptionError` and a `KeyError`; the hint of its diagnostic contains similar names.

    Examples
    --------
    >>> import thermostack as ts
    >>> steady = ts.solve_steady(ts.discretize(ts.read_package("hbm3_8h"), cell="3 mm"))
    >>> try:
    ...     steady.of("base_beol")
    ... except ts.UnknownNameError as error:
    ...     print(error)
    no part is named 'base_beol' (did you mean hbm3_8h.base_beol?) [E-NAME]
    """

    def __str__(self) -> str:
        """Return the text of the diagnostics; that of a KeyError would be its representation in quotes."""
        return str(self.args[0])


class ConvergenceError(ThermostackError):
    """An iteration stopped before it reached its tolerance; no temperature is returned (exit code 3).

    Parameters
    ----------
    message : str
        The reason, and the possible solutions.
    history : iterable of float
        The relative residual after each iteration, kept in the attribute `history`.

    Examples
    --------
    >>> from thermostack import ConvergenceError
    >>> ConvergenceError("stopped at a residual of 1e-3", [1.0, 1e-3]).history
    (1.0, 0.001)
    """

    exit_code = 3

    def __init__(self, message: str, history: Iterable[float] = ()) -> None:
        self.history = tuple(history)
        super().__init__(message)


class RunawayError(ConvergenceError):
    """No steady temperature exists, since power grows faster with temperature than cooling (exit code 3).

    Examples
    --------
    >>> from thermostack import RunawayError
    >>> RunawayError.exit_code
    3
    """


class BoilingCrisisError(ConvergenceError):
    """A boiling surface exceeds the critical heat flux, above which vapour insulates it (exit code 3).

    Examples
    --------
    >>> from thermostack import BoilingCrisisError
    >>> BoilingCrisisError.exit_code
    3
    """


class ResourceError(ThermostackError):
    """The machine has too little memory for the request; nothing was allocated (exit code 4).

    Examples
    --------
    >>> from thermostack import ResourceError
    >>> ResourceError.exit_code
    4
    """

    exit_code = 4


class OutputError(ThermostackError):
    """A file could not be written; an older file of that name is unchanged (exit code 5).

    Examples
    --------
    >>> from thermostack import OutputError
    >>> OutputError.exit_code
    5
    """

    exit_code = 5


class ResultFileError(ThermostackError):
    """A result file is damaged, of another program, or of a newer version (exit code 6).

    Examples
    --------
    >>> from thermostack import ResultFileError
    >>> ResultFileError.exit_code
    6
    """

    exit_code = 6


class GridWarning(UserWarning):
    """A requested value has a large estimated discretisation error (W-GRID).

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("error", GridWarning)  # an exception in place of a warning
    >>> warnings.simplefilter("default", GridWarning)
    """
