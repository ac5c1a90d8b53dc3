"""What rival threads and processes do to one store; importable by a spawned process."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from remedyd.errors import Conflict
from remedyd.model import Principal, ProposalId, Scope, SystemClock
from remedyd.proposals.gate import Gate
from remedyd.proposals.ids import ProposalIds
from remedyd.proposals.store import Store
from support.proposals import a_clock

T = TypeVar("T")


def together(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run every job in its own thread, all starting at the same moment."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        barrier.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(run, job) for job in jobs]]


def won(job: Callable[[], object]) -> bool:
    """Whether the job went through; losing a race is a Conflict, nothing else."""
    try:
        job()
    except Conflict:
        return False
    return True


def approve_all(url: str, name: str, keys: Sequence[str]) -> int:
    """Approve every proposal under `name` and return how many approvals were the first."""
    store = Store(url, a_clock())
    gate = Gate(store, a_clock(), ProposalIds(a_clock()))
    who = Principal(name, frozenset({Scope.APPROVER}))
    wins = 0
    for key in keys:
        digest = store.get(ProposalId(key)).digest
        wins += won(lambda key=key, digest=digest: gate.approve(ProposalId(key), digest, who))  # type: ignore[misc]
    store.close()
    return wins


def migrate(url: str) -> bool:
    """Bring a store up to date; return whether this process did it."""
    store = Store(url, SystemClock())
    try:
        return store.migrate()
    finally:
        store.close()
