"""Node heartbeats, and what the control plane does about a node that stops sending them."""

from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.kubelet import Kubelets
from remedyd.lab.controllers.objects import (
    CONTROLLER_MANAGER,
    KUBELET,
    NODES,
    PODS,
    is_terminating,
    key_of,
    stamp,
)
from remedyd.lab.controllers.scheduling import tolerates
from remedyd.lab.faults import FaultBoard
from remedyd.model.values import KubeObject

_GRACE_SECONDS = 50.0
_HEARTBEAT_SECONDS = 300.0
_DEFAULT_TOLERATION_SECONDS = 300.0
_UNREACHABLE = "node.kubernetes.io/unreachable"
_HEALTHY = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "is posting ready status"),
}


class NodeController:
    """Marks dead nodes, evicts their pods after the toleration, and welcomes nodes back."""

    def __init__(self, env: Environment, board: FaultBoard, kubelets: Kubelets) -> None:
        """Take the shared parts, the faults and the kubelets; start the heartbeats."""
        self._env = env
        self._board = board
        self._kubelets = kubelets
        self._down: dict[str, int] = {}
        env.timeline.every(_HEARTBEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        for node in self._env.store.scan(NODES):
            if node["metadata"]["name"] not in self._board.dead_nodes:
                self._write(node["metadata"]["name"], alive=True)

    def take_down(self, name: str) -> None:
        """Stop a node's kubelet."""
        self._board.dead_nodes.add(name)
        token = self._down[name] = self._down.get(name, 0) + 1
        self._env.timeline.after(_GRACE_SECONDS, lambda: self._not_ready(name, token))

    def bring_back(self, name: str) -> None:
        """Let a node's kubelet run again."""
        self._board.dead_nodes.discard(name)
        self._down[name] = self._down.get(name, 0) + 1
        self._write(name, alive=True)
        self._taint(name, unreachable=False)
        self._kubelets.node_is_back(name)

    def _not_ready(self, name: str, token: int) -> None:
        if self._down.get(name) != token:
            return
        self._write(name, alive=False)
        self._taint(name, unreachable=True)
        node = self._env.store.get(NODES, None, name)
        text = f"Node {name} status is now: NodeNotReady"
        self._env.recorder.report(node, "NodeNotReady", text, component="node-controller")
        for pod in self._pods_on(name):
            self._mark_unready(pod)
            self._evict_later(pod, name, token)

    def _pods_on(self, name: str) -> list[KubeObject]:
        return [p for p in self._env.store.scan(PODS) if p["spec"].get("nodeName") == name]

    def _mark_unready(self, pod: KubeObject) -> None:
        now = stamp(self._env.timeline.now())

        def write(obj: KubeObject) -> None:
            for found in obj["status"].get("conditions") or ():
                if found["type"] == "Ready" and found["status"] == "True":
                    found["status"] = "False"
                    found["lastTransitionTime"] = now

        self._env.store.mutate(
            PODS, *key_of(pod), write, manager=CONTROLLER_MANAGER, subresource="status"
        )
        self._env.recorder.report(
            pod, "NodeNotReady", "Node is not ready", component="node-controller", warning=True
        )

    def _evict_later(self, pod: KubeObject, node: str, token: int) -> None:
        wait = _DEFAULT_TOLERATION_SECONDS
        taint = {"key": _UNREACHABLE, "effect": "NoExecute"}
        for toleration in pod["spec"].get("tolerations") or ():
            if tolerates([toleration], taint):
                if "tolerationSeconds" not in toleration:
                    return
                wait = float(toleration["tolerationSeconds"])
        uid, key = pod["metadata"]["uid"], key_of(pod)
        spread = self._env.jitter(0.0, 0.5)
        self._env.timeline.after(wait + spread, lambda: self._evict(key, uid, node, token))

    def _evict(self, key: tuple[str, str], uid: str, node: str, token: int) -> None:
        pod = self._env.store.peek(PODS, *key)
        if self._down.get(node) != token or pod is None or pod["metadata"]["uid"] != uid:
            return
        if is_terminating(pod):
            return
        target = {
            "type": "DisruptionTarget",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": stamp(self._env.timeline.now()),
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
        }

        def write(obj: KubeObject) -> None:
            obj["status"].setdefault("conditions", []).append(target)

        text = f"Marking for deletion Pod {key[0]}/{key[1]}"
        self._env.recorder.report(
            pod, "TaintManagerEviction", text, component="taint-eviction-controller"
        )
        store = self._env.store
        store.mutate(PODS, *key, write, manager=CONTROLLER_MANAGER, subresource="status")
        store.delete(PODS, *key, manager=CONTROLLER_MANAGER)

    def _write(self, name: str, *, alive: bool) -> None:
        now = stamp(self._env.timeline.now())

        def write(node: KubeObject) -> None:
            old = {c["type"]: c for c in node.setdefault("status", {}).get("conditions") or ()}
            node["status"]["conditions"] = [
                _node_condition(type_, old.get(type_), now, alive) for type_ in _HEALTHY
            ]

        manager = KUBELET if alive else CONTROLLER_MANAGER
        try:
            self._env.store.mutate(NODES, None, name, write, manager=manager, subresource="status")
        except StatusError as error:
            if error.code != 404:
                raise

    def _taint(self, name: str, *, unreachable: bool) -> None:
        now = stamp(self._env.timeline.now())
        added = [
            {"key": _UNREACHABLE, "effect": effect, "timeAdded": now}
            for effect in ("NoSchedule", "NoExecute")
        ]

        def write(node: KubeObject) -> None:
            kept = [t for t in node["spec"].get("taints") or () if t["key"] != _UNREACHABLE]
            taints = [*kept, *(added if unreachable else ())]
            node["spec"].pop("taints", None)
            if taints:
                node["spec"]["taints"] = taints

        self._env.store.mutate(NODES, None, name, write, manager=CONTROLLER_MANAGER)


def _node_condition(type_: str, old: KubeObject | None, now: str, alive: bool) -> KubeObject:
    state, reason, text = _HEALTHY[type_]
    message = f"kubelet {text}"
    if not alive:
        state, reason = "Unknown", "NodeStatusUnknown"
        message = "Kubelet stopped posting node status."
    same = old is not None and old["status"] == state
    beat = now if alive or old is None else old["lastHeartbeatTime"]
    return {
        "type": type_,
        "status": state,
        "lastHeartbeatTime": beat,
        "lastTransitionTime": old["lastTransitionTime"] if same and old else now,
        "reason": reason,
        "message": message,
    }
