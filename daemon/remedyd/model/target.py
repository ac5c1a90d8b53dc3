"""What an audit row is about and what an action changes."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A workload, or one container of it.

    `kind` is a Kubernetes kind such as `Deployment`. `uid` is empty until the live object was
    read. `cluster` is empty where telemetry carries no cluster name and none is configured.
    """

    cluster: str
    namespace: str
    kind: str
    name: str
    container: str = ""
    uid: str = ""

    @property
    def identity(self) -> str:
        """Name the row's subject across audits: workload and container, without the uid."""
        return f"{self.workload}/{self.container}" if self.container else self.workload

    @property
    def workload(self) -> str:
        """Name the workload across containers: at most one proposal is open for each."""
        return f"{self.cluster}/{self.namespace}/{self.kind}/{self.name}"

    def with_uid(self, uid: str) -> "Target":
        """Return the same target, bound to the live object."""
        return replace(self, uid=uid)

    def __str__(self) -> str:
        """Format as `Kind/namespace/name[container]`."""
        suffix = f"[{self.container}]" if self.container else ""
        return f"{self.kind}/{self.namespace}/{self.name}{suffix}"
