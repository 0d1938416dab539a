"""Words of messages: suggestions for a word that is not known, and numbers with their noun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

MAX_SUGGESTIONS = 3
MIN_LETTERS_OF_A_BEGINNING = 3  # a shorter word is the beginning of too many others
MIN_SIMILARITY = 0.6  # ratio of difflib, which finds candidates but also words that share letters by chance
MAX_EDIT_SHARE = 0.34  # of the letters of the longer word that may differ

# Words of other programs and of textbooks, in lower case: the keys of a description with this meaning.
SAME_MEANING: dict[str, tuple[str, ...]] = {
    "ambient_temperature": ("ambient",),
    "dirichlet": ("fixed_temperature",),
    "fixed_temp": ("fixed_temperature",),
    "floor_plan": ("floorplan",),
    "forced_convection": ("convection",),
    "heat": ("power",),
    "heat_flux": ("fixed_flux", "flux"),
    "heat_transfer_coefficient": ("h",),
    "height": ("thickness",),
    "htc": ("h",),
    "insulated": ("adiabatic",),
    "isolated": ("adiabatic",),
    "isothermal": ("fixed_temperature",),
    "k": ("conductivity",),
    "leakage_power": ("leakage",),
    "location": ("at",),
    "natural_convection": ("convection",),
    "neumann": ("fixed_flux",),
    "origin": ("at",),
    "position": ("at",),
    "reference_temperature": ("at",),
    "rotation": ("rotate",),
    "rth": ("resistance",),
    "static_power": ("leakage",),
    "tamb": ("ambient",),
    "thermal_conductivity": ("conductivity",),
    "water_cooling": ("cold_plate",),
}
# Words that no key stands for, and the way to describe what they mean.
NOT_SUPPORTED = {
    "microchannels": "give the heat-transfer coefficient of the channels as h of a cold plate",
}


def suggest(
    word: str, known: Iterable[str], same_meaning: Mapping[str, tuple[str, ...]] = SAME_MEANING
) -> str:
    """Return "did you mean ...?" with the names that a word may stand for, or "" if there is none.

    `same_meaning` has the names of the same meaning by a word in lower case.
    """
    known = list(known)
    found = [name for name in known if name.lower() == word.lower()]
    found = found or [name for name in same_meaning.get(word.lower(), ()) if name in known]
    if not found and len(word) >= MIN_LETTERS_OF_A_BEGINNING:
        found = [name for name in known if name.startswith(word)]
    found = found or [
        name for name in get_close_matches(word, known, n=6, cutoff=MIN_SIMILARITY) if _is_near(word, name)
    ]
    return f"did you mean {' or '.join(found[:MAX_SUGGESTIONS])}?" if found else ""


def suggest_sharing_words(name: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?" with the names that share a word with a name of several words, or "".

    Words are separated by `_`. A word that few names have counts more than one of many.

    >>> suggest_sharing_words("tim_ag_epoxy", ["tim_gel", "tim_pcm", "die_attach_epoxy", "copper"])
    'did you mean die_attach_epoxy or tim_gel or tim_pcm?'
    """
    words = {word for word in name.lower().split("_") if len(word) >= MIN_LETTERS_OF_A_BEGINNING}
    shared = {each: words.intersection(each.lower().split("_")) for each in known}
    count = Counter(word for found in shared.values() for word in found)
    weight = {each: sum(1.0 / count[word] for word in found) for each, found in shared.items() if found}
    best = sorted(weight, key=lambda each: -weight[each])[:MAX_SUGGESTIONS]
    return f"did you mean {' or '.join(best)}?" if best else ""


def _is_near(word: str, name: str) -> bool:
    """Return whether one word contains the other, or few letters differ."""
    if word in name or name in word:
        return True
    return edit_distance(word, name) <= max(2, MAX_EDIT_SHARE * max(len(word), len(name)))


def edit_distance(one: str, other: str) -> int:
    """Return the number of letters to insert, delete, replace or exchange with a neighbour.

    This is the distance of optimal string alignment (Damerau 1964).

    >>> edit_distance("coer", "core"), edit_distance("radiation", "adiabatic")
    (1, 5)
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and (a, one[i - 2]) == (other[j - 2], b):
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless the number is one.

    >>> counted(1, "stack"), counted(3, "stack")
    ('1 stack', '3 stacks')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"
