"""The other half of the audit trail: what known principals tried and were refused.

A refusal is not an event of the proposal: it must not change its version, or whoever is refused
often enough could get in the way of the approver. The table is bounded; the oldest lines go
first. Callers without a valid credential are counted and logged, never stored.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from remedyd.proposals import codec
from remedyd.proposals.database import Database
from remedyd.proposals.tables import refusals

KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """One attempt: who tried what on what, and the answer.

    `outcome` names the error (`Forbidden`, `Conflict`, a guardrail's reason); `namespace` and
    `proposal` are "" where the attempt named none.
    """

    at: datetime
    principal: str
    operation: str
    outcome: str
    detail: str
    namespace: str = ""
    proposal: str = ""
    on_behalf_of: str = ""
    source: str = ""
    request_id: str = ""
    position: int = 0


class Refusals:
    """The refusals of one store."""

    def __init__(
        self, database: Database, report: Callable[[Connection, Refusal], None] | None = None
    ) -> None:
        """Take the store's database, and who hears of a refusal within its transaction."""
        self._database = database
        self._report = report

    def add(self, refusal: Refusal) -> None:
        """Append one, and let the oldest beyond the bound go."""
        body = {
            name: getattr(refusal, name)
            for name in ("operation", "outcome", "detail", "on_behalf_of", "source", "request_id")
        }
        with self._database.write() as connection:
            done = connection.execute(
                refusals.insert().values(
                    at=refusal.at,
                    principal=refusal.principal,
                    namespace=refusal.namespace,
                    proposal=refusal.proposal[:64],
                    body=codec.dump_free(body),
                )
            )
            key = done.inserted_primary_key
            position = key[0] if key else 0
            connection.execute(refusals.delete().where(refusals.c.position <= position - KEPT))
            if self._report is not None:
                self._report(connection, replace(refusal, position=position))

    def read(
        self,
        *,
        proposal: str = "",
        principal: str = "",
        namespaces: frozenset[str] | None = None,
        before: int = 0,
        limit: int = 100,
    ) -> tuple[Refusal, ...]:
        """Return the newest first, `before` a position; `namespaces` is the caller's reach."""
        c = refusals.c
        query = sa.select(refusals).order_by(c.position.desc()).limit(limit)
        for column, value in ((c.proposal, proposal), (c.principal, principal)):
            if value:
                query = query.where(column == value)
        if namespaces is not None:
            query = query.where(c.namespace.in_(sorted(namespaces)))
        if before:
            query = query.where(c.position < before)
        with self._database.read() as connection:
            return tuple(_read(row) for row in connection.execute(query))


def _read(row: Any) -> Refusal:
    return Refusal(
        position=row.position,
        at=row.at,
        principal=row.principal,
        namespace=row.namespace,
        proposal=row.proposal,
        **codec.load_free(row.body),
    )
