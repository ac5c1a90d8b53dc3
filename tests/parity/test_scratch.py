"""Indices of our own are gone in the end, whatever arrived late."""

import pytest

from remedyd.elastic.client import ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.elastic.scratch import Scratch
from support.recordings import STREAM, document, elasticsearch


@pytest.fixture(scope="module")
def server():
    with elasticsearch({STREAM: [document(1, "kept")]}) as found:
        yield found


@pytest.fixture
def source(server):
    found = ElasticSource(Connection(server.url, attempts=1, timeout=5))
    yield found
    found.close()


def names(server):
    return server.endpoint._streams.names("*")


def test_what_arrives_after_a_failure_is_deleted_too(server, source):
    """A request that was given up may make its index anew: it is deleted a second time."""
    late = []

    def pause(seconds):
        late.append(seconds)
        source.client.bulk(
            index="scratch-a", operations=[{"create": {}}, document(1, "late")], refresh=True
        )

    with pytest.raises(RuntimeError), Scratch(source, pause=pause) as scratch:
        scratch.create("scratch-a", {}, {"properties": {"@timestamp": {"type": "date"}}})
        raise RuntimeError
    assert late, "it waited"
    assert names(server) == [STREAM]


def test_a_run_that_went_well_waits_for_nothing(server, source):
    """Then no request is under way any more."""
    with Scratch(source, pause=pytest.fail) as scratch:
        scratch.create("scratch-b", {}, {"properties": {"@timestamp": {"type": "date"}}})
    assert names(server) == [STREAM]
