/* Loops over one row of cells, for what is read from a field once it is solved.
 *
 * Rows do not overlap unless a function says so. g is in W/K, t in K, flows in W towards the high side;
 * a face of no conductance has no cell of the body beyond it. `low` and `high` name the two sides of a cell
 * along an axis, and its two halves where it is cut across. They stand in C because Cython cannot promise
 * the compiler that rows do not overlap, nor have it build a loop for several processors: without either,
 * measuring a package of 4 million cells took 38 ns a cell, with both 18.
 */
#ifndef THERMOSTACK_CELLS_H
#define THERMOSTACK_CELLS_H

#include <math.h>
#include <stddef.h>

#include "cpu_dispatch.h"

#define IN const double *restrict
#define OUT double *restrict
#define LEAST(a, b) ((a) < (b) ? (a) : (b))
#define MOST(a, b) ((a) > (b) ? (a) : (b))

/* Eight cells at once, on any machine: so that a sum has one order. */
enum { LANES = 8 };
typedef double vec __attribute__((vector_size(64), aligned(sizeof(double)), may_alias));
typedef __typeof__((vec){0} > (vec){0}) mask;
#define AT(pointer) (*(const vec *)(pointer))
#define WHERE(holds, a, b) ((vec)(((holds) & (mask)(a)) | (~(holds) & (mask)(b))))

/* -- faces and slopes ------------------------------------------------------------------------ */

CLONED row_widen(int n, const float *restrict values, OUT row)
{
    for (int i = 0; i < n; ++i)
        row[i] = values[i];
}

CLONED row_flow(int n, IN g, IN t_low, IN t_high, OUT flow)
{
    for (int i = 0; i < n; ++i)
        flow[i] = g[i] * (t_low[i] - t_high[i]);
}

/* ratio = h / (k A) [K/W], zero outside the body; h / A is factor * shape. */
CLONED row_ratio(int n, double factor, IN shape, IN conductivity, OUT ratio)
{
    for (int i = 0; i < n; ++i) {
        const double value = factor * shape[i] / conductivity[i];
        ratio[i] = conductivity[i] > 0.0 ? value : 0.0;
    }
}

/* a and b: h times the slope at the low and the high face [K]; bend = |b - a|. */
CLONED row_slopes(int n, IN ratio, IN flow_low, IN flow_high, OUT a, OUT b, OUT bend)
{
    for (int i = 0; i < n; ++i) {
        a[i] = -ratio[i] * flow_low[i];
        b[i] = -ratio[i] * flow_high[i];
        bend[i] = fabs(b[i] - a[i]);
    }
}

/* -- measuring ------------------------------------------------------------------------------- */

/* Add to rise and fall how far along one axis the temperature goes above and below that of the centre [K],
 * and to bend how much steeper it is at the high face. */
CLONED row_crest(int n, IN ratio, IN flow_low, IN flow_high, IN g_low, IN g_high, IN t_low, IN t, IN t_high,
                 OUT rise, OUT fall, OUT bend)
{
    for (int i = 0; i < n; ++i) {
        const double a = -ratio[i] * flow_low[i], b = -ratio[i] * flow_high[i];
        const double before = t_low[i] - t[i], beyond = t_high[i] - t[i];
        const double at_low = -(3.0 * a + b) / 8.0, at_high = (a + 3.0 * b) / 8.0;
        const int ends = !(g_low[i] > 0.0), stops = !(g_high[i] > 0.0);
        const double hot_low = ends ? INFINITY : MOST(before, 0.0);
        const double hot_high = stops ? INFINITY : MOST(beyond, 0.0);
        const double cold_low = ends ? INFINITY : MOST(-before, 0.0);
        const double cold_high = stops ? INFINITY : MOST(-beyond, 0.0);
        const double up_low = LEAST(at_low, hot_low), up_high = LEAST(at_high, hot_high);
        const double down_low = LEAST(-at_low, cold_low), down_high = LEAST(-at_high, cold_high);
        const double flatter = 0.5 * LEAST(fabs(a), fabs(b));
        const double parabola = (a + b) * (a + b) / (8.0 * fabs(a - b));
        const double summit = LEAST(parabola, flatter);
        const double up = MOST(up_low, up_high), down = MOST(down_low, down_high);
        rise[i] += (a > 0.0) & (b < 0.0) ? summit : up;
        fall[i] += (a < 0.0) & (b > 0.0) ? summit : down;
        bend[i] += b - a;
    }
}

