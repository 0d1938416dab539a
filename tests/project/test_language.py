"""The language of code and documentation: standard terms, and sentences with a subject and a verb."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = [
    path
    for folder in ("thermostack", "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
KERNELS = [path for path in sorted((ROOT / "ext").rglob("*")) if path.suffix in (".pyx", ".pxi", ".h")]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("*/README.md")),
]
PAGES = sorted(set(PAGES))
DESCRIPTIONS = sorted((ROOT / "meshes").glob("*.yaml"))

# Words with a private meaning in early versions, and the term of the field that replaced each.
PRIVATE_WORDS = {
    "film": "heat-transfer coefficient, htc, time series or frames",
    "films": "heat-transfer coefficients, time series or frames",
    "house": "project",
    "mosaic": "part map",
    "heater": "heat source",
    "heaters": "heat sources",
    "draft": "description or transaction",
    "drawing": "description or figure",
    "drawings": "descriptions or figures",
    "anew": "again, from the start, or overwrite",
    "mended": "corrected",
}
# Identifiers that were renamed everywhere.
PRIVATE_NAMES = frozenset(
    """
    AlongAxes HeatTable Mixture Blend AreaBlend Pixels OneOf Cooled FilmMap FaceRegion Contact Mosaic
    Surfaces Healing Spacing PlanePower Heaters Ground Storage Members Measured Peaks Halving Cut Steady
    Transient Curve Family Way Ways Floating Factors Algebraic Search Shifted TrueResidual Course
    Throttling Record Places Film Draft Stored Uses RowLog Sheet Timed TimeLeft Fault lay_out framed
    remainder paint window_of spread overlap_shares half_cells renew_conduction renew_capacity
    add_outside_heat crest bring_back refuse_isolated reground reload give_room keep_alive nest
    choose_pairs conjugate let_films foresee attempt forget lift break_after levels heats curve_of
    families_of rises explore amend draft write_whole told examine misused join_sideways join_upwards
    depart weigh_pairs forget_ground least most lowest highest greatest remedy
    """.split()
)
# Identifiers of other libraries and of file formats that happen to be on the list.
FOREIGN = {
    "levels": "attributes of PyAMG and of HDF5",
    "conjugate": "a method of NumPy",
    "spread": "a rich option",
}


def first_line(docstring: str) -> str:
    """Return the first line of a docstring."""
    return docstring.strip().split("\n")[0]


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and first line of every docstring of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and (
            text := ast.get_docstring(node)
        ):
            yield getattr(node, "lineno", 1), first_line(text)


NOUN_CLAUSE = re.compile(r"(What|Whatever|Who|Whoever|Whose|How|Where|When|Which)\b")


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_docstrings_do_not_begin_with_a_noun_clause(path: Path) -> None:
    found = [f"{line}: {text}" for line, text in docstrings(path) if NOUN_CLAUSE.match(text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pages_do_not_begin_a_sentence_with_a_noun_clause(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    starts = re.findall(
        r"(?:^#+ |^- |^\| |^|[.:] )((?:What|Whatever|Who|Whoever)\b[^.?!|\n]*[.?!|]?)", text, re.MULTILINE
    )
    assert not [start for start in starts if not start.endswith("?")]


def words(path: Path) -> set[str]:
    """Return the lower-case words of a text file; an identifier counts by its parts."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"https?://\S+|subplot_mosaic", "", text)  # names of others
    text = re.sub(r"\b(silicon_film_\w+|die_attach_film)\b", "", text)  # materials, which are thin films
    return {word.lower() for word in re.findall(r"[A-Za-z]+", text.replace("_", " "))}


@pytest.mark.parametrize(
    "path", [*PYTHON, *KERNELS, *PAGES, *DESCRIPTIONS], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_no_private_word(path: Path) -> None:
    if path == Path(__file__) or path.name == "CHANGELOG.md":  # they list the words that were replaced
        return
    found = sorted(words(path) & set(PRIVATE_WORDS))
    assert not found, "; ".join(f"{word}: say {PRIVATE_WORDS[word]}" for word in found)


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_private_identifier(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    names = {
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.NAME
    }
    assert not sorted(names & PRIVATE_NAMES - set(FOREIGN))
