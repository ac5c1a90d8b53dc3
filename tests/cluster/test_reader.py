"""What stands around a workload is read narrowly, and only once."""

from typing import Any

import pytest

from remedyd.cluster.reader import Surroundings, matches, revision, selector
from support.cluster import ListReader, children, put, recorded

EXPRESSIONS = [
    ({"key": "app", "operator": "In", "values": ["a", "b"]}, "app in (a,b)", {"app": "a"}, True),
    ({"key": "app", "operator": "In", "values": ["a"]}, "app in (a)", {"app": "b"}, False),
    ({"key": "app", "operator": "NotIn", "values": ["a"]}, "app notin (a)", {"app": "b"}, True),
    ({"key": "app", "operator": "NotIn", "values": ["a"]}, "app notin (a)", {}, True),
    ({"key": "app", "operator": "Exists"}, "app", {"app": ""}, True),
    ({"key": "app", "operator": "Exists"}, "app", {}, False),
    ({"key": "app", "operator": "DoesNotExist"}, "!app", {}, True),
    ({"key": "app", "operator": "DoesNotExist"}, "!app", {"app": "a"}, False),
]


@pytest.mark.parametrize(("expression", "text", "labels", "match"), EXPRESSIONS)
def test_selectors_are_written_and_applied_as_the_api_server_does(
    expression: dict[str, Any], text: str, labels: dict[str, str], match: bool
) -> None:
    """The same selector as a query parameter and as a test of labels."""
    spec = {"matchLabels": {"tier": "web"}, "matchExpressions": [expression]}
    assert selector(spec) == f"tier=web,{text}"
    assert matches(spec, {"tier": "web", **labels}) is match
    assert not matches(spec, labels)


def test_an_absent_selector_matches_nothing_and_an_empty_one_everything() -> None:
    """As Kubernetes has it for disruption budgets."""
    assert not matches(None, {"a": "b"})
    assert matches({}, {"a": "b"})


def test_an_unknown_operator_matches_nothing() -> None:
    """Unknown is no."""
    assert not matches({"matchExpressions": [{"key": "a", "operator": "Gt"}]}, {"a": "1"})


def around() -> tuple[Surroundings, ListReader]:
    """Return checkout with its ReplicaSet, its pods, and strangers with the same labels."""
    stranger = children("checkout-oom")[-1]
    stranger["metadata"] |= {"name": "stranger", "ownerReferences": []}
    live = recorded("deployment-checkout-oom")
    reader = ListReader(live, *children("checkout-oom"), stranger)
    return Surroundings(reader, live), reader


def test_only_own_pods_count() -> None:
    """A pod with the same labels and another owner is somebody else's."""
    found, _ = around()
    names = {pod["metadata"]["name"] for pod in found.pods()}
    assert len(names) == 3 and "stranger" not in names


def test_everything_is_read_once() -> None:
    """Ten checks that look at pods make one request."""
    found, reader = around()
    for _ in range(3):
        found.pods()
        found.replicasets()
    assert sorted(reader.asked) == ["Pod", "ReplicaSet"]


def test_current_pods_are_those_of_the_latest_template() -> None:
    """Pods of older revisions and pods on their way out are left out."""
    live = recorded("deployment-frontend-deadline")
    reader = ListReader(live, *children("frontend-deadline"))
    found = Surroundings(reader, live)
    latest = found.replicasets()[0]["metadata"]["uid"]
    pods = found.current_pods()
    assert 0 < len(pods) < len(found.pods())
    assert {pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods} == {latest}


def test_current_pods_of_a_stateful_set_go_by_its_revision() -> None:
    """StatefulSets keep their history elsewhere: the label tells."""
    live = put(recorded("statefulset-orders-db"), "status.updateRevision", "new")
    owner = {"controller": True, "uid": live["metadata"]["uid"]}
    labels = live["spec"]["selector"]["matchLabels"]
    pods = [
        {
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": "shop",
                "labels": {**labels, "controller-revision-hash": name},
                "ownerReferences": [owner],
            },
        }
        for name in ("old", "new")
    ]
    found = Surroundings(ListReader(live, *pods), live)
    assert [pod["metadata"]["name"] for pod in found.current_pods()] == ["new"]
    put(live, "status.updateRevision", "")
    assert len(found.current_pods()) == 2
    live["metadata"]["generation"] += 1
    assert found.current_pods() == [], "the status is of the template before"


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("", 0), ("x", 0), (None, 0), ("²", 0), ("9" * 5000, 0)],
    ids=lambda value: str(value)[:12],
)
def test_a_revision_that_is_no_number_is_none(text: str | None, number: int) -> None:
    """Objects of other tools carry all sorts of annotations."""
    annotations = {} if text is None else {"deployment.kubernetes.io/revision": text}
    assert revision({"metadata": {"annotations": annotations}}) == number
