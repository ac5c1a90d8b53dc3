"""Mistakes that a valid query can still make, found without running it.

A query may silence a finding where it is meant: `// lint: allow case-on-null, <reason>` on the
same line or on the line above.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from remedyd.offline.lints import (
    case_on_null,
    counter_as_gauge,
    date_diff_window,
    last_with_nulls,
    lifetime_restarts,
    missing_identity,
    no_limit,
    null_division,
    unknown_field,
)
from remedyd.offline.lints.finding import Finding, Lint, Severity
from remedyd.offline.lints.subject import subject

if TYPE_CHECKING:
    from remedyd.offline.catalog import Catalog
    from remedyd.offline.nodes import Query

__all__ = ["LINTS", "Finding", "Lint", "Severity", "lint"]

LINTS: tuple[Lint, ...] = (
    last_with_nulls.LINT,
    lifetime_restarts.LINT,
    counter_as_gauge.LINT,
    unknown_field.LINT,
    case_on_null.LINT,
    null_division.LINT,
    date_diff_window.LINT,
    missing_identity.LINT,
    no_limit.LINT,
)

_ALLOW = re.compile(r"//\s*lint:\s*allow\s+([a-z][a-z-]*)")


def lint(query: Query, catalog: Catalog | None = None) -> tuple[Finding, ...]:
    """Check a parsed query against every lint, in the order of the text.

    With a catalog the mapping of the queried streams is consulted too: unknown fields are found
    only then, and counters are known by their mapping instead of by their name.
    """
    looked_at = subject(query, catalog)
    allowed = _allowances(query.source.text)
    found = []
    for rule in LINTS:
        for mark in rule.check(looked_at):
            place = query.position(mark.node)
            if (rule.id, place.line) in allowed:
                continue
            found.append(
                Finding(
                    rule.id,
                    rule.severity,
                    place.line,
                    place.column,
                    mark.message,
                    rule.explanation,
                    mark.fix,
                )
            )
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.column, finding.lint)))


def _allowances(text: str) -> set[tuple[str, int]]:
    """Which lints are silenced on which lines."""
    allowed = set()
    for number, line in enumerate(text.split("\n"), start=1):
        for match in _ALLOW.finditer(line):
            allowed |= {(match.group(1), number), (match.group(1), number + 1)}
    return allowed
