"""The tools that ask for a change, or decide about one."""

from typing import Annotated, Any

from pydantic import Field

from remedyd.errors import InvalidInput
from remedyd.model import ActionRequest, Digest, ProposalId, Target
from remedyd.server.context import acting
from remedyd.server.mcp import fields, results
from remedyd.server.mcp.tool import Arguments, Asking, threaded


class Propose(Arguments):
    """A typed action on a workload; the usual amounts have arguments of their own."""

    action: fields.Action
    name: fields.Name
    namespace: fields.Namespace = "default"
    kind: fields.Kind = "Deployment"
    container: Annotated[
        str, Field(max_length=63, description="One container of it, where it has several")
    ] = ""
    replicas: Annotated[int | None, Field(ge=0, description="Scale: how many to have")] = None
    memory_limit: Annotated[
        str, Field(max_length=40, description="UpdateResources: the new limit, such as 512Mi")
    ] = ""
    cpu_limit: Annotated[
        str, Field(max_length=40, description="UpdateResources: the new limit, such as 500m")
    ] = ""
    params: Annotated[
        dict[str, Any] | None,
        Field(description="Or the action's parameters as policies write them"),
    ] = None
    comment: fields.Comment = ""
    on_behalf_of: fields.Behalf = ""


class Reject(Arguments):
    """Which proposal, and why not."""

    proposal: fields.Id
    reason: fields.Comment = ""
    on_behalf_of: fields.Behalf = ""


class Approve(Arguments):
    """Exactly what is approved, and for whom."""

    proposal: fields.Id
    digest: Annotated[
        str, Field(max_length=200, description="The digest that show_proposal gave, whole")
    ]
    comment: fields.Comment = ""
    on_behalf_of: fields.Behalf = ""
    execution_url: Annotated[
        str, Field(max_length=2000, description="Where the decision was taken, if it has a page")
    ] = ""


@threaded
def propose(asking: Asking, given: Propose) -> results.Shown:
    """Plan and propose a change."""
    if given.action == "Status":
        raise InvalidInput("Status changes nothing", hint="call workload_status instead")
    target = Target(asking.ctx.cluster, given.namespace, given.kind, given.name, given.container)
    who = acting(asking.principal, given.on_behalf_of)
    action = ActionRequest(given.action, _params(given))
    made = asking.ctx.service.request(who, target, action, given.comment)
    return results.shown(made, asking.principal)


@threaded
def reject(asking: Asking, given: Reject) -> results.Shown:
    """Reject a proposal."""
    who = acting(asking.principal, given.on_behalf_of)
    ended = asking.ctx.service.reject(who, ProposalId(given.proposal), given.reason)
    return results.shown(ended, asking.principal)


@threaded
def approve(asking: Asking, given: Approve) -> results.Shown:
    """Approve a proposal with exactly this digest."""
    approved = asking.ctx.service.approve(
        acting(asking.principal, given.on_behalf_of),
        ProposalId(given.proposal),
        Digest(given.digest),
        given.comment,
        execution_url=given.execution_url,
    )
    return results.shown(approved, asking.principal)


def _params(given: Propose) -> dict[str, Any]:
    """Return the action's parameters; raise InvalidInput for amounts that it does not read."""
    amounts: dict[str, tuple[str, Any]] = {}
    if given.replicas is not None:
        amounts["replicas"] = ("Scale", {"absolute": given.replicas})
    if given.memory_limit:
        amounts["memory_limit"] = ("UpdateResources", {"memory": {"absolute": given.memory_limit}})
    if given.cpu_limit:
        amounts["cpu_limit"] = ("UpdateResources", {"cpu": {"absolute": given.cpu_limit}})
    if given.params is not None and amounts:
        raise InvalidInput(f"give either params or {', '.join(amounts)}, not both")
    found = dict(given.params or {})
    for name, (action, params) in amounts.items():
        if action != given.action:
            raise InvalidInput(
                f"{name}: {given.action} does not read it", hint=f"it belongs to {action}"
            )
        found |= params
    return found
