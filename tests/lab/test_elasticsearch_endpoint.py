"""The Elasticsearch endpoint as the official client sees it."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from elasticsearch import (
    ApiError,
    AuthenticationException,
    AuthorizationException,
    BadRequestError,
    ConflictError,
    ConnectionTimeout,
    Elasticsearch,
    ElasticsearchWarning,
    NotFoundError,
)
from elasticsearch import ConnectionError as ElasticConnectionError

from remedyd.lab.elasticsearch import script
from remedyd.lab.elasticsearch.security import Account
from remedyd.lab.scenario import Scenario
from remedyd.lab.world import Lab
from support.labcluster import spec

METRICS = "metrics-*.otel-*"
EVENT = {"@timestamp": "2026-01-05T09:00:00Z", "event": {"action": "applied"}, "message": "ok"}


def new_lab() -> Lab:
    """Return a small lab with five minutes of history."""
    scenario = Scenario(
        workloads=(spec("web"), spec("free", replicas=1, requests=None, limits=None)),
        namespaces=("default", "shop"),
    )
    return Lab(scenario=scenario, history=timedelta(minutes=5), interval=timedelta(seconds=30))


@pytest.fixture(scope="module")
def shared() -> Iterator[Lab]:
    """Return a running lab for tests that change nothing."""
    with new_lab() as lab:
        yield lab


@pytest.fixture
def lab(shared: Lab) -> Iterator[Lab]:
    """Return the lab, without scripted trouble afterwards."""
    yield shared
    shared.elasticsearch.script.clear()


@pytest.fixture
def client(lab: Lab) -> Iterator[Elasticsearch]:
    """Return a client that does not retry."""
    with Elasticsearch(lab.elasticsearch_url, max_retries=0, request_timeout=10) as made:
        yield made


def rows(client: Elasticsearch, query: str, **params: Any) -> list[list[Any]]:
    """Run a query and return its rows."""
    given = [{name: value} for name, value in params.items()]
    found: list[list[Any]] = client.esql.query(query=query, params=given)["values"]
    return found


def test_the_root_names_product_and_version(client: Elasticsearch) -> None:
    """The client accepts the endpoint as Elasticsearch 9.4."""
    answer = client.info()
    assert answer["version"]["number"].startswith("9.4.")
    assert answer.meta.headers["x-elastic-product"] == "Elasticsearch"
    assert answer.meta.headers["content-type"].endswith("compatible-with=9")


@pytest.mark.parametrize(("version", "status"), [(8, 200), (9, 200), (7, 400)])
def test_compatibility_versions(lab: Lab, version: int, status: int) -> None:
    """Requests in the form of release 8 and 9 are answered in that form, older ones refused."""
    accept = f"application/vnd.elasticsearch+json; compatible-with={version}"
    request = urllib.request.Request(lab.elasticsearch_url, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request) as answer:
            found, kind = answer.status, answer.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        found, kind = error.code, error.headers["Content-Type"]
        error.close()
    assert found == status
    assert kind.endswith(f"compatible-with={version}")


def test_a_query_counts_what_the_collector_sent(client: Elasticsearch) -> None:
    """ES|QL really runs over the documents."""
    found = rows(
        client,
        f"FROM {METRICS} | WHERE metrics.k8s.deployment.desired IS NOT NULL "
        "| STATS scrapes = COUNT(*), size = MAX(metrics.k8s.deployment.desired) "
        "BY kubernetes.deployment.name | SORT kubernetes.deployment.name | LIMIT 10",
    )
    assert found == [[10, 1, "free"], [10, 2, "web"]]


def test_columns_carry_types(client: Elasticsearch) -> None:
    """The answer names each column with its ES|QL type."""
    answer = client.esql.query(
        query=f"FROM {METRICS} | STATS at = MAX(@timestamp), n = COUNT(*) BY k8s.cluster.name "
        "| LIMIT 5"
    )
    assert [(c["name"], c["type"]) for c in answer["columns"]] == [
        ("at", "date"), ("n", "long"), ("k8s.cluster.name", "keyword"),
    ]  # fmt: skip
    assert answer["is_partial"] is False


def test_named_parameters_are_bound(client: Elasticsearch) -> None:
    """`?name` takes the value of that name."""
    found = rows(
        client,
        f"FROM {METRICS} | WHERE k8s.deployment.name == ?name AND @timestamp >= TO_DATETIME(?start)"
        " | STATS n = COUNT_DISTINCT(k8s.pod.name) | LIMIT 1",
        name="web",
        start="2026-01-05T08:58:00Z",
    )
    assert found == [[2]]


def test_parameters_come_in_every_form(client: Elasticsearch) -> None:
    """A value may be wrapped, an identifier is given for `??`, a list is positional."""
    wrapped = [{"n": {"value": 2}}, {"field": {"identifier": "a"}}]
    query = "ROW a = 1, b = 2 | EVAL c = ??field + ?n | KEEP c | LIMIT 1"
    assert client.esql.query(query=query, params=wrapped)["values"] == [[3]]
    query = "ROW a = ?1, b = ?2 | LIMIT 1"
    assert client.esql.query(query=query, params=["x", 5])["values"] == [["x", 5]]


def test_a_parameter_without_value_is_refused(client: Elasticsearch) -> None:
    """A placeholder that nothing is given for is a parsing error."""
    with pytest.raises(BadRequestError, match="Unknown query parameter"):
        client.esql.query(query="ROW a = ?missing | LIMIT 1", params=[{"given": 1}])


def test_a_request_filter_applies_before_the_query(client: Elasticsearch) -> None:
    """A Query DSL filter restricts what the query sees."""
    window = {
        "range": {"@timestamp": {"gte": "2026-01-05T08:59:00Z", "lt": "2026-01-05T09:00:00Z"}}
    }
    terms = {"terms": {"k8s.deployment.name": ["web", "other"]}}
    without = {"exists": {"field": "k8s.no.such.field"}}
    answer = client.esql.query(
        query=f"FROM {METRICS} | WHERE metrics.k8s.deployment.desired IS NOT NULL "
        "| STATS n = COUNT(*) BY k8s.deployment.name | LIMIT 5",
        filter={"bool": {"filter": [window, terms], "must_not": [without]}},
    )
    assert answer["values"] == [[2, "web"]]


def test_a_query_without_limit_is_warned_about(client: Elasticsearch) -> None:
    """The default limit is announced in a Warning header."""
    with pytest.warns(ElasticsearchWarning, match=r"No limit defined, adding default limit"):
        client.esql.query(query=f"FROM {METRICS} | STATS COUNT(*)")


def test_columnar_answers_hold_one_list_per_column(client: Elasticsearch) -> None:
    """With `columnar` values are turned by ninety degrees."""
    query = 'ROW a = 1, b = "x" | LIMIT 1'
    assert client.esql.query(query=query, columnar=True)["values"] == [[1], ["x"]]


def test_null_columns_can_be_dropped(client: Elasticsearch) -> None:
    """With `drop_null_columns` empty columns are listed but not sent."""
    answer = client.esql.query(query="ROW a = 1, b = null | LIMIT 1", drop_null_columns=True)
    assert [column["name"] for column in answer["columns"]] == ["a"]
    assert [column["name"] for column in answer["all_columns"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("query", "kind", "text"),
    [
        ("FROM metrics-*.otel-* WHERE x", "parsing_exception", "line 1:23"),
        (
            "FROM metrics-*.otel-* | KEEP nonsense | LIMIT 1",
            "verification_exception",
            "Found 1 problem\nline 1:30: Unknown column [nonsense]",
        ),
        ("FROM nothing | LIMIT 1", "verification_exception", "Unknown index [nothing]"),
    ],
)
def test_bad_queries_answer_as_elasticsearch_does(
    client: Elasticsearch, query: str, kind: str, text: str
) -> None:
    """400 with the exception's type and the position of the mistake."""
    with pytest.raises(BadRequestError) as failure:
        client.esql.query(query=query)
    error = failure.value.body["error"]
    assert (error["type"], error["root_cause"][0]["type"]) == (kind, kind)
    assert text in error["reason"]


