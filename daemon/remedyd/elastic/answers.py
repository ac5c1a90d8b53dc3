"""ES|QL answers into tables; only `columns` and `values` are relied on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from remedyd.elastic.failures import garbled
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, Cell, Column, Table
from remedyd.model.instants import from_nanos

_TYPES = {
    "constant_keyword": "keyword",
    "wildcard": "keyword",
    "match_only_text": "text",
    "byte": "integer",
    "short": "integer",
    "float": "double",
    "half_float": "double",
    "scaled_float": "double",
    "datetime": "date",
}
"""Mapping types by the ES|QL type they are read as; others keep their name."""


def esql_type(mapping_type: str) -> str:
    """Return the ES|QL type in which a field of a mapping type is read."""
    return _TYPES.get(mapping_type, mapping_type)


def table_of(body: object, warnings: Sequence[str], where: str) -> Table:
    """Return the table of a `_query` answer.

    Raises QueryError: Partial for an incomplete one, Unavailable for one that is no table.
    """
    if not isinstance(body, Mapping):
        raise garbled(where, "columns")
    _refuse_partial(body, where)
    columns = _columns(body.get("columns"), where)
    values = body.get("values")
    if not isinstance(values, list):
        raise garbled(where, "values")
    readers = [_READERS.get(column.type, _plain) for column in columns]
    try:
        rows = tuple(
            tuple(_cell(cell, read) for cell, read in zip(row, readers, strict=True))
            for row in values
        )
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise garbled(where, "cells of the types it names") from error
    took = body.get("took")
    return Table(
        columns, rows, tuple(warnings), float(took) if isinstance(took, (int, float)) else 0.0
    )


def _columns(raw: object, where: str) -> tuple[Column, ...]:
    try:
        return tuple(Column(str(c["name"]), str(c["type"])) for c in raw)  # type: ignore[attr-defined]
    except (TypeError, KeyError) as error:
        raise garbled(where, "columns") from error


def _refuse_partial(body: Mapping[str, Any], where: str) -> None:
    clusters = body.get("_clusters") or {}
    try:
        lost = sum(int(clusters.get(key) or 0) for key in ("skipped", "partial", "failed"))
    except (AttributeError, TypeError, ValueError) as error:
        raise garbled(where, "a count of its clusters") from error
    if body.get("is_partial") or body.get("is_running") or lost:
        raise QueryError(
            AuditOutcome.PARTIAL,
            f"the result is partial ({lost} remote clusters are missing)"
            if lost
            else "the result is partial: some shards did not answer",
            hint="Look at the health of Elasticsearch; nothing is concluded from a part.",
        )


def _cell(cell: Any, read: Callable[[Any], Cell]) -> Cell:
    if cell is None:
        return None
    if isinstance(cell, list):
        return tuple(_cell(one, read) for one in cell)
    return read(cell)


def _date(cell: Any) -> Cell:
    text = str(cell).removesuffix("Z")
    whole, dot, fraction = text.partition(".")
    moment = datetime.fromisoformat(whole + (dot + fraction[:6].ljust(3, "0") if dot else ""))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _nanos(cell: Any) -> Cell:
    moment = _date(cell)
    assert isinstance(moment, datetime)
    finer = str(cell).removesuffix("Z").partition(".")[2][6:9]
    if not finer.strip("0"):
        return moment
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return from_nanos(elapsed // timedelta(microseconds=1) * 1000 + int(finer.ljust(3, "0")))


def _whole(cell: Any) -> Cell:
    if isinstance(cell, bool) or not isinstance(cell, int):
        raise TypeError(f"{cell!r} is not whole")
    return cell


def _double(cell: Any) -> Cell:
    if not _is_number(cell):
        raise TypeError(f"{cell!r} is not a number")
    return float(cell)


def _plain(cell: Any) -> Cell:
    if isinstance(cell, (str, int, float, bool)):
        return cell
    raise TypeError(f"{cell!r} is not a cell")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_READERS: dict[str, Callable[[Any], Cell]] = {
    "date": _date,
    "date_nanos": _nanos,
    "datetime": _date,
    "long": _whole,
    "integer": _whole,
    "counter_long": _whole,
    "unsigned_long": _whole,
    "double": _double,
    "counter_double": _double,
}
