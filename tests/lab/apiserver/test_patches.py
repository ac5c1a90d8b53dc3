"""The patch formats beyond what the recordings show."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remedyd.lab.apiserver import patches, schema, strategic
from remedyd.lab.apiserver.status import StatusError

DEPLOYMENT = schema.kind("apps/v1", "Deployment")


def pod_of(**spec: Any) -> dict[str, Any]:
    """Return a Deployment with this pod spec."""
    return {"spec": {"template": {"spec": spec}}}


def patched(spec: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Apply a strategic merge to a pod spec."""
    result = strategic.apply(pod_of(**spec), pod_of(**change), DEPLOYMENT)
    found: dict[str, Any] = result["spec"]["template"]["spec"]
    return found


def test_order_of_the_list_can_be_set() -> None:
    """`$setElementOrder` puts the named items in that order."""
    containers = [{"name": "a"}, {"name": "b"}, {"name": "c"}]
    order = [{"name": "c"}, {"name": "a"}]
    change = {"$setElementOrder/containers": order, "containers": [{"name": "c", "image": "x"}]}
    names = [each["name"] for each in patched({"containers": containers}, change)["containers"]]
    assert names.index("c") < names.index("a")


def test_ports_merge_by_number() -> None:
    """Container ports are one and the same when their number is."""
    spec = {"containers": [{"name": "a", "ports": [{"containerPort": 80, "name": "old"}]}]}
    change = {"containers": [{"name": "a", "ports": [{"containerPort": 80, "name": "new"}]}]}
    assert patched(spec, change)["containers"][0]["ports"] == [{"containerPort": 80, "name": "new"}]


def test_volume_source_is_replaced_with_retain_keys() -> None:
    """`$retainKeys` drops the volume's other source."""
    spec = {"volumes": [{"name": "v", "emptyDir": {}}]}
    new = {"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}
    assert patched(spec, {"volumes": [new]})["volumes"] == [
        {"name": "v", "configMap": {"name": "c"}}
    ]


def test_finalizers_can_be_taken_one_by_one() -> None:
    """`$deleteFromPrimitiveList` removes values of a set."""
    obj = {"metadata": {"finalizers": ["a", "b"]}}
    change = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}}
    result = strategic.apply(obj, change, DEPLOYMENT)
    assert result["metadata"]["finalizers"] == ["b", "c"]


def test_whole_list_can_be_replaced() -> None:
    """An item `$patch: replace` makes the patch's list the new one."""
    spec = {"containers": [{"name": "a"}, {"name": "b"}]}
    change = {"containers": [{"$patch": "replace"}, {"name": "z", "image": "i"}]}
    assert patched(spec, change)["containers"] == [{"name": "z", "image": "i"}]


def test_atomic_lists_are_replaced() -> None:
    """Lists without a merge key, such as args, are taken whole."""
    spec = {"containers": [{"name": "a", "args": ["x", "y"]}]}
    change = {"containers": [{"name": "a", "args": ["z"]}]}
    assert patched(spec, change)["containers"][0]["args"] == ["z"]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "move", "from": "/a", "path": "/c"}, {"b": [1, 2], "c": "x"}),
        ({"op": "copy", "from": "/a", "path": "/b/0"}, {"a": "x", "b": ["x", 1, 2]}),
        ({"op": "add", "path": "/b/-", "value": 3}, {"a": "x", "b": [1, 2, 3]}),
        ({"op": "remove", "path": "/b/0"}, {"a": "x", "b": [2]}),
        ({"op": "replace", "path": "", "value": {}}, {}),
        ({"op": "test", "path": "/b", "value": [1, 2]}, {"a": "x", "b": [1, 2]}),
    ],
)
def test_json_patch_operations(operation: dict[str, Any], expected: Any) -> None:
    """Each operation does what RFC 6902 says."""
    assert patches.apply_json({"a": "x", "b": [1, 2]}, [operation]) == expected


@pytest.mark.parametrize("path", ["/b/2", "/b/x", "b", "/a/c", "/c/d"])
def test_json_patch_refuses_bad_paths_alike(path: str) -> None:
    """Every path that cannot be replaced gives the one 422 without details."""
    with pytest.raises(StatusError) as caught:
        patches.apply_json({"a": "x", "b": [1, 2]}, [{"op": "replace", "path": path, "value": 1}])
    assert (caught.value.code, caught.value.details) == (422, {})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(JSON_VALUES, st.dictionaries(st.text(max_size=2), JSON_VALUES, max_size=3))
def test_merge_patch_twice_is_once(target: Any, patch: dict[str, Any]) -> None:
    """A merge patch changes nothing when it is applied again."""
    once = patches.merge(target, patch)
    assert patches.merge(once, patch) == once
