"""Guardrails hold in a policy test what they hold in the daemon."""

import pytest

from remedyd.errors import InvalidInput
from support.policytests import HEAD, POLICY, ROW, load, result, told

ONE = f"rows: [{{at: 0m, until: 1m, row: {ROW}}}]\n"
ONCE = POLICY.replace("onFailure: Next", "onFailure: Rollback")
AUTO = POLICY.replace("spec:\n", "spec:\n  mode: Auto\n", 1)


def annotated(mode, kind="Deployment"):
    """Return the workload, and its namespace, one of them with the annotation."""
    note = f"annotations: {{remedyd.io/mode: '{mode}'}}"
    of_workload, of_namespace = (note, "") if kind == "Deployment" else ("", note)
    return (
        f"fixtures: {{objects: [{{kind: Namespace, metadata: {{name: shop, {of_namespace}}}}}, "
        f"{{kind: Deployment, metadata: {{name: cart, namespace: shop, {of_workload}}}, spec: "
        "{template: {spec: {containers: "
        "[{name: app, resources: {limits: {memory: 256Mi}}}]}}}}]}\n"
    )


def came(tmp_path, case, expected, *, policy=POLICY, head=HEAD):
    """Run a case that expects one outcome at its second minute."""
    text = f"{case}expect: [{{at: 1m, {expected}}}]"
    return told(result(tmp_path, text, policy=policy, head=head))


FREEZE = "{name: f, kind: Freeze, start: 2026-01-01T00:00, end: 2026-01-01T01:00}"
NIGHTS = '{name: n, kind: Maintenance, start: "22:00", end: "23:00"}'


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ("{protectedNamespaces: [sho*]}", "ProtectedNamespace"),
        (f"{{windows: [{FREEZE}]}}", "Frozen"),
        (f"{{windows: [{NIGHTS}]}}", "OutsideMaintenance"),
        ("{storm: {minimumWorkloads: 1}}", "Storm"),
    ],
)
def test_limits_of_the_case_hold_a_proposal(tmp_path, limits, reason):
    """Each with its own reason, as the daemon gives it."""
    case = f"guardrails: {limits}\n{ONE}"
    assert came(tmp_path, case, f"outcome: Held, reason: {reason}") == []


def test_without_a_word_about_them_the_daemons_own_guardrails_hold(tmp_path):
    """Of four workloads at once no more than three are proposed for."""
    rows = "".join(
        f"  - {{at: 0m, until: 1m, row: {{$same: 0, name: w{number}}}}}\n" for number in range(3)
    )
    proposed = "  - {at: 1m, outcome: Proposed}\n" * 3
    found = result(
        tmp_path,
        f"others: 30\nrows:\n  - {{at: 0m, until: 1m, row: {ROW}}}\n{rows}expect:\n{proposed}"
        "  - {at: 1m, outcome: Held, reason: Concurrency}",
    )
    assert told(found) == []


def test_guardrails_may_be_a_file_for_all_cases(tmp_path):
    """As the daemon reads it; a case may have its own instead."""
    spec = f"spec: {{windows: [{FREEZE}]}}\n"
    top = "apiVersion: remedyd.io/v1alpha1\nkind: Guardrails\nmetadata: {name: g}\n"
    (tmp_path / "rails.yaml").write_text(top + spec)
    head = HEAD + "guardrails: rails.yaml\n"
    assert came(tmp_path, ONE, "outcome: Held, reason: Frozen", head=head) == []
    own = f"guardrails: {{}}\n{ONE}"
    assert came(tmp_path, own, "outcome: Proposed", head=head) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.yaml", "t.yaml:10:17: there is no file"),
        ("{concurency: 3}", 't.yaml:10:18: unknown key "concurency" (did you mean "concurrency"?)'),
        ("{concurrency: many}", 't.yaml:10:31: must be a whole number, got the text "many"'),
        ("p.yaml", "p.yaml:2:7: must be Guardrails"),
    ],
)
def test_guardrails_that_cannot_be_used_are_load_errors(tmp_path, given, message):
    """With the place of the mistake."""
    case = f"  - name: c\n    rows: []\n    guardrails: {given}\n    expect: []\n"
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, case)
    assert message in str(caught.value.problems[0]).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize("kind", ["Deployment", "Namespace"])
def test_who_opted_out_is_left_alone(tmp_path, kind):
    """The annotation of the workload counts as much as that of its namespace."""
    case = annotated("off", kind) + ONE
    assert came(tmp_path, case, "outcome: Held, reason: OptedOut") == []


def test_an_annotation_lowers_the_mode(tmp_path):
    """A rehearsal is a proposal that ends at once."""
    case = annotated("dry-run") + ONE
    assert came(tmp_path, case, "outcome: Proposed, mode: DryRun") == []


