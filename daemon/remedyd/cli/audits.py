"""`remedyd audits`: the audits that a daemon runs, and what they saw last."""

from typing import Annotated, Any

import typer

from remedyd.cli import tables
from remedyd.cli.client import Client
from remedyd.cli.proposals import Output
from remedyd.cli.saying import say

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Audit name", show_default=False)]
_SEVERITY = {1: "healthy", 2: "warning", 3: "critical"}


@app.command("list")
def list_(output: Output = "table") -> None:
    """List the audits that the daemon has loaded."""
    tables.known(output)
    found = Client().get("/v1/audits")
    if tables.printed(found, output):
        return
    table = tables.table("NAME", "WHAT IT TELLS")
    for each in found:
        table.add_row(each["name"], each["description"].strip().partition(". ")[0])
    tables.console().print(table)


@app.command()
def show(audit: Name, output: Output = "table") -> None:
    """Show an audit with the rows of its last scheduled run."""
    tables.known(output)
    found = Client().get(f"/v1/audits/{audit}")
    if tables.printed(found, output):
        return
    say(f"{found['name']}: {found['description'].strip()}")
    if found["last"] is None:
        say("it has not run since the daemon started")
        return
    _result(found["last"])


@app.command()
def run(audit: Name, output: Output = "table") -> None:
    """Let the daemon run an audit now; exit 1 unless its outcome is Ok."""
    tables.known(output)
    found = Client(timeout_seconds=120).post(f"/v1/audits/{audit}/run", {})
    if not tables.printed(found, output):
        _result(found)
    if found["outcome"] != "Ok":
        raise typer.Exit(1)


def _result(found: dict[str, Any]) -> None:
    say(f"{found['outcome']}  {found['start'][:19]} to {found['end'][:19]}")
    for line in (found["detail"], f"hint: {found['hint']}" if found["hint"] else ""):
        if line:
            say(f"  {line}")
    if found["rows"]:
        table = tables.table("SEVERITY", "TARGET", "SAMPLES", "LAST SEEN", "VALUES")
        for row in sorted(found["rows"], key=lambda row: -row["severity"]):
            table.add_row(*_row(row))
        tables.console().print(table)
    if found["total"] > len(found["rows"]):
        say(f"the {len(found['rows'])} most severe of {found['total']} rows")
    for aside in found["set_aside"]:
        where = tables.target(aside["row"]["target"])
        say(f"set aside: {where} {aside['reason']}: {aside['detail']}")
    for warning in found["warnings"]:
        say(f"warning: {warning}")


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    said = {*row["target"], "samples", "last_seen"}
    values = "  ".join(f"{n}={_short(v)}" for n, v in row["values"].items() if n not in said)
    seen = (row["last_seen"] or "-")[:19]
    severity = _SEVERITY.get(row["severity"], str(row["severity"]))
    samples = "-" if row["samples"] is None else str(row["samples"])
    return severity, tables.target(row["target"]), samples, seen, values


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "-" if value is None else str(value)
