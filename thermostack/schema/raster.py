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
            raise fail("E-TYPE", "the rows of the map differ in length") from None
        if given.dtype.kind not in "fiu" or given.ndim != 2 or given.size == 0:
            text = f"an array of {given.dtype} with shape {given.shape} is not a map"
            raise fail(
                "E-TYPE", text, "expected a two-dimensional array of real numbers, the first row in the south"
            )
        values = np.array(given, dtype=np.float64, order="C")
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            text = f"{values[row, column]} in row {row + 1}, column {column + 1} is not a finite number"
            raise fail("E-RANGE", text)
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


def restore_read_only(described: Any, state: dict[str, Any]) -> None:
    """Set the attributes of an unpickled or copied object, with arrays read-only as in the original."""
    for value in state.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    vars(described).update(state)
