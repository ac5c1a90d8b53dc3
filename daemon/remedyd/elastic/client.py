"""Elasticsearch as a source of query results."""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeGuard

import stamina
from elastic_transport import ObjectApiResponse
from elasticsearch import Elasticsearch

from remedyd.elastic.answers import esql_type, table_of
from remedyd.elastic.connection import Connection
from remedyd.elastic.failures import garbled, passes, query_error
from remedyd.elastic.renewal import CLIENT_ERRORS, asked, fixed
from remedyd.elastic.transport import warnings_of
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome, Json, Table
from remedyd.rotation import Rotating

UNKNOWN_VERSION = (0, 0)
SERVERLESS = (99, 0)
"""Serverless is always newer than any release, whatever number it reports."""

_PING_SECONDS = 3.0
_FROM = re.compile(r"\s*FROM\s+([^|]+)", re.IGNORECASE)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_NO_FLAG = "unrecognized parameter: [allow_partial_results]"


class ElasticSource:
    """Runs ES|QL on Elasticsearch. Safe to share between threads; close it when done."""

    def __init__(self, connection: Connection, held: Rotating[Elasticsearch] | None = None) -> None:
        """Take the connection; nothing is sent yet. `held` is its client, if that is renewed."""
        self._connection = connection
        self._held = held or fixed(connection)
        self._where = connection.shown
        self._lock = threading.Lock()
        self._version: tuple[int, int] | None = None
        self._partial_flag = True

    @property
    def client(self) -> Elasticsearch:
        """The official client as it is now, for the other adapters of this room."""
        return self._held.current()

    @property
    def where(self) -> str:
        """The URL as it may be shown."""
        return self._where

    def ask(self, send: Callable[[], Any]) -> ObjectApiResponse[Any]:
        """Send a request of another adapter of this room that only reads; raise QueryError."""
        return self._ask(send)

    def query(self, text: str, params: Mapping[str, Json]) -> Table:
        """Run `text` with named parameters.

        Raises QueryError unless the result is whole. An empty one is checked against the
        credentials' rights: what may not be read looks as if it were not there.
        """
        answer = self._run(text, params)
        table = table_of(answer.body, warnings_of(answer.meta), self._where)
        if not table.rows:
            self._refuse_unreadable(_patterns(text))
        return table

    def fields(self, indices: str, names: frozenset[str]) -> Mapping[str, str]:
        """Return the mapped ones among `names` with their ES|QL type.

        Types of one field that differ between indices are joined by "|". Raises QueryError.
        """
        answer = self._ask(
            lambda: self.client.field_caps(
                index=indices,
                fields=sorted(names),
                ignore_unavailable=True,
                allow_no_indices=True,
            )
        )
        body: Mapping[str, Any] = answer.body
        visible, fields = body.get("indices", []), body.get("fields")
        if not isinstance(visible, list) or not _by_name(fields):
            raise garbled(self._where, "fields")
        hidden = [p for p in indices.split(",") if not _any_matches(p, visible)]
        self._refuse_unreadable(hidden)
        return {
            name: "|".join(sorted({esql_type(kind) for kind in kinds if kind != "unmapped"}))
            for name, kinds in fields.items()
            if name in names and set(kinds) - {"unmapped"}
        }

    def version(self) -> tuple[int, int]:
        """Return (major, minor); `UNKNOWN_VERSION` where the credentials may not ask.

        Asked once. Raises QueryError when Elasticsearch does not answer.
        """
        with self._lock:
            if self._version is None:
                self._version = self._ask_version()
            return self._version

    def ping(self) -> str:
        """Ask now, once; return the release as text, for people; raise QueryError for no answer."""
        seconds = min(_PING_SECONDS, self._connection.timeout)
        version = self._ask_version(seconds, attempts=1)
        with self._lock:
            self._version = version  # it may have been upgraded meanwhile
        if version in (UNKNOWN_VERSION, SERVERLESS):
            return "serverless" if version == SERVERLESS else "unknown release"
        return ".".join(map(str, version))

    def privileges(
        self, patterns: Sequence[str], wanted: Sequence[str] = ("read",)
    ) -> Mapping[str, bool]:
        """Return for each index pattern whether the credentials hold what is `wanted` on all of it.

        Empty where security is off or can not be asked. Raises QueryError for bad credentials.
        """
        if not patterns:
            return {}
        try:
            answer = self._ask(
                lambda: self.client.security.has_privileges(
                    index=[{"names": list(patterns), "privileges": list(wanted)}]
                )
            )
        except QueryError as error:
            if error.outcome in (AuditOutcome.BAD_QUERY, AuditOutcome.UNAVAILABLE):
                return {}
            raise
        held = answer.body.get("index", {})
        if not _by_name(held):
            raise garbled(self._where, "privileges")
        return {p: all(held[p].get(one) for one in wanted) for p in patterns if p in held}

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _run(self, text: str, params: Mapping[str, Json]) -> ObjectApiResponse[Any]:
        named: Any = [{name: value} for name, value in params.items()]
        try:
            return self._ask(lambda: self._esql(text, named))
        except QueryError as error:
            if _NO_FLAG not in error.message or not self._partial_flag:
                raise
            self._partial_flag = False  # before 8.19 and 9.1 there were no partial results
            return self._ask(lambda: self._esql(text, named))

    def _esql(self, text: str, named: Any) -> ObjectApiResponse[Any]:
        return self.client.esql.query(
            query=text,
            params=named or None,
            format="json",
            allow_partial_results=False if self._partial_flag else None,
        )

    def _ask(self, send: Callable[[], Any], attempts: int = 0) -> ObjectApiResponse[Any]:
        """Send a request that only reads, again after a pause where that may help."""
        link = self._connection
        try:
            for attempt in stamina.retry_context(
                on=passes,
                attempts=attempts or link.attempts,
                timeout=link.timeout * 2,
                wait_initial=link.first_wait,
                wait_max=link.longest_wait,
                wait_jitter=link.first_wait,
            ):
                with attempt:
                    answer = asked(self._held, lambda _: send())
        except CLIENT_ERRORS as error:
            raise query_error(error, self._where) from error
        if not isinstance(answer, ObjectApiResponse):
            raise garbled(self._where, "a JSON object")
        return answer

    def _ask_version(self, seconds: float | None = None, attempts: int = 0) -> tuple[int, int]:
        limit = self._connection.timeout if seconds is None else seconds
        try:
            body = self._ask(
                lambda: self.client.options(request_timeout=limit).info(), attempts
            ).body
        except QueryError as error:
            refused = getattr(error.__cause__, "status_code", 0) == 403
            if refused:
                return UNKNOWN_VERSION
            raise
        version = body.get("version", {})
        if not isinstance(version, Mapping):
            raise garbled(self._where, "a version")
        if version.get("build_flavor") == "serverless":
            return SERVERLESS
        match = re.match(r"(\d+)\.(\d+)", str(version.get("number", "")))
        return (int(match[1]), int(match[2])) if match else UNKNOWN_VERSION

    def _refuse_unreadable(self, patterns: Sequence[str]) -> None:
        unreadable = [p for p, held in self.privileges(patterns).items() if not held]
        if unreadable:
            raise QueryError(
                AuditOutcome.FORBIDDEN,
                f"the credentials may not read {', '.join(unreadable)}",
                hint='Give the key the index privilege "read" on these data streams.',
            )


def _by_name(found: object) -> TypeGuard[Mapping[str, Mapping[str, Any]]]:
    """Whether it is an object of objects, as answers about fields and rights are."""
    return isinstance(found, Mapping) and all(isinstance(v, Mapping) for v in found.values())


def _patterns(text: str) -> list[str]:
    """Return the index patterns that a query reads; none for a query that reads no index."""
    match = _FROM.match(_COMMENT.sub(" ", text))
    if match is None:
        return []
    body = re.split(r"\bMETADATA\b", match[1], flags=re.IGNORECASE)[0]
    names = (name.strip().strip('"') for name in body.split(","))
    return [name for name in names if name and not name.startswith("-")]


def _any_matches(pattern: str, indices: Sequence[object]) -> bool:
    if pattern.startswith("-"):
        return True
    names = [str(index) for index in indices]
    plain = [re.sub(r"^\.ds-", "", name) for name in names]
    streams = [re.sub(r"-\d{4}\.\d{2}\.\d{2}-\d{6,}$", "", name) for name in plain]
    return any(fnmatchcase(name, pattern) for name in (*names, *plain, *streams))
