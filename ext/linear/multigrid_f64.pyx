"""Columns in float64, for stacks on which float32 falls short."""

cdef extern from *:
    "#define REAL double"
    ctypedef double real

include "level_operator.pxi"
include "coarsening.pxi"
include "smoother.pxi"
include "fine_level.pxi"
