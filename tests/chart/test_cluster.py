"""What a cluster makes of the chart: who reaches whom, what an update changes, what a test says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import run as started
from sys import executable
from typing import Any

import pytest
import yaml

from support.chart import CHART, EVERYTHING, of_kind, render, run

SELECTOR = {"app.kubernetes.io/name": "remedyd", "app.kubernetes.io/instance": "r"}


def one(manifests: list[dict[str, Any]], kind: str) -> Any:
    [found] = of_kind(manifests, kind)
    return found


@pytest.mark.parametrize(
    "settings", [(), ("commonLabels.a=b", "podLabels.c=d"), ("image.pullPolicy=Always",)]
)
def test_what_can_never_change_stays(settings: tuple[str, ...]) -> None:
    """Selectors, claim and names are the same whatever else is set: an upgrade goes through."""
    manifests = render(4, None, *settings)
    deployment = one(manifests, "Deployment")["spec"]
    assert deployment["selector"] == {"matchLabels": SELECTOR}
    assert SELECTOR.items() <= deployment["template"]["metadata"]["labels"].items()
    assert one(manifests, "Service")["spec"]["selector"] == SELECTOR
    claim = one(manifests, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    storage = {"requests": {"storage": "1Gi"}}
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": storage}
    names = {(found["kind"], found["metadata"]["name"]) for found in manifests}
    assert names == {
        *((kind, "r") for kind in ("Deployment", "Service", "ServiceAccount", "NetworkPolicy")),
        *(("ConfigMap", f"r-{name}") for name in ("settings", "policies", "audits")),
        ("PersistentVolumeClaim", "r"), ("Pod", "r-test"),
        ("ClusterRole", "ops-r"), ("ClusterRoleBinding", "ops-r"),
    }  # fmt: skip


def test_two_releases_of_one_name_do_not_meet() -> None:
    """Roles in the namespaces that are acted on carry the release's own namespace in their name."""
    roles = of_kind(render(4, None, "policies.namespaces={shop}"), "Role")
    assert [role["metadata"]["name"] for role in roles] == ["ops-r"]


def test_changed_settings_restart_and_changed_policies_do_not() -> None:
    """The pod's template has the checksum of what is read at the start alone."""

    def template(*settings: str) -> Any:
        return one(render(4, None, *settings), "Deployment")["spec"]["template"]

    assert template("logLevel=DEBUG") != template()
    assert template("guardrails.concurrency=2") != template("guardrails.concurrency=3")
    assert template("policies.mode=DryRun") == template()
    assert template("audits.custom.own.query=a", "audits.custom.own.definition=b: c") == template()


def test_on_a_shared_store_there_is_a_lease_even_for_one() -> None:
    """While an update rolls there are two; and somebody may scale by hand."""
    manifests = render(4, None, "database.secret=d")
    [role] = of_kind(manifests, "Role")
    assert role["metadata"]["name"] == "r-lease"
    assert "lease: r\n" in of_kind(manifests, "ConfigMap")[0]["data"]["remedyd.yaml"]
    assert of_kind(manifests, "PodDisruptionBudget") == []


def test_drains_go_on() -> None:
    """One daemon has no budget; of several, broken ones are evicted whatever the budget says."""
    assert of_kind(render(4), "PodDisruptionBudget") == []
    assert one(render(4, EVERYTHING), "PodDisruptionBudget")["spec"] == {
        "minAvailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": {**SELECTOR}},
    }


def test_what_the_urls_name_may_be_called() -> None:
    """Elasticsearch, trail, collector, provider, database and DNS: by the ports in the values."""
    policy = one(render(4, EVERYTHING), "NetworkPolicy")["spec"]
    names, called, more = policy["egress"]
    assert {(port["port"], port["protocol"]) for port in names["ports"]} == {
        *((53, protocol) for protocol in ("UDP", "TCP")),
        *((5353, protocol) for protocol in ("UDP", "TCP")),  # of OpenShift's DNS pods
    }
    assert {port["port"] for port in called["ports"]} == {6443, 9243, 443, 4318, 8443, 6432}
    assert more["to"] == [{"ipBlock": {"cidr": "10.0.0.0/8"}}]


def test_prometheus_and_the_test_may_call() -> None:
    """By default everybody may; with named peers, scrapers and `helm test` are among them."""
    assert one(render(4), "NetworkPolicy")["spec"]["ingress"] == [
        {"ports": [{"port": "http", "protocol": "TCP"}]}
    ]
    manifests = render(4, EVERYTHING)
    [rule] = one(manifests, "NetworkPolicy")["spec"]["ingress"]
    assert len(rule["from"]) == 3
    labels = one(manifests, "Pod")["metadata"]["labels"]
    assert rule["from"][2]["podSelector"]["matchLabels"].items() <= labels.items()
    assert labels["app.kubernetes.io/name"] != "remedyd", "the Service would send to the test"


