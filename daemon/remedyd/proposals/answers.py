"""Remembers the answer to a request that its caller may repeat (Idempotency-Key).

The key is taken before the request is worked on, by its primary key: of two at the same moment
one waits outside. A request whose worker died keeps its key for a minute, then a repetition may
take it over; what it did until then is guarded by the gate itself, not by this table.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from remedyd.errors import Conflict, InvalidInput
from remedyd.model import Clock
from remedyd.proposals.database import Database
from remedyd.proposals.tables import answers

KEPT: Final = timedelta(hours=24)
_ABANDONED: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: the HTTP status, the body's text, and the headers that go with them."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Answers:
    """The answers of one store. A key is the caller's and the client's own words, hashed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Take the store's database and clock."""
        self._database = database
        self._clock = clock

    def begin(self, key: str, request: str) -> Answer | None:
        """Take `key` for `request` (a hash) and return None, or return the earlier answer.

        Raise `InvalidInput` if the key was used for another request, `Conflict` while the first
        one is being worked on.
        """
        now = self._clock.now()
        try:
            with self._database.write() as connection:
                connection.execute(answers.delete().where(answers.c.at < now - KEPT))
                if (found := _earlier(connection, key, request, now)) is not None:
                    return found
                connection.execute(
                    answers.insert().values(key=key, request=request, at=now, status=None, body="")
                )
        except IntegrityError as error:
            raise _busy() from error
        return None

    def finish(self, key: str, answer: Answer) -> None:
        """Remember the answer."""
        with self._database.write() as connection:
            connection.execute(
                answers.update()
                .where(answers.c.key == key)
                .values(
                    status=answer.status,
                    body=answer.body,
                    headers=json.dumps(dict(answer.headers)),
                )
            )

    def forget(self, key: str) -> None:
        """Give the key back: nothing was decided, a repetition may try again."""
        with self._database.write() as connection:
            unanswered = (answers.c.key == key, answers.c.status.is_(None))
            connection.execute(answers.delete().where(*unanswered))


def _earlier(connection: Connection, key: str, request: str, now: datetime) -> Answer | None:
    """Return the remembered answer; None when the key is free, or was left behind."""
    row = connection.execute(sa.select(answers).where(answers.c.key == key)).first()
    if row is None:
        return None
    if row.request != request:
        raise InvalidInput(
            "this Idempotency-Key was used for another request",
            hint="send a new key with a new request, the old key only with the same one",
        )
    if row.status is not None:
        return Answer(row.status, row.body, json.loads(row.headers))
    if row.at > now - _ABANDONED:
        raise _busy()
    connection.execute(answers.delete().where(answers.c.key == key))
    return None


def _busy() -> Conflict:
    return Conflict(
        "the same request is being worked on", hint="repeat it in a few seconds for its answer"
    )
