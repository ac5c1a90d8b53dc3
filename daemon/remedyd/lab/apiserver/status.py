"""The API server's refusals: `Status` bodies as a real server writes them.

The text of a Status is part of the contract: clients parse `reason` and `details`, people read
`message`. Every body here follows a recorded answer of Kubernetes 1.36.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from remedyd.errors import RemedydError
from remedyd.model.values import KubeObject


@dataclass(frozen=True, slots=True)
class Cause:
    """One mistake in an object: `reason` such as FieldValueInvalid, `field` a dotted path."""

    reason: str
    message: str
    field: str

    def body(self) -> dict[str, str]:
        """Return the JSON form, without empty members."""
        pairs = (("reason", self.reason), ("message", self.message), ("field", self.field))
        return {key: value for key, value in pairs if value}


class StatusError(RemedydError):
    """An answer that is not a success: HTTP code, reason and the Status body."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the members of the Status; `details` None leaves the member out."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = None if details is None else dict(details)
        self.headers = dict(headers or {})
        self.metadata: dict[str, Any] = {}

    def body(self) -> KubeObject:
        """Return the Status object."""
        status: KubeObject = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


def _details(resource: str, group: str, name: str) -> dict[str, Any]:
    pairs = (("name", name), ("group", group), ("kind", resource))
    return {key: value for key, value in pairs if value}


def qualified(resource: str, group: str) -> str:
    """Return `deployments.apps`, or `pods` for the core group."""
    return f"{resource}.{group}" if group else resource


def not_found(resource: str, group: str, name: str) -> StatusError:
    """404 for a named object."""
    message = f'{qualified(resource, group)} "{name}" not found'
    return StatusError(404, "NotFound", message, details=_details(resource, group, name))


def already_exists(resource: str, group: str, name: str) -> StatusError:
    """409 for a name that is taken."""
    message = f'{qualified(resource, group)} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, details=_details(resource, group, name))


def conflict(resource: str, group: str, name: str, why: str) -> StatusError:
    """409 for an object that moved on."""
    message = f'Operation cannot be fulfilled on {qualified(resource, group)} "{name}": {why}'
    return StatusError(409, "Conflict", message, details=_details(resource, group, name))


MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def modified(resource: str, group: str, name: str) -> StatusError:
    """409 for a stale resourceVersion."""
    return conflict(resource, group, name, MODIFIED)


def forbidden(resource: str, group: str, name: str, why: str) -> StatusError:
    """403 by admission."""
    message = f'{qualified(resource, group)} "{name}" is forbidden: {why}'
    return StatusError(403, "Forbidden", message, details=_details(resource, group, name))


def bad_request(message: str) -> StatusError:
    """400 for a request that cannot be read."""
    return StatusError(400, "BadRequest", message)


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> StatusError:
    """422 for an object that breaks the rules; every mistake at once."""
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = _details(kind, group, name)
    details["causes"] = [cause.body() for cause in causes]
    message = f'{qualified(kind, group)} "{name}" is invalid: {listed}'
    return StatusError(422, "Invalid", message, details=details)
