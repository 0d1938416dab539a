"""Axes of a study with a tolerance or a probability distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from thermostack.schema.fields import Name, fail
from thermostack.schema.validated_dataclass import described
from thermostack.sweeps.axis_numbers import (
    AxisBase,
    Measure,
    MeasureField,
    Number,
    Paths,
    check_difference,
    common_unit,
    require_no_celsius,
)

TORNADO_QUANTILES = (0.5, 0.05, 0.95)  # of a distribution: nominal, low and high value


@described
class ToleranceAxis(AxisBase):
    """A nominal number and how far it may be above and below: absolute, or in per cent."""

    example: ClassVar[str] = "nominal: 50 um, tolerance: 10 um"

    nominal: MeasureField
    tolerance: MeasureField | None = None
    plus: MeasureField | None = None
    minus: MeasureField | None = None
    name: Name | None = None
    zip: Name | None = None
    also: Paths = ()

    def __post_init__(self) -> None:
        """Check that there is one tolerance, or plus and minus, each positive and of the unit."""
        sides = (self.plus, self.minus)
        if (self.tolerance is None) == (sides == (None, None)):
            raise fail("E-MISSING", "give tolerance, or plus and minus", self.example)
        if self.tolerance is None and None in sides:
            raise fail("E-MISSING", "plus and minus belong together", "write both; 0 is allowed for one")
        for key, given in (("tolerance", self.tolerance), ("plus", self.plus), ("minus", self.minus)):
            if given is None:
                continue
            if given.unit == "%":
                require_no_celsius(self.nominal, "a percentage")
            else:
                check_difference(key, given, "nominal", self.nominal)
            if given.number < 0.0:
                raise fail("E-RANGE", f"{key} is negative", f"write {-given.number:g} {given.unit}".strip())
        if self.low == self.high:
            raise fail("E-RANGE", "the tolerance is zero", "use `set:` for a field that does not vary")

    levels: ClassVar[int | None] = None

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Return the unit of the nominal number."""
        return self.nominal.unit

    @property
    def low(self) -> float:
        """Return the low number."""
        return self.nominal.number - self._width(self.tolerance or self.minus)

    @property
    def high(self) -> float:
        """Return the high number."""
        return self.nominal.number + self._width(self.tolerance or self.plus)

    def _width(self, given: Measure | None) -> float:
        assert given is not None
        return abs(self.nominal.number) * given.number / 100.0 if given.unit == "%" else given.number

    def quantile(self, u: Number) -> Number:
        """Return the numbers at probabilities of a uniform distribution from low to high."""
        return self.low + (self.high - self.low) * u

    def corners(self) -> tuple[float, float, float]:
        """Return the nominal, the low and the high number."""
        return self.nominal.number, self.low, self.high


class _Distribution(AxisBase):
    """Properties of the axes with a distribution of `scipy.stats`, cut off at `min` and `max`."""

    levels: ClassVar[int | None] = None
    min: Measure | None
    max: Measure | None

    def _frozen(self) -> Any:
        raise NotImplementedError

    def quantile(self, u: Number) -> Number:
        """Return the numbers at probabilities of the distribution between its bounds."""
        frozen = self._frozen()
        low = 0.0 if self.min is None else float(frozen.cdf(self.min.number))
        high = 1.0 if self.max is None else float(frozen.cdf(self.max.number))
        found: Number = frozen.ppf(low + (high - low) * u)
        return found

    def corners(self) -> tuple[float, float, float]:
        """Return the median, and the numbers at 5 and 95 per cent."""
        nominal, low, high = self.quantile(np.array(TORNADO_QUANTILES)).tolist()
        return nominal, low, high

    def _check_bounds(self) -> None:
        if self.min is not None and self.max is not None and self.min.number >= self.max.number:
            raise fail("E-RANGE", "min is not below max", "exchange them")


@described
class NormalAxis(_Distribution):
    """A normal distribution, optionally cut off at bounds."""

    example: ClassVar[str] = "mean: 50 um, deviation: 5 um"

    mean: MeasureField
    deviation: MeasureField
    min: MeasureField | None = None
    max: MeasureField | None = None
    name: Name | None = None
    zip: Name | None = None
    also: Paths = ()

    def __post_init__(self) -> None:
        """Check the units, the standard deviation and the bounds."""
        common_unit({"mean": self.mean, "min": self.min, "max": self.max})
        check_difference("deviation", self.deviation, "mean", self.mean)
        if self.deviation.number <= 0.0:
            raise fail("E-RANGE", "deviation is not greater than zero", self.example)
        self._check_bounds()

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Return the unit of the mean."""
        return self.mean.unit

    def _frozen(self) -> Any:
        from scipy import stats

        return stats.norm(self.mean.number, self.deviation.number)


@described
class LognormalAxis(_Distribution):
    """A lognormal distribution by its median and its geometric standard deviation, a factor."""

    example: ClassVar[str] = "median: 50 um, factor: 1.3"

    median: MeasureField
    factor: float
    min: MeasureField | None = None
    max: MeasureField | None = None
    name: Name | None = None
    zip: Name | None = None
    also: Paths = ()

    def __post_init__(self) -> None:
        """Check the units, the median, the factor and the bounds."""
        common_unit({"median": self.median, "min": self.min, "max": self.max})
        require_no_celsius(self.median, "a factor")
        if self.median.number <= 0.0:
            raise fail("E-RANGE", "median is not greater than zero", self.example)
        if not 1.0 < self.factor < math.inf:
            raise fail("E-RANGE", f"factor is {self.factor:g}, not above 1", self.example)
        self._check_bounds()

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Return the unit of the median."""
        return self.median.unit

    def _frozen(self) -> Any:
        from scipy import stats

        return stats.lognorm(math.log(self.factor), scale=self.median.number)
