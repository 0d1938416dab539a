"""Floorplan and map files: what is accepted, and each fault with its file, line, column and remedy."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from thermostack.errors import DescriptionError, Diagnostic, OutputError
from thermostack.io.description.floorplan import read_floorplan, write_floorplan
from thermostack.io.description.maps import read_power_map, write_map
from thermostack.io.files import delimited_text as sheets
from thermostack.package.power import Block, PowerMap
from thermostack.units import mm, um

HEADER = "name,x [mm],y [mm],width [mm],height [mm],power [W]"
GOOD = f"# a comment\n{HEADER}\ngpc0,0.95,1.5,6.0,11.5,52.5\n\nl2,0.95,13.0,24,5,70\n"
BLOCKS = (
    Block("gpc0", (0.95e-3, 1.5e-3), (6.0e-3, 11.5e-3), 52.5),
    Block("l2", (0.95e-3, 13.0e-3), (24e-3, 5e-3), 70.0),
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty folder, so that messages name files as they were given."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(text: str | bytes) -> tuple[Block, ...]:
    Path("plan.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_floorplan("plan.csv")


def said(text: str | bytes) -> list[str]:
    with pytest.raises(DescriptionError) as caught:
        plan(text)
    return str(caught.value).splitlines()


def map_said(text: str | bytes, file: str = "map.csv", **options: Any) -> list[str]:
    Path(file).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DescriptionError) as caught:
        read_power_map(file, **options)
    return str(caught.value).splitlines()


def diagnostics_in(read: Callable[[Any], object], file: Any) -> tuple[Diagnostic, ...]:
    """Return why a file is refused, nothing where it is read; any other error passes."""
    try:
        read(file)
    except DescriptionError as error:
        return error.diagnostics or (Diagnostic("", "refused without a word"),)
    return ()


# -- accepted --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        GOOD.rstrip().encode(),
        GOOD.replace(",", " , ").encode(),
        GOOD.replace("gpc0", '"gpc0"').replace("52.5", '"52.5"').encode(),
        GOOD.replace("0.95", "9.5e-1").encode(),
    ],
    ids=["plain", "BOM", "CRLF", "CR", "no last line end", "blanks", "quotes", "exponents"],
)
@pytest.mark.usefixtures("here")
def test_accepted_files(data: bytes) -> None:
    assert plan(data) == BLOCKS


@pytest.mark.usefixtures("here")
def test_columns_are_found_by_name_and_unit() -> None:
    text = "power [mW],height [um],name,width [m],y [cm],x [nm]\n52500,11500,gpc0,6e-3,0.15,950000\n"
    assert plan(text) == BLOCKS[:1]
    (block,) = plan("name,x [mil],y [in],width [in],height [in]\na,1,0.1,1e-1,0.01\n")
    assert block == Block("a", (25.4e-6, 2.54e-3), (2.54e-3, 0.254e-3))


@pytest.mark.usefixtures("here")
def test_numbers_are_the_same_floats_as_quantities() -> None:
    (block,) = plan(f"{HEADER}\na,25.9,0.1,0.3,12.05,0.7\n")
    assert block == Block("a", (0.0259, 1e-4), (3e-4, 0.01205), 0.7)


@pytest.mark.usefixtures("here")
def test_power_column_is_optional() -> None:
    assert plan("name,x [mm],y [mm],width [mm],height [mm]\na,0,0,1,1\n")[0].power is None
    assert [block.power for block in plan(f"{HEADER}\na,0,0,1,1,\nb,0,0,1,1,0\n")] == [None, 0.0]


@pytest.mark.usefixtures("here")
def test_names_of_other_tools() -> None:
    names = [
        block.name for block in plan(f'{HEADER}\nHBM PHY,0,0,1,1,1\n"u/a[3],""x""",0,0,1,1,1\nβ,0,0,1,1,1\n')
    ]
    assert names == ["HBM PHY", 'u/a[3],"x"', "β"]


# -- refused: the table ----------------------------------------------------------------------

