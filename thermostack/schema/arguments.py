"""Checks of the arguments of public functions: objects, numbers, quantities and sequences of names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from thermostack.errors import ArgumentError, Diagnostic
from thermostack.schema.fields import Quantity, quote_value, to_si

MAX_THREADS = 1024  # more than any processor has cores; the stacks of more threads can exceed the memory


def argument_error(argument: str, message: str, hint: str = "", code: str = "E-VALUE") -> ArgumentError:
    """Return the error of an argument."""
    return ArgumentError(Diagnostic(argument, message, hint, code))


# -- objects ---------------------------------------------------------------------------------------


def require_instance(
    value: Any, kinds: tuple[type, ...], argument: str, noun: str, hint: str, *, reader: str = ""
) -> None:
    """Raise ArgumentError (E-TYPE) unless a value is an instance of one of some classes.

    `noun` names the classes, "a Model or a Package". The hint for a name or a path is to call `reader` with
    it, and for an object that has the required one as its attribute `model` or `package`, that attribute.
    """
    if isinstance(value, kinds):
        return
    attributes = (name for name in ("model", "package") if isinstance(getattr(value, name, None), kinds))
    if reader and isinstance(value, (str, PathLike)):
        hint = f"read the {reader.removeprefix('read_')} first: {reader}({str(value)!r})"
    elif (attribute := next(attributes, None)) is not None:
        hint = f"pass its attribute `{attribute}`"
    raise argument_error(argument, f"{_shown(value)} is not {noun}", hint, "E-TYPE")


def require_callable(value: Any, argument: str, hint: str) -> None:
    """Raise ArgumentError (E-TYPE) unless a value is a function."""
    if not callable(value):
        raise argument_error(argument, f"{_shown(value)} is not a function", hint, "E-TYPE")


def require_mapping(value: Any, argument: str, hint: str) -> None:
    """Raise ArgumentError (E-TYPE) unless a value is a mapping."""
    if not isinstance(value, Mapping):
        raise argument_error(argument, f"{_shown(value)} is not a mapping", hint, "E-TYPE")


def _shown(value: Any) -> str:
    """Return a value for a message: short values as they are, others as their class."""
    if value is None or isinstance(value, (str, Real, PathLike, tuple, list, dict)):
        return quote_value(value)
    return f"an object of {type(value).__name__}"


# -- numbers ---------------------------------------------------------------------------------------


def check_number(
    value: Any,
    argument: str,
    *,
    above: float | None = None,
    min: float | None = None,
    below: float = math.inf,
) -> float:
    """Return a number without a unit.

    Raises ArgumentError where it is not a finite number (E-TYPE) or out of its bounds (E-RANGE).
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        text = f"{_shown(value)} is not a number"
        raise argument_error(argument, text, "write a number without a unit and without quotes", "E-TYPE")
    number = float(value)
    if not math.isfinite(number):
        raise argument_error(argument, f"{value} is not a finite number", "", "E-RANGE")
    is_inside = (above is None or number > above) and (min is None or number >= min) and number < below
    if not is_inside:
        bounds = [f"greater than {above:g}"] if above is not None else []
        bounds += [f"at least {min:g}"] if min is not None else []
        bounds += [f"less than {below:g}"] if below < math.inf else []
        raise argument_error(argument, f"must be {' and '.join(bounds)}, got {value}", "", "E-RANGE")
    return number


def check_whole_number(value: Any, argument: str, *, min: int, max: int | None = None) -> int:
    """Return a whole number.

    Raises ArgumentError where it is none (E-TYPE) or out of its bounds (E-RANGE).
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise argument_error(argument, f"{_shown(value)} is not a whole number", "", "E-TYPE")
    number = int(value)
    if number < min or (max is not None and number > max):
        bounds = f"at least {min}" if max is None else f"from {min} to {max}"
        raise argument_error(argument, f"must be {bounds}, got {number}", "", "E-RANGE")
    return number


def check_threads(threads: Any, argument: str = "threads") -> int | None:
    """Return a number of threads, None for the default. Raises ArgumentError as `check_whole_number`."""
    return None if threads is None else check_whole_number(threads, argument, min=1, max=MAX_THREADS)


# -- quantities ------------------------------------------------------------------------------------


def check_quantity(
    value: Any, dimension: str, argument: str, *, above: float | None = None, min: float | None = None
) -> float:
    """Return a finite quantity [SI] within bounds [SI] from a number in SI units or text with a unit.

    Raises ArgumentError as `to_si`, and where the value is not finite or out of bounds (E-RANGE).
    """
    number = to_si(value, dimension, argument)
    try:
        Quantity(dimension, above=above, min=min).check(number)
    except PydanticCustomError as error:
        context = error.context or {}
        raise argument_error(argument, context["text"], context["hint"], error.type) from None
    return number


def quantities_in_si(values: Any, dimension: str, argument: str) -> np.ndarray:
    """Return an array of quantities [SI] from one or several numbers in SI units or texts with a unit.

    The array has the shape of `values`, () for a single one. Raises ArgumentError as `to_si`.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        return values.astype(np.float64)
    try:
        given = np.array(values, dtype=object)
    except ValueError:  # rows of different lengths
        raise argument_error(argument, f"{_shown(values)} is not an array", "", "E-TYPE") from None
    array = np.empty(given.shape)
    for index in np.ndindex(given.shape):
        place = argument + "".join(f"[{n}]" for n in index)
        array[index] = to_si(given[index], dimension, place)
    return array


def as_names(names: Iterable[str] | str, argument: str) -> tuple[str, ...]:
    """Return a sequence of names; a single text is one name.

    Raises ArgumentError (E-TYPE) where it is no sequence, or where an item is no text.
    """
    if isinstance(names, str):
        return (names,)
    given = tuple(names) if isinstance(names, Iterable) else (names,)
    if not all(isinstance(name, str) for name in given):
        text = f"{_shown(names)} is not a sequence of names"
        raise argument_error(argument, text, 'write ["gpu", "hbm"]', "E-TYPE")
    return given
