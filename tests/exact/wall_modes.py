"""Plane walls of layers as sums of the fields that die out without changing their shape.

X_n(z) exp(-r_n t) with k X'' + r C X = 0 in every layer (Mikhailov and Ozisik, Unified Analysis and Solutions
of Heat and Mass Diffusion, 1984, chapter 9). How many decay rates lie below r is counted as Wittrick and
Williams do (Quart. J. Mech. Appl. Math. 24, 263, 1971): the half waves of every layer between held faces,
and the negative pivots of the matrix that joins the faces. A bisection on that count misses none, however
near two of them are.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .layered_wall import End, FixedFlux, FixedTemperature, RobinEnd
from .transient_wall import TransientWall


def decay_rates(wall: TransientWall, count: int) -> np.ndarray:
    """Return the `count` slowest decay rates [1/s], ascending, each to about 1e-15 of it."""
    order = np.arange(count)
    high = np.full(count, 1e-6)
    while np.any(short := count_below(wall, high) <= order):
        high = np.where(short, 2.0 * high, high)
    low = np.zeros(count)
    for _ in range(200):
        middle = 0.5 * (low + high)
        above = count_below(wall, middle) > order
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return 0.5 * (low + high)


def count_below(wall: TransientWall, rate: np.ndarray) -> np.ndarray:
    """Return how many decay rates are below each of some rates > 0 [1/s]."""
    count = np.zeros(rate.shape, dtype=int)
    pivot, _ = _start(wall)  # W/(m2 K), of the face reached so far; inf: held
    for n, (thickness, k, capacity, _, interface, _) in enumerate(wall.layers):
        if n > 0 and interface > 0.0:
            count += pivot + 1.0 / interface < 0.0
            pivot = _series(pivot, 1.0 / interface)
        wave = np.sqrt(rate * capacity / k)
        x = wave * thickness
        count += np.floor(x / np.pi).astype(int)
        own, across = k * wave / np.tan(x), k * wave / np.sin(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            here = pivot + own
            count += np.isfinite(pivot) & (here < 0.0)
            pivot = own - np.where(np.isfinite(pivot), across**2 / here, 0.0)
    closing, _ = _closing(wall.top, 0.0)
    return count + ((pivot + closing < 0.0) if np.isfinite(closing) else 0)


def series(wall: TransientWall, z: np.ndarray | float, t: np.ndarray | float, count: int = 400) -> np.ndarray:
    """Return the temperature [K] at times t and heights z (the lower side), by `count` modes.

    The shape is (times, heights). What is left out is of the order exp(-r t) of the first rate left out.
    """
    z, t = np.atleast_1d(np.asarray(z, dtype=float)), np.atleast_1d(np.asarray(t, dtype=float))
    rates, shapes, weights = _modes(wall, count)
    n = np.clip(np.searchsorted(wall.levels, z, side="left") - 1, 0, len(wall.layers) - 1)
    wave = np.array([np.sqrt(rates * layer.capacity / layer.conductivity) for layer in wall.layers])[n]
    phase = wave * (z - wall.levels[n])[:, None]
    modes = shapes[n, :, 0] * np.cos(phase) + shapes[n, :, 1] * np.sin(phase)  # (heights, modes)
    return wall.steady.temperature(z) - np.exp(-np.outer(t, rates)) @ (weights[:, None] * modes.T)


@lru_cache(maxsize=16)
def _modes(wall: TransientWall, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rates, shapes (layers, modes, cos and sin) and how much of each the steady field holds [K]."""
    rates = decay_rates(wall, count)
    pivot, is_held = _start(wall)
    value, flux = np.full(count, 0.0 if is_held else 1.0), np.full(count, 1.0 if is_held else pivot)
    shapes, norm, given = [], np.zeros(count), _given(wall.bottom, wall, value, flux, first=True)
    for n, (thickness, k, capacity, source, interface, plane) in enumerate(wall.layers):
        if n > 0:
            value = value + interface * flux
        wave = np.sqrt(rates * capacity / k)
        a, b, x = value, flux / (k * wave), wave * thickness
        shapes.append(np.stack([a, b], axis=-1))
        swing = np.sin(2.0 * x) / (4.0 * wave)
        squares = a**2 * (0.5 * thickness + swing) + b**2 * (0.5 * thickness - swing)
        norm += capacity * (squares + a * b * np.sin(x) ** 2 / wave)
        given = given + source * (a * np.sin(x) + b * 2.0 * np.sin(0.5 * x) ** 2) / wave + plane * value
        value, flux = a * np.cos(x) + b * np.sin(x), k * wave * (b * np.cos(x) - a * np.sin(x))
    given = given + _given(wall.top, wall, value, -flux, first=False)
    return rates, np.array(shapes), given / (rates * norm)


def _given(end: End, wall: TransientWall, value: np.ndarray, inward: np.ndarray, first: bool) -> np.ndarray:
    """Return the heat [W/m2] an end brings into a mode; `inward` is k times the slope away from the end."""
    interface = wall.layers[0].interface_below if first else 0.0
    match end:
        case FixedFlux(flux):
            return flux * value
        case FixedTemperature(temperature) if interface == 0.0:
            return (temperature - wall.start) * inward
        case FixedTemperature(temperature):
            return (temperature - wall.start) / interface * value
        case RobinEnd(h, ambient):
            return (ambient - wall.start) * h / (1.0 + h * interface) * value
    raise TypeError(end)


def _start(wall: TransientWall) -> tuple[float, bool]:
    return _closing(wall.bottom, wall.layers[0].interface_below)


def _closing(end: End, interface: float) -> tuple[float, bool]:
    """Return what an end adds to its face [W/(m2 K)], and whether that is without bound."""
    match end:
        case FixedFlux():
            return 0.0, False
        case FixedTemperature():
            return (1.0 / interface, False) if interface > 0.0 else (np.inf, True)
        case RobinEnd(h, _):
            return h / (1.0 + h * interface), False
    raise TypeError(end)


def _series(pivot: np.ndarray | float, conductance: float) -> np.ndarray | float:
    """Return what a face sees of another one's pivot through a conductance [W/(m2 K)]."""
    if np.ndim(pivot) == 0 and np.isinf(pivot):
        return conductance
    return conductance - conductance**2 / (pivot + conductance)
