"""Properties of the cells of one plane: of each cell's part, or of its law at the cell's temperature."""


def spread(const unsigned short[:, ::1] part, const double[:, ::1] table, double[:, :, ::1] out):
    """Set out (values, ny, nx) to what the table (values, parts) says of each cell's part."""
    cdef Py_ssize_t n, j, i
    with nogil:
        for n in range(out.shape[0]):
            for j in range(part.shape[0]):
                for i in range(part.shape[1]):
                    out[n, j, i] = table[n, part[j, i]]


def collect(const unsigned short[:, ::1] part, const unsigned short[::1] law, const double[:, ::1] temperature,
            double zero, int[::1] cell, double[::1] kelvin, Py_ssize_t[::1] start):
    """Sort the cells by the law of their part, laws from 1 on; those of 0 have none and are left out.

    Sets cell (ny nx,) to the index of each in the raveled plane, ascending within a law, kelvin (ny nx,) to its
    temperature plus zero, and start (laws + 2,): the cells of law n stand from start[n - 1] to start[n].
    """
    cdef Py_ssize_t n, j, i, place
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
                    place = start[n]
                    cell[place] = <int> (j * part.shape[1] + i)
                    kelvin[place] = temperature[j, i] + zero
                    start[n] = place + 1


def place(const int[::1] cell, const double[:] values, double[::1] out):
    """Set out of each of some cells to its value."""
    cdef Py_ssize_t n
    with nogil:
        for n in range(cell.shape[0]):
            out[cell[n]] = values[n]
