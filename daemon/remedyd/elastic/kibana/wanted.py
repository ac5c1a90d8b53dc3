"""What is to be installed: the choices, apart from how they are carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from remedyd.elastic.kibana.call import Secret
from remedyd.elastic.kibana.stack import Stack

SCOPES: Final = ("proposer", "approver")

MCP: Final = "remedyd"
HTTP: Final = "remedyd-http"
MCP_APPROVER: Final = "remedyd-approver"
HTTP_APPROVER: Final = "remedyd-approver-http"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The choices.

    `daemon_url` is where Kibana reaches the daemon. `token` may propose; `approver` may approve
    and is kept in connectors of its own, which only the approving tool uses. `headers` are sent
    with every request to the daemon, such as a tunnel's.
    """

    daemon_url: str
    stack: Stack
    token: Secret
    approver: Secret | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    space: str = ""

    @property
    def scope(self) -> str:
        """What the agent may do."""
        return "approver" if self.approver else "proposer"


def asset(path: str) -> str:
    """Return the text of a file that is shipped in `assets`."""
    return files("remedyd.elastic.kibana").joinpath("assets", *path.split("/")).read_text("utf-8")


def explanation(scope: str, stack: Stack) -> str:
    """Say what the agent will be able to do, before anything is done."""
    if scope == "proposer":
        return (
            "The agent will be a proposer: it reads, proposes and rejects. It cannot approve, by\n"
            "any tool or workflow: its token does not carry that right. A person approves each\n"
            "change in the console, on the command line, or in a chat of their own."
        )
    if stack.confirms:
        gate = (
            "Kibana asks its user before each call of the approving tool (confirmation: always).\n"
            "The question shows the tool's name and not its arguments: the agent is told to show\n"
            "the summary with its digest first."
        )
    else:
        gate = (
            f"Agent Builder of {stack} cannot ask before a call, so the approving tool starts a\n"
            "workflow that waits for a person. Whoever may resume workflows can answer it, an\n"
            "agent with Kibana's own resume tool among them: do not give that tool to any agent."
        )
    return (
        "The agent will be an approver: a change that its user agrees to is made, by that user's\n"
        "word and under the daemon's limits. The approver's token is kept in connectors that only\n"
        f"the approving tool uses; proposing goes on with the proposer's.\n{gate}\n"
        "Whatever an agent approves is in the audit trail, with the digest that was approved and\n"
        "the user it named."
    )
