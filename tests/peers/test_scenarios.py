"""The faults that remediators are tried with: what is right, and what must never be done.

Each goes through the shipped policies and the real planner. What happens after the write (proof,
undo, crash) is told in `test_after_the_write.py`.
"""

from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from remedyd.actions.planner import draft
from remedyd.errors import ClusterRejected
from remedyd.model import ActionRequest, KubeObject, Plan, PrecheckResult, Target
from remedyd.paths import shipped
from remedyd.policy.reasons import Reason
from remedyd.testing.policytest.loading import load_suites
from remedyd.testing.scorecard.card import Scored, run
from remedyd.testing.scorecard.scenarios import SCORECARDS
from support.cluster import children, recorded
from support.fakecluster import FakeCluster, deployment
from support.scenarios import START, Scene, crash, gap, oom, row, scene


@cache
def answers() -> tuple[Scored, ...]:
    """Return how the shipped policies answer the scenarios that are shipped."""
    return tuple(run(load_suites([shipped("policies") / "scorecard"], SCORECARDS)))


WEB = Target("", "shop", "Deployment", "web", "app")
RESTART = ActionRequest("Restart")
MEMORY = "spec.template.spec.containers[app].resources.limits.memory"


def raise_by(factor: float, most: str = "4Gi") -> ActionRequest:
    """Return a request for more memory."""
    return ActionRequest("UpdateResources", {"memory": {"factor": factor, "max": most}})


def scale(replicas: int) -> ActionRequest:
    """Return a request for a number of pods."""
    return ActionRequest("Scale", {"absolute": replicas})


def warnings(plan: Plan) -> dict[str, str]:
    """Return what the approver is warned of: precheck -> evidence."""
    warned = [check for check in plan.prechecks if check.result is PrecheckResult.WARN]
    return {check.name: check.evidence for check in warned}


def quota(**hard: str) -> KubeObject:
    """Return a quota that is used up."""
    return {
        "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": "shop"},
        "spec": {"hard": dict(hard)},
        "status": {"hard": dict(hard), "used": dict(hard)},
    }


def autoscaler(name: str, *, at_maximum: bool) -> KubeObject:
    """Return an autoscaler of a Deployment, from 1 to 4 pods."""
    reason = "TooManyReplicas" if at_maximum else "DesiredWithinRange"
    limited = {"type": "ScalingLimited", "status": str(at_maximum), "reason": reason}
    return {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": 4,
        },
        "status": {"conditions": [limited], "currentReplicas": 4, "desiredReplicas": 4},
    }


@pytest.mark.parametrize("scored", answers(), ids=lambda scored: scored.name)
def test_a_fault_gets_its_right_answer(scored: Scored) -> None:
    """The shipped scorecard: what must be proposed is, and nothing that must never be."""
    assert [str(failure.problem) for failure in scored.result.failures] == []


# memory


def test_an_undersized_limit_is_raised_from_the_limit() -> None:
    """Memory at the limit is given more of it; a restart alone is not proposed."""
    found = scene().watch(oom("web"))
    assert found.writes == [("UpdateResources", "web")]
    assert found.plans[0].changes[0].old == "256Mi"
    assert found.plans[0].changes[0].new == "384Mi"


def test_a_leak_is_not_fed_for_ever() -> None:
    """Two raises within a day are the last; what comes then is for a person."""
    found = scene()
    tried = tuple(START - timedelta(hours=hours) for hours in (3, 2))
    found.state.attempts["oom-raise-memory", oom("web").target.workload, "raise-memory"] = tried
    assert found.watch(oom("web")).writes == []


def test_a_limit_range_is_not_passed() -> None:
    """At its maximum nothing is proposed, so no pod is refused."""
    bounds = {
        "kind": "LimitRange",
        "metadata": {"name": "bounds", "namespace": "shop"},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "256Mi"}}]},
    }
    found = scene(deployment("web"), bounds).watch(oom("web"))
    assert (found.writes, found.refusals) == ([], ["AtCap"])


def test_a_victim_gets_one_raise_at_a_time() -> None:
    """While a raise is open nothing else is proposed, however often the row comes."""
    assert len(scene().watch(oom("web"), cycles=30).writes) == 1


