"""Keys, passwords and CAs of Elasticsearch are exchanged while it is asked."""

import base64
import gc
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from remedyd.elastic.client import ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.elastic.renewal import renewing
from remedyd.elastic.sink import TrailSink
from remedyd.errors import ConfigurationError, QueryError, SinkError
from remedyd.lab.elasticsearch.endpoint import Endpoint
from remedyd.lab.elasticsearch.security import ANYONE, Account, Security
from remedyd.lab.elasticsearch.server import ElasticsearchServer
from remedyd.lab.elasticsearch.streams import DataStreams
from remedyd.model import SystemClock
from remedyd.rotation import Rotating
from remedyd.settings import ElasticsearchSettings
from support.certificates import Authority
from support.elastic import FakeElasticsearch, Reply, Request, fake_elasticsearch, table
from support.trail import STREAM
from support.wire import Answer, Asked, forwarded, serving

KEY = Account("reader")
DOCUMENT = {"@timestamp": "2026-11-05T12:00:00.000Z"}


@pytest.fixture(scope="module")
def server() -> Iterator[ElasticsearchServer]:
    streams = DataStreams(SystemClock(), (9, 4), timedelta(hours=1))
    started = ElasticsearchServer(Endpoint(streams, Random(1)))
    started.start()
    yield started
    started.stop()
    streams.close()


@pytest.fixture
def security(server: ElasticsearchServer) -> Iterator[Security]:
    """Give the accounts of a server that lets nobody else in."""
    server.endpoint.security = Security()
    server.endpoint.security.add_user("keeper", "of-the-door", ANYONE)
    yield server.endpoint.security


class Client:
    """A source whose credentials lie in files, and its next look when time has passed."""

    def __init__(self, url: str, **settings: Any) -> None:
        found = ElasticsearchSettings(url=url, timeout_seconds=5, **settings)
        self.now = 0.0
        connect = partial(Connection.of, found)
        self.held: Rotating[Elasticsearch] = renewing("elasticsearch", connect, lambda: self.now)
        self.source = ElasticSource(connect(), self.held)

    def works(self) -> bool:
        try:
            self.source.ping()
        except QueryError:
            return False
        return True


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "api-key"


@pytest.fixture
def client(server: ElasticsearchServer, security: Security, key: Path) -> Iterator[Client]:
    key.write_text(security.add_key("old", "s3cret", KEY))
    made = Client(server.url, api_key_file=key)
    assert made.works()
    yield made
    made.source.close()


def test_the_next_request_has_the_rotated_key(
    client: Client, security: Security, key: Path
) -> None:
    """And the one before may be revoked."""
    old = key.read_text()
    key.write_text(security.add_key("new", "s3cret", KEY))
    assert client.works()
    security.revoke(old)
    assert client.works()


def test_a_key_that_is_refused_does_not_replace_one_that_works(
    client: Client, security: Security, key: Path
) -> None:
    """It is well formed and wrong; the notice does not say what it is."""
    wrong = base64.b64encode(b"typing:error-in-it").decode()
    key.write_text(wrong)
    assert client.works()
    assert "does not accept the credentials" in client.held.trouble
    assert wrong not in client.held.trouble + client.held.hint
    key.write_text(security.add_key("right", "s3cret", KEY))
    assert client.works()
    assert client.held.trouble == ""


@pytest.mark.parametrize("content", ["", "two words", "two\nlines", "schl\u00fcssel"])
def test_what_is_no_key_is_not_even_tried(client: Client, key: Path, content: str) -> None:
    """An empty file, or a whole document."""
    key.write_text(content)
    assert client.works()
    assert client.held.trouble


def test_a_refusal_looks_at_once(client: Client, security: Security, key: Path) -> None:
    """The new key was written before it was known: when the old one ends, no request is lost."""
    old = key.read_text()
    new = base64.b64encode(b"new:s3cret").decode()
    key.write_text(new)
    assert client.works()
    assert client.held.trouble
    client.now += 6
    security.add_key("new", "s3cret", KEY)
    security.revoke(old)
    assert client.works()
    assert client.held.trouble == ""


def test_without_another_key_a_refusal_is_one(
    client: Client, security: Security, key: Path
) -> None:
    """It is not sent twice."""
    security.revoke(key.read_text())
    assert not client.works()


def test_a_password_is_rotated_as_well(
    server: ElasticsearchServer, security: Security, tmp_path: Path
) -> None:
    """With basic authentication."""
    file = tmp_path / "password"
    file.write_text("first")
    security.add_user("ann", "second", KEY)
    client = Client(server.url, username="ann", password_file=file)
    assert not client.works()
    file.write_text("second\n")
    assert client.works()
    client.source.close()


