"""Threads of the compiled kernels."""
