"""The REST API: which request goes where, and who may send it."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from random import Random
from typing import Any
from urllib.parse import unquote

from remedyd.errors import InvalidInput
from remedyd.lab.elasticsearch.documents import Documents, is_data_stream
from remedyd.lab.elasticsearch.messages import BUILD, VERSION, Failure, Reply, Request
from remedyd.lab.elasticsearch.query import ask
from remedyd.lab.elasticsearch.security import (
    Account,
    Security,
    has_privileges,
    unauthorized,
)
from remedyd.lab.elasticsearch.streams import DataStreams
from remedyd.offline.catalog.rendering import render_mapping

_Handler = Callable[[Request, Account, str], Reply]
_OLDEST, _NEWEST = 8, 9


class Endpoint:
    """Answers requests over data streams."""

    def __init__(self, streams: DataStreams, ids: Random, cluster: str = "lab") -> None:
        """Take the documents, the source of ids, and the cluster's name."""
        self.security = Security()
        self._streams = streams
        self._cluster = cluster
        documents = Documents(streams, ids)
        self._documents = documents
        self._handlers: dict[str, _Handler] = {
            "": self._root,
            "_query": self._query,
            "_bulk": documents.bulk,
            "_search": documents.search,
            "_pit": documents.pit,
            "_count": documents.count,
            "_field_caps": self._field_caps,
            "_mapping": self._mapping,
            "_settings": self._settings,
            "_data_stream": self._data_stream,
            "_security/user/_has_privileges": self._has_privileges,
            "_security/_authenticate": self._authenticate,
            "_cluster/health": self._health,
        }

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request; never raises Failure."""
        try:
            wanted = request.compatibility()
            if wanted is not None and not _OLDEST <= wanted <= _NEWEST:
                reason = f"Accept version must be either version {_NEWEST} or {_OLDEST}, \
but found {wanted}. Accept={request.headers.get('accept', '')}"
                raise Failure(400, "media_type_header_exception", reason)
            return self._route(request, self.security.authenticate(request))
        except Failure as failure:
            return failure.reply()

    def _route(self, request: Request, account: Account) -> Reply:
        path = request.path.strip("/")
        if path in self._handlers:
            return self._handlers[path](request, account, "*")
        parts = [unquote(part) for part in path.split("/")]
        if len(parts) == 2 and parts[0] == "_data_stream":
            return self._data_stream(request, account, parts[1])
        if len(parts) == 2 and parts[1] in self._handlers and not parts[0].startswith("_"):
            return self._handlers[parts[1]](request, account, parts[0])
        if len(parts) == 1 and not parts[0].startswith("_") and request.method in ("PUT", "DELETE"):
            return self._index(request, account, parts[0])
        writes = len(parts) in (2, 3) and parts[1] in ("_doc", "_create")
        if writes and request.method in ("POST", "PUT"):
            return self._write(request, account, parts)
        reason = f"no handler found for uri [{request.path}] and method [{request.method}]"
        return Reply(400, {"error": reason, "status": 400})

    def _index(self, request: Request, account: Account, name: str) -> Reply:
        """Make or delete an index; a name with a wildcard is never deleted."""
        if not account.may("manage", name):
            raise unauthorized(account, "indices:admin", name, "manage")
        known = bool(self._streams.names(name)) and "*" not in name
        if request.method == "DELETE":
            if known:
                self._streams.drop(name)
            elif not request.flag("ignore_unavailable", False):
                raise _no_index(name)
            return Reply(200, {"acknowledged": True})
        if known:
            reason = f"index [{name}/lab] already exists"
            raise Failure(400, "resource_already_exists_exception", reason)
        try:
            self._streams.define(name, request.json())
        except InvalidInput as error:
            raise Failure(400, "mapper_parsing_exception", str(error)) from error
        return Reply(200, {"acknowledged": True, "shards_acknowledged": True, "index": name})

    def _write(self, request: Request, account: Account, parts: list[str]) -> Reply:
        ident = parts[2] if len(parts) == 3 else None
        create = parts[1] == "_create" or request.query.get("op_type") == "create"
        create = create or (ident is None and is_data_stream(parts[0]))
        action = "create" if create else "index"
        status, answer = self._documents.write(account, parts[0], ident, request.json(), action)
        return Reply(status, answer)

    def _root(self, request: Request, account: Account, index: str) -> Reply:
        if not account.may_cluster("monitor"):
            reason = f"action [cluster:monitor/main] is unauthorized for [{account.name}], \
this action is granted by the cluster privileges [monitor,manage,all]"
            raise Failure(403, "security_exception", reason)
        version = {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "docker",
            "build_hash": BUILD,
            "build_date": "2026-06-01T00:00:00.000000000Z",
            "build_snapshot": False,
            "lucene_version": "10.3.2",
            "minimum_wire_compatibility_version": "8.19.0",
            "minimum_index_compatibility_version": "8.0.0",
        }
        body = {"name": "lab-0", "cluster_name": self._cluster, "cluster_uuid": "bGFiLXJlbWVkeWQ"}
        return Reply(200, {**body, "version": version, "tagline": "You Know, for Search"})

    def _query(self, request: Request, account: Account, index: str) -> Reply:
        if request.method != "POST":
            reason = f"Incorrect HTTP method for uri [/_query] and method [{request.method}], \
allowed: [POST]"
            return Reply(405, {"error": reason, "status": 405}, headers={"Allow": "POST"})
        return ask(request, account, self._streams)

    def _readable(self, account: Account, index: str, request: Request) -> list[str]:
        found = [name for name in self._streams.names(index) if account.may("read", name)]
        for name in index.split(","):
            concrete = "*" not in name and name != "_all"
            if concrete and not self._streams.names(name):
                if not request.flag("ignore_unavailable", False):
                    raise _no_index(name)
            elif concrete and not account.may("read", name):
                raise unauthorized(account, "indices:data/read/field_caps", name, "read")
        if not found and not request.flag("allow_no_indices", True):
            raise _no_index(index)
        return found

    def _field_caps(self, request: Request, account: Account, index: str) -> Reply:
        asked = request.query.get("fields") or request.json().get("fields") or ""
        patterns = asked.split(",") if isinstance(asked, str) else list(asked)
        if not patterns or patterns == [""]:
            reason = "Validation Failed: 1: no fields specified;"
            raise Failure(400, "action_request_validation_exception", reason)
        streams = self._readable(account, index, request)
        by_field: dict[str, dict[str, list[str]]] = {}
        for stream in streams:
            for name, field in self._streams.schema(stream).fields.items():
                if any(fnmatchcase(name, pattern) for pattern in patterns):
                    types = by_field.setdefault(name, {})
                    types.setdefault(field.leaf.type.value, []).append(stream)
        fields = {name: _capabilities(types) for name, types in sorted(by_field.items())}
        return Reply(200, {"indices": streams, "fields": fields})

    def _mapping(self, request: Request, account: Account, index: str) -> Reply:
        found = {
            stream: {"mappings": render_mapping(self._streams.schema(stream))["mappings"]}
            for stream in self._readable(account, index, request)
        }
        return Reply(200, found)

    def _settings(self, request: Request, account: Account, index: str) -> Reply:
        found: dict[str, Any] = {}
        for stream in self._readable(account, index, request):
            settings = render_mapping(self._streams.schema(stream))["settings"]
            texts = {name: str(value).lower() for name, value in settings.items()}
            found[stream] = {"settings": texts}
        return Reply(200, found)

    def _data_stream(self, request: Request, account: Account, index: str) -> Reply:
        found = [
            {
                "name": stream,
                "timestamp_field": {"name": "@timestamp"},
                "indices": [{"index_name": stream}],
                "generation": 1,
                "status": "GREEN",
                "template": f"{stream.split('-', 1)[0]}-otel@template",
            }
            for stream in self._streams.names(index)
            if is_data_stream(stream)
        ]
        return Reply(200, {"data_streams": found})

    def _has_privileges(self, request: Request, account: Account, index: str) -> Reply:
        return Reply(200, has_privileges(account, request.json()))

    def _authenticate(self, request: Request, account: Account, index: str) -> Reply:
        kind = "api_key" if account.is_api_key else "realm"
        body: dict[str, Any] = {"username": account.name, "roles": [], "enabled": True}
        realm = {"name": "lab", "type": "native"}
        body |= {"authentication_realm": realm, "lookup_realm": realm}
        return Reply(200, {**body, "authentication_type": kind})

    def _health(self, request: Request, account: Account, index: str) -> Reply:
        count = len(self._streams.names("*"))
        body = {"cluster_name": self._cluster, "status": "green", "timed_out": False}
        return Reply(200, {**body, "number_of_nodes": 1, "active_shards": count})


def _no_index(name: str) -> Failure:
    extra = {"resource.type": "index_or_alias", "resource.id": name, "index": name}
    return Failure(404, "index_not_found_exception", f"no such index [{name}]", extra=extra)


def _capabilities(types: dict[str, list[str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for type_, streams in types.items():
        entry: dict[str, Any] = {
            "type": type_.removeprefix("counter_"),
            "metadata_field": False,
            "searchable": True,
            "aggregatable": type_ != "text",
        }
        if type_.startswith("counter_"):
            entry["time_series_metric"] = "counter"
        if len(types) > 1:
            entry["indices"] = sorted(streams)
        found[entry["type"]] = entry
    return found
