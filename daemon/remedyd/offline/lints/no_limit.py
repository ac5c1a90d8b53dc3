"""A query that Elasticsearch will cut off at its own limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.offline.lints.finding import Lint, Mark, Severity
from remedyd.offline.nodes import Limit, MvExpand, Row, Stats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remedyd.offline.lints.subject import Subject


def _check(subject: Subject) -> Iterator[Mark]:
    unbounded = True
    for command in subject.query.commands:
        match command:
            case Limit() | Row():
                unbounded = False
            case Stats():
                unbounded = bool(command.groups) and unbounded
            case MvExpand():
                unbounded = True
    if unbounded:
        yield Mark(
            subject.query.commands[-1],
            "no LIMIT: the result ends after 1000 rows",
            "end the query with SORT on the severity and LIMIT 10000 (the most that is allowed)",
        )


LINT = Lint(
    "no-limit",
    Severity.WARNING,
    "Without LIMIT Elasticsearch returns the first 1000 rows and a warning header. An audit "
    "that loses rows looks healthy where it is blind.",
    _check,
)
