"""managedFields say who set a field, and when."""

from datetime import UTC, datetime
from typing import Any

from remedyd.cluster import ownership
from remedyd.model import KubeObject

PATH = "spec.replicas"


def entry(manager: str, at: str = "", tree: Any = None, **more: Any) -> dict[str, Any]:
    """Return an entry about the replicas."""
    fields = {"f:spec": {"f:replicas": {}}} if tree is None else tree
    made = {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}
    return made | ({"time": at} if at else {})


def managed(*entries: dict[str, Any]) -> KubeObject:
    """Return an object with these managers."""
    return {"metadata": {"managedFields": list(entries)}}


EARLY, LATE = "2026-11-05T12:00:00Z", "2026-11-05T13:00:00Z"


def test_the_latest_manager_of_a_field_comes_first() -> None:
    """With what it did and when; one without a time is the oldest."""
    obj = managed(entry("a", EARLY), entry("b", LATE, operation="Apply"), entry("c"))
    found = ownership.owners(obj, PATH)
    assert [(o.manager, o.operation) for o in found] == [
        ("b", "Apply"),
        ("a", "Update"),
        ("c", "Update"),
    ]
    assert found[0].at == datetime(2026, 11, 5, 13, tzinfo=UTC)
    assert found[2].at is None


def test_only_who_holds_the_field_owns_it() -> None:
    """Another field of the same object, or an entry without fields, does not count."""
    other = entry("d", LATE, tree={"f:spec": {"f:paused": {}}})
    assert ownership.owners(managed(other, entry("e", tree={})), PATH) == ()


def test_a_container_is_found_by_its_name() -> None:
    """The key of a list item is part of the path."""
    tree = {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:image": {}}}}}
    obj = managed(entry("a", tree=tree))
    assert [o.manager for o in ownership.owners(obj, "spec.containers[app].image")] == ["a"]
    assert ownership.owners(obj, "spec.containers[proxy].image") == ()


def test_objects_without_managers_own_nothing() -> None:
    """Some proxies strip them, and some objects have no metadata at all."""
    bare: list[KubeObject] = [{}, {"metadata": None}, {"metadata": {"managedFields": None}}]
    for obj in bare:
        assert ownership.owners(obj, PATH) == ()
        assert not ownership.recorded(obj)
        assert ownership.managers(obj) == ()
        assert ownership.latest(obj, "a") is None
    assert not ownership.recorded(managed({"manager": "a"}))
    assert ownership.recorded(managed({"manager": "a"}, entry("b")))


def test_the_last_change_of_a_manager() -> None:
    """Of several entries of one manager the latest; others and undated ones do not count."""
    obj = managed(
        entry("a", EARLY), entry("a", LATE, subresource="scale"), entry("a"), entry("b", "2027")
    )
    assert ownership.latest(obj, "a") == datetime(2026, 11, 5, 13, tzinfo=UTC)
    assert ownership.latest(obj, "c") is None


def test_who_only_writes_the_status_is_no_manager() -> None:
    """The controllers write it all the time."""
    obj = managed(
        entry("helm"),
        entry("kube-controller-manager", subresource="status"),
        entry("kubectl", subresource="scale"),
    )
    assert ownership.managers(obj) == ("helm", "kubectl")


def test_a_time_that_is_none_is_unknown() -> None:
    """What cannot be read is not guessed."""
    assert ownership.moment({"time": "soon"}) is None
    assert ownership.moment({}) is None
