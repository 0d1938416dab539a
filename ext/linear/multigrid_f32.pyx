"""Column multigrid in float32, which preconditions conjugate gradients in float64."""

cdef extern from *:
    "#define REAL float"
    ctypedef float real

include "natural_operator.pxi"
include "level_operator.pxi"
include "coarse_operator.pxi"
include "coarsening.pxi"
include "smoother.pxi"
include "restriction_prolongation.pxi"
include "smoothing_passes.pxi"
include "pcg_update.pxi"
