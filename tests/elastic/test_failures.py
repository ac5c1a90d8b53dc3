"""Every way in which Elasticsearch can fail has one named outcome."""

import logging
import socket

import pytest

from remedyd.elastic.client import UNKNOWN_VERSION, ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.errors import QueryError
from remedyd.model import AuditOutcome
from support.elastic import Reply, refusal, table

SECRET = "c2VjcmV0OmtleQ=="


def failure(source) -> QueryError:
    with pytest.raises(QueryError) as caught:
        source.query("FROM a-* | LIMIT 1", {})
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind", "reason", "outcome", "place"),
    [
        (400, "parsing_exception", "line 3:15: mismatched input 'X'", "BadQuery", (3, 15)),
        (
            400,
            "verification_exception",
            "Found 1 problem\nline 2:7: Unknown column [foo], did you mean [bar]?",
            "MissingField",
            (2, 7),
        ),
        (
            400,
            "verification_exception",
            "Found 2 problems\nline 2:7: Unknown column [foo]\nline 3:1: Unknown function [LAST]",
            "BadQuery",
            (2, 7),
        ),
        (400, "verification_exception", "Unknown index [metrics-*]", "NoData", (0, 0)),
        (
            400,
            "verification_exception",
            "Found 1 problem\nline 1:1: Unknown index [metrics-*]",
            "NoData",
            (1, 1),
        ),
        (
            400,
            "verification_exception",
            "Cannot use field [a] due to ambiguities being mapped as [2] incompatible types",
            "BadQuery",
            (0, 0),
        ),
        (400, "media_type_header_exception", "Invalid media-type", "Unavailable", (0, 0)),
        (401, "security_exception", "unable to authenticate", "Forbidden", (0, 0)),
        (403, "security_exception", "action [x] is unauthorized", "Forbidden", (0, 0)),
        (404, "index_not_found_exception", "no such index [a]", "NoData", (0, 0)),
        (404, "", "", "Unavailable", (0, 0)),
        (413, "", "", "BadQuery", (0, 0)),
        (429, "circuit_breaking_exception", "Data too large", "Unavailable", (0, 0)),
        (500, "null_pointer_exception", "", "Unavailable", (0, 0)),
        (503, "search_phase_execution_exception", "missing shards", "Unavailable", (0, 0)),
    ],
)
def test_an_error_answer_has_its_outcome(fake, source, status, kind, reason, outcome, place):
    """Status and type of the error body decide; a position is carried along."""
    fake.on("/_query", refusal(status, kind, reason))
    error = failure(source())
    assert (error.outcome, (error.line, error.column)) == (outcome, place)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_passing_failure_is_tried_again(fake, source, status):
    """Overload and unavailable nodes pass: the request is repeated after a pause."""
    fake.on("/_query", refusal(status, "x", "y"), Reply(body=table({"a": "x"})))
    assert source().query("FROM a", {}).rows == (("x",),)
    assert len(fake.sent("/_query")) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_a_lasting_failure_is_not_tried_again(fake, source, status):
    """What will fail again is not sent again."""
    fake.on("/_query", refusal(status, "x", "y"))
    failure(source())
    assert len(fake.sent("/_query")) == 1


def test_retries_end(fake, source):
    """A failure that stays is given up after the configured attempts."""
    fake.on("/_query", refusal(503, "x", "y"))
    assert failure(source(attempts=3)).outcome == AuditOutcome.UNAVAILABLE
    assert len(fake.sent("/_query")) == 3


def test_a_reset_connection_is_tried_again(fake, source):
    """A connection that breaks before an answer came is opened anew: reading is safe to repeat."""
    fake.on("/_query", Reply(reset=True), Reply(body=table({"a": "x"})))
    assert source().query("FROM a", {}).rows == (("x",),)


def test_an_answer_cut_short_is_never_taken_for_whole(fake, source):
    """A body that ends before its announced length is unavailable."""
    fake.on("/_query", Reply(body=table({"a": "x"}), cut=True))
    assert failure(source()).outcome == AuditOutcome.UNAVAILABLE


@pytest.mark.parametrize("head", [False, True])
def test_an_answer_that_trickles_in_ends_at_the_time_limit(fake, source, head):
    """The time limit holds for the whole answer, its head included; a timeout is not repeated."""
    body = table({"a": "x" * 500})
    fake.on("/_query", Reply(body=body, drip_seconds=0.01, drip_from_the_start=head))
    assert "in time" in failure(source(timeout=0.3)).message
    assert len(fake.sent("/_query")) == 1


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"<html>login</html>", {"Content-Type": "text/html"}),
        (b'{"columns": [', {}),
        (b"", {}),
        (b"\xff\xfe\x00", {}),
        (b"null", {}),
        (b"gzip?", {"Content-Encoding": "gzip"}),
    ],
)
def test_a_garbage_body_is_unavailable(fake, source, body, headers):
    """What can not be read is no answer."""
    fake.on("/_query", Reply(body=body, headers=headers))
    assert failure(source()).outcome == AuditOutcome.UNAVAILABLE


def test_a_server_that_is_not_elasticsearch_is_unavailable(fake, source):
    """The product header is demanded: a proxy may answer 200 with anything."""
    fake.on("/_query", Reply(body=table({"a": "x"}), product=False))
    assert "not Elasticsearch" in failure(source()).message


def test_a_refused_connection_is_unavailable():
    """Nobody listening is an outage, not an empty result."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        one = ElasticSource(Connection(url, attempts=2, first_wait=0.001, longest_wait=0.001))
        assert failure(one).outcome == AuditOutcome.UNAVAILABLE
        one.close()


def test_an_unresolvable_host_is_unavailable():
    """A name without an address is an outage too."""
    one = ElasticSource(Connection("http://nowhere.invalid:9200", attempts=1))
    assert failure(one).outcome == AuditOutcome.UNAVAILABLE
    one.close()


def test_secrets_stay_out_of_logs_and_messages(fake, source, caplog):
    """No log line, message or text form shows a key or password."""
    caplog.set_level(logging.DEBUG)
    fake.on("/_query", refusal(401, "security_exception", "unable to authenticate"))
    one = source(api_key=SECRET)
    text = str(failure(one)) + repr(Connection("http://x", api_key=SECRET, password=SECRET))
    assert fake.sent("/_query")[0].headers["authorization"] == f"ApiKey {SECRET}"
    assert SECRET not in text + caplog.text


@pytest.mark.parametrize(("status", "version"), [(403, UNKNOWN_VERSION), (200, (9, 5))])
def test_the_release_may_stay_unknown(fake, source, status, version):
    """A key without the monitor privilege can still run queries."""
    if status != 200:
        fake.on("/", refusal(status, "security_exception", "cluster:monitor/main"))
    assert source().version() == version
