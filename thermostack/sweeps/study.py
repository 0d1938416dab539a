"""The study of a sweep: package, axes, design, outputs and analysis, and the cases that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import ArgsKwargs, InitErrorDetails, PydanticCustomError

from thermostack.io.description.package_file import find_package
from thermostack.schema.fields import PathName, fail, quote_value
from thermostack.schema.validated_dataclass import TaggedUnion, class_key, described
from thermostack.sweeps.analyses import SteadyAnalysis, TransientAnalysis
from thermostack.sweeps.axes import Axis, AxisField
from thermostack.sweeps.case_order import execution_order
from thermostack.sweeps.designs import DESIGNS, Design, FullFactorial
from thermostack.sweeps.outputs import Output, order_expressions, output_name

AXES_EXAMPLE = "axes: {stacks.tim.layers.sheet.thickness: [20 um, 50 um]}"
RESERVED_COLUMNS = ("case", "status", "balance", "seconds", "version", "hash", "message")


ANALYSES = (SteadyAnalysis, TransientAnalysis)
DesignField = Annotated[Any, TaggedUnion(DESIGNS)]
AnalysisField = Annotated[Any, TaggedUnion(ANALYSES)]


def _with_options(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a study with the name of a design or an analysis alone as one without options."""
    made = dict(fields)
    for field, kinds in (("design", DESIGNS), ("analysis", ANALYSES)):
        if isinstance(name := made.get(field), str) and name in [class_key(kind) for kind in kinds]:
            made[field] = {name: {}}
    return made


def _read_outputs(value: Any) -> Any:
    """Return outputs by name; a list of texts names each by its words."""
    if isinstance(value, (list, tuple)):
        named: dict[str, Any] = {}
        for item in value:
            if not isinstance(item, str):
                raise fail("E-TYPE", f"{quote_value(item)} has no name", "write a mapping: peak: max of gpu")
            name = "_".join(item.replace(".", "_").replace("-", "_").split(" of "))
            if name in named:
                raise fail("E-DUPLICATE", f"{item!r} is given twice")
            named[name] = item
        value = named
    if not isinstance(value, Mapping) or not value:
        raise fail("E-MISSING", "a study has outputs", "write outputs: {peak: max of gpu}")
    return {output_name(name): item for name, item in value.items()}


def _read_mapping(value: Any) -> Any:
    if not isinstance(value, Mapping) or not value:
        raise fail("E-MISSING", "a study has axes", AXES_EXAMPLE)
    return value


