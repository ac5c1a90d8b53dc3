"""Conformance cases: ES|QL questions with the one right answer, as YAML.

A file holds `tables` (`fields`: name -> mapped type, `documents`) and `cases`. A case has a
`query` and either what comes out (`columns`, `rows`, `warnings`) or its `error`. Dates are
written as text; `columns` are one line, or a list where a name holds a comma. Rows are compared
in order when the query sorts them, else as a set.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from remedyd.model import ManualClock, Table
from remedyd.model.instants import millis_text
from remedyd.offline.engine import Engine
from remedyd.offline.errors import EsqlError

FOLDER = Path(__file__).parents[1] / "conformance"
NOW = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
STACK = "9.4"
NO_LIMIT = "No limit defined, adding default limit of "


class _Loader(yaml.CSafeLoader):
    """YAML without timestamps: a date in a case is text."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Case:
    """One question."""

    topic: str
    name: str
    query: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""
    stack: str = STACK
    params: Any = field(default_factory=dict)

    def __str__(self) -> str:
        """Name the case in a test report."""
        return f"{self.topic}: {self.name}"


def load(path: Path) -> dict[str, Any]:
    """Return the content of a case file."""
    found: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    return found


def case_of(topic: str, given: Mapping[str, Any]) -> Case:
    """Return a case as written."""
    columns = given.get("columns", [])
    if isinstance(columns, str):
        columns = [item.strip() for item in columns.split(",")]
    return Case(
        topic=topic,
        name=given["name"],
        query=given["query"].strip(),
        columns=tuple(columns),
        rows=tuple(tuple(map(_value, row)) for row in given.get("rows", ())),
        warnings=tuple(given.get("warnings", ())),
        error=given.get("error", "").strip(),
        stack=str(given.get("stack", STACK)),
        params=given.get("params", {}),
    )


def cases() -> Iterator[Case]:
    """Yield every case of every topic."""
    for path in sorted(FOLDER.glob("*.yaml")):
        for given in load(path).get("cases", ()):
            yield case_of(path.stem, given)


@cache
def engine_for(topic: str, stack: str) -> Engine:
    """Return an engine with the tables of a topic and the shared ones."""
    major, minor = map(int, stack.split("."))
    engine = Engine(stack=(major, minor), clock=ManualClock(NOW), threads=1)
    for name in ("_tables", topic):
        path = FOLDER / f"{name}.yaml"
        for table, given in load(path).get("tables", {}).items():
            properties = {key: _mapping(kind) for key, kind in given["fields"].items()}
            settings = {"index.mode": given.get("mode", "standard")}
            engine.create_stream(
                table, {"settings": settings, "mappings": {"properties": properties}}
            )
            engine.add_documents(table, given["documents"])
    return engine


def _mapping(kind: Any) -> dict[str, Any]:
    """Read `long`, `long counter`, `keyword dimension`, `alias of x` or a mapping in full."""
    if isinstance(kind, dict):
        return kind
    word, _, more = kind.partition(" ")
    if word == "alias":
        return {"type": "alias", "path": more.removeprefix("of ")}
    mapping: dict[str, Any] = {"type": word}
    if more == "dimension":
        mapping["time_series_dimension"] = True
    elif more:
        mapping["time_series_metric"] = more
    return mapping


def _value(value: Any) -> Any:
    return tuple(map(_value, value)) if isinstance(value, list) else value


def shown(value: Any) -> Any:
    """Return a cell as a case writes it."""
    if isinstance(value, datetime):
        return millis_text(value)
    return tuple(map(shown, value)) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Answer:
    """What a query gave, in the terms of a case."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""


def ask(case: Case) -> Answer:
    """Run a case's query."""
    try:
        table = engine_for(case.topic, case.stack).query(case.query, case.params)
    except EsqlError as error:
        return Answer(error=error.message)
    return _answer(table)


def _answer(table: Table) -> Answer:
    return Answer(
        columns=tuple(f"{column.name}:{column.type}" for column in table.columns),
        rows=tuple(tuple(map(shown, row)) for row in table.rows),
        warnings=tuple(text for text in table.warnings if not text.startswith(NO_LIMIT)),
    )


def comparable(case: Case, rows: tuple[tuple[Any, ...], ...]) -> list[Any]:
    """Return rows in the order that counts, each value with its type."""
    typed = [repr(row) for row in rows]
    return typed if "SORT" in case.query.upper() else sorted(typed)
