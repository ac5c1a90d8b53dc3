"""Who holds a Kubernetes token, and what RBAC lets them do here: asked of the API server.

A TokenReview names the user, a SubjectAccessReview says what the user may do. Both create
nothing. An answer that is not a clear yes is a no.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from remedyd.cluster.access import Permission, Reviewer, granted
from remedyd.model import KubeObject

GROUP = "remedyd.io"
"""API group of the virtual resource `proposals` by which RBAC grants our scopes."""

_KNOWS: Final = Permission("create", "TokenReview")
NEEDED: Final = {
    "grants": frozenset({_KNOWS}),
    "rbac": frozenset({_KNOWS, Permission("create", "SubjectAccessReview")}),
}
"""What we need to ask about callers, by what says what they may do (`scopes_from`)."""


@dataclass(frozen=True, slots=True)
class KubernetesUser:
    """A user as the API server knows it; `extra` is passed on to access reviews unread."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)


def review_token(cluster: Reviewer, token: str, audiences: Sequence[str]) -> KubernetesUser | None:
    """Return who holds `token`, issued for one of `audiences`, or None for a token that is no good.

    Raises ClusterError when there is no answer.
    """
    body: KubeObject = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token, "audiences": list(audiences)},
    }
    status = cluster.ask("TokenReview", body).get("status") or {}
    user = status.get("user") or {}
    # an authenticator that does not know audiences answers without them: it proves nothing
    meant = set(audiences) & set(status.get("audiences") or ())
    if status.get("authenticated") is not True or not meant or not user.get("username"):
        return None
    return KubernetesUser(
        str(user["username"]),
        str(user.get("uid") or ""),
        tuple(user.get("groups") or ()),
        dict(user.get("extra") or {}),
    )


def may(cluster: Reviewer, user: KubernetesUser, verb: str, namespace: str = "") -> bool:
    """Whether RBAC allows `user` the `verb` on `proposals.remedyd.io` (empty: everywhere).

    Raises ClusterError when there is no answer.
    """
    body: KubeObject = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user.name,
            "uid": user.uid,
            "groups": list(user.groups),
            "extra": {key: list(values) for key, values in user.extra.items()},
            "resourceAttributes": {
                "namespace": namespace,
                "verb": verb,
                "group": GROUP,
                "resource": "proposals",
            },
        },
    }
    return granted(cluster.ask("SubjectAccessReview", body))
