"""Validated dataclasses of a description: fields, tagged unions, named items, and error conversion.

Every class of a description is declared with `@described`, and its fields with the types of `fields` and
those below, so that files and Python share one set of checks and one JSON Schema.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast, dataclass_transform

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.fields import FieldInfo
from pydantic_core import ArgsKwargs, InitErrorDetails, core_schema

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.schema.fields import (
    UNSET,
    CoreSchema,
    fail,
    is_from_file,
    quote_value,
    read_name,
    without_unset,
)
from thermostack.schema.raster import restore_read_only
from thermostack.schema.short_repr import short_repr
from thermostack.schema.spelling import NOT_SUPPORTED, suggest

T = TypeVar("T")
FieldPath = tuple[str | int, ...]  # keys and indices that lead to a field


@dataclass_transform(frozen_default=True, field_specifiers=(Field, dataclasses.field))
def described(cls: type[T]) -> type[T]:
    """Return `cls` as a frozen dataclass whose fields are validated, from files and from Python alike.

    Unknown keys are refused with the most similar name as a hint. The constructor raises `DescriptionError`.
    An optional class method `from_description(value)` converts short forms to mappings.
    """

    def core(kind: type[T], source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_wrap_validator_function(_reader(kind), handler(source))

    cls.__get_pydantic_core_schema__ = classmethod(core)  # type: ignore[attr-defined]
    cls.__setstate__ = restore_read_only  # type: ignore[attr-defined]
    if "__repr__" not in vars(cls):
        cls.__repr__ = short_repr  # type: ignore[method-assign]
    config = ConfigDict(validate_by_name=True, validate_by_alias=True, arbitrary_types_allowed=True)
    return _with_checked_init(cast(type[T], pydantic_dataclass(frozen=True, config=config)(cls)))


def _with_checked_init(made: type[T]) -> type[T]:
    """Return the class with a constructor that raises `DescriptionError` with all diagnostics."""
    construct = made.__init__
    names = [field.name for field in dataclasses.fields(cast(Any, made)) if field.init]

    def __init__(self: T, *args: Any, **kwargs: Any) -> None:
        if len(args) <= len(names) and not kwargs.keys() & set(names[: len(args)]):
            args, kwargs = (
                (),
                {**dict(zip(names, args, strict=False)), **kwargs},
            )  # so that diagnostics name the field
        unknown = [key for key in kwargs if key not in names and key not in field_keys(cast(Any, made))]
        diagnostics = [
            diagnostic_at((made.__name__, key), f"unknown key {key!r}", suggest(key, names), "E-KEY")
            for key in unknown
        ]
        try:
            construct(self, *args, **{key: value for key, value in kwargs.items() if key not in unknown})
        except ValidationError as error:
            diagnostics += diagnostics_of(error, root=made.__name__)
        if diagnostics:
            raise DescriptionError(diagnostics)

    made.__init__ = __init__  # type: ignore[method-assign, assignment]
    made.__signature__ = _signature(made)  # type: ignore[attr-defined]
    return made


def _signature(kind: Any) -> inspect.Signature:
    """Return the signature of a constructor by the names of the fields, not by their keys in a file."""
    parameters = []
    for field in dataclasses.fields(kind):
        if not field.init:
            continue
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        elif isinstance(default, FieldInfo):
            required = default.is_required()
            default = dataclasses.MISSING if required else default.get_default(call_default_factory=True)
        empty = default is dataclasses.MISSING
        parameters.append(
            inspect.Parameter(
                field.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if empty else default,
                annotation=_without_metadata(str(field.type)),
            )
        )
    return inspect.Signature(parameters)


def _without_metadata(annotation: str) -> str:
    """Return X of the text "Annotated[X, ...]", and other annotations unchanged."""
    inner = annotation.removeprefix("Annotated[")
    if inner == annotation:
        return annotation
    depth = 0
    for n, character in enumerate(inner):
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            return inner[:n]
    return inner


@lru_cache(maxsize=256)  # classes
def field_keys(kind: Any) -> Mapping[str, str]:
    """Return {key in a file: field name} of a described class."""
    keys = {}
    for name, field in kind.__pydantic_fields__.items():
        if field.init is not False:
            keys[field.validation_alias or name] = name
    return keys


def _reader(kind: Any) -> Callable[..., Any]:
    def read(value: Any, handler: Any, info: core_schema.ValidationInfo) -> Any:
        if isinstance(value, kind):
            return value
        if isinstance(value, Mapping) and any(item is UNSET for item in value.values()):
            value = without_unset(value, _known_keys(kind))
        if hasattr(kind, "from_description"):
            value = kind.from_description(value)
        if isinstance(value, ArgsKwargs):  # the constructor
            return handler(value)
        if not isinstance(value, Mapping):
            noun, known = class_key(kind).replace("_", " "), ", ".join(_known_keys(kind))
            article = "an" if noun[0] in "aeiou" else "a"
            hint = f"write a mapping with keys of {known}" if known else ""
            if not is_from_file(info):
                hint = f"write {kind.__name__}({', '.join(field_keys(kind).values())})"
            given = "an empty value (null)" if value is None else quote_value(value)
            raise fail("E-TYPE", f"{given} is not {article} {noun}", hint)
        keys = field_keys(kind)
        allowed = keys if is_from_file(info) else {*keys, *keys.values()}
        errors: list[InitErrorDetails] = []
        if unknown := [str(key) for key in value if key not in allowed]:
            known_keys = _known_keys(kind) if is_from_file(info) else list(keys)
            errors = [_unknown_key(key, known_keys) for key in unknown]
        try:
            made = handler({key: item for key, item in value.items() if key in allowed})
        except ValidationError as error:
            if not errors:
                raise
            errors += [_copy_error(line) for line in error.errors(include_url=False)]
            made = None
        if errors:
            raise ValidationError.from_exception_data(kind.__name__, errors)
        return made

    return read


def _known_keys(kind: Any) -> list[str]:
    """Return the keys of a class in a file, with those that the reader of files replaces."""
    return [*field_keys(kind), *getattr(kind, "file_keys", ())]


def _unknown_key(key: str, known: Sequence[str]) -> InitErrorDetails:
    hint = suggest(key, known) or (f"the keys are {', '.join(known)}" if known else "there are no keys here")
    return InitErrorDetails(
        type=fail("E-KEY", f"unknown key {quote_value(key)}", hint), loc=(key,), input=None
    )


def _copy_error(line: Any) -> InitErrorDetails:
    known = line["type"].startswith("E-")
    ctx = line.get("ctx", {})
    error = fail(line["type"], ctx["text"], ctx["hint"]) if known else line["type"]
    return InitErrorDetails(type=error, loc=line["loc"], input=line["input"], ctx=ctx)


def class_key(kind: type) -> str:
    """Return the key of a class in a file: its attribute `key`, else its name in snake case (`via_array`)."""
    own: str | None = getattr(kind, "key", None)
    return own or re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


@dataclasses.dataclass(frozen=True)
class TaggedUnion:
    """A field of one of several described classes; in a file a mapping of one key: `{via_array: {...}}`.

    With `names`, the field may be the name of an object that is defined elsewhere. `plain` classes come from
    Python only.
    """

    choices: tuple[type, ...]
    names: bool = False
    plain: tuple[type, ...] = ()
    also: tuple[str, ...] = ()  # keys of the containing object that may stand beside the choice

    def tag(self, value: Any) -> str:
        """Return the key of the choice of a value."""
        if isinstance(value, str) and self.names:
            return "@name"
        for kind in (*self.choices, *self.plain):
            if isinstance(value, kind):
                return class_key(kind) if kind in self.choices else f"@{class_key(kind)}"
        if isinstance(value, Mapping) and len(value) == 1:
            return str(next(iter(value)))
        return "@none"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices: dict[Any, CoreSchema] = {}
        for kind in self.choices:
            key = class_key(kind)
            inner = handler.generate_schema(kind)
            written = core_schema.wrap_serializer_function_ser_schema(_wrap(key), schema=inner)
            choices[key] = core_schema.no_info_before_validator_function(
                _unwrap(key), inner, serialization=written
            )
        for kind in self.plain:
            by_name = core_schema.plain_serializer_function_ser_schema(lambda value: value.name)
            choices[f"@{class_key(kind)}"] = core_schema.is_instance_schema(kind, serialization=by_name)
        if self.names:
            choices["@name"] = core_schema.str_schema()
        return core_schema.tagged_union_schema(choices, self.tag)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        forms: list[dict[str, Any]] = [{"type": "string"}] if self.names else []
        for kind in self.choices:
            inner = handler(cast(Any, schema)["choices"][class_key(kind)])
            forms.append(
                {
                    "type": "object",
                    "properties": {class_key(kind): inner},
                    "required": [class_key(kind)],
                    "additionalProperties": False,
                }
            )
        return {"anyOf": forms}


def _unwrap(key: str) -> Callable[[Any], Any]:
    return lambda value: (value[key] or {}) if isinstance(value, Mapping) else value


def _wrap(key: str) -> Callable[[Any, Any], dict[str, Any]]:
    return lambda value, handler: {key: handler(value)}


@dataclasses.dataclass(frozen=True)
class NamedItems:
    """A field of named objects: in a file a mapping from names to objects, in Python one or a sequence."""

    kind: type

    def tag(self, value: Any) -> str:
        """Return the form of a value; a single object is a sequence of one."""
        if isinstance(value, self.kind):
            return "@single"
        return "@sequence" if isinstance(value, (list, tuple)) else "@mapping"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        item = handler.generate_schema(self.kind)
        by_name = core_schema.no_info_before_validator_function(
            _with_names, core_schema.dict_schema(values_schema=item)
        )
        return core_schema.tagged_union_schema(
            {
                "@mapping": core_schema.no_info_after_validator_function(
                    lambda made: tuple(made.values()), by_name
                ),
                "@sequence": core_schema.tuple_variable_schema(item),
                "@single": core_schema.no_info_before_validator_function(
                    lambda single: (single,), core_schema.tuple_variable_schema(item)
                ),
            },
            self.tag,
            serialization=core_schema.wrap_serializer_function_ser_schema(
                _by_name, schema=core_schema.tuple_variable_schema(item)
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        items = handler(cast(Any, schema)["choices"]["@sequence"])["items"]
        return {"type": "object", "additionalProperties": items}


def _with_names(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise fail("E-TYPE", f"{quote_value(value)} is not a mapping of names", "write `name: {...}`")
    named = {}
    for key, item in value.items():
        if not isinstance(key, str):
            read_name(key)  # text is checked with the name of the object itself
        if isinstance(item, Mapping) and "name" in item:
            raise fail(
                "E-KEY", f"{quote_value(key)} contains another name", "remove `name:`; the key is the name"
            )
        named[key] = {"name": key, **item} if isinstance(item, Mapping) else item
    return named


def _by_name(value: Any, handler: Any) -> Any:
    return {item.pop("name"): item for item in (dict(each) for each in handler(value))}


# -- conversion of errors to diagnostics ------------------------------------------------------


def field_path(loc: Iterable[int | str]) -> str:
    """Return the text of a field path: ("stacks", "gpu", "layers", 2) is stacks.gpu.layers[2]."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif not part.startswith("@"):
            text += f".{part}" if text else part
    return text


