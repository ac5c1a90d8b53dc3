"""What the tools give back: small, because all of it is read by a model that pays by the word."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from remedyd.model import AuditRow, Principal, Proposal, Scope, State, Verdict
from remedyd.proposals.summary import plain


class Brief(BaseModel):
    """A proposal in one line."""

    id: str
    state: str
    target: str
    action: str
    policy: str
    consequence: str
    created_at: datetime
    expires_at: datetime
    reason: str


class Listed(BaseModel):
    """Proposals, newest first; `next` is the cursor of the following page, "" at the end."""

    items: list[Brief]
    next: str


class Shown(Brief):
    """A proposal on one screen: `summary` is what an approver reads, `digest` what is approved.

    `version` counts its moves, `verdict` is the proof once there is one, `next` says what to do.
    """

    digest: str
    version: int
    summary: str
    verdict: str
    next: str


class Evidence(BaseModel):
    """One row of an audit; severity 1 healthy, 2 warning, 3 critical."""

    target: str
    severity: int
    samples: int | None
    last_seen: datetime | None
    values: dict[str, Any]


class SetAside(BaseModel):
    """A row without enough fresh samples: told, never acted upon."""

    target: str
    reason: str
    detail: str


class Measured(BaseModel):
    """One run of an audit, worst rows first; `rows` is empty unless `outcome` is Ok.

    `total` counts all its rows, of which only some may be here.
    """

    audit: str
    outcome: str
    detail: str
    hint: str
    start: datetime
    end: datetime
    total: int
    rows: list[Evidence]
    set_aside: list[SetAside]
    unavailable: list[str]


class Standing(BaseModel):
    """How a workload stands now; `open` is the id of its open proposal, "" without one."""

    target: str
    status: str
    rollout: str
    open: str
    history: list[Brief]


class Reason(BaseModel):
    """What one policy last said about a row: Propose, Hold, Skip or Error, and why."""

    policy: str
    mode: str
    target: str
    decision: str
    reason: str
    detail: str
    at: datetime


class Moment(BaseModel):
    """One line of a proposal's history."""

    at: datetime
    state: str
    action: str
    principal: str
    detail: str


class Explained(BaseModel):
    """Why something is proposed, or why not.

    For a proposal: its evidence, prechecks, history and verdict. For a workload: the policies'
    last word on it, and its newest proposals.
    """

    subject: str
    because: list[str]
    evidence: Evidence | None
    prechecks: list[str]
    history: list[Moment]
    verdict: str
    decisions: list[Reason]
    proposals: list[Brief]


def brief(proposal: Proposal) -> Brief:
    """Show a proposal in one line."""
    return Brief(**_brief(proposal))


def shown(proposal: Proposal, principal: Principal) -> Shown:
    """Show a proposal on one screen, with what this principal may do next."""
    return Shown(
        **_brief(proposal),
        digest=proposal.digest,
        version=proposal.version,
        summary=proposal.summary or plain(proposal),
        verdict=told(proposal.verdict),
        next=_next(proposal, principal),
    )


def evidence(row: AuditRow) -> Evidence:
    """Show a row."""
    return Evidence(
        target=str(row.target),
        severity=int(row.severity),
        samples=row.samples,
        last_seen=row.last_seen,
        values={name: value for name, value in row.values.items() if name not in _TOLD},
    )


def told(verdict: Verdict | None) -> str:
    """Return the verdict in one sentence, "" before there is one."""
    if verdict is None:
        return ""
    return f"{verdict.outcome.value} ({verdict.reason}): {verdict.detail}".rstrip(": ")


def _brief(proposal: Proposal) -> dict[str, Any]:
    return {
        "id": proposal.id,
        "state": proposal.state.value,
        "target": str(proposal.plan.target),
        "action": proposal.plan.action,
        "policy": proposal.policy,
        "consequence": proposal.plan.consequence,
        "created_at": proposal.created_at,
        "expires_at": proposal.expires_at,
        "reason": proposal.reason,
    }


_TOLD = frozenset(
    {
        *("cluster", "namespace", "kind", "name", "container"),
        *("severity_score", "samples", "last_seen"),
    }
)
"""Columns whose content has a place of its own."""

_BUSY = frozenset({State.APPROVED, State.APPLYING, State.APPLIED, State.VERIFYING})


def _next(proposal: Proposal, principal: Principal) -> str:
    if proposal.state is State.PROPOSED:
        if principal.may(Scope.APPROVER, proposal.plan.target.namespace):
            return (
                "Show the summary to your user. Only after a yes to exactly this, call approve "
                "with this digest; after a no, call reject."
            )
        return (
            "Nothing is changed yet: an approver has to decide, in the console or with "
            f"`remedyd proposals approve {proposal.id}`. You cannot approve it."
        )
    if proposal.state in _BUSY:
        return "Not proved yet: call show_proposal with wait_seconds and after_version."
    return "Nothing: it has ended. Report its state, reason and verdict as they are."
