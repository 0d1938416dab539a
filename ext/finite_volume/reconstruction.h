/* Loops over one row of cells that evaluate a solved temperature field.
 *
 * Rows do not overlap unless a function says so. g is in W/K, t in K, flows in W towards the high side. A face
 * with zero conductance has no cell of the body on its other side. `low` and `high` name the two sides of a cell
 * along an axis, or the two halves of a bisected cell. The loops are written in C because Cython can neither
 * declare to the compiler that rows do not overlap nor build a loop for several processors: without both,
 * the evaluation of a package of 4 million cells took 38 ns a cell, with both 18.
 */
#ifndef THERMOSTACK_RECONSTRUCTION_H
#define THERMOSTACK_RECONSTRUCTION_H

#include <math.h>
#include <stddef.h>

#include "cpu_dispatch.h"

#define IN const double *restrict
#define OUT double *restrict
#define MINIMUM(a, b) ((a) < (b) ? (a) : (b))
#define MAXIMUM(a, b) ((a) > (b) ? (a) : (b))

/* Eight cells at a time on every machine, so that a sum always has the same order. */
enum { LANES = 8 };
typedef double vec __attribute__((vector_size(64), aligned(sizeof(double)), may_alias));
typedef __typeof__((vec){0} > (vec){0}) mask;
#define AT(pointer) (*(const vec *)(pointer))
#define WHERE(holds, a, b) ((vec)(((holds) & (mask)(a)) | (~(holds) & (mask)(b))))

/* -- faces and slopes ------------------------------------------------------------------------ */

CLONED row_to_double(int n, const float *restrict values, OUT row)
{
    for (int i = 0; i < n; ++i)
        row[i] = values[i];
}

CLONED row_heat_flow(int n, IN g, IN t_low, IN t_high, OUT flow)
{
    for (int i = 0; i < n; ++i)
        flow[i] = g[i] * (t_low[i] - t_high[i]);
}

/* resistance = h / (k A) [K/W], zero outside the body, with h / A = factor * shape. */
CLONED row_resistance(int n, double factor, IN shape, IN conductivity, OUT resistance)
{
    for (int i = 0; i < n; ++i) {
        const double value = factor * shape[i] / conductivity[i];
        resistance[i] = conductivity[i] > 0.0 ? value : 0.0;
    }
}

/* a and b: h times the slope at the low and the high face [K]; slope_change = |b - a|. */
CLONED row_face_slopes(int n, IN resistance, IN flow_low, IN flow_high, OUT a, OUT b, OUT slope_change)
{
    for (int i = 0; i < n; ++i) {
        a[i] = -resistance[i] * flow_low[i];
        b[i] = -resistance[i] * flow_high[i];
        slope_change[i] = fabs(b[i] - a[i]);
    }
}

/* -- bisected cells ---------------------------------------------------------------------------- */

/* Resistances h / (k A) of a row of cells along one axis [K/W]: with k at the temperature of the cell, and with the
 * means of k over the low and the high half, between the temperatures of the cell and of the face. */
typedef struct {
    const double *resistance, *low, *high;
} half_row;

/* The same with the mean of k between the centres of the cell and of each half. There k has a quarter of the change
 * between centre and face, half of that of the mean over the half cell. */
CLONED row_inner_resistance(int n, const half_row *cells, OUT inner_low, OUT inner_high)
{
    const double *restrict resistance = cells->resistance, *restrict low = cells->low, *restrict high = cells->high;
    for (int i = 0; i < n; ++i) {
        inner_low[i] = 0.5 * (resistance[i] + low[i]);
        inner_high[i] = 0.5 * (resistance[i] + high[i]);
    }
}

/* Set 24 times the correction of the change of the mean of each cell for the resistances of its halves [K]. a and b are
 * h times the slopes at the low and the high face with k at the temperature of the cell [K].
 *
 * The mean of a part takes the resistance of a cell as linear in position (`bend`). With k linear in temperature within
 * each half the mean is another one (`curved`). Their difference is of fourth order and about the error of the first
 * mean, so that it counts as a change. */
CLONED row_half_bend(int n, const half_row *cells, IN a, IN b, OUT correction)
{
    const double *restrict resistance = cells->resistance, *restrict low = cells->low, *restrict high = cells->high;
    for (int i = 0; i < n; ++i) {
        const double of_low = low[i] / resistance[i], of_high = high[i] / resistance[i];
        const double slope_change = b[i] - a[i], both = (of_low + of_high) * slope_change;
        const double bend = 0.5 * both + (of_high - of_low) * (a[i] + b[i]);
        const double curved = of_high * (4.0 - of_high) * b[i] - of_low * (4.0 - of_low) * a[i] - both;
        const double value = curved - bend - (bend - slope_change);
        correction[i] = resistance[i] > 0.0 ? value : 0.0;
    }
}

