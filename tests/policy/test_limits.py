"""What competes: one action per workload, proposals per hour, share of a namespace."""

from dataclasses import replace
from datetime import timedelta

from remedyd.model import Decision, DecisionKind, DecisionState, Severity
from remedyd.policy.decide import decide
from remedyd.policy.policy import PolicySet
from support.guardrails import change, guardrails
from support.policies import NOW, policies, policy_text, result, row

BOTH = "{name: container-memory, severities: [warning, critical]}"


def _decide(loaded: PolicySet, *rows: object, state: DecisionState | None = None) -> list[Decision]:
    answer = decide([result(*rows)], state or DecisionState(), NOW, loaded)  # type: ignore[arg-type]
    return list(answer.decisions)


def _told(decisions: list[Decision]) -> list[tuple[str, str, str]]:
    return [(d.policy, d.target.name + "/" + d.target.container, d.reason) for d in decisions]


def test_two_policies_on_one_workload() -> None:
    """Of two policies with the same severity the first by name proposes."""
    told = _told(_decide(policies(policy_text("b"), policy_text("a")), row()))
    assert told == [("a", "cart/app", "Matched"), ("b", "cart/app", "DuplicateTarget")]


def test_two_containers_of_one_workload() -> None:
    """Of two containers the first by name proposes, wherever it stands in the result."""
    loaded = policies(policy_text())
    told = _told(_decide(loaded, row(container="z"), row(container="a")))
    assert told == [("p", "cart/z", "DuplicateTarget"), ("p", "cart/a", "Matched")]


def test_the_more_severe_row_comes_first() -> None:
    """A critical container beats a warning one that comes first by name."""
    loaded = policies(policy_text(audit=BOTH))
    rows = (row(container="a", severity=Severity.WARNING), row(container="z"))
    told = _told(_decide(loaded, *rows))
    assert told == [("p", "cart/a", "DuplicateTarget"), ("p", "cart/z", "Matched")]


def test_a_rehearsal_never_displaces_a_real_proposal() -> None:
    """A DryRun policy gives way even where it comes first by name."""
    loaded = policies(policy_text("a", mode="DryRun"), policy_text("b"))
    assert _told(_decide(loaded, row())) == [
        ("a", "cart/app", "DuplicateTarget"),
        ("b", "cart/app", "Matched"),
    ]


def test_duplicate_names_the_winner() -> None:
    """The detail says which policy and container come first."""
    decisions = _decide(policies(policy_text("a"), policy_text("b")), row())
    assert decisions[1].detail == "a comes first for Deployment/shop/cart[app]"


def test_hourly_limit() -> None:
    """Proposals of the last hour count; what exceeds the limit is held, worst rows first."""
    loaded = policies(policy_text(audit=BOTH, limits="{maxPerHour: 3, maxTargetsPercent: 100}"))
    state = DecisionState(
        proposed={"p": (NOW - timedelta(minutes=61), NOW - timedelta(minutes=59))}
    )
    rows = (
        row("a", severity=Severity.WARNING),
        row("b"),
        row("c"),
    )
    decisions = _decide(loaded, *rows, state=state)
    assert [d.reason for d in decisions] == ["HourlyLimit", "Matched", "Matched"]
    assert decisions[0].detail == "3 proposals within the hour, at most 3 may be made"


def test_share_of_a_namespace_holds_the_whole_batch() -> None:
    """Above the share every match of the namespace is held, other namespaces are not."""
    loaded = policies(policy_text(limits="{maxPerHour: 100, maxTargetsPercent: 20}"))
    healthy = [row(f"ok{i}", severity=Severity.HEALTHY) for i in range(7)]
    sick = [row("a"), row("b"), row("c")]
    other = [row("x", namespace="tight")]
    decisions = _decide(loaded, *healthy, *sick, *other)
    assert [d.reason for d in decisions[7:]] == ["TooManyTargets"] * 3 + ["Matched"]
    assert decisions[7].detail == ("3 of 10 workloads in shop match at once, at most 2 may (20 %)")


