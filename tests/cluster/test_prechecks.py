"""Every precheck: what it lets pass, what it warns of, what it blocks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remedyd.cluster import prechecks
from remedyd.cluster.prechecks import Scene
from remedyd.cluster.prechecks.capacity import qos_class
from remedyd.cluster.reader import Surroundings
from remedyd.model import (
    AuditRow,
    FieldChange,
    KubeObject,
    Patch,
    Precheck,
    Severity,
)
from support.cluster import ListReader, namespace, put, recorded, target_of
from support.prechecks import (
    NODES,
    NOW,
    REQUEST,
    check,
    eviction,
    memory,
    own_pod,
    owned,
    plan,
    replicas,
    restart,
)

# identity, namespace, rollout


def test_an_object_made_anew_blocks() -> None:
    """The name is the same, the object is not."""
    live = recorded("deployment-checkout-oom")
    planned = memory(live, "256Mi")
    live["metadata"]["uid"] = "another"
    answer = check("Identity", live, planned)
    assert answer.result == "Block" and "made anew" in answer.evidence


def test_an_object_being_deleted_blocks() -> None:
    """Nobody is asked about an object that goes away."""
    live = put(recorded("deployment-checkout-oom"), "metadata.deletionTimestamp", "2026-11-22")
    assert check("Identity", live, memory(live, "256Mi")).result == "Block"


def test_an_existing_object_passes() -> None:
    """The evidence is its uid."""
    live = recorded("deployment-checkout-oom")
    answer = check("Identity", live, memory(live, "256Mi"))
    assert answer.result == "Pass" and live["metadata"]["uid"] in answer.evidence


@pytest.mark.parametrize(("phase", "result"), [("Active", "Pass"), ("Terminating", "Block")])
def test_a_terminating_namespace_blocks(phase: str, result: str) -> None:
    """It would take no new pods."""
    live = recorded("deployment-checkout-oom")
    answer = check("Namespace", live, memory(live, "256Mi"), namespace("shop", phase))
    assert answer.result == result


def test_a_rollout_under_way_blocks() -> None:
    """The ordinary rolling update of catalog is left alone."""
    live = recorded("deployment-catalog-rolling")
    answer = check("Rollout", live, memory(live, "512Mi"))
    assert answer.result == "Block" and "in progress" in answer.evidence


def test_a_rollout_undo_is_not_blocked_by_the_rollout_it_undoes() -> None:
    """Waiting for a bad rollout to end would be waiting for the deadline."""
    live = recorded("deployment-frontend-rolling")
    assert check("Rollout", live, replace(restart(live), action="RolloutUndo")).result == "Pass"


def test_pods_that_crash_after_their_rollout_do_not_block() -> None:
    """They are the reason for the change."""
    live = recorded("deployment-checkout-oom")
    assert check("Rollout", live, memory(live, "256Mi")).result == "Pass"


def test_a_stuck_rollout_warns() -> None:
    """More memory seldom cures a bad image; the approver is told."""
    live = recorded("deployment-frontend-deadline")
    answer = check("Rollout", live, memory(live, "512Mi"))
    assert answer.result == "Warn" and "rollout undo" in answer.next_step


def test_a_restart_beside_a_stuck_rollout_blocks() -> None:
    """It would begin another rollout over the pods that serve."""
    live = recorded("deployment-frontend-deadline")
    answer = check("Rollout", live, restart(live))
    assert answer.result == "Block" and "undo" in answer.next_step
    live["status"] |= {"replicas": 2, "updatedReplicas": 2}
    assert check("Rollout", live, restart(live)).result == "Warn"


def only_stuck(live: KubeObject) -> Precheck:
    """Return the answer to an undo that is meant for stuck rollouts alone."""
    undo = replace(restart(live), action="RolloutUndo", params={"onlyStuck": True})
    return check("Rollout", live, undo)


@pytest.mark.parametrize("name", ["frontend-rolling", "catalog-rolling", "checkout-oom"])
def test_what_is_not_stuck_is_not_undone_as_such(name: str) -> None:
    """Before the deadline a rollout may still come; one that ended was not stuck."""
    answer = only_stuck(recorded(f"deployment-{name}"))
    assert answer.result == "Block" and answer.evidence.startswith("it is not stuck: ")


def test_a_status_of_an_older_spec_says_nothing_about_being_stuck() -> None:
    """Somebody has just changed it: the deadline was that of the rollout before."""
    live = recorded("deployment-frontend-deadline")
    live["metadata"]["generation"] += 1
    assert only_stuck(live).result == "Block"


def test_a_stuck_rollout_may_be_undone() -> None:
    """The evidence is what Kubernetes says of it, and why pods could not be made."""
    live = recorded("deployment-frontend-deadline")
    assert only_stuck(live).evidence == (
        'it is stuck: ReplicaSet "frontend-7c6688487d" has timed out progressing.'
    )
    refused = {"type": "ReplicaFailure", "status": "True", "message": "no more than 512Mi"}
    live["status"]["conditions"].append(refused)
    assert only_stuck(live).result == "Pass"
    assert only_stuck(live).evidence.endswith("; no more than 512Mi")


def test_a_quota_is_no_fault_of_a_revision() -> None:
    """Any other revision's pods might be refused as well."""
    live = recorded("deployment-frontend-deadline")
    told = 'pods "frontend-1" is forbidden: exceeded quota: team, requested: pods=1'
    live["status"]["conditions"].append({"type": "ReplicaFailure", "message": told})
    answer = only_stuck(live)
    assert answer.result == "Block" and "exceeded quota" in answer.evidence


