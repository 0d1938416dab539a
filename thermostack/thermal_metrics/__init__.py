"""Thermal metrics of JEDEC: test boards, environments, resistances, and compact models."""
