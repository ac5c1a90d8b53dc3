"""Bugs that other remediators had, and what they cost: each shown not to be ours."""

import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from remedyd.actions.registry import ACTIONS
from remedyd.actions.rights import needs
from remedyd.audits.rows import rows_of
from remedyd.cluster import fields
from remedyd.cluster.kinds import WORKLOADS
from remedyd.cluster.readback import Finding, read_back
from remedyd.errors import Conflict, Expired, Forbidden, QueryError, Refused, StoreError
from remedyd.model import (
    AuditOutcome,
    AuditResult,
    DecisionKind,
    DecisionState,
    Mode,
    Outcome,
    Precheck,
    PrecheckResult,
    Principal,
    Proposal,
    Scope,
    Severity,
    State,
    VerifySpec,
    Window,
)
from remedyd.model.clock import ManualClock
from remedyd.policy.decide import decide
from remedyd.server.v1.decisions import ApproveRequest
from remedyd.verification.verdict import judge
from support.audits import answer, sample
from support.audits import row as measured
from support.daemons import Daemon
from support.fakecluster import MEMORY, FakeCluster, Fault, cluster
from support.guardrails import guardrails
from support.policies import NOW, policies, policy_text, result, row
from support.postgres import memory as memory_folder
from support.proposals import ALICE, BOB, PAT, a_clock, a_decision, a_plan, a_proposal, a_row

NAMES = [f"w{n}" for n in range(30)]
ADMIN = Principal("ops", frozenset({Scope.ADMIN}))


@pytest.fixture
def world() -> FakeCluster:
    """Return a cluster of thirty Deployments."""
    return cluster(*NAMES)


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a directory in memory."""
    with tempfile.TemporaryDirectory(prefix="remedyd-", dir=memory_folder()) as found:
        yield Path(found)


@pytest.fixture
def daemon(world: FakeCluster, home: Path) -> Iterator[Daemon]:
    """Return a daemon on it."""
    made = Daemon(home, world, a_clock())
    yield made
    made.close()


def proposed(daemon: Daemon, name: str = "w0", **changes: Any) -> Proposal:
    made = daemon.propose(name, **changes)
    assert made is not None
    return made


def applied(daemon: Daemon, name: str = "w0") -> Proposal:
    """Return an approved proposal after its write."""
    proposal = daemon.approve(proposed(daemon, name), ALICE)
    daemon.loop.advance(proposal.id)
    return daemon.store.get(proposal.id)


def again(daemon: Daemon, home: Path, world: FakeCluster) -> Daemon:
    """Return another process on the same store."""
    return Daemon(home, world, daemon.clock, ids=daemon.ids, telemetry=daemon.telemetry)


# a gate that says no and goes on


def test_what_a_check_forbids_is_not_carried_out(daemon: Daemon) -> None:
    """A no at the door ends the proposal: there is no way on from there to the write."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    daemon.planner.prechecks = (Precheck("Quota", PrecheckResult.BLOCK, "none left"),)
    daemon.settle(proposal.id)
    ended = daemon.store.get(proposal.id)
    assert (ended.state, daemon.cluster.landed) == (State.FAILED, [])
    assert "none left" in ended.reason


def test_a_score_that_cannot_be_read_is_no_yes() -> None:
    """A condition without an answer proposes nothing, under either failure policy."""
    for failure in ("Skip", "Error"):
        text = policy_text(
            matchConditions="[{name: hot, expression: memory_pct > 90.0}]", failurePolicy=failure
        )
        decided = decide([result(row(memory_pct=None))], DecisionState(), NOW, policies(text))
        assert decided.decisions[0].kind is not DecisionKind.PROPOSE
        assert decided.decisions[0].action is None


