"""Audits through the official client against the lab's Elasticsearch, which executes ES|QL."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.elastic.client import UNKNOWN_VERSION, ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.lab.elasticsearch.endpoint import Endpoint
from remedyd.lab.elasticsearch.script import Trouble
from remedyd.lab.elasticsearch.security import Account
from remedyd.lab.elasticsearch.server import ElasticsearchServer
from remedyd.lab.elasticsearch.streams import DataStreams
from remedyd.model import ManualClock
from remedyd.paths import shipped
from support.documents import END, container, source, workload

AUDITS = load_audits(shipped("esql"))
CLOCK = ManualClock(END + timedelta(seconds=20))
KILLS = [
    {"restarts": n, "limit": 100, "used": 95, "reason": "OOMKilled"}
    for n in (0, 0, 1, 2, 3, 3, 3, 4, 4, 4)
]
DOCUMENTS = [*container(KILLS), *workload([(3, 1)] * 5)]
STREAMS = ("metrics-kubeletstatsreceiver.otel-*", "metrics-k8sclusterreceiver.otel-*")
NAMES = ("container-memory", "container-restarts", "replica-gap")


@pytest.fixture
def lab() -> Iterator[ElasticsearchServer]:
    streams = DataStreams(CLOCK, (9, 4), timedelta(hours=2))
    server = ElasticsearchServer(Endpoint(streams, Random(1)))
    server.start()
    for stream, document in DOCUMENTS:
        request = urllib.request.Request(
            f"{server.url}/{stream}/_doc",
            json.dumps(document).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()
    yield server
    server.stop()
    streams.close()


def run(lab, name, **options):
    link = Connection(lab.url, attempts=2, first_wait=0.001, longest_wait=0.002, **options)
    elastic = ElasticSource(link)
    try:
        return AuditRunner(elastic, CLOCK, gate=AUDITS.gate).run(AUDITS[name])
    finally:
        elastic.close()


@pytest.mark.parametrize("name", NAMES)
def test_rows_over_http_equal_rows_offline(lab, name, tmp_path):
    """The same documents give the same rows, types included, on either way."""
    offline = AuditRunner(source(tmp_path, DOCUMENTS), CLOCK, gate=AUDITS.gate)
    expected = offline.run(AUDITS[name])
    got = run(lab, name)
    assert expected.ok
    assert (got.rows, got.unavailable) == (expected.rows, expected.unavailable)


@pytest.mark.parametrize("generation", [8, 9])
def test_both_generations_of_the_api_are_spoken(lab, generation):
    """What an 8.x server accepts and what a 9.x server accepts."""
    assert run(lab, "replica-gap", compatibility=generation).ok


@pytest.mark.parametrize(
    ("indices", "outcome"),
    [
        (dict.fromkeys(STREAMS, ("read",)), "Ok"),
        ({STREAMS[0]: ("read",)}, "Forbidden"),
        ({"logs-*": ("read",)}, "Forbidden"),
    ],
)
def test_a_key_needs_read_on_every_stream(lab, indices, outcome):
    """One unreadable stream would show as null columns and as health."""
    account = Account("reader", indices=indices, cluster=())
    key = lab.endpoint.security.add_key("reader", "s", account)
    assert run(lab, "container-memory", api_key=key).outcome == outcome


def test_a_wrong_key_is_forbidden(lab):
    """Credentials that are not known end in Forbidden, not in no data."""
    lab.endpoint.security.add_key("reader", "s", Account("reader"))
    assert run(lab, "replica-gap", api_key="d3Jvbmc6a2V5").outcome == "Forbidden"


def test_a_key_without_cluster_rights_does_not_know_the_release(lab):
    """Reading is enough to run audits."""
    account = Account("reader", indices=dict.fromkeys(STREAMS, ("read",)), cluster=())
    key = lab.endpoint.security.add_key("reader", "s", account)
    elastic = ElasticSource(Connection(lab.url, api_key=key))
    assert elastic.version() == UNKNOWN_VERSION
    elastic.close()


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (Trouble("*_query", drop=True), "Ok"),
        (Trouble("*_query", times=9, drop=True), "Unavailable"),
        (Trouble("*_query", partial=True), "Partial"),
    ],
)
def test_trouble_on_the_way_is_named(lab, trouble, outcome):
    """A dropped connection is tried again; what stays wrong has its name."""
    lab.script.add(replace(trouble))
    assert run(lab, "replica-gap").outcome == outcome
