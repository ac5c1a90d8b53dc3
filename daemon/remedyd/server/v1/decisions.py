"""Decisions about a proposal: approve, reject, roll back."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from remedyd.model import Digest, ProposalId
from remedyd.server import views
from remedyd.server.context import Caller, Ctx, acting
from remedyd.server.v1.outcomes import problems
from remedyd.server.v1.proposals import Behalf

router = APIRouter(prefix="/v1/proposals/{proposal_id}", tags=["decisions"])

Reason = Annotated[str, Field(max_length=2000, description="Why; part of the history")]

_DIGEST = "3f0f6ad1c2c7f6a2b7f7f0a6a1f04c9e0d5b1f2e3c4d5a6b7c8d9e0f1a2b3c4d"


class ApproveRequest(BaseModel):
    """Names exactly what is approved. `plan_hash` is another name of `digest`."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "digest": _DIGEST,
                    "comment": "seen with the team",
                    "on_behalf_of": "alice@example.com",
                    "execution_url": "https://kibana.example.com/app/workflows/executions/42",
                }
            ]
        },
    )

    digest: str = Field(
        min_length=1,
        max_length=200,
        validation_alias=AliasChoices("digest", "plan_hash"),
        description="The proposal's digest as shown",
    )
    comment: str = Field("", max_length=2000)
    on_behalf_of: Behalf = ""
    execution_url: str = Field(
        "", max_length=2000, description="Where the decision was taken, such as a workflow's run"
    )


class RejectRequest(BaseModel):
    """Says why not."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "not during the sale"}]}
    )

    reason: Reason = ""
    on_behalf_of: Behalf = ""


class RollbackRequest(BaseModel):
    """Says why an applied change is taken back."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "latency went up"}]}
    )

    reason: Reason = ""
    on_behalf_of: Behalf = ""


@router.post("/approve", responses=problems(404, 409, 410, 422))
def approve(
    proposal_id: str, body: ApproveRequest, principal: Caller, ctx: Ctx
) -> views.ProposalView:
    """Approve the proposal with exactly this digest; it is applied at once."""
    approved = ctx.service.approve(
        acting(principal, body.on_behalf_of),
        ProposalId(proposal_id),
        Digest(body.digest),
        body.comment,
        execution_url=body.execution_url,
    )
    return views.proposal_view(approved)


@router.post("/reject", responses=problems(404, 409, 410, 422))
def reject(
    proposal_id: str, principal: Caller, ctx: Ctx, body: RejectRequest | None = None
) -> views.ProposalView:
    """Reject the proposal."""
    told = body or RejectRequest()
    who = acting(principal, told.on_behalf_of)
    return views.proposal_view(ctx.service.reject(who, ProposalId(proposal_id), told.reason))


@router.post("/rollback", responses=problems(404, 409, 422))
def rollback(
    proposal_id: str, principal: Caller, ctx: Ctx, body: RollbackRequest | None = None
) -> views.ProposalView:
    """Take an applied change back, where its fields are still ours; it is undone at once."""
    told = body or RollbackRequest()
    who = acting(principal, told.on_behalf_of)
    return views.proposal_view(ctx.service.rollback(who, ProposalId(proposal_id), told.reason))
