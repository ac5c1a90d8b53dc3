"""`remedyd pause`, `resume` and `holds`: the switches a person holds."""

from typing import Annotated

import typer

from remedyd.cli import tables
from remedyd.cli.client import Client
from remedyd.cli.proposals import Output
from remedyd.cli.saying import say

app = typer.Typer(no_args_is_help=True)

Reason = Annotated[str, typer.Option("--reason", "-m", help="Why")]


def pause(reason: Reason = "") -> None:
    """Stop every write to the cluster at once, until `remedyd resume`."""
    found = Client().post("/v1/pause", {"reason": reason})
    say(f"paused since {found['at'][:19]} by {found['principal']}")


def resume(reason: Reason = "") -> None:
    """Allow writes again."""
    Client().delete("/v1/pause", reason=reason)
    say("writes are allowed")


@app.command("list")
def list_(
    ended: Annotated[bool, typer.Option("--ended", help="Also those that are over")] = False,
    output: Output = "table",
) -> None:
    """List quarantined targets and storms, newest first."""
    tables.known(output)
    found = Client().get("/v1/holds", ended="true" if ended else "")
    if tables.printed(found, output):
        return
    if not found:
        say("nothing is held", err=True)
    for hold in found:
        over = (
            f"  (ended {hold['ended_at'][:19]} by {hold['ended_by']})" if hold["ended_at"] else ""
        )
        say(
            f"{hold['id']}  {hold['kind']:<10}  {hold['since'][:19]}  {hold['subject']}  "
            f"{hold['detail']}{over}"
        )


@app.command()
def lift(
    hold: Annotated[str, typer.Argument(help="Id of the quarantine", show_default=False)],
    reason: Reason = "",
) -> None:
    """Lift a quarantine: its target may be changed again."""
    lifted = Client().delete(f"/v1/holds/{hold}", reason=reason)
    say(f"{lifted['subject']} may be changed again")
