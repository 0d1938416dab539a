"""Figures of results and grids."""