def test_what_the_api_server_was_not_asked_is_not_proposed(daemon: Daemon) -> None:
    """A plan without a dry run, or with a Block, cannot even wait for approval."""
    blocked = (Precheck("Quota", PrecheckResult.BLOCK, "none left"),)
    for plan in (a_plan(dry_run=""), a_plan(prechecks=blocked)):
        with pytest.raises(Refused):
            daemon.gate.propose(plan, a_decision())


# a button that can be pressed for ever


def test_an_old_approval_is_worth_nothing(daemon: Daemon) -> None:
    """Weeks later, or a minute too late, nothing is written, however often it is sent."""
    proposal = proposed(daemon)
    daemon.clock.advance(timedelta(weeks=3))
    for _ in range(3):
        with pytest.raises(Expired):
            daemon.approve(proposal, ALICE)
        daemon.loop.tick()
    assert daemon.cluster.landed == []


def test_an_approval_that_is_sent_again_writes_once(daemon: Daemon) -> None:
    """A replayed click finds what it did, before the write and after its proof."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    daemon.approve(proposal, ALICE)
    daemon.settle(proposal.id)
    assert daemon.approve(proposal, ALICE).state is State.EFFECTIVE
    daemon.loop.tick()
    assert len(daemon.cluster.landed) == 1


# arguments that come back from the client


def test_an_approval_carries_no_change() -> None:
    """It names a digest; whatever else is sent along is refused, so nothing of it can run."""
    assert ApproveRequest.model_validate({"digest": "a" * 64})
    for extra in ({"patch": {}}, {"params": {}}, {"plan": {}}, {"command": "rm"}):
        with pytest.raises(ValidationError):
            ApproveRequest.model_validate({"digest": "a" * 64, **extra})


def test_what_is_written_is_what_was_stored_and_shown(daemon: Daemon) -> None:
    """A stored plan that no longer has the digest of the approval is not written."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    more = replace(proposal.plan, changes=(replace(proposal.plan.changes[0], new="64Gi"),))
    daemon.store.amend(proposal, action="tamper", plan=more)
    daemon.settle(proposal.id)
    assert daemon.store.get(proposal.id).state is State.FAILED
    assert daemon.cluster.landed == []


# nobody there to ask means yes


@pytest.mark.parametrize(
    "who",
    [
        Principal("", frozenset()),
        Principal("stranger", frozenset()),
        PAT,
        Principal("elsewhere", frozenset({Scope.APPROVER}), frozenset({"bank"})),
        Principal("agent", frozenset({Scope.PROPOSER}), on_behalf_of="alice"),
    ],
)
def test_whoever_is_not_an_approver_approves_nothing(daemon: Daemon, who: Principal) -> None:
    """No identity, no scope, another namespace, or a person's name that is only asserted."""
    proposal = proposed(daemon)
    with pytest.raises(Forbidden):
        daemon.approve(proposal, who)
    daemon.loop.tick()
    assert daemon.cluster.landed == []


def test_an_empty_list_of_approvers_is_nobody(daemon: Daemon) -> None:
    """It does not mean everyone, not even for an administrator."""
    proposal = proposed(daemon, approvers=())
    for who in (ALICE, ADMIN):
        with pytest.raises(Forbidden):
            daemon.approve(proposal, who)


def test_who_proposes_does_not_approve_it(daemon: Daemon) -> None:
    """An agent that asked for a change cannot let it through, by whatever route."""
    plan = proposed(daemon).plan
    daemon.gate.supersede(daemon.store.unfinished()[0].id, "make room")
    asked = daemon.gate.request(plan, PAT, "please")
    with pytest.raises(Forbidden):
        daemon.gate.approve(asked.id, asked.digest, PAT)


# history that fails open