def test_a_paused_rollout_blocks_a_template_change() -> None:
    """The change would take effect at an unknown later time."""
    live = put(recorded("deployment-checkout-healthy"), "spec.paused", True)
    assert check("Rollout", live, memory(live, "256Mi")).result == "Block"
    assert check("Rollout", live, replicas(live, 4)).result == "Pass"


# owners


def test_a_workload_of_an_operator_blocks() -> None:
    """Its operator would put it back; the custom resource is the place."""
    live = owned(recorded("statefulset-orders-db"), "kafka.strimzi.io/v1beta2", "Kafka")
    answer = check("Operator", live, replicas(live, 4))
    assert answer.result == "Block" and answer.next_step == "change Kafka/main instead"


def test_a_workload_without_owner_passes() -> None:
    """Nobody puts it back."""
    live = recorded("deployment-checkout-oom")
    assert check("Operator", live, memory(live, "256Mi")).result == "Pass"


def test_a_workload_of_another_core_object_warns() -> None:
    """The owner is the place to change, but no operator fights over it."""
    live = owned(recorded("deployment-checkout-oom"), "batch/v1", "Job")
    answer = check("Operator", live, memory(live, "256Mi"))
    assert answer.result == "Warn" and answer.next_step == "change Job/main instead"


def test_a_resize_gives_a_gitops_tool_nothing_to_undo() -> None:
    """The template stays as Git has it."""
    live = managed_by(recorded("deployment-checkout-oom"), "argocd-controller", sets_memory=True)
    pods = (Patch({}, subresource="resize", kind="Pod", name="a", uid="u"),)
    answer = check("GitOps", live, replace(memory(live, "256Mi"), pods=pods))
    assert answer.result == "Pass" and "template stays" in answer.evidence


