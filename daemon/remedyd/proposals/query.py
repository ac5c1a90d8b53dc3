"""What to list, and where the next page begins.

Pages are cut by key (creation time, id), newest first, never by offset: a page stays right while
new proposals arrive, and the last page costs as little as the first.
"""

import base64
import binascii
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from remedyd.errors import InvalidInput
from remedyd.model import Proposal, State
from remedyd.proposals.lifecycle import IN_FLIGHT
from remedyd.proposals.tables import proposals

MAX_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class ProposalFilter:
    """Which proposals; every given condition must hold.

    `namespaces` is the caller's own reach (None: all, empty: none). `since` is inclusive,
    `until` exclusive, both by creation time. `cursor` is a `Page.next`, "" for the first page.
    """

    states: frozenset[State] = frozenset()
    open: bool | None = None
    namespace: str = ""
    workload: str = ""
    policy: str = ""
    source: str = ""
    namespaces: frozenset[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    cursor: str = ""

    def within(self, namespaces: frozenset[str]) -> "ProposalFilter":
        """Narrow the reach to `namespaces`; it never grows."""
        reach = namespaces if self.namespaces is None else self.namespaces & namespaces
        return replace(self, namespaces=reach)


@dataclass(frozen=True, slots=True)
class Page:
    """Proposals, newest first; `next` continues the list, "" at its end."""

    items: tuple[Proposal, ...]
    next: str = ""


def conditions(wanted: ProposalFilter) -> list[sa.ColumnElement[bool]]:
    """Return the filter as SQL; raise `InvalidInput` for a strange cursor or page size."""
    if not 1 <= wanted.limit <= MAX_PAGE:
        raise InvalidInput(f"a page holds 1 to {MAX_PAGE} proposals, not {wanted.limit}")
    c = proposals.c
    found: list[sa.ColumnElement[bool]] = []
    if wanted.states:
        found.append(c.state.in_(sorted(wanted.states)))
        if wanted.states <= IN_FLIGHT:
            found.append(c.is_open)  # says nothing new, but these few have an index
    if wanted.open is not None:
        found.append(c.is_open if wanted.open else sa.not_(c.is_open))
    if wanted.namespaces is not None:
        found.append(c.namespace.in_(sorted(wanted.namespaces)))
    for name in ("namespace", "workload", "policy", "source"):
        if value := getattr(wanted, name):
            found.append(c[name] == value)
    if wanted.since is not None:
        found.append(c.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(c.created_at < wanted.until)
    if wanted.cursor:
        found.append(_older(wanted.cursor))
    return found


def _older(cursor: str) -> sa.ColumnElement[bool]:
    created_at, key = _opened(cursor)
    place = sa.tuple_(proposals.c.created_at, proposals.c.id)
    return place < (created_at, key)  # as one: of two conditions PostgreSQL would read all newer


def cursor_of(row: Any) -> str:
    """Return the cursor that continues behind a row with `created_at` and `id`."""
    text = f"{row.created_at.isoformat()} {row.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _opened(cursor: str) -> tuple[datetime, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, key = base64.urlsafe_b64decode(padded).decode().split(" ", 1)
        created_at = datetime.fromisoformat(at)
        if created_at.tzinfo is None:
            raise ValueError("no time zone")
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(
            "the page cursor is not one that was handed out",
            hint="start again without a cursor",
        ) from error
    return created_at, key
