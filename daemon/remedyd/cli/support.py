"""`remedyd support`: what to send to whoever helps."""

from pathlib import Path
from typing import Annotated

import typer

from remedyd.cli import retries
from remedyd.cli.configured import Config
from remedyd.doctor import bundle as bundles
from remedyd.settings import load

app = typer.Typer(no_args_is_help=True)


@app.callback()
def support() -> None:
    """Gather what helps to understand a daemon."""


@app.command()
def bundle(
    file: Annotated[Path, typer.Argument(help="Where to, such as support.zip")],
    config: Config = None,
) -> None:
    """Write settings, findings, policies, audits and the last proposals to a file, without secrets.

    Run it where the daemon runs; look at the file before you send it.
    """
    retries.tell()
    settings = load(config)
    names = bundles.write(settings, settings.clock.clock(), file)
    for name in names:
        typer.echo(f"  {name}")
    typer.echo(f"wrote {file}; secrets of the settings are left out")
