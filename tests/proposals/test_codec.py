"""Whatever a proposal may hold comes back from its text equal and of the same type."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remedyd.errors import InvalidInput, StoreError
from remedyd.model import (
    Applied,
    Approval,
    AuditRow,
    FieldChange,
    Mode,
    Outcome,
    Patch,
    Plan,
    Precheck,
    PrecheckResult,
    Principal,
    Proposal,
    Scope,
    Severity,
    State,
    Target,
    Verdict,
    VerifySpec,
)
from remedyd.proposals import codec
from support.proposals import START, a_plan, a_proposal, a_row

TEXT = st.text(max_size=20) | st.sampled_from(["", "\x00", "$datetime", "\u202e", "ä€😀"])
ZONES = st.just(UTC) | st.just(timezone(timedelta(hours=-3, minutes=-30)))
INSTANTS = st.datetimes(timezones=ZONES).map(lambda at: at.replace(fold=0))
NUMBERS = st.integers() | st.floats(allow_nan=False) | st.sampled_from([5.0, -0.0, 1e300, 2**80])
LEAVES = st.none() | st.booleans() | NUMBERS | TEXT
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
CELLS = LEAVES | INSTANTS | st.lists(LEAVES | INSTANTS, max_size=3).map(tuple)
ROWS = st.dictionaries(TEXT, CELLS, max_size=4)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=3)
TARGETS = st.builds(Target, *[TEXT] * 6)
PRINCIPALS = st.builds(
    Principal,
    TEXT,
    st.frozensets(st.sampled_from(Scope)),
    st.none() | st.frozensets(TEXT, max_size=3),
    TEXT,
)
CHANGES = st.lists(st.builds(FieldChange, TEXT, JSON, JSON), max_size=3).map(tuple)
PATCHES = st.none() | st.builds(Patch, OBJECTS, TEXT, TEXT, TEXT, TEXT, TEXT)
CHECKS = st.builds(Precheck, TEXT, st.sampled_from(PrecheckResult), TEXT, TEXT)
PLANS = st.builds(
    Plan,
    target=TARGETS,
    action=TEXT,
    params=OBJECTS,
    changes=CHANGES,
    patch=PATCHES,
    undo=PATCHES,
    diff=TEXT,
    consequence=TEXT,
    resource_version=TEXT,
    prechecks=st.lists(CHECKS, max_size=3).map(tuple),
    dry_run=TEXT,
)
APPLIED = st.none() | st.builds(Applied, INSTANTS, TEXT, st.integers(), st.booleans(), CHANGES)
EVIDENCE = st.none() | st.builds(
    AuditRow,
    TEXT,
    TARGETS,
    st.sampled_from(Severity),
    ROWS,
    st.none() | st.integers(),
    st.none() | INSTANTS,
)
VERDICTS = st.none() | st.builds(
    Verdict, st.sampled_from(Outcome), INSTANTS, TEXT, TEXT, ROWS, ROWS, st.integers()
)
SPECS = st.builds(
    VerifySpec, *[st.floats(0, 1e6) | st.integers(0, 99)] * 3, st.integers(), st.booleans()
)
APPROVALS = st.none() | st.builds(Approval, PRINCIPALS, TEXT, INSTANTS, TEXT)
PROPOSALS = st.builds(
    Proposal,
    id=TEXT,
    version=st.integers(0),
    state=st.sampled_from(State),
    source=TEXT,
    policy=TEXT,
    policy_hash=TEXT,
    step=TEXT,
    mode=st.sampled_from(Mode),
    audit=TEXT,
    plan=PLANS,
    row=EVIDENCE,
    verify=SPECS,
    digest=TEXT,
    summary=TEXT,
    created_at=INSTANTS,
    updated_at=INSTANTS,
    expires_at=INSTANTS,
    requested_by=st.none() | PRINCIPALS,
    approval=APPROVALS,
    applied=APPLIED,
    rolled_out_at=st.none() | INSTANTS,
    verdict=VERDICTS,
    rollback=APPLIED,
    reason=TEXT,
    after=TEXT,
    approvals_needed=st.integers(1, 5),
    approvers=st.none() | st.lists(TEXT, max_size=2).map(tuple),
    approvals=st.lists(APPROVALS.filter(bool), max_size=2).map(tuple),
)


def _typed(value: object) -> object:
    """Return `value` with its types spelled out, so that 1, 1.0 and True differ."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [_typed(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return type(value), [_typed(getattr(value, f.name)) for f in fields(value)]
    if isinstance(value, frozenset):
        return value
    return type(value), repr(value)


