"""ScaleToBaseline, AdjustHPA, DeletePod and Escalate."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remedyd.actions.action import Live, validated
from remedyd.actions.planner import Planner
from remedyd.actions.registry import ACTIONS
from remedyd.cluster.door import PROPOSAL, ClusterDoor, RecordingDoor
from remedyd.errors import ClusterRejected, InvalidInput, OutcomeUnknown, Refused
from remedyd.model import ActionRequest, AuditRow, FieldChange, KubeObject, Plan, Severity
from support.cluster import children, namespace, put, recorded, target_of
from support.labserver import NOW, Lab, lab, target
from support.wire import Answer, lost

MOMENT = datetime(2026, 11, 22, 22, 20, tzinfo=UTC)


def plan(action_type: str, live: KubeObject, params: dict[str, Any], **around: Any) -> Plan:
    """Plan an action for a recorded object."""
    action = ACTIONS[action_type]
    checked = validated(action.params, params, action.type)
    return action.plan(target_of(live), checked, Live(live, **around), MOMENT)


def refusal(action_type: str, live: KubeObject, params: dict[str, Any], **around: Any) -> str:
    """Return the code with which a plan is refused."""
    with pytest.raises(Refused) as caught:
        plan(action_type, live, params, **around)
    return caught.value.reason


# ScaleToBaseline


def test_a_workload_at_zero_gets_its_baseline_back() -> None:
    """The number comes from the audit's history."""
    found = plan("ScaleToBaseline", recorded("deployment-email-zero"), {"baseline": 2})
    assert found.changes == (FieldChange("spec.replicas", 0, 2),)
    assert found.undo is not None and found.undo.body == {"spec": {"replicas": 0}}


def test_the_owners_annotation_outweighs_the_history() -> None:
    """What the owner writes down counts."""
    live = recorded("deployment-email-zero")
    live["metadata"]["annotations"]["remedyd.io/baseline-replicas"] = "3"
    assert plan("ScaleToBaseline", live, {"baseline": 2}).changes[0].new == 3


@pytest.mark.parametrize(
    "text", ["0", "-1", "many", "", "٣", "²", "2147483648", "9" * 5000], ids=lambda t: t[:12]
)
def test_an_annotation_that_is_no_count_gives_no_plan(text: str) -> None:
    """Unknown is no, even where the history would know."""
    live = recorded("deployment-email-zero")
    live["metadata"]["annotations"]["remedyd.io/baseline-replicas"] = text
    assert refusal("ScaleToBaseline", live, {"baseline": 2}) == "NoBaseline"


def test_without_a_baseline_there_is_no_plan() -> None:
    """Nobody knows how many it should be."""
    assert refusal("ScaleToBaseline", recorded("deployment-email-zero"), {}) == "NoBaseline"


@pytest.mark.parametrize("baseline", [2, 3])
def test_a_workload_at_or_above_its_baseline_is_left_alone(baseline: int) -> None:
    """It only ever scales up."""
    live = recorded("deployment-checkout-healthy")
    assert refusal("ScaleToBaseline", live, {"baseline": baseline}) == "NoChange"


def test_the_baseline_is_bounded() -> None:
    """A history of fifty pods does not start fifty pods at once."""
    found = plan("ScaleToBaseline", recorded("deployment-email-zero"), {"baseline": 50, "max": 5})
    assert found.changes[0].new == 5


def test_the_rows_column_gives_the_baseline(tmp_path: Path) -> None:
    """`baselineFrom` names the column of the audit."""
    with lab(tmp_path) as found:
        found.create(namespace("shop"))
        live = found.create(recorded("deployment-email-zero"))
        row = AuditRow("gap", target(live), Severity.CRITICAL, {"usual": 2}, 9, NOW)
        request = ActionRequest("ScaleToBaseline", {"baselineFrom": "usual"})
        made = Planner(found.cluster, found.clock).plan(target(live), request, row)
        assert made.changes[0].new == 2
        empty = AuditRow("gap", target(live), Severity.CRITICAL, {"usual": None}, 9, NOW)
        with pytest.raises(InvalidInput, match="has no value"):
            Planner(found.cluster, found.clock).plan(target(live), request, empty)


