"""Temperatures over time against exact ones: in time alone, in space and time, and as published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache

import numpy as np
import pytest
from exact import heated_slab, nafems_t3
from exact.heated_box import HeatedBox
from exact.heated_slab import HeatedSlab
from exact.layered_wall import End, FixedFlux, FixedTemperature, RobinEnd
from exact.transient_wall import TransientLayer, TransientWall
from exact.wall_modes import decay_rates
from exact.warming_slab import WarmingSlab
from scipy.integrate import solve_ivp
from support.small_bodies import AMBIENT, Body, plate, sandwich

import thermostack as ts
from thermostack import Block, Cooling, Grid, Interface, Layer, Material, Package, Power, Stack, discretize
from thermostack.errors import ConvergenceError
from thermostack.impedance.thermal_impedance import thermal_impedance
from thermostack.steady import solve_steady
from thermostack.transient.loads import Loads
from thermostack.transient.run import solve_transient
from thermostack.transient.runge_kutta import SCHEMES
from thermostack.transient.simulation import Simulation
from thermostack.transient.stepper import Stepper
from thermostack.transient.trace import Trace
from thermostack.units import mm, um

LOWER, UPPER, TOP = "lower.active", "upper.active", "cooling.top"
TOLERANCES = (1.0, 0.1, 0.01, 0.001)  # K
ADAPTIVE = [name for name, scheme in SCHEMES.items() if scheme.embedded is not None]
TIGHT = 1e-9  # K: the equations of steps of fixed length are solved as well as they can be

# -- time alone: the error asked is the error got ------------------------------------------------


@dataclass(frozen=True, eq=False)
class LoadCase:
    """The loads of a body over time, and its initial field."""

    name: str
    until: float  # s
    times: tuple[float, ...]  # s
    columns: dict[str, tuple[float, ...]]  # W, or K for "cooling.top"
    kind: str = "steps"
    body: Callable[[], Body] = sandwich
    start: Callable[[Body], np.ndarray] = field(
        default=lambda body: np.full(body.boundary_heat.size, AMBIENT)
    )

    @property
    def initial(self) -> np.ndarray:
        """Return the field at the start [K], (nz, ny, nx)."""
        return self.body().to_field(self.start(self.body()))

    @property
    def trace(self) -> Trace:
        """Return the columns as a trace."""
        return Trace.of(self.times, self.columns, kind=self.kind, after="hold")

    def exact(self, at: np.ndarray) -> np.ndarray:
        """Return the temperatures [K] of the cells at times [s], (times, cells)."""
        body = self.body()
        times, columns = np.array(self.times), {name: np.array(c) for name, c in self.columns.items()}
        if self.kind == "steps":
            columns = {name: np.repeat(c, 2)[:-1] for name, c in columns.items()}
            times = np.repeat(times, 2)[1:]
        return body.cells.temperature(self.start(body), times, body.cell_powers(columns), at)


def settled(body: Body) -> np.ndarray:
    """Return the steady field of the drawn powers."""
    return body.cells.steady(body.cell_powers({})[0])


def rough(body: Body) -> np.ndarray:
    """Return a field that jumps by up to 40 K from cell to cell."""
    return AMBIENT + 40.0 * np.random.default_rng(11).random(body.boundary_heat.size)


def nearly_insulated() -> Body:
    return sandwich(5.0, 0.0)


def bursts(count: int, period: float, share: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    times = np.stack([np.arange(count) * period, (np.arange(count) + share) * period], axis=1).ravel()
    return tuple(times.tolist()), (150.0, 5.0) * count


BURSTS = bursts(6, 2e-3, 0.3)
COURSES = (
    LoadCase("jump", 1.0, (0.0, 1e-3, 0.2), {LOWER: (0.0, 40.0, 0.0), UPPER: (0.0, 20.0, 20.0)}),
    LoadCase("from_steady", 0.5, (0.0, 0.01), {LOWER: (10.0, 60.0), UPPER: (20.0, 0.0)}, start=settled),
    LoadCase(
        "ramps", 1.0, (0.0, 0.1, 0.4, 0.8),
        {LOWER: (0.0, 0.0, 60.0, 10.0), UPPER: (0.0, 80.0, 0.0, 0.0)}, "linear",
    ),
    LoadCase("bursts", 0.012, BURSTS[0], {LOWER: BURSTS[1], UPPER: (0.0,) * 12}),
    LoadCase("pulse", 0.01, (0.0, 1e-3, 1.02e-3), {LOWER: (0.0, 2000.0, 0.0), UPPER: (0.0,) * 3}),
    LoadCase(
        "jumps_and_ramps", 0.3, (0.0, 0.05, 0.05, 0.1, 0.2, 0.2),
        {LOWER: (5.0, 20.0, 50.0, 10.0, 10.0, 0.0), UPPER: (0.0, 40.0, 10.0, 30.0, 0.0, 60.0)}, "linear",
    ),
    LoadCase(
        "outside", 2.0, (0.0, 0.3, 0.3, 1.0), {TOP: (300.0, 340.0, 290.0, 310.0)}, "linear", start=settled
    ),
    LoadCase("rough_field", 0.1, (0.0,), {LOWER: (0.0,), UPPER: (0.0,)}, start=rough),
    LoadCase("long", 1000.0, (0.0, 1.0, 400.0), {LOWER: (0.0, 25.0, 5.0), UPPER: (0.0, 25.0, 30.0)}),
    LoadCase(
        "insulated", 100.0, (0.0, 10.0), {LOWER: (1.0, 0.0), UPPER: (0.0, 0.5)}, body=nearly_insulated
    ),
)  # fmt: skip
each_course = pytest.mark.parametrize("course", COURSES, ids=lambda course: course.name)


def run(
    course: LoadCase, tolerance: float, scheme: str = "sdirk3"
) -> tuple[Simulation, np.ndarray, np.ndarray]:
    """Return the simulation at its end, the times of its steps, and the temperatures at them [K]."""
    body = course.body()
    simulation = Simulation(
        body.model, course.trace, initial=course.initial, tolerance=tolerance, scheme=scheme
    )
    times: list[float] = []
    fields: list[np.ndarray] = []

    def watch(simulation: Simulation) -> None:
        times.append(simulation.time)
        fields.append(simulation.field[body.is_active])

    simulation.advance(course.until, watch)
    return simulation, np.array(times), np.array(fields)


remembered = cache(run)  # for the courses of this page


@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize("scheme", ADAPTIVE)
@each_course
def test_error_asked_is_the_error_got(course: LoadCase, scheme: str, tolerance: float) -> None:
    """In every cell at every step within 2 times the tolerance; space is the same, so it is all time's."""
    _, times, found = remembered(course, tolerance, scheme)
    exact = course.exact(times)
    assert times[-1] == course.until
    assert np.ptp(exact) > 30.0  # K: there is something to be wrong about
    assert np.abs(found - exact).max() < 2.0 * tolerance


