"""Fields by readable path, and patches made of them."""

import pytest

from remedyd.cluster import fields
from remedyd.errors import InvalidInput
from remedyd.model import FieldChange
from support.cluster import recorded

MEMORY = "spec.template.spec.containers[app].resources.limits.memory"
RESTARTED = "spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]"


def test_a_container_is_found_by_name() -> None:
    """A path names the container, so the order of the list does not matter."""
    live = recorded("deployment-frontend-deadline")
    live["spec"]["template"]["spec"]["containers"].reverse()
    assert fields.lookup(live, MEMORY) == "256Mi"
    assert fields.lookup(live, MEMORY.replace("app", "proxy")) == "64Mi"


def test_an_annotation_with_dots_is_one_key() -> None:
    """A key in brackets is taken as it is."""
    live = recorded("deployment-checkout-oom")
    path = "metadata.annotations[deployment.kubernetes.io/revision]"
    assert fields.lookup(live, path) == "1"


@pytest.mark.parametrize("path", [MEMORY.replace("app", "nope"), "spec.nope.deeper", RESTARTED])
def test_what_is_absent_is_none(path: str) -> None:
    """Any absent part makes the whole field absent."""
    assert fields.lookup(recorded("deployment-checkout-oom"), path) is None


@pytest.mark.parametrize("path", ["spec..x", "spec.[a]", "a b", "spec.x[", "x]"])
def test_a_malformed_path_is_refused(path: str) -> None:
    """A path that cannot be read never addresses a wrong field."""
    with pytest.raises(InvalidInput):
        fields.lookup({}, path)


def test_amounts_are_compared_as_numbers() -> None:
    """A limit that was respelt has not moved."""
    live = recorded("deployment-checkout-oom")
    assert fields.moved(live, [FieldChange(MEMORY, "0.125Gi", "256Mi")]) == []


def test_other_fields_are_compared_as_they_are() -> None:
    """Only resource amounts are numbers: an annotation `1.0` is not `1`."""
    assert not fields.equal("metadata.annotations[x]", "1.0", "1")


def test_a_moved_field_is_named_with_both_values() -> None:
    """The sentence says what is there and what was expected."""
    live = recorded("deployment-checkout-oom")
    moved = fields.moved(live, [FieldChange(MEMORY, "64Mi", "256Mi")])
    assert moved == [f"{MEMORY} is 128Mi, expected 64Mi"]


def test_a_patch_holds_the_named_container_only() -> None:
    """Two fields of one container share its entry, keyed by name."""
    changes = [
        FieldChange(MEMORY, "128Mi", "256Mi"),
        FieldChange(MEMORY.replace("limits", "requests"), "96Mi", "192Mi"),
    ]
    resources = {"limits": {"memory": "256Mi"}, "requests": {"memory": "192Mi"}}
    assert fields.patch_body(changes) == {
        "spec": {"template": {"spec": {"containers": [{"name": "app", "resources": resources}]}}}
    }


def test_an_undo_restores_old_values_and_removes_what_was_absent() -> None:
    """Null removes a field that was not there before."""
    undo = fields.patch_body([FieldChange(RESTARTED, None, "x")], undo=True)
    annotations = undo["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"kubectl.kubernetes.io/restartedAt": None}


def test_changing_a_copy_leaves_the_object_alone() -> None:
    """The object after the change is another object."""
    live = recorded("deployment-checkout-oom")
    after = fields.changed(live, [FieldChange(MEMORY, "128Mi", "256Mi")])
    assert fields.lookup(after, MEMORY) == "256Mi"
    assert live == recorded("deployment-checkout-oom")


def test_merging_bodies_keeps_both_sides() -> None:
    """Identity and change end up in one patch."""
    merged = fields.merge({"metadata": {"uid": "u"}}, {"metadata": {"annotations": {"a": "b"}}})
    assert merged == {"metadata": {"uid": "u", "annotations": {"a": "b"}}}
