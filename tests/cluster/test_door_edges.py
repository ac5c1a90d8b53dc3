"""The door, call by call, over a cluster in memory: what is sent, waited for and told."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from remedyd.cluster import fields
from remedyd.cluster.door import LONGEST_WAIT, PROPOSAL, ROLLBACK, ClusterDoor, RecordingDoor
from remedyd.cluster.ports import FIELD_MANAGER
from remedyd.errors import (
    ClusterError,
    ClusterRejected,
    ClusterUnavailable,
    NotFound,
    OutcomeUnknown,
    Refused,
    Stale,
    Superseded,
)
from remedyd.model import (
    Applied,
    FieldChange,
    KubeObject,
    ManualClock,
    Patch,
    Plan,
    Precheck,
    PrecheckResult,
)
from support.fakecluster import MEMORY, FakeCluster, Fault, cluster, deployment, roll_out
from support.proposals import START, a_plan, a_target

LIMIT = "spec.containers[app].resources.limits.memory"
BLOCK = Precheck("Quota", PrecheckResult.BLOCK, "none left", "free some")


@dataclass
class Api(FakeCluster):
    """A cluster that answers each write as told: None lets it land, an error comes instead."""

    answers: list[ClusterError | NotFound | None] = field(default_factory=list)
    lands: bool = False
    """Whether what is answered with an error lands all the same."""
    sent: list[dict[str, Any]] = field(default_factory=list)

    def patch(self, kind: str, namespace: str, name: str, body: Any, **how: Any) -> KubeObject:
        """Answer as told."""
        self.sent.append({"verb": "patch", "kind": kind, "name": name, "body": body, **how})
        error = self.answers.pop(0) if self.answers and not how.get("dry_run") else None
        if error is None:
            return super().patch(kind, namespace, name, body, **how)
        if self.lands:
            super().patch(kind, namespace, name, body, **how)
        raise error

    def create(self, kind: str, namespace: str, body: KubeObject, **how: Any) -> KubeObject:
        """Evict a pod, as told."""
        self.sent.append({"verb": "create", "kind": kind, "body": body, **how})
        error = self.answers.pop(0) if self.answers and not how.get("dry_run") else None
        if error is None or self.lands:
            if not how.get("dry_run"):
                self.objects.pop((kind, namespace, how["name"]))
            if error is None:
                return {}
        raise error

    def _note(self, body: KubeObject, name: str) -> None:
        """Pods carry no mark."""


class Ticking(ManualClock):
    """A clock whose seconds are real ones."""

    def wall_seconds(self, span: timedelta) -> float:
        """Return the seconds as they are."""
        return span.total_seconds()


@dataclass
class Rig:
    """A door on a cluster with one Deployment, and what it asked and waited for."""

    api: Api
    clock: ManualClock = field(default_factory=lambda: Ticking(START))
    asked: list[str] = field(default_factory=list)
    naps: list[float] = field(default_factory=list)
    fence: Callable[[str], None] = lambda _: None

    def door(self, kind: type[ClusterDoor] = ClusterDoor, **named: Any) -> ClusterDoor:
        """Return a door."""

        def fence(key: str) -> None:
            self.asked.append(key)
            self.fence(key)

        return kind(self.api, self.clock, fence, sleep=self.naps.append, **named)

    def live(self, kind: str = "Deployment", name: str = "checkout") -> KubeObject:
        """Return an object as it is."""
        return self.api.objects[kind, "shop", name]


@pytest.fixture
def rig() -> Rig:
    """Return a cluster with `checkout` at 256Mi."""
    made = cluster("checkout")
    made.objects["Deployment", "shop", "checkout"]["metadata"]["uid"] = "uid-of-checkout"
    return Rig(Api(made.objects))


PLAN = a_plan()
UNKNOWN = OutcomeUnknown("lost")
AWAY = ClusterUnavailable("no answer")
BUSY = ClusterRejected("changed meanwhile", status=409, reason="Conflict")
DENIED = ClusterRejected("denied by a webhook", status=403, reason="Forbidden")


def later(seconds: float) -> ClusterUnavailable:
    """Return an answer that asks to wait."""
    return ClusterUnavailable("busy", status=429, retry_after=seconds)


def memory(rig: Rig) -> Any:
    """Return the memory limit of the Deployment."""
    return fields.lookup(rig.live(), MEMORY)


# attempts and waits


def test_a_plan_that_changes_nothing_is_refused(rig: Rig) -> None:
    """Neither is there anything to restore of a plan without an undo."""
    with pytest.raises(Refused) as refused:
        rig.door().write("p1", replace(PLAN, patch=None))
    assert refused.value.reason == "NothingToWrite"
    with pytest.raises(Refused) as refused:
        rig.door().undo("p1", replace(PLAN, undo=None), applied())
    assert refused.value.reason == "NothingToUndo"
    with pytest.raises(Refused) as refused:
        rig.door().write("p1", replace(PLAN, target=a_target(uid="")))
    assert refused.value.reason == "NoIdentity"
    assert rig.api.sent == []


@pytest.mark.parametrize("error", [AWAY, UNKNOWN, BUSY])
def test_after_four_attempts_it_ends(rig: Rig, error: ClusterError) -> None:
    """Each attempt reads and asks anew; what is told is what is known."""
    rig.api.answers = [error] * 9
    with pytest.raises((ClusterUnavailable, OutcomeUnknown)) as told:
        rig.door().write("p1", PLAN)
    assert len(rig.api.sent) == 4
    assert rig.asked == ["p1"] * 4
    assert isinstance(told.value, OutcomeUnknown) is (error is UNKNOWN)
    if error is BUSY:
        assert "during each of 4 attempts" in told.value.message


@pytest.mark.parametrize(
    ("error", "naps"),
    [
        (AWAY, [0.5]),
        (later(2), [2]),
        (later(LONGEST_WAIT), [LONGEST_WAIT]),
        (BUSY, []),
    ],
)
def test_between_attempts_it_waits_as_asked(
    rig: Rig, error: ClusterError, naps: list[float]
) -> None:
    """Half a second unless told otherwise; after a lost race not at all."""
    rig.api.answers = [error]
    assert not rig.door().write("p1", PLAN).replayed
    assert rig.naps == naps
    assert memory(rig) == "384Mi"


def test_a_longer_wait_is_not_waited_for(rig: Rig) -> None:
    """Nobody sleeps for minutes with a thread in hand."""
    rig.api.answers = [later(LONGEST_WAIT + 0.1)]
    with pytest.raises(ClusterUnavailable):
        rig.door().write("p1", PLAN)
    assert (len(rig.api.sent), rig.naps) == (1, [])


def test_a_definite_no_is_told_at_once(rig: Rig) -> None:
    """And another conflict than a lost race is one."""
    for error in (DENIED, ClusterRejected("exists", status=409, reason="AlreadyExists")):
        rig.api.answers = [error]
        with pytest.raises(ClusterRejected):
            rig.door().write("p1", PLAN)
    assert len(rig.api.sent) == 2


# doubt


def test_a_lost_answer_is_found_by_its_mark(rig: Rig) -> None:
    """It landed: the next read shows the proposal's id, nothing is sent again."""
    rig.api.answers, rig.api.lands = [UNKNOWN], True
    applied = rig.door().write("p1", PLAN)
    assert (applied.replayed, len(rig.api.sent)) == (True, 1)


