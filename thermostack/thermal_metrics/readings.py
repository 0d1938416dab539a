"""The temperatures of JEDEC in a solved field: junction, board and case."""

from __future__ import annotations

from thermostack.errors import Diagnostic, UnknownNameError
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.results.jedec_result import TemperatureReading
from thermostack.results.names import unknown_name
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.arguments import argument_error
from thermostack.thermal_metrics.body import PlacedBody, top_of
from thermostack.units import mm

BOARD_DISTANCE = 1.0 * mm  # of T_B from the body, the maximum that JESD51-8 permits


def hottest_powered_part(result: SteadyResult) -> PartTemperature:
    """Return the part with power that has the maximum temperature."""
    powered = [part for part in result.parts if part.power > 0.0 and not part.is_block]
    return max(powered, key=lambda part: part.max)


def read_junction(result: SteadyResult, junction: str) -> tuple[TemperatureReading, float | None]:
    """Return the junction temperature, and its estimated discretisation error [K].

    `junction` is "max" or "mean" of the hottest part with power, or the name of a part, block or stack, whose
    maximum it is.
    """
    if junction == "mean":
        part = hottest_powered_part(result)
        return TemperatureReading(f"{part.name}, mean", part.mean), part.mean_error
    part = hottest_powered_part(result) if junction == "max" else result.of(junction)
    return TemperatureReading(f"{part.name}, maximum", part.max, part.at), part.error


def check_junction(junction: str, names: list[str]) -> None:
    """Raise UnknownNameError unless a junction is "max", "mean" or one of some names."""
    if not isinstance(junction, str):
        raise argument_error(
            "junction", "is not a text", 'write "max", "mean" or the name of a part', "E-TYPE"
        )
    if junction not in ("max", "mean") and junction not in names:
        error = unknown_name(junction, names)
        diagnostic = error.diagnostics[0]
        hint = diagnostic.hint or "max, mean, or the name of a part, block or stack"
        raise UnknownNameError(Diagnostic("junction", diagnostic.message, hint, "E-NAME"))


def read_board(result: SteadyResult, placed: PlacedBody) -> TemperatureReading:
    """Return the temperature of the board at the middle of the longest side of the body, 1 mm from it.

    Of two sides of the same length it is the west one, and otherwise the one at the lower coordinate.
    """
    x0, y0, x1, y1 = placed.outline
    middle = 0.5 * (x0 + x1), 0.5 * (y0 + y1)
    is_wide = x1 - x0 > y1 - y0 + 1e-9
    x, y = (middle[0], y0 - BOARD_DISTANCE) if is_wide else (x0 - BOARD_DISTANCE, middle[1])
    at = (x, y, placed.bottom)
    return TemperatureReading("board, 1 mm from the package", result.at(*at), at)


def read_case(result: SteadyResult, placed: PlacedBody) -> TemperatureReading:
    """Return the temperature at the centre of the top of the body."""
    at = top_of(placed)
    return TemperatureReading("centre of the top", result.at(*at), at)