/* rise, fall and bend become the greatest and the least temperature in each cell and its mean times dx. */
CLONED row_extremes(int n, double least, double most, IN t, IN dx, OUT rise, OUT fall, OUT bend)
{
    for (int i = 0; i < n; ++i) {
        rise[i] = LEAST(t[i] + rise[i], most);
        fall[i] = MOST(t[i] - fall[i], least);
        bend[i] = (t[i] + bend[i] * (1.0 / 24.0)) * dx[i];
    }
}

/* -- cells cut in two ------------------------------------------------------------------------ */

/* a and b become ratio times the trust in each of them, and low and high the temperatures of the halves.
 * bend_low and bend_high are those of the cells beside; drift is how the mean changes [K]. */
CLONED row_carry(int n, double shared_times, IN t, IN ratio, const double *bend_low, const double *bend,
                 const double *bend_high, OUT a, OUT b, OUT low, OUT high, OUT drift)
{
    for (int i = 0; i < n; ++i) {
        const double a_i = a[i], b_i = b[i], difference = b_i - a_i;
        const double shared = shared_times * LEAST(bend_low[i], bend_high[i]);
        const double share = shared / bend[i];
        const double kept = shared < bend[i] ? share : 1.0;
        const int is_low = fabs(a_i) > fabs(b_i), is_high = fabs(b_i) > fabs(a_i);
        const double less = is_low ? b_i : a_i, more = is_low ? a_i : b_i;
        const double nearer = kept + (1.0 - kept) * less / more;
        const double trust_low = is_low ? nearer : 1.0, trust_high = is_high ? nearer : 1.0;
        const double slope = (a_i * trust_low + b_i * trust_high) / 8.0;
        const double bow = (b_i * trust_high - a_i * trust_low) / 32.0;
        low[i] = t[i] - slope + bow;
        high[i] = t[i] + slope + bow;
        drift[i] = bow - difference * (1.0 / 24.0);
        a[i] = trust_low * ratio[i];
        b[i] = trust_high * ratio[i];
    }
}

/* Heat between the halves beside faces: half a cell brings half the resistance that the cell brought. */
CLONED row_nearer_flow(int n, IN g, const double *ratio_low, const double *ratio_high, IN t_low, IN t_high,
                       OUT flow)
{
    for (int i = 0; i < n; ++i) {
        const double nearer = g[i] / (1.0 - 0.25 * g[i] * (ratio_low[i] + ratio_high[i]));
        flow[i] = nearer * (t_low[i] - t_high[i]);
    }
}

/* What fails to balance in the halves [W], but for what comes across the other axes; between is through
 * the face in the middle. */
CLONED row_balance(int n, IN power, IN ratio, IN low, IN high, const double *into, const double *out_of,
                   OUT between, OUT left_low, OUT left_high)
{
    for (int i = 0; i < n; ++i) {
        const double g = 2.0 / ratio[i], own = 0.5 * power[i];
        const double flow = (ratio[i] > 0.0 ? g : 0.0) * (low[i] - high[i]);
        between[i] = flow;
        left_low[i] = own + into[i] - flow;
        left_high[i] = own + flow - out_of[i];
    }
}

/* Add what comes across another axis: a and b are the sides along it, each half has half the face. */
CLONED row_across(int n, const double *g_a, const double *g_b, const double *low_a, const double *low,
                  const double *low_b, const double *high_a, const double *high, const double *high_b,
                  OUT left_low, OUT left_high)
{
    for (int i = 0; i < n; ++i) {
        left_low[i] += 0.5 * (g_a[i] * (low_a[i] - low[i]) + g_b[i] * (low_b[i] - low[i]));
        left_high[i] += 0.5 * (g_a[i] * (high_a[i] - high[i]) + g_b[i] * (high_b[i] - high[i]));
    }
}

