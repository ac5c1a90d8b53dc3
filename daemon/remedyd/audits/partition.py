"""A result that was cut off, asked for again namespace by namespace until it is whole.

ES|QL has no paging and gives at most 10,000 rows, so a big cluster's audit has to be split. It is
split by namespace, because every audit can be narrowed to one; the parts are bounded in number and
in time. A part that is cut off itself, or too many parts, leave the whole result cut off: half a
cluster's rows would look like a healthy other half.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.parameters import ALL, instant
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, AuditRow, Json, QuerySource, Table, Window, monotonic

MOST_PARTS = 2000
_NAMESPACE = "k8s.namespace.name"
_CLUSTER = "k8s.cluster.name"
_MOST_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """The answer about one namespace."""

    table: Table
    rows: tuple[AuditRow, ...]


def divisible(definition: AuditDefinition) -> bool:
    """Whether the audit can be narrowed to a namespace, and its telemetry names one."""
    fields = {field.name for field in definition.fields}
    return (
        "namespace" in definition.outline.parameters
        and _NAMESPACE in fields
        and bool(definition.identity.namespace)
    )


def namespaces(
    definition: AuditDefinition, source: QuerySource, window: Window, cluster: str
) -> tuple[str, ...]:
    """Return the namespaces that have telemetry in the window, in order.

    `cluster` narrows to one ("*": none). Raises QueryError, Truncated among its outcomes.
    """
    narrowed = "" if cluster == ALL else f"\n  AND {_CLUSTER} == ?cluster"
    query = (
        f"FROM {definition.indices}\n"
        "| WHERE @timestamp >= TO_DATETIME(?start) AND @timestamp < TO_DATETIME(?end)"
        f"{narrowed}\n"
        f"| STATS documents = COUNT(*) BY namespace = {_NAMESPACE}\n"
        "| WHERE namespace IS NOT NULL\n"
        "| KEEP namespace\n"
        "| SORT namespace\n"
        f"| LIMIT {_MOST_LISTED}"
    )
    values: dict[str, Json] = {"start": instant(window.start), "end": instant(window.end)}
    if narrowed:
        values["cluster"] = cluster
    found = tuple(str(row[0]) for row in source.query(query, values).rows)
    if len(found) > MOST_PARTS:
        raise _cut_off(
            f"cut off, and split into {len(found)} namespaces it would take too many queries "
            f"({MOST_PARTS} at most)"
        )
    return found


def gather(names: Sequence[str], ask: Callable[[str], Part], *, seconds: float) -> Part:
    """Ask about every namespace and return the rows of all.

    Raises QueryError: Truncated when a part is cut off or `seconds` are over, BadQuery when a
    part holds rows of another namespace.
    """
    parts: list[Part] = []
    end = monotonic() + seconds
    for name in names:
        if monotonic() > end:
            raise _cut_off(
                f"cut off, and {len(names)} parts could not be read in {seconds:.0f} s: "
                f"{len(parts)} were"
            )
        try:
            parts.append(_own(name, ask(name)))
        except QueryError as error:
            if error.outcome is not AuditOutcome.TRUNCATED:
                raise
            raise _cut_off(f"cut off even within namespace {name}: {error.message}") from error
    return Part(_table(parts), tuple(chain.from_iterable(part.rows for part in parts)))


def _own(name: str, part: Part) -> Part:
    foreign = sorted({row.target.namespace for row in part.rows} - {name})
    if foreign:
        raise QueryError(
            AuditOutcome.BAD_QUERY,
            f"narrowed to namespace {name}, it answers about {', '.join(foreign)}",
            hint="Compare k8s.namespace.name with ?namespace in the query.",
        )
    return part


def _table(parts: Sequence[Part]) -> Table:
    columns = parts[0].table.columns if parts else ()
    warnings: Iterator[str] = chain.from_iterable(part.table.warnings for part in parts)
    return Table(
        columns,
        tuple(chain.from_iterable(part.table.rows for part in parts)),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _cut_off(message: str) -> QueryError:
    return QueryError(
        AuditOutcome.TRUNCATED,
        message,
        hint="Narrow the audit in its query, or raise its LIMIT (10,000 at most).",
    )