/* Interpolate t to the halves of each cell by its limited slopes.
 *
 * On entry a and b are h times the slopes at the two faces [K], on return resistance times their limiters.
 * slope_change_low and slope_change_high belong to the neighbours. mean_change is the change of the mean [K]. */
CLONED row_interpolate(int n, double max_ratio, IN t, IN resistance, const double *slope_change_low,
                       const double *slope_change, const double *slope_change_high, OUT a, OUT b, OUT low, OUT high,
                       OUT mean_change)
{
    for (int i = 0; i < n; ++i) {
        const double a_i = a[i], b_i = b[i], difference = b_i - a_i;
        const double allowed = max_ratio * MINIMUM(slope_change_low[i], slope_change_high[i]);
        const double reduced = allowed / slope_change[i];
        const double kept = allowed < slope_change[i] ? reduced : 1.0;
        const int is_low = fabs(a_i) > fabs(b_i), is_high = fabs(b_i) > fabs(a_i);
        const double smaller = is_low ? b_i : a_i, larger = is_low ? a_i : b_i;
        const double limiter = kept + (1.0 - kept) * smaller / larger;
        const double limiter_low = is_low ? limiter : 1.0, limiter_high = is_high ? limiter : 1.0;
        const double slope = (a_i * limiter_low + b_i * limiter_high) / 8.0;
        const double curve = (b_i * limiter_high - a_i * limiter_low) / 32.0;
        low[i] = t[i] - slope + curve;
        high[i] = t[i] + slope + curve;
        mean_change[i] = curve - difference * (1.0 / 24.0);
        a[i] = limiter_low * resistance[i];
        b[i] = limiter_high * resistance[i];
    }
}

/* Correct the halves of row_interpolate and the change of the mean for the resistances of the halves, by the correction
 * of row_half_bend. */
CLONED row_correct_halves(int n, const half_row *cells, IN t, IN correction, OUT low, OUT high, OUT mean_change)
{
    const double *restrict resistance = cells->resistance;
    const double *restrict resistance_low = cells->low, *restrict resistance_high = cells->high;
    for (int i = 0; i < n; ++i) {
        const double excess_low = 0.5 * (resistance_low[i] / resistance[i] - 1.0);
        const double excess_high = 0.5 * (resistance_high[i] / resistance[i] - 1.0);
        const double fall = resistance[i] > 0.0 ? excess_low * (low[i] - t[i]) : 0.0;
        const double rise = resistance[i] > 0.0 ? excess_high * (high[i] - t[i]) : 0.0;
        low[i] += fall;
        high[i] += rise;
        mean_change[i] += 0.5 * (fall + rise) + correction[i] * (1.0 / 24.0);
    }
}

/* Heat flow between the halves next to each face: the centre of a half is at half the distance from the face,
 * so that each side has half of its former resistance. */
CLONED row_half_cell_flow(int n, IN g, const double *resistance_low, const double *resistance_high, IN t_low,
                           IN t_high, OUT flow)
{
    for (int i = 0; i < n; ++i) {
        const double conductance = g[i] / (1.0 - 0.25 * g[i] * (resistance_low[i] + resistance_high[i]));
        flow[i] = conductance * (t_low[i] - t_high[i]);
    }
}

/* Residual of the heat balance of the halves [W] without the flows along the other axes. `between` is the flow
 * through the new face in the middle of the cell. */
CLONED row_residual(int n, IN power, const double *inner_low, const double *inner_high, IN low, IN high,
                    const double *into, const double *out_of, OUT between, OUT residual_low, OUT residual_high)
{
    for (int i = 0; i < n; ++i) {
        const double resistance = 0.5 * (inner_low[i] + inner_high[i]);
        const double g = 2.0 / resistance, own = 0.5 * power[i];
        const double flow = (resistance > 0.0 ? g : 0.0) * (low[i] - high[i]);
        between[i] = flow;
        residual_low[i] = own + into[i] - flow;
        residual_high[i] = own + flow - out_of[i];
    }
}

/* Add the heat flows along another axis from its two sides a and b; each half has half of the face. */
CLONED row_add_transverse(int n, const double *g_a, const double *g_b, const double *low_a, const double *low,
                          const double *low_b, const double *high_a, const double *high, const double *high_b,
                          OUT residual_low, OUT residual_high)
{
    for (int i = 0; i < n; ++i) {
        residual_low[i] += 0.5 * (g_a[i] * (low_a[i] - low[i]) + g_b[i] * (low_b[i] - low[i]));
        residual_high[i] += 0.5 * (g_a[i] * (high_a[i] - high[i]) + g_b[i] * (high_b[i] - high[i]));
    }
}

