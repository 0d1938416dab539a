/* Loops over one row of cells or of grid vertices that evaluate the temperatures on the surface of the cells.
 *
 * The rise of a cell at a face is the temperature of the face minus that of the cell centre [K]. A row of vertices
 * is between four rows of cells, and vertex i of the row between the cells i and i + 1 of padded rows: the first and
 * the last entry of a padded row are outside the grid. A cell outside the body has the weight zero. Two adjacent
 * cells of the body are separated where a contact resistance is between them.
 */
#ifndef THERMOSTACK_NODAL_VALUES_H
#define THERMOSTACK_NODAL_VALUES_H

#include "reconstruction.h"

/* Largest part of the resistance between two cell centres that a contact may have without separating the cells:
 * face conductances in single precision are rounded to 6e-8. */
#define CONTACT_TOLERANCE 1e-5

enum { ROWS = 4, CORNERS = 8, FACES = 12 };

/* Padded rows of cells around one row of vertices, with the rises towards these vertices along z and y. */
typedef struct {
    const double *t, *rise_z, *rise_y, *rise_low, *rise_high, *weight;
    double *min, *max;
} cell_row;

/* Flags of the same rows: cells of the body, and contacts between each cell and the next one along x, y and z. */
typedef struct {
    const unsigned char *is_present, *x, *y, *z;
} flag_row;

/* -- cells ----------------------------------------------------------------------------------- */

/* Set the rises at the low and the high face of cells along one axis [K] by the resistances h / (k A) of the two halves
 * [K/W], extend the extremes of the cells, and add h |s| differences [K], the outflow, and its magnitude [W]. */
CLONED row_rises(int n, const double *resistance_low, const double *resistance_high, IN flow_low, IN flow_high, IN t,
                 OUT low, OUT high, OUT cell_min, OUT cell_max, OUT slope_change, OUT outflow, OUT magnitude)
{
    for (int i = 0; i < n; ++i) {
        const double a = 0.5 * resistance_low[i] * flow_low[i], b = -0.5 * resistance_high[i] * flow_high[i];
        const double net = flow_high[i] - flow_low[i];
        low[i] = a;
        high[i] = b;
        cell_min[i] = MINIMUM(cell_min[i], t[i] + MINIMUM(a, b));
        cell_max[i] = MAXIMUM(cell_max[i], t[i] + MAXIMUM(a, b));
        slope_change[i] += 2.0 * (a + b);
        outflow[i] += net;
        magnitude[i] += fabs(net);
    }
}

/* Move that part of the slope change of cells along one axis to `bend` [K] which different resistances of their halves
 * cause, and add its other half: the profile of a cell bends with its conductivity, also where no heat is generated. */
CLONED row_bends(int n, const double *resistance_low, const double *resistance_high, IN flow_low, IN flow_high,
                 OUT slope_change, OUT bend)
{
    for (int i = 0; i < n; ++i) {
        const double value = (resistance_low[i] - resistance_high[i]) * (flow_low[i] + flow_high[i]);
        slope_change[i] -= 0.5 * value;
        bend[i] += value;
    }
}

CLONED row_add(int n, IN values, OUT sum)
{
    for (int i = 0; i < n; ++i)
        sum[i] += values[i];
}

/* Multiply the slope change of cells by 1 - |outflow - power| / magnitude, at least zero: heat that is stored in a
 * cell does not bend the profile that the slopes at its faces indicate. */
CLONED row_without_storage(int n, IN power, IN outflow, IN magnitude, OUT slope_change)
{
    for (int i = 0; i < n; ++i) {
        const double kept = magnitude[i] - fabs(outflow[i] - power[i]);
        const double fraction = kept / magnitude[i];
        slope_change[i] *= kept > 0.0 ? fraction : 0.0;
    }
}

/* Replace the slope change [K] by dx times the mean temperature of each cell [K m]. */
CLONED row_mean(int n, IN t, IN dx, OUT slope_change)
{
    for (int i = 0; i < n; ++i)
        slope_change[i] = (t[i] + slope_change[i] * (1.0 / 24.0)) * dx[i];
}

