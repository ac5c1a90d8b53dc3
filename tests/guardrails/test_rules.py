"""Each guardrail stops what it is there to stop, and nothing else."""

from dataclasses import replace

import pytest

from remedyd.model import DecisionState, HoldKind, Mode, Nodes, Target
from remedyd.policy.guardrails import RULES, ceiling, objection
from support.guardrails import CART, NOW, change, failed, hold, minutes, reason, snapshot

PAUSED = DecisionState(paused=True)


def failures(count: int) -> dict[str, tuple[object, ...]]:
    return {CART.workload: tuple(NOW - minutes(m) for m in range(count))}


def test_nothing_stands_against_an_ordinary_change() -> None:
    """A change of one workload of many, with a clean past, passes every rule."""
    assert objection(snapshot()) is None


def test_every_objection_names_the_next_step() -> None:
    """No rule leaves a person without a hint."""
    assert [rule.reason for rule in RULES if not rule.hint] == []


def test_a_pause_stops_everything() -> None:
    """While paused neither a policy's nor a principal's change nor an undo is written."""
    assert reason(snapshot(state=PAUSED)) == "Paused"
    assert reason(snapshot(state=PAUSED, requested=True)) == "Paused"
    assert reason(snapshot(state=PAUSED, undo=True)) == "Paused"


def test_an_undo_passes_a_pause_only_where_configured() -> None:
    """`undoWhilePaused` lets an undo through, and nothing but an undo."""
    allowed = "{undoWhilePaused: true}"
    assert reason(snapshot(allowed, state=PAUSED, undo=True)) == ""
    assert reason(snapshot(allowed, state=PAUSED)) == "Paused"


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "kube-node-lease"])
def test_namespaces_of_the_cluster_are_protected(namespace: str) -> None:
    """By default nothing is written there, whoever asks."""
    there = replace(CART, namespace=namespace)
    assert reason(snapshot(target=there)) == "ProtectedNamespace"
    assert reason(snapshot(target=there, requested=True)) == "ProtectedNamespace"


def test_the_own_namespace_is_protected_beside_those_of_a_file() -> None:
    """remedyd's own namespace stays protected even where a file names others."""
    asked = snapshot("{protectedNamespaces: [bank-*]}")
    own = replace(asked, guardrails=asked.guardrails.protecting("remedyd"))
    assert reason(replace(own, target=replace(CART, namespace="remedyd"))) == "ProtectedNamespace"
    assert reason(replace(own, target=replace(CART, namespace="bank-1"))) == "ProtectedNamespace"
    assert reason(replace(own, target=replace(CART, namespace="kube-system"))) == ""


def test_opted_out_targets_are_left_alone() -> None:
    """`off` stops policies, principals and undos."""
    off = {"ceiling": Mode.DISABLED, "said": "Deployment cart says off"}
    assert reason(snapshot(**off)) == "OptedOut"
    assert reason(snapshot(**off, requested=True)) == "OptedOut"
    assert reason(snapshot(**off, undo=True)) == "OptedOut"


@pytest.mark.parametrize(
    ("mode", "top", "expected"),
    [
        (Mode.AUTO, Mode.AUTO, ""),
        (Mode.AUTO, Mode.PROPOSE, "StricterMode"),
        (Mode.PROPOSE, Mode.PROPOSE, ""),
        (Mode.PROPOSE, Mode.DRY_RUN, "StricterMode"),
        (Mode.DRY_RUN, Mode.DRY_RUN, ""),
        (Mode.DRY_RUN, Mode.AUTO, ""),
    ],
)
def test_a_change_goes_no_further_than_its_ceiling(mode: Mode, top: Mode, expected: str) -> None:
    """What an annotation allows less than, does not happen."""
    assert reason(snapshot(mode=mode, ceiling=top, said="it says so")) == expected


def _marked(kind: str, value: str | None) -> dict[str, object]:
    annotations = {} if value is None else {"remedyd.io/mode": value}
    return {"kind": kind, "metadata": {"name": "x", "annotations": annotations}}


@pytest.mark.parametrize(
    ("workload", "namespace", "expected"),
    [
        (None, None, Mode.AUTO),
        ("auto", "propose", Mode.PROPOSE),
        ("propose", "auto", Mode.PROPOSE),
        ("dry-run", "propose", Mode.DRY_RUN),
        (None, "off", Mode.DISABLED),
        ("off", "auto", Mode.DISABLED),
        ("Off", None, Mode.DISABLED),
        ("dryrun", "auto", Mode.DISABLED),
        ("", None, Mode.DISABLED),
    ],
)
def test_the_stricter_annotation_wins(
    workload: str | None, namespace: str | None, expected: Mode
) -> None:
    """Of workload and namespace the stricter counts, and a word nobody knows counts as off."""
    mode, said = ceiling(_marked("Deployment", workload), _marked("Namespace", namespace))
    assert mode is expected
    assert bool(said) is (workload is not None or namespace is not None)