def managed_by(live: KubeObject, manager: str, *, sets_memory: bool) -> KubeObject:
    """Rename the manager that applied the object, with or without the memory limit."""
    entry = live["metadata"]["managedFields"][0]
    entry["manager"] = manager
    if not sets_memory:
        spec = entry["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
        spec['k:{"name":"app"}'].pop("f:resources")
    return live


@pytest.mark.parametrize(
    ("mark", "tool"),
    [
        ("annotations.argocd.argoproj.io/tracking-id", "Argo CD"),
        ("labels.argocd.argoproj.io/instance", "Argo CD"),
        ("labels.kustomize.toolkit.fluxcd.io/name", "Flux"),
        ("labels.helm.toolkit.fluxcd.io/name", "Flux (Helm)"),
        ("annotations.meta.helm.sh/release-name", "Helm"),
        ("labels.app.kubernetes.io/managed-by", "Helm"),
    ],
)
def test_marks_of_gitops_tools_warn(mark: str, tool: str) -> None:
    """Labels and annotations tell which tool would undo the change."""
    live = recorded("deployment-checkout-oom")
    where, _, key = mark.partition(".")
    value = "Helm" if key.endswith("managed-by") else "shop"
    live["metadata"].setdefault(where, {})[key] = value
    live["metadata"]["managedFields"] = []
    answer = check("GitOps", live, memory(live, "256Mi"))
    assert answer.result == "Warn"
    assert answer.evidence.startswith(f"{tool} manages it ({key}: {value})")
    assert answer.next_step == f"make the change in the source of {tool} as well"
    assert "undo" in answer.evidence


def test_a_tools_field_manager_that_sets_the_field_will_undo_it() -> None:
    """managedFields prove that the tool writes this very field."""
    live = managed_by(recorded("deployment-checkout-oom"), "argocd-controller", sets_memory=True)
    assert "undone at the next sync" in check("GitOps", live, memory(live, "256Mi")).evidence


def test_a_field_the_tool_does_not_set_may_stay() -> None:
    """Then the change is not fought over."""
    live = managed_by(
        recorded("deployment-checkout-oom"), "kustomize-controller", sets_memory=False
    )
    assert "they may stay" in check("GitOps", live, memory(live, "256Mi")).evidence


def test_managed_by_somebody_else_is_no_helm() -> None:
    """The label is a common one; only the value Helm means Helm."""
    live = recorded("deployment-checkout-oom")
    live["metadata"].setdefault("labels", {})["app.kubernetes.io/managed-by"] = "ansible"
    assert check("GitOps", live, memory(live, "256Mi")).result == "Pass"


def test_a_workload_of_no_tool_passes() -> None:
    """`kubectl apply` by hand is no GitOps tool."""
    live = recorded("deployment-checkout-oom")
    assert check("GitOps", live, memory(live, "256Mi")).result == "Pass"


# autoscalers


def test_replicas_under_an_autoscaler_block() -> None:
    """At its maximum the way is to raise the maximum."""
    live = recorded("deployment-recommendation")
    answer = check("Autoscaler", live, replicas(live, 6), recorded("hpa-recommendation-max"))
    assert answer.result == "Block"
    assert answer.evidence.startswith("HorizontalPodAutoscaler recommendation (2 to 4) owns")
    assert "AdjustHPA" in answer.next_step


def test_an_autoscaler_below_its_maximum_is_left_to_work() -> None:
    """Raising its maximum would change nothing."""
    live = recorded("deployment-recommendation")
    answer = check("Autoscaler", live, replicas(live, 6), recorded("hpa-recommendation"))
    assert answer.result == "Block" and "AdjustHPA" not in answer.next_step


def test_an_autoscaler_of_another_workload_does_not_count() -> None:
    """The reference is by kind and name."""
    live = recorded("deployment-checkout-healthy")
    answer = check("Autoscaler", live, replicas(live, 6), recorded("hpa-recommendation-max"))
    assert answer.result == "Pass"


def test_a_request_that_an_autoscaler_measures_against_warns() -> None:
    """Utilization is a share of the request: a larger request means fewer pods."""
    live = recorded("deployment-recommendation")
    path = REQUEST.replace("memory", "cpu")
    planned = plan(live, "UpdateResources", [FieldChange(path, "100m", "200m")])
    answer = check("Autoscaler", live, planned, recorded("hpa-recommendation"))
    assert answer.result == "Warn" and "share of the request" in answer.evidence


def test_memory_under_a_cpu_autoscaler_passes() -> None:
    """The autoscaler does not look at it."""
    live = recorded("deployment-recommendation")
    answer = check(
        "Autoscaler", live, memory(live, "512Mi", "256Mi"), recorded("hpa-recommendation")
    )
    assert answer.result == "Pass"


@pytest.mark.parametrize(
    ("mode", "result"),
    [("Auto", "Block"), ("Recreate", "Block"), ("Initial", "Block"), ("Off", "Pass")],
)
def test_an_acting_vertical_autoscaler_blocks(mode: str, result: str) -> None:
    """It would overwrite the resources when the pods are made."""
    live = recorded("deployment-checkout-oom")
    vpa = {
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {
            "targetRef": {"kind": "Deployment", "name": "checkout"},
            "updatePolicy": {"updateMode": mode},
        },
    }
    assert check("VerticalAutoscaler", live, memory(live, "256Mi"), vpa).result == result


# disruption


def test_a_spent_budget_warns_of_a_rollout() -> None:
    """A rolling update goes past the budget, and the approver should know."""
    live = recorded("deployment-checkout-oom")
    answer = check("DisruptionBudget", live, memory(live, "256Mi"), recorded("pdb-checkout-spent"))
    assert answer.result == "Warn"
    assert "allows 0 disruptions (1 healthy, 2 needed)" in answer.evidence


def test_a_budget_with_room_passes() -> None:
    """A healthy workload has a disruption to give."""
    live = recorded("deployment-checkout-healthy")
    answer = check("DisruptionBudget", live, restart(live), recorded("pdb-checkout"))
    assert answer.result == "Pass"


def test_a_spent_budget_blocks_an_eviction() -> None:
    """The API server would answer 429."""
    live = recorded("deployment-checkout-oom")
    around = own_pod(live, ready=False)
    answer = check(
        "DisruptionBudget", live, eviction(live, around[1]), *around, recorded("pdb-checkout-spent")
    )
    assert answer.result == "Block" and "AlwaysAllow" in answer.next_step


@pytest.mark.parametrize(("ready", "result"), [(False, "Pass"), (True, "Block")])
def test_always_allow_lets_unhealthy_pods_go(ready: bool, result: str) -> None:
    """unhealthyPodEvictionPolicy AlwaysAllow is for pods that are not ready."""
    live = recorded("deployment-checkout-oom")
    around = own_pod(live, ready=ready)
    budget = put(recorded("pdb-checkout-spent"), "spec.unhealthyPodEvictionPolicy", "AlwaysAllow")
    answer = check("DisruptionBudget", live, eviction(live, around[1]), *around, budget)
    assert answer.result == result


@pytest.mark.parametrize(
    ("ready", "healthy", "needed", "result"),
    [(False, 2, 2, "Pass"), (True, 2, 2, "Block"), (False, 1, 2, "Block"), (False, 0, 0, "Block")],
)
def test_an_unhealthy_pod_may_go_while_the_budget_holds(
    ready: bool, healthy: int, needed: int, result: str
) -> None:
    """IfHealthyBudget, the default: evicting it takes no healthy pod away."""
    live = recorded("deployment-checkout-oom")
    around = own_pod(live, ready=ready)
    budget = recorded("pdb-checkout-spent")
    budget["status"] |= {"currentHealthy": healthy, "desiredHealthy": needed}
    answer = check("DisruptionBudget", live, eviction(live, around[1]), *around, budget)
    assert answer.result == result


def test_two_budgets_block_an_eviction() -> None:
    """The API server answers 500 then."""
    live = recorded("deployment-checkout-healthy")
    around = own_pod(live, ready=True)
    second = put(recorded("pdb-checkout"), "metadata.name", "second")
    answer = check(
        "DisruptionBudget",
        live,
        eviction(live, around[1]),
        *around,
        recorded("pdb-checkout"),
        second,
    )
    assert answer.result == "Block" and "checkout, second" in answer.evidence


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("deployment-checkout-oom", "Pass"),
        ("deployment-cart-recreate", "Warn"),
        ("deployment-batch", "Pass"),
        ("statefulset-orders-db", "Pass"),
        ("daemonset-node-agent", "Warn"),
        ("deployment-email-zero", "Pass"),
    ],
)
def test_downtime_goes_by_strategy(name: str, result: str) -> None:
    """Surge keeps even a single replica serving; Recreate never does."""
    live = recorded(name)
    assert check("Downtime", live, restart(live)).result == result


