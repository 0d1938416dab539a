"""Small inputs on power and blocks that once gave a wrong result without a message, with the right result."""

from __future__ import annotations

from pathlib import Path

import pytest

from thermostack import DescriptionError, read_package
from thermostack.cli.main import main

CASES = Path(__file__).parent / "cases"


def test_block_under_two_names_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(CASES / "overlapping_blocks.yaml")
    assert main(["solve", file, "--no-save"]) == DescriptionError.exit_code
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"{file}:10:28: stacks.plate.layers.top.power.floorplan: ")
    assert "'core0_copy' overlaps block 'core0' from (20 mm, 20 mm) to (120 mm, 120 mm)" in line
    assert line.endswith("[E-OVERLAP]")


def test_block_under_two_names_adds_where_this_is_declared() -> None:
    package = read_package(
        CASES / "overlapping_blocks.yaml", {"stacks.plate.layers.top.power.overlap": "add"}
    )
    assert package.power == 4.0
