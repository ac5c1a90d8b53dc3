"""Requests and replies of the endpoint, and the bodies of its errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

VERSION: Final = "9.4.2"
BUILD: Final = "3ae3a7a6c8d1c0a5b9d9a1f7e1f4c1c0ffee0942"
_VENDOR = "application/vnd.elasticsearch+json"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON, {} when there is none; raise Failure for broken JSON."""
        if not self.body.strip():
            return {}
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Failure(400, "x_content_parse_exception", f"[1:1] {error}") from error

    def lines(self) -> list[Any]:
        """Return the body as NDJSON; raise Failure for broken JSON."""
        try:
            return [json.loads(line) for line in self.body.splitlines() if line.strip()]
        except ValueError as error:
            raise Failure(400, "x_content_parse_exception", f"[1:1] {error}") from error

    def flag(self, name: str, default: bool) -> bool:
        """Return a boolean URL parameter."""
        given = self.query.get(name)
        return default if given is None else given in ("", "true")

    def compatibility(self) -> int | None:
        """Return the REST API version that the Accept header asks for, None for plain JSON."""
        accept = self.headers.get("accept", "")
        if "compatible-with=" not in accept:
            return None
        digits = accept.split("compatible-with=", 1)[1][:2].strip(";, ")
        return int(digits) if digits.isdigit() else None


@dataclass(slots=True)
class Reply:
    """One HTTP reply; `body` None sends none."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def content_type(self, request: Request) -> str:
        """Return the content type that answers the request's Accept header."""
        wanted = request.compatibility()
        if wanted is None:
            return "application/json"
        return f"{_VENDOR};compatible-with={wanted}"

    def all_headers(self, request: Request) -> dict[str, str]:
        """Return the headers to send, the product header among them."""
        headers = {
            "X-Elastic-Product": "Elasticsearch",
            "Content-Type": self.content_type(request),
        }
        if self.warnings:
            agent = f"299 Elasticsearch-{VERSION}-{BUILD}"
            quoted = (f'{agent} "{_escape(text)}"' for text in self.warnings)
            headers["Warning"] = ", ".join(quoted)
        return headers | self.headers


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


class Failure(Exception):
    """An answer that is not a success, as Elasticsearch words it."""

    def __init__(
        self,
        status: int,
        kind: str,
        reason: str,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the HTTP status, the exception's type and its reason."""
        super().__init__(reason)
        self.status = status
        self.kind = kind
        self.reason = reason
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def reply(self) -> Reply:
        """Return the error body."""
        cause: dict[str, Any] = {"type": self.kind, "reason": self.reason} | self.extra
        body = {"error": {"root_cause": [dict(cause)], **cause}, "status": self.status}
        return Reply(self.status, body, headers=dict(self.headers))