CLONED row_weight(int n, IN k_z, IN k_y, IN k_x, OUT weight, unsigned char *restrict is_present)
{
    for (int i = 0; i < n; ++i) {
        const double larger = MAXIMUM(k_z[i], k_y[i]);
        weight[i] = MAXIMUM(larger, k_x[i]);
        is_present[i] = weight[i] > 0.0;
    }
}

/* Whether a contact resistance separates the two cells of each face. */
CLONED row_separated(int n, IN g, const double *resistance_low, const double *resistance_high,
                     unsigned char *restrict is_separated)
{
    for (int i = 0; i < n; ++i) {
        const double low = resistance_low[i], high = resistance_high[i];
        is_separated[i] = (low > 0.0) & (high > 0.0) & (0.5 * g[i] * (low + high) < 1.0 - CONTACT_TOLERANCE);
    }
}

/* Limit the extremes of cells to t_min and t_max. */
CLONED row_clip(int n, double t_min, double t_max, OUT cell_min, OUT cell_max)
{
    for (int i = 0; i < n; ++i) {
        const double low = MAXIMUM(cell_min[i], t_min), high = MAXIMUM(cell_max[i], t_min);
        cell_min[i] = MINIMUM(low, t_max);
        cell_max[i] = MINIMUM(high, t_max);
    }
}

/* -- vertices between cells that are not separated --------------------------------------------- */

/* Extend the bounds of vertices [K] by the temperatures of the cells of one row and of their faces. */
CLONED row_vertex_bounds(int n, IN t, IN rise_z, IN rise_y, IN rise_low, IN rise_high, IN weight, OUT least,
                         OUT greatest)
{
    for (int i = 0; i < n; ++i) {
        const int k = i + 1;
        const double gap_w = weight[i] > 0.0 ? 0.0 : INFINITY, gap_e = weight[k] > 0.0 ? 0.0 : INFINITY;
        const double down_w = MINIMUM(MINIMUM(rise_z[i], rise_y[i]), MINIMUM(rise_high[i], 0.0));
        const double down_e = MINIMUM(MINIMUM(rise_z[k], rise_y[k]), MINIMUM(rise_low[k], 0.0));
        const double up_w = MAXIMUM(MAXIMUM(rise_z[i], rise_y[i]), MAXIMUM(rise_high[i], 0.0));
        const double up_e = MAXIMUM(MAXIMUM(rise_z[k], rise_y[k]), MAXIMUM(rise_low[k], 0.0));
        const double low_w = t[i] + down_w + gap_w, low_e = t[k] + down_e + gap_e;
        const double high_w = t[i] + up_w - gap_w, high_e = t[k] + up_e - gap_e;
        const double low = MINIMUM(low_w, low_e), high = MAXIMUM(high_w, high_e);
        least[i] = MINIMUM(least[i], low);
        greatest[i] = MAXIMUM(greatest[i], high);
    }
}

/* Add the weighted temperatures of the vertices by the cells of one row, within the bounds. */
CLONED row_vertex_sums(int n, IN t, IN rise_z, IN rise_y, IN rise_low, IN rise_high, IN weight, IN least, IN greatest,
                       OUT sum, OUT total)
{
    for (int i = 0; i < n; ++i) {
        const int k = i + 1;
        const double west = t[i] + rise_z[i] + rise_y[i] + rise_high[i];
        const double east = t[k] + rise_z[k] + rise_y[k] + rise_low[k];
        const double above_w = MAXIMUM(west, least[i]), above_e = MAXIMUM(east, least[i]);
        const double kept_w = MINIMUM(above_w, greatest[i]), kept_e = MINIMUM(above_e, greatest[i]);
        sum[i] += weight[i] * kept_w + weight[k] * kept_e;
        total[i] += weight[i] + weight[k];
    }
}

