"""Requests and answers as values, so that handlers need no socket to be tested."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from remedyd.lab.apiserver import gojson, protobuf
from remedyd.lab.apiserver.status import Cause, StatusError, bad_request, invalid

JSON = "application/json"
TRUE = frozenset(("true", "1", "t", "T", "TRUE", "True"))


@dataclass(frozen=True, slots=True)
class User:
    """Who is asking."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, read whole."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    user: User

    def option(self, name: str) -> str:
        """Return a query parameter's first value, empty when absent."""
        return (self.query.get(name) or [""])[0]

    def flag(self, name: str) -> bool:
        """Say whether a query parameter is true."""
        return self.option(name) in TRUE

    @property
    def content_type(self) -> str:
        """The media type of the body."""
        return self.headers.get("content-type", JSON).partition(";")[0].strip()

    @property
    def manager(self) -> str:
        """The field manager: the parameter, or the User-Agent up to the slash."""
        agent = self.headers.get("user-agent", "unknown").partition("/")[0]
        return self.option("fieldManager") or agent[:128]

    def document(self, kind: str) -> Any:
        """Read the body as JSON or YAML; raises StatusError 400 in the server's words."""
        if "yaml" in self.content_type:
            return yaml.safe_load(self.body)
        try:
            if self.content_type == protobuf.MEDIA:
                return protobuf.loads(self.body)
            return gojson.loads(self.body)
        except ValueError as error:
            raise bad_request(
                f"the object provided is unrecognized (must be of type {kind}): couldn't get "
                f"version/kind; json parse error: {error} ({gojson.excerpt(self.body)})"
            ) from error


@dataclass(slots=True)
class Response:
    """One answer: `body` is an object to be written as JSON, bytes, or None.

    `stream` yields the chunks of a watch or log instead; the server closes it.
    """

    status: int = 200
    body: Any = None
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    stream: Iterator[bytes] | None = None

    def payload(self) -> bytes:
        """Return the body as bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        text = json.dumps(self.body, separators=(",", ":"), ensure_ascii=False)
        return text.encode() + b"\n"


def plain(text: str, status: int = 200) -> Response:
    """Return a plain-text answer."""
    return Response(status, text.encode(), "text/plain; charset=utf-8")


def not_a_path() -> Response:
    """Return the 404 for a path that no group serves: text, no Status."""
    return plain("404 page not found\n", 404)


def no_resource() -> StatusError:
    """Return the 404 for a resource that a known group does not have."""
    message = "the server could not find the requested resource"
    return StatusError(404, "NotFound", message, details={})


def not_allowed() -> StatusError:
    """Return the 405."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, details={})


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The query parameters that every write takes."""

    dry_run: bool
    manager: str
    validation: str
    force: bool = False


def _manager_causes(manager: str) -> list[Cause]:
    if len(manager.encode()) > 128:
        text = "Too long: may not be more than 128 bytes"
        return [Cause("FieldValueTooLong", text, "fieldManager")]
    for position, character in enumerate(manager):
        if not character.isprintable():
            quoted = gojson.quote(manager)
            text = (
                f"Invalid value: {quoted}: invalid character U+{ord(character):04X} "
                f"(at position {position})"
            )
            return [Cause("FieldValueInvalid", text, "fieldManager")]
    return []


def write_options(request: Request, kind: str, dry_run: list[str] | None = None) -> WriteOptions:
    """Read and check the options; `kind` is CreateOptions, UpdateOptions or PatchOptions."""
    asked = dry_run or request.query.get("dryRun") or []
    causes: list[Cause] = []
    if asked and asked != ["All"]:
        shown = json.dumps(asked, separators=(",", ":"))
        text = f'Unsupported value: {shown}: supported values: "All"'
        causes.append(Cause("FieldValueNotSupported", text, "dryRun"))
    causes += _manager_causes(request.option("fieldManager"))
    validation = request.option("fieldValidation")
    if validation not in ("", "Ignore", "Strict", "Warn"):
        text = (
            f"Unsupported value: {json.dumps(validation)}: supported values: "
            '"", "Ignore", "Strict", "Warn"'
        )
        causes.append(Cause("FieldValueNotSupported", text, "fieldValidation"))
    if causes:
        raise invalid(kind, "meta.k8s.io", "", causes)
    return WriteOptions(bool(asked), request.manager, validation or "Warn", request.flag("force"))
