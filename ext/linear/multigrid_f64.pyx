"""Column multigrid in float64, for problems beyond the accuracy of float32."""

cdef extern from *:
    "#define REAL double"
    ctypedef double real

include "natural_operator.pxi"
include "level_operator.pxi"
include "coarse_operator.pxi"
include "coarsening.pxi"
include "smoother.pxi"
include "restriction_prolongation.pxi"
include "smoothing_passes.pxi"
include "pcg_update.pxi"
