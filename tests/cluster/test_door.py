"""The one door: exactly one write, only as planned, only while allowed, and undone only if ours."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remedyd.actions.planner import Planner
from remedyd.cluster import fields
from remedyd.cluster.client import Cluster
from remedyd.cluster.door import PROPOSAL, ROLLBACK, ClusterDoor, RecordingDoor
from remedyd.errors import (
    ClusterRejected,
    ClusterUnavailable,
    NotFound,
    OutcomeUnknown,
    Refused,
    Stale,
    Superseded,
)
from remedyd.model import ActionRequest, FieldChange, KubeObject, Plan, Precheck, PrecheckResult
from support.cluster import namespace, recorded
from support.labserver import Lab, lab, target
from support.wire import Answer, Asked, cut_short, dripping, late, lost, told

LIMIT = "spec.template.spec.containers[app].resources.limits.memory"
REQUEST = LIMIT.replace("limits", "requests")
RAISE = ActionRequest("UpdateResources", {"memory": {"factor": 2}})


def allow(proposal: str) -> None:
    """Let everything through."""


def prepared(found: Lab, name: str = "deployment-checkout-oom") -> KubeObject:
    """Put a recorded workload and what a plan looks at into the lab; return it as stored."""
    live = recorded(name)
    found.create(namespace(live["metadata"]["namespace"]))
    for node in ("node-worker-1", "node-worker-5"):
        found.create(recorded(node))
    return found.create(live)


def planned(found: Lab, request: ActionRequest = RAISE) -> tuple[KubeObject, Plan]:
    """Put checkout into the lab and plan for it."""
    live = prepared(found)
    return live, Planner(found.cluster, found.clock).plan(target(live), request)


def door(found: Lab, **named: Any) -> ClusterDoor:
    """Return a door that allows everything and never sleeps."""
    fence = named.pop("fence", allow)
    return ClusterDoor(found.cluster, found.clock, fence, sleep=lambda _: None, **named)


def annotations(obj: KubeObject) -> dict[str, str]:
    """Return an object's annotations."""
    found: dict[str, str] = obj["metadata"].get("annotations") or {}
    return found


# the write


def test_a_write_lands_as_planned(tmp_path: Path) -> None:
    """One strategic merge patch, marked with the proposal, by our field manager."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        applied = door(found).write("p1", plan)
        after = found.read(live)
        writes = found.writes
    assert fields.lookup(after, LIMIT) == "256Mi"
    assert fields.lookup(after, REQUEST) == "192Mi"
    assert annotations(after)[PROPOSAL] == "p1"
    assert applied.resource_version == after["metadata"]["resourceVersion"]
    assert (applied.generation, applied.replayed, applied.differences) == (2, False, ())
    assert len(writes) == 1
    assert writes[0].query["fieldManager"] == ["remedyd"]


def test_only_the_planned_fields_change(tmp_path: Path) -> None:
    """Everything else of the spec is as it was."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        door(found).write("p1", plan)
        after = found.read(live)
    back = fields.changed(after, [FieldChange(c.path, c.new, c.old) for c in plan.changes])
    assert back["spec"] == live["spec"]


def test_a_write_carries_uid_and_resource_version(tmp_path: Path) -> None:
    """The precondition is what makes a second landing impossible."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        door(found).write("p1", plan)
        meta = found.writes[0].body["metadata"]
    assert meta["uid"] == live["metadata"]["uid"]
    assert meta["resourceVersion"] == live["metadata"]["resourceVersion"]


def test_writing_again_finds_it_done(tmp_path: Path) -> None:
    """After a crash the same call reads the annotation back and writes nothing."""
    with lab(tmp_path) as found:
        _, plan = planned(found)
        first = door(found).write("p1", plan)
        second = door(found).write("p1", plan)
        count = len(found.writes)
    assert second.replayed
    assert second.resource_version == first.resource_version
    assert count == 1


def test_what_is_found_again_counts_from_when_it_landed(tmp_path: Path) -> None:
    """Proof begins at the write, not at the restart that found it."""
    with lab(tmp_path) as found:
        _, plan = planned(found)
        first = door(found).write("p1", plan)
        found.clock.advance(timedelta(minutes=7))
        again = door(found).write("p1", plan)
    assert again.replayed
    assert again.at == first.at


def test_an_object_on_its_way_out_is_stale(tmp_path: Path) -> None:
    """A finalizer holds it, but nobody wants it any more."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        found.merge(live, {"metadata": {"finalizers": ["example.com/hold"]}})
        found.send("DELETE", "/apis/apps/v1/namespaces/shop/deployments/checkout")
        with pytest.raises(Stale, match="is being deleted"):
            door(found).write("p1", plan)
        assert found.writes == []


