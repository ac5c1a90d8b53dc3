"""Two answers to one question, and what differs between them."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from remedyd.model import Cell, Table

_NO_LIMIT = "No limit defined"
_PLACE = re.compile(r"^line \d+:\d+: ")


@dataclass(frozen=True, slots=True)
class Answer:
    """A table, or an error with its place (0: none)."""

    table: Table | None = None
    error: str = ""
    line: int = 0
    column: int = 0


def differences(query: str, ours: Answer, theirs: Answer) -> Iterator[str]:
    """Yield one line for each difference; `ours` is the offline engine's answer."""
    if ours.table is None or theirs.table is None:
        if ours.table is not None:
            yield f"offline gives rows, Elasticsearch an error: {theirs.error}"
        elif theirs.table is not None:
            yield f"offline gives an error, Elasticsearch rows: {ours.error}"
        else:
            yield from _errors(ours, theirs)
        return
    yield from _tables("SORT" in query.upper(), ours.table, theirs.table)


def _errors(ours: Answer, theirs: Answer) -> Iterator[str]:
    if (ours.line, ours.column) != (theirs.line, theirs.column):
        yield (
            f"error at {ours.line}:{ours.column} offline, "
            f"at {theirs.line}:{theirs.column} in Elasticsearch"
        )
    mine, other = (_PLACE.sub("", one.error).partition("; ")[0] for one in (ours, theirs))
    if mine != other:
        yield f"error offline: {mine}"
        yield f"error in Elasticsearch: {other}"


def _tables(in_order: bool, ours: Table, theirs: Table) -> Iterator[str]:
    mine = [f"{column.name}:{column.type}" for column in ours.columns]
    other = [f"{column.name}:{column.type}" for column in theirs.columns]
    if mine != other:
        yield f"columns offline: {', '.join(mine)}"
        yield f"columns in Elasticsearch: {', '.join(other)}"
        return
    left, right = list(ours.rows), list(theirs.rows)
    if not in_order:
        left.sort(key=repr)
        right.sort(key=repr)
    if len(left) != len(right):
        yield f"{len(left)} rows offline, {len(right)} in Elasticsearch"
    for number, (first, second) in enumerate(zip(left, right, strict=False)):
        if not _same(first, second):
            yield f"row {number} offline: {first}"
            yield f"row {number} in Elasticsearch: {second}"
            break
    warned, warns = (
        {text for text in table.warnings if not text.startswith(_NO_LIMIT)}
        for table in (ours, theirs)
    )
    yield from (f"warning only offline: {text}" for text in sorted(warned - warns))
    yield from (f"warning only in Elasticsearch: {text}" for text in sorted(warns - warned))


def _same(first: Cell, second: Cell) -> bool:
    """Compare values; decimals up to the order in which they were added."""
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)
    return type(first) is type(second) and first == second
