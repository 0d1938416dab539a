"""Diagnostics of invalid descriptions: line, field, value and hint.

The number in the name of a case is the row of the table of faults that it comes from.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cost import count_calls

from thermostack import DescriptionError, Diagnostic
from thermostack.io.description.package_file import read_package
from thermostack.io.description.yaml_nodes import parse_yaml

GOOD = """\
package: good
about: two dies on an interposer
materials:
  tim_x: {conductivity: 4 W/m/K}
  bumps: {bump_array: {bump: copper, fill: silicon, diameter: 80 um, pitch: 150 um}}
stacks:
  substrate:
    size: [20 mm, 20 mm]
    layers:
      - {name: laminate, thickness: 1.4 mm, material: silicon}
  interposer:
    on: substrate
    at: [2 mm, 2 mm]
    size: [16 mm, 16 mm]
    filler: silicon
    layers:
      - {name: c4, thickness: 70 um, material: bumps}
      - {name: silicon, thickness: 100 um, material: silicon}
  gpu:
    on: interposer
    at: [1 mm, 1 mm]
    size: [8 mm, 10 mm]
    layers:
      - {name: active, thickness: 1 um, material: silicon, power: 50 W}
      - {name: bulk, thickness: 715 um, material: silicon}
      - {name: tim, thickness: 30 um, material: tim_x, interface: {top: 1 mm2 K/W}}
  hbm:
    on: interposer
    copies: {a: [10 mm, 1 mm], b: [10 mm, 8 mm]}
    size: [5 mm, 5 mm]
    layers:
      - {name: base, thickness: 60 um, material: silicon}
      - repeat:
          times: 3
          layers:
            - {name: gap, thickness: 10 um, material: tim_x}
            - {name: core, thickness: 50 um, material: silicon, power: 0.5 W}
  lid:
    on: [gpu, hbm]
    at: [0 mm, 0 mm]
    size: [16 mm, 16 mm]
    gap_fill: tim_x
    layers:
      - {name: copper, thickness: 1 mm, material: copper}
cooling:
  top: {cold_plate: {h: 25000 W/m2/K, coolant: 40 degC}}
  bottom: {convection: {h: 15 W/m2/K, ambient: 35 degC}}