def test_a_closed_fence_does_not_hide_what_has_landed(tmp_path: Path) -> None:
    """A pause after the write must not turn an applied change into a failed one."""

    def closed(proposal: str) -> None:
        raise Refused("Paused", "paused")

    with lab(tmp_path) as found:
        _, plan = planned(found)
        door(found).write("p1", plan)
        assert door(found, fence=closed).write("p1", plan).replayed


def test_landed_tells_a_crash_before_from_after_the_write(tmp_path: Path) -> None:
    """None before, Applied after, None for another proposal."""
    with lab(tmp_path) as found:
        _, plan = planned(found)
        assert door(found).landed("p1", plan.target) is None
        door(found).write("p1", plan)
        seen = door(found).landed("p1", plan.target)
        assert seen is not None and seen.replayed
        assert door(found).landed("p2", plan.target) is None


def test_status_writes_of_the_controller_do_not_disturb(tmp_path: Path) -> None:
    """The resourceVersion moved, the fields did not: the plan still holds."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        found.merge(live, {"status": {"readyReplicas": 2}}, "status", "kube-controller-manager")
        door(found).write("p1", plan)
        assert len(found.writes) == 1


def test_the_same_amount_respelt_still_is_as_planned(tmp_path: Path) -> None:
    """Amounts are compared as numbers."""
    with lab(tmp_path) as found:
        _, plan = planned(found)
        respelt = [replace(c, old="0.125Gi") if c.path == LIMIT else c for c in plan.changes]
        assert not door(found).write("p1", replace(plan, changes=tuple(respelt))).replayed


def test_a_field_that_moved_makes_the_plan_stale(tmp_path: Path) -> None:
    """Somebody else was faster: what they wrote stays, and the message says what changed."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        found.merge(live, memory_patch("192Mi"))
        with pytest.raises(Stale, match="is 192Mi, expected 128Mi"):
            door(found).write("p1", plan)
        assert fields.lookup(found.read(live), LIMIT) == "192Mi"
        assert found.writes == []


def memory_patch(amount: str) -> KubeObject:
    """Return a patch of the app container's memory limit."""
    resources = {"limits": {"memory": amount}}
    containers = [{"name": "app", "resources": resources}]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


def test_an_object_made_anew_is_stale(tmp_path: Path) -> None:
    """The name is the same, the uid is not."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        found.send("DELETE", "/apis/apps/v1/namespaces/shop/deployments/checkout")
        found.create(recorded("deployment-checkout-oom"))
        with pytest.raises(Stale, match="made anew"):
            door(found).write("p1", plan)
        assert found.writes == [] and live["metadata"]["uid"] == plan.target.uid


def test_an_object_that_is_gone_is_not_found(tmp_path: Path) -> None:
    """Nothing to write to."""
    with lab(tmp_path) as found:
        _, plan = planned(found)
        found.send("DELETE", "/apis/apps/v1/namespaces/shop/deployments/checkout")
        with pytest.raises(NotFound):
            door(found).write("p1", plan)


def test_the_fence_is_asked_last_and_can_stop_the_write(tmp_path: Path) -> None:
    """Pause, lost leadership, a withdrawn approval: all stop it at the very end."""
    asked: list[str] = []

    def closed(proposal: str) -> None:
        asked.append(proposal)
        raise Refused("Paused", "paused by alice")

    with lab(tmp_path) as found:
        _, plan = planned(found)
        before = len(found.server.requests)
        with pytest.raises(Refused, match="paused by alice"):
            door(found, fence=closed).write("p1", plan)
        assert [one.method for one in found.server.requests[before:]] == ["GET"]
    assert asked == ["p1"]


def test_a_stale_plan_never_asks_the_fence(tmp_path: Path) -> None:
    """The fence may spend a single-use approval: it is asked only when all else holds."""
    asked: list[str] = []
    with lab(tmp_path) as found:
        live, plan = planned(found)
        found.merge(live, memory_patch("192Mi"))
        with pytest.raises(Stale):
            door(found, fence=asked.append).write("p1", plan)
    assert asked == []


def test_a_precheck_that_blocks_now_refuses(tmp_path: Path) -> None:
    """What was right at planning time may be wrong at writing time."""
    block = Precheck("Quota", PrecheckResult.BLOCK, "no room", "ask for more")
    with lab(tmp_path) as found:
        _, plan = planned(found)
        with pytest.raises(Refused) as caught:
            door(found, recheck=lambda *_: [block]).write("p1", plan)
        assert (caught.value.reason, caught.value.hint) == ("Quota", "ask for more")
        assert found.writes == []


def test_the_planners_prechecks_can_run_again_at_the_door(tmp_path: Path) -> None:
    """A rollout that somebody started meanwhile is found at the door."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        recheck = Planner(found.cluster, found.clock).recheck
        image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "x:2"}]}}}}
        found.merge(live, image)
        with pytest.raises(Refused) as caught:
            door(found, recheck=recheck).write("p1", plan)
        assert caught.value.reason == "Rollout"


