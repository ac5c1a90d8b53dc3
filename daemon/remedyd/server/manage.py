"""`POST /manage`: the body and the answers of the original bridge, behind the gate.

An existing workflow sends numbers as text and always fills every field, so only the fields its
action uses are read. An approver's token applies at once; a proposer's gets a proposal (202).
"""

import re
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from remedyd.errors import InvalidInput, Problem, Refused
from remedyd.model import ActionRequest, Proposal, Scope, State, Target
from remedyd.server.context import Caller, Ctx
from remedyd.server.v1 import outcomes

router = APIRouter(tags=["manage"])

_WHOLE: Final = re.compile(r"[0-9]{1,10}")
_REPLICAS: Final = {
    "title": "Replicas",
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}, {"type": "null"}],
}

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]


class ManageRequest(BaseModel):
    """The workflow's body; unknown fields are ignored, as the bridge did."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "action": "scale",
                    "deployment": "frontend",
                    "namespace": "shop",
                    "replicas": "4",
                    "memory_limit": "256Mi",
                }
            ]
        }
    )

    action: Literal["scale", "restart", "status", "update_resources"]
    deployment: Name
    namespace: Name = "default"
    # Judged by the action that reads it: a type here would silently take `true` for 1.
    replicas: Annotated[object, WithJsonSchema(_REPLICAS)] = None
    memory_limit: str | None = None


class ManageAnswer(BaseModel):
    """What the bridge answered; `proposal` and `state` name the change, where there is one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "success",
                    "message": "Horizontal scaling applied: 'frontend' set to 4 replicas.",
                    "proposal": "01m82yjdbz28c1ps1fwsh6ztct",
                    "state": "Applied",
                }
            ]
        }
    )

    status: Literal["success"]
    message: str
    proposal: str = ""
    state: str = ""


class ManagePending(BaseModel):
    """What a proposer gets: an approver has to decide, by this digest."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "pending",
                    "message": "Proposed as 01m82yjdbz28c1ps1fwsh6ztct: waiting for an approver.",
                    "proposal": "01m82yjdbz28c1ps1fwsh6ztct",
                    "digest": "3f0f6ad1c2c7f6a2b7f7f0a6a1f04c9e0d5b1f2e3c4d5a6b7c8d9e0f1a2b3c4d",
                    "approve": "/v1/proposals/01m82yjdbz28c1ps1fwsh6ztct/approve",
                }
            ]
        }
    )

    status: Literal["pending"]
    message: str
    proposal: str
    digest: str
    approve: str


@router.post(
    "/manage",
    response_model=ManageAnswer,
    responses={
        202: {"model": ManagePending, "description": "Proposed; an approver has to decide"},
        **outcomes.problems(404, 409, 410, 422, 502, 504),
    },
)
def manage(
    body: ManageRequest,
    principal: Caller,
    ctx: Ctx,
) -> JSONResponse:
    """Read a Deployment, or change it through plan, prechecks, gate and door."""
    target = Target(ctx.cluster, body.namespace, "Deployment", body.deployment)
    if body.action == "status":
        return _success(ctx.service.status(principal, target).consequence)
    action = _action(body)
    if action.type == "UpdateResources":  # the bridge changed the first container
        target = replace(target, container=ctx.service.first_container(principal, target))
    try:
        proposal = ctx.service.request(principal, target, action, "asked for by /manage")
    except Refused as refused:
        if refused.reason == "NoChange":
            return _success(f"Nothing to change: {refused.message}")
        if refused.reason == "RequestAboveLimit":  # the value is wrong, not the moment
            raise InvalidInput(
                refused.message, [Problem(refused.message, "memory_limit")]
            ) from None
        raise
    if proposal.state is State.DRY_RUN:
        message = f"Dry run: nothing was written. {proposal.plan.consequence}"
        return _success(message, proposal=proposal.id, state=proposal.state.value)
    if not principal.may(Scope.APPROVER, body.namespace):
        return _pending(proposal)
    applied = ctx.service.apply_now(principal, proposal, "asked for by /manage")
    return _success(_message(body), proposal=applied.id, state=applied.state.value)


def _action(body: ManageRequest) -> ActionRequest:
    if body.action == "scale":
        return ActionRequest("Scale", {"absolute": _replicas(body.replicas)})
    if body.action == "restart":
        return ActionRequest("Restart", {})
    if not body.memory_limit or not body.memory_limit.strip():
        raise _missing("memory_limit", 'a quantity such as "512Mi"')
    memory = {"absolute": body.memory_limit.strip(), "requestPolicy": "Keep"}
    return ActionRequest("UpdateResources", {"memory": memory})


def _replicas(value: object) -> int:
    if value is None or value == "":
        raise _missing("replicas", "a whole number from 0")
    known = isinstance(value, int | str) and not isinstance(value, bool)
    text = str(value).strip() if known else ""
    number = int(text) if _WHOLE.fullmatch(text) else -1
    if not 0 <= number <= 2**31 - 1:
        raise InvalidInput(
            f"replicas: {value!r} is not a whole number from 0",
            [Problem("must be a whole number from 0", "replicas")],
        )
    return number


def _missing(field: str, wanted: str) -> InvalidInput:
    return InvalidInput(f"{field}: this action needs {wanted}", [Problem(f"needs {wanted}", field)])


def _message(body: ManageRequest) -> str:
    if body.action == "scale":
        return (
            f"Horizontal scaling applied: '{body.deployment}' set to "
            f"{_replicas(body.replicas)} replicas."
        )
    if body.action == "restart":
        return f"Rollout restart triggered for '{body.deployment}'."
    return f"Vertical scaling applied: '{body.deployment}' memory updated to {body.memory_limit}."


def _success(message: str, **more: Any) -> JSONResponse:
    return JSONResponse({"status": "success", "message": message, **more})


def _pending(proposal: Proposal) -> JSONResponse:
    return JSONResponse(
        {
            "status": "pending",
            "message": f"Proposed as {proposal.id}: waiting for an approver.",
            "proposal": proposal.id,
            "digest": proposal.digest,
            "approve": f"/v1/proposals/{proposal.id}/approve",
        },
        status_code=202,
    )
