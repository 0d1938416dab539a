"""Typed fields and validated dataclasses of which descriptions are made."""
