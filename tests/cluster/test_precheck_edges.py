"""Where each precheck begins and ends, on small objects that say no more than they must."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from remedyd.cluster.prechecks import Scene, run
from remedyd.cluster.prechecks.capacity import allocatable, headroom, qos_class, usable
from remedyd.cluster.prechecks.scaling import limited
from remedyd.cluster.prechecks.scene import containers, pod_total
from remedyd.cluster.reader import Surroundings
from remedyd.errors import ClusterUnavailable
from remedyd.model import (
    AuditRow,
    FieldChange,
    KubeObject,
    Patch,
    Plan,
    Precheck,
    PrecheckResult,
    Severity,
)
from support.cluster import ListReader, put, recorded, target_of
from support.fakecluster import deployment, roll_out
from support.prechecks import (
    LIMIT,
    NOW,
    REQUEST,
    check,
    eviction,
    memory,
    own_pod,
    plan,
    replicas,
    restart,
)

POD = "spec.template.spec"


def web(count: int = 2, **resources: dict[str, str]) -> KubeObject:
    """Return a Deployment whose container asks for 100Mi to 200Mi unless told otherwise."""
    made = deployment("web")
    made["metadata"] |= {"uid": "uid-web", "resourceVersion": "1"}
    asked = resources or {"requests": {"memory": "100Mi"}, "limits": {"memory": "200Mi"}}
    made["spec"]["replicas"] = count
    made["spec"]["template"]["spec"]["containers"][0]["resources"] = asked
    roll_out(made)
    return made


def told(answer: Precheck) -> tuple[str, str]:
    """Return the result and the evidence."""
    return answer.result.value, answer.evidence


def around(kind: str, name: str, **parts: Any) -> KubeObject:
    """Return an object of the namespace."""
    return {"kind": kind, "metadata": {"name": name, "namespace": "shop"}, **parts}


# LimitRange


def bounds(*items: dict[str, Any], name: str = "bounds") -> KubeObject:
    """Return a LimitRange."""
    return around("LimitRange", name, spec={"limits": [*items]} if items else {})


@pytest.mark.parametrize(
    ("item", "planned", "result"),
    [
        ({"type": "Pod", "max": {"memory": "300Mi"}}, "300Mi", "Pass"),
        ({"type": "Pod", "max": {"memory": "300Mi"}}, "301Mi", "Block"),
        ({"type": "Pod"}, "300Mi", "Pass"),
        ({"type": "PersistentVolumeClaim", "max": {"memory": "1Mi"}}, "300Mi", "Pass"),
        ({"type": "Container", "max": {"memory": "300Mi"}}, "300Mi", "Pass"),
        ({"type": "Container", "max": {"memory": "300Mi"}}, "301Mi", "Block"),
        ({"type": "Container", "max": {"cpu": "1"}}, "300Mi", "Pass"),  # no cpu limit is set
        ({"type": "Container", "min": {"memory": "100Mi"}}, "300Mi", "Pass"),
        ({"type": "Container", "min": {"memory": "101Mi"}}, "300Mi", "Block"),
        ({"type": "Container", "min": {"cpu": "1"}}, "300Mi", "Pass"),  # nor a cpu request
        ({"type": "Container", "maxLimitRequestRatio": {"memory": "3"}}, "300Mi", "Pass"),
        ({"type": "Container", "maxLimitRequestRatio": {"memory": "3"}}, "301Mi", "Block"),
        ({"type": "Container", "maxLimitRequestRatio": {"cpu": "1"}}, "300Mi", "Pass"),
        ({"type": "Container"}, "300Mi", "Pass"),
    ],
)
def test_a_limit_range_allows_its_bounds_and_no_more(
    item: dict[str, Any], planned: str, result: str
) -> None:
    """At most and at least include the bound; what a container does not set is not bounded."""
    live = web()
    assert check("LimitRange", live, memory(live, planned), bounds(item)).result == result


def test_a_ratio_needs_both_sides() -> None:
    """A request without a limit has no ratio; a limit alone is its own request."""
    ratio = bounds({"type": "Container", "maxLimitRequestRatio": {"memory": "1"}})
    for resources in ({"requests": {"memory": "100Mi"}}, {"limits": {"memory": "100Mi"}}):
        live = web(**resources)
        assert check("LimitRange", live, restart(live), ratio).result == "Pass"


def test_every_limit_range_counts_and_is_named() -> None:
    """The second one may be the stricter; all that were looked at are told."""
    live = web()
    wide = bounds({"type": "Container", "max": {"memory": "9Gi"}}, name="wide")
    tight = bounds({"type": "Container", "max": {"memory": "250Mi"}}, name="tight")
    both = check("LimitRange", live, memory(live, "251Mi"), wide, bounds(), tight)
    assert told(both) == (
        "Block",
        "LimitRange tight: at most 250Mi memory per container, app gets 251Mi",
    )
    assert told(check("LimitRange", live, memory(live, "250Mi"), wide, tight)) == (
        "Pass",
        "within wide, tight",
    )
    assert told(check("LimitRange", live, memory(live, "250Mi"))) == (
        "Pass",
        "no LimitRange in the namespace",
    )


def test_a_minimum_tells_what_is_planned() -> None:
    """The request that is too small is written as people write it."""
    live = web()
    low = bounds({"type": "Container", "min": {"memory": "128Mi"}})
    assert told(check("LimitRange", live, restart(live), low))[1].endswith("app requests 100Mi")


# ResourceQuota


def quota(
    hard: dict[str, str], used: dict[str, str], name: str = "team", **spec: Any
) -> KubeObject:
    """Return a quota."""
    return around(
        "ResourceQuota", name, spec={"hard": hard, **spec}, status={"hard": hard, "used": used}
    )


def rolling(live: KubeObject, surge: int, away: int) -> KubeObject:
    """Give a Deployment a strategy."""
    live["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": away}}
    return live


@pytest.mark.parametrize(
    ("key", "hard", "used", "result"),
    [
        ("pods", "3", "2", "Pass"),
        ("pods", "2", "2", "Block"),
        ("count/pods", "2", "2", "Block"),
        ("count/pods", "3", "2", "Pass"),
        ("memory", "300Mi", "200Mi", "Pass"),  # the short name of requests.memory
        ("memory", "299Mi", "200Mi", "Block"),
        ("requests.memory", "299Mi", "200Mi", "Block"),
        ("limits.memory", "600Mi", "400Mi", "Pass"),
        ("limits.memory", "599Mi", "400Mi", "Block"),
        ("requests.ephemeral-storage", "0", "0", "Pass"),
        ("requests.nvidia.com/gpu", "0", "0", "Pass"),
        ("count/deployments.apps", "0", "0", "Pass"),
        ("persistentvolumeclaims", "0", "0", "Pass"),
    ],
)
def test_a_quota_holds_what_it_counts(key: str, hard: str, used: str, result: str) -> None:
    """One more pod fits exactly or not; what pods do not count in is left out."""
    live = web()
    answer = check("Quota", live, replicas(live, 3), quota({key: hard}, {key: used}))
    assert answer.result == result


@pytest.mark.parametrize(
    ("surge", "away", "free", "result"),
    [
        (1, 0, 1, "Pass"),  # the first new pod fits exactly
        (1, 0, 0, "Block"),
        (2, 0, 1, "Warn"),  # one at a time fits, two do not
        (2, 0, 2, "Pass"),
        (0, 1, 0, "Pass"),  # an old pod goes first
        (1, 1, 0, "Warn"),
    ],
)
def test_a_rollouts_surge_needs_room(surge: int, away: int, free: int, result: str) -> None:
    """Old and new pods overlap by the surge; where pods may go first it is only slow."""
    live = rolling(web(2), surge, away)
    team = quota({"pods": str(2 + free)}, {"pods": "2"})
    assert check("Quota", live, restart(live), team).result == result


@pytest.mark.parametrize(
    ("hard", "result"),
    [("800Mi", "Pass"), ("799Mi", "Warn"), ("700Mi", "Warn"), ("699Mi", "Block")],
)
def test_a_raise_counts_for_the_new_pods(hard: str, result: str) -> None:
    """The first of the new pods must fit; in the overlap one old pod is there besides."""
    live = rolling(web(2), 1, 0)
    team = quota({"limits.memory": hard}, {"limits.memory": "400Mi"})
    assert check("Quota", live, memory(live, "300Mi"), team).result == result


def test_without_pods_a_rollout_needs_no_room() -> None:
    """A workload at zero replaces nobody."""
    live = rolling(web(0), 1, 0)
    team = quota({"pods": "0"}, {"pods": "0"})
    assert check("Quota", live, restart(live), team).result == "Pass"


def test_a_stateful_set_replaces_one_after_the_other() -> None:
    """Its old pod is gone before the new one comes."""
    live = web(2) | {"kind": "StatefulSet"}
    team = quota({"pods": "2"}, {"pods": "2"})
    assert check("Quota", live, restart(live), team).result == "Pass"


def test_a_scale_down_needs_no_room() -> None:
    """Even where the quota was lowered below what is used."""
    live = web(3)
    team = quota({"pods": "1"}, {"pods": "3"})
    assert check("Quota", live, replicas(live, 2), team).name == "absent"


def test_a_scale_has_no_surge() -> None:
    """More pods are asked for at once; nothing is replaced meanwhile."""
    live = rolling(web(2), 2, 0)
    team = quota({"pods": "3"}, {"pods": "2"})
    assert check("Quota", live, replicas(live, 3), team).result == "Pass"


def test_what_a_quota_counts_must_be_set() -> None:
    """Request and limit apart: a request alone does not satisfy a quota of limits."""
    live = web(requests={"memory": "100Mi"})
    team = quota({"limits.memory": "9Gi"}, {"limits.memory": "0"})
    assert "does not set" in check("Quota", live, replicas(live, 3), team).evidence
    team = quota({"requests.memory": "9Gi", "pods": "9"}, {"requests.memory": "0", "pods": "2"})
    assert check("Quota", live, replicas(live, 3), team).result == "Pass"


def test_every_quota_is_named_and_the_first_tight_one_told() -> None:
    """Each has its own numbers; a Block outweighs a Warn that came before it."""
    live = rolling(web(2), 2, 0)
    tight = [quota({"pods": "3"}, {"pods": "2"}, name=name) for name in ("a", "b")]
    assert "ResourceQuota a: pods 2 of 3 used, 2 more needed" in (
        check("Quota", live, restart(live), *tight).evidence
    )
    full = quota({"pods": "2"}, {"pods": "2"}, name="c")
    assert check("Quota", live, restart(live), *tight, full).result == "Block"
    roomy = [quota({"pods": "9"}, {"pods": "2"}, name=name) for name in ("a", "b")]
    assert told(check("Quota", live, restart(live), *roomy)) == ("Pass", "room in a, b")
    assert told(check("Quota", live, restart(live))) == (
        "Pass",
        "no ResourceQuota counts these pods",
    )


def priority(operator: str, *values: str) -> dict[str, Any]:
    """Return a scope selector on the priority class."""
    expression = {"scopeName": "PriorityClass", "operator": operator, "values": list(values)}
    return {"scopeSelector": {"matchExpressions": [expression]}}


def scope(name: str, operator: str = "Exists") -> dict[str, Any]:
    """Return a scope selector."""
    return {"scopeSelector": {"matchExpressions": [{"scopeName": name, "operator": operator}]}}


@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        (priority("In", "high"), True),
        (priority("In", "low", "high"), True),
        (priority("In", "low"), False),
        (priority("In"), False),
        (priority("NotIn", "high"), True),  # not understood: counted, which is the safe side
        (priority("Exists"), True),
        (scope("BestEffort"), False),
        (scope("NotBestEffort"), True),
        (scope("Terminating"), False),
        (scope("CrossNamespacePodAffinity"), True),
        ({"scopes": ["CrossNamespacePodAffinity"]}, True),
        ({"scopes": ["NotBestEffort", "Terminating"]}, False),
        ({"scopes": None, "scopeSelector": {}}, True),
    ],
)
def test_a_scope_says_whose_pods_are_counted(spec: dict[str, Any], counts: bool) -> None:
    """A scope that is not known counts them: better asked once too often."""
    live = put(web(), f"{POD}.priorityClassName", "high")
    team = quota({"pods": "2"}, {"pods": "2"}, **spec)
    answer = check("Quota", live, replicas(live, 3), team)
    assert answer.result == ("Block" if counts else "Pass")


def test_pods_of_the_best_effort_are_counted_as_such() -> None:
    """Pods that ask for nothing fall under the scope BestEffort, and not under its opposite."""
    live = web(requests={})
    for name, result in (("BestEffort", "Block"), ("NotBestEffort", "Pass")):
        team = quota({"pods": "2"}, {"pods": "2"}, scopes=[name])
        assert check("Quota", live, replicas(live, 3), team).result == result


def left(live: KubeObject, hard: dict[str, str], used: dict[str, str], **spec: Any) -> Any:
    """Return by how much a pod may grow in a quota, in Mi."""
    found = headroom(live, quota(hard, used, **spec))
    return {(section, resource): amount / 2**20 for section, resource, amount in found}


@pytest.mark.parametrize(
    ("surge", "away", "growth"),
    [
        (0, 1, 150),  # 300Mi left for two pods
        (1, 1, 150),
        (1, 0, 100),  # the first new pod of 200Mi comes beside the old ones
    ],
)
def test_each_pod_may_grow_by_its_share_of_what_is_left(surge: int, away: int, growth: int) -> None:
    """Less where a new pod has to fit beside the old ones first."""
    live = rolling(web(2), surge, away)
    room = left(live, {"limits.memory": "700Mi"}, {"limits.memory": "400Mi"})
    assert room == {("limits", "memory"): growth}


def test_only_what_a_pod_can_grow_in_is_told() -> None:
    """Requests by their short name too; counts, other resources and unknown use are left out."""
    live = rolling(web(2), 0, 1)
    hard = {"pods": "9", "memory": "1Gi", "limits.nvidia.com/gpu": "4", "limits.cpu": "9"}
    hard |= {"count/secrets": "5", "limits.memory": "500Mi"}
    used = {"pods": "2", "memory": "0", "limits.nvidia.com/gpu": "0", "limits.memory": "400Mi"}
    assert left(live, hard, used | {"count/secrets": "1"}) == {
        ("requests", "memory"): 512,
        ("limits", "memory"): 50,
    }


def test_where_nothing_can_grow_nothing_is_told() -> None:
    """No pods, a quota of other pods, none left, or a quota that nobody has counted yet."""
    hard, used = {"limits.memory": "700Mi"}, {"limits.memory": "400Mi"}
    live = rolling(web(2), 0, 1)
    assert left(live, hard, used)
    assert left(web(0), hard, used) == {}
    assert left(live, hard, used, scopes=["BestEffort"]) == {}
    assert left(live, hard, {"limits.memory": "700Mi"}) == {}
    assert left(live, hard, {"limits.memory": "800Mi"}) == {}
    uncounted = quota(hard, {})
    for status in ({}, {"used": None}, None):
        assert list(headroom(live, uncounted | {"status": status})) == []


# nodes


def node(name: str = "n", memory: str = "1Gi", cpu: str = "1", **spec: Any) -> KubeObject:
    """Return a ready node, whose memory pressure is told beside."""
    conditions = [
        {"type": "MemoryPressure", "status": "False"},
        {"type": "Ready", "status": "True"},
    ]
    return {
        "kind": "Node",
        "metadata": {"name": name},
        "spec": spec,
        "status": {"conditions": conditions, "allocatable": {"memory": memory, "cpu": cpu}},
    }


@pytest.mark.parametrize(
    ("limit", "asked", "result"),
    [
        ("1Gi", "1Gi", "Pass"),  # the largest node, exactly
        ("1025Mi", "1Gi", "Warn"),
        ("1025Mi", "1025Mi", "Block"),
    ],
)
def test_the_largest_ready_node_is_the_measure(limit: str, asked: str, result: str) -> None:
    """Not the smallest: one node that holds a pod is enough."""
    live = web()
    nodes = [node("small", "256Mi"), node("large"), node("smaller", "128Mi")]
    assert check("NodeFit", live, memory(live, limit, asked), *nodes).result == result


def test_a_cpu_limit_above_every_node_is_no_harm() -> None:
    """CPU is shared; a request is not."""
    live = web(limits={"cpu": "1", "memory": "1Mi"}, requests={"cpu": "1", "memory": "1Mi"})
    path = LIMIT.replace("memory", "cpu")
    high = plan(live, "UpdateResources", [FieldChange(path, "1", "64")])
    assert check("NodeFit", live, high, node()).result == "Pass"
    asked = plan(live, "UpdateResources", [FieldChange(path.replace("limits", "requests"), 1, 2)])
    assert "2 cpu" in check("NodeFit", live, asked, node()).evidence


def test_a_node_that_tells_nothing_has_nothing() -> None:
    """Allocatable that is not reported is none."""
    empty: KubeObject = {"status": {}}
    assert allocatable(empty, "memory") == allocatable(node(), "ephemeral-storage") == Decimal(0)


READY = [{"type": "Ready", "status": "True"}]
TAINT = {"key": "pool", "value": "burst", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        (READY, True),
        ([{"type": "Ready", "status": "Unknown"}], False),
        ([{"type": "MemoryPressure", "status": "True"}], False),
        ([{"type": "MemoryPressure", "status": "True"}, *READY], True),
        ([], False),
        (None, False),
    ],
)
def test_only_a_ready_node_counts(conditions: Any, ready: bool) -> None:
    """Unknown is no, and another condition is not readiness."""
    assert usable({"metadata": {}, "spec": {}, "status": {"conditions": conditions}}, {}) is ready


@pytest.mark.parametrize(
    ("tolerations", "fits"),
    [
        ([], False),
        ([{"key": "pool", "value": "burst"}], True),
        ([{"key": "pool", "operator": "Equal", "value": "burst", "effect": "NoSchedule"}], True),
        ([{"key": "pool", "value": "other"}], False),
        ([{"key": "pool"}], False),  # no value is the empty value
        ([{"key": "other", "value": "burst"}], False),
        ([{"key": "pool", "value": "burst", "effect": "NoExecute"}], False),
        ([{"key": "pool", "value": "burst", "effect": ""}], True),
        ([{"key": "pool", "operator": "Exists"}], True),
        ([{"key": "other", "operator": "Exists"}], False),
        ([{"operator": "Exists"}], True),
        ([{"key": "", "operator": "Exists"}], True),
        ([{"operator": "Exists", "effect": "NoExecute"}], False),
        ([{"operator": "Exists", "effect": "NoExecute"}, {"operator": "Exists"}], True),
        ([{"key": "other", "operator": "Exists"}, {"key": "pool", "value": "burst"}], True),
    ],
)
def test_a_taint_is_tolerated_as_the_scheduler_does(
    tolerations: list[dict[str, str]], fits: bool
) -> None:
    """Key, value and effect have to fit; Exists asks for no value, and without key for none."""
    assert usable(node(taints=[TAINT]), {"tolerations": tolerations}) is fits


@pytest.mark.parametrize(
    ("effects", "fits"),
    [
        (["NoSchedule"], False),
        (["NoExecute"], False),
        (["PreferNoSchedule"], True),
        (["PreferNoSchedule", "NoExecute"], False),
    ],
)
def test_a_taint_that_only_prefers_keeps_nobody_away(effects: list[str], fits: bool) -> None:
    """Every hard taint has to be tolerated."""
    taints = [{"key": "k", "effect": effect} for effect in effects]
    assert usable(node(taints=taints), {}) is fits


def test_a_tolerated_taint_without_a_value() -> None:
    """Neither has a value: they are the same."""
    bare = node(taints=[{"key": "k", "effect": "NoSchedule"}])
    assert usable(bare, {"tolerations": [{"key": "k"}]})
    assert not usable(bare, {"tolerations": [{"key": "k", "value": "v"}]})


def test_a_selector_needs_every_label() -> None:
    """A node without labels takes only pods that ask for none."""
    labelled = node()
    labelled["metadata"]["labels"] = {"pool": "burst", "zone": "a"}
    assert usable(labelled, {"nodeSelector": {"pool": "burst", "zone": "a"}})
    assert not usable(labelled, {"nodeSelector": {"pool": "burst", "zone": "b"}})
    assert not usable(node(), {"nodeSelector": {"pool": "burst"}})
    assert not usable(node(unschedulable=True), {})


# QoS and what a pod asks for


def pod(*resources: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a pod spec of several containers."""
    listed = [{"name": f"c{n}", "resources": given} for n, given in enumerate(resources)]
    return {"containers": listed, **parts}


