"""Comparison of two results: parts, heat and descriptions, and the difference of their temperature fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from thermostack.results.actions import call
from thermostack.results.difference_field import DifferenceField
from thermostack.results.field_difference import FieldDifference
from thermostack.results.names import unknown_name
from thermostack.results.steady_result import SteadyResult
from thermostack.results.transient_result import TransientResult
from thermostack.schema.arguments import check_whole_number
from thermostack.schema.spelling import counted

Result = SteadyResult | TransientResult


@dataclass(frozen=True)
class PartState:
    """Power and temperatures of a part, block or stack in one of two results that are compared.

    Parameters
    ----------
    power : float
        Power [W], in a transient its mean over time.
    mean : float
        Mean temperature over the volume [K], in a transient at the end.
    max : float
        Maximum temperature [K], in a transient over the whole run.
    margin : float, optional
        Limit minus maximum [K]; None without a limit.
    error, mean_error : float, optional
        Estimated errors of `max` and `mean` [K]; None where they are unknown.
    final_max : float, optional
        Maximum temperature at the end of a transient [K].

    Examples
    --------
    >>> PartState(10.0, 350.0, 360.0, margin=18.0, error=0.5).max
    360.0
    """

    power: float
    mean: float
    max: float
    margin: float | None = None
    error: float | None = None
    mean_error: float | None = None
    final_max: float | None = None


@dataclass(frozen=True)
class PartComparison:
    """A part, block or stack in two results; differences are the second value minus the first.

    Parameters
    ----------
    name : str
        Name of the part, block or stack.
    kind : {"stack", "part", "block"}
        Kind of the name.
    first, second : PartState
        Power and temperatures in both results.

    Examples
    --------
    >>> before, after = PartState(10.0, 350.0, 360.0, error=0.5), PartState(12.0, 353.0, 364.0, error=0.5)
    >>> part = PartComparison("die.active", "part", before, after)
    >>> part.difference, part.error, part.exceeds_error
    (4.0, 1.0, True)
    """

    name: str
    kind: str
    first: PartState
    second: PartState

    @property
    def difference(self) -> float:
        """Return the difference of the maxima [K]."""
        return self.second.max - self.first.max

    @property
    def mean_difference(self) -> float:
        """Return the difference of the means [K]."""
        return self.second.mean - self.first.mean

    @property
    def power_difference(self) -> float:
        """Return the difference of the powers [W]."""
        return self.second.power - self.first.power

    @property
    def margin_difference(self) -> float | None:
        """Return the difference of the margins [K], None where one of the results has no limit."""
        return _difference(self.first.margin, self.second.margin)

    @property
    def final_difference(self) -> float | None:
        """Return the difference of the maxima at the end of two transients [K]."""
        return _difference(self.first.final_max, self.second.final_max)

    @property
    def error(self) -> float | None:
        """Return the sum of the estimated errors of both maxima [K], None where one is unknown."""
        return _sum(self.first.error, self.second.error)

    @property
    def mean_error(self) -> float | None:
        """Return the sum of the estimated errors of both means [K], None where one is unknown."""
        return _sum(self.first.mean_error, self.second.mean_error)

    @property
    def exceeds_error(self) -> bool | None:
        """Return whether the difference of the maxima exceeds the sum of their errors; None if unknown."""
        return None if self.error is None else abs(self.difference) > self.error


@dataclass(frozen=True)
class HeatComparison:
    """A power or a heat flow, or an energy of two transients; its difference is second minus first.

    Parameters
    ----------
    name : str
        "in", "out, top" and other faces; of transients "generated", "outflow" and "stored".
    unit : {"W", "J"}
        Unit of both values.
    first, second : float
        Values in both results. A face without a cooler has no heat flow.

    Examples
    --------
    >>> HeatComparison("out, top", "W", 7.5, 8.0).difference
    0.5
    """

    name: str
    unit: str
    first: float
    second: float

    @property
    def difference(self) -> float:
        """Return the second value minus the first."""
        return self.second - self.first


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Two steady or two transient results, compared by part, heat, description and cell.

    `compare` returns it. All differences are those of the second result minus the first.

    Parameters
    ----------
    first, second : SteadyResult or TransientResult
        The results.
    labels : tuple of str
        Names of the results in tables and figures.
    parts : tuple of PartComparison
        Stacks, parts and blocks that both results have.
    heat : tuple of HeatComparison
        Power and heat flow through each face [W]; of transients the energies since the start [J].
    only_first, only_second : tuple of str
        Names of the parts and blocks of one result alone.
    descriptions : tuple of FieldDifference
        Differences of the descriptions of both packages.
    warnings : tuple of str
        Reasons for which something was not compared.

    Examples
    --------
    >>> import thermostack as ts
    >>> ambients = [{"cooling.top.convection.ambient": text} for text in ("25 degC", "30 degC")]
    >>> packages = [ts.read_package("fcbga", ambient) for ambient in ambients]
    >>> results = [ts.solve_steady(ts.discretize(package, cell="6 mm")) for package in packages]
    >>> comparison = ts.compare(*results)
    >>> 0.0 < comparison.of("die").difference < 5.0
    True
    >>> print(comparison.descriptions[0])
    cooling.top.convection.ambient: 25 degC -> 30 degC
    """

    first: Result
    second: Result
    labels: tuple[str, str]
    parts: tuple[PartComparison, ...]
    heat: tuple[HeatComparison, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    descriptions: tuple[FieldDifference, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return both names, the largest difference and the numbers of differences in four lines."""
        first, second = self.labels
        rows = [f"Comparison of {first!r} and {second!r}: {counted(len(self.parts), 'name')}"]
        if (largest := self.largest) is not None:
            error = "unknown" if largest.error is None else f"{largest.error:.2g} K"
            text = f"  maximum  {largest.difference:+.4g} K in {largest.name}, sum of errors {error}"
            rows.append(text)
        alone = len(self.only_first), len(self.only_second)
        rows.append(f"  parts    {alone[0]} in the first alone, {alone[1]} in the second alone")
        rows.append(f"  fields   {counted(len(self.descriptions), 'difference')} of the descriptions")
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        """Return the table of stacks and blocks as HTML, for notebooks."""
        table = call("report.comparison_table", "part_rows_table", self, 120)
        html: str = call("report.html_table", "as_html", table)
        return html

    @property
    def is_transient(self) -> bool:
        """Return whether two transients are compared."""
        return isinstance(self.first, TransientResult)

    @property
    def largest(self) -> PartComparison | None:
        """Return the part whose maximum differs most, None if the results have no part in common."""
        parts = [part for part in self.parts if part.kind == "part"]
        return max(parts, key=lambda part: abs(part.difference), default=None)

    def of(self, name: str) -> PartComparison:
        """Return the comparison of a part, block or stack.

        Raises
        ------
        KeyError
            If not both results have it; the message suggests similar names.
        """
        for part in self.parts:
            if part.name == name:
                return part
        raise unknown_name(name, [part.name for part in self.parts], "part of both results")

    @cached_property
    def field(self) -> DifferenceField:
        """Return the difference of the temperature fields on a common grid, of transients at the end.

        Raises
        ------
        ResourceError
            If the common grid does not fit in the memory of this machine.
        """
        made: DifferenceField = DifferenceField.between(
            self.first.model, self.first.field, self.second.model, self.second.field
        )
        return made

    def table(self, width: int = 120, *, all_parts: bool = False) -> str:
        """Return parts, heat and descriptions as text of at most `width` characters a line.

        Without `all_parts`, the rows are stacks and blocks with power.
        """
        check_whole_number(width, "width", min=1)
        tables = call("report.comparison_table", "comparison_tables", self, width, all_parts=all_parts)
        return "\n\n".join(call("report.table_layout", "as_text", table, width) for table in tables)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data in SI units, without the fields of cells."""
        data: dict[str, Any] = call("io.results.comparison_summary", "comparison_summary", self)
        return data

    def plot(self, path: Any = None) -> Any:
        """Return the figure of the difference: a layer map and two sections, saved if a path is given."""
        return call("plot.difference", "plot_difference", self, path)

    def save(self, path: Any) -> None:
        """Write the difference of the fields to a .vtkhdf file, which ParaView and PyVista open."""
        call("io.results.comparison_file", "write_comparison", self, path)


def compare_results(
    first: Result,
    second: Result,
    labels: tuple[str, str],
    descriptions: Iterable[FieldDifference] = (),
    warnings: Iterable[str] = (),
) -> Comparison:
    """Return the comparison of two steady or two transient results."""
    names = _member_names(first), _member_names(second)
    common = [name for name in names[0] if name in names[1]]
    kinds = [(stack, "stack") for stack in _common_stacks(first, second)]
    parts = [
        PartComparison(name, kind, _state(first, name), _state(second, name))
        for name, kind in [*kinds, *_kinds(first, common)]
    ]
    return Comparison(
        first,
        second,
        labels,
        tuple(parts),
        tuple(_heat(first, second)),
        tuple(name for name in names[0] if name not in names[1]),
        tuple(name for name in names[1] if name not in names[0]),
        tuple(descriptions),
        tuple(warnings),
    )


def _member_names(result: Result) -> dict[str, None]:
    """Return the names of the parts and blocks of a result that have cells, in its order."""
    if isinstance(result, SteadyResult):
        return dict.fromkeys(part.name for part in result.parts)
    finite = (result.max[-1] == result.max[-1]).tolist()
    return {name: None for name, has_cells in zip(result.names, finite, strict=True) if has_cells}


def _kinds(result: Result, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield names with their kind, "part" or "block"."""
    parts = {part.name for part in result.model.parts}
    yield from ((name, "part" if name in parts else "block") for name in names)


def _common_stacks(first: Result, second: Result) -> list[str]:
    """Return the names of the stacks with parts in both results, which no part has."""
    found = []
    members = [_member_names(result) for result in (first, second)]
    others = {stack.name for stack in second.package.stacks}
    for stack in first.package.stacks:
        in_both = all(any(name.startswith(f"{stack.name}.") for name in names) for names in members)
        if stack.name in others and in_both:
            found.append(stack.name)
    return found


def _state(result: Result, name: str) -> PartState:
    """Return the power and temperatures of a part, block or stack."""
    if isinstance(result, SteadyResult):
        part = result.of(name)
        return PartState(part.power, part.mean, part.max, part.margin, part.error, part.mean_error)
    history = result.of(name)
    margin = None if history.limit is None else history.limit - history.hottest
    return PartState(
        _mean_power(result, history.power),
        float(history.mean[-1]),
        history.hottest,
        margin,
        history.error,
        final_max=float(history.peak[-1]),
    )


def _mean_power(result: TransientResult, power: Any) -> float:
    """Return the mean of a power over the time of a run [W]; a power holds from its time on."""
    duration = float(result.time[-1] - result.time[0])
    if duration <= 0.0:
        return float(power[0])
    return float(power[:-1] @ (result.time[1:] - result.time[:-1])) / duration


def _heat(first: Result, second: Result) -> Iterator[HeatComparison]:
    """Yield the power and the heat flow through each face, or the energies of transients."""
    if isinstance(first, TransientResult) and isinstance(second, TransientResult):
        ends = first.energy[-1].tolist(), second.energy[-1].tolist()
        for name, one, other in zip(("generated", "outflow", "stored"), *ends, strict=True):
            yield HeatComparison(name, "J", one, other)
        return
    assert isinstance(first, SteadyResult)
    assert isinstance(second, SteadyResult)
    balances = first.heat_balance, second.heat_balance
    yield HeatComparison("in", "W", balances[0].heat_in, balances[1].heat_in)
    for face in dict.fromkeys([*balances[0].out, *balances[1].out]):
        yield HeatComparison(
            f"out, {face}", "W", balances[0].out.get(face, 0.0), balances[1].out.get(face, 0.0)
        )


def _difference(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else second - first


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second
