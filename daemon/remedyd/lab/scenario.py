"""What the lab starts with: nodes, namespaces and workloads, healthy at first.

A scenario is plain data; `install` turns it into the objects a person would apply.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.controllers.objects import (
    DAEMONSETS,
    DEPLOYMENTS,
    KUBELET,
    NAMESPACES,
    NODES,
    STATEFULSETS,
)
from remedyd.lab.profiles import PREFIX
from remedyd.model.values import KubeObject

_PATHS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFULSETS, "DaemonSet": DAEMONSETS}
_APPLIED = "kubectl-client-side-apply"


@dataclass(frozen=True, slots=True)
class WorkloadSpec:
    """One workload with one container `app` (and, if asked, a sidecar `proxy`).

    `memory` and `cpu` are what it uses; requests and limits are (cpu, memory), None for none.
    `traffic` is what it serves, by the names of `traffic`'s annotations.
    """

    namespace: str
    name: str
    image: str
    memory: str
    cpu: str
    replicas: int = 2
    kind: str = "Deployment"
    requests: tuple[str, str] | None = ("50m", "64Mi")
    limits: tuple[str, str] | None = ("200m", "128Mi")
    ready_after: float = 4.0
    sidecar: bool = False
    strategy: KubeObject | None = None
    deadline: int = 240
    traffic: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Nodes are alike: `node_cpu` cores and `node_memory` each."""

    workloads: Sequence[WorkloadSpec]
    nodes: Sequence[str] = ("worker-1", "worker-2", "worker-3")
    node_cpu: str = "4"
    node_memory: str = "16Gi"
    namespaces: Sequence[str] = field(default=("default", "kube-system", "shop", "otel-demo"))


def _roll(surge: int, unavailable: int) -> KubeObject:
    update = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"type": "RollingUpdate", "rollingUpdate": update}


_SHOP, _DEMO = "registry.example.com/shop", "registry.example.com/demo"
DEMO = Scenario(
    workloads=(
        WorkloadSpec(
            "shop", "frontend", f"{_SHOP}/frontend:2.4.1", "118Mi", "85m", 3, sidecar=True,
            requests=("100m", "128Mi"), limits=("300m", "256Mi"), strategy=_roll(1, 1),
            traffic={"requests": "20", "latency": "15", "calls": "checkout,catalog"},
        ),
        WorkloadSpec(
            "shop", "checkout", f"{_SHOP}/checkout:1.4.2", "70Mi", "40m", 3,
            traffic={"requests": "20", "latency": "20", "calls": "payment,orders-db=6"},
        ),
        WorkloadSpec(
            "shop", "cart", f"{_SHOP}/cart:1.7.0", "120Mi", "45m", 2,
            requests=("100m", "128Mi"), limits=("200m", "256Mi"),
        ),
        WorkloadSpec(
            "shop", "catalog", f"{_SHOP}/catalog:1.8.0", "95Mi", "60m", 4,
            requests=("100m", "128Mi"), limits=("300m", "256Mi"),
            traffic={"requests": "30", "latency": "12"},
        ),
        WorkloadSpec(
            "shop", "payment", f"{_SHOP}/payment:3.1.0", "72Mi", "43m", 2,
            traffic={"requests": "17", "latency": "40"},
        ),
        WorkloadSpec("shop", "email", f"{_SHOP}/email:1.2.0", "48Mi", "12m", 2),
        WorkloadSpec("shop", "ad", f"{_SHOP}/ad:2.0.1", "42Mi", "20m", 2),
        WorkloadSpec(
            "shop", "orders-db", f"{_SHOP}/orders-db:15.4", "301Mi", "110m", 3, "StatefulSet",
            requests=("200m", "256Mi"), limits=("500m", "512Mi"), ready_after=6,
        ),
        WorkloadSpec(
            "shop", "node-agent", f"{_SHOP}/node-agent:0.5.0", "47Mi", "8m", 0, "DaemonSet",
            requests=("20m", "64Mi"), limits=("100m", "128Mi"),
        ),
        WorkloadSpec("otel-demo", "cart", f"{_DEMO}/cart:2.0.2", "88Mi", "35m", 2,
                     requests=("100m", "128Mi"), limits=("200m", "256Mi")),
        WorkloadSpec("otel-demo", "shipping", f"{_DEMO}/shipping:2.0.2", "52Mi", "25m", 2),
        WorkloadSpec("otel-demo", "quote", f"{_DEMO}/quote:2.0.2", "118Mi", "15m", 2,
                     requests=("20m", "64Mi"), limits=("100m", "128Mi")),
        WorkloadSpec("otel-demo", "load-generator", f"{_DEMO}/load-generator:2.0.2", "210Mi",
                     "150m", 1, requests=None, limits=None),
    )
)  # fmt: skip


