"""Properties of the cells: those of their parts, and of their materials at the cells' own temperatures."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Self, TypeAlias

import numpy as np

from thermostack.finite_volume import _cell_properties

Array = np.ndarray
Law: TypeAlias = Callable[[Array], Sequence[Array]]  # of temperatures (n,) [K], one array (n,) for each value


class CellProperties:
    """Some values of every cell, from its part and, where that has a law, its temperature."""

    def __init__(
        self, part: Array, values: Sequence[Sequence[float]], laws: Mapping[int, tuple[Hashable, Law]]
    ) -> None:
        """Take them of the parts of cells, (nz, ny, nx) uint16: 0 outside the body, else 1 + index.

        `values` are those of each part where no temperature is given; outside the body all are zero. `laws`
        are by the index of the part, with a key: parts of the same key share theirs, and are asked for
        together.
        """
        self.part = part
        self.temperature: Array | None = None  # (nz, ny, nx) K over `zero`
        self.zero = 0.0  # K
        self._table = np.ascontiguousarray(np.pad(np.array(values, dtype=np.float64).T, ((0, 0), (1, 0))))
        self._laws: list[Law] = []
        self._law = np.zeros(1 + len(values), np.uint16)  # 1 + index of each part's law, 0 where it has none
        places: dict[Hashable, int] = {}
        for n, (key, law) in laws.items():
            if key not in places:
                self._laws.append(law)
                places[key] = len(self._laws)
            self._law[1 + n] = places[key]

    def at_temperature(self, temperature: Array | None, zero: float = 0.0) -> Self:
        """Return them at temperatures (nz, ny, nx), so many kelvin over `zero` [K]."""
        other = copy.copy(self)
        other.temperature, other.zero = temperature, zero
        other.__dict__["varies"] = self.varies  # a look at all cells
        return other

    @cached_property
    def varies(self) -> Array:
        """Return which planes of cells have any that depend on temperature, (nz,)."""
        return np.array([bool(self._law[part].any()) for part in self.part])

    def plane(self, k: int) -> Array:
        """Return the values of the cells at height k, (values, ny, nx).

        The temperature of cells outside the body may be anything.
        """
        part = self.part[k]
        out = np.empty((len(self._table), *part.shape))
        _cell_properties.spread(part, self._table, out)
        if self.temperature is None or not self._laws:
            return out
        cell, kelvin = np.empty(part.size, np.intc), np.empty(part.size)
        start = np.empty(len(self._laws) + 2, np.intp)
        given = np.ascontiguousarray(self.temperature[k], dtype=np.float64)
        _cell_properties.collect(part, self._law, given, self.zero, cell, kelvin, start)
        ends = start.tolist()
        for law, begin, end in zip(self._laws, ends, ends[1:], strict=False):
            if begin < end:
                here = slice(begin, end)
                for values, found in zip(out, law(kelvin[here]), strict=True):
                    _cell_properties.place(cell[here], found, values.reshape(-1))
        return out
