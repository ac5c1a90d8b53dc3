"""Sends requests to Kibana, or only shows them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

import httpx2

from remedyd.elastic.kibana.call import Answer, Call, Secret
from remedyd.errors import ConfigurationError, KibanaError
from remedyd.urls import trust

_SECONDS: Final = 30.0
_LONGEST: Final = 500


class Wire(Protocol):
    """Something that answers calls."""

    def send(self, call: Call) -> Answer:
        """Send one; raise KibanaError when there is no answer or no right to ask."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class Kibana:
    """A Kibana and a key for it; `space` "" is the default space."""

    def __init__(self, url: str, key: Secret, *, space: str = "", ca: Path | None = None) -> None:
        """Take where it is; nothing is sent yet. Raise ConfigurationError for an unusable URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ConfigurationError(
                "the Kibana URL must begin with https:// (or http://), name a host and hold no "
                "user or password",
                hint="give the key in a file or in REMEDYD_KIBANA_API_KEY",
            )
        self._base = url.rstrip("/") + (f"/s/{quote(space, safe='')}" if space else "")
        self._shown = f"{parts.scheme}://{parts.netloc}"
        headers = {"Authorization": f"ApiKey {key.reveal()}"}
        secure = parts.scheme == "https"
        verify: Any = trust(ca, "Kibana") if ca else secure
        self._client = httpx2.Client(headers=headers, timeout=_SECONDS, verify=verify)

    def send(self, call: Call) -> Answer:
        """Send one request."""
        files = None
        if call.upload:
            files = {"file": ("remedyd.ndjson", call.upload.encode(), "application/ndjson")}
        try:
            answer = self._client.request(
                call.method,
                f"{self._base}{call.target}",
                content=call.sent(),
                files=files,
                headers=call.headers(),
            )
        except httpx2.HTTPError as error:
            raise KibanaError(
                f"{self._shown} does not answer: {type(error).__name__}: {error}",
                hint="check --kibana-url, the network and --ca",
            ) from error
        if answer.status_code in (401, 403):
            raise KibanaError(
                f"{call.what}: Kibana refuses ({answer.status_code}): {_reason(answer)}",
                hint="the key needs the privileges that `remedyd elastic keys` prints",
            )
        return Answer(answer.status_code, _json(answer))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class Rehearsal:
    """Shows every request and sends none; to a question it answers that nothing is there."""

    def __init__(self, show: Callable[[str], None]) -> None:
        """Take who is shown the requests."""
        self._show = show

    def send(self, call: Call) -> Answer:
        """Show one request."""
        self._show(f"{call.shown()}\n")
        if call.method == "GET":
            return Answer(200, []) if call.path.endswith("/connectors") else Answer(404)
        name = call.body.get("name", "") if isinstance(call.body, dict) else ""
        return Answer(200, {"id": f"<id of {name}>" if name else ""})

    def close(self) -> None:
        """There is nothing to close."""


def checked(call: Call, answer: Answer) -> Answer:
    """Return the answer of a call that was done; raise KibanaError for any other."""
    if answer.ok:
        return answer
    body = answer.body
    told = body.get("message") or body.get("error") if isinstance(body, dict) else body
    raise KibanaError(
        f"{call.what}: Kibana answered {answer.status}: {str(told)[:_LONGEST]}",
        hint=_HINTS.get(answer.status, "nothing else was tried; mend it and run the command again"),
    )


_HINTS: Final = {
    404: "this Kibana has no such API: workflows, Agent Builder and the MCP connector need 9.4 "
    "and an Enterprise licence",
}


def _json(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _reason(answer: httpx2.Response) -> str:
    body = _json(answer)
    told = body.get("message") if isinstance(body, dict) else None
    return str(told or answer.reason_phrase)[:_LONGEST]