/* The transpose of row_interpolate: the residuals of both halves are added, and adjoint_low and adjoint_high are
 * set to the transpose of the slope at each face, per watt through it [K]. The result is zero outside the body,
 * where a boundary face may have given a heat flow to a cell that is not in it. */
CLONED row_restrict(int n, IN resistance, IN weight_low, IN weight_high, IN residual_low, IN residual_high,
                    OUT adjoint_low, OUT adjoint_high, OUT residual)
{
    for (int i = 0; i < n; ++i) {
        adjoint_low[i] = weight_low[i] * (5.0 * residual_low[i] - 3.0 * residual_high[i]) / 32.0;
        adjoint_high[i] = weight_high[i] * (3.0 * residual_low[i] - 5.0 * residual_high[i]) / 32.0;
        residual[i] = resistance[i] > 0.0 ? residual_low[i] + residual_high[i] : 0.0;
    }
}

/* Residual moved through the faces between two rows of cells; along x the second row is the first, one cell on. */
CLONED row_face_residual(int n, IN g, const double *adjoint_high, const double *adjoint_low, OUT through)
{
    for (int i = 0; i < n; ++i)
        through[i] = g[i] * (adjoint_high[i] + adjoint_low[i]);
}

CLONED row_add_scaled(int n, double factor, IN values, OUT sum)
{
    for (int i = 0; i < n; ++i)
        sum[i] += factor * values[i];
}

/* change is set to dx times the whole change of each cell's mean by bisection; mean_change is that of
 * row_interpolate. */
CLONED row_mean_change(int n, const half_row *cells, const double *into, const double *out_of, IN mean_change, IN dx,
                       OUT change)
{
    const double *restrict resistance = cells->resistance, *low = cells->low, *high = cells->high;
    for (int i = 0; i < n; ++i) {
        const double bend = resistance[i] * (out_of[i] - into[i]) + (high[i] - low[i]) * (into[i] + out_of[i]);
        change[i] = (mean_change[i] - bend * (1.0 / 96.0)) * dx[i];
    }
}

/* -- parts and blocks: zones ------------------------------------------------------------------- */

/* Set *i to the end of the run of cells of one part that begins at *i. Return the number of the part. */
static inline int next_part_run(int end, const unsigned short *part, int *i)
{
    const int begin = *i, number = part[begin];
    int n = begin + 1;
    while (n < end && part[n] == number)
        ++n;
    *i = n;
    return number;
}

/* Add scale times the values of the cells from begin to end to the sum of their part if zone is negative, else to
 * that of the zone. Cells outside the body are skipped. */
CLONED row_part_sums(int begin, int end, int zone, const unsigned short *part, double scale,
                     const double *values, double *sums)
{
    for (int first = begin, next = begin; first < end; first = next) {
        const int number = next_part_run(end, part, &next);
        if (number == 0)
            continue;
        vec lanes = {0};
        double sum = 0.0;
        int i = first;
        for (; i + LANES <= next; i += LANES)
            lanes += AT(values + i);
        for (; i < next; ++i)
            sum += values[i];
        for (int lane = 0; lane < LANES; ++lane)
            sum += lanes[lane];
        sums[zone < 0 ? number - 1 : zone] += scale * sum;
    }
}

/* Update the extremes of the part of the cells from begin to end if zone is negative, else those of the zone. `cell`
 * is the index of the first cell of the row; of equal maxima the first one counts. */
CLONED row_part_extremes(int begin, int end, int zone, const unsigned short *part, ptrdiff_t cell, const double *low,
                         const double *high, double *zone_min, double *zone_max, ptrdiff_t *hottest)
{
    for (int first = begin, next = begin; first < end; first = next) {
        const int number = next_part_run(end, part, &next);
        if (number == 0)
            continue;
        vec lane_min = (vec){0} + INFINITY, lane_max = -lane_min;
        double row_min = INFINITY, row_max = -INFINITY;
        int i = first;
        for (; i + LANES <= next; i += LANES) {
            const vec l = AT(low + i), h = AT(high + i);
            lane_min = WHERE(l < lane_min, l, lane_min);
            lane_max = WHERE(h > lane_max, h, lane_max);
        }
        for (; i < next; ++i)
            row_min = MINIMUM(low[i], row_min), row_max = MAXIMUM(high[i], row_max);
        for (int lane = 0; lane < LANES; ++lane)
            row_min = MINIMUM(lane_min[lane], row_min), row_max = MAXIMUM(lane_max[lane], row_max);
        const int n = zone < 0 ? number - 1 : zone;
        zone_min[n] = MINIMUM(row_min, zone_min[n]);
        if (row_max > zone_max[n]) {
            for (i = first; high[i] != row_max;)
                ++i;
            zone_max[n] = row_max;
            hottest[n] = cell + i;
        }
    }
}

#endif