def test_throttling_is_not_answered_with_memory() -> None:
    """More CPU changes the CPU and nothing else."""
    more = ActionRequest("UpdateResources", {"cpu": {"absolute": "500m"}})
    plan = scene().plan(WEB, more)
    assert plan is not None
    assert {change.path.rpartition(".")[2] for change in plan.changes} == {"cpu"}


def test_a_single_replica_is_mended_and_told_as_downtime() -> None:
    """It is not left out for being alone, and the approver reads of the gap."""
    alone = deployment("web")
    alone["spec"]["replicas"] = 1
    alone["spec"]["strategy"] = {"type": "Recreate"}
    (plan,) = scene(alone).watch(oom("web", pods=1, oom_pods=1)).plans
    assert "stops all 1 pods" in warnings(plan)["Downtime"]


def test_a_volume_for_one_node_is_told_as_downtime() -> None:
    """The new pod may wait for the volume: a warning, never a silent rollout."""
    alone = deployment("web")
    claim = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    alone["spec"]["template"]["spec"]["volumes"] = [claim]
    volume = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "shop"},
        "spec": {"accessModes": ["ReadWriteOnce"]},
    }
    (plan,) = scene(alone, volume).watch(oom("web")).plans
    assert "ReadWriteOnce" in warnings(plan)["Downtime"]


# pods that are missing


def test_an_exhausted_quota_stops_a_scale() -> None:
    """One more pod would be refused: nothing is proposed."""
    found = scene(deployment("web"), quota(pods="2"))
    assert found.plan(WEB, scale(3)) is None
    assert found.refusals == ["Quota"]


