"""Storage of a model in a result file: description, grid, heat sources, boundary faces and contacts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from pydantic import TypeAdapter, ValidationError

from thermostack.errors import DescriptionError, OutputError
from thermostack.io.description.file_forms import require_file_form
from thermostack.io.results.hdf5_arrays import Hdf5Reader, write_array, write_json
from thermostack.io.results.leakage_record import read_leakage, write_leakage
from thermostack.materials.material import Material
from thermostack.materials.material_library import library
from thermostack.mesh.block_cells import BlockCells
from thermostack.mesh.boundary_faces import SURROUNDINGS, BoundaryFaces
from thermostack.mesh.grid import Grid
from thermostack.mesh.layer_heat_source import LayerHeatSource
from thermostack.mesh.model import Model, PlaneContact
from thermostack.package.cooling import FACES, HtcMap
from thermostack.package.geometry import package_geometry
from thermostack.package.local_geometry import local_geometry
from thermostack.package.local_region import LocalRegion
from thermostack.package.package import Package
from thermostack.package.power import Power
from thermostack.schema.validated_dataclass import dump

ROOT_GROUP = "thermostack"
_MAP_VALUES: Any = {"stacks": {"__all__": {"layers": {"__all__": {"power": {"map": {"values"}}}}}}}
_TOKEN = "in place: "  # names of materials have no blanks
_DTYPES = {"cell": np.int64, "axis": np.uint8, "is_high": np.uint8, "face": np.uint8, "cooler": np.uint16}
_CELLS = "VTKHDF/CellData"
_COORDINATES = {"x": "VTKHDF/XCoordinates", "y": "VTKHDF/YCoordinates", "z": "VTKHDF/ZCoordinates"}


# -- writing ---------------------------------------------------------------------------------


def write_model(home: h5py.Group, model: Model) -> None:
    """Write a model, except its grid and the parts of its cells, which `vtk_grid` writes."""
    write_json(home, "description", describe(model.package))
    for n, values in enumerate(_maps(model.package)):
        write_array(home, f"maps/{n}", values)
    for n, source in enumerate(model.layer_sources):
        write_array(home, f"heating/{n}/plane", source.plane)
        write_array(home, f"heating/{n}/shares", source.shares)
    for name in BoundaryFaces.__dataclass_fields__:
        values = getattr(model.boundary, name)
        write_array(home, f"surfaces/{name}", values.astype(_DTYPES.get(name, np.float64)))
    write_json(
        home,
        "model",
        {
            "parts": [[part.name, part.material.name, part.limit] for part in model.parts],
            "heating": [[s.part, s.k0, s.j0, s.i0] for s in model.layer_sources],
            "blocks": [[b.name, b.part, b.power, *_slice_bounds(b.window)] for b in model.blocks],
            "contacts": [[c.k, *_slice_bounds((c.j, c.i)), c.resistance] for c in model.contacts],
            "warnings": list(model.warnings),
            "leakage": write_leakage(home, model.leakage),
            "region": None if (region := model.geometry.region) is None else region.as_data(),
        },
    )


def _slice_bounds(window: tuple[slice, ...]) -> list[int]:
    return [end for span in window for end in (span.start, span.stop)]


def describe(package: Package) -> dict[str, Any]:
    """Return a package as plain data: the description, its material objects, and its library materials.

    The values of maps are left out. Raises OutputError if a material cannot be stored.
    """
    require_file_form(package)
    objects: list[Material] = []
    try:
        description = TypeAdapter(Package).dump_python(
            _with_tokens(package, objects),
            mode="json",
            by_alias=True,
            exclude_defaults=True,
            exclude=_MAP_VALUES,
        )
        in_place = [dump(Material, material) for material in objects]
        for h in _htc_maps(description):
            del h["map"]
    except (TypeError, ValueError) as error:
        raise OutputError(f"package {package.name} cannot be stored: {error}") from None
    return {"package": description, "in_place": in_place, "library": _library_of([description, in_place])}


def _with_tokens(value: Any, objects: list[Material]) -> Any:
    """Return part of a package with each material object replaced by a token and added to `objects`."""
    if isinstance(value, Material):
        objects.append(value)
        return f"{_TOKEN}{len(objects) - 1}"
    if isinstance(value, tuple):
        return tuple(_with_tokens(item, objects) for item in value)
    if not dataclasses.is_dataclass(value) or isinstance(value, (type, Power, HtcMap)):
        return value
    new = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        if isinstance(value, Package) and field.name == "materials":
            made: Any = {
                n: m if isinstance(m, Material) else _with_tokens(m, objects) for n, m in item.items()
            }
        else:
            made = _with_tokens(item, objects)
        if field.init:
            new[field.name] = made
    return dataclasses.replace(value, **new)


def _library_of(description: Any) -> dict[str, Any]:
    """Return the definitions of all library materials that are named, and of their constituents."""
    definitions = library().definitions
    found: dict[str, Any] = {}
    waiting = [description]
    while waiting:
        for word in _words(waiting.pop()):
            if word in definitions and word not in found:
                found[word] = definitions[word]
                waiting.append(definitions[word])
    return dict(sorted(found.items()))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _words(item)


def _maps(package: Package) -> list[np.ndarray]:
    """Return the power maps in the order of stacks and layers, then the coefficient maps by face."""
    powers = (layer.power for stack in package.stacks for layer in stack.layers)
    coefficients = (getattr(cooled.cooler, "h", None) for _, cooled in package.cooling)
    return [
        *(power.map.values for power in powers if power is not None and power.map is not None),
        *(h.values for h in coefficients if isinstance(h, HtcMap)),
    ]


def _htc_maps(description: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the maps of heat transfer coefficients in plain data of a package, by face."""
    for key, coolers in description["cooling"].items():
        for cooled in coolers if key != "isolated" else ():
            for law in cooled["cooler"].values():
                if isinstance(law.get("h"), dict):
                    yield law["h"]