LIKE = f"(the header is like {HEADER})"
COMMAS = f"(write {HEADER}, with decimal points) [E-FILE]"
ALONE = "(expected a number without a unit) [E-TYPE]"
LONG = f"'{'1' * 56}... is not a number (a number has up to 64 characters) [E-TYPE]"
BLANK = "'' is not a name (up to 128 printable characters, no blank at either end) [E-NAME]"
OPEN = 'is not closed or not doubled (write "" for a quote inside quotes) [E-FILE]'
A_POWER = 'is a power; expected a length, like "50 um" (write height [mm]) [E-UNIT]'
A_LENGTH = 'is a length; expected a power, like "10 W" (write power [W]) [E-UNIT]'
KEYS = "(the columns are name, x, y, width, height, power, leakage) [E-KEY]"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["plan.csv: is empty [E-FILE]"]),
        (" \n\n", ["plan.csv: is empty [E-FILE]"]),
        ("# nothing\n\n", ["plan.csv: contains only blank lines and comments [E-FILE]"]),
        (f"{HEADER}\n", [f"plan.csv: has a header but no blocks ({HEADER}) [E-MISSING]"]),
        (
            "name;x [mm];y [mm]\na;1,5;2\n",
            [
                f"plan.csv:1:1: the columns are not separated by commas {COMMAS}",
            ],
        ),
        (
            "name,x [mm],y [mm],width [mm],height [mm],colour\na,0,0,1,1,red\n",
            [
                f"plan.csv:1:43: colour: unknown column 'colour' {KEYS}",
            ],
        ),
        (
            "name,x [mm],y [mm],widht [mm],height [mm]\na,0,0,1,1\n",
            [
                "plan.csv:1:20: widht [mm]: unknown column 'widht [mm]' (did you mean width?) [E-KEY]",
                f"plan.csv:1:1: width: there is no column 'width' {LIKE} [E-MISSING]",
            ],
        ),
        (
            "name,x [mm],y [mm],width [mm]\na,0,0,1\n",
            [f"plan.csv:1:1: height: there is no column 'height' {LIKE} [E-MISSING]"],
        ),
        (
            "name,x [mm],y [mm],width,height [W],power [mm]\na,0,0,1,1,1\n",
            [
                "plan.csv:1:20: width: the column 'width' has no unit (write width [mm]) [E-UNIT]",
                f'plan.csv:1:26: height [W]: the unit of a column: "1 W" {A_POWER}',
                f'plan.csv:1:37: power [mm]: the unit of a column: "1 mm" {A_LENGTH}',
            ],
        ),
        (
            "name,x [mm],y [mm],width [mm],height [mm],x [um]\na,0,0,1,1,1\n",
            ["plan.csv:1:43: x [um]: there are two columns 'x' [E-DUPLICATE]"],
        ),
        (
            f'"{HEADER}\na,0,0,1,1,1\n',
            [
                f"plan.csv:1:1: the quote in column 1 is not closed or not doubled {LIKE} [E-FILE]",
            ],
        ),
    ],
)
@pytest.mark.usefixtures("here")
def test_diagnostics_of_header(text: str, lines: list[str]) -> None:
    assert said(text) == lines


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("b,1,2,3,4", "plan.csv:4:1: expected 6 cells as in the header, got 5 [E-FILE]"),
        (
            "b,1,5,2,3,4,5",
            (
                "plan.csv:4:1: expected 6 cells as in the header, got 7 "
                "(write decimal points, not commas) [E-FILE]"
            ),
        ),
        ("b,1,2,three,4,5", "plan.csv:4:7: b.width: 'three' is not a number [E-TYPE]"),
        ("b,1,2, ,4,5", "plan.csv:4:8: b.width: is blank (expected a number) [E-MISSING]"),
        ("b,nan,2,3,4,5", "plan.csv:4:3: b.x: 'nan' is not a finite number [E-RANGE]"),
        ("b,1,2,3,4,-Inf", "plan.csv:4:11: b.power: '-Inf' is not a finite number [E-RANGE]"),
        ("b,1,2,3,4,1e999", "plan.csv:4:11: b.power: 1e999 is not a finite number [E-RANGE]"),
        ('b,1,2,"3,5",4,5', "plan.csv:4:7: b.width: '3,5' is not a number (did you mean 3.5?) [E-TYPE]"),
        (
            "b,1,2,3,4,5 W",
            f"plan.csv:4:11: b.power: '5 W' is not a number {ALONE}",
        ),
        (
            "b,1,2,1_000,4,5",
            f"plan.csv:4:7: b.width: '1_000' is not a number {ALONE}",
        ),
        ("b,1,2,٣,4,5", "plan.csv:4:7: b.width: '٣' is not a number [E-TYPE]"),
        (
            f"b,1,2,{'1' * 65},4,5",
            f"plan.csv:4:7: b.width: {LONG}",
        ),
        ("b,1,2,0,4,5", "plan.csv:4:7: b.width: 0 um is not greater than zero [E-RANGE]"),
        (
            "b,1,2,-3,4,5",
            "plan.csv:4:7: b.width: -3 mm is not greater than zero (did you mean 3 mm?) [E-RANGE]",
        ),
        (
            "b,1,2,26000,4,5",
            "plan.csv:4:7: b.width: 26 m is outside 10 nm to 1 m (did you mean 26 mm?) [E-SLIP]",
        ),
        (
            ",1,2,3,4,5",
            f"plan.csv:4:1: name: {BLANK}",
        ),
        (
            "gpc0,1,2,3,4,5",
            "plan.csv:4:1: name: two blocks are named 'gpc0', the first in line 3 [E-DUPLICATE]",
        ),
        (
            'b,"1,2,3,4,5',
            f"plan.csv:4:1: the quote in column 3 {OPEN}",
        ),
    ],
)
@pytest.mark.usefixtures("here")
def test_diagnostics_of_rows(row: str, line: str) -> None:
    assert said(f"# power of a part\n{HEADER}\ngpc0,0.95,1.5,6.0,11.5,52.5\n{row}\n") == [line]