def test_an_exhausted_quota_stops_a_restart() -> None:
    """Where no first new pod fits, a rollout would only lose the running ones."""
    tight = deployment("web")
    tight["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    found = scene(tight, quota(pods="2"))
    assert found.plan(WEB, RESTART) is None
    assert found.refusals == ["Quota"]


def test_a_baseline_comes_back_from_zero() -> None:
    """Scaled to zero by mistake: the last healthy count, known from the history."""
    none = deployment("web")
    none["spec"]["replicas"] = 0
    plan = scene(none).plan(WEB, ActionRequest("ScaleToBaseline", {"baseline": 2}))
    assert plan is not None
    assert [(c.path, c.old, c.new) for c in plan.changes] == [("spec.replicas", 0, 2)]


def test_what_an_autoscaler_holds_is_not_scaled_by_hand() -> None:
    """Zero may be meant: whoever scales on events owns the number."""
    none = deployment("web")
    none["spec"]["replicas"] = 0
    found = scene(none, autoscaler("web", at_maximum=False))
    assert found.plan(WEB, ActionRequest("ScaleToBaseline", {"baseline": 2})) is None
    assert found.refusals == ["Autoscaler"]


def test_a_bad_release_goes_back_to_the_last_good_revision() -> None:
    """The old pods that still serve are the evidence; replicas are left as they are."""
    live = recorded("deployment-frontend-deadline")
    made = scene(live, *children("frontend-deadline"))
    target = Target("", live["metadata"]["namespace"], "Deployment", live["metadata"]["name"])
    made.cluster.add({"kind": "Namespace", "metadata": {"name": target.namespace}})
    plan = draft(made.cluster, made.clock.now(), target, ActionRequest("RolloutUndo"), None)
    assert [change.path for change in plan.changes] == ["spec.template"]
    assert "revision 2 to revision 1" in plan.consequence


def test_a_request_above_every_node_is_not_made() -> None:
    """More than the largest ready node has would be Pending for ever."""
    found = scene(nodes="1Gi")
    much = ActionRequest(
        "UpdateResources", {"memory": {"absolute": "2Gi", "requestPolicy": "Equal"}}
    )
    assert found.plan(WEB, much) is None
    assert found.refusals == ["NodeFit"]


def test_an_autoscaler_at_its_maximum_gets_a_little_more() -> None:
    """Its maximum is raised, within the step; the replicas are never written."""
    found = scene(deployment("web"), autoscaler("web", at_maximum=True))
    plan = found.plan(WEB, ActionRequest("AdjustHPA", {"step": 1, "max": 10}))
    assert plan is not None
    assert [(c.path, c.old, c.new) for c in plan.changes] == [("spec.maxReplicas", 4, 5)]
    assert found.plan(WEB, scale(6)) is None
    assert found.refusals == ["Autoscaler"]


def test_an_autoscaler_that_is_not_limited_is_left_to_work() -> None:
    """Below its maximum, or blind for want of a CPU request, a higher maximum changes nothing."""
    found = scene(deployment("web"), autoscaler("web", at_maximum=False))
    assert found.plan(WEB, ActionRequest("AdjustHPA", {"step": 1, "max": 10})) is None
    assert found.plan(WEB, scale(3)) is None
    assert len(found.refusals) == 2
    assert found.refusals[1] == "Autoscaler"


# restarts


class Denying(FakeCluster):
    """A cluster whose admission refuses every pod template."""

    def patch(self, *args: Any, dry_run: bool = False, **named: Any) -> KubeObject:
        """Refuse, as Pod Security admission or a broken webhook does."""
        raise ClusterRejected("violates PodSecurity restricted", status=403, reason="Forbidden")


def test_a_restart_that_admission_refuses_is_never_proposed() -> None:
    """The server's own dry run speaks before anyone is asked, and no running pod is lost."""
    found = scene()
    found.cluster = Denying(found.cluster.objects)
    assert found.plan(WEB, RESTART) is None
    assert found.refusals == ["Forbidden"]


class Capping(FakeCluster):
    """A cluster whose webhook sets every memory limit to 16Mi."""

    def patch(self, *args: Any, dry_run: bool = False, **named: Any) -> KubeObject:
        """Answer with the capped limit."""
        answer = super().patch(*args, dry_run=dry_run, **named)
        (container,) = answer["spec"]["template"]["spec"]["containers"]
        container["resources"]["limits"]["memory"] = "16Mi"
        return answer


def test_a_raise_that_a_webhook_caps_is_never_proposed() -> None:
    """The dry run shows what would land: one more restart for nothing is not asked for."""
    found = scene()
    found.cluster = Capping(found.cluster.objects)
    assert (found.watch(oom("web")).writes, found.refusals) == ([], ["Admission"])


def test_a_crash_loop_is_restarted_once_and_given_no_memory() -> None:
    """A bad configuration is not mended by memory, and not by a second restart."""
    found = scene().watch(crash("web"), cycles=20)
    assert [action for action, _ in found.writes if action != "RolloutUndo"] in (["Restart"], [])


# who else is there


def test_an_operators_workload_is_left_to_its_operator() -> None:
    """A change of the child would be put back: the custom resource is named instead."""
    child = deployment("web")
    owner = {"apiVersion": "kafka.strimzi.io/v1", "kind": "Kafka", "name": "k", "controller": True}
    child["metadata"]["ownerReferences"] = [owner | {"uid": "u"}]
    found = scene(child).watch(oom("web"))
    assert (found.writes, found.refusals) == ([], ["Operator"])


@pytest.mark.parametrize("mark", ["argocd.argoproj.io/tracking-id", "meta.helm.sh/release-name"])
def test_what_git_owns_is_proposed_with_its_lifetime(mark: str) -> None:
    """The approver reads that the next sync or release undoes it, restart annotation included."""
    owned = deployment("web")
    owned["metadata"]["annotations"] = {mark: "web"}
    found = scene(owned).watch(oom("web"))
    found.plan(WEB, RESTART)
    assert len(found.plans) == 2
    for plan in found.plans:
        told = warnings(plan)["GitOps"]
        assert "undone at the next sync" in told or "the next release undoes it" in told


def spent_budget() -> KubeObject:
    """Return a budget that allows no disruption."""
    return {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 2},
        "status": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 2},
    }


