"""Unit cells: periodic structures described by their shapes, whose conductivity is computed numerically."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails

from thermostack.materials.cell_geometry import CellGeometry, CellShape, CellSlice
from thermostack.materials.cell_symmetry import has_equal_axes, mirror_plane
from thermostack.materials.effective_medium_base import EffectiveMedium, MaterialLike
from thermostack.materials.material import VOID, Material
from thermostack.materials.ready_made_cells import (
    BumpCell,
    CellStructure,
    Filling,
    HybridBondCell,
    StructureLayer,
    ViaCell,
)
from thermostack.materials.temperature_laws import ArrayAxes, ConductivityLaw
from thermostack.materials.unit_cell_law import UnitCellConductivity, solved_conductivity
from thermostack.schema.fields import Extent, Point, Size, Thickness, fail, plain_list, quote_value
from thermostack.schema.validated_dataclass import FieldPath, described, path_of
from thermostack.units import format_quantity


def _read_pitch(value: Any) -> Any:
    """Return the pitch along x and y from one value or from two."""
    value = plain_list(value)
    if not isinstance(value, (list, tuple)):
        return (value, value)
    if len(value) != 2:
        raise fail(
            "E-TYPE", f"{quote_value(value)} is not a pitch", "write 40 um, or [40 um, 20 um] for x and y"
        )
    return value


_LENGTH = {"type": "string", "description": "a length with its unit", "examples": ["40 um"]}
_PITCH = {"anyOf": [_LENGTH, {"type": "array", "items": _LENGTH, "minItems": 2, "maxItems": 2}]}
CellPitch = Annotated[tuple[Extent, Extent], BeforeValidator(_read_pitch), WithJsonSchema(_PITCH)]


@described
class Inclusion:
    """A rectangle or a disc of another material in a layer of a unit cell, over the height of the layer.

    Where it leaves the cell it continues on the other side, because the structure repeats.

    Parameters
    ----------
    material : str, Material or effective medium
        Material.
    size : pair of float or str, optional
        Width and depth of a rectangle [m].
    position : pair of float or str, optional
        Lower-left corner of a rectangle [m]; by default the corner of the cell.
    center : pair of float or str, optional
        Centre [m]; by default the middle of the cell for a disc.
    diameter : float or str, optional
        Diameter of a disc instead of the size [m].

    Examples
    --------
    >>> Inclusion("copper", diameter="5 um").diameter
    5e-06
    """

    material: MaterialLike
    size: Size | None = None
    position: Annotated[Point | None, Field(validation_alias="at", serialization_alias="at")] = None
    center: Point | None = None
    diameter: Extent | None = None

    def __post_init__(self) -> None:
        """Check that there is one size and at most one position."""
        if (self.size is None) == (self.diameter is None):
            given = "neither size nor diameter" if self.size is None else "both size and diameter"
            raise fail("E-VALUE", f"{given} given", "give size for a rectangle, diameter for a disc")
        if self.position is not None and self.center is not None:
            raise fail("E-VALUE", "both at and center given", "give one of them")
        if self.position is not None and self.diameter is not None:
            raise fail("E-VALUE", "a disc has no corner", "give its center instead of at")

    def placed(self, pitch: tuple[float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return centre and size [m] in a cell of a pitch [m]."""
        size = self.size if self.size is not None else (self.diameter or 0.0,) * 2
        if self.center is not None:
            return self.center, size
        if self.diameter is not None:
            return (0.5 * pitch[0], 0.5 * pitch[1]), size
        x, y = self.position or (0.0, 0.0)
        return (x + 0.5 * size[0], y + 0.5 * size[1]), size


@described
class CellLayer:
    """A layer of a unit cell: a material with inclusions of other ones.

    Parameters
    ----------
    material : str, Material or effective medium
        Material around the inclusions.
    thickness : float or str
        Thickness [m].
    inclusions : tuple of Inclusion
        Rectangles and discs; a later one covers an earlier one.

    Examples
    --------
    >>> CellLayer("low_k", "100 nm", (Inclusion("copper", ("1 um", "50 nm")),)).thickness
    1e-07
    """

    material: MaterialLike
    thickness: Thickness
    inclusions: tuple[Inclusion, ...] = ()


