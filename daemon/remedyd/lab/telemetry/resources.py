"""Resource attributes: who a document is about, with what the k8s_attributes processor adds.

They are put together once per object and kept, because most documents repeat them.
"""

from typing import Any

from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.controllers.objects import REPLICASETS, controller_ref
from remedyd.model.values import KubeObject

_OWNERS = {
    "Deployment": "k8s.deployment.name",
    "ReplicaSet": "k8s.replicaset.name",
    "StatefulSet": "k8s.statefulset.name",
    "DaemonSet": "k8s.daemonset.name",
    "Job": "k8s.job.name",
}
_CLUSTER_ONLY = (
    "container.image.name",
    "container.image.tag",
    "k8s.container.status.last_terminated_reason",
)


class Resources:
    """Attributes by object; `cluster` is the k8s.cluster.name of every document."""

    def __init__(self, store: ObjectStore, cluster: str) -> None:
        """Take where owners are looked up, and the cluster's name."""
        self._store = store
        self._cluster = {"k8s.cluster.name": cluster}
        self._owners: dict[str, dict[str, str]] = {}
        self._pods: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._containers: dict[tuple[str, ...], dict[str, Any]] = {}
        self._running: dict[tuple[str, ...], dict[str, Any]] = {}
        self._others: dict[tuple[str, ...], dict[str, Any]] = {}

    def forget(self, alive: set[str]) -> None:
        """Drop what is kept about pods that are gone (`alive`: the uids that are left)."""
        self._others.clear()
        self._owners = {uid: own for uid, own in self._owners.items() if uid in alive}
        self._pods = {key: own for key, own in self._pods.items() if key[0] in alive}
        self._containers = {key: own for key, own in self._containers.items() if key[0] in alive}
        self._running = {key: own for key, own in self._running.items() if key[0] in alive}

    def object(self, kind: str, obj: KubeObject) -> dict[str, Any]:
        """Return the attributes of a namespaced object other than a pod."""
        meta = obj["metadata"]
        known = self._others.get((kind, meta["uid"]))
        if known is None:
            own = {f"k8s.{kind}.name": meta["name"], f"k8s.{kind}.uid": meta["uid"]}
            known = {"k8s.namespace.name": meta["namespace"]} | own | self._cluster
            self._others[kind, meta["uid"]] = known
        return known

    def namespace(self, obj: KubeObject) -> dict[str, Any]:
        """Return the attributes of a namespace."""
        meta = obj["metadata"]
        own = {"k8s.namespace.name": meta["name"], "k8s.namespace.uid": meta["uid"]}
        return self._others.setdefault(("namespace", meta["uid"]), own | self._cluster)

    def node(self, obj: KubeObject) -> dict[str, Any]:
        """Return the attributes of a node, as the cluster receiver gives them."""
        meta, info = obj["metadata"], (obj.get("status") or {}).get("nodeInfo") or {}
        found = {
            "k8s.node.name": meta["name"],
            "k8s.node.uid": meta["uid"],
            "host.name": meta["name"],
            "k8s.kubelet.version": info.get("kubeletVersion", ""),
            "os.type": info.get("operatingSystem", "linux"),
            "os.description": info.get("osImage", ""),
        } | self._cluster
        return self._others.setdefault(tuple(found.values()), found)

    def host(self, name: str) -> dict[str, Any]:
        """Return the attributes of a node, as the kubelet receiver gives them."""
        own = {"k8s.node.name": name, "host.name": name}
        return self._others.setdefault(("host", name), own | self._cluster)

    def cluster(self) -> dict[str, str]:
        """Return the attributes of everything."""
        return dict(self._cluster)

    def pod(self, obj: KubeObject) -> dict[str, Any]:
        """Return the attributes of a pod."""
        meta, status = obj["metadata"], obj.get("status") or {}
        node = obj["spec"].get("nodeName", "")
        key = (meta["uid"], node, status.get("podIP", ""))
        known = self._pods.get(key)
        if known is None:
            known = self._pods[key] = self._new_pod(obj, node, status)
        return known

    def _new_pod(self, obj: KubeObject, node: str, status: KubeObject) -> dict[str, Any]:
        meta = obj["metadata"]
        found = {
            "k8s.node.name": node,
            "k8s.namespace.name": meta["namespace"],
            "k8s.pod.name": meta["name"],
            "k8s.pod.uid": meta["uid"],
            "k8s.pod.start_time": status.get("startTime", ""),
            "host.name": node,
            "k8s.pod.ip": status.get("podIP", ""),
        }
        found = {name: value for name, value in found.items() if value}
        return found | self._owner(obj) | self._cluster

    def _owner(self, obj: KubeObject) -> dict[str, str]:
        known = self._owners.get(obj["metadata"]["uid"])
        if known is not None:
            return known
        found: dict[str, str] = {}
        ref = controller_ref(obj)
        service = obj["metadata"]["name"]
        while ref is not None and ref["kind"] in _OWNERS:
            found[_OWNERS[ref["kind"]]] = service = ref["name"]
            if ref["kind"] != "ReplicaSet":
                break
            above = self._store.peek(REPLICASETS, obj["metadata"]["namespace"], ref["name"])
            ref = controller_ref(above) if above else None
        found["service.name"] = service
        self._owners[obj["metadata"]["uid"]] = found
        return found

    def running(self, obj: KubeObject, status: KubeObject) -> dict[str, Any]:
        """Return the attributes of a container as the kubelet receiver gives them."""
        whole = self.container(obj, status)
        key = (obj["metadata"]["uid"], whole["container.id"])
        known = self._running.get(key)
        if known is None:
            known = {name: value for name, value in whole.items() if name not in _CLUSTER_ONLY}
            self._running[key] = known
        return known

    def container(self, obj: KubeObject, status: KubeObject) -> dict[str, Any]:
        """Return the attributes of a container by its status in the pod."""
        pod = self.pod(obj)
        ident = str(status.get("containerID", "")).removeprefix("containerd://")
        ended = (status.get("lastState") or {}).get("terminated") or (
            status.get("state") or {}
        ).get("terminated")
        reason = ended["reason"] if ended else ""
        key = (obj["metadata"]["uid"], pod.get("k8s.pod.ip", ""), status["name"], ident, reason)
        known = self._containers.get(key)
        if known is None:
            known = dict(pod)
            known["k8s.container.name"] = status["name"]
            known["container.id"] = ident
            if ident:
                image, _, tag = status["image"].rpartition(":")
                known["container.image.name"], known["container.image.tag"] = image, tag
            if reason:
                known["k8s.container.status.last_terminated_reason"] = reason
            self._containers[key] = known
        return known
