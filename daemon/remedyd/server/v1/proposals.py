"""Proposals: list, wait for one, read one, ask for a change."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from remedyd.errors import InvalidInput
from remedyd.model import ActionRequest, Proposal, ProposalId, State, Target
from remedyd.proposals.query import MAX_PAGE, Page, ProposalFilter
from remedyd.server import views
from remedyd.server.context import Caller, Ctx, acting
from remedyd.server.v1.outcomes import problems
from remedyd.server.waiting import LONGEST_SECONDS, until

router = APIRouter(prefix="/v1/proposals", tags=["proposals"])

Wait = Annotated[
    float, Query(ge=0, le=LONGEST_SECONDS, description="Seconds to wait for something new")
]
Name = Annotated[
    str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$", examples=["checkout"])
]
Namespace = Annotated[
    str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", examples=["shop"])
]
Kind = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]{0,62}$", examples=["Deployment"])]
Behalf = Annotated[
    str,
    Field(
        max_length=200,
        description="For whom the caller says it acts: recorded with its own name, never trusted",
        examples=["alice@example.com"],
    ),
]
Aware = Annotated[datetime | None, Query(description="RFC 3339 time with a time zone")]


class RequestedTarget(BaseModel):
    """The workload to change."""

    model_config = ConfigDict(extra="forbid")

    namespace: Namespace
    kind: Kind = "Deployment"
    name: Name
    container: str = Field("", max_length=63, description="One container of it, where it matters")


class ProposeRequest(BaseModel):
    """A typed action on a workload, as policies write it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "target": {"namespace": "shop", "kind": "Deployment", "name": "checkout"},
                    "action": "Scale",
                    "params": {"absolute": 4},
                    "comment": "the sale starts at noon",
                }
            ]
        },
    )

    target: RequestedTarget
    action: str = Field(max_length=63, description="An action's name", examples=["Scale"])
    params: dict[str, Any] = Field({}, description="The action's parameters")
    comment: str = Field("", max_length=2000, description="Why; part of the history")
    on_behalf_of: Behalf = ""


@router.get("", responses=problems(422))
async def list_proposals(
    principal: Caller,
    ctx: Ctx,
    state: Annotated[list[State] | None, Query(description="Any of these states")] = None,
    open: Annotated[bool | None, Query(description="Only those that have not ended")] = None,
    namespace: str = "",
    policy: str = "",
    source: Annotated[str, Query(description="`audit` or `request`")] = "",
    since: Aware = None,
    until_: Annotated[datetime | None, Query(alias="until")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str, Query(description="`next` of the page before")] = "",
    wait: Wait = 0,
) -> views.PageView:
    """List proposals, newest first; with `wait`, an empty page is only given after that time."""
    wanted = ProposalFilter(
        states=frozenset(state or ()),
        open=open,
        namespace=namespace,
        policy=policy,
        source=source,
        since=aware(since, "since"),
        until=aware(until_, "until"),
        limit=limit,
        cursor=cursor,
    )
    page = await until(
        ctx.service,
        ctx.streams,
        lambda: ctx.service.proposals(principal, wanted),
        lambda page: bool(page.items),
        wait,
    )
    return await run_in_threadpool(_view, page)  # a page of two hundred takes its time


def _view(page: Page) -> views.PageView:
    items = [views.proposal_view(proposal) for proposal in page.items]
    return views.PageView(items=items, next=page.next)


@router.post("", status_code=201, responses=problems(404, 409, 422, 502))
def propose(
    body: ProposeRequest, principal: Caller, ctx: Ctx, response: Response
) -> views.ProposalView:
    """Ask for a change: it is planned on the live object and waits for an approver."""
    if body.action == "Status":
        raise InvalidInput("Status changes nothing", hint="read /v1/workloads instead")
    target = Target(
        ctx.cluster,
        body.target.namespace,
        body.target.kind,
        body.target.name,
        body.target.container,
    )
    action = ActionRequest(body.action, body.params)
    who = acting(principal, body.on_behalf_of)
    made = ctx.service.request(who, target, action, body.comment)
    response.headers["Location"] = f"/v1/proposals/{made.id}"
    return views.proposal_view(made)


@router.get("/{proposal_id}", responses=problems(404, 422))
async def get_proposal(
    proposal_id: str,
    principal: Caller,
    ctx: Ctx,
    wait: Wait = 0,
    version: Annotated[
        int | None, Query(ge=0, description="With `wait`: the version already seen")
    ] = None,
) -> views.ProposalView:
    """Show one proposal whole; with `wait`, as soon as it moves on, or after that time."""
    seen = version

    def read() -> Proposal:
        return ctx.service.proposal(principal, ProposalId(proposal_id))

    def moved(proposal: Proposal) -> bool:
        nonlocal seen
        if seen is None:
            seen = proposal.version
        return proposal.version != seen

    return views.proposal_view(await until(ctx.service, ctx.streams, read, moved, wait))


@router.get("/{proposal_id}/events", responses=problems(404))
def get_events(proposal_id: str, principal: Caller, ctx: Ctx) -> list[views.EventView]:
    """Show a proposal's history, oldest first."""
    events = ctx.service.events(principal, ProposalId(proposal_id))
    return [views.event_view(event) for event in events]


def aware(value: datetime | None, name: str) -> datetime | None:
    """Return the time; raise InvalidInput for one without a time zone."""
    if value is not None and value.tzinfo is None:
        raise InvalidInput(f"{name}: the time needs a time zone", hint="end it with Z")
    return value