def test_a_history_that_cannot_be_read_lets_nothing_through(daemon: Daemon, home: Path) -> None:
    """Without its memory the guard does not know, so nothing is written."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    daemon.store.close()
    (home / "remedyd.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError):
        daemon.door.write(proposal.id, proposal.plan)
    daemon.loop.tick()
    assert daemon.cluster.landed == []


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.LOST, Fault.UNSENT])
def test_a_cluster_that_cannot_be_read_lets_nothing_through(daemon: Daemon, fault: Fault) -> None:
    """Annotations, nodes and neighbours that nobody could look at are no permission."""
    for quiet in range(8):
        daemon.cluster.faults = [Fault.NONE] * quiet + [fault] * 50
        assert daemon.propose("w1") is None or quiet >= 7
        daemon.cluster.faults = []
        for waiting in daemon.store.unfinished():
            daemon.gate.reject(waiting.id, ALICE)
    proposal = daemon.approve(proposed(daemon), ALICE)
    daemon.cluster.faults = [fault] * 500
    daemon.loop.tick()
    assert daemon.cluster.landed == []
    daemon.cluster.faults = []
    assert daemon.settle(proposal.id).state in (State.EFFECTIVE, State.FAILED)
    assert len(daemon.cluster.landed) <= 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_a_number_is_no_finding(home: Path, value: float) -> None:
    """A guard that compares with NaN lets everything through: such a result has no rows at all."""
    table = answer(measured(), measured(name="ad", score=value))
    with pytest.raises(QueryError, match="not a number to compare with"):
        rows_of(sample(home), table)


# memory that is raised beside the point


def test_a_change_that_never_lands_is_found_out() -> None:
    """Pods that still have the old amount are told, instead of being restarted again."""
    world = cluster("w0")
    live = world.get("Deployment", "shop", "w0")
    plan = a_plan(a_proposal().plan.target)
    written = fields.changed(live, plan.changes)
    pod = {"kind": "Pod", "metadata": {"name": "w0-1"}, "spec": live["spec"]["template"]["spec"]}
    found = read_back(plan, written, [pod])
    assert found.finding is Finding.CHANGE_NOT_EFFECTIVE
    assert "w0-1" in found.evidence


def test_a_change_that_somebody_reverts_is_told_by_name() -> None:
    """A CronJob or a sync that puts the old value back is named."""
    live = cluster("w0").get("Deployment", "shop", "w0")
    tree: dict[str, Any] = {"f:resources": {"f:limits": {"f:memory": {}}}}
    container = {'k:{"name":"app"}': tree}
    spec = {"f:template": {"f:spec": {"f:containers": container}}}
    live["metadata"]["managedFields"] = [
        {"manager": "nightly-rebalance", "operation": "Update", "fieldsV1": {"f:spec": spec}}
    ]
    assert fields.lookup(live, MEMORY) == "256Mi"
    found = read_back(a_plan(a_proposal().plan.target), live)
    assert found.reason == "RevertedBy nightly-rebalance"


# what a restart forgets


def test_a_restart_forgets_no_approval(daemon: Daemon, world: FakeCluster, home: Path) -> None:
    """What was approved before the process died is written by the next one, once."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    other = again(daemon, home, world)
    assert other.settle(proposal.id).state is State.EFFECTIVE
    daemon.loop.tick()
    assert len(world.landed) == 1
    other.close()


def test_a_restart_forgets_no_limit(daemon: Daemon, world: FakeCluster, home: Path) -> None:
    """Cooldown, failures, pause and the open proposals are there after it."""
    daemon.telemetry.grades["w0"] = Severity.CRITICAL
    failed = applied(daemon)
    daemon.settle(failed.id)
    waiting = proposed(daemon, "w1")
    other = again(daemon, home, world)
    assert other.propose("w0") is None
    assert other.propose("w1") is None
    assert other.store.get(waiting.id).state is State.PROPOSED
    daemon.store.flags.pause("ann", daemon.clock.now(), "why")
    assert other.propose("w2") is None
    with pytest.raises(Refused):
        other.approve(waiting, ALICE)
    other.close()


# too often, and for ever


