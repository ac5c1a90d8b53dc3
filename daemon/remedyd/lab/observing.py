"""What `kubectl logs` and `kubectl top` show of simulated containers."""

from collections.abc import Iterator
from typing import Any

from remedyd.lab.controllers.objects import NODES, PODS, key_of, stamp
from remedyd.lab.simulation import Simulation
from remedyd.lab.telemetry.usage import measure
from remedyd.model.values import KubeObject

_WINDOW = "15.000s"
_API = "metrics.k8s.io/v1beta1"


class Observing:
    """Answers from the kubelets' memory; nodes that are down answer nothing."""

    def __init__(self, simulation: Simulation) -> None:
        """Take the cluster."""
        self._simulation = simulation

    def log(self, pod: KubeObject, container: str, previous: bool) -> str | None:
        """Return a container's log, None when that run of it does not exist."""
        statuses = (pod.get("status") or {}).get("containerStatuses") or ()
        found = next((s for s in statuses if s["name"] == container), None)
        if found is None or not found.get("containerID"):
            return None
        ended = (found.get("lastState") or {}).get("terminated")
        if previous:
            return None if ended is None else "".join(_lines(ended, container))
        state = found["state"]
        run = state.get("running") or state.get("terminated") or ended
        return None if run is None else "".join(_lines(run, container))

    def metrics(self, resource: str, namespace: str | None) -> list[KubeObject]:
        """Return NodeMetrics (`nodes`) or PodMetrics (`pods`)."""
        with self._simulation.timeline.lock:
            pods = list(self._pods())
        if resource == "pods":
            return [p for p in pods if namespace in (None, "", p["metadata"]["namespace"])]
        return [self._node(node["metadata"]["name"], pods) for node in self._alive()]

    def _alive(self) -> list[KubeObject]:
        dead = self._simulation.board.dead_nodes
        nodes = self._simulation.store.scan(NODES)
        return [node for node in nodes if node["metadata"]["name"] not in dead]

    def _pods(self) -> Iterator[KubeObject]:
        timeline = self._simulation.timeline
        now = stamp(timeline.now())
        for run in self._simulation.controllers.kubelets.runs():
            pod = self._simulation.store.peek(PODS, *run.key)
            used = [
                {"name": c.name, "usage": _usage(measure(c.behaviour, timeline.seconds))}
                for c in run.containers
                if c.behaviour is not None
            ]
            if pod is not None and used:
                namespace, name = key_of(pod)
                labels = pod["metadata"].get("labels") or {}
                meta = {"name": name, "namespace": namespace, "labels": labels}
                yield _metrics("PodMetrics", meta, now) | {"containers": used}

    def _node(self, name: str, pods: list[KubeObject]) -> KubeObject:
        here = {run.key for run in self._simulation.controllers.kubelets.runs() if run.node == name}
        cpu, memory = 200_000_000, 900 * 1024
        for pod in pods:
            if (pod["metadata"]["namespace"], pod["metadata"]["name"]) in here:
                for container in pod["containers"]:
                    cpu += int(container["usage"]["cpu"].removesuffix("n"))
                    memory += int(container["usage"]["memory"].removesuffix("Ki"))
        now = stamp(self._simulation.timeline.now())
        usage = {"cpu": f"{cpu}n", "memory": f"{memory}Ki"}
        return _metrics("NodeMetrics", {"name": name}, now) | {"usage": usage}


def _metrics(kind: str, meta: dict[str, Any], now: str) -> KubeObject:
    meta["creationTimestamp"] = now
    return {
        "kind": kind, "apiVersion": _API, "metadata": meta, "timestamp": now, "window": _WINDOW,
    }  # fmt: skip


def _usage(used: Any) -> dict[str, str]:
    return {"cpu": f"{int(used.cpu * 1e9)}n", "memory": f"{used.working_set // 1024}Ki"}


def _lines(run: dict[str, Any], container: str) -> Iterator[str]:
    started, finished = run.get("startedAt", ""), run.get("finishedAt", "")
    yield f"{started} INFO  {container} starting\n"
    yield f"{started} INFO  {container} listening on :8080\n"
    if finished and run.get("reason") != "OOMKilled":
        yield f"{finished} FATAL {container} exiting with code {run.get('exitCode')}\n"
