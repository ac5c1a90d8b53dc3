"""The restart count since birth taken for restarts now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from remedyd.offline.lints.facts import origins
from remedyd.offline.lints.finding import Lint, Mark, Severity
from remedyd.offline.nodes import FunctionCall, InlineStats, Stats, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.lints.facts import Facts
    from remedyd.offline.lints.subject import Subject

_RESTARTS = re.compile(r"(^|[._])restarts?(_count|\.count)?$")
_HIGHEST = frozenset({"MAX", "SUM", "AVG", "LAST", "MEDIAN", "PERCENTILE", "TOP"})
_LOWEST = frozenset({"MIN", "FIRST"})


def _check(subject: Subject) -> Iterator[Mark]:
    for step in subject.steps:
        if not isinstance(step.command, Stats | InlineStats) or step.facts.aggregated:
            continue
        calls = [
            call
            for item in step.command.aggregates
            for call in walk(item.value)
            if isinstance(call, FunctionCall)
        ]
        compared = {
            field
            for call in calls
            if call.name in _LOWEST
            for field in _restart_fields(call, step.facts)
        }
        for call in calls:
            for field in sorted(_restart_fields(call, step.facts) - compared):
                if call.name in _HIGHEST:
                    yield _mark(subject, call, field)


def _restart_fields(call: FunctionCall, facts: Facts) -> set[str]:
    if not call.arguments:
        return set()
    return {field for field in origins(call.arguments[0], facts) if _RESTARTS.search(field)}


def _mark(subject: Subject, call: FunctionCall, field: str) -> Mark:
    return Mark(
        call,
        f"[{subject.query.text_of(call)}] counts restarts since the pod was created",
        f"MAX({field}) - MIN({field}) per pod over the window",
    )


LINT = Lint(
    "lifetime-restarts",
    Severity.ERROR,
    "The restart count of a container is kept for the life of its pod. A threshold on it stays "
    "exceeded long after the cause was fixed, and misses a fresh crash loop below it. What "
    "happened lately is the increase within the window.",
    _check,
)
