"""Rows of a workload that do not say whose it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from remedyd.offline.lints.facts import origins
from remedyd.offline.lints.finding import Lint, Mark, Severity
from remedyd.offline.lints.refinement import conjuncts
from remedyd.offline.nodes import Binary, BinaryOperator, Column, Literal, Parameter, Stats, Where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.lints.facts import Facts
    from remedyd.offline.lints.subject import Subject

_NAMESPACED = re.compile(
    r"(^|\.)(deployment|statefulset|daemonset|replicaset|job|cronjob|pod|container)(\.name)?$"
)
_CLUSTERED = re.compile(r"(^|\.)(node|namespace)(\.name)?$")
_NAMESPACE = re.compile(r"(^|\.)namespace(\.name)?$")
_CLUSTER = re.compile(r"(^|\.)cluster(\.name|\.uid|\.id)?$")
_FIELDS = {"cluster": "k8s.cluster.name", "namespace": "k8s.namespace.name"}


def _check(subject: Subject) -> Iterator[Mark]:
    pinned: set[str] = set()
    for step in subject.steps:
        command = step.command
        if isinstance(command, Where):
            pinned |= set(_pinned(command, step.facts))
        if not isinstance(command, Stats):
            continue
        fields = _grouped(command, step.facts)
        missing = _missing(fields, fields | pinned)
        if missing:
            added = ", ".join(_FIELDS[one] for one in missing)
            yield Mark(
                command.groups[0],
                f"groups workloads without their {' and '.join(missing)}",
                f"add {added} to BY, or compare it with a constant in WHERE",
            )


def _grouped(command: Stats, facts: Facts) -> set[str]:
    """Names of the groups and of the document fields they are made of."""
    names = {group.name for group in command.groups}
    return names.union(*(origins(group.value, facts) for group in command.groups))


def _pinned(command: Where, facts: Facts) -> Iterator[str]:
    """Fields that every row has one and the same value of."""
    for part in conjuncts(command.condition):
        if isinstance(part, Binary) and part.operator is BinaryOperator.EQUAL:
            left, right = part.left, part.right
            if isinstance(right, Column):
                left, right = right, left
            if isinstance(left, Column) and isinstance(right, Literal | Parameter):
                yield from facts.of(left.name).origins


def _missing(grouped: set[str], present: set[str]) -> list[str]:
    namespaced = any(_NAMESPACED.search(field) for field in grouped)
    clustered = namespaced or any(_CLUSTERED.search(field) for field in grouped)
    missing = []
    if clustered and not any(_CLUSTER.search(field) for field in present):
        missing.append("cluster")
    if namespaced and not any(_NAMESPACE.search(field) for field in present):
        missing.append("namespace")
    return missing


LINT = Lint(
    "missing-identity",
    Severity.WARNING,
    "A workload is named by cluster, namespace and name. Grouped by less, workloads of the same "
    "name are mixed into one row, and an action may be proposed for the wrong one.",
    _check,
)