# AdjustHPA


def test_an_autoscaler_at_its_maximum_may_go_on_a_little() -> None:
    """Its own maximum changes, never the replicas."""
    found = plan(
        "AdjustHPA",
        recorded("deployment-recommendation"),
        {"max": 10},
        autoscalers=(recorded("hpa-recommendation-max"),),
    )
    assert found.changes == (FieldChange("spec.maxReplicas", 4, 6),)
    assert found.patch is not None
    assert (found.patch.kind, found.patch.name) == ("HorizontalPodAutoscaler", "recommendation")


@pytest.mark.parametrize(
    ("autoscalers", "params", "reason"),
    [
        ((), {"max": 10}, "NoAutoscaler"),
        (("hpa-recommendation",), {"max": 10}, "NotLimited"),
        (("hpa-recommendation-max", "hpa-recommendation-max"), {"max": 10}, "AmbiguousAutoscaler"),
        (("hpa-recommendation-max",), {"max": 4}, "AtCap"),
        (("hpa-recommendation-max",), {"max": 3}, "AtCap"),
    ],
)
def test_an_autoscaler_is_only_adjusted_where_that_helps(
    autoscalers: tuple[str, ...], params: dict[str, Any], reason: str
) -> None:
    """None, not held back, several, or at the policy's cap."""
    found = tuple(recorded(name) for name in autoscalers)
    live = recorded("deployment-recommendation")
    assert refusal("AdjustHPA", live, params, autoscalers=found) == reason


def test_the_step_ends_at_the_cap() -> None:
    """At most what the policy allows."""
    found = plan(
        "AdjustHPA",
        recorded("deployment-recommendation"),
        {"max": 5, "step": 3},
        autoscalers=(recorded("hpa-recommendation-max"),),
    )
    assert found.changes[0].new == 5


def test_the_autoscaler_is_written_marked_and_undone(tmp_path: Path) -> None:
    """The door writes the autoscaler, and reads back there."""
    with lab(tmp_path) as found:
        found.create(namespace("shop"))
        live = found.create(recorded("deployment-recommendation"))
        autoscaler = found.create(recorded("hpa-recommendation-max"))
        planner = Planner(found.cluster, found.clock)
        made = planner.plan(target(live), ActionRequest("AdjustHPA", {"max": 8}))
        assert made.dry_run == "accepted by the API server"
        door = ClusterDoor(found.cluster, found.clock, lambda _: None, recheck=planner.recheck)
        applied = door.write("p1", made)
        after = found.read(autoscaler)
        assert after["spec"]["maxReplicas"] == 6
        assert after["metadata"]["annotations"][PROPOSAL] == "p1"
        assert door.landed("p1", made.target, made) is not None
        door.undo("p1", made, applied)
        assert found.read(autoscaler)["spec"]["maxReplicas"] == 4
        assert found.read(live) == live


# DeletePod


def pods(*, ready: tuple[bool, ...]) -> tuple[KubeObject, ...]:
    """Return checkout's recorded pods, so many, ready or not."""
    found = [obj for obj in children("checkout-oom") if obj["kind"] == "Pod"][: len(ready)]
    for pod, state in zip(found, ready, strict=True):
        conditions = [{"type": "Ready", "status": "True" if state else "False"}]
        put(pod, "status.conditions", conditions)
    return tuple(found)


def test_the_only_stuck_pod_is_evicted() -> None:
    """The plan names it with its uid, and says that there is no undo."""
    live, some = recorded("deployment-checkout-oom"), pods(ready=(True, False, True))
    found = plan("DeletePod", live, {}, pods=some)
    assert found.patch is not None and found.undo is None
    assert (found.patch.subresource, found.patch.uid) == ("eviction", some[1]["metadata"]["uid"])
    assert "no undo" in found.consequence


