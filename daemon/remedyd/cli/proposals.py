"""`remedyd proposals`: what waits for an approver, and the approver's word."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from remedyd.cli import tables
from remedyd.cli.client import Client
from remedyd.cli.saying import line, say
from remedyd.errors import Conflict, InvalidInput

app = typer.Typer(no_args_is_help=True)

Output = Annotated[str, typer.Option("--output", "-o", help="table, json or yaml")]
Id = Annotated[str, typer.Argument(help="Proposal id", show_default=False)]
Why = Annotated[str, typer.Option("--reason", "-m", help="Why; part of the history")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Go on showing what moves")]

ENDED: Final = frozenset(
    {
        *("Effective", "Ineffective", "Harmful", "Inconclusive", "RolledBack", "RollbackFailed"),
        *("Failed", "Stale", "Expired", "Rejected", "Superseded", "DryRun", "Escalated"),
    }
)
_HEADERS: Final = ("ID", "STATE", "TARGET", "ACTION", "POLICY", "MADE AT")
_WAIT_SECONDS: Final = 30.0


@app.command("list")
def list_(
    state: Annotated[list[str] | None, typer.Option(help="Only these states")] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Only this one")] = "",
    policy: Annotated[str, typer.Option(help="Only of this policy")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="The most to list")] = 50,
    watch: Watch = False,
    output: Output = "table",
) -> None:
    """List proposals, newest first; with --watch, then each as it moves.

    With --watch and json every line is one proposal, from the oldest on.
    """
    tables.known(output)
    if watch and output == "yaml":
        raise InvalidInput("--watch goes with table or json", hint="yaml is one document")
    client = Client()
    seen = client.get("/v1/trail", limit=1)["items"] if watch else []
    page = client.get("/v1/proposals", state=state, namespace=namespace, policy=policy, limit=limit)
    items = page["items"]
    if not (watch and tables.streamed(reversed(items), output)) and not tables.printed(
        items, output
    ):
        table = tables.table(*_HEADERS)
        for item in items:
            table.add_row(*_row(item))
        tables.console().print(table)
    if watch:
        last = str(seen[0]["position"]) if seen else ""  # what moves while we list is not lost
        _follow(client, last, output, frozenset(state or ()), namespace=namespace, policy=policy)


@app.command()
def show(proposal: Id, watch: Watch = False, output: Output = "table") -> None:
    """Show one proposal on one screen: what, why, diff, prechecks, digest."""
    client = Client()
    item = client.get(f"/v1/proposals/{proposal}")
    if watch and output != "table":  # one document: the proposal as it ended
        tables.known(output)
        awaited(client, item, output=output)
    elif not tables.printed(item, output):
        say(item["summary"])
        for standing in _standing(item):
            line(standing)
        if watch:
            awaited(client, item)


def _standing(item: dict[str, Any]) -> Iterator[str]:
    """Yield where a proposal stands, why, and how it was judged."""
    yield f"State    {item['state']}"
    verdict = item.get("verdict")
    told = verdict is not None and verdict["detail"] in item["reason"]
    if item["reason"] and item["state"] != "Proposed" and not told:
        yield f"Because  {item['reason']}"
    if verdict is not None:
        yield f"Verdict  {verdict['outcome']} ({verdict['reason']}): {verdict['detail']}"


@app.command()
def events(proposal: Id, output: Output = "table") -> None:
    """Show the history of a proposal."""
    found = Client().get(f"/v1/proposals/{proposal}/events")
    if tables.printed(found, output):
        return
    for event in found:
        line(
            f"{event['at'][:19]}  {event['state']:<14} {event['action']:<18} "
            f"{event['principal']}  {event['detail']}"
        )


@app.command()
def approve(
    proposal: Id,
    digest: Annotated[str, typer.Option(help="The digest you read; asked for when left out")] = "",
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why")] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Until the change is proved or ended")
    ] = False,
    output: Output = "table",
) -> None:
    """Approve exactly what was shown: the digest has to match."""
    tables.known(output)
    client = Client()
    if not digest:
        if output != "table":
            raise InvalidInput("a script has to name the digest", hint="give --digest")
        item = client.get(f"/v1/proposals/{proposal}")
        say(item["summary"])
        if not typer.confirm("Approve this?"):
            raise Conflict("not approved")
        digest = item["digest"]
    told = client.post(f"/v1/proposals/{proposal}/approve", {"digest": digest, "comment": comment})
    _told(client, told, output, wait)


@app.command()
def reject(proposal: Id, reason: Why = "", output: Output = "table") -> None:
    """Reject a proposal."""
    tables.known(output)
    client = Client()
    _told(client, client.post(f"/v1/proposals/{proposal}/reject", {"reason": reason}), output)


@app.command()
def rollback(
    proposal: Id,
    reason: Why = "",
    wait: Annotated[bool, typer.Option("--wait", help="Until it is undone")] = False,
    output: Output = "table",
) -> None:
    """Take an applied change back, where its fields are still ours."""
    tables.known(output)
    client = Client()
    told = client.post(f"/v1/proposals/{proposal}/rollback", {"reason": reason})
    _told(client, told, output, wait, good="RolledBack")


def awaited(
    client: Client, item: dict[str, Any], good: str = "Effective", output: str = "table"
) -> None:
    """Tell each state until the end; exit 1 unless the last one is `good`.

    For a script each state goes to stderr, and the proposal as it ended to stdout.
    """
    while item["state"] not in ENDED:
        path = f"/v1/proposals/{item['id']}"
        moved = client.wait(path, _WAIT_SECONDS, version=item["version"])
        if moved["version"] != item["version"]:
            line(
                f"{moved['updated_at'][:19]}  {moved['state']:<14} {moved['reason']}",
                err=output != "table",
            )
        item = moved
    tables.printed(item, output)
    if item["state"] != good:
        raise typer.Exit(1)


def _follow(client: Client, last: str, output: str, states: frozenset[str], **wanted: str) -> None:
    for event in client.events(last, **wanted):
        if states and event["state"] not in states:
            continue
        item = client.get(f"/v1/proposals/{event['proposal']}")
        if tables.streamed([item], output):
            continue
        line("  ".join([*_row(item)[:5], f"{event['at'][:19]} {event['action']}"]))


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    target = item["target"]
    return (
        item["id"],
        item["state"],
        f"{target['kind']}/{target['namespace']}/{target['name']}",
        item["action"],
        item["policy"] or "(requested)",
        item["created_at"][:19],
    )


def _told(
    client: Client,
    item: dict[str, Any],
    output: str,
    wait: bool = False,
    good: str = "Effective",
) -> None:
    if output == "table":
        say(f"{item['id']} is {item['state']}")
    if wait:
        awaited(client, item, good, output)
    else:
        tables.printed(item, output)
