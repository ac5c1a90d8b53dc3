"""A whole daemon whose audits give more rows than one query may: all of them, or none."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.lab.crowd.shape import Crowd
from remedyd.model import AuditOutcome, Severity, State
from remedyd.server import views
from support.byhand import ANN, ByHand
from support.crowds import crowded, cycles
from support.loglines import logged

CROWD = Crowd(nodes=12, workloads=60, pods=120, namespaces=6, broken=1, down=0)
ROWS = 72
AUDIT = "container-memory"
"""Sixty workloads, twelve of which have two containers."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByHand]:
    """A daemon whose audits are cut off at forty rows."""
    with crowded(tmp_path_factory.mktemp("scale"), CROWD, limit=40) as found:
        yield found


def metric(daemon: ByHand, name: str, **labels: str) -> float | None:
    """Return a metric of the daemon."""
    return daemon.app.metrics.registry.get_sample_value(name, labels)


def test_all_rows_are_read_and_acted_upon(daemon: ByHand) -> None:
    """Every container is a row once, and the one that is killed leads to a proposal."""
    cycle = daemon.app.loop.cycle(AUDIT)
    (result,) = cycle.results
    assert result.outcome is AuditOutcome.OK, result.detail
    assert len({str(row.target) for row in result.rows}) == len(result.rows) == ROWS
    cycles(daemon, AUDIT, 1)
    assert [p.state for p in daemon.proposals()] == [State.PROPOSED]


def test_that_it_was_read_in_parts_is_told(daemon: ByHand) -> None:
    """By the metric, by the log, by the REST API, and there it is a handful, not each namespace."""
    with logged("DEBUG") as out:
        daemon.app.loop.cycle(AUDIT)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    parts = metric(daemon, "remedyd_audit_parts", audit=AUDIT)
    assert parts is not None
    assert 2 <= parts <= 4
    definition, last = daemon.service.audit(ANN, AUDIT)
    shown = views.audit_detail_view(definition, last, 10)
    assert shown.last is not None
    assert (shown.last.parts, shown.last.total, len(shown.last.rows)) == (parts, ROWS, 10)
    assert shown.last.rows[0].severity == Severity.CRITICAL
    assert [line["remedyd.parts"] for line in lines if "remedyd.parts" in line] == [parts]


def test_what_cannot_be_made_whole_is_refused(tmp_path: Path) -> None:
    """A namespace with more rows than a query may give: nothing is proposed, all faces say so."""
    with crowded(tmp_path, CROWD, limit=10) as found:
        cycles(found, AUDIT, 2)
        assert found.proposals() == ()
        assert metric(found, "remedyd_audit_runs_total", audit=AUDIT, outcome="Truncated") == 2
        assert metric(found, "remedyd_audit_runs_total", audit=AUDIT, outcome="Ok") in (0, None)
        definition, last = found.service.audit(ANN, AUDIT)
        shown = views.audit_detail_view(definition, last, 10).last
        assert shown is not None
        assert (shown.outcome, shown.rows) == ("Truncated", [])
        assert "even within namespace team-00" in shown.detail
        assert any(text == f"{AUDIT}: Truncated" for text in found.service._recent.failing())


def test_telemetry_keeps_coming_in(daemon: ByHand) -> None:
    """The crowd's collectors go on: minutes later the rows are as fresh."""
    daemon.lab.advance(timedelta(minutes=5))
    (result,) = daemon.app.loop.cycle(AUDIT).results
    assert result.ok
    assert not result.set_aside
