"""`remedyd status`: how the daemon stands, or one workload."""

from typing import Annotated, Any

import typer

from remedyd.cli import tables
from remedyd.cli.client import Client
from remedyd.cli.proposals import Output
from remedyd.cli.propose import parsed
from remedyd.cli.saying import say


def status(
    workload: Annotated[
        str, typer.Argument(help="Such as deployment/frontend; left out: the daemon")
    ] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Its namespace")] = "default",
    output: Output = "table",
) -> None:
    """Show whether the daemon is ready, paused, and what waits; exit 1 when it is not ready."""
    client = Client()
    if workload:
        _workload(client, workload, namespace, output)
        return
    found = _daemon(client)
    if not tables.printed(found, output):
        say(f"{found['url']}: {found['status']}")
        for line in (*found["reasons"], *(f"note: {note}" for note in found["notices"])):
            say(f"  {line}")
        paused = found["pause"]
        if paused["paused"]:
            since = str(paused["at"])[:19]
            say(f"paused since {since} by {paused['principal']} {paused['reason']}".rstrip())
        say(f"{found['waiting']} of {found['open']} open proposals wait for an approver")
        table = tables.table("POLICY", "MODE", "AUDIT", "DECIDED AT")
        for policy in found["policies"]:
            at = (policy["decided_at"] or "")[:19]
            table.add_row(policy["name"], policy["mode"], policy["audit"], at)
        tables.console().print(table)
    if found["status"] != "ready":
        raise typer.Exit(1)


def _daemon(client: Client) -> dict[str, Any]:
    _, ready = client.answer("/readyz")
    opened = client.get("/v1/proposals", open="true", limit=200)["items"]
    policies = client.get("/v1/policies")
    return {
        "url": client.connection.url,
        "status": ready["status"],
        "reasons": ready["reasons"],
        "notices": ready.get("notices", []),
        "pause": client.get("/v1/pause"),
        "open": len(opened),
        "waiting": sum(item["state"] == "Proposed" for item in opened),
        "policies": [
            {name: policy[name] for name in ("name", "mode", "audit", "decided_at")}
            for policy in policies
        ],
    }


def _workload(client: Client, workload: str, namespace: str, output: str) -> None:
    kind, name = parsed(workload)
    found = client.get(f"/v1/workloads/{namespace}/{kind}/{name}")
    if tables.printed(found, output):
        return
    say(f"{kind}/{namespace}/{name}  {found['status']}")
    say(found["rollout"])
    table = tables.table("ID", "STATE", "ACTION", "MADE AT", "REASON")
    for item in found["history"]:
        table.add_row(
            item["id"], item["state"], item["action"], item["created_at"][:19], item["reason"]
        )
    tables.console().print(table)