"""


class Case(NamedTuple):
    """A change of the good file, and the message it must lead to."""

    old: str
    new: str
    line: int
    field: str
    code: str
    words: tuple[str, ...]  # of message and remedy


CASES = {
    "1-thickness-in-m": Case(
        "thickness: 715 um", "thickness: 775 m", 25, "stacks.gpu.layers.bulk.thickness", "E-SLIP",
        ("775 m is outside", "did you mean 775 um?"),
    ),
    "1-thickness-tiny": Case(
        "thickness: 715 um", "thickness: 0.000775 um", 25, "stacks.gpu.layers.bulk.thickness", "E-SLIP",
        ("0.775 nm", "outside 10 nm to 100 mm", "did you mean 775 nm"),
    ),
    "1-thickness-naked": Case(
        "thickness: 715 um", "thickness: 715", 25, "stacks.gpu.layers.bulk.thickness", "E-UNIT",
        ("715 has no unit", "expected a length", '"50 um"'),
    ),
    "2-die-of-26-m": Case(
        "size: [8 mm, 10 mm]", "size: [26 m, 10 mm]", 22, "stacks.gpu.size[0]", "E-SLIP",
        ("26 m", "did you mean 26 mm?"),
    ),
    "3-conductivity-zero": Case(
        "{conductivity: 4 W/m/K}", "{conductivity: 0 W/m/K}", 4, "materials.tim_x.conductivity", "E-RANGE",
        ("0 W/m/K is not greater than zero",),
    ),
    "3-conductivity-negative": Case(
        "{conductivity: 4 W/m/K}", "{conductivity: -4 W/m/K}", 4, "materials.tim_x.conductivity", "E-RANGE",
        ("-4 W/m/K", "did you mean 4 W/m/K?"),
    ),
    "3-conductivity-nan": Case(
        "{conductivity: 4 W/m/K}", "{conductivity: .nan}", 4, "materials.tim_x.conductivity", "E-RANGE",
        ("nan is not a finite",),
    ),
    "3-conductivity-inf": Case(
        "{conductivity: 4 W/m/K}", "{conductivity: .inf}", 4, "materials.tim_x.conductivity", "E-RANGE",
        ("inf is not a finite",),
    ),
    "3-conductivity-1e3": Case(
        "{conductivity: 4 W/m/K}", "{conductivity: 1e3}", 4, "materials.tim_x.conductivity", "E-UNIT",
        ("1000.0 has no unit", "expected a conductivity"),
    ),
    "3-conductivity-of-another-kind": Case(
        "{conductivity: 4 W/m/K}", "{conductivity: 4 W/K}", 4, "materials.tim_x.conductivity", "E-UNIT",
        ('"4 W/K" is a conductance', '"150 W/m/K"'),
    ),
    "5-thickness-zero": Case(
        "thickness: 715 um", "thickness: 0 um", 25, "stacks.gpu.layers.bulk.thickness", "E-RANGE",
        ("0 um is not greater than zero",),
    ),
    "5-thickness-negative": Case(
        "thickness: 715 um", "thickness: -50 um", 25, "stacks.gpu.layers.bulk.thickness", "E-RANGE",
        ("-50 um is not greater than zero", "did you mean 50 um?"),
    ),
    "5-thickness-nan": Case(
        "thickness: 715 um", "thickness: .nan", 25, "stacks.gpu.layers.bulk.thickness", "E-RANGE",
        ("nan is not a finite length",),
    ),
    "6-no-path-to-any-ambient": Case(
        "cold_plate: {h: 25000 W/m2/K, coolant: 40 degC}}\n  bottom: {convection: {h: 15 W/m2/K",
        "adiabatic: {}}\n  bottom: {convection: {h: 0 W/m2/K", 45, "cooling", "E-COOLING",
        ("no face has an ambient or fixed temperature", "convection"),
    ),
    "8-dies-overlap": Case(
        "at: [1 mm, 1 mm]", "at: [3 mm, 1 mm]", 29, "stacks.hbm", "E-OVERLAP",
        ("hbm.a overlaps gpu", "(12 mm, 3 mm)", "(13 mm, 8 mm)"),
    ),
    "9-die-outside-by-1-um": Case(
        "b: [10 mm, 8 mm]", "b: [11.001 mm, 8 mm]", 29, "stacks.hbm", "E-OUTSIDE",
        ("hbm.b extends beyond interposer by 1 um to the east", "move it"),
    ),
    "9-die-wholly-outside": Case(
        "at: [2 mm, 2 mm]", "at: [2 mm, 22 mm]", 11, "stacks.interposer", "E-OUTSIDE",
        ("interposer extends beyond substrate by 18 mm to the north",),
    ),
    "10-gap": Case(
        "    gap_fill: tim_x\n", "", 38, "stacks.lid", "E-GAP",
        ("a gap of 506 um separates lid from hbm.a and hbm.b, because it rests on gpu", "gap_fill", "void"),
    ),
    "11-layer-twice": Case(
        "name: bulk", "name: active", 25, "stacks.gpu.layers[1]", "E-DUPLICATE",
        ("'active' is used twice", "first in line 24"),
    ),
    "12-key-twice": Case(
        "    at: [1 mm, 1 mm]\n", "    at: [1 mm, 1 mm]\n    at: [1 mm, 2 mm]\n", 22, "stacks.gpu.at",
        "E-DUPLICATE", ("is given twice", "first in line 21"),
    ),
    "12-stack-twice": Case(
        "  hbm:\n", "  gpu:\n", 27, "stacks.gpu", "E-DUPLICATE", ("is given twice", "first in line 19"),
    ),
    "13-unknown-key": Case(
        "{conductivity: 4 W/m/K}", "{conductvity: 4 W/m/K}", 4, "materials.tim_x.conductvity", "E-KEY",
        ("unknown key 'conductvity'", "did you mean conductivity?"),
    ),
    "13-unknown-key-of-a-layer": Case(
        "power: 50 W", "powr: 50 W", 24, "stacks.gpu.layers.active.powr", "E-KEY", ("did you mean power?",),
    ),
    "13-unknown-key-in-a-mixture": Case(
        "pitch: 150 um", "pitch: 150 um, height: 70 um", 5, "materials.bumps.bump_array.height", "E-KEY",
        ("unknown key 'height'", "the keys are bump, fill"),
    ),
    "13-unknown-key-at-the-top": Case(
        "about:", "abuot:", 2, "abuot", "E-KEY", ("did you mean about?",),
    ),
    "13-unknown-face": Case(
        "  bottom:", "  botom:", 47, "cooling.botom", "E-KEY", ("did you mean bottom?",),
    ),
    "13-unknown-cooler": Case(
        "{convection:", "{convecton:", 47, "cooling.bottom.convecton", "E-KEY",
        ("unknown kind 'convecton'", "exactly one of adiabatic", "did you mean convection?"),
    ),
    "13-microchannels": Case(
        "bottom: {convection: {h: 15 W/m2/K,", "bottom: {microchannels: {flow: 0.9,", 47,
        "cooling.bottom.microchannels", "E-KEY",
        ("unknown kind 'microchannels'", "(give the heat-transfer coefficient of the channels"),
    ),
    "13-word-of-another-program": Case(
        "{convection: {h: 15 W/m2/K, ambient: 35 degC}}", "{isothermal: {temperature: 35 degC}}", 47,
        "cooling.bottom.isothermal", "E-KEY", ("(did you mean fixed_temperature?)",),
    ),
    "13-empty-stack": Case(
        "cooling:\n", "  other:\ncooling:\n", 45, "stacks.other", "E-TYPE",
        ("an empty value (null) is not a stack", "size, layers"),
    ),
    "1-decimal-comma": Case(
        "power: 50 W}", "power: 20,5 W}", 24, "stacks.gpu.layers.power", "E-UNIT",
        ("`20,5 W` has a comma in its number", "write a decimal point, 20.5 W"),
    ),
    "1-decimal-comma-in-a-list": Case(
        "size: [8 mm, 10 mm]", "size: [8,5 mm, 10 mm]", 22, "stacks.gpu.size", "E-UNIT",
        ("`8,5 mm` has a comma in its number", "write a decimal point, 8.5 mm"),
    ),
    "1-comma-between-thousands": Case(
        "h: 15 W/m2/K, ambient", "h: 12,000 W/m2/K, ambient", 47, "cooling.bottom.convection.h", "E-UNIT",
        ("`12,000 W/m2/K`", "write 12000 W/m2/K without separators, or 12.000 W/m2/K with a decimal point"),
    ),
    "1-decimal-comma-in-a-line": Case(
        "  bottom: {convection: {h: 15 W/m2/K, ambient: 35 degC}}",
        "  bottom:\n    convection:\n      h: 15,5 W/m2/K\n      ambient: 35 degC", 49,
        "cooling.bottom.convection.h", "E-UNIT", ("write a decimal point, 15.5 W/m2/K",),
    ),
    "13-unknown-mixture": Case(
        "{bump_array:", "{bump_aray:", 5, "materials.bumps.bump_aray", "E-KEY", ("did you mean bump_array?",),
    ),
    "13-unknown-key-of-repeat": Case(
        "times: 3", "time: 3", 34, "stacks.hbm.layers[1].repeat.time", "E-KEY", ("did you mean times?",),
    ),
    "13-repeat-with-company": Case(
        "      - repeat:", "      - name: x\n        repeat:", 33, "stacks.hbm.layers.x.name", "E-KEY",
        ("a repeat has no other keys",),
    ),
    "14-missing-key": Case(
        "material: tim_x, interface", "interface", 26, "stacks.gpu.layers.tim.material", "E-MISSING",
        ("is missing",),
    ),
    "14-missing-size": Case(
        "    size: [8 mm, 10 mm]\n", "", 19, "stacks.gpu.size", "E-MISSING", ("is missing",),
    ),
    "14-missing-position": Case(
        "    at: [1 mm, 1 mm]\n", "", 19, "stacks.gpu.at", "E-MISSING",
        ("position on interposer is missing", "at: [2.5 mm, 8 mm]"),
    ),
    "14-missing-cooling": Case(
        "cooling:", "coling:", 1, "cooling", "E-MISSING", ("is missing",),
    ),
    "14-list-for-a-number": Case(
        "thickness: 715 um", "thickness: [715 um]", 25, "stacks.gpu.layers.bulk.thickness", "E-TYPE",
        ("['715 um'] is not a length",),
    ),
    "14-one-number-for-two": Case(
        "size: [8 mm, 10 mm]", "size: 8 mm", 22, "stacks.gpu.size", "E-TYPE",
        ("'8 mm' is not a pair of lengths", "[2.5 mm, 8 mm]"),
    ),
    "14-number-for-a-name": Case(
        "name: bulk", "name: 12", 25, "stacks.gpu.layers[1].name", "E-TYPE",
        ("12 is not a name", "put it in quotes"),
    ),
    "14-number-for-a-text": Case(
        "about: two dies on an interposer", "about: 5", 2, "about", "E-TYPE", ("5 is not a text", "quotes"),
    ),
    "14-text-for-a-mapping": Case(
        "interface: {top: 1 mm2 K/W}", "interface: thin", 26, "stacks.gpu.layers.tim.interface", "E-TYPE",
        ("'thin' is not an interface", "top, bottom"),
    ),
    "14-list-of-stacks": Case(
        "  lid:\n    on: [gpu, hbm]\n", "  lid:\n   - on: [gpu, hbm]\n", 40, "", "E-YAML", ("not YAML",),
    ),
    "14-two-coolers-in-one": Case(
        "top: {cold_plate", "top: {adiabatic: {}, cold_plate", 46, "cooling.top", "E-TYPE",
        ("expected exactly one of", "got adiabatic and cold_plate"),
    ),
    "14-list-for-a-material": Case(
        "filler: silicon", "filler: [silicon]", 15, "stacks.interposer.filler", "E-TYPE",
        ("got ['silicon']", "expected a name or exactly one of via_array"),
    ),
    "14-flip-maybe": Case(
        "    at: [1 mm, 1 mm]\n", "    at: [1 mm, 1 mm]\n    flip: maybe\n", 22, "stacks.gpu.flip", "E-TYPE",
        ("'maybe' is neither true nor false",),
    ),
    "14-rotate-by-45": Case(
        "    at: [1 mm, 1 mm]\n", "    at: [1 mm, 1 mm]\n    rotate: 45\n", 22, "stacks.gpu.rotate", "E-TYPE",
        ("45 is not 0, 90, 180 or 270",),
    ),
    "15-unknown-material": Case(
        "name: bulk, thickness: 715 um, material: silicon", "name: bulk, thickness: 715 um, material: silicn",
        25, "stacks.gpu.layers.bulk.material", "E-NAME", ("'silicn'", "did you mean silicon"),
    ),
    "15-chemical-symbol": Case(
        "filler: silicon", "filler: Si", 15, "stacks.interposer.filler", "E-NAME",
        ("no material is named 'Si'", "(did you mean silicon?)"),
    ),
    "15-common-name-in-a-mixture": Case(
        "bump: copper", "bump: Cu", 5, "materials.bumps.bump_array.bump", "E-NAME", ("did you mean copper?",),
    ),
    "15-unknown-material-in-a-mixture": Case(
        "bump: copper", "bump: coper", 5, "materials.bumps.bump_array.bump", "E-NAME",
        ("'coper'", "did you mean copper"),
    ),
    "15-unknown-stack": Case(
        "on: substrate", "on: substrat", 12, "stacks.interposer.on", "E-NAME", ("did you mean substrate?",),
    ),
    "15-unknown-template": Case(
        "    size: [5 mm, 5 mm]\n", "    use: hbm3_8hh\n", 30, "stacks.hbm.use", "E-NAME",
        ("'hbm3_8hh'", "did you mean hbm3_8h"),
    ),
    "16-material-of-itself": Case(
        "fill: silicon", "fill: bumps", 5, "materials.bumps", "E-CYCLE", ("bumps of bumps",),
    ),
    "16-stacks-in-a-circle": Case(
        "  substrate:\n", "  substrate:\n    on: gpu\n    at: [0 mm, 0 mm]\n", 8,
        "stacks.substrate.on", "E-CYCLE",
        ("substrate on gpu on interposer on substrate",),
    ),
    "two-stacks-on-nothing": Case(
        "  gpu:\n    on: interposer\n    at: [1 mm, 1 mm]\n", "  gpu:\n", 19, "stacks.gpu", "E-GAP",
        ("gpu and substrate have no support", "on:"),
    ),
    "17-power-on-a-missing-block": Case(
        "power: 50 W", "power: {floorplan: plan.csv, powers: {coer: 5 W}}", 24,
        "stacks.gpu.layers.active.power.powers.coer", "E-POWER", ("no block is named 'coer'", "core"),
    ),
    "19-sum-of-powers": Case(
        "power: 50 W",
        "power: {blocks: [{name: a, at: [1 mm, 1 mm], size: [1 mm, 1 mm], power: 3 W}], total: 5 W}",
        24, "stacks.gpu.layers.active.power.total", "E-POWER", ("5 W is declared", "3 W", "scale_to"),
    ),
    "20-negative-power": Case(
        "power: 50 W", "power: -50 W", 24, "stacks.gpu.layers.active.power", "E-POWER",
        ("-50 W is negative", "allow_negative"),
    ),
    "21-block-outside": Case(
        "power: 50 W", "power: {blocks: {a: {at: [7.5 mm, 1 mm], size: [1 mm, 1 mm], power: 3 W}}}",
        24, "stacks.gpu.layers.active.power.blocks.a", "E-OUTSIDE",
        ("extends beyond its layer", "500 um to the east"),
    ),
    "21-block-naked-power": Case(
        "power: 50 W", "power: {blocks: {a: {at: [1 mm, 1 mm], size: [1 mm, 1 mm], power: 3}}}",
        24, "stacks.gpu.layers.active.power.blocks.a.power", "E-UNIT", ("3 has no unit", "expected a power"),
    ),
    "28-below-absolute-zero": Case(
        "coolant: 40 degC", "coolant: -300 degC", 46, "cooling.top.cold_plate.coolant", "E-UNIT",
        ("below absolute zero",),
    ),
    "28-absolute-zero": Case(
        "coolant: 40 degC", "coolant: 0 K", 46, "cooling.top.cold_plate.coolant", "E-RANGE",
        ("0 K is not above absolute zero", '"25 degC"'),
    ),
    "28-limit-of-zero-kelvin": Case(
        "    at: [1 mm, 1 mm]\n", "    at: [1 mm, 1 mm]\n    limit: -273.15 degC\n", 22, "stacks.gpu.limit",
        "E-RANGE", ("0 K is not above absolute zero",),
    ),
    "28-negative-kelvin": Case(
        "coolant: 40 degC", "coolant: -5 K", 46, "cooling.top.cold_plate.coolant", "E-UNIT",
        ("absolute zero",),
    ),
    "28-naked-temperature": Case(
        "coolant: 40 degC", "coolant: 40", 46, "cooling.top.cold_plate.coolant", "E-UNIT",
        ("40 has no unit", "expected a temperature", '"25 degC"'),
    ),
    "29-table-unsorted": Case(
        "{conductivity: 4 W/m/K}",
        "{conductivity: {table: {temperature: [300 K, 250 K], conductivity: [4 W/m/K, 5 W/m/K]}}}",
        4, "materials.tim_x.conductivity.table", "E-RANGE", ("temperature",),
    ),
    "35-interface-negative": Case(
        "top: 1 mm2 K/W", "top: -1 mm2 K/W", 26, "stacks.gpu.layers.tim.interface.top", "E-RANGE",
        ("-1 mm2 K/W is less than zero", "did you mean 1 mm2 K/W?"),
    ),
    "35-interface-on-no-face": Case(
        "top: 1 mm2 K/W", "side: 1 mm2 K/W", 26, "stacks.gpu.layers.tim.interface.side", "E-KEY",
        ("unknown key 'side'", "the keys are top, bottom"),
    ),
    "cooler-with-two-laws": Case(
        "{h: 25000 W/m2/K, coolant", "{h: 25000 W/m2/K, resistance: 3 K/W, coolant", 46,
        "cooling.top.cold_plate", "E-COOLING", ("exactly one of resistance and h",),
    ),
    "cooler-base-on-a-side": Case(
        "  bottom: {convection: {h: 15 W/m2/K, ambient: 35 degC}}",
        "  west: {heat_sink: {h: 15 W/m2/K, ambient: 35 degC, base: {material: copper, thickness: 1 mm}}}",
        47, "cooling.west.heat_sink.base", "E-COOLING", ("a base needs the whole top or bottom face",),
    ),
    "two-positions": Case(
        "    at: [1 mm, 1 mm]\n", "    at: [1 mm, 1 mm]\n    center: [5 mm, 6 mm]\n", 22, "stacks.gpu.center",
        "E-VALUE", ("has both `at` and `center`",),
    ),
    "embedded-too-deep": Case(
        "  gpu:\n    on: interposer", "  gpu:\n    inside: interposer", 19, "stacks.gpu", "E-OUTSIDE",
        ("gpu extends 576 um below interposer", "reduce depth"),
    ),
    "frame-too-wide": Case(
        "    at: [1 mm, 1 mm]\n", "    at: [1 mm, 1 mm]\n    frame: 4 mm\n", 22, "stacks.gpu.frame",
        "E-VALUE",
        ("a frame of 4 mm has no opening", "less than 4 mm"),
    ),
    "region-outside": Case(
        "material: silicon, power: 50 W",
        "material: silicon, regions: {r: {at: [7 mm, 0 mm], size: [2 mm, 1 mm], material: copper}}",
        24, "stacks.gpu.layers.active.regions.r", "E-OUTSIDE",
        ("extends beyond its layer by 1 mm to the east",),
    ),
    "void-heated": Case(
        "material: silicon, power: 50 W", "material: void, power: 50 W", 24,
        "stacks.gpu.layers.active.power", "E-POWER", ("a void layer cannot have a power",),
    ),
    "repeat-no-times": Case(
        "times: 3", "times: 0", 34, "stacks.hbm.layers[1].repeat.times", "E-RANGE",
        ("0 is not a number of repeats",),
    ),
    "repeat-without-end": Case(
        "times: 3", "times: 1000000000", 33, "stacks.hbm.layers[1].repeat", "E-RANGE", ("more than",),
    ),
    "copies-without-names": Case(
        "copies: {a: [10 mm, 1 mm], b: [10 mm, 8 mm]}", "copies: [[10 mm, 1 mm]]", 29, "stacks.hbm.copies",
        "E-TYPE", ("mapping from names to positions",),
    ),
    "copy-with-a-bad-name": Case(
        "b: [10 mm, 8 mm]", "b c: [10 mm, 8 mm]", 29, "stacks.hbm.name", "E-NAME", ("'b c' is not a name",),
    ),
    "stack-with-a-bad-name": Case(
        "  gpu:\n", "  g p u:\n", 19, "stacks.g p u.name", "E-NAME", ("'g p u' is not a name",),
    ),
    "43-tab": Case("    size: [8 mm", "\tsize: [8 mm", 22, "", "E-YAML", ("tab", "indent with spaces")),
    "44-open-bracket": Case("35 degC}}\n", "35 degC}", 47, "", "E-YAML", ("file ends inside", "close")),
    "46-tag": Case(
        "about: two", "about: !!python/object/apply:os.system two", 2, "", "E-YAML",
        ("`!!python/object/apply:os.system` is not allowed",),
    ),
    "47-expression": Case(
        "thickness: 715 um", "thickness: __import__('os').getpid() um", 25,
        "stacks.gpu.layers.bulk.thickness",
        "E-UNIT", ("does not begin with a number",),
    ),
    "48-file-above": Case(
        "power: 50 W", "power: {floorplan: ../plan.csv}", 24, "stacks.gpu.layers.active.power.floorplan",
        "E-FILE", ("outside the directory", "--allow-include-root"),
    ),
    "48-absolute-file": Case(
        "    size: [5 mm, 5 mm]\n", "    use: /etc/passwd\n", 30, "stacks.hbm.use", "E-FILE", ("outside",),
    ),
    "48-address": Case(
        "power: 50 W", "power: {floorplan: 'http://example.org/plan.csv'}", 24,
        "stacks.gpu.layers.active.power.floorplan", "E-FILE", ("is not a local file",),
    ),
    "48-missing-file": Case(
        "power: 50 W", "power: {floorplan: plan.cvs}", 24, "stacks.gpu.layers.active.power.floorplan",
        "E-FILE",
        ("there is no file 'plan.cvs'", "did you mean plan.csv?"),
    ),
    "51-pickle": Case(
        "power: 50 W", "power: {map: objects.npy}", 24, "stacks.gpu.layers.active.power.map", "E-FILE",
        ("objects.npy",),
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a directory with a floorplan and an array of objects in it."""
    (tmp_path / "plan.csv").write_text("name,x [mm],y [mm],width [mm],height [mm]\ncore,1,1,2,2\n")
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "good.yaml"
    path.write_text(text)
    return path


