"""What decisions remember, worked out by hand: slow, whole, and without a database's cleverness."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from remedyd.model import (
    Applied,
    Change,
    DecisionState,
    Hold,
    HoldKind,
    Outcome,
    Proposal,
    State,
    Verdict,
)
from remedyd.proposals import codec, lifecycle
from support.proposals import START, a_plan, a_proposal, a_target

WEEK, DAY = timedelta(days=7), timedelta(days=1)
NAMESPACES = ("shop", "bank")
NAMES = ("cart", "till", "desk")
POLICIES = ("oom", "gap")
STEPS = ("one", "two")
NEVER_WRITTEN = frozenset(
    {State.PROPOSED, State.APPROVED, State.APPLYING, State.REJECTED, State.EXPIRED, State.STALE,
     State.FAILED, State.DRY_RUN, State.ESCALATED}
)  # fmt: skip
JUDGED = {
    State.INEFFECTIVE: Outcome.INEFFECTIVE,
    State.HARMFUL: Outcome.HARMFUL,
    State.INCONCLUSIVE: Outcome.INCONCLUSIVE,
    State.ROLLING_BACK: Outcome.HARMFUL,
    State.ROLLED_BACK: Outcome.INEFFECTIVE,
    State.ROLLBACK_FAILED: Outcome.HARMFUL,
}
AGES = st.one_of(
    st.floats(0, 200),
    st.sampled_from((0.0, 0.5, 1.0, 1.01, 2.0, 23.9, 24.0, 24.1, 100.0, 168.0, 168.1)),
)


@st.composite
def lives(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """Draw a proposal as its row: made, written, judged and ended some hours before `START`."""
    state = draw(st.sampled_from(list(State)))
    requested = draw(st.integers(0, 4)) == 0
    ended, verdict_at, written, made = sorted(draw(AGES) for _ in range(4))
    target = a_target(draw(st.sampled_from(NAMES)), namespace=draw(st.sampled_from(NAMESPACES)))
    outcome = JUDGED.get(state)
    proposal = replace(
        a_proposal(f"p{number}", at=before(made)),
        plan=a_plan(target, new=draw(st.sampled_from(("300Mi", "384Mi", "512Mi")))),
        policy="" if requested else draw(st.sampled_from(POLICIES)),
        step="" if requested else draw(st.sampled_from(STEPS)),
        source="request" if requested else "audit",
        state=state,
        updated_at=before(ended),
        applied=None if state in NEVER_WRITTEN else Applied(before(written), "1", 1),
        verdict=Verdict(outcome, before(verdict_at), "Why", "a sentence") if outcome else None,
    )
    return columns(proposal, failed=before(verdict_at) if outcome else None)


def before(hours: float) -> datetime:
    """Return the moment so many hours before `START`, to the second."""
    return START - timedelta(seconds=round(hours * 3600))


def columns(proposal: Proposal, failed: datetime | None) -> dict[str, Any]:
    """Return the row of a proposal."""
    is_open = lifecycle.is_open(proposal)
    target = proposal.plan.target
    return {
        "id": proposal.id, "version": proposal.version, "state": proposal.state.value,
        "is_open": is_open,
        "source": proposal.source, "policy": proposal.policy, "step": proposal.step,
        "workload": target.workload, "namespace": target.namespace, "digest": proposal.digest,
        "created_at": proposal.created_at, "updated_at": proposal.updated_at,
        "expires_at": proposal.expires_at,
        "finished_at": None if is_open else proposal.updated_at,
        "applied_at": proposal.applied.at if proposal.applied else None,
        "failed_at": failed, "body": codec.dump(proposal),
    }  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw up to thirty proposals, at most one of them open for each workload."""
    rows: list[dict[str, Any]] = []
    taken: set[str] = set()
    for number in range(draw(st.integers(0, 30))):
        row = draw(lives(number))
        if row["is_open"] and row["workload"] in taken:
            continue
        if row["is_open"]:
            taken.add(row["workload"])
        rows.append(row)
    return rows


@st.composite
def sets_of_holds(draw: st.DrawFn) -> list[Hold]:
    """Draw holds, open and ended, at most one open for each subject."""
    found: dict[tuple[HoldKind, str, bool], Hold] = {}
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(list(HoldKind)))
        name, place = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMESPACES))
        subject = a_target(name, namespace=place).workload if kind is HoldKind.QUARANTINE else "lab"
        ended, since = sorted((draw(AGES), draw(AGES)))
        over = before(ended) if draw(st.booleans()) else None
        hold = Hold(f"h{number}", kind, subject, before(since), "why", {}, over)
        found.setdefault((kind, subject, over is None), hold)
    return list(found.values())


