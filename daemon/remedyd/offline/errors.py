"""Errors of the offline ES|QL engine, shaped like Elasticsearch's own.

A query that fails here must read like the same failure on a cluster: exception type,
`line L:C: reason`. What is valid ES|QL but outside the engine is its own class, so that
nobody mistakes a limit of this engine for a mistake in the query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.errors import RemedydError

if TYPE_CHECKING:
    from remedyd.offline.source import Position


class EsqlError(RemedydError):
    """A query that cannot be run.

    `type` is Elasticsearch's exception type (`parsing_exception`, `verification_exception`,
    `illegal_argument_exception`...); `line` and `column` count from 1; `reason` is the
    message without its position.
    """

    def __init__(
        self, reason: str, position: Position, *, kind: str = "parsing_exception", hint: str = ""
    ) -> None:
        """Take the reason, where it was written, the exception type and the next step."""
        super().__init__(f"line {position}: {reason}", hint=hint)
        self.type = kind
        self.reason = reason
        self.line = position.line
        self.column = position.column


class UnsupportedEsql(EsqlError):
    """Valid ES|QL that this engine refuses to run rather than approximate.

    `feature` names it (`ENRICH`, `match operator`).
    """

    def __init__(self, feature: str, position: Position, *, hint: str = "") -> None:
        """Take the name of the feature and where it was written."""
        super().__init__(
            f"[{feature}] is valid ES|QL, not supported offline",
            position,
            kind="unsupported_operation_exception",
            hint=hint or "run this query on Elasticsearch, or rewrite it without this feature",
        )
        self.feature = feature