def diagnostics_of(path: Path, **more: object) -> DescriptionError:
    with pytest.raises(DescriptionError) as caught:
        read_package(path, **more)  # type: ignore[arg-type]
    return caught.value


def test_good_file_is_read(folder: Path) -> None:
    package = read_package(write(folder, GOOD))
    assert [stack.name for stack in package.stacks] == [
        "substrate",
        "interposer",
        "gpu",
        "hbm.a",
        "hbm.b",
        "lid",
    ]
    assert not package.diagnostics


@pytest.mark.parametrize("name", CASES)
def test_message(folder: Path, name: str) -> None:
    case = CASES[name]
    assert case.old in GOOD
    path = write(folder, GOOD.replace(case.old, case.new, 1))
    error = diagnostics_of(path)
    found = [diagnostic for diagnostic in error.diagnostics if diagnostic.code == case.code]
    assert found, f"{case.code} is not among:\n{error}"
    diagnostic = found[0]
    assert (diagnostic.line, diagnostic.field) == (case.line, case.field), str(error)
    assert diagnostic.file == str(path)
    assert diagnostic.column
    for word in case.words:
        assert word in f"{diagnostic.message} ({diagnostic.hint})", str(error)
    assert str(diagnostic).startswith(f"{path}:{diagnostic.line}:{diagnostic.column}: ")
    assert str(diagnostic).endswith(f"[{case.code}]")
    assert error.exit_code == 2


