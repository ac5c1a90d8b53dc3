"""Tokens of an OpenID Connect provider: signed JSON Web Tokens, checked with its published keys.

Only asymmetric algorithms that the settings name are accepted, and issuer, audience, subject and
expiry must be there. Keys are fetched when first needed and again for a key that is not known.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from remedyd.errors import ConfigurationError, Forbidden, Unauthenticated
from remedyd.model import Principal
from remedyd.server import grants, jwts
from remedyd.server.discovery import Discovery
from remedyd.server.grants import Grant
from remedyd.server.jwts import Claimed
from remedyd.settings import OidcSettings

_REQUIRED: Final = ["exp", "iat", "iss", "aud", "sub"]
_KEYS_LIVE_SECONDS: Final = 300


class OidcTokens:
    """Verifies tokens of one issuer."""

    def __init__(
        self,
        settings: OidcSettings,
        granted: Callable[[], Sequence[Grant]],
        *,
        cooldown_seconds: float = 30.0,
    ) -> None:
        """Take how long an unknown key must wait for the keys to be fetched once more.

        Raise ConfigurationError when the library for it is not installed.
        """
        try:
            import jwt
        except ImportError as error:
            raise ConfigurationError(
                "tokens by OpenID Connect need PyJWT", hint="pip install 'remedyd[oidc]'"
            ) from error
        self._jwt = jwt
        self._settings = settings
        self._granted = granted
        self._cooldown = cooldown_seconds
        self.provider = Discovery(
            settings, "gives no keys", "check REMEDYD_SERVER__OIDC__ISSUER and the way to it"
        )
        self._keys: Any = None

    def takes(self, claimed: Claimed) -> bool:
        """Take the tokens of our issuer."""
        return claimed.issuer == self._settings.issuer

    def identify(self, token: str) -> Principal:
        """Return who holds the token; see `Voucher.identify`."""
        claims = self._verified(token)
        name, groups = self._names(claims)
        shown = self._shown(name)
        if shown.lower().startswith("remedyd"):
            raise Unauthenticated("names that begin with remedyd are the daemon's own")
        found = self.standing(name, groups)
        if found is None:
            raise Forbidden(
                f"{shown} has no right here",
                hint="add a grant for the user or one of its groups to the tokens file",
            )
        return found

    def named(self, token: str) -> tuple[str, tuple[str, ...]] | None:
        """Return user and granted groups; see `Lasting.named`. The token was verified before."""
        claimed = jwts.peek(token)
        if claimed is None or not self.takes(claimed):
            return None
        name, groups = self._names(self._jwt.decode(token, options={"verify_signature": False}))
        granted = {grant.group for grant in self._granted() if grant.source == "oidc"}
        return name, tuple(group for group in groups if group in granted)

    def standing(self, user: str, groups: Sequence[str]) -> Principal | None:
        """Return what the grants give; see `Lasting.standing`."""
        return grants.principal(self._granted(), "oidc", user, groups, self._shown(user))

    def _shown(self, name: str) -> str:
        return f"{self._settings.username_prefix}{name}"

    def _verified(self, token: str) -> dict[str, Any]:
        jwt, settings = self._jwt, self._settings
        try:
            key = self._client().get_signing_key_from_jwt(token)
            found: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=list(settings.algorithms),
                issuer=settings.issuer,
                audience=settings.audience,
                leeway=settings.leeway_seconds,
                options={"require": _REQUIRED},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(
                f"the token is not accepted: {error}", hint="sign in again for a new token"
            ) from error
        return found

    def _names(self, claims: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
        settings = self._settings
        name = claims.get(settings.username_claim)
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise Unauthenticated(f"the token has no usable claim {settings.username_claim!r}")
        # an address that nobody has checked could be anybody's
        if settings.username_claim == "email" and claims.get("email_verified") is not True:
            raise Unauthenticated("the token's e-mail address is not verified")
        groups = claims.get(settings.groups_claim)
        groups = [groups] if isinstance(groups, str) else groups
        known = groups if isinstance(groups, list) else []
        return name, tuple(group for group in known if isinstance(group, str))

    def _client(self) -> Any:
        if self._keys is None:
            url = self._settings.jwks_url or self.provider.endpoint("jwks_uri")
            self._keys = _client_of(self._jwt, self.provider)(
                url, lifespan=_KEYS_LIVE_SECONDS, cooldown_duration=self._cooldown
            )
        return self._keys


def _client_of(jwt: Any, provider: Discovery) -> Any:
    """Return the library's keeper of keys, fetching as we do: bounded, and with named errors."""

    class Keys(jwt.PyJWKClient):  # type: ignore[misc]
        def fetch_data(self) -> Any:
            return dict(provider.document(self.uri))

    return Keys
