"""The keys that are printed are enough for what they are for, and for nothing else."""

import json
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from remedyd.cli.elastic import app
from remedyd.elastic.client import ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.elastic.kibana import keys
from remedyd.elastic.sink import TrailSink
from remedyd.errors import QueryError
from remedyd.lab.elasticsearch.endpoint import Endpoint
from remedyd.lab.elasticsearch.security import Account
from remedyd.lab.elasticsearch.server import ElasticsearchServer
from remedyd.lab.elasticsearch.streams import DataStreams
from remedyd.model import SystemClock
from support.trail import STREAM


def account(body: dict[str, Any]) -> Account:
    """Return the account that Elasticsearch makes of a key's request."""
    (role,) = body["role_descriptors"].values()
    rights = {name: tuple(one["privileges"]) for one in role["indices"] for name in one["names"]}
    return Account(body["name"], rights, cluster=tuple(role["cluster"]))


def test_each_key_does_its_own_work_and_no_more() -> None:
    """The reader cannot write, the writer cannot read or change, neither may touch the cluster."""
    streams = DataStreams(SystemClock(), (9, 4), timedelta(hours=1))
    server = ElasticsearchServer(Endpoint(streams, Random(1)))
    security = server.endpoint.security
    reading = security.add_key("r", "1", account(keys.reader(90)))
    writing = security.add_key("w", "1", account(keys.trail(90)))
    server.start()
    sink = TrailSink(Connection(server.url, api_key=writing), STREAM)
    document = {"@timestamp": "2026-11-05T12:00:00.000Z"}
    assert sink.create([("a", document)]).created == ["a"]
    sink.close()
    source = ElasticSource(Connection(server.url, api_key=writing))
    with pytest.raises(QueryError):
        source.query(f"FROM {STREAM} | LIMIT 1", {})
    source.close()
    sink = TrailSink(Connection(server.url, api_key=reading), STREAM)
    assert "403" in sink.create([("b", document)]).trouble
    sink.close()
    source = ElasticSource(Connection(server.url, api_key=reading))
    held = source.privileges(["metrics-kubeletstatsreceiver.otel-*", "logs-secret-default"])
    assert held == {"metrics-kubeletstatsreceiver.otel-*": True, "logs-secret-default": False}
    source.close()
    server.stop()
    streams.close()


def test_the_requests_are_ready_to_run() -> None:
    """Each is a method, a path and a JSON body, as Dev Tools take them; none holds a secret."""
    printed = CliRunner().invoke(app, ["keys", "--days", "30"]).output
    requests = [part for part in printed.split("# ") if part.strip()]
    assert len(requests) == 3
    for request in requests:
        head, _, body = request.partition("\n")[2].partition("\n")
        assert head == "POST /_security/api_key"
        read = json.loads(body)
        assert read["expiration"] in ("30d", "1d")
        assert read["role_descriptors"]


def test_the_template_keeps_the_trail_for_as_long_as_it_is_told() -> None:
    """Create-only by the key, kept by the data stream's life cycle."""
    printed = CliRunner().invoke(app, ["template", "--retention-days", "400"]).output
    head, _, body = printed.partition("\n")
    assert head == "PUT /_index_template/logs-k8s.remediation"
    read = json.loads(body)
    assert read["index_patterns"] == ["logs-k8s.remediation-*"]
    assert read["data_stream"] == {}
    assert read["priority"] > 200
    assert read["template"]["lifecycle"] == {"data_retention": "400d"}


def test_the_installers_key_names_its_space() -> None:
    """It may act in one space of Kibana, for a day."""
    body = keys.installer("sre")
    (role,) = body["role_descriptors"].values()
    assert role["applications"][0]["resources"] == ["space:sre"]
    assert body["expiration"] == "1d"
