"""Where proposals live: created once, moved by compare-and-set, never forgotten on the way.

Every move writes the record and one event in the same transaction; an event's sequence is the
record's version, so a history without gaps is a property of the unique index, not of care. The
losers of a race learn the state they lost to. Nothing here decides anything: the rules are in
`lifecycle`, the questions of right and time in `gate`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import sleep
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from remedyd.errors import Conflict, InvalidInput, NotFound, StoreError
from remedyd.model import (
    Clock,
    Decision,
    DecisionKind,
    Digest,
    Event,
    Json,
    Proposal,
    ProposalId,
    State,
    monotonic,
)
from remedyd.proposals import codec, lifecycle
from remedyd.proposals.answers import Answers
from remedyd.proposals.approvals import SLACK
from remedyd.proposals.database import Database
from remedyd.proposals.flags import Flag, Flags, pause
from remedyd.proposals.holds import Holds
from remedyd.proposals.memory import Memory
from remedyd.proposals.notices import Notices
from remedyd.proposals.outbox import Outbox
from remedyd.proposals.query import Page, ProposalFilter, conditions, cursor_of
from remedyd.proposals.refusals import Refusals
from remedyd.proposals.reports import Reports
from remedyd.proposals.schema import Schema
from remedyd.proposals.signouts import SignOuts
from remedyd.proposals.tables import events, proposals, sightings
from remedyd.proposals.texts import Texts
from remedyd.proposals.trail import Trail, append, read_event
from remedyd.rotation import Rotating

__all__ = ["Page", "ProposalFilter", "Store"]

_KEPT: Final = frozenset({"id", "version", "state", "created_at", "updated_at"})
_BATCH: Final = 100
"""Proposals that are deleted at once: the write lock is held for some 20 ms on SQLite."""


class Store:
    """The proposals of one remedyd, in SQLite or PostgreSQL; safe to share between threads.

    Every method raises `errors.StoreError` when the database fails; nothing is half written.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        busy_timeout: timedelta = timedelta(seconds=5),
        reports: Reports | None = None,
        entered: Callable[[State], object] = lambda state: None,
        held: Rotating[str] | None = None,
    ) -> None:
        """Take a database URL; raise `ConfigurationError` for one that cannot be used.

        `busy_timeout` is how long to wait for another process's write; with `reports`, whatever
        happens is also put into the outbox. `entered` hears of each state that a proposal came to,
        after the commit and in the mover's thread. `held`: as for a `Database`.
        """
        self._clock = clock
        self._database = Database(url, busy_timeout=busy_timeout, held=held)
        self._schema = Schema(self._database)
        self._reports = reports
        self._entered = entered
        self.flags: Final = Flags(self._database, reports.switched if reports else None)
        self.holds: Final = Holds(self._database, reports.held if reports else None)
        self.trail: Final = Trail(self._database)
        self.answers: Final = Answers(self._database, clock)
        self.sign_outs: Final = SignOuts(self._database)
        self.refusals: Final = Refusals(self._database, reports.refused if reports else None)
        self.outbox: Final = Outbox(self._database)
        self.notices: Final = Notices()
        self._texts = Texts()
        self._memory = Memory(self._database)
        self.decision_state: Final = self._memory.decision_state
        self.circumstances: Final = self._memory.circumstances
        self.failing: Final = self._memory.failing
        self.save_sightings: Final = self._memory.save_sightings

    def migrate(self) -> bool:
        """Bring the schema up to date; return whether anything had to be done."""
        return self._schema.migrate()

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def check(self) -> None:
        """Raise `StoreError` unless the store answers, can be written and has our schema."""
        self._schema.check()
        self._database.check()  # after it: what is written for a try is in a table of today's

    def outdated(self) -> bool:
        """Whether a newer version has upgraded the schema meanwhile; raises StoreError."""
        return self._schema.outdated()

    def create(self, proposal: Proposal, *, action: str = "propose", detail: str = "") -> Proposal:
        """Write a new proposal with its first event; never overwrites.

        Raise `Conflict` if its workload already has an open one.
        """
        if proposal.state not in lifecycle.BIRTHS or proposal.version != 0:
            raise InvalidInput(f"a proposal cannot be created as {proposal.state}")
        principal = proposal.requested_by.name if proposal.requested_by else "remedyd"
        said = {"principal": principal, "detail": detail, "data": {}}
        event = _event(proposal, proposal.created_at, action, said)
        columns = _columns(proposal, codec.dump(proposal))
        try:
            with self._database.write() as connection:
                connection.execute(proposals.insert().values(columns))
                append(connection, event)
                told = self._report(connection, proposal, event, said)
        except IntegrityError as error:
            raise self._taken(proposal) from error
        self._tell(proposal, told)
        self._entered(proposal.state)
        return proposal

    def get(self, key: ProposalId) -> Proposal:
        """Return the proposal as it stands; raise `NotFound`."""
        with self._database.read() as connection:
            return self._stored(connection, key)

    def now(self, key: ProposalId) -> tuple[Proposal, Flag | None]:
        """Return the proposal as it stands and the pause in force, both of one moment.

        Raise `NotFound`.
        """
        with self._database.read() as connection:
            return self._stored(connection, key), pause(connection)

    def list(self, wanted: ProposalFilter | None = None) -> Page:
        """Return one page, newest first; raise `InvalidInput` for a strange cursor or limit."""
        wanted = wanted or ProposalFilter()
        c = proposals.c
        query = sa.select(c.id, c.created_at, c.body).where(*conditions(wanted))
        query = query.order_by(c.created_at.desc(), c.id.desc()).limit(wanted.limit + 1)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        shown = rows[: wanted.limit]
        return Page(
            items=tuple(codec.load(row.body) for row in shown),
            next=cursor_of(shown[-1]) if len(rows) > wanted.limit else "",
        )

    def in_states(self, states: frozenset[State]) -> tuple[Proposal, ...]:
        """Return every open proposal in one of `states`, oldest first."""
        return self._ordered(proposals.c.is_open, proposals.c.state.in_(sorted(states)))

    def open_counts(self) -> Mapping[State, int]:
        """Return how many open proposals are in each state that has any."""
        c = proposals.c
        query = sa.select(c.state, sa.func.count()).where(c.is_open).group_by(c.state)
        with self._database.read() as connection:
            return {State(state): count for state, count in connection.execute(query)}

    def unfinished(self) -> tuple[Proposal, ...]:
        """Return every open proposal, oldest first: what a restarted daemon takes up again."""
        return self._ordered(proposals.c.is_open)

    def open_at(self, namespace: str, at: datetime) -> frozenset[str]:
        """Return the workloads of a namespace that had an open proposal at a time."""
        c = proposals.c
        query = sa.select(c.workload).where(
            c.namespace == namespace,
            c.created_at < at,
            sa.or_(c.finished_at.is_(None), c.finished_at > at),
        )
        with self._database.read() as connection:
            return frozenset(connection.scalars(query))

    def due(self, now: datetime) -> tuple[Proposal, ...]:
        """Return those that wait for approval although their expiry has passed at `now`."""
        c = proposals.c
        unknown = c.created_at > now + SLACK  # the clock was set back: nobody knows its age
        late = sa.or_(c.expires_at <= now, unknown)
        return self._ordered(c.is_open, c.state == State.PROPOSED, late)

    def by_digest(self, digest: Digest) -> Proposal | None:
        """Return the newest proposal with this digest, None if it was never handed out."""
        c = proposals.c
        query = sa.select(c.body).where(c.digest == digest).order_by(c.created_at.desc()).limit(1)
        with self._database.read() as connection:
            body = connection.scalar(query)
        return None if body is None else codec.load(body)

    def events(self, key: ProposalId) -> tuple[Event, ...]:
        """Return the proposal's history, oldest first; empty if there is no such proposal."""
        query = sa.select(events).where(events.c.proposal == key).order_by(events.c.sequence)
        with self._database.read() as connection:
            return tuple(read_event(row) for row in connection.execute(query))

    def transition(
        self,
        proposal: Proposal,
        to: State,
        *,
        action: str = "",
        principal: str = "remedyd",
        detail: str = "",
        data: Mapping[str, Json] | None = None,
        **changes: Any,
    ) -> Proposal:
        """Move `proposal`, as the caller last read it, to `to` and return it as stored.

        `changes` sets further fields of the record; `detail` becomes its `reason` unless they
        name another. Raise `Conflict` if the move is not allowed
        or if the stored state or version is no longer the caller's; then nothing was written.
        """
        lifecycle.check(proposal, to)
        name = action or str(to)
        if detail:
            changes.setdefault("reason", detail)
        return self._replace(proposal, to, name, principal, detail, data or {}, changes)

    def amend(
        self,
        proposal: Proposal,
        *,
        action: str,
        principal: str = "remedyd",
        detail: str = "",
        data: Mapping[str, Json] | None = None,
        **changes: Any,
    ) -> Proposal:
        """Set fields and append an event without leaving the state; else as `transition`."""
        state = proposal.state
        return self._replace(proposal, state, action, principal, detail, data or {}, changes)

    def delete_finished(self, before: datetime, *, rest: Callable[[float], object] = sleep) -> int:
        """Delete closed proposals that ended before `before`, with their events; return how many.

        Sightings not renewed since then go too. After each batch it `rest`s for the seconds that
        the batch took, as others write meanwhile; where that comes to a truth, it ends there.
        """
        with self._database.write() as connection:
            connection.execute(sightings.delete().where(sightings.c.last_at < before))
        deleted = 0
        while True:
            begun = monotonic()
            gone = self._delete_batch(before)
            deleted += gone
            if gone < _BATCH or rest(monotonic() - begun):
                return deleted

    def _delete_batch(self, before: datetime) -> int:
        c = proposals.c
        old = sa.select(c.id).where(c.finished_at < before, sa.not_(c.is_open)).limit(_BATCH)
        with self._database.write() as connection:
            keys = connection.scalars(old).all()
            connection.execute(events.delete().where(events.c.proposal.in_(keys)))
            connection.execute(proposals.delete().where(c.id.in_(keys)))
        return len(keys)

    def _stored(self, connection: Connection, key: ProposalId) -> Proposal:
        body = connection.scalar(_BODY, {"key": key})
        if body is None:
            raise absent(key)
        return self._texts.read(body)

    def _ordered(self, *wanted: sa.ColumnElement[bool]) -> tuple[Proposal, ...]:
        c = proposals.c
        query = sa.select(c.body).where(*wanted).order_by(c.created_at, c.id)
        with self._database.read() as connection:
            return tuple(self._texts.read(body) for body in connection.scalars(query))

    def _replace(
        self,
        old: Proposal,
        to: State,
        action: str,
        principal: str,
        detail: str,
        data: Mapping[str, Json],
        changes: dict[str, Any],
    ) -> Proposal:
        if own := _KEPT & changes.keys():
            raise InvalidInput(f"the store sets {', '.join(sorted(own))} itself")
        at = self._clock.now()
        new = replace(old, state=to, version=old.version + 1, updated_at=at, **changes)
        said = {"principal": principal, "detail": detail, "data": data}
        event = _event(new, at, action, said)
        text = codec.dump(new)
        try:
            with self._database.write() as connection:
                if not _swapped(connection, old, new, text):
                    raise _lost(connection, old, to)
                append(connection, event)
                told = self._report(connection, new, event, said, amended=to is old.state)
        except IntegrityError as error:
            raise self._taken(new) from error
        self._texts.keep(text, new)
        self._tell(new, told)
        if to is not old.state:
            self._entered(to)
        return new

    def decided(self, decisions: Iterable[Decision], at: datetime) -> Sequence[Decision]:
        """Put what the policies said into the outbox, where it is news; return what is news."""
        if self._reports is None:
            return tuple(decisions)
        return self._told_news(self._reports, decisions, at, "policy")

    def configured(self, at: datetime, digest: str, text: str, *, valid: bool) -> None:
        """Put into the outbox that policies and audits were read anew, or were not valid."""
        if self._reports is not None:
            document = self._reports.ecs.configured(at, digest, text, valid=valid)
            with self._database.write() as connection:
                self._reports.configured(connection, document, at)

    def not_proposed(self, decision: Decision, reason: str, detail: str) -> None:
        """Put into the outbox that a decision came to nothing, where it is news."""
        if self._reports is None:
            return
        held = replace(decision, kind=DecisionKind.HOLD, reason=reason, detail=detail)
        self._told_news(self._reports, [held], self._clock.now(), "plan")

    def _told_news(
        self, reports: Reports, decisions: Iterable[Decision], at: datetime, stage: str
    ) -> Sequence[Decision]:
        news = reports.news(decisions, stage)
        try:
            if news:
                with self._database.write() as connection:
                    reports.decided(connection, news, at)
        except StoreError:
            reports.unsaid(news, stage)
            raise
        return news

    def _report(
        self,
        connection: Connection,
        proposal: Proposal,
        event: Mapping[str, Any],
        said: Mapping[str, Any],
        *,
        amended: bool = False,
    ) -> Mapping[str, Any] | None:
        if self._reports is None:
            return None
        return self._reports.moved(connection, proposal, event, said, amended=amended)

    def _tell(self, proposal: Proposal, told: Mapping[str, Any] | None) -> None:
        if self._reports is not None and told is not None:
            self._reports.told(told)
        self.notices.tell(proposal.id)

    def _taken(self, proposal: Proposal) -> Conflict | StoreError:
        """Name the proposal that stands in the way of an insert or a reopening."""
        workload = proposal.plan.target.workload
        c = proposals.c
        query = sa.select(c.id, c.state).where(c.workload == workload, c.is_open)
        with self._database.read() as connection:
            row = connection.execute(query).first()
            known = connection.scalar(sa.select(c.id).where(c.id == proposal.id))
        if row is not None and row.id != proposal.id:
            return Conflict(
                f"{proposal.plan.target} already has the open proposal {row.id} ({row.state})",
                hint="decide about that one first: approve, reject, or let it expire",
            )
        if known is not None:
            return Conflict(f"proposal {proposal.id} exists already", hint="use a new id")
        return Conflict(
            f"{proposal.plan.target} had another open proposal a moment ago", hint="try again"
        )


