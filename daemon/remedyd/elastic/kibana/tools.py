"""The tools of Agent Builder: ES|QL over telemetry and trail, MCP for everything else."""

from collections.abc import Mapping
from typing import Any, Final

from remedyd.elastic.kibana.wanted import MCP, MCP_APPROVER, Wanted, asset

PATH: Final = "/api/agent_builder/tools"
APPROVE: Final = "remedyd.approve_and_apply_change"
MANAGE: Final = "remedyd.manage"
_TAGS: Final = ["remedyd", "kubernetes"]

_MCP: Final[Mapping[str, str]] = {
    "list_proposals": "List proposed, running and ended changes, newest first.",
    "show_proposal": "Show one proposal on one screen: what, why, diff, checks, effect, digest.",
    "explain": "Say why a change was proposed, or why nothing is proposed for a workload.",
    "run_audit": "Run an ES|QL audit of remedyd now and read its worst rows.",
    "workload_status": "Read how many pods of a workload are ready and how its rollout stands.",
    "propose": "Ask for a change of a workload; it waits for an approver.",
    "reject": "End a proposal that is not wanted, with a reason.",
}

_NAMESPACE: Final = {
    "type": "string",
    "description": 'Kubernetes namespace, "*" for all',
    "optional": True,
    "defaultValue": "*",
}


def _span(unit: str, most: int, default: int) -> dict[str, Any]:
    return {
        "type": "integer",
        "description": f"How many {unit} back, at most {most}",
        "optional": True,
        "defaultValue": default,
    }


_WORKLOAD: Final = {
    "type": "string",
    "description": 'Name of the workload, "*" for all',
    "optional": True,
    "defaultValue": "*",
}
_ESQL: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "deployment_health": (
        (
            "Memory against the limit and restarts within the window, by Deployment and "
            "container. Severity 3 is critical, 2 a warning, 1 healthy. No rows mean unknown, "
            "not healthy."
        ),
        {"namespace": _NAMESPACE, "minutes": _span("minutes", 360, 15)},
    ),
    "replica_gaps": (
        "Deployments that had fewer available replicas than desired through the whole window.",
        {"namespace": _NAMESPACE, "minutes": _span("minutes", 360, 15)},
    ),
    "history": (
        (
            "What remedyd proposed, who decided, what was changed and whether it helped: its "
            "audit trail, newest first."
        ),
        {
            "namespace": _NAMESPACE,
            "workload": _WORKLOAD,
            "hours": _span("hours", 720, 24),
        },
    ),
}


def tools(wanted: Wanted, connectors: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the bodies of the tools; `connectors` are the ids of the connectors by name."""
    found = [
        _tool(f"remedyd.{name}", "esql", text, query=asset(f"tools/{name}.esql"), params=params)
        for name, (text, params) in _ESQL.items()
    ]
    found += [
        _tool(f"remedyd.{name}", "mcp", text, connector_id=connectors[MCP], tool_name=name)
        for name, text in _MCP.items()
    ]
    found.append(
        _tool(
            MANAGE,
            "workflow",
            "Read a Deployment's status, or ask for a change of it (scale, restart, "
            "update_resources); a change waits for an approver.",
            workflow_id="remedyd-manage",
            wait_for_completion=True,
        )
    )
    if wanted.approver is not None:
        found.append(_approve(wanted, connectors))
    return found


def _approve(wanted: Wanted, connectors: Mapping[str, str]) -> dict[str, Any]:
    text = (
        "Approve one proposal by its digest; the change is made at once. Only after your user has "
        "seen the whole summary with this digest and has said yes to it."
    )
    if not wanted.stack.confirms:
        return _tool(
            APPROVE,
            "workflow",
            f"{text} A person confirms it in the workflow, in Kibana.",
            workflow_id="remedyd-approve",
            wait_for_completion=False,
        )
    made = _tool(APPROVE, "mcp", text, connector_id=connectors[MCP_APPROVER], tool_name="approve")
    return {**made, "confirmation": {"askUser": "always"}}


def _tool(key: str, kind: str, text: str, **configuration: Any) -> dict[str, Any]:
    return {
        "id": key,
        "type": kind,
        "description": text,
        "tags": _TAGS,
        "configuration": configuration,
    }


def names() -> list[str]:
    """Return the ids of all tools that were ever installed, the approving one among them."""
    return [*(f"remedyd.{name}" for name in (*_ESQL, *_MCP)), MANAGE, APPROVE]