@pytest.mark.usefixtures("here")
def test_diagnostics_are_in_order_of_lines() -> None:
    found = said(f"{HEADER}\na,x,0,1,1,1\nb,0,0\na,0,0,-1,y,1\n")
    assert [line.split(" ")[0] for line in found] == [
        "plan.csv:2:3:", "plan.csv:3:1:", "plan.csv:4:1:", "plan.csv:4:7:", "plan.csv:4:10:",
    ]  # fmt: skip


@pytest.mark.usefixtures("here")
def test_number_of_diagnostics_is_bounded() -> None:
    Path("plan.csv").write_text(HEADER + "\n" + "a,x,y,z,v,w\n" * 5000)
    with pytest.raises(DescriptionError) as caught:
        read_floorplan("plan.csv")
    assert len(caught.value.diagnostics) == sheets.MAX_DIAGNOSTICS


# -- refused: the file -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (GOOD.encode("utf-16"), "plan.csv: is UTF-16 text"),
        (b"PK\x03\x04rest", "plan.csv: is a ZIP archive or a workbook, not a table"),
        (b"\x1f\x8brest", "plan.csv: is a compressed file, not a table"),
        (b"\x93NUMPYrest", "plan.csv: is a NumPy array, not a table"),
        (b"\x89PNG\r\n\x1a\n", "plan.csv: is a PNG image, not a table"),
        (b"1,2\x00\x00", "plan.csv: is not text"),
        (GOOD.encode().replace(b"l2", b"caf\xe9"), "plan.csv:5:4: byte 0xe9 is not UTF-8 text"),
    ],
)
@pytest.mark.usefixtures("here")
def test_other_kinds_of_file(data: bytes, line: str) -> None:
    assert said(data) == [f"{line} (save it as CSV (comma separated, UTF-8)) [E-FILE]"]


def test_paths_that_cannot_be_read(here: Path) -> None:
    Path("h100_gpu.csv").write_text(GOOD)
    Path("folder").mkdir()
    os.mkfifo("pipe")
    wanted = {
        "h100_gup.csv": "h100_gup.csv: there is no such file (did you mean h100_gpu.csv?) [E-FILE]",
        "nowhere/a.csv": "nowhere/a.csv: there is no such file [E-FILE]",
        "folder": "folder: is a directory (name a file in it) [E-FILE]",
        "pipe": "pipe: is not a regular file [E-FILE]",
        "h100_gpu.csv/a": "h100_gpu.csv/a: cannot be read: Not a directory [E-FILE]",
        "a\0b": "a\\x00b: cannot be read: embedded null byte [E-FILE]",
    }
    for file, line in wanted.items():
        for read in (read_floorplan, read_power_map):
            with pytest.raises(DescriptionError) as caught:
                read(file)
            assert str(caught.value) == line


def test_huge_file_is_refused_without_reading(here: Path) -> None:
    with open("huge.csv", "wb") as stream:
        stream.truncate(3_000_000_000)  # a hole: it takes no room
    with pytest.raises(DescriptionError) as caught:
        read_floorplan("huge.csv")
    assert str(caught.value) == (
        "huge.csv: has 3000 MB, more than the maximum of 200 MB "
        "(make the map coarser, or save it as NPY) [E-FILE]"
    )


