"""Every precheck by itself, on recorded objects."""

from dataclasses import replace
from datetime import UTC, datetime

from remedyd.cluster import fields, prechecks
from remedyd.cluster.prechecks import Scene
from remedyd.cluster.reader import Surroundings
from remedyd.model import (
    AuditRow,
    FieldChange,
    KubeObject,
    Patch,
    Plan,
    Precheck,
    PrecheckResult,
)
from support.cluster import ListReader, namespace, put, recorded, target_of

NOW = datetime(2026, 11, 22, 22, 20, tzinfo=UTC)
LIMIT = "spec.template.spec.containers[app].resources.limits.memory"
REQUEST = LIMIT.replace("limits", "requests")
NODES = [recorded(name) for name in ("node-worker-1", "node-worker-5")]


def memory(live: KubeObject, limit: str, request: str | None = None) -> Plan:
    """Return a plan that sets the memory limit, and the request when given."""
    changes = [FieldChange(LIMIT, fields.lookup(live, LIMIT), limit)]
    if request:
        changes.append(FieldChange(REQUEST, fields.lookup(live, REQUEST), request))
    return plan(live, "UpdateResources", changes)


def replicas(live: KubeObject, count: int) -> Plan:
    """Return a plan that scales."""
    return plan(live, "Scale", [FieldChange("spec.replicas", live["spec"]["replicas"], count)])


def restart(live: KubeObject) -> Plan:
    """Return a plan that restarts."""
    path = "spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]"
    return plan(live, "Restart", [FieldChange(path, None, "2026-11-22T22:20:00Z")])


def plan(live: KubeObject, action: str, changes: list[FieldChange]) -> Plan:
    """Return a plan of these changes."""
    return Plan(
        target=target_of(live),
        action=action,
        params={},
        changes=tuple(changes),
        patch=Patch(fields.patch_body(changes)),
        undo=None,
        diff="",
        consequence="",
    )


def check(
    name: str,
    live: KubeObject,
    planned: Plan,
    *around: KubeObject,
    broken: frozenset[str] = frozenset(),
    row: AuditRow | None = None,
) -> Precheck:
    """Return the answer of one check; one named `absent`, no Pass, when it does not apply.

    Whatever it objects to comes with evidence and with what to do next.
    """
    home = namespace(live["metadata"]["namespace"])
    given = [obj for obj in around if obj["kind"] != "Namespace"]
    homes = [obj for obj in around if obj["kind"] == "Namespace"] or [home]
    reader = ListReader(live, *homes, *given, broken=broken)
    scene = Scene(planned, live, Surroundings(reader, live), NOW, row)
    answers = prechecks.run(scene, {name: prechecks.CHECKS[name]})
    if not answers:
        return Precheck("absent", PrecheckResult.BLOCK, "")
    (answer,) = answers
    assert answer.evidence
    assert answer.next_step or answer.result is PrecheckResult.PASS
    return answer


def owned(live: KubeObject, api_version: str, kind: str) -> KubeObject:
    """Give an object a controlling owner."""
    reference = {"apiVersion": api_version, "kind": kind, "name": "main", "controller": True}
    return put(live, "metadata.ownerReferences", [{**reference, "uid": "u"}])


def eviction(live: KubeObject, pod: KubeObject) -> Plan:
    """Return a plan that evicts a pod."""
    patch = Patch({}, "application/json", "eviction", "Pod", pod["metadata"]["name"])
    return replace(plan(live, "DeletePod", []), patch=patch)


def own_pod(live: KubeObject, *, ready: bool) -> list[KubeObject]:
    """Return a ReplicaSet of a Deployment with one pod."""
    name, labels = live["metadata"]["name"], live["spec"]["selector"]["matchLabels"]
    owner = {"controller": True, "uid": live["metadata"]["uid"], "kind": "Deployment"}
    meta = {"namespace": live["metadata"]["namespace"], "labels": labels}
    replicaset = {
        "kind": "ReplicaSet",
        "metadata": {**meta, "name": f"{name}-1", "uid": "rs", "ownerReferences": [owner]},
    }
    pod = {
        "kind": "Pod",
        "metadata": {
            **meta,
            "name": f"{name}-1-a",
            "uid": "pod",
            "ownerReferences": [{"controller": True, "uid": "rs", "kind": "ReplicaSet"}],
        },
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }
    return [replicaset, pod]
