"""Whatever is asked again and again is answered by an index, however long the history."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from remedyd.errors import NotFound
from remedyd.model import ProposalId, State
from remedyd.proposals.lifecycle import IN_FLIGHT
from remedyd.proposals.query import ProposalFilter
from remedyd.proposals.store import Store
from support.proposals import START

OPEN = (
    "INDEX proposals_open",
    "COVERING INDEX proposals_open",
    "INDEX proposals_one_open_per_workload",
)
QUESTIONS: dict[str, Callable[[Store], object]] = {
    "namespace": lambda s: s.list(ProposalFilter(namespace="shop")),
    "namespaces": lambda s: s.list(ProposalFilter(namespaces=frozenset({"shop", "bank"}))),
    "workload": lambda s: s.list(ProposalFilter(workload="lab/shop/Deployment/cart")),
    "policy": lambda s: s.list(ProposalFilter(policy="oom")),
    "source": lambda s: s.list(ProposalFilter(source="request")),
    "state": lambda s: s.list(ProposalFilter(states=frozenset({State.REJECTED}))),
    "in flight": lambda s: s.list(ProposalFilter(states=IN_FLIGHT)),
    "open": lambda s: s.list(ProposalFilter(open=True)),
    "time": lambda s: s.list(ProposalFilter(since=START, until=START + timedelta(days=1))),
    "one": lambda s: s.get(ProposalId("p1")),
    "events": lambda s: s.events(ProposalId("p1")),
    "due": lambda s: s.due(START),
    "open at": lambda s: s.open_at("shop", START),
    "unfinished": lambda s: s.unfinished(),
    "in states": lambda s: s.in_states(frozenset({State.APPLYING, State.INEFFECTIVE})),
    "decision state": lambda s: s.decision_state(START),
    "retention": lambda s: s.delete_finished(START),
}


@pytest.fixture
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Return the statements that read or delete proposals and events."""
    found: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, sql: str, given: Any, *_: Any) -> None:
        if not sql.startswith("EXPLAIN") and ("proposals" in sql or "events" in sql):
            found.append((sql, given))

    sa.event.listen(Engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_reads_the_whole_history(
    store: Store, url: str, asked: list[tuple[str, Any]], question: str
) -> None:
    """The database's own plan searches by an index; it does not scan the table."""
    with suppress(NotFound):
        QUESTIONS[question](store)
    statements = list(asked)
    assert statements
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        for sql, given in statements:
            plan = explained(engine, sql, given)
            for few in OPEN:  # holds the open ones alone
                plan = plan.replace(f"SCAN proposals USING {few}", "")
            assert "Seq Scan on" not in plan, f"{sql}\n{plan}"
            assert "SCAN proposals" not in plan, f"{sql}\n{plan}"
            assert "SCAN events" not in plan, f"{sql}\n{plan}"
    finally:
        engine.dispose()


def explained(engine: sa.Engine, sql: str, given: Any) -> str:
    """Return the plan, where PostgreSQL must not prefer a scan because the table is empty."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)
            return "\n".join(str(row[3]) for row in rows)
        connection.exec_driver_sql("SET enable_seqscan = off")
        rows = connection.exec_driver_sql(f"EXPLAIN {sql}", given)
        return "\n".join(str(row[0]) for row in rows)