@pytest.mark.parametrize("second", [DENIED, AWAY])
def test_doubt_outweighs_what_comes_after(rig: Rig, second: ClusterError) -> None:
    """While the first request may still be under way, a no to the next settles nothing."""
    rig.api.answers = [UNKNOWN, *[second] * 9]
    with pytest.raises(OutcomeUnknown):
        rig.door().write("p1", PLAN)


@pytest.mark.parametrize(
    "refusal",
    [Refused("Paused", "paused"), Stale("x"), ClusterUnavailable("no answer"), Superseded("x")],
)
def test_a_refusal_after_a_lost_answer_leaves_it_open(rig: Rig, refusal: Exception) -> None:
    """The fence closes between two attempts: whether the first one landed is not known."""

    def fence(_: str) -> None:
        if len(rig.asked) == 2:
            raise refusal

    rig.fence = fence
    rig.api.answers = [UNKNOWN]
    with pytest.raises(OutcomeUnknown):
        rig.door().write("p1", PLAN)
    rig.asked.clear()
    rig.api.answers = [AWAY]
    with pytest.raises(type(refusal)):
        rig.door().write("p1", PLAN)


def test_a_read_that_fails_after_a_lost_answer_leaves_it_open(rig: Rig) -> None:
    """Nobody can tell any more whether it landed."""
    rig.api.answers = [UNKNOWN]
    rig.api.faults = [Fault.NONE, Fault.UNAVAILABLE]
    with pytest.raises(OutcomeUnknown):
        rig.door().write("p1", PLAN)


