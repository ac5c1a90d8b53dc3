"""What the REST API shows: explicit shapes, so that the OpenAPI document is the contract."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from remedyd.audits.definition import AuditDefinition
from remedyd.model import (
    Applied,
    Approval,
    AuditResult,
    AuditRow,
    Event,
    Plan,
    Proposal,
    Target,
    Verdict,
)
from remedyd.proposals.summary import markdown, plain


class TargetView(BaseModel):
    """A workload or one of its containers."""

    cluster: str
    namespace: str
    kind: str
    name: str
    container: str
    uid: str


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


class RowView(BaseModel):
    """The evidence: one row of an audit."""

    audit: str
    target: TargetView
    severity: int
    samples: int | None
    last_seen: datetime | None
    values: dict[str, Any]


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
    """One proposal; approve it by its `digest`."""

    id: str
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

    items: list[ProposalView]
    next: str


class EventView(BaseModel):
    """One line of a proposal's history."""

    sequence: int
    at: datetime
    action: str
    state: str
    principal: str
    detail: str
    data: dict[str, Any]


class AuditView(BaseModel):
    """A loaded audit."""

    name: str
    description: str
    columns: list[dict[str, Any]]


class ResultView(BaseModel):
    """One run of an audit; `rows` is empty unless `outcome` is Ok."""

    audit: str
    outcome: str
    start: datetime
    end: datetime
    detail: str
    hint: str
    unavailable: list[str]
    warnings: list[str]
    rows: list[RowView]


def target_view(target: Target) -> TargetView:
    """Show a target."""
    return TargetView(
        cluster=target.cluster,
        namespace=target.namespace,
        kind=target.kind,
        name=target.name,
        container=target.container,
        uid=target.uid,
    )


def row_view(row: AuditRow) -> RowView:
    """Show an evidence row."""
    return RowView(
        audit=row.audit,
        target=target_view(row.target),
        severity=int(row.severity),
        samples=row.samples,
        last_seen=row.last_seen,
        values=dict(row.values),
    )


def proposal_view(proposal: Proposal) -> ProposalView:
    """Show a proposal with its summaries."""
    requested = proposal.requested_by
    return ProposalView(
        **_identity(proposal),
        **_plan(proposal.plan),
        evidence=row_view(proposal.row) if proposal.row else None,
        summary=plain(proposal),
        summary_markdown=markdown(proposal),
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


def _identity(proposal: Proposal) -> Mapping[str, Any]:
    return {
        "id": proposal.id,
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
        "changes": [ChangeView(path=c.path, old=c.old, new=c.new) for c in plan.changes],
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


def event_view(event: Event) -> EventView:
    """Show one line of history."""
    return EventView(
        sequence=event.sequence,
        at=event.at,
        action=event.action,
        state=event.state.value,
        principal=event.principal,
        detail=event.detail,
        data=event.data,
    )


def audit_view(audit: AuditDefinition) -> AuditView:
    """Show a loaded audit."""
    return AuditView(
        name=audit.name,
        description=audit.description,
        columns=[{"name": c.name, "type": c.type, "nullable": c.nullable} for c in audit.columns],
    )


def result_view(result: AuditResult) -> ResultView:
    """Show one run of an audit."""
    return ResultView(
        audit=result.audit,
        outcome=result.outcome.value,
        start=result.window.start,
        end=result.window.end,
        detail=result.detail,
        hint=result.hint,
        unavailable=list(result.unavailable),
        warnings=list(result.warnings),
        rows=[row_view(row) for row in result.rows],
    )
