"""Reading only what a decision is about changes no decision, whatever the history."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count, product
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from remedyd.model import AuditResult, DecisionState, Hold, Mode, Target
from remedyd.policy.decide import decide
from remedyd.policy.guardrails import Snapshot, objection
from remedyd.proposals import memory
from remedyd.proposals.store import Store
from remedyd.proposals.tables import holds, proposals
from support.guardrails import guardrails
from support.policies import policies, policy_text, result, row
from support.proposals import START, a_plan, a_target
from support.remembering import NAMES, NAMESPACES, histories, remembered, sets_of_holds

LADDER = (
    "[{name: one, onFailure: Next, maxAttempts: 2, action: {type: UpdateResources, "
    "updateResources: {memory: {factor: 1.5, max: 1Gi}}}}, "
    "{name: two, maxAttempts: 1, action: {type: Restart}}]"
)
RULES = policies(
    policy_text("oom", steps=LADDER, cooldown="30m", limits="{maxPerHour: 2}"),
    policy_text("gap", cooldown="2d", limits="{maxPerHour: 1, maxTargetsPercent: 100}"),
)
VERSIONS = count(1)
STRICT, LOOSE = guardrails(), guardrails("{concurrency: 100, rate: {perHour: 1000}}")
TARGETS = [a_target(name, namespace=place) for name, place in product(NAMES, NAMESPACES)]
MANY = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],  # a history is long: to shrink one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def written(store: Store, history: Sequence[dict[str, Any]], held: Sequence[Hold]) -> None:
    """Let the store hold exactly this."""
    with store._database.write() as connection:
        connection.execute(proposals.delete())
        connection.execute(holds.delete())
        if history:
            version = next(VERSIONS)  # what was read whole is remembered by id and version
            rows = [one | {"version": version} for one in history]
            connection.execute(proposals.insert(), rows)
    for hold in held:
        assert store.holds.open(hold)


def seen(targets: Sequence[Target]) -> AuditResult:
    """Return critical rows about the targets."""
    shape = row()
    rows = [replace(shape, target=replace(one, uid="")) for one in targets]
    return result(*rows, at=START)


@MANY
@given(history=histories(), held=sets_of_holds())
def test_the_whole_past_is_what_it_is_defined_as(
    store: Store, history: list[dict[str, Any]], held: list[Hold]
) -> None:
    """Whatever indexes and shortcuts the database takes."""
    written(store, history, held)
    assert store.decision_state(START) == remembered(history, held, START)


@MANY
@given(history=histories(), held=sets_of_holds(), least=st.integers(1, 4))
def test_who_failed_often_is_found_as_in_the_whole_past(
    store: Store, history: list[dict[str, Any]], held: list[Hold], least: int
) -> None:
    """Workloads that are set aside already are not named again."""
    written(store, history, held)
    whole = remembered(history, held, START)
    assert store.failing(START, least) == {
        workload: len(times)
        for workload, times in whole.failures.items()
        if len(times) >= least and workload not in whole.quarantined
    }


@MANY
@given(history=histories(), held=sets_of_holds(), data=st.data())
def test_guardrails_object_as_with_the_whole_past(
    store: Store, history: list[dict[str, Any]], held: list[Hold], data: st.DataObject
) -> None:
    """What is read about one workload holds all that any rule looks at."""
    written(store, history, held)
    whole = remembered(history, held, START)
    target = data.draw(st.sampled_from(TARGETS))
    about = store.circumstances(START, target.workload)
    own = [one["id"] for one in history if one["workload"] == target.workload]
    varied = {
        "proposal": data.draw(st.sampled_from(["", *own])),
        "requested": data.draw(st.booleans()),
        "climbing": data.draw(st.booleans()),
        "mode": Mode.AUTO,
        "workloads": 20,
        "plan": a_plan(target, new=data.draw(st.sampled_from(("300Mi", "512Mi", "1Gi")))),
    }
    for limits in (STRICT, LOOSE):
        told = [
            objection(Snapshot(START, target, state, limits, **varied)) for state in (whole, about)
        ]
        assert told[0] == told[1]


@MANY
@given(
    history=histories(),
    held=sets_of_holds(),
    targets=st.lists(st.sampled_from(TARGETS), unique=True),
)
def test_policies_decide_as_with_the_whole_past(
    store: Store, history: list[dict[str, Any]], held: list[Hold], targets: list[Target]
) -> None:
    """What is read about the workloads of a result holds all that any decision depends on."""
    written(store, history, held)
    results = [seen(targets)]
    about = frozenset(one.workload for one in results[0].targets())
    states = (remembered(history, held, START), store.decision_state(START, about))
    for limits in (None, STRICT, LOOSE):
        whole, narrow = (decide(results, state, START, RULES, limits).decisions for state in states)
        assert whole == narrow


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_of_very_many_workloads_the_whole_past_is_read(store: Store) -> None:
    """A search for each would cost more than one pass over the week."""
    about = frozenset(f"prod/shop/Deployment/w{n}" for n in range(memory.FEW + 1))
    assert store.decision_state(START, about) == DecisionState()
