"""RolloutUndo: back to a revision that is known to be better, or not at all."""

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remedyd.actions.action import Live, validated
from remedyd.actions.planner import Planner
from remedyd.actions.registry import ACTIONS
from remedyd.cluster import fields
from remedyd.cluster.door import ClusterDoor
from remedyd.cluster.reader import revision
from remedyd.cluster.revisions import of_replicaset, template_of
from remedyd.errors import Refused, Superseded
from remedyd.model import ActionRequest, KubeObject, Plan, Target
from support.cluster import children, namespace, put, recorded, target_of
from support.labserver import Lab, lab, target

NOW = datetime(2026, 11, 22, 22, 22, tzinfo=UTC)


def replicasets() -> list[KubeObject]:
    """Return frontend's recorded ReplicaSets, latest revision first."""
    found = [obj for obj in children("frontend-deadline") if obj["kind"] == "ReplicaSet"]
    return sorted(found, key=revision, reverse=True)


def plan(
    params: dict[str, Any] | None = None,
    *,
    sets: list[KubeObject] | None = None,
    healthy: frozenset[str] = frozenset(),
    sick: frozenset[str] = frozenset(),
    now: datetime = NOW,
    live: KubeObject | None = None,
) -> Plan:
    """Plan RolloutUndo of frontend, whose second revision has an image that does not exist."""
    live = live or recorded("deployment-frontend-deadline")
    action = ACTIONS["RolloutUndo"]
    sets = replicasets() if sets is None else sets
    known = tuple(of_replicaset(one) for one in sets)
    judged = dict.fromkeys(healthy, True) | dict.fromkeys(sick, False)
    given = Live(live, revisions=known, judged=judged)
    return action.plan(
        target_of(live), validated(action.params, params or {}, action.type), given, now
    )


def idle(sets: list[KubeObject]) -> list[KubeObject]:
    """Return the ReplicaSets with no pods in any of them."""
    for one in sets:
        one["status"] = {"replicas": 0}
    return sets


def test_a_revision_whose_pods_serve_now_is_known_to_be_healthy() -> None:
    """The old pods of a stuck rollout are the best evidence."""
    found = plan()
    old, new = found.changes[0].old, found.changes[0].new
    assert found.changes[0].path == "spec.template"
    assert image(old) != image(new) == "registry.example.com/shop/frontend:2.4.1"
    assert "Goes back from revision 2 to revision 1" in found.consequence
    assert "number of replicas stays as it is" in found.consequence


def image(template: Any) -> str:
    """Return the image of a template's app container."""
    images: list[str] = [c["image"] for c in template["spec"]["containers"] if c["name"] == "app"]
    return images[0]


def test_the_template_is_put_back_whole_and_without_the_hash() -> None:
    """As kubectl does it: the label that the controller adds is not part of it."""
    body = plan().patch
    assert body is not None
    template = body.body["spec"]["template"]
    assert template["$patch"] == "replace"
    assert "pod-template-hash" not in template["metadata"]["labels"]


def test_the_audits_history_knows_revisions_without_pods() -> None:
    """A revision that was healthy while it ran may be gone back to."""
    sets = idle(replicasets())
    found = plan(sets=sets, healthy=frozenset({sets[1]["metadata"]["name"]}))
    assert found.changes[0].new == template_of(sets[1])


def test_without_evidence_nothing_is_undone() -> None:
    """A revision that nobody knows to have been healthy may be just as sick."""
    with pytest.raises(Refused) as caught:
        plan(sets=idle(replicasets()))
    assert caught.value.reason == "NoHealthyRevision"