@settings(deadline=None)
@given(PROPOSALS)
def test_a_proposal_survives_its_text(proposal: Proposal) -> None:
    """Loading what was dumped gives an equal proposal, with every type as it was."""
    text = codec.dump(proposal)
    assert text.isascii()
    loaded = codec.load(text)
    assert loaded == proposal
    assert _typed(loaded) == _typed(proposal)


@settings(deadline=None, max_examples=30)
@given(PROPOSALS)
def test_the_digest_survives_the_text(proposal: Proposal) -> None:
    """The plan's fingerprint is the same before and after storing."""
    assert codec.load(codec.dump(proposal)).plan.fingerprint == proposal.plan.fingerprint


def _edited(**changes: Any) -> str:
    data = json.loads(codec.dump(a_proposal()))
    data["proposal"].update(changes)
    return json.dumps(data)


def test_a_field_that_came_later_gets_its_default() -> None:
    """A text from before a field existed loads with the field's default."""
    data = json.loads(codec.dump(a_proposal()))
    del data["proposal"]["rolled_out_at"]
    assert codec.load(json.dumps(data)) == a_proposal()


def test_an_unknown_field_is_refused() -> None:
    """A text with a field that this version does not know is not half understood."""
    with pytest.raises(StoreError, match="other fields than this version knows: surprise"):
        codec.load(_edited(surprise=1))


def test_a_newer_format_is_refused() -> None:
    """A text of a later format says which remedyd to run."""
    with pytest.raises(StoreError, match="format 2, this version reads 1") as refused:
        codec.load(json.dumps(json.loads(codec.dump(a_proposal())) | {"codec": 2}))
    assert "newer" in refused.value.hint


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", _edited(state="Lost"), _edited(plan=[])])
def test_a_damaged_text_is_a_store_error(text: str) -> None:
    """Nothing but a proposal comes out of a stored text."""
    with pytest.raises(StoreError):
        codec.load(text)


@pytest.mark.parametrize(
    "params", [{"x": Decimal("1.5")}, {"x": {1, 2}}, {1: "x"}, {"x": START.replace(tzinfo=None)}]
)
def test_a_value_without_a_form_is_refused_when_written(params: dict[Any, Any]) -> None:
    """What could not be read back the same is refused before it is stored."""
    with pytest.raises(InvalidInput):
        codec.dump(a_proposal(plan=a_plan(params=params)))


def test_dates_in_a_row_stay_dates() -> None:
    """A date cell is a date again, a multivalue a tuple, a look-alike of our tags itself."""
    row = a_row(seen=datetime(2026, 1, 1, tzinfo=UTC), pods=("a", "b"), odd={"$datetime": "x"})
    assert codec.load(codec.dump(a_proposal(row=row))).row == row


def test_a_plan_for_pods_survives() -> None:
    """Writes to single pods are kept, and the empty tuple of earlier versions is read."""
    patch = Patch({"spec": {}}, subresource="resize", kind="Pod", name="a", uid="u")
    proposal = a_proposal(plan=a_plan(pods=(patch,)))
    assert codec.load(codec.dump(proposal)) == proposal
    plain = a_proposal()
    earlier = codec.dump(plain).replace('"pods":[]', '"pods":{"$tuple":[]}')
    assert '"$tuple":[]' in earlier
    assert codec.load(earlier) == plain
