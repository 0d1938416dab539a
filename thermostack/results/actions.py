"""Late binding: how methods of results call the functions that print, draw and write them.

A result is data. It imports no table, figure or file module; its `table`, `plot`, `save` and `to_...` methods
are one-line calls of functions in `report`, `plot` and `io`, whose modules are imported when they are called.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def call(module: str, function: str, *arguments: Any, **options: Any) -> Any:
    """Return the value of a function of a module of this package, imported now.

    >>> call("units", "celsius", 25.0)
    298.15
    """
    return getattr(import_module(f"thermostack.{module}"), function)(*arguments, **options)
