"""Power of a layer: short forms, invalid values, sums and orientation."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.package.block_powers import assign_powers
from thermostack.package.power import Block, Power, PowerMap, blocks_of
from thermostack.package.power_layout import lay_out_power, orient_power
from thermostack.schema.validated_dataclass import diagnostics_of, dump
from thermostack.units import mm

READER = TypeAdapter(Power)
PLACE = {"at": ["0 mm", "0 mm"], "size": ["1 mm", "1 mm"]}
A = Block("a", (0.0, 0.0), (1 * mm, 1 * mm), 2.0)
B = Block("core0/alu[3]", (1 * mm, 0.0), (1 * mm, 2 * mm), 3.0)


def read(value: Any) -> Power:
    """Return the power of a description in a file."""
    return READER.validate_python(value, context={"from_file": True})


def diagnostics_in(value: Any) -> list[Diagnostic]:
    with pytest.raises(ValidationError) as caught:
        read(value)
    return diagnostics_of(caught.value, root="power")


def refused(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(DescriptionError) as caught:
        Power(*args, **kwargs)
    return str(caught.value)


def test_map_per_area_uses_its_own_area() -> None:
    whole = Power(map=PowerMap(np.full((3, 2), 1e6), "W/m2"))
    part = Power(map=PowerMap(np.full((3, 2), 1e6), "W/m2", (0.0, 0.0), (1 * mm, 2 * mm)))
    assert whole.power_on(2 * mm, 3 * mm) == pytest.approx(6.0)
    assert part.power_on(2 * mm, 3 * mm) == pytest.approx(2.0)
    assert part.total_power == pytest.approx(2.0)
    with pytest.raises(DescriptionError, match=r"map: .* depends on the size of its layer \(call power_on"):
        _ = whole.total_power


# -- orientation -----------------------------------------------------------------------------


def test_rotation_by_90_degrees_is_counter_clockwise() -> None:
    power = Power(blocks=(Block("east", (9 * mm, 0.0), (1 * mm, 2 * mm), 1.0),))
    (north,) = orient_power(power, 10 * mm, 4 * mm, 90).blocks
    assert north.position == pytest.approx((2 * mm, 9 * mm))
    assert north.size == (2 * mm, 1 * mm)
    (west,) = orient_power(power, 10 * mm, 4 * mm, flip=True).blocks
    assert west.position == pytest.approx((0.0, 0.0))


def test_four_rotations_by_90_degrees_are_the_identity() -> None:
    power = Power(map=PowerMap(np.arange(6.0).reshape(2, 3), "W/m2", (0.0, 0.0), (1 * mm, 2 * mm), "m.csv"))
    turned = power
    for width, height in ((4 * mm, 2 * mm), (2 * mm, 4 * mm)) * 2:
        turned = orient_power(turned, width, height, 90)
    assert turned == power


def test_other_angles_are_rejected() -> None:
    with pytest.raises(ValueError, match="got 45"):
        orient_power(Power(1.0), 1.0, 1.0, 45)


# -- what the grid asks ----------------------------------------------------------------------


def test_layout_contains_blocks_without_power() -> None:
    cold = Block("cold", (0.0, 1 * mm), (1 * mm, 1 * mm))
    off = Block("off", (1 * mm, 1 * mm), (1 * mm, 1 * mm), 0.0)
    layout = lay_out_power(Power(blocks=(A, cold, off)), (0.0, 0.0, 2 * mm, 2 * mm))
    corners = [[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    np.testing.assert_allclose(layout.corners, np.array(corners) * mm)
    assert layout.is_powered.tolist() == [True, False, False]
    assert layout.is_given.tolist() == [True, False, True]
    found = lay_out_power(Power(5.0), (0.0, 0.0, 2 * mm, 3 * mm)).corners
    np.testing.assert_allclose(found, [[0.0, 0.0, 2 * mm, 3 * mm]])
    layout = lay_out_power(Power(blocks=(A,), map=np.ones((2, 2))), (0.0, 0.0, 2 * mm, 3 * mm))
    assert layout.corners.shape == (1, 4)
    assert layout.map_rectangle == (0.0, 0.0, 2 * mm, 3 * mm)
    assert lay_out_power(Power(0.0), (0.0, 0.0, 1.0, 1.0)).is_powered.tolist() == [False]


def test_block_beyond_the_edge_by_rounding_is_snapped() -> None:
    power = Power(blocks=(Block("a", (-5e-10, 0.0), (1 * mm + 9e-10, 1 * mm), 1.0),))
    assert power.diagnostics(1 * mm, 1 * mm) == []
    assert lay_out_power(power, (0.0, 0.0, 1 * mm, 1 * mm)).corners.tolist() == [[0.0, 0.0, 1 * mm, 1 * mm]]


# -- forms -----------------------------------------------------------------------------------


def test_short_forms() -> None:
    assert read("560 W") == Power(560.0) == read({"total": "560 W"})
    assert READER.validate_python(560) == Power(total=560.0)
    by_name = {"blocks": {"a": {"at": ["0 mm", "0 mm"], "size": ["1 mm", "1 mm"], "power": "2 W"}}}
    as_list = {"blocks": [{"name": "a", **by_name["blocks"]["a"]}]}
    assert read(by_name) == read(as_list) == Power(blocks=(A,))


def test_written_description_reads_back() -> None:
    power_map = PowerMap(np.array([[0.1, 1e-7]]), "W/m2", (0.0, 0.0), (1 * mm, 2 * mm), "map.csv")
    power = Power(blocks=(A, B), map=power_map, scale_to=1.1, allow_negative=True)
    assert read(json.loads(json.dumps(dump(Power, power)))) == power
    assert hash(power) == hash(read(dump(Power, power)))
    assert power != Power(blocks=(A, B), scale_to=1.1, allow_negative=True)
    assert power_map != PowerMap(np.array([[0.1, 2e-7]]), "W/m2", (0.0, 0.0), (1 * mm, 2 * mm), "map.csv")
    assert power_map != "map.csv"


def test_map_is_a_copy_and_frozen() -> None:
    values = np.ones((2, 2))
    power_map = PowerMap(values)
    values[0, 0] = 9.0
    assert power_map.values[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        power_map.values[0, 0] = 2.0


def test_unvalidated_blocks_equal_validated_ones() -> None:
    (made,) = blocks_of(["a"], np.array([[0.0, 0.0, 1 * mm, 1 * mm]]), [2.0])
    assert made == A
    assert hash(made) == hash(A)
    assert repr(made) == repr(A)


def test_schema_includes_file_references() -> None:
    text = json.dumps(READER.json_schema())
    assert all(key in text for key in ('"floorplan"', '"powers"', '"origin"', '"scale_to"'))


# -- what is refused -------------------------------------------------------------------------


def test_declared_total_must_be_the_sum() -> None:
    assert refused(total=6.0, blocks=(A, B)) == (
        "Power.total: 6 W is declared, but its blocks add up to 5 W "
        '(correct one of them, or write scale_to: "6 W" instead) [E-POWER]'
    )
    assert "its blocks and its map add up to 9 W" in refused(total=6.0, blocks=(A, B), map=np.ones((2, 2)))
    assert "its map adds up to 4 W" in refused(total=6.0, map=np.ones((2, 2)))
    assert Power(total=5.004, blocks=(A, B)).total_power == 5.0
    assert refused(total=5.006, blocks=(A, B))


def test_declared_total_of_a_map_per_area_is_checked_on_the_layer() -> None:
    power = Power(total=5.0, map=PowerMap(np.full((2, 2), 1e6), "W/m2"))
    (diagnostic,) = power.diagnostics(2 * mm, 2 * mm)
    assert diagnostic.path == ("total",)
    assert diagnostic.message == "5 W is declared, but its map adds up to 4 W"
    assert power.diagnostics(2 * mm, 2.5 * mm) == []


def test_zero_power_cannot_be_scaled() -> None:
    dark = Block("dark", (0.0, 0.0), (1 * mm, 1 * mm))
    assert refused(blocks=(dark,), scale_to=5.0) == (
        "Power.scale_to: 0 W cannot be scaled to 5 W (give the blocks or the map a positive power) [E-POWER]"
    )
    assert Power(blocks=(A,), scale_to=0.0).total_power == 0.0
    assert lay_out_power(Power(total=3.0, scale_to=5.0), (0.0, 0.0, 1.0, 1.0)).power.tolist() == [5.0]


def test_negative_power_needs_allow_negative() -> None:
    cooled = Block("peltier", (0.0, 0.0), (1 * mm, 1 * mm), -0.5)
    hint = "(write allow_negative: true if this is intended, as for a Peltier element) [E-POWER]"
    assert refused(blocks=(A, cooled)) == f"Power.blocks.peltier.power: -500 mW is negative {hint}"
    assert refused(-1.0) == f"Power.total: -1 W is negative {hint}"
    assert refused(map=np.array([[1.0, 1.0], [1.0, -2.0]])) == (
        f"Power.map: 1 of its pixels are negative, the first -2 W in row 2 from the south, column 2 {hint}"
    )
    assert Power(blocks=(A, cooled), allow_negative=True).total_power == 1.5
    assert Power(-1.0, allow_negative=True).total_power == -1.0


def test_duplicate_block_names_are_rejected() -> None:
    assert refused(blocks=(A, A)) == "Power.blocks.a: two blocks are named 'a' [E-DUPLICATE]"


def test_missing_power_is_rejected() -> None:
    assert refused() == "Power: no power is given (give total, blocks or map) [E-MISSING]"


def test_all_errors_of_a_power_are_reported_together() -> None:
    block = {"at": ["1 mm", "0 mm"], "size": ["1 mm", "1 mm"], "power": "-3 W"}
    found = diagnostics_in({"total": "6 W", "blocks": [{"name": "a", **block}, {"name": "a", **block}]})
    assert [(diagnostic.field, diagnostic.code) for diagnostic in found] == [
        ("power.blocks.a.power", "E-POWER"),
        ("power.blocks.a.power", "E-POWER"),
        ("power.blocks.a", "E-DUPLICATE"),
        ("power.total", "E-POWER"),
    ]


@pytest.mark.parametrize(
    ("value", "field", "code", "words"),
    [
        (560, "power.total", "E-UNIT", "560 has no unit"),
        ("560 K", "power.total", "E-UNIT", "expected a power"),
        ("nan W", "power.total", "E-UNIT", "nan W"),
        ({"total": "5 W", "totl": "5 W"}, "power.totl", "E-KEY", "unknown key"),
        ({"total": "5 W", "scale_to": "-1 W"}, "power.scale_to", "E-RANGE", "less than zero"),
        ({"blocks": {"a": {"size": ["1 mm", "1 mm"]}}}, "power.blocks.a.at", "E-MISSING", "is missing"),
        (
            {"blocks": {"a": {"at": ["0 m", "0 m"], "size": ["26 m", "1 mm"]}}},
            "power.blocks.a.size[0]",
            "E-SLIP",
            "26 m is outside",
        ),
        (
            {"blocks": {"a": {"at": ["0 m", "0 m"], "size": ["1 mm", "0 mm"]}}},
            "power.blocks.a.size[1]",
            "E-RANGE",
            "not greater than zero",
        ),
        ({"blocks": [{"name": "a\nb", **PLACE}]}, "power.blocks[0].name", "E-NAME", "not a name"),
        ({"blocks": [{"name": 7, **PLACE}]}, "power.blocks[0].name", "E-TYPE", "7 is not a name"),
        ({"map": [[1, 2], [3]]}, "power.map.values", "E-TYPE", "differ in length"),
        ({"map": [1, 2]}, "power.map.values", "E-TYPE", "with shape (2,) is not a map"),
        ({"map": [["x"]]}, "power.map.values", "E-TYPE", "is not a map"),
        ({"map": [[1j]]}, "power.map.values", "E-TYPE", "complex128"),
        ({"map": [[1.0, float("nan")]]}, "power.map.values", "E-RANGE", "nan in row 1, column 2"),
        ({"map": {"values": [[1.0]], "unit": "kW"}}, "power.map.unit", "E-TYPE", "'kW' is not 'W' or 'W/m2'"),
        ({"map": {"values": [[1.0]], "at": ["0 m", "0 m"]}}, "power.map", "E-MISSING", "both at and size"),
    ],
)  # fmt: skip
def test_diagnostic(value: Any, field: str, code: str, words: str) -> None:
    (diagnostic,) = diagnostics_in(value)
    assert (diagnostic.field, diagnostic.code) == (field, code)
    assert words in diagnostic.message


def test_blocks_beyond_the_layer_are_reported_with_distances() -> None:
    power = Power(blocks=(A, Block("far", (-2 * mm, 0.0), (1 * mm, 5 * mm), 1.0)))
    (diagnostic,) = power.diagnostics(1 * mm, 2 * mm)
    assert diagnostic.path == ("blocks", "far")
    assert str(diagnostic) == (
        "blocks.far: block 'far' extends beyond its layer of 1 mm x 2 mm by 2 mm to the west and "
        "3 mm to the north "
        "(positions are relative to the lower-left corner of the stack) [E-OUTSIDE]"
    )
    (diagnostic,) = Power(blocks=(A,)).diagnostics(1 * mm - 2e-9, 1 * mm)
    assert "by 2 nm to the east" in diagnostic.message
    (diagnostic,) = Power(map=PowerMap(np.ones((2, 2)), "W", (0.0, 0.0), (3 * mm, 1 * mm))).diagnostics(
        2 * mm, 2 * mm
    )
    assert diagnostic.path == ("map",)
    assert diagnostic.message == "the map extends beyond its layer of 2 mm x 2 mm by 1 mm to the east"


def test_block_without_power_among_powered_ones_is_a_warning() -> None:
    dark = Block("dark", (0.0, 1 * mm), (1 * mm, 1 * mm))
    (diagnostic,) = Power(blocks=(A, dark)).diagnostics(1 * mm, 2 * mm)
    assert diagnostic.is_warning
    assert str(diagnostic) == (
        "blocks.dark: block 'dark' has no power, other blocks have one "
        '(write "0 W" if this is intended) [W-POWER]'
    )
    off = Block("dark", (0.0, 1 * mm), (1 * mm, 1 * mm), 0.0)
    assert Power(blocks=(A, off)).diagnostics(1 * mm, 2 * mm) == []
    assert Power(blocks=(dark,)).diagnostics(1 * mm, 2 * mm) == []


def test_overlapping_blocks_are_reported_with_both_names_and_the_rectangle() -> None:
    blocks = (A, Block("twin", (0.5 * mm, -0.25 * mm), (1 * mm, 1 * mm), 1.0))
    (diagnostic, *_) = [
        each for each in Power(blocks=blocks).diagnostics(2 * mm, 2 * mm) if each.code == "E-OVERLAP"
    ]
    assert diagnostic.path == ("blocks", "twin")
    assert str(diagnostic) == (
        "blocks.twin: block 'twin' overlaps block 'a' from (500 um, 0 um) to (1 mm, 750 um) of the stack "
        "(move or remove one of them, or write overlap: add where both powers are meant) [E-OVERLAP]"
    )


def test_overlapping_blocks_may_be_declared_to_add() -> None:
    twin = Block("twin", A.position, A.size, 5.0)
    power = Power(blocks=(A, twin), overlap="add")
    assert power.diagnostics(1 * mm, 1 * mm) == []
    assert power.total_power == 7.0
    assert read(json.loads(json.dumps(dump(Power, power)))) == power
    (diagnostic,) = diagnostics_in({"total": "5 W", "overlap": "maximum"})
    assert (diagnostic.field, diagnostic.code) == ("power.overlap", "E-TYPE")


def test_powers_by_name() -> None:
    blocks = assign_powers((A, B), {"a": "7 W"}, from_file=True)
    assert [block.power for block in blocks] == [7.0, 3.0]
    assert [block.power for block in assign_powers((A, B), {B.name: 1})] == [2.0, 1.0]
    with pytest.raises(DescriptionError) as caught:
        assign_powers(
            (A, Block("gpc0", A.position, A.size)), {"gpc1": "1 W", "zz": "1 W", "a": 3}, from_file=True
        )
    assert str(caught.value).splitlines() == [
        "powers.gpc1: no block is named 'gpc1' (did you mean gpc0?) [E-POWER]",
        "powers.zz: no block is named 'zz' (there are a, gpc0) [E-POWER]",
        'powers.a: 3 has no unit; expected a power (write "10 W") [E-UNIT]',
    ]
    with pytest.raises(DescriptionError, match="the floorplan has no blocks"):
        assign_powers((), {"a": 1.0})
    many = tuple(Block(f"core{n:02}", A.position, A.size) for n in range(30))
    with pytest.raises(DescriptionError, match="core19 and others"):
        assign_powers(many, {"zz": 1.0})
