"""The object store: versions, listeners, watches, deletion."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remedyd.lab.apiserver.admission import AdmissionRequest
from remedyd.lab.apiserver.status import StatusError, forbidden
from support.apiserver import deployment, new_store, pod

GVR = "apps/v1/deployments"


def scale_to(count: int) -> Any:
    """Return a change that sets the replicas."""

    def change(obj: dict[str, Any]) -> None:
        obj["spec"]["replicas"] = count

    return change


def test_write_that_changes_nothing_moves_no_version() -> None:
    """A no-op write leaves resourceVersion, generation and managedFields as they were."""
    store = new_store()
    created = store.create(GVR, "shop", deployment(), manager="a")
    assert store.update(GVR, "shop", "web", created, manager="b") == created


def test_spec_change_moves_the_generation() -> None:
    """metadata.generation counts changes of the spec."""
    store = new_store()
    store.create(GVR, "shop", deployment(), manager="a")
    changed = store.mutate(GVR, "shop", "web", scale_to(5), manager="b")
    assert changed["metadata"]["generation"] == 2


def test_status_write_keeps_the_spec() -> None:
    """Through the status subresource only the status is written."""
    store = new_store()
    store.create(GVR, "shop", deployment(), manager="a")

    def change(obj: dict[str, Any]) -> None:
        obj["spec"]["replicas"] = 9
        obj["status"] = {"replicas": 1}

    changed = store.mutate(GVR, "shop", "web", change, manager="c", subresource="status")
    assert (changed["spec"]["replicas"], changed["status"]) == (2, {"replicas": 1})


@pytest.mark.parametrize("subresource", [None, "status"])
def test_a_controllers_write_stores_what_a_clients_would(subresource: str | None) -> None:
    """What a write does not touch is taken from the stored object: the result is the same."""

    def change(obj: dict[str, Any]) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "1024Mi"
        obj["status"] = {"replicas": 1, "observedGeneration": 0, "conditions": []}

    found = []
    for whole in (True, False):
        store = new_store()
        sent = store.create(GVR, "shop", deployment(), manager="a")
        before = store.peek(GVR, "shop", "web")
        kept = json.dumps(before)
        if whole:
            change(sent)
            store.update(GVR, "shop", "web", sent, manager="c", subresource=subresource)
        else:
            store.mutate(GVR, "shop", "web", change, manager="c", subresource=subresource)
        assert json.dumps(before) == kept
        found.append(json.dumps(store.peek(GVR, "shop", "web")))
    assert found[0] == found[1]


def test_owners_that_a_client_sends_are_spelled_as_the_server_does() -> None:
    """Entries of managedFields in another order come back in the server's."""
    store = new_store()
    sent = store.create(GVR, "shop", deployment(), manager="a")
    plain = json.dumps(sent["metadata"]["managedFields"][0]["fieldsV1"])
    entry = sent["metadata"]["managedFields"][0]
    entry["fieldsV1"] = dict(reversed(entry["fieldsV1"].items()))
    sent["metadata"]["labels"]["more"] = "x"
    stored = store.update(GVR, "shop", "web", sent, manager="b")
    assert json.dumps(stored["metadata"]["managedFields"][0]["fieldsV1"]) == plain


def test_stale_version_is_a_conflict() -> None:
    """An update that names an old resourceVersion is refused with 409."""
    store = new_store()
    old = store.create(GVR, "shop", deployment(), manager="a")
    store.mutate(GVR, "shop", "web", scale_to(3), manager="b")
    with pytest.raises(StatusError, match="the object has been modified") as caught:
        store.update(GVR, "shop", "web", old, manager="a")
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")


def test_reads_are_copies() -> None:
    """Changing what `get` returned does not change the store."""
    store = new_store()
    store.create(GVR, "shop", deployment(), manager="a")
    store.get(GVR, "shop", "web")["spec"]["replicas"] = 77
    assert store.get(GVR, "shop", "web")["spec"]["replicas"] == 2


