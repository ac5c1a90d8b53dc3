"""Writing and reading documents: `_bulk`, `_create`, `_doc`, `_search`, `_pit`, `_count`.

Searches see the documents that streams keep as they came: the last minutes of metrics, and
everything else. ES|QL sees all.
"""

import uuid
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from remedyd.lab.elasticsearch.filters import compile_query
from remedyd.lab.elasticsearch.messages import Failure, Reply, Request
from remedyd.lab.elasticsearch.security import Account, unauthorized
from remedyd.lab.elasticsearch.sorting import beyond, keys_of, sorting
from remedyd.lab.elasticsearch.streams import DataStreams
from remedyd.offline.sources.batch import BadDocument

_TEMPLATES = ("logs-", "metrics-", "traces-")
_Item = tuple[int, dict[str, Any]]
Found = tuple[str, Mapping[str, Any]]
"""A stream and one of its documents."""

_KEPT_PITS = 20


def is_data_stream(name: str) -> bool:
    """Say whether a built-in template makes a data stream of that name."""
    return name.startswith(_TEMPLATES) and name.count("-") >= 2


class Documents:
    """The document APIs over the streams."""

    def __init__(self, streams: DataStreams, ids: Random) -> None:
        """Take where documents are kept, and the source of ids."""
        self._streams = streams
        self._ids = ids
        self._pits: dict[str, list[Found]] = {}

    def bulk(self, request: Request, account: Account, index: str) -> Reply:
        """Carry out `_bulk`: create, and index where there is no data stream."""
        items = [self._bulk_item(account, *step) for step in _steps(request.lines(), index)]
        answers = [{action: {**answer, "status": status}} for action, status, answer in items]
        failed = any(status >= 300 for _, status, _ in items)
        return Reply(200, {"errors": failed, "took": 1, "items": answers})

    def _bulk_item(
        self, account: Account, action: str, meta: Mapping[str, Any], source: Any
    ) -> tuple[str, int, dict[str, Any]]:
        index, ident = str(meta.get("_index", "")), meta.get("_id")
        try:
            status, answer = self.write(account, index, ident, source, action)
        except Failure as failure:
            error = {"type": failure.kind, "reason": failure.reason}
            return action, failure.status, {"_index": index, "_id": ident, "error": error}
        return action, status, answer

    def write(
        self, account: Account, index: str, ident: str | None, source: Any, action: str
    ) -> _Item:
        """Store one document; raise Failure for what a data stream does not take."""
        privilege = "create_doc" if action == "create" else "index"
        if not account.may(privilege, index):
            name = f"indices:data/write/{'index' if action == 'index' else 'bulk[s]'}"
            raise unauthorized(account, name, index, privilege)
        if is_data_stream(index) and action != "create":
            reason = f"only write ops with an op_type of create are allowed in data streams, \
data stream [{index}]"
            raise Failure(400, "illegal_argument_exception", reason)
        if not isinstance(source, dict):
            raise Failure(400, "document_parsing_exception", "[1:1] object expected")
        if is_data_stream(index) and "@timestamp" not in source:
            reason = "[1:1] failed to parse: data stream timestamp field [@timestamp] is missing"
            raise Failure(400, "document_parsing_exception", reason)
        given = ident or str(uuid.UUID(int=self._ids.getrandbits(128), version=4))
        try:
            created = self._streams.create(index, given, source)
        except BadDocument as error:
            reason = f"[1:1] {error}"
            raise Failure(400, "document_parsing_exception", reason) from error
        if not created:
            reason = f"[{given}]: version conflict, document already exists (current version [1])"
            raise Failure(409, "version_conflict_engine_exception", reason, extra={"index": index})
        shards = {"total": 1, "successful": 1, "failed": 0}
        answer = {"_index": index, "_id": given, "_version": 1, "result": "created"}
        return 201, {**answer, "_shards": shards, "_seq_no": 0, "_primary_term": 1}

    def search(self, request: Request, account: Account, index: str) -> Reply:
        """Answer a small `_search`: query, size, from, sort, search_after, point in time."""
        body = request.json()
        orders = sorting(body.get("sort"))
        found = [
            (number, stream, document, keys_of(document, number, orders))
            for number, (stream, document) in enumerate(self._searched(account, index, body))
        ]
        for place, order in reversed(list(enumerate(orders))):
            found.sort(key=lambda hit: hit[3][place], reverse=order.descending)
        if after := body.get("search_after"):
            found = [hit for hit in found if beyond(hit[3], after, orders)]
        first, size = int(body.get("from", 0)), int(body.get("size", 10))
        hits = [
            {"_index": stream, "_id": str(number), "_score": None, "_source": document}
            | ({"sort": [key for _, key in keys]} if orders else {})
            for number, stream, document, keys in found[first : first + size]
        ]
        total = {"value": len(found), "relation": "eq"}
        shards = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
        answer: dict[str, Any] = {"took": 1, "timed_out": False, "_shards": shards}
        if "pit" in body:
            answer["pit_id"] = body["pit"]["id"]
        return Reply(200, {**answer, "hits": {"total": total, "max_score": None, "hits": hits}})

    def pit(self, request: Request, account: Account, index: str) -> Reply:
        """Open or close a point in time: what a search over it sees does not change."""
        if request.method == "DELETE":
            freed = self._pits.pop(str(request.json().get("id")), None)
            return Reply(200, {"succeeded": True, "num_freed": int(freed is not None)})
        ident = str(uuid.UUID(int=self._ids.getrandbits(128), version=4))
        self._pits[ident] = list(self._matching(account, index, {}))
        while len(self._pits) > _KEPT_PITS:
            self._pits.pop(next(iter(self._pits)))
        return Reply(200, {"id": ident})

    def _searched(self, account: Account, index: str, body: Mapping[str, Any]) -> Iterator[Found]:
        if "pit" not in body:
            yield from self._matching(account, index, body)
            return
        ident = str(body["pit"].get("id"))
        if ident not in self._pits:
            reason = f"No search context found for id [{ident}]"
            raise Failure(404, "search_context_missing_exception", reason)
        holds = compile_query(body.get("query") or {"match_all": {}})
        yield from (found for found in self._pits[ident] if holds(found[1]))

    def count(self, request: Request, account: Account, index: str) -> Reply:
        """Answer `_count`."""
        found = sum(1 for _ in self._matching(account, index, request.json()))
        shards = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
        return Reply(200, {"count": found, "_shards": shards})

    def _matching(self, account: Account, index: str, body: Mapping[str, Any]) -> Iterator[Found]:
        holds = compile_query(body.get("query") or {"match_all": {}})
        for name in self._streams.names(index):
            if account.may("read", name):
                for document in self._streams.recent(name):
                    if holds(document):
                        yield name, document


def _steps(lines: list[Any], index: str) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    rest = iter(lines)
    for line in rest:
        if not isinstance(line, Mapping) or len(line) != 1:
            reason = "Malformed action/metadata line, expected one action"
            raise Failure(400, "illegal_argument_exception", reason)
        ((action, meta),) = line.items()
        if action not in ("create", "index"):
            reason = f"action [{action}] is not offered here, expected create or index"
            raise Failure(400, "illegal_argument_exception", reason)
        yield action, {"_index": index, **meta}, next(rest, None)
