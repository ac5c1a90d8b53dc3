"""Reads stored documents as they were sent: for recordings, not for audits.

A slice of time is read in a point in time, page by page after the last hit, because thousands of
documents of one scrape carry the same timestamp: paging by the timestamp alone would lose some or
repeat some. Needs the index privileges `read` and `view_index_metadata`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from remedyd.elastic.client import ElasticSource
from remedyd.elastic.failures import garbled
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, Json, Window

_KEEP_ALIVE = "5m"
_TIME = "@timestamp"
_FLAGS = {"true": True, "false": False}
_SETTINGS = ("index.mode", "index.mapping.ignore_malformed")


class History:
    """The documents of data streams. Every method raises QueryError."""

    def __init__(self, source: ElasticSource, page: int = 2000) -> None:
        """Take the connection, and how many documents are asked for at a time."""
        self._source = source
        self._page = page

    def streams(self, patterns: Sequence[str]) -> list[str]:
        """Return the data streams that match, in order of name."""
        client = self._source.client
        body = self._source.ask(
            lambda: client.indices.get_data_stream(name=",".join(patterns))
        ).body
        found = body.get("data_streams")
        if not isinstance(found, list):
            raise garbled(self._source.where, "data streams")
        return sorted(str(one["name"]) for one in found)

    def template(self, stream: str) -> dict[str, Any]:
        """Return settings and mapping of a stream in the shape of an index template.

        A stream's backing indices may differ; fields of all of them are kept, and where they
        contradict each other the latest index is right.
        """
        client = self._source.client
        mappings = self._source.ask(lambda: client.indices.get_mapping(index=stream)).body
        settings = self._source.ask(
            lambda: client.indices.get_settings(index=stream, flat_settings=True)
        ).body
        if not mappings:
            raise garbled(self._source.where, "a mapping")
        merged: dict[str, Any] = {}
        kept: dict[str, Any] = {}
        for index in sorted(mappings):
            merged = _merged(merged, mappings[index].get("mappings", {}))
            given = settings.get(index, {}).get("settings", {})
            kept |= {name: _plain(given[name]) for name in _SETTINGS if name in given}
        return {"settings": kept, "mappings": merged}

    def count(self, stream: str, window: Window) -> int:
        """Return how many documents lie in `[window.start, window.end)`."""
        client = self._source.client
        answer = self._source.ask(lambda: client.count(index=stream, query=_within(window)))
        return int(answer.body["count"])

    def documents(self, stream: str, window: Window) -> Iterator[list[dict[str, Json]]]:
        """Yield the documents of `[window.start, window.end)` in order of time, page by page."""
        client = self._source.client
        opened = self._source.ask(
            lambda: client.open_point_in_time(index=stream, keep_alive=_KEEP_ALIVE)
        )
        ident = str(opened.body["id"])
        try:
            after: list[Any] = []
            while True:
                hits, ident = self._hits(ident, window, after)
                if hits:
                    yield [hit["_source"] for hit in hits]
                if len(hits) < self._page:
                    return
                after = hits[-1]["sort"]
        finally:
            self._close(ident)

    def _hits(
        self, ident: str, window: Window, after: list[Any]
    ) -> tuple[list[dict[str, Any]], str]:
        client = self._source.client
        body: Mapping[str, Any] = self._source.ask(
            lambda: client.search(
                pit={"id": ident, "keep_alive": _KEEP_ALIVE},
                query=_within(window),
                sort=[{_TIME: "asc"}, {"_shard_doc": "asc"}],
                search_after=after or None,
                size=self._page,
                track_total_hits=False,
                allow_partial_search_results=False,
            )
        ).body
        if body.get("timed_out") or body.get("_shards", {}).get("failed"):
            raise QueryError(
                AuditOutcome.PARTIAL,
                f"{self._source.where} answered with only a part of the documents",
                hint="Run the same command again: it continues where it stopped.",
            )
        hits = body["hits"]["hits"]
        if any("_source" not in hit for hit in hits):
            raise QueryError(
                AuditOutcome.BAD_QUERY,
                "the documents' _source is disabled: there is nothing to record",
            )
        return hits, str(body.get("pit_id", ident))

    def _close(self, ident: str) -> None:
        """Free the point in time; one that is gone already, or not freed, ends by itself."""
        client = self._source.client
        try:
            self._source.ask(lambda: client.close_point_in_time(id=ident))
        except QueryError:
            return


def _within(window: Window) -> dict[str, Any]:
    limits = {"gte": window.start.isoformat(), "lt": window.end.isoformat()}
    return {"range": {_TIME: limits}}


def _plain(value: object) -> object:
    return _FLAGS.get(str(value), value)


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another, deep; what the second says is right."""
    result = dict(first)
    for key, value in second.items():
        inner = result.get(key)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            value = _merged(inner, value)
        result[key] = value
    return result