/* Divide the weighted temperatures of vertices by the sums of the weights; rounding does not exceed the bounds. The
 * temperature of a special vertex is NaN, as is that of a vertex without cells. */
CLONED row_vertex_means(int n, IN total, IN least, IN greatest, const unsigned char *restrict is_special, OUT value)
{
    for (int i = 0; i < n; ++i) {
        const double mean = value[i] / total[i], above = MAXIMUM(mean, least[i]), kept = MINIMUM(above, greatest[i]);
        value[i] = is_special[i] ? NAN : kept;
    }
}

/* Extend the extremes of cells by the vertices on their west and east side that are not NaN. */
CLONED row_extend(int n, IN value, OUT cell_min, OUT cell_max)
{
    for (int i = 0; i < n; ++i) {
        const double west = value[i], east = value[i + 1];
        const double low = MINIMUM(west, cell_min[i]), high = MAXIMUM(west, cell_max[i]);
        cell_min[i] = MINIMUM(east, low);
        cell_max[i] = MAXIMUM(east, high);
    }
}

/* -- vertices at a contact or where cells of the body touch at an edge only --------------------------------------- */

/* The cells q = 4 upper + 2 north + east around a vertex: each face is between the cells q and q + step. */
static const unsigned char FACE_CELL[FACES] = {0, 2, 4, 6, 0, 1, 4, 5, 0, 1, 2, 3};
static const unsigned char FACE_STEP[FACES] = {1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4};

/* Set the group of each of the cells around a vertex: the first cell that it is connected to through faces without
 * contact resistance. `is_separated` has one bit a face, `is_present` one bit a cell; absent cells have the group
 * CORNERS. */
static inline void connect_cells(unsigned is_present, unsigned is_separated, unsigned char *group)
{
    for (int q = 0; q < CORNERS; ++q)
        group[q] = is_present >> q & 1 ? q : CORNERS;
    for (int changes = 1; changes;) {
        changes = 0;
        for (int face = 0; face < FACES; ++face) {
            unsigned char *a = &group[FACE_CELL[face]], *b = a + FACE_STEP[face];
            if (*a == *b || *a == CORNERS || *b == CORNERS || is_separated >> face & 1)
                continue;
            *a = *b = MINIMUM(*a, *b);
            changes = 1;
        }
    }
}

/* Set one entry for each combination of present cells: whether all of them are connected. */
static inline void set_connected(unsigned char *is_connected)
{
    unsigned char group[CORNERS];
    for (unsigned is_present = 0; is_present < 1u << CORNERS; ++is_present) {
        int first = 0;
        connect_cells(is_present, 0, group);
        while (first < CORNERS - 1 && group[first] == CORNERS)
            ++first;
        is_connected[is_present] = 1;
        for (int q = first; q < CORNERS; ++q)
            is_connected[is_present] &= group[q] == group[first] || group[q] == CORNERS;
    }
}

/* Extend the extremes of the cells around vertex i by the temperature that the connected cells of each group share. */
static inline void extend_groups(const cell_row *rows, int i, const unsigned char *group)
{
    double value[CORNERS], least[CORNERS + 1], greatest[CORNERS + 1], sum[CORNERS + 1], total[CORNERS + 1];
    for (int q = 0; q <= CORNERS; ++q) {
        least[q] = INFINITY;
        greatest[q] = -INFINITY;
        sum[q] = total[q] = 0.0;
    }
    for (int q = 0; q < CORNERS; ++q) {
        const cell_row *row = &rows[q >> 1];
        const int cell = i + (q & 1), g = group[q];
        const double x = q & 1 ? row->rise_low[cell] : row->rise_high[cell];
        const double z = row->rise_z[cell], y = row->rise_y[cell], t = row->t[cell];
        const double down = MINIMUM(z, y), up = MAXIMUM(z, y), lower = MINIMUM(x, 0.0), higher = MAXIMUM(x, 0.0);
        const double low = t + MINIMUM(down, lower), high = t + MAXIMUM(up, higher);
        value[q] = t + z + y + x;
        least[g] = MINIMUM(least[g], low);
        greatest[g] = MAXIMUM(greatest[g], high);
    }
    for (int q = 0; q < CORNERS; ++q) {
        const double weight = rows[q >> 1].weight[i + (q & 1)];
        const int g = group[q];
        const double above = MAXIMUM(value[q], least[g]), kept = MINIMUM(above, greatest[g]);
        sum[g] += weight * kept;
        total[g] += weight;
    }
    for (int q = 0; q < CORNERS; ++q) {
        const int cell = i + (q & 1), g = group[q];
        double *low = &rows[q >> 1].min[cell], *high = &rows[q >> 1].max[cell];
        const double mean = sum[g] / total[g], above = MAXIMUM(mean, least[g]), shared = MINIMUM(above, greatest[g]);
        if (g == CORNERS)
            continue;
        *low = MINIMUM(*low, shared);
        *high = MAXIMUM(*high, shared);
    }
}