def test_a_plan_without_uid_is_refused(tmp_path: Path) -> None:
    """Unknown identity is no."""
    with lab(tmp_path) as found:
        _, plan = planned(found)
        with pytest.raises(Refused) as caught:
            door(found).write("p1", replace(plan, target=plan.target.with_uid("")))
        assert caught.value.reason == "NoIdentity"


def test_a_read_only_plan_is_refused(tmp_path: Path) -> None:
    """The door is no place for Status."""
    with lab(tmp_path) as found:
        _, plan = planned(found, ActionRequest("Status"))
        with pytest.raises(Refused) as caught:
            door(found).write("p1", plan)
        assert caught.value.reason == "NothingToWrite"


def test_what_a_webhook_made_of_it_is_reported(tmp_path: Path) -> None:
    """The answer is compared with the plan; the difference is part of the record."""
    with lab(tmp_path) as found:
        _, plan = planned(found)

        def cap(request: Any) -> None:
            if request.operation == "UPDATE":
                container = request.object["spec"]["template"]["spec"]["containers"][0]
                container["resources"]["limits"]["memory"] = "200Mi"

        found.server.store.admission.append(cap)
        applied = door(found).write("p1", plan)
    assert applied.differences == (FieldChange(LIMIT, "256Mi", "200Mi"),)


# faults: before the write nothing happened, after it the read-back finds it


def spoil_write(number: int, spoilt: Any) -> Callable[[Asked, int], Any]:
    """Spoil the write with this number only."""
    return lambda asked, seen: spoilt if asked.writes and seen == number else None


@pytest.mark.parametrize("spoilt", [lost, late, dripping, cut_short])
def test_a_lost_answer_is_settled_by_reading_back(tmp_path: Path, spoilt: Any) -> None:
    """The write landed and nobody said so: it is found by its annotation, not repeated."""
    with lab(tmp_path, spoil_write(0, spoilt), timeout=0.4) as found:
        live, plan = planned(found)
        applied = door(found).write("p1", plan)
        count, generation = len(found.writes), found.read(live)["metadata"]["generation"]
    assert applied.replayed
    assert (count, generation) == (1, 2)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, cut=0),
        told(500, {"kind": "Status", "reason": "InternalError", "message": "etcd", "code": 500}),
        Answer(503, b"upstream"),
        told(429, {"reason": "TooManyRequests", "message": "slow"}, Retry_After="1"),
    ],
)
def test_a_write_that_never_arrived_is_made_once(tmp_path: Path, answer: Answer) -> None:
    """Reading back finds nothing, so the same precondition may be tried again: one landing."""
    with lab(tmp_path, spoil_write(0, answer)) as found:
        live, plan = planned(found)
        applied = door(found).write("p1", plan)
        assert not applied.replayed
        assert len(found.writes) == 1
        assert found.read(live)["metadata"]["generation"] == 2


@pytest.mark.parametrize(("asked", "waited"), [("2", 2.0), ("0", 0.5), ("soon", 0.5)])
def test_the_server_is_given_the_time_it_asks_for(
    tmp_path: Path, asked: str, waited: float
) -> None:
    """A short Retry-After is waited for on the spot."""
    answer = told(429, {"message": "slow"}, Retry_After=asked)
    slept: list[float] = []
    with lab(tmp_path, spoil_write(0, answer)) as found:
        _, plan = planned(found)
        ClusterDoor(found.cluster, found.clock, allow, sleep=slept.append).write("p1", plan)
        assert found.clock.waits == [timedelta(seconds=waited)]
    assert slept == [0.0]


