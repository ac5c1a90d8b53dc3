"""The sentence that tells an approver what a rollout does."""

from typing import Any

import pytest

from remedyd.actions.consequence import of_rollout
from support.cluster import put, recorded


@pytest.mark.parametrize(
    ("path", "value", "start"),
    [
        ("spec.paused", True, "The rollout is paused"),
        ("spec.replicas", 0, "No pods run now"),
        ("spec.replicas", 1, "Rolling restart of the only pod: at most 0 unavailable and 1 extra"),
        ("spec.strategy.rollingUpdate.maxUnavailable", "100%", "Downtime: the rolling update may"),
        ("spec.strategy.rollingUpdate", {}, "Rolling restart of 3 pods: at most 0 unavailable"),
        (
            "spec.strategy.rollingUpdate",
            {"maxSurge": 0, "maxUnavailable": "10%"},
            "Rolling restart of 3 pods: at most 1 unavailable and 0 extra",
        ),
        ("spec.strategy", {"type": "Recreate"}, "Downtime: strategy Recreate stops 3 pods"),
    ],
)
def test_of_a_deployment(path: str, value: Any, start: str) -> None:
    """maxUnavailable rounds down, maxSurge up; when both come to nothing, one pod may be away."""
    live = put(recorded("deployment-checkout-healthy"), path, value)
    assert of_rollout(live).startswith(start)


@pytest.mark.parametrize(
    ("name", "strategy", "start"),
    [
        ("statefulset-orders-db", {"type": "OnDelete"}, "Nothing restarts by itself"),
        ("daemonset-node-agent", {"type": "OnDelete"}, "Nothing restarts by itself"),
        (
            "daemonset-node-agent",
            {"rollingUpdate": {"maxUnavailable": "50%"}},
            "Rolling restart on 4 nodes: at most 2",
        ),
    ],
)
def test_of_other_kinds(name: str, strategy: dict[str, Any], start: str) -> None:
    """StatefulSets and DaemonSets have strategies of their own."""
    assert of_rollout(put(recorded(name), "spec.updateStrategy", strategy)).startswith(start)
