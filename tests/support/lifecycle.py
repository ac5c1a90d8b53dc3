"""A model of whole proposal lives: two daemons on one store, a cluster, and faults everywhere.

The oracle is simple and looks at the cluster alone: at the moment a write lands, the store must
hold a valid approval of exactly that proposal and no pause; of each proposal at most one change
and one undo may land; and when all faults are over, the store must say what the cluster shows.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy.engine import Engine

from remedyd.errors import RemedydError
from remedyd.model import Principal, Proposal, ProposalId, Scope, Severity, State
from remedyd.proposals import lifecycle
from remedyd.proposals.query import ProposalFilter
from remedyd.proposals.store import Store
from remedyd.proposals.tables import metadata
from support.daemons import Daemon, Telemetry
from support.fakecluster import Fault, Landed, cluster
from support.guardrails import guardrails
from support.proposals import a_clock

NAMES = ("cart", "web")
LIMITS = guardrails(
    "{concurrency: 100, workloadsPercent: 100, rate: {perHour: 1000, perNamespace: 1000}, "
    "cooldown: {initial: 1s, longest: 1s}, quarantineAfter: 100, repeat: 1s}"
)
PEOPLE = (
    Principal("ann", frozenset({Scope.APPROVER})),
    Principal("ben", frozenset({Scope.APPROVER})),
    Principal("pat", frozenset({Scope.PROPOSER})),
)
WRITE_FAULTS = [fault for fault in Fault if fault is not Fault.PAUSED]
READS = st.builds(
    lambda quiet, faults: [Fault.NONE] * quiet + faults,
    st.integers(0, 12),
    st.lists(st.sampled_from(Fault), max_size=2),
)
"""Quiet reads first, then faults: so any of the reads before a write may be the one that fails."""
LIFE = timedelta(minutes=15)
"""For how long an approval may be used."""
STORE_FAULTS = ("none", "begin", "before-commit", "after-commit")


FEW_READS = st.lists(st.sampled_from([*[Fault.NONE] * 3, Fault.UNAVAILABLE]), max_size=3)
COMMITS = st.lists(st.sampled_from(["none", "none", *STORE_FAULTS]), max_size=2)


TICK: dict[str, Any] = {
    "which": st.integers(0, 1),
    "reads": READS,
    "writes": st.lists(st.sampled_from(WRITE_FAULTS), max_size=4),
    "commits": st.lists(st.sampled_from(STORE_FAULTS), max_size=5),
    "rolled_out": st.booleans(),
    "minutes": st.sampled_from([0, 0, 1, 6, 20]),
}


@dataclass
class StoreFaults:
    """What happens to the next transactions of the store; used up one by one."""

    next: list[str] = field(default_factory=list)
    armed: bool = True

    def take(self, *kinds: str) -> str:
        """Use up the next fault if it is of one of these kinds, or none at all."""
        if not self.armed or not self.next or self.next[0] not in (*kinds, "none"):
            return "none"
        return self.next.pop(0)


def _failed() -> sa.exc.OperationalError:
    return sa.exc.OperationalError("", {}, Exception("the disk is gone for a moment"))


@contextmanager
def faulty(faults: StoreFaults) -> Iterator[None]:
    """Let every SQLAlchemy engine fail as told."""

    def begin(connection: Any) -> None:
        if faults.take("begin") == "begin":
            raise _failed()

    def commit(connection: Any) -> None:
        kind = faults.take("before-commit", "after-commit")
        if kind == "after-commit":
            connection.connection.driver_connection.commit()
        if kind != "none":
            raise _failed()

    listeners = (("begin", begin), ("commit", commit))
    for name, listener in listeners:
        sa.event.listen(Engine, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners:
            sa.event.remove(Engine, name, listener)


class World:
    """What lasts over many lives: two connections to one store, emptied before each life."""

    def __init__(self, home: Path) -> None:
        """Take a directory."""
        self.home = home
        self.clock = a_clock()
        self.faults = StoreFaults()
        url = f"sqlite:///{home / 'remedyd.db'}"
        self.stores = [Store(url, self.clock) for _ in (0, 1)]
        self.stores[0].migrate()
        self._raw = sa.create_engine(url)

    def empty(self) -> "World":
        """Forget everything."""
        self.faults.next.clear()
        self.faults.armed = False
        self.clock.current = a_clock().current
        with self._raw.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        self.faults.armed = True
        return self

    def close(self) -> None:
        """Close every connection."""
        self._raw.dispose()
        for store in self.stores:
            store.close()


class Lives(RuleBasedStateMachine):
    """Any order of proposals, approvals, ticks of two daemons, pauses, restarts and faults."""

    def __init__(self, world: "World") -> None:
        """Take two connections to one empty store, and how they fail."""
        super().__init__()
        self.world = world
        self.store_faults = world.faults
        self.clock = world.clock
        self.numbers = count(1)
        self.cluster = cluster(*NAMES)
        self.telemetry = Telemetry(self.cluster)
        self.cluster.on_landing = self._landed
        self.cluster.interleave = self._other_works
        self.cluster.pause = lambda: self._turn(on=True)
        self.seen: dict[str, list[Landed]] = {}
        self.known: list[Proposal] = []
        """Every proposal as it stood after the last step."""
        self.wrong: list[str] = []
        self.book: dict[str, set[tuple[str, str]]] = {}
        self.working = 0
        self.depth = 0
        with self._calm():
            self.daemons = [self._daemon(which) for which in (0, 1)]

    def _daemon(self, which: int) -> Daemon:
        return Daemon(
            self.world.home,
            self.cluster,
            self.clock,
            ids=lambda: ProposalId(f"p{next(self.numbers)}"),
            telemetry=self.telemetry,
            guardrails=LIMITS,
            store=self.world.stores[which],
            chores=False,
        )

    @contextmanager
    def _calm(self) -> Iterator[None]:
        """Look at the truth: nothing fails meanwhile, and no fault is used up."""
        was, self.store_faults.armed = self.store_faults.armed, False
        kept, self.cluster.faults = self.cluster.faults, []
        writes, self.cluster.write_faults = self.cluster.write_faults, []
        try:
            yield
        finally:
            self.store_faults.armed = was
            self.cluster.faults = kept
            self.cluster.write_faults = writes

    def _landed(self, made: Landed) -> None:
        """Judge a write at the moment it lands."""
        with self._calm():
            store = self.daemons[self.working].store
            proposal = store.get(ProposalId(made.proposal))
            paused = store.flags.paused()
        writing = State.ROLLING_BACK if made.undo else State.APPLYING
        if proposal.state is not writing and not self.cluster.raced:
            self.wrong.append(f"{made} while {proposal.state}")
        if not self._approved(proposal):
            self.wrong.append(f"{made} without a valid approval")
        if paused and not self.cluster.raced:
            self.wrong.append(f"{made} during a pause")
        approval = proposal.approval
        if not made.undo and (approval is None or self.clock.now() > approval.at + LIFE):
            self.wrong.append(f"{made} by an approval that is too old")
        if proposal.plan.target.name != made.name:
            self.wrong.append(f"{made} on another object than {proposal.plan.target}")
        self.seen.setdefault(made.proposal, []).append(made)
        event("an undo landed" if made.undo else "a change landed")

    def _approved(self, proposal: Proposal) -> bool:
        """Judge by the model's own book of who approved which digest, in time and with scope."""
        given = self.book.get(proposal.id, set())
        people = {who for who, digest in given if digest == proposal.digest}
        return len(people) >= proposal.approvals_needed

    def _book(self, proposal: Proposal, who: Principal, digest: str) -> None:
        """Note an approval that the rules allow, whatever the gate makes of it."""
        if who.may(Scope.APPROVER) and self.clock.now() < proposal.expires_at:
            self.book.setdefault(proposal.id, set()).add((who.name, digest))

    def _other_works(self) -> None:
        """In the middle of one daemon's call the other one does everything it can."""
        if self.depth:
            return
        self.depth, was = 1, self.working
        self.working = 1 - was
        event("interleaved")
        try:
            self.daemons[self.working].loop.tick()
        finally:
            self.depth, self.working = 0, was

    def _on(self, which: int) -> Daemon:
        self.working = which
        return self.daemons[which]

    def _all(self) -> list[Proposal]:
        with self._calm():
            return list(self.daemons[0].store.list(ProposalFilter(limit=200)).items)

    @initialize(waiting=st.sets(st.sampled_from(NAMES), max_size=1))
    def begin(self, waiting: set[str]) -> None:
        """Something is wrong everywhere; most of the changes are approved."""
        for name in NAMES:
            proposal = self._on(0).propose(name)
            assert proposal is not None
            if name not in waiting:
                self._book(proposal, PEOPLE[0], proposal.digest)
                self.daemons[0].gate.approve(proposal.id, proposal.digest, PEOPLE[0])
        self.known = self._all()

    @contextmanager
    def _failing(self, reads: list[Fault], commits: list[str]) -> Iterator[None]:
        """Let the next calls to API server and store fail; what a person then sees is an error."""
        self.cluster.faults, self.store_faults.next[:] = list(reads), commits
        try:
            with suppress(RemedydError):
                yield
        finally:
            self.cluster.faults = []
            self.store_faults.next.clear()

    @rule(
        which=st.integers(0, 1),
        name=st.sampled_from(NAMES),
        eyes=st.integers(1, 2),
        reads=FEW_READS,
        commits=COMMITS,
    )
    def propose(
        self, which: int, name: str, eyes: int, reads: list[Fault], commits: list[str]
    ) -> None:
        """A policy asks for a change."""
        with self._failing(reads, commits):
            self._on(which).propose(name, approvals=eyes)

    @precondition(lambda self: any(p.state is State.PROPOSED for p in self.known))
    @rule(which=st.integers(0, 1), pick=st.integers(0, 30), reads=FEW_READS, commits=COMMITS)
    def approve_what_waits(
        self, which: int, pick: int, reads: list[Fault], commits: list[str]
    ) -> None:
        """Two people approve what waits, so that long lives are common."""
        waiting = [p for p in self.known if p.state is State.PROPOSED]
        proposal = waiting[pick % len(waiting)]
        for who in PEOPLE[:2]:
            self._book(proposal, who, proposal.digest)
            with self._failing(reads, commits):
                self._on(which).gate.approve(proposal.id, proposal.digest, who)

    @rule(**TICK)
    def tick(self, **how: Any) -> None:
        """A daemon works, while calls to API server and store fail."""
        self._tick(**how)

    @rule(**TICK)
    def tick_again(self, **how: Any) -> None:
        """The same: most of a life is work."""
        self._tick(**how)

    def _tick(
        self,
        *,
        which: int,
        reads: list[Fault],
        writes: list[Fault],
        commits: list[str],
        rolled_out: bool,
        minutes: int,
    ) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        if rolled_out:
            self.daemons[0].finish_rollouts()
        self.cluster.faults, self.cluster.write_faults = list(reads), list(writes)
        self.store_faults.next[:] = commits
        self._on(which).loop.tick()
        self.cluster.faults, self.cluster.write_faults = [], []
        self.store_faults.next.clear()

    @precondition(lambda self: self.known)
    @rule(
        what=st.sampled_from(["approve", "reject", "roll back", "roll back"]),
        which=st.integers(0, 1),
        pick=st.integers(0, 30),
        who=st.sampled_from(PEOPLE),
        right=st.booleans(),
        commits=COMMITS,
    )
    def decide(
        self, what: str, which: int, pick: int, who: Principal, right: bool, commits: list[str]
    ) -> None:
        """Anyone decides about anything, with the right digest or another one."""
        proposal = self.known[pick % len(self.known)]
        digest = proposal.digest if right else self.known[0].digest
        gate = self._on(which).gate
        if what == "approve":
            self._book(proposal, who, digest)
        with self._failing([], commits):
            if what == "approve":
                gate.approve(proposal.id, digest, who)
            else:
                (gate.reject if what == "reject" else gate.rollback)(proposal.id, PEOPLE[0])

    @rule(
        what=st.sampled_from(["grade", "grade", "pause", "resume", "meddle", "restart"]),
        which=st.integers(0, 1),
        name=st.sampled_from(NAMES),
        grade=st.sampled_from([None, *Severity]),
        ours=st.booleans(),
    )
    def something_happens(
        self, what: str, which: int, name: str, grade: Severity | None, ours: bool
    ) -> None:
        """Telemetry says something else, a switch is thrown, somebody meddles, a daemon dies."""
        if what == "grade":
            self.telemetry.grades[name] = grade
        elif what in ("pause", "resume"):
            self.working = which
            self._turn(on=what == "pause")
        elif what == "meddle":
            self._meddle(name, ours=ours)
        else:
            with self._calm():
                self.daemons[which] = self._daemon(which)

    def _turn(self, *, on: bool) -> None:
        with self._calm():
            flags = self.daemons[self.working].store.flags
            (flags.pause if on else flags.resume)("ann", self.clock.now())

    def _meddle(self, name: str, *, ours: bool) -> None:
        """Somebody else changes the workload: our field, or another."""
        body: dict[str, Any] = {"metadata": {"labels": {"touched": str(self.clock.now())}}}
        if ours:
            container = {"name": "app", "resources": {"limits": {"memory": "200Mi"}}}
            body = {"spec": {"template": {"spec": {"containers": [container]}}}}
        self.cluster.change("Deployment", "shop", name, body)

    @invariant()
    def nothing_went_wrong(self) -> None:
        """No write without a valid approval, none in a pause, no double one."""
        assert self.wrong == []
        for key, landed in self.seen.items():
            changes = [made for made in landed if not made.undo]
            assert len(changes) <= 1, f"{key} was written {len(changes)} times"
        self.known = self._all()
        held = [p.plan.target.workload for p in self.known if lifecycle.is_open(p)]
        assert len(held) == len(set(held))

    def teardown(self) -> None:
        """When all faults are over, every life comes to its end and the store is right."""
        self.cluster.faults, self.cluster.write_faults = [], []
        self.store_faults.next.clear()
        self._come_to_an_end()
        self.nothing_went_wrong()
        self._store_is_right()

    def _come_to_an_end(self) -> None:
        store = self.daemons[0].store
        store.flags.resume("ann", self.clock.now())
        for turn in range(80):
            self.daemons[0].finish_rollouts()
            self._on(turn % 2).loop.tick()
            if not store.unfinished():
                return
            self.clock.advance(timedelta(minutes=20))
        left = [(p.id, p.state) for p in store.unfinished()]
        raise AssertionError(f"never came to an end: {left}")

    def _store_is_right(self) -> None:
        for proposal in self._all():
            event(f"ended {proposal.state}")
            landed = self.seen.get(proposal.id, [])
            changed = any(not made.undo for made in landed)
            found = proposal.applied
            assert changed <= (found is not None), f"{proposal.id}: {proposal.state}"
            assert changed >= (found is not None and not found.assumed)
            if proposal.state is State.ROLLED_BACK and not any(made.undo for made in landed):
                # the fields were back already, by somebody else's hand
                assert proposal.rollback is not None
            events = self.daemons[0].store.events(proposal.id)
            assert [one.sequence for one in events] == list(range(proposal.version + 1))
            states = [one.state for one in events]
            for before, after in pairwise(states):
                assert before is after or lifecycle.allowed(before, after), states
