"""Comparison of results, and of packages that are solved first."""