def test_field_caps_know_only_what_documents_brought(client: Elasticsearch) -> None:
    """On a healthy cluster the termination reason is not mapped at all."""
    names = ["metrics.k8s.container.restarts", "k8s.container.status.last_terminated_reason"]
    answer = client.field_caps(index=METRICS, fields=names, ignore_unavailable=True)
    assert list(answer["fields"]) == ["metrics.k8s.container.restarts"]
    assert answer["fields"]["metrics.k8s.container.restarts"]["long"]["type"] == "long"


def test_field_caps_mark_counters(client: Elasticsearch) -> None:
    """A counter is a number with a time series metric."""
    answer = client.field_caps(index=METRICS, fields="metrics.container.cpu.time")
    found = answer["fields"]["metrics.container.cpu.time"]["double"]
    assert found["time_series_metric"] == "counter"


def test_field_caps_of_a_missing_index(client: Elasticsearch) -> None:
    """A concrete name that does not exist is 404, a wildcard without match is empty."""
    with pytest.raises(NotFoundError):
        client.field_caps(index="nothing", fields="a")
    assert client.field_caps(index="nothing-*", fields="a")["indices"] == []


def test_an_audit_event_is_written_once(client: Elasticsearch) -> None:
    """`create` with an id is idempotent: the second time is 409."""
    stream = "logs-k8s.remediation-default"
    first = client.create(index=stream, id="event-1", document=EVENT)
    assert first["result"] == "created"
    with pytest.raises(ConflictError, match="version conflict"):
        client.create(index=stream, id="event-1", document=EVENT)


