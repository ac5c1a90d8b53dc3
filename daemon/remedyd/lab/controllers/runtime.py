"""What a kubelet remembers of the pods it runs: containers, their state, and their restarts."""

from dataclasses import dataclass, field
from typing import Any

from remedyd.lab.behaviour import Behaviour
from remedyd.lab.controllers.objects import Key
from remedyd.lab.profiles import Profile, profile_of
from remedyd.model.values import KubeObject

FIRST_BACK_OFF, LAST_BACK_OFF = 10.0, 300.0


@dataclass(slots=True)
class Container:
    """One container of a pod. `epoch` counts its changes: what was planned before is void."""

    name: str
    image: str
    profile: Profile
    phase: float
    resources: KubeObject = field(default_factory=dict)
    """Limits and requests in force."""
    epoch: int = 0
    behaviour: Behaviour | None = None
    """Set while it runs."""
    id: str = ""
    started_at: str = ""
    ready: bool = False
    restarts: int = 0
    crashes: int = 0
    """Exits since the back-off was last reset."""
    pulls: int = 0
    waiting: dict[str, str] = field(default_factory=lambda: {"reason": "ContainerCreating"})
    terminated: dict[str, Any] | None = None
    """The exit that is being shown as the state."""
    last: dict[str, Any] | None = None

    @property
    def back_off(self) -> float:
        """Seconds to wait before the next start: none after the first exit, then doubling."""
        if self.crashes <= 1:
            return 0.0
        return min(LAST_BACK_OFF, FIRST_BACK_OFF * 2.0 ** min(self.crashes - 2, 30))

    def state(self) -> dict[str, Any]:
        """Return `state` as the API shows it."""
        if self.behaviour is not None:
            return {"running": {"startedAt": self.started_at}}
        if self.terminated is not None:
            return {"terminated": self.terminated}
        return {"waiting": dict(self.waiting)}


@dataclass(slots=True)
class PodRun:
    """One pod on a node; `started` is its startTime."""

    key: Key
    uid: str
    node: str
    ip: str
    started: str
    started_seconds: float
    containers: list[Container]
    sandboxed: str = ""
    stopping: bool = False
    since: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Condition type -> (status, lastTransitionTime)."""
    resizing: int = 0
    """The generation whose resize is being carried out, 0 while none is."""
    pending: KubeObject = field(default_factory=dict)
    """The condition PodResizePending, empty while there is none."""

    @property
    def ready(self) -> bool:
        """Whether every container is ready."""
        return all(container.ready for container in self.containers)


def containers_of(pod: KubeObject, phase: float) -> list[Container]:
    """Return a pod's containers before anything ran."""
    return [
        Container(
            spec["name"],
            spec["image"],
            profile_of(pod, spec),
            (phase + 0.37 * index) % 1.0,
            resources_of(spec),
        )
        for index, spec in enumerate(pod["spec"]["containers"])
    ]


def resources_of(spec: KubeObject) -> KubeObject:
    """Return the limits and requests that a container asks for."""
    resources = spec.get("resources") or {}
    return {part: dict(resources[part]) for part in ("limits", "requests") if resources.get(part)}
