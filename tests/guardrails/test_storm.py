"""When much is wrong at once, everything is held and one storm is reported."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from remedyd.cluster.lately import Lately
from remedyd.model import (
    AuditOutcome,
    DecisionKind,
    DecisionState,
    KubeObject,
    ManualClock,
    Severity,
    SystemClock,
)
from remedyd.observability.alerts import Alert, Alerts
from remedyd.observability.metrics import Metrics
from remedyd.policy.decide import decide
from remedyd.policy.guardrails import Guardrails, signs
from remedyd.policy.guardrails.schema import Storm
from remedyd.proposals.store import Store
from remedyd.stages.cycle import Cycle
from remedyd.stages.storm import WatchStorms
from support.cluster import ListReader
from support.policies import NOW, policies, policy_text, result, row

LIMITS = Storm()


def rows(critical: int, healthy: int, namespace: str = "shop") -> list[Any]:
    return [row(f"bad{n}", namespace=namespace) for n in range(critical)] + [
        row(f"good{n}", namespace=namespace, severity=Severity.HEALTHY) for n in range(healthy)
    ]


@pytest.mark.parametrize(
    ("critical", "healthy", "storm"),
    [(3, 6, True), (3, 7, False), (4, 6, True), (2, 0, False), (3, 0, True), (0, 9, False)],
)
def test_a_share_above_thirty_percent_is_a_storm(critical: int, healthy: int, storm: bool) -> None:
    """More than 30 % of a namespace's workloads, and no fewer than three."""
    assert bool(signs([result(*rows(critical, healthy))], LIMITS)) is storm


def test_containers_of_a_workload_count_once() -> None:
    """Three containers of one workload are one critical workload."""
    found = [row("cart", container=name) for name in ("a", "b", "c")]
    assert signs([result(*found)], LIMITS) == {}


def test_namespaces_are_judged_apart() -> None:
    """Critical workloads of two namespaces do not add up."""
    mixed = [*rows(2, 1), *rows(2, 1, "other")]
    assert signs([result(*mixed)], LIMITS) == {}


def test_a_decision_in_a_storm_holds_every_namespace() -> None:
    """One namespace in a storm holds the matches of all."""
    given = [*rows(3, 0), row("alone", namespace="quiet")]
    decided = decide([result(*given)], DecisionState(), NOW, policies(policy_text()), Guardrails())
    assert {(d.kind, d.reason) for d in decided.decisions} == {(DecisionKind.HOLD, "Storm")}


def node(name: str, ready: str = "True") -> KubeObject:
    conditions = [{"type": "Ready", "status": ready}] if ready else []
    return {"kind": "Node", "metadata": {"name": name}, "status": {"conditions": conditions}}


def deployment(name: str) -> KubeObject:
    meta = {"name": name, "namespace": "shop"}
    return {"kind": "Deployment", "metadata": meta, "spec": {"selector": {}}}


def pod(workload: str, number: int, on: str, image: str) -> KubeObject:
    owner = {"kind": "ReplicaSet", "name": f"{workload}-77d", "controller": True}
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"{workload}-77d-{number}",
            "namespace": "shop",
            "labels": {"pod-template-hash": "77d"},
            "ownerReferences": [owner],
        },
        "spec": {"nodeName": on, "containers": [{"name": "app", "image": image}]},
    }


class Watch:
    """A watch over a cluster that tests change, with what it told."""

    def __init__(self, home: Path) -> None:
        self.clock = ManualClock(NOW)
        self.store = Store(f"sqlite:///{home / 'remedyd.db'}", self.clock)
        self.store.migrate()
        workloads = [
            deployment(f"{sort}{number}") for sort in ("bad", "good") for number in (0, 1, 2)
        ]
        self.cluster = ListReader(node("worker-1"), node("worker-2"), *workloads)
        self.told: list[Alert] = []
        numbers = count(1)
        self.stage = WatchStorms(
            self.store,
            Lately(self.cluster, self.clock),
            self.clock,
            lambda: f"h{next(numbers)}",
            Guardrails(),
            Alerts(Metrics(), [self.told.append]),
            "prod",
        )

    def see(self, *given: Any, after: float = 0, **options: Any) -> DecisionState:
        now = self.clock.advance(timedelta(minutes=after))
        found = result(*given, at=now, **options)
        cycle = Cycle(found.audit, now, results=(found,))
        assert self.stage.run(cycle) == cycle
        return self.store.decision_state(now)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(tmp_path)
    yield made
    made.store.close()


