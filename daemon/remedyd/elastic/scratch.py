"""Indices of our own in an Elasticsearch, gone when they are no longer needed.

Only what was made here is deleted, by its full name: no pattern is ever sent with a delete.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

from remedyd.elastic.answers import table_of
from remedyd.elastic.client import ElasticSource
from remedyd.elastic.transport import warnings_of
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, Json, Table

_BATCH = 250
_AGAIN = (0.2, 0.8)
"""Seconds before what was made is deleted again after an error."""
_SETTINGS = {"number_of_shards": 1, "number_of_replicas": 0}


class Scratch:
    """A context in which indices may be made. Every method raises QueryError."""

    def __init__(
        self, source: ElasticSource, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Take the connection; its credentials need `manage`, `write` and `read`."""
        self._source = source
        self._pause = pause
        self.made: list[str] = []

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete what was made.

        After an error a request that was given up may still arrive and make its index anew, so
        every name is deleted again, a little later.
        """
        names = list(self.made)
        self.remove()
        if error is None or not names:
            return
        for seconds in _AGAIN:
            self._pause(seconds)
            self.made = list(names)
            self.remove()

    def create(self, name: str, settings: Mapping[str, Any], mappings: Mapping[str, Any]) -> None:
        """Make an index that does not exist yet."""
        client = self._source.client
        self.made.append(name)
        try:
            self._source.ask(
                lambda: client.indices.create(
                    index=name, settings={**_SETTINGS, **settings}, mappings=dict(mappings)
                )
            )
        except QueryError as error:
            if "already exists" in error.message:
                self.made.remove(name)
            raise

    def load(self, name: str, documents: Sequence[Mapping[str, Any]]) -> None:
        """Store documents in an index of ours, visible to the next query."""
        client = self._source.client
        for start in range(0, len(documents), _BATCH):
            lines: list[Mapping[str, Any]] = []
            for document in documents[start : start + _BATCH]:
                lines += [{"create": {}}, document]
            send = partial(client.bulk, index=name, operations=lines, refresh=True)
            answer = self._source.ask(send)
            if answer.body.get("errors"):
                raise QueryError(AuditOutcome.BAD_QUERY, f"{name}: {_first_error(answer.body)}")

    def query(self, text: str, params: Mapping[str, Json] | Sequence[Json]) -> Table:
        """Run a query with named or positional parameters."""
        client = self._source.client
        named: list[Any] = (
            [{name: value} for name, value in params.items()]
            if isinstance(params, Mapping)
            else list(params)
        )
        answer = self._source.ask(
            lambda: client.esql.query(query=text, params=named or None, format="json")
        )
        return table_of(answer.body, warnings_of(answer.meta), self._source.where)

    def remove(self) -> None:
        """Delete every index made here; raise QueryError naming those that are left."""
        left: list[str] = []
        client = self._source.client
        for name in list(self.made):
            try:
                self._source.ask(
                    partial(client.indices.delete, index=name, ignore_unavailable=True)
                )
            except QueryError:
                left.append(name)
            else:
                self.made.remove(name)
        if left:
            raise QueryError(
                AuditOutcome.UNAVAILABLE,
                f"could not delete {', '.join(left)}",
                hint="delete these indices by hand",
            )


def _first_error(body: Mapping[str, Any]) -> str:
    for item in body.get("items", ()):
        for answer in item.values():
            if "error" in answer:
                return str(answer["error"].get("reason", answer["error"]))
    return "some documents were not stored"
