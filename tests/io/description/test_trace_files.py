"""Trace files: what is accepted, and each fault with its file, line, column and remedy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermostack import DescriptionError, Trace, read_trace
from thermostack.units import celsius, ms

GOOD = "# a comment\ntime [ms],gpu [W],hbm.west_0 [%]\n0,100,50\n\n1.5,200,100\n3,0,0\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty folder, so that messages name files as they were given."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str | bytes, **options: Any) -> Trace:
    Path("trace.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_trace("trace.csv", **options)


def said(text: str | bytes, **options: Any) -> list[str]:
    with pytest.raises(DescriptionError) as caught:
        read(text, **options)
    return str(caught.value).splitlines()


def is_read_or_refused(data: bytes) -> bool:
    """Return whether it is a trace, or refused with words; any other error passes."""
    try:
        return read(data).times.size > 0
    except DescriptionError as error:
        return len(error.diagnostics) > 0


# -- accepted --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.rstrip().encode(),
        GOOD.replace(",", " , ").encode(),
        GOOD.replace(",", ";").encode(),
        GOOD.replace("gpu [W]", '"gpu [W]"').replace("200", '"200"').encode(),
        GOOD.replace("1.5,", "15e-1,").encode(),
        GOOD.replace(" [", "[").encode(),
    ],
    ids=["plain", "BOM", "CRLF", "no last line end", "blanks", "semicolons", "quotes", "exponents", "close"],
)
def test_accepted_files(data: bytes) -> None:
    trace = read(data)
    assert trace.names == ("gpu", "hbm.west_0")
    assert trace.units == ("W", "1")
    assert trace.times.tolist() == [0.0, 1.5e-3, 3e-3]
    assert trace.values.tolist() == [[100.0, 0.5], [200.0, 1.0], [0.0, 0.0]]
    assert (trace.kind, trace.after, trace.period, trace.rest) == ("steps", "refuse", None, "refuse")


def test_columns_are_found_by_name_and_unit() -> None:
    text = "cooling.top [degC],gpu.active.gpc_0 [mW],time [us],"
    text += "cooling.bottom [K],u/a[3] [kW],cooling.top.h [%]\n"
    trace = read(f"{text}25,500,10,300,0.1,70\n")
    assert trace.names == ("cooling.top", "gpu.active.gpc_0", "cooling.bottom", "u/a[3]", "cooling.top.h")
    assert trace.units == ("K", "W", "K", "W", "1")
    assert trace.times.tolist() == [1e-5]
    assert trace.values.tolist() == [[celsius(25), 0.5, 300.0, 100.0, 0.7]]


def test_numbers_are_the_same_floats_as_quantities() -> None:
    trace = read(
        "time [ms],gpu [mW],cooling.top [degC]\n0.1,0.3,25.1\n0.3,7,85\n3e-1,1e0,85\n", kind="linear"
    )
    assert trace.times.tolist() == [0.1 * ms, 0.3 * ms, 0.3 * ms]
    assert trace.values[:, 0].tolist() == [0.3e-3, 7e-3, 1e-3]
    assert trace.values[:, 1].tolist() == [celsius(25.1), celsius(85), celsius(85)]


@pytest.mark.parametrize(("unit", "seconds"), [("s", 1.0), ("min", 60.0), ("h", 3600.0), ("ns", 1e-9)])
def test_units_of_time(unit: str, seconds: float) -> None:
    assert read(f"time [{unit}],gpu [W]\n0,1\n2.5,1\n").times.tolist() == [0.0, 2.5 * seconds]


@pytest.mark.parametrize(
    "lines",
    [
        "#! kind: linear, after: repeat, period: 20 ms, rest: off\n{}",
        "#! kind: linear\n#!after:repeat\n{}#! period: 0.02 s , rest: off\n",
    ],
)
def test_settings_in_comments(lines: str) -> None:
    trace = read(lines.format(GOOD))
    assert (trace.kind, trace.after, trace.period, trace.rest) == ("linear", "repeat", 20 * ms, "off")


def test_arguments_take_precedence_over_settings() -> None:
    trace = read(f"#! kind: linear, rest: off\n{GOOD}", kind="steps", after="hold", rest="drawn")
    assert (trace.kind, trace.after, trace.rest) == ("steps", "hold", "drawn")


def test_trace_has_source_locations() -> None:
    trace = read(GOOD)
    assert (
        str(trace.diagnostic("no", "yes", "E-NAME", column=1))
        == "trace.csv:2:19: hbm.west_0: no (yes) [E-NAME]"
    )
    assert str(trace.diagnostic("no", "", "E-RANGE", column=0, row=1)) == "trace.csv:5: gpu: no [E-RANGE]"
    with pytest.raises(DescriptionError) as caught:
        trace.must_cover(0.05)
    assert str(caught.value) == (
        "trace.csv:6: time: the trace ends at 3 ms, before 50 ms (set after: hold or after: repeat) [E-TRACE]"
    )


def test_many_rows_are_read_in_chunks() -> None:
    rows = 45_001
    table = np.column_stack([np.arange(rows) * 0.25, np.arange(rows) % 7])
    text = "\n".join(f"{time!r},{power!r}" for time, power in table.tolist())
    trace = read(f"time [s],gpu [W]\n{text}\n")
    np.testing.assert_array_equal(trace.times, table[:, 0])
    np.testing.assert_array_equal(trace.values[:, 0], table[:, 1])


finite = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(st.floats(1e-9, 1e3), finite, finite), min_size=1, max_size=20))
def test_full_digits_read_back_exactly(rows: list[tuple[float, float, float]]) -> None:
    times = np.cumsum([gap for gap, _, _ in rows])
    if np.all(np.diff(times) > 0.0):
        lines = [f"{t!r},{a!r},{b!r}" for t, (_, a, b) in zip(times.tolist(), rows, strict=True)]
        trace = read("\n".join(["time [s],a [W],b [W]", *lines]))
        assert trace.times.tolist() == times.tolist()
        assert trace.values.tolist() == [[a, b] for _, a, b in rows]


# -- refused ---------------------------------------------------------------------------------

LIKE = "(the header is like time [ms],gpu [W])"
SHAPE = "like #! kind: linear, after: repeat"
END = "(give a period, or end with the values of the first row) [E-TRACE]"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["trace.csv: is empty [E-FILE]"]),
        ("time [ms],gpu [W]\n", ["trace.csv: has a header but no rows (time [ms],gpu [W]) [E-MISSING]"]),
        ("gpu [W]\n1\n", [f"trace.csv:1:1: time: there is no column 'time' {LIKE} [E-MISSING]"]),
        ("time [ms]\n1\n", [f"trace.csv:1:1: there are no columns beside the time {LIKE} [E-MISSING]"]),
        ("time [ms]\tgpu [W]\n1\t2\n",
         ["trace.csv:1:1: the columns are separated by tabs (write commas) [E-FILE]"]),
        (
            "time,gpu,cooling.top,cooling.top.h\n0,1,2,3\n",
            [
                "trace.csv:1:1: time: the column 'time' has no unit (write time [ms]) [E-UNIT]",
                "trace.csv:1:6: gpu: the column 'gpu' has no unit (write gpu [W]) [E-UNIT]",
                ("trace.csv:1:10: cooling.top: the column 'cooling.top' has no unit (write cooling.top "
                "[degC]) [E-UNIT]"),
                ("trace.csv:1:22: cooling.top.h: the column 'cooling.top.h' has no unit (write "
                "cooling.top.h [%]) [E-UNIT]"),
            ],
        ),
        (
            "time [ms],gpu [m],gpu [furlong]\n0,1,2\n",
            [
                ("trace.csv:1:11: gpu [m]: 'm' is not a unit of power, a fraction or a temperature (write "
                "gpu [W] or [%]) [E-UNIT]"),
                ("trace.csv:1:19: gpu [furlong]: 'furlong' is not a unit of power, a fraction or a "
                "temperature (write gpu [W] or [%]) [E-UNIT]"),
            ],
        ),
        (
            "time [W],gpu [W],,gpu [%]\n0,1,2,3\n",
            [
                ('trace.csv:1:1: time [W]: the unit of a column: "1 W" is a power; expected a time, '
                'like "10 ms" '
                "(write time [ms]) [E-UNIT]"),
                f"trace.csv:1:18: a column has no name {LIKE} [E-NAME]",
                "trace.csv:1:19: gpu [%]: there are two columns 'gpu' [E-DUPLICATE]",
            ],
        ),
        (
            "time [ms],gpu [degC],cooling.up [degC],cooling.top [W]\n0,1,2,3\n",
            [
                ("trace.csv:1:11: gpu [degC]: 'gpu' has no temperature that a trace could set (write "
                "cooling.top, or give W or %) [E-UNIT]"),
                ("trace.csv:1:22: cooling.up [degC]: 'cooling.up' has no temperature that a trace "
                "could set (the faces are top, bottom, west, east, south, north, surroundings) [E-NAME]"),
                ("trace.csv:1:40: cooling.top [W]: a power is not an ambient temperature (write "
                "cooling.top [degC], or cooling.top.h [%] for its heat-transfer coefficient) [E-UNIT]"),
            ],
        ),
        (
            "#! kind: linear\ntime [ms],cooling.top.h [%]\n0,1\n",
            [
                ("trace.csv:2:11: cooling.top.h [%]: a heat-transfer coefficient cannot change "
                "linearly (put it in a trace of kind steps) [E-TRACE]")
            ],
        ),
        ('time [ms],"gpu [W]\n0,1\n',
         [f"trace.csv:1:1: the quote in column 11 is not closed or not doubled {LIKE} [E-FILE]"]),
    ],
)  # fmt: skip
def test_diagnostics_of_header(text: str, lines: list[str]) -> None:
    assert said(text) == lines


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ("0,nan\n1,inf\n2,-1e999\n", [
            "trace.csv:2:3: gpu: 'nan' is not a finite number [E-RANGE]",
            "trace.csv:3:3: gpu: 'inf' is not a finite number [E-RANGE]",
            "trace.csv:4:3: gpu: -1e999 is not a finite number [E-RANGE]",
        ]),
        ("0,1\nnan,2\n1,\n2,x\n", [
            "trace.csv:3:1: time: 'nan' is not a finite number [E-RANGE]",
            "trace.csv:4:3: gpu: is blank (expected a number) [E-MISSING]",
            "trace.csv:5:3: gpu: 'x' is not a number [E-TYPE]",
        ]),
        ("0,1\n2,2\n# back\n1.5,3\n1.5,4\n", [
            "trace.csv:5:1: time: 1.5 ms comes after 2 ms (sort the rows by time) [E-TRACE]",
            ("trace.csv:6:1: time: two rows are at 1.5 ms (remove one of the rows; two rows at one time are "
            "a jump in a linear trace only) [E-TRACE]"),
        ]),
        ("0,1,2\n1\n2,5\n", [
            ("trace.csv:2:1: expected 2 cells as in the header, got 3 "
             "(write decimal points, not commas) [E-FILE]"),
            "trace.csv:3:1: expected 2 cells as in the header, got 1 [E-FILE]",
        ]),
        ('0,"1\n1,2\n', [
            ('trace.csv:2:1: the quote in column 3 is not closed or not doubled (write "" for a quote inside '
            "quotes) [E-FILE]"),
        ]),
        ("0,5 W\n", [
            ("trace.csv:2:3: gpu: '5 W' is not a number (expected a number without a unit) [E-TYPE]"),
        ]),
        (f"0,{'1' * 65}\n", [
            f"trace.csv:2:3: gpu: '{'1' * 56}... is not a number (a number has up to 64 characters) [E-TYPE]"
        ]),
        ("0,1\n3,nan\n2,1\n", [
            "trace.csv:3:3: gpu: 'nan' is not a finite number [E-RANGE]",
            "trace.csv:4:1: time: 2 ms comes after 3 ms (sort the rows by time) [E-TRACE]",
        ]),
    ],
)  # fmt: skip
def test_diagnostics_of_rows(rows: str, lines: list[str]) -> None:
    assert said(f"time [ms],gpu [W]\n{rows}") == lines


def test_diagnostics_of_invalid_values() -> None:
    text = "time [ms], gpu [%], cooling.top [degC]\n0, 100, 20\n1, -5, -300\n"
    assert said(text) == [
        "trace.csv:3:4: gpu: -5 % is negative [E-RANGE]",
        (
            "trace.csv:3:8: cooling.top: -26.85 K is not above absolute zero (temperatures are in kelvin) "
            "[E-RANGE]"
        ),
    ]


def test_decimal_comma_between_semicolons() -> None:
    assert said("time [ms];gpu [W]\n0;1,5\n") == [
        "trace.csv:2:3: gpu: '1,5' is not a number (did you mean 1.5?) [E-TYPE]"
    ]


@pytest.mark.parametrize(
    ("comment", "line"),
    [
        ("#! knid: linear",
         "trace.csv:1:4: knid: 'knid: linear' is not a setting of a trace (did you mean kind?) [E-KEY]"),
        ("#! linear", f"trace.csv:1:4: linear: 'linear' is not a setting of a trace ({SHAPE}) [E-KEY]"),
        ("#! kind: steps, after: hodl",
         "trace.csv:1:17: after: 'hodl' is not one of hold, repeat, refuse (did you mean hold?) [E-NAME]"),
        ("#! after: repeat, period: 20",
         'trace.csv:1:19: period: "20" has no unit; expected a time, like "10 ms" [E-UNIT]'),
        ("#! kind: steps, kind: linear", "trace.csv:1:17: kind: kind is set twice [E-DUPLICATE]"),
        ("# kind: linear",
         ("trace.csv:1:1: kind: is in a plain comment "
             "(begin the line with #! to set it: #! kind: ...) [E-KEY]")),
    ],
)  # fmt: skip
def test_diagnostics_of_settings(comment: str, line: str) -> None:
    assert said(f"{comment}\n{GOOD}") == [line]


def test_plain_comments_are_ignored() -> None:
    assert read(f"# kinds of load: 3\n# after the boot\n#note: linear\n{GOOD}").kind == "steps"


def test_diagnostics_of_last_row() -> None:
    assert said(GOOD, after="repeat") == [
        f"trace.csv:6: period: a repeated trace of steps needs the duration of its last row {END}"
    ]
    assert said(GOOD, kind="lines") == [
        "kind: 'lines' is not one of steps, linear (did you mean linear?) [E-NAME]"
    ]
    assert said(GOOD, period=1.0) == [
        "period: only a repeated trace has a period (set after: repeat) [E-TRACE]"
    ]


def test_diagnostics_are_in_order_of_lines() -> None:
    text = "#! knid: x\ntime [ms],gpu [W]\n0,nan\n3,1\n2,x\n1\n"
    assert [line.split(": ")[0] for line in said(text)] == ["trace.csv:1:4"]
    assert [line.split(": ")[0] for line in said(text.partition("\n")[2])] == [
        "trace.csv:2:3",
        "trace.csv:4:1",
        "trace.csv:4:3",
        "trace.csv:5:1",
    ]


def test_diagnostics_are_bounded() -> None:
    with pytest.raises(DescriptionError) as caught:
        read("time [s],gpu [W]\n" + "0,nan\n" * 30_000)
    assert len(caught.value.diagnostics) == 1000


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"PK\x03\x04",
         ("trace.csv: is a ZIP archive or a workbook, not a table "
          "(save it as CSV (comma separated, UTF-8)) [E-FILE]")),
        (b"time [ms],gpu [W]\n0,\xff\n",
         "trace.csv:2:3: byte 0xff is not UTF-8 text (save it as CSV (comma separated, UTF-8)) [E-FILE]"),
    ],
)  # fmt: skip
def test_other_kinds_of_file(data: bytes, line: str) -> None:
    assert said(data) == [line]


def test_missing_file() -> None:
    Path("traces.csv").touch()
    with pytest.raises(
        DescriptionError, match=r"trace\.csv: there is no such file \(did you mean traces\.csv\?\)"
    ):
        read_trace("trace.csv")


def test_truncated_table_is_read_or_refused(here: Path) -> None:
    data = f"#! after: hold\n{GOOD}".encode()
    for end in range(len(data)):
        assert is_read_or_refused(data[:end])
    assert os.listdir(here) == ["trace.csv"]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert is_read_or_refused(b"time [ms],gpu [W]\n" + data)
