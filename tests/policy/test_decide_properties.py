"""What holds for every input of `decide()`."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from remedyd.model import (
    AuditOutcome,
    AuditResult,
    AuditRow,
    Decision,
    DecisionKind,
    DecisionState,
    Mode,
    Severity,
)
from remedyd.policy.decide import Decided, decide
from remedyd.policy.policy import PolicySet
from support.policies import NOW, policies, policy_text, result, row

_MODES = ["Disabled", "DryRun", "Propose", "Auto"]
_CONDITIONS = ["oom_kills > 1", "memory_pct > 50.0", "memory_pct == null || ratio > 0.4"]


@st.composite
def _policy(draw: st.DrawFn, name: str) -> str:
    condition = draw(st.sampled_from(_CONDITIONS))
    severities = draw(st.sampled_from(["[critical]", "[warning, critical]"]))
    audit = draw(st.sampled_from(["container-memory", "container-memory", "replica-gap"]))
    if audit == "replica-gap":
        condition = "gap > 0"
    cycles = draw(st.integers(1, 3))
    window = draw(st.sampled_from(["", ", window: 3m"]))
    per_hour, percent = draw(st.integers(1, 4)), draw(st.sampled_from([10, 40, 100]))
    return policy_text(
        name,
        mode=draw(st.sampled_from(_MODES)),
        audit=f"{{name: {audit}, severities: {severities}}}",
        matchConditions=f'[{{name: c, expression: "{condition}"}}]',
        sustain=f"{{cycles: {cycles}{window}}}",
        limits=f"{{maxPerHour: {per_hour}, maxTargetsPercent: {percent}}}",
        cooldown=draw(st.sampled_from(["0s", "5m"])),
        failurePolicy=draw(st.sampled_from(["Skip", "Error"])),
    )


@st.composite
def _policies(draw: st.DrawFn) -> PolicySet:
    names = draw(st.lists(st.sampled_from("abcd"), unique=True, min_size=1, max_size=3))
    return policies(*[draw(_policy(name)) for name in names])


_ROWS = st.builds(
    row,
    st.sampled_from(["cart", "ad", "email", "checkout"]),
    severity=st.sampled_from(Severity),
    namespace=st.sampled_from(["shop", "tight"]),
    container=st.sampled_from(["app", "proxy"]),
    kind=st.sampled_from(["Deployment", "StatefulSet", "Node"]),
    oom_kills=st.integers(0, 4),
    memory_pct=st.one_of(st.none(), st.floats(0, 100), st.just("high")),
    gap=st.integers(0, 1),
    available=st.just(1),
)


@st.composite
def _cycle(draw: st.DrawFn, at: datetime) -> list[AuditResult]:
    audits = draw(st.sampled_from([["container-memory"], ["container-memory", "replica-gap"]]))
    outcome = st.sampled_from([AuditOutcome.OK] * 4 + list(AuditOutcome))
    return [
        result(*draw(st.lists(_ROWS, max_size=8)), at=at, audit=audit, outcome=draw(outcome))
        for audit in audits
    ]


_WORKLOADS = [f"/{ns}/Deployment/{n}" for ns in ("shop", "tight") for n in ("cart", "ad")]
_STATES = st.builds(
    DecisionState,
    open=st.dictionaries(st.sampled_from(_WORKLOADS), st.just("p-1"), max_size=2),
    finished=st.dictionaries(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(_WORKLOADS)),
        st.integers(0, 20).map(lambda m: NOW - timedelta(minutes=m)),
        max_size=3,
    ),
    proposed=st.dictionaries(
        st.sampled_from("abcd"),
        st.lists(st.integers(0, 90).map(lambda m: NOW - timedelta(minutes=m))).map(tuple),
        max_size=3,
    ),
    paused=st.booleans(),
)


def _proposals(decided: Decided) -> list[Decision]:
    return [d for d in decided.decisions if d.kind is DecisionKind.PROPOSE]


@given(_policies(), _cycle(NOW), _STATES)
@settings(max_examples=150, deadline=None)
def test_single_cycle(loaded: PolicySet, results: list[AuditResult], state: DecisionState) -> None:
    """One decision per policy and row; proposals only where every promise allows one."""
    decided = decide(results, state, NOW, loaded)
    _check_nothing_disappears(loaded, results, decided.decisions)
    usable = {r.audit for r in results if r.ok}
    for decision in _proposals(decided):
        assert decision.audit in usable
        assert not state.paused
        assert decision.target.workload not in state.open
        assert decision.mode is not Mode.DISABLED
        assert decision.action is not None
        assert decision.row is not None
        assert decision.row.severity is not Severity.HEALTHY
    workloads = Counter(d.target.workload for d in _proposals(decided))
    assert all(count == 1 for count in workloads.values())
    assert all(d.reason and d.detail for d in decided.decisions)
    assert all(d.action is None for d in decided.decisions if d.kind is not DecisionKind.PROPOSE)


def _check_nothing_disappears(
    loaded: PolicySet, results: Sequence[AuditResult], decisions: Sequence[Decision]
) -> None:
    expected: list[tuple[str, str, AuditRow | None]] = []
    for policy in loaded.values():
        for given_result in results:
            if given_result.audit == policy.audit and given_result.ok:
                expected += [(policy.name, policy.audit, r) for r in given_result.rows]
            elif given_result.audit == policy.audit:
                expected.append((policy.name, policy.audit, None))
    assert [(d.policy, d.audit, d.row) for d in decisions] == expected


@given(_policies(), _cycle(NOW), _STATES, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_order_of_rows_changes_nothing(
    loaded: PolicySet, results: list[AuditResult], state: DecisionState, random: Random
) -> None:
    """The same rows in another order lead to the same decisions and the same memory."""
    distinct = [_without_twins(r) for r in results]
    shuffled = []
    for one in distinct:
        rows = list(one.rows)
        random.shuffle(rows)
        shuffled.append(result(*rows, at=NOW, audit=one.audit, outcome=one.outcome))
    first = decide(distinct, state, NOW, loaded)
    second = decide(shuffled, state, NOW, loaded)
    assert decide(distinct, state, NOW, loaded) == first
    assert Counter(map(_shape, first.decisions)) == Counter(map(_shape, second.decisions))
    assert first.state == second.state


def _without_twins(one: AuditResult) -> AuditResult:
    """Drop rows about the same subject: which of two twins wins is decided by their order."""
    rows = {r.target.identity: r for r in one.rows}
    return result(*rows.values(), at=NOW, audit=one.audit, outcome=one.outcome)


def _shape(decision: Decision) -> tuple[str, ...]:
    return (
        decision.policy,
        decision.target.identity,
        decision.kind,
        decision.reason,
        decision.detail,
        decision.condition,
        decision.step,
    )


@given(_policies(), st.data())
@settings(max_examples=60, deadline=None)
def test_many_cycles(loaded: PolicySet, data: st.DataObject) -> None:
    """Fed back through cycles, no policy exceeds its hourly limit, cooldown or namespace share."""
    state = DecisionState()
    proposed: dict[str, list[datetime]] = defaultdict(list)
    ended: dict[tuple[str, str], datetime] = {}
    for minute in range(data.draw(st.integers(1, 8))):
        at = NOW + timedelta(minutes=minute)
        results = data.draw(_cycle(at))
        decided = decide(results, state, at, loaded)
        proposals = _proposals(decided)
        for decision in proposals:
            key = (decision.policy, decision.target.workload)
            cooldown = loaded[decision.policy].spec.cooldown
            assert key not in ended or at >= ended[key] + cooldown
            proposed[decision.policy].append(at)
            ended[key] = at
        for name, times in proposed.items():
            assert len(times) <= loaded[name].spec.limits.max_per_hour
        _check_shares(loaded, results, proposals)
        state = DecisionState(
            sightings=decided.state.sightings,
            finished=dict(ended),
            proposed={name: tuple(times) for name, times in proposed.items()},
        )


def _check_shares(
    loaded: PolicySet, results: Sequence[AuditResult], proposals: Sequence[Decision]
) -> None:
    known: dict[str, set[str]] = defaultdict(set)
    for one in results:
        for each in one.rows:
            known[each.target.namespace].add(each.target.workload)
    counts = Counter((d.policy, d.target.namespace) for d in proposals)
    for (name, namespace), count in counts.items():
        share = loaded[name].spec.limits.max_targets_percent
        assert count <= max(1, int(len(known[namespace]) * share / 100))