def path_of(field: str) -> FieldPath:
    """Return the path of a field in a text with dots: "layers.0.material" is ("layers", 0, "material")."""
    return tuple(int(key) if key.isdigit() else key for key in field.split("."))


def diagnostics_of(error: ValidationError, root: str = "") -> list[Diagnostic]:
    """Return the diagnostics of all errors that pydantic found."""
    return [_diagnostic(line, root) for line in error.errors(include_url=False)]


def diagnostic_at(
    path: Iterable[int | str], message: str, hint: str = "", code: str = "E-VALUE"
) -> Diagnostic:
    """Return a diagnostic of the field at `path`."""
    path = tuple(path)
    return Diagnostic(field_path(path), message, hint, code, path=path)


def _diagnostic(line: Any, root: str) -> Diagnostic:
    path = (root, *line["loc"]) if root else line["loc"]
    kind, ctx = line["type"], line.get("ctx", {})
    if kind.startswith("E-"):
        return diagnostic_at(path, ctx["text"], ctx["hint"], kind)
    if kind in ("missing", "missing_argument"):
        return diagnostic_at(path, "is missing", "", "E-MISSING")
    if kind == "union_tag_invalid":
        known = [name.strip().strip("'") for name in ctx["expected_tags"].split(",")]
        kinds = [name for name in known if not name.startswith("@")]
        name = "a name or " if "@name" in known else ""
        expected = f"expected {name}exactly one of {', '.join(kinds)}"
        if not ctx["tag"].startswith("@"):
            hint = suggest(ctx["tag"], kinds) or NOT_SUPPORTED.get(ctx["tag"].lower(), "")
            return diagnostic_at(
                (*path, ctx["tag"]), f"unknown kind {quote_value(ctx['tag'])}; {expected}", hint, "E-KEY"
            )
        given = line["input"]
        is_full = isinstance(given, Mapping) and given
        found = f"{' and '.join(map(str, given))}" if is_full else quote_value(given)
        return diagnostic_at(path, f"{expected}, got {found}", "", "E-TYPE")
    problem = f"is not {ctx['expected']}" if kind == "literal_error" else _PYDANTIC_MESSAGES.get(kind)
    value = quote_value(line["input"])
    message = f"{value} {problem}" if problem else f"{value}: {line['msg']}"
    needs_quotes = kind == "string_type" and isinstance(line["input"], (int, float))
    return diagnostic_at(path, message, "put it in quotes" if needs_quotes else "", "E-TYPE")


_PYDANTIC_MESSAGES = {  # type of a pydantic error: message
    "string_type": "is not a text",
    "bool_type": "is neither true nor false",
    "bool_parsing": "is neither true nor false",
    "dict_type": "is not a mapping",
    "list_type": "is not a list",
    "tuple_type": "is not a list",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_type": "is not a number",
    "float_parsing": "is not a number",
}


def dump(kind: Any, value: Any) -> Any:
    """Return a described object as plain data as in a file, without default values."""
    return TypeAdapter(kind).dump_python(value, mode="json", by_alias=True, exclude_defaults=True)