BOTH = {"limits": {"cpu": "1", "memory": "1Gi"}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (pod(BOTH, BOTH), "Guaranteed"),
        (pod(BOTH, {}), "Burstable"),
        (pod({"limits": {"cpu": "1"}}), "Burstable"),
        (pod({"requests": {"cpu": "1", "memory": "1Gi"}}), "Burstable"),
        (pod(BOTH | {"requests": {"memory": "1Gi", "cpu": "1000m"}}), "Guaranteed"),
        (pod({}, {}), "BestEffort"),
        (pod({"limits": None}), "BestEffort"),
    ],
)
def test_every_container_counts_for_the_class(spec: dict[str, Any], expected: str) -> None:
    """Guaranteed needs all of them, with both resources, in whatever spelling."""
    assert qos_class(spec) == expected


def test_gaining_or_leaving_a_class_is_told_with_what_to_do() -> None:
    """Both directions change who is evicted first."""
    live = web(limits={"memory": "200Mi", "cpu": "1"}, requests={"memory": "100Mi", "cpu": "1"})
    follows = plan(live, "UpdateResources", [FieldChange(REQUEST, "100Mi", "200Mi")])
    gained = check("QosClass", live, follows)
    assert told(gained) == ("Warn", "changes from Burstable to Guaranteed")
    assert "Follow" not in gained.next_step
    live = web(limits={"memory": "200Mi", "cpu": "1"}, requests={"memory": "200Mi", "cpu": "1"})
    lost = check("QosClass", live, memory(live, "300Mi"))
    assert "Follow" in lost.next_step
    assert check("QosClass", live, restart(live)).name == "absent"