def test_share_lets_up_to_the_limit_through() -> None:
    """Exactly the share may be proposed."""
    loaded = policies(policy_text(limits="{maxPerHour: 100, maxTargetsPercent: 20}"))
    healthy = [row(f"ok{i}", severity=Severity.HEALTHY) for i in range(8)]
    decisions = _decide(loaded, *healthy, row("a"), row("b"))
    assert [d.reason for d in decisions[8:]] == ["Matched", "Matched"]


def test_share_counts_open_proposals() -> None:
    """Workloads that are being worked on count towards the share."""
    loaded = policies(policy_text(limits="{maxPerHour: 100, maxTargetsPercent: 20}"))
    healthy = [row(f"ok{i}", severity=Severity.HEALTHY) for i in range(3)]
    state = DecisionState(open={"/shop/Deployment/a": "1"})
    decisions = _decide(loaded, *healthy, row("a"), row("b"), state=state)
    assert [d.reason for d in decisions[3:]] == ["AlreadyOpen", "TooManyTargets"]


def test_share_counts_workloads_not_containers() -> None:
    """Two containers of one workload are one target."""
    loaded = policies(policy_text(limits="{maxPerHour: 100, maxTargetsPercent: 50}"))
    rows = (row("a", container="x"), row("a", container="y"), row("b", severity=Severity.HEALTHY))
    assert next(d.reason for d in _decide(loaded, *rows)) == "Matched"


def test_one_target_is_always_allowed() -> None:
    """In a namespace of a single workload the share still permits one."""
    loaded = policies(policy_text(limits="{maxPerHour: 1, maxTargetsPercent: 1}"))
    assert [d.kind for d in _decide(loaded, row())] == [DecisionKind.PROPOSE]


def test_the_hour_begins_after_its_first_moment() -> None:
    """A proposal of exactly an hour ago is over, one of this moment counts."""
    loaded = policies(policy_text(limits="{maxPerHour: 1, maxTargetsPercent: 100}"))
    for at, reason in ((NOW - timedelta(hours=1), "Matched"), (NOW, "HourlyLimit")):
        (decision,) = _decide(loaded, row(), state=DecisionState(proposed={"p": (at,)}))
        assert decision.reason == reason


def test_what_is_proposed_in_a_cycle_counts_for_the_guardrails() -> None:
    """One change at once means one of two rows, and a rehearsal takes nobody's place."""
    alone = guardrails("{concurrency: 1, workloadsPercent: 100}")

    def told(*texts: str) -> list[str]:
        rows = [row("a"), row("b"), *(row(f"ok{n}", severity=Severity.HEALTHY) for n in range(9))]
        loaded = policies(*texts)
        answer = decide([result(*rows)], DecisionState(), NOW, loaded, alone)
        return [d.reason for d in answer.decisions if d.target.name in "ab"]

    assert told(policy_text()) == ["Matched", "Concurrency"]
    assert told(policy_text(mode="DryRun")) == ["Matched", "Matched"]


def test_rows_that_miss_what_is_under_change_do_not_tell_the_size_of_a_namespace() -> None:
    """Six are under change, two have rows: of how many is for the cluster's own count to say."""
    wide = guardrails("{concurrency: 20, rate: {perHour: 50, perNamespace: 50}}")
    busy = tuple(
        replace(change(f"p{n}", ago=120, lasted=None), workload=f"/shop/Deployment/w{n}")
        for n in range(6)
    )

    def told(*others: str) -> str:
        rows = [row(), *(row(name, severity=Severity.HEALTHY) for name in others)]
        state = DecisionState(changes=busy)
        answer = decide([result(*rows)], state, NOW, policies(policy_text()), wide)
        return next(d.reason for d in answer.decisions if d.target.name == "cart")

    assert told("ok") == "Matched"
    assert told(*(f"w{n}" for n in range(6))) == "NamespaceShare"
