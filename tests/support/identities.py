"""Those who vouch for callers: an API server with accounts and roles, an OpenID provider."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from support.wire import Answer, Asked, serving, told

RBAC = "/apis/rbac.authorization.k8s.io/v1"
AUDIENCE = "remedyd"
P = TypeVar("P", bound="Provider")


def a_key() -> rsa.RSAPrivateKey:
    """Return a fresh signing key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Provider:
    """An OpenID provider: `documents` are what it serves by path, `moved` what is elsewhere."""

    url: str = ""
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)

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

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        if asked.path in self.moved:
            return Answer(302, headers={"Location": self.moved[asked.path]})
        document = self.documents.get(asked.path)
        if isinstance(document, Answer):
            return document
        return told(404 if document is None else 200, document)

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
def published(found: P, host: str = "127.0.0.1") -> Iterator[P]:
    """Serve a provider on loopback, by the name that is given."""
    with serving(lambda asked: found.answer(asked)) as wire:
        found.url = wire.url.replace("127.0.0.1", host)
        found.publish()
        yield found


def provider() -> AbstractContextManager[Provider]:
    """Serve an OpenID provider with one key."""
    return published(Provider(keys={"first": a_key()}))
