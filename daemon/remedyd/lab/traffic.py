"""Requests that workloads serve, and how long they take: numbers, not processes.

The numbers sit in annotations of the workload, so that anything applied with kubectl can have
requests of its own:

    lab.remedyd.io/requests   offered to the workload, a second; without it there are no spans
    lab.remedyd.io/capacity   what one pod takes, a second                       (default 20)
    lab.remedyd.io/latency    own time of a request on an idle pod, in ms        (default 20)
    lab.remedyd.io/calls      what it calls meanwhile: workloads of its namespace, or anything
                              else as name=ms, such as payment,db=5

A pod is a queue: the fuller it is, the longer requests wait in it, and waiting takes no CPU. So
more pods cure what is slow because it is full, and nothing that waits for others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from remedyd.lab.faults import Fault
from remedyd.lab.profiles import PREFIX
from remedyd.model.values import KubeObject

Name = tuple[str, str]
"""Namespace and name of a workload."""

_FULLEST = 0.96
NETWORK_MS = 1.0
"""What every call takes on its way, in milliseconds."""
_TIMEOUT_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Service:
    """What a workload serves. Rates are a second, times in milliseconds.

    `calls` are (name, ms): with ms it is something outside of the cluster. `errors` is the share
    of its outside calls that fail.
    """

    namespace: str
    kind: str
    name: str
    requests: float
    capacity: float = 20.0
    latency: float = 20.0
    calls: tuple[tuple[str, float | None], ...] = ()
    errors: float = 0.0

    @property
    def key(self) -> Name:
        """Namespace and name."""
        return self.namespace, self.name

    def own_time(self, pods: int) -> float:
        """Return the milliseconds a request spends in one of `pods` pods, waiting included."""
        if pods <= 0:
            return _TIMEOUT_MS
        fullness = min(_FULLEST, self.requests / (pods * self.capacity))
        return self.latency / (1.0 - fullness)


def service_of(kind: str, obj: KubeObject, faults: Sequence[Fault] = ()) -> Service | None:
    """Return what a workload serves under the faults in force, None where it serves nothing."""
    meta = obj["metadata"]
    notes = meta.get("annotations") or {}
    given = notes.get(f"{PREFIX}requests")
    if given is None:
        return None
    found = Service(
        meta["namespace"],
        kind,
        meta["name"],
        requests=float(given),
        capacity=float(notes.get(f"{PREFIX}capacity") or 20),
        latency=float(notes.get(f"{PREFIX}latency") or 20),
        calls=tuple(_call(text) for text in notes.get(f"{PREFIX}calls", "").split(",") if text),
    )
    for fault in faults:
        found = _under(found, fault)
    return found


def _call(text: str) -> tuple[str, float | None]:
    name, outside, ms = text.strip().partition("=")
    return name, float(ms) if outside else None


def _under(service: Service, fault: Fault) -> Service:
    if fault.name == "saturated":
        return replace(service, requests=service.requests * fault.number("load"))
    if fault.name == "slow-dependency":
        factor = fault.number("factor")
        calls = tuple((name, None if ms is None else ms * factor) for name, ms in service.calls)
        if all(ms is None for _, ms in calls):
            calls = (*calls, ("external", factor * service.latency))
        return replace(service, calls=calls, errors=fault.number("errors"))
    return service


class Network:
    """All services with the pods that serve now: how long a request takes, and where."""

    def __init__(self, services: Sequence[Service], pods: Mapping[Name, int]) -> None:
        """Take the services, and how many ready pods each has."""
        self._services = {service.key: service for service in services}
        self._pods = pods

    def find(self, namespace: str, name: str) -> Service | None:
        """Return a service."""
        return self._services.get((namespace, name))

    def entries(self) -> list[Service]:
        """Return the services that no other one calls: where requests come in."""
        called = {(s.namespace, name) for s in self._services.values() for name, _ in s.calls}
        return [s for key, s in sorted(self._services.items()) if key not in called]

    def own_time(self, service: Service) -> float:
        """Return the milliseconds that a request spends in the service itself."""
        return service.own_time(self._pods.get(service.key, 0))

    def call_time(self, service: Service, name: str, outside: float | None) -> float:
        """Return the milliseconds that a call to something without requests of its own takes."""
        return _TIMEOUT_MS if outside is None else outside
