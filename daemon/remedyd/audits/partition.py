"""A result that was cut off, asked for again in parts by namespace until it is whole.

ES|QL has no paging and gives at most 10,000 rows, so a big cluster's audit has to be split. It is
split by namespace, because every audit can be narrowed to one: first into a few groups of them
with about as many documents each; a group that is cut off itself is halved. The parts are bounded
in number and in time. A single namespace that is cut off, or too many parts, leave the whole
result cut off: half a cluster's rows would look like a healthy other half.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.parameters import ALL, instant
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, AuditRow, Json, QuerySource, Table, Window, monotonic

MOST_PARTS = 2000
MOST_NAMES = 500
_SHOWN = 5
_NAMESPACE = "k8s.namespace.name"
_CLUSTER = "k8s.cluster.name"
_MOST_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """The answer about some namespaces."""

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
) -> dict[str, int]:
    """Return the namespaces that have telemetry in the window, and how many documents each.

    `cluster` narrows to one ("*": none). Raises QueryError, Truncated among its outcomes.
    """
    narrowed = "" if cluster == ALL else f"\n  AND {_CLUSTER} == ?cluster"
    query = (
        f"FROM {definition.indices}\n"
        "| WHERE @timestamp >= TO_DATETIME(?start) AND @timestamp < TO_DATETIME(?end)"
        f"{narrowed}\n"
        f"| STATS documents = COUNT(*) BY namespace = {_NAMESPACE}\n"
        "| WHERE namespace IS NOT NULL\n"
        "| KEEP namespace, documents\n"
        "| SORT namespace\n"
        f"| LIMIT {_MOST_LISTED}"
    )
    values: dict[str, Json] = {"start": instant(window.start), "end": instant(window.end)}
    if narrowed:
        values["cluster"] = cluster
    found = _counted(source.query(query, values))
    if not found:
        raise _cut_off("cut off, and no namespace is listed by which it could be split")
    if len(found) >= _MOST_LISTED:
        raise _cut_off(f"cut off, and so is the list of namespaces, at {_MOST_LISTED}")
    return found


def _counted(table: Table) -> dict[str, int]:
    found: dict[str, int] = {}
    for record in table.records():
        name, documents = record.get("namespace"), record.get("documents")
        if not isinstance(name, str) or not isinstance(documents, int):
            names = ", ".join(column.name for column in table.columns)
            raise _cut_off(f"cut off, and the list of namespaces is another table: {names}")
        found[name] = documents
    return found


def groups(sizes: Mapping[str, int], count: int) -> list[tuple[str, ...]]:
    """Cut namespaces into about `count` groups of alike many documents, in their order."""
    share = max(1.0, sum(sizes.values()) / max(1, count))
    found: list[list[str]] = []
    held = 0
    for name, size in sizes.items():
        if not found or held + size / 2 > share or len(found[-1]) == MOST_NAMES:
            found.append([])
            held = 0
        found[-1].append(name)
        held += size
    return [tuple(group) for group in found]


def gather(
    parts: Sequence[tuple[str, ...]],
    ask: Callable[[tuple[str, ...]], Part],
    *,
    seconds: float,
) -> tuple[Part, int]:
    """Ask about every group of namespaces, in halves where one is cut off.

    Returns the rows of all, the most severe first, with the number of queries. Raises QueryError:
    Truncated when a single namespace is cut off, or when there are too many queries or `seconds`
    are over; BadQuery when a part holds rows of a namespace that was not asked about.
    """
    found: list[Part] = []
    waiting = list(reversed(parts))
    end, asked = monotonic() + seconds, 0
    while waiting:
        _check(asked, len(waiting), monotonic() > end, seconds)
        group = waiting.pop()
        asked += 1
        try:
            found.append(_own(group, ask(group)))
        except QueryError as error:
            if error.outcome is not AuditOutcome.TRUNCATED:
                raise
            if len(group) == 1:
                raise _cut_off(
                    f"cut off even within namespace {group[0]}: {error.message}"
                ) from error
            middle = len(group) // 2
            waiting += [group[middle:], group[:middle]]
    return _whole(found), asked


def _check(asked: int, left: int, late: bool, seconds: float) -> None:
    """Raise Truncated when there were enough queries, or there is no more time."""
    if asked + left > MOST_PARTS:
        raise _cut_off(
            f"cut off, and split by namespace it would take {asked + left} queries or more "
            f"({MOST_PARTS} at most)"
        )
    if late:
        raise _cut_off(
            f"cut off, and split by namespace it could not be read in {seconds:.0f} s: "
            f"{asked} queries were answered, {left} or more were left"
        )


def _own(group: Sequence[str], part: Part) -> Part:
    foreign = sorted({row.target.namespace for row in part.rows} - set(group))
    if foreign:
        raise QueryError(
            AuditOutcome.BAD_QUERY,
            f"narrowed to namespace {_shown(group)}, it answers about {_shown(foreign)}",
            hint="Compare k8s.namespace.name with ?namespace in the query.",
        )
    return part


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _whole(parts: Sequence[Part]) -> Part:
    """Put the parts together. Each is in its query's order; of that, only severity is known."""
    rows = [row for part in parts for row in part.rows]
    records = [record for part in parts for record in part.table.rows]
    order = sorted(range(len(rows)), key=lambda place: -rows[place].severity)
    warnings: Iterator[str] = chain.from_iterable(part.table.warnings for part in parts)
    table = Table(
        parts[0].table.columns if parts else (),
        tuple(records[place] for place in order),
        warnings=tuple(dict.fromkeys(warnings)),
    )
    return Part(table, tuple(rows[place] for place in order))


def _cut_off(message: str) -> QueryError:
    return QueryError(
        AuditOutcome.TRUNCATED,
        message,
        hint="Narrow the audit in its query, or raise its LIMIT (10,000 at most).",
    )