def test_a_single_stateful_pod_is_downtime() -> None:
    """There is no surge in a StatefulSet."""
    live = put(recorded("statefulset-orders-db"), "spec.replicas", 1)
    assert check("Downtime", live, restart(live)).result == "Warn"


def test_a_single_replica_without_a_surge_is_downtime() -> None:
    """maxSurge 0 means that the only pod goes first."""
    live = put(recorded("deployment-batch"), "spec.strategy.rollingUpdate.maxSurge", 0)
    assert check("Downtime", live, restart(live)).result == "Warn"


def test_max_unavailable_of_everything_is_downtime() -> None:
    """A rolling update can be written as a Recreate."""
    live = put(
        recorded("deployment-checkout-oom"), "spec.strategy.rollingUpdate.maxUnavailable", "100%"
    )
    assert "all 3 pods at once" in check("Downtime", live, restart(live)).evidence


@pytest.mark.parametrize(
    ("mode", "result"),
    [("ReadWriteMany", "Pass"), ("ReadWriteOnce", "Warn"), ("ReadWriteOncePod", "Block")],
)
def test_a_volume_that_cannot_be_shared_is_downtime(mode: str, result: str) -> None:
    """The new pod waits for the old one's volume; with ReadWriteOncePod for ever."""
    live = recorded("deployment-checkout-healthy")
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    live["spec"]["template"]["spec"]["volumes"] = volumes
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "shop"},
        "spec": {"accessModes": [mode]},
    }
    assert check("Downtime", live, restart(live), claim).result == result


