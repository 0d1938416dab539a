"""Local models: a box of a solved package on a finer grid, with the boundary of its field."""