@described
class UnitCell(EffectiveMedium):
    """A structure that repeats along x and y; heat conduction in one period is solved numerically.

    Along z the value is that of a layer between isothermal faces; in the plane that of an endless layer with
    adiabatic faces. Give one of the ready-made cells, or a pitch and layers.

    Parameters
    ----------
    via : ViaCell, optional
        Via with liner and landing pads.
    bump : BumpCell, optional
        Bump, ball or pillar with its fill and pads.
    hybrid_bond : HybridBondCell, optional
        Pads of a hybrid bond in their dielectric.
    pitch : float or str, or pair of them, optional
        Period along x and y [m].
    layers : tuple of CellLayer
        Layers from the bottom up.
    source : str
        Source of the values.

    Raises
    ------
    DescriptionError
        If shapes are larger than the period or lie outside of it, or fields are missing.

    Notes
    -----
    `solve_unit_cell` returns the conductivities with bounds and an estimate of the error.
    docs/numerics.md has the equations.

    Examples
    --------
    >>> via = UnitCell(via=ViaCell("copper", "silicon", "10 um", "50 um"))
    >>> [(field, round(fraction, 4)) for field, _, fraction in via.constituents()]
    [('via.host', 0.9686), ('via.core', 0.0314)]
    """

    via: ViaCell | None = None
    bump: BumpCell | None = None
    hybrid_bond: HybridBondCell | None = None
    pitch: CellPitch | None = None
    layers: tuple[CellLayer, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        """Check that there is one structure, and that its shapes fit."""
        ready_made = [key for key in READY_MADE if getattr(self, key) is not None]
        has_own = self.pitch is not None or bool(self.layers)
        if len(ready_made) + has_own != 1:
            known = ", ".join(READY_MADE)
            given = " and ".join([*ready_made, *(["pitch and layers"] if has_own else [])]) or "nothing"
            raise fail(
                "E-VALUE", f"a unit cell needs one structure, got {given}", f"{known}, or pitch and layers"
            )
        if has_own and (self.pitch is None or not self.layers):
            missing = "pitch" if self.pitch is None else "layers"
            raise fail("E-MISSING", f"{missing} is missing", "give pitch and layers")
        for number, layer in enumerate(self.layers):
            for n, inclusion in enumerate(layer.inclusions):
                self._check_inclusion(inclusion, ("layers", number, "inclusions", n))
        for field, material in self._fillings:
            if material == VOID:
                raise _error_at(
                    path_of(field),
                    "void is no constituent of a cell",
                    "name a material, such as air",
                    "E-NAME",
                )

    def _check_inclusion(self, inclusion: Inclusion, path: FieldPath) -> None:
        """Raise if an inclusion is larger than the period or its centre or corner lies outside."""
        assert self.pitch is not None
        shown = " x ".join(format_quantity(each, "length") for each in self.pitch)
        if inclusion.diameter is not None and inclusion.diameter >= min(self.pitch):
            width = format_quantity(inclusion.diameter, "length")
            text = f"discs of {width} touch or overlap at a pitch of {shown}"
            raise _error_at((*path, "diameter"), text, "a diameter must be less than the pitch", "E-RANGE")
        if inclusion.size is not None and any(
            size > pitch for size, pitch in zip(inclusion.size, self.pitch, strict=True)
        ):
            size = " x ".join(format_quantity(each, "length") for each in inclusion.size)
            text = f"a rectangle of {size} is larger than the pitch of {shown}"
            raise _error_at((*path, "size"), text, "a size equal to the pitch is a line", "E-RANGE")
        for key, point in (("at", inclusion.position), ("center", inclusion.center)):
            if point is not None and not all(
                0.0 <= x <= pitch for x, pitch in zip(point, self.pitch, strict=True)
            ):
                place = ", ".join(format_quantity(each, "length") for each in point)
                text = f"[{place}] lies outside the cell of {shown}"
                hint = "positions are from the lower-left corner of the cell"
                raise _error_at((*path, key), text, hint, "E-OUTSIDE")

    @cached_property
    def structure(self) -> CellStructure:
        """Return the period and the layers, with fields of the ready-made cell if there is one."""
        for key in READY_MADE:
            if (cell := getattr(self, key)) is not None:
                return _with_prefix(cell.structure(), key)
        assert self.pitch is not None
        layers = []
        for n, layer in enumerate(self.layers):
            shapes = tuple(
                (
                    (f"layers.{n}.inclusions.{m}.material", each.material),
                    *each.placed(self.pitch),
                    each.diameter is not None,
                )
                for m, each in enumerate(layer.inclusions)
            )
            layers.append(StructureLayer(layer.thickness, (f"layers.{n}.material", layer.material), shapes))
        return CellStructure(self.pitch, tuple(layers))

    @cached_property
    def _fillings(self) -> tuple[Filling, ...]:
        """Return field and material of each constituent; a material that several fields name is one."""
        found: dict[Any, Filling] = {}
        for layer in self.structure.layers:
            for filling in (layer.background, *(shape[0] for shape in layer.shapes)):
                found.setdefault(filling[1], filling)
        return tuple(found.values())

    @cached_property
    def geometry(self) -> CellGeometry:
        """Return the shapes with the indices of the constituents, in the order of `constituents`."""
        index = {material: n for n, (_, material) in enumerate(self._fillings)}
        slices = tuple(
            CellSlice(
                layer.thickness,
                index[layer.background[1]],
                tuple(
                    CellShape(index[filling[1]], center, size, is_round)
                    for filling, center, size, is_round in layer.shapes
                ),
            )
            for layer in self.structure.layers
        )
        structure = self.structure
        return CellGeometry(structure.pitch, slices, len(index), structure.is_isotropic)

    @property
    def has_height(self) -> bool:
        """Return whether the height is stated; a via without pads may leave it out."""
        return self.via is None or self.via.height is not None

    @property
    def is_directional(self) -> bool:  # type: ignore[override]  # read-only here
        """Return whether x and y differ by the geometry."""
        return not has_equal_axes(
            self.geometry, (mirror_plane(self.geometry, 0), mirror_plane(self.geometry, 1))
        )

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field name, material and volume fraction of each constituent."""
        fractions = self.geometry.volume_fractions.tolist()
        return tuple((*each, fraction) for each, fraction in zip(self._fillings, fractions, strict=True))

    def check(self, materials: tuple[Material, ...]) -> None:
        """Accept all constituents: each axis is solved with its own conductivities."""

    def law(self, materials: tuple[Material, ...]) -> ConductivityLaw:
        """Return the law of the conductivity, which is solved at the first evaluation."""
        return UnitCellConductivity(self, materials)

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the effective conductivity [W/(m K)] along x, y and z, solved for each temperature."""
        shape = np.broadcast_shapes(*(np.shape(values) for part in parts for values in part))
        rows = np.array([[np.broadcast_to(values, shape).ravel() for values in part] for part in parts])
        solved = [solved_conductivity(self.geometry, rows[:, :, n]) for n in range(rows.shape[2])]
        x, y, z = np.array(solved).T.reshape(3, *shape)
        return x, y, z


READY_MADE = ("via", "bump", "hybrid_bond")


def _with_prefix(structure: CellStructure, key: str) -> CellStructure:
    """Return a structure whose fields are those of the ready-made cell of a key."""

    def prefixed(filling: Filling) -> Filling:
        return f"{key}.{filling[0]}", filling[1]

    layers = tuple(
        StructureLayer(
            layer.thickness,
            prefixed(layer.background),
            tuple((prefixed(shape[0]), *shape[1:]) for shape in layer.shapes),
        )
        for layer in structure.layers
    )
    return CellStructure(structure.pitch, layers, structure.is_isotropic)


def _error_at(path: FieldPath, text: str, hint: str, code: str) -> ValidationError:
    """Return the error of a field inside a unit cell."""
    details = InitErrorDetails(type=fail(code, text, hint), loc=path, input=None)
    return ValidationError.from_exception_data("UnitCell", [details])