def test_scaling_replaces_no_pods() -> None:
    """Checks of replaced pods do not apply to more pods."""
    live = recorded("deployment-cart-recreate")
    assert check("Downtime", live, replicas(live, 3)).name == "absent"


# capacity


def pod_with(**resources: dict[str, str]) -> dict[str, Any]:
    """Return a pod spec of one container."""
    return {"containers": [{"name": "app", "resources": resources}]}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (pod_with(), "BestEffort"),
        (pod_with(limits={"memory": "1Gi"}), "Burstable"),
        (pod_with(limits={"memory": "1Gi", "cpu": "1"}), "Guaranteed"),
        (pod_with(limits={"memory": "1Gi", "cpu": "1"}, requests={"cpu": "500m"}), "Burstable"),
        (pod_with(requests={"memory": "1Gi"}), "Burstable"),
    ],
)
def test_the_qos_class_is_the_kubelets(pod: dict[str, Any], expected: str) -> None:
    """A limit without a request requests as much."""
    assert qos_class(pod) == expected


def test_losing_the_guaranteed_class_warns() -> None:
    """Such pods are evicted earlier."""
    live = recorded("deployment-checkout-healthy")
    live["spec"]["template"]["spec"]["containers"][0]["resources"] = {
        "limits": {"memory": "128Mi", "cpu": "1"},
        "requests": {"memory": "128Mi", "cpu": "1"},
    }
    answer = check("QosClass", live, memory(live, "256Mi"))
    assert answer.result == "Warn" and "from Guaranteed to Burstable" in answer.evidence
    assert check("QosClass", live, memory(live, "256Mi", "256Mi")).result == "Pass"


def test_more_than_a_limit_range_allows_blocks() -> None:
    """The Deployment would be accepted and its pods refused."""
    live = recorded("deployment-batch")
    answer = check("LimitRange", live, memory(live, "1Gi"), recorded("limitrange-bounds"))
    assert answer.result == "Block"
    assert "at most 512Mi memory per container, app gets 1Gi" in answer.evidence


