"""The application: the commands, and the help of the command line."""

from __future__ import annotations

from cyclopts import App, Parameter

from thermostack import __version__
from thermostack.cli.budget import budget
from thermostack.cli.check import check
from thermostack.cli.compare import compare
from thermostack.cli.jedec import jedec
from thermostack.cli.materials import materials
from thermostack.cli.matrix import matrix
from thermostack.cli.mesh import mesh
from thermostack.cli.new import new
from thermostack.cli.packages import packages
from thermostack.cli.plot import plot
from thermostack.cli.report import report
from thermostack.cli.runaway import runaway
from thermostack.cli.solve import solve
from thermostack.cli.sweep import sweep
from thermostack.cli.transient import transient
from thermostack.cli.unit_cell import unit_cell
from thermostack.cli.zoom import zoom
from thermostack.cli.zth import zth

app = App(
    name="thermostack",
    help="Temperatures of 2.5D and 3D chip packages, steady and over time, with error estimates.",
    help_epilogue="Exit codes: 0 success, 1 internal error, 2 bad input, 3 no solution found, "
    "or a limit exceeded with --fail-on-limit, 4 not enough memory, 5 a file cannot be written, "
    "6 a damaged result file, 130 interrupted.",
    version=__version__,
    help_format="plaintext",
    default_parameter=Parameter(show_default=False, negative=()),
)
commands = (
    solve,
    transient,
    zth,
    matrix,
    budget,
    runaway,
    jedec,
    mesh,
    check,
    plot,
    compare,
    zoom,
    sweep,
    report,
    materials,
    unit_cell,
    packages,
    new,
)
for command in commands:
    app.command(command)
