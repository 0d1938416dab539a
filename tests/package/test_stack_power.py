"""Power of a stack and of a copy: distributed over its layers in proportion to their described power."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thermostack import (
    Block,
    DescriptionError,
    Layer,
    Power,
    PowerMap,
    Stack,
    discretize,
    read_package,
    write_package,
)

DESCRIPTION = """\
package: powers
stacks:
  board:
    size: [20 mm, 10 mm]
    layers: [{name: core, thickness: 1 mm, material: silicon}]
  mem:
    on: board
    copies: {west: [1 mm, 1 mm], east: {at: [9 mm, 1 mm], power: 9 W}}
    size: [4 mm, 4 mm]
    layers:
      - name: base
        thickness: 0.1 mm
        material: silicon
        power:
          total: 1 W
          blocks:
            phy: {at: [0 mm, 0 mm], size: [1 mm, 4 mm], power: 1 W}
            idle: {at: [1 mm, 0 mm], size: [1 mm, 4 mm], power: 0 W}
      - {name: gap, thickness: 0.1 mm, material: underfill}
      - repeat: {times: 2, layers: [{name: core, thickness: 0.1 mm, material: silicon, power: 0.5 W}]}
cooling: {bottom: {convection: {h: 1000 W/m2/K, ambient: 25 degC}}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "powers.yaml"
    file.write_text(DESCRIPTION)
    return file


def powers(stack: Stack) -> list[float | None]:
    """Return the power of each layer of a stack [W]."""
    return [None if layer.power is None else layer.power.power_on(*stack.size) for layer in stack.layers]


def test_copy_with_a_power(path: Path) -> None:
    package = read_package(path)
    assert powers(package.stack("mem.west")) == [1.0, None, 0.5, 0.5]
    assert powers(package.stack("mem.east")) == pytest.approx([4.5, None, 2.25, 2.25])
    base = package.stack("mem.east").layers[0].power
    assert base is not None
    assert [block.power for block in base.blocks] == pytest.approx([4.5, 0.0])
    assert package.power == pytest.approx(11.0)


@pytest.mark.parametrize(
    ("overrides", "west", "east"),
    [
        ({"stacks.mem.power": "4 W"}, 4.0, 4.0),  # also of the copy with a power of its own
        ({"stacks.mem.west.power": "3 W"}, 3.0, 9.0),
        ({"stacks.mem.east.power": "3 W"}, 2.0, 3.0),
        ({"stacks.mem.power": "4 W", "stacks.mem.east.power": "0 W"}, 4.0, 0.0),
    ],
)
def test_power_of_all_copies_or_of_one(
    path: Path, overrides: dict[str, str], west: float, east: float
) -> None:
    package = read_package(path, overrides)
    found = [sum(power or 0.0 for power in powers(package.stack(f"mem.{name}"))) for name in ("west", "east")]
    assert found == pytest.approx([west, east])
    assert discretize(package, cell=2e-3).total_power == pytest.approx(west + east, abs=1e-12)


def test_power_without_a_unit_is_an_error(path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"stacks\.mem\.power: 6 has no unit"):
        read_package(path, {"stacks.mem.power": "6"})


def test_description_with_powers_of_stacks_is_written(path: Path, tmp_path: Path) -> None:
    package = read_package(path, {"stacks.mem.west.power": "2.7 W"})
    write_package(package, tmp_path / "written.yaml")
    assert read_package(tmp_path / "written.yaml") == package


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        (Power(total=2.0), 3.0),
        (Power(blocks=(Block("a", (0.0, 0.0), (1e-3, 1e-3), 2.0),), scale_to=4.0), 6.0),
        (Power(map=PowerMap(np.array([[1.0, 3.0]]))), 6.0),
        (Power(map=PowerMap(np.full((2, 2), 1e6), "W/m2")), 24.0),
    ],
)
def test_every_form_of_power_is_scaled(power: Power, expected: float) -> None:
    """A second layer has the same power, so that each gets one half of the power of the stack."""
    layers = (Layer("a", 1e-4, "silicon", power), Layer("b", 1e-4, "silicon", power))
    stack = Stack("s", (4e-3, 4e-3), layers, power=2.0 * expected)
    assert powers(stack) == pytest.approx([expected, expected])
    assert Stack("s", (4e-3, 4e-3), stack.layers, power=2.0 * expected) == stack  # scaled once only


def test_negative_power_of_a_layer_keeps_its_share() -> None:
    cold = Power(total=-1.0, allow_negative=True)
    stack = Stack(
        "s", (4e-3, 4e-3), (Layer("a", 1e-4, "silicon", cold), Layer("b", 1e-4, "silicon", 3.0)), power=4.0
    )
    assert powers(stack) == pytest.approx([-2.0, 6.0])


def test_power_of_a_stack_without_powered_layers_is_an_error(path: Path) -> None:
    with pytest.raises(DescriptionError) as caught:
        read_package(path, {"stacks.board.power": "4 W"})
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.field) == ("E-POWER", "stacks.board.power")
    assert "4 W cannot be distributed: the power of its layers is 0 W" in diagnostic.message
    with pytest.raises(DescriptionError, match=r"Stack\.power: 4 W cannot be distributed"):
        Stack("s", (1e-3, 1e-3), (Layer("a", 1e-4, "silicon"),), power="4 W")
    assert Stack("s", (1e-3, 1e-3), (Layer("a", 1e-4, "silicon"),), power=0.0).power == 0.0