@described
class FieldOptions:
    """The cases whose whole temperature field is kept."""

    cases: Any

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return the fields of "all" or of a list of case numbers."""
        return {"cases": value} if isinstance(value, (str, list, tuple)) else value

    def __post_init__(self) -> None:
        """Check the numbers of the cases. Raises the error of `fail`."""
        if self.cases == "all":
            return
        if not isinstance(self.cases, (list, tuple)) or not all(
            type(number) is int and number >= 0 for number in self.cases
        ):
            raise fail("E-TYPE", f"{quote_value(self.cases)} are no cases", "write all, or [0, 12]")

    def contains(self, number: int) -> bool:
        """Return whether the field of a case is kept."""
        return self.cases == "all" or number in self.cases


@described
class Study:
    """A parameter study: the fields of a package that vary, and the numbers that each case gives.

    Parameters
    ----------
    package : str
        Name of a shipped package, or path of a description relative to the study.
    axes : dict
        Values of fields by their path, as in `--set`: lists, ranges (`from`, `to`, `steps`, `scale`),
        tolerances (`nominal`, `tolerance`) and distributions (`mean`, `deviation`; `median`, `factor`), as
        plain data with units in text. `also` has the paths of fields with the same value.
    outputs : dict
        Outputs by name: "max of gpu", "margin of gpu", "power", or an expression of outputs and axes.
    set : dict, optional
        Values of other fields of the package, the same in all cases.
    design : str or dict
        "grid", "tornado", `{"latin_hypercube": {"cases": 64, "seed": 1}}`, `sobol` with the same, or
        `{"saltelli": {"samples": 64, "seed": 1}}`.
    analysis : str or dict
        "steady", `{"steady": {"cell": "0.5 mm"}}` or `{"transient": {"duration": "1 s"}}`.
    fields : str, list of int or dict, optional
        Cases of which the temperature field is written: "all" or their numbers.
    about : str
        A description for readers.
    allow_include_root : bool
        Whether the description may refer to files outside its own directory.

    Raises
    ------
    DescriptionError
        With all errors of the study.

    Examples
    --------
    >>> study = Study(
    ...     package="hbm3_8h",
    ...     axes={"cooling.top.convection.h": ["2 kW/m2/K", "4 kW/m2/K"]},
    ...     outputs={"peak": "max of hbm3_8h"},
    ... )
    >>> study.count, study.case(1).overrides
    (2, {'cooling.top.convection.h': '4 kW/m2/K'})
    """

    package: str
    axes: Annotated[dict[PathName | str, AxisField], BeforeValidator(_read_mapping)]
    outputs: Annotated[dict[str, Output], BeforeValidator(_read_outputs)]
    set: dict[str, Any] = Field(default_factory=dict)
    design: DesignField = Field(default_factory=FullFactorial)
    analysis: AnalysisField = Field(default_factory=SteadyAnalysis)
    fields: FieldOptions | None = None
    about: str = ""
    allow_include_root: bool = False

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return the fields with the name of a design or an analysis alone as one without options."""
        if isinstance(value, ArgsKwargs):
            return ArgsKwargs(value.args, _with_options(value.kwargs or {}))
        return _with_options(value) if isinstance(value, Mapping) else value

    def __post_init__(self) -> None:
        """Check the design, the columns and the expressions. Raises ValidationError."""
        for key, check in (
            ("design", lambda: self.count),
            ("axes", self._check_columns),
            ("outputs", lambda: self.expressions),
            ("outputs", self._check_analysis),
            ("fields", self._check_fields),
        ):
            _at_key(key, check)

    @cached_property
    def count(self) -> int:
        """Return the number of cases."""
        return int(self._design.count(self.axes))

    @property
    def _design(self) -> Design:
        design: Design = self.design
        return design

    @cached_property
    def levels(self) -> np.ndarray:
        """Return the levels of the axes in each case, (cases, axes)."""
        return self._design.levels(self.axes)

    @cached_property
    def order(self) -> np.ndarray:
        """Return the numbers of the cases in the order in which they are solved, (cases,)."""
        return execution_order(list(self.axes), self.levels)

    @cached_property
    def expressions(self) -> list[str]:
        """Return the names of the outputs with an expression, each after those that it needs."""
        return order_expressions(self.outputs, [axis.name for axis in self.axes.values() if axis.name])

    @property
    def is_transient(self) -> bool:
        """Return whether each case is a transient run."""
        return isinstance(self.analysis, TransientAnalysis)

    @property
    def input_names(self) -> list[str]:
        """Return the name of each axis in the table: its `name`, or its path."""
        return [axis.name or path for path, axis in self.axes.items()]

    def case(self, number: int) -> Case:
        """Return a case by its number in the design."""
        row = self.levels[number].tolist()
        axes: list[tuple[str, Axis]] = list(self.axes.items())
        overrides = dict(self.set)
        inputs: dict[str, float | str] = {}
        for (path, axis), level in zip(axes, row, strict=True):
            overrides |= dict.fromkeys((path, *axis.also), axis.value(level))
            inputs[axis.name or path] = axis.cell(level)
        return Case(number, overrides, inputs)

    def _check_columns(self) -> None:
        """Raise the error of `fail` where two columns of the table have one name."""
        names = [*RESERVED_COLUMNS]
        errors = [f"{name} error" for name, output in self.outputs.items() if output.has_error]
        for name in [*self.input_names, *self.outputs, *errors]:
            if name in names:
                hint = "choose another name"
                raise fail("E-DUPLICATE", f"two columns of the table would be named {name!r}", hint)
            names.append(name)
        paths = [*self.set]
        for path in (each for key, axis in self.axes.items() for each in (key, *axis.also)):
            if path in paths:
                text = f"{path} is set by an axis, and also by `set:` or another axis"
                raise fail("E-DUPLICATE", text, "remove one of them")
            paths.append(path)

    def _check_analysis(self) -> None:
        """Raise the error of `fail` for an output that the analysis does not have."""
        for name, output in self.outputs.items():
            if not output.supports(self.is_transient):
                kind = "a transient run" if self.is_transient else "a steady result"
                hint = 'as "final_mean of gpu"' if self.is_transient else "write analysis: {transient: {...}}"
                raise fail("E-VALUE", f"{name}: {kind} has no {output.value!r}", hint)

    def _check_fields(self) -> None:
        if self.fields is not None and self.fields.cases != "all":
            beyond = [number for number in self.fields.cases if number >= self.count]
            if beyond:
                raise fail("E-RANGE", f"there is no case {beyond[0]}", f"cases are 0 to {self.count - 1}")


def _at_key(key: str, check: Any) -> None:
    """Run a check; the error of `fail` that it raises is that of a key of the study."""
    try:
        check()
    except PydanticCustomError as error:
        details = InitErrorDetails(type=error, loc=(key,), input=None)
        raise ValidationError.from_exception_data("Study", [details]) from None


@dataclass(frozen=True)
class Case:
    """One case: its number in the design, the values of fields by path, and its cells of the table."""

    number: int
    overrides: dict[str, Any]
    inputs: dict[str, float | str]


def package_path(study: Study, directory: Path) -> Path:
    """Return the file of the package of a study, relative to the directory of the study."""
    own = directory / study.package
    if Path(study.package).suffix in (".yaml", ".yml") or own.is_file():
        return own
    return find_package(study.package)
