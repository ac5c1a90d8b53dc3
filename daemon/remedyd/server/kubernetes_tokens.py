"""ServiceAccount tokens: who holds one says the API server, what it may do grants or RBAC.

With RBAC a scope is a verb on the virtual resource `proposals` of `remedyd.io`: viewer is `get`,
proposer `create`, approver `approve`, admin `administer`. Only tokens issued for one of our
audiences count: a token that leaked from elsewhere opens nothing here.
"""

from collections.abc import Callable, Sequence
from typing import Final

from remedyd.cluster import identity
from remedyd.cluster.access import Reviewer
from remedyd.cluster.identity import KubernetesUser
from remedyd.errors import Forbidden, Unauthenticated
from remedyd.model import Principal, Scope
from remedyd.server import grants
from remedyd.server.grants import Grant
from remedyd.server.jwts import Claimed

VERBS: Final = {
    Scope.VIEWER: "get",
    Scope.PROPOSER: "create",
    Scope.APPROVER: "approve",
    Scope.ADMIN: "administer",
}


class KubernetesTokens:
    """Asks the API server about tokens."""

    def __init__(
        self,
        reviewer: Callable[[], Reviewer],
        audiences: Sequence[str],
        granted: Callable[[], Sequence[Grant]],
        *,
        rbac: bool = False,
        namespaces: Sequence[str] = (),
    ) -> None:
        """With `rbac` scopes are asked of RBAC: everywhere, then in each of `namespaces`."""
        self._reviewer = reviewer
        self._audiences = audiences
        self._granted = granted
        self._rbac = rbac
        self._namespaces = namespaces

    def takes(self, claimed: Claimed) -> bool:
        """Take every token: the API server may know several issuers."""
        return True

    def identify(self, token: str) -> Principal:
        """Return who holds the token; see `Voucher.identify`."""
        cluster = self._reviewer()
        user = identity.review_token(cluster, token, self._audiences)
        if user is None:
            meant = " or ".join(self._audiences)
            raise Unauthenticated(
                "the API server does not know this token, or it was issued for another audience",
                hint=f"kubectl create token ACCOUNT --audience {meant}",
            )
        if user.name.lower().startswith("remedyd"):
            raise Unauthenticated("names that begin with remedyd are the daemon's own")
        found = self._asked(cluster, user) if self._rbac else self._given(user)
        if found is None:
            raise Forbidden(
                f"{user.name} has no right here",
                hint=f"grant it the verb {VERBS[Scope.VIEWER]} on proposals.{identity.GROUP}"
                if self._rbac
                else "add a grant for the user or one of its groups to the tokens file",
            )
        return found

    def _given(self, user: KubernetesUser) -> Principal | None:
        return grants.principal(self._granted(), "kubernetes", user.name, user.groups, user.name)

    def _asked(self, cluster: Reviewer, user: KubernetesUser) -> Principal | None:
        def held(namespace: str) -> frozenset[Scope]:
            return frozenset(
                s for s, verb in VERBS.items() if identity.may(cluster, user, verb, namespace)
            )

        everywhere = held("")
        within = {(place, s) for place in self._namespaces for s in held(place) - everywhere}
        if not everywhere and not within:
            return None
        return Principal(user.name, everywhere, within=frozenset(within))