def test_doubt_ends_when_the_object_has_moved_on(rig: Rig) -> None:
    """Another version without our mark: the first request can land no more, a no is a no."""

    def touch(_: str) -> None:
        if len(rig.asked) == 2:
            raise Refused("Paused", "paused")

    def lost(*_: Any, **__: Any) -> None:
        rig.api.change("Deployment", "shop", "checkout", {"status": {"touched": 1}})

    rig.fence = touch
    rig.api.answers = [UNKNOWN]
    door = rig.door()
    rig.naps = Naps(lost)
    with pytest.raises(Refused):
        replace_sleep(door, rig.naps).write("p1", PLAN)


class Naps(list[float]):
    """Notes naps, and does something in each."""

    def __init__(self, then: Callable[..., None]) -> None:
        """Take what happens meanwhile."""
        super().__init__()
        self._then = then

    def append(self, seconds: float) -> None:
        """Nap."""
        super().append(seconds)
        self._then()


def replace_sleep(door: ClusterDoor, naps: Naps) -> ClusterDoor:
    """Return a like door that naps there."""
    return ClusterDoor(door._cluster, door._clock, door._fence, sleep=naps.append)


# what is read first


def test_the_object_must_be_the_one_that_was_planned(rig: Rig) -> None:
    """Made anew, on its way out, or changed: stale, and the fence was never asked."""
    rig.live()["metadata"]["uid"] = "another"
    with pytest.raises(Stale, match="made anew"):
        rig.door().write("p1", PLAN)
    rig.live()["metadata"]["uid"] = "uid-of-checkout"
    rig.live()["metadata"]["deletionTimestamp"] = "2026-11-05T12:00:00Z"
    with pytest.raises(Stale, match="being deleted"):
        rig.door().write("p1", PLAN)
    del rig.live()["metadata"]["deletionTimestamp"]
    rig.api.change("Deployment", "shop", "checkout", fields.patch_body([change("256Mi", "1Gi")]))
    with pytest.raises(Stale, match="changed since the plan"):
        rig.door().write("p1", PLAN)
    assert (rig.asked, rig.api.sent) == ([], [])


def change(old: Any, new: Any, path: str = MEMORY) -> FieldChange:
    """Return a change of the memory limit."""
    return FieldChange(path, old, new)


def test_a_check_that_blocks_now_stops_the_write(rig: Rig) -> None:
    """With the check's own next step; what only warns does not."""
    with pytest.raises(Refused) as refused:
        rig.door(recheck=lambda plan, live: [BLOCK]).write("p1", PLAN)
    assert (refused.value.reason, refused.value.hint) == ("Quota", "free some")
    assert rig.asked == []
    warned = replace(BLOCK, result=PrecheckResult.WARN)
    rig.door(recheck=lambda plan, live: [warned]).write("p1", PLAN)
    assert memory(rig) == "384Mi"


def test_checks_see_the_workload_whatever_is_written(rig: Rig) -> None:
    """A change of an autoscaler is checked against the workload that it scales."""
    rig.api.add(autoscaler())
    seen: list[str] = []

    def recheck(plan: Plan, live: KubeObject) -> list[Precheck]:
        seen.append(live["kind"])
        return []

    rig.door(recheck=recheck).write("p1", PLAN)
    rig.door(recheck=recheck).write("p2", adjusting())
    assert seen == ["Deployment", "Deployment"]
    assert rig.live("HorizontalPodAutoscaler", "scaler")["spec"]["maxReplicas"] == 5


def autoscaler() -> KubeObject:
    """Return an autoscaler."""
    return {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "scaler", "namespace": "shop", "uid": "uid-hpa"},
        "spec": {"maxReplicas": 4},
    }


def adjusting() -> Plan:
    """Return a plan that writes the autoscaler."""
    kind = "HorizontalPodAutoscaler"
    patch = Patch({"spec": {"maxReplicas": 5}}, kind=kind, name="scaler", uid="uid-hpa")
    changes = (FieldChange("spec.maxReplicas", 4, 5),)
    undo = replace(patch, body={"spec": {"maxReplicas": 4}})
    return replace(PLAN, changes=changes, patch=patch, undo=undo)


def test_what_cannot_be_read_is_not_written(rig: Rig) -> None:
    """No answer to the read is told as it is: nothing was sent."""
    rig.api.faults = [Fault.UNAVAILABLE]
    with pytest.raises(ClusterUnavailable):
        rig.door().write("p1", PLAN)
    assert rig.api.sent == []
    del rig.api.objects["Deployment", "shop", "checkout"]
    with pytest.raises(NotFound):
        rig.door().write("p1", PLAN)