def test_objects_without_annotations_have_no_ceiling() -> None:
    """An object whose metadata says nothing lowers nothing."""
    assert ceiling({"kind": "Deployment"}, {"metadata": {"annotations": None}})[0] is Mode.AUTO


def test_a_storm_in_progress_holds_policies() -> None:
    """While a storm is on record every policy's change is held, everywhere."""
    state = DecisionState(storm=hold(HoldKind.STORM, "prod", "5 of 9 critical"))
    assert reason(snapshot(state=state)) == "Storm"
    assert reason(snapshot(state=state, target=replace(CART, namespace="other"))) == "Storm"
    assert reason(snapshot(state=state, requested=True)) == ""


def test_signs_of_this_cycle_hold_at_once() -> None:
    """What the rows show now needs no record to hold."""
    assert reason(snapshot(storms={"a/prod/shop": "5 of 9 critical"})) == "Storm"


def test_a_node_that_is_not_ready_holds_everything() -> None:
    """One node is enough, unless some are tolerated."""
    one, two = Nodes(("worker-1",), 3), Nodes(("worker-1", "worker-2"), 3)
    assert reason(snapshot(nodes=one)) == "Storm"
    tolerant = "{storm: {nodesNotReady: 1}}"
    assert reason(snapshot(tolerant, nodes=one)) == ""
    assert reason(snapshot(tolerant, nodes=two)) == "Storm"


def test_a_quarantined_target_is_left_alone_by_everyone() -> None:
    """The hold stops policies and principals, for its target alone."""
    state = DecisionState(quarantined={CART.workload: hold(HoldKind.QUARANTINE, CART.workload)})
    assert reason(snapshot(state=state)) == "Quarantined"
    assert reason(snapshot(state=state, requested=True)) == "Quarantined"
    assert reason(snapshot(state=state, target=replace(CART, name="ad"))) == ""


def test_the_third_failure_sets_a_target_aside() -> None:
    """Failures count before any record of the quarantine is written."""
    assert reason(snapshot(state=DecisionState(failures=failures(2)))) == ""
    assert reason(snapshot(state=DecisionState(failures=failures(3)))) == "Quarantined"
    strict = snapshot("{quarantineAfter: 1}", state=DecisionState(failures=failures(1)))
    assert reason(strict) == "Quarantined"


@pytest.mark.parametrize(
    ("count", "hours"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 16), (40, 16)]
)
def test_the_cooldown_doubles_with_each_failure(count: int, hours: int) -> None:
    """One hour after a change, twice as long for each failure in a row, sixteen at most."""
    spec = "{quarantineAfter: 100}"
    state = DecisionState(
        failures=failures(count), changes=(change(ago=hours * 60 + 15, lasted=15),)
    )
    over = snapshot(spec, state=state)
    assert reason(over) == ""
    assert reason(replace(over, now=NOW - minutes(1 / 60))) == "Cooldown"


def test_a_cooldown_is_about_one_target_and_policies() -> None:
    """Another workload, a principal's request and the next rung need not wait."""
    state = DecisionState(changes=(change(ago=20),))
    assert reason(snapshot(state=state)) == "Cooldown"
    assert reason(snapshot(state=state, target=replace(CART, name="ad"))) == ""
    assert reason(snapshot(state=state, requested=True)) == ""
    assert reason(snapshot(state=state, climbing=True)) == ""


def test_a_change_does_not_cool_down_from_itself() -> None:
    """At the door the proposal's own record does not stand in its way."""
    state = DecisionState(changes=(change("p1", ago=20),))
    assert reason(snapshot(state=state, proposal="p1")) == ""


def test_three_changes_may_be_under_way() -> None:
    """The fourth waits; one that has ended makes room."""
    under_way = [change(f"p{n}", f"w{n}", ago=120, lasted=None) for n in range(3)]
    assert reason(snapshot(state=DecisionState(changes=tuple(under_way[:2])))) == ""
    assert reason(snapshot(state=DecisionState(changes=tuple(under_way)))) == "Concurrency"
    ended = replace(under_way[0], ended_at=NOW)
    state = DecisionState(changes=(ended, *under_way[1:]))
    assert reason(snapshot(state=state)) == ""
    claimed = ("prod/a/Deployment/x", "prod/b/Deployment/y", "prod/c/Deployment/z")
    assert reason(snapshot(claimed=claimed)) == "Concurrency"


