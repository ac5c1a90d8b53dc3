"""How far an in-place resize is, from recorded pods of a real kubelet."""

from datetime import UTC, datetime, timedelta

import pytest

from remedyd.cluster.progress import progress
from remedyd.cluster.resize import resize_status
from remedyd.model import FieldChange, KubeObject, Patch, Plan
from support.cluster import ListReader, put, recorded, target_of

SINCE = datetime(2026, 11, 22, 22, 29, 45, tzinfo=UTC)
LIMIT = "spec.containers[app].resources.limits.memory"


def pod(name: str) -> KubeObject:
    """Return a recorded pod: accepted, done, deferred, restarted."""
    found: KubeObject = recorded("pods-resize")[name]
    return found


def state(found: KubeObject, to: str, after: timedelta) -> tuple[str, str]:
    """Return state and evidence of a resize of the memory limit."""
    changes = [FieldChange(LIMIT, "128Mi", to)]
    status = resize_status(found, changes, SINCE, SINCE + after)
    return str(status.state), status.evidence


@pytest.mark.parametrize(
    ("name", "to", "after", "expected"),
    [
        ("done", "256Mi", timedelta(0), "Complete"),
        ("restarted", "0.25Gi", timedelta(0), "Complete"),
        ("accepted", "256Mi", timedelta(minutes=59), "Progressing"),
        ("accepted", "256Mi", timedelta(minutes=61), "DeadlineExceeded"),
        ("deferred", "16Gi", timedelta(minutes=4), "Progressing"),
        ("deferred", "16Gi", timedelta(minutes=6), "DeadlineExceeded"),
    ],
)
def test_recorded_states(name: str, to: str, after: timedelta, expected: str) -> None:
    """Accepted is not done; deferred has five minutes, a running resize an hour."""
    assert state(pod(name), to, after)[0] == expected


def test_the_kubelets_words_are_the_evidence() -> None:
    """Why it is deferred is what a person needs."""
    assert (
        "Node didn't have enough resource: memory" in state(pod("deferred"), "16Gi", timedelta())[1]
    )


def test_infeasible_is_final() -> None:
    """No time will make it fit."""
    found = pod("deferred")
    put(found["status"]["conditions"][0], "type", found["status"]["conditions"][0]["type"])
    for one in found["status"]["conditions"]:
        if one["type"] == "PodResizePending":
            one["reason"] = "Infeasible"
    assert state(found, "16Gi", timedelta(0))[0] == "DeadlineExceeded"


def test_in_progress_is_told_with_its_error() -> None:
    """The kubelet reports why a resize under way does not end."""
    found = pod("accepted")
    found["status"]["conditions"].append(
        {"type": "PodResizeInProgress", "status": "True", "reason": "Error", "message": "no"}
    )
    assert state(found, "256Mi", timedelta(0)) == (
        "Progressing",
        f"pod {found['metadata']['name']} is being resized: no",
    )


def test_a_container_that_waits_to_start_takes_the_new_amount() -> None:
    """In a crash loop there are no resources in the status: it starts with those of the spec."""
    found = pod("accepted")
    del found["status"]["containerStatuses"][0]["resources"]
    assert state(found, "256Mi", timedelta(0))[0] == "Complete"


def plan_for(*pods: KubeObject) -> Plan:
    """Return a plan that resizes pods."""
    live = recorded("deployment-checkout-oom")
    names = [one["metadata"]["name"] for one in pods]
    return Plan(
        target=target_of(live),
        action="ResizePods",
        params={},
        changes=tuple(FieldChange(f"pods[{name}].{LIMIT}", "128Mi", "256Mi") for name in names),
        patch=Patch({}),
        undo=Patch({}),
        diff="",
        consequence="",
        pods=tuple(
            Patch({}, subresource="resize", kind="Pod", name=name, uid=one["metadata"]["uid"])
            for name, one in zip(names, pods, strict=True)
        ),
    )


def here(found: KubeObject, name: str) -> KubeObject:
    """Put a recorded pod into the workload's namespace under a name of its own."""
    found["metadata"] |= {"namespace": "shop", "name": name, "uid": name}
    return found


def test_progress_is_that_of_the_slowest_pod() -> None:
    """A plan has taken effect when every pod has."""
    done, waiting = here(pod("done"), "a"), here(pod("accepted"), "b")
    live = recorded("deployment-checkout-oom")
    reader = ListReader(done, waiting)
    both = progress(reader, plan_for(done, waiting), live, SINCE, SINCE)
    assert (both.state, both.evidence) == ("Progressing", "pod b runs with the old amounts")
    assert progress(reader, plan_for(done), live, SINCE, SINCE).complete


def test_pods_that_are_gone_need_no_resize() -> None:
    """A pod replaced meanwhile does not hold up the plan, nor does its namesake."""
    gone, namesake = here(pod("accepted"), "a"), here(pod("accepted"), "b")
    plan = plan_for(gone, namesake)
    namesake["metadata"]["uid"] = "another"
    live = recorded("deployment-checkout-oom")
    assert progress(ListReader(namesake), plan, live, SINCE, SINCE).complete


def test_other_plans_progress_by_rollout() -> None:
    """Without resized pods it is the workload that counts."""
    live = recorded("deployment-frontend-deadline")
    begun = SINCE - timedelta(minutes=15)
    found = progress(ListReader(), plan_for(), live, begun, SINCE)
    assert found.state == "DeadlineExceeded"
