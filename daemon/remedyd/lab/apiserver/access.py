"""Who may do what: bearer tokens to users, and role-based access from the stored objects."""

import base64
import json
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

from remedyd.lab.apiserver.messages import User
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model.values import KubeObject

AUDIENCE = "https://kubernetes.default.svc.cluster.local"
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
ADMINISTRATOR = User("kubernetes-admin", ("system:masters", "system:authenticated"))
_RBAC = "rbac.authorization.k8s.io/v1/"


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked for: a verb on a resource, or on a `path` that is no resource."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """`deployments/scale`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it is allowed, and by what."""

    allowed: bool
    reason: str = ""


class Authorizer(Protocol):
    """Decides whether a user may do something."""

    def decide(self, user: User, wanted: Attributes) -> Verdict:
        """Return the verdict."""
        ...

    def rules(self, user: User, namespace: str) -> tuple[list[KubeObject], list[KubeObject]]:
        """Return the resource rules and the path rules of a user."""
        ...


class AllowAll:
    """Everybody may do everything."""

    def decide(self, user: User, wanted: Attributes) -> Verdict:
        """Return yes."""
        return Verdict(True)

    def rules(self, user: User, namespace: str) -> tuple[list[KubeObject], list[KubeObject]]:
        """Return the rules of an administrator."""
        everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        return [everything], [{"verbs": ["*"], "nonResourceURLs": ["*"]}]


def _paths(*paths: str) -> KubeObject:
    return {"verbs": ["get"], "nonResourceURLs": list(paths)}


_EVERYBODY = [_paths("/healthz", "/livez", "/readyz", "/version", "/version/")]
_OPENID = "/.well-known/openid-configuration"
_ACCOUNTS = [_paths(_OPENID, f"{_OPENID}/", "/openid/v1/jwks", "/openid/v1/jwks/")]
_DISCOVERY = [
    _paths(
        "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*",
        "/readyz", "/version", "/version/",
    ),
    _paths("/.well-known", "/.well-known/*"),
]  # fmt: skip
_BASIC: list[KubeObject] = [
    {
        "verbs": ["create"],
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
    {
        "verbs": ["create"],
        "apiGroups": ["authentication.k8s.io"],
        "resources": ["selfsubjectreviews"],
    },
]


_EVERYTHING: KubeObject = {
    "verbs": ["*"],
    "apiGroups": ["*"],
    "resources": ["*"],
    "nonResourceURLs": ["*"],
}
_PUBLIC, _KNOWN, _STRANGERS = (
    "system:public-info-viewer",
    "system:authenticated",
    "system:unauthenticated",
)
_BUILTIN: tuple[tuple[str, str, list[KubeObject]], ...] = (
    (_PUBLIC, _KNOWN, _EVERYBODY),
    (_PUBLIC, _STRANGERS, _EVERYBODY),
    ("system:service-account-issuer-discovery", "system:serviceaccounts", _ACCOUNTS),
    ("system:discovery", _KNOWN, _DISCOVERY),
    ("system:basic-user", _KNOWN, _BASIC),
    ("cluster-admin", "system:masters", [_EVERYTHING]),
)


def _among(value: str, allowed: Iterable[str] | None) -> bool:
    return any(each in ("*", value) for each in allowed or ())


def _covers_path(rule: KubeObject, path: str) -> bool:
    return any(
        each in ("*", path) or (each.endswith("*") and path.startswith(each[:-1]))
        for each in rule.get("nonResourceURLs") or ()
    )


def _covers(rule: KubeObject, wanted: Attributes) -> bool:
    if not _among(wanted.verb, rule.get("verbs")):
        return False
    if wanted.path:
        return _covers_path(rule, wanted.path)
    if not _among(wanted.group, rule.get("apiGroups")):
        return False
    held = rule.get("resources") or ()
    wide = f"*/{wanted.subresource}" if wanted.subresource else ""
    if not (_among(wanted.full_resource, held) or (wide and wide in held)):
        return False
    names = rule.get("resourceNames")
    return not names or wanted.name in names


def _is_subject(subject: KubeObject, user: User) -> bool:
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind == "ServiceAccount":
        return user.name == f"system:serviceaccount:{subject.get('namespace', '')}:{name}"
    return user.name == name if kind == "User" else kind == "Group" and name in user.groups


def _shown(subject: KubeObject) -> str:
    name = subject.get("name", "")
    if subject.get("kind") == "ServiceAccount":
        return f'ServiceAccount "{name}/{subject.get("namespace", "")}"'
    return f'{subject.get("kind")} "{name}"'


class RoleBased:
    """Denies what no Role or ClusterRole in the store allows; system:masters may everything."""

    def __init__(self, store: ObjectStore) -> None:
        """Take the store that holds the roles and bindings."""
        self._store = store

    def _role(self, reference: KubeObject, namespace: str) -> list[KubeObject]:
        if reference.get("kind") == "ClusterRole":
            role = self._store.peek(f"{_RBAC}clusterroles", None, reference.get("name", ""))
        else:
            role = self._store.peek(f"{_RBAC}roles", namespace, reference.get("name", ""))
        return list((role or {}).get("rules") or [])

    def _builtin(self, user: User) -> Iterator[tuple[KubeObject, str]]:
        for role, group, rules in _BUILTIN:
            if group not in user.groups:
                continue
            why = (
                f'RBAC: allowed by ClusterRoleBinding "{role}" of ClusterRole "{role}" to Group '
                f'"{group}"'
            )
            for rule in rules:
                yield rule, "" if group == "system:masters" else why

    def _held(self, user: User, namespace: str) -> Iterator[tuple[KubeObject, str]]:
        yield from self._builtin(user)
        for kind, where in (("ClusterRoleBinding", ""), ("RoleBinding", namespace)):
            if kind == "RoleBinding" and not namespace:
                continue
            for bound in self._store.scan(f"{_RBAC}{kind.lower()}s", where or None):
                for subject in bound.get("subjects") or []:
                    if not _is_subject(subject, user):
                        continue
                    name = bound["metadata"]["name"] + (f"/{where}" if where else "")
                    role = bound["roleRef"]
                    why = (
                        f'RBAC: allowed by {kind} "{name}" of {role.get("kind")} '
                        f'"{role.get("name")}" to {_shown(subject)}'
                    )
                    for rule in self._role(role, namespace):
                        yield rule, why

    def decide(self, user: User, wanted: Attributes) -> Verdict:
        """Return whether some role allows it."""
        for rule, why in self._held(user, wanted.namespace):
            if _covers(rule, wanted):
                return Verdict(True, why)
        return Verdict(False)

    def rules(self, user: User, namespace: str) -> tuple[list[KubeObject], list[KubeObject]]:
        """Return what the user's roles hold, in the order they were found."""
        resources: list[KubeObject] = []
        paths: list[KubeObject] = []
        for rule, _ in self._held(user, namespace):
            if rule.get("resources"):
                keep = ("verbs", "apiGroups", "resources", "resourceNames")
                resources.append({key: rule[key] for key in keep if key in rule})
            if rule.get("nonResourceURLs"):
                paths.append({"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]})
        return resources, paths


@dataclass(frozen=True, slots=True)
class Credential:
    """A token's owner, the audiences it is good for, and when it ends (None: never)."""

    user: User
    audiences: tuple[str, ...] = (AUDIENCE,)
    expires: datetime | None = None


@dataclass(slots=True)
class Tokens:
    """Bearer tokens and whose they are."""

    known: dict[str, Credential] = field(default_factory=dict)

    def add(self, token: str, user: User) -> None:
        """Accept a token that never ends."""
        self.known[token] = Credential(user)

    def find(self, token: str, now: datetime) -> Credential | None:
        """Return a token's owner, None when it is unknown or over."""
        for held, credential in self.known.items():
            if secrets.compare_digest(held.encode(), token.encode()):
                if credential.expires and credential.expires <= now:
                    return None
                return credential
        return None

    def issue(
        self, account: KubeObject, audiences: list[str], now: datetime, seconds: int, ids: Random
    ) -> tuple[str, datetime]:
        """Make a token for a ServiceAccount; return it with its end."""
        expires = now + timedelta(seconds=seconds)
        jti = uuid.UUID(int=ids.getrandbits(128), version=4)
        user = service_account(
            account["metadata"], {"authentication.kubernetes.io/credential-id": [f"JTI={jti}"]}
        )
        meant = audiences or [AUDIENCE]
        claims = {
            "aud": meant,
            "exp": int(expires.timestamp()),
            "iat": int(now.timestamp()),
            "iss": AUDIENCE,
            "jti": str(jti),
            "sub": user.name,
        }
        token = f"{_part({'alg': 'RS256'})}.{_part(claims)}.{_encoded(ids.randbytes(32))}"
        self.known[token] = Credential(user, tuple(meant), expires)
        return token, expires


def _part(content: dict[str, Any]) -> str:
    """Return a part of a JSON Web Token; only its look is real, nobody checks the signature."""
    return _encoded(json.dumps(content, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def service_account(meta: dict[str, Any], extra: dict[str, list[str]] | None = None) -> User:
    """Return the user that a ServiceAccount with this metadata is."""
    namespace, name = meta.get("namespace", ""), meta.get("name", "")
    groups = (
        "system:serviceaccounts",
        f"system:serviceaccounts:{namespace}",
        "system:authenticated",
    )
    full = f"system:serviceaccount:{namespace}:{name}"
    return User(full, groups, meta.get("uid", ""), extra or {})
