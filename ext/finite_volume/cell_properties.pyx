"""Material properties of one plane of cells: constants of each part, and values of temperature laws."""


def expand(const unsigned short[:, ::1] part, const double[:, ::1] table, double[:, :, ::1] out):
    """Set out (values, ny, nx) to the column of the table (values, parts) for the part of each cell (ny, nx)."""
    cdef Py_ssize_t n, j, i
    with nogil:
        for n in range(out.shape[0]):
            for j in range(part.shape[0]):
                for i in range(part.shape[1]):
                    out[n, j, i] = table[n, part[j, i]]


def gather(const unsigned short[:, ::1] part, const unsigned short[::1] law, const double[:, ::1] temperature,
           double zero, int[::1] cell, double[::1] kelvin, Py_ssize_t[::1] start):
    """Sort the cells by the temperature law of their part, numbered from 1; cells of parts with law 0 are left out.

    Sets cell (ny nx,) to the index of each cell in the raveled plane, ascending within a law, kelvin (ny nx,) to
    its temperature plus zero, and start (laws + 2,): the cells of law n are the entries start[n - 1] to start[n].
    """
    cdef Py_ssize_t n, j, i, entry
    with nogil:
        start[:] = 0
        for j in range(part.shape[0]):
            for i in range(part.shape[1]):
                n = law[part[j, i]]
                if n > 0:
                    start[n + 1] += 1
        for n in range(1, start.shape[0]):
            start[n] += start[n - 1]
        for j in range(part.shape[0]):
            for i in range(part.shape[1]):
                n = law[part[j, i]]
                if n > 0:
                    entry = start[n]
                    cell[entry] = <int> (j * part.shape[1] + i)
                    kelvin[entry] = temperature[j, i] + zero
                    start[n] = entry + 1


def scatter(const int[::1] cell, const double[:] values, double[::1] out):
    """Set out (ny nx,) at the index of each cell (n,) to its value (n,)."""
    cdef Py_ssize_t n
    with nogil:
        for n in range(cell.shape[0]):
            out[cell[n]] = values[n]
