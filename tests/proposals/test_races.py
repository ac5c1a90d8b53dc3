"""Rivals in threads and processes: one winner each time, and no trace of the losers."""

import multiprocessing
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from remedyd.model import ManualClock, Proposal, State
from remedyd.proposals.gate import Gate
from remedyd.proposals.query import ProposalFilter
from remedyd.proposals.store import Store
from support.postgres import Server
from support.proposals import ALICE, PAT, a_clock, a_decision, a_plan, a_proposal, a_target
from support.races import approve_all, migrate, together, won

TESTS = Path(__file__).parents[1]
WRITER = """
import sys
from support.proposals import a_clock, a_proposal
from remedyd.model import State
from remedyd.proposals.store import Store
store = Store(sys.argv[1], a_clock())
for n in range(100000):
    moved = store.create(a_proposal(f"p{n}", f"w{n}"))
    for state in (State.APPROVED, State.APPLYING, State.APPLIED):
        moved = store.transition(moved, state)
        print(moved.id, moved.version, flush=True)
"""


@pytest.fixture(scope="module")
def rivals() -> Iterator[ProcessPoolExecutor]:
    """Return three other processes."""
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def test_four_threads_and_500_approvals_give_500_wins(store: Store) -> None:
    """Four threads move the same 500 proposals: each proposal is moved once, by one of them."""
    seen = [store.create(a_proposal(f"p{n}", f"w{n}")) for n in range(500)]

    def run(seed: int) -> int:
        mine = random.Random(seed).sample(seen, len(seen))
        return sum(won(partial(store.transition, p, State.APPROVED)) for p in mine)

    wins = together([partial(run, seed) for seed in range(4)])
    assert sum(wins) == 500
    assert {proposal.version for proposal in store.unfinished()} == {1}
    assert all(len(store.events(proposal.id)) == 2 for proposal in seen[::10])


def test_rival_processes_approve_each_proposal_once(
    url: str, store: Store, rivals: ProcessPoolExecutor
) -> None:
    """Three processes approve the same proposals under three names: one name stands for each."""
    keys = [store.create(a_proposal(f"p{n}", f"w{n}")).id for n in range(60)]
    names = ("ann", "ben", "cyd")
    wins = [rivals.submit(approve_all, url, name, keys) for name in names]
    counted = {name: future.result() for name, future in zip(names, wins, strict=True)}
    assert sum(counted.values()) == 60
    stored = Counter(
        p.approval.principal.name
        for p in store.list(ProposalFilter(limit=200)).items
        if p.approval is not None
    )
    assert dict(stored) == {name: n for name, n in counted.items() if n}


def test_one_of_eight_threads_opens_the_proposal(store: Store, gate: Gate) -> None:
    """Eight threads propose for one workload at once: one proposal, seven conflicts."""
    for n in range(10):
        target = a_target(f"w{n}")
        job = partial(won, partial(gate.propose, a_plan(target), a_decision(target)))
        assert sum(together([job] * 8)) == 1
    assert len(store.unfinished()) == 10


def test_approving_races_rejecting_with_one_winner(store: Store, gate: Gate) -> None:
    """Whoever wins, the other is told, and the record, its approval and its events agree."""
    for n in range(25):
        target = a_target(f"w{n}")
        made = gate.propose(a_plan(target), a_decision(target))
        wins = together(
            [
                partial(won, partial(gate.approve, made.id, made.digest, ALICE)),
                partial(won, partial(gate.reject, made.id, PAT)),
            ]
        )
        now = store.get(made.id)
        assert wins.count(True) == 1
        assert now.state is (State.APPROVED if wins[0] else State.REJECTED)
        assert (now.approval is not None) is wins[0]
        assert [event.state for event in store.events(made.id)] == [State.PROPOSED, now.state]


def test_the_same_click_from_four_threads_is_one_approval(store: Store, gate: Gate) -> None:
    """Equal approvals that arrive together all succeed, and one is recorded."""
    for n in range(10):
        target = a_target(f"w{n}")
        made = gate.propose(a_plan(target), a_decision(target))
        answers = together([partial(gate.approve, made.id, made.digest, ALICE)] * 4)
        assert {answer.version for answer in answers} == {1}
        assert len(store.events(made.id)) == 2


def test_approving_races_expiring_with_one_winner(
    store: Store, gate: Gate, clock: ManualClock
) -> None:
    """A sweep and an approval never both succeed."""
    for n in range(25):
        target = a_target(f"w{n}")
        made = gate.propose(a_plan(target), a_decision(target))
        late = made.expires_at

        def sweep(late: object = late) -> list[Proposal]:
            return gate.expire(late)  # type: ignore[arg-type]

        def approve(made: Proposal = made) -> list[Proposal]:
            return [made] if won(partial(gate.approve, made.id, made.digest, ALICE)) else []

        ended = together([sweep, approve])
        assert sum(len(part) for part in ended) == 1
        assert store.get(made.id).state in (State.EXPIRED, State.APPROVED)


def test_two_processes_migrate_one_empty_store(
    tmp_path: Path, server: Server, rivals: ProcessPoolExecutor
) -> None:
    """Daemons that start together take turns: one migrates, the others find it done."""
    for url in (f"sqlite:///{tmp_path / 'new.db'}", server.url(server.database())):
        done = [rivals.submit(migrate, url) for _ in range(3)]
        assert sorted(future.result() for future in done) == [False, False, True]


def test_a_killed_writer_loses_nothing_it_reported(url: str) -> None:
    """After SIGKILL amid writing, every reported move is there, each with its event."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True, cwd=TESTS
    )
    assert process.stdout is not None
    reported = [process.stdout.readline().split() for _ in range(40)]
    process.kill()
    reported += [line.split() for line in process.stdout.read().splitlines(keepends=True)[:-1]]
    process.stdout.close()
    process.wait()
    store = Store(url, a_clock())
    last = {key: int(version) for key, version in reported}
    for proposal in store.list(ProposalFilter(limit=200)).items:
        assert proposal.version >= last.get(proposal.id, 0)
        assert len(store.events(proposal.id)) == proposal.version + 1
    assert len(last) >= 10
    store.close()
