"""What a client asked an API server for, sorted: what grows with the cluster shows by itself."""

import re
from dataclasses import dataclass

from remedyd.lab.apiserver.server import Logged

_PATH = re.compile(
    r"/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/(?P<space>[^/]+))?/(?P<plural>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<part>[^/]+))?"
)


@dataclass(frozen=True, slots=True)
class Sort:
    """A request apart from whom it is about: `what` is a resource, or another path.

    `listed` says whether a collection was read, `limit` is how much of it at once (0: all),
    `about` is "a workload" for a label selector, "a namespace", or "the cluster". `printed` is the
    short table that kubectl shows instead of whole objects.
    """

    method: str
    what: str
    listed: bool = False
    limit: int = 0
    about: str = ""
    printed: bool = False

    def __str__(self) -> str:
        """Say it in a few words; what is listed whole stands out."""
        if not self.listed:
            return f"{'get' if self.method == 'GET' else self.method} {self.what}"
        if self.limit == 1:
            return f"count {self.what}"
        what = f"the table of {self.what}" if self.printed else self.what
        return f"{'one page of' if self.limit else 'ALL'} {what} of {self.about}"


def sort_of(request: Logged) -> Sort:
    """Return of which sort a request is."""
    found = _PATH.fullmatch(request.path)
    if found is None:
        return Sort(request.method, request.path)
    what = "/".join(part for part in (found["plural"], found["part"]) if part)
    if request.method != "GET" or found["name"]:
        return Sort(request.method, what)
    about = "a namespace" if found["space"] else "the cluster"
    if request.query.get("labelSelector"):
        about = "a workload"
    limit = int(request.query.get("limit", ["0"])[0])
    return Sort("GET", what, True, limit, about, "includeObject" in request.query)
