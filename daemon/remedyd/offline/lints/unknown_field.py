"""A field that no stream of the query maps."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from remedyd.offline.catalog.patterns import Pattern
from remedyd.offline.lints.finding import Lint, Mark, Severity
from remedyd.offline.nodes import (
    Column,
    Dissect,
    From,
    Grok,
    LookupJoin,
    Parameter,
    Stats,
    TimeSeries,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.lints.subject import Step, Subject
    from remedyd.offline.nodes import Node


def _check(subject: Subject) -> Iterator[Mark]:
    if subject.mapping is None or not subject.mapping.streams or _partly(subject):
        return
    known = set(subject.mapping.names())
    reported: set[str] = set()
    for step in subject.steps:
        if isinstance(step.command, From | TimeSeries):
            known |= {field.name for field in step.command.metadata}
            continue
        if isinstance(step.command, LookupJoin | Dissect | Grok):
            return
        for column in _read(step, known):
            if column.name not in reported:
                reported.add(column.name)
                yield _mark(column, known)
        if isinstance(step.command, Stats):
            return


def _partly(subject: Subject) -> bool:
    """Whether a source has no stream in the mapping: then nobody knows which fields it has."""
    source = subject.query.commands[0]
    if subject.mapping is None or not isinstance(source, From | TimeSeries):
        return True
    patterns = [Pattern(entry.pattern) for entry in source.sources if not entry.excluded]
    streams = [schema.stream for schema in subject.mapping.streams]
    return any(not any(pattern.matches(name) for name in streams) for pattern in patterns)


def _read(step: Step, known: set[str]) -> Iterator[Column]:
    """Columns the command reads that nothing before it defines."""
    defined = set(known) | set(step.facts.columns)
    targets = {id(target) for target in _targets(step.command, defined)}
    for node in walk(step.command):
        if isinstance(node, Column) and id(node) not in targets:
            if any(isinstance(part, Parameter) for part in node.parts):
                continue
            if node.name not in defined:
                yield node


def _targets(command: Node, defined: set[str]) -> Iterator[Column]:
    """Columns the command defines; later fields of the same command may read them."""
    for node in walk(command):
        for name in ("target", "new"):
            target = getattr(node, name, None)
            if isinstance(target, Column):
                defined.add(target.name)
                yield target


def _mark(column: Column, known: set[str]) -> Mark:
    near = get_close_matches(column.name, sorted(known), n=1, cutoff=0.7)
    fix = f"did you mean {near[0]}?" if near else "correct the name, or map the field"
    return Mark(column, f"no stream of this query maps [{column.name}]", fix)


LINT = Lint(
    "unknown-field",
    Severity.ERROR,
    "Elasticsearch rejects the whole query with 'Unknown column' when no index behind FROM maps "
    "a field, so one absent optional metric silences the audit.",
    _check,
)
