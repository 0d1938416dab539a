"""Connected pieces of a set of cells or tiles: parts of the body that touch, cavities, the outside."""

from __future__ import annotations

import numpy as np

from thermostack.mesh import _connected_pieces


def label_pieces(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the number of the piece of each cell (nz, ny, nx), from 1 on, 0 off the mask, and their count.

    Cells are connected across faces. Pieces are numbered in the order of their first cells.

    >>> import numpy as np
    >>> labels, count = label_pieces(np.array([[[True, True, False, True]]]))
    >>> labels.tolist(), count
    ([[[1, 1, 0, 2]]], 2)
    """
    cells = np.ascontiguousarray(mask, dtype=np.uint8)
    label, parent = np.empty(cells.shape, np.int32), np.empty(cells.size + 1, np.int32)
    return label, _connected_pieces.label_pieces(cells, label, parent)
