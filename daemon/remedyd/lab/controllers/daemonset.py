"""The DaemonSet controller: one pod on every node that can take it."""

from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import (
    CONTROLLER_MANAGER,
    DAEMONSETS,
    NODES,
    PODS,
    Key,
    controller_ref,
    is_active,
    is_finished,
    is_ready,
    is_terminating,
    key_of,
    resolve,
)
from remedyd.lab.controllers.podmaker import create_pod, delete_pod, new_pod, pods_of
from remedyd.lab.controllers.revisions import (
    REVISION_LABEL,
    current_revision,
    label_of,
    prune,
)
from remedyd.lab.controllers.scheduling import selects, tolerates
from remedyd.lab.timeline import WorkQueue
from remedyd.model.values import KubeObject

_COMPONENT = "daemonset-controller"
_GENERATION = "pod-template-generation"
_TOLERATED = tuple(
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect}
    for key, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    )
)


class DaemonSetController:
    """Follows DaemonSets, their pods, and the nodes."""

    def __init__(self, env: Environment) -> None:
        """Take the shared parts; the lab calls `observe` for every change."""
        self._env = env
        self._queue = WorkQueue(env.timeline, self.sync, env.lag)

    def observe(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Note which DaemonSets a change is about; a node's change is about all."""
        if gvr == DAEMONSETS and type_ != "DELETED":
            self._queue.add(key_of(obj))
        elif gvr == NODES:
            for owner in self._env.store.scan(DAEMONSETS):
                self._queue.add(key_of(owner))
        elif gvr == PODS:
            ref = controller_ref(obj)
            if ref and ref["kind"] == "DaemonSet":
                self._queue.add((obj["metadata"]["namespace"], ref["name"]))

    def sync(self, key: Key) -> None:
        """Bring one DaemonSet a step further."""
        owner = self._env.store.peek(DAEMONSETS, *key)
        if owner is None:
            return
        revision = current_revision(self._env, owner)
        pods = pods_of(self._env, owner)
        nodes = self._eligible(owner)
        if not is_terminating(owner):
            try:
                self._manage(owner, revision, pods, nodes)
            except StatusError:
                self._queue.add(key, 5.0)
        self._write_status(owner, revision, pods, nodes)

    def _eligible(self, owner: KubeObject) -> list[str]:
        spec = owner["spec"]["template"]["spec"]
        tolerations = [*(spec.get("tolerations") or ()), *_TOLERATED]
        return [
            node["metadata"]["name"]
            for node in self._env.store.scan(NODES)
            if selects(spec, node)
            and all(
                tolerates(tolerations, taint)
                for taint in node["spec"].get("taints") or ()
                if taint["effect"] != "PreferNoSchedule"
            )
        ]

    def _manage(
        self, owner: KubeObject, revision: KubeObject, pods: list[KubeObject], nodes: list[str]
    ) -> None:
        taken = {_node(pod) for pod in pods if not is_finished(pod)}
        for node in nodes:
            if node not in taken:
                self._create(owner, revision, node)
        for pod in pods:
            if is_finished(pod) and not is_terminating(pod):
                delete_pod(self._env, owner, pod, _COMPONENT)
        strategy = owner["spec"].get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return
        share = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1)
        here = [pod for pod in pods if _node(pod) in nodes]
        down = len(nodes) - sum(is_ready(pod) and is_active(pod) for pod in here)
        budget = max(1, resolve(share, len(nodes), up=True)) - down
        stale = [p for p in here if is_active(p) and _revision(p) != label_of(revision)]
        for pod in sorted(stale, key=is_ready):
            if not is_ready(pod):
                delete_pod(self._env, owner, pod, _COMPONENT)
            elif budget > 0:
                budget -= 1
                delete_pod(self._env, owner, pod, _COMPONENT)

    def _create(self, owner: KubeObject, revision: KubeObject, node: str) -> None:
        pod = new_pod(owner, owner["spec"]["template"])
        pod["metadata"]["labels"] = (pod["metadata"].get("labels") or {}) | {
            REVISION_LABEL: label_of(revision),
            _GENERATION: str(owner["metadata"]["generation"]),
        }
        field = {"key": "metadata.name", "operator": "In", "values": [node]}
        terms = {"nodeSelectorTerms": [{"matchFields": [field]}]}
        pod["spec"]["affinity"] = {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}
        }
        pod["spec"]["tolerations"] = [*(pod["spec"].get("tolerations") or ()), *_TOLERATED]
        create_pod(self._env, owner, pod, _COMPONENT)

    def _write_status(
        self, owner: KubeObject, revision: KubeObject, pods: list[KubeObject], nodes: list[str]
    ) -> None:
        here = [pod for pod in pods if _node(pod) in nodes and is_active(pod)]
        ready = sum(is_ready(pod) for pod in here)
        updated = sum(_revision(pod) == label_of(revision) for pod in here)
        status: KubeObject = {
            "currentNumberScheduled": len(here),
            "numberMisscheduled": sum(_node(p) not in nodes and is_active(p) for p in pods),
            "desiredNumberScheduled": len(nodes),
            "numberReady": ready,
            "observedGeneration": owner["metadata"]["generation"],
        }
        rest = {
            "updatedNumberScheduled": updated,
            "numberAvailable": ready,
            "numberUnavailable": len(nodes) - ready,
        }
        status |= {name: count for name, count in rest.items() if count}
        if status == (owner.get("status") or {}):
            return
        if updated == len(nodes):
            prune(self._env, owner, {_revision(pod) for pod in here} | {label_of(revision)})

        def write(obj: KubeObject) -> None:
            obj["status"] = status

        self._env.store.mutate(
            DAEMONSETS, *key_of(owner), write, manager=CONTROLLER_MANAGER, subresource="status"
        )


def _node(pod: KubeObject) -> str:
    """Return the node a pod runs on or is meant for."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    required = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            return str(field["values"][0])
    return ""


def _revision(pod: KubeObject) -> str:
    return str((pod["metadata"].get("labels") or {}).get(REVISION_LABEL, ""))
