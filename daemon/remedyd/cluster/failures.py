"""What an answer of the API server means for us: one place, so that no caller guesses.

The question behind every case is whether a write can have happened. A definite no is
`ClusterRejected`; silence after a write was sent is `OutcomeUnknown`, whatever the transport
calls it. Messages are shortened: the API server quotes whole patches and objects in them.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from remedyd.errors import (
    ClusterError,
    ClusterRejected,
    ClusterUnavailable,
    NotFound,
    OutcomeUnknown,
    RemedydError,
)

_LONGEST = 300
_QUOTED = re.compile(r'"(?:map\[|\{)(?:[^"\\]|\\.)*"')
_BEFORE_STORAGE = (
    "failed calling webhook",
    "declared merge key",
    "more than one PodDisruptionBudget",
)
"""Words of a 500 that the API server says before it stores anything."""
_HINTS = {
    401: "check the credentials in the kubeconfig or of the ServiceAccount",
    403: "grant the verb that is named, or free what the message says is exceeded",
    409: "read the object again and plan again",
    415: "this is a defect of remedyd: report it",
    422: "correct the value that is named",
    429: "wait; the API server limits the rate of requests",
}


def shorten(message: str, longest: int = _LONGEST) -> str:
    """Return one readable line: quoted patches and objects go, the rest is cut at the end."""
    line = " ".join(_QUOTED.sub('"..."', message).split())
    return line if len(line) <= longest else f"{line[: longest - 3].rstrip()}..."


def status_of(body: bytes) -> Mapping[str, Any]:
    """Return the Status in an answer, or its text as one: proxies do not speak JSON."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return {"message": body[:2000].decode("utf-8", "replace")}
    return parsed if isinstance(parsed, dict) else {}


def failure(
    what: str, status: int, body: bytes, headers: Mapping[str, str], *, writes: bool
) -> RemedydError:
    """Return the error for an answer that is no success.

    `what` names the request for people (`patch Deployment/shop/checkout`); `writes` says that
    the request was to store something, so that a vague answer leaves the outcome open.
    """
    told = status_of(body)
    details = told.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    reason = str(told.get("reason") or "")
    message = shorten(f"{what}: {told.get('message') or f'HTTP {status}'}")
    if status == 404:
        return NotFound(message, hint="check kind, namespace and name; it may have been deleted")
    codes: dict[str, Any] = {
        "status": status,
        "reason": reason,
        "causes": [str(c.get("reason", "")) for c in causes or () if isinstance(c, dict)],
        "retry_after": _seconds(headers.get("Retry-After")),
    }
    if status == 429 and "DisruptionBudget" not in codes["causes"]:
        return ClusterUnavailable(message, hint=_HINTS[429], **codes)
    if status >= 500 and any(words in message for words in _BEFORE_STORAGE):
        return ClusterUnavailable(message, hint="nothing was written; mend what is named", **codes)
    if status >= 500 or status < 400:
        return _vague(message, writes, codes)
    return ClusterRejected(message, hint=_HINTS.get(status, "see the message"), **codes)


def _vague(message: str, writes: bool, codes: Mapping[str, Any]) -> ClusterError:
    if writes:
        hint = "the write may have landed: read the object back before anything else"
        return OutcomeUnknown(message, hint=hint, **codes)
    return ClusterUnavailable(message, hint="nothing was written; try again later", **codes)


def silence(what: str, error: Exception, *, writes: bool, sent: bool) -> ClusterError:
    """Return the error for a request without an answer; `sent`: it may have reached the server."""
    said = str(error).rsplit(": ", 1)[-1]
    message = shorten(f"{what}: no answer from the Kubernetes API ({type(error).__name__}: {said})")
    return _vague(message, writes and sent, {})


def _seconds(value: str | None) -> float:
    try:
        return max(0.0, float(value)) if value else 0.0
    except ValueError:
        return 0.0
