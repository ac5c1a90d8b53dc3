"""Who sits at a browser: a signed cookie that says who signed in, and until when.

The cookie holds no token. For a token of the tokens file it holds a keyed hash of it, and every
request looks for the token again: one that was removed or has expired ends its sessions at once,
and changed scopes hold from the next click. For a user of the OpenID provider it holds the name
and the groups that count, and every request asks the grants of now. For a ServiceAccount there is
nothing to look up, so the cookie holds the principal itself. Both last an hour at most. Nothing is
stored on the server, so every replica with the same key can read it; what replicas share is who
signed out.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from remedyd.errors import InvalidInput, Unauthenticated
from remedyd.model import Clock, Principal, Scope, SystemClock
from remedyd.server.console.ended import Ended, Shared, Spent
from remedyd.server.vouching import Lasting

LIFE: Final = timedelta(hours=8)
VOUCHED_LIFE: Final = timedelta(hours=1)
PENDING_LIFE: Final = timedelta(minutes=10)
_LONGEST: Final = 3800

Finder = Callable[[Callable[[bytes], bool]], Principal | None]
"""Finds who holds the token in force whose SHA-256 the given test recognises."""


class SessionSettings(Protocol):
    """The part of the server's settings that is about sessions."""

    @property
    def session_minutes(self) -> float:
        """How long a sign-in is good."""
        ...

    def session_key_value(self) -> bytes:
        """Return the signing key, b"" for none."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; `csrf` is what its forms have to carry."""

    id: str
    principal: Principal
    expires: datetime
    csrf: str = field(repr=False)


