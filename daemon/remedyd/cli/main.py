"""`remedyd`: finds the command and loads only the module that has it.

Every group lives in a module of its own and is imported when it is asked for, so that
`remedyd --help` is quick and the lab is not loaded in production.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

import typer

from remedyd import __version__
from remedyd.cli.chosen import Chosen, choose
from remedyd.cli.failures import explained

GROUPS: Final = {
    "audit": ("remedyd.cli.audit", "List, explain, check and run audits"),
    "audits": ("remedyd.cli.audits", "List, show and run the audits of a daemon"),
    "policies": ("remedyd.cli.policies", "List and show the policies of a daemon"),
    "policy": ("remedyd.cli.policy", "Validate, test and explain policies"),
    "proposals": ("remedyd.cli.proposals", "List, show, approve, reject and roll back"),
    "propose": ("remedyd.cli.propose", "Ask for a change by hand"),
    "recording": ("remedyd.cli.record", "Convert recorded telemetry"),
    "rbac": ("remedyd.cli.rbac", "Render and check the rights in Kubernetes"),
    "elastic": ("remedyd.cli.elastic", "Install into Kibana: agent, tools, workflows, dashboard"),
    "support": ("remedyd.cli.support", "Gather what helps to understand a daemon"),
    "store": ("remedyd.cli.store", "Back the store up, restore it, give space back"),
    "holds": ("remedyd.cli.controls", "List quarantines and storms, lift quarantines"),
    "lab": ("remedyd.lab.commands", "Start the simulated cluster alone"),
}
COMMANDS: Final = {
    "run": ("remedyd.cli.run", "Run the daemon"),
    "doctor": ("remedyd.cli.doctor", "Examine what the daemon depends on, with fixes"),
    "status": ("remedyd.cli.status", "Show how the daemon or a workload stands"),
    "trail": ("remedyd.cli.trail", "Show who did what, and what was refused"),
    "contexts": ("remedyd.cli.context", "List the daemons that you have named"),
    "record": ("remedyd.cli.record", "Export telemetry from Elasticsearch into a recording"),
    "parity": ("remedyd.cli.parity", "Compare the offline engine with an Elasticsearch"),
    "replay": ("remedyd.cli.replay", "Run audits and policies over a recording"),
    "scorecard": ("remedyd.cli.scorecard", "Grade policies against incidents with known answers"),
    "pause": ("remedyd.cli.controls", "Stop every write to the cluster at once"),
    "resume": ("remedyd.cli.controls", "Allow writes again"),
    "mcp": ("remedyd.cli.mcp", "Serve agents on stdin and stdout (Model Context Protocol)"),
    "demo": ("remedyd.lab.demo", "Show the whole loop on the embedded lab"),
}

_WITH_VALUE: Final = frozenset({"--context", "--url", "--token-file", "--ca"})


def build(wanted: str = "") -> typer.Typer:
    """Return the application with `wanted` loaded; of the others only name and help."""
    app = typer.Typer(
        name="remedyd",
        help="Closed-loop Kubernetes remediation with an approval gate.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for name, (module, text) in GROUPS.items():
        if name == wanted:
            app.add_typer(importlib.import_module(module).app, name=name, help=text)
        else:
            app.command(name, short_help=text)(_not_loaded)
    for name, (module, text) in COMMANDS.items():
        loaded = getattr(importlib.import_module(module), name) if name == wanted else _not_loaded
        app.command(name, short_help=text)(loaded)
    return app


def _not_loaded() -> None:
    """Stand in for a command whose module was not asked for: it is only listed."""
    raise AssertionError("the command was not loaded")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"remedyd {__version__}")
        raise typer.Exit


def _root(
    context: str = typer.Option("", help="Which daemon, by its name in your contexts file"),
    url: str = typer.Option("", help="Where the daemon is (env: REMEDYD_URL)"),
    token_file: str = typer.Option("", help="File with your token (env: REMEDYD_TOKEN_FILE)"),
    ca: str = typer.Option("", help="CA file of the daemon's certificate (env: REMEDYD_CA_FILE)"),
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version"
    ),
) -> None:
    """Closed-loop Kubernetes remediation with an approval gate."""
    choose(Chosen(context, url, token_file, ca))


def command(words: Sequence[str]) -> str:
    """Return the command among the words of a command line, "" when there is none."""
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in _WITH_VALUE
        else:
            return word
    return ""


def main() -> None:
    """Run the command line; exit 0 ok, 1 the thing tested failed, 2 invalid input."""
    typed = sys.argv[1:]
    if "_REMEDYD_COMPLETE" in os.environ:  # a shell asks for completions of what is typed so far
        line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
        typed = line.split()[1:]
    with explained():
        build(command(typed))(prog_name="remedyd")
