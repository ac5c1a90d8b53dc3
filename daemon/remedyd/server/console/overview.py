"""The start: what is wrong now, what waits for whom, what is under way."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from remedyd.model import AuditOutcome, Principal, Proposal, Severity, State
from remedyd.proposals.lifecycle import IN_FLIGHT
from remedyd.proposals.query import MAX_PAGE, ProposalFilter
from remedyd.server.console import pages, paths, standing, words
from remedyd.server.console.standing import Audited
from remedyd.server.context import Caller, Context, Ctx

router = APIRouter(include_in_schema=False, route_class=pages.Page)

_LATELY = 8
_TOLD = timedelta(days=1)


@router.get(paths.HOME)
def overview(request: Request, principal: Caller, ctx: Ctx) -> Response:
    """Show how things stand."""
    service = ctx.service
    opened = in_flight(ctx, principal)
    waiting = [p for p in opened if p.state is State.PROPOSED]
    mine = [p for p in waiting if words.may_approve(principal, p)]
    audited = audits_of(ctx, principal)
    ruled = service.policies(principal)
    troubles = standing.troubles(audited, ruled, opened)
    escalated = ProposalFilter(
        states=frozenset({State.ESCALATED}), since=ctx.clock.now() - _TOLD, limit=MAX_PAGE
    )
    lately = service.proposals(principal, ProposalFilter(open=False, limit=_LATELY)).items
    return pages.render(
        request,
        "overview.html",
        audited=audited,
        counts={
            "critical": sum(t.severity is Severity.CRITICAL for t in troubles),
            "warning": sum(t.severity is Severity.WARNING for t in troubles),
        },
        failing=[(d, r) for d, r in audited if r and failed(r.outcome)],
        holds=service.controls.holds(principal),
        lately=lately,
        mine=sorted(mine, key=lambda p: p.expires_at),
        told={
            p.plan.target.workload: p for p in service.proposals(principal, escalated).items[::-1]
        },
        others=[p for p in waiting if p not in mine],
        troubles=troubles,
        uncovered=standing.uncovered(audited, ruled),
        under_way=_under_way(opened),
    )


def in_flight(ctx: Context, principal: Principal) -> tuple[Proposal, ...]:
    """Return what is under way; by state, since of very many only the state has an index."""
    wanted = ProposalFilter(states=IN_FLIGHT, limit=MAX_PAGE)
    return ctx.service.proposals(principal, wanted).items


def failed(outcome: AuditOutcome) -> bool:
    """Whether an outcome means that an audit could not look; no row at all may be good news."""
    return outcome not in (AuditOutcome.OK, AuditOutcome.NO_DATA)


def audits_of(ctx: Context, principal: Principal) -> list[Audited]:
    """Return every audit with its last result."""
    return [ctx.service.audit(principal, each.name) for each in ctx.service.audits(principal)]


def _under_way(opened: tuple[Proposal, ...]) -> list[tuple[Proposal, int]]:
    return [
        (proposal, standing.step(proposal))
        for proposal in opened
        if proposal.state is not State.PROPOSED
    ]
