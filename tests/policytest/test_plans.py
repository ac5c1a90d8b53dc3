"""Proposed steps are planned from the test's objects, by the daemon's own planner."""

from support.policytests import POLICY, ROW, result, told

ROLLBACK = POLICY.replace("onFailure: Next", "onFailure: Rollback").replace(
    "maxAttempts: 1", "maxAttempts: 2"
)

RAISED = (
    "{spec: {template: {spec: {containers: [{name: app, resources: "
    "{limits: {memory: 512Mi}, requests: {memory: 256Mi}}}]}}}}"
)


def planned(tmp_path, expect, *, objects="[cart.yaml]", rows=ROW, more=""):
    return result(
        tmp_path,
        f"rows: [{{at: 0m, until: 1m, row: {rows}}}]\nfixtures: {{objects: {objects}}}\n{more}"
        f"expect:\n  - {{at: 1m, {expect}}}",
    )


def test_the_patch_is_the_one_that_would_be_written(tmp_path):
    """Inline, the whole patch has to be the same."""
    found = planned(tmp_path, f"outcome: Proposed, patch: {RAISED}")
    assert told(found) == []


def test_the_expected_patch_may_lie_in_a_file(tmp_path):
    """A path is read relative to the test."""
    (tmp_path / "raised.yaml").write_text(RAISED)
    assert told(planned(tmp_path, "outcome: Proposed, patch: raised.yaml")) == []


def test_another_patch_is_told_as_a_difference(tmp_path):
    """The line that differs can be seen."""
    found = planned(tmp_path, f"outcome: Proposed, patch: {RAISED.replace('512Mi', '384Mi')}")
    assert told(found) == ["at 1m more-memory would write another patch"]
    changed = [line for line in found.failures[0].diff.splitlines() if line[:2] in ("- ", "+ ")]
    assert [line.split() for line in changed] == [["-", "memory:", "384Mi"], ["+", "memory:",
                                                                             "512Mi"]]  # fmt: skip


def test_a_patch_cannot_be_expected_without_objects(tmp_path):
    """Nothing is planned where there is no cluster to plan from."""
    found = planned(tmp_path, f"outcome: Proposed, patch: {RAISED}", objects="[]")
    assert told(found) == ["at 1m nothing was planned for want of fixtures, so there is no patch"]


def test_an_object_that_is_not_there_refuses_the_proposal(tmp_path):
    """As in a cluster from which the workload was deleted."""
    found = planned(
        tmp_path, "outcome: Refused, reason: NotFound", rows=ROW.replace("cart", "gone")
    )
    assert told(found) == []


def test_a_refusal_that_is_not_expected_fails(tmp_path):
    """A policy that proposes what cannot be done is not a policy that stays calm."""
    rows = ROW.replace("cart", "gone")
    found = result(
        tmp_path,
        f"rows: [{{at: 0m, until: 1m, row: {rows}}}]\nfixtures: {{objects: [cart.yaml]}}\n"
        "expect: []",
    )
    assert told(found) == ["at 1m more-memory gave Refused, which is not expected"]
    assert "the fixtures have no Deployment shop/gone" in found.failures[0].diff


def test_a_precheck_that_blocks_is_named(tmp_path):
    """Quotas, limit ranges and the rest are looked at as in a cluster."""
    tight = (
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, "
        'spec: {hard: {limits.memory: 600Mi}}, status: {used: {limits.memory: "512Mi"}}}'
    )
    found = planned(
        tmp_path,
        "outcome: Refused, reason: Blocked, precheck: Quota",
        objects=f"[cart.yaml, {tight}]",
    )
    assert told(found) == []


def test_a_list_as_kubectl_prints_it_is_taken_apart(tmp_path):
    """A fixture file may hold several objects."""
    (tmp_path / "all.yaml").write_text(
        "apiVersion: v1\nkind: List\nitems:\n"
        "  - {apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: shop}, spec:"
        " {limits: [{type: Container, max: {memory: 300Mi}}]}}\n"
    )
    found = planned(
        tmp_path,
        "outcome: Proposed, patch: "
        + RAISED.replace("512Mi", "300Mi").replace("requests: {memory: 256Mi}",
                                                   "requests: {memory: 160Mi}"),
        objects="[cart.yaml, all.yaml]",
    )  # fmt: skip
    assert told(found) == []


def test_an_applied_change_is_what_the_next_plan_starts_from(tmp_path):
    """After the approval the object has the new limit, and the next raise doubles that one."""
    found = result(
        tmp_path,
        f"""\
rows:
  - {{at: 0m, until: 1m, row: {ROW}}}
  - {{at: 20m, row: {{$same: 0, limit_bytes: 536870912}}}}
fixtures: {{objects: [cart.yaml]}}
events:
  - {{at: 2m, approve: Deployment/shop/cart, verdict: Effective}}
expect:
  - {{at: 1m, outcome: Proposed, step: raise}}
  - {{at: 20m, outcome: Proposed, step: restart}}""",
    )
    assert told(found) == []
    first, last = (one.plan for one in found.seen if one.plan)
    assert (first.resource_version, last.resource_version) == ("1", "2")


def test_a_change_that_did_not_help_is_taken_back(tmp_path):
    """After the undo the object has its old limit: what is planned from it was tried already."""
    found = result(
        tmp_path,
        f"""\
rows:
  - {{at: 0m, until: 1m, row: {ROW}}}
  - {{at: 3h, row: {{$same: 0}}}}
fixtures: {{objects: [cart.yaml]}}
events:
  - {{at: 2m, approve: Deployment/shop/cart}}
  - {{at: 5m, settle: Deployment/shop/cart, verdict: Harmful}}
expect:
  - {{at: 1m, outcome: Proposed}}
  - {{at: 3h, outcome: Held, reason: Repeat}}""",
        policy=ROLLBACK,
    )
    assert told(found) == []


def test_objects_may_change_meanwhile(tmp_path):
    """A deployment that someone paused is not restarted."""
    paused = (
        "{kind: Deployment, metadata: {name: cart, namespace: shop}, spec: {paused: true, "
        "template: {spec: {containers: [{name: app, resources: {limits: {memory: 256Mi}}}]}}}}"
    )
    found = planned(
        tmp_path,
        "outcome: Refused, reason: Blocked, precheck: Rollout",
        more=f"events: [{{at: 1m, objects: [{paused}]}}]\n",
    )
    assert told(found) == []
