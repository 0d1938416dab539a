"""Numbers in tables: positions in thin layers and small powers keep their digits."""

from __future__ import annotations

import pytest

from thermostack import Convection, Cooling, Layer, Package, Power, Stack, discretize, solve_steady
from thermostack.report.steady_table import steady_summary, steady_table
from thermostack.report.table_layout import as_text, format_position, format_power


@pytest.mark.parametrize(
    ("z", "cell", "text"),
    [
        (1.25e-7, 50e-9, "0.00013"),
        (30e-9, 10e-9, "0.00003"),
        (30e-9, 1e-9, "0.000030"),
        (2.5e-3, 100e-6, "2.500"),
        (2.5e-3, 1e-6, "2.500"),
        (1e-9, 1e-15, "0.0000010"),
    ],
)
def test_position_has_the_decimals_of_the_cells(z: float, cell: float, text: str) -> None:
    assert format_position((0.0, 1e-3, z), (1e-4, 1e-4, cell)) == ("0.000", "1.000", text)


@pytest.mark.parametrize(
    ("power", "text"),
    [
        (0.0, "0.000"),
        (560.0, "560.000"),
        (0.1, "0.100"),
        (2e-3, "0.002"),
        (1.2345e-5, "1.23e-05"),
        (-0.5, "-0.500"),
    ],
)
def test_power_has_three_digits(power: float, text: str) -> None:
    assert format_power(power) == text


def test_table_of_layers_of_some_nanometres() -> None:
    layers = (
        Layer("channel", "50 nm", "silicon_constant", Power(total=2e-5)),
        Layer("oxide", "100 nm", "silicon_dioxide"),
    )
    cooling = Cooling(bottom=Convection(1e5, 300.0))
    package = Package("nano", (Stack("die", ("2 um", "2 um"), layers),), cooling)
    steady = solve_steady(discretize(package))
    table, summary = as_text(steady_table(steady, 120, all_parts=True)), as_text(steady_summary(steady, []))
    peak = next(line for line in summary.splitlines() if line.startswith("peak"))
    z = float(peak.rpartition("z ")[2].removesuffix(" mm"))
    assert z == pytest.approx(1e3 * steady.peak.at[2], abs=1e-6)
    assert "2e-05" in table
    assert "2e-05 W" in summary
    assert "0.000 W" not in summary
