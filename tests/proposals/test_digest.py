"""A digest changes with everything an approver decides on, and with nothing else."""

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from remedyd.model import FieldChange, Proposal
from remedyd.proposals.digest import differences, digest_of, digest_of_proposal
from support.proposals import PATH, START, a_plan, a_proposal, a_row, a_target

BASE = a_proposal()


def test_the_stored_digest_can_be_recomputed() -> None:
    """The digest follows from the record alone."""
    assert digest_of_proposal(BASE) == BASE.digest
    assert len(BASE.digest) == 64


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, plan=a_plan(a_target(uid="another"))),
        replace(BASE, plan=a_plan(new="512Mi")),
        replace(BASE, plan=a_plan(changes=(FieldChange(PATH, "128Mi", "384Mi"),))),
        replace(BASE, plan=a_plan(changes=(FieldChange("other", "256Mi", "384Mi"),))),
        replace(BASE, plan=a_plan(action="Restart")),
        replace(BASE, policy="another"),
        replace(BASE, policy_hash="q" * 64),
        replace(BASE, row=a_row(oom_kills=4)),
        replace(BASE, row=None),
        replace(BASE, expires_at=BASE.expires_at + timedelta(microseconds=1)),
    ],
)
def test_what_is_approved_is_bound(other: Proposal) -> None:
    """Uid, fields with old and new value, action, policy, its text, evidence, expiry: all count."""
    assert digest_of_proposal(other) != BASE.digest


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, plan=replace(BASE.plan, resource_version="4712")),
        replace(BASE, version=3),
        replace(BASE, summary="worded otherwise"),
        replace(BASE, expires_at=BASE.expires_at.astimezone(timezone(timedelta(hours=2)))),
    ],
)
def test_what_is_not_approved_is_free(other: Proposal) -> None:
    """A new resourceVersion, a counter, a wording or a time zone voids no approval."""
    assert digest_of_proposal(other) == BASE.digest


def test_an_expiry_without_a_zone_is_refused() -> None:
    """A time that could mean two moments is not bound to an approval."""
    naive = START.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        digest_of(a_plan(), policy="", policy_hash="", row=None, expires_at=naive)


def test_differences_are_told_in_words() -> None:
    """An approver of the old proposal reads what the new one does otherwise."""
    newer = replace(BASE, plan=a_plan(new="512Mi"), policy_hash="q" * 64, row=a_row(oom_kills=9))
    assert differences(BASE, newer) == [
        f"{PATH}: 256Mi -> 384Mi became 256Mi -> 512Mi",
        "the policy's text changed",
        "the evidence row changed",
    ]


def test_a_field_no_longer_touched_is_told() -> None:
    """A field that only one of the two changes is named as untouched in the other."""
    other = replace(BASE, plan=a_plan(changes=(FieldChange("spec.replicas", None, 3),)))
    assert differences(BASE, other) == [
        f"{PATH}: 256Mi -> 384Mi became untouched",
        "spec.replicas: untouched became absent -> 3",
    ]


def test_the_same_proposal_does_not_differ() -> None:
    """Nothing changed, nothing told."""
    assert differences(BASE, BASE) == []


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            replace(BASE, plan=a_plan(a_target(uid="another"))),
            "the workload's uid (it was replaced) changed",
        ),
        (
            replace(BASE, plan=a_plan(action="Restart")),
            "the action: UpdateResources became Restart",
        ),
        (replace(BASE, policy="other"), "the policy: oom-raise-memory became other"),
        (
            replace(BASE, expires_at=START + timedelta(hours=1)),
            "the expiry: 2026-11-05T12:15:00.123456+00:00 became 2026-11-05T13:00:00.123456+00:00",
        ),
    ],
)
def test_each_bound_part_is_told(other: Proposal, told: str) -> None:
    """Uid, action, policy and expiry are each named when they differ."""
    assert differences(BASE, other) == [told]
