"""UpdateResources: from a live object to exact amounts."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from remedyd.actions.action import Ceiling, Live, validated
from remedyd.actions.registry import ACTIONS
from remedyd.actions.update_resources import UpdateResourcesParameters
from remedyd.cluster import fields, quantities
from remedyd.errors import InvalidInput, Refused
from remedyd.model import KubeObject, Plan
from support.cluster import put, recorded, target_of

NOW = datetime(2026, 11, 22, 22, 20, tzinfo=UTC)
LIMIT = "spec.template.spec.containers[app].resources.limits.memory"
REQUEST = "spec.template.spec.containers[app].resources.requests.memory"


def plan(
    live: KubeObject,
    params: dict[str, Any],
    *,
    container: str = "",
    ceilings: tuple[Ceiling, ...] = (),
) -> Plan:
    """Plan UpdateResources for a recorded object."""
    action = ACTIONS["UpdateResources"]
    checked = validated(action.params, params, action.type)
    return action.plan(target_of(live, container), checked, Live(live, ceilings=ceilings), NOW)


def values(found: Plan) -> dict[str, Any]:
    """Return the new value of each changed field."""
    return {change.path: change.new for change in found.changes}


def test_a_factor_starts_from_the_limit_that_killed() -> None:
    """The base is the limit, not the request: the new limit is above the one that was too low."""
    found = plan(recorded("deployment-checkout-oom"), {"memory": {"factor": 2}})
    assert values(found)[LIMIT] == "256Mi"
    assert found.changes[0].old == "128Mi"


def test_a_small_limit_grows_by_the_floor() -> None:
    """A fifth of 128Mi is nothing: the growth is at least 100Mi, then rounded up to 16Mi."""
    found = plan(recorded("deployment-checkout-oom"), {"memory": {"factor": 1.2}})
    assert values(found)[LIMIT] == "240Mi"


def test_the_floor_can_be_switched_off() -> None:
    """With `minBump: 0` the factor alone counts."""
    params = {"memory": {"factor": 1.25, "minBump": "0"}}
    assert values(plan(recorded("deployment-checkout-oom"), params))[LIMIT] == "160Mi"


def test_rounding_goes_up_to_the_next_multiple() -> None:
    """`roundTo` gives amounts that people recognise."""
    params = {"memory": {"factor": 1.5, "roundTo": "64Mi"}}
    assert values(plan(recorded("deployment-checkout-oom"), params))[LIMIT] == "256Mi"


@pytest.mark.parametrize(
    ("policy", "request_after"),
    [("Follow", "192Mi"), ("Keep", None), ("Equal", "256Mi")],
)
def test_the_request_goes_by_its_policy(policy: str, request_after: str | None) -> None:
    """Follow keeps the proportion 96:128, Keep the request, Equal makes both the same."""
    params = {"memory": {"factor": 2, "requestPolicy": policy}}
    found = plan(recorded("deployment-checkout-oom"), params)
    assert values(found).get(REQUEST) == request_after


def test_following_keeps_a_guaranteed_container_guaranteed() -> None:
    """Where request and limit are the same, they stay the same."""
    live = recorded("deployment-checkout-oom")
    put(live, "spec.template.spec.containers.0.resources.requests.memory", "128Mi")
    found = values(plan(live, {"memory": {"factor": 1.7}}))
    assert found[LIMIT] == found[REQUEST] == "240Mi"


def test_an_absolute_amount_is_set_exactly() -> None:
    """What a person asks for is not rounded, only spelt canonically."""
    found = plan(recorded("deployment-checkout-oom"), {"memory": {"absolute": "0.5Gi"}})
    assert values(found)[LIMIT] == "512Mi"


def test_the_same_amount_in_another_spelling_is_no_change() -> None:
    """128Mi is 0.125Gi already."""
    params = {"memory": {"absolute": "0.125Gi", "requestPolicy": "Keep"}}
    with pytest.raises(Refused) as caught:
        plan(recorded("deployment-checkout-oom"), params)
    assert caught.value.reason == "NoChange"


@pytest.mark.parametrize(
    ("resource", "before", "absolute", "after"),
    [
        ("memory", ("300Mi", "100Mi"), "500Mi", "167Mi"),
        ("memory", ("1536Mi", "128974848"), "129e6", "10Mi"),
        ("cpu", ("300m", "100m"), "500m", "167m"),
        ("cpu", ("300m", "100m"), "0.5m", "1m"),
    ],
)
def test_a_request_that_follows_is_an_amount_that_kubernetes_keeps(
    resource: str, before: tuple[str, str], absolute: str, after: str
) -> None:
    """The API server rounds finer ones up, and the plan would not be what lands."""
    live = recorded("deployment-checkout-oom")
    resources = {"limits": {resource: before[0]}, "requests": {resource: before[1]}}
    put(live, "spec.template.spec.containers.0.resources", resources)
    found = values(plan(live, {resource: {"absolute": absolute}}))
    assert found[REQUEST.replace("memory", resource)] == after


def test_growth_ends_at_the_policys_maximum() -> None:
    """A cap below the wanted amount is used when it still is more than before."""
    params = {"memory": {"factor": 3, "max": "300Mi"}}
    assert values(plan(recorded("deployment-checkout-oom"), params))[LIMIT] == "300Mi"


def test_a_container_at_its_cap_is_not_raised_again() -> None:
    """That is how a leak would be fed for ever: a person must look."""
    with pytest.raises(Refused, match="allows no more than 128Mi") as caught:
        plan(recorded("deployment-checkout-oom"), {"memory": {"factor": 1.5, "max": "128Mi"}})
    assert caught.value.reason == "AtCap"
    assert "leak" in caught.value.hint


def test_the_lowest_ceiling_counts_and_is_named() -> None:
    """Above the LimitRange no pod would be made, whatever the policy allows."""
    ceiling = Ceiling("memory", Decimal(128 * 2**20), "LimitRange container-bounds")
    with pytest.raises(Refused, match="LimitRange container-bounds allows no more"):
        plan(
            recorded("deployment-checkout-oom"),
            {"memory": {"factor": 2, "max": "4Gi"}},
            ceilings=(ceiling,),
        )


def test_a_quota_leaves_room_for_a_smaller_raise() -> None:
    """What a quota has left is shared by the pods: the raise ends there, in whole steps."""
    room = Ceiling("memory", Decimal(70 * 2**20), "ResourceQuota team", "limits", more=True)
    found = plan(recorded("deployment-checkout-oom"), {"memory": {"factor": 2}}, ceilings=(room,))
    assert values(found)[LIMIT] == "192Mi"


def test_a_quota_of_requests_bounds_the_request_alone() -> None:
    """The limit is what killed; a request that has no room to follow lags behind."""
    room = Ceiling("memory", Decimal(20 * 2**20), "ResourceQuota team", "requests", more=True)
    found = plan(recorded("deployment-checkout-oom"), {"memory": {"factor": 2}}, ceilings=(room,))
    assert (values(found)[LIMIT], values(found)[REQUEST]) == ("256Mi", "112Mi")


def test_a_quota_with_less_room_than_a_step_ends_the_raises() -> None:
    """Not even the smallest step fits: that is said, with the quota's name."""
    room = Ceiling("memory", Decimal(10 * 2**20), "ResourceQuota team", "limits", more=True)
    with pytest.raises(Refused, match="ResourceQuota team allows no more than 128Mi"):
        plan(recorded("deployment-checkout-oom"), {"memory": {"factor": 2}}, ceilings=(room,))


