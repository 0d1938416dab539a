"""The kind of a layer, as far as its usual thickness depends on it, by the words in names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["wiring", "deposited", "interface", "gas"]

# Words of a name in lower case and without digits, as in `beol_adv` and `tim1`.
KIND_OF_WORDS: dict[str, Kind] = {
    "beol": "wiring",
    "bspdn": "wiring",
    "metallization": "wiring",
    "rdl": "wiring",
    "wiring": "wiring",
    "grease": "interface",
    "tim": "interface",
    "air": "gas",
    "argon": "gas",
    "gas": "gas",
    "helium": "gas",
    "nitrogen": "gas",
}


@lru_cache(maxsize=1024)
def kind_of_names(*names: str) -> Kind | None:
    """Return the kind of which a name contains a word; an earlier name takes precedence.

    >>> kind_of_names("copper", "tim_2"), kind_of_names("timber")
    ('interface', None)
    """
    for name in names:
        for word in re.split(r"[^a-z]+", name.lower()):
            if word in KIND_OF_WORDS:
                return KIND_OF_WORDS[word]
    return None
