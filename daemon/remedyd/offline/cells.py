"""Stored values as a result shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from remedyd.model import Cell
from remedyd.model.instants import from_nanos
from remedyd.offline.types import DataType


def row_reader(types: Sequence[DataType]) -> Callable[[Sequence[Any]], tuple[Cell, ...]]:
    """Return what turns a row of these column types into cells; a value too many is dropped."""
    readers = [_nanos if kind is DataType.DATE_NANOS else cell for kind in types]

    def read(row: Sequence[Any]) -> tuple[Cell, ...]:
        return tuple(reader(value) for reader, value in zip(readers, row, strict=False))

    return read


def cell(value: Any) -> Cell:
    """Return a stored value as a result shows it: times aware, a list of one as its item."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, list):
        return _several([cell(item) for item in value])
    return value  # type: ignore[no-any-return]


def _nanos(value: Any) -> Cell:
    if isinstance(value, list):
        return _several([_nanos(item) for item in value])
    return None if value is None else from_nanos(value)


def _several(items: Sequence[Cell]) -> Cell:
    return items[0] if len(items) == 1 else tuple(items)
