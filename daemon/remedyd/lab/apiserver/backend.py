"""What every handler works with, and the call that one request has become."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from remedyd.lab.apiserver import versions
from remedyd.lab.apiserver.access import AllowAll, Authorizer, Tokens
from remedyd.lab.apiserver.messages import Request
from remedyd.lab.apiserver.paths import ResourcePath
from remedyd.lab.apiserver.resources import Resource
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.apiserver.wire import Wire
from remedyd.model.values import KubeObject

LogSource = Callable[[KubeObject, str, bool], str | None]
"""Given a pod, a container's name and whether the previous run is meant: the log's text, None
when the container has not started."""

MetricsSource = Callable[[str, str | None], list[KubeObject]]
"""Given `nodes` or `pods` and a namespace: the NodeMetrics or PodMetrics."""


def _no_log(pod: KubeObject, container: str, previous: bool) -> str | None:
    return ""


def _no_metrics(resource: str, namespace: str | None) -> list[KubeObject]:
    return []


@dataclass(slots=True)
class Backend:
    """The store and what stands around it; `bookmark_seconds` on the machine's clock."""

    store: ObjectStore
    ids: Random
    authorizer: Authorizer = field(default_factory=AllowAll)
    tokens: Tokens = field(default_factory=Tokens)
    logs: LogSource = _no_log
    metrics: MetricsSource = _no_metrics
    wire: Wire = field(default_factory=Wire)
    bookmark_seconds: float = 60.0
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request, once its path is understood."""

    backend: Backend
    request: Request
    path: ResourcePath
    resource: Resource

    @property
    def store(self) -> ObjectStore:
        """The objects."""
        return self.backend.store

    @property
    def gvr(self) -> str:
        """The name under which the store keeps this resource."""
        return self.resource.stored_as

    @property
    def namespace(self) -> str | None:
        """The namespace of the path, None for a cluster-scoped resource or all namespaces."""
        return self.path.namespace if self.resource.namespaced and self.path.namespace else None

    def get(self) -> KubeObject:
        """Return a copy of the addressed object; raises StatusError 404."""
        return self.store.get(self.gvr, self.namespace, self.path.name)

    def shown(self, obj: KubeObject) -> KubeObject:
        """Return a stored object in the version that was asked for."""
        return versions.shown_as(self.resource.gvr, obj)