def test_no_limit_is_refused_because_it_did_not_kill() -> None:
    """A container without a limit is not stopped by it: growing one from nothing is a guess."""
    with pytest.raises(Refused, match="has no memory limit") as caught:
        plan(recorded("deployment-load-generator"), {"memory": {"factor": 2}})
    assert caught.value.reason == "NoLimit"


def test_an_absolute_limit_may_be_set_where_none_was() -> None:
    """The undo removes it again."""
    found = plan(recorded("deployment-load-generator"), {"memory": {"absolute": "256Mi"}})
    assert values(found) == {LIMIT: "256Mi"}
    assert found.undo is not None
    container = found.undo.body["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"] == {"memory": None}


@pytest.mark.parametrize("base", ["Request", "LimitOrRequest"])
def test_without_limit_and_request_there_is_no_base(base: str) -> None:
    """Neither base can be used when the container sets nothing."""
    with pytest.raises(Refused) as caught:
        plan(recorded("deployment-load-generator"), {"memory": {"factor": 2, "base": base}})
    assert caught.value.reason == "NoRequest"


def test_node_pressure_raises_the_request_and_leaves_a_roomy_limit() -> None:
    """With base Request the limit only follows when the request passes it."""
    params = {"memory": {"factor": 1.2, "base": "Request", "minBump": "16Mi", "roundTo": "16Mi"}}
    assert values(plan(recorded("deployment-checkout-oom"), params)) == {REQUEST: "128Mi"}


def test_a_request_that_passes_the_limit_takes_it_along() -> None:
    """A limit below the request would be refused by the API server."""
    params = {"memory": {"factor": 2, "base": "Request"}}
    found = values(plan(recorded("deployment-checkout-oom"), params))
    assert found[LIMIT] == found[REQUEST] == "208Mi"


def test_a_container_with_a_limit_alone_requests_as_much() -> None:
    """The kubelet sees the limit as its request, so that is the base."""
    live = recorded("deployment-checkout-oom")
    live["spec"]["template"]["spec"]["containers"][0]["resources"].pop("requests")
    found = values(plan(live, {"memory": {"factor": 2, "base": "Request"}}))
    assert found[LIMIT] == found[REQUEST] == "256Mi"


