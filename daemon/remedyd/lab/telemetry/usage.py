"""What the kubelet_stats receiver reports: what containers, pods and nodes use."""

from collections import defaultdict
from dataclasses import dataclass

from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.behaviour import Behaviour
from remedyd.lab.controllers.kubelet import Kubelets
from remedyd.lab.controllers.objects import NODES, PODS
from remedyd.lab.controllers.runtime import Container, PodRun
from remedyd.lab.faults import FaultBoard
from remedyd.lab.profiles import Profile
from remedyd.lab.quantities import quantity
from remedyd.lab.telemetry.documents import Page, nanoseconds
from remedyd.lab.telemetry.resources import Resources
from remedyd.lab.timeline import Timeline

_DISK = {"available": 196_331_520_000, "capacity": 268_435_456_000}
_SANDBOX = {"usage": 300_000, "rss": 260_400, "working_set": 280_000}
_Numbers = dict[str, int | float]
_DIRECTIONS = tuple({"interface": "eth0", "direction": name} for name in ("receive", "transmit"))


@dataclass(slots=True)
class Used:
    """Sums over containers: bytes, cores, CPU seconds, and the limits if all have one."""

    working_set: int = 0
    usage: int = 0
    rss: int = 0
    cpu: float = 0.0
    cpu_time: float = 0.0
    memory_limit: float | None = 0.0
    cpu_limit: float | None = 0.0

    def add(self, other: "Used") -> None:
        """Add another sum to this one."""
        self.working_set += other.working_set
        self.usage += other.usage
        self.rss += other.rss
        self.cpu += other.cpu
        self.cpu_time += other.cpu_time

    def limited_by(self, profile: Profile) -> None:
        """Count a container's limits in; one without a limit leaves the pod without."""
        self.memory_limit = _plus(self.memory_limit, profile.memory_limit)
        self.cpu_limit = _plus(self.cpu_limit, profile.cpu_limit)


def _plus(total: float | None, more: float | None) -> float | None:
    return None if total is None or more is None else total + more


def measure(behaviour: Behaviour, at: float) -> Used:
    """Return what a container uses at a time."""
    working_set = int(behaviour.working_set(at))
    usage = int(working_set * 1.03)
    limit = behaviour.profile.memory_limit
    if limit is not None:
        usage = min(usage, int(limit))
    return Used(
        working_set=working_set,
        usage=usage,
        rss=int(working_set * 0.93),
        cpu=round(behaviour.cpu(at), 9),
        cpu_time=round(behaviour.cpu_time(at), 9),
    )


