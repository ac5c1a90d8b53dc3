"""A counter read as if it were a level."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from remedyd.offline.lints.facts import COUNTS
from remedyd.offline.lints.finding import Lint, Mark, Severity
from remedyd.offline.nodes import Column, FunctionCall, InlineStats, Stats, below, walk
from remedyd.offline.types import COUNTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.lints.facts import Facts
    from remedyd.offline.lints.subject import Subject
    from remedyd.offline.nodes import Node

_LEVELS = frozenset(
    {"AVG", "SUM", "MAX", "MIN", "MEDIAN", "PERCENTILE", "FIRST", "LAST", "STD_DEV", "VARIANCE"}
)
_RATES = frozenset({"RATE", "IRATE", "INCREASE", "DELTA", "IDELTA", "DERIV"}) | COUNTS
# Cumulative metrics of the kubelet and cluster receivers, for when no mapping says so.
_CUMULATIVE = re.compile(r"\.(cpu\.time|network\.(io|errors)|uptime)$")


def _check(subject: Subject) -> Iterator[Mark]:
    for step in subject.steps:
        if not isinstance(step.command, Stats | InlineStats):
            continue
        calls = [
            call
            for item in step.command.aggregates
            for call in walk(item.value)
            if isinstance(call, FunctionCall) and call.name in _LEVELS
        ]
        increases = _lowest(calls, step.facts)
        for call in calls:
            for field in sorted(_counters(subject, call, step.facts) - increases):
                yield _mark(call, field)


def _mark(call: FunctionCall, field: str) -> Mark:
    return Mark(
        call,
        f"[{field}] is a counter: {call.name} of it grows with the age of the pod",
        f"TS ... | STATS SUM(RATE({field})), or MAX({field}) - MIN({field}) per pod",
    )


def _lowest(calls: list[FunctionCall], facts: Facts) -> set[str]:
    """Fields of which both ends are taken: their difference is an increase."""
    ends: dict[str, set[str]] = {"MIN": set(), "MAX": set()}
    for call in calls:
        if call.name in ends:
            ends[call.name] |= _raw_fields(call, facts)
    return ends["MIN"] & ends["MAX"]


def _raw_fields(call: FunctionCall, facts: Facts) -> set[str]:
    """Document fields that the first argument reads outside any rate."""
    pending: list[Node] = list(call.arguments[:1])
    found: set[str] = set()
    while pending:
        node = pending.pop()
        if isinstance(node, Column) and facts.of(node.name).raw:
            found |= facts.of(node.name).origins
        if not (isinstance(node, FunctionCall) and _is_rate(node.name)):
            pending.extend(below(node))
    return found


def _is_rate(name: str) -> bool:
    return name in _RATES or name.endswith("_OVER_TIME")


def _counters(subject: Subject, call: FunctionCall, facts: Facts) -> set[str]:
    fields = _raw_fields(call, facts)
    if subject.mapping is None:
        return {field for field in fields if _CUMULATIVE.search(field)}
    return {field for field in fields if COUNTERS & set(subject.mapping.types(field))}


LINT = Lint(
    "counter-as-gauge",
    Severity.ERROR,
    "A counter only ever grows until its process restarts, so its average or maximum says how "
    "old a pod is, not how busy. Elasticsearch rejects AVG and SUM of a field mapped as a "
    "counter for that reason.",
    _check,
)