def test_a_long_wait_is_left_to_the_caller(tmp_path: Path) -> None:
    """Asked to come back in an hour, the door gives up at once and says so."""
    answer = told(429, {"message": "slow"}, Retry_After="3600")
    with lab(tmp_path, spoil_write(0, answer)) as found:
        _, plan = planned(found)
        with pytest.raises(ClusterUnavailable) as told_to_wait:
            door(found).write("p1", plan)
        assert found.clock.waits == []
        assert found.writes == []
    assert told_to_wait.value.retry_after == 3600


def test_a_no_to_the_next_attempt_does_not_settle_the_one_before(tmp_path: Path) -> None:
    """The first request may still be under way: a later 403 leaves the outcome open."""

    def fault(asked: Asked, seen: int) -> Any:
        if not asked.writes:
            return None
        return Answer(200, cut=0) if seen == 0 else told(403, {"message": "no"})

    with lab(tmp_path, fault) as found:
        _, plan = planned(found)
        with pytest.raises(OutcomeUnknown):
            door(found).write("p1", plan)


def test_after_a_lost_race_nobody_waits(tmp_path: Path) -> None:
    """The object is read again at once."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        calls: list[str] = []

        def racing(proposal: str) -> None:
            calls.append(proposal)
            if len(calls) == 1:
                found.merge(live, {"metadata": {"labels": {"touched": "yes"}}})

        door(found, fence=racing).write("p1", plan)
        assert found.clock.waits == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(200, cut=0), OutcomeUnknown),
        (told(500, {"message": "etcd"}), OutcomeUnknown),
        (told(429, {"message": "slow"}, Retry_After="1"), ClusterUnavailable),
    ],
)
def test_a_server_that_never_answers_a_write_ends_bounded(
    tmp_path: Path, answer: Answer, error: type[Exception]
) -> None:
    """A few attempts, then a named state; nothing was stored."""
    with lab(tmp_path, lambda asked, _: answer if asked.writes else None) as found:
        _, plan = planned(found)
        with pytest.raises(error):
            door(found).write("p1", plan)
        assert found.wire is not None
        assert found.wire.count("PATCH") == 4
        assert found.writes == []


def test_a_lost_answer_stays_unknown_while_nothing_can_be_read(tmp_path: Path) -> None:
    """The write landed, then the server went silent: that is not a failure of the write."""
    gone = False

    def fault(asked: Asked, seen: int) -> Any:
        nonlocal gone
        if asked.writes:
            gone = True
            return lost
        return Answer(200, cut=0) if gone else None

    with lab(tmp_path, fault) as found:
        _, plan = planned(found)
        with pytest.raises(OutcomeUnknown):
            door(found).write("p1", plan)
        assert len(found.writes) == 1


def test_a_pause_after_a_lost_request_leaves_the_outcome_open(tmp_path: Path) -> None:
    """A request that may still be under way cannot be called off by the fence."""
    asked: list[str] = []

    def once(proposal: str) -> None:
        asked.append(proposal)
        if len(asked) > 1:
            raise Refused("Paused", "paused")

    with lab(tmp_path, spoil_write(0, Answer(200, cut=0))) as found:
        _, plan = planned(found)
        with pytest.raises(OutcomeUnknown):
            door(found, fence=once).write("p1", plan)


def test_a_lost_race_is_read_again_and_checked_again(tmp_path: Path) -> None:
    """409 on the resourceVersion alone: the fields still hold, so the next attempt lands."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        calls: list[str] = []

        def racing(proposal: str) -> None:
            calls.append(proposal)
            if len(calls) == 1:
                found.merge(live, {"metadata": {"labels": {"touched": "yes"}}})

        applied = door(found, fence=racing).write("p1", plan)
        assert len(calls) == 2
        assert len(found.writes) == 1
        assert applied.resource_version == found.read(live)["metadata"]["resourceVersion"]


