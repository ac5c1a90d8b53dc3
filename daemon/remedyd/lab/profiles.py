"""How a workload's containers behave when nothing is wrong with them.

The numbers sit in annotations of the pod template, `lab.remedyd.io/<what>` or
`lab.remedyd.io/<what>.<container>`, so that anything applied with kubectl can have its own:

    memory       working set once warm, e.g. 90Mi   (default 45 % of the limit, else 64Mi)
    cpu          cores used, e.g. 40m               (default 40 % of the request, else 20m)
    ready-after  seconds from start to Ready        (default 4)
    stop-after   seconds a container takes to stop  (default 2)
    never-ready  "true" keeps the pod from ever becoming Ready
"""

from dataclasses import dataclass

from remedyd.lab.quantities import MEBIBYTE, quantity
from remedyd.model.values import KubeObject

PREFIX = "lab.remedyd.io/"


@dataclass(frozen=True, slots=True)
class Profile:
    """Memory in bytes, CPU in cores, times in seconds; limits are None where there is none."""

    memory: float
    cpu: float
    ready_after: float
    stop_after: float
    memory_limit: float | None
    memory_request: float | None
    cpu_limit: float | None
    cpu_request: float | None
    never_ready: bool = False


def profile_of(pod: KubeObject, container: KubeObject) -> Profile:
    """Read the profile of one container of a pod."""
    notes = pod["metadata"].get("annotations") or {}
    resources = container.get("resources") or {}

    def note(what: str) -> str | None:
        own = notes.get(f"{PREFIX}{what}.{container['name']}")
        return own if own is not None else notes.get(f"{PREFIX}{what}")

    def amount(part: str, name: str) -> float | None:
        text = (resources.get(part) or {}).get(name)
        return None if text is None else quantity(text)

    memory_limit, cpu_request = amount("limits", "memory"), amount("requests", "cpu")
    memory, cpu = note("memory"), note("cpu")
    usual = 64.0 * MEBIBYTE if memory_limit is None else 0.45 * memory_limit
    return Profile(
        memory=usual if memory is None else quantity(memory),
        cpu=quantity(cpu) if cpu is not None else 0.4 * cpu_request if cpu_request else 0.02,
        ready_after=float(note("ready-after") or 4),
        stop_after=float(note("stop-after") or 2),
        memory_limit=memory_limit,
        memory_request=amount("requests", "memory"),
        cpu_limit=amount("limits", "cpu"),
        cpu_request=cpu_request,
        never_ready=note("never-ready") == "true",
    )