# what was left behind


def applied(**changes: Any) -> Applied:
    """Return the record of a write."""
    return replace(Applied(START, resource_version="1", generation=2), **changes)


def test_landed_tells_whose_change_the_object_carries(rig: Rig) -> None:
    """Only this proposal's mark on this very object counts."""
    door = rig.door()
    assert door.landed("p1", PLAN.target) is None
    door.write("p1", PLAN)
    found = door.landed("p1", PLAN.target)
    assert found is not None
    assert found.replayed
    assert found.resource_version == rig.live()["metadata"]["resourceVersion"]
    assert door.landed("p2", PLAN.target) is None
    assert door.landed("p1", PLAN.target.with_uid("another")) is None


def test_landed_looks_where_the_plan_writes(rig: Rig) -> None:
    """At the autoscaler, with its own uid."""
    rig.api.add(autoscaler())
    door, plan = rig.door(), adjusting()
    assert door.landed("p2", plan.target, plan) is None
    door.write("p2", plan)
    assert door.landed("p2", plan.target, plan) is not None
    assert door.landed("p2", plan.target) is None
    rig.live("HorizontalPodAutoscaler", "scaler")["metadata"]["uid"] = "another"
    assert door.landed("p2", plan.target, plan) is None


def test_what_is_found_counts_from_our_last_write(rig: Rig) -> None:
    """managedFields tell when; where nothing is recorded it is now."""
    door = rig.door()
    door.write("p1", PLAN)
    rig.clock.advance(timedelta(minutes=5))
    now = rig.clock.now()
    found = door.landed("p1", PLAN.target)
    assert found is not None and found.at == now
    when = "2026-11-05T12:01:00+00:00"
    rig.live()["metadata"]["managedFields"] = [{"manager": FIELD_MANAGER, "time": when}]
    found = door.landed("p1", PLAN.target)
    assert found is not None and found.at.isoformat() == when
    del rig.live()["metadata"]["annotations"]
    first = door.write("p3", replace(PLAN, changes=(change("384Mi", "512Mi"),), patch=body()))
    assert first.at == now


def body() -> Patch:
    """Return a patch to 512Mi."""
    return Patch(fields.patch_body([change(None, "512Mi")]))


def test_a_write_is_read_back(rig: Rig) -> None:
    """What landed otherwise than planned is told, of a write and of an undo."""
    door = rig.door()
    planned = replace(PLAN, changes=(*PLAN.changes, FieldChange("spec.paused", None, None)))
    done = door.write("p1", planned)
    assert (done.differences, done.generation) == ((), 2)
    assert rig.live()["metadata"]["annotations"] == {PROPOSAL: "p1"}
    back = door.undo("p1", PLAN, applied())
    assert (back.differences, back.replayed, memory(rig)) == ((), False, "256Mi")
    assert rig.live()["metadata"]["annotations"][ROLLBACK] == "p1"
    assert door.undo("p1", PLAN, applied()).replayed


def test_what_is_back_already_is_not_written(rig: Rig) -> None:
    """An undo of fields that somebody restored is done before it begins."""
    done = rig.door().undo("p1", PLAN, applied())
    assert (done.replayed, rig.api.sent, rig.asked) == (True, [], [])


def test_an_undo_of_another_value_is_superseded(rig: Rig) -> None:
    """Neither ours nor the old one: somebody else decided."""
    rig.api.change("Deployment", "shop", "checkout", fields.patch_body([change(None, "1Gi")]))
    with pytest.raises(Superseded, match="is 1Gi, we left 384Mi"):
        rig.door().undo("p1", PLAN, applied())
    left = applied(differences=(change("384Mi", "1Gi"),))
    assert rig.door().undo("p1", PLAN, left).differences == ()
    assert memory(rig) == "256Mi"


