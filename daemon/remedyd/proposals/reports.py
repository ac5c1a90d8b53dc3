"""Turns what happens in the store into letters, within the transaction in which it happens.

Two bounds keep the outbox finite while nobody takes letters. What proposals, switches and holds
tell is never left out: when it fills the outbox, no new change may begin, for it could not be
accounted for. What callers and policies can cause without end (refused attempts, decisions) may
fill half of it; beyond, it is counted and left out, and is still in the log and in the store.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Connection

from remedyd.errors import Refused
from remedyd.model import Decision, Hold, Proposal, State
from remedyd.observability import logs
from remedyd.proposals.ecs import Document, Ecs
from remedyd.proposals.flags import Flag
from remedyd.proposals.notes import note_of
from remedyd.proposals.outbox import Channel, Letter, put, waiting
from remedyd.proposals.refusals import Refusal

log = logs.get("remedyd.trail")

FULL: Final = "AuditTrailFull"
_MOST_NOTES: Final = 2_000
_REMEMBERED: Final = 50_000


class Reports:
    """What one store tells of; safe to share between threads."""

    def __init__(
        self,
        ecs: Ecs,
        channels: Iterable[Channel] = tuple(Channel),
        *,
        most: int = 50_000,
        omitted: Callable[[str], None] = lambda kind: None,
    ) -> None:
        """Take who is told, and how many letters may wait; `omitted` hears of those left out."""
        self.ecs: Final = ecs
        self._channels = frozenset(channels)
        self._most = most
        self._omitted = omitted
        self._lock = threading.Lock()
        self._decided: OrderedDict[tuple[str, str, str], tuple[str, str]] = OrderedDict()

    def moved(
        self,
        connection: Connection,
        proposal: Proposal,
        event: Mapping[str, Any],
        said: Mapping[str, Any],
        *,
        amended: bool = False,
    ) -> Document:
        """Tell of a proposal's move; raise Refused when a new change could not be told of."""
        if proposal.version == 0 or (proposal.state is State.APPROVED and not amended):
            self._check_room(connection)  # what is under way already goes on
        document = self.ecs.moved(proposal, event, said, amended=amended) | _caller()
        self._put(connection, document, event["at"])
        note = None if amended else note_of(proposal, str(said["detail"]))
        if note is not None and Channel.KUBERNETES in self._channels:
            if waiting(connection, Channel.KUBERNETES, _MOST_NOTES) < _MOST_NOTES:
                letter = Letter(Channel.KUBERNETES, document["event"]["id"], event["at"], note)
                put(connection, [letter])
            else:
                self._omitted("note")
        return document

    def told(self, document: Mapping[str, Any]) -> None:
        """Log what was committed, so that whoever ships logs has the trail as well."""
        event = document["event"]
        log.info(
            document["message"],
            **{f"event.{name}": event[name] for name in ("id", "action", "outcome", "dataset")},
            **{"user.name": document["user"]["name"]},
            **{"labels.proposal_id": document["labels"]["proposal_id"]},
            policy=document["remediation"].get("policy", ""),
            state=document["remediation"]["state"],
            target=document["remediation"]["workload"],
        )

    def refused(self, connection: Connection, refusal: Refusal) -> None:
        """Tell of a refused attempt, while there is room for chatter."""
        self._chat(connection, "refusal", [(self.ecs.refused(refusal), refusal.at)])

    def switched(self, connection: Connection, flag: Flag, sequence: int) -> None:
        """Tell of a switch."""
        self._put(connection, self.ecs.switched(flag, sequence), flag.at)

    def held(self, connection: Connection, hold: Hold) -> None:
        """Tell of a hold that began or ended."""
        self._put(connection, self.ecs.held(hold), hold.ended_at or hold.since)

    def configured(self, connection: Connection, document: Document, at: datetime) -> None:
        """Tell of policies and audits that were read anew, while there is room for chatter."""
        self._chat(connection, "configuration", [(document, at)])

    def news(self, decisions: Iterable[Decision], stage: str = "policy") -> list[Decision]:
        """Return the decisions that say something else than the last about the same target.

        Remembered in memory: after a restart each is told once more.
        """
        found = []
        with self._lock:
            for decision in decisions:
                key = (stage, decision.policy, decision.target.identity)
                said = (decision.kind.value, decision.reason)
                if self._decided.get(key) != said:
                    found.append(decision)
                self._decided[key] = said
                self._decided.move_to_end(key)
            while len(self._decided) > _REMEMBERED:
                self._decided.popitem(last=False)
        return found

    def unsaid(self, decisions: Iterable[Decision], stage: str = "policy") -> None:
        """Forget news that could not be written: told again, they are news."""
        with self._lock:
            for decision in decisions:
                self._decided.pop((stage, decision.policy, decision.target.identity), None)

    def decided(self, connection: Connection, decisions: list[Decision], at: datetime) -> None:
        """Tell of decisions, while there is room for chatter."""
        self._chat(connection, "decision", [(self.ecs.decided(one, at), at) for one in decisions])

    def full(self, backlog: int) -> bool:
        """Whether a backlog of this size keeps new changes from beginning."""
        return backlog >= self._most

    def _chat(
        self, connection: Connection, kind: str, documents: list[tuple[Document, datetime]]
    ) -> None:
        if Channel.ELASTICSEARCH not in self._channels or not documents:
            return
        most = self._most // 2
        room = most - waiting(connection, Channel.ELASTICSEARCH, most)
        put(connection, [_letter(document, at) for document, at in documents[:room]])
        for _ in documents[room:]:
            self._omitted(kind)

    def _put(self, connection: Connection, document: Document, at: datetime) -> None:
        if Channel.ELASTICSEARCH in self._channels:
            put(connection, [_letter(document, at)])

    def _check_room(self, connection: Connection) -> None:
        if Channel.ELASTICSEARCH not in self._channels:
            return
        if self.full(waiting(connection, Channel.ELASTICSEARCH, self._most)):
            raise Refused(
                FULL,
                f"{self._most} events of the audit trail wait for Elasticsearch: "
                "nothing new may begin that could not be accounted for",
                hint="see /readyz for why Elasticsearch does not take them",
            )


def _caller() -> Document:
    """Return the request that is at work, if there is one, and where it came from."""
    bound = logs.bound()
    found: Document = {}
    if request := bound.get("request_id"):
        found["http"] = {"request": {"id": str(request)}}
    if source := bound.get("source"):
        found["client"] = {"address": str(source)}
    return found


def _letter(document: Document, at: datetime) -> Letter:
    return Letter(Channel.ELASTICSEARCH, document["event"]["id"], at, document)
