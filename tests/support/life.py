"""A model of the life of proposals, to hold the real store and gate against.

The model is a dictionary and the table of moves; whatever it says must be what the store says,
after any sequence of moves, by anyone, from fresh or outdated reads, across restarts.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
)

from remedyd.errors import Conflict, Expired, Forbidden, Refused
from remedyd.model import Digest, ManualClock, Principal, Proposal, Scope, State
from remedyd.proposals import lifecycle
from remedyd.proposals.gate import Gate
from remedyd.proposals.query import ProposalFilter
from remedyd.proposals.store import Store
from support.proposals import Ids, a_clock, a_decision, a_plan, a_target

WORKLOADS = st.sampled_from(["cart", "checkout", "web"])
PEOPLE = st.sampled_from(
    [
        Principal("ann", frozenset({Scope.APPROVER})),
        Principal("ben", frozenset({Scope.ADMIN})),
        Principal("pat", frozenset({Scope.PROPOSER})),
        Principal("cyd", frozenset({Scope.APPROVER}), frozenset({"elsewhere"})),
    ]
)


@dataclass
class Known:
    """What the model knows of one proposal."""

    name: str
    now: Proposal
    history: list[State] = field(default_factory=list)
    approver: str = ""


class Life(RuleBasedStateMachine):
    """Moves proposals about and compares the store with the model after each step."""

    reads = Bundle("reads")

    def __init__(self, url: str) -> None:
        """Take a migrated store; whatever it holds of earlier runs is deleted."""
        super().__init__()
        self.url = url
        self.clock: ManualClock = a_clock()
        self.ids = Ids()
        self.known: dict[str, Known] = {}
        self._open_store()
        self._wipe()

    def _open_store(self) -> None:
        self.store = Store(self.url, self.clock)
        self.gate = Gate(self.store, self.clock, self.ids)

    def _wipe(self) -> None:
        for proposal in self.store.unfinished():
            for end in (State.REJECTED, State.STALE, State.FAILED, State.VERIFYING):
                if lifecycle.allowed(proposal.state, end):
                    proposal = self.store.transition(proposal, end)
                    break
            if proposal.state is State.VERIFYING:
                self.store.transition(proposal, State.EFFECTIVE)
            if lifecycle.undo_is_due(proposal):
                proposal = self.store.transition(proposal, State.ROLLING_BACK)
            if proposal.state is State.ROLLING_BACK:
                self.store.transition(proposal, State.ROLLED_BACK)
        self.store.delete_finished(datetime.max.replace(tzinfo=self.clock.now().tzinfo))

    def teardown(self) -> None:
        """Close the store."""
        self.store.close()

    def _holder(self, name: str) -> Known | None:
        held = [k for k in self.known.values() if k.name == name and lifecycle.is_open(k.now)]
        assert len(held) <= 1
        return held[0] if held else None

    def _note(self, moved: Proposal) -> Proposal:
        event(f"reached {moved.state}")
        known = self.known[moved.id]
        known.now = moved
        known.history.append(moved.state)
        return moved

    @rule(target=reads, name=WORKLOADS)
    def propose(self, name: str) -> Proposal:
        """One open proposal per workload, never two."""
        holder = self._holder(name)
        target = a_target(name)
        try:
            made = self.gate.propose(a_plan(target), a_decision(target))
        except Conflict as refused:
            assert holder is not None
            assert str(holder.now.id) in refused.message
            return holder.now
        assert holder is None
        self.known[made.id] = Known(name, made, [State.PROPOSED])
        return made

    @rule(target=reads, seen=reads, to=st.sampled_from(State))
    def move_anywhere(self, seen: Proposal, to: State) -> Proposal:
        """A move from a read succeeds if the read is current and the move is in the table."""
        return self.move(seen, to)

    def move(self, seen: Proposal, to: State) -> Proposal:
        """Try one move and check that its outcome is the one the model expects."""
        known = self.known[seen.id]
        current = seen.version == known.now.version
        other = self._holder(known.name)
        try:
            moved = self.store.transition(seen, to)
        except Conflict:
            in_the_way = other is not None and other is not known
            assert not (current and lifecycle.allowed(seen.state, to)) or in_the_way
            return known.now
        assert current
        assert lifecycle.allowed(seen.state, to)
        return self._note(moved)

    @precondition(lambda self: self.known)
    @rule(target=reads, which=st.integers(0, 9), way=st.integers(0, 9))
    def go_on(self, which: int, way: int) -> Proposal:
        """From a fresh read, every move of the table succeeds: long roads are walked too."""
        known = list(self.known.values())[which % len(self.known)]
        onward = sorted(lifecycle.MOVES[known.now.state])
        if not onward:
            return known.now
        return self.move(known.now, onward[way % len(onward)])

    @rule(target=reads, seen=reads)
    def amend(self, seen: Proposal) -> Proposal:
        """A note outdates every read but its own."""
        known = self.known[seen.id]
        try:
            moved = self.store.amend(seen, action="note")
        except Conflict:
            assert seen.version != known.now.version
            return known.now
        assert seen.version == known.now.version
        return self._note(moved)

    @rule(seen=reads, who=PEOPLE, right=st.booleans())
    def approve(self, seen: Proposal, who: Principal, right: bool) -> None:
        """Only the right digest, a principal with the scope there, in time, while it waits."""
        known = self.known[seen.id]
        before = known.now
        digest = seen.digest if right else Digest("f" * 64)
        late = self.clock.now() >= before.expires_at
        try:
            after = self.gate.approve(seen.id, digest, who)
        except Forbidden:
            assert not who.may(Scope.APPROVER, "shop")
        except Expired:
            if before.state is State.PROPOSED:
                assert late
                self._note(self.store.get(seen.id))
        except (Conflict, Refused):
            assert not right or before.state is not State.PROPOSED
        else:
            assert right
            assert who.may(Scope.APPROVER, "shop")
            if after.version == before.version:
                assert known.approver == who.name
            else:
                assert before.state is State.PROPOSED
                assert not late
                known.approver = who.name
                self._note(after)

    @rule(seen=reads, who=PEOPLE)
    def reject(self, seen: Proposal, who: Principal) -> None:
        """Only what still waits can be rejected."""
        before = self.known[seen.id].now
        try:
            after = self.gate.reject(seen.id, who)
        except Forbidden:
            assert not who.may(Scope.PROPOSER, "shop")
        except Conflict:
            assert before.state is not State.PROPOSED
        else:
            if after.version != before.version:
                self._note(after)

    @rule(minutes=st.sampled_from([1, 5, 16]))
    def wait_and_sweep(self, minutes: int) -> None:
        """The sweep ends exactly what is due."""
        now = self.clock.advance(timedelta(minutes=minutes))
        due = {
            key
            for key, known in self.known.items()
            if known.now.state is State.PROPOSED and known.now.expires_at <= now
        }
        expired = self.gate.expire(now)
        assert {proposal.id for proposal in expired} == due
        for proposal in expired:
            self._note(proposal)

    @rule()
    def restart(self) -> None:
        """A new process finds what the old one left."""
        self.store.close()
        self._open_store()

    @rule(old=consumes(reads))
    def forget_a_read(self, old: Proposal) -> None:
        """Let a read go, so that fresh ones are drawn more often."""

    @invariant()
    def the_store_agrees(self) -> None:
        """Record, history and list of open ones are those of the model."""
        stored = {p.id: p for p in self.store.list(ProposalFilter(limit=200)).items}
        assert stored == {key: known.now for key, known in self.known.items()}
        opened = {p.id for p in self.store.unfinished()}
        assert opened == {k for k, known in self.known.items() if lifecycle.is_open(known.now)}
        for key, known in self.known.items():
            events = self.store.events(known.now.id)
            assert [event.state for event in events] == known.history, key
            assert [event.sequence for event in events] == list(range(len(events)))
