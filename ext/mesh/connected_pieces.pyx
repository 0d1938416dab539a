"""Connected pieces of a set of cells or tiles, which are neighbours across a face."""


cdef inline int _first_of(int[::1] parent, int piece) noexcept nogil:
    """Return the first piece that a provisional piece belongs to, and shorten the path to it."""
    while parent[piece] != piece:
        parent[piece] = parent[parent[piece]]
        piece = parent[piece]
    return piece


cdef inline int _join(int[::1] parent, int one, int other) noexcept nogil:
    """Join two pieces, of which zero is none, and return the first of both."""
    if one == 0 or other == 0:
        return one + other
    one, other = _first_of(parent, one), _first_of(parent, other)
    if one > other:
        one, other = other, one
    parent[other] = one
    return one


def label_pieces(const unsigned char[:, :, ::1] mask, int[:, :, ::1] label, int[::1] parent):
    """Set the number of the piece of each cell, zero where `mask` is zero, and return the number of pieces.

    Pieces are numbered in the order of their first cells. `parent` has one value more than there are cells. The
    algorithm is that of Hoshen and Kopelman, Phys. Rev. B 14 (1976) 3438: one pass of provisional numbers, of
    which a table holds those that meet, and one of final numbers.
    """
    cdef Py_ssize_t k, j, i
    cdef int piece, count = 0, found = 0
    with nogil:
        parent[0] = 0
        for k in range(mask.shape[0]):
            for j in range(mask.shape[1]):
                for i in range(mask.shape[2]):
                    piece = 0
                    if mask[k, j, i]:
                        if k > 0:
                            piece = _join(parent, piece, label[k - 1, j, i])
                        if j > 0:
                            piece = _join(parent, piece, label[k, j - 1, i])
                        if i > 0:
                            piece = _join(parent, piece, label[k, j, i - 1])
                        if piece == 0:
                            count += 1
                            parent[count] = piece = count
                    label[k, j, i] = piece
        # A piece follows the first piece it belongs to, so its final number is known before it is needed.
        for piece in range(1, count + 1):
            if parent[piece] == piece:
                found += 1
                parent[piece] = -found
            else:
                parent[piece] = parent[parent[piece]]
        for k in range(mask.shape[0]):
            for j in range(mask.shape[1]):
                for i in range(mask.shape[2]):
                    label[k, j, i] = -parent[label[k, j, i]]
    return found
