"""Sign in with an OpenID provider: authorization code with PKCE, state and nonce.

What comes back is an ID token, and it is taken like any token of that provider: who may do what
is decided by the daemon's own check of it. Here it is only fetched.
"""

import base64
import hashlib
import hmac
import json
import secrets
import ssl
import threading
from collections.abc import Mapping
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from remedyd.errors import IdentityUnavailable, Throttled, Unauthenticated
from remedyd.model import monotonic
from remedyd.observability import logs
from remedyd.server.rates import Rates
from remedyd.settings import OidcSettings

log = logs.get(__name__)

_LARGEST: Final = 1_000_000
_SECONDS: Final = 5.0
_A_MINUTE: Final = 60


class Provider:
    """One provider, found by discovery when the first person signs in."""

    def __init__(self, settings: OidcSettings) -> None:
        """Take the settings; nothing is fetched yet."""
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=settings.ca_file)
        self._found: Mapping[str, Any] | None = None
        self._lock = threading.Lock()
        self._rates = Rates(_A_MINUTE, monotonic)

    @classmethod
    def configured(cls, settings: OidcSettings) -> "Provider | None":
        """Return the provider to sign in with, None where the settings name no way back."""
        return cls(settings) if settings.issuer and settings.redirect_url else None

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
        address = self._endpoint("authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", pending

    def finish(self, code: str, pending: Mapping[str, str]) -> str:
        """Return the ID token for the code; raise Unauthenticated where there is none."""
        if wait := self._rates.take(""):
            raise Throttled(f"too many people sign in at once; wait {wait} s", wait)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect_url,
            "code_verifier": pending["verifier"],
            "client_id": self._settings.audience,
        }
        headers = {"Accept": "application/json"}
        if secret := self._settings.client_secret_value():
            pair = f"{quote(self._settings.audience, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        address = self._endpoint("token_endpoint")
        try:
            answer = self._json(Request(address, urlencode(fields).encode(), headers))  # noqa: S310
        except HTTPError as error:
            log.warning("sign-in refused by the provider", status=error.code)
            raise Unauthenticated(
                "the identity provider does not accept the sign-in", hint="sign in again"
            ) from error
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Unauthenticated("the identity provider sent no ID token", hint="ask for openid")
        return token

    def _endpoint(self, name: str) -> str:
        """Return an address of the discovery document; only https, or this machine."""
        with self._lock:
            if self._found is None:
                self._found = self._discovered()
            found = self._found.get(name)
        if not isinstance(found, str) or not _secure(found):
            raise self._silent(f"it has no usable {name}")
        return found

    def _discovered(self) -> Mapping[str, Any]:
        url = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            found = self._json(Request(url, headers={"Accept": "application/json"}))  # noqa: S310
        except HTTPError as error:
            raise self._silent(f"{error.code} for its discovery document") from error
        if found.get("issuer") != self._settings.issuer:
            raise self._silent("its discovery document names another issuer")
        return found

    def _json(self, request: Request) -> Mapping[str, Any]:
        """Fetch a JSON object; raise HTTPError for a refusal, IdentityUnavailable otherwise."""
        try:
            with urlopen(request, timeout=_SECONDS, context=self._tls) as answer:  # noqa: S310
                found = json.loads(answer.read(_LARGEST))
        except HTTPError as error:
            error.close()
            raise
        except (OSError, ValueError) as error:
            raise self._silent(str(error)) from error
        if not isinstance(found, dict):
            raise self._silent("its answer is no JSON object")
        return found

    def _silent(self, reason: str) -> IdentityUnavailable:
        return IdentityUnavailable(
            f"the identity provider {self._settings.issuer} cannot be used: {reason}",
            hint="sign in with a token, or try again",
        )


def same_nonce(token: str, pending: Mapping[str, str]) -> bool:
    """Whether a verified ID token was made for this very sign-in."""
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return hmac.compare_digest(str(claims.get("nonce", "")).encode(), pending["nonce"].encode())


def _secure(url: str) -> bool:
    local = ("http://127.0.0.1:", "http://localhost:")
    return url.startswith("https://") or url.startswith(local)