@pytest.mark.parametrize("ready", [(True, True, True), (False, False, True), (False, False, False)])
def test_none_or_several_stuck_pods_are_no_case_for_an_eviction(ready: tuple[bool, ...]) -> None:
    """What pods share is no pod's fault."""
    live = recorded("deployment-checkout-oom")
    assert refusal("DeletePod", live, {}, pods=pods(ready=ready)) == "NotOnePod"


def test_a_named_pod_must_be_stuck() -> None:
    """A pod that recovered meanwhile is left alone."""
    live, some = recorded("deployment-checkout-oom"), pods(ready=(True, False, False))
    names = [pod["metadata"]["name"] for pod in some]
    assert plan("DeletePod", live, {"pod": names[1]}, pods=some).changes[0].new is None
    assert refusal("DeletePod", live, {"pod": names[0]}, pods=some) == "PodReady"
    assert refusal("DeletePod", live, {"pod": "other"}, pods=some) == "NoPod"


def test_a_pod_that_goes_already_is_no_candidate() -> None:
    """Evicting it again would be for nothing."""
    live, some = recorded("deployment-checkout-oom"), pods(ready=(True, False, True))
    put(some[1], "metadata.deletionTimestamp", "2026-11-22T22:20:00Z")
    assert refusal("DeletePod", live, {}, pods=some) == "NotOnePod"


def stuck(found: Lab) -> tuple[KubeObject, KubeObject]:
    """Put checkout with one stuck pod of three into the lab; return it and the pod."""
    found.create(namespace("shop"))
    live = found.create(recorded("deployment-checkout-oom"))
    sets = [obj for obj in children("checkout-oom") if obj["kind"] == "ReplicaSet"]
    for one in sets:
        one["metadata"]["ownerReferences"][0]["uid"] = live["metadata"]["uid"]
    stored = found.create(sets[0])
    made = []
    for pod in pods(ready=(True, False, True)):
        pod["metadata"]["ownerReferences"][0]["uid"] = stored["metadata"]["uid"]
        made.append(found.create(pod))
    return live, made[1]


def budget(found: Lab, needed: int) -> None:
    """Put a disruption budget that needs so many healthy pods into the lab; two are."""
    found.create(put(recorded("pdb-checkout"), "spec.minAvailable", needed))


def present(found: Lab, pod: KubeObject) -> bool:
    """Say whether the pod is there and not on its way out."""
    listed = found.send("GET", "/api/v1/namespaces/shop/pods")["items"]
    return any(
        one["metadata"]["uid"] == pod["metadata"]["uid"]
        and not one["metadata"].get("deletionTimestamp")
        for one in listed
    )


def test_an_eviction_goes_through_the_budget(tmp_path: Path) -> None:
    """Rehearsed with dryRun, then made once; the other pods stay."""
    with lab(tmp_path) as found:
        live, pod = stuck(found)
        budget(found, 1)
        planner = Planner(found.cluster, found.clock)
        made = planner.plan(target(live), ActionRequest("DeletePod"))
        assert made.dry_run == "accepted by the API server"
        assert present(found, pod)
        door = ClusterDoor(found.cluster, found.clock, lambda _: None, recheck=planner.recheck)
        assert not door.write("p1", made).replayed
        assert not present(found, pod)
        assert door.write("p1", made).replayed
        assert len(found.writes) == 1


