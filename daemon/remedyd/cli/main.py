"""`remedyd`: finds the command and loads only the module that has it.

Every group lives in a module of its own and is imported when it is asked for, so that
`remedyd --help` is quick and the lab is not loaded in production.
"""

import importlib
import sys
from typing import Final

import typer

from remedyd import __version__
from remedyd.cli.failures import explained

GROUPS: Final = {
    "audit": ("remedyd.cli.audit", "List, explain, check and run audits"),
    "policy": ("remedyd.cli.policy", "Validate, test and explain policies"),
    "proposals": ("remedyd.cli.proposals", "List, show, approve and reject proposals"),
    "recording": ("remedyd.cli.record", "Convert recorded telemetry"),
    "rbac": ("remedyd.cli.rbac", "Render and check the rights in Kubernetes"),
    "holds": ("remedyd.cli.controls", "List quarantines and storms, lift quarantines"),
    "lab": ("remedyd.lab.commands", "Start the simulated cluster alone"),
}
COMMANDS: Final = {
    "run": ("remedyd.cli.run", "Run the daemon"),
    "record": ("remedyd.cli.record", "Export telemetry from Elasticsearch into a recording"),
    "parity": ("remedyd.cli.parity", "Compare the offline engine with an Elasticsearch"),
    "replay": ("remedyd.cli.replay", "Run audits and policies over a recording"),
    "pause": ("remedyd.cli.controls", "Stop every write to the cluster at once"),
    "resume": ("remedyd.cli.controls", "Allow writes again"),
    "demo": ("remedyd.lab.demo", "Show the whole loop on the embedded lab"),
}


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
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version"
    ),
) -> None:
    """Closed-loop Kubernetes remediation with an approval gate."""


def main() -> None:
    """Run the command line; exit 0 ok, 1 the thing tested failed, 2 invalid input."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    with explained():
        build(words[0] if words else "")()