def test_there_are_sixty_cases() -> None:
    assert len(CASES) >= 60


def test_all_diagnostics_of_a_file_are_reported_at_once(folder: Path) -> None:
    text = GOOD
    for name in ("1-thickness-naked", "3-conductivity-zero", "13-unknown-key-of-a-layer", "14-missing-key"):
        text = text.replace(CASES[name].old, CASES[name].new, 1)
    error = diagnostics_of(write(folder, text))
    assert [(diagnostic.line, diagnostic.code) for diagnostic in error.diagnostics] == [
        (4, "E-RANGE"),
        (24, "E-KEY"),
        (25, "E-UNIT"),
        (26, "E-MISSING"),
    ]


def test_names_and_positions_are_reported_together(folder: Path) -> None:
    text = GOOD
    for name in ("15-unknown-material", "8-dies-overlap", "6-no-path-to-any-ambient", "frame-too-wide"):
        text = text.replace(CASES[name].old, CASES[name].new, 1)
    codes = {diagnostic.code for diagnostic in diagnostics_of(write(folder, text)).diagnostics}
    assert codes >= {"E-NAME", "E-OVERLAP", "E-COOLING"}


def test_wrong_value_does_not_hide_wrong_name(folder: Path) -> None:
    text = GOOD.replace("thickness: 715 um", "thickness: 715").replace("filler: silicon", "filler: silicn")
    text = text.replace("on: interposer\n    at: [1 mm", "on: interpose\n    at: [1 mm")
    text = text.replace("material: tim_x, interface", "material: tim_y, interface")
    found = [
        (diagnostic.line, diagnostic.code, diagnostic.hint)
        for diagnostic in diagnostics_of(write(folder, text)).diagnostics
    ]
    assert [(line, code) for line, code, _ in found] == [
        (15, "E-NAME"),
        (20, "E-NAME"),
        (25, "E-UNIT"),
        (26, "E-NAME"),
    ]
    assert "silicon" in found[0][2]
    assert "interposer" in found[1][2]