def test_many_sick_workloads_are_ten_writes_an_hour(world: FakeCluster, home: Path) -> None:
    """However much a policy in mode Auto wants to do at once: the rest waits for the next hour."""
    wide = guardrails("{concurrency: 100, workloadsPercent: 100}")
    daemon = Daemon(home, world, a_clock(), guardrails=wide)

    def go() -> int:
        for name in NAMES[:14]:
            daemon.propose(name, mode=Mode.AUTO)
        daemon.loop.tick()
        return sum(not made.undo for made in world.landed)

    assert (go(), go()) == (10, 10)
    daemon.clock.advance(timedelta(minutes=59))
    assert go() == 10
    daemon.clock.advance(timedelta(minutes=1))
    assert 10 < go() <= 14
    daemon.close()


def test_three_at_a_time(daemon: Daemon, world: FakeCluster) -> None:
    """By default the fourth waits until one of them is proved or taken back."""
    for name in NAMES[:5]:
        daemon.propose(name, mode=Mode.AUTO)
    daemon.loop.tick()
    assert len(world.landed) == 3


def test_one_finding_makes_one_proposal(daemon: Daemon) -> None:
    """The same row in every cycle, while it waits and while it is being proved."""
    first = proposed(daemon)
    assert [daemon.propose("w0") for _ in range(20)] == [None] * 20
    daemon.approve(first, ALICE)
    assert daemon.propose("w0") is None
    daemon.loop.tick()
    assert daemon.propose("w0") is None
    assert len(daemon.store.unfinished()) == 1


def test_what_helped_is_left_alone_for_a_while(daemon: Daemon) -> None:
    """A row that lags behind the mended workload starts nothing new within the cooldown."""
    done = daemon.settle(applied(daemon).id)
    assert done.state is State.EFFECTIVE
    assert daemon.propose("w0") is None
    daemon.clock.advance(timedelta(hours=2))
    assert daemon.propose("w0") is not None


def test_a_change_without_effect_counts_as_a_failure(daemon: Daemon) -> None:
    """Completed but of no use is not forgotten: the next wait is longer."""
    daemon.telemetry.grades["w0"] = Severity.CRITICAL
    assert daemon.settle(applied(daemon).id).state is State.ROLLED_BACK
    state = daemon.store.decision_state(daemon.clock.now())
    assert len(state.failures["prod/shop/Deployment/w0"]) == 1


def test_two_that_wait_for_each_other_are_impossible(daemon: Daemon) -> None:
    """Of several proposals for one workload one is open and the rest do not exist."""
    first = proposed(daemon)
    with pytest.raises(Conflict) as refused:
        daemon.gate.propose(first.plan, a_decision(first.plan.target))
    assert first.id in refused.value.message


# approving too fast, twice, and against each other


def test_approving_at_once_leaves_nothing_stuck(daemon: Daemon) -> None:
    """Before the loop has seen it, and by two people: it goes its way once."""
    proposal = proposed(daemon)
    daemon.approve(proposal, ALICE)
    with pytest.raises(Conflict):
        daemon.approve(proposal, BOB)
    with pytest.raises(Conflict):
        daemon.gate.reject(proposal.id, BOB)
    assert daemon.settle(proposal.id).state is State.EFFECTIVE
    assert not daemon.store.unfinished()


# rights for everything


def test_no_action_asks_for_everything() -> None:
    """Named verbs on named kinds, no secrets; the only thing ever created is an eviction."""
    asked = {one for name in ACTIONS for kind in WORKLOADS for one in needs(name, kind)}
    assert asked
    for right in asked:
        assert right.kind not in ("*", "Secret")
        assert right.verb in ("get", "list", "patch", "create")
        assert right.verb != "create" or (right.kind, right.subresource) == ("Pod", "eviction")


# silence taken for success


def test_silence_after_a_change_is_no_success(daemon: Daemon) -> None:
    """The collector is down, the pods are gone, or it was scaled to zero: a person is called."""
    daemon.telemetry.grades["w0"] = None
    ended = daemon.settle(applied(daemon).id, minutes=120)
    assert ended.state is State.INCONCLUSIVE
    assert [alert.kind.value for alert in daemon.told] == ["Inconclusive"]
    assert [made.undo for made in daemon.cluster.landed] == [False]


