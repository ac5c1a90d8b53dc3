"""Rows as a test writes them, made into what an audit returns.

A test names what matters. Columns that no condition under test reads get a neutral value; those
that one reads have to be there, because a made-up number would decide the test.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from remedyd.audits.definition import AuditDefinition
from remedyd.documents import Document, did_you_mean, problem
from remedyd.documents.nodes import Location
from remedyd.documents.values import parse_duration
from remedyd.errors import Problem
from remedyd.model import Cell, ColumnSpec, Severity
from remedyd.policy.policy import Policy

SAME = "$same"
SEVERITY = "severity"
_AGO = re.compile(r"(\S+) ago")
_WORDS: dict[str, Cell] = {grade.name.lower(): int(grade) for grade in Severity}
_SIMPLE: dict[str, tuple[str, tuple[type[Any], ...]]] = {
    "keyword": ("text", (str,)),
    "integer": ("a whole number", (int,)),
    "long": ("a whole number", (int,)),
    "double": ("a number", (int, float)),
    "boolean": ("true or false", (bool,)),
}


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the rows of one audit; problems go to `problems`."""

    document: Document
    definition: AuditDefinition
    policies: tuple[Policy, ...]
    cluster: str
    problems: list[Problem]

    def read(self, written: Mapping[str, Any], loc: Location, at: datetime) -> dict[str, Cell]:
        """Return one row by column for a cycle at `at`; wrong or missing cells are reported."""
        cells: dict[str, Cell] = {}
        for name, value in written.items():
            place = (*loc, name)
            column = self._column(name, place)
            if column is not None:
                cells[column.name] = self._cell(column, name, value, place, at)
        row = {**self._neutral(at), **cells}
        for missing in self._missing(row, cells):
            self._complain(loc, missing)
        return row

    def other(self, row: Mapping[str, Cell], name: str, at: datetime) -> dict[str, Cell]:
        """Return a healthy row about another workload beside the one of `row`."""
        identity = self.definition.identity
        kept = (identity.cluster, identity.namespace, identity.kind, identity.container)
        return {
            **self._neutral(at),
            **{column: row[column] for column in kept if column},
            identity.name: name,
            self.definition.severity: int(Severity.HEALTHY),
        }

    def _column(self, name: str, place: Location) -> ColumnSpec | None:
        specs = self.definition.specs
        if name in specs:
            return specs[name]
        if name == SEVERITY:
            return specs[self.definition.severity]
        near = did_you_mean(name, [*specs, SEVERITY]) or f"; it has {', '.join(specs)}"
        message = f'the audit {self.definition.name} has no column "{name}"{near}'
        self.problems.append(problem(self.document, place, message, at_key=True))
        return None

    def _cell(
        self, column: ColumnSpec, name: str, value: Any, place: Location, at: datetime
    ) -> Cell:
        if column.name == self.definition.severity and (name == SEVERITY or isinstance(value, str)):
            if value in _WORDS:
                return _WORDS[value]
            near = did_you_mean(str(value), _WORDS)
            self._complain(place, f"must be one of {', '.join(_WORDS)}{near}")
        elif value is None:
            if column.nullable:
                return None
            self._complain(place, f"{name} is never null, says the audit {self.definition.name}")
        elif isinstance(value, list) and column.nullable:
            return tuple(self._single(column, item, place, at) for item in value)
        else:
            return self._single(column, value, place, at)
        return None

    def _single(self, column: ColumnSpec, value: Any, place: Location, at: datetime) -> Cell:
        if column.type == "date":
            moment = _moment(value, at)
            if moment is None:
                text = 'must be a time such as 2026-01-01T00:00:00Z, or "5m ago"'
                self._complain(place, text)
            return moment
        wanted, types = _SIMPLE[column.type]
        if isinstance(value, types) and isinstance(value, bool) == (bool in types):
            found: Cell = float(value) if column.type == "double" else value
            return found
        shown = "the text " if isinstance(value, str) else ""
        shown += json.dumps(value, ensure_ascii=False)
        self._complain(place, f"{column.name} is {wanted}, not {shown}")
        return None

    def _neutral(self, at: datetime) -> dict[str, Cell]:
        definition = self.definition
        end = at - definition.lag
        plain: dict[str, Cell] = {"keyword": "", "boolean": False, "double": 0.0, "date": end}
        row = {
            column.name: None if column.nullable else plain.get(column.type, 0)
            for column in definition.columns
        }
        if definition.samples:
            row[definition.samples] = max(definition.minimum_samples, 1)
        if definition.last_seen:
            row[definition.last_seen] = end
        if definition.identity.cluster:
            row[definition.identity.cluster] = self.cluster or row[definition.identity.cluster]
        return row

    def _missing(self, row: Mapping[str, Cell], given: Mapping[str, Cell]) -> Iterator[str]:
        definition = self.definition
        identity = definition.identity
        if definition.severity not in given:
            yield "the severity is missing: healthy, warning or critical"
        needed = [c for c in identity.columns if c != identity.cluster and c not in given]
        if needed:
            yield f"the row does not say which workload it is about: {', '.join(needed)}"
        if row.get(definition.severity) == int(Severity.HEALTHY):
            return
        for policy in self.policies:
            for column in sorted(_read_by(policy) - set(given)):
                if column in definition.specs and not definition.specs[column].nullable:
                    yield f'the policy {policy.name} reads the column "{column}": give its value'

    def _complain(self, place: Location, message: str) -> None:
        self.problems.append(problem(self.document, place, message))


def _read_by(policy: Policy) -> set[str]:
    """Return the columns that the policy's conditions read."""
    whens = [step.when for step in policy.steps if step.when is not None]
    return {column for one in (*policy.conditions, *whens) for column in one.columns}


def _moment(value: Any, at: datetime) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        if match := _AGO.fullmatch(value):
            return at - parse_duration(match[1])
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