def absent(key: ProposalId) -> NotFound:
    """Return the error for a proposal that there is none of, or none for whoever asks."""
    return NotFound(f"there is no proposal {key}", hint="list them: remedyd proposals list")


# Built once: what a statement is made of costs more than its execution.
_BODY: Final = sa.select(proposals.c.body).where(proposals.c.id == sa.bindparam("key"))
_SWAP: Final = proposals.update().where(
    proposals.c.id == sa.bindparam("was"),
    proposals.c.state == sa.bindparam("was_state"),
    proposals.c.version == sa.bindparam("was_version"),
)


def _swapped(connection: Connection, old: Proposal, new: Proposal, text: str) -> bool:
    """Write `new` where the record still is what the caller read; return whether it was."""
    read = {"was": old.id, "was_state": old.state.value, "was_version": old.version}
    return bool(connection.execute(_SWAP, {**_moved(old, new, text), **read}).rowcount)


def _columns(proposal: Proposal, text: str) -> dict[str, Any]:
    target = proposal.plan.target
    closed = not lifecycle.is_open(proposal)
    return {
        "id": proposal.id,
        "version": proposal.version,
        "state": proposal.state.value,
        "is_open": not closed,
        "source": proposal.source,
        "policy": proposal.policy,
        "step": proposal.step,
        "workload": target.workload,
        "namespace": target.namespace,
        "digest": proposal.digest,
        "created_at": proposal.created_at,
        "updated_at": proposal.updated_at,
        "expires_at": proposal.expires_at,
        "finished_at": proposal.updated_at if closed else None,
        "applied_at": proposal.applied.at if proposal.applied else None,
        "body": text,
    }


