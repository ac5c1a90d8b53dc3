"""Two threads never move one proposal at the same time; who asks for the result waits for it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from remedyd.loop import Loop
from remedyd.model import Proposal, State, SystemClock
from remedyd.observability.metrics import Metrics
from remedyd.proposals.gate import Gate
from remedyd.proposals.ids import ProposalIds
from remedyd.proposals.store import Store
from support.proposals import a_decision, a_plan

CLOCK = SystemClock()


class Slow:
    """A step that tells when it begins and goes on when it is let."""

    def __init__(self) -> None:
        """Start shut."""
        self.begun = threading.Event()
        self.go = threading.Event()
        self.runs = 0

    def advance(self, proposal: Proposal) -> Proposal:
        """Wait; move nothing."""
        self.runs += 1
        self.begun.set()
        assert self.go.wait(10)
        return proposal


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    made = Store(f"sqlite:///{tmp_path / 'store.db'}", CLOCK)
    made.migrate()
    yield made
    made.close()


def looped(store: Store, step: Slow) -> tuple[Loop, Proposal]:
    gate = Gate(store, CLOCK, ProposalIds(CLOCK))
    loop = Loop(
        stages=(),
        steps={State.PROPOSED: step},
        store=store,
        gate=gate,
        clock=CLOCK,
        metrics=Metrics(),
    )
    return loop, gate.propose(a_plan(), a_decision())


def test_a_second_thread_leaves_a_busy_proposal_alone(store: Store) -> None:
    """While one thread is at it, another gets None and the step runs once."""
    step = Slow()
    loop, proposal = looped(store, step)
    worker = threading.Thread(target=loop.advance, args=(proposal.id,))
    worker.start()
    assert step.begun.wait(10)
    assert loop.advance(proposal.id) is None
    step.go.set()
    worker.join(10)
    assert step.runs == 1


def test_a_patient_caller_waits_for_the_other_thread(store: Store) -> None:
    """With patience, the caller goes on once the other thread has finished."""
    step = Slow()
    loop, proposal = looped(store, step)
    first = threading.Thread(target=loop.advance, args=(proposal.id,))
    first.start()
    assert step.begun.wait(10)
    found: list[Proposal | None] = []
    second = threading.Thread(target=lambda: found.append(loop.advance(proposal.id, patience=10)))
    second.start()
    step.go.set()
    first.join(10)
    second.join(10)
    assert [one.id for one in found if one] == [proposal.id]
