"""Events of YAML text: scalars, and the starts and ends of lists and mappings, with their locations.

Two parsers give them. ruamel.yaml follows YAML 1.2 and has the locations of errors. libyaml is ten times as
fast; its events are the same for text without the few characters at which the parsers differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# Text that libyaml may read in another way than ruamel.yaml, or locate elsewhere: tabs, line ends of other
# kinds, byte order marks, directives, tags, explicit keys, anchors and aliases with other characters than
# those of names, and comments that follow the header of a block scalar without a space.
_DIFFERENCES = re.compile(
    r"[\t\r\x85\u2028\u2029\ufeff]|^%|(?:^|[\s\[\]{},:])[!?]"
    r"|[&*][0-9A-Za-z_-]*[^0-9A-Za-z_\s-]|[|>][-+0-9]*#",
    re.MULTILINE,
)


def standard_events(text: str) -> Iterator[Any]:
    """Yield the events of YAML text by the rules of YAML 1.2. Raises the errors of ruamel.yaml."""
    from ruamel.yaml import YAML

    yield from YAML(typ="safe", pure=True).parse(text)


def fast_events(text: str) -> Iterator[Any] | None:
    """Return the events of libyaml, None where it is missing or its events may differ from the standard.

    Its errors, and the locations of errors, are not those of `standard_events`.
    """
    if _DIFFERENCES.search(text):
        return None
    try:
        from yaml.cyaml import CParser
    except ImportError:  # PyYAML was built without libyaml
        return None
    return _all_events(CParser(text))


def _all_events(parser: Any) -> Iterator[Any]:
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()
