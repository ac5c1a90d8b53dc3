"""What an OpenID provider says of itself: fetched once, believed only about itself.

Whoever checks tokens and whoever signs people in ask here for the addresses they need. No
redirect is followed: a request may carry the client's secret, and an address that was checked
must be the one that is asked.
"""

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from remedyd.deadlines import bounded
from remedyd.errors import ConfigurationError, IdentityUnavailable
from remedyd.model import monotonic
from remedyd.rotation import Rotating
from remedyd.settings import OidcSettings
from remedyd.urls import secure, trust

PART: Final = "identity provider"
_SECONDS: Final = 5.0
_REST_SECONDS: Final = 5.0
_LARGEST: Final = 1_000_000


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: the answer is then an HTTPError, like any other refusal."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Plain(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(bounded(HTTPConnection), req)


class _Tls(HTTPSHandler):
    """Speaks TLS; either way answers come whole within their time."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._trust = context

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(bounded(HTTPSConnection), req, context=self._trust)


class Discovery:
    """The addresses of one issuer; safe to share between threads."""

    def __init__(
        self,
        settings: OidcSettings,
        trouble: str,
        hint: str,
        *,
        ticks: Callable[[], float] = monotonic,
        seconds: float = _SECONDS,
    ) -> None:
        """Take how to say that it does not work and what to do; nothing is fetched yet.

        `seconds` bound the connection, and then the whole answer. Raises ConfigurationError for a
        CA file that cannot be used.
        """
        self._settings = settings
        self._issuer = settings.issuer
        self._trouble = trouble
        self._hint = hint
        self.held = _following(settings)
        self._found: Mapping[str, Any] | None = None
        self._ticks = ticks
        self._seconds = seconds
        self._rest: tuple[float, str] = (-_REST_SECONDS, "")
        self._lock = threading.Lock()

    def endpoint(self, name: str) -> str:
        """Return an address of the document; raise IdentityUnavailable for none or an open one."""
        with self._lock:
            if self._found is None:
                self._found = self._discovered()
            found = self._found.get(name)
        if not isinstance(found, str):
            raise self.silent(f"its discovery document names no {name}")
        if not secure(found):
            raise self.silent(f"its {name} is not served by https")
        return found

    def fetch(self, request: Request) -> Mapping[str, Any]:
        """Return a JSON object; raise HTTPError for a refusal, IdentityUnavailable otherwise.

        A provider that does not answer is left alone for some seconds: every caller with a token
        of its would hold a thread meanwhile, and strangers can make such tokens up.
        """
        failed, why = self._rest
        if self._ticks() - failed < _REST_SECONDS:
            raise self.silent(why)
        try:
            found = json.loads(self._read(request))
        except HTTPError as error:
            error.close()
            raise
        except (OSError, HTTPException) as error:
            self._rest = (self._ticks(), str(error))
            raise self.silent(str(error)) from error
        except (ValueError, RecursionError) as error:
            raise self.silent(f"its answer is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise self.silent("its answer is no JSON object")
        return found

    def _read(self, request: Request) -> bytes:
        """Return the answer, of a provider whose certificate is good by the CA file as it is."""
        opener = self.held.current()
        try:
            with opener.open(request, timeout=self._seconds) as answer:
                return bytes(answer.read(_LARGEST))
        except URLError as error:
            other = self.held.instead_of(opener) if _strange(error) else None
            if other is None:
                raise
        with other.open(request, timeout=self._seconds) as answer:
            return bytes(answer.read(_LARGEST))

    def document(self, url: str) -> Mapping[str, Any]:
        """Return what is published at an address; raise IdentityUnavailable."""
        try:
            return self.fetch(Request(url, headers={"Accept": "application/json"}))  # noqa: S310
        except HTTPError as error:
            raise self.silent(f"{error.code} for {urlsplit(url).path}") from error

    def silent(self, reason: str) -> IdentityUnavailable:
        """Return the error that tells `reason`."""
        return IdentityUnavailable(
            f"the identity provider {self._issuer} {self._trouble}: {reason}", hint=self._hint
        )

    def _discovered(self) -> Mapping[str, Any]:
        found = self.document(_published(self._settings))
        if found.get("issuer") != self._issuer:
            raise self.silent("its discovery document names another issuer")
        return found


def _following(settings: OidcSettings) -> Rotating[OpenerDirector]:
    """Return what opens addresses of the provider, made again when its CA file changes."""

    def make() -> OpenerDirector:
        tls = trust(settings.ca_file, "the identity provider")
        return build_opener(_Plain(), _Tls(tls), _Stay())

    def prove(opener: OpenerDirector) -> None:
        try:
            opener.open(_published(settings), timeout=_SECONDS).close()
        except HTTPError as error:
            error.close()
        except (OSError, HTTPException) as error:
            if _strange(error):
                raise ConfigurationError(
                    f"the CA file {settings.ca_file} does not vouch for {settings.issuer}",
                    hint="name the CA that signed the certificate of the identity provider",
                ) from error

    files = (settings.ca_file,) if settings.ca_file else ()
    return Rotating(PART, files, make, prove=prove)


def _published(settings: OidcSettings) -> str:
    return settings.issuer.rstrip("/") + "/.well-known/openid-configuration"


def _strange(error: Exception) -> bool:
    """Whether nobody whom we trust has signed the certificate."""
    return isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError)