@pytest.mark.usefixtures("here")
def test_truncated_table_is_read_or_refused() -> None:
    data = GOOD.replace("gpc0", '"gpc,0"').encode()
    for end in range(len(data)):
        Path("plan.csv").write_bytes(data[:end])
        assert all(diagnostic.file == "plan.csv" for diagnostic in diagnostics_in(read_floorplan, "plan.csv"))


@example('"')
@given(st.text() | st.text(alphabet='abc,"\n.-e1=# [m]').map(lambda text: f"{HEADER}\n{text}"))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    for read in (read_floorplan, read_power_map):
        assert all(diagnostic.file == str(file) for diagnostic in diagnostics_in(read, file))


# -- written back ----------------------------------------------------------------------------

NAMES = (
    st.text(alphabet=st.sampled_from("ab=+-@#',\" ]/"), min_size=1, max_size=6).map(str.strip).filter(bool)
)
LENGTHS = st.floats(-1.0, 1.0)
EXTENTS = st.floats(1e-8, 1.0)


@given(
    st.lists(
        st.builds(
            Block,
            NAMES,
            st.tuples(LENGTHS, LENGTHS),
            st.tuples(EXTENTS, EXTENTS),
            st.none() | st.floats(-1e4, 1e4),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda block: block.name,
    )
)
def test_floorplan_reads_back_exactly(tmp_path_factory: pytest.TempPathFactory, blocks: list[Block]) -> None:
    file = tmp_path_factory.getbasetemp() / "back.csv"
    write_floorplan(file, blocks)
    assert read_floorplan(file) == tuple(blocks)


@pytest.mark.usefixtures("here")
def test_floorplan_as_written() -> None:
    write_floorplan("plan.csv", BLOCKS)
    assert Path("plan.csv").read_text().splitlines() == [
        HEADER, "gpc0,0.95,1.5,6,11.5,52.5", "l2,0.95,13,24,5,70.0",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'=x"])
@pytest.mark.usefixtures("here")
def test_names_like_formulas_get_apostrophe(name: str) -> None:
    write_floorplan("plan.csv", [Block(name, (0.0, 0.0), (1 * mm, 1 * mm), 1.0)])
    assert Path("plan.csv").read_text().splitlines()[1].startswith(f"'{name}")
    assert read_floorplan("plan.csv")[0].name == name


def test_failed_write_keeps_old_file(here: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write nowhere/plan\.csv: No such file"):
        write_floorplan("nowhere/plan.csv", BLOCKS)
    Path("folder.csv").mkdir()
    with pytest.raises(OutputError, match=r"cannot write folder\.csv: it is a directory"):
        write_floorplan("folder.csv", BLOCKS)
    assert os.listdir(here) == ["folder.csv"]


# -- maps ------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["map.csv", "map.npy"])
@given(values=hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-1e9, 1e9)))
def test_map_reads_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, file: str, values: np.ndarray
) -> None:
    path = tmp_path_factory.getbasetemp() / file
    write_map(path, PowerMap(values, "W/m2"))
    assert read_power_map(path, "W/m2") == PowerMap(values, "W/m2", source=file)


