"""Restart changes one annotation; Status changes nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from remedyd.actions.action import Live, validated
from remedyd.actions.registry import ACTIONS, SCHEMAS
from remedyd.errors import InvalidInput, Refused
from remedyd.model import KubeObject, Plan
from support.cluster import put, recorded, target_of

NOW = datetime(2026, 11, 22, 22, 20, 5, 999, tzinfo=UTC)


def plan(action_type: str, live: KubeObject, params: dict[str, Any] | None = None) -> Plan:
    """Plan an action for a recorded object."""
    action = ACTIONS[action_type]
    checked = validated(action.params, params or {}, action.type)
    return action.plan(target_of(live), checked, Live(live), NOW)


@pytest.mark.parametrize(
    "name", ["deployment-checkout-oom", "statefulset-orders-db", "daemonset-node-agent"]
)
def test_a_restart_sets_kubectls_annotation(name: str) -> None:
    """The same annotation as `kubectl rollout restart`, so that both are one history."""
    found = plan("Restart", recorded(name))
    assert found.patch is not None
    assert found.patch.body == {
        "spec": {
            "template": {
                "metadata": {
                    "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-22T22:20:05Z"}
                }
            }
        }
    }


def test_a_restart_has_no_undo_and_says_so() -> None:
    """Nothing can be restored, and the approver reads it."""
    found = plan("Restart", recorded("deployment-checkout-oom"))
    assert found.undo is None
    assert "A restart has no undo." in found.consequence


def test_a_restart_under_on_delete_is_refused() -> None:
    """The annotation would restart nothing."""
    live = put(recorded("daemonset-node-agent"), "spec.updateStrategy", {"type": "OnDelete"})
    with pytest.raises(Refused) as caught:
        plan("Restart", live)
    assert caught.value.reason == "OnDelete"


def test_a_restart_of_a_paused_rollout_is_refused() -> None:
    """It would take effect at an unknown later time."""
    live = put(recorded("deployment-checkout-oom"), "spec.paused", True)
    with pytest.raises(Refused) as caught:
        plan("Restart", live)
    assert caught.value.reason == "Paused"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("deployment-checkout-oom", "Rolling restart of 3 pods"),
        ("deployment-cart-recreate", "Downtime: strategy Recreate stops 2 pods"),
        ("deployment-email-zero", "No pods run now"),
        ("statefulset-orders-db", "Restart of 3 pods one after the other"),
        ("daemonset-node-agent", "Rolling restart on 4 nodes"),
    ],
)
def test_the_consequence_goes_by_the_update_strategy(name: str, sentence: str) -> None:
    """What happens depends on kind and strategy of the workload."""
    assert plan("Restart", recorded(name)).consequence.startswith(sentence)


def test_a_single_stateful_pod_means_downtime() -> None:
    """The only pod is stopped before its replacement starts."""
    live = put(recorded("statefulset-orders-db"), "spec.replicas", 1)
    assert plan("Restart", live).consequence.startswith("Downtime: the only pod")


def test_a_partition_is_mentioned() -> None:
    """Pods below the partition keep the old template."""
    live = recorded("statefulset-orders-db")
    live["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    assert "below ordinal 2" in plan("Restart", live).consequence


@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("deployment-checkout-oom", "Status: 1/3 pods ready."),
        ("deployment-email-zero", "Status: 0/0 pods ready."),
        ("statefulset-orders-db", "Status: 3/3 pods ready."),
        ("daemonset-node-agent", "Status: 4/4 pods ready."),
    ],
)
def test_status_reports_and_writes_nothing(name: str, report: str) -> None:
    """A read-only plan has neither patch nor changes."""
    found = plan("Status", recorded(name))
    assert found.consequence == report
    assert (found.patch, found.undo, found.changes) == (None, None, ())


def test_status_says_how_far_the_rollout_is() -> None:
    """The second line is the rollout's state with its evidence."""
    found = plan("Status", recorded("deployment-frontend-deadline"))
    assert found.diff.startswith("rollout DeadlineExceeded: ")


def test_unknown_parameters_are_mistakes() -> None:
    """Status takes none, Restart knows one strategy."""
    with pytest.raises(InvalidInput):
        plan("Status", recorded("deployment-checkout-oom"), {"verbose": True})
    with pytest.raises(InvalidInput):
        plan("Restart", recorded("deployment-checkout-oom"), {"strategy": "Recreate"})


def test_every_action_has_a_schema_with_described_keys() -> None:
    """Editors and docs are generated from the schemas: each key says what it means."""
    assert set(SCHEMAS) == set(ACTIONS)
    for name, schema in SCHEMAS.items():
        for key, value in schema.model_json_schema().get("properties", {}).items():
            assert value.get("description"), f"{name}.{key}"
