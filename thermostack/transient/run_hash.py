"""Hash of the inputs of a transient run, by which a resumed run recognises its checkpoint.

Inputs with equal hashes give equal results. A Python function is hashed by its bytecode, constants, defaults
and closure, and by the global variables that it uses; an object by its class and all of its attributes.
Functions and classes of thermostack and of installed libraries are hashed by their names.
"""

from __future__ import annotations

import dataclasses
import dis
import functools
import hashlib
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.fields import quote_value
from thermostack.transient.trace import Origin

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), range, slice, Enum, Path, np.generic)
_CODE = ("co_argcount", "co_kwonlyargcount", "co_flags", "co_code", "co_names", "co_exceptiontable")
_LIBRARY_DIRECTORIES = {"site-packages", "dist-packages"}  # of installed libraries


def run_hash(inputs: Mapping[str, Any]) -> str:
    """Return the SHA-256 hash of all inputs of a run except its model, by their names.

    Raises DescriptionError (E-TYPE) with the first object whose content cannot be compared.
    """
    walk = _Walk()
    digest = hashlib.sha256()
    for name, value in inputs.items():
        try:
            digest.update(walk.digest(value))
        except _NotComparableError as error:
            text = f"{quote_value(error.value)} cannot be compared with that of the interrupted run"
            hint = "start the run without resume, or use functions of numbers and arrays"
            raise DescriptionError(Diagnostic(name, text, hint, "E-TYPE")) from None
    return digest.hexdigest()


class _NotComparableError(Exception):
    """The content of an object cannot be hashed."""

    def __init__(self, value: Any) -> None:
        self.value = value
        super().__init__()


class _Walk:
    """A walk over values, which may refer to each other, with the digests of those that are complete."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[bytes, Any]] = {}  # digest and object by id; the object is kept alive
        self.open: dict[int, int] = {}  # depth by id of the objects that contain the present one

    def digest(self, value: Any) -> bytes:
        """Return 32 bytes that differ between values that give different results."""
        number = id(value)
        if number in self.known:
            return self.known[number][0]
        digest = hashlib.sha256(f"{type(value).__module__}.{type(value).__qualname__}".encode())
        if number in self.open:
            digest.update(f"contains itself {len(self.open) - self.open[number]}".encode())
            return digest.digest()
        self.open[number] = len(self.open)
        for piece in self._pieces(value):
            digest.update(piece)
        del self.open[number]
        self.known[number] = digest.digest(), value
        return self.known[number][0]

    def _items(self, values: Iterable[Any]) -> Iterator[bytes]:
        yield from (self.digest(value) for value in values)

    def _pieces(self, value: Any) -> Iterator[bytes]:
        """Yield bytes of fixed length, or one piece of any length, for the content of a value."""
        if isinstance(value, _PLAIN):
            yield repr(value).encode()
        elif isinstance(value, np.ndarray):
            yield f"{value.shape}{value.dtype}".encode()
            if value.dtype.hasobject:
                yield from self._items(value.reshape(-1).tolist())
            else:
                yield np.ascontiguousarray(value).tobytes()
        elif isinstance(value, (list, tuple)):
            yield from self._items(value)
        elif isinstance(value, (dict, types.MappingProxyType)):
            yield from self._items([*value.keys(), *value.values()])
        elif isinstance(value, (set, frozenset)):
            yield from sorted(self._items(value))
        elif isinstance(value, Origin):
            return  # the file that a trace was read from does not change the result
        elif isinstance(value, SteadyResult):
            yield self.digest(value.field)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            yield from self._items(
                [type(value), *(getattr(value, f.name) for f in dataclasses.fields(value))]
            )
        else:
            yield from self._callable_pieces(value)

    def _callable_pieces(self, value: Any) -> Iterator[bytes]:
        if isinstance(value, types.FunctionType):
            yield from self._function(value)
        elif isinstance(value, types.CodeType):
            yield from self._items([*(getattr(value, name) for name in _CODE), value.co_consts])
        elif isinstance(value, type):
            yield from self._class(value)
        elif isinstance(value, (types.MethodType, classmethod, staticmethod)):
            yield from self._items([value.__func__, getattr(value, "__self__", None)])
        elif isinstance(value, property):
            yield from self._items([value.fget, value.fset])
        elif isinstance(value, functools.partial):
            yield from self._items([value.func, value.args, value.keywords])
        elif isinstance(value, (types.ModuleType, np.ufunc, np.dtype)):
            yield _name_of(value)
        elif isinstance(value, types.BuiltinFunctionType):
            yield _name_of(value)
            yield self.digest(value.__self__)  # a module, or the object of a bound method
        elif hasattr(value, "__wrapped__"):  # such as a cached function
            yield self.digest(value.__wrapped__)
        else:
            yield from self._instance(value)

    def _function(self, function: types.FunctionType) -> Iterator[bytes]:
        """Yield the digests of the code of a function, and of every value besides its arguments."""
        if _is_of_library(function):
            yield _name_of(function)
            return
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        known = function.__globals__
        used: list[Any] = [known[name] for name in sorted(_global_names(function.__code__)) if name in known]
        for module in [each for each in used if isinstance(each, types.ModuleType)]:
            if not _is_of_library(module):  # such as a module with the parameters of a study
                used += [vars(module)[name] for name in function.__code__.co_names if name in vars(module)]
        own = [function.__defaults__, function.__kwdefaults__, vars(function)]
        yield from self._items([function.__code__, own, cells, used])

    def _class(self, kind: type) -> Iterator[bytes]:
        """Yield the name of a class, and the digests of its content if it is not of a library."""
        yield _name_of(kind)
        if _is_of_library(kind):
            return
        for name, item in vars(kind).items():
            is_code = isinstance(item, (types.FunctionType, classmethod, staticmethod, property))
            if is_code or not (name.startswith("__") or name == "_abc_impl"):
                yield self.digest((name, item))
        yield from self._items(kind.__bases__)

    def _instance(self, value: Any) -> Iterator[bytes]:
        """Yield the digests of what a pickled copy of any other object would contain."""
        try:
            reduced = value.__reduce_ex__(2)
        except Exception:  # whatever the class of the user raises
            raise _NotComparableError(value) from None
        parts = (reduced,) if isinstance(reduced, str) else reduced
        yield from self._items([list(part) if isinstance(part, Iterator) else part for part in parts])


def _is_filled(cell: types.CellType) -> bool:
    """Return whether a cell of a closure has a value already."""
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _global_names(code: types.CodeType) -> set[str]:
    """Return the names of the global variables that code uses, with those of the functions inside it."""
    names = {each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL"}
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return names.union(*map(_global_names, inner))


def _name_of(value: Any) -> bytes:
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or repr(value)
    return f"{getattr(value, '__module__', '')}.{name}".encode()


def _is_of_library(value: Any) -> bool:
    """Return whether a function, class or module belongs to Python, thermostack or an installed library."""
    is_module = isinstance(value, types.ModuleType)
    name = value.__name__ if is_module else getattr(value, "__module__", None) or ""
    root = name.partition(".")[0]
    if root == "__main__":
        return False
    if root in ("thermostack", *sys.builtin_module_names) or root in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return not _LIBRARY_DIRECTORIES.isdisjoint(Path(file).parts)
