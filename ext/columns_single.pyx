"""Columns in float32, for the cycle that only has to point the right way."""

cdef extern from *:
    "#define REAL float"
    ctypedef float real

include "columns.pxi"
include "pairs.pxi"
include "sweeps.pxi"
include "finest.pxi"
