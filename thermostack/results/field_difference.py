"""One difference between two descriptions: a field with its values in both."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldDifference:
    """A field, a stack, a layer or a block that differs between two descriptions.

    Parameters
    ----------
    path : str
        The path of the field, as in an override: "stacks.die.layers.tim.thickness".
    first, second : str, optional
        Its values as text with units. None where a description does not have it, so that it is a default
        value or, for a stack, a layer or a block, absent.

    Examples
    --------
    >>> print(FieldDifference("stacks.die.layers.tim.thickness", "50 um", "80 um"))
    stacks.die.layers.tim.thickness: 50 um -> 80 um
    """

    path: str
    first: str | None
    second: str | None

    @property
    def kind(self) -> str:
        """Return "changed", "added" or "removed"."""
        if self.first is None:
            return "added"
        return "removed" if self.second is None else "changed"

    def __str__(self) -> str:
        """Return the path with both values."""
        if self.kind == "changed":
            return f"{self.path}: {self.first} -> {self.second}"
        return f"{self.path}: {self.kind} {self.first if self.second is None else self.second}"