def test_the_limit_ranges_maximum_itself_passes() -> None:
    """At most means at most."""
    live = recorded("deployment-batch")
    answer = check("LimitRange", live, memory(live, "512Mi"), recorded("limitrange-bounds"))
    assert answer.result == "Pass"


def test_a_restart_is_blocked_where_new_pods_would_be_refused() -> None:
    """A restart outside a LimitRange that came later would lose the running pods."""
    live = put(
        recorded("deployment-batch"),
        "spec.template.spec.containers.0.resources.limits.memory",
        "1Gi",
    )
    assert check("LimitRange", live, restart(live), recorded("limitrange-bounds")).result == "Block"


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"type": "Container", "min": {"memory": "200Mi"}}, "at least 200Mi memory per container"),
        ({"type": "Container", "maxLimitRequestRatio": {"memory": "2"}}, "at most 2 times"),
        ({"type": "Pod", "max": {"memory": "300Mi"}}, "at most 300Mi memory per pod"),
    ],
)
def test_every_rule_of_a_limit_range_counts(item: dict[str, Any], told: str) -> None:
    """Minimum, ratio and pod maximum refuse pods as well."""
    live = recorded("deployment-batch")
    bounds = put(recorded("limitrange-bounds"), "spec.limits", [item])
    answer = check("LimitRange", live, memory(live, "400Mi"), bounds)
    assert answer.result == "Block" and told in answer.evidence


def test_more_replicas_than_the_quota_holds_block() -> None:
    """Three more pods of 384Mi do not fit beside 1Gi of 2Gi."""
    live = recorded("deployment-report-worker")
    answer = check("Quota", live, replicas(live, 5), recorded("quota-team"))
    assert answer.result == "Block"
    assert "limits.memory 1Gi of 2Gi used, 1152Mi more needed" in answer.evidence


def test_replicas_within_the_quota_pass() -> None:
    """One more pod fits."""
    live = recorded("deployment-report-worker")
    assert check("Quota", live, replicas(live, 3), recorded("quota-team")).result == "Pass"


def requesting(used: str) -> KubeObject:
    """Return the quota with so much requested memory in use."""
    quota = recorded("quota-team")
    quota["status"]["used"]["requests.memory"] = used
    return quota


def test_the_surge_of_a_rollout_counts() -> None:
    """With maxUnavailable 0 the first new pod must fit beside the old ones."""
    live = recorded("deployment-report-worker")
    quota = requesting("1000Mi")
    answer = check("Quota", live, restart(live), quota)
    assert answer.result == "Block" and "no room for the first new pod (256Mi)" in answer.evidence


def test_a_rollout_that_may_take_pods_away_first_is_only_slow() -> None:
    """maxUnavailable makes room for the new pods."""
    live = put(
        recorded("deployment-report-worker"), "spec.strategy.rollingUpdate.maxUnavailable", 1
    )
    quota = requesting("1000Mi")
    assert check("Quota", live, restart(live), quota).result == "Warn"


def test_recreate_needs_no_room_for_a_surge() -> None:
    """The old pods are gone before the new ones come."""
    live = put(recorded("deployment-report-worker"), "spec.strategy", {"type": "Recreate"})
    quota = requesting("1Gi")
    assert check("Quota", live, restart(live), quota).result == "Pass"


def test_a_raise_that_does_not_fit_in_the_end_blocks() -> None:
    """Two pods with 600Mi more each exceed what is left of 2Gi of limits."""
    live = recorded("deployment-report-worker")
    answer = check("Quota", live, memory(live, "984Mi"), recorded("quota-team"))
    assert answer.result == "Block" and "limits.memory 1Gi of 2Gi used" in answer.evidence


def test_a_container_without_what_the_quota_counts_blocks() -> None:
    """Such pods are refused whatever is free."""
    live = recorded("deployment-report-worker")
    live["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1m"}}
    answer = check("Quota", live, replicas(live, 3), recorded("quota-team"))
    assert answer.result == "Block" and "container app does not set" in answer.evidence