def test_listener_that_writes_is_told_in_order() -> None:
    """Events of writes made by a listener come after the one it is handling, for everybody."""
    store = new_store()
    seen: list[int] = []

    def grow(type_: str, gvr: str, obj: dict[str, Any]) -> None:
        count = obj["spec"]["replicas"]
        if count < 4:
            store.mutate(gvr, "shop", "web", scale_to(count + 1), manager="c")

    store.on_change(grow)
    store.on_change(lambda type_, gvr, obj: seen.append(obj["spec"]["replicas"]))
    store.create(GVR, "shop", deployment(), manager="a")
    assert seen == [2, 3, 4]


def test_watch_begins_where_it_is_told() -> None:
    """A watch gets the kept events after its resourceVersion, then the live ones."""
    store = new_store()
    store.create(GVR, "shop", deployment("a"), manager="m")
    since = store.version
    store.create(GVR, "shop", deployment("b"), manager="m")
    subscription = store.watch(GVR, "shop", since)
    store.delete(GVR, "shop", "a")
    kinds = [(each.type, each.object["metadata"]["name"]) for each in subscription.pending()]
    assert kinds == [("ADDED", "b"), ("DELETED", "a")]


def test_watch_from_a_forgotten_version_is_gone() -> None:
    """After compaction a watch from before gets 410."""
    store = new_store()
    store.create(GVR, "shop", deployment(), manager="m")
    store.mutate(GVR, "shop", "web", scale_to(3), manager="m")
    store.compact()
    store.mutate(GVR, "shop", "web", scale_to(4), manager="m")
    with pytest.raises(StatusError) as caught:
        store.watch(GVR, "shop", 1)
    assert caught.value.code == 410


def test_admission_refuses_before_anything_is_stored() -> None:
    """A check that raises keeps the object out, under dry run as well."""
    store = new_store()

    def refuse(request: AdmissionRequest) -> None:
        raise forbidden("deployments", "apps", request.name, "not today")

    store.admission.append(refuse)
    for dry_run in (True, False):
        with pytest.raises(StatusError, match="not today"):
            store.create(GVR, "shop", deployment(), manager="a", dry_run=dry_run)
    assert store.scan(GVR) == []


def test_dry_run_stores_nothing() -> None:
    """A dry run shows the outcome and leaves the version where it was."""
    store = new_store()
    shown = store.create(GVR, "shop", deployment(), manager="a", dry_run=True)
    assert (store.version, "resourceVersion" in shown["metadata"]) == (0, False)


def test_finalizer_holds_an_object() -> None:
    """An object with a finalizer lingers until the finalizer is taken off."""
    store = new_store()
    body = deployment()
    body["metadata"]["finalizers"] = ["example.com/hold"]
    store.create(GVR, "shop", body, manager="a")
    lingering = store.delete(GVR, "shop", "web")
    assert lingering is not None and lingering["metadata"]["deletionTimestamp"]
    store.mutate(GVR, "shop", "web", lambda o: o["metadata"].pop("finalizers"), manager="a")
    assert store.peek(GVR, "shop", "web") is None


def test_scheduled_pod_has_time_to_stop() -> None:
    """A pod on a node lingers for its grace period; without a node it goes at once."""
    store = new_store()
    for name, node in (("placed", "worker-1"), ("pending", "")):
        store.create("v1/pods", "shop", pod(name, node=node), manager="a")
        store.delete("v1/pods", "shop", name)
    assert [obj["metadata"]["name"] for obj in store.scan("v1/pods")] == ["placed"]
    assert store.delete("v1/pods", "shop", "placed", grace_seconds=0) is None


@settings(deadline=None)
@given(st.lists(st.sampled_from(["create", "scale", "delete", "touch"]), max_size=25))
def test_versions_only_grow(steps: list[str]) -> None:
    """Whatever is written, events carry strictly growing versions."""
    store = new_store()
    subscription = store.watch(GVR)
    for index, step in enumerate(steps):
        try:
            if step == "create":
                store.create(GVR, "shop", deployment(), manager="a")
            elif step == "scale":
                store.mutate(GVR, "shop", "web", scale_to(index), manager="b")
            elif step == "touch":
                store.mutate(GVR, "shop", "web", lambda obj: None, manager="b")
            else:
                store.delete(GVR, "shop", "web")
        except StatusError as error:
            assert error.code in (404, 409)
    versions = [each.version for each in subscription.pending()]
    assert versions == sorted(set(versions))
