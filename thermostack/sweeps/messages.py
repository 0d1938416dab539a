"""Messages between the process of a sweep and its workers, over a pair of connected sockets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thermostack.sweeps.case_rows import Row
    from thermostack.sweeps.study import Case


@dataclass(frozen=True)
class Chunk:
    """Neighbouring cases for a worker, which sends a row for each of them."""

    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Ready:
    """Sent by a worker when it has started and after each chunk."""


@dataclass(frozen=True)
class Finished:
    """The row of a case."""

    row: Row


@dataclass(frozen=True)
class MemoryRequest:
    """Sent by a worker before a large solve; it waits for the answer."""

    memory: int  # bytes


@dataclass(frozen=True)
class MemoryAnswer:
    """Whether a worker may start its solve, and the memory that all cases share [bytes]."""

    is_granted: bool
    budget: int
