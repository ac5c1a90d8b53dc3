"""What the rest of remedyd asks of a Kubernetes API.

Apart from the client, so that whoever plans and checks, also over recorded objects and in tests of
policies, does not load the client library.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from remedyd.model.values import KubeObject

FIELD_MANAGER = "remedyd"
"""The name under which the API server records our fields."""
STRATEGIC = "application/strategic-merge-patch+json"
"""The content type of a strategic merge patch: lists of named things are merged by name."""


class Reader(Protocol):
    """What only reads may do: handed to code that must not write."""

    def get(self, kind: str, namespace: str, name: str) -> KubeObject:
        """Return one object; raise NotFound."""
        ...

    def list(
        self, kind: str, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> list[KubeObject]:
        """Return all objects of a kind that match the selectors, in every page."""
        ...


@runtime_checkable
class Counting(Protocol):
    """What can count without reading all."""

    def count(self, kind: str, namespace: str = "") -> int:
        """Return how many objects of a kind there are."""
        ...


def count(reader: Reader, kind: str, namespace: str = "") -> int:
    """Return how many objects there are, read in full only where they cannot be counted."""
    if isinstance(reader, Counting):
        return reader.count(kind, namespace)
    return len(reader.list(kind, namespace))


@runtime_checkable
class Paging(Protocol):
    """What can hand out a list while it is still being read."""

    def each(self, kind: str, namespace: str = "", *, labels: str = "") -> Iterator[KubeObject]:
        """Yield the objects of a kind; after an expired page some come twice."""
        ...


def each(
    reader: Reader, kind: str, namespace: str = "", *, labels: str = ""
) -> Iterator[KubeObject]:
    """Yield the objects of a kind, no more of them read than are taken where that is possible."""
    if isinstance(reader, Paging):
        return reader.each(kind, namespace, labels=labels)
    return iter(reader.list(kind, namespace, labels=labels))


@runtime_checkable
class Printing(Protocol):
    """What can ask for the few columns that `kubectl get` shows, instead of whole objects."""

    def printed(self, kind: str, *columns: str) -> Sequence[tuple[str, ...]] | None:
        """Return these columns of every object; None where the server prints no such table."""
        ...


class Api(Reader, Protocol):
    """Reading and writing: what the door holds, and the planner for its dry runs."""

    def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        body: object,
        *,
        content_type: str = STRATEGIC,
        subresource: str = "",
        dry_run: bool = False,
    ) -> KubeObject:
        """Patch an object and return it as stored (`dry_run`: as it would be)."""
        ...

    def create(
        self,
        kind: str,
        namespace: str,
        body: KubeObject,
        *,
        name: str = "",
        subresource: str = "",
        dry_run: bool = False,
    ) -> KubeObject:
        """Create an object, or post to a subresource of `name` (an eviction)."""
        ...