def _moved(old: Proposal, new: Proposal, text: str) -> dict[str, Any]:
    """Return the columns that a move sets; of the times, not those that it must leave."""
    ends = _columns(new, text)
    if not lifecycle.is_open(old) and not lifecycle.is_open(new):
        del ends["finished_at"]
    if old.state is not new.state and new.state in lifecycle.NOT_EFFECTIVE:
        ends["failed_at"] = new.updated_at
    if new.state is State.EFFECTIVE:
        ends["failed_at"] = None
    return ends


def _event(
    proposal: Proposal, at: datetime, action: str, said: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "proposal": proposal.id,
        "sequence": proposal.version,
        "at": at,
        "action": action,
        "state": proposal.state.value,
        "principal": said["principal"],
        "body": codec.dump_free(said),
    }


def _lost(connection: Connection, old: Proposal, to: State) -> Conflict | NotFound:
    """Say what the winner of the race left behind."""
    c = proposals.c
    row = connection.execute(sa.select(c.state, c.version).where(c.id == old.id)).first()
    if row is None:
        return NotFound(f"there is no proposal {old.id}", hint="it may have been deleted by age")
    return Conflict(
        f"proposal {old.id} is {row.state} now (version {row.version}), "
        f"no longer {old.state} (version {old.version}); it did not become {to}",
        hint="read it again and decide again",
    )