def test_the_default_of_a_limit_range_is_what_killed() -> None:
    """A container that sets no limit still has one where a LimitRange gives it."""
    live = recorded("deployment-load-generator")
    mebi = Decimal(2**20)
    given = {("limits", "memory"): 256 * mebi, ("requests", "memory"): 128 * mebi}
    action = ACTIONS["UpdateResources"]
    checked = validated(action.params, {"memory": {"factor": 2}}, action.type)
    found = action.plan(target_of(live), checked, Live(live, defaults=given), NOW)
    assert values(found) == {LIMIT: "512Mi", REQUEST: "256Mi"}
    assert [change.old for change in found.changes] == [None, None]


def test_limit_or_request_falls_back_to_the_request() -> None:
    """Where there is no limit, the request is the base."""
    live = recorded("deployment-checkout-oom")
    live["spec"]["template"]["spec"]["containers"][0]["resources"].pop("limits")
    params = {"memory": {"factor": 2, "base": "LimitOrRequest"}}
    assert values(plan(live, params)) == {REQUEST: "208Mi"}


def test_a_kept_request_above_the_new_limit_is_refused() -> None:
    """Said here, before the API server says it less clearly."""
    params = {"memory": {"absolute": "64Mi", "requestPolicy": "Keep"}}
    with pytest.raises(Refused) as caught:
        plan(recorded("deployment-checkout-oom"), params)
    assert caught.value.reason == "RequestAboveLimit"


def test_cpu_is_written_in_millicores() -> None:
    """CPU amounts are rounded to 10m."""
    found = values(plan(recorded("deployment-checkout-oom"), {"cpu": {"factor": 1.33}}))
    assert found[LIMIT.replace("memory", "cpu")] == "270m"
    assert found[REQUEST.replace("memory", "cpu")] == "70m"


def test_memory_and_cpu_change_in_one_patch() -> None:
    """Two rollouts for one decision would be one too many."""
    params = {"memory": {"absolute": "256Mi"}, "cpu": {"absolute": 1}}
    found = plan(recorded("deployment-checkout-oom"), params)
    assert found.patch is not None
    containers = found.patch.body["spec"]["template"]["spec"]["containers"]
    assert len(containers) == 1
    assert containers[0]["resources"]["limits"] == {"memory": "256Mi", "cpu": "1"}


def test_the_container_of_the_row_is_changed() -> None:
    """A pod with a sidecar changes only the container that the evidence is about."""
    live = recorded("deployment-frontend-deadline")
    found = plan(live, {"memory": {"factor": 2}}, container="proxy")
    assert all("containers[proxy]" in path for path in values(found))


def test_without_a_name_several_containers_are_ambiguous() -> None:
    """Guessing the first one would change the wrong one some day."""
    with pytest.raises(Refused, match="app, proxy") as caught:
        plan(recorded("deployment-frontend-deadline"), {"memory": {"factor": 2}})
    assert caught.value.reason == "AmbiguousContainer"


def test_the_default_container_annotation_decides() -> None:
    """What kubectl takes for the main container, we take too."""
    live = recorded("deployment-frontend-deadline")
    annotations = live["spec"]["template"]["metadata"].setdefault("annotations", {})
    annotations["kubectl.kubernetes.io/default-container"] = "app"
    assert LIMIT in values(plan(live, {"memory": {"factor": 2}}))


def test_a_misspelt_container_is_refused() -> None:
    """The API server would read it as a new container."""
    with pytest.raises(Refused) as caught:
        plan(recorded("deployment-checkout-oom"), {"container": "ap", "memory": {"factor": 2}})
    assert caught.value.reason == "NoContainer"


def test_a_sidecar_is_found_among_the_init_containers() -> None:
    """A restartable init container runs beside the others and can be killed like them."""
    live = recorded("deployment-checkout-oom")
    pod = live["spec"]["template"]["spec"]
    pod["initContainers"] = [
        {"name": "mesh", "restartPolicy": "Always", "resources": {"limits": {"memory": "64Mi"}}}
    ]
    found = plan(live, {"memory": {"factor": 2}}, container="mesh")
    assert list(values(found)) == [
        "spec.template.spec.initContainers[mesh].resources.limits.memory"
    ]


def test_the_undo_of_the_patch_is_the_object_as_it_was() -> None:
    """Patch and undo together change nothing."""
    live = recorded("deployment-checkout-oom")
    found = plan(live, {"memory": {"factor": 2}, "cpu": {"factor": 2}})
    after = fields.changed(live, found.changes)
    back = fields.changed(after, [type(c)(c.path, c.new, c.old) for c in found.changes])
    assert back == live
    assert found.undo is not None
    assert found.undo.body == fields.patch_body(found.changes, undo=True)


