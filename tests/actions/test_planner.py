"""The planner: live read, pure plan, prechecks, and the API server's word before anyone's."""

from pathlib import Path
from typing import Any

import pytest

from remedyd.actions.planner import Planner
from remedyd.cluster import fields
from remedyd.errors import (
    ClusterRejected,
    ClusterUnavailable,
    InvalidInput,
    NotFound,
    Refused,
)
from remedyd.lab.apiserver.apifaults import Fault
from remedyd.lab.apiserver.status import StatusError
from remedyd.model import ActionRequest, AuditRow, KubeObject, Severity, Target
from support.cluster import namespace, recorded
from support.labserver import NOW, Lab, lab, target

LIMIT = "spec.template.spec.containers[app].resources.limits.memory"
RAISE = ActionRequest("UpdateResources", {"memory": {"factor": 2}})


def prepared(found: Lab, name: str = "deployment-checkout-oom") -> KubeObject:
    """Put a recorded workload and what a plan looks at into the lab; return it as stored."""
    live = recorded(name)
    found.create(namespace(live["metadata"]["namespace"]))
    for node in ("node-worker-1", "node-worker-5"):
        found.create(recorded(node))
    return found.create(live)


def planner(found: Lab) -> Planner:
    """Return a planner for the lab."""
    return Planner(found.cluster, found.clock)


def test_a_plan_is_accepted_by_the_server_and_nothing_is_stored(tmp_path: Path) -> None:
    """The same patch went to the server with dryRun=All."""
    with lab(tmp_path) as found:
        live = prepared(found)
        plan = planner(found).plan(target(live), RAISE)
        assert found.read(live) == live
        patches = [one for one in found.server.requests if one.method == "PATCH"]
    dry = [one for one in patches if one.user_agent.startswith("remedyd")]
    assert [one.query["dryRun"] for one in dry] == [["All"]]
    assert plan.patch is not None
    assert dry[0].body["spec"] == plan.patch.body["spec"]
    assert plan.dry_run == "accepted by the API server"
    assert plan.blocked == ()
    assert {check.name for check in plan.prechecks} >= {"Identity", "Rollout", "Quota", "NodeFit"}
    assert plan.target.uid == live["metadata"]["uid"]


def test_an_object_made_anew_since_the_evidence_is_refused(tmp_path: Path) -> None:
    """A row about another object with the same name proposes nothing."""
    with lab(tmp_path) as found:
        live = prepared(found)
        with pytest.raises(Refused) as caught:
            planner(found).plan(target(live).with_uid("older"), RAISE)
    assert caught.value.reason == "OtherObject"


def test_a_target_that_is_gone_is_not_found(tmp_path: Path) -> None:
    """Telemetry outlives objects: the live cluster decides."""
    with lab(tmp_path) as found, pytest.raises(NotFound):
        planner(found).plan(Target("", "otel-demo", "Deployment", "legacy"), RAISE)


def test_a_blocked_plan_comes_back_without_a_dry_run(tmp_path: Path) -> None:
    """The caller sees every precheck; the server was not bothered."""
    with lab(tmp_path) as found:
        live = prepared(found, "deployment-recommendation")
        found.create(recorded("hpa-recommendation-max"))
        plan = planner(found).plan(target(live), ActionRequest("Scale", {"delta": 1}))
    assert [check.name for check in plan.blocked] == ["Autoscaler"]
    assert plan.dry_run == ""


def test_what_the_server_refuses_never_becomes_a_plan(tmp_path: Path) -> None:
    """A webhook's denial comes through in its own words."""

    def deny(request: Any) -> None:
        if request.operation == "UPDATE":
            raise StatusError(
                403, "Forbidden", 'admission webhook "policy" denied: too much memory'
            )

    with lab(tmp_path) as found:
        live = prepared(found)
        found.server.store.admission.append(deny)
        with pytest.raises(ClusterRejected, match="denied: too much memory"):
            planner(found).plan(target(live), RAISE)


def test_a_webhook_that_changes_the_change_blocks(tmp_path: Path) -> None:
    """A capped limit would be one more restart for nothing."""

    def cap(request: Any) -> None:
        if request.operation == "UPDATE":
            container = request.object["spec"]["template"]["spec"]["containers"][0]
            container["resources"]["limits"]["memory"] = "130Mi"
            container["resources"]["requests"]["memory"] = "96Mi"

    with lab(tmp_path) as found:
        live = prepared(found)
        found.server.store.admission.append(cap)
        plan = planner(found).plan(target(live), RAISE)
    assert [check.name for check in plan.blocked] == ["Admission"]
    assert f"{LIMIT} would be 130Mi instead of 256Mi" in plan.blocked[0].evidence


