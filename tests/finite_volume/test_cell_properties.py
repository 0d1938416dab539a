"""Properties of cells from their parts and temperatures, against a twin that loops over the cells."""

from __future__ import annotations

import numpy as np
import pytest

from thermostack.finite_volume.cell_properties import CellProperties

SHAPE = (4, 5, 7)
VALUES = [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0), (7.0, 8.0), (9.0, 10.0)]


def half(t: np.ndarray) -> list[np.ndarray]:
    return [0.5 * t, 0.25 * t]


def constant(t: np.ndarray) -> list[np.ndarray]:
    """Return a value that does not depend on temperature, as a broadcast array."""
    return [np.broadcast_to(np.float64(11.0), t.shape)] * 2


def inverse(t: np.ndarray) -> list[np.ndarray]:
    return [3e4 / t, -3e4 / t]


LAWS = {1: ("half", half), 2: ("constant", constant), 3: ("half", half), 4: ("inverse", inverse)}


def plain(part: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the values of every cell, (values, nz, ny, nx)."""
    out = np.zeros((2, *part.shape))
    for index, number in np.ndenumerate(part):
        if number > 0:
            law = LAWS.get(int(number) - 1)
            found = VALUES[number - 1] if law is None else [v[0] for v in law[1](t[index].reshape(1))]
            out[(slice(None), *index)] = found
    return out


def random_cells(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the parts of cells, without a law in the first plane, and temperatures [K]."""
    rng = np.random.default_rng(seed)
    part = rng.integers(0, 6, SHAPE).astype(np.uint16)
    part[0] = rng.integers(0, 2, SHAPE[1:])
    return part, rng.uniform(250.0, 450.0, SHAPE)


def planes(properties: CellProperties) -> np.ndarray:
    return np.stack([properties.plane(k) for k in range(SHAPE[0])], axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_properties_follow_part_and_temperature_of_each_cell(seed: int) -> None:
    part, t = random_cells(seed)
    assert np.array_equal(planes(CellProperties(part, VALUES, LAWS).at_temperature(t)), plain(part, t))


def test_properties_without_temperature_are_those_of_the_parts() -> None:
    part, _ = random_cells(5)
    table = np.vstack([np.zeros(2), VALUES])
    assert np.array_equal(planes(CellProperties(part, VALUES, LAWS)), np.moveaxis(table[part], -1, 0))


def test_temperatures_relative_to_a_datum() -> None:
    part, t = random_cells(6)
    properties = CellProperties(part, VALUES, LAWS)
    over = properties.at_temperature(t - 300.0, 300.0)
    assert np.array_equal(planes(over), planes(properties.at_temperature((t - 300.0) + 300.0)))
    assert properties.temperature is None  # unchanged


def test_temperatures_outside_the_body_are_ignored() -> None:
    part, t = random_cells(7)
    bare = np.where(part > 0, t, np.nan)
    assert np.array_equal(planes(CellProperties(part, VALUES, LAWS).at_temperature(bare)), plain(part, t))


def test_temperatures_of_other_dtype_and_memory_order() -> None:
    part, t = random_cells(8)
    t = np.round(t)
    properties = CellProperties(part, VALUES, LAWS)
    expected = plain(part, t)
    assert np.array_equal(planes(properties.at_temperature(t.astype(np.float32))), expected)
    assert np.array_equal(planes(properties.at_temperature(np.asfortranarray(t))), expected)


def test_planes_with_temperature_laws() -> None:
    part, t = random_cells(9)
    properties = CellProperties(part, VALUES, LAWS)
    assert properties.varies.tolist() == [False, True, True, True]
    assert properties.at_temperature(t).varies is properties.varies
    assert not CellProperties(part, VALUES, {}).varies.any()


def test_law_shared_by_parts_is_evaluated_once() -> None:
    part = np.full((1, 2, 3), 2, np.uint16)
    part[0, 1] = 4
    sizes: list[int] = []

    def law(t: np.ndarray) -> list[np.ndarray]:
        sizes.append(t.size)
        return half(t)

    found = (
        CellProperties(part, VALUES, {1: ("a", law), 3: ("a", law)})
        .at_temperature(np.full(part.shape, 300.0))
        .plane(0)
    )
    assert sizes == [6]
    assert (found[0] == 150.0).all()