def test_the_trail_goes_on_with_its_new_key(
    server: ElasticsearchServer, security: Security, key: Path
) -> None:
    """Refused with the old key, the same events are sent with the new one."""
    old = security.add_key("old", "s3cret", KEY)
    key.write_text(old)
    connect = partial(Connection.of, ElasticsearchSettings(url=server.url, api_key_file=key))
    now = [0.0]
    held = renewing("trail", connect, lambda: now[0])
    sink = TrailSink(connect(), STREAM, held)
    assert sink.create([("one", DOCUMENT)]).created == ["one"]
    key.write_text(base64.b64encode(b"new:s3cret").decode())
    assert sink.create([("two", DOCUMENT)]).created == ["two"]
    now[0] += 6
    security.add_key("new", "s3cret", KEY)
    security.revoke(old)
    assert sink.create([("three", DOCUMENT)]).created == ["three"]
    security.revoke(key.read_text())
    with pytest.raises(SinkError):
        sink.create([("four", DOCUMENT)])
    sink.close()


def test_who_is_under_way_ends_with_what_it_began(key: Path) -> None:
    """The old client is given up when nobody uses it any more."""
    waits, goes_on, seen = threading.Event(), threading.Event(), list[str]()

    def answer(request: Request) -> Reply:
        seen.append(request.headers["authorization"])
        if len(seen) == 1:
            waits.set()
            assert goes_on.wait(10)
        return Reply(body=table({"a": "x"}))

    key.write_text("b2xk")
    with fake_elasticsearch() as fake:
        fake.routes["/_query"] = answer
        client = Client(fake.url, api_key_file=key)
        old, rows = weakref.ref(client.held.current()), list[Any]()
        first = threading.Thread(target=lambda: rows.append(client.source.query("ROW a=1", {})))
        first.start()
        assert waits.wait(10)
        key.write_text("bmV3")
        client.source.query("ROW a=1", {})
        goes_on.set()
        first.join(10)
        assert len(rows) == 1
        assert seen == ["ApiKey b2xk", "ApiKey bmV3"]
        gc.collect()
        assert old() is None
        client.source.close()


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_server_without_security_is_no_reason_to_keep_the_old(
    key: Path, status: int, fake: FakeElasticsearch
) -> None:
    """It cannot say that a key is wrong."""
    key.write_text("b2xk")
    client = Client(fake.url, api_key_file=key)
    fake.on("/_security", Reply(status, {"error": "no handler found"}))
    key.write_text("bmV3")
    client.works()
    assert fake.sent("/")[-1].headers["authorization"] == "ApiKey bmV3"
    client.source.close()


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_in_trouble_is_asked_again_later(
    key: Path, status: int, fake: FakeElasticsearch
) -> None:
    """Nobody knows yet whether the new key is right."""
    key.write_text("b2xk")
    client = Client(fake.url, api_key_file=key)
    fake.on("/_security", Reply(status, {"error": "later"}))
    key.write_text("bmV3")
    client.works()
    assert fake.sent("/")[-1].headers["authorization"] == "ApiKey b2xk"
    fake.on("/_security", Reply(200, {"username": "x"}))
    client.now += 6
    client.held.look()
    client.works()
    assert fake.sent("/")[-1].headers["authorization"] == "ApiKey bmV3"
    client.source.close()


@pytest.fixture
def fake() -> Iterator[FakeElasticsearch]:
    with fake_elasticsearch() as server:
        yield server


def test_a_rotated_ca_is_trusted_and_a_wrong_one_is_not(
    server: ElasticsearchServer, security: Security, key: Path, tmp_path: Path
) -> None:
    """A CA that did not sign what the server shows waits until the server shows another."""
    old, new = Authority("old"), Authority("new")
    ca = tmp_path / "ca.crt"
    ca.write_text(old.pem)
    key.write_text(security.add_key("old", "s3cret", KEY))

    def answer(asked: Asked) -> Answer:
        reply = forwarded(server.url, asked, "x-elastic-product")
        return replace(reply, headers=reply.headers | {"Connection": "close"})

    tls = old.server(tmp_path / "old")
    with serving(answer, tls) as wire:
        client = Client(wire.url, api_key_file=key, ca_file=ca)
        assert client.works()
        for content in ("", "no certificate", new.pem):
            ca.write_text(content)
            assert client.works(), content
            assert client.held.trouble, content
        new.server(tmp_path / "new")
        tls.load_cert_chain(tmp_path / "new" / "server.pem")
        client.now += 6
        assert client.works()
        assert client.held.trouble == ""
        client.source.close()


def test_a_ca_that_is_none_stops_the_start(tmp_path: Path) -> None:
    """There is none before it."""
    file = tmp_path / "ca.crt"
    file.write_text("no certificate")
    with pytest.raises(ConfigurationError, match="of Elasticsearch cannot be used"):
        Client("https://127.0.0.1:9", ca_file=file)
