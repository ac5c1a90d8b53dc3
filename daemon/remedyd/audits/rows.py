"""A table held to the audit's contract, and turned into typed, identified rows.

Anything unexpected refuses the whole table: a query whose shape has drifted can not be trusted
in part.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from remedyd.audits.definition import AuditDefinition
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, AuditRow, Cell, ColumnSpec, Severity, Table, Target

_TYPES: dict[str, tuple[type, ...]] = {
    "keyword": (str,),
    "integer": (int,),
    "long": (int,),
    "double": (float, int),
    "boolean": (bool,),
    "date": (datetime,),
}
_NO_COLUMNS = "<no-fields>"


def rows_of(definition: AuditDefinition, table: Table, cluster: str = "") -> tuple[AuditRow, ...]:
    """Return the rows of `table`; `cluster` names the cluster of rows that do not say.

    Raises QueryError: NoData for the empty shape of a missing index, Truncated where rows may
    have been cut off, BadQuery with what changed where the table breaks the contract.
    """
    if [column.name for column in table.columns] == [_NO_COLUMNS]:
        raise QueryError(AuditOutcome.NO_DATA, f"no data stream matches {definition.indices}")
    if len(table.rows) >= definition.limit:
        raise QueryError(
            AuditOutcome.TRUNCATED,
            f"{len(table.rows)} rows reach the limit of {definition.limit}: some may be missing",
            hint="Narrow the audit by namespace, or raise its LIMIT.",
        )
    _same_columns(definition, table)
    rows = tuple(_row(definition, record, cluster) for record in table.records())
    _distinct(definition, rows)
    return rows


def _same_columns(definition: AuditDefinition, table: Table) -> None:
    got = {column.name: column.type for column in table.columns}
    want = definition.specs
    changes = [f"{name} is missing" for name in want if name not in got]
    changes += [f"{name} ({got[name]}) is new" for name in got if name not in want]
    changes += [
        f"{name} is {got[name]} instead of {spec.type}"
        for name, spec in want.items()
        if name in got and got[name] != spec.type and not (got[name] == "null" and spec.nullable)
    ]
    if len(got) != len(table.columns):
        changes.append("a column name occurs twice")
    if changes:
        raise _broken(definition, "the columns are not those declared: " + "; ".join(changes))


def _row(definition: AuditDefinition, record: Mapping[str, Cell], cluster: str) -> AuditRow:
    values: dict[str, Cell] = {}
    for spec in definition.columns:
        values[spec.name] = _cell(definition, spec, record[spec.name])
    samples = values.get(definition.samples)
    last_seen = values.get(definition.last_seen)
    return AuditRow(
        audit=definition.name,
        target=target_of(definition, values, cluster),
        severity=_severity(definition, values[definition.severity]),
        values=values,
        samples=samples if isinstance(samples, int) else None,
        last_seen=last_seen if isinstance(last_seen, datetime) else None,
    )


def _cell(definition: AuditDefinition, spec: ColumnSpec, cell: Cell) -> Cell:
    if cell is None:
        if not spec.nullable:
            raise _broken(definition, f"a row has no {spec.name}, which is declared not nullable")
        return None
    allowed = _TYPES[spec.type]
    if not isinstance(cell, allowed) or (isinstance(cell, bool) and bool not in allowed):
        shown = "several values" if isinstance(cell, tuple) else repr(cell)
        raise _broken(definition, f"{spec.name} is {shown} where a {spec.type} is declared")
    if isinstance(cell, float) and not math.isfinite(cell):
        raise _broken(definition, f"{spec.name} is {cell}, not a number to compare with")
    return float(cell) if spec.type == "double" and isinstance(cell, int) else cell


def target_of(definition: AuditDefinition, values: Mapping[str, Cell], cluster: str) -> Target:
    """Return what a row with these values is about; raise QueryError when it does not say."""
    identity = definition.identity

    def part(column: str, otherwise: str = "") -> str:
        value = values[column] if column else None
        return otherwise if value is None else str(value)

    target = Target(
        cluster=part(identity.cluster, cluster),
        namespace=part(identity.namespace, identity.constant_namespace),
        kind=part(identity.kind, identity.constant_kind),
        name=part(identity.name),
        container=part(identity.container),
    )
    if not target.name or not target.kind:
        raise _broken(definition, "a row does not say which workload it is about")
    return target


def _severity(definition: AuditDefinition, cell: Cell) -> Severity:
    try:
        return Severity(int(str(cell)))
    except ValueError as error:
        raise _broken(
            definition, f"{definition.severity} is {cell!r}; 1, 2 and 3 are known"
        ) from error


def _distinct(definition: AuditDefinition, rows: Sequence[AuditRow]) -> None:
    seen = set[Target]()
    for row in rows:
        if row.target in seen:
            raise _broken(
                definition, f"two rows are about {row.target}: they contradict each other"
            )
        seen.add(row.target)


def _broken(definition: AuditDefinition, message: str) -> QueryError:
    return QueryError(
        AuditOutcome.BAD_QUERY,
        message,
        hint=f"Bring {definition.query_path} and {definition.path} into line.",
    )