def test_a_sick_previous_revision_is_passed_over() -> None:
    """The one before it is chosen when that is the one known to be healthy."""
    second, first = idle(replicasets())
    older = copy.deepcopy(first)
    older["metadata"]["name"] = "frontend-older"
    older["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "0"
    put(older, "spec.template.spec.priorityClassName", "older")
    found = plan(sets=[second, first, older], healthy=frozenset({"frontend-older"}))
    assert found.changes[0].new == template_of(older)


def test_an_old_revision_is_not_the_cause() -> None:
    """What went wrong today did not come with a revision of last week."""
    with pytest.raises(Refused) as caught:
        plan(now=NOW + timedelta(days=7))
    assert caught.value.reason == "NotTheCause"


def test_the_age_can_be_set() -> None:
    """`maxAge` says how young the revision that is left must be."""
    later = NOW + timedelta(hours=5)
    assert plan({"maxAge": "6h"}, now=later).patch is not None
    with pytest.raises(Refused):
        plan({"maxAge": "4h"}, now=later)


@pytest.mark.parametrize(("revision_", "reason"), [(1, ""), (7, "NoRevision"), (2, "NoRevision")])
def test_a_named_revision_must_exist_and_be_another(revision_: int, reason: str) -> None:
    """The revision that runs is no way back."""
    if not reason:
        assert plan({"revision": revision_}).patch is not None
        return
    with pytest.raises(Refused) as caught:
        plan({"revision": revision_})
    assert caught.value.reason == reason


def test_a_named_revision_must_be_known_to_be_healthy_too() -> None:
    """Naming it is no evidence."""
    with pytest.raises(Refused) as caught:
        plan({"revision": 1}, sets=idle(replicasets()))
    assert caught.value.reason == "NoHealthyRevision"


def test_a_paused_rollout_is_refused() -> None:
    """Nothing would be rolled out."""
    live = put(recorded("deployment-frontend-deadline"), "spec.paused", True)
    with pytest.raises(Refused) as caught:
        plan(live=live)
    assert caught.value.reason == "Paused"


def test_no_revisions_at_all_is_refused() -> None:
    """A Deployment whose ReplicaSets cannot be seen has no history."""
    with pytest.raises(Refused) as caught:
        plan(sets=[])
    assert caught.value.reason == "NoRevision"


def test_the_diff_shows_what_changes_in_the_template() -> None:
    """An approver sees the image that goes and the one that comes."""
    diff = plan().diff
    assert "-      image: registry.example.com/shop/frontend:2.5.0" in diff.replace(
        "- image", "  image"
    )
    assert len(diff.splitlines()) < 20


def test_pods_that_are_ready_now_do_not_outweigh_a_sick_history() -> None:
    """It may crash again in a minute, as it did all the time before."""
    with pytest.raises(Refused, match="was not healthy") as caught:
        plan(sick=frozenset({replicasets()[1]["metadata"]["name"]}))
    assert caught.value.reason == "NoHealthyRevision"


class History:
    """Remembers every revision as healthy."""

    def judged(self, target: Target, revisions: Any) -> dict[str, bool]:
        return {one.name: True for one in revisions}


def stuck(found: Lab) -> KubeObject:
    """Put frontend and its two ReplicaSets into the lab."""
    found.create(namespace("shop"))
    live = found.create(recorded("deployment-frontend-deadline"))
    for one in replicasets():
        owner = one["metadata"]["ownerReferences"][0]
        owner["uid"] = live["metadata"]["uid"]
        found.create(one)
    found.clock.current = NOW
    return live


def test_undo_and_its_undo_land_in_the_lab(tmp_path: Path) -> None:
    """The template is exactly the old one, and afterwards exactly the new one again."""
    with lab(tmp_path) as found:
        live = stuck(found)
        planner = Planner(found.cluster, found.clock, History())
        made = planner.plan(target(live), ActionRequest("RolloutUndo"))
        door = ClusterDoor(found.cluster, found.clock, lambda _: None)
        applied = door.write("p1", made)
        assert fields.lookup(found.read(live), "spec.template") == made.changes[0].new
        assert applied.differences == ()
        door.undo("p1", made, applied)
        assert found.read(live)["spec"] == live["spec"]


def test_a_template_that_was_touched_since_is_not_ours_to_undo(tmp_path: Path) -> None:
    """Replacing it whole would lose somebody's later change."""
    with lab(tmp_path) as found:
        live = stuck(found)
        made = Planner(found.cluster, found.clock, History()).plan(
            target(live), ActionRequest("RolloutUndo")
        )
        door = ClusterDoor(found.cluster, found.clock, lambda _: None)
        applied = door.write("p1", made)
        found.merge(live, {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}})
        with pytest.raises(Superseded):
            door.undo("p1", made, applied)
