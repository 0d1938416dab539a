"""Estimated discretisation error of a thermal impedance over time and frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thermostack.finite_volume.response_error import RATE_OF_TIME

Array = np.ndarray

TINY_ERROR = 1e-12  # of the maximum error: lower bound where logarithms are interpolated


@dataclass(frozen=True, eq=False, repr=False)
class ImpedanceError:
    """Estimated discretisation error of the rise per watt at each output.

    Parameters
    ----------
    time : numpy.ndarray, shape (n,)
        Times of the estimates [s], ascending; at the last one all rises are steady.
    error : dict of str to numpy.ndarray, shape (n,)
        Estimated errors [K/W] by output.
    axes : tuple of str
        Directions of the cells that cause most of the error of the source at each time, "z" or "x and y".

    Examples
    --------
    >>> error = ImpedanceError(np.array([1e-3, 1.0]), {"die": np.array([1e-3, 1e-2])}, ("z", "x and y"))
    >>> error.at_time([1e-3, 1.0], "die").round(6).tolist()
    [0.001, 0.01]
    >>> error
    ImpedanceError(1 outputs at 2 times from 0.001 to 1 s)
    """

    time: Array
    error: dict[str, Array]
    axes: tuple[str, ...]

    def __repr__(self) -> str:
        """Return the number of outputs and the range of times in one line."""
        times = f"{self.time.size} times from {self.time[0]:g} to {self.time[-1]:g} s"
        return f"ImpedanceError({len(self.error)} outputs at {times})"

    def at_time(self, time: Array, output: str) -> Array:
        """Return the estimated error [K/W] of an output at times [s] after a step of power.

        Before the first estimate it keeps its value, which is too large there rather than too small.
        """
        error = self.error[output]
        smallest = max(float(error.max()) * TINY_ERROR, np.finfo(float).tiny)
        with np.errstate(divide="ignore"):
            position = np.log(np.asarray(time, dtype=np.float64))
        logarithm = np.interp(position, np.log(self.time), np.log(np.maximum(error, smallest)))
        value: Array = np.exp(logarithm)
        return value

    def at_frequency(self, omega: Array, output: str) -> Array:
        """Return the estimated error [K/W] of the complex impedance at angular frequencies [rad/s].

        The response to an oscillation depends on the cells as the response at a real rate of its angular
        frequency does. Beyond the estimates the error grows with the root of the frequency.
        """
        with np.errstate(divide="ignore"):
            time = RATE_OF_TIME / np.asarray(omega, dtype=np.float64)
            growth = np.sqrt(np.maximum(self.time[0] / time, 1.0))
        error: Array = self.at_time(time, output) * growth
        return error

    def axes_at(self, time: float) -> str:
        """Return the directions of the cells that cause most of the error at a time [s]: "z" or "x and y"."""
        return self.axes[int(np.argmin(np.abs(np.log(self.time / time))))]
