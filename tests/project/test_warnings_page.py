"""The page of the guide about warnings has the thresholds of the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from thermostack.impedance.thermal_impedance import STEADY_SHARE
from thermostack.materials.material_kind import KIND_OF_WORDS
from thermostack.mesh.block_cells import MAX_LISTED_BLOCKS
from thermostack.mesh.cooler_coverage import MIN_LISTED_SHARE
from thermostack.mesh.link_dimensions import MAX_LENGTH_DEFICIT
from thermostack.mesh.link_faces import MAX_BIOT_NUMBER, MAX_CONDUCTIVITY_RATIO, MAX_FLUX_RISE
from thermostack.mesh.merged_planes import MERGE_DISTANCES, MERGE_FRACTION
from thermostack.package.contact import MAX_SUSPICIOUS_GAP
from thermostack.results.cell_warnings import WARNED_CELL_ERROR
from thermostack.results.result_warnings import WARNED_ERROR
from thermostack.schema import usual_ranges
from thermostack.schema.usual_ranges import (
    MAX_USUAL_HEAT_FLUX,
    MAX_USUAL_TEMPERATURE,
    MAX_USUAL_THICKNESS,
    MIN_TEMPERATURE_SPREAD,
    MIN_USUAL_BLOCK_WIDTH,
    USUAL_AMBIENT,
    USUAL_CONDUCTIVITY,
    USUAL_HEAT_CAPACITY,
    USUAL_HTC,
)
from thermostack.units import format_quantity
from thermostack.zoom.agreement import (
    MAX_BOUNDARY_ERROR,
    MAX_FACE_DIFFERENCE,
    MAX_HEAT_DIFFERENCE,
    MIN_PITCHES,
)
from thermostack.zoom.run_powers import MAX_POWER_DIFFERENCE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guide/warnings.md").read_text(encoding="utf-8")
FLUX = f"above {format_quantity(MAX_USUAL_HEAT_FLUX, 'heat_flux')}"
GAP = f"below {format_quantity(MAX_SUSPICIOUS_GAP, 'length')}"
NM = {axis: format_quantity(value, "length") for axis, value in MERGE_DISTANCES.items()}

# Code, begin of the second column, and threshold of every row with one.
THRESHOLDS = [
    ("W-RANGE", "conductivity of a material", f"outside {USUAL_CONDUCTIVITY}"),
    ("W-RANGE", "density times specific heat", f"outside {USUAL_HEAT_CAPACITY}"),
    ("W-RANGE", "temperature of an ambient", f"outside {USUAL_AMBIENT}"),
    *(
        ("W-RANGE", f"thickness of a layer of `kind: {kind}`", f"above {format_quantity(maximum, 'length')}")
        for kind, maximum in MAX_USUAL_THICKNESS.items()
    ),
    ("W-POWER", "power per area", FLUX),
    ("W-POWER", "width of a block", f"below {format_quantity(MIN_USUAL_BLOCK_WIDTH, 'length')}"),
    ("W-POWER", "blocks of a floorplan", f"more than {MAX_LISTED_BLOCKS} blocks"),
    ("W-COOLING", "heat transfer coefficient", f"outside {USUAL_HTC}"),
    ("W-COOLING", "fraction of a heat transfer coefficient", f"outside {USUAL_HTC}"),
    ("W-COOLING", "fixed heat flux", FLUX),
    ("W-COOLING", "heat sink or cold plate", f"each on more than {MIN_LISTED_SHARE:.0%}".replace("%", " %")),
    ("W-GAP", "empty gap between a base and", GAP),
    ("W-GAP", "empty gap between a base at the bottom", GAP),
    ("W-LINK", "conductor of a link", f"by more than {100 * MAX_LENGTH_DEFICIT:g} %"),
    ("W-LINK", "conductors of a link", f"by more than {100 * MAX_LENGTH_DEFICIT:g} %"),
    ("W-GRID", "merged planes",
     f"closer than {MERGE_FRACTION:g} of the smaller part, or than {NM['x']} in x and y and {NM['z']} in z"),
    ("W-GRID", "a steady maximum of a part", f"above {100 * WARNED_ERROR:g} % of its rise"),
    ("W-GRID", "a peak of an influence matrix", f"above {100 * WARNED_ERROR:g} % of its rise"),
    ("W-GRID", "end of a link on a face with a fixed flux",
     f"{format_quantity(MAX_FLUX_RISE, 'temperature_difference')} across its cells"),
    ("W-GRID", "end of a link on a covered face",
     f"more than {MAX_CONDUCTIVITY_RATIO:g} times the conductivity"),
    ("W-GRID", "end of a link on a cooled face", f"h dz / (2 k) of its cells above {MAX_BIOT_NUMBER:g}"),
    ("W-CELL", "estimated error of the conductivity", f"above {100 * WARNED_CELL_ERROR:g} %"),
    ("W-TEMPERATURE", "any part", f"above {MAX_USUAL_TEMPERATURE:g} K"),
    ("W-POWER", "no part has power",
     f"differences below {format_quantity(MIN_TEMPERATURE_SPREAD, 'temperature_difference')}"),
    ("W-POWER", "a trace raises", FLUX),
    ("W-ZOOM", "heat flows through", f"by more than {100 * MAX_HEAT_DIFFERENCE:g} %"),
    ("W-ZOOM", "mean temperature of a side", f"by more than {100 * MAX_FACE_DIFFERENCE:g} %"),
    ("W-ZOOM", "estimated error of the maximum", f"above {100 * MAX_BOUNDARY_ERROR:g} % of its rise"),
    ("W-ZOOM", "box that is narrow", f"below {MIN_PITCHES:g} pitches"),
    ("W-ZOOM", "powers of a local transient", f"by more than {MAX_POWER_DIFFERENCE:g} of the largest power"),
    ("W-TIME", "a thermal impedance ends", f"below {100 * STEADY_SHARE:g} %"),
]  # fmt: skip


def rows() -> list[list[str]]:
    """Return the cells of every row of the tables, without their headers."""
    lines = re.findall(r"^\| `W-.*$", PAGE, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(("code", "begin", "threshold"), THRESHOLDS)
def test_page_has_the_threshold_of_the_program(code: str, begin: str, threshold: str) -> None:
    (row,) = [row for row in rows() if row[0] == f"`{code}`" and row[1].startswith(begin)]
    assert row[2].startswith(threshold)


def test_page_has_a_row_for_every_code_and_a_remedy_in_every_row() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "thermostack").rglob("*.py")]
    used = {code for source in sources for code in re.findall(r'"(W-[A-Z]+)"', source)}
    assert {row[0].strip("`") for row in rows()} == used
    assert all(len(row) == 4 and row[1] and row[3] for row in rows())


def test_every_number_of_the_page_is_a_threshold_of_the_program() -> None:
    """No row states a number that no constant has."""
    stated = {(row[0].strip("`"), row[1]) for row in rows() if re.search(r"\d", row[2])}
    named = {(code, begin) for code, begin, _ in THRESHOLDS}
    extra = {pair for pair in stated if not any(pair[0] == c and pair[1].startswith(b) for c, b in named)}
    assert {begin for _, begin in extra} == {  # 1 % is the bound by which the resolved time is defined
        "thermal impedance at times that the cells next to the source do not resolve"
    }


def test_every_threshold_and_every_word_is_on_the_page() -> None:
    names = [name for name in vars(usual_ranges) if re.match(r"(MAX|MIN|USUAL)_", name)]
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in names if name not in source.partition("ROOT =")[2]] == []
    assert [word for word in KIND_OF_WORDS if f"`{word}`" not in PAGE] == []
