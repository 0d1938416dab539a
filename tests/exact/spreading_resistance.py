"""Spreading resistance of a rectangular isoflux source on a plate with adiabatic sides and htc below.

Culham, Yovanovich and Muzychka, J. Thermophysics and Heat Transfer 13, 495 (1999); in the form of
Muzychka, Culham and Yovanovich, J. Electronic Packaging 125, 178 (2003), equations 14 to 23: a double cosine
series whose term (m, n) meets 1 / (k g phi(g)), g**2 = (m pi / a)**2 + (n pi / b)**2, phi(g) =
(g tanh(g t) + h/k) / (g + (h/k) tanh(g t)). Summed term by term on purpose: this is also the check of the
faster summation in `cosine_modes`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SpreadingResistance:
    """The plate and its source; `centre` is the source's, the middle of the plate without it."""

    plate: tuple[float, float]  # m along x and y
    thickness: float  # m
    conductivity: float  # W/(m K)
    h: float  # W/(m2 K) under the plate
    source: tuple[float, float]  # m along x and y
    centre: tuple[float, float] | None = None  # m

    def resistance_at(
        self, x: np.ndarray | float, y: np.ndarray | float, terms: int = 2000, fade: bool = True
    ) -> np.ndarray:
        """Return the rise of the source's plane above the ambient per watt [K/W] as (ny, nx).

        `fade` lets the upper half of the terms go to zero smoothly, which leaves less than 1e-6 of the rise
        from 2000 terms for sources wider than a twentieth of the plate, where the plain sum leaves 1e-5.
        """
        waves, windows, kernel = self._series(terms)
        along = [
            window * np.cos(np.multiply.outer(np.atleast_1d(at), wave)) * (_fade(terms) if fade else 1.0)
            for at, wave, window in zip((x, y), waves, windows, strict=True)
        ]
        return along[1] @ (kernel @ along[0].T)

    def centre_resistance(self, terms: int = 2000, fade: bool = True) -> float:
        """Return the rise of the source's middle per watt [K/W]."""
        return float(self.resistance_at(*self._centre, terms, fade)[0, 0])

    def mean_resistance(self, terms: int = 2000, extrapolate: bool = True) -> float:
        """Return the mean rise of the source per watt [K/W].

        The terms that remain fall with 1 / terms**2 without change of sign: `extrapolate` removes them by
        the difference to half the terms (Richardson); what is left is below 1e-7 of the whole at 2000.
        """
        _, windows, kernel = self._series(terms)
        means = [window.copy() for window in windows]
        for mean in means:
            mean[1:] *= 0.5  # the mean of the cosine over the window, from the window's coefficient
        along_x, along_y = means[0] * windows[0], means[1] * windows[1]
        whole = float(along_y @ kernel @ along_x)
        if not extrapolate:
            return whole
        half = terms // 2 + 1
        return whole + (whole - float(along_y[:half] @ kernel[:half, :half] @ along_x[:half])) / 3.0

    @property
    def _centre(self) -> tuple[float, float]:
        return self.centre or (0.5 * self.plate[0], 0.5 * self.plate[1])

    def _series(self, terms: int) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
        """Return wave numbers, coefficients of 1 W spread over the source, and the kernel (n, m) [K/W]."""
        waves = [np.arange(terms + 1) * np.pi / length for length in self.plate]
        windows = []
        for wave, width, at in zip(waves, self.source, self._centre, strict=True):
            half = np.where(wave > 0.0, 0.5 * wave * width, 1.0)
            windows.append(np.where(wave > 0.0, 2.0 * np.cos(wave * at) * np.sin(half) / half, 1.0))
        g = np.hypot(waves[0][None, :], waves[1][:, None])
        g[0, 0] = 1.0
        tanh, coefficient = np.tanh(g * self.thickness), self.h / self.conductivity
        kernel = (g + coefficient * tanh) / (self.conductivity * g * (g * tanh + coefficient))
        kernel[0, 0] = self.thickness / self.conductivity + 1.0 / self.h
        return waves, windows, kernel / (self.plate[0] * self.plate[1])


def _fade(terms: int) -> np.ndarray:
    """Return the weights of the terms: 1 up to the half, then a raised cosine to the fourth power."""
    s = np.clip(2.0 * np.arange(terms + 1) / terms - 1.0, 0.0, 1.0)
    step = 0.5 + 0.5 * np.cos(np.pi * s)
    return step**4 * (35.0 - 84.0 * step + 70.0 * step**2 - 20.0 * step**3)


@dataclass(frozen=True)
class PublishedRow:
    """One row of the validation table; its digits are those of the plain sum of 1500 terms."""

    case: SpreadingResistance
    mean: float  # K/W
    centre: float  # K/W


PUBLISHED_TERMS = 1500
PUBLISHED = (
    PublishedRow(SpreadingResistance((0.04, 0.04), 2e-3, 398.0, 5e3, (0.02, 0.02)), 0.183289, 0.214536),
    PublishedRow(SpreadingResistance((0.01, 0.01), 5e-4, 148.0, 1e4, (1e-3, 1e-3)), 5.312571, 6.024062),
    PublishedRow(SpreadingResistance((0.076, 0.076), 6e-3, 200.0, 300.0, (0.025, 0.025)), 0.680510, 0.711824),
)