def remembered(
    rows: Sequence[Mapping[str, Any]], held: Iterable[Hold], now: datetime
) -> DecisionState:
    """Return the past by its definition."""
    held = list(held)
    storms = [one for one in held if one.kind is HoldKind.STORM and one.ended_at is None]
    return DecisionState(
        open={row["workload"]: row["id"] for row in rows if row["is_open"]},
        finished=_finished(rows, now),
        proposed=_times(
            rows,
            lambda row: row["policy"],
            lambda row: row["created_at"] if row["policy"] else None,
            now - DAY,
        ),
        attempts=_times(
            rows,
            lambda row: (row["policy"], row["workload"], row["step"]),
            lambda row: _tried(row) if row["policy"] else None,
            now - DAY,
        ),
        failures=failures(rows, held, now),
        changes=_changes(rows, now),
        quarantined={
            one.subject: one
            for one in held
            if one.kind is HoldKind.QUARANTINE and one.ended_at is None
        },
        storm=min(storms, key=lambda hold: hold.since, default=None),
    )


def _finished(rows: Sequence[Mapping[str, Any]], now: datetime) -> dict[tuple[str, str], datetime]:
    ends: dict[tuple[str, str], datetime] = {}
    for row in rows:
        at, key = row["finished_at"], (row["policy"], row["workload"])
        if at is not None and at >= now - WEEK and row["state"] != "Stale":
            ends[key] = max(at, ends.get(key, at))
    return ends


def _tried(row: Mapping[str, Any]) -> datetime | None:
    told: datetime | None = row["created_at"] if row["state"] == "Escalated" else None
    return row["applied_at"] or told


def _times(
    rows: Sequence[Mapping[str, Any]],
    key: Callable[[Mapping[str, Any]], Any],
    at: Callable[[Mapping[str, Any]], datetime | None],
    since: datetime,
) -> dict[Any, tuple[datetime, ...]]:
    found: defaultdict[Any, list[datetime]] = defaultdict(list)
    for row in rows:
        time = at(row)
        if time is not None and time > since:
            found[key(row)].append(time)
    return {name: tuple(sorted(times)) for name, times in found.items()}


def failures(
    rows: Sequence[Mapping[str, Any]], held: Iterable[Hold], now: datetime
) -> dict[str, tuple[datetime, ...]]:
    """Return the failures in a row: later than any proof and any lifted quarantine."""
    over: defaultdict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        if row["state"] == "Effective" and row["source"] == "audit" and row["finished_at"]:
            over[row["workload"]].append(row["finished_at"])
    for hold in held:
        if hold.kind is HoldKind.QUARANTINE and hold.ended_at is not None:
            over[hold.subject].append(hold.ended_at)
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        at = row["failed_at"]
        if at is None or at < now - WEEK or any(end >= at for end in over[row["workload"]]):
            continue
        found[row["workload"]].append(at)
    return {workload: tuple(sorted(times)) for workload, times in found.items()}


def _changes(rows: Sequence[Mapping[str, Any]], now: datetime) -> tuple[Change, ...]:
    found = []
    for row in rows:
        at = row["applied_at"]
        ahead = row["is_open"] and (at is not None or row["state"] in ("Approved", "Applying"))
        if ahead or (at is not None and at >= now - WEEK):
            found.append(_change(row, now))
    return tuple(
        sorted(
            found,
            key=lambda one: (
                one.applied_at is None,
                one.applied_at or one.moved_at,
                one.proposal,
            ),
        )
    )


def _change(row: Mapping[str, Any], now: datetime) -> Change:
    at = row["applied_at"]
    change = Change(
        proposal=row["id"],
        workload=row["workload"],
        state=State(row["state"]),
        moved_at=row["updated_at"],
        policy=row["policy"],
        step=row["step"],
        applied_at=at,
        ended_at=row["finished_at"],
    )
    whole = codec.load(row["body"])
    if row["failed_at"] is not None and whole.verdict is not None:
        change = replace(change, outcome=whole.verdict.outcome, detail=whole.verdict.detail)
    if row["failed_at"] is not None or (at is not None and at > now - DAY):
        change = replace(change, action=whole.plan.action, fields=whole.plan.changes)
    return change
