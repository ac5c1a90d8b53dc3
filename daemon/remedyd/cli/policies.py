"""`remedyd policies`: the policies that a daemon has in force, and what they decided."""

from typing import Annotated

import typer

from remedyd.cli import tables
from remedyd.cli.client import Client
from remedyd.cli.proposals import Output
from remedyd.cli.saying import say

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Policy name", show_default=False)]


@app.command("list")
def list_(output: Output = "table") -> None:
    """List the daemon's policies with mode, audit, actions and the last decisions."""
    tables.known(output)
    found = Client().get("/v1/policies")
    if tables.printed(found, output):
        return
    table = tables.table("NAME", "MODE", "AUDIT", "ACTIONS", "DECIDED AT", "PROPOSED NOW")
    for each in found:
        actions = ", ".join(dict.fromkeys(step["action"] for step in each["steps"]))
        proposed = sum(decision["kind"] == "Propose" for decision in each["decisions"])
        at = (each["decided_at"] or "-")[:19]
        table.add_row(each["name"], each["mode"], each["audit"], actions, at, str(proposed))
    tables.console().print(table)


@app.command()
def show(policy: Name, output: Output = "table") -> None:
    """Show a policy with its last decision on each row, and why."""
    tables.known(output)
    found = Client().get(f"/v1/policies/{policy}")
    if tables.printed(found, output):
        return
    say(f"{found['name']}  {found['mode']}  audit {found['audit']}")
    say(found["description"].strip())
    for number, step in enumerate(found["steps"], 1):
        say(f"  {number}. {step['name'] or 'step'}: {step['action']}")
    if not found["decisions"]:
        say("no row decided yet")
        return
    table = tables.table("TARGET", "DECISION", "REASON", "DETAIL")
    for each in found["decisions"]:
        table.add_row(tables.target(each["target"]), each["kind"], each["reason"], each["detail"])
    tables.console().print(table)