def test_one_storm_is_reported_once(watch: Watch) -> None:
    """However long it lasts: one durable record, one alert."""
    assert watch.see(*rows(1, 9)).storm is None
    for _ in range(5):
        state = watch.see(*rows(4, 5), after=1)
    assert state.storm is not None
    assert "4 of 9 workloads in shop are critical at once" in state.storm.detail
    assert [alert.kind for alert in watch.told] == ["Storm"]
    assert len(watch.store.holds.list(ended=True)) == 1


def test_the_report_outlives_the_daemon(watch: Watch, tmp_path: Path) -> None:
    """A restarted daemon still holds."""
    watch.see(*rows(4, 5))
    again = Store(f"sqlite:///{tmp_path / 'remedyd.db'}", SystemClock())
    assert again.decision_state(NOW).storm is not None
    again.close()


def test_a_storm_ends_after_ten_calm_minutes(watch: Watch) -> None:
    """It is over when no sign of it was seen for the time of calm, not at the first good row."""
    watch.see(*rows(4, 5))
    assert watch.see(*rows(0, 9), after=9).storm is not None
    assert watch.see(*rows(0, 9), after=1).storm is None
    (over,) = watch.store.holds.list(ended=True)
    assert (over.ended_by, over.ended_at) == ("remedyd", NOW + timedelta(minutes=10))


def test_silence_is_no_calm(watch: Watch) -> None:
    """An audit that gave no usable rows does not end the storm that it saw."""
    watch.see(*rows(4, 5))
    assert watch.see(after=60, outcome=AuditOutcome.STALE).storm is not None


def test_another_audit_does_not_end_it(watch: Watch) -> None:
    """Signs belong to the audit that saw them."""
    watch.see(*rows(4, 5))
    other = [replace(one, audit="replica-gap") for one in rows(0, 9)]
    assert watch.see(*other, after=60, audit="replica-gap").storm is not None


def test_a_node_that_is_not_ready_is_a_storm(watch: Watch) -> None:
    """A node is a sign by itself, also one that reports nothing; ready again, it is over."""
    watch.cluster.objects[0] = node("worker-1", "Unknown")
    watch.cluster.objects[1] = node("worker-2", "")
    state = watch.see(*rows(0, 3))
    assert state.storm is not None
    assert state.storm.detail == "2 of 2 nodes are not ready, at most 0: worker-1, worker-2"
    watch.cluster.objects = [node("worker-1"), node("worker-2")]
    assert watch.see(*rows(0, 3), after=10).storm is None


def test_nodes_that_cannot_be_read_hold(watch: Watch) -> None:
    """Not knowing how the nodes are is a reason to wait."""
    watch.cluster.broken = frozenset({"Node"})
    state = watch.see(*rows(0, 3))
    assert state.storm is not None
    assert "cannot be read" in state.storm.detail


def test_the_report_groups_by_node_image_and_revision(watch: Watch) -> None:
    """The one cause shows: most pods of critical workloads lie on one node, or run one image."""
    for number, workload in enumerate(("bad0", "bad1", "bad2", "good0")):
        on = "worker-1" if number < 2 else "worker-2"
        watch.cluster.objects.append(pod(workload, number, on, "registry.example.com/base:2"))
    state = watch.see(*rows(3, 2))
    assert state.storm is not None
    assert state.storm.data["groups"] == {
        "node": {"worker-1": 2, "worker-2": 1},
        "image": {"registry.example.com/base:2": 3},
        "revision": {"77d": 3},
    }
    assert "by node: worker-1 (2), worker-2 (1)" in watch.told[0].detail


def test_the_store_can_be_written_while_pods_are_looked_at(watch: Watch) -> None:
    """A cluster in a storm answers slowly: a pause must not have to wait for it, nor the hold."""
    held: list[bool] = []

    class Slow(ListReader):
        def get(self, kind: str, namespace: str, name: str) -> KubeObject:
            pausing = Thread(target=watch.store.flags.pause, args=("ann", NOW), daemon=True)
            pausing.start()
            pausing.join(5)
            held.append(watch.store.decision_state(NOW).storm is not None)
            assert watch.store.flags.paused() is not None
            return super().get(kind, namespace, name)

    watch.cluster.__class__ = Slow
    watch.see(*rows(3, 2))
    assert held
    assert all(held)