def test_short_forms_and_values_are_reported_together(folder: Path) -> None:
    text = GOOD.replace("times: 3", "times: x").replace("thickness: 715 um", "thickness: 715")
    assert {diagnostic.code for diagnostic in diagnostics_of(write(folder, text)).diagnostics} == {
        "E-RANGE",
        "E-UNIT",
    }


def test_diagnostic_of_copied_stack_is_reported_once(folder: Path) -> None:
    text = GOOD.replace("thickness: 60 um", "thickness: 60").replace("power: 0.5 W", "power: 0.5 K")
    diagnostics = diagnostics_of(write(folder, text)).diagnostics
    assert [(diagnostic.line, diagnostic.field) for diagnostic in diagnostics] == [
        (32, "stacks.hbm.layers.base.thickness"),
        (37, "stacks.hbm.layers[1].repeat.layers.core.power"),
    ]


def test_fifty_diagnostics_are_shown(folder: Path) -> None:
    layers = "\n".join(f"      - {{name: l{n}, thickness: {n + 1}, material: silicon}}" for n in range(70))
    error = diagnostics_of(
        write(folder, GOOD.replace("      - {name: bulk", layers + "\n      - {name: bulk", 1))
    )
    assert len(error.diagnostics) == 70
    assert str(error).count("\n") == 50
    assert str(error).endswith("... and 20 more")


