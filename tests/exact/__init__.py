"""Reference solutions that share no code with thermostack: closed forms and series, in SI units.

Each module is one solution with its source in the docstring. They import numpy and scipy alone, so that
an error in the package cannot hide in its own yardstick.
"""