/* Add the cells of one row around each vertex to `present`, one bit a cell, the bits of the row being `west` and
 * `2 west`, and their contacts to `is_special`. */
CLONED row_cells_around(int n, unsigned char west, const unsigned char *restrict is_present,
                        const unsigned char *restrict x, const unsigned char *restrict y,
                        const unsigned char *restrict z, unsigned char *restrict present,
                        unsigned char *restrict is_special)
{
    for (int i = 0; i < n; ++i) {
        const unsigned char cells = (unsigned char)(is_present[i] + 2 * is_present[i + 1]);
        const unsigned char contacts = x[i] | y[i] | y[i + 1] | z[i] | z[i + 1];
        present[i] = (unsigned char)(present[i] + cells * west);
        is_special[i] |= contacts;
    }
}

/* Set the cells of the body around each vertex, one bit a cell, and whether contact resistances are between them or
 * not all of them are connected. */
static inline void row_special(int n, const flag_row *rows, const unsigned char *is_connected, unsigned char *present,
                               unsigned char *is_special)
{
    for (int i = 0; i < n; ++i)
        present[i] = is_special[i] = 0;
    for (int q = 0; q < ROWS; ++q)
        row_cells_around(n, (unsigned char)(1 << 2 * q), rows[q].is_present, rows[q].x, rows[q].y, rows[q].z, present,
                         is_special);
    for (int i = 0; i < n; ++i)
        is_special[i] |= !is_connected[present[i]];
}

/* Return the separated faces around a vertex, one bit a face: all four along an axis where one of them has a contact
 * resistance. A contact that ends at the vertex is continued across it; else the two sides would share a temperature
 * there through the cells beyond its end. */
static inline unsigned continued(unsigned has_contact)
{
    for (int axis = 0; axis < 3; ++axis)
        if (has_contact >> 4 * axis & 15u)
            has_contact |= 15u << 4 * axis;
    return has_contact;
}

/* Extend the extremes of the cells around special vertices. */
static inline void row_extend_special(int n, const cell_row *rows, const flag_row *flags,
                                      const unsigned char *present, const unsigned char *is_special)
{
    unsigned char group[CORNERS];
    unsigned last = ~0u; /* pattern of cells and contacts that the groups belong to */
    for (int i = 0; i < n; ++i) {
        unsigned separated = 0;
        if (!is_special[i])
            continue;
        for (int face = 0; face < FACES; ++face) {
            const int q = FACE_CELL[face], cell = i + (q & 1);
            const flag_row *row = &flags[q >> 1];
            const unsigned char *along = face < 4 ? row->x : face < 8 ? row->y : row->z;
            separated |= (unsigned)along[face < 4 ? i : cell] << face;
        }
        separated = continued(separated);
        if (last != (present[i] | separated << CORNERS)) {
            connect_cells(present[i], separated, group);
            last = present[i] | separated << CORNERS;
        }
        extend_groups(rows, i, group);
    }
}

#endif