# -- files that are no descriptions ----------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "E-YAML", "is empty"),
        (b"# only a remark\n", "E-YAML", "is empty"),
        (b"---\n...\n", "E-YAML", "is empty"),
        (b"just words\n", "E-YAML", "is not a mapping"),
        (b"- a\n- b\n", "E-YAML", "is not a mapping"),
        (GOOD.encode("utf-16"), "E-YAML", "is not UTF-8 text"),
        (GOOD.encode("utf-16-le"), "E-YAML", "is not UTF-8 text"),
        (b"package: a\nabout: caf\xe9\n", "E-YAML", "byte 0xe9"),
        (b"package: a\nabout: \x01\n", "E-YAML", "U+0001 is not text"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "E-FILE", "is a program, not a description"),
        (b"PK\x03\x04\x14\x00", "E-FILE", "is a ZIP archive or a workbook, not a description"),
        (b"\x89HDF\r\n\x1a\n", "E-FILE", "is an HDF5 file, as results are, not a description"),
        (b"\x89PNG\r\n\x1a\n", "E-FILE", "is a PNG image, not a description"),
        (b"package: a\n---\npackage: b\n", "E-YAML", "a second document"),
        (b"package: &a [*b]\n", "E-YAML", "*b has no anchor"),
        (b"package: &a [*a]\n", "E-YAML", "*a has no anchor"),
        (b"? [a, b]\n: c\n", "E-YAML", "a key must be text"),
        (b'about: "\\U99999999"\n', "E-YAML", "is not YAML"),
    ],
)
def test_content_that_is_refused(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(content)
    (diagnostic,) = diagnostics_of(path).diagnostics
    assert (diagnostic.file, diagnostic.code) == (str(path), code)
    assert words in diagnostic.message


def test_invalid_byte_is_located(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(b"package: a\nabout: caf\xe9\n")
    (diagnostic,) = diagnostics_of(path).diagnostics
    assert (diagnostic.line, diagnostic.column) == (2, 11)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("about: two dies", "about: zwei Plättchen, 二つ"),
        lambda text: text.replace("gpu", "größe"),
        lambda text: text.replace("package: good", "--- # a remark\npackage: good"),
        lambda text: text.replace("{conductivity: 4 W/m/K}", "{conductivity: &k 4 W/m/K}"),
    ],
    ids=["bom", "crlf", "non-ascii", "non-ascii-name", "document", "anchor"],
)  # fmt: skip
def test_content_that_is_accepted(tmp_path: Path, change: object) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(change(GOOD).encode())  # type: ignore[operator]
    assert len(read_package(path).stacks) == 6


