"""What the daemon itself may do: asked of the API server, not read from role objects."""

from dataclasses import dataclass
from typing import Protocol

from remedyd.cluster.kinds import kind_of
from remedyd.model.values import KubeObject


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


class Reviewer(Protocol):
    """Something that answers reviews: a Cluster."""

    def ask(self, kind: str, body: KubeObject) -> KubeObject:
        """Post a review and return it with its status."""
        ...


def check(cluster: Reviewer, permission: Permission, namespace: str = "") -> Access:
    """Ask whether we hold `permission` in `namespace` (empty: everywhere).

    An answer without a clear yes is a no. Raises ClusterError when there is no answer.
    """
    attributes = {
        "namespace": namespace,
        "verb": permission.verb,
        "group": permission.group,
        "resource": kind_of(permission.kind).plural,
        "subresource": permission.subresource,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    status = cluster.ask("SelfSubjectAccessReview", body).get("status") or {}
    allowed = status.get("allowed") is True and status.get("denied") is not True
    return Access(permission, namespace, allowed, str(status.get("reason") or ""))