@pytest.mark.parametrize(
    ("spec", "result"),
    [
        ({"scopes": ["Terminating"]}, "Pass"),
        ({"scopes": ["BestEffort"]}, "Pass"),
        ({"scopes": ["NotBestEffort"]}, "Block"),
        ({"scopes": ["NotTerminating"]}, "Block"),
        ({"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}, "Pass"),
    ],
)  # fmt: skip
def test_a_quota_counts_the_pods_in_its_scope(spec: dict[str, Any], result: str) -> None:
    """A quota for other pods does not block these."""
    live = recorded("deployment-report-worker")
    quota = recorded("quota-team")
    quota["spec"] |= spec
    assert check("Quota", live, replicas(live, 5), quota).result == result


def test_a_quota_without_usage_blocks() -> None:
    """A sum over an unknown number is unknown."""
    live = recorded("deployment-report-worker")
    quota = put(recorded("quota-team"), "status", {})
    answer = check("Quota", live, replicas(live, 3), quota)
    assert answer.result == "Block" and "could not be determined" in answer.evidence


def test_more_than_the_largest_ready_node_has_blocks() -> None:
    """The pods would be Pending for ever."""
    live = recorded("deployment-batch")
    answer = check("NodeFit", live, memory(live, "900Gi", "900Gi"), *NODES)
    assert answer.result == "Block" and "the largest ready node has" in answer.evidence


def test_a_limit_above_every_node_warns() -> None:
    """It cannot be used up: the node runs out first."""
    live = recorded("deployment-batch")
    assert check("NodeFit", live, memory(live, "900Gi"), *NODES).result == "Warn"


def test_what_fits_a_ready_node_passes() -> None:
    """One node is enough."""
    live = recorded("deployment-batch")
    assert check("NodeFit", live, memory(live, "512Mi"), *NODES).result == "Pass"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda node: put(node, "spec.unschedulable", True),
        lambda node: put(node, "status.conditions", [{"type": "Ready", "status": "Unknown"}]),
        lambda node: put(node, "spec.taints", [{"key": "k", "value": "v", "effect": "NoExecute"}]),
    ],
)
def test_a_node_that_takes_no_pods_does_not_count(spoil: Any) -> None:
    """Cordoned, not ready and tainted nodes have no room."""
    live = recorded("deployment-batch")
    answer = check("NodeFit", live, memory(live, "512Mi"), spoil(recorded("node-worker-1")))
    assert answer.result == "Block" and "no ready node" in answer.evidence


def test_selector_and_tolerations_choose_the_node() -> None:
    """checkout runs on the tainted burst pool only."""
    live = recorded("deployment-checkout-oom")
    assert check("NodeFit", live, memory(live, "256Mi"), recorded("node-worker-5")).result == "Pass"
    assert (
        check("NodeFit", live, memory(live, "256Mi"), recorded("node-worker-1")).result == "Block"
    )


# telemetry


def row(live: KubeObject, seen: datetime | None, **values: Any) -> AuditRow:
    """Return a row about the app container."""
    return AuditRow("container-memory", target_of(live, "app"), Severity.CRITICAL, values, 10, seen)


def test_evidence_from_before_the_latest_rollout_blocks() -> None:
    """It is about pods that are gone."""
    live = recorded("deployment-checkout-oom")
    stale = row(live, datetime(2026, 11, 22, 22, 6, tzinfo=UTC))
    assert check("Telemetry", live, memory(live, "256Mi"), row=stale).result == "Block"


def test_a_deadline_that_passes_is_no_change() -> None:
    """Kubernetes writes it down then; what was measured until it did is about the same pods."""
    live = recorded("deployment-frontend-deadline")
    passed = datetime(2026, 11, 22, 22, 20, 57, tzinfo=UTC)
    answers = [
        check("Telemetry", live, restart(live), row=row(live, passed - timedelta(seconds=ago)))
        for ago in (30, 240)
    ]
    assert [answer.result for answer in answers] == ["Pass", "Block"]