@pytest.mark.usefixtures("here")
def test_map_units_and_origin() -> None:
    Path("map.csv").write_text("# from north to south\n1, 2\n\n3,4e0\n")
    assert read_power_map("map.csv", "mW").values.tolist() == [[0.001, 0.002], [0.003, 0.004]]
    north = read_power_map("map.csv", "W/cm2", "north")
    assert north.unit == "W/m2"
    assert north.values.tolist() == [[3e4, 4e4], [1e4, 2e4]]
    Path("one.csv").write_text("5")
    assert read_power_map("one.csv").values.tolist() == [[5.0]]
    np.save("small.npy", np.array([[1, 2, 3]], dtype=np.uint8))
    assert read_power_map("small.npy").values.tolist() == [[1.0, 2.0, 3.0]]
    np.save("fortran.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    assert read_power_map("fortran.npy").values.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["map.csv: is empty [E-FILE]"]),
        ("1,2\n3,4\n5,6,7\n", [
            ("map.csv:3:1: expected 2 cells as in the first row, got 3 "
             "(write decimal points, not commas) [E-FILE]"),
        ]),
        ("1,2\n3\n4,5,6\n", [
            ("map.csv:2:1: expected 2 cells as in the first row, got 1; "
             "2 rows have another number of cells [E-FILE]"),
        ]),
        ("# map\n1, nan\nx,-inf\n", [
            "map.csv:2:4: pixel 2: 'nan' is not a finite number; 3 pixels are not finite numbers [E-RANGE]",
        ]),
        ("1,1e999\n", ["map.csv:1:3: pixel 2: 1e999 is not a finite number [E-RANGE]"]),
        ("1,\n2,3\n", ["map.csv:1:3: pixel 2: is blank (expected a number) [E-MISSING]"]),
        ("1;2\n", [
            f"map.csv:1:1: pixel 1: '1;2' is not a number {ALONE}",
        ]),
        ("1 2\n", [
            f"map.csv:1:1: pixel 1: '1 2' is not a number {ALONE}",
        ]),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("here")
def test_diagnostics_of_map(text: str, lines: list[str]) -> None:
    assert map_said(text) == lines


@pytest.mark.usefixtures("here")
def test_map_options() -> None:
    assert map_said("1", unit="K") == [
        "unit: 'K' is not a unit of a power map (W (of a pixel) or W/m2, also mW, W/cm2, ...) [E-UNIT]"
    ]
    assert map_said("1", origin="top") == [
        "origin: 'top' is not an edge at which a map begins (the first row lies south or north) [E-NAME]"
    ]


def saved(array: Any, **options: Any) -> bytes:
    np.save("saved.npy", array, **options)
    return Path("saved.npy").read_bytes()


class Trap:
    """Leaves a file behind where it is unpacked."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("trapped",)


@pytest.mark.usefixtures("here")
def test_diagnostics_of_npy() -> None:
    def refused(data: bytes) -> str:
        (line,) = map_said(data, "map.npy")
        return line

    due = "(expected a two-dimensional array of real numbers) [E-FILE]"
    assert refused(saved(np.ones(3))) == f"map.npy: contains float64 of shape (3,) {due}"
    assert refused(saved(np.ones((2, 2), complex))) == f"map.npy: contains complex128 of shape (2, 2) {due}"
    assert refused(saved(np.ones((2, 2), bool))) == f"map.npy: contains bool of shape (2, 2) {due}"
    assert refused(saved(np.array([["a"]]))) == f"map.npy: contains <U1 of shape (1, 1) {due}"
    assert refused(saved(np.ones((2, 2)))[:-8]) == (
        "map.npy: has 24 bytes after its header, expected 32 (the file is damaged) [E-FILE]"
    )
    assert refused(b"\x93NUMPY\x01\x00\x05\x00{}{}\n").startswith("map.npy: its header cannot be read: ")
    assert refused(b"\x93NUMPY\x09\x00").startswith("map.npy: its header cannot be read: ")
    assert refused(b"1,2\n") == "map.npy: is not a NumPy file (write it with numpy.save) [E-FILE]"
    assert refused(saved(np.array([[1.0, np.inf]]))) == (
        "map.npy: inf in row 1, column 2 is not a finite number [E-RANGE]"
    )
    assert refused(saved(np.ones((0, 3)))) == (
        "map.npy: an array of float64 with shape (0, 3) is not a map "
        "(expected a two-dimensional array of real numbers, the first row in the south) [E-TYPE]"
    )


@pytest.mark.usefixtures("here")
def test_pickled_objects_are_refused() -> None:
    objects = "map.npy: contains Python objects, which are never unpacked (save an array of float64) [E-FILE]"
    data = saved(np.array([[Trap()]], dtype=object), allow_pickle=True)
    assert map_said(data, "map.npy") == [objects]
    assert map_said(pickle.dumps(Trap()), "map.csv") == [
        "map.csv: is not text (save it as CSV (comma separated, UTF-8)) [E-FILE]"
    ]
    assert not Path("trapped").exists()


@pytest.mark.usefixtures("here")
def test_truncated_npy_is_refused() -> None:
    data = saved(np.ones((2, 3)))
    for end in range(1, len(data)):
        Path("map.npy").write_bytes(data[:end])
        with pytest.raises(DescriptionError):
            read_power_map("map.npy")


def test_micrometres_in_files_and_python_are_equal(here: Path) -> None:
    (block,) = plan("name,x [um],y [um],width [um],height [um]\na,50,0.3,7,40\n")
    assert (*block.position, *block.size) == (50 * um, 0.3e-6, 7e-6, 4e-5)
