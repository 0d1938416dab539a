"""OpenMP itself: a kernel without NumPy, so that OpenMP can be loaded before all other kernels at little cost."""

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #define MAX_THREADS() omp_get_max_threads()
    #else
    #define MAX_THREADS() 1
    #endif
    """
    int MAX_THREADS() nogil


def max_threads():
    """Return the number of threads that a parallel loop has by default; one without OpenMP."""
    return MAX_THREADS()
