"""A store with a long history: how quick are lists, pages, decisions and retention?

    python benchmarks/history.py 100000 [postgresql://...]

Without a URL a SQLite file is filled, then a PostgreSQL of its own if there is one. The proposals
end over 90 days, one in a thousand is open.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from remedyd.model import Applied, ManualClock, ProposalId, State
from remedyd.model.clock import monotonic
from remedyd.proposals import codec
from remedyd.proposals.drafts import of_decision, proposal_of
from remedyd.proposals.lifecycle import IN_FLIGHT
from remedyd.proposals.query import ProposalFilter
from remedyd.proposals.store import Store
from remedyd.proposals.tables import events, proposals
from remedyd.proposals.trail import TrailFilter
from support import postgres
from support.proposals import a_decision, a_plan, a_target

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
DAYS = 90
WORKLOADS = 10_000
ROUNDS = 15
NAMESPACES = 100
TOLD = '{"principal": "remedyd", "detail": "", "data": {}}'
CLOSED = (
    State.EFFECTIVE, State.EFFECTIVE, State.REJECTED, State.EXPIRED, State.ROLLED_BACK,
    State.STALE, State.SUPERSEDED,
)  # fmt: skip
APPLIED = {State.EFFECTIVE, State.ROLLED_BACK, State.SUPERSEDED}


def rows(count: int) -> Iterator[dict[str, object]]:
    """Yield the columns of each proposal, oldest first."""
    target = a_target()
    sample = proposal_of(of_decision(a_decision(target)), a_plan(target), ProposalId("p"), NOW, NOW)
    step = timedelta(days=DAYS) / count
    for number in range(count):
        at = NOW - timedelta(days=DAYS) + step * number
        state = CLOSED[number % len(CLOSED)]
        place = number % WORKLOADS
        is_open = number >= count - count // 1000
        if is_open:
            state = State.PROPOSED
        where = _place(place)
        applied = at if state in APPLIED else None
        one = replace(
            sample, id=ProposalId(f"p{number:07}"), state=state, created_at=at, updated_at=at,
            applied=Applied(at, "1", 1) if applied else None,
        )  # fmt: skip
        yield {
            "id": one.id, "version": 5, "state": state.value, "is_open": is_open,
            "source": "audit", "policy": f"policy-{number % 5}", "step": "raise",
            "workload": where, "namespace": f"ns-{place % NAMESPACES}", "digest": f"{number:064}",
            "created_at": at, "updated_at": at, "expires_at": at + timedelta(minutes=15),
            "finished_at": None if is_open else at, "applied_at": applied,
            "failed_at": at if state is State.ROLLED_BACK else None, "body": codec.dump(one),
        }  # fmt: skip


def fill(url: str, count: int) -> None:
    """Write the proposals and six events of each."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    batch: list[dict[str, object]] = []

    def write() -> None:
        told = [
            {
                "proposal": row["id"], "sequence": number, "at": row["created_at"],
                "action": "move", "state": row["state"], "body": TOLD, "principal": "remedyd",
            }
            for row in batch
            for number in range(6)
        ]  # fmt: skip
        with engine.begin() as connection:
            connection.execute(proposals.insert(), batch)
            connection.execute(events.insert(), told)
        batch.clear()

    for row in rows(count):
        batch.append(row)
        if len(batch) == 2000:
            write()
    if batch:
        write()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    engine.dispose()


def _place(number: int) -> str:
    return f"prod/ns-{number % NAMESPACES}/Deployment/w{number}"


SOME = frozenset(map(_place, range(50)))


