"""What was done to a workload stands in `kubectl describe`, and never gets in the way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remedyd.cluster.telling import Teller
from remedyd.model import State
from remedyd.observability.metrics import Metrics
from remedyd.proposals.ecs import Ecs
from remedyd.proposals.outbox import Channel
from remedyd.proposals.reports import Reports
from remedyd.proposals.store import Store
from remedyd.stages.report import NoteCourier
from support.cluster import namespace, recorded
from support.labserver import NOW, Lab, lab
from support.labserver import target as target_of
from support.proposals import a_plan, a_proposal
from support.trail import Post


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as found:
        found.create(namespace("shop"))
        yield found


class Notes:
    """A store whose notes go to a lab API server."""

    def __init__(self, url: str, cluster: Lab, **options: Any) -> None:
        self.metrics = Metrics()
        self.store = Store(url, cluster.clock, reports=Reports(Ecs("prod"), [Channel.KUBERNETES]))
        teller = Teller(cluster.cluster, instance="remedyd-0", **options)
        self.courier = NoteCourier(self.store.outbox, teller, cluster.clock, self.metrics)
        live = cluster.create(recorded("deployment-checkout-healthy"))
        self.target = target_of(live)

    def propose(self, key: str = "p1") -> Any:
        plan = a_plan(self.target)
        return self.store.create(a_proposal(key, at=NOW, plan=plan))

    def sent(self, result: str) -> float:
        labels = {"channel": "kubernetes", "result": result}
        return self.metrics.registry.get_sample_value("remedyd_outbox_sent_total", labels) or 0.0


@pytest.fixture
def notes(sqlite: str, cluster: Lab) -> Iterator[Notes]:
    made = Notes(sqlite, cluster)
    yield made
    made.store.close()


def events(cluster: Lab) -> list[dict[str, Any]]:
    return cluster.cluster.list("Event", "shop")


def test_a_move_is_an_event_on_the_workload(notes: Notes, cluster: Lab) -> None:
    """With the workload's uid, a reason that can be searched, and the change in words."""
    notes.store.transition(notes.propose(), State.APPROVED)
    assert notes.courier.deliver() == ""
    first, second = sorted(events(cluster), key=lambda event: event["reason"], reverse=True)
    assert (first["reason"], second["reason"]) == ("RemediationProposed", "RemediationApproved")
    assert first["involvedObject"]["uid"] == notes.target.uid
    assert first["involvedObject"]["apiVersion"] == "apps/v1"
    assert "256Mi -> 384Mi" in first["message"]
    assert "[proposal p1]" in first["message"]
    assert first["source"] == {"component": "remedyd"}


def test_a_note_that_was_told_is_not_told_again(notes: Notes, cluster: Lab) -> None:
    """After a crash between telling and forgetting, the API server refuses the second one."""
    notes.propose()
    letter = notes.store.outbox.due(Channel.KUBERNETES, 1)[0]
    Teller(cluster.cluster).tell(letter.id, letter.body, letter.at)
    assert notes.courier.deliver() == ""
    assert len(events(cluster)) == 1
    assert notes.sent("known") == 1


def test_a_dry_run_stores_no_event(sqlite: str, cluster: Lab) -> None:
    """The API server checks it as it checks a dry run's write."""
    notes = Notes(sqlite, cluster, dry_run=True)
    notes.propose()
    assert notes.courier.deliver() == ""
    assert events(cluster) == []
    assert notes.sent("created") == 1
    notes.store.close()


def test_what_the_cluster_refuses_is_dropped_and_counted(notes: Notes, cluster: Lab) -> None:
    """A namespace that is gone takes no Events; the proposal goes on all the same."""
    proposal = notes.propose()
    letter = notes.store.outbox.due(Channel.KUBERNETES, 1)[0]
    told = Teller(cluster.cluster).tell("x", {**letter.body, "namespace": "gone"}, letter.at)
    assert told[0].name == "REFUSED"
    assert notes.store.transition(proposal, State.APPROVED).state is State.APPROVED


def test_old_news_is_dropped(notes: Notes, cluster: Lab) -> None:
    """Kubernetes keeps Events for an hour; one that could not be told by then is left out."""
    from datetime import timedelta

    notes.propose()
    cluster.clock.advance(timedelta(hours=2))
    assert notes.courier.deliver() == ""
    assert events(cluster) == []
    assert notes.sent("late") == 1


def test_notes_wait_while_the_api_server_is_away(notes: Notes, cluster: Lab) -> None:
    """Nothing is lost by a short outage."""
    notes.propose()
    cluster.server.stop()
    assert "Event" in notes.courier.deliver()
    assert notes.store.outbox.backlog(Channel.KUBERNETES).waiting == 1


def test_a_note_costs_a_proposal_nothing(post: Post) -> None:
    """Without the channel no note is written at all."""
    post.store.create(a_proposal())
    assert post.store.outbox.due(Channel.KUBERNETES, 1) == ()