def test_documents_can_be_searched(client: Elasticsearch) -> None:
    """What was written is found by a simple query, newest first."""
    stream = "logs-search.test-default"
    for minute in (1, 3, 2):
        document = EVENT | {"@timestamp": f"2026-01-05T09:0{minute}:00Z"}
        client.index(index=stream, document=document, op_type="create")
    query = {"range": {"@timestamp": {"gt": "2026-01-05T09:01:00Z"}}}
    answer = client.search(index=stream, query=query, sort=[{"@timestamp": "desc"}], size=1)
    assert answer["hits"]["total"]["value"] == 2
    assert answer["hits"]["hits"][0]["_source"]["@timestamp"] == "2026-01-05T09:03:00Z"
    assert client.count(index=stream)["count"] == 3


def test_bulk_answers_each_item(client: Elasticsearch) -> None:
    """In a data stream `create` works, `index` does not, and each item says so."""
    stream = "logs-bulk.test-default"
    answer = client.bulk(
        operations=[
            {"create": {"_index": stream}},
            EVENT,
            {"index": {"_index": stream}},
            EVENT,
            {"index": {"_index": "plain"}},
            {"a": 1},
        ]
    )
    assert answer["errors"] is True
    statuses = [next(iter(item.values()))["status"] for item in answer["items"]]
    assert statuses == [201, 400, 201]


def test_a_data_stream_needs_a_timestamp(client: Elasticsearch) -> None:
    """A document without @timestamp is refused."""
    with pytest.raises(BadRequestError, match="@timestamp"):
        client.index(index="logs-time.test-default", document={"a": 1}, op_type="create")


def test_an_unknown_path_is_refused(client: Elasticsearch) -> None:
    """What the endpoint does not offer is said to have no handler."""
    with pytest.raises(BadRequestError, match="no handler found"):
        client.cat.indices()


@pytest.mark.parametrize(
    ("trouble", "error", "status"),
    [
        (script.busy(), ApiError, 429),
        (script.unavailable(), ApiError, 503),
        (script.unauthenticated(), AuthenticationException, 401),
        (script.forbidden(), AuthorizationException, 403),
    ],
)
def test_scripted_trouble_comes_once(
    lab: Lab, client: Elasticsearch, trouble: script.Trouble, error: type[ApiError], status: int
) -> None:
    """A scripted reply is sent instead of the real one, then all is well again."""
    lab.elasticsearch.script.add(trouble)
    with pytest.raises(error) as failure:
        client.info()
    assert failure.value.status_code == status
    assert client.info()["tagline"] == "You Know, for Search"


def test_a_partial_result_can_be_scripted(lab: Lab, client: Elasticsearch) -> None:
    """`is_partial` is set although the rows are there."""
    lab.elasticsearch.script.add(script.partial())
    assert client.esql.query(query="ROW a = 1 | LIMIT 1")["is_partial"] is True


def test_a_slow_answer_times_out(lab: Lab, client: Elasticsearch) -> None:
    """A delayed reply runs into the client's time limit."""
    lab.elasticsearch.script.add(script.timeout(0.5))
    with pytest.raises(ConnectionTimeout):
        client.options(request_timeout=0.1).info()


def test_a_dropped_connection(lab: Lab, client: Elasticsearch) -> None:
    """A connection can be closed without an answer."""
    lab.elasticsearch.script.add(script.dropped())
    with pytest.raises(ElasticConnectionError):
        client.info()


def test_requests_are_kept(lab: Lab, client: Elasticsearch) -> None:
    """Every request is in the log with its status."""
    client.info()
    last = lab.elasticsearch.requests[-1]
    assert (last.request.method, last.request.path, last.status) == ("GET", "/", 200)


