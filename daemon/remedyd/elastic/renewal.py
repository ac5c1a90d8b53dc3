"""The client with the credentials that the files hold now.

Elasticsearch itself is asked whether it accepts what a rotated Secret holds: a key that is well
formed and wrong would else take the place of one that works.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from elastic_transport import SerializationError, TlsError, TransportError
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError

from remedyd.elastic.connection import Connection, open_client
from remedyd.elastic.failures import RETRIED_STATUS, query_error
from remedyd.model import monotonic
from remedyd.rotation import Rotating

CLIENT_ERRORS: Final = (ApiError, TransportError, SerializationError, UnsupportedProductError)
_REFUSED: Final = frozenset({401, 403})
_SECONDS: Final = 3.0

Answer = TypeVar("Answer")


def renewing(
    part: str, connect: Callable[[], Connection], ticks: Callable[[], float] = monotonic
) -> Rotating[Elasticsearch]:
    """Return the client of a connection, made again when the connection's files change.

    Raises ConfigurationError for files and settings that cannot be used at the start.
    """
    first = connect()

    def proved(client: Elasticsearch) -> None:
        try:
            _prove(client, first.shown)
        except BaseException:
            client.close()
            raise

    def make() -> Elasticsearch:
        return open_client(connect())

    return Rotating(part, first.sources, make, prove=proved, ticks=ticks)


def fixed(connection: Connection) -> Rotating[Elasticsearch]:
    """Return the client of a connection that stays as it is."""
    return Rotating("elasticsearch", (), lambda: open_client(connection))


def asked(held: Rotating[Elasticsearch], send: Callable[[Elasticsearch], Answer]) -> Answer:
    """Send with the client in force, and once more if it is refused and the files hold another.

    A request that is refused, or whose server is not trusted, has done nothing.
    """
    client = held.current()
    try:
        return send(client)
    except (ApiError, TlsError) as error:
        if isinstance(error, ApiError) and error.status_code not in _REFUSED:
            raise
        other = held.instead_of(client)
        if other is None:
            raise
    return send(other)


def _prove(client: Elasticsearch, shown: str) -> None:
    """Raise QueryError unless this client is let in; one without security lets everybody in."""
    try:
        client.options(request_timeout=_SECONDS).security.authenticate()
    except CLIENT_ERRORS as error:
        status = error.status_code if isinstance(error, ApiError) else 0
        if 400 <= status < 500 and status not in _REFUSED | RETRIED_STATUS:
            return
        raise query_error(error, shown) from error
