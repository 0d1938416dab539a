"""Effective conductivity of unit cells, computed by the project's own linear solver."""
