"""The fit of a DELPHI network: positive conductances by least squares on their logarithms (JESD15-4)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import scipy.optimize

from thermostack.package.rectangles import Rectangle
from thermostack.results.compact_model import NODES, PAIRS, DelphiNetwork, FitError
from thermostack.thermal_metrics.body import PlacedBody
from thermostack.thermal_metrics.face_classes import BodyResponse, Response, expand, inner_rectangles

TRAINING_TOP = (5.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 1e4, 1e9)  # W/(m2 K), assumed
TRAINING_BOTTOM = (10.0, 30.0, 100.0, 300.0, 1000.0, 1e4, 1e9)
TRAINING_SIDES = (5.0, 30.0)
TEST_ROWS, TEST_SEED = 40, 15_4
TEST_RANGES = ((5.0, 1e5), (10.0, 1e5), (5.0, 30.0))  # W/(m2 K) of top, bottom and sides
HEAT_WEIGHT = 0.5  # of the heat flows in the objective, beside the junction rise
MAX_LOG_CONDUCTANCE, MIN_LOG_CONDUCTANCE = 12.0, -18.0  # ln of W/K
SEARCH_STARTS = 3  # of the fit for each size of the inner rectangles
START_LOG_WIDTH = 3.0  # of the random starts around the conductance of the whole body


def training_rows() -> np.ndarray:
    """Return the coefficients of top, bottom and sides of the training set, (112, 3)."""
    return np.array(list(product(TRAINING_TOP, TRAINING_BOTTOM, TRAINING_SIDES)))


def test_rows() -> np.ndarray:
    """Return log-uniform random coefficients of top, bottom and sides, (40, 3)."""
    low, high = np.log(np.array(TEST_RANGES)).T
    return np.exp(np.random.default_rng(TEST_SEED).uniform(low, high, (TEST_ROWS, 3)))


def choose_response(placed: PlacedBody, build: Callable[[Rectangle], BodyResponse]) -> BodyResponse:
    """Return the response with the inner rectangle whose network has the smallest error in training.

    `build` returns the response for an inner rectangle [m].
    """
    found: tuple[float, BodyResponse] | None = None
    for inner in inner_rectangles(placed):
        response = build(inner)
        error = fit_network(response, SEARCH_STARTS).training.max_junction
        if found is None or error < found[0]:
            found = error, response
    assert found is not None
    return found[1]


def fit_network(response: BodyResponse, starts: int) -> DelphiNetwork:
    """Return the network with the smallest objective over the training set, from several starts."""
    rows = expand(training_rows())
    full = response.respond(rows)
    fit = _Fit(rows, full, response.area, response.power)
    rng = np.random.default_rng(TEST_SEED)
    center = np.log(1.0 / fit.rise.min())
    best: scipy.optimize.OptimizeResult | None = None
    for _ in range(starts):
        start = center + START_LOG_WIDTH * rng.uniform(-1.5, 0.5, len(PAIRS))
        found = scipy.optimize.least_squares(
            fit.residuals,
            start,
            jac=fit.jacobian,
            bounds=(MIN_LOG_CONDUCTANCE, MAX_LOG_CONDUCTANCE),
            x_scale=1.0,
            max_nfev=300,
        )
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    conductance = np.exp(best.x)
    empty = FitError(0, 0.0, 0.0, 0.0)
    network = DelphiNetwork(conductance, response.area, empty, empty)
    other_rows = expand(test_rows())
    other = response.respond(other_rows)
    training = _fit_error(network, rows, full, response.power)
    test = _fit_error(network, other_rows, other, response.power)
    x0, y0, x1, y1 = response.inner
    return DelphiNetwork(conductance, response.area, training, test, (x1 - x0, y1 - y0))


def _fit_error(network: DelphiNetwork, rows: np.ndarray, full: Response, power: float) -> FitError:
    """Return the errors of a network over some rows."""
    rise, heat = network.solve(rows)
    errors = np.abs(rise * power / full.junction - 1.0)
    heat_error = np.abs(heat - full.heat / power).max()
    return FitError(len(rows), float(errors.mean()), float(errors.max()), float(heat_error))


class _Fit:
    """Residuals and their derivatives by the logarithms of the conductances."""

    def __init__(self, rows: np.ndarray, full: Response, area: np.ndarray, power: float) -> None:
        self.external = rows * area  # W/K
        self.rise = full.junction / power  # K/W
        self.heat = full.heat / power
        self.count = len(NODES)
        i, j = np.array(PAIRS).T
        self.i, self.j = i, j

    def _solve(self, logarithms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the inverse matrices (rows, 6, 6) and the rises (rows, 6) at a power of 1 W."""
        g = np.exp(logarithms)
        matrix = np.zeros((self.count, self.count))
        np.add.at(matrix, (self.i, self.i), g)
        np.add.at(matrix, (self.j, self.j), g)
        matrix[self.i, self.j] = matrix[self.j, self.i] = -g
        matrices = np.repeat(matrix[np.newaxis], len(self.external), axis=0)
        nodes = np.arange(1, self.count)
        matrices[:, nodes, nodes] += self.external
        inverse = np.linalg.inv(matrices)
        return inverse, inverse[:, :, 0]

    def residuals(self, logarithms: np.ndarray) -> np.ndarray:
        """Return the relative errors of the junction rise, and the weighted errors of the heat flows."""
        _, t = self._solve(logarithms)
        junction = t[:, 0] / self.rise - 1.0
        heat = np.sqrt(HEAT_WEIGHT) * (t[:, 1:] * self.external - self.heat)
        return np.concatenate([junction, heat.reshape(-1)])

    def jacobian(self, logarithms: np.ndarray) -> np.ndarray:
        """Return the derivatives of the residuals, (residuals, 15): dT = -A^-1 dA T."""
        inverse, t = self._solve(logarithms)
        g = np.exp(logarithms)
        change = -(inverse[:, :, self.i] - inverse[:, :, self.j])  # (rows, 6, 15)
        change = change * (g * (t[:, self.i] - t[:, self.j]))[:, np.newaxis, :]
        junction = change[:, 0] / self.rise[:, np.newaxis]
        heat = np.sqrt(HEAT_WEIGHT) * change[:, 1:] * self.external[:, :, np.newaxis]
        return np.concatenate([junction, heat.reshape(-1, len(PAIRS))])