def test_a_pod_asks_for_its_sidecars_and_overhead_too() -> None:
    """Restartable init containers run beside the others; ordinary ones are over by then."""
    sidecar = {"name": "mesh", "restartPolicy": "Always", "resources": {"limits": {"cpu": "2"}}}
    setup = {"name": "setup", "resources": {"limits": {"cpu": "9"}}}
    spec = pod(BOTH, {}, initContainers=[sidecar, setup], overhead={"cpu": "250m"})
    assert [one["name"] for one in containers(spec)] == ["c0", "c1", "mesh"]
    assert pod_total(spec, "limits", "cpu") == Decimal("3.25")
    assert pod_total(spec, "requests", "cpu") == Decimal("3.25")
    assert pod_total(pod({"requests": {"cpu": "1"}}), "limits", "cpu") == Decimal(0)


# disruption


def budget(**status: int) -> KubeObject:
    """Return a budget of `web`; without numbers the controller has not looked at it yet."""
    made = around("PodDisruptionBudget", "web", spec={"selector": {"matchLabels": {"app": "web"}}})
    return made | ({"status": status} if status else {})


def test_a_budget_that_nobody_looked_at_allows_nothing() -> None:
    """Without a status there is no disruption to give, and no proof of health."""
    live = web()
    replicaset, stuck = own_pod(live, ready=False)
    answer = check("DisruptionBudget", live, eviction(live, stuck), replicaset, stuck, budget())
    assert answer.result == "Block"
    assert "allows 0 disruptions (0 healthy, 0 needed)" in answer.evidence
    assert check("DisruptionBudget", live, restart(live), budget()).result == "Warn"


