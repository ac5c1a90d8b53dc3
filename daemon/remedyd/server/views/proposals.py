"""Proposals whole, and the workloads they are about."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from remedyd.model import Applied, Approval, FieldChange, Plan, Proposal, State, Verdict
from remedyd.model.hidden import hidden
from remedyd.proposals.lifecycle import is_open
from remedyd.proposals.summary import markdown, plain
from remedyd.server.views import examples
from remedyd.server.views.rows import RowView, TargetView, row_view, target_view
from remedyd.service import Workload


class ChangeView(BaseModel):
    """One field, before and after; null means absent."""

    path: str
    old: Any
    new: Any


class PrecheckView(BaseModel):
    """One thing looked at before anyone was asked."""

    name: str
    result: str
    evidence: str
    next_step: str


class ApprovalView(BaseModel):
    """Who approved what, when."""

    principal: str
    on_behalf_of: str
    digest: str
    at: datetime
    comment: str


class AppliedView(BaseModel):
    """What a write left in the cluster."""

    at: datetime
    resource_version: str
    generation: int
    replayed: bool
    differences: list["ChangeView"]
    """What landed otherwise than planned; `old` is the plan's value."""
    assumed: bool
    """Nobody knows whether it was written: it counts as if it were."""


class VerdictView(BaseModel):
    """The proof, with the audit's numbers before and after."""

    outcome: str
    at: datetime
    reason: str
    detail: str
    before: dict[str, Any]
    after: dict[str, Any]
    samples: int


class ProposalView(BaseModel):
    """One proposal; approve it by its `digest`. `version` counts its moves."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROPOSAL]})

    id: str
    version: int
    state: str
    digest: str
    source: str
    policy: str
    step: str
    mode: str
    audit: str
    target: TargetView
    action: str
    params: dict[str, Any]
    changes: list[ChangeView]
    diff: str
    consequence: str
    prechecks: list[PrecheckView]
    dry_run: str
    evidence: RowView | None
    summary: str
    summary_markdown: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    requested_by: str | None
    approval: ApprovalView | None
    applied: AppliedView | None
    rolled_out_at: datetime | None
    verdict: VerdictView | None
    rollback: AppliedView | None
    reason: str


class PageView(BaseModel):
    """Proposals, newest first; pass `next` as `cursor` for the following page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [examples.PROPOSAL], "next": ""}]}
    )

    items: list[ProposalView]
    next: str


class WorkloadView(BaseModel):
    """How a workload stands now, and its proposals, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "target": examples.TARGET | {"container": ""},
                    "status": "Status: 3/3 pods ready.",
                    "rollout": "rollout Complete: 3 of 3 pods are updated and available",
                    "open": None,
                    "history": [examples.PROPOSAL],
                }
            ]
        }
    )

    target: TargetView
    status: str
    rollout: str
    open: str | None
    history: list[ProposalView]


def workload_view(workload: Workload) -> WorkloadView:
    """Show a workload."""
    history = workload.history
    return WorkloadView(
        target=target_view(workload.status.target),
        status=workload.status.consequence,
        rollout=workload.status.diff,
        open=next((proposal.id for proposal in history if is_open(proposal)), None),
        history=[proposal_view(proposal) for proposal in history],
    )


def proposal_view(proposal: Proposal) -> ProposalView:
    """Show a proposal with its summaries."""
    requested = proposal.requested_by
    return ProposalView(
        **_identity(proposal),
        **_plan(proposal.plan),
        evidence=row_view(proposal.row) if proposal.row else None,
        summary=proposal.summary or plain(proposal),
        summary_markdown=markdown(proposal, because=_because(proposal)),
        created_at=proposal.created_at,
        updated_at=proposal.updated_at,
        expires_at=proposal.expires_at,
        requested_by=requested.name if requested else None,
        approval=_approval(proposal.approval) if proposal.approval else None,
        applied=_applied(proposal.applied) if proposal.applied else None,
        rolled_out_at=proposal.rolled_out_at,
        verdict=_verdict(proposal.verdict) if proposal.verdict else None,
        rollback=_applied(proposal.rollback) if proposal.rollback else None,
        reason=proposal.reason,
    )


def _because(proposal: Proposal) -> str:
    """Return the sentence of whoever proposed it; later the reason is that of the last move."""
    return proposal.reason if proposal.state is State.PROPOSED else ""


def _identity(proposal: Proposal) -> Mapping[str, Any]:
    return {
        "id": proposal.id,
        "version": proposal.version,
        "state": proposal.state.value,
        "digest": proposal.digest,
        "source": proposal.source,
        "policy": proposal.policy,
        "step": proposal.step,
        "mode": proposal.mode.value,
        "audit": proposal.audit,
    }


def _plan(plan: Plan) -> Mapping[str, Any]:
    return {
        "target": target_view(plan.target),
        "action": plan.action,
        "params": dict(plan.params),
        "changes": _changes(plan.changes),
        "diff": plan.diff,
        "consequence": plan.consequence,
        "prechecks": [
            PrecheckView(
                name=p.name, result=p.result.value, evidence=p.evidence, next_step=p.next_step
            )
            for p in plan.prechecks
        ],
        "dry_run": plan.dry_run,
    }


def _changes(changes: Iterable[FieldChange]) -> list[ChangeView]:
    found = []
    for each in changes:
        old, new = hidden(each.old, each.new)
        found.append(ChangeView(path=each.path, old=old, new=new))
    return found


def _approval(approval: Approval) -> ApprovalView:
    return ApprovalView(
        principal=approval.principal.name,
        on_behalf_of=approval.principal.on_behalf_of,
        digest=approval.digest,
        at=approval.at,
        comment=approval.comment,
    )


def _applied(applied: Applied) -> AppliedView:
    return AppliedView(
        at=applied.at,
        resource_version=applied.resource_version,
        generation=applied.generation,
        replayed=applied.replayed,
        differences=_changes(applied.differences),
        assumed=applied.assumed,
    )


def _verdict(verdict: Verdict) -> VerdictView:
    return VerdictView(
        outcome=verdict.outcome.value,
        at=verdict.at,
        reason=verdict.reason,
        detail=verdict.detail,
        before=dict(verdict.before),
        after=dict(verdict.after),
        samples=verdict.samples,
    )