@pytest.fixture(scope="module")
def secured() -> Iterator[tuple[Lab, str, str]]:
    """Return a lab with a key that may read one stream, and one that may only write."""
    with new_lab() as lab:
        security = lab.elasticsearch.endpoint.security
        cluster = "metrics-k8sclusterreceiver.otel-*"
        reader = Account("reader", {cluster: ("read",)}, cluster=())
        writer = Account("writer", {"logs-k8s.remediation-*": ("create_doc",)}, cluster=())
        yield lab, security.add_key("1", "r", reader), security.add_key("2", "w", writer)


def keyed(lab: Lab, key: str) -> Elasticsearch:
    """Return a client that holds an API key."""
    return Elasticsearch(lab.elasticsearch_url, api_key=key, max_retries=0)


def test_without_a_key_nothing_is_answered(secured: tuple[Lab, str, str]) -> None:
    """Once a key exists, credentials are needed."""
    with (
        Elasticsearch(secured[0].elasticsearch_url, max_retries=0) as client,
        pytest.raises(AuthenticationException, match="missing authentication credentials"),
    ):
        client.esql.query(query="ROW a = 1")


def test_a_wrong_key_is_refused(secured: tuple[Lab, str, str]) -> None:
    """A key that nobody issued is 401."""
    with keyed(secured[0], "bm90OnJlYWw=") as client, pytest.raises(AuthenticationException):
        client.esql.query(query="ROW a = 1")


def test_a_wildcard_is_narrowed_to_what_may_be_read(secured: tuple[Lab, str, str]) -> None:
    """Streams without the right to read are silently left out of a wildcard."""
    lab, reader, _ = secured
    query = f"FROM {METRICS} | STATS n = COUNT(*) BY data_stream.dataset | LIMIT 5"
    with keyed(lab, reader) as client:
        found = client.esql.query(query=query)["values"]
    assert [row[1] for row in found] == ["k8sclusterreceiver.otel"]


def test_a_concrete_name_without_the_right_is_unknown(secured: tuple[Lab, str, str]) -> None:
    """A stream that may not be read is called unknown, not forbidden."""
    lab, reader, _ = secured
    name = "metrics-kubeletstatsreceiver.otel-default"
    with keyed(lab, reader) as client, pytest.raises(BadRequestError, match="Unknown index"):
        client.esql.query(query=f"FROM {name} | LIMIT 1")


def test_privileges_are_told(secured: tuple[Lab, str, str]) -> None:
    """`_has_privileges` answers per index and privilege."""
    lab, reader, _ = secured
    wanted = [{"names": ["metrics-k8sclusterreceiver.otel-*"], "privileges": ["read", "write"]}]
    with keyed(lab, reader) as client:
        answer = client.security.has_privileges(index=wanted, cluster=["monitor"])
    assert answer["has_all_requested"] is False
    assert answer["index"]["metrics-k8sclusterreceiver.otel-*"] == {"read": True, "write": False}


def test_create_doc_allows_new_documents_only(secured: tuple[Lab, str, str]) -> None:
    """The audit trail's key can add, and cannot read or write elsewhere."""
    lab, _, writer = secured
    with keyed(lab, writer) as client:
        client.create(index="logs-k8s.remediation-default", id="a", document=EVENT)
        with pytest.raises(AuthorizationException):
            client.create(index="logs-other-default", id="a", document=EVENT)


def test_who_am_i(secured: tuple[Lab, str, str]) -> None:
    """`_authenticate` names the account."""
    lab, reader, _ = secured
    with keyed(lab, reader) as client:
        answer = client.security.authenticate()
    assert (answer["username"], answer["authentication_type"]) == ("reader", "api_key")


def test_documents_beyond_the_retention_are_forgotten() -> None:
    """A long run stays small."""
    scenario = Scenario(workloads=(spec("web"),), namespaces=("default", "shop"))
    lab = Lab(
        scenario=scenario,
        history=timedelta(minutes=5),
        interval=timedelta(seconds=60),
        retention=timedelta(minutes=10),
    )
    with lab, Elasticsearch(lab.elasticsearch_url) as client:
        lab.advance(timedelta(minutes=40))
        found = rows(client, f"FROM {METRICS} | STATS oldest = MIN(@timestamp) | LIMIT 1")
    assert json.dumps(found) >= '[["2026-01-05T09:25'