def workload(spec: WorkloadSpec) -> KubeObject:
    """Return the workload's object as a person would apply it."""
    labels = {
        "app": spec.name,
        "app.kubernetes.io/name": spec.name,
        "app.kubernetes.io/part-of": spec.namespace,
    }
    notes = {f"{PREFIX}memory": spec.memory, f"{PREFIX}cpu": spec.cpu}
    notes[f"{PREFIX}ready-after"] = f"{spec.ready_after:g}"
    containers = [_container("app", spec.image, spec.requests, spec.limits)]
    containers[0]["ports"] = [{"containerPort": 8080, "name": "http", "protocol": "TCP"}]
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5}
    containers[0]["readinessProbe"] = probe | {"failureThreshold": 3}
    if spec.sidecar:
        notes |= {f"{PREFIX}memory.proxy": "21Mi", f"{PREFIX}cpu.proxy": "9m"}
        side = (("20m", "32Mi"), ("100m", "64Mi"))
        containers.append(_container("proxy", f"{_SHOP}/envoy:1.30.2", *side))
    body: KubeObject = {
        "selector": {"matchLabels": {"app": spec.name}},
        "template": {
            "metadata": {"labels": labels, "annotations": notes},
            "spec": {"terminationGracePeriodSeconds": 10, "containers": containers},
        },
    }
    if spec.kind != "DaemonSet":
        body["replicas"] = spec.replicas
    if spec.kind == "StatefulSet":
        body["serviceName"] = spec.name
    if spec.kind == "Deployment":
        body["progressDeadlineSeconds"] = spec.deadline
        body["revisionHistoryLimit"] = 10
        body["strategy"] = spec.strategy or {"type": "RollingUpdate"}
    meta: KubeObject = {"name": spec.name, "labels": labels}
    if spec.traffic:
        meta["annotations"] = {f"{PREFIX}{name}": text for name, text in spec.traffic.items()}
    return {"apiVersion": "apps/v1", "kind": spec.kind, "metadata": meta, "spec": body}


def _container(
    name: str, image: str, requests: tuple[str, str] | None, limits: tuple[str, str] | None
) -> KubeObject:
    parts = {"requests": requests, "limits": limits}
    resources = {part: {"cpu": pair[0], "memory": pair[1]} for part, pair in parts.items() if pair}
    container: KubeObject = {"name": name, "image": image}
    if resources:
        container["resources"] = resources
    return container


def node(name: str, cpu: str, memory: str, now: str) -> KubeObject:
    """Return a healthy node."""
    number = int("".join(char for char in name if char.isdigit()) or "9")
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": "eu-1",
        "topology.kubernetes.io/zone": f"eu-1{'abc'[number % 3]}",
    }
    pods = f"10.200.{number % 250}.0/24"
    room = {"cpu": cpu, "ephemeral-storage": "500Gi", "memory": memory, "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"podCIDR": pods, "podCIDRs": [pods]},
        "status": {
            "capacity": dict(room),
            "allocatable": dict(room),
            "conditions": [_node_condition(*told, now) for told in _HEALTHY],
            "addresses": [
                {"type": "InternalIP", "address": "127.0.0.1"},
                {"type": "Hostname", "address": name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": _node_info(name),
        },
    }


def _node_info(name: str) -> KubeObject:
    return {
        "architecture": "amd64",
        "bootID": name,
        "containerRuntimeVersion": "simulated://1.0",
        "kernelVersion": "6.1.0",
        "kubeProxyVersion": "",
        "kubeletVersion": "v1.36.2",
        "machineID": name,
        "operatingSystem": "linux",
        "osImage": "simulated kubelet",
        "systemUUID": name,
    }


_HEALTHY: Final = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID"),
    ("Ready", "True", "KubeletReady"),
)


def _node_condition(type_: str, state: str, reason: str, now: str) -> KubeObject:
    return {
        "type": type_,
        "status": state,
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": f"kubelet reports {reason}",
    }


def install(scenario: Scenario, store: ObjectStore) -> None:
    """Create everything of a scenario; namespaces that exist already are kept."""
    for name in scenario.namespaces:
        if store.peek(NAMESPACES, None, name) is None:
            labels = {"kubernetes.io/metadata.name": name}
            body: KubeObject = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": labels},
                "spec": {"finalizers": ["kubernetes"]},
            }
            store.create(NAMESPACES, None, body, manager="kube-apiserver")
    for name in scenario.nodes:
        made = node(name, scenario.node_cpu, scenario.node_memory, store.timestamp())
        store.create(NODES, None, made, manager=KUBELET)
        _write_node_status(store, name, made["status"])
    for spec in scenario.workloads:
        store.create(_PATHS[spec.kind], spec.namespace, workload(spec), manager=_APPLIED)


def _write_node_status(store: ObjectStore, name: str, status: KubeObject) -> None:
    def write(obj: KubeObject) -> None:
        obj["status"] = status

    store.mutate(NODES, None, name, write, manager=KUBELET, subresource="status")
