"""The client: every answer of an API server becomes one named outcome."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import stamina

from remedyd.cluster import access
from remedyd.cluster.access import Permission
from remedyd.cluster.client import Cluster
from remedyd.cluster.failures import shorten
from remedyd.errors import (
    ClusterError,
    ClusterRejected,
    ClusterUnavailable,
    ConfigurationError,
    NotFound,
    OutcomeUnknown,
    RemedydError,
)
from remedyd.model import monotonic
from support.wire import Answer, Asked, Wire, serving, told

POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "x"}}


@pytest.fixture(autouse=True)
def _quick_retries() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@contextmanager
def connected(
    folder: Path, answer: Callable[[Asked], Answer], timeout: float = 5.0
) -> Iterator[tuple[Cluster, Wire]]:
    """Serve answers and connect to them."""
    with serving(answer) as wire:
        cluster = Cluster.connect(kubeconfig=wire.kubeconfig(folder), timeout_seconds=timeout)
        try:
            yield cluster, wire
        finally:
            cluster.close()


def patch(cluster: Cluster, *, dry_run: bool = False) -> Any:
    """Patch a Deployment."""
    return cluster.patch("Deployment", "x", "a", {"spec": {"replicas": 2}}, dry_run=dry_run)


def status(code: int, reason: str, message: str, **details: Any) -> Answer:
    """Return a Status answer as the API server writes it."""
    body = {"kind": "Status", "status": "Failure", "message": message, "reason": reason}
    return told(code, body | {"code": code, "details": details})


def test_a_patch_is_sent_as_a_strategic_merge_by_our_field_manager(tmp_path: Path) -> None:
    """Content type, manager, credentials and body are what the API server needs."""
    with connected(tmp_path, lambda _: told(200, POD)) as (cluster, wire):
        assert patch(cluster) == POD
    asked = wire.asked[0]
    assert asked.method == "PATCH"
    assert asked.path == "/apis/apps/v1/namespaces/x/deployments/a?fieldManager=remedyd"
    assert asked.headers["Content-Type"] == "application/strategic-merge-patch+json"
    assert asked.headers["Authorization"] == "Bearer t"
    assert asked.headers["User-Agent"].startswith("remedyd/")
    assert asked.json == {"spec": {"replicas": 2}}


def test_a_dry_run_says_so(tmp_path: Path) -> None:
    """`dryRun=All` is the only value that the API server knows."""
    with connected(tmp_path, lambda _: told(200, POD)) as (cluster, wire):
        patch(cluster, dry_run=True)
    assert "dryRun=All" in wire.asked[0].path


def test_a_list_follows_every_page(tmp_path: Path) -> None:
    """Items of all pages come back, with kind and apiVersion that lists leave out."""

    def answer(asked: Asked) -> Answer:
        more = "continue=next" not in asked.path
        meta = {"continue": "next"} if more else {}
        return told(
            200, {"metadata": meta, "items": [{"metadata": {"name": "a" if more else "b"}}]}
        )

    with connected(tmp_path, answer) as (cluster, wire):
        found = cluster.list("Pod", "x", labels="app=a", fields="spec.nodeName=n")
    assert [pod["metadata"]["name"] for pod in found] == ["a", "b"]
    assert found[0]["kind"] == "Pod"
    assert "labelSelector=app%3Da" in wire.asked[0].path
    assert "fieldSelector=spec.nodeName%3Dn" in wire.asked[0].path


def test_an_expired_page_starts_the_list_over(tmp_path: Path) -> None:
    """A continue token lives for minutes; 410 means the list must be read again."""
    pages = iter(
        [
            told(200, {"metadata": {"continue": "old"}, "items": [{"metadata": {"name": "a"}}]}),
            status(410, "Expired", "The provided continue parameter is too old"),
            told(200, {"metadata": {}, "items": [{"metadata": {"name": "a"}}]}),
        ]
    )
    with connected(tmp_path, lambda _: next(pages)) as (cluster, wire):
        assert len(cluster.list("Pod", "x")) == 1
    assert "continue" not in wire.asked[2].path


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(400, "BadRequest", "no"), ClusterRejected),
        (status(401, "Unauthorized", "no"), ClusterRejected),
        (status(403, "Forbidden", "no"), ClusterRejected),
        (status(404, "NotFound", "no"), NotFound),
        (Answer(404, b"404 page not found"), NotFound),
        (status(409, "Conflict", "no"), ClusterRejected),
        (status(409, "AlreadyExists", "no"), ClusterRejected),
        (status(415, "UnsupportedMediaType", "no"), ClusterRejected),
        (status(422, "Invalid", "no"), ClusterRejected),
        (status(429, "TooManyRequests", "slow down"), ClusterUnavailable),
        (
            status(429, "TooManyRequests", "budget", causes=[{"reason": "DisruptionBudget"}]),
            ClusterRejected,
        ),
        (status(500, "InternalError", "etcd"), OutcomeUnknown),
        (status(500, "InternalError", 'failed calling webhook "x": timeout'), ClusterUnavailable),
        (status(500, "", "This pod has more than one PodDisruptionBudget"), ClusterUnavailable),
        (Answer(502, b"<html>bad gateway</html>"), OutcomeUnknown),
        (Answer(503, b""), OutcomeUnknown),
        (status(504, "Timeout", "request timed out"), OutcomeUnknown),
        (Answer(302, b"", {"Location": "/elsewhere"}), OutcomeUnknown),
        (Answer(200, b"not json"), OutcomeUnknown),
        (Answer(200, b"[]"), OutcomeUnknown),
        (Answer(200, b'{"a":1}', cut=3), OutcomeUnknown),
        (Answer(200, cut=0), OutcomeUnknown),
        (Answer(200, pause=5), OutcomeUnknown),
        (Answer(200, b" " * 60, drip=0.05), OutcomeUnknown),
        (Answer(200, head=0.02), OutcomeUnknown),
        (Answer(200, drip=0.02, endless=True), OutcomeUnknown),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{value.status}",
)
def test_every_answer_to_a_write_has_one_meaning(
    tmp_path: Path, answer: Answer, error: type[RemedydError]
) -> None:
    """A definite no, a throttled request, or an open outcome; and never a second PATCH."""
    with (
        connected(tmp_path, lambda _: answer, timeout=0.5) as (cluster, wire),
        pytest.raises(error) as caught,
    ):
        patch(cluster)
    assert type(caught.value) is error
    assert caught.value.hint
    assert wire.count("PATCH") == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200, head=0.02), "Read timed out"),
        (Answer(200, drip=0.02, endless=True), "Read timed out"),
        (Answer(200, b" " * (1 << 20), endless=True), "larger than 67108864 bytes"),
    ],
    ids=["the head drips", "a chunk's head drips", "the body has no end"],
)
def test_a_server_that_does_not_come_to_an_end_holds_no_thread(
    tmp_path: Path, answer: Answer, said: str
) -> None:
    """Each byte comes in time, the whole does not: the time and the size of all of it count."""
    with connected(tmp_path, lambda _: answer, timeout=0.5) as (cluster, _):
        begun = monotonic()
        with pytest.raises(OutcomeUnknown) as caught:
            patch(cluster)
    assert said in caught.value.message
    assert monotonic() - begun < 5


def test_a_connection_is_used_again_with_the_whole_time(tmp_path: Path) -> None:
    """What the last answer left of its time is not what the next one has."""
    answers = iter([Answer(200, b" " * 15 + b"{}", drip=0.02), Answer(200, pause=0.3)] * 2)
    with connected(tmp_path, lambda _: next(answers), timeout=0.5) as (cluster, wire):
        for _ in range(4):
            patch(cluster)
    assert len(wire.asked) == 4


@pytest.mark.parametrize(
    "answer",
    [Answer(500, b"{}"), Answer(200, b"not json"), Answer(200, cut=0), Answer(200, pause=5)],
)
def test_a_dry_run_without_an_answer_wrote_nothing(tmp_path: Path, answer: Answer) -> None:
    """An outcome can only be unknown where something could have been written."""
    with (
        connected(tmp_path, lambda _: answer, timeout=0.3) as (cluster, _),
        pytest.raises(ClusterUnavailable),
    ):
        patch(cluster, dry_run=True)


def test_a_write_that_was_never_sent_is_unavailable(tmp_path: Path) -> None:
    """A refused connection cannot have written anything."""
    with connected(tmp_path, lambda _: Answer()) as (cluster, wire):
        pass
    with pytest.raises(ClusterUnavailable) as caught:
        patch(cluster)
    assert "no answer from the Kubernetes API" in caught.value.message
    assert wire.asked == []


def test_reads_are_tried_again_when_the_server_stumbles(tmp_path: Path) -> None:
    """A read may be repeated: twice nothing, then the object."""
    answers = iter([Answer(503), Answer(200, cut=0), told(200, POD)])
    with connected(tmp_path, lambda _: next(answers)) as (cluster, wire):
        assert cluster.get("Pod", "x", "a") == POD
    assert len(wire.asked) == 3


def test_a_definite_no_to_a_read_is_not_repeated(tmp_path: Path) -> None:
    """Asking again does not grant a right."""
    with (
        connected(tmp_path, lambda _: status(403, "Forbidden", "no")) as (cluster, wire),
        pytest.raises(ClusterRejected),
    ):
        cluster.get("Pod", "x", "a")
    assert len(wire.asked) == 1


def test_a_long_retry_after_is_not_waited_for(tmp_path: Path) -> None:
    """An audit must not hang for minutes inside a read; the next cycle tries again."""
    answer = Answer(429, b"{}", {"Retry-After": "120"})
    with (
        connected(tmp_path, lambda _: answer) as (cluster, wire),
        pytest.raises(ClusterUnavailable) as caught,
    ):
        cluster.get("Pod", "x", "a")
    assert caught.value.retry_after == 120
    assert len(wire.asked) == 1


def test_the_api_servers_words_and_codes_come_through(tmp_path: Path) -> None:
    """People read the reason, code reads status and causes."""
    answer = status(
        422, "Invalid", "spec.replicas: must be 0 or more", causes=[{"reason": "FieldValueInvalid"}]
    )
    with (
        connected(tmp_path, lambda _: answer) as (cluster, _),
        pytest.raises(ClusterError) as caught,
    ):
        patch(cluster)
    error = caught.value
    assert (error.status, error.reason, error.causes) == (422, "Invalid", ("FieldValueInvalid",))
    assert error.message == "patch Deployment/x/a: spec.replicas: must be 0 or more"


def test_quoted_patches_and_objects_are_left_out() -> None:
    """The API server quotes the whole object in a message; nobody wants that in a log."""
    go_map = '" is invalid: patch: Invalid value: "map[spec:map[a:map[b:12XB]]]": quantities must'
    whole = r'Invalid value: "{\"apiVersion\":\"apps/v1\",\"secret\":\"s\"}": quantities must match'
    assert shorten(go_map).endswith('Invalid value: "...": quantities must')
    assert shorten(whole) == 'Invalid value: "...": quantities must match'


def test_a_long_message_is_cut() -> None:
    """One line, of bounded length."""
    assert len(shorten("x y\n" * 1000)) == 300


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"allowed": True}, True),
        ({"allowed": False, "reason": "no"}, False),
        ({}, False),
        ({"allowed": True, "denied": True}, False),
        ({"allowed": "true"}, False),
    ],
)
def test_access_is_a_clear_yes_or_no(tmp_path: Path, given: dict[str, Any], allowed: bool) -> None:
    """Anything but a plain yes is a no."""
    permission = Permission("create", "Pod", "eviction")
    with connected(tmp_path, lambda _: told(201, {"status": given})) as (cluster, wire):
        assert access.check(cluster, permission, "x").allowed is allowed
    attributes = wire.asked[0].json["spec"]["resourceAttributes"]
    assert attributes == {
        "namespace": "x",
        "verb": "create",
        "group": "",
        "resource": "pods",
        "subresource": "eviction",
    }


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    """The daemon says which file it looked for."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml"):
        Cluster.connect(kubeconfig=tmp_path / "nowhere.yaml")


def test_a_broken_kubeconfig_is_a_configuration_error(tmp_path: Path) -> None:
    """A file that is no kubeconfig is refused at the start."""
    path = tmp_path / "kubeconfig"
    path.write_text("just text")
    with pytest.raises(ConfigurationError):
        Cluster.connect(kubeconfig=path)
