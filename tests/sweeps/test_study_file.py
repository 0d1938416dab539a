"""Study files: every error has its file, line, field and a remedy."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from support.slab_study import STUDY, write_study

import thermostack as ts
from thermostack.errors import DescriptionError, Diagnostic
from thermostack.sweeps.case_solver import study_text
from thermostack.sweeps.study_file import load_study, study_schema

TRANSIENT = """\
package: slab.yaml
axes:
  stacks.die.layers.body.power: [5 W, 10 W]
outputs:
  peak: max of die
analysis:
  transient: {duration: 1 s, cell: 10 mm}
"""


def errors_of(folder: Path, text: str) -> tuple[Diagnostic, ...]:
    file = write_study(folder, text)
    with pytest.raises(DescriptionError) as error:
        load_study(file).check()
    for diagnostic in error.value.diagnostics:
        assert diagnostic.file == str(file), str(diagnostic)
    return error.value.diagnostics


H, POWER = "axes.cooling.top.convection.h", "axes.stacks.die.layers.body.power"
OUTPUTS, ANALYSIS = "outputs:\n  peak: max of die\n  mean: mean of die.body", "analysis: {steady"
# Replaced text, its replacement, code, line, field and a part of the message or the hint.
ERRORS = [
    ("package: slab.yaml", "package: slap.yaml", "E-FILE", 1, "package", "did you mean slab.yaml"),
    ("package: slab.yaml", "package: no_such_package", "E-FILE", 1, "package", "no_such_package"),
    ("package: slab.yaml\n", "", "E-MISSING", 1, "package", "missing"),
    ("outputs:", "output:", "E-KEY", 5, "output", "did you mean outputs"),
    (ANALYSIS, "design: grod\n" + ANALYSIS, "E-TYPE", 8, "design", "grid"),
    ("analysis: {steady: {cell: 10 mm}}", "analysis: statik", "E-TYPE", 8, "analysis", "steady"),
    ("analysis: {steady: {cell: 10 mm}}", "analysis: {steady: {cell: 10}}", "E-UNIT", 8,
     "analysis.steady.cell", "no unit"),
    ("{cell: 10 mm}", "{cell: [10 mm]}", "E-TYPE", 8, "analysis.steady.cell", "two or three"),
    ("{cell: 10 mm}", "{max_time: 3 s}", "E-VALUE", 8, "analysis.steady", "add a tolerance"),
    ("{cell: 10 mm}", "{tolerance: 1 K, estimate: false}", "E-VALUE", 8, "analysis.steady", "error estimate"),
    ("{cell: 10 mm}", "{tolerance: 1 um}", "E-UNIT", 8, "analysis.steady.tolerance", "temperature"),
    ("layers.body.power:", "layers.bodi.power:", "E-NAME", 4, "axes.stacks.die.layers.bodi.power",
     "did you mean body"),
    ("[5 W, 10 W, 20 W]", "[5 W, 10 K, 20 W]", "E-UNIT", 4, POWER, "several units"),
    ("[5 W, 10 W, 20 W]", "[5 K, 10 K]", "E-UNIT", 4, POWER, "expected a power"),
    ("from: 1 kW/m2/K", "from: 1 kW", "E-UNIT", 3, H, "from is in kW"),
    ("from: 1 kW/m2/K, ", "", "E-MISSING", 3, "axes.cooling.top.convection.h.from", "missing"),
    ("steps: 4", "step: 4", "E-KEY", 3, "axes.cooling.top.convection.h.step", "steps"),
    ("steps: 4", "steps: four", "E-TYPE", 3, "axes.cooling.top.convection.h.steps", "not a whole number"),
    ("name: h", "name: p", "E-DUPLICATE", 2, "axes", "two columns"),
    ("name: h", "name: status", "E-DUPLICATE", 2, "axes", "two columns"),
    ("peak: max of die", "h: max of die", "E-DUPLICATE", 2, "axes", "two columns"),
    ("peak: max of die", "peak: max of dye", "E-NAME", 6, "outputs.peak", "did you mean die"),
    ("peak: max of die", "peak: maxi of die", "E-NAME", 6, "outputs.peak", "did you mean max"),
    ("peak: max of die", "peak: power of", "E-EXPRESSION", 6, "outputs.peak", "not an expression"),
    ("peak: max of die", "peak: heat of top_face", "E-NAME", 6, "outputs.peak", "top"),
    ("peak: max of die", "peak: margin", "E-VALUE", 6, "outputs.peak", "margin of NAME"),
    ("peak: max of die", "peak: cells of die", "E-VALUE", 6, "outputs.peak", 'write "cells"'),
    ("peak: max of die", "peak: 3", "E-TYPE", 6, "outputs.peak", "is not"),
    ("peak: max of die", "peak: {value: max of die, unit: W}", "E-UNIT", 6, "outputs.peak", "temperature"),
    ("peak: max of die", "a.b: max of die", "E-NAME", 5, "outputs", "is not a name of an output"),
    ("peak: max of die", "max: max of die", "E-NAME", 5, "outputs", "is not a name of an output"),
    ("peak: max of die", "peak: meen + 1", "E-NAME", 5, "outputs", "did you mean mean"),
    ("peak: max of die", "peak: mean.real", "E-EXPRESSION", 6, "outputs.peak", "not allowed"),
    ("peak: max of die", "a: b + 1\n  b: a - 1", "E-CYCLE", 5, "outputs", "need each other"),
    ("peak: max of die", "peak: throttled of die", "E-VALUE", 5, "outputs", "transient"),
    (OUTPUTS, "outputs: []", "E-MISSING", 5, "outputs", "has outputs"),
    (OUTPUTS, "outputs: [max of die, max of die]", "E-DUPLICATE", 5,
     "outputs", "twice"),
    (ANALYSIS, "set: {stacks.dye.power: 3 W}\n" + ANALYSIS, "E-NAME", 8, "set.stacks.dye.power",
     "did you mean die"),
    (ANALYSIS, "set: {stacks.die.layers.body.thickness: -1 mm}\n" + ANALYSIS, "E-RANGE", 8,
     "set.stacks.die.layers.body.thickness", "not greater than zero"),
    (ANALYSIS, "set: {cooling.top.convection.h: 1 kW/m2/K}\n" + ANALYSIS, "E-DUPLICATE", 2, "axes",
     "also by"),
    ("steps: 4", "steps: 4, also: stacks.die.layers.body.power", "E-DUPLICATE", 2, "axes", "also by"),
    ("steps: 4", "steps: 4, also: cooling.bottem.convection.h", "E-KEY", 3, H, "bottem"),
    (ANALYSIS, "fields: [12]\n" + ANALYSIS, "E-RANGE", 8, "fields", "0 to 11"),
    (ANALYSIS, "fields: some\n" + ANALYSIS, "E-TYPE", 8, "fields", "write all"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "line", "field", "text"), ERRORS)
def test_error(tmp_path: Path, old: str, new: str, code: str, line: int, field: str, text: str) -> None:
    assert old in STUDY
    (diagnostic, *_) = errors_of(tmp_path, STUDY.replace(old, new, 1))
    assert (diagnostic.code, diagnostic.line, diagnostic.field) == (code, line, field)
    assert text in diagnostic.message + diagnostic.hint


TRANSIENT_ERRORS = [
    ("duration: 1 s, ", "", "E-MISSING", "analysis.transient", "duration is required"),
    ("duration: 1 s", "duration: 1 m", "E-UNIT", "analysis.transient.duration", "time"),
    ("duration: 1 s", "trace: absent.csv", "E-FILE", None, "no such file"),
    ("cell: 10 mm", "scheme: implicit_euler", "E-MISSING", "analysis.transient", "set the step"),
    ("cell: 10 mm", "throttle: {die: 105 W}", "E-VALUE", "analysis.transient.throttle.die", "h100"),
    ("cell: 10 mm", "throttle: {dye: 105 degC}", "E-NAME", "analysis.transient", "did you mean die"),
    ("max of die", "mean of die", "E-VALUE", "outputs", "final_mean"),
    ("max of die", "throttled of die", "E-NAME", "outputs.peak", "no throttle"),
]


@pytest.mark.parametrize(("old", "new", "code", "field", "text"), TRANSIENT_ERRORS)
def test_error_of_a_transient_study(
    tmp_path: Path, old: str, new: str, code: str, field: str | None, text: str
) -> None:
    assert old in TRANSIENT
    file = write_study(tmp_path, TRANSIENT.replace(old, new, 1))
    with pytest.raises(DescriptionError) as error:
        load_study(file).check()
    diagnostic = error.value.diagnostics[0]
    assert diagnostic.code == code
    assert field is None or diagnostic.field == field
    assert text in diagnostic.message + diagnostic.hint


def test_a_trace_that_never_ends_needs_a_duration(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("#! after: hold\ntime [s],die [W]\n0,5\n1,6\n")
    text = TRANSIENT.replace("duration: 1 s", "trace: trace.csv")
    (diagnostic,) = errors_of(tmp_path, text)
    assert "duration is required" in diagnostic.message


def test_a_part_without_a_limit_has_no_margin(tmp_path: Path) -> None:
    file = write_study(tmp_path, STUDY.replace("max of die", "margin of die"))
    slab = tmp_path / "slab.yaml"
    slab.write_text(slab.read_text().replace("    limit: 85 degC\n", ""))
    with pytest.raises(DescriptionError, match="die has no limit") as error:
        load_study(file).check()
    assert error.value.diagnostics[0].line == 6


def test_a_package_is_not_a_study(tmp_path: Path) -> None:
    write_study(tmp_path)
    with pytest.raises(DescriptionError, match="not a study"):
        ts.read_study(tmp_path / "slab.yaml")
    (tmp_path / "list.yaml").write_text("[1, 2]\n")
    with pytest.raises(DescriptionError, match="not a mapping"):
        ts.read_study(tmp_path / "list.yaml")


def test_several_errors_are_reported_together(tmp_path: Path) -> None:
    text = STUDY.replace("layers.body", "layers.bodi").replace("convection.h:", "convection.hh:")
    codes = [diagnostic.line for diagnostic in errors_of(tmp_path, text)]
    assert sorted(codes) == [3, 4]


def test_a_study_from_python_and_from_its_file_are_equal(tmp_path: Path) -> None:
    study = ts.read_study(write_study(tmp_path))
    made = ts.Study(
        package="slab.yaml",
        axes={
            "cooling.top.convection.h": {"name": "h", "from": "1 kW/m2/K", "to": "4 kW/m2/K", "steps": 4},
            "stacks.die.layers.body.power": {"name": "p", "values": ["5 W", "10 W", "20 W"]},
        },
        outputs={"peak": "max of die", "mean": "mean of die.body"},
        analysis={"steady": {"cell": "10 mm"}},
    )
    assert study_text(study) == study_text(made)
    assert copy.deepcopy(study).case(5) == study.case(5)


OPTIONS = """\
package: slab.yaml
set: {cooling.top.convection.ambient: 30 degC}
axes:
  stacks.die.layers.body.power: {nominal: 5 W, plus: 1 W, minus: 10 %}
  stacks.die.layers.body.thickness: {mean: 1 mm, deviation: 0.1 mm, min: 0.5 mm, name: t}
  cooling.top.convection.h: {median: 1 kW/m2/K, factor: 1.2, also: cooling.bottom.convection.h}
  materials.slab.conductivity: {from: 10 W/m/K, to: 20 W/m/K, scale: log}
  stacks.die.size: {values: {small: [5 mm, 5 mm], large: [9 mm, 9 mm]}}
