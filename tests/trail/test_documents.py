"""Each event is one ECS document that says who did what to what, why, and how it ended."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from remedyd.model import (
    Applied,
    DecisionKind,
    FieldChange,
    Hold,
    HoldKind,
    Outcome,
    Principal,
    Scope,
    State,
    Verdict,
)
from remedyd.proposals.ecs import Ecs
from remedyd.proposals.flags import Flag
from remedyd.proposals.refusals import Refusal
from support.proposals import START, a_decision, a_plan, a_proposal, a_target

ECS = Ecs("prod")


def moved(state: State, **changes: Any) -> dict[str, Any]:
    proposal = replace(a_proposal(), state=state, version=3, **changes)
    event = {"at": START, "sequence": 3, "action": "a", "principal": "ann"}
    said = {"detail": "because", "data": {"on_behalf_of": "lee", "digest": "d"}}
    return ECS.moved(proposal, event, said, amended=False)


def test_an_approval_names_who_what_and_for_whom() -> None:
    """The approver, the identity that was asserted, the digest and the workload."""
    found = moved(State.APPROVED)
    assert found["@timestamp"] == "2026-11-05T12:00:00.123Z"
    assert found["event"]["action"] == "approved"
    assert found["event"]["id"] == "p1-3"
    assert found["user"] == {"name": "ann"}
    assert found["remediation"]["on_behalf_of"] == "lee"
    assert found["remediation"]["digest"] == a_proposal().digest
    assert found["orchestrator"]["resource"] == {
        "name": "checkout", "type": "deployment", "id": "uid-of-checkout"
    }  # fmt: skip
    assert found["orchestrator"]["cluster"] == {"name": "prod"}
    assert found["data_stream"]["dataset"] == found["event"]["dataset"] == "k8s.remediation"
    assert found["labels"] == {"proposal_id": "p1"}
    assert found["rule"]["name"] == "oom-raise-memory"


def test_a_birth_carries_its_evidence_as_text() -> None:
    """Values of a row are text: a number here and a word there would clash in the mapping."""
    proposal = a_proposal()
    event = {"at": START, "sequence": 0, "action": "propose", "principal": "remedyd"}
    found = ECS.moved(proposal, event, {"detail": "", "data": {}}, amended=False)
    evidence = found["remediation"]["evidence"]
    assert evidence == {"oom_kills": "3", "memory_pct": "97.25", "limit": "256Mi"}
    assert found["event"]["severity"] == 3
    assert found["remediation"]["changes"][0]["before"] == "256Mi"


def test_a_verdict_carries_its_proof() -> None:
    """Outcome, reason, the numbers before and after, and how long it took."""
    verdict = Verdict(Outcome.HARMFUL, START, "Worse", "restarts rose", {"r": 1}, {"r": 9}, 4)
    applied = Applied(START - timedelta(minutes=2), "1", 1)
    found = moved(State.HARMFUL, verdict=verdict, applied=applied)
    assert found["event"]["duration"] == 120 * 10**9
    assert found["event"]["action"] == "verified"
    assert found["event"]["outcome"] == "failure"
    assert found["remediation"]["verdict"]["outcome"] == "Harmful"
    assert found["remediation"]["verdict"]["after"] == {"r": "9"}


def test_no_environment_and_no_whole_object_is_written_out() -> None:
    """A pod template may hold a password: it is named by its hash."""
    secret = "hunter2-hunter2"
    template = {"spec": {"containers": [{"env": [{"name": "PW", "value": secret}]}]}}
    changes = (
        FieldChange("spec.template", template, {"spec": {}}),
        FieldChange("spec.template.spec.containers[a].env[PW].value", secret, None),
    )
    found = moved(State.APPLIED, plan=replace(a_plan(a_target()), changes=changes))
    assert secret not in json.dumps(found)
    assert found["remediation"]["changes"][0]["before"].startswith("sha256:")


def empty(value: Any) -> bool:
    if isinstance(value, dict):
        return not value or any(empty(one) for one in value.values())
    return value in ("", None) or value == []


def test_nothing_empty_is_written() -> None:
    """A field that says nothing is left out: `policy: ""` would be found by `exists`."""
    found = moved(State.APPROVED, policy="", policy_hash="", audit="", step="", row=None)
    assert not empty(found)
    assert "rule" not in found
    assert "policy" not in found["remediation"]


def test_every_state_has_a_document() -> None:
    """None is forgotten, whatever states there will be."""
    actions = {moved(state)["event"]["action"] for state in State}
    assert {"proposal-created", "approved", "rejected", "expired", "apply-started"} <= actions
    assert {"applied", "apply-failed", "verified", "rolled-back", "rollback-failed"} <= actions


def test_a_decision_says_why_nothing_is_proposed() -> None:
    """Kind and reason code, the policy and the evidence."""
    held = a_decision(kind=DecisionKind.HOLD, reason="Cooldown", detail="42 minutes left")
    found = ECS.decided(held, START)
    assert found["event"]["action"] == "decided"
    assert found["event"]["reason"] == "Cooldown"
    assert found["remediation"]["decision"] == "Hold"
    assert "42 minutes left" in found["message"]


def test_ids_are_made_of_what_happened() -> None:
    """The same happening has the same id, another another one."""
    first = Refusal(START, "pat", "approve", "Forbidden", "no", position=1)
    assert ECS.refused(first)["event"]["id"] == ECS.refused(first)["event"]["id"]
    others = [replace(first, position=2), replace(first, at=START + timedelta(microseconds=1))]
    ids = {ECS.refused(one)["event"]["id"] for one in (first, *others)}
    assert len(ids) == 3
    assert ECS.switched(Flag("pause", False, START, "ann"), 1)["event"]["action"] == "resumed"


def test_a_hold_is_told_when_it_begins_and_when_it_ends() -> None:
    """A quarantine, and who lifted it."""
    hold = Hold("h1", HoldKind.QUARANTINE, "prod/shop/Deployment/cart", START, "3 failures")
    ended = replace(hold, ended_at=START, ended_by="ann", end_reason="mended")
    assert ECS.held(hold)["event"]["action"] == "quarantine-began"
    found = ECS.held(ended)
    assert (found["event"]["action"], found["user"]["name"]) == ("quarantine-ended", "ann")


def test_what_cannot_be_encoded_does_not_stop_the_trail() -> None:
    """A lone surrogate or an endless text from a workload is cleaned and cut."""
    found = moved(State.REJECTED, reason="x")
    event = {"at": START, "sequence": 1, "action": "a", "principal": "p"}
    said = {"detail": "\ud800" + "x" * 100_000, "data": {}}
    found = ECS.moved(a_proposal(), event, said, amended=True)
    assert len(json.dumps(found).encode()) < 30_000


def test_a_requested_change_names_who_asked() -> None:
    """Who asked and who approved, side by side."""
    pat = Principal("pat", frozenset({Scope.PROPOSER}))
    assert moved(State.APPROVED, requested_by=pat)["remediation"]["requested_by"] == "pat"