class Sessions:
    """Makes, reads and ends sessions; safe to share between threads."""

    def __init__(
        self,
        key: bytes = b"",
        *,
        clock: Clock | None = None,
        life: timedelta = LIFE,
        holder: Finder = lambda recognises: None,
        lasting: Lasting | None = None,
        ended: Ended | None = None,
    ) -> None:
        """Take the signing key; without one (b"") a random one is good until the process ends."""
        self._key = key or secrets.token_bytes(32)
        self._clock = clock or SystemClock()
        self._life = life
        self._holder = holder
        self._lasting = lasting
        self._ended = ended or Ended()
        self._unsealed = Spent()  # apart: strangers fill this one

    @classmethod
    def configured(
        cls,
        settings: SessionSettings,
        holder: Finder,
        lasting: Lasting | None = None,
        shared: Shared | None = None,
    ) -> "Sessions":
        """Return the sessions that the server's settings describe."""
        key, life = settings.session_key_value(), timedelta(minutes=settings.session_minutes)
        return cls(key, life=life, holder=holder, lasting=lasting, ended=Ended(shared))

    def begin(
        self, principal: Principal, token: str, *, at_provider: bool = False
    ) -> tuple[str, Session]:
        """Return the cookie's value for who has just shown `token`, and the session.

        Who signed in `at_provider` stays beyond the end of the ID token, which is a receipt for
        the sign-in and often good for minutes; whoever pasted a token does not.
        """
        reference = self._reference(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())
        listed = self._found(reference) is not None
        now = self._clock.now()
        life = self._life if listed else min(self._life, VOUCHED_LIFE)
        expires = (now + life).replace(microsecond=0)
        claims = {"t": reference} if listed else self._vouched(principal, token)
        if not listed and not at_provider:
            expires = min(expires, _own_end(token) or expires)
        claims |= {"i": secrets.token_hex(16), "e": int(expires.timestamp())}
        value = self._signed("session", claims)
        if len(value) > _LONGEST:
            raise InvalidInput(
                f"{principal.name} may act in too many namespaces for a browser's cookie",
                hint="use a token without a list of namespaces, or the command line",
            )
        return value, self._session(claims, principal)

    def read(self, value: str) -> Session:
        """Return the session of a cookie; raise Unauthenticated when it is none, or over.

        Raises StoreError where nobody can say whether it was ended elsewhere.
        """
        claims = self._claims("session", value)
        now = self._clock.now()
        session_id, end = str(claims["i"]), datetime.fromtimestamp(claims["e"], UTC)
        if now >= end or self._ended.has(session_id, end, now):
            raise Unauthenticated("the session has ended", hint="sign in again")
        principal = self._now(claims)
        if principal is None:
            raise Unauthenticated(
                "what was used to sign in is no longer valid here", hint="sign in again"
            )
        return self._session(claims, principal)

    def seal(self, claims: Mapping[str, Any]) -> str:
        """Sign what a browser is to bring back soon, and once, for a purpose that is no session."""
        until = self._clock.now() + PENDING_LIFE
        own = {"i": secrets.token_hex(16), "e": int(until.timestamp())}
        return self._signed("pending", {**claims, **own})

    def unseal(self, value: str) -> dict[str, Any]:
        """Return what was sealed, once; raise Unauthenticated for anything else, or too late."""
        claims = self._claims("pending", value)
        end = datetime.fromtimestamp(claims["e"], UTC)
        now = self._clock.now()
        if not self._unsealed.add(claims["i"], end, now) or now >= end:
            raise Unauthenticated("this sign-in is over", hint="sign in again")
        return claims

    def end(self, session: Session) -> None:
        """Sign out: the cookie is worth nothing any more, also where a copy was kept.

        Raises StoreError where only this replica knows of it.
        """
        self._ended.add(session.id, session.expires, self._clock.now())

    def _vouched(self, principal: Principal, token: str) -> dict[str, Any]:
        user = self._lasting.named(token) if self._lasting else None
        return {"u": user[0], "g": list(user[1])} if user else _described(principal)

    def _now(self, claims: Mapping[str, Any]) -> Principal | None:
        if "t" in claims:
            return self._found(claims["t"])
        if "u" in claims:
            return self._lasting.standing(claims["u"], claims["g"]) if self._lasting else None
        return _principal(claims)

    def _session(self, claims: Mapping[str, Any], principal: Principal) -> Session:
        end = datetime.fromtimestamp(claims["e"], UTC)
        return Session(claims["i"], principal, end, self._mac("csrf", claims["i"].encode()).hex())

    def _found(self, reference: str) -> Principal | None:
        return self._holder(lambda digest: hmac.compare_digest(self._reference(digest), reference))

    def _reference(self, digest: bytes) -> str:
        return self._mac("token", digest).hex()

    def _signed(self, purpose: str, claims: Mapping[str, Any]) -> str:
        body = json.dumps(claims, separators=(",", ":"), sort_keys=True).encode()
        return f"{_coded(body)}.{_coded(self._mac(purpose, body))}"

    def _claims(self, purpose: str, value: str) -> dict[str, Any]:
        """Return what was signed; whatever was not signed by us is not even parsed."""
        unknown = Unauthenticated("the session cookie is not one of ours", hint="sign in again")
        body, _, mac = value.partition(".")
        if not mac or len(value) > _LONGEST or not value.isascii():
            raise unknown
        try:
            raw, given = _decoded(body), _decoded(mac)
        except ValueError:
            raise unknown from None
        if not hmac.compare_digest(self._mac(purpose, raw), given):
            raise unknown
        claims: dict[str, Any] = json.loads(raw)
        return claims

    def _mac(self, purpose: str, body: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + body, "sha256")


def _described(principal: Principal) -> dict[str, Any]:
    reach = None if principal.namespaces is None else sorted(principal.namespaces)
    within = [[namespace, scope.value] for namespace, scope in sorted(principal.within)]
    return {"n": principal.name, "s": sorted(principal.scopes), "r": reach, "w": within}


def _principal(claims: Mapping[str, Any]) -> Principal:
    reach = None if claims["r"] is None else frozenset(claims["r"])
    return Principal(
        claims["n"],
        frozenset(Scope(scope) for scope in claims["s"]),
        reach,
        within=frozenset((namespace, Scope(scope)) for namespace, scope in claims["w"]),
    )


def _own_end(token: str) -> datetime | None:
    """Return when a JWT says that it ends, None for any other token. It was verified before."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        end = json.loads(_decoded(parts[1]))["exp"]
        return datetime.fromtimestamp(int(end), UTC)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def _coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
