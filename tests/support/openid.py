"""An OpenID provider that signs people in: everybody consents, a code buys a token once."""

import base64
import hashlib
import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from support.identities import Provider, a_key, published
from support.wire import Answer, Asked, told


@dataclass
class SignIn(Provider):
    """`back` is where browsers are sent, whatever was asked; `codes` are handed out once."""

    back: str = ""
    secret: str = "the-clients-secret"
    user: str = "ann"
    claims: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def publish(self) -> None:
        """Serve discovery with the endpoints of signing in."""
        super().publish()
        self.documents["/.well-known/openid-configuration"] |= {
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser goes with a code, as after a consent."""
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return f"{self.back}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, fields: dict[str, str], authorization: str) -> dict[str, str] | None:
        """Return the tokens for a code; None for a wrong code, verifier or secret."""
        asked = self.codes.pop(fields.get("code", ""), None)
        if asked is None:
            return None
        known = base64.b64encode(f"{asked['client_id']}:{self.secret}".encode()).decode()
        digest = hashlib.sha256(fields["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if proof != asked["code_challenge"] or authorization != f"Basic {known}":
            return None
        now = datetime.now(UTC)
        claims = {"nonce": asked["nonce"], "sub": self.user, "exp": now + timedelta(days=1)}
        return {"id_token": self.token(now, **(claims | self.claims)), "token_type": "Bearer"}

    def answer(self, asked: Asked) -> Answer:
        """Consent at once, exchange codes, and serve what every provider serves."""
        path = urlsplit(asked.path)
        if path.path == "/authorize":
            return told(302, None, Location=self.authorize(_flat(path.query)))
        if asked.method == "POST":
            sent = _flat(asked.body.decode())
            tokens = self.exchange(sent, asked.headers.get("Authorization", ""))
            return told(400 if tokens is None else 200, tokens or {"error": "invalid_grant"})
        return super().answer(asked)


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


def openid() -> AbstractContextManager[SignIn]:
    """Serve the provider; by another name than the daemon's, so that it is another site."""
    return published(SignIn(keys={"first": a_key()}), "localhost")
