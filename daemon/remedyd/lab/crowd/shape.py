"""How many of everything a crowded cluster has, and what each is called.

Names follow from numbers and numbers from names, so that nothing has to be remembered: the
objects behind the API and the telemetry are made from the same few lines of arithmetic.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5

REVISION = "7d9f8b6c5d"
"""The pod-template-hash of every Deployment's pods."""
_DIGITS = 5
_SUFFIX = 5


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload by its number; `proxied` ones have a second container."""

    number: int
    namespace: str
    name: str
    kind: str
    replicas: int
    proxied: bool

    def pods(self) -> tuple[str, ...]:
        """Return the names of its pods."""
        if self.kind == "StatefulSet":
            return tuple(f"{self.name}-{place}" for place in range(self.replicas))
        prefix = f"{self.name}-{REVISION}-"
        return tuple(prefix + suffix(self.name, place) for place in range(self.replicas))


def suffix(name: str, place: int) -> str:
    """Return the end of the name of a Deployment's pod."""
    return digest(f"{name}/{place}")[:_SUFFIX]


def digest(text: str) -> str:
    """Return the hex digits that names and uids are made of; DuckDB's md5 gives the same."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def uid(text: str) -> str:
    """Return the uid of what is called so."""
    raw = digest(text)
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"


@dataclass(frozen=True, slots=True)
class Crowd:
    """The numbers. One workload in ten lives in the first namespace, the rest are spread evenly.

    `broken` workloads have a container that is killed for want of memory again and again, and
    `down` nodes are not ready. One workload in five has a second container `proxy`, one in
    twenty is a StatefulSet. Telemetry of a `cluster` without a name carries none.
    """

    nodes: int = 5_000
    workloads: int = 10_000
    pods: int = 150_000
    namespaces: int = 200
    broken: int = 20
    down: int = 5
    cluster: str = "crowd"

    def namespace(self, number: int) -> str:
        """Return the name of a namespace."""
        return f"team-{number:03d}"

    def node(self, number: int) -> str:
        """Return the name of a node."""
        return f"node-{number:0{_DIGITS}d}"

    def home(self, number: int) -> int:
        """Return the number of the namespace that a workload lives in."""
        if number % 10 == 0 or self.namespaces == 1:
            return 0
        return 1 + number % (self.namespaces - 1)

    def workload(self, number: int) -> Workload:
        """Return a workload by its number."""
        each, over = divmod(self.pods, self.workloads)
        return Workload(
            number,
            self.namespace(self.home(number)),
            f"app-{number:0{_DIGITS}d}",
            "StatefulSet" if number % 20 == 7 else "Deployment",
            each + (number < over),
            number % 5 == 0,
        )

    def every(self) -> Iterator[Workload]:
        """Yield all workloads."""
        return map(self.workload, range(self.workloads))

    def is_broken(self, number: int) -> bool:
        """Say whether the workload's container is killed again and again."""
        return bool(self.broken) and number % self.apart == min(3, self.apart - 1)

    @property
    def apart(self) -> int:
        """How far broken workloads are from each other."""
        return max(1, self.workloads // max(1, self.broken))

    def by_name(self, name: str) -> Workload | None:
        """Return the workload of that name, if there is one."""
        digits = name.removeprefix("app-")
        if len(digits) != _DIGITS or not digits.isdigit() or int(digits) >= self.workloads:
            return None
        return self.workload(int(digits))

    def node_of(self, workload: Workload, place: int) -> str:
        """Return the node of one of the workload's pods."""
        return self.node((workload.number * 7 + place * 13) % self.nodes)
