"""Fields of a union whose classes contain such fields themselves: their schema is built at the first use.

pydantic copies the schema of a union into each class with such a field. If the classes of the union have
such fields themselves, each copy contains further copies, and their number grows with each class.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Annotated, Any, cast

from pydantic import GetCoreSchemaHandler, TypeAdapter
from pydantic_core import core_schema

from thermostack.schema.fields import CoreSchema, fail
from thermostack.schema.validated_dataclass import TaggedUnion

MAX_DEPTH = 100  # of objects inside each other; a mapping in Python may contain itself
_depth: ContextVar[int] = ContextVar("_depth", default=0)
_in_json_schema: ContextVar[frozenset[str]] = ContextVar("_in_json_schema", default=frozenset())


@dataclass(frozen=True)
class DeferredUnion:
    """A field of a `TaggedUnion`, which is the attribute `name` of a module that may import this one later.

    Reading, writing and errors are those of the union. In a JSON Schema it is one definition, of the name
    `title`, to which all fields refer.
    """

    module: str
    name: str
    title: str

    @cached_property
    def union(self) -> TaggedUnion:
        """Return the union."""
        found: TaggedUnion = getattr(import_module(self.module), self.name)
        return found

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(Annotated[Any, self.union])

    def _read(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        depth = _depth.get()
        if depth > MAX_DEPTH:
            text = f"objects lie inside each other more than {MAX_DEPTH} deep"
            raise fail("E-VALUE", text, "define the inner ones by name, and give their names")
        token = _depth.set(depth + 1)
        try:
            return self._adapter.validate_python(value, context=info.context)
        finally:
            _depth.reset(token)

    def _write(self, value: Any, info: core_schema.SerializationInfo) -> Any:
        return self._adapter.dump_python(
            value,
            mode=info.mode,  # type: ignore[arg-type]  # "python" or "json"
            by_alias=info.by_alias,
            exclude_unset=info.exclude_unset,
            exclude_defaults=info.exclude_defaults,
            exclude_none=info.exclude_none,
            context=info.context,
        )

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(self._write, info_arg=True)
        return core_schema.with_info_plain_validator_function(self._read, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        outer = _in_json_schema.get()
        if self.title in outer:
            reference: dict[str, Any] = handler(core_schema.definition_reference_schema(self.title))
            return reference
        token = _in_json_schema.set(outer | {self.title})
        try:
            named = {**self._adapter.core_schema, "ref": self.title}
            # the handler reads `ref` of inner schemas only
            union: dict[str, Any] = handler(core_schema.definitions_schema(cast(CoreSchema, named), []))
        finally:
            _in_json_schema.reset(token)
        return union