def pods(count: int) -> list[KubeObject]:
    """Return a ReplicaSet of `web` with so many running pods that are not ready."""
    labels = {"app": "web"}
    replicaset = {
        "kind": "ReplicaSet",
        "metadata": {
            "name": "web-1",
            "namespace": "shop",
            "labels": labels,
            "uid": "rs",
            "ownerReferences": [{"controller": True, "uid": "uid-deployment-web"}],
        },
        "spec": {},
    }
    resources = {"limits": {"memory": "256Mi"}, "requests": {"memory": "256Mi"}}
    found = [
        {
            "kind": "Pod",
            "metadata": {
                "name": f"web-1-{number}",
                "namespace": "shop",
                "labels": labels,
                "ownerReferences": [{"controller": True, "uid": "rs"}],
            },
            "spec": {"containers": [{"name": "app", "resources": resources}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]},
        }
        for number in range(count)
    ]
    return [replicaset, *found]


def test_a_spent_budget_is_not_deadlocked_and_not_evaded() -> None:
    """Evicting is refused as the API server would; resizing in place disturbs nobody."""
    found = scene(deployment("web"), spent_budget(), *pods(1))
    assert found.plan(WEB, ActionRequest("DeletePod")) is None
    assert found.refusals == ["DisruptionBudget"]
    resize = ActionRequest("ResizePods", {"memory": {"factor": 2}})
    assert found.plan(WEB, resize) is not None


# many at once, and nothing at all


def test_many_at_once_are_one_cause() -> None:
    """When a third of a namespace breaks together, all are held and none is written."""
    names = [f"w{n}" for n in range(10)]
    found = scene(*(deployment(name) for name in names))
    found.watch(*(oom(name) for name in names), *(crash(name) for name in names), others=5)
    assert found.writes == []
    assert Reason.STORM in found.reasons


def test_one_owner_gets_one_plan() -> None:
    """Rows about several containers, by several audits, are one proposal."""
    pair = deployment("web")
    both = pair["spec"]["template"]["spec"]["containers"]
    both.append({"name": "proxy", "resources": {"limits": {"memory": "64Mi"}}})
    proxy = row(
        "container-memory",
        "web",
        container="proxy",
        oom_kills=6,
        oom_pods=2,
        memory_limit_bytes=64 * 2**20,
    )
    found = scene(pair).watch(oom("web"), proxy, crash("web"), gap("web", hung_pods=1))
    assert len(found.writes) == 1


def test_the_same_name_in_another_namespace_is_another_owner() -> None:
    """A proposal for one of them does not stand in the other's way."""
    here, there = deployment("web"), deployment("web", namespace="else")
    found = scene(here, there)
    found.cluster.add({"kind": "Namespace", "metadata": {"name": "else"}})
    elsewhere = row(
        "container-memory",
        "web",
        namespace="else",
        oom_kills=6,
        oom_pods=2,
        memory_limit_bytes=256 * 2**20,
    )
    found.guardrails = found.guardrails.model_copy(update={"workloads_percent": 100})
    found.watch(oom("web"), elsewhere, others=0)
    assert {plan.target.namespace for plan in found.plans} <= {"shop", "else"}
    assert len(found.plans) == len({plan.target.namespace for plan in found.plans})


def quiet(name: str) -> Scene:
    """Return a scene in which a workload was watched for a while, and nothing was wrong."""
    return scene(deployment(name)).watch(
        oom(name, kills=0, oom_pods=0, restarts=0),
        crash(name, restarts=0, pods_affected=0, last_terminated_reason=None),
        gap(name, available=2),
        cycles=10,
    )


def test_where_nothing_is_wrong_nothing_is_done() -> None:
    """Healthy workloads among noise are never touched, not even looked at by the planner."""
    found = quiet("web")
    assert (found.plans, found.refusals) == ([], [])


def test_a_row_about_an_older_object_writes_nothing() -> None:
    """Series of deleted pods join on the uid: another object of the same name is refused."""
    found = scene()
    assert found.plan(WEB.with_uid("of-yesterday"), raise_by(1.5)) is None
    assert found.refusals == ["OtherObject"]


def test_a_row_about_a_limit_that_no_longer_holds_writes_nothing() -> None:
    """Telemetry that has not caught up with the object raises nothing twice."""
    found = scene(memory="512Mi").watch(oom("web", limit=256))
    assert (found.writes, found.refusals) == ([], ["Telemetry"])
