"""The CLI's HTTP client: asks one daemon, and turns its problems into our errors."""

import json
import ssl
import weakref
from collections.abc import Iterator, Mapping
from threading import Event
from typing import Any

import httpx2

from remedyd.cli import contexts
from remedyd.errors import (
    ConfigurationError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RemedydError,
    Unauthenticated,
)
from remedyd.urls import trust

_KINDS: dict[int, type[RemedydError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Conflict,
    422: InvalidInput,
}
_SPARE_SECONDS = 15.0
_STARTING = 503
_TRIES = 30
_PAUSE_SECONDS = 1.0


class Client:
    """Speaks to one daemon. The token comes from the environment or a file, never from argv."""

    def __init__(
        self, connection: contexts.Connection | None = None, *, timeout_seconds: float = 30.0
    ) -> None:
        """Take where the daemon is, by default what flags, environment and contexts say."""
        found = connection or contexts.connection()
        try:
            self._http = httpx2.Client(
                base_url=found.url,
                timeout=timeout_seconds,
                headers={"Authorization": f"Bearer {found.token}"},
                verify=_trust(found),
            )
        except httpx2.InvalidURL as error:
            raise ConfigurationError(f"{found.url} is no address: {error}") from error
        self.connection = found
        weakref.finalize(self, self._http.close)  # commands end without a word to their client

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON at `path`; raise what the problem details say."""
        return self._send("GET", path, params={k: v for k, v in params.items() if v})

    def post(
        self, path: str, body: dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> Any:
        """Post `body` and return the JSON answer."""
        return self._send("POST", path, json=body, headers=headers)

    def delete(self, path: str, **params: Any) -> Any:
        """Delete what is at `path` and return the JSON answer."""
        return self._send("DELETE", path, params={k: v for k, v in params.items() if v})

    def wait(self, path: str, seconds: float, **params: Any) -> Any:
        """Return the JSON at `path`, which the daemon may hold back for `seconds`."""
        given = {k: v for k, v in params.items() if v is not None} | {"wait": seconds}
        return self._send("GET", path, params=given, timeout=seconds + _SPARE_SECONDS)

    def answer(self, path: str) -> tuple[int, Any]:
        """Return status and JSON of a GET whose error statuses are an answer, too."""
        response = self._request("GET", path)
        return response.status_code, self._json(response)

    def events(self, last_id: str = "", **params: Any) -> Iterator[dict[str, Any]]:
        """Give each event of the stream as it comes; reconnects behind the last one."""
        given = {k: v for k, v in params.items() if v}
        while True:
            for line in self._lines(given, last_id):
                if line.startswith("data: "):
                    event: dict[str, Any] = json.loads(line[6:])
                    last_id = str(event["position"])
                    yield event
                elif line.startswith(": from "):
                    last_id = last_id or line.removeprefix(": from ")

    def _lines(self, given: dict[str, Any], last_id: str) -> Iterator[str]:
        """Give the lines of the stream until it ends; one that breaks off has ended, too."""
        headers = {"Last-Event-ID": last_id} if last_id else {}
        for left in range(_TRIES, 0, -1):
            try:
                with self._http.stream(
                    "GET", "/v1/events", params=given, headers=headers, timeout=None
                ) as stream:
                    if stream.is_success:
                        yield from stream.iter_lines()
                        break
                    stream.read()
                    if stream.status_code != _STARTING or left == 1:
                        raise _problem(stream)
            except httpx2.ConnectError as error:
                if left == 1:
                    raise self._unreachable(error) from error
            except httpx2.HTTPError:
                break  # the daemon was stopped or the way was cut: go on behind the last event
            Event().wait(_PAUSE_SECONDS)
        Event().wait(_PAUSE_SECONDS)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        response = self._request(method, path, **options)
        if response.is_success:
            return self._json(response)
        raise _problem(response)

    def _json(self, response: httpx2.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise RemedydError(
                f"{self.connection.url} answers, but not as remedyd does: no JSON",
                hint="does a proxy or a page to sign in stand in between?",
            ) from error

    def _request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        try:
            return self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> RemedydError:
        return RemedydError(
            f"{self.connection.url}: {error}",
            hint="is the daemon running there? Set REMEDYD_URL or port-forward to it",
        )


def _trust(connection: contexts.Connection) -> ssl.SSLContext | bool:
    if connection.url.startswith("http://"):
        return False  # without TLS nothing is verified, and reading certificates takes its time
    return True if connection.ca is None else trust(connection.ca, "the daemon")


def _problem(response: httpx2.Response) -> RemedydError:
    try:
        body = response.json()
        detail, hint = str(body["detail"]), str(body.get("hint", ""))
    except (ValueError, KeyError, TypeError):
        detail, hint = f"HTTP {response.status_code} without problem details", ""
    return _KINDS.get(response.status_code, RemedydError)(detail, hint=hint)
