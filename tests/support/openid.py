"""An OpenID provider that signs people in: everybody consents, a code buys a token once."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from support.identities import Provider, a_key


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


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@contextmanager
def openid() -> Iterator[SignIn]:
    """Serve the provider; by another name than the daemon's, so that it is another site."""
    found = SignIn(keys={"first": a_key()})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path)
            if path.path == "/authorize":
                self._answer(302, None, found.authorize(_flat(path.query)))
                return
            document = found.documents.get(self.path)
            self._answer(404 if document is None else 200, document)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            tokens = found.exchange(_flat(body), self.headers.get("Authorization", ""))
            self._answer(400 if tokens is None else 200, tokens or {"error": "invalid_grant"})

        def _answer(self, status: int, document: Any, location: str = "") -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://localhost:{server.server_port}"
        found.publish()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
