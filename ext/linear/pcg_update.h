/* Vector operations of the preconditioned conjugate gradients: scalar products, the new direction, the new
 * temperature and the new residual, row by row. */
#ifndef THERMOSTACK_PCG_UPDATE_H
#define THERMOSTACK_PCG_UPDATE_H

#include "row_operator.h"

/* Sums run over some lines of a row in the precision of the data and over these partial sums in float64; their
 * order depends on the size of the row alone. */
#define LINES_SUMMED(width) (1 + 32 * LANES / (width))

INLINE add_lanes(vec part, double *sum)
{
    for (int j = 0; j < LANES; ++j)
        sum[j] += (double)part[j];
}

static inline double total_of_lanes(const double *sum)
{
    double total = 0;
    for (int j = 0; j < LANES; ++j)
        total += sum[j];
    return total;
}

/* Add the contributions of the columns of one parity: z.r to out[0], z.Gz to out[1], z.Gp to out[2], the sum of
 * Gz to out[3]. The energies are sums over faces; each face belongs to the cell to its west, north or below. */
CLONED row_products(row_operator row, row_values z_row, row_values p_row, const real *r, double *out)
{
    UNPACK_OPERATOR(row)
    const real *const z = z_row.own, *const z_s = z_row.south, *const p = p_row.own, *const p_s = p_row.south;
    const real *const z_e = parity ? z_row.other + 1 : z_row.other;
    const real *const p_e = parity ? p_row.other + 1 : p_row.other;
    double sums[4][LANES] = {{0}};
    for (int begin = 0; begin < nz; begin += LINES_SUMMED(width)) {
        const int end = begin + LINES_SUMMED(width) < nz ? begin + LINES_SUMMED(width) : nz;
        vec zr = {0}, zgz = {0}, zgp = {0}, outflow = {0};
        for (int k = begin; k < end; ++k) {
            const size_t first = (size_t)k * width, above = k < nz - 1 ? width : 0;
            for (size_t o = first; o < first + width; o += LANES) {
                const vec c = AT(z + o), d = AT(p + o);
                const vec e = c - AT(z_e + o), s = c - AT(z_s + o), a = c - AT(z + o + above);
                const vec he = AT(g_e + o) * e, hs = AT(g_s + o) * s, ha = AT(g_z + o) * a;
                zr += c * AT(r + o);
                zgz += (he * e + hs * s) + ha * a;
                zgp += (he * (d - AT(p_e + o)) + hs * (d - AT(p_s + o))) + ha * (d - AT(p + o + above));
            }
            if (row.boundary_line[k] >= 0)
                for (size_t m = 0; m < (size_t)width; m += LANES) {
                    const vec c = AT(z + first + m), h = BOUNDARY(row, k, m) * c;
                    zgz += h * c;
                    zgp += h * AT(p + first + m);
                    outflow += h;
                }
        }
        add_lanes(zr, sums[0]);
        add_lanes(zgz, sums[1]);
        add_lanes(zgp, sums[2]);
        add_lanes(outflow, sums[3]);
    }
    for (int n = 0; n < 4; ++n)
        out[n] += total_of_lanes(sums[n]);
}

/* r -= alpha G p in the columns of one parity, by differences of p; their part of r.r is added to `squares`. */
CLONED row_pcg_residual(row_operator row, real alpha, row_values p_row, real *r, double *squares)
{
    UNPACK_OPERATOR(row)
    UNPACK_NEIGHBOURS(p_row)
    const real *const p = p_row.own;
    double sums[LANES] = {0};
    for (int begin = 0; begin < nz; begin += LINES_SUMMED(width)) {
        const int end = begin + LINES_SUMMED(width) < nz ? begin + LINES_SUMMED(width) : nz;
        vec square = {0};
        for (int k = begin; k < end; ++k) {
            const size_t first = (size_t)k * width, above = k < nz - 1 ? width : 0, below = k > 0 ? width : 0;
            /* The faces above the last line have no conductance and also serve as the faces below the first. */
            const real *g_b = k > 0 ? g_z - width : g_z + half - width;
            for (size_t o = first; o < first + width; o += LANES) {
                const vec c = AT(p + o);
                vec outflow = (AT(g_e + o) * (c - AT(t_e + o)) + AT(g_w + o) * (c - AT(t_w + o)))
                              + (AT(g_n + o) * (c - AT(t_n + o)) + AT(g_s + o) * (c - AT(t_s + o)));
                outflow += AT(g_z + o) * (c - AT(p + o + above)) - AT(g_b + o) * (AT(p + o - below) - c);
                if (row.boundary_line[k] >= 0)
                    outflow += BOUNDARY(row, k, o - first) * c;
                const vec residual = AT(r + o) - alpha * outflow;
                PUT(r + o) = residual;
                square += residual * residual;
            }
        }
        add_lanes(square, sums);
    }
    *squares += total_of_lanes(sums);
}

/* p = z + beta p in a row, and field += factor p + constant in the row of a field in natural order. */
CLONED row_pcg_direction(int nz, int width, int nx, ptrdiff_t stride, real beta, double factor, double constant,
                         const real *restrict z, real *restrict p, double *restrict field)
{
    const size_t half = (size_t)nz * width;
    for (int k = 0; k < nz; ++k, z += width, p += width, field += stride) {
        for (int m = 0; m < width; ++m) {
            p[m] = z[m] + beta * p[m];
            p[half + m] = z[half + m] + beta * p[half + m];
        }
        for (int m = 0; m < nx / 2; ++m) {
            field[2 * m] += factor * p[m] + constant;
            field[2 * m + 1] += factor * p[half + m] + constant;
        }
        if (nx % 2)
            field[nx - 1] += factor * p[nx / 2] + constant;
    }
}

/* sums[0] = sum of squares of the values, sums[1] = sum of their absolute values. */
CLONED row_norms(size_t count, const double *values, double *sums)
{
    const size_t whole = count / 8 * 8;
    const four_bits unsigned_part = (four_bits){0} + 0x7fffffffffffffff;
    four square[2] = {{0}, {0}}, absolute[2] = {{0}, {0}};
    for (size_t i = 0; i < whole; i += 8)
        for (int n = 0; n < 2; ++n) {
            const four value = *(const four *)(values + i + 4 * n);
            square[n] += value * value;
            absolute[n] += (four)((four_bits)value & unsigned_part);
        }
    for (size_t i = whole; i < count; ++i) {
        square[0][0] += values[i] * values[i];
        absolute[0][0] += values[i] < 0 ? -values[i] : values[i];
    }
    sums[0] = sum_of(square[0], square[1]);
    sums[1] = sum_of(absolute[0], absolute[1]);
}

#endif
