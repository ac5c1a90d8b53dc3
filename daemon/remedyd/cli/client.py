"""The CLI's HTTP client: where the daemon is, which token, and what its problems mean."""

import os
from pathlib import Path
from typing import Any

import httpx2

from remedyd.errors import ConfigurationError, Conflict, NotFound, RemedydError, Unauthenticated

_KINDS: dict[int, type[RemedydError]] = {401: Unauthenticated, 404: NotFound, 409: Conflict}


class Client:
    """Speaks to one daemon. The token comes from the environment or a file, never from argv."""

    def __init__(self, url: str = "", *, timeout_seconds: float = 30.0) -> None:
        """Take the daemon's base URL, by default `$REMEDYD_URL` or the local port."""
        base = url or os.environ.get("REMEDYD_URL", "http://127.0.0.1:8000")
        self._http = httpx2.Client(
            base_url=base.rstrip("/"),
            timeout=timeout_seconds,
            headers={"Authorization": f"Bearer {token()}"},
        )

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON at `path`; raise what the problem details say."""
        return self._send("GET", path, params={k: v for k, v in params.items() if v})

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Post `body` and return the JSON answer."""
        return self._send("POST", path, json=body)

    def delete(self, path: str, **params: Any) -> Any:
        """Delete what is at `path` and return the JSON answer."""
        return self._send("DELETE", path, params={k: v for k, v in params.items() if v})

    def _send(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise RemedydError(
                f"{self._http.base_url}: {error}",
                hint="is the daemon running there? Set REMEDYD_URL or port-forward to it",
            ) from error
        if response.is_success:
            return response.json()
        raise _problem(response)


def token() -> str:
    """Return the token of `$REMEDYD_TOKEN` or of the file `$REMEDYD_TOKEN_FILE`."""
    if value := os.environ.get("REMEDYD_TOKEN"):
        return value
    if file := os.environ.get("REMEDYD_TOKEN_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    raise ConfigurationError(
        "no token", hint="set REMEDYD_TOKEN or REMEDYD_TOKEN_FILE to your bearer token"
    )


def _problem(response: httpx2.Response) -> RemedydError:
    try:
        body = response.json()
        detail, hint = str(body["detail"]), str(body.get("hint", ""))
    except (ValueError, KeyError, TypeError):
        detail, hint = f"HTTP {response.status_code} without problem details", ""
    return _KINDS.get(response.status_code, RemedydError)(detail, hint=hint)