def test_a_race_for_our_field_is_lost(tmp_path: Path) -> None:
    """Between check and write somebody changed the very field: theirs stays."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        with pytest.raises(Stale):
            door(found, fence=lambda _: found.merge(live, memory_patch("192Mi")) and None).write(
                "p1", plan
            )
        assert fields.lookup(found.read(live), LIMIT) == "192Mi"


def test_an_object_that_never_rests_ends_bounded(tmp_path: Path) -> None:
    """Changed under every attempt: nothing was written, and it says so."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        count = 0

        def racing(_: str) -> None:
            nonlocal count
            count += 1
            found.merge(live, {"metadata": {"labels": {"touched": str(count)}}})

        with pytest.raises(ClusterUnavailable, match="changed by others during each of 4"):
            door(found, fence=racing).write("p1", plan)
        assert found.writes == []


@pytest.mark.parametrize(
    ("code", "reason"), [(403, "Forbidden"), (422, "Invalid"), (400, "BadRequest")]
)
def test_a_definite_no_is_final(tmp_path: Path, code: int, reason: str) -> None:
    """A right that was taken away, a webhook that denies: rejected once, nothing written."""
    answer = told(code, {"reason": reason, "message": "denied the request", "code": code})
    with lab(tmp_path, spoil_write(0, answer)) as found:
        _, plan = planned(found)
        with pytest.raises(ClusterRejected, match="denied the request"):
            door(found).write("p1", plan)
        assert found.wire is not None and found.wire.count("PATCH") == 1


def test_deleted_between_read_and_write_is_stale(tmp_path: Path) -> None:
    """The uid in the patch tells the new object from the old one."""
    with lab(tmp_path) as found:
        _, plan = planned(found)

        def swap(_: str) -> None:
            found.send("DELETE", "/apis/apps/v1/namespaces/shop/deployments/checkout")
            found.create(recorded("deployment-checkout-oom"))

        with pytest.raises(Stale):
            door(found, fence=swap).write("p1", plan)
        assert found.writes == []


# the undo


def test_an_undo_restores_exactly_our_fields(tmp_path: Path) -> None:
    """Old values are back, what others changed meanwhile stays."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        applied = door(found).write("p1", plan)
        found.merge(live, {"spec": {"replicas": 5}})
        undone = door(found).undo("p1", plan, applied)
        after = found.read(live)
    assert fields.lookup(after, LIMIT) == "128Mi"
    assert fields.lookup(after, REQUEST) == "96Mi"
    assert after["spec"]["replicas"] == 5
    assert annotations(after)[ROLLBACK] == "p1"
    assert (undone.replayed, undone.differences) == (False, ())


def test_an_undo_removes_a_field_that_was_not_there(tmp_path: Path) -> None:
    """Null in the patch takes the limit away again."""
    request = ActionRequest("UpdateResources", {"memory": {"absolute": "256Mi"}})
    with lab(tmp_path) as found:
        live = recorded("deployment-checkout-oom")
        live["spec"]["template"]["spec"]["containers"][0]["resources"] = {}
        found.create(namespace("shop"))
        found.create(recorded("node-worker-5"))
        stored = found.create(live)
        plan = Planner(found.cluster, found.clock).plan(target(stored), request)
        applied = door(found).write("p1", plan)
        door(found).undo("p1", plan, applied)
        assert fields.lookup(found.read(stored), LIMIT) is None


def test_undoing_again_finds_it_done(tmp_path: Path) -> None:
    """A crash in the middle of a rollback does not roll back twice."""
    with lab(tmp_path) as found:
        _, plan = planned(found)
        applied = door(found).write("p1", plan)
        door(found).undo("p1", plan, applied)
        assert door(found).undo("p1", plan, applied).replayed
        assert len(found.writes) == 2


@pytest.mark.parametrize("spoilt", [lost, late])
def test_a_lost_answer_to_an_undo_is_settled_too(tmp_path: Path, spoilt: Any) -> None:
    """The undo landed; it is found and not repeated."""
    with lab(tmp_path, spoil_write(1, spoilt), timeout=0.4) as found:
        _, plan = planned(found)
        applied = door(found).write("p1", plan)
        assert door(found).undo("p1", plan, applied).replayed
        assert len(found.writes) == 2


def test_a_field_that_somebody_changed_is_superseded(tmp_path: Path) -> None:
    """Theirs is not overwritten, and the message names who it was."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        applied = door(found).write("p1", plan)
        found.merge(live, memory_patch("300Mi"), manager="argocd-controller")
        with pytest.raises(Superseded, match=r"is 300Mi, we left 256Mi \(set by argocd-controller"):
            door(found).undo("p1", plan, applied)
        assert fields.lookup(found.read(live), LIMIT) == "300Mi"


