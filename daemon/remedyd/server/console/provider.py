"""Sign in with an OpenID provider: authorization code with PKCE, state and nonce.

What comes back is an ID token, and it is taken like any token of that provider: who may do what
is decided by the daemon's own check of it. Here it is only fetched.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request

from remedyd.errors import Throttled, Unauthenticated
from remedyd.model import monotonic
from remedyd.observability import logs
from remedyd.rotation import Follow, Rotating
from remedyd.server import jwts
from remedyd.server.discovery import PART, Discovery
from remedyd.server.rates import Rates
from remedyd.settings import OidcSettings

log = logs.get(__name__)

_A_MINUTE: Final = 60


class Provider:
    """One provider, found by discovery when the first person signs in."""

    def __init__(self, settings: OidcSettings, follow: Follow = lambda _: None) -> None:
        """Take the settings; nothing is fetched yet. `follow` looks after what may be rotated."""
        self._settings = settings
        file = None if settings.client_secret else settings.client_secret_file
        self._secret = Rotating(PART, (file,) if file else (), settings.client_secret_value)
        self._discovery = Discovery(
            settings, "cannot be used", "sign in with a token, or try again"
        )
        follow(self._secret)
        follow(self._discovery.held)
        self._rates = Rates(_A_MINUTE, monotonic)

    @classmethod
    def configured(
        cls, settings: OidcSettings, follow: Follow = lambda _: None
    ) -> "Provider | None":
        """Return the provider to sign in with, None where the settings name no way back."""
        return cls(settings, follow) if settings.issuer and settings.redirect_url else None

    @property
    def name(self) -> str:
        """The provider's host, for the button."""
        return self._settings.issuer.partition("://")[2].partition("/")[0]

    def begin(self, wanted: str) -> tuple[str, dict[str, str]]:
        """Return where to send the browser, and what it has to bring back with it."""
        pending = {
            "state": secrets.token_urlsafe(32),
            "nonce": secrets.token_urlsafe(32),
            "verifier": secrets.token_urlsafe(48),
            "wanted": wanted,
        }
        challenge = hashlib.sha256(pending["verifier"].encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._settings.audience,
            "redirect_uri": self._settings.redirect_url,
            "scope": self._settings.sign_in_scope,
            "state": pending["state"],
            "nonce": pending["nonce"],
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        address = self._discovery.endpoint("authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", pending

    def finish(self, code: str, pending: Mapping[str, str], source: str = "") -> str:
        """Return the ID token for the code; raise Unauthenticated where there is none.

        `source` is the browser's address: who tries without end keeps no other from signing in.
        """
        if wait := self._rates.take(source):
            raise Throttled(f"too many sign in from there at once; wait {wait} s", wait)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect_url,
            "code_verifier": pending["verifier"],
            "client_id": self._settings.audience,
        }
        headers = {"Accept": "application/json"}
        if secret := self._secret.current():
            pair = f"{quote(self._settings.audience, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        address = self._discovery.endpoint("token_endpoint")
        try:
            request = Request(address, urlencode(fields).encode(), headers)  # noqa: S310
            answer = self._discovery.fetch(request)
        except HTTPError as error:
            log.warning(f"the identity provider refused a sign-in: {error.code}")
            raise Unauthenticated(
                "the identity provider does not accept the sign-in", hint="sign in again"
            ) from error
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Unauthenticated("the identity provider sent no ID token", hint="ask for openid")
        return token


def same_nonce(token: str, pending: Mapping[str, str]) -> bool:
    """Whether a verified ID token was made for this very sign-in."""
    claims = jwts.part(token.split(".")[1]) or {}
    return hmac.compare_digest(str(claims.get("nonce", "")).encode(), pending["nonce"].encode())