def questions(store: Store, count: int) -> dict[str, Callable[[], object]]:
    """Return what is asked, by name."""

    def ask(**wanted: object) -> Callable[[], object]:
        return lambda: store.list(ProposalFilter(**wanted))  # type: ignore[arg-type]

    def told(**wanted: object) -> Callable[[], object]:
        return lambda: store.trail.read(TrailFilter(**wanted))  # type: ignore[arg-type]

    middle = store.list(ProposalFilter(until=NOW - timedelta(days=DAYS / 2), limit=1)).next
    rare = frozenset({State.INCONCLUSIVE})
    return {
        "first page": ask(),
        "page in the middle": ask(cursor=middle),
        "by namespace": ask(namespace="ns-7"),
        "by an empty namespace": ask(namespace="nothing"),
        "within two namespaces": ask(namespaces=frozenset({"ns-1", "ns-2"})),
        "by workload": ask(workload="prod/ns-7/Deployment/w107"),
        "by policy": ask(policy="policy-3"),
        "by an unknown policy": ask(policy="nothing"),
        "by state": ask(states=frozenset({State.ROLLED_BACK})),
        "by a state that none has": ask(states=rare),
        "by source request": ask(source="request"),
        "open": ask(open=True),
        "closed (history page)": ask(open=False, limit=50),
        "in flight (overview)": ask(states=IN_FLIGHT, limit=200),
        "between two days": ask(since=NOW - timedelta(days=40), until=NOW - timedelta(days=39)),
        "one proposal": lambda: store.get(ProposalId("p0000500")),
        "its events": lambda: store.events(ProposalId("p0000500")),
        "due": lambda: store.due(NOW),
        "unfinished": store.unfinished,
        "in states (every 5 s)": lambda: store.in_states(
            frozenset({State.APPLYING, State.APPLIED})
        ),
        "before a write: one workload": lambda: store.circumstances(NOW, _place(7)),
        "who failed often (every 5 s)": lambda: store.failing(NOW, 3),
        "a decision about 50 workloads": lambda: store.decision_state(NOW, SOME),
        "a decision about any workload": lambda: store.decision_state(NOW),
        "trail: newest page": told(),
        "trail: resumed in the middle": told(after=count * 3, oldest_first=True),
        "trail: of a policy that many have": told(policy="policy-3"),
        "trail: of a namespace": told(namespace="ns-7"),
        "trail: of a workload": told(workload=_place(7)),
        "trail: of an action that none is": told(action="approve"),
        "trail: of a day long ago": told(
            since=NOW - timedelta(days=40), until=NOW - timedelta(days=39)
        ),
    }


def measure(name: str, url: str, count: int) -> None:
    """Fill one store and print what each question costs."""
    with closing(Store(url, ManualClock(NOW))) as store:
        store.migrate()
        begun = monotonic()
        fill(url, count)
        print(f"\n{name}: {count} proposals, filled in {monotonic() - begun:.0f} s\n")
        print("| Question | Best ms | Median ms | Own processor time, ms |\n|---|---|---|---|")
        for question, ask in questions(store, count).items():
            print(f"| {question} | {' | '.join(timed(ask))} |", flush=True)
        begun = monotonic()
        gone = store.delete_finished(NOW - timedelta(days=80))
        print(f"| retention: {gone} deleted | {(monotonic() - begun) * 1000:.0f} | | |")


def timed(ask: Callable[[], object]) -> list[str]:
    """Return best and median, and the median of the processor time of this process alone."""
    walls, own = [], []
    for _ in range(ROUNDS):
        begun, used = monotonic(), process_time()
        ask()
        walls.append((monotonic() - begun) * 1000)
        own.append((process_time() - used) * 1000)
    found = (min(walls), statistics.median(walls), statistics.median(own))
    return [f"{value:.1f}" for value in found]


def main(count: int, url: str = "") -> None:
    """Measure on both kinds of store, or the one given."""
    with ExitStack() as opened:
        home = opened.enter_context(tempfile.TemporaryDirectory(prefix="remedyd-"))
        places = {"PostgreSQL": url} if url else {"SQLite": f"sqlite:///{home}/remedyd.db"}
        if not url and postgres.binaries() is not None:
            server = opened.enter_context(postgres.server())
            places["PostgreSQL"] = server.url(server.database())
        for name, place in places.items():
            measure(name, place, count)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, *sys.argv[2:3])