def test_the_same_value_set_again_by_another_is_superseded(tmp_path: Path) -> None:
    """The value is ours, the field is not: managedFields tell."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        applied = door(found).write("p1", plan)
        found.merge(live, memory_patch("300Mi"), manager="helm")
        found.merge(live, memory_patch("256Mi"), manager="helm")
        with pytest.raises(Superseded, match="set to the same value again"):
            door(found).undo("p1", plan, applied)


def test_what_is_back_already_is_left_alone(tmp_path: Path) -> None:
    """Somebody restored the old value by hand: nothing to do, nothing written."""
    with lab(tmp_path) as found:
        live, plan = planned(found, ActionRequest("Scale", {"absolute": 5}))
        applied = door(found).write("p1", plan)
        found.merge(live, {"spec": {"replicas": 3}})
        assert door(found).undo("p1", plan, applied).replayed
        assert len(found.writes) == 1


def test_an_undo_of_what_a_webhook_made_of_it(tmp_path: Path) -> None:
    """What landed is ours, although it is not what was planned."""
    with lab(tmp_path) as found:
        live, plan = planned(found)

        def cap(request: Any) -> None:
            resources = request.object["spec"]["template"]["spec"]["containers"][0]["resources"]
            if request.operation == "UPDATE" and resources["limits"]["memory"] == "256Mi":
                resources["limits"]["memory"] = "200Mi"

        found.server.store.admission.append(cap)
        applied = door(found).write("p1", plan)
        assert fields.lookup(found.read(live), LIMIT) == "200Mi"
        door(found).undo("p1", plan, applied)
        assert fields.lookup(found.read(live), LIMIT) == "128Mi"


def test_a_restart_has_nothing_to_undo(tmp_path: Path) -> None:
    """Refused, and not silently done."""
    with lab(tmp_path) as found:
        _, plan = planned(found, ActionRequest("Restart"))
        applied = door(found).write("p1", plan)
        with pytest.raises(Refused) as caught:
            door(found).undo("p1", plan, applied)
        assert caught.value.reason == "NothingToUndo"


def test_an_undo_asks_its_own_fence(tmp_path: Path) -> None:
    """A pause may stop new changes and still let old ones be taken back, or not."""

    def closed(proposal: str) -> None:
        raise Refused("Frozen", "frozen")

    with lab(tmp_path) as found:
        _, plan = planned(found)
        applied = door(found).write("p1", plan)
        with pytest.raises(Refused):
            door(found, undo_fence=closed).undo("p1", plan, applied)


# the substitute


def test_the_recording_door_does_everything_but_the_write(tmp_path: Path) -> None:
    """The server judges the same patch with dryRun=All; nothing is stored."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        recording = RecordingDoor(found.cluster, found.clock, allow)
        applied = recording.write("p1", plan)
        assert found.read(live) == live
        assert found.writes == []
        assert recording.landed("p1", plan.target) is None
    assert applied.differences == ()
    assert [proposal for proposal, _ in recording.writes] == ["p1"]
    assert fields.lookup(recording.writes[0][1], LIMIT) == "256Mi"


def test_the_recording_door_stops_at_the_same_places(tmp_path: Path) -> None:
    """A dry run that a real run would have refused is refused."""
    with lab(tmp_path) as found:
        live, plan = planned(found)
        found.merge(live, memory_patch("192Mi"))
        with pytest.raises(Stale):
            RecordingDoor(found.cluster, found.clock, allow).write("p1", plan)


def test_nothing_but_the_door_writes() -> None:
    """No other module calls the writing methods of the client, dry runs apart."""
    root = Path(fields.__file__).parents[1]
    callers = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "lab" not in path.relative_to(root).parts
        for word in ("cluster.patch(", "cluster.create(", "cluster.replace(")
        if word in path.read_text() and "dry_run=True" not in path.read_text()
    }
    assert callers <= {"cluster/door.py", "cluster/elector.py", "cluster/telling.py"}
    assert hasattr(Cluster, "patch")
