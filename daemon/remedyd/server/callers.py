"""Everybody who may call, as the settings say: listed tokens, Kubernetes, an OpenID provider."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from remedyd.cluster.access import Reviewer
from remedyd.errors import ConfigurationError
from remedyd.model import Clock
from remedyd.rotation import Follow
from remedyd.server.auth import Authenticator
from remedyd.server.grants import Grant, Source
from remedyd.server.kubernetes_tokens import KubernetesTokens
from remedyd.server.tokens import Callers, Token, read
from remedyd.server.vouching import Lasting, Voucher, Vouching
from remedyd.settings import ServerSettings


def authenticator(
    settings: ServerSettings,
    clock: Clock,
    reviewer: Callable[[], Reviewer],
    *,
    failures: int = 10,
    follow: Follow = lambda _: None,
) -> Authenticator:
    """Return the authenticator that the settings describe; `reviewer` is first called later.

    `follow` looks after what is made of files that may be rotated. After `failures` wrong tokens
    within a minute an address is told to wait.

    Raise ConfigurationError for a configuration that is weak, or by which nobody could call.
    """
    listed = _Listed(settings)
    vouchers = _vouchers(settings, reviewer, lambda: listed.callers.grants, follow)
    keep = timedelta(seconds=settings.identity_cache_seconds)
    vouching = Vouching(vouchers, clock, keep=keep) if vouchers else None
    if vouching is not None:
        listed.on_grants = vouching.forget
    lasting = next((v for v in vouchers if isinstance(v, Lasting)), None)
    return Authenticator(listed.load, clock, vouching=vouching, lasting=lasting, failures=failures)


class _Listed:
    """The tokens file and the inline tokens, read again at every `load`."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self.callers = Callers(())
        self.on_grants: Callable[[], None] = lambda: None

    def load(self) -> Sequence[Token]:
        """Return the tokens; the grants beside them are in `callers`."""
        settings = self._settings
        kubernetes, oidc = settings.kubernetes_tokens, settings.oidc
        inline = settings.tokens.get_secret_value() if settings.tokens else ""
        others = kubernetes.enabled or bool(oidc.issuer)
        found = read(settings.tokens_file, inline, others=others)
        if kubernetes.enabled and kubernetes.scopes_from == "grants":
            _check(found, "kubernetes", "REMEDYD_SERVER__KUBERNETES_TOKENS__SCOPES_FROM=rbac")
        if oidc.issuer:
            _check(found, "oidc", "")
        changed = found.grants != self.callers.grants
        self.callers = found
        if changed:  # what is remembered of users rests on the grants of before
            self.on_grants()
        return found.tokens


def _check(found: Callers, source: Source, other: str) -> None:
    if not any(grant.source == source for grant in found.grants):
        also = f", or set {other}" if other else ""
        raise ConfigurationError(
            f"tokens of {source} are accepted, but no grant says what their holders may do",
            hint=f"add `grants` with `from: {source}` to the tokens file{also}",
        )


def _vouchers(
    settings: ServerSettings,
    reviewer: Callable[[], Reviewer],
    granted: Callable[[], Sequence[Grant]],
    follow: Follow,
) -> list[Voucher]:
    found: list[Voucher] = []
    if settings.oidc.issuer:
        from remedyd.server.oidc import OidcTokens

        tokens = OidcTokens(settings.oidc, granted)
        follow(tokens.provider.held)
        found.append(tokens)
    kubernetes = settings.kubernetes_tokens
    if kubernetes.enabled:  # last: it takes whatever nobody else claims
        found.append(
            KubernetesTokens(
                reviewer,
                kubernetes.audiences,
                granted,
                rbac=kubernetes.scopes_from == "rbac",
                namespaces=kubernetes.namespaces,
            )
        )
    return found
