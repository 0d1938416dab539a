"""Typed fields and validated dataclasses from which descriptions are built."""
