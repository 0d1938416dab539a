"""Leakage of the transistors of some process nodes: doubling temperature and usual share, with sources."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from thermostack.units import parse_quantity


@dataclass(frozen=True)
class LeakagePreset:
    """The leakage of a process node; each number has the source of its value.

    Parameters
    ----------
    name : str
        Name in a description: "finfet_7nm".
    about : str
        The transistors of the node in words.
    doubles_every : float
        Rise of temperature that doubles the leakage power [K].
    share : float
        Usual share of the leakage in the power of a busy die at 85 degC, for orientation only.
    doubles_every_source, share_source : str
        Sources, which begin with "computed" or "assumed".

    Examples
    --------
    >>> leakage_presets()["finfet_7nm"].doubles_every
    31.0
    """

    name: str
    about: str
    doubles_every: float
    share: float
    doubles_every_source: str
    share_source: str


@cache
def leakage_presets() -> dict[str, LeakagePreset]:
    """Return the presets by name."""
    text = files("thermostack.package").joinpath("leakage_presets.toml").read_text(encoding="utf-8")
    return {
        name: LeakagePreset(
            name,
            row["about"],
            parse_quantity(row["doubles_every"], "temperature_difference"),
            parse_quantity(row["share"], "fraction"),
            row["doubles_every_source"],
            row["share_source"],
        )
        for name, row in tomllib.loads(text).items()
    }
