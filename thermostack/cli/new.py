"""The command `new`: a copy of a shipped package to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from thermostack.cli.console import log
from thermostack.cli.options import Debug


def new(
    name: Annotated[str, Parameter(help="Name of the new package; its description is NAME.yaml.")],
    /,
    *,
    source: Annotated[str, Parameter(name="--from", help="A shipped package, or a description.")],
    overwrite: Annotated[bool, Parameter(help="Replace files that exist.")] = False,
    debug: Debug = False,
) -> None:
    """Write a copy of a shipped package with its comments and floorplans into this directory."""
    from thermostack.io.description.shipped_packages import copy_package

    written = copy_package(source, name, Path(), overwrites=overwrite)
    for path in written:
        log(f"{path} written")
    log(f"next: thermostack check {written[0]}")
