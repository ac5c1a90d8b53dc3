"""Who may do what: open by default, or with API keys and users that have index privileges."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from remedyd.lab.elasticsearch.messages import Failure, Request

_IMPLIED = {
    "all": {
        *("read", "write", "create_doc", "index", "create"),
        *("view_index_metadata", "manage", "auto_configure"),
    },
    "manage": {"auto_configure", "view_index_metadata"},
    "write": {"index", "create", "create_doc", "delete"},
    "index": {"create", "create_doc"},
    "create": {"create_doc"},
}


@dataclass(frozen=True, slots=True)
class Account:
    """A credential and its rights: index pattern -> privileges, and cluster privileges."""

    name: str
    indices: Mapping[str, Sequence[str]] = field(default_factory=lambda: {"*": ("all",)})
    cluster: Sequence[str] = ("all",)
    is_api_key: bool = True

    def may(self, privilege: str, index: str) -> bool:
        """Say whether the account holds a privilege on an index or pattern."""
        for pattern, held in self.indices.items():
            if fnmatchcase(index, pattern) and any(
                one == privilege or privilege in _IMPLIED.get(one, ()) for one in held
            ):
                return True
        return False

    def may_cluster(self, privilege: str) -> bool:
        """Say whether the account holds a cluster privilege."""
        return "all" in self.cluster or privilege in self.cluster


ANYONE = Account("elastic", is_api_key=False)


class Security:
    """Known accounts by credential; without any, every request is let in."""

    def __init__(self) -> None:
        """Start open."""
        self._keys: dict[str, Account] = {}
        self._users: dict[tuple[str, str], Account] = {}

    def add_key(self, ident: str, secret: str, account: Account) -> str:
        """Make an API key known and return its encoded form."""
        encoded = base64.b64encode(f"{ident}:{secret}".encode()).decode()
        self._keys[encoded] = account
        return encoded

    def revoke(self, encoded: str) -> None:
        """Forget an API key."""
        self._keys.pop(encoded, None)

    def add_user(self, name: str, password: str, account: Account) -> None:
        """Make a user known."""
        self._users[(name, password)] = account

    def authenticate(self, request: Request) -> Account:
        """Return who is asking; raise Failure 401."""
        if not self._keys and not self._users:
            return ANYONE
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        account: Account | None = None
        if scheme.lower() == "apikey":
            account = self._keys.get(credential.strip())
        elif scheme.lower() == "basic":
            account = self._users.get(_pair(credential))
        if account is None:
            raise _unauthenticated(request, scheme)
        return account


def _pair(credential: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(credential).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _unauthenticated(request: Request, scheme: str) -> Failure:
    if scheme:
        what = f"unable to authenticate with provided credentials and anonymous access is not \
allowed for this request; {scheme} credentials were refused"
    else:
        what = f"missing authentication credentials for REST request [{request.path}]"
    challenge = ['Basic realm="security", charset="UTF-8"', "ApiKey"]
    return Failure(
        401,
        "security_exception",
        what,
        extra={"header": {"WWW-Authenticate": challenge}},
        headers={"WWW-Authenticate": challenge[0]},
    )


def unauthorized(account: Account, action: str, indices: str, privilege: str) -> Failure:
    """Return the refusal for a missing index privilege."""
    kind = "API key id" if account.is_api_key else "user"
    reason = (
        f"action [{action}] is unauthorized for {kind} [{account.name}] on indices [{indices}], "
        f"this action is granted by the index privileges [{privilege},all]"
    )
    return Failure(403, "security_exception", reason)


def has_privileges(account: Account, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Answer `_security/user/_has_privileges`."""
    cluster = {name: account.may_cluster(name) for name in wanted.get("cluster") or ()}
    index: dict[str, dict[str, bool]] = {}
    for entry in wanted.get("index") or ():
        names = entry.get("names") or []
        for name in [names] if isinstance(names, str) else names:
            found = index.setdefault(name, {})
            for privilege in entry.get("privileges") or ():
                found[privilege] = account.may(privilege, name)
    granted = [*cluster.values(), *(v for found in index.values() for v in found.values())]
    return {
        "username": account.name,
        "has_all_requested": all(granted),
        "cluster": cluster,
        "index": index,
        "application": {},
    }
