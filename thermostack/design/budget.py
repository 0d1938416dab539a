"""Power budget: the largest power of chiplets or sources under the temperature limits of a package."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from thermostack.design.budget_programme import (
    BINDING_TOLERANCE,
    Candidates,
    Optimum,
    Programme,
    maximize_power,
)
from thermostack.design.influence import relinearize
from thermostack.design.linearisation import SolveOptions, solve_at
from thermostack.results.budget_result import BindingLimit, PowerBudget
from thermostack.results.influence_result import InfluenceMatrix
from thermostack.results.names import unknown_name, with_stacks
from thermostack.schema.arguments import (
    argument_error,
    as_names,
    check_number,
    check_quantity,
    require_instance,
    require_mapping,
)
from thermostack.schema.fields import to_si

LIMIT_TOLERANCE = 0.05  # K: a full solve at the optimum holds every limit and reaches the binding ones
MAX_SOLVES = 8  # full solves at optima

Ratios = Literal["stacks", "layers", "sources"] | Mapping[str, str | Sequence[str] | Mapping[str, float]]
PowerBound = float | str | Mapping[str, float | str] | None


def power_budget(
    matrix: InfluenceMatrix,
    limits: Mapping[str, float | str] | None = None,
    *,
    weights: Mapping[str, float] | None = None,
    ratios: Ratios = "stacks",
    fixed: Mapping[str, float | str] | None = None,
    min_power: PowerBound = None,
    max_power: PowerBound = None,
    kind: Literal["peak", "mean"] = "peak",
    verify: bool = True,
    threads: int | None = None,
) -> PowerBudget:
    """Return the largest power under the temperature limits of a package.

    Parameters
    ----------
    matrix : InfluenceMatrix
        Influence matrix, with peaks for limits of peaks.
    limits : mapping from str to float or str, optional
        Limits [K, or text with a unit] of parts, blocks or stacks; by default those of the description.
    weights : mapping from str to float, optional
        Weight of the power of each chiplet in the maximized sum; 1 by default.
    ratios : {"stacks", "layers", "sources"} or mapping, optional
        Free powers: one for each stack or layer, distributed over its sources as the described powers are,
        one for each source, or a mapping from names to a name, several names, or names with their relative
        powers. Sources in no group keep their described power.
    fixed : mapping from str to float or str, optional
        Powers [W, or text with a unit] of sources, parts or stacks that are not free.
    min_power, max_power : float, str or mapping, optional
        Bounds of the free powers [W], of all or by name; by default 0 W and none.
    kind : {"peak", "mean"}
        Temperature that a limit holds for: the maximum of a part, or its mean.
    verify : bool
        Whether to solve the package at the optimum. It needs the mesh, which a matrix from a file lacks.
    threads : int, optional
        Number of threads of these solves.

    Returns
    -------
    PowerBudget
        Powers, binding limits with their prices, and the margins of all limits.

    Raises
    ------
    ArgumentError
        E-MISSING if no part has a limit; E-LIMIT if a limit is exceeded with the fixed and minimum powers, or
        if no limit bounds a power; otherwise if an argument has the wrong type or range.
    UnknownNameError
        If nothing has a name.

    Notes
    -----
    The linear programme maximizes the weighted power under `T_0 + R P <= limit` at all points of the limited
    parts (HiGHS: Huangfu and Hall, Math. Program. Comput. 10 (2018) 119). The dual value of a limit is its
    price: the increase of the weighted power per kelvin. The package is then solved at the optimum. The
    difference of each maximum from that of the matrix corrects the limits, and the matrix is computed again
    at the optimum where conductivities depend on temperature, until the limits are met within 0.05 K.

    Examples
    --------
    >>> import thermostack as ts
    >>> matrix = ts.influence(ts.discretize(ts.read_package("fcbga"), cell=4e-3))
    >>> budget = ts.power_budget(matrix, {"die": "105 degC"})
    >>> round(budget.margins["die.active"], 1)
    0.0
    """
    start = time.perf_counter()
    require_instance(
        matrix, (InfluenceMatrix,), "matrix", "an InfluenceMatrix", "influence(model) returns one"
    )
    if kind not in ("peak", "mean"):
        raise argument_error("kind", f"{kind!r} is not a kind of limit", "'peak' or 'mean'", "E-NAME")
    held = _limits(matrix, limits, kind)
    free, base = _free_powers(matrix, ratios, fixed)
    programme = _programme(tuple(free), weights, min_power, max_power)
    shares = np.stack(list(free.values()), axis=1)
    offset = np.zeros(len(held))
    can_solve = verify and matrix.model is not None and matrix.columns is not None
    current, error, solves, is_verified = matrix, None, 0, False
    while True:
        points = _candidates(current, held, kind, base, shares)
        optimum = maximize_power(programme, points, offset)
        power = base + shares @ optimum.power
        if not can_solve:
            break
        reached = _full_solve(current, power, points.names, kind, threads)
        solves += 1
        binding = optimum.price > 0.0
        excess = reached - points.limits
        error = float(max(excess.max(), (-excess[binding]).max(initial=0.0), 0.0))
        is_verified = error <= LIMIT_TOLERANCE
        if is_verified or solves == MAX_SOLVES:
            optimum = dataclasses.replace(optimum, temperature=reached)
            break
        if not current.is_linear:
            current = relinearize(current, power, threads)
            points = _candidates(current, held, kind, base, shares)
        predicted = points.constant + points.rise @ optimum.power
        offset = reached - predicted[points.hottest(predicted)]
    budget = _result(current, kind, programme, points, optimum, power)
    return dataclasses.replace(
        budget,
        is_verified=is_verified,
        error=error,
        solves=solves,
        seconds={"budget": time.perf_counter() - start},
    )


# -- limits --------------------------------------------------------------------------------------


def _limits(matrix: InfluenceMatrix, limits: Mapping[str, float | str] | None, kind: str) -> dict[str, float]:
    """Return the limit [K] of each limited part or block."""
    peaks = matrix.require_peaks()
    known = peaks.names if kind == "peak" else matrix.outputs
    described = zip(peaks.names, peaks.limits, peaks.is_block, strict=True)
    if limits is None:
        found = {name: limit for name, limit, is_block in described if limit is not None and not is_block}
        found = {name: limit for name, limit in found.items() if name in known}
    else:
        require_mapping(limits, "limits", 'write {"gpu": "95 degC"}')
        found = {}
        for name, limit in limits.items():
            kelvin = check_quantity(limit, "temperature", f"limits.{name}", above=0.0)
            own = [name] if name in known else [each for each in known if each.startswith(f"{name}.")]
            if not own:
                noun = "part with power or a limit" if kind == "peak" else "output"
                raise unknown_name(name, with_stacks(known), noun)
            found |= dict.fromkeys(own, kelvin)
    if not found:
        hint = 'write limit: for a stack of the description, or limits={"gpu": "95 degC"}'
        raise argument_error("limits", "no part has a temperature limit", hint, "E-MISSING")
    return found


def _candidates(
    matrix: InfluenceMatrix, held: Mapping[str, float], kind: str, base: np.ndarray, shares: np.ndarray
) -> Candidates:
    """Return the points of the limited parts, with their rise per watt of the free powers."""
    names, limits = tuple(held), np.array(list(held.values()))
    if kind == "mean":
        point = np.array([matrix.outputs.index(name) for name in names])
        rise, constant = matrix.resistance[point], matrix.constant[point]
        return Candidates(names, limits, np.arange(len(names)), point, constant + rise @ base, rise @ shares)
    peaks = matrix.require_peaks()
    own = [peaks.points_of(peaks.names.index(name)) for name in names]
    group, point = np.repeat(np.arange(len(names)), [each.size for each in own]), np.concatenate(own)
    rise = peaks.rise[point]
    constant = peaks.constant[point] + rise @ base.astype(rise.dtype)
    return Candidates(names, limits, group, point, constant, (rise @ shares.astype(rise.dtype)).astype(float))


def _full_solve(
    matrix: InfluenceMatrix, power: np.ndarray, names: Sequence[str], kind: str, threads: int | None
) -> np.ndarray:
    """Return the maxima or means of parts in a full solve at powers of the sources [W], (names,) K."""
    assert matrix.model is not None
    steady = solve_at(matrix.model, matrix.columns, power, SolveOptions(threads=threads))
    parts = {part.name: part.max if kind == "peak" else part.mean for part in steady.parts}
    return np.array([parts[name] for name in names])


# -- free powers ---------------------------------------------------------------------------------


def _free_powers(
    matrix: InfluenceMatrix, ratios: Ratios, fixed: Mapping[str, float | str] | None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the share of each source in each free power, and the powers that are not free [W]."""
    base, is_fixed = np.zeros(len(matrix.sources)), np.zeros(len(matrix.sources), dtype=bool)
    if fixed is not None:
        require_mapping(fixed, "fixed", 'write {"hbm": "20 W"}')
        for name, power in fixed.items():
            own = matrix.find_sources(name)
            base[own] = to_si(power, "power", f"fixed.{name}") * matrix.shares(own)
            is_fixed[own] = True
    free: dict[str, np.ndarray] = {}
    for name, own, weight in _groups(matrix, ratios):
        kept = ~is_fixed[own]
        if not kept.any():
            continue
        share = np.zeros(len(matrix.sources))
        own, weight = own[kept], weight[kept]
        share[own] = weight / weight.sum() if weight.sum() > 0.0 else 1.0 / own.size
        free[name] = share
    if not free:
        raise argument_error("fixed", "all sources are fixed", "leave at least one power free", "E-VALUE")
    is_free = np.sum(list(free.values()), axis=0) > 0.0
    base = np.where(is_free | is_fixed, base, matrix.power)
    return free, base