def test_paths_that_are_not_files(tmp_path: Path) -> None:
    assert "is a directory" in str(diagnostics_of(tmp_path))
    missing = diagnostics_of(tmp_path / "none.yaml")
    assert "cannot be read: no such file" in str(missing)
    assert [diagnostic.code for diagnostic in missing.diagnostics] == ["E-FILE"]
    (tmp_path / "locked.yaml").write_text(GOOD)
    assert "is not a regular file" in str(diagnostics_of(Path("/dev/null")))
    assert "cannot be read" in str(diagnostics_of(Path("a\0b.yaml")))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("assembly.3dbx", "is a 3Dblox assembly, not a description (write each chiplet as a stack"),
        ("chiplet.3dbv", "is a 3Dblox chiplet definition"),
        ("die.stk", "is a stack file of 3D-ICE, not a description (write its layers as a stack"),
        ("ev6.flp", "is a floorplan of HotSpot or 3D-ICE, not a description (write its blocks as CSV"),
        ("case.ecxml", "is an ECXML model (JEDEC JEP181), not a description"),
        ("GCC.PTRACE", "is a power trace of HotSpot"),
        ("plan.csv", "is a CSV table, not a description (name it in a description"),
        ("board.step", "is a STEP model"),
    ],
)
def test_file_of_another_program_is_recognised(tmp_path: Path, name: str, words: str) -> None:
    path = tmp_path / name
    path.write_text("package: {a: 1")
    (diagnostic,) = diagnostics_of(path).diagnostics
    assert (diagnostic.code, diagnostic.file) == ("E-FILE", str(path))
    assert words in str(diagnostic)


def test_link_to_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("case.yaml").symlink_to("moved/case.yaml")
    Path("case").symlink_to("case.yaml")
    Path("map.csv").symlink_to("gone.csv")
    message = "is a symbolic link to moved/case.yaml, which does not exist"
    assert message in str(diagnostics_of(Path("case.yaml")))
    assert "is a symbolic link to case.yaml, which does not exist" in str(diagnostics_of("case"))  # type: ignore[arg-type]
    other = write(tmp_path, GOOD.replace("power: 50 W", "power: {map: map.csv}"))
    (diagnostic,) = diagnostics_of(other).diagnostics
    assert "'map.csv' is a symbolic link to gone.csv, which does not exist" in diagnostic.message
    assert (diagnostic.code, diagnostic.line) == ("E-FILE", 24)


@pytest.mark.parametrize(
    "text", ["[1,2]", "{a: 1,b: 2}", "[1,2 ]", "{a: [5 mm,8 mm]}", "['1','5 W']", "[20,x5]"]
)
def test_commas_between_values_are_not_decimal_commas(text: str) -> None:
    parse_yaml(f"x: {text}\n", "f")


def test_null_is_the_value_of_a_field_that_is_not_set(folder: Path) -> None:
    path = write(folder, GOOD.replace("    at: [1 mm, 1 mm]\n", "    at: [1 mm, 1 mm]\n    limit: 90 degC\n"))
    assert read_package(path).stack("gpu").limit is not None
    for empty in ("null", "~", None):
        assert read_package(path, {"stacks.gpu.limit": empty}).stack("gpu").limit is None
    (diagnostic,) = diagnostics_of(path, overrides={"stacks.x": "null"}).diagnostics
    assert diagnostic.message == "an empty value (null) is not a stack"
    assert "is a comment in YAML" in str(diagnostics_of(path, overrides={"stacks.gpu.limit": "#5"}))


