"""Who asks, and what they may do."""

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
    trusted. `namespaces` limits the scopes; None means all, an empty set means none.
    """

    name: str
    scopes: frozenset[Scope]
    namespaces: frozenset[str] | None = None
    on_behalf_of: str = ""

    def may(self, scope: Scope, namespace: str | None = None) -> bool:
        """Whether the principal holds `scope` (in `namespace`, when one is given)."""
        held = any(scope in _IMPLIED[own] for own in self.scopes)
        if not held or namespace is None or self.namespaces is None:
            return held
        return namespace in self.namespaces


AUTO = Principal(name="remedyd:auto", scopes=frozenset({Scope.APPROVER}))
"""Stands in for a person where a policy's mode is Auto."""