def test_a_server_that_does_not_answer_gives_no_plan(tmp_path: Path) -> None:
    """No answer to the dry run is no acceptance, and nothing was written."""
    with lab(tmp_path) as found:
        live = prepared(found)
        found.server.faults.add(Fault(method="PATCH", hang_up=True))
        with pytest.raises(ClusterUnavailable):
            planner(found).plan(target(live), RAISE)


def test_growth_ends_at_the_limit_range(tmp_path: Path) -> None:
    """The ceiling is read live: 512Mi although the policy allows more."""
    with lab(tmp_path) as found:
        live = prepared(found, "deployment-batch")
        found.create(recorded("limitrange-bounds"))
        request = ActionRequest("UpdateResources", {"memory": {"factor": 3, "max": "4Gi"}})
        plan = planner(found).plan(target(live), request)
    assert plan.changes[0].new == "512Mi"


def test_growth_ends_at_the_largest_node_that_takes_the_pods(tmp_path: Path) -> None:
    """More than any node has would be Pending for ever."""
    node = recorded("node-worker-1")
    node["status"]["allocatable"]["memory"] = "300Mi"
    with lab(tmp_path) as found:
        found.create(namespace("tight"))
        found.create(node)
        live = found.create(recorded("deployment-batch"))
        plan = planner(found).plan(target(live), RAISE)
    assert plan.changes[0].new == "300Mi"


def test_a_status_asks_nothing_but_the_object(tmp_path: Path) -> None:
    """Looking is one request."""
    with lab(tmp_path) as found:
        live = prepared(found)
        before = len(found.server.requests)
        plan = planner(found).plan(target(live), ActionRequest("Status"))
        assert len(found.server.requests) == before + 1
    assert plan.consequence == "Status: 1/3 pods ready."


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (ActionRequest("Reboot"), "no action is called 'Reboot'"),
        (ActionRequest("Scale", {"replicas": 3}), "parameters of Scale: replicas"),
    ],
)
def test_unknown_actions_and_parameters_are_bad_input(
    tmp_path: Path, request_: ActionRequest, message: str
) -> None:
    """Nothing is read before the request makes sense."""
    with lab(tmp_path) as found, pytest.raises(InvalidInput, match=message):
        planner(found).plan(Target("", "shop", "Deployment", "checkout"), request_)


def test_an_action_is_for_its_kinds_only(tmp_path: Path) -> None:
    """A DaemonSet has no replicas."""
    with lab(tmp_path) as found, pytest.raises(InvalidInput, match="cannot change a DaemonSet"):
        planner(found).plan(
            Target("", "shop", "DaemonSet", "node-agent"), ActionRequest("Scale", {"absolute": 1})
        )


def test_the_row_names_the_container(tmp_path: Path) -> None:
    """`containerFrom` is the column of the evidence."""
    request = ActionRequest(
        "UpdateResources", {"containerFrom": "container", "memory": {"factor": 2}}
    )
    with lab(tmp_path) as found:
        live = prepared(found, "deployment-frontend-deadline")
        about = target(live)
        row = AuditRow("container-memory", about, Severity.CRITICAL, {"container": "proxy"}, 9, NOW)
        plan = planner(found).plan(about, request, row)
        assert all("containers[proxy]" in change.path for change in plan.changes)
        with pytest.raises(InvalidInput, match="has no value"):
            planner(found).plan(about, request, AuditRow("a", about, Severity.CRITICAL, {}))


def test_the_rows_evidence_is_compared_with_the_object(tmp_path: Path) -> None:
    """Telemetry that contradicts the live object blocks."""
    with lab(tmp_path) as found:
        live = prepared(found)
        row = AuditRow("a", target(live, "app"), Severity.CRITICAL, {"desired": 7}, 9, NOW)
        plan = planner(found).plan(target(live), RAISE, row)
    assert [check.name for check in plan.blocked] == ["Telemetry"]


def test_every_shipped_action_applies_to_the_lab(tmp_path: Path) -> None:
    """Each write is what its plan says, on each kind."""
    with lab(tmp_path) as found:
        prepared(found)
        for name in ("statefulset-orders-db", "daemonset-node-agent"):
            live = found.create(recorded(name))
            plan = planner(found).plan(target(live), ActionRequest("Restart"))
            assert plan.dry_run == "accepted by the API server"
            assert plan.patch is not None
            after = found.merge(live, plan.patch.body)
            assert fields.landed(after, plan.changes) == ()