@pytest.mark.parametrize(
    ("managers", "ours"),
    [
        ([FIELD_MANAGER], True),
        (["kubectl"], False),
        (["kubectl", FIELD_MANAGER], True),
        ([], True),
    ],
)
def test_the_same_value_is_ours_where_the_manager_says_so(
    rig: Rig, managers: list[str], ours: bool
) -> None:
    """Somebody who set the very same amount on purpose keeps it; unrecorded, the value decides."""
    rig.door().write("p1", PLAN)
    tree: dict[str, Any] = {"f:resources": {"f:limits": {"f:memory": {}}}}
    spec = {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': tree}}}}
    rig.live()["metadata"]["managedFields"] = [
        {"manager": name, "operation": "Update", "fieldsV1": {"f:spec": spec}} for name in managers
    ]
    if ours:
        assert rig.door().undo("p1", PLAN, applied()).differences == ()
    else:
        with pytest.raises(Superseded, match=r"same value again \(set by kubectl\)"):
            rig.door().undo("p1", PLAN, applied())


def test_an_undo_has_a_fence_of_its_own(rig: Rig) -> None:
    """A pause may stop writes and still let undos through, or the other way round."""
    undone: list[str] = []
    rig.door().write("p1", PLAN)
    rig.door(undo_fence=undone.append).undo("p1", PLAN, applied())
    assert (rig.asked, undone) == (["p1"], ["p1"])


CPU = MEMORY.replace("memory", "cpu")


def two(**more: Any) -> Plan:
    """Return a plan that sets memory and CPU, and a label that no change tells of."""
    changes = (change("256Mi", "384Mi"), FieldChange(CPU, None, "1"))
    written = fields.merge(fields.patch_body(changes), {"metadata": {"labels": {"x": "y"}}})
    undo = Patch(fields.patch_body(changes, undo=True))
    return replace(PLAN, changes=changes, patch=Patch(written), undo=undo, **more)


def test_a_whole_write_is_the_planned_patch(rig: Rig) -> None:
    """Word for word, with the mark and the precondition added."""
    rig.door().write("p1", two())
    assert rig.live()["metadata"]["labels"]["x"] == "y"
    assert fields.lookup(rig.live(), CPU) == "1"


@pytest.mark.parametrize("restored", [MEMORY, CPU])
def test_an_undo_leaves_out_what_is_back_already(rig: Rig, restored: str) -> None:
    """Only the fields that still are ours are written, whichever they are."""
    plan, door = two(), rig.door()
    door.write("p1", plan)
    back = [c for c in plan.changes if c.path == restored]
    rig.api.change("Deployment", "shop", "checkout", fields.patch_body(back, undo=True))
    door.undo("p1", plan, applied())
    rest = [c for c in plan.changes if c.path != restored]
    assert rig.api.sent[-1]["body"]["spec"] == fields.patch_body(rest, undo=True)["spec"]
    assert (memory(rig), fields.lookup(rig.live(), CPU)) == ("256Mi", None)


def test_a_field_that_we_removed_has_no_manager(rig: Rig) -> None:
    """Nobody owns what is not there; while it is absent it is as we left it."""
    removing = (change("256Mi", None),)
    undo = Patch(fields.patch_body(removing, undo=True))
    body = fields.patch_body(removing)
    plan = replace(PLAN, changes=removing, patch=Patch(body), undo=undo)
    rig.door().write("p1", plan)
    other = {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {}}}
    rig.live()["metadata"]["managedFields"] = [other]
    assert rig.door().undo("p1", plan, applied()).differences == ()
    assert memory(rig) == "256Mi"


