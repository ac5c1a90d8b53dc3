"""Resizes of running pods as a kubelet carries them out: at once, later, or never.

The API server has taken the new amounts into the spec already. They are in force when the
container's status says so; while the node has no room, the pod says Deferred and keeps the old.
"""

import json
from collections.abc import Callable, Iterator

from remedyd.lab.controllers.containers import ContainerLife
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import NODES, PODS, stamp
from remedyd.lab.controllers.runtime import Container, PodRun, resources_of
from remedyd.lab.profiles import profile_of
from remedyd.lab.quantities import quantity
from remedyd.model.values import KubeObject

_AGAIN_SECONDS = 10.0


class PodResizes:
    """Compares what pods ask for with what they run with; `runs` yields the pods of a node."""

    def __init__(
        self,
        env: Environment,
        life: ContainerLife,
        runs: Callable[[], Iterator[PodRun]],
        publish: Callable[[PodRun], None],
        again: Callable[[tuple[str, str], float], None],
    ) -> None:
        """Take the shared parts; `again` has the kubelet look at a pod later."""
        self._env = env
        self._life = life
        self._runs = runs
        self._publish = publish
        self._again = again

    def sync(self, pod: KubeObject, run: PodRun) -> None:
        """Bring one pod's resize a step further."""
        generation = int(pod["metadata"].get("generation") or 1)
        specs = {spec["name"]: spec for spec in pod["spec"]["containers"]}
        due = [c for c in run.containers if c.resources != resources_of(specs[c.name])]
        if not due:
            self._settled(run)
        elif run.resizing == generation:
            return
        elif why := self._lacking(run, specs):
            self._defer(pod, run, generation, why)
        else:
            run.resizing, run.pending = generation, {}
            self._tell(pod, "ResizeStarted", "Pod resize started", generation)
            self._env.timeline.after(
                self._env.jitter(0.5, 2.0), lambda: self._carry_out(run, generation)
            )

    def _settled(self, run: PodRun) -> None:
        run.resizing = 0
        if run.pending:
            run.pending = {}
            self._publish(run)

    def _lacking(self, run: PodRun, specs: dict[str, KubeObject]) -> str:
        """Return why the node has no room for what the pod asks, empty when it has."""
        node = self._env.store.peek(NODES, None, run.node) or {"status": {}}
        for name in ("cpu", "memory"):
            scale = 1000 if name == "cpu" else 1
            asked = sum(_request(resources_of(spec), name) for spec in specs.values())
            used = sum(
                _request(container.resources, name)
                for other in self._runs()
                if other.node == run.node and other is not run
                for container in other.containers
            )
            have = quantity((node["status"].get("allocatable") or {}).get(name))
            if have and asked + used > have:
                return (
                    f"Node didn't have enough resource: {name}, requested: {int(asked * scale)}, "
                    f"used: {int(used * scale)}, capacity: {int(have * scale)}"
                )
        return ""

    def _defer(self, pod: KubeObject, run: PodRun, generation: int, why: str) -> None:
        self._again(run.key, _AGAIN_SECONDS)
        if run.pending.get("message") == why:
            return
        run.resizing = 0
        run.pending = {
            "type": "PodResizePending",
            "observedGeneration": generation,
            "status": "True",
            "lastProbeTime": stamp(self._env.timeline.now()),
            "lastTransitionTime": stamp(self._env.timeline.now()),
            "reason": "Deferred",
            "message": why,
        }
        resource = why.partition("resource: ")[2].partition(",")[0]
        self._tell(pod, "ResizeDeferred", f"Pod resize OutOf{resource}", generation, why)
        self._publish(run)

    def _carry_out(self, run: PodRun, generation: int) -> None:
        pod = self._env.store.peek(PODS, *run.key)
        if pod is None or pod["metadata"]["uid"] != run.uid or run.resizing != generation:
            return
        for container, spec in zip(run.containers, pod["spec"]["containers"], strict=True):
            before, container.resources = container.resources, resources_of(spec)
            if container.resources == before:
                continue
            self._life.resize(run, container, profile_of(pod, spec).memory_limit)
            if _restarts(spec, before, container):
                self._life.restart(run, container)
        run.resizing = 0
        self._tell(pod, "ResizeCompleted", "Pod resize completed", generation)
        self._publish(run)
        self._again(run.key, 0.1)

    def _tell(
        self, pod: KubeObject, reason: str, what: str, generation: int, error: str = ""
    ) -> None:
        containers = [
            {"name": spec["name"], "resources": resources_of(spec)}
            for spec in pod["spec"]["containers"]
        ]
        told: KubeObject = {"containers": containers, "generation": generation}
        if error:
            told["error"] = error
        text = f"{what}: {json.dumps(told, separators=(',', ':'))}"
        self._env.recorder.report(
            pod,
            reason,
            text,
            component="kubelet",
            warning=bool(error),
            host=str(pod["spec"].get("nodeName", "")),
        )


def _request(resources: KubeObject, name: str) -> float:
    return quantity((resources.get("requests") or {}).get(name))


def _restarts(spec: KubeObject, before: KubeObject, container: Container) -> bool:
    """Say whether the container asked to be restarted for what has changed."""
    policies = {p["resourceName"]: p["restartPolicy"] for p in spec.get("resizePolicy") or ()}
    for part in ("limits", "requests"):
        now, was = container.resources.get(part) or {}, before.get(part) or {}
        for name in now.keys() | was.keys():
            if now.get(name) != was.get(name) and policies.get(name) == "RestartContainer":
                return True
    return False