def _groups(matrix: InfluenceMatrix, ratios: Ratios) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return name, sources, and relative powers of the sources of each free power."""
    if isinstance(ratios, str):
        if ratios not in ("stacks", "layers", "sources"):
            text = f"{ratios!r} is not a level"
            raise argument_error("ratios", text, "'stacks', 'layers', 'sources' or a mapping", "E-NAME")
        title = {"stacks": matrix.stacks, "layers": matrix.layers, "sources": matrix.sources}[ratios]
        members: dict[str, list[int]] = {}
        for n, name in enumerate(title):
            members.setdefault(name, []).append(n)
        return [(name, np.array(own), matrix.shares(np.array(own))) for name, own in members.items()]
    require_mapping(ratios, "ratios", 'write {"compute": {"gpu.a": 2, "gpu.b": 1}}')
    found: list[tuple[str, np.ndarray, np.ndarray]] = []
    owner: dict[int, str] = {}
    for name, given in ratios.items():
        parts = given if isinstance(given, Mapping) else dict.fromkeys(as_names(given, f"ratios.{name}"))
        own, weight = [], []
        for part, ratio in parts.items():
            sources = matrix.find_sources(part)
            each = (
                matrix.power[sources]
                if ratio is None
                else matrix.shares(sources) * check_number(ratio, f"ratios.{name}.{part}", min=0.0)
            )
            own.append(sources)
            weight.append(each)
        indices, shares = np.concatenate(own), np.concatenate(weight)
        if shared := [n for n in indices.tolist() if n in owner]:
            text = f"{name} and {owner[shared[0]]} share the source {matrix.sources[shared[0]]}"
            raise argument_error("ratios", text, "put each source into one group", "E-DUPLICATE")
        owner |= dict.fromkeys(indices.tolist(), name)
        found.append((name, indices, shares))
    return found


def _programme(
    names: tuple[str, ...],
    weights: Mapping[str, float] | None,
    min_power: PowerBound,
    max_power: PowerBound,
) -> Programme:
    """Return the weights and bounds of the free powers."""
    weight = np.ones(len(names))
    for name, value in (weights or {}).items():
        if name not in names:
            raise unknown_name(name, names, "free power")
        weight[names.index(name)] = check_number(value, f"weights.{name}", min=0.0)
    low, high = _bound(names, min_power, "min_power", 0.0), _bound(names, max_power, "max_power", np.inf)
    if (high < low).any():
        name = names[int(np.argmax(low - high))]
        raise argument_error("max_power", f"{name} has a maximum below its minimum", "", "E-RANGE")
    return Programme(names, weight, low, high)


def _bound(names: tuple[str, ...], given: PowerBound, argument: str, default: float) -> np.ndarray:
    """Return a bound of each free power [W]."""
    bound = np.full(len(names), default)
    if given is None:
        return bound
    if not isinstance(given, Mapping):
        bound[:] = check_quantity(given, "power", argument, min=0.0)
        return bound
    for name, value in given.items():
        if name not in names:
            raise unknown_name(name, names, "free power")
        bound[names.index(name)] = check_quantity(value, "power", f"{argument}.{name}", min=0.0)
    return bound


# -- result --------------------------------------------------------------------------------------


def _result(
    matrix: InfluenceMatrix,
    kind: str,
    programme: Programme,
    points: Candidates,
    optimum: Optimum,
    power: np.ndarray,
) -> PowerBudget:
    """Return the budget of an optimum."""
    binding = []
    for n in np.argsort(-optimum.price, kind="stable").tolist():
        if optimum.price[n] <= 0.0:
            continue
        point = int(optimum.hottest[n])
        of_point = dict(zip(programme.variables, points.rise[point].tolist(), strict=True))
        at = matrix.require_peaks().position(int(points.point[point])) if kind == "peak" else None
        limit = float(points.limits[n])
        each = BindingLimit(
            points.names[n], float(optimum.temperature[n]), limit, float(optimum.price[n]), of_point, at
        )
        binding.append(each)
    margins = dict(zip(points.names, (points.limits - optimum.temperature).tolist(), strict=True))
    bounds = zip(programme.variables, optimum.bound_price.tolist(), strict=True)
    return PowerBudget(
        matrix.package,
        kind,
        dict(zip(programme.variables, optimum.power.tolist(), strict=True)),
        float(power.sum()) + matrix.other_power,
        matrix.sources,
        power,
        tuple(binding),
        margins,
        {name: price for name, price in bounds if abs(price) > BINDING_TOLERANCE},
        candidates=points.group.size,
        rows=optimum.rows,
    )