def input_hash(model: Model) -> str:
    """Return a hash of all inputs of a result: description, materials, maps and grid planes."""
    text = json.dumps(describe(model.package), sort_keys=True)
    made = hashlib.sha256(text.encode())
    arrays = [*_maps(model.package), model.grid.x, model.grid.y, model.grid.z]
    if model.geometry.region is not None:
        made.update(json.dumps(model.geometry.region.as_data()).encode())
        arrays += [model.boundary.h, model.boundary.temperature, model.boundary.flux]
    for array in arrays:
        made.update(np.ascontiguousarray(array).tobytes())
    return made.hexdigest()


# -- reading ---------------------------------------------------------------------------------


def read_model(stored: Hdf5Reader, leading: tuple[int, ...] = ()) -> Model:
    """Return the model of a file. Raises ResultFileError if its data are inconsistent.

    `leading` is put before the shape of the grid in the arrays of cells: (1,) in a transient.
    """
    try:
        return _build_model(stored, leading)
    except DescriptionError as error:
        raise stored.fail(f"its description is not valid: {error}") from None
    except ValidationError as error:
        raise stored.fail(f"its description is not valid: {error.errors()[0]['msg']}") from None
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise stored.fail(f"its model is not valid: {error}") from None


def _build_model(stored: Hdf5Reader, leading: tuple[int, ...]) -> Model:
    geometry = package_geometry(_read_package(stored))
    more = stored.json(f"{ROOT_GROUP}/model")
    if more.get("region") is not None:  # files of earlier versions have none
        geometry = local_geometry(geometry, LocalRegion.from_data(more["region"]))
    grid = Grid(*(stored.array(_COORDINATES[axis], np.float64, (None,)) for axis in ("x", "y", "z")))
    part = stored.array(f"{_CELLS}/part", np.uint16, (*leading, *grid.shape)).reshape(grid.shape)
    if [part.name for part in geometry.parts] != [name for name, _, _ in more["parts"]]:
        raise stored.fail("its parts differ from those that this version builds from its description")
    if part.max() > len(geometry.parts):
        raise stored.fail(f"{_CELLS}/part has the number of a part that does not exist")
    sources = tuple(_read_heat_source(stored, grid, n, *start) for n, start in enumerate(more["heating"]))
    blocks = tuple(
        BlockCells(str(name), int(number), float(power), _read_window(stored, grid, ends))
        for name, number, power, *ends in more["blocks"]
    )
    contacts = tuple(
        PlaneContact(k, slice(j0, j1), slice(i0, i1), float(resistance))
        for k, j0, j1, i0, i1, resistance in more["contacts"]
        if _read_window(stored, grid, [k - 1, k + 1, j0, j1, i0, i1])
    )
    warnings = tuple(str(warning) for warning in more["warnings"])
    leakage = read_leakage(stored, f"{ROOT_GROUP}/leakage/power", grid, more.get("leakage"))
    boundary = _read_boundary(stored, grid)
    return Model(geometry, grid, part, sources, blocks, contacts, boundary, warnings, leakage=leakage)


