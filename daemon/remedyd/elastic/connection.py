"""How Elasticsearch is reached, and the official client made from it."""

import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from elasticsearch import Elasticsearch

from remedyd.elastic.node import MAX_BYTES, bounded
from remedyd.elastic.transport import CompatibleTransport, EightTransport
from remedyd.errors import ConfigurationError, Problem
from remedyd.settings import ElasticsearchSettings
from remedyd.urls import trust

log = logging.getLogger(__name__)

_WORD: Final = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Connection:
    """An Elasticsearch and the credentials for it; secrets stay out of its text form.

    `compatibility` is the REST API generation asked for: an 8.x server refuses 9. Times are in
    seconds; `attempts` counts the first one. `largest` is how many bytes an answer may have.
    """

    url: str
    api_key: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    verify: bool = True
    compatibility: int = 9
    timeout: float = 30.0
    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 8.0
    largest: int = MAX_BYTES
    sources: tuple[Path, ...] = ()
    """Files that it was made of, and is made of again when they change."""

    @classmethod
    def of(cls, settings: ElasticsearchSettings) -> "Connection":
        """Take the daemon's settings."""
        files = (
            None if settings.api_key else settings.api_key_file,
            None if settings.password else settings.password_file,
            settings.ca_file,
        )
        return cls(
            url=settings.url,
            api_key=settings.api_key_value(),
            username=settings.username,
            password=settings.password_value(),
            ca_file=settings.ca_file,
            verify=settings.verify,
            compatibility=settings.compatibility,
            timeout=settings.timeout_seconds,
            sources=tuple(file for file in files if file),
        )

    @property
    def shown(self) -> str:
        """Return the URL as it may be logged: no user, no password, no query."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


def open_client(connection: Connection) -> Elasticsearch:
    """Make the client; nothing is sent yet. Raises ConfigurationError for unusable settings."""
    _check(connection)
    options: dict[str, Any] = {
        "request_timeout": connection.timeout,
        "max_retries": 0,  # retried above the client, where backoff and deadline are ours
        "retry_on_timeout": False,
        "node_class": bounded(connection.largest),
        "transport_class": CompatibleTransport,
    }
    if connection.compatibility == 8:
        options["transport_class"] = EightTransport
    if connection.api_key:
        options["api_key"] = connection.api_key
    elif connection.username:
        options["basic_auth"] = (connection.username, connection.password)
    if urlsplit(connection.url).scheme == "https":
        options |= _tls(connection)
    return Elasticsearch(with_port(connection.url), **options)


def with_port(url: str) -> str:
    """Return the URL with its scheme's usual port where it names none; the client demands one."""
    parts = urlsplit(url)
    if parts.port is not None:
        return url
    port = 443 if parts.scheme == "https" else 80
    return urlunsplit((parts.scheme, f"{parts.netloc}:{port}", parts.path, "", ""))


def _tls(connection: Connection) -> dict[str, Any]:
    if not connection.verify:
        log.warning(
            "the TLS certificate of %s is not verified: its answers can be forged",
            connection.shown,
        )
        return {"verify_certs": False, "ssl_show_warn": False}
    if connection.ca_file is not None:
        context = trust(connection.ca_file, "Elasticsearch")
        context.load_default_certs()
        return {"ssl_context": context}
    return {}


def _check(connection: Connection) -> None:
    problems = []
    try:
        parts = urlsplit(connection.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            problems.append("the URL must begin with http:// or https:// and name a host")
        if "@" in parts.netloc:
            problems.append("the URL must not carry a user or password; use their own settings")
        _ = parts.port
    except ValueError:
        problems.append("the URL cannot be read")
    if connection.api_key and connection.username:
        problems.append("an API key and a user are both set; one is enough")
    if not _WORD.fullmatch(connection.api_key):
        problems.append("the API key is not one word of plain characters")
    if connection.compatibility not in (8, 9):
        problems.append("compatibility must be 8 or 9")
    if connection.ca_file is not None and not connection.ca_file.is_file():
        problems.append(f"the CA file {connection.ca_file} does not exist")
    if problems:
        raise ConfigurationError(
            "Elasticsearch: " + "; ".join(problems),
            [Problem(text, "elasticsearch") for text in problems],
            hint="Correct the elasticsearch section of the settings.",
        )
