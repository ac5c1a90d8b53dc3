"""What the demo breaks, and how each story has to end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Chapter:
    """A fault on a workload and the states in which its proposal may end well."""

    title: str
    workload: str
    fault: str
    params: Mapping[str, float | str] = field(default_factory=dict)
    ends: frozenset[str] = frozenset({"Effective"})
    lesson: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Return namespace and name."""
        namespace, name = self.workload.split("/")
        return namespace, name


CHAPTERS: Final = (
    Chapter(
        "memory limit too small",
        "shop/checkout",
        "oom",
        {"need": 175},
        lesson="more memory, and proof",
    ),
    Chapter(
        "a pod hangs, not ready",
        "shop/frontend",
        "stuck",
        lesson="a restart replaces the pod",
    ),
    Chapter(
        "crash loop that a restart cures",
        "otel-demo/shipping",
        "crash",
        {"cure": "restart"},
        lesson="one restart, and proof",
    ),
    Chapter(
        "memory that no limit satisfies",
        "shop/ad",
        "insatiable",
        ends=frozenset({"RolledBack"}),
        lesson="did not help: put back",
    ),
)