def _read_window(stored: Hdf5Reader, grid: Grid, ends: list[int]) -> tuple[slice, slice, slice]:
    """Return a window of cells. Raises ResultFileError if it is not in the grid."""
    k, j, i = (slice(*pair) for pair in zip(ends[::2], ends[1::2], strict=True))
    for span, size in zip((k, j, i), grid.shape, strict=True):
        if not 0 <= span.start < span.stop <= size:
            raise stored.fail(f"{ROOT_GROUP}/model has cells {span.start} to {span.stop} of {size}")
    return k, j, i


def _read_package(stored: Hdf5Reader) -> Package:
    found = stored.json(f"{ROOT_GROUP}/description")
    description, definitions = found["package"], library().definitions
    changed = {name: item for name, item in found["library"].items() if definitions.get(name) != item}
    if changed:  # the library differs now: the package keeps the materials of its solution
        description["materials"] = {**changed, **description.get("materials", {})}
    maps = iter(range(len(stored.names(f"{ROOT_GROUP}/maps"))))
    layers = (layer for stack in description["stacks"].values() for layer in stack["layers"])
    power_maps = ((layer.get("power") or {}).get("map") for layer in layers)
    keyed = [("values", power_map) for power_map in power_maps if power_map is not None]
    for key, raster in [*keyed, *(("map", h) for h in _htc_maps(description))]:
        raster[key] = stored.array(f"{ROOT_GROUP}/maps/{next(maps, 'none')}", np.float64, (None, None))
    objects = TypeAdapter(list[Material]).validate_python(found["in_place"], context={"from_file": True})
    package: Package = TypeAdapter(Package).validate_python(
        _without_tokens(description, objects), context={"from_file": True}
    )
    return package


def _without_tokens(value: Any, objects: list[Material]) -> Any:
    """Return plain data with the tokens replaced by their material objects."""
    if isinstance(value, str) and value.startswith(_TOKEN):
        return objects[int(value.removeprefix(_TOKEN))]
    if isinstance(value, dict):
        return {key: _without_tokens(item, objects) for key, item in value.items()}
    return [_without_tokens(item, objects) for item in value] if isinstance(value, list) else value


def _read_heat_source(
    stored: Hdf5Reader, grid: Grid, n: int, part: int, k0: int, j0: int, i0: int
) -> LayerHeatSource:
    plane = stored.array(f"{ROOT_GROUP}/heating/{n}/plane", np.float64, (None, None))
    shares = stored.array(f"{ROOT_GROUP}/heating/{n}/shares", np.float64, (None,))
    source = LayerHeatSource(part, k0, shares, j0, i0, plane)
    _read_window(stored, grid, _slice_bounds(source.window))
    return source


def _read_boundary(stored: Hdf5Reader, grid: Grid) -> BoundaryFaces:
    columns: dict[str, np.ndarray] = {}
    count: int | None = None
    known = stored.names(f"{ROOT_GROUP}/surfaces")
    for field in dataclasses.fields(BoundaryFaces):
        if field.name == "direction_cosine" and field.name not in known:  # in files of earlier versions
            columns[field.name] = np.ones(columns["cell"].size)
            continue
        dtype = _DTYPES.get(field.name, np.float64)
        columns[field.name] = stored.array(f"{ROOT_GROUP}/surfaces/{field.name}", dtype, (count,))
        count = columns[field.name].size
    bounds = (("cell", grid.cells - 1), ("axis", 2), ("is_high", 1), ("face", max(SURROUNDINGS, len(FACES))))
    for name, maximum in bounds:
        if count and not 0 <= columns[name].min() <= columns[name].max() <= maximum:
            raise stored.fail(f"{ROOT_GROUP}/surfaces/{name} has a value above {maximum}")
    columns["is_high"] = columns["is_high"].astype(bool)
    return BoundaryFaces(**columns)