@each_course
def test_a_smaller_tolerance_is_a_smaller_error(course: LoadCase) -> None:
    """A thousandth of the tolerance takes the error to a fiftieth at most, and costs steps."""
    off, steps = [], []
    for tolerance in (1.0, 0.001):
        simulation, times, found = remembered(course, tolerance, "sdirk3")
        off.append(np.abs(found - course.exact(times)).max())
        steps.append(simulation.steps)
    assert off[1] < off[0] / 50.0
    assert steps[1] > 2 * steps[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_error_asked_is_the_error_got_on_drawn_courses(seed: int) -> None:
    """Jumps and ramps of both dies and the air at drawn times, over drawn spans from 1 ms to 100 s."""
    rng = np.random.default_rng(seed)
    until = float(10.0 ** rng.uniform(-3.0, 2.0))
    rows = int(rng.integers(4, 12))
    times = np.concatenate([[0.0], np.sort(rng.uniform(0.0, until, rows - 1))])
    kind = "linear" if rng.random() < 0.5 else "steps"
    columns = {
        LOWER: rng.uniform(0.0, 80.0, rows) * (rng.random(rows) < 0.7),
        UPPER: rng.uniform(0.0, 80.0, rows) * (rng.random(rows) < 0.7),
    }
    if kind == "linear":
        columns[TOP] = rng.uniform(280.0, 330.0, rows)
    body = sandwich if rng.random() < 0.7 else nearly_insulated
    drawn = {name: tuple(column.tolist()) for name, column in columns.items()}
    course = LoadCase(
        "drawn", until, tuple(times.tolist()), drawn, kind, body, rough if seed % 3 == 0 else settled
    )
    for scheme in ADAPTIVE:
        for tolerance in TOLERANCES:
            _, at, found = run(course, tolerance, scheme)
            assert np.abs(found - course.exact(at)).max() < 2.0 * tolerance, (scheme, tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ADAPTIVE)
def test_errors_of_many_bursts_do_not_add_up(scheme: str) -> None:
    """A body that hardly cools remembers every burst: 100 of them, and the last is as good as the first."""
    times, power = bursts(100, 2e-3, 0.3)
    columns = {LOWER: power, UPPER: (0.0,) * len(times)}
    course = LoadCase("many", 0.2, times, columns, body=nearly_insulated)
    for tolerance in (1.0, 0.1, 0.01):
        _, at, found = run(course, tolerance, scheme)
        assert np.abs(found - course.exact(at)).max() < 2.0 * tolerance


@pytest.mark.parametrize("tolerance", [0.1, 0.001])
@pytest.mark.parametrize("scheme", ADAPTIVE)
def test_error_asked_is_the_error_got_when_powers_are_handed_in(scheme: str, tolerance: float) -> None:
    """Another program gives the powers of every millisecond: they hold from there on, as steps do."""
    rng, body, pace = np.random.default_rng(3), sandwich(), 1e-3
    powers = rng.uniform(0.0, 90.0, (25, 2))
    columns = {LOWER: tuple(powers[:, 0].tolist()), UPPER: tuple(powers[:, 1].tolist())}
    course = LoadCase("handed", 0.025, tuple((pace * np.arange(25)).tolist()), columns)
    simulation = Simulation(body.model, initial=course.initial, tolerance=tolerance, scheme=scheme)
    found = []
    for lower, upper in powers.tolist():
        parts = simulation.step(pace, {LOWER: lower, UPPER: upper})
        found.append(simulation.field[body.is_active])
        assert parts[LOWER].power == pytest.approx(lower)
    exact = course.exact(pace * np.arange(1, 26))
    assert np.abs(np.array(found) - exact).max() < 2.0 * tolerance


@pytest.mark.parametrize("tolerance", [0.1, 0.001])
@pytest.mark.parametrize("scheme", ADAPTIVE)
def test_error_asked_is_the_error_got_when_the_air_stops(scheme: str, tolerance: float) -> None:
    """The htc falls to a fifth and returns: three linear problems in sequence, each solved exactly."""
    strong, weak, pieces = sandwich(), sandwich(1e3), ((0.0, 0.5), (0.5, 1.5), (1.5, 2.0))
    trace = Trace.of([0.0, 0.5, 1.5], {f"{TOP}.h": [1.0, 0.2, 1.0]}, units={f"{TOP}.h": "1"}, after="hold")
    simulation = Simulation(strong.model, trace, initial=300.0, tolerance=tolerance, scheme=scheme)
    t = np.full(strong.boundary_heat.size, 300.0)
    for begin, end in pieces:
        body = weak if begin == 0.5 else strong
        times: list[float] = []
        fields: list[np.ndarray] = []

        def watch(s: Simulation, times: list = times, fields: list = fields) -> None:
            times.append(s.time)
            fields.append(s.field[strong.is_active])

        simulation.advance(end, watch)
        exact = body.cells.temperature(t, np.array([begin]), body.cell_powers({}), np.array(times))
        assert np.abs(np.array(fields) - exact).max() < 2.0 * tolerance
        t = exact[-1]
    assert np.ptp(t) > 10.0


# -- steps of fixed length -------------------------------------------------------------------------

SLOW, FAST = 400.0, 900.0  # rad/s


def power_of(t: float) -> dict[str, float]:
    """Return a smooth power of the plate [W], enough to tell errors from rounding."""
    return {"plate.heated": 3000.0 + 2000.0 * np.sin(SLOW * t) + 900.0 * np.cos(FAST * t)}


def exact_sines(body: Body, start: np.ndarray, until: float) -> np.ndarray:
    """Return the cells' temperatures [K] under `power_of`, each mode by itself."""
    cells, pattern = body.cells, body.pattern("plate.heated")
    root = np.sqrt(cells.capacity)
    rates, vectors = np.linalg.eigh(cells.conductance / np.outer(root, root))
    drive, steady = vectors.T @ (pattern / root), vectors.T @ (body.boundary_heat / root)
    # of y' + r y = p (3000 + 2000 sin + 900 cos) + q
    decay = np.exp(-rates * until)
    y = decay * (vectors.T @ (root * start)) + (3000.0 * drive + steady) * (1.0 - decay) / rates
    a, b = SLOW * until, FAST * until
    sine = (rates * np.sin(a) - SLOW * np.cos(a) + SLOW * decay) / (rates**2 + SLOW**2)
    cosine = (rates * np.cos(b) + FAST * np.sin(b) - rates * decay) / (rates**2 + FAST**2)
    return vectors @ (y + drive * (2000.0 * sine + 900.0 * cosine)) / root


@pytest.mark.parametrize("scheme", SCHEMES)
def test_order_in_time(scheme: str) -> None:
    """Half the step takes the error of a smooth course to 1/2, 1/8 and 1/16: orders 1, 3 and 4."""
    body, order = plate(), {"implicit_euler": 1, "sdirk3": 3, "sdirk4": 4}[scheme]
    assert SCHEMES[scheme].order == order
    start, until = np.full(body.boundary_heat.size, 310.0), 0.02
    exact = exact_sines(body, start, until)
    off = []
    for steps in (40, 80, 160):
        simulation = Simulation(
            body.model, Loads(body.model, function=power_of), initial=310.0, scheme=scheme,
            step=until / steps, tolerance=TIGHT,
        )  # fmt: skip
        simulation.advance(until)
        assert simulation.steps == steps
        off.append(np.abs(simulation.field[body.is_active] - exact).max())
    orders = np.log2(np.array(off[:-1]) / off[1:])
    assert np.all(np.abs(orders - order) < 0.2), (off, orders)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_mode_decays_by_the_gain_of_the_scheme(scheme: str) -> None:
    """A field of one rate keeps its shape: 5 steps multiply it by R(-r h)**5, be it slow or stiff."""
    body = plate()
    rates = body.cells.rates
    for number in (0, rates.size // 2, rates.size - 1):
        shape = 50.0 * body.cells.mode(number)
        for step in (0.1 / rates[number], 30.0 / rates[number]):
            simulation = Simulation(
                body.model, Trace.constant({"plate.heated": 0.0}), initial=body.to_field(300.0 + shape),
                scheme=scheme, step=step, tolerance=TIGHT,
            )  # fmt: skip
            simulation.advance(5.0 * step)
            gain = gain_of(scheme, -rates[number] * step)
            found = simulation.field[body.is_active] - 300.0
            assert np.abs(found - gain**5 * shape).max() < 1e-7


def gain_of(scheme: str, z: float) -> float:
    """Return the stability function: e**z to the order of the scheme, zero at infinity.

    It is P(z) / (1 - g z)**s with deg P < s, and the series of e**z fixes P (Hairer and Wanner, Solving
    Ordinary Differential Equations II, 1996, section IV.6).
    """
    stages = {"implicit_euler": 1, "sdirk3": 3, "sdirk4": 5}[scheme]
    g = SCHEMES[scheme].gamma
    exponential = [1.0]
    for n in range(1, stages):
        exponential.append(exponential[-1] / n)
    under = np.polynomial.polynomial.polypow([1.0, -g], stages)
    over = np.polynomial.polynomial.polymul(exponential, under)[:stages]
    return float(np.polynomial.polynomial.polyval(z, over) / np.polynomial.polynomial.polyval(z, under))


def test_implicit_euler_is_its_own_formula() -> None:
    """(C / h + G) T_new = C / h T_old + P(t + h), P the value that ends there: 40 steps of 5 ms by hand."""
    body, step = sandwich(), 5e-3
    course = COURSES[5]
    trace = course.trace
    simulation = Simulation(
        body.model, trace, initial=course.initial, scheme="implicit_euler", step=step, tolerance=TIGHT
    )
    t = course.start(body)
    matrix = body.cells.conductance + np.diag(body.cells.capacity / step)
    for n in range(1, 41):
        simulation.advance(n * step)
        lower, upper = trace.at(n * step, before=True)
        heat = body.cell_powers({LOWER: [lower], UPPER: [upper]})[0]
        t = np.linalg.solve(matrix, body.cells.capacity / step * t + heat)
        assert np.abs(simulation.field[body.is_active] - t).max() < 1e-7
    assert simulation.steps == 40


def test_fixed_steps_land_on_what_is_asked() -> None:
    """Steps of 4 ms end at a jump at 9 ms and at 15 ms all the same, and are never longer than asked."""
    body = sandwich()
    trace = Trace.of([0.0, 9e-3], {LOWER: [10.0, 40.0]}, after="hold")
    simulation = Simulation(body.model, trace, initial="outside", scheme="implicit_euler", step=4e-3)
    times = [0.0]
    simulation.advance(15e-3, lambda simulation: times.append(simulation.time))
    assert {9e-3, 15e-3} <= set(times)
    assert max(np.diff(times)) <= 4e-3 * (1.0 + 1e-12)


# -- laws --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ADAPTIVE)
@each_course
def test_heat_balances_at_every_step(course: LoadCase, scheme: str) -> None:
    """Generated heat is stored or leaves: every step to 1e-12 of the heat it moves, and all of them together.

    The heat a step moves is what is made, what leaves, and what cells take up or give off. What a
    simulation says was made and stored is what the trace makes and the cells store. What it had to add for
    that is the rounding of residuals in single precision.
    """
    body = course.body()
    simulation = Simulation(body.model, course.trace, initial=course.initial, tolerance=0.1, scheme=scheme)
    start = course.initial[body.is_active]
    fields, reported, made = [start], [(0.0, 0.0, 0.0)], [0.0]
    powers = [n for n, name in enumerate(course.columns) if name != TOP]
    drawn = 0.0 if powers else float(body.model.power_of_parts.sum())

    def watch(simulation: Simulation) -> None:
        energy = simulation.energy
        fields.append(simulation.field[body.is_active])
        reported.append((energy.generated, energy.outflow, energy.stored))
        whole = course.trace.integral(0.0, simulation.time)[powers].sum()
        made.append(float(whole) + drawn * simulation.time)

    simulation.advance(course.until, watch)
    steps = np.diff(reported, axis=0)
    taken = np.abs(np.diff(fields, axis=0)) @ body.cells.capacity
    moved = np.abs(steps[:, 0]) + np.abs(steps[:, 1]) + taken
    lost = steps @ np.array([1.0, -1.0, -1.0])
    scale = moved.sum()
    assert np.all(np.abs(lost) <= 1e-12 * moved + 1e-15 * scale)
    assert np.all(np.abs(np.cumsum(lost)) <= 1e-12 * np.cumsum(moved) + 1e-15 * scale)
    assert simulation.energy.correction <= 1e-7 * scale
    stored = (np.array(fields) - start) @ body.cells.capacity
    assert np.array(reported)[:, 2] == pytest.approx(stored, abs=1e-11 * scale)
    assert np.array(reported)[:, 0] == pytest.approx(np.array(made), abs=1e-9 * scale)


def test_heat_that_is_astray_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    course = COURSES[0]
    simulation = Simulation(course.body().model, course.trace, initial=course.initial)
    judge = Stepper.error_norm
    lost = 0.002 * simulation.tolerance * float(course.body().cells.capacity.sum())  # J

    def misjudge(stepper: Stepper, factor: float) -> tuple[float, float]:
        error, stored = judge(stepper)
        return error, stored - factor * lost

    monkeypatch.setattr(Stepper, "error_norm", lambda stepper: misjudge(stepper, 1.0))
    simulation.advance(0.1 * course.until)
    assert simulation.energy.correction >= lost
    monkeypatch.setattr(Stepper, "error_norm", lambda stepper: misjudge(stepper, 10.0))
    with pytest.raises(ConvergenceError, match=r"does not balance: .* J are missing; ask for a smaller"):
        simulation.advance(course.until)


def test_run_tells_the_heat_of_every_step() -> None:
    course = COURSES[2]
    found = solve_transient(course.body().model, course.until, course.trace, initial=course.initial)
    made, left, stored = found.energy.T
    assert found.energy.shape == (found.time.size, 3)
    assert np.all(found.energy[0] == 0.0)
    assert made[-1] == pytest.approx(float(course.trace.integral(0.0, course.until).sum()), rel=1e-9)
    assert np.all(np.abs(made - left - stored) <= 1e-6 * (made + left + np.abs(stored)))
    assert found.imbalance < 1e-6
    upper = found.power[:, list(found.names).index(UPPER)]
    assert upper == pytest.approx(np.array([course.trace.at(t)[1] for t in found.time.tolist()]))


@pytest.mark.parametrize("scheme", ADAPTIVE)
@pytest.mark.parametrize("initial", ["outside", 400.0])
def test_what_stays_is_the_steady_state(scheme: str, initial: str | float) -> None:
    """After 1e5 s, from below and from 100 K above, every cell is where `solve_steady` has it: 1e-6 K."""
    model = sandwich().model
    steady = solve_steady(model, residual=1e-12, estimate=False).field
    simulation = Simulation(model, initial=initial, scheme=scheme)
    simulation.advance(1e5)
    assert np.abs(simulation.field - steady).max() < 1e-6


def test_steady_on_the_default_grid_is_reached_and_kept() -> None:
    """On the package's own cells, by multigrid there as here: 1e-6 K apart, and no drift from there."""
    model = discretize(sandwich().model.package, fineness=0.5)
    steady = solve_steady(model, residual=1e-12, estimate=False)
    simulation = Simulation(model, initial="outside")
    simulation.advance(1e5)
    assert np.nanmax(np.abs(simulation.field - steady.field)) < 1e-6
    for initial in ("steady", steady):
        kept = Simulation(model, initial=initial)
        kept.advance(10.0)
        assert np.nanmax(np.abs(kept.field - steady.field)) < 1e-6


@pytest.mark.parametrize("tolerance", [1.0, 0.01])
@pytest.mark.parametrize("scheme", ADAPTIVE)
def test_nothing_overshoots_after_a_jump(scheme: str, tolerance: float) -> None:
    """Power that comes on warms every cell up to its steady state, off cools it: 0.1 tolerance."""
    body = sandwich()
    for power, start in ((50.0, np.full(body.boundary_heat.size, AMBIENT)), (0.0, settled(body))):
        columns = {LOWER: np.array([power]), UPPER: np.array([power])}
        end = body.cells.steady(body.cell_powers(columns)[0])
        sign = 1.0 if power else -1.0
        trace = Trace.constant({LOWER: power, UPPER: power})
        simulation = Simulation(
            body.model, trace, initial=body.to_field(start), tolerance=tolerance, scheme=scheme
        )
        fields = [start]
        simulation.advance(1e3, lambda s, fields=fields: fields.append(s.field[body.is_active]))
        found = sign * np.array(fields)
        assert np.max(found - sign * end) < 0.1 * tolerance
        assert np.diff(found, axis=0).min() > -0.1 * tolerance


@pytest.mark.parametrize("scheme", SCHEMES)
def test_temperatures_of_two_courses_add_up(scheme: str) -> None:
    """Rises are linear in the power and in the air: three apart make the one together, to 1e-7 K."""
    body = sandwich()
    times = [0.0, 0.02, 0.02, 0.05]
    still = {LOWER: [0.0] * 4, UPPER: [0.0] * 4, TOP: [300.0] * 4}
    own = {LOWER: [0.0, 30.0, 5.0, 50.0], UPPER: [20.0, 0.0, 60.0, 10.0], TOP: [300.0, 320.0, 280.0, 290.0]}

    def rise(*chosen: str) -> np.ndarray:
        columns = {name: own[name] if name in chosen else still[name] for name in own}
        trace = Trace.of(times, columns, kind="linear", after="hold")
        simulation = Simulation(body.model, trace, initial=300.0, scheme=scheme, step=2e-3, tolerance=TIGHT)
        simulation.advance(0.08)
        return simulation.field[body.is_active] - 300.0

    together = rise(LOWER, UPPER, TOP)
    assert np.abs(rise(LOWER) + rise(UPPER) + rise(TOP) - together).max() < 1e-7
    assert np.abs(together).max() > 10.0


def test_a_die_warms_its_neighbour_as_it_is_warmed_by_it() -> None:
    """Reciprocity at every time: the mean over one source's heat for 100 W in the other, to 1e-7 K."""
    body = sandwich()
    increases = []
    for heated, felt in ((LOWER, UPPER), (UPPER, LOWER)):
        columns = {LOWER: 0.0, UPPER: 0.0, heated: 100.0}
        simulation = Simulation(
            body.model, Trace.constant(columns), initial=300.0, scheme="sdirk3", step=1e-3, tolerance=TIGHT
        )
        series: list[float] = []
        simulation.advance(
            0.05,
            lambda s, felt=felt, series=series: series.append(
                float(body.pattern(felt) @ (s.field[body.is_active] - 300.0))
            ),
        )
        increases.append(series)
    assert increases[0] == pytest.approx(increases[1], abs=1e-7)
    assert increases[0][-1] > 1.0


@pytest.mark.parametrize("scheme", ADAPTIVE)
def test_a_mirrored_package_has_mirrored_temperatures(scheme: str) -> None:
    """Left and right changed over: the same steps, the same temperatures from the other side, to 1e-6 K."""
    fields, times = [], []
    for is_mirrored in (False, True):
        body = sandwich(is_mirrored=is_mirrored)
        simulation = Simulation(
            body.model, COURSES[0].trace, initial="outside", scheme=scheme, tolerance=0.01
        )
        own: list[float] = []
        simulation.advance(0.3, lambda s, own=own: own.append(s.time))
        fields.append(simulation.field)
        times.append(own)
    assert times[0] == pytest.approx(times[1], rel=1e-3)
    assert np.abs(fields[0] - fields[1][:, :, ::-1]).max() < 1e-5


def test_later_is_the_same_story() -> None:
    """Started at 7 s with all of the trace 7 s later, the temperatures are those of the start at 0."""
    body = sandwich()
    found = []
    for begin in (0.0, 7.0):
        trace = Trace.of([begin, begin + 0.01, begin + 0.05], {LOWER: [5.0, 50.0, 0.0]}, after="hold")
        simulation = Simulation(body.model, trace, initial="steady", time=begin, tolerance=0.01)
        simulation.advance(begin + 0.2)
        found.append(simulation.field)
    assert np.abs(found[0] - found[1]).max() < 1e-4


# -- walls: space and time -----------------------------------------------------------------------------

SIDE = 2 * mm
AREA = SIDE * SIDE


def wall_package(wall: TransientWall) -> Package:
    """Return a wall of 2 by 2 mm as a package."""
    layers = tuple(
        Layer(
            f"layer_{n}",
            layer.thickness,
            Material(f"m_{n}", layer.conductivity, volumetric_heat_capacity=layer.capacity),
            Power(total=layer.source * layer.thickness * AREA) if layer.source else None,
            Interface(bottom=layer.interface_below),
        )
        for n, layer in enumerate(wall.layers)
    )
    return Package(
        "wall",
        (Stack("wall", (SIDE, SIDE), layers),),
        Cooling(bottom=cooler(wall.bottom), top=cooler(wall.top)),
    )


def cooler(end: End) -> object:
    match end:
        case RobinEnd(h, ambient):
            return ts.Convection(h, ambient)
        case FixedTemperature(temperature):
            return ts.FixedTemperature(temperature)
        case FixedFlux(flux):
            return ts.FixedFlux(flux=flux)
    raise TypeError(end)


@lru_cache(maxsize=8)
def wall_model(wall: TransientWall, cells: int) -> ts.Model:
    """Return one column of cells, so many a layer, those at its faces a thirtieth of those in its middle."""
    growth = 30.0 ** (2.0 / cells)
    half = 0.5 * (growth ** np.arange(1, cells // 2 + 1) - 1.0) / (growth ** (cells // 2) - 1.0)
    share = np.concatenate([half, 1.0 - half[-2::-1], [1.0]])
    z = [low + share * (high - low) for low, high in zip(wall.levels, wall.levels[1:], strict=False)]
    grid = Grid(np.array([0.0, SIDE]), np.array([0.0, SIDE]), np.concatenate([[0.0], *z]))
    return discretize(wall_package(wall), grid=grid)


SILICON, BOND, TIM = (148.0, 1.63e6), (1.5, 2.1e6), (4.0, 2.4e6)
WALLS = {
    "held_and_flux": TransientWall(
        (TransientLayer(5e-4, *SILICON),), FixedTemperature(300.0), FixedFlux(1e6), 300.0
    ),
    "die_under_lid": TransientWall(
        (
            TransientLayer(2e-6, *SILICON, 2.5e11),
            TransientLayer(300e-6, *SILICON),
            TransientLayer(40e-6, *TIM, 0.0, 2e-6),
            TransientLayer(1e-3, 390.0, 3.45e6, 0.0, 1e-6),
        ),
        RobinEnd(20.0, 300.0),
        RobinEnd(1e4, 300.0),
        300.0,
    ),
    "two_dies": TransientWall(
        (
            TransientLayer(100e-6, *SILICON),
            TransientLayer(2e-6, *SILICON, 3e11),
            TransientLayer(15e-6, *BOND, 0.0, 3e-6),
            TransientLayer(2e-6, *SILICON, 1e11),
            TransientLayer(200e-6, *SILICON),
        ),
        RobinEnd(2e4, 300.0),
        FixedTemperature(300.0),
        300.0,
    ),
    "air_and_plate_change": TransientWall(
        (
            TransientLayer(200e-6, *SILICON),
            TransientLayer(100e-6, *BOND),
            TransientLayer(1e-3, 390.0, 3.45e6),
        ),
        FixedTemperature(340.0),
        RobinEnd(5e3, 280.0),
        300.0,
    ),
}  # fmt: skip
DECADES = np.logspace(-6.0, 2.0, 9)  # s


def follow(simulation: Simulation, times: np.ndarray) -> np.ndarray:
    """Return the fields [K] at some times [s], (times, nz, ny, nx)."""
    fields = []
    for t in times.tolist():
        simulation.advance(t)
        fields.append(simulation.field)
    return np.array(fields)


@pytest.mark.parametrize("name", WALLS)
def test_wall_against_its_laplace_transform(name: str) -> None:
    """From 1 us to 100 s, cell by cell: 0.2 % of the rise at the time, four times that on half the cells."""
    wall = WALLS[name]
    off = []
    for cells in (32, 64):
        model = wall_model(wall, cells)
        exact = wall.temperature(model.grid.z_center, DECADES) - 300.0
        maximum = np.abs(exact).max(axis=1)
        simulation = Simulation(model, initial=300.0, tolerance=5e-4 * maximum[0], scheme="sdirk4")
        found = follow(simulation, DECADES)[:, :, 0, 0] - 300.0
        off.append(float((np.abs(found - exact).max(axis=1) / maximum).max()))
    assert off[1] < 2e-3
    assert off[1] < 0.3 * off[0]


@pytest.mark.parametrize("name", ["die_under_lid", "two_dies"])
def test_means_of_layers_against_their_laplace_transform(name: str) -> None:
    """Mean temperature of a part: 0.2 % of the rise of the source, from 1 us to 100 s."""
    wall = WALLS[name]
    simulation = Simulation(wall_model(wall, 64), initial=300.0, tolerance=2e-5, scheme="sdirk4")
    for t in DECADES.tolist():
        simulation.advance(t)
        parts = simulation.temperatures()
        exact = [wall.layer_mean(n, t)[0] for n in range(len(wall.layers))]
        for n, mean in enumerate(exact):
            assert parts[f"wall.layer_{n}"].mean == pytest.approx(mean, abs=2e-3 * (max(exact) - 300.0))


@pytest.mark.parametrize("name", ["die_under_lid", "two_dies"])
def test_slowest_decay_rate_of_layers(name: str) -> None:
    """The last of a transient dies out with the slowest rate of the wall: to 0.05 %."""
    wall = WALLS[name]
    first, second = decay_rates(wall, 2)
    model = wall_model(wall, 24)
    off = Trace.constant({f"wall.layer_{n}": 0.0 for n, layer in enumerate(wall.layers) if layer.source})
    hot = Simulation(model, off, initial=400.0, tolerance=1e-5)
    begin = 12.0 / (second - first)
    times = begin + np.array([0.0, 1.0]) / first
    left = follow(hot, times)[:, :, 0, 0] - 300.0
    found = np.log(left[0] / left[1]) * first
    assert found == pytest.approx(np.full(found.size, first), rel=5e-4)


def test_impedance_of_a_slab() -> None:
    """The top face under 1 kW/cm2, to 0.15 % at the seven published times."""
    slab = HeatedSlab()
    layer = TransientLayer(slab.thickness, slab.conductivity, slab.capacity)
    wall = TransientWall((layer,), FixedTemperature(300.0), FixedFlux(1e7), 300.0)
    simulation = Simulation(wall_model(wall, 96), initial=300.0, tolerance=2e-3)
    for t, published in heated_slab.PUBLISHED.items():
        simulation.advance(t)
        found = (simulation.temperatures()["wall.layer_0"].max - 300.0) / (1e7 * slab.area)
        assert found == pytest.approx(slab.impedance(t), rel=1.5e-3)
        assert found == pytest.approx(published, rel=2e-3)


def test_impedance_and_structure_of_a_slab_without_steps() -> None:
    """The same slab by `thermal_impedance`: 0.2 % at those times; its structure is the straight ramp."""
    slab = HeatedSlab()
    thin = 0.2 * um
    source = TransientLayer(thin, slab.conductivity, slab.capacity, 1e6 / thin)
    bulk = TransientLayer(slab.thickness - thin, slab.conductivity, slab.capacity)
    wall = TransientWall((bulk, source), FixedTemperature(300.0), FixedFlux(0.0), 300.0)
    times = np.array(list(heated_slab.PUBLISHED))
    found = thermal_impedance(wall_model(wall, 96), "wall.layer_1", times=times)
    scale = AREA / slab.area
    exact = (wall.layer_mean(1, times) - 300.0) / (1e6 * AREA)  # of all 0.2 um that are heated
    assert found.rise(times) == pytest.approx(exact, rel=2e-3)
    assert found.rise(times)[2:] * scale == pytest.approx(slab.impedance(times)[2:], rel=2e-3)
    resistance, capacity = found.structure.resistance * scale, found.structure.capacity / scale
    inside = (resistance > 0.1 * slab.resistance) & (resistance < 0.8 * slab.resistance)
    ramp = slab.heat_capacity * resistance[inside] / slab.resistance
    assert np.count_nonzero(inside) >= 10
    assert capacity[inside] == pytest.approx(ramp, rel=0.04)
    end = found.structure.held_end
    assert end[0] * scale == pytest.approx(slab.resistance, rel=1e-3)
    assert end[1] / scale == pytest.approx(slab.heat_capacity, rel=0.01)


# -- conductivity and capacity of temperature ------------------------------------------------------

WARMING = WarmingSlab(5e-4, 148.0, 1.63e6, -0.3 / 148.0, 300.0, 3e7)


@cache
def warming_model(cells: int) -> ts.Model:
    """Return the slab, 20 % less conductive and less capacious 100 K higher, on a bottom at 300 K."""
    far = 1.0 + 200.0 * WARMING.change
    table = {"temperature": (300.0, 500.0), "specific_heat": (1630.0, 1630.0 * far)}
    law = {"at_reference": 148.0, "change_per_kelvin": 148.0 * WARMING.change, "range": (300.0, 500.0)}
    material = Material("si", {"linear": law}, density=1000.0, specific_heat={"table": table})
    stack = Stack("slab", (SIDE, SIDE), (Layer("si", WARMING.thickness, material),))
    cooling = Cooling(bottom=ts.FixedTemperature(300.0), top=ts.FixedFlux(flux=WARMING.flux))
    grid = wall_model(WALLS["held_and_flux"], cells).grid
    return discretize(Package("slab", (stack,), cooling), grid=grid)


def warming_cells(grid: Grid, times: np.ndarray) -> np.ndarray:
    """Return the temperatures [K] of the same cells by Radau IIA, a method of order 5, (times, cells)."""

    def rate(_: float, t: np.ndarray) -> np.ndarray:
        rise = t - WARMING.start
        share = 1.0 + WARMING.change * rise
        integral = WARMING.conductivity * rise * (1.0 + 0.5 * WARMING.change * rise)  # of the conductivity
        up = -np.diff(integral) / (0.5 * (grid.dz[1:] + grid.dz[:-1]))
        through = np.concatenate([[-integral[0] / (0.5 * grid.dz[0])], up, [-WARMING.flux]])
        return -np.diff(through) / (WARMING.capacity * share * grid.dz)

    start = np.full(grid.dz.size, WARMING.start)
    found = solve_ivp(rate, (0.0, times[-1]), start, "Radau", times, rtol=1e-8, atol=1e-7)
    return found.y.T


def test_slab_whose_materials_change_with_temperature() -> None:
    """114 K of rise, from 1 us to 1 s: 0.1 % of the rise on 48 cells, and four times that on half of them."""
    times = np.logspace(-6.0, 0.0, 7)
    off = []
    for cells in (24, 48):
        model = warming_model(cells)
        found = follow(Simulation(model, initial=300.0, tolerance=0.02), times)[:, :, 0, 0]
        exact = WARMING.temperature(model.grid.z_center, times)
        off.append(np.abs(found - exact).max() / np.ptp(exact))
    assert np.ptp(exact) > 110.0
    assert off[1] < 1e-3
    assert off[1] < 0.35 * off[0]


@pytest.mark.parametrize("tolerance", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("scheme", ADAPTIVE)
def test_error_asked_is_the_error_got_where_materials_change(scheme: str, tolerance: float) -> None:
    """Against the same cells by a method of another family, at 13 times: within 2 times the tolerance."""
    model, times = warming_model(16), np.logspace(-6.0, -1.0, 13)
    simulation = Simulation(model, initial=300.0, tolerance=tolerance, scheme=scheme)
    found = follow(simulation, times)[:, :, 0, 0]
    assert np.abs(found - warming_cells(model.grid, times)).max() < 2.0 * tolerance


# -- a bar, and a box ----------------------------------------------------------------------------------


def bar(cells: int) -> ts.Model:
    """Return the bar of NAFEMS T3, its moving end on top."""
    steel = Material(
        "steel",
        nafems_t3.CONDUCTIVITY,
        density=nafems_t3.DENSITY,
        specific_heat=nafems_t3.SPECIFIC_HEAT,
    )
    stack = Stack("bar", (10 * mm, 10 * mm), (Layer("steel", nafems_t3.LENGTH, steel),))
    held = ts.FixedTemperature(273.15)
    grid = Grid(np.array([0.0, 0.01]), np.array([0.0, 0.01]), np.linspace(0.0, nafems_t3.LENGTH, cells + 1))
    return discretize(Package("bar", (stack,), Cooling(bottom=held, top=held)), grid=grid)


def sine() -> Trace:
    """Return the moving end as a line from row to row, 0.2 mK from the sine at most."""
    times = np.linspace(0.0, 32.0, 641)
    return Trace.of(times, {TOP: 273.15 + nafems_t3.end_temperature(times)}, kind="linear", after="hold")


@pytest.mark.parametrize("tolerance", [0.1, 1e-3])
def test_nafems_t3(tolerance: float) -> None:
    """36.60 degC at 0.08 m after 32 s, to 5 mK by the series' 36.6031, and the points beside it."""
    simulation = Simulation(bar(200), sine(), initial=273.15, tolerance=tolerance)
    simulation.advance(32.0)
    places = {f"{x}": (5 * mm, 5 * mm, x) for x in nafems_t3.PUBLISHED}
    found = simulation.at(places)
    for x, published in nafems_t3.PUBLISHED.items():
        exact = float(nafems_t3.temperature(x, 32.0)[0, 0])
        assert found[f"{x}"] - 273.15 == pytest.approx(exact, abs=5e-3)
        assert found[f"{x}"] - 273.15 == pytest.approx(published, abs=6e-3)


def test_nafems_t3_all_the_way() -> None:
    """Every cell at 20 times: 30 mK on 200 cells, and four times as much on half of them."""
    off = []
    times = np.linspace(1.6, 32.0, 20)
    for cells in (100, 200):
        model = bar(cells)
        found = follow(Simulation(model, sine(), initial=273.15, tolerance=1e-2), times)[:, :, 0, 0] - 273.15
        off.append(np.abs(found - nafems_t3.temperature(model.grid.z_center, times)).max())
    assert off[1] < 0.03
    assert off[1] < 0.3 * off[0]


BOX = HeatedBox(
    size=(4 * mm, 3 * mm, 0.5 * mm),
    conductivity=(148.0,) * 3,
    capacity=1.63e6,
    corner=(1 * mm, 0.75 * mm),
    width=(1 * mm, 1.5 * mm),
    low=0.49 * mm,
    power=20.0,
    h=2e4,
)


def box_package() -> Package:
    """Return the box as a die whose active layer has one block."""
    silicon = Material("silicon", 148.0, volumetric_heat_capacity=BOX.capacity)
    core = Block("core", BOX.corner, BOX.width, BOX.power)
    active = Layer("active", BOX.size[2] - BOX.low, silicon, Power(blocks=(core,)))
    cooling = Cooling(bottom=ts.Convection(BOX.h, 300.0))
    return Package("box", (Stack("die", BOX.size[:2], (Layer("bulk", BOX.low, silicon), active)),), cooling)


def box_grid(cells: int) -> Grid:
    """Return planes that are dense at the block's edges and its heated plane."""
    share = np.linspace(0.0, 1.0, cells + 1)
    both = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0.0, 1.0, 2 * cells + 1))
    sides = []
    for length, low, width in zip(BOX.size, BOX.corner, BOX.width, strict=False):
        rest = length - low - width
        pieces = (low * np.sin(0.5 * np.pi * share), low + width * both[1:], low + width + rest * both[1:])
        sides.append(np.concatenate(pieces))
    down = np.concatenate([[0.0], np.geomspace(40 * um / cells, BOX.low, 2 * cells)])
    up = (BOX.size[2] - BOX.low) * np.linspace(0.0, 1.0, cells // 2 + 1)
    return Grid(*sides, np.concatenate([BOX.low - down[::-1], BOX.low + up[1:]]))


POINTS = [  # mm: under the block, beside it, far away
    (1.5, 1.5, 0.5), (1.25, 1.25, 0.5), (1.8, 1.0, 0.495), (1.5, 1.5, 0.4), (1.5, 1.5, 0.0),
    (2.5, 1.5, 0.5), (2.2, 1.5, 0.3), (3.5, 2.5, 0.2),
]  # fmt: skip


def green_error(cells: int, tolerance: float) -> float:
    """Return the largest error at the points, relative to the hottest of them at the time."""
    times = np.logspace(-5.0, 0.0, 6)
    points = {str(n): (x * mm, y * mm, z * mm) for n, (x, y, z) in enumerate(POINTS)}
    exact = np.array([BOX.temperature(*point, times) for point in points.values()])
    model = discretize(box_package(), grid=box_grid(cells))
    simulation = Simulation(model, initial=300.0, tolerance=tolerance)
    found = []
    for t in times.tolist():
        simulation.advance(t)
        values = simulation.at(points)
        found.append([values[name] - 300.0 for name in points])
    return float((np.abs(np.array(found).T - exact) / exact.max(axis=0)).max())


def test_rectangular_source_against_green_functions() -> None:
    """A block of 1 by 1.5 mm on a die, from 10 us to 1 s: 1.1 % of the hottest rise on 32 000 cells."""
    assert green_error(8, 0.01) < 0.011


@pytest.mark.slow
def test_rectangular_source_against_green_functions_on_more_cells() -> None:
    """Half the cell size, 256 000 cells, takes the error to 0.3 % and to 0.35 of what it was."""
    coarse, fine = green_error(8, 1e-3), green_error(16, 1e-3)
    assert fine < 0.003
    assert fine < 0.35 * coarse
