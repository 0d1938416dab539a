/* Conversion between the natural order (nz, ny, nx) of a field and the rows of even and odd columns. */
#ifndef THERMOSTACK_ROW_LAYOUT_H
#define THERMOSTACK_ROW_LAYOUT_H

#include "simd.h"

/* even and odd = a line of a field in natural order, multiplied by a factor. */
INLINE deinterleave(int nx, double factor, const double *restrict line, real *restrict even, real *restrict odd)
{
    for (int m = 0; m < nx / 2; ++m) {
        even[m] = (real)(factor * line[2 * m]);
        odd[m] = (real)(factor * line[2 * m + 1]);
    }
    if (nx % 2)
        even[nx / 2] = (real)(factor * line[nx - 1]);
}

/* line = the values of even and odd columns in natural order. */
INLINE interleave(int nx, const real *restrict even, const real *restrict odd, real *restrict line)
{
    for (int m = 0; m < nx / 2; ++m) {
        line[2 * m] = even[m];
        line[2 * m + 1] = odd[m];
    }
    if (nx % 2)
        line[nx - 1] = even[nx / 2];
}

/* even and odd = scale rhs along one line. */
CLONED line_deinterleave(int nx, double scale, const double *rhs, real *even, real *odd)
{
    deinterleave(nx, scale, rhs, even, odd);
}

/* Temperatures of a line of cells and of its neighbours. Where there is no neighbour to the south, north, below or
 * above, its temperature is that of the cell itself and the conductance to it may have any value. Boundary
 * conductances belong to `boundary_cells` cells of the numbers `cell`; the line's first cell has number `first`. */
typedef struct {
    const double *t, *t_s, *t_n, *t_b, *t_a;
    int boundary_cells;
    ptrdiff_t first;
    const ptrdiff_t *cell;
    const double *boundary;
} line_values;

/* The conductances of an operator in natural order are float32 or float64. */
#define COND float
#include "linear/operator_rows.h"
#undef COND
#define COND double
#include "linear/operator_rows.h"
#undef COND
#define OWN(name) LINES_NAME(name, REAL) /* the version of the precision of this module */

/* Five lines of conductances in natural order: to the west and east, south, north, below and above. */
enum { ALONG, SOUTH, NORTH, BELOW, ABOVE, FACES };

/* Copy the conductances of line k of a row into `faces`, lines of 2 width values in natural order. The faces
 * below line k are the faces above line k - 1. */
CLONED row_faces(int k, int nz, int width, int nx, const real *g_x, const real *g_s, const real *g_n,
                 const real *g_z, real *faces)
{
    const size_t half = (size_t)nz * width, o = (size_t)k * width, line = 2 * (size_t)width;
    if (k > 0)
        memcpy(faces + BELOW * line, faces + ABOVE * line, sizeof(real) * line);
    interleave(nx, g_x + o, g_x + half + o, faces + ALONG * line);
    interleave(nx, g_s + o, g_s + half + o, faces + SOUTH * line);
    interleave(nx, g_n + o, g_n + half + o, faces + NORTH * line);
    interleave(nx, g_z + o, g_z + half + o, faces + ABOVE * line);
}

#endif
