"""Columns in float64, for stacks on which float32 falls short."""

cdef extern from *:
    "#define REAL double"
    ctypedef double real

include "columns.pxi"
include "pairs.pxi"
include "sweeps.pxi"
include "finest.pxi"
