"""The parsed YAML before it becomes plain data: values that remember where they were written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. `start` and `end` are character offsets into the source text.

    `style` is "" for plain, else one of `'`, `"`, `|`, `>` as YAML writes it.
    """

    value: str
    style: str
    line: int
    column: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    line: int
    column: int
    items: list["Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """Keys with their nodes, in file order; duplicates are already reported and dropped."""

    line: int
    column: int
    entries: dict[str, tuple[Scalar, "Node"]] = field(default_factory=dict)


Node: TypeAlias = Scalar | Sequence | Table

Location: TypeAlias = tuple[str | int, ...]
"""A path into a document: keys and 0-based list positions from the root."""

Marks: TypeAlias = Mapping[Location, tuple[Node, Scalar | None]]
"""For each location its value's node and, inside a mapping, its key."""
