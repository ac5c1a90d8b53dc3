"""How far a rollout is, read from recorded objects."""

import pytest

from remedyd.cluster.rollout import RolloutState, in_progress, portion, rollout_status
from support.cluster import put, recorded


@pytest.mark.parametrize(
    ("name", "state", "evidence"),
    [
        ("deployment-checkout-healthy", "Complete", "3 of 3 pods are updated and available"),
        ("deployment-checkout-oom", "Progressing", "1 of 3 updated pods are available"),
        ("deployment-frontend-rolling", "Progressing", "2 of 3 pods run the latest template"),
        ("deployment-frontend-deadline", "DeadlineExceeded", "has timed out progressing"),
        ("deployment-email-zero", "Complete", "0 of 0 pods"),
        ("statefulset-orders-db", "Complete", "3 of 3 pods are ready"),
        ("daemonset-node-agent", "Complete", "4 of 4 nodes"),
    ],
)
def test_status_of_recorded_workloads(name: str, state: str, evidence: str) -> None:
    """The state is the one that `kubectl rollout status` waits for."""
    status = rollout_status(recorded(name))
    assert status.state == state
    assert evidence in status.evidence
    assert status.complete == (state == "Complete")


def test_a_generation_not_seen_yet_is_progressing() -> None:
    """Right after a patch the status is still the old one and proves nothing."""
    live = put(recorded("deployment-checkout-healthy"), "metadata.generation", 2)
    assert rollout_status(live).state is RolloutState.PROGRESSING
    assert "generation 2" in in_progress(live)


def test_pods_of_an_older_template_are_progressing() -> None:
    """A surplus old pod that still serves keeps the rollout open."""
    live = put(recorded("deployment-checkout-healthy"), "status.replicas", 4)
    assert "older template" in rollout_status(live).evidence


def test_crashing_pods_after_a_finished_rollout_are_no_rollout() -> None:
    """The workload that needs help is not refused because its pods are not available."""
    assert in_progress(recorded("deployment-checkout-oom")) == ""


@pytest.mark.parametrize("name", ["deployment-catalog-rolling", "deployment-frontend-rolling"])
def test_a_rollout_under_way_is_in_progress(name: str) -> None:
    """An ordinary rolling update is left alone."""
    assert in_progress(recorded(name)) != ""


def test_a_rollout_past_its_deadline_is_stuck_and_not_in_progress() -> None:
    """Waiting for it would be waiting for ever."""
    assert in_progress(recorded("deployment-frontend-deadline")) == ""


def test_a_stateful_set_mid_update_is_in_progress() -> None:
    """Old and new revision side by side."""
    live = recorded("statefulset-orders-db")
    live["status"] |= {"updateRevision": "new", "updatedReplicas": 1}
    assert rollout_status(live).state is RolloutState.PROGRESSING
    assert in_progress(live) == "2 pods still run an older template"


def test_a_stateful_set_behind_its_partition_is_complete() -> None:
    """Pods below the partition keep the old template on purpose."""
    live = recorded("statefulset-orders-db")
    live["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    live["status"] |= {"updateRevision": "new", "updatedReplicas": 1}
    assert rollout_status(live).complete


@pytest.mark.parametrize("name", ["statefulset-orders-db", "daemonset-node-agent"])
def test_on_delete_rolls_out_nothing_by_itself(name: str) -> None:
    """With OnDelete there is nothing to wait for."""
    live = put(recorded(name), "spec.updateStrategy", {"type": "OnDelete"})
    assert rollout_status(live).complete


@pytest.mark.parametrize(
    ("field", "value"), [("updatedNumberScheduled", 3), ("numberAvailable", 3)]
)
def test_a_daemon_set_counts_nodes(field: str, value: int) -> None:
    """Every node must run an updated and available pod."""
    live = put(recorded("daemonset-node-agent"), f"status.{field}", value)
    assert rollout_status(live).state is RolloutState.PROGRESSING


@pytest.mark.parametrize(
    ("value", "pods", "up", "count"),
    [
        ("25%", 3, True, 1),
        ("25%", 3, False, 0),
        ("25%", 4, False, 1),
        (2, 3, True, 2),
        ("1", 3, True, 1),
    ],
)
def test_portions_round_as_the_controller_does(
    value: int | str, pods: int, up: bool, count: int
) -> None:
    """maxSurge rounds up, maxUnavailable down."""
    assert portion(value, pods, up=up) == count
