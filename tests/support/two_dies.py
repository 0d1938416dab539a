"""Two equal dies on a plate, with and without conductivities that depend on temperature."""

from __future__ import annotations

from thermostack import Convection, Cooling, Layer, Material, Model, Package, Power, Stack, discretize

PLATE, DIE = 4e-3, 1e-3  # m


def two_dies(
    power: float = 1.0, *, ambient: float = 300.0, limit: float | None = 360.0, top: float | None = None
) -> Package:
    """Return two dies at mirrored places on a plate that is cooled at its bottom and, if given, at its top.

    `top` is the ambient temperature of the top [K].
    """
    metal, silicon = Material("metal", 200.0), Material("die_silicon", 100.0)
    plate = Stack("plate", (PLATE, PLATE / 2), (Layer("metal", 1e-3, metal),))
    dies = [
        Stack(
            name,
            (DIE, DIE),
            (
                Layer("active", 5e-5, silicon, power=Power(total=power)),
                Layer("bulk", 3e-4, silicon),
            ),
            on="plate",
            position=(x, DIE / 2),
            limit=limit,
        )
        for name, x in (("west", 0.5e-3), ("east", PLATE - 0.5e-3 - DIE))
    ]
    faces = {"bottom": Convection(5e3, ambient)}
    if top is not None:
        faces["top"] = Convection(1e3, top)
    return Package("two_dies", (plate, *dies), Cooling(**faces))


def two_die_model(cell: float = 2.5e-4, **options: float | None) -> Model:
    """Return the package on a grid with symmetric cells."""
    return discretize(two_dies(**options), cell=cell)  # type: ignore[arg-type]
