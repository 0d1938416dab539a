"""Thermal impedance: reduced model of a package with one source, thermal networks, structure functions."""