@pytest.mark.parametrize("outcome", [o for o in AuditOutcome if o is not AuditOutcome.OK])
def test_an_audit_that_ended_early_is_no_success(outcome: AuditOutcome) -> None:
    """Whatever broke it off, the verdict is open."""
    window = Window(NOW, NOW + timedelta(minutes=10))
    after = AuditResult("container-memory", outcome, window)
    assert judge(a_row(), after, window, VerifySpec(), NOW).outcome is Outcome.INCONCLUSIVE


def test_an_audit_that_is_gone_is_no_success(daemon: Daemon) -> None:
    """A proposal whose audit was removed meanwhile ends open, not Effective."""
    proposal = daemon.approve(proposed(daemon, audit="removed-since"), ALICE)
    assert daemon.settle(proposal.id).state is State.INCONCLUSIVE


# what happens between the write and its record


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNSENT, Fault.UNAVAILABLE, Fault.OVERTAKEN])
def test_a_write_without_an_answer_is_not_made_twice(
    daemon: Daemon, world: FakeCluster, home: Path, fault: Fault
) -> None:
    """The object itself tells whether it landed, to this process and to the next."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    world.write_faults = [fault]
    daemon.loop.tick()
    other = again(daemon, home, world)
    assert other.settle(proposal.id).state is State.EFFECTIVE
    assert len(world.landed) == 1
    other.close()


def test_who_reverts_the_change_is_not_fought(daemon: Daemon, world: FakeCluster) -> None:
    """A sync puts the old value back: nothing is written over it, now or in the next cycle."""
    daemon.telemetry.grades["w0"] = Severity.CRITICAL
    proposal = applied(daemon)
    container = {"name": "app", "resources": {"limits": {"memory": "256Mi"}}}
    spec = {"template": {"spec": {"containers": [container]}}}
    world.change("Deployment", "shop", "w0", {"spec": spec})
    daemon.settle(proposal.id)
    assert daemon.propose("w0") is None
    assert len(world.landed) == 1


def test_harm_is_taken_back_and_the_undo_is_proved(daemon: Daemon, world: FakeCluster) -> None:
    """The old value is there again, and the record says so."""
    daemon.telemetry.grades["w0"] = Severity.CRITICAL
    ended = daemon.settle(applied(daemon).id)
    assert ended.state is State.ROLLED_BACK
    assert fields.lookup(world.get("Deployment", "shop", "w0"), MEMORY) == "256Mi"
    assert [made.undo for made in world.landed] == [False, True]


MEDDLING: list[Callable[[FakeCluster], object]] = [
    lambda world: world.objects.pop(("Deployment", "shop", "w0")),
    lambda world: world.objects[("Deployment", "shop", "w0")]["metadata"].update(uid="new"),
    lambda world: world.change(
        "Deployment",
        "shop",
        "w0",
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [{"name": "app", "resources": {"limits": {"memory": "1Gi"}}}]
                    }
                }
            }
        },
    ),
]


@pytest.mark.parametrize("meddle", MEDDLING, ids=["deleted", "made anew", "changed"])
def test_an_approval_for_what_is_no_longer_there_writes_nothing(
    daemon: Daemon, world: FakeCluster, meddle: Callable[[FakeCluster], object]
) -> None:
    """Between approval and write the target went away, was replaced or was changed by hand."""
    proposal = daemon.approve(proposed(daemon), ALICE)
    meddle(world)
    ended = daemon.settle(proposal.id)
    assert ended.state in (State.STALE, State.FAILED)
    assert world.landed == []


def test_the_clock_of_these_tests_stands() -> None:
    """Nothing here waits for real time."""
    assert isinstance(a_clock(), ManualClock)
