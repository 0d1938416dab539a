"""Designs of experiments: the cases of a study as levels of its axes, one row for each case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from thermostack.schema.fields import fail, quote_value
from thermostack.schema.validated_dataclass import described
from thermostack.sweeps.axes import Axis, ListAxis, RangeAxis

MAX_CASES = 1_000_000

Levels = np.ndarray  # (cases, axes): a number in the unit of the axis, or the index of a listed value
Axes = Mapping[str, Axis]


def _read_count(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_CASES:
        raise fail("E-RANGE", f"{quote_value(value)} is not a number of cases", f"from 1 to {MAX_CASES}")
    return value


def _read_seed(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise fail("E-TYPE", f"{quote_value(value)} is not a seed", "write a whole number, as seed: 1")
    return value


Count = Annotated[int, BeforeValidator(_read_count)]
Seed = Annotated[int, BeforeValidator(_read_seed)]


def groups(axes: Axes) -> list[list[str]]:
    """Return the paths of the axes that vary together, as a list for each `zip`, in the order of the axes."""
    found: dict[str, list[str]] = {}
    for path, axis in axes.items():
        found.setdefault(path if axis.zip is None else f"zip {axis.zip}", []).append(path)
    return list(found.values())


def _check_zips(axes: Axes) -> None:
    """Raise the error of `fail` where axes that vary together have different numbers of values."""
    for group in groups(axes):
        counts = {path: axes[path].levels for path in group}
        if len(set(counts.values())) > 1:
            text = ", ".join(f"{path} has {count or 'no'} values" for path, count in counts.items())
            raise fail("E-VALUE", f"axes that are zipped have equally many values: {text}")


def _check_count(count: int) -> int:
    if count > MAX_CASES:
        raise fail("E-RANGE", f"the design has {count} cases, more than {MAX_CASES}", "take fewer values")
    return count


# -- designs ----------------------------------------------------------------------------------------------


@described
class FullFactorial:
    """All combinations of the values of the axes; the last axis varies fastest."""

    key = "grid"

    def count(self, axes: Axes) -> int:
        """Return the number of cases. Raises the error of `fail` where an axis has no list of values."""
        for path, axis in axes.items():
            if not isinstance(axis, (ListAxis, RangeAxis)):
                hint = "list values, or choose another design: latin_hypercube, sobol, saltelli or tornado"
                raise fail("E-VALUE", f"{path} has a distribution, and a grid needs values", hint)
            if axis.levels is None:
                raise fail("E-MISSING", f"{path} has no steps", "add steps: 5, or choose a random design")
        _check_zips(axes)
        return _check_count(
            int(np.prod([axes[group[0]].levels or 1 for group in groups(axes)], dtype=object))
        )

    def levels(self, axes: Axes) -> Levels:
        """Return the levels (cases, axes)."""
        made = groups(axes)
        shape = tuple(axes[group[0]].levels or 1 for group in made)
        index = np.indices(shape).reshape(len(shape), -1)
        column = {path: n for n, group in enumerate(made) for path in group}
        columns = [
            axis.grid_levels()[index[column[path]]]
            for path, axis in axes.items()
            if isinstance(axis, (ListAxis, RangeAxis))
        ]
        return np.column_stack(columns)


class _Sampled:
    """The cases of a design that draws points of the unit cube, one coordinate for each group of axes."""

    def _from_cube(self, axes: Axes, points: np.ndarray) -> Levels:
        column = {path: n for n, group in enumerate(groups(axes)) for path in group}
        return np.column_stack([axis.quantile(points[:, column[path]]) for path, axis in axes.items()])


@described
class LatinHypercube(_Sampled):
    """A Latin hypercube: each axis is divided into as many equally probable intervals as there are cases."""

    key = "latin_hypercube"

    cases: Count
    seed: Seed

    def count(self, axes: Axes) -> int:
        """Return the number of cases."""
        _check_zips(axes)
        return self.cases

    def levels(self, axes: Axes) -> Levels:
        """Return the levels (cases, axes)."""
        from scipy.stats import qmc

        sampler = qmc.LatinHypercube(len(groups(axes)), rng=np.random.default_rng(self.seed))
        return self._from_cube(axes, sampler.random(self.cases))


def _require_power_of_two(count: int, key: str) -> None:
    if count & (count - 1):
        near = 2 ** max(1, round(np.log2(count)))
        raise fail("E-RANGE", f"{key} is {count}, not a power of two", f"write {key}: {near}")


@described
class Sobol(_Sampled):
    """A scrambled Sobol sequence of a power of two cases."""

    key = "sobol"

    cases: Count
    seed: Seed

    def __post_init__(self) -> None:
        """Check that the number of cases is a power of two, without which the sequence is not balanced."""
        _require_power_of_two(self.cases, "cases")

    def count(self, axes: Axes) -> int:
        """Return the number of cases."""
        _check_zips(axes)
        return self.cases

    def levels(self, axes: Axes) -> Levels:
        """Return the levels (cases, axes)."""
        return self._from_cube(axes, sobol_points(len(groups(axes)), self.cases, self.seed))


def sobol_points(dimension: int, count: int, seed: int) -> np.ndarray:
    """Return a power of two points of a scrambled Sobol sequence (count, dimension)."""
    from scipy.stats import qmc

    sampler = qmc.Sobol(dimension, rng=np.random.default_rng(seed))
    points: np.ndarray = sampler.random_base2(count.bit_length() - 1)
    return points


@described
class Saltelli(_Sampled):
    """The design of Saltelli for Sobol indices: N (d + 2) cases, or N (2 d + 2) with second order.

    Saltelli, Annoni, Azzini et al., Comput. Phys. Commun. 181, 259 (2010). Each of the N samples has a row of
    a matrix A, for each axis this row with the value of matrix B, with second order for each axis the row of
    B with the value of A, and the row of B: the order that SALib analyses.
    """

    key = "saltelli"

    samples: Count
    seed: Seed
    second_order: bool = False

    def __post_init__(self) -> None:
        """Check that the number of samples is a power of two."""
        _require_power_of_two(self.samples, "samples")

    def count(self, axes: Axes) -> int:
        """Return the number of cases."""
        _check_zips(axes)
        if len(groups(axes)) != len(axes):
            raise fail("E-VALUE", "Sobol indices need axes that vary independently", "remove `zip:`")
        return _check_count(self.samples * (len(axes) * (1 + self.second_order) + 2))

    def levels(self, axes: Axes) -> Levels:
        """Return the levels (cases, axes)."""
        d = len(axes)
        points = sobol_points(2 * d, self.samples, self.seed)
        a, b = points[:, :d], points[:, d:]
        rows = [a, *(_with_column(a, b, n) for n in range(d))]
        rows += [_with_column(b, a, n) for n in range(d)] if self.second_order else []
        cube = np.stack([*rows, b], axis=1).reshape(-1, d)
        return self._from_cube(axes, cube)


def _with_column(rows: np.ndarray, other: np.ndarray, n: int) -> np.ndarray:
    mixed = rows.copy()
    mixed[:, n] = other[:, n]
    return mixed


@described
class Tornado:
    """The nominal case, and each axis at its other values in turn, the others nominal.

    The nominal value of a list is its first one, and its other values are a case each. Other axes have a low
    and a high value: d of them have 2 d + 1 cases.
    """

    key = "tornado"

    def count(self, axes: Axes) -> int:
        """Return the number of cases. Raises the error of `fail` where zipped axes have unlike values."""
        for group in groups(axes):
            counts = {path: len(_around_nominal(axes[path])) for path in group}
            if len(set(counts.values())) > 1:
                text = ", ".join(f"{path} has {count}" for path, count in counts.items())
                hint = "a tolerance, a range or a distribution has 3: nominal, low and high"
                raise fail("E-VALUE", f"axes that are zipped have equally many values: {text}", hint)
        return _check_count(1 + sum(len(_around_nominal(axes[group[0]])) - 1 for group in groups(axes)))

    def levels(self, axes: Axes) -> Levels:
        """Return the levels (cases, axes)."""
        values = {path: _around_nominal(axis) for path, axis in axes.items()}
        rows = [[each[0] for each in values.values()]]
        rows += [
            [each[n if path in group else 0] for path, each in values.items()]
            for group in groups(axes)
            for n in range(1, len(values[group[0]]))
        ]
        return np.array(rows)


def _around_nominal(axis: Axis) -> list[float]:
    """Return the nominal level of an axis, and then its other levels."""
    found: list[float] = axis.grid_levels().tolist() if isinstance(axis, ListAxis) else [*axis.corners()]
    return found


Design = FullFactorial | LatinHypercube | Sobol | Saltelli | Tornado
DESIGNS: tuple[type, ...] = (FullFactorial, LatinHypercube, Sobol, Saltelli, Tornado)
