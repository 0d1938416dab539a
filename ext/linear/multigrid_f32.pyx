"""Columns in float32, for the cycle that only has to point the right way."""

cdef extern from *:
    "#define REAL float"
    ctypedef float real

include "level_operator.pxi"
include "coarsening.pxi"
include "smoother.pxi"
include "fine_level.pxi"
