"""The columns visible at one point of the pipe, and unique SQL names for new ones."""

from __future__ import annotations

from collections.abc import Iterable

from remedyd.offline.plan import Column
from remedyd.offline.types import DataType


class Names:
    """Hands out SQL names; DuckDB ignores case in identifiers, ES|QL does not."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def copy(self) -> Names:
        """Return names that go on from here independently."""
        other = Names()
        other._taken = set(self._taken)
        return other

    def take(self, name: str) -> str:
        """Return `name`, or a numbered variant when the query already uses it."""
        candidate, number = name, 1
        while candidate.lower() in self._taken:
            number += 1
            candidate = f"{name}#{number}"
        self._taken.add(candidate.lower())
        return candidate


class Scope:
    """Visible columns by name, in output order."""

    def __init__(self) -> None:
        self.columns: dict[str, Column] = {}
        self.names = Names()

    def define(self, name: str, data_type: DataType, *, multi: bool = False) -> Column:
        """Make a column without showing it."""
        return Column(name, self.names.take(name), data_type, multi)

    def show(self, column: Column, name: str | None = None) -> None:
        """Put a column last; one of the same name disappears."""
        shown = column.name if name is None else name
        self.columns.pop(shown, None)
        self.columns[shown] = column

    def replace(self, columns: Iterable[tuple[str, Column]]) -> None:
        """Show exactly these columns; of equal names the last one stays."""
        self.columns = {}
        for name, column in columns:
            self.show(column, name)
