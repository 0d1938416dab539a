"""Compact models of a package: two resistors and a DELPHI network, with their errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from thermostack.linear.steady_problem import Progress
from thermostack.mesh.model import CellInput
from thermostack.package.package import Package
from thermostack.results.compact_model import CompactModels, TwoResistor, TwoResistorCase
from thermostack.results.jedec_result import JedecResult
from thermostack.schema.arguments import (
    argument_error,
    check_number,
    check_threads,
    check_whole_number,
    require_callable,
    require_instance,
)
from thermostack.thermal_metrics.board import JedecBoard
from thermostack.thermal_metrics.body import find_body, place_alone
from thermostack.thermal_metrics.delphi import choose_response, fit_network, test_rows
from thermostack.thermal_metrics.face_classes import BodyResponse, expand
from thermostack.thermal_metrics.metrics import jedec, with_power

CASES = (
    (10.0, 30.0),
    (10.0, 300.0),
    (10.0, 3000.0),
    (100.0, 30.0),
    (100.0, 300.0),
    (1000.0, 30.0),
    (1000.0, 300.0),
    (1e4, 30.0),
    (1e4, 300.0),
    (1e4, 3000.0),
)  # W/(m2 K) on top and bottom: environments of the two-resistor model
CASE_SIDES = 10.0  # W/(m2 K) on the sides of the full model; those of the two resistors are adiabatic
CHECKED_ROWS = 4  # of the test set, which are solved fully
MAX_STARTS = 200


def compact_models(
    package: Package,
    *,
    metrics: JedecResult | None = None,
    board: str | JedecBoard = "jesd51-9/2s2p",
    junction: str = "max",
    own_board: str | None = None,
    cell: CellInput = None,
    fineness: float = 1.0,
    starts: int = 20,
    threads: int | None = None,
    progress: Progress = lambda stage: None,
) -> CompactModels:
    """Return the two-resistor model and the DELPHI network of a package, with their errors.

    Parameters
    ----------
    package : Package
        The package, with or without a board of its own.
    metrics : JedecResult, optional
        Result with theta_JC of the isothermal top and theta_JB; by default it is computed.
    board : str or JedecBoard
        Board of theta_JB, as that of `jedec`.
    junction : str
        Junction temperature of theta_JC and theta_JB, as that of `jedec`.
    own_board : str, optional
        As that of `jedec`.
    cell : float, str, sequence or mapping, optional
        Maximum cell size, as that of `discretize`.
    fineness : float
        Factor that divides the cell sizes of the default rule.
    starts : int
        Number of starts of the fit of the network.
    threads : int, optional
        Number of threads.
    progress : callable
        Function that is called with the name of each stage when it starts.

    Returns
    -------
    CompactModels
        Both models, their errors, and the error of the reduced model that they were compared with.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or is out of its range, or the metrics lack a resistance.
    DescriptionError
        If no part has power, or nothing stands on the board of the description.

    Notes
    -----
    The two resistors are those of JESD15-3: theta_JC to the top, theta_JB to the bottom, adiabatic sides. The
    network has the nodes of JESD15-4. Its conductances minimise the errors of the junction rise and of the
    heat flows in 112 environments; 40 random ones are the test. The inner rectangles have 30 to 70 % of the
    side lengths, or surround the sources of heat, whichever gives the smallest error. The environments follow
    from 18 solved fields of the body by a Ritz-Galerkin approximation, whose error against full solves is
    stated. Materials are evaluated at 300 K.

    Examples
    --------
    >>> import thermostack as ts
    >>> found = ts.compact_models(ts.read_package("fcbga"), cell="4 mm", starts=2)
    >>> len(found.two_resistor.cases)
    10
    """
    hint = "read_package returns a package"
    require_instance(package, (Package,), "package", "a Package", hint, reader="read_package")
    require_callable(progress, "progress", "pass a function of the name of a stage")
    starts = check_whole_number(starts, "starts", min=1, max=MAX_STARTS)
    fineness, threads = check_number(fineness, "fineness", above=0.0), check_threads(threads)
    if metrics is None:
        metrics = jedec(
            package,
            board=board,
            environments=("ring", "top"),
            junction=junction,
            own_board=own_board,
            cell=cell,
            fineness=fineness,
            matrices=False,
            threads=threads,
            progress=progress,
        )
    resistances = _resistances(metrics)
    body = find_body(with_power(package, None), own_board)
    placed = place_alone(body)
    response = choose_response(
        placed, lambda inner: BodyResponse(placed, inner, cell, fineness, threads, progress)
    )
    progress("network")
    network = fit_network(response, starts)
    rows = expand(test_rows()[:CHECKED_ROWS])
    reduced = response.respond(rows).junction
    progress("check")
    full = np.array([response.solve_junction(row) for row in rows])
    top, bottom = response.area[:2].sum(), response.area[2:4].sum()
    two = TwoResistor(resistances["theta_JC_top"], resistances["theta_JB"], float(top), float(bottom))
    given = expand([(up, down, CASE_SIDES) for up, down in CASES])
    per_watt = response.respond(given).junction / response.power
    cases = tuple(
        TwoResistorCase(up, down, rise, two.rise(up, down))
        for (up, down), rise in zip(CASES, per_watt.tolist(), strict=True)
    )
    two = TwoResistor(two.theta_jc, two.theta_jb, two.top_area, two.bottom_area, cases)
    notes = ["materials at 300 K", "junction: maximum over the cells with power, at the described shares"]
    return CompactModels(
        package.name,
        response.power,
        two,
        network,
        float(np.abs(reduced / full - 1.0).max()),
        (*notes, *body.notes),
    )


def _resistances(metrics: JedecResult) -> Mapping[str, float]:
    """Return theta_JC of the isothermal top and theta_JB [K/W]."""
    found = {}
    for name in ("theta_JC_top", "theta_JB"):
        values = [each.value for each in metrics.metrics if each.name == name]
        if not values:
            text = f"has no {name}, from which the two resistors follow"
            raise argument_error("metrics", text, 'compute it with environments=("ring", "top")')
        found[name] = values[0]
    return found
