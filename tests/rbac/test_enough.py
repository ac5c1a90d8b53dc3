"""The rights of an action are enough for it, on every kind of workload, and none is spare."""

from pathlib import Path
from typing import Any

import pytest

from remedyd import rights
from remedyd.actions.planner import Planner
from remedyd.actions.rights import needs
from remedyd.cluster.access import Permission
from remedyd.cluster.door import ClusterDoor
from remedyd.cluster.progress import progress
from remedyd.cluster.readback import inspect
from remedyd.model import ActionRequest, KubeObject
from remedyd.rights import Use
from support.cluster import children, recorded
from support.labserver import target
from support.rbac import CLAIM, Stage, stage, workload

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("UpdateResources", "Deployment", {"memory": {"factor": 1.5}}),
    ("UpdateResources", "StatefulSet", {"memory": {"factor": 1.5}}),
    *(("Restart", kind, {}) for kind in ("Deployment", "StatefulSet", "DaemonSet")),
    *(("Scale", kind, {"delta": 1, "max": 9}) for kind in ("Deployment", "StatefulSet")),
    *(("ScaleToBaseline", kind, {"baseline": 5}) for kind in ("Deployment", "StatefulSet")),
    *(("Escalate", kind, {}) for kind in ("Deployment", "StatefulSet", "DaemonSet")),
    *(("Status", kind, {}) for kind in ("Deployment", "StatefulSet", "DaemonSet")),
]  # fmt: skip


@pytest.mark.parametrize(("action", "kind", "params"), CASES)
def test_an_action_works_and_uses_all_it_is_granted(
    tmp_path: Path, action: str, kind: str, params: dict[str, Any]
) -> None:
    """Planned, rehearsed, written, followed and undone in one namespace, with nothing to spare."""
    wanted = rights.rights([Use(action, (kind,), ("shop",))])
    with stage(tmp_path) as found:
        found.put(CLAIM)
        live = found.put(workload(kind))
        found.grant(wanted)
        planner = Planner(found.daemon, found.clock)
        plan = planner.plan(target(live), ActionRequest(action, params))
        assert plan.blocked == ()
        found.daemon.get("Namespace", "", "shop")  # as the guardrails do, for its annotations
        if plan.patch is not None:
            door = ClusterDoor(found.daemon, found.clock, lambda _: None, recheck=planner.recheck)
            applied = door.write("p1", plan)
            assert door.landed("p1", plan.target, plan) is not None
            now = found.daemon.get(kind, "shop", "checkout")
            progress(found.daemon, plan, now, applied.at, found.clock.now())
            inspect(found.daemon, plan)
            if plan.undo is not None:
                door.undo("p1", plan, applied)
        assert found.used() == {(one.verb, one.resource) for one in needs(action, kind)}


def test_an_autoscaler_is_adjusted_with_its_rights_alone(tmp_path: Path) -> None:
    """It is listed to be found, then read, written and read back by name."""
    with stage(tmp_path) as found:
        live = found.put(recorded("deployment-recommendation"))
        found.put(recorded("hpa-recommendation-max"))
        found.grant(rights.rights([Use("AdjustHPA", ("Deployment",))]))
        planner = Planner(found.daemon, found.clock)
        plan = planner.plan(target(live), ActionRequest("AdjustHPA", {"max": 8}))
        door = ClusterDoor(found.daemon, found.clock, lambda _: None, recheck=planner.recheck)
        door.undo("p1", plan, door.write("p1", plan))
        spare = {(p.verb, p.resource) for p in needs("AdjustHPA", "Deployment")} - found.used()
        assert spare == set()


def family(found: Stage, name: str, children_of: str) -> KubeObject:
    """Put a recorded Deployment with its ReplicaSets and some pods, the first of them not ready."""
    live = found.put(recorded(name))
    uid, uids, pods = live["metadata"]["uid"], {}, 0
    for one in children(children_of):
        reference = one["metadata"]["ownerReferences"][0]
        if one["kind"] == "ReplicaSet":
            reference["uid"], old = uid, one["metadata"]["uid"]
            uids[old] = found.put(one)["metadata"]["uid"]
    for one in children(children_of):
        if one["kind"] == "Pod" and pods < 3:
            reference = one["metadata"]["ownerReferences"][0]
            reference["uid"] = uids[reference["uid"]]
            state = "True" if pods else "False"
            one["status"]["conditions"] = [{"type": "Ready", "status": state}]
            found.put(one)
            pods += 1
    return live