def test_the_gate_can_be_reached_while_the_daemon_is_not_ready() -> None:
    """Or an update drops no request: then a pod ends only when nobody is sent there any more."""

    def hooks(*settings: str) -> Any:
        manifests = render(4, EVERYTHING, *settings)
        [container] = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
        published = one(manifests, "Service")["spec"]["publishNotReadyAddresses"]
        return published, "lifecycle" in container

    assert hooks() == (True, False)
    assert hooks("service.publishNotReady=false") == (False, True)


def test_prometheus_finds_what_it_scrapes() -> None:
    """The ServiceMonitor selects the Service by its labels, and the port by its name."""
    manifests = render(4, EVERYTHING)
    monitor, service = one(manifests, "ServiceMonitor"), one(manifests, "Service")
    selected = monitor["spec"]["selector"]["matchLabels"]
    assert selected.items() <= service["metadata"]["labels"].items()
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_what_needs_no_token_can_be_left_out_of_the_ingress() -> None:
    """By naming what is reached from outside; all of it leads to the one port."""
    told = ("ingress.enabled=true", "ingress.host=r.example.com")

    def paths(*more: str) -> list[str]:
        [rule] = one(render(4, None, *told, *more), "Ingress")["spec"]["rules"]
        found = rule["http"]["paths"]
        backend = {"service": {"name": "r", "port": {"name": "http"}}}
        assert all(each["backend"] == backend for each in found)
        return [each["path"] for each in found]

    assert paths() == ["/"]
    assert paths("ingress.paths={/v1,/mcp}") == ["/v1", "/mcp"]


@contextmanager
def answering(ready: int, closed: int) -> Iterator[str]:
    """Serve a daemon's answers to `helm test` and return where."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"status": "x", "reasons": [], "notices": ["rights: look"]}'
            self.send_response(ready if self.path == "/readyz" else closed)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("closed", "status"), [(401, 0), (200, 1)])
def test_the_test_says_ready_and_closed(closed: int, status: int) -> None:
    """As the pod runs it: notices are printed, and an open daemon is a failure."""
    [container] = one(render(4), "Pod")["spec"]["containers"]
    assert container["command"] == ["python", "-c"]
    code, where = container["args"]
    assert where == "http://r:8000"
    with answering(200, closed) as url:
        ran = started([executable, "-I", "-S", "-c", code, url], capture_output=True, text=True)
    assert ran.returncode == status, ran.stderr
    assert ran.stdout.splitlines() == [
        "ready",
        "notice: rights: look",
        f"without a token: {closed}",
    ]


def test_common_labels_and_annotations_are_on_everything() -> None:
    """On pods and the test's as well: what a cluster demands of objects, it demands of all."""
    manifests = render(4, EVERYTHING)
    for found in (*manifests, one(manifests, "Deployment")["spec"]["template"]):
        assert found["metadata"]["labels"]["team"] == "sre"
        assert found["metadata"]["annotations"]["example.com/owner"] == "sre"


def test_the_test_runs_under_the_quota_of_the_daemon() -> None:
    """A quota that wants limits of a resource wants them of each pod."""

    def limits(*settings: str) -> Any:
        [container] = one(render(4, None, *settings), "Pod")["spec"]["containers"]
        return container["resources"]["limits"]

    assert limits() == {"memory": "64Mi"}
    assert limits("resources.limits.cpu=500m") == {"memory": "64Mi", "cpu": "500m"}
    assert limits("resources.limits=null") == limits("resources=null") == {"memory": "64Mi"}


def test_the_result_of_the_test_can_be_read() -> None:
    """`helm test --logs` reads from the pod after it ended: it is only removed before the next."""
    notes = one(render(4), "Pod")["metadata"]["annotations"]
    assert notes["helm.sh/hook-delete-policy"] == "before-hook-creation"


def test_notes_name_what_is_needed_and_what_is_dangerous() -> None:
    """Every Secret that has to be there, a store that is lost, tokens in the clear."""

    def notes(*told: str) -> str:
        ran = run(4, "install", "r", str(CHART), "--dry-run=client", "-n", "ops", *told)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.partition("NOTES:")[2]

    named = notes("--values", str(EVERYTHING))
    text = EVERYTHING.read_text(encoding="utf-8")
    secrets = {
        held["secret"]
        for held in _mappings(yaml.safe_load(text))
        if isinstance(held.get("secret"), str) and held["secret"]
    }
    assert len(secrets) == 8
    assert [name for name in secrets if name not in named] == []
    assert "Careful" not in named
    assert "lost with the pod" in notes("--set", "persistence.enabled=false")
    assert "a stranger to the other" in notes("--set", "replicas=2,database.secret=d")
    assert "in the clear" in notes("--set", "ingress.enabled=true,ingress.host=a.example.com")


def _mappings(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        yield found
        for value in found.values():
            yield from _mappings(value)