def test_a_new_sign_joins_the_report(watch: Watch) -> None:
    """A second namespace is part of the same storm, which keeps its beginning."""
    watch.see(*rows(4, 5))
    state = watch.see(*rows(4, 5), *rows(3, 0, "other"), after=2)
    assert state.storm is not None
    signs_seen: Any = state.storm.data["signs"]
    assert len(signs_seen) == 2
    assert state.storm.since == NOW
    assert datetime.fromisoformat(signs_seen["container-memory//shop"]["since"]) == NOW


def test_pods_that_say_little_are_counted_too(watch: Watch) -> None:
    """Not scheduled, without labels or containers, owned by several or by nobody."""
    bare = pod("bad0", 0, "", "x:1")
    bare["metadata"]["ownerReferences"].insert(0, {"kind": "Job", "name": "other"})
    bare["spec"] = {}
    orphan = pod("bad1", 1, "worker-1", "x:1")
    orphan["metadata"]["ownerReferences"] = None
    stateful = pod("bad2", 2, "worker-2", "x:2")
    stateful["metadata"] |= {
        "labels": None,
        "ownerReferences": [{"kind": "StatefulSet", "name": "bad2"}],
    }
    watch.cluster.objects += [bare, orphan, stateful]
    state = watch.see(*rows(3, 2))
    assert state.storm is not None
    assert state.storm.data["groups"] == {
        "node": {"none": 1, "worker-2": 1},
        "image": {"x:2": 1},
        "revision": {"77d": 1, "none": 1},
    }


def test_a_new_sign_is_looked_at_anew_and_a_known_one_is_not(watch: Watch) -> None:
    """Pods are listed when there is something new to explain."""
    watch.cluster.objects.append(pod("bad0", 0, "worker-1", "x:1"))
    watch.see(*rows(3, 0))
    watch.cluster.objects.append(pod("bad1", 1, "worker-2", "x:1"))
    known = watch.see(*rows(3, 0), after=1)
    assert known.storm is not None
    assert known.storm.data["groups"]["node"] == {"worker-1": 1}  # type: ignore[index, call-overload]
    watch.cluster.objects[0] = node("worker-1", "False")
    fresh = watch.see(*rows(3, 0), after=1)
    assert fresh.storm is not None
    assert fresh.storm.data["groups"]["node"] == {"worker-1": 1, "worker-2": 1}  # type: ignore[index, call-overload]


def test_a_sign_that_is_still_there_does_not_end(watch: Watch) -> None:
    """However long it lasts."""
    watch.see(*rows(4, 5))
    for _ in range(4):
        assert watch.see(*rows(4, 5), after=9).storm is not None


def test_the_report_is_short(watch: Watch) -> None:
    """The three that have most of each group, and no word about what nobody knows."""
    for number in range(5):
        watch.cluster.objects.append(pod("bad0", number, f"worker-{number}", "x:1"))
    watch.cluster.objects[-1]["spec"]["nodeName"] = "worker-0"
    watch.see(*rows(3, 0))
    detail = watch.told[0].detail
    assert "by node: worker-0 (2), worker-1 (1), worker-2 (1);" in detail
    assert watch.told[0].subject == "prod"


def test_a_cluster_without_a_name_is_the_cluster(watch: Watch) -> None:
    """The hold and the alert are about something."""
    unnamed = WatchStorms(
        watch.store,
        Lately(watch.cluster, watch.clock),
        watch.clock,
        lambda: "h9",
        Guardrails(),
        Alerts(Metrics(), [watch.told.append]),
        "",
    )
    found = result(*rows(3, 0))
    unnamed.run(Cycle(found.audit, NOW, results=(found,)))
    (hold,) = watch.store.holds.list()
    assert hold.subject == "cluster"
    assert "by node" not in watch.told[0].detail


def test_of_many_critical_workloads_some_are_looked_at(watch: Watch) -> None:
    """A storm in a big cluster does not read every pod of it, and the report says so."""
    for number in range(90):
        watch.cluster.objects.append(deployment(f"bad{number}"))
        watch.cluster.objects.append(pod(f"bad{number}", number, "worker-1", "x:1"))
    watch.see(*rows(90, 0))
    assert watch.cluster.asked.count("Pod") == 18
    assert "by node: worker-1 (18)" in watch.told[0].detail
    assert watch.told[0].detail.endswith("the pods of 18 of 90 critical workloads")