design: {saltelli: {samples: 8, seed: 3, second_order: true}}
outputs: {peak: {value: max of die, unit: degC}, rise: peak - 30}
analysis:
  transient: {duration: 1 s, cell: {die.body.z: 0.1 mm}, from: 1 ms, initial: 30 degC, step: 1 ms,
    scheme: implicit_euler, throttle: {die: 95 degC}}
fields: {cases: [1, 2]}
"""


@pytest.mark.parametrize("text", [STUDY, TRANSIENT, OPTIONS])
def test_the_text_of_a_study_is_the_same_study(tmp_path: Path, text: str) -> None:
    study = ts.read_study(write_study(tmp_path, text))
    again = load_study(json.loads(study_text(study))).study
    assert study_text(again) == study_text(study)
    assert list(again.axes) == list(study.axes)
    assert list(again.outputs) == list(study.outputs)


def test_schema_lists_the_keys_of_a_study() -> None:
    schema = study_schema()
    assert {"package", "set", "axes", "design", "outputs", "analysis", "fields"} <= set(schema["properties"])
    assert set(schema["required"]) == {"package", "axes", "outputs"}
    assert {"FullFactorial", "Sobol", "Saltelli", "RangeAxis", "NormalAxis", "TransientAnalysis"} <= set(
        schema["$defs"]
    )
    assert "from" in schema["$defs"]["RangeAxis"]["properties"]
