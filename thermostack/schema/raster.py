"""The field type of a map: a table of finite numbers, one for each of the equal pixels of a rectangle."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from thermostack.schema.fields import fail


class RasterField:
    """Field type of the values of a map: a read-only float64 array (ny, nx), row 0 in the south."""

    @staticmethod
    def read(value: Any) -> np.ndarray:
        """Return a read-only copy of a table. Raises the error of `fail` if it has other values."""
        try:
            given = np.asarray(value)
        except ValueError:
            raise fail("E-TYPE", _ragged_message(value)) from None
        if given.dtype.kind not in "fiu" or given.ndim != 2 or given.size == 0:
            text = f"an array of {given.dtype} with shape {given.shape} is not a map"
            raise fail(
                "E-TYPE", text, "expected a two-dimensional array of real numbers, the first row in the south"
            )
        values = np.array(given, dtype=np.float64, order="C")
        if not np.isfinite(values).all():
            wrong = np.argwhere(~np.isfinite(values))
            row, column = wrong[0]
            text = f"{values[row, column]} in row {row + 1}, column {column + 1} is not a finite number"
            more = f"; {len(wrong)} pixels are not finite numbers" if len(wrong) > 1 else ""
            raise fail("E-RANGE", text + more)
        values.flags.writeable = False
        return values

    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            RasterField.read,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda values: values.tolist()),
        )

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}


def _ragged_message(value: Any) -> str:
    """Return the message of a table whose rows differ in length, with the first row that differs."""
    lengths = [len(row) if isinstance(row, (list, tuple, np.ndarray)) else 1 for row in value]
    n = next((n for n, length in enumerate(lengths) if length != lengths[0]), None)
    if n is None:
        return "the map is not a table of numbers"
    counts = f"row 1 has {lengths[0]} values, row {n + 1} has {lengths[n]}"
    return f"the rows of the map differ in length: {counts}"


def restore_read_only(described: Any, state: dict[str, Any]) -> None:
    """Set the attributes of an unpickled or copied object, with arrays read-only as in the original."""
    for value in state.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    vars(described).update(state)
