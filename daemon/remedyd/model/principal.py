"""Who asks, and what they may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """A right; a principal holds a set. `admin` holds all."""

    VIEWER = "viewer"
    PROPOSER = "proposer"
    APPROVER = "approver"
    ADMIN = "admin"


_IMPLIED = {
    Scope.VIEWER: frozenset({Scope.VIEWER}),
    Scope.PROPOSER: frozenset({Scope.VIEWER, Scope.PROPOSER}),
    Scope.APPROVER: frozenset({Scope.VIEWER, Scope.PROPOSER, Scope.APPROVER}),
    Scope.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `on_behalf_of` is an identity the caller asserts (a workflow's approver): recorded, never
    trusted. `namespaces` limits `scopes`; None means all, an empty set means none. `within` adds
    scopes in single namespaces, as (namespace, scope).
    """

    name: str
    scopes: frozenset[Scope]
    namespaces: frozenset[str] | None = None
    on_behalf_of: str = ""
    within: frozenset[tuple[str, Scope]] = frozenset()

    @property
    def reach(self) -> frozenset[str] | None:
        """The namespaces where the principal may do anything at all; None means all."""
        if self.scopes and self.namespaces is None:
            return None
        return (self.namespaces or frozenset()) | {namespace for namespace, _ in self.within}

    def may(self, scope: Scope, namespace: str | None = None) -> bool:
        """Whether the principal holds `scope` (in `namespace`, when one is given)."""
        if _holds(self.scopes, scope) and (
            namespace is None or self.namespaces is None or namespace in self.namespaces
        ):
            return True
        return _holds((own for at, own in self.within if namespace in (None, at)), scope)

    def may_everywhere(self, scope: Scope) -> bool:
        """Whether the principal holds `scope` without a limit to namespaces."""
        return self.namespaces is None and _holds(self.scopes, scope)


def _holds(held: Iterable[Scope], scope: Scope) -> bool:
    return any(scope in _IMPLIED[own] for own in held)


AUTO = Principal(name="remedyd:auto", scopes=frozenset({Scope.APPROVER}))
"""Stands in for a person where a policy's mode is Auto."""