def test_the_diff_shows_old_and_new_under_the_container() -> None:
    """An approver reads a unified diff of the resources, with their place."""
    diff = plan(recorded("deployment-checkout-oom"), {"memory": {"factor": 2}}).diff
    assert "--- Deployment/shop/checkout (live)" in diff
    assert "@@ spec.template.spec.containers[app].resources @@" in diff
    assert "-    memory: 128Mi\n" in diff
    assert "+    memory: 256Mi\n" in diff


def test_the_consequence_names_restart_and_lowering() -> None:
    """The sentence says what happens to the pods, and warns where a limit is lowered."""
    params = {"memory": {"absolute": "96Mi"}}
    sentence = plan(recorded("deployment-checkout-oom"), params).consequence
    assert sentence.startswith("Rolling restart of 3 pods: at most 0 unavailable and 1 extra")
    assert "Lowers the memory limit" in sentence


def test_recreate_is_called_downtime() -> None:
    """Strategy Recreate stops every pod first."""
    sentence = plan(recorded("deployment-cart-recreate"), {"memory": {"factor": 2}}).consequence
    assert sentence.startswith("Downtime: strategy Recreate stops 2 pods")


def test_the_plan_is_bound_to_the_live_object() -> None:
    """Uid and resourceVersion are those of the object that was read."""
    live = recorded("deployment-checkout-oom")
    found = plan(live, {"memory": {"factor": 2}})
    assert found.target.uid == live["metadata"]["uid"]
    assert found.resource_version == live["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "at least one of memory and cpu"),
        ({"memory": {}}, "exactly one of factor and absolute"),
        ({"memory": {"factor": 2, "absolute": "1Gi"}}, "exactly one of factor and absolute"),
        ({"memory": {"absolute": "2Gi", "max": "1Gi"}}, "absolute must not be above max"),
        ({"memory": {"factor": 2, "min": "2Gi", "max": "1Gi"}}, "min must not be above max"),
        ({"memory": {"absolute": "0"}}, "must not be 0"),
        ({"memory": {"factor": 1}}, "changes nothing without minBump"),
        ({"memory": {"factor": 0}}, "greater than 0.1"),
        ({"memory": {"factor": "2"}}, "valid number"),
        ({"memory": {"factr": 2}}, "factr"),
        ({"memory": {"absolute": "12XB"}}, "is not a quantity"),
        ({"memory": {"absolute": "500m"}}, "memory: 500m is a fraction of a byte"),
        ({"memory": {"factor": 2, "max": "1500m"}}, "1500m is a fraction of a byte"),
        ({"memory": {"factor": 2, "requestPolicy": "follow"}}, "'Follow', 'Keep' or 'Equal'"),
    ],
)  # fmt: skip
def test_bad_parameters_are_named(params: dict[str, Any], message: str) -> None:
    """A mistake is reported with the key it is under."""
    with pytest.raises(InvalidInput, match=message):
        validated(UpdateResourcesParameters, params, "UpdateResources")


amounts = st.integers(1, 2**15).map(lambda mebi: f"{mebi}Mi")


@given(amounts, amounts, st.floats(1.05, 10), st.sampled_from(["Follow", "Keep", "Equal"]))
def test_a_raise_is_above_and_sound(limit: str, request: str, factor: float, policy: str) -> None:
    """Whatever the numbers, the limit grows by the floor at least and stays above the request."""
    assume(quantities.parse(request) <= quantities.parse(limit))
    live = recorded("deployment-checkout-oom")
    container = live["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"limits": {"memory": limit}, "requests": {"memory": request}}
    params = {"memory": {"factor": factor, "requestPolicy": policy}}
    after = fields.changed(live, plan(live, params).changes)
    grown = quantities.parse(fields.lookup(after, LIMIT))
    assert grown >= quantities.parse(limit) + 100 * quantities.MEBI
    asked = quantities.parse(fields.lookup(after, REQUEST))
    assert quantities.parse(request) <= asked <= grown
    assert grown % (16 * quantities.MEBI) == 0


@given(amounts, st.floats(1.05, 10), amounts)
def test_a_cap_is_never_passed(limit: str, factor: float, cap: str) -> None:
    """A growing amount ends at the cap, or is refused when it is there already."""
    live = recorded("deployment-checkout-oom")
    put(live, "spec.template.spec.containers.0.resources.limits.memory", limit)
    put(live, "spec.template.spec.containers.0.resources.requests.memory", "1Mi")
    try:
        found = plan(live, {"memory": {"factor": factor, "max": cap}})
    except Refused as refusal:
        assert refusal.reason == "AtCap"
        assert quantities.parse(limit) >= quantities.parse(cap)
    else:
        grown = quantities.parse(values(found)[LIMIT])
        assert quantities.parse(limit) < grown <= quantities.parse(cap)
