"""A pod's status as a kubelet writes it."""

import hashlib
from typing import Any

from remedyd.lab.controllers.runtime import Container, PodRun
from remedyd.model.values import KubeObject

_OTHERS = ("PodScheduled", "DisruptionTarget")


def render(pod: KubeObject, run: PodRun, now: str) -> KubeObject:
    """Return the status of `pod` for what `run` says, with unchanged times kept."""
    old = pod.get("status") or {}
    started = any(c.behaviour or c.terminated or c.last for c in run.containers)
    status: KubeObject = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": "Running" if started else "Pending",
        "conditions": _conditions(pod, run, now),
        "hostIP": "127.0.0.1",
        "hostIPs": [{"ip": "127.0.0.1"}],
    }
    if run.sandboxed:
        status["podIP"] = run.ip
        status["podIPs"] = [{"ip": run.ip}]
    status["startTime"] = run.started
    status["containerStatuses"] = [_container(container) for container in run.containers]
    status["qosClass"] = old.get("qosClass", "BestEffort")
    return status


def _conditions(pod: KubeObject, run: PodRun, now: str) -> list[dict[str, Any]]:
    generation = pod["metadata"].get("generation", 1)
    unready = [container.name for container in run.containers if not container.ready]
    wanted = {
        "PodReadyToStartContainers": bool(run.sandboxed),
        "Initialized": True,
        "ContainersReady": not unready,
        "Ready": not unready,
    }
    conditions: list[dict[str, Any]] = []
    for type_, holds in wanted.items():
        state = "True" if holds else "False"
        known = run.since.get(type_)
        if known is None or known[0] != state:
            known = run.since[type_] = (state, now)
        found: dict[str, Any] = {
            "type": type_,
            "observedGeneration": generation,
            "status": state,
            "lastProbeTime": None,
            "lastTransitionTime": known[1],
        }
        if not holds and type_ in ("ContainersReady", "Ready"):
            found["reason"] = "ContainersNotReady"
            found["message"] = f"containers with unready status: [{' '.join(unready)}]"
        conditions.append(found)
    kept = (pod.get("status") or {}).get("conditions") or ()
    pending = [dict(run.pending)] if run.pending else []
    return conditions + [dict(c) for c in kept if c["type"] in _OTHERS] + pending


def _container(container: Container) -> dict[str, Any]:
    last = {"terminated": container.last} if container.last else {}
    status: dict[str, Any] = {
        "name": container.name,
        "state": container.state(),
        "lastState": last,
        "ready": container.ready,
        "restartCount": container.restarts,
        "image": container.image,
        "imageID": _image_id(container.image) if container.id else "",
    }
    if container.id:
        status["containerID"] = f"containerd://{container.id}"
    status["started"] = container.behaviour is not None
    resources = container.resources
    if container.behaviour is not None and resources:
        if resources.get("requests"):
            status["allocatedResources"] = dict(resources["requests"])
        status["resources"] = {part: dict(values) for part, values in resources.items() if values}
    return status


def _image_id(image: str) -> str:
    name = image.rsplit(":", 1)[0]
    return f"{name}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"
