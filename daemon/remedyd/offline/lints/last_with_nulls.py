"""LAST and FIRST over documents of which only some have the value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.offline.lints.facts import nullable
from remedyd.offline.lints.finding import Lint, Mark, Severity
from remedyd.offline.lints.refinement import where_true
from remedyd.offline.nodes import FunctionCall, InlineStats, Stats, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.lints.subject import Subject


_KEEPING_NULLS = ("FIRST", "LAST", "EARLIEST", "LATEST")


def _check(subject: Subject) -> Iterator[Mark]:
    for step in subject.steps:
        if not isinstance(step.command, Stats | InlineStats):
            continue
        for item in step.command.aggregates:
            facts = where_true(item.condition, step.facts) if item.condition else step.facts
            for call in walk(item.value):
                if not isinstance(call, FunctionCall) or call.name not in _KEEPING_NULLS:
                    continue
                if call.arguments and nullable(call.arguments[0], facts):
                    yield _mark(subject, call)


def _mark(subject: Subject, call: FunctionCall) -> Mark:
    value = subject.query.text_of(call.arguments[0])
    written = subject.query.text_of(call)
    return Mark(
        call,
        f"{call.name} takes the null of a document without [{value}]",
        f"{written} WHERE {value} IS NOT NULL",
    )


LINT = Lint(
    "last-with-nulls",
    Severity.ERROR,
    "FIRST and LAST keep nulls, so do EARLIEST and LATEST: they return the value of the first or "
    "last document even when that document does not have the field. Telemetry of several "
    "streams, or of several receivers in one stream, spreads an object's fields over different "
    "documents, so the result is null most of the time and every comparison with it is silently "
    "untrue.",
    _check,
)