def test_unknown_package_name() -> None:
    error = diagnostics_of("hbm3_8hh")  # type: ignore[arg-type]
    assert "no shipped package is named 'hbm3_8hh' (did you mean hbm3_8h" in str(error)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "a: " + "[" * 3000,
        "[" * 100_000,
        "- " * 3000 + "x",
        "{a: " * 3000,
        "a:\n" + "\n".join(" " * n + "a:" for n in range(1, 300)),
        "a: " + "x" * 5 * 2**20,
        "a: [" + "x, " * 150_000 + "]",
        "? " * 5000,
        "&a " * 5000,
    ],
    ids=["aliases", "brackets", "many-brackets", "dashes", "braces", "indents", "large", "items",
         "keys", "anchors"],
)  # fmt: skip
def test_expensive_content_is_refused_at_bounded_cost(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cost follows the limit on the number of values, not the number of values in the text."""
    monkeypatch.setattr("thermostack.io.description.yaml_nodes.MAX_NODES", 5_000)
    path = tmp_path / "case.yaml"
    path.write_text(text)
    calls, error = count_calls(lambda: diagnostics_of(path))
    assert calls < 4_000_000
    assert error.diagnostics[0].code in ("E-YAML", "E-FILE")


def test_number_of_values_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("a: [" + "x, " * 100_000 + "]")
    (diagnostic,) = diagnostics_of(path).diagnostics
    assert (diagnostic.code, diagnostic.line) == ("E-YAML", 1)
    assert "more than 100000 values" in diagnostic.message


# -- from Python -----------------------------------------------------------------------------


def test_messages_from_python_are_the_same() -> None:
    from thermostack import Convection, Layer, Stack

    with pytest.raises(
        DescriptionError, match=r"Layer.thickness: -50 um is not greater than zero \(did you mean 50 um\?\)"
    ):
        Layer("bulk", -50e-6, "silicon")
    with pytest.raises(
        DescriptionError, match=r"Stack.size\[0\]: 26 m is outside .* \(did you mean 26 mm\?\)"
    ):
        Stack("gpu", (26.0, 0.01), ())
    with pytest.raises(
        DescriptionError, match=r'Convection.h: "5 W" is a power; expected a heat transfer coefficient'
    ):
        Convection("5 W", 300.0)  # type: ignore[arg-type]
    with pytest.raises(DescriptionError, match=r"Layer.thickness: nan is not a finite length"):
        Layer("bulk", float("nan"), "silicon")
    with pytest.raises(
        DescriptionError, match=r"Layer.material: expected a name or exactly one of via_array.*, got 5"
    ):
        Layer("bulk", 50e-6, 5)  # type: ignore[arg-type]


# -- whatever comes --------------------------------------------------------------------------


def read_or_refuse(path: Path) -> tuple[Diagnostic, ...]:
    """Return the faults of a description; any other exception fails the test."""
    try:
        read_package(path)
    except DescriptionError as error:
        return error.diagnostics
    return ()


def test_truncated_file_is_read_or_refused(folder: Path) -> None:
    text = GOOD[: GOOD.index("  hbm:")] + GOOD[GOOD.index("cooling:") :]
    path = folder / "good.yaml"
    for end in range(0, len(text), 7):
        path.write_text(text[:end])
        assert all(diagnostic.file == str(path) for diagnostic in read_or_refuse(path))


SIGNS = st.text(alphabet="{}[]:,-&*!|>'\"#%@` \t\n\x00\x85\u2028~<?aé0.", min_size=0, max_size=6)


@settings(max_examples=60)
@given(st.integers(0, len(GOOD)), st.integers(0, 40), SIGNS)
def test_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, cut: int, put: str
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "case.yaml"
    path.write_text(GOOD[:at] + put + GOOD[at + cut :], encoding="utf-8", newline="")
    assert all(diagnostic.code.startswith("E-") for diagnostic in read_or_refuse(path))


WORDS = [(found.start(), found.end()) for found in re.finditer(r"[\w.]+|[^\w\s]", GOOD)]
OTHERS = [
    "null",
    "[]",
    "{}",
    "1",
    "-1 mm",
    ".nan",
    "true",
    "[1, 2]",
    "{a: 1}",
    "''",
    "void",
    "gpu",
    "on",
    "use",
    ":",
]


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(OTHERS)), min_size=1, max_size=2))
def test_exchanged_words_are_read_or_refused_with_line(
    tmp_path_factory: pytest.TempPathFactory, exchanged: list[tuple[tuple[int, int], str]]
) -> None:
    text = GOOD
    for (start, end), other in sorted(exchanged, reverse=True):
        text = text[:start] + other + text[end:]
    path = tmp_path_factory.mktemp("words") / "case.yaml"
    path.write_text(text)
    for diagnostic in read_or_refuse(path):
        assert diagnostic.file == str(path)
        assert diagnostic.line
        assert "input" not in diagnostic.message.lower()  # a message of the library below, not one of ours


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "case.yaml"
    path.write_bytes(content)
    assert all(diagnostic.code.startswith("E-") for diagnostic in diagnostics_of(path).diagnostics)