def test_fresh_evidence_that_agrees_passes() -> None:
    """Limit and replicas of the row are those of the object."""
    live = recorded("deployment-checkout-oom")
    fresh = row(live, NOW, memory_limit_bytes=128 * 2**20, desired=3)
    assert check("Telemetry", live, memory(live, "256Mi"), row=fresh).result == "Pass"


@pytest.mark.parametrize("values", [{"memory_limit_bytes": 256 * 2**20}, {"desired": 5}])
def test_evidence_that_contradicts_the_object_blocks(values: dict[str, int]) -> None:
    """Somebody changed the object, and the telemetry has not caught up."""
    live = recorded("deployment-checkout-oom")
    answer = check("Telemetry", live, memory(live, "256Mi"), row=row(live, NOW, **values))
    assert answer.result == "Block" and "the telemetry says" in answer.evidence


def test_without_evidence_there_is_nothing_to_compare() -> None:
    """A person's request carries no row."""
    live = recorded("deployment-checkout-oom")
    assert check("Telemetry", live, memory(live, "256Mi")).name == "absent"


# the whole list


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Namespace", "Namespace"),
        ("HorizontalPodAutoscaler", "Autoscaler"),
        ("VerticalPodAutoscaler", "VerticalAutoscaler"),
        ("PodDisruptionBudget", "DisruptionBudget"),
        ("LimitRange", "LimitRange"),
        ("ResourceQuota", "Quota"),
        ("Node", "NodeFit"),
    ],
)
def test_what_cannot_be_read_blocks(kind: str, name: str) -> None:
    """Unknown is no: a check that could not be carried out forbids the write."""
    live = recorded("deployment-checkout-oom")
    answer = check(name, live, memory(live, "256Mi", "128Mi"), broken=frozenset({kind}))
    assert answer.result == "Block"
    assert answer.evidence == f"could not be determined: cannot read {kind}"


def test_a_broken_check_blocks() -> None:
    """A defect in a check must not let a write through."""
    live = recorded("deployment-checkout-oom")
    planned = memory(live, "256Mi")
    live["spec"]["strategy"] = "nonsense"
    assert check("Downtime", live, planned).result == "Block"


def test_an_absent_vpa_api_is_no_vpa() -> None:
    """Most clusters have no VPA installed: 404 is an answer."""
    live = recorded("deployment-checkout-oom")

    class WithoutVpa(ListReader):
        def list(self, kind: str, *args: Any, **named: Any) -> list[KubeObject]:
            if kind == "VerticalPodAutoscaler":
                return [self.get(kind, "", "page not found")]
            return super().list(kind, *args, **named)

    scene = Scene(memory(live, "256Mi"), live, Surroundings(WithoutVpa(), live), NOW)
    name = "VerticalAutoscaler"
    assert prechecks.run(scene, {name: prechecks.CHECKS[name]})[0].result == "Pass"


def test_a_read_only_plan_needs_no_checks() -> None:
    """Nothing is written, so nothing is read."""
    live = recorded("deployment-checkout-oom")
    reader = ListReader()
    looking = replace(restart(live), patch=None, changes=())
    assert prechecks.run(Scene(looking, live, Surroundings(reader, live), NOW)) == ()
    assert reader.asked == []


def test_a_sound_change_passes_every_check() -> None:
    """The recorded OOM loop can be repaired: no check blocks, each kind is read once."""
    live = recorded("deployment-checkout-oom")
    reader = ListReader(live, namespace("shop"), recorded("pdb-checkout-spent"), *NODES)
    answers = prechecks.run(
        Scene(memory(live, "256Mi", "192Mi"), live, Surroundings(reader, live), NOW)
    )
    assert [answer.name for answer in answers if answer.result == "Block"] == []
    assert len(answers) == len(prechecks.CHECKS) - 2
    assert len(reader.asked) == len(set(reader.asked))