class UsageReport:
    """Scrapes all kubelets that answer."""

    def __init__(
        self,
        store: ObjectStore,
        timeline: Timeline,
        kubelets: Kubelets,
        board: FaultBoard,
        resources: Resources,
    ) -> None:
        """Take what is measured and how it is named."""
        self._store = store
        self._timeline = timeline
        self._kubelets = kubelets
        self._board = board
        self._resources = resources

    def report(self, page: Page) -> None:
        """Add the documents of one scrape."""
        nodes: dict[str, Used] = defaultdict(Used)
        at = self._timeline.seconds
        capacity = {
            node["metadata"]["name"]: node["status"].get("capacity") or {}
            for node in self._store.scan(NODES)
        }
        for run in self._kubelets.runs():
            if run.sandboxed and run.node in capacity:
                room = capacity[run.node]
                share = (quantity(room.get("cpu")), quantity(room.get("memory")))
                nodes[run.node].add(self._pod(page, run, at, share))
        for name, room in capacity.items():
            if name not in self._board.dead_nodes:
                self._node(page, name, nodes[name], at, quantity(room.get("memory")))

    def _pod(self, page: Page, run: PodRun, at: float, room: tuple[float, float]) -> Used:
        pod = self._store.peek(PODS, *run.key)
        if pod is None or pod["metadata"]["uid"] != run.uid:
            return Used()
        who = self._resources.pod(pod)
        statuses = {s["name"]: s for s in (pod.get("status") or {}).get("containerStatuses") or ()}
        used = Used(memory_limit=0.0, cpu_limit=0.0)
        for container in run.containers:
            used.limited_by(container.profile)
            if container.behaviour is not None and container.name in statuses:
                found = measure(container.behaviour, at)
                used.add(found)
                named = self._resources.running(pod, statuses[container.name])
                self._container(page, named, container, found, at)
        start = nanoseconds(self._timeline.moment(run.started_seconds))
        _pod_documents(page, who, used, room, start, at - run.started_seconds)
        return used

    def _container(
        self,
        page: Page,
        who: dict[str, object],
        container: Container,
        used: Used,
        at: float,
    ) -> None:
        behaviour, profile = container.behaviour, container.profile
        assert behaviour is not None
        start = nanoseconds(self._timeline.moment(behaviour.started))
        page.add(who, {"container.cpu.usage": used.cpu}, unit="{cpu}", start=start)
        page.add(who, {"container.cpu.time": used.cpu_time}, unit="s", start=start)
        memory: _Numbers = {}
        if profile.memory_limit is not None:
            memory["container.memory.available"] = int(profile.memory_limit) - used.working_set
        memory |= _memory("container", used) | _disk("container", 45_056)
        page.add(who, memory, unit="By", start=start)
        ratios: _Numbers = {
            "container.memory.page_faults": 2400 + int(at - behaviour.started),
            "container.memory.major_page_faults": 0,
        }
        for name, value, whole in (
            ("cpu_limit", used.cpu, profile.cpu_limit),
            ("memory_limit", used.usage, profile.memory_limit),
            ("cpu_request", used.cpu, profile.cpu_request),
            ("memory_request", used.usage, profile.memory_request),
        ):
            if whole:
                ratios[f"k8s.container.{name}_utilization"] = value / whole
        page.add(who, ratios, unit="1", start=start)

    def _node(self, page: Page, name: str, used: Used, at: float, memory: float) -> None:
        who = self._resources.host(name)
        boot = self._timeline.moment(-9 * 86_400.0)
        start, uptime = nanoseconds(boot), int(at + 9 * 86_400)
        own = Used(
            working_set=used.working_set + 900_000_000,
            usage=used.usage + 1_200_000_000,
            rss=used.rss + 600_000_000,
            cpu=round(used.cpu + 0.2, 9),
            cpu_time=round(uptime * 0.3, 6),
        )
        page.add(who, {"k8s.node.cpu.usage": own.cpu}, unit="{cpu}", start=start)
        times = {"k8s.node.cpu.time": own.cpu_time, "k8s.node.uptime": uptime}
        page.add(who, times, unit="s", start=start)
        free: _Numbers = {"k8s.node.memory.available": int(memory) - own.working_set}
        usage = free | _memory("k8s.node", own) | _disk("k8s.node", 72_103_936_000)
        page.add(who, usage, unit="By", start=start)
        faults: _Numbers = {
            "k8s.node.memory.page_faults": 50 * uptime,
            "k8s.node.memory.major_page_faults": 120,
        }
        page.add(who, faults, unit="1", start=start)
        _network(page, who, "k8s.node", start, uptime * 700)


def _memory(prefix: str, used: Used) -> _Numbers:
    return {
        f"{prefix}.memory.usage": used.usage,
        f"{prefix}.memory.rss": used.rss,
        f"{prefix}.memory.working_set": used.working_set,
    }


def _disk(prefix: str, usage: int) -> _Numbers:
    free, size = _DISK["available"], _DISK["capacity"]
    return {
        f"{prefix}.filesystem.available": free,
        f"{prefix}.filesystem.capacity": size,
        f"{prefix}.filesystem.usage": usage,
    }


def _network(page: Page, who: dict[str, object], prefix: str, start: str, transferred: int) -> None:
    for direction in _DIRECTIONS:
        count = {f"{prefix}.network.io": transferred}
        page.add(who, count, unit="By", start=start, attributes=direction)
        errors = {f"{prefix}.network.errors": 0}
        page.add(who, errors, unit="1", start=start, attributes=direction)


def _pod_documents(
    page: Page,
    who: dict[str, object],
    used: Used,
    room: tuple[float, float],
    start: str,
    age: float,
) -> None:
    page.add(who, {"k8s.pod.cpu.usage": used.cpu}, unit="{cpu}", start=start)
    page.add(who, {"k8s.pod.cpu.time": used.cpu_time}, unit="s", start=start)
    whole = Used(
        usage=used.usage + _SANDBOX["usage"],
        rss=used.rss + _SANDBOX["rss"],
        working_set=used.working_set + _SANDBOX["working_set"],
    )
    page.add(who, _memory("k8s.pod", whole) | _disk("k8s.pod", 53_248), unit="By", start=start)
    ratios: _Numbers = {
        "k8s.pod.memory.page_faults": 0,
        "k8s.pod.memory.major_page_faults": 0,
        "k8s.pod.cpu.node.utilization": used.cpu / room[0] if room[0] else 0.0,
    }
    if used.cpu_limit:
        ratios["k8s.pod.cpu_limit_utilization"] = used.cpu / used.cpu_limit
    ratios["k8s.pod.memory.node.utilization"] = whole.usage / room[1] if room[1] else 0.0
    if used.memory_limit:
        ratios["k8s.pod.memory_limit_utilization"] = whole.usage / used.memory_limit
    page.add(who, ratios, unit="1", start=start)
    _network(page, who, "k8s.pod", start, 1500 + int(age) * 40)
