"""Tells in the terminal what the daemon sees and does, from its REST API alone."""

import re
from typing import Any

import httpx2
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from remedyd.lab.approver import Approver

_COLOURS = {
    "Effective": "green",
    "RolledBack": "yellow",
    "Ineffective": "yellow",
    "Harmful": "red",
    "Inconclusive": "yellow",
}
_UNPROVED = {"Escalated": "a person was called"}
_NUMBERS = re.compile(r" \(|: \w+ = |; trend")
_WIDEST = 100


class Narrator:
    """Follows the proposals and prints each move once."""

    def __init__(self, client: httpx2.Client, console: Console, approver: Approver) -> None:
        """Take a viewer's client and who decides."""
        self._client = client
        self._console = console
        self._approver = approver
        self._told: dict[str, int] = {}
        self.proposals: dict[str, dict[str, Any]] = {}

    def follow(self) -> None:
        """Print what happened since the last call, and have new proposals decided."""
        answer = self._client.get("/v1/proposals", params={"limit": 200})
        answer.raise_for_status()
        for proposal in reversed(answer.json()["items"]):
            known = self.proposals.get(proposal["id"])
            self.proposals[proposal["id"]] = proposal
            if known is None:
                self._introduce(proposal)
            if known is None or known["state"] != proposal["state"]:
                self._tell(proposal)

    def _introduce(self, proposal: dict[str, Any]) -> None:
        title = f"{proposal['policy']} proposes {proposal['action']} for {name(proposal)}"
        self._console.print(
            Panel(escape(proposal["summary"]), title=title, title_align="left", expand=False)
        )
        if proposal["state"] == "Proposed":
            self._console.print(escape(self._approver.decide(proposal)), highlight=False)

    def _tell(self, proposal: dict[str, Any]) -> None:
        answer = self._client.get(f"/v1/proposals/{proposal['id']}/events")
        answer.raise_for_status()
        events = answer.json()
        for event in events[self._told.get(proposal["id"], 0) :]:
            colour = _COLOURS.get(event["state"], "cyan")
            self._console.print(
                f"  {event['at'][11:19]}  {name(proposal):<22} "
                f"[{colour}]{event['state']:<12}[/] {escape(gist(event['detail']))}",
                highlight=False,
            )
        self._told[proposal["id"]] = len(events)


def gist(detail: str) -> str:
    """Return the beginning of what was said, without the numbers: the panels show those."""
    short = _NUMBERS.split(detail, maxsplit=1)[0]
    return short if len(short) <= _WIDEST else f"{short[:_WIDEST].rsplit(' ', 1)[0]} …"


def name(proposal: dict[str, Any]) -> str:
    """Return `namespace/name` of a proposal's target."""
    target = proposal["target"]
    return f"{target['namespace']}/{target['name']}"


def summary(proposals: list[dict[str, Any]]) -> Table:
    """Return the closing table: what was changed, and what the proof said."""
    table = Table(title="What happened", title_justify="left")
    table.add_column("workload", no_wrap=True)
    table.add_column("change", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("proof")
    for proposal in proposals:
        colour = _COLOURS.get(proposal["state"], "cyan")
        verdict = proposal["verdict"] or {}
        table.add_row(
            name(proposal),
            escape("\n".join(_change(change) for change in proposal["changes"]) or "none"),
            f"[{colour}]{proposal['state']}[/]",
            escape(gist(verdict.get("detail", "")) or _UNPROVED.get(proposal["state"], "")),
        )
    return table


def _change(change: dict[str, Any]) -> str:
    """Return a field with its values: `limits.memory 128Mi → 256Mi`."""
    path: str = change["path"]
    if "restartedAt" in path:
        return "rolling restart"
    return f"{'.'.join(path.rsplit('.', 2)[-2:])} {change['old'] or 'none'} → {change['new']}"
