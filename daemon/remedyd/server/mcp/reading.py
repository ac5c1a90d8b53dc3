"""The tools that change nothing."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from remedyd.errors import InvalidInput
from remedyd.model import AuditResult, Proposal, ProposalId, State, Target
from remedyd.proposals.query import ProposalFilter
from remedyd.server.mcp import fields, results
from remedyd.server.mcp.tool import Arguments, Asking, threaded
from remedyd.server.waiting import until

_HISTORY = 5
_EXPLAINED_HISTORY = 20
_ASIDE = 10


class ListProposals(Arguments):
    """Which proposals."""

    state: fields.State = ""
    open: Annotated[bool, Field(description="Only those that have not ended")] = False
    namespace: Annotated[str, Field(description="Only this namespace; left out: all")] = ""
    policy: Annotated[str, Field(description="Only what this policy proposed")] = ""
    limit: fields.Limit = 20
    cursor: Annotated[str, Field(description="`next` of the page before")] = ""


class ShowProposal(Arguments):
    """Which proposal, and how patiently."""

    proposal: fields.Id
    wait_seconds: fields.Seconds = 0
    after_version: Annotated[
        int | None, Field(ge=0, description="With wait_seconds: the version already seen")
    ] = None


class Explain(Arguments):
    """A proposal by its id, or a workload by namespace, kind and name."""

    proposal: Annotated[str, Field(max_length=100, description="A proposal's id")] = ""
    namespace: fields.Namespace = "default"
    kind: fields.Kind = "Deployment"
    name: Annotated[str, Field(max_length=253, description="Or a workload's name")] = ""


class RunAudit(Arguments):
    """Which audit, and how much of what it measures."""

    audit: Annotated[
        str, Field(max_length=253, description="Its name; a wrong one is answered with all names")
    ]
    namespace: Annotated[str, Field(description="Only rows of this namespace; left out: all")] = ""
    limit: fields.Limit = 20


class WorkloadStatus(Arguments):
    """Which workload."""

    name: fields.Name
    namespace: fields.Namespace = "default"
    kind: fields.Kind = "Deployment"


@threaded
def list_proposals(asking: Asking, given: ListProposals) -> results.Listed:
    """List proposals."""
    wanted = ProposalFilter(
        states=frozenset({_state(given.state)}) if given.state else frozenset(),
        open=True if given.open else None,
        namespace=given.namespace,
        policy=given.policy,
        limit=given.limit,
        cursor=given.cursor,
    )
    page = asking.ctx.service.proposals(asking.principal, wanted)
    return results.Listed(items=[results.brief(item) for item in page.items], next=page.next)


async def show_proposal(asking: Asking, given: ShowProposal) -> results.Shown:
    """Show one proposal, as soon as it has moved on or the wait is over."""
    seen = given.after_version

    def read() -> Proposal:
        return asking.ctx.service.proposal(asking.principal, ProposalId(given.proposal))

    def moved(proposal: Proposal) -> bool:
        nonlocal seen
        if seen is None:
            seen = proposal.version
        return proposal.version != seen

    found = await until(asking.ctx.service, asking.ctx.streams, read, moved, given.wait_seconds)
    return results.shown(found, asking.principal)


@threaded
def explain(asking: Asking, given: Explain) -> results.Explained:
    """Say why something is proposed, or why not."""
    if bool(given.proposal) == bool(given.name):
        raise InvalidInput(
            "give either a proposal or a workload's name",
            hint="for a workload also its namespace and kind",
        )
    return _proposal(asking, given.proposal) if given.proposal else _workload(asking, given)


def _proposal(asking: Asking, given: str) -> results.Explained:
    found = asking.ctx.service.proposal(asking.principal, ProposalId(given))
    events = asking.ctx.service.events(asking.principal, found.id)
    if found.source == "audit":
        because = f"policy {found.policy} (mode {found.mode}) on audit {found.audit}"
    else:
        asker = found.requested_by
        because = f"requested by {asker.name if asker else 'someone'}"
    first = events[0].detail if events else ""
    return results.Explained(
        subject=f"{found.plan.action} on {found.plan.target}: {found.state.value}",
        because=[because, *filter(None, (first, found.plan.consequence))],
        evidence=results.evidence(found.row) if found.row else None,
        prechecks=[f"{p.result.value} {p.name}: {p.evidence}" for p in found.plan.prechecks],
        history=[
            results.Moment(
                at=event.at,
                state=event.state.value,
                action=event.action,
                principal=event.principal,
                detail=event.detail,
            )
            for event in events[-_EXPLAINED_HISTORY:]
        ],
        verdict=results.told(found.verdict),
        decisions=[],
        proposals=[],
    )


def _workload(asking: Asking, given: Explain) -> results.Explained:
    target = Target(asking.ctx.cluster, given.namespace, given.kind, given.name)
    wanted = ProposalFilter(workload=target.workload, limit=_HISTORY)
    proposals = asking.ctx.service.proposals(asking.principal, wanted).items
    decisions = list(_decisions(asking, target))
    because = [
        f"{each.policy}: {each.decision}, {each.detail or each.reason}" for each in decisions
    ]
    return results.Explained(
        subject=str(target),
        because=because or ["no policy has decided about it yet: no audit row names it"],
        evidence=None,
        prechecks=[],
        history=[],
        verdict="",
        decisions=decisions,
        proposals=[results.brief(item) for item in proposals],
    )


def _decisions(asking: Asking, target: Target) -> Iterator[results.Reason]:
    for policy, judged in asking.ctx.service.policies(asking.principal):
        for decision in judged.decisions if judged else ():
            if judged and decision.target.workload == target.workload:
                yield results.Reason(
                    policy=policy.name,
                    mode=policy.mode.value,
                    target=str(decision.target),
                    decision=decision.kind.value,
                    reason=decision.reason,
                    detail=decision.detail,
                    at=judged.at,
                )


@threaded
def run_audit(asking: Asking, given: RunAudit) -> results.Measured:
    """Run an audit now."""
    result = asking.ctx.service.run_audit(asking.principal, given.audit)
    return _measured(result, given)


def _measured(result: AuditResult, given: RunAudit) -> results.Measured:
    rows = [row for row in result.rows if given.namespace in ("", row.target.namespace)]
    worst = sorted(rows, key=lambda row: -int(row.severity))[: given.limit]
    aside = [s for s in result.set_aside if given.namespace in ("", s.row.target.namespace)]
    return results.Measured(
        audit=result.audit,
        outcome=result.outcome.value,
        detail=result.detail,
        hint=result.hint,
        start=result.window.start,
        end=result.window.end,
        total=len(rows),
        rows=[results.evidence(row) for row in worst],
        set_aside=[
            results.SetAside(target=str(s.row.target), reason=s.reason, detail=s.detail)
            for s in aside[:_ASIDE]
        ],
        unavailable=list(result.unavailable),
    )


@threaded
def workload_status(asking: Asking, given: WorkloadStatus) -> results.Standing:
    """Read a workload and its last proposals."""
    target = Target(asking.ctx.cluster, given.namespace, given.kind, given.name)
    found = asking.ctx.service.workload(asking.principal, target, _HISTORY)
    opened = asking.ctx.service.proposals(
        asking.principal, ProposalFilter(workload=target.workload, open=True, limit=1)
    ).items
    return results.Standing(
        target=str(found.status.target),
        status=found.status.consequence,
        rollout=found.status.diff,
        open=opened[0].id if opened else "",
        history=[results.brief(item) for item in found.history],
    )


def _state(value: str) -> State:
    try:
        return State(value)
    except ValueError:
        known = ", ".join(state.value for state in State)
        raise InvalidInput(f"state: no state {value!r}", hint=f"one of {known}") from None
