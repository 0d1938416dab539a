"""Materials by name: the shipped library, and the definitions of a package."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, TypeAlias

from pydantic import TypeAdapter, ValidationError
from pydantic_core import core_schema

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.materials.effective_media import (
    EFFECTIVE_MEDIA,
    AnyEffectiveMedium,
    MaterialLike,
)
from thermostack.materials.effective_medium_base import EffectiveMedium
from thermostack.materials.material import VOID, Material
from thermostack.schema.fields import Name, fail
from thermostack.schema.spelling import suggest, suggest_sharing_words
from thermostack.schema.validated_dataclass import TaggedUnion, class_key, diagnostics_of

Definition: TypeAlias = Material | AnyEffectiveMedium

# Chemical symbols, formulas and common names, in lower case, and the materials of the library.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "ag": ("silver",),
    "al": ("aluminum",),
    "al2o3": ("alumina", "alumina_96"),
    "aln": ("aluminum_nitride",),
    "aluminium": ("aluminum",),
    "aluminium_nitride": ("aluminum_nitride",),
    "au": ("gold",),
    "ausn": ("gold_tin",),
    "beo": ("beryllia",),
    "bt": ("abf_laminate", "fr4"),
    "c": ("diamond_cvd", "graphite_pyrolytic"),
    "co": ("cobalt",),
    "cu": ("copper",),
    "cumo": ("molybdenum_copper",),
    "cuw": ("tungsten_copper",),
    "diamond": ("diamond_cvd", "diamond_natural"),
    "epoxy": ("die_attach_epoxy", "emc", "underfill"),
    "fr-4": ("fr4",),
    "gaas": ("gallium_arsenide",),
    "gan": ("gallium_nitride",),
    "ge": ("germanium",),
    "glass": ("glass_core",),
    "graphite": ("graphite_pyrolytic",),
    "grease": ("tim_grease", "tim_grease_high"),
    "h2o": ("water",),
    "hfo2": ("hafnium_dioxide",),
    "hybrid_bond": ("hb9", "hb6"),
    "in": ("indium",),
    "mo": ("molybdenum",),
    "mold": ("emc", "muf"),
    "mold_compound": ("emc", "muf"),
    "molding_compound": ("emc", "muf"),
    "n2": ("nitrogen",),
    "ni": ("nickel",),
    "oxide": ("silicon_dioxide", "oxide_pecvd"),
    "pcb": ("fr4", "fr4_copper", "pcb_jedec"),
    "pi": ("polyimide",),
    "ru": ("ruthenium",),
    "sac": ("sac305",),
    "si": ("silicon",),
    "si3n4": ("silicon_nitride", "silicon_nitride_lpcvd"),
    "sic": ("silicon_carbide_4h",),
    "sicn": ("silicon_carbonitride",),
    "sige": ("silicon_germanium",),
    "sin": ("silicon_nitride",),
    "sio2": ("silicon_dioxide", "oxide_pecvd"),
    "snpb": ("sn63pb37",),
    "solder": ("sac305", "sn63pb37", "solder_bump"),
    "ti": ("titanium",),
    "tim": ("tim_grease", "tim_pcm", "tim_gel"),
    "vacuum": ("void", "air"),
    "w": ("tungsten",),
}


def find_material(
    material: MaterialLike, own: Mapping[str, Definition] | None = None, name: str = ""
) -> Material:
    """Return the material of a name, of a definition or of an effective medium.

    Parameters
    ----------
    material : str, Material or effective medium
        A name, a material (returned unchanged), or an effective medium (homogenized).
    own : mapping of str to Material or effective medium, optional
        Definitions of a package; they take precedence over the library.
    name : str, optional
        Name of the material made from an effective medium.

    Returns
    -------
    Material
        The material.

    Raises
    ------
    DescriptionError
        E-NAME for an unknown name, with similar names; E-CYCLE for an effective medium that contains itself.

    Examples
    --------
    >>> find_material("silicon_constant").conductivity_at(300.0)
    (148.0, 148.0, 148.0)
    """
    return _find(material, own or {}, name, ())


def _find(
    material: MaterialLike, own: Mapping[str, Definition], name: str, trail: tuple[str, ...]
) -> Material:
    if isinstance(material, Material):
        return material
    if isinstance(material, EffectiveMedium):
        return material.material(name or class_key(type(material)), lambda part: _find(part, own, "", trail))
    if material == VOID:
        text = "void is the space outside the body and has no properties"
        raise DescriptionError(Diagnostic("material", text, "name a material", "E-NAME"))
    if material in trail:
        cycle = " of ".join((*trail[trail.index(material) :], material))
        raise DescriptionError(
            Diagnostic(f"materials.{material}", f"contains itself: {cycle}", "", "E-CYCLE")
        )
    if material in own:
        return _find(own[material], own, material, (*trail, material))
    if material in library():
        return library()[material]
    hint = suggest_material(str(material), own)
    raise DescriptionError(Diagnostic("material", f"no material is named {material!r}", hint, "E-NAME"))


def find_definition(material: MaterialLike, own: Mapping[str, Definition] | None = None) -> Definition | str:
    """Return the definition of a name: a material or an effective medium. Other values are unchanged.

    `own` has the definitions of a package. A name that has no definition is returned unchanged too.
    """
    seen: set[str] = set()
    while isinstance(material, str) and material not in seen:
        seen.add(material)
        if material in (own or {}):
            material = (own or {})[material]
        elif material in library():
            material = library().definition(material)
    return material


def suggest_material(name: str, own: Iterable[str] = ()) -> str:
    """Return "did you mean ...?" with materials of a chemical symbol, a common name or a similar name.

    `own` has the names that a package defines. Without a similar name the hint has those that share a word,
    as `tim_ag_epoxy` shares one with `die_attach_epoxy`, or says where names are listed.
    """
    known = [*own, VOID, *library()]
    near = suggest(name, known, OTHER_NAMES) or suggest_sharing_words(name, known)
    return near or "`thermostack materials` lists them; a package may define others under materials:"


# -- the library -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Library(Mapping[str, Material]):
    """Materials by name; each is read and computed at its first use."""

    definitions: Mapping[str, Any]
    materials: dict[str, Material]  # those already read

    def __getitem__(self, name: str) -> Material:
        """Return a material by name."""
        if name not in self.materials:
            self.materials[name] = self._read(name)
        return self.materials[name]

    def definition(self, name: str) -> Definition:
        """Return the definition of a material by name: a material or an effective medium."""
        try:
            definitions = _reader().validate_python(
                {name: self.definitions[name]}, context={"from_file": True}
            )
        except ValidationError as error:
            raise DescriptionError(diagnostics_of(error, root="materials.toml")) from None
        definition: Definition = definitions[name]
        return definition

    def _read(self, name: str) -> Material:
        definition = self.definition(name)
        return definition if isinstance(definition, Material) else find_material(definition, name=name)

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self.definitions)

    def __len__(self) -> int:
        """Return the number of materials."""
        return len(self.definitions)


@cache
def library() -> Library:
    """Return the shipped materials, by name."""
    text = (files("thermostack.materials") / "materials.toml").read_text(encoding="utf-8")
    return Library(tomllib.loads(text), {})


@cache
def _reader() -> TypeAdapter[Any]:
    return TypeAdapter(MaterialDefinitions)


# -- definitions in a file -------------------------------------------------------------------


class Definitions(Mapping[str, Definition]):
    """Materials and effective media by name, read-only: a package keeps what was computed from them."""

    def __init__(self, definitions: Mapping[str, Definition] | None = None) -> None:
        self._definitions = dict(definitions or {})

    def __getitem__(self, name: str) -> Definition:
        """Return a material or an effective medium by name."""
        return self._definitions[name]

    def __setitem__(self, name: str, definition: Definition) -> None:
        """Raise TypeError: the definitions are read-only."""
        hint = "use dataclasses.replace(package, materials={**package.materials, name: ...})"
        raise TypeError(f"the materials of a package are read-only; {hint}")

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._definitions)

    def __len__(self) -> int:
        """Return the number of definitions."""
        return len(self._definitions)

    def __or__(self, other: Mapping[str, Definition]) -> dict[str, Definition]:
        """Return the definitions with others added or replaced."""
        return {**self, **other}

    def __repr__(self) -> str:
        """Return the representation of a dictionary with these items."""
        return repr(self._definitions)


class DefinitionsForm:
    """Materials and effective media by name: a mapping, or in Python also a sequence of materials."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        definition = core_schema.tagged_union_schema(
            {
                "@material": handler.generate_schema(Material),
                "@mixture": TaggedUnion(EFFECTIVE_MEDIA).__get_pydantic_core_schema__(source, handler),
            },
            _kind_of,
        )
        name = handler.generate_schema(Name)
        named = core_schema.dict_schema(keys_schema=name, values_schema=definition)
        return core_schema.no_info_before_validator_function(
            _with_names,
            core_schema.no_info_after_validator_function(Definitions, named),
            serialization=core_schema.wrap_serializer_function_ser_schema(
                _without_names, schema=core_schema.dict_schema(values_schema=definition)
            ),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        choices = schema["schema"]["schema"]["values_schema"]["choices"]
        material = handler(choices["@material"])
        return {"type": "object", "additionalProperties": {"anyOf": [material, handler(choices["@mixture"])]}}


def _kind_of(value: Any) -> str:
    """Return the tag of a definition: material or effective medium, also with a misspelled key."""
    if isinstance(value, Mapping) and "conductivity" not in value:
        kinds = [class_key(kind) for kind in EFFECTIVE_MEDIA]
        is_misspelled = len(value) == 1 and suggest(str(next(iter(value))), kinds)
        return "@mixture" if is_misspelled or any(key in kinds for key in value) else "@material"
    return "@mixture" if isinstance(value, EffectiveMedium) else "@material"


def _with_names(value: Any) -> Any:
    """Return the mapping with the name added to each material; accept a sequence of materials."""
    if isinstance(value, (list, tuple)) and all(isinstance(item, Material) for item in value):
        return {item.name: item for item in value}
    if not isinstance(value, Mapping):
        raise fail("E-TYPE", "materials must be a mapping of names", "write `name: {conductivity: ...}`")
    return {name: _with_name(name, item) for name, item in value.items()}


def _with_name(name: Any, item: Any) -> Any:
    """Return a definition with its name added if it is a material."""
    if isinstance(item, Material):
        return item if item.name == name else replace(item, name=name)
    if isinstance(item, Mapping) and _kind_of(item) == "@material":
        return {"name": name, **item}
    return item


def _without_names(value: Any, handler: Any) -> Any:
    """Return the file form of the definitions, without the names inside them."""
    written: dict[str, dict[str, Any]] = handler(dict(value))
    return {
        name: {key: each for key, each in item.items() if key != "name"} for name, item in written.items()
    }


MaterialDefinitions = Annotated[Mapping[str, Definition], DefinitionsForm()]
