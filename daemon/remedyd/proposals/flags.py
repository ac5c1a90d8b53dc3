"""Switches that must survive a restart, above all the pause.

A flag is never overwritten: setting it appends a line, the last line counts. Who paused the
daemon, who resumed it and why stays readable.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from remedyd.errors import Conflict
from remedyd.model import Json
from remedyd.proposals import codec
from remedyd.proposals.database import Database
from remedyd.proposals.tables import flags

PAUSE: Final = "pause"


@dataclass(frozen=True, slots=True)
class Flag:
    """One setting of a switch: its value, since when, by whom and why."""

    name: str
    value: Json
    at: datetime
    principal: str
    reason: str = ""


class Flags:
    """The switches of one store."""

    def __init__(
        self, database: Database, report: Callable[[Connection, Flag, int], None] | None = None
    ) -> None:
        """Take the store's database, and who hears of a setting within its transaction."""
        self._database = database
        self._report = report

    def set(self, flag: Flag) -> None:
        """Append the setting; raise `Conflict` if another was set at the same moment."""
        try:
            with self._database.write() as connection:
                sequence = append(connection, flag)
                if self._report is not None:
                    self._report(connection, flag, sequence)
        except IntegrityError as error:
            raise Conflict(
                f"the switch {flag.name} was set by someone else at the same moment",
                hint="read it and set it again if it is not as you want it",
            ) from error

    def get(self, name: str) -> Flag | None:
        """Return the setting in force, None if it was never set."""
        with self._database.read() as connection:
            return current(connection, name)

    def history(self, name: str, limit: int = 100) -> list[Flag]:
        """Return the last settings, newest first."""
        with self._database.read() as connection:
            return _read(connection, name, limit)

    def pause(self, principal: str, at: datetime, reason: str = "") -> None:
        """Stop every write to the cluster until `resume`; told twice is told once."""
        self._turn(True, principal, at, reason)

    def resume(self, principal: str, at: datetime, reason: str = "") -> None:
        """Allow writes again."""
        self._turn(False, principal, at, reason)

    def paused(self) -> Flag | None:
        """Return the pause in force (since when, by whom, why), or None."""
        with self._database.read() as connection:
            return pause(connection)

    def _turn(self, on: bool, principal: str, at: datetime, reason: str) -> None:
        now = self.get(PAUSE)
        if bool(now and now.value is not False) is not on:
            self.set(Flag(PAUSE, on, at, principal, reason))


def append(connection: Connection, flag: Flag) -> int:
    """Write the setting within the caller's transaction; return its place in the history."""
    last = connection.scalar(
        sa.select(sa.func.max(flags.c.sequence)).where(flags.c.name == flag.name)
    )
    sequence = 0 if last is None else int(last) + 1
    body = {"value": flag.value, "principal": flag.principal, "reason": flag.reason}
    connection.execute(
        flags.insert().values(
            name=flag.name, sequence=sequence, at=flag.at, body=codec.dump_free(body)
        )
    )
    return sequence


def pause(connection: Connection) -> Flag | None:
    """Return the pause in force as one transaction sees it."""
    flag = current(connection, PAUSE)
    return flag if flag and flag.value is not False else None


def current(connection: Connection, name: str) -> Flag | None:
    """Return the setting in force as one transaction sees it."""
    found = _read(connection, name, 1)
    return found[0] if found else None


_LATEST: Final = (
    sa.select(flags.c.at, flags.c.body)
    .where(flags.c.name == sa.bindparam("of"))
    .order_by(flags.c.sequence.desc())
    .limit(sa.bindparam("most"))
)


def _read(connection: Connection, name: str, limit: int) -> list[Flag]:
    found = []
    for row in connection.execute(_LATEST, {"of": name, "most": limit}):
        body = codec.load_free(row.body)
        found.append(Flag(name, body["value"], row.at, body["principal"], body["reason"]))
    return found
