"""Suggestions for unknown words: similar words, and words of the same meaning."""

from __future__ import annotations

import pytest

from thermostack.materials.material import VOID
from thermostack.materials.material_library import OTHER_NAMES, library, suggest_material
from thermostack.schema.spelling import edit_distance, suggest

COOLERS = ("adiabatic", "convection", "fixed_temperature", "fixed_flux", "heat_sink", "cold_plate")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("convecton", "convection"),
        ("heatsink", "heat_sink"),
        ("Cold_Plate", "cold_plate"),
        ("isothermal", "fixed_temperature"),
        ("insulated", "adiabatic"),
        ("natural_convection", "convection"),
    ],
)
def test_similar_word_or_word_of_the_same_meaning(word: str, meant: str) -> None:
    assert suggest(word, COOLERS) == f"did you mean {meant}?"


@pytest.mark.parametrize("word", ["radiation", "conduit", "boiling", "x", "", "fan"])
def test_word_that_only_shares_letters_is_not_suggested(word: str) -> None:
    assert suggest(word, COOLERS) == ""


def test_own_name_in_other_letters_precedes_a_word_of_the_same_meaning() -> None:
    assert suggest("cu", ["copper", "Cu"], {"cu": ("copper",)}) == "did you mean Cu?"


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("", "abc", 3), ("core", "coer", 1), ("silicn", "silicon", 1), ("kitten", "sitting", 3)],
)
def test_edit_distance(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == distance


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Si", "silicon"),
        ("Cu", "copper"),
        ("Al", "aluminum"),
        ("SiO2", "silicon_dioxide"),
        ("FR4", "fr4"),
        ("FR-4", "fr4"),
        ("aluminium", "aluminum"),
        ("diamond", "diamond_cvd"),
        ("silicn", "silicon"),
    ],
)
def test_symbols_and_common_names_of_materials(name: str, meant: str) -> None:
    hint = suggest_material(name)
    assert hint.startswith(f"did you mean {meant}")
    assert hint.removeprefix(f"did you mean {meant}")[0] in "? "


def test_unknown_material_has_a_hint() -> None:
    assert "`thermostack materials` lists them" in suggest_material("unobtainium")


def test_every_common_name_leads_to_materials_of_the_library() -> None:
    for name, materials in OTHER_NAMES.items():
        assert name == name.lower()
        assert set(materials) <= {*library(), VOID}
