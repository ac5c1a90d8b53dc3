"""What the daemon itself may do: asked of the API server, not read from role objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from remedyd.cluster.kinds import kind_of
from remedyd.model.values import KubeObject

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """A verb on a kind, as an action needs it: `Permission("patch", "Deployment")`."""

    verb: str
    kind: str
    subresource: str = ""

    @property
    def resource(self) -> str:
        """The resource as RBAC writes it: `deployments`, `pods/eviction`."""
        plural = kind_of(self.kind).plural
        return f"{plural}/{self.subresource}" if self.subresource else plural

    @property
    def group(self) -> str:
        """The API group as RBAC writes it; empty for the core group."""
        return kind_of(self.kind).group


@dataclass(frozen=True, slots=True)
class Access:
    """An answer; `reason` is the authorizer's, often empty."""

    permission: Permission
    namespace: str
    allowed: bool
    reason: str

    def __str__(self) -> str:
        """Say what was asked: `patch deployments.apps in namespace shop`."""
        one = self.permission
        resource = f"{one.resource}.{one.group}" if one.group else one.resource
        place = f"namespace {self.namespace}" if self.namespace else "the cluster"
        return f"{one.verb} {resource} in {place}"


def listed(found: Sequence[Access]) -> str:
    """Name the first few, and say how many more there are."""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(map(str, found[:_SHOWN])) + more


def granted(review: KubeObject) -> bool:
    """Whether an answered review is a clear yes; everything else is a no."""
    status = review.get("status") or {}
    return status.get("allowed") is True and status.get("denied") is not True


class Reviewer(Protocol):
    """Something that answers reviews: a Cluster."""

    def ask(self, kind: str, body: KubeObject) -> KubeObject:
        """Post a review and return it with its status."""
        ...


def check(cluster: Reviewer, permission: Permission, namespace: str = "", name: str = "") -> Access:
    """Ask whether we hold `permission` in `namespace` (empty: everywhere), on `name` (empty: all).

    An answer without a clear yes is a no. Raises ClusterError when there is no answer.
    """
    attributes = {
        "namespace": namespace,
        "verb": permission.verb,
        "group": permission.group,
        "resource": kind_of(permission.kind).plural,
        "subresource": permission.subresource,
    } | ({"name": name} if name else {})
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = cluster.ask("SelfSubjectAccessReview", body)
    reason = str((answer.get("status") or {}).get("reason") or "")
    return Access(permission, namespace, granted(answer), reason)