def test_pods_are_resized_with_its_rights_alone(tmp_path: Path) -> None:
    """Each pod by its subresource, marked on the workload, read back and taken back."""
    with stage(tmp_path) as found:
        live = family(found, "deployment-checkout-oom", "checkout-oom")
        found.grant(rights.rights([Use("ResizePods", ("Deployment",), ("shop",))]))
        spare = done(found, live, ActionRequest("ResizePods", {"memory": {"absolute": "96Mi"}}))
        assert spare == set()


def test_a_release_is_taken_back_with_its_rights_alone(tmp_path: Path) -> None:
    """To the revision before, whose pods still serve."""
    with stage(tmp_path) as found:
        live = family(found, "deployment-frontend-deadline", "frontend-deadline")
        found.grant(rights.rights([Use("RolloutUndo", ("Deployment",), ("shop",))]))
        spare = done(found, live, ActionRequest("RolloutUndo", {}))

        assert spare == {("get", "persistentvolumeclaims")}  # this one has no volume


def done(found: Stage, live: KubeObject, request: ActionRequest) -> set[tuple[str, str]]:
    """Plan, write, follow, read back and take back; return what was granted and not used."""
    planner = Planner(found.daemon, found.clock)
    plan = planner.plan(target(live), request)
    assert plan.blocked == ()
    door = ClusterDoor(found.daemon, found.clock, lambda _: None, recheck=planner.recheck)
    applied = door.write("p1", plan)
    now = found.daemon.get(plan.target.kind, plan.target.namespace, plan.target.name)
    progress(found.daemon, plan, now, applied.at, found.clock.now())
    inspect(found.daemon, plan)
    door.undo("p1", plan, applied)
    return {(p.verb, p.resource) for p in needs(plan.action, plan.target.kind)} - found.used()


def test_a_pod_is_evicted_with_its_rights_alone(tmp_path: Path) -> None:
    """No right to delete pods is among them."""
    with stage(tmp_path) as found:
        live = family(found, "deployment-checkout-oom", "checkout-oom")
        found.grant(rights.rights([Use("DeletePod", ("Deployment",), ("shop",))]))
        planner = Planner(found.daemon, found.clock)
        plan = planner.plan(target(live), ActionRequest("DeletePod", {}))
        assert plan.blocked == ()
        ClusterDoor(found.daemon, found.clock, lambda _: None, recheck=planner.recheck).write(
            "p1", plan
        )
        assert found.used() == {(p.verb, p.resource) for p in needs("DeletePod", "Deployment")}


def test_what_is_missing_and_what_is_spare_is_told(tmp_path: Path) -> None:
    """Per namespace, by asking the API server; a missing right names the action it disables."""
    uses = [Use("Restart", ("Deployment",), ("shop",)), Use("Status", ("Deployment",), ("shop",))]
    full = rights.rights(uses)
    lacking = Permission("patch", "Deployment")
    other = Permission("get", "Secret")
    held = rights.Rights(full.everywhere, {"shop": (full.within["shop"] - {lacking}) | {other}})
    with stage(tmp_path) as found:
        found.grant(held)
        told = rights.review(found.daemon, full)
    assert [(one.permission, one.namespace) for one in told.missing] == [(lacking, "shop")]
    assert [(one.permission, one.namespace) for one in told.excess] == [(other, "shop")]
    assert rights.disabled(uses, told.missing) == {"Restart"}


def test_rights_as_rendered_are_neither_missing_nor_spare(tmp_path: Path) -> None:
    """What `render` grants is exactly what `check` asks for."""
    full = rights.rights([Use("UpdateResources", namespaces=("shop",)), Use("DeletePod")])
    with stage(tmp_path) as found:
        found.grant(full)
        assert rights.review(found.daemon, full) == rights.Review((), ())


def test_policies_may_be_watched_by_the_guardrails(tmp_path: Path) -> None:
    """A policy's rights include the lists by which a storm is told from a single fault."""
    with stage(tmp_path) as found:
        use = Use("Escalate", ("Deployment",), ("shop",), policy=True)
        found.grant(rights.rights([use]))
        assert len(found.daemon.list("Node")) == 1
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "Pod"):
            assert found.daemon.list(kind, "shop") == []
