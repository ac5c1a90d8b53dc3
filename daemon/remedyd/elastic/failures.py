"""Every way a request can fail, as one named outcome with the next step.

400 is our query or missing data and is never repeated; 401 and 403 need a person; 429, 502, 503,
504 and a broken connection pass and are repeated. A timeout is not: the query was heavy, and
sending it again makes it heavier.
"""

import re
from collections.abc import Mapping
from typing import Any

from elastic_transport import ConnectionError as NoConnection
from elastic_transport import ConnectionTimeout, SerializationError, TlsError, TransportError
from elasticsearch import ApiError, UnsupportedProductError

from remedyd.errors import QueryError
from remedyd.model import AuditOutcome

RETRIED_STATUS = frozenset({429, 502, 503, 504})
_PLACE = re.compile(r"\bline (\d+):(\d+):\s*")
_LONGEST = 600


def passes(error: Exception) -> bool:
    """Whether the same request may well succeed a moment later."""
    if isinstance(error, ApiError):
        return error.status_code in RETRIED_STATUS
    return isinstance(error, NoConnection) and not isinstance(error, TlsError)


def query_error(error: Exception, where: str) -> QueryError:
    """Translate what the client raised; `where` is the URL as it may be shown."""
    if isinstance(error, UnsupportedProductError):
        return _unavailable(
            f"{where} answered, but it is not Elasticsearch",
            "Check the URL; a proxy or a login page may stand in between.",
        )
    if isinstance(error, ApiError):
        return _of_status(error.status_code, error.body, where)
    if isinstance(error, ConnectionTimeout):
        return _unavailable(
            f"{where} did not answer in time", "Raise timeout_seconds, or lighten the query."
        )
    if isinstance(error, TlsError):
        return _unavailable(
            f"TLS with {where} failed: {_short(error.message)}",
            "Set ca_file to the CA that signed the certificate.",
        )
    if isinstance(error, SerializationError):
        return _unavailable(
            f"{where} sent an answer that is not JSON",
            "Check the URL; a proxy or a login page may stand in between.",
        )
    reason = error.message if isinstance(error, TransportError) else str(error)
    return _unavailable(
        f"{where} cannot be reached: {_short(reason)}", "Check the URL and the network."
    )


def garbled(where: str, what: str) -> QueryError:
    """Return the error for an answer that is JSON but not what the API promises."""
    return _unavailable(f"{where} sent an answer without {what}", "Check the URL and the release.")


def _of_status(status: int, body: object, where: str) -> QueryError:
    kind, reason = _reason(body)
    if status in (401, 403):
        return _forbidden(status, reason)
    if status == 400:
        return _of_400(kind, reason)
    if status == 404 and kind == "index_not_found_exception":
        return QueryError(AuditOutcome.NO_DATA, reason, hint="Check that telemetry arrives.")
    if status == 404:
        return _unavailable(f"{where} has no such API (404)", "ES|QL needs Elasticsearch 8.11.")
    if status in RETRIED_STATUS or status >= 500:
        text = f"{where} answered {status}: {reason or kind or 'no reason given'}"
        return _unavailable(text, "Wait, or look at the health of Elasticsearch.")
    return QueryError(AuditOutcome.BAD_QUERY, f"{where} answered {status}: {reason or kind}")


def _of_400(kind: str, reason: str) -> QueryError:
    if kind == "media_type_header_exception":
        return _unavailable(
            "this Elasticsearch does not speak REST API 9", "Set compatibility to 8."
        )
    place = _PLACE.search(reason)
    line, column = (int(place[1]), int(place[2])) if place else (0, 0)
    problems = [_PLACE.sub("", text).strip() for text in reason.splitlines() if text.strip()]
    if len(problems) > 1 and re.fullmatch(r"Found \d+ problems?", problems[0]):
        problems = problems[1:]
    text = "; ".join(problems) or kind
    if problems and all(p.startswith("Unknown index") for p in problems):
        outcome, hint = AuditOutcome.NO_DATA, "Check that telemetry arrives, and the key's rights."
    elif problems and all(p.startswith("Unknown column") for p in problems):
        outcome = AuditOutcome.MISSING_FIELD
        hint = "Declare the field as optional, or have the collectors send it."
    else:
        outcome, hint = AuditOutcome.BAD_QUERY, "Correct the query."
    return QueryError(outcome, text, line=line, column=column, hint=hint)


def _forbidden(status: int, reason: str) -> QueryError:
    if status == 401:
        return QueryError(
            AuditOutcome.FORBIDDEN,
            f"Elasticsearch does not accept the credentials: {reason}",
            hint="Check the API key: it may be wrong, expired or revoked.",
        )
    return QueryError(
        AuditOutcome.FORBIDDEN,
        f"Elasticsearch refuses: {reason}",
        hint='Give the key the index privilege "read" on the data streams.',
    )


def _reason(body: object) -> tuple[str, str]:
    """Return type and reason of an error body, as far as it has them."""
    error: object = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(error, Mapping):
        found: Mapping[str, Any] = error
        return str(found.get("type") or ""), _short(str(found.get("reason") or ""))
    return "", _short(error) if isinstance(error, str) else ""


def _short(text: str) -> str:
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 3] + "..."


def _unavailable(message: str, hint: str) -> QueryError:
    return QueryError(AuditOutcome.UNAVAILABLE, message, hint=hint)
