"""Writes the audit trail: documents that are created once and never changed.

Each has its own id and is sent with `op_type=create`, so a document that arrived although its
answer was lost is refused the second time (409), which is as good as taken. Needs the index
privileges `create_doc` and, where the data stream does not exist yet, `auto_configure`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from elasticsearch import ApiError, Elasticsearch

from remedyd.elastic.connection import Connection
from remedyd.elastic.failures import RETRIED_STATUS, garbled, query_error
from remedyd.elastic.renewal import CLIENT_ERRORS, asked, fixed
from remedyd.errors import QueryError, SinkError
from remedyd.rotation import Rotating

_ABOUT_THE_REQUEST: Final = frozenset({400, 413})
_ABOUT_US: Final = frozenset({401, 403, 404})
_LONGEST: Final = 500
_HINT: Final = (
    'The key needs the index privileges "create_doc" and "auto_configure" on the data stream: '
    "remedyd elastic keys"
)

Item = tuple[str, Mapping[str, Any]]
"""A document and its id."""


@dataclass(slots=True)
class Delivery:
    """What became of each document, by id: stored now, there already, or refused with a reason.

    Whatever is in none of them was not judged and may be sent again; `trouble` says why.
    """

    created: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    trouble: str = ""


class TrailSink:
    """A data stream to which documents are added; safe to share between threads."""

    def __init__(
        self, connection: Connection, stream: str, held: Rotating[Elasticsearch] | None = None
    ) -> None:
        """Take how Elasticsearch is reached; nothing is sent yet. `held`: as for a source."""
        self._held = held or fixed(connection)
        self._where = connection.shown
        self.stream: Final = stream

    def create(self, items: Sequence[Item]) -> Delivery:
        """Send the documents; raise SinkError when Elasticsearch took none of them.

        A request that is refused as a whole for what is in it is halved until the document that
        spoils it stands alone.
        """
        try:
            return self._sorted(items, self._send(items))
        except ApiError as error:
            if error.status_code not in _ABOUT_THE_REQUEST:
                raise self._failed(error) from error
            if len(items) == 1:
                reason = query_error(error, self._where).message
                return Delivery(refused={items[0][0]: reason[:_LONGEST]})
        except CLIENT_ERRORS as error:
            raise self._failed(error) from error
        middle = len(items) // 2
        return _merged(self.create(items[:middle]), self.create(items[middle:]))

    def close(self) -> None:
        """Close the connections."""
        self._held.current().close()

    def _send(self, items: Sequence[Item]) -> Mapping[str, Any]:
        lines: list[Mapping[str, Any]] = []
        for key, document in items:
            lines += [{"create": {"_id": key}}, document]
        answer = asked(self._held, lambda client: client.bulk(index=self.stream, operations=lines))
        body: object = answer.body
        if not isinstance(body, Mapping):
            raise self._failed(garbled(self._where, "a JSON object"))
        return body

    def _sorted(self, items: Sequence[Item], body: Mapping[str, Any]) -> Delivery:
        answers = body.get("items")
        if not isinstance(answers, list) or len(answers) != len(items):
            raise self._failed(garbled(self._where, "one item for each document"))
        found = Delivery()
        for (key, _), answer in zip(items, answers, strict=True):
            told = answer.get("create") if isinstance(answer, Mapping) else None
            told = told if isinstance(told, Mapping) else {}
            status = told.get("status")
            status = status if isinstance(status, int) else 0
            if status in (200, 201):
                found.created.append(key)
            elif status == 409:
                found.known.append(key)
            elif status in RETRIED_STATUS | _ABOUT_US or status >= 500 or not status:
                found.trouble = f"{status}: {_reason(told)}"
            else:
                found.refused[key] = f"{status}: {_reason(told)}"[:_LONGEST]
        return found

    def _failed(self, error: Exception) -> SinkError:
        told = error if isinstance(error, QueryError) else query_error(error, self._where)
        refused = getattr(error, "status_code", 0) in _ABOUT_US
        return SinkError(told.message, hint=_HINT if refused else told.hint)


def _merged(first: Delivery, second: Delivery) -> Delivery:
    return Delivery(
        first.created + second.created,
        first.known + second.known,
        first.refused | second.refused,
        first.trouble or second.trouble,
    )


def _reason(told: Mapping[str, Any]) -> str:
    error = told.get("error")
    if not isinstance(error, Mapping):
        return str(error or "no reason given")[:_LONGEST]
    cause = error.get("caused_by")
    inner = f": {cause.get('reason')}" if isinstance(cause, Mapping) else ""
    return f"{error.get('type')}: {error.get('reason')}{inner}"[:_LONGEST]