def test_another_mode_than_expected_fails(tmp_path):
    """With the mode in the difference."""
    found = result(tmp_path, f"{ONE}expect: [{{at: 1m, outcome: Proposed, mode: Auto}}]")
    assert "-mode: Auto\n" in found.failures[0].diff
    assert "+mode: Propose\n" in found.failures[0].diff


def test_a_node_that_is_not_ready_holds_everything(tmp_path):
    """Until ten minutes after it is ready again."""
    node = (
        "{kind: Node, metadata: {name: n}, status: {conditions: [{type: Ready, status: %s}], "
        "allocatable: {cpu: '8', memory: 16Gi, pods: '110'}}}"
    )
    found = result(
        tmp_path,
        f"""\
fixtures: {{objects: [cart.yaml, {node % "'False'"}]}}
rows: [{{at: 0m, until: 13m, row: {ROW}}}]
events: [{{at: 2m, objects: [{node % "'True'"}]}}]
expect:
  - {{at: 1m, until: 10m, outcome: Held, reason: Storm}}
  - {{at: 11m, outcome: Proposed}}""",
    )
    assert told(found) == []


@pytest.mark.parametrize(("nodes", "came_of_it"), [(49, "Held, reason: Storm"), (50, "Proposed")])
def test_of_many_nodes_a_few_may_be_not_ready(tmp_path, nodes, came_of_it):
    """The share is of the nodes among the objects: 2 % of 49 are none, of 50 one."""
    node = (
        "{kind: Node, metadata: {name: n%s}, status: {conditions: [{type: Ready, status: %s}], "
        "allocatable: {cpu: '8', memory: 16Gi, pods: '110'}}}"
    )
    all_of_them = ", ".join(node % (n, "'True'" if n else "'False'") for n in range(nodes))
    text = f"fixtures: {{objects: [cart.yaml, {all_of_them}]}}\n{ONE}"
    assert came(tmp_path, text, f"outcome: {came_of_it}") == []


def test_a_remedy_that_did_not_help_is_not_proposed_again(tmp_path):
    """Not in the same size, even after every cooldown."""
    found = result(
        tmp_path,
        f"""\
fixtures: {{objects: [cart.yaml]}}
rows:
  - {{at: 0m, until: 1m, row: {ROW}}}
  - {{at: 10h, row: {{$same: 0}}}}
events: [{{at: 2m, approve: Deployment/shop/cart, verdict: Ineffective}}]
expect:
  - {{at: 1m, outcome: Proposed}}
  - {{at: 10h, outcome: Held, reason: Repeat}}""",
        policy=ONCE.replace("maxAttempts: 1", "maxAttempts: 2"),
    )
    assert told(found) == []


def approved(tmp_path, event, limits, policy=POLICY):
    """Run a case in which somebody approves at the fourth minute."""
    return told(
        result(
            tmp_path,
            f"{ONE}guardrails: {{windows: [{limits}]}}\nevents: [{{at: 4m, {event}}}]\n"
            "expect: [{at: 1m, outcome: Proposed}]",
            policy=policy,
        )
    )


LATER = FREEZE.replace("T00:00", "T00:03")


def test_an_approval_in_a_freeze_is_refused(tmp_path):
    """As by the daemon; a test that did not foresee it fails."""
    text = "approve at 4m: is refused by Frozen: the freeze f lasts until 2026-01-01T01:00 (UTC)"
    assert approved(tmp_path, "approve: Deployment/shop/cart", LATER) == [text]


def test_a_refused_approval_can_be_expected(tmp_path):
    """By its reason."""
    assert approved(tmp_path, "approve: Deployment/shop/cart, refused: Frozen", LATER) == []


def test_an_approval_that_was_to_be_refused_and_is_not_fails(tmp_path):
    """The guardrail that the test is about is not there."""
    event, over = "approve: Deployment/shop/cart, refused: Storm", FREEZE.replace("01-01", "02-01")
    text = "approve at 4m: went through, and was to be refused by Storm"
    assert approved(tmp_path, event, over) == [text]


def test_a_policy_in_auto_is_held_to_the_annotation(tmp_path):
    """It is proposed, waits for a person, and is not applied."""
    text = annotated("propose") + (
        f"rows: [{{at: 0m, until: 2m, row: {ROW}}}]\n"
        "events: [{at: 2m, settle: Deployment/shop/cart, verdict: Effective}]\n"
        "expect: [{at: 1m, outcome: Proposed, mode: Propose}]"
    )
    (message,) = told(result(tmp_path, text, policy=AUTO))
    assert message.endswith("the proposal about Deployment/shop/cart is not applied yet")


def test_a_reason_that_does_not_exist_is_a_load_error(tmp_path):
    """In an event as in an expectation."""
    event = "{at: 0m, approve: Deployment/b/c, refused: Frosen}"
    case = f"  - {{name: c, rows: [], expect: [], events: [{event}]}}\n"
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, case)
    assert 'unknown reason "Frosen" (did you mean "Frozen"?)' in str(caught.value.problems[0])