def test_who_changed_it_is_named_beside_us(rig: Rig) -> None:
    """Our own name among the managers is no answer."""
    rig.api.change("Deployment", "shop", "checkout", fields.patch_body([change(None, "1Gi")]))
    tree: dict[str, Any] = {"f:resources": {"f:limits": {"f:memory": {}}}}
    spec = {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': tree}}}}
    rig.live()["metadata"]["managedFields"] = [
        {"manager": name, "operation": "Update", "fieldsV1": {"f:spec": spec}}
        for name in (FIELD_MANAGER, "keda")
    ]
    with pytest.raises(Superseded, match=r"we left 384Mi \(set by keda\)"):
        rig.door().undo("p1", PLAN, applied())


def test_a_uid_that_the_server_refuses_is_stale(rig: Rig) -> None:
    """Deleted and made anew between read and write; other refusals of that code are final."""
    rig.api.answers = [ClusterRejected("metadata.uid: field is immutable", status=422)]
    with pytest.raises(Stale, match="made anew"):
        rig.door().write("p1", PLAN)
    for error in (
        ClusterRejected("spec.replicas: wrong", status=422),
        ClusterRejected("metadata.uid", status=403),
    ):
        rig.api.answers = [error]
        with pytest.raises(ClusterRejected):
            rig.door().write("p1", PLAN)


# pods


def test_a_pod_that_somebody_else_changed_is_left_alone(rig: Rig) -> None:
    """Neither the amount it was planned from nor the one it is to get."""
    plan = with_pods(rig, 2)
    resources = rig.live("Pod", "pod-0")["spec"]["containers"][0]["resources"]
    resources["limits"]["memory"] = "300Mi"
    done = rig.door().write("p1", plan)
    assert [d.path for d in done.differences] == [f"pods[pod-0].{LIMIT}"]
    assert limits(rig) == ["300Mi", "384Mi"]


def test_a_pod_that_has_half_of_it_gets_the_rest(rig: Rig) -> None:
    """What landed is not written again, and is no reason to be stale."""
    plan = with_pods(rig, 1)
    cpu = LIMIT.replace("memory", "cpu")
    more = FieldChange(f"pods[pod-0].{cpu}", None, "1")
    both = fields.patch_body([change(None, "384Mi", LIMIT), FieldChange(cpu, None, "1")])
    (patch,) = plan.pods
    plan = replace(plan, changes=(*plan.changes, more), pods=(replace(patch, body=both),))
    rig.live("Pod", "pod-0")["spec"]["containers"][0]["resources"]["limits"]["memory"] = "384Mi"
    assert rig.door().write("p1", plan).differences == ()
    sent = rig.api.sent[0]["body"]["spec"]["containers"][0]["resources"]["limits"]
    assert sent == {"cpu": "1"}


def with_pods(rig: Rig, count: int = 3) -> Plan:
    """Put running pods of 256Mi into the cluster; return the plan that resizes them to 384Mi."""
    names = [f"pod-{number}" for number in range(count)]
    for name in names:
        container = {"name": "app", "resources": {"limits": {"memory": "256Mi"}}}
        meta = {"name": name, "namespace": "shop", "uid": f"uid-{name}"}
        rig.api.add({"kind": "Pod", "metadata": meta, "spec": {"containers": [container]}})
    changes = tuple(change("256Mi", "384Mi", f"pods[{name}].{LIMIT}") for name in names)
    container = {"name": "app", "resources": {"limits": {"memory": "384Mi"}}}
    patches = tuple(
        Patch({"spec": {"containers": [container]}}, "", "resize", "Pod", name, f"uid-{name}")
        for name in names
    )
    return replace(PLAN, changes=changes, patch=Patch({}), undo=Patch({}), pods=patches)


def limits(rig: Rig) -> list[Any]:
    """Return the memory limits of the pods that are there."""
    pods = [obj for (kind, _, _), obj in rig.api.objects.items() if kind == "Pod"]
    return [fields.lookup(pod, LIMIT) for pod in pods]


def test_each_pod_is_resized_by_its_subresource(rig: Rig) -> None:
    """Then the workload is marked, and its spec left alone; the checks are not run again."""
    plan = with_pods(rig)
    done = rig.door(recheck=lambda plan, live: [BLOCK]).write("p1", plan)
    assert (limits(rig), done.differences) == (["384Mi"] * 3, ())
    how = [(one["name"], one["subresource"]) for one in rig.api.sent]
    assert how == [(f"pod-{n}", "resize") for n in range(3)] + [("checkout", "")]
    assert "annotations" not in rig.api.sent[0]["body"]["metadata"]
    assert rig.asked == ["p1"] * 4
    assert memory(rig) == "256Mi"


def test_a_pod_that_has_its_amount_is_left_alone(rig: Rig) -> None:
    """After a crash between two pods only the others are written."""
    plan = with_pods(rig)
    fields_ = rig.live("Pod", "pod-0")["spec"]["containers"][0]["resources"]["limits"]
    fields_["memory"] = "384Mi"
    rig.door().write("p1", plan)
    assert [one["name"] for one in rig.api.sent] == ["pod-1", "pod-2", "checkout"]


def test_a_pod_that_is_gone_or_too_large_is_told(rig: Rig) -> None:
    """The others keep what they were given, and the difference names the pod."""
    plan = with_pods(rig)
    del rig.api.objects["Pod", "shop", "pod-1"]
    rig.api.answers = [None, DENIED]
    done = rig.door().write("p1", plan)
    assert [d.path.partition(".")[0] for d in done.differences] == ["pods[pod-1]", "pods[pod-2]"]
    assert [(d.old, d.new) for d in done.differences] == [("384Mi", "256Mi")] * 2
    assert limits(rig) == ["384Mi", "256Mi"]
    assert rig.live()["metadata"]["annotations"] == {PROPOSAL: "p1"}


def test_when_no_pod_took_it_nothing_is_marked(rig: Rig) -> None:
    """The first no is the answer."""
    plan = with_pods(rig, 2)
    rig.api.answers = [DENIED, ClusterRejected("other", status=403, reason="Forbidden")]
    with pytest.raises(ClusterRejected, match="denied by a webhook"):
        rig.door().write("p1", plan)
    assert "annotations" not in rig.live()["metadata"]


def test_a_fence_that_closes_between_pods_leaves_it_open(rig: Rig) -> None:
    """Closed from the start it is a plain no."""
    plan = with_pods(rig)

    def fence(_: str) -> None:
        if len(rig.asked) == 2:
            raise Refused("Paused", "paused", hint="resume")

    rig.fence = fence
    rig.asked.append("x")
    with pytest.raises(Refused):
        rig.door().write("p1", plan)
    rig.asked.clear()
    with pytest.raises(OutcomeUnknown, match="1 of 3 pods were resized, then: paused") as told:
        rig.door().write("p1", plan)
    assert told.value.hint == "resume"


def test_what_pods_were_given_stands_whatever_becomes_of_the_mark(rig: Rig) -> None:
    """The workload is gone or denies the annotation: the resize has happened all the same."""
    plan = with_pods(rig, 1)
    rig.api.answers = [None, DENIED]
    done = rig.door().write("p1", plan)
    assert (done.replayed, done.resource_version, limits(rig)) == (False, "", ["384Mi"])


def test_pods_tell_whether_a_resize_has_landed(rig: Rig) -> None:
    """Marked or not: one pod with its amount is proof, another of the same name is none."""
    plan, door = with_pods(rig, 2), rig.door()
    assert door.landed("p1", plan.target, plan) is None
    resources = rig.live("Pod", "pod-1")["spec"]["containers"][0]["resources"]
    resources["limits"]["memory"] = "0.375Gi"
    found = door.landed("p1", plan.target, plan)
    assert found is not None
    assert found.replayed
    assert [d.path for d in found.differences] == [f"pods[pod-0].{LIMIT}"]
    del rig.api.objects["Pod", "shop", "pod-0"]
    found = door.landed("p1", plan.target, plan)
    assert found is not None and found.differences == ()
    rig.live("Pod", "pod-1")["metadata"]["uid"] = "another"
    assert door.landed("p1", plan.target, plan) is None


def test_pods_are_resized_back(rig: Rig) -> None:
    """Those that are there and still ours; a pod that is gone needs nothing."""
    plan, door = with_pods(rig), rig.door()
    written = door.write("p1", plan)
    del rig.api.objects["Pod", "shop", "pod-1"]
    back = door.undo("p1", plan, written)
    assert limits(rig) == ["256Mi"] * 2
    assert [d.path for d in back.differences] == [f"pods[pod-1].{LIMIT}"]
    assert rig.live()["metadata"]["annotations"][ROLLBACK] == "p1"
    assert rig.api.sent[-2]["body"]["spec"]["containers"][0]["resources"] == {
        "limits": {"memory": "256Mi"}
    }


def test_when_every_pod_is_gone_the_undo_is_done(rig: Rig) -> None:
    """New pods have the template's amounts."""
    plan, door = with_pods(rig, 2), rig.door()
    written = door.write("p1", plan)
    for name in ("pod-0", "pod-1"):
        del rig.api.objects["Pod", "shop", name]
    assert len(door.undo("p1", plan, written).differences) == 2


def test_a_pod_that_somebody_else_resized_is_superseded(rig: Rig) -> None:
    """When none is ours any more, that is the answer."""
    plan, door = with_pods(rig, 1), rig.door()
    written = door.write("p1", plan)
    resources = rig.live("Pod", "pod-0")["spec"]["containers"][0]["resources"]
    resources["limits"]["memory"] = "1Gi"
    with pytest.raises(Superseded):
        door.undo("p1", plan, written)


# eviction


def evicting(rig: Rig) -> Plan:
    """Put a pod into the cluster; return the plan that evicts it."""
    with_pods(rig, 1)
    patch = Patch({}, "", "eviction", "Pod", "pod-0", "uid-pod-0")
    return replace(PLAN, action="DeletePod", changes=(), patch=patch, undo=None, pods=())


def test_an_eviction_is_bound_to_the_pods_uid(rig: Rig) -> None:
    """Another pod of that name is safe."""
    done = rig.door().write("p1", evicting(rig))
    (sent,) = rig.api.sent
    assert (sent["kind"], sent["name"], sent["subresource"]) == ("Pod", "pod-0", "eviction")
    assert sent["body"]["deleteOptions"] == {"preconditions": {"uid": "uid-pod-0"}}
    assert (done.replayed, done.resource_version, rig.asked) == (False, "", ["p1"])
    assert ("Pod", "shop", "pod-0") not in rig.api.objects


@pytest.mark.parametrize("how", ["gone", "going", "another"])
def test_a_pod_that_went_by_itself_is_not_evicted(rig: Rig, how: str) -> None:
    """What was wanted has happened, and the pod after it is left alone."""
    plan = evicting(rig)
    assert rig.door().landed("p1", plan.target, plan) is None
    if how == "gone":
        del rig.api.objects["Pod", "shop", "pod-0"]
    else:
        meta = rig.live("Pod", "pod-0")["metadata"]
        meta.update({"uid": "x"} if how == "another" else {"deletionTimestamp": "2026"})
    assert rig.door().write("p1", plan).replayed
    found = rig.door().landed("p1", plan.target, plan)
    assert found is not None and found.replayed
    assert (rig.api.sent, rig.asked) == ([], [])


def test_an_eviction_asks_checks_and_fence_each_time(rig: Rig) -> None:
    """Before the first attempt and before the next."""
    plan = evicting(rig)
    with pytest.raises(Refused):
        rig.door(recheck=lambda plan, live: [BLOCK]).write("p1", plan)
    assert (rig.asked, rig.api.sent) == ([], [])
    seen: list[str] = []

    def recheck(plan: Plan, live: KubeObject) -> list[Precheck]:
        seen.append(live["kind"])
        return []

    rig.api.answers = [AWAY]
    rig.door(recheck=recheck).write("p1", plan)
    assert (seen, rig.asked, rig.naps) == (["Deployment"] * 2, ["p1"] * 2, [0.5])


def test_a_lost_answer_to_an_eviction_is_settled_by_looking(rig: Rig) -> None:
    """The pod is gone: that is the proof."""
    plan = evicting(rig)
    rig.api.answers, rig.api.lands = [UNKNOWN], True
    assert rig.door().write("p1", plan).replayed
    assert len(rig.api.sent) == 1


def test_a_pod_that_goes_in_the_same_moment_has_been_evicted(rig: Rig) -> None:
    """404 is as good as done."""
    plan = evicting(rig)
    rig.api.answers = [NotFound("gone")]
    assert rig.door().write("p1", plan).replayed


@pytest.mark.parametrize("error", [AWAY, UNKNOWN])
def test_an_eviction_ends_after_four_attempts(rig: Rig, error: ClusterError) -> None:
    """With the last answer; a definite no ends it at once."""
    plan = evicting(rig)
    rig.api.answers = [error] * 9
    with pytest.raises(type(error)):
        rig.door().write("p1", plan)
    assert len(rig.api.sent) == 4
    rig.api.answers = [ClusterRejected("budget", status=429, reason="TooManyRequests")]
    with pytest.raises(ClusterRejected):
        rig.door().write("p1", plan)
    assert len(rig.api.sent) == 5


# the recording door


def test_the_recording_door_rehearses_and_notes(rig: Rig) -> None:
    """Everything but the write: a dry run, told as recorded."""
    door = rig.door(RecordingDoor)
    assert isinstance(door, RecordingDoor)
    done = door.write("p1", PLAN)
    assert (done.recorded, done.replayed, memory(rig)) == (True, False, "256Mi")
    assert [one["dry_run"] for one in rig.api.sent] == [True]
    assert [(key, body["metadata"]["annotations"]) for key, body in door.writes] == [
        ("p1", {PROPOSAL: "p1"})
    ]
    assert rig.asked == ["p1"]


def test_the_recording_door_evicts_and_undoes_nothing(rig: Rig) -> None:
    """Both are rehearsed; what was there before is found and not recorded."""
    plan = evicting(rig)
    door = rig.door(RecordingDoor)
    assert door.write("p1", plan).recorded
    assert [one["dry_run"] for one in rig.api.sent] == [True]
    assert rig.api.sent[0]["body"]["deleteOptions"]["dryRun"] == ["All"]
    rig.door().write("p2", PLAN)
    assert not door.write("p2", PLAN).recorded
    assert door.undo("p2", PLAN, applied()).recorded
    assert memory(rig) == "384Mi"
    rig.door().undo("p2", PLAN, applied())
    assert not door.undo("p2", PLAN, applied()).recorded


def test_the_cluster_of_these_tests_is_sound() -> None:
    """A Deployment that is rolled out, as the controllers leave it."""
    made = deployment("x")
    roll_out(made)
    assert made["status"]["availableReplicas"] == made["spec"]["replicas"]