def test_of_those_who_ask_together_exactly_the_first_pass() -> None:
    """Five that stand at the door at the same moment: three pass, whoever is asked first."""
    waiting = tuple(
        change(f"p{n}", f"w{n}", namespace=f"n{n}", ago=1, lasted=None, applied_at=None)
        for n in range(5)
    )
    state = DecisionState(changes=waiting)
    passed = [
        w.proposal
        for w in reversed(waiting)
        if not reason(
            snapshot(
                state=state,
                proposal=w.proposal,
                target=Target("prod", w.namespace.split("/")[1], "Deployment", w.proposal),
            )
        )
    ]
    assert passed == ["p2", "p1", "p0"]


@pytest.mark.parametrize(
    ("workloads", "others", "expected"),
    [(10, 1, ""), (10, 2, "NamespaceShare"), (14, 2, "NamespaceShare"), (15, 2, ""), (2, 0, "")],
)
def test_a_fifth_of_a_namespace_may_be_under_change(
    workloads: int, others: int, expected: str
) -> None:
    """At most 20 % of the workloads at once, and always one."""
    state = DecisionState(
        changes=tuple(change(f"p{n}", f"w{n}", ago=120, lasted=None) for n in range(others))
    )
    assert reason(snapshot(state=state, workloads=workloads)) == expected


def test_a_namespace_of_unknown_size_is_not_touched() -> None:
    """Not knowing how many workloads there are is an objection."""
    assert reason(snapshot(workloads=None)) == "NamespaceShare"


def test_other_namespaces_do_not_count_for_the_share() -> None:
    """The share is of the target's own namespace."""
    away = tuple(change(f"p{n}", f"w{n}", namespace="else", ago=120, lasted=None) for n in range(2))
    assert reason(snapshot(state=DecisionState(changes=away), workloads=5)) == ""
    assert reason(snapshot(claimed=("prod/shop/Deployment/x",), workloads=5)) == "NamespaceShare"
    assert reason(snapshot(claimed=("prod/shop2/Deployment/x",), workloads=5)) == ""


def test_ten_changes_within_the_hour_are_enough() -> None:
    """The eleventh waits, a principal's too; what is older than an hour does not count."""
    recent = tuple(change(f"p{n}", f"w{n}", namespace=f"n{n}", ago=59, lasted=1) for n in range(10))
    assert reason(snapshot(state=DecisionState(changes=recent[:9]))) == ""
    assert reason(snapshot(state=DecisionState(changes=recent))) == "RateLimit"
    assert reason(snapshot(state=DecisionState(changes=recent), requested=True)) == "RateLimit"
    old = replace(recent[0], applied_at=NOW - minutes(60), ended_at=NOW - minutes(50))
    assert reason(snapshot(state=DecisionState(changes=(old, *recent[1:])))) == ""


def test_a_namespace_has_its_own_rate() -> None:
    """Fewer may be allowed in one namespace than everywhere."""
    spec = "{rate: {perNamespace: 2}}"
    here = tuple(change(f"p{n}", f"w{n}", ago=30, lasted=1) for n in range(2))
    away = tuple(replace(c, workload=f"prod/else/Deployment/{c.proposal}") for c in here)
    assert reason(snapshot(spec, state=DecisionState(changes=here))) == "RateLimit"
    assert reason(snapshot(spec, state=DecisionState(changes=away))) == ""
    claimed = ("prod/shop/Deployment/x", "prod/shop/Deployment/y")
    assert reason(snapshot(spec, claimed=claimed)) == "RateLimit"


def test_an_undo_is_stopped_by_pause_and_annotations_alone() -> None:
    """Taking a harmful change back needs no window, no rate and no calm weather."""
    busy = tuple(change(f"p{n}", f"w{n}", ago=5, lasted=None) for n in range(12))
    state = DecisionState(
        changes=(*busy, failed()),
        failures=failures(3),
        storm=hold(HoldKind.STORM, "prod"),
    )
    freeze = '{windows: [{name: f, kind: Freeze, start: "00:00", end: "00:00"}]}'
    asked = snapshot(freeze, state=state, undo=True, mode=Mode.PROPOSE, workloads=None)
    assert reason(asked) == ""
    assert reason(replace(asked, ceiling=Mode.DRY_RUN, said="x")) == "StricterMode"
