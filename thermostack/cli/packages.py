"""The command `packages`: the shipped package descriptions."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from thermostack.cli.console import log, print_json, print_tables
from thermostack.cli.options import Debug, Json

Summaries = Mapping[str, Mapping[str, Any]]  # facts and results by the name of the package

Words = Annotated[
    str,
    Parameter(name="WORDS", help="Only packages with all of these words in their name, kind or description."),
]
KindFilter = Annotated[str | None, Parameter(help="Only packages whose kind contains this text.")]


def packages(*words: Words, kind: KindFilter = None, json: Json = False, debug: Debug = False) -> None:
    """List the shipped packages: kind, size, dies, power, and the peak on the default grid."""
    from thermostack.io.description.package_summaries import shipped_peaks
    from thermostack.report.package_table import packages_table

    peaks = shipped_peaks()
    summaries: Summaries = {name: {**facts, **peaks[name]} for name, facts in _facts().items()}
    if kind is not None:
        summaries = _of_kind(summaries, kind)
    summaries = _with_words(summaries, words)
    if json:
        print_json(summaries)
        return
    print_tables(lambda width: [packages_table(summaries, width)])
    log("`thermostack new MINE --from NAME` writes a copy to edit")


def _of_kind(summaries: Summaries, kind: str) -> Summaries:
    """Return the packages whose kind contains a text. Raises ArgumentError if there is none."""
    found = {name: facts for name, facts in summaries.items() if kind.lower() in facts["kind"].lower()}
    if found:
        return found
    from thermostack.schema.arguments import argument_error

    known = ", ".join(sorted({facts["kind"] for facts in summaries.values()}))
    hint = f"there are {known}"
    if _matches(summaries, [kind]):
        hint = f"`thermostack packages {shlex.quote(kind)}` searches descriptions too; kinds: {known}"
    raise argument_error("--kind", f"no shipped package is of the kind {kind!r}", hint, "E-NAME")


def _with_words(summaries: Summaries, words: Sequence[str]) -> Summaries:
    """Return the packages in whose name, kind or description all words occur, in lower or upper case.

    Raises ArgumentError (E-NAME) if there is none; the hint has the words that occur in a package.
    """
    if found := _matches(summaries, words):
        return found
    from thermostack.schema.arguments import argument_error
    from thermostack.schema.spelling import suggest

    hint = f"each word occurs in another package: leave out one of {', '.join(words)}"
    if absent := [word for word in words if not _matches(summaries, [word])]:
        known = {word for name, facts in summaries.items() for word in re.findall(r"\w+", _text(name, facts))}
        hint = suggest(absent[0].lower(), sorted({*summaries, *known}), {}) or "leave the words out for all"
    text = f"no package has {' and '.join(map(repr, absent or words))} in its name, kind or description"
    raise argument_error("WORDS", text, hint, "E-NAME")


def _matches(summaries: Summaries, words: Sequence[str]) -> Summaries:
    return {
        name: facts
        for name, facts in summaries.items()
        if all(word.lower() in _text(name, facts) for word in words)
    }


def _text(name: str, facts: Mapping[str, Any]) -> str:
    """Return the text of a package in which words are searched, in lower case."""
    return f"{name} {facts['kind']} {facts['about']}".lower()


def _facts() -> dict[str, dict[str, Any]]:
    """Return the facts of the shipped packages by name, from their descriptions if those have changed."""
    from thermostack.io.description.package_summaries import stored_summaries

    if (stored := stored_summaries()) is not None:
        return stored
    from thermostack.io.description.package_file import read_package, shipped_packages
    from thermostack.report.package_summary import package_summary

    return {name: package_summary(read_package(name)) for name in shipped_packages()}