def test_a_spent_budget_blocks_the_plan_and_the_door(tmp_path: Path) -> None:
    """The API server would answer 429: nobody is asked, and a late change is found at the door."""
    with lab(tmp_path) as found:
        live, pod = stuck(found)
        made = Planner(found.cluster, found.clock).plan(target(live), ActionRequest("DeletePod"))
        budget(found, 3)
        planner = Planner(found.cluster, found.clock)
        again = planner.plan(target(live), ActionRequest("DeletePod"))
        assert [one.name for one in again.blocked] == ["DisruptionBudget"]
        door = ClusterDoor(found.cluster, found.clock, lambda _: None)
        with pytest.raises(ClusterRejected, match="disruption budget"):
            door.write("p1", made)
        with pytest.raises(Refused):
            ClusterDoor(found.cluster, found.clock, lambda _: None, recheck=planner.recheck).write(
                "p1", made
            )
        assert present(found, pod)


def test_a_closed_fence_evicts_nothing(tmp_path: Path) -> None:
    """A pause counts for evictions as for patches."""

    def closed(proposal: str) -> None:
        raise Refused("Paused", "paused")

    with lab(tmp_path) as found:
        live, pod = stuck(found)
        made = Planner(found.cluster, found.clock).plan(target(live), ActionRequest("DeletePod"))
        with pytest.raises(Refused):
            ClusterDoor(found.cluster, found.clock, closed).write("p1", made)
        assert present(found, pod)


def test_a_lost_answer_to_an_eviction_is_settled(tmp_path: Path) -> None:
    """The pod is gone: that is the proof."""
    with lab(tmp_path, lambda asked, n: lost if asked.writes and n == 0 else None) as found:
        live, _ = stuck(found)
        made = Planner(found.cluster, found.clock).plan(target(live), ActionRequest("DeletePod"))
        door = ClusterDoor(found.cluster, found.clock, lambda _: None, sleep=lambda _: None)
        assert door.write("p1", made).replayed
        assert len(found.writes) == 1


@pytest.mark.parametrize("late", [False, True])
def test_a_pod_that_went_by_itself_needs_no_eviction(tmp_path: Path, late: bool) -> None:
    """Before the check or after it: what was wanted has happened."""
    with lab(tmp_path) as found:
        live, pod = stuck(found)
        made = Planner(found.cluster, found.clock).plan(target(live), ActionRequest("DeletePod"))
        path = f"/api/v1/namespaces/shop/pods/{pod['metadata']['name']}?gracePeriodSeconds=0"

        def going(_: str) -> None:
            if late:
                found.send("DELETE", path)

        if not late:
            found.send("DELETE", path)
        assert ClusterDoor(found.cluster, found.clock, going).write("p1", made).replayed
        assert found.writes == []


def test_an_eviction_without_any_answer_ends_bounded(tmp_path: Path) -> None:
    """A named state after a few attempts; the pod is still there."""
    silent = Answer(200, cut=0)
    with lab(tmp_path, lambda asked, _: silent if asked.writes else None) as found:
        live, pod = stuck(found)
        made = Planner(found.cluster, found.clock).plan(target(live), ActionRequest("DeletePod"))
        door = ClusterDoor(found.cluster, found.clock, lambda _: None, sleep=lambda _: None)
        with pytest.raises(OutcomeUnknown):
            door.write("p1", made)
        assert present(found, pod)
        assert found.clock.waits == [timedelta(seconds=0.5)] * 4


def test_the_recording_door_evicts_nothing(tmp_path: Path) -> None:
    """A dry run of an eviction is the server's dry run."""
    with lab(tmp_path) as found:
        live, pod = stuck(found)
        made = Planner(found.cluster, found.clock).plan(target(live), ActionRequest("DeletePod"))
        RecordingDoor(found.cluster, found.clock, lambda _: None).write("p1", made)
        assert present(found, pod)


# Escalate


def test_an_escalation_tells_and_writes_nothing() -> None:
    """The summary is its consequence, the live state its evidence."""
    found = plan("Escalate", recorded("deployment-payment-crash"), {"summary": "dependency gone"})
    assert (found.patch, found.undo, found.changes) == (None, None, ())
    assert found.consequence == "dependency gone"
    assert found.diff.startswith("rollout Progressing: ")
