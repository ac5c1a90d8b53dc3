"""What an operation may answer beside what every operation may (see `server.openapi`)."""

from typing import Any, Final

_MEANING: Final = {
    404: "No such thing, or not in your namespaces",
    409: "The state moved on, another proposal is open, or a guardrail forbids it: read it again",
    410: "The proposal has expired",
    422: "The request is not valid, or the API server refuses the change",
    502: "The cluster or Elasticsearch does not answer; nothing was written",
    504: "A write may or may not have landed; the daemon goes on to find out",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that may answer with these problems."""
    return {status: {"description": _MEANING[status]} for status in statuses}
