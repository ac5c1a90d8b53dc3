"""Those who vouch for callers: an API server with accounts and roles, an OpenID provider."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

RBAC = "/apis/rbac.authorization.k8s.io/v1"
AUDIENCE = "remedyd"


def a_key() -> rsa.RSAPrivateKey:
    """Return a fresh signing key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Provider:
    """An OpenID provider on loopback; `documents` are what it serves, by path."""

    url: str = ""
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self) -> None:
        """Serve discovery and the public halves of all keys."""
        self.documents["/.well-known/openid-configuration"] = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
        }
        shown = []
        for name, key in self.keys.items():
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
            shown.append({**public, "kid": name, "use": "sig", "alg": "RS256"})
        self.documents["/keys"] = {"keys": shown}

    def token(self, now: datetime, key: str = "first", **claims: Any) -> str:
        """Return a signed token of Ann; a claim of None is left out."""
        held = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ann",
            "groups": ["sre"],
            "iat": now,
            "exp": now + timedelta(minutes=5),
            **claims,
        }
        kept = {name: value for name, value in held.items() if value is not None}
        return jwt.encode(kept, self.keys[key], algorithm="RS256", headers={"kid": key})


@contextmanager
def provider() -> Iterator[Provider]:
    """Serve an OpenID provider with one key."""
    found = Provider(keys={"first": a_key()})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            document = found.documents.get(self.path)
            body = json.dumps(document).encode()
            self.send_response(404 if document is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        found.publish()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
