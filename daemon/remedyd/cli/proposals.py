"""`remedyd proposals`: what waits for an approver, and the approver's word."""

import json
from typing import Annotated, Any

import typer

from remedyd.cli import tables
from remedyd.cli.client import Client
from remedyd.errors import Conflict

app = typer.Typer(no_args_is_help=True)

Output = Annotated[str, typer.Option("--output", "-o", help="table or json")]
Id = Annotated[str, typer.Argument(help="Proposal id", show_default=False)]


@app.command("list")
def list_(
    state: Annotated[list[str] | None, typer.Option(help="Only these states")] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Only this one")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    output: Output = "table",
) -> None:
    """List proposals, newest first."""
    tables.known_output(output)
    page = Client().get("/v1/proposals", state=state, namespace=namespace, limit=limit)
    if output == "json":
        typer.echo(json.dumps(page["items"], indent=2))
        return
    table = tables.table("ID", "STATE", "TARGET", "ACTION", "POLICY", "MADE AT")
    for item in page["items"]:
        target = item["target"]
        name = f"{target['kind']}/{target['namespace']}/{target['name']}"
        table.add_row(
            item["id"],
            item["state"],
            name,
            item["action"],
            item["policy"] or "(requested)",
            item["created_at"][:19],
        )
    tables.console().print(table)


@app.command()
def show(proposal: Id, output: Output = "table") -> None:
    """Show one proposal on one screen: what, why, diff, prechecks, digest."""
    tables.known_output(output)
    item = Client().get(f"/v1/proposals/{proposal}")
    typer.echo(json.dumps(item, indent=2) if output == "json" else item["summary"])


@app.command()
def events(proposal: Id) -> None:
    """Show the history of a proposal."""
    for event in Client().get(f"/v1/proposals/{proposal}/events"):
        typer.echo(
            f"{event['at'][:19]}  {event['state']:<14} {event['action']:<18} "
            f"{event['principal']}  {event['detail']}"
        )


@app.command()
def approve(
    proposal: Id,
    digest: Annotated[str, typer.Option(help="The digest you read; asked for when left out")] = "",
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why")] = "",
) -> None:
    """Approve exactly what was shown: the digest has to match."""
    client = Client()
    if not digest:
        item = client.get(f"/v1/proposals/{proposal}")
        typer.echo(item["summary"])
        if not typer.confirm("Approve this?"):
            raise Conflict("not approved")
        digest = item["digest"]
    _told(client.post(f"/v1/proposals/{proposal}/approve", {"digest": digest, "comment": comment}))


@app.command()
def reject(
    proposal: Id, reason: Annotated[str, typer.Option("--reason", "-m", help="Why")] = ""
) -> None:
    """Reject a proposal."""
    _told(Client().post(f"/v1/proposals/{proposal}/reject", {"reason": reason}))


def _told(item: dict[str, Any]) -> None:
    typer.echo(f"{item['id']} is {item['state']}")
