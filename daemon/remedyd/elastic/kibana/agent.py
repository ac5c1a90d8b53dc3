"""The agent and its instructions."""

from collections.abc import Iterable
from typing import Any, Final

from remedyd.elastic.kibana.wanted import Wanted, asset

PATH: Final = "/api/agent_builder/agents"
ID: Final = "remedyd"


def agent(wanted: Wanted, tool_ids: Iterable[str]) -> dict[str, Any]:
    """Return the body of the agent."""
    body: dict[str, Any] = {
        "id": ID,
        "name": "Kubernetes remediation",
        "description": "Finds what is wrong with Kubernetes workloads and mends it with remedyd, "
        f"as a {wanted.scope}.",
        "labels": ["remedyd", "kubernetes"],
        "avatar_color": "#BFDBFF",
        "avatar_symbol": "KR",
        "configuration": {
            "instructions": instructions(wanted),
            "tools": [{"tool_ids": sorted(tool_ids)}],
        },
    }
    if wanted.stack.shares_agents:
        body["access_control"] = {"access_mode": "shared"}
    return body


def instructions(wanted: Wanted) -> str:
    """Return what the agent is told."""
    if wanted.approver is None:
        return asset("instructions.md") + asset("proposer.md")
    if wanted.stack.confirms:
        behalf, gate = ", and with your user's name in on_behalf_of", _CONFIRMED
    else:
        behalf, gate = "", _IN_A_WORKFLOW
    own = asset("approver.md").replace("__behalf__", behalf).replace("__gate__", gate)
    return asset("instructions.md") + own


_CONFIRMED: Final = (
    "Kibana asks your user once more before that call. When it is denied, nothing is\n"
    "    approved: do not try again by yourself."
)
_IN_A_WORKFLOW: Final = (
    "That tool starts a workflow that waits for your user's answer in Kibana: say where to\n"
    "    answer, and never answer or resume it yourself."
)
