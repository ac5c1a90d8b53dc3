"""Bringing faults about, and taking them away again.

Most faults only go onto the board; some are what a person or an accident would do to objects:
scale to zero, roll out a missing image, set a quota, stop a node. Those are written under
`kubectl`'s name, so that they look like anybody's change.
"""

from dataclasses import replace

from remedyd.errors import InvalidInput, NotFound
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.manager import Controllers
from remedyd.lab.controllers.objects import (
    DAEMONSETS,
    DEPLOYMENTS,
    NODES,
    PODS,
    QUOTAS,
    STATEFULSETS,
    is_active,
    is_ready,
    key_of,
)
from remedyd.lab.faults import KINDS, Fault, FaultBoard, Workload, check
from remedyd.lab.meddling import Meddlers
from remedyd.lab.quantities import MEBIBYTE, quantity
from remedyd.model.values import KubeObject

_KINDS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFULSETS, "DaemonSet": DAEMONSETS}
_PERSON = "kubectl"
_QUOTA = "lab-quota"
_RECEIVERS = ("all", "k8s_cluster", "kubelet_stats", "k8s_events", "traces")


class Breakage:
    """Injects and clears faults; call it while holding the timeline's lock."""

    def __init__(self, env: Environment, controllers: Controllers, board: FaultBoard) -> None:
        """Take the cluster and the board of faults."""
        self._env = env
        self._controllers = controllers
        self._board = board
        self._before: dict[tuple[Workload, str], object] = {}
        self._meddlers = Meddlers(env, board)

    def inject(self, name: str, target: str, params: dict[str, object]) -> Fault:
        """Put a fault in force.

        `target` is `namespace/name`, `namespace/Kind/name`, a node's name or a receiver's.
        Raises InvalidInput for an unknown fault or parameter, NotFound for an unknown target.
        """
        checked = check(name, params)
        about = KINDS[name].about
        fault = Fault(name, checked, self._env.timeline.seconds)
        if about == "node":
            self._node(target)
            self._controllers.nodes.take_down(target)
        elif about == "collector":
            self._receiver(target)
            self._board.silent.add(target)
        else:
            fault = self._inject(fault, self.find(target))
        return fault

    def clear(self, name: str, target: str) -> None:
        """Take a fault away; clearing one that is not in force does nothing."""
        check(name, {})
        about = KINDS[name].about
        if about == "node":
            self._node(target)
            self._controllers.nodes.bring_back(target)
        elif about == "collector":
            self._board.silent.discard(target)
        else:
            self._clear(name, self.find(target))

    def find(self, target: str) -> Workload:
        """Return the workload a target names; raise NotFound."""
        parts = target.split("/")
        kinds = [parts[1].capitalize()] if len(parts) == 3 else list(_KINDS)
        kinds = [kind for known in _KINDS for kind in kinds if known.lower() == kind.lower()]
        for kind in kinds:
            known = next(k for k in _KINDS if k.lower() == kind.lower())
            if len(parts) > 1 and self._env.store.peek(_KINDS[known], parts[0], parts[-1]):
                return parts[0], known, parts[-1]
        raise NotFound(
            f"there is no workload {target!r} in the lab",
            hint="name it as namespace/name, or namespace/Kind/name",
        )

    def _node(self, target: str) -> None:
        if self._env.store.peek(NODES, None, target) is None:
            names = ", ".join(node["metadata"]["name"] for node in self._env.store.scan(NODES))
            raise NotFound(f"there is no node {target!r} in the lab", hint=f"nodes: {names}")

    def _receiver(self, target: str) -> None:
        if target not in _RECEIVERS:
            hint = f"receivers: {', '.join(_RECEIVERS)}"
            raise InvalidInput(f"there is no receiver {target!r}", hint=hint)

    def _object(self, workload: Workload) -> KubeObject:
        return self._env.store.get(_KINDS[workload[1]], workload[0], workload[2])

    def _pods(self, workload: Workload) -> list[KubeObject]:
        kubelets = self._controllers.kubelets
        return [
            pod
            for pod in self._env.store.scan(PODS, workload[0])
            if is_active(pod)
            and (run := kubelets.run_of(key_of(pod))) is not None
            and kubelets.workload_of(run) == workload
        ]

    def _inject(self, fault: Fault, workload: Workload) -> Fault:
        if fault.name == "zero":
            self._zero(workload)
        elif fault.name == "bad-image":
            self._bad_image(fault, workload)
        elif fault.name == "quota":
            self._quota(fault, workload)
        else:
            fault = self._aimed(fault, workload)
        self._board.put(workload, fault)
        if fault.name == "gitops":
            self._meddlers.begin(workload, fault)
        self._controllers.kubelets.faults_changed(workload)
        return fault

    def _aimed(self, fault: Fault, workload: Workload) -> Fault:
        """Fill in what depends on the workload as it is now: its pods, its limit."""
        pods = self._pods(workload)
        uids = [pod["metadata"]["uid"] for pod in pods]
        if fault.name == "stuck":
            ready = [pod["metadata"]["uid"] for pod in pods if is_ready(pod)]
            return replace(fault, pods=frozenset(ready[: int(fault.number("pods"))]))
        if fault.name == "unready":
            return replace(fault, existing=frozenset(uids))
        if fault.name == "crash" and fault.params["cure"] == "restart":
            return replace(fault, pods=frozenset(uids))
        limit = self._limit(workload, str(fault.params.get("container", "")))
        if fault.name == "oom" and not fault.number("need"):
            return replace(fault, params={**fault.params, "need": 1.5 * limit})
        for name, parameter in (("backfire", "above"), ("capped", "limit")):
            if fault.name == name and not fault.number(parameter):
                return replace(fault, params={**fault.params, parameter: limit})
        return fault

    def _limit(self, workload: Workload, container: str) -> float:
        """Return a container's memory limit in MiB, 64 when it has none."""
        containers = self._object(workload)["spec"]["template"]["spec"]["containers"]
        chosen = next((c for c in containers if c["name"] == container), containers[0])
        limit = ((chosen.get("resources") or {}).get("limits") or {}).get("memory")
        return quantity(limit) / MEBIBYTE if limit else 64.0

    def _zero(self, workload: Workload) -> None:
        if workload[1] == "DaemonSet":
            raise InvalidInput("a DaemonSet cannot be scaled to zero")
        self._before[workload, "zero"] = self._object(workload)["spec"].get("replicas", 1)
        self._scale(workload, 0)

    def _scale(self, workload: Workload, size: int) -> None:
        def write(obj: KubeObject) -> None:
            obj["spec"]["replicas"] = size

        gvr = _KINDS[workload[1]]
        self._env.store.mutate(gvr, workload[0], workload[2], write, manager=_PERSON)

    def _bad_image(self, fault: Fault, workload: Workload) -> None:
        wanted = str(fault.params["container"])
        containers = self._object(workload)["spec"]["template"]["spec"]["containers"]
        chosen = next((c for c in containers if c["name"] == wanted), containers[0])
        image = str(fault.params["image"]) or f"{chosen['image']}-missing"
        self._board.missing_images.add(image)
        self._before[workload, "bad-image"] = image

        def write(obj: KubeObject) -> None:
            for container in obj["spec"]["template"]["spec"]["containers"]:
                if container["name"] == chosen["name"]:
                    container["image"] = image

        gvr = _KINDS[workload[1]]
        self._env.store.mutate(gvr, workload[0], workload[2], write, manager="kubectl-set")

    def _quota(self, fault: Fault, workload: Workload) -> None:
        pods = [pod for pod in self._env.store.scan(PODS, workload[0]) if is_active(pod)]
        lost = self._pods(workload)[: int(fault.number("pods"))]
        hard = {"pods": str(len(pods) - len(lost))}
        body: KubeObject = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": _QUOTA},
            "spec": {"hard": hard},
        }
        store = self._env.store
        if store.peek(QUOTAS, workload[0], _QUOTA) is not None:
            store.delete(QUOTAS, workload[0], _QUOTA)
        store.create(QUOTAS, workload[0], body, manager=_PERSON)
        for pod in lost:
            store.delete(PODS, *key_of(pod), manager=_PERSON)

    def _clear(self, name: str, workload: Workload) -> None:
        if self._board.take(workload, name) is None:
            return
        before = self._before.pop((workload, name), None)
        if name == "zero" and isinstance(before, int):
            self._scale(workload, before)
        elif name == "bad-image" and isinstance(before, str):
            self._board.missing_images.discard(before)
        elif name == "quota":
            self._env.store.delete(QUOTAS, workload[0], _QUOTA)
        self._controllers.kubelets.faults_changed(None if name == "bad-image" else workload)
