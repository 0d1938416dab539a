"""Material properties of all cells, constant or evaluated at the temperature of each cell."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Self, TypeAlias

import numpy as np

from thermostack.finite_volume import _cell_properties

Array = np.ndarray
Law: TypeAlias = Callable[[Array], Sequence[Array]]  # temperatures (n,) [K] to arrays (n,), one a property


class CellProperties:
    """Properties of every cell, given by its part and, where the part has a law, by its temperature."""

    def __init__(
        self, part: Array, values: Sequence[Sequence[float]], laws: Mapping[int, tuple[Hashable, Law]]
    ) -> None:
        """Store the properties of the parts.

        `part` (nz, ny, nx) uint16 is 0 outside the body, else 1 + the index of the part. `values` has the
        properties of each part, used where no temperature is given; outside the body all are zero. `laws`
        maps the index of a part to a key and a temperature law: parts with the same key share the law, which
        is evaluated once for all their cells.
        """
        self.part = part
        self.temperature: Array | None = None  # (nz, ny, nx) K above `zero`
        self.zero = 0.0  # K
        self._table = np.ascontiguousarray(np.pad(np.array(values, dtype=np.float64).T, ((0, 0), (1, 0))))
        self._laws: list[Law] = []
        self._law = np.zeros(1 + len(values), np.uint16)  # 1 + index of the law of each part, 0 without a law
        numbers: dict[Hashable, int] = {}
        for n, (key, law) in laws.items():
            if key not in numbers:
                self._laws.append(law)
                numbers[key] = len(self._laws)
            self._law[1 + n] = numbers[key]

    def at_temperature(self, temperature: Array | None, zero: float = 0.0) -> Self:
        """Return the properties at temperatures (nz, ny, nx) [K] above `zero` [K]."""
        other = copy.copy(self)
        other.temperature, other.zero = temperature, zero
        other.__dict__["varies"] = self.varies  # computed once, because it reads all cells
        return other

    @cached_property
    def varies(self) -> Array:
        """Return which planes contain cells with a temperature law, (nz,) bool."""
        return np.array([bool(self._law[part].any()) for part in self.part])

    def varies_in_plane(self, k: int) -> Array:
        """Return which cells at height k have a temperature law, (ny, nx) bool."""
        return np.asarray(self._law[self.part[k]] > 0)

    def plane(self, k: int) -> Array:
        """Return the properties of the cells at height k, (properties, ny, nx).

        The temperature of cells outside the body is ignored and may be NaN.
        """
        part = self.part[k]
        out = np.empty((len(self._table), *part.shape))
        _cell_properties.expand(part, self._table, out)
        if self.temperature is None or not self._laws:
            return out
        cell, kelvin = np.empty(part.size, np.intc), np.empty(part.size)
        start = np.empty(len(self._laws) + 2, np.intp)
        temperature = np.ascontiguousarray(self.temperature[k], dtype=np.float64)
        _cell_properties.gather(part, self._law, temperature, self.zero, cell, kelvin, start)
        ends = start.tolist()
        for law, begin, end in zip(self._laws, ends, ends[1:], strict=False):
            if begin < end:
                cells = slice(begin, end)
                for values, result in zip(out, law(kelvin[cells]), strict=True):
                    _cell_properties.scatter(cell[cells], result, values.reshape(-1))
        return out

    def of_cells(self, k: Array, j: Array, i: Array) -> Array:
        """Return the properties of cells given by their indices, (properties, ...)."""
        part = self.part[k, j, i]
        out: Array = self._table[:, part]
        if self.temperature is None:
            return out
        for number, law in enumerate(self._laws, 1):
            own = self._law[part] == number
            if own.any():
                kelvin = self.temperature[k[own], j[own], i[own]] + self.zero
                for values, result in zip(out, law(kelvin), strict=True):
                    values[own] = result
        return out