/* The transpose of row_carry: both halves go back, and what each face's slope moves per watt through it.
 * Outside the body, where heat that leaves it has been set on a face, nothing does. */
CLONED row_restrict(int n, IN ratio, IN weight_low, IN weight_high, IN left_low, IN left_high, OUT on_low, OUT on_high,
                    OUT back)
{
    for (int i = 0; i < n; ++i) {
        on_low[i] = weight_low[i] * (5.0 * left_low[i] - 3.0 * left_high[i]) / 32.0;
        on_high[i] = weight_high[i] * (3.0 * left_low[i] - 5.0 * left_high[i]) / 32.0;
        back[i] = ratio[i] > 0.0 ? left_low[i] + left_high[i] : 0.0;
    }
}

/* Heat that goes back through the faces between two rows; along x the second is the first, one cell on. */
CLONED row_moved(int n, IN g, const double *on_high, const double *on_low, OUT moved)
{
    for (int i = 0; i < n; ++i)
        moved[i] = g[i] * (on_high[i] + on_low[i]);
}

CLONED row_shift(int n, double sign, IN moved, OUT back)
{
    for (int i = 0; i < n; ++i)
        back[i] += sign * moved[i];
}

/* drift becomes the whole change of each cell's mean by the cut, times dx. */
CLONED row_change(int n, IN ratio, const double *into, const double *out_of, IN drift, IN dx, OUT change)
{
    for (int i = 0; i < n; ++i)
        change[i] = (drift[i] - ratio[i] * (out_of[i] - into[i]) * (1.0 / 96.0)) * dx[i];
}

/* -- members --------------------------------------------------------------------------------- */

/* A run of cells of one part, from *i on; it ends before *i. Return the part. */
static inline int next_run(int end, const unsigned short *part, int *i)
{
    const int begin = *i, number = part[begin];
    int n = begin + 1;
    while (n < end && part[n] == number)
        ++n;
    *i = n;
    return number;
}

/* Add scale times the values of the cells from begin to end to the sum of their part, or of a member. */
CLONED row_add(int begin, int end, int member, const unsigned short *part, double scale,
               const double *values, double *sums)
{
    for (int first = begin, next = begin; first < end; first = next) {
        const int number = next_run(end, part, &next);
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
        sums[member < 0 ? number - 1 : member] += scale * sum;
    }
}

/* Take the cells from begin to end into the extremes of their part, or of a member; `cell` is that of the
 * row's first one, the first of equals counts. */
CLONED row_bound(int begin, int end, int member, const unsigned short *part, ptrdiff_t cell, const double *low,
                 const double *high, double *lowest, double *highest, ptrdiff_t *hottest)
{
    for (int first = begin, next = begin; first < end; first = next) {
        const int number = next_run(end, part, &next);
        if (number == 0)
            continue;
        vec least = (vec){0} + INFINITY, most = -least;
        double cold = INFINITY, hot = -INFINITY;
        int i = first;
        for (; i + LANES <= next; i += LANES) {
            const vec l = AT(low + i), h = AT(high + i);
            least = WHERE(l < least, l, least);
            most = WHERE(h > most, h, most);
        }
        for (; i < next; ++i)
            cold = LEAST(low[i], cold), hot = MOST(high[i], hot);
        for (int lane = 0; lane < LANES; ++lane)
            cold = LEAST(least[lane], cold), hot = MOST(most[lane], hot);
        const int n = member < 0 ? number - 1 : member;
        lowest[n] = LEAST(cold, lowest[n]);
        if (hot > highest[n]) {
            for (i = first; high[i] != hot;)
                ++i;
            highest[n] = hot;
            hottest[n] = cell + i;
        }
    }
}

#endif
