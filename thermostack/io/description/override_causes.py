"""Overrides that cause an error of a description, found by reading it without them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from thermostack.errors import DescriptionError, Diagnostic

MAX_SEPARATE_READS = 8  # of a description without one of its overrides

Key = tuple[str, str, str | None]  # field, code and file of an error
Reader = Callable[[Mapping[str, Any]], object]  # reads a description with overrides


def with_causes(
    error: DescriptionError, overrides: Mapping[str, Any], source: str, read: Reader
) -> DescriptionError:
    """Return an error whose messages name the overrides that cause it.

    An override is a cause if the error is absent without it. If none is alone, and the error is absent
    without all of them, all are. Messages at the place of an override, `source`, name it already.
    """
    elsewhere = [_key(each) for each in error.diagnostics if each.file != source]
    if not overrides or not elsewhere:
        return error
    remaining = _errors(read, {})
    if all(key in remaining for key in elsewhere):
        return error
    without = {}
    if 1 < len(overrides) <= MAX_SEPARATE_READS:
        for path in overrides:
            without[path] = _errors(read, {other: overrides[other] for other in overrides if other != path})
    found = []
    for diagnostic in error.diagnostics:
        key = _key(diagnostic)
        if diagnostic.file != source and key not in remaining:
            causes = [path for path, keys in without.items() if key not in keys] or list(overrides)
            message = f"{diagnostic.message}; caused by {_listed(causes, overrides, source)}"
            diagnostic = replace(diagnostic, message=message)
        found.append(diagnostic)
    return type(error)(found)


def _listed(paths: Iterable[str], overrides: Mapping[str, Any], source: str) -> str:
    return f"{source} " + " and ".join(f"{path}={overrides[path]}" for path in paths)


def _errors(read: Reader, overrides: Mapping[str, Any]) -> set[Key]:
    """Return the errors of a description with some overrides."""
    try:
        read(overrides)
    except DescriptionError as error:
        return {_key(diagnostic) for diagnostic in error.diagnostics}
    return set()


def _key(diagnostic: Diagnostic) -> Key:
    return diagnostic.field, diagnostic.code, diagnostic.file
