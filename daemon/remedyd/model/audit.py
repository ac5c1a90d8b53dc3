"""What an audit returns: rows that can be trusted, or a named reason why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Protocol

from remedyd.model.target import Target
from remedyd.model.values import Cell, Json, sha256


class Severity(IntEnum):
    """How bad a row is, as the seed's query grades it."""

    HEALTHY = 1
    WARNING = 2
    CRITICAL = 3


class AuditOutcome(StrEnum):
    """How a run ended. Only `Ok` may lead to a proposal."""

    OK = "Ok"
    NO_DATA = "NoData"
    PARTIAL = "Partial"
    TRUNCATED = "Truncated"
    STALE = "Stale"
    MISSING_FIELD = "MissingField"
    FORBIDDEN = "Forbidden"
    UNAVAILABLE = "Unavailable"
    BAD_QUERY = "BadQuery"
    FOREIGN_CLUSTER = "ForeignCluster"


@dataclass(frozen=True, slots=True)
class Column:
    """A result column: its name and ES|QL type (`long`, `double`, `keyword`, `date`, ...)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column as an audit declares it; a condition on a nullable one must expect null."""

    name: str
    type: str
    nullable: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A query's result as it came: cells in column order, warnings unquoted."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    warnings: tuple[str, ...] = ()
    took_ms: float = 0.0

    def records(self) -> list[dict[str, Cell]]:
        """Return the rows as mappings by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open time range `[start, end)`, aware, in UTC."""

    start: datetime
    end: datetime


class QuerySource(Protocol):
    """Something that executes ES|QL: Elasticsearch, or the offline engine over a recording."""

    def query(self, text: str, params: Mapping[str, Json]) -> Table:
        """Run `text` with named parameters; raise `errors.QueryError` unless whole."""
        ...

    def fields(self, indices: str, names: frozenset[str]) -> Mapping[str, str]:
        """Return the mapped ones among `names` with their type; raise `errors.QueryError`."""
        ...

    def version(self) -> tuple[int, int]:
        """Return (major, minor) of the Elasticsearch spoken to or imitated."""
        ...


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One line of a result, typed and identified.

    `samples` and `last_seen` say how much fresh evidence stands behind it (None: not declared).
    """

    audit: str
    target: Target
    severity: Severity
    values: Mapping[str, Cell]
    samples: int | None = None
    last_seen: datetime | None = None

    @property
    def hash(self) -> str:
        """Return the fingerprint of the evidence, part of a proposal's digest."""
        return sha256({"audit": self.audit, "target": str(self.target), "row": self.values})


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that is not acted upon; `reason` is `Stale` or `TooFewSamples`."""

    row: AuditRow
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditResult:
    """One run of one audit. `rows` is empty unless `outcome` is `Ok`.

    `unavailable` names optional fields that are not mapped: their columns are null. `set_aside`
    holds rows without enough fresh evidence; they are told, never acted upon. `others` are the
    targets of rows that were left out because no policy acts on them: only a backtest does that.
    `parts` counts the queries that it took, more than one where rows would have been cut off.
    """

    audit: str
    outcome: AuditOutcome
    window: Window
    rows: tuple[AuditRow, ...] = ()
    detail: str = ""
    hint: str = ""
    unavailable: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    took_ms: float = 0.0
    table: Table | None = field(default=None, compare=False)
    set_aside: tuple[SetAside, ...] = ()
    others: frozenset[Target] = frozenset()
    parts: int = 1

    @property
    def ok(self) -> bool:
        """Whether the rows may be acted upon."""
        return self.outcome is AuditOutcome.OK

    def targets(self) -> Iterator[Target]:
        """Yield the target of every row the query gave, acted upon or not."""
        yield from (row.target for row in self.rows)
        yield from (aside.row.target for aside in self.set_aside)
        yield from self.others