@pytest.mark.parametrize(
    ("status", "ready", "result"),
    [
        ({"disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2}, True, "Pass"),
        ({"disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 2}, True, "Block"),
        ({"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1}, False, "Pass"),
        ({"disruptionsAllowed": 0, "currentHealthy": 1}, False, "Block"),
        ({"disruptionsAllowed": 0, "desiredHealthy": 1}, False, "Block"),
    ],
)
def test_an_eviction_needs_a_disruption_or_an_unhealthy_pod(
    status: dict[str, int], ready: bool, result: str
) -> None:
    """IfHealthyBudget lets an unhealthy pod go while enough others are proved healthy."""
    live = web()
    replicaset, stuck = own_pod(live, ready=ready)
    answer = check(
        "DisruptionBudget", live, eviction(live, stuck), replicaset, stuck, budget(**status)
    )
    assert answer.result == result


def test_the_pod_that_goes_is_the_one_that_is_looked_at() -> None:
    """A ready neighbour says nothing about it, and other conditions are not readiness."""
    live = web()
    replicaset, stuck = own_pod(live, ready=False)
    well = put(own_pod(live, ready=True)[1], "metadata.name", "aaa")
    well["metadata"]["uid"] = "another"
    stuck["status"]["conditions"].append({"type": "PodScheduled", "status": "True"})
    full = budget(disruptionsAllowed=0, currentHealthy=1, desiredHealthy=1)
    answer = check("DisruptionBudget", live, eviction(live, stuck), replicaset, well, stuck, full)
    assert answer.result == "Pass"
    well["status"]["conditions"].append({"type": "PodScheduled", "status": "False"})
    answer = check("DisruptionBudget", live, eviction(live, well), replicaset, well, stuck, full)
    assert answer.result == "Block"


def test_a_pod_without_status_is_not_ready() -> None:
    """It has just been made: what is not known to be ready is not."""
    live = web()
    replicaset, stuck = own_pod(live, ready=True)
    del stuck["status"]
    full = budget(disruptionsAllowed=0, currentHealthy=1, desiredHealthy=1)
    answer = check("DisruptionBudget", live, eviction(live, stuck), replicaset, stuck, full)
    assert answer.result == "Pass"


def test_a_daemon_set_with_a_surge_has_no_gap() -> None:
    """The new pod of a node is ready before the old one goes."""
    live = recorded("daemonset-node-agent")
    assert check("Downtime", live, restart(live)).result == "Warn"
    for update in (None, {}, {"rollingUpdate": None}):
        live["spec"]["updateStrategy"] = update
        assert check("Downtime", live, restart(live)).result == "Warn"
    live["spec"]["updateStrategy"] = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert check("Downtime", live, restart(live)).result == "Pass"


def test_a_deployment_without_a_strategy_rolls() -> None:
    """The API server's default leaves a gap to nobody."""
    live = web()
    live["spec"].pop("strategy", None)
    assert told(check("Downtime", live, restart(live))) == ("Pass", "old and new of 2 pods overlap")


def test_a_volume_for_many_is_shared_whatever_else_it_can() -> None:
    """One mode for many is enough; a claim that tells no mode is taken for one node's."""
    live = web()
    volumes = [
        {"name": "tmp", "emptyDir": {}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
    ]
    live["spec"]["template"]["spec"]["volumes"] = volumes
    for modes, result in (
        (["ReadWriteOnce", "ReadOnlyMany"], "Pass"),
        (["ReadWriteOnce"], "Warn"),
        (None, "Warn"),
    ):
        claim = around("PersistentVolumeClaim", "data", spec={"accessModes": modes})
        assert check("Downtime", live, restart(live), claim).result == result


# autoscalers


def autoscaler(*metrics: dict[str, Any] | None, **spec: Any) -> KubeObject:
    """Return an autoscaler of `web`."""
    ref = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 4}
    return around("HorizontalPodAutoscaler", "web", spec=ref | {"metrics": [*metrics]} | spec)


def utilization(name: str, source: str = "resource") -> dict[str, Any]:
    """Return a metric that is a share of the request."""
    return {source: {"name": name, "target": {"type": "Utilization"}}}


@pytest.mark.parametrize(
    ("metric", "path", "result"),
    [
        (utilization("memory"), REQUEST, "Warn"),
        (utilization("memory", "containerResource"), REQUEST, "Warn"),
        (utilization("cpu"), REQUEST, "Pass"),
        (utilization("memory"), LIMIT, "Pass"),  # the limit is no part of the share
        ({"resource": {"name": "memory", "target": {"type": "AverageValue"}}}, REQUEST, "Pass"),
        ({"resource": {"name": "memory"}}, REQUEST, "Pass"),
        ({"pods": {"metric": {"name": "queue"}}}, REQUEST, "Pass"),
    ],
)
def test_a_request_moves_what_is_measured_as_its_share(
    metric: dict[str, Any], path: str, result: str
) -> None:
    """Whether by pod or by container; other targets are amounts of their own."""
    live = web()
    planned = plan(live, "UpdateResources", [FieldChange(path, "100Mi", "150Mi")])
    answer = check("Autoscaler", live, planned, autoscaler(metric))
    assert answer.result == result
    assert "HorizontalPodAutoscaler web" in answer.evidence


def test_an_autoscaler_without_metrics_or_minimum_owns_the_replicas_too() -> None:
    """It keeps to its bounds all the same; the minimum is one where none is told."""
    live = web()
    bare = autoscaler()
    del bare["spec"]["metrics"]
    assert check("Autoscaler", live, memory(live, "300Mi"), bare).result == "Pass"
    answer = check("Autoscaler", live, replicas(live, 3), bare)
    assert answer.evidence == "HorizontalPodAutoscaler web (1 to 4) owns the replicas"
    assert check("Autoscaler", live, restart(live), bare).name == "absent"


@pytest.mark.parametrize(
    ("state", "why", "expected"),
    [
        ("True", "TooManyReplicas", True),
        ("False", "TooManyReplicas", False),
        ("True", "TooFewReplicas", False),
        ("False", "DesiredWithinRange", False),
    ],
)
def test_only_a_wish_for_more_is_being_limited(state: str, why: str, expected: bool) -> None:
    """At its minimum an autoscaler is limited as well, the other way."""
    condition = {"type": "ScalingLimited", "status": state, "reason": why}
    assert limited(autoscaler() | {"status": {"conditions": [condition]}}) is expected


def test_a_vertical_autoscaler_acts_unless_it_says_off() -> None:
    """Without an update policy it is Auto; several are looked at."""

    def sizer(name: str, **spec: Any) -> KubeObject:
        target = {"targetRef": {"kind": "Deployment", "name": "web"}}
        return around("VerticalPodAutoscaler", name, spec=target | spec)

    live = web()
    planned = memory(live, "300Mi")
    off = sizer("off", updatePolicy={"updateMode": "Off"})
    answer = check("VerticalAutoscaler", live, planned, off, sizer("busy"))
    assert told(answer) == ("Block", "VerticalPodAutoscaler busy (Auto) owns the resources")
    only = check("VerticalAutoscaler", live, planned, off)
    assert told(only) == ("Pass", "a VerticalPodAutoscaler only recommends (Off)")
    none = check("VerticalAutoscaler", live, planned)
    assert told(none) == ("Pass", "no VerticalPodAutoscaler sizes it")
    assert check("VerticalAutoscaler", live, replicas(live, 3), sizer("busy")).name == "absent"


# what is written where


def elsewhere(live: KubeObject, kind: str, path: str, **more: Any) -> Plan:
    """Return a plan that writes another object than the workload."""
    made = plan(live, "Other", [FieldChange(path, 1, 2)])
    return replace(made, patch=Patch({}, kind=kind, name="web", **more))


def test_what_is_written_elsewhere_replaces_and_scales_nothing_here() -> None:
    """An autoscaler's fields are not the workload's, even where they have the same path."""
    live = web()
    for path in ("spec.replicas", "spec.template.metadata.labels[x]"):
        other = elsewhere(live, "HorizontalPodAutoscaler", path)
        assert check("Autoscaler", live, other, autoscaler()).name == "absent"
        assert check("Downtime", live, other).name == "absent"
        assert check("Quota", live, other, quota({"pods": "0"}, {"pods": "0"})).name == "absent"


def test_one_field_of_several_is_enough() -> None:
    """A plan that scales and rolls does both."""
    live = web()
    path = "spec.template.metadata.annotations[x]"
    both = plan(live, "Other", [FieldChange("spec.replicas", 2, 3), FieldChange(path, None, "y")])
    assert check("Autoscaler", live, both, autoscaler()).result == "Block"
    assert check("Downtime", live, both).result == "Pass"
    assert check("QosClass", live, both).name == "absent"


# identity, namespace, what cannot be read


def test_a_request_by_name_has_no_uid_to_compare() -> None:
    """Whoever asks by name means the object that is there."""
    live = web()
    planned = replace(restart(live), target=target_of(live).with_uid(""))
    assert check("Identity", live, planned).result == "Pass"


def test_a_namespace_that_is_being_deleted_blocks_whatever_its_phase() -> None:
    """The moment of deletion comes before the phase; without a phase it is active."""
    live = web()
    home = {"kind": "Namespace", "metadata": {"name": "shop"}}
    assert check("Namespace", live, restart(live), home).result == "Pass"
    home["metadata"] = {"name": "shop", "deletionTimestamp": "2026-11-22T22:00:00Z"}
    answer = check("Namespace", live, restart(live), home)
    assert told(answer) == ("Block", "namespace shop is Terminating")


def test_an_object_without_labels_is_nobodys() -> None:
    """No labels, no annotations, no managers: no tool."""
    live = web()
    for part in ("labels", "annotations", "managedFields"):
        live["metadata"].pop(part, None)
    assert check("GitOps", live, restart(live)).result == "Pass"


def test_the_hint_of_what_failed_is_the_next_step() -> None:
    """Whoever could not be asked says what to do; else it is to plan again."""
    live = web()
    answer = check("Namespace", live, restart(live), broken=frozenset({"Namespace"}))
    assert answer.next_step == "see that it can be read, then plan again"

    def failing(scene: Scene) -> Precheck:
        raise ClusterUnavailable("no answer", hint="wait for the upgrade")

    scene = Scene(restart(live), live, Surroundings(ListReader(), live), NOW)
    (answer,) = run(scene, {"Namespace": failing})
    assert (answer.result, answer.next_step) == (PrecheckResult.BLOCK, "wait for the upgrade")


def test_a_claim_or_pod_that_cannot_be_read_blocks() -> None:
    """Whether the volume can be shared, or the pod is unhealthy, is not known then."""
    live = web()
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    live["spec"]["template"]["spec"]["volumes"] = [volume]
    unread = frozenset({"PersistentVolumeClaim"})
    assert check("Downtime", live, restart(live), broken=unread).result == "Block"
    assert check("Downtime", live, restart(live)).result == "Block"  # there is no such claim
    replicaset, stuck = own_pod(live, ready=False)
    full = budget(disruptionsAllowed=0, currentHealthy=1, desiredHealthy=1)
    for kind in ("Pod", "ReplicaSet"):
        answer = check(
            "DisruptionBudget",
            live,
            eviction(live, stuck),
            replicaset,
            stuck,
            full,
            broken=frozenset({kind}),
        )
        assert answer.result == "Block"


# telemetry


def seen(live: KubeObject, container: str = "app", **values: Any) -> AuditRow:
    """Return a row of this moment about a container."""
    target = target_of(live, container)
    return AuditRow("container-memory", target, Severity.CRITICAL, values, 10, NOW)


def moved(live: KubeObject, ago: timedelta) -> KubeObject:
    """Let the last rollout have ended a while ago."""
    at = (NOW - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
    live["status"]["conditions"] = [
        {
            "type": "Progressing",
            "status": "True",
            "reason": "NewReplicaSetAvailable",
            "lastUpdateTime": at,
        }
    ]
    return live


def test_a_sample_of_the_very_moment_is_too_old() -> None:
    """Evidence counts from after the rollout on; without either time there is nothing to say."""
    live = moved(web(), timedelta(0))
    planned = memory(live, "300Mi")
    assert check("Telemetry", live, planned, row=seen(live)).result == "Block"
    live = moved(web(), timedelta(seconds=1))
    assert check("Telemetry", live, planned, row=seen(live)).result == "Pass"
    undated = replace(seen(live), last_seen=None)
    assert check("Telemetry", live, planned, row=undated).result == "Pass"
    assert check("Telemetry", web(), planned, row=seen(live)).result == "Pass"


@pytest.mark.parametrize(
    ("told_bytes", "result"),
    [(200, "Pass"), (202, "Pass"), (203, "Block"), (198, "Pass"), (197, "Block")],
)
def test_a_hundredth_is_rounding(told_bytes: int, result: str) -> None:
    """Collectors round; more than one percent is another limit."""
    live = web()
    row = seen(live, memory_limit_bytes=told_bytes * 2**20)
    assert check("Telemetry", live, memory(live, "300Mi"), row=row).result == result


def test_only_what_both_sides_tell_is_compared() -> None:
    """No limit, no replica count, or another container: nothing contradicts."""
    live = web(requests={"memory": "100Mi"})
    row = seen(live, memory_limit_bytes=5 * 2**20)
    assert check("Telemetry", live, memory(live, "300Mi"), row=row).result == "Pass"
    live = web()
    row = seen(live, "proxy", memory_limit_bytes=5 * 2**20)
    assert check("Telemetry", live, memory(live, "300Mi"), row=row).result == "Pass"
    del live["spec"]["replicas"]
    row = seen(live, desired=9)
    assert check("Telemetry", live, memory(live, "300Mi"), row=row).result == "Pass"
