"""Refinement of the grid to a tolerance: adjoint, indicators of intervals, refined planes, and the passes."""
