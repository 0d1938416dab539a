"""Transient simulation: traces, loads, controllers, time integration."""
