"""What users of Kubernetes or of an OpenID provider may do here, by user or by group.

They stand in the same file as the tokens:

    grants:
      - from: oidc                   # or kubernetes
        group: sre-oncall            # or user, or serviceAccount: namespace/name
        scopes: [approver]
        namespaces: [shop]           # left out: all

A grant names where its user comes from, so that no provider can hand out another one's names.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import Field

from remedyd.documents import Model
from remedyd.model import Principal, Scope

Source = Literal["kubernetes", "oidc"]
_ACCOUNT: Final = re.compile(r"[a-z0-9-]+/[a-z0-9.-]+")
# every user, or every anonymous one: a grant to them would be a gate without a door
_EVERYBODY: Final = frozenset(
    {"system:authenticated", "system:unauthenticated", "system:serviceaccounts"}
)


class GrantEntry(Model):
    """One entry of `grants`."""

    source: Source = Field(alias="from")
    user: str | None = None
    group: str | None = None
    service_account: str | None = None
    scopes: list[Scope]
    namespaces: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Scopes for a user or for a group of a source; without `namespaces` in all of them."""

    source: Source
    user: str
    group: str
    scopes: frozenset[Scope]
    namespaces: frozenset[str] | None = None


def grant(entry: GrantEntry) -> Grant:
    """Return what an entry without mistakes grants."""
    account = (entry.service_account or "").replace("/", ":")
    user = f"system:serviceaccount:{account}" if account else entry.user or ""
    reach = None if entry.namespaces is None else frozenset(entry.namespaces)
    return Grant(entry.source, user, entry.group or "", frozenset(entry.scopes), reach)


def mistakes(entry: GrantEntry) -> Iterator[str]:
    """Yield what is wrong with an entry."""
    given = [entry.user, entry.group, entry.service_account]
    if sum(bool(value) for value in given) != 1 or any(value == "" for value in given):
        yield "give exactly one of user, group, serviceAccount"
    if entry.service_account and entry.source != "kubernetes":
        yield "a serviceAccount comes from kubernetes"
    if entry.service_account and not _ACCOUNT.fullmatch(entry.service_account):
        yield "serviceAccount must be written namespace/name"
    if entry.group in _EVERYBODY and set(entry.scopes) != {Scope.VIEWER}:
        yield f"the group {entry.group} holds everybody: it can be given viewer only"
    if not entry.scopes:
        yield "scopes is empty: the grant would give nothing"


def principal(
    grants: Iterable[Grant], source: Source, user: str, groups: Sequence[str], name: str
) -> Principal | None:
    """Return the principal `name` with all that the grants give the user, None for nothing."""
    everywhere: set[Scope] = set()
    within: set[tuple[str, Scope]] = set()
    for each in grants:
        if each.source != source:
            continue
        if not (each.user and each.user == user) and not (each.group and each.group in groups):
            continue
        if each.namespaces is None:
            everywhere |= each.scopes
        else:
            within |= {(place, scope) for place in each.namespaces for scope in each.scopes}
    if not everywhere and not within:
        return None
    return Principal(name, frozenset(everywhere), within=frozenset(within))
