"""Sessions of the console that were ended before their time: every replica has to know them.

A session is a signed cookie and stored nowhere, so that of each sign-out one row is kept, until a
day after the cookie is over: a clock that is set forward must not bring it back.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from remedyd.proposals.database import Database
from remedyd.proposals.tables import sign_outs

_LONGER: Final = timedelta(days=1)


class SignOuts:
    """The sign-outs of one store, by the session's id, which is no secret."""

    def __init__(self, database: Database) -> None:
        """Take the store's database."""
        self._database = database

    def add(self, session: str, until: datetime, now: datetime) -> None:
        """Remember that a session is over which was good `until`; forget those of long ago."""
        old = sign_outs.delete().where(sign_outs.c.until < now - _LONGER)
        row = {"session": session, "until": until}
        with suppress(IntegrityError), self._database.write() as connection:  # it is over already
            connection.execute(old)
            connection.execute(sign_outs.insert().values(row))

    def __contains__(self, session: str) -> bool:
        """Whether the session was ended, by any replica."""
        query = sa.select(sa.literal(1)).where(sign_outs.c.session == session)
        with self._database.read() as connection:
            return connection.scalar(query) is not None
