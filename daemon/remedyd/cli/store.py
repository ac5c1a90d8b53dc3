"""`remedyd store`: copy the daemon's store into a file, and back into an empty one."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from remedyd.cli.configured import Config
from remedyd.errors import InvalidInput
from remedyd.proposals.backup import backup as write_backup
from remedyd.proposals.backup import restore as read_backup
from remedyd.proposals.backup import stream
from remedyd.proposals.database import Database
from remedyd.settings import Settings, load

app = typer.Typer(no_args_is_help=True)

_PATIENCE = timedelta(seconds=10)
_PIPE = Path("-")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to, such as remedyd.backup.gz; -: stdout")],
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite the file")] = False,
    config: Config = None,
) -> None:
    """Write everything the store holds to a file; the daemon may be running."""
    piped = file == _PIPE
    if piped and (sys.stdout is None or sys.stdout.isatty()):
        raise InvalidInput("a backup is nothing to read", hint="send it into a file: - > FILE")
    with _opened(config) as (settings, database):
        clock = settings.clock.clock()
        if piped:
            counts = stream(database, sys.stdout.fileno(), clock)
        else:
            counts = write_backup(database, file, clock, replace=replace)
    typer.echo(f"wrote {_words(counts)}{'' if piped else f' to {file}'}", err=piped)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup; -: stdin")],
    config: Config = None,
) -> None:
    """Read a backup into an empty store; it is paused until somebody resumes it."""
    piped = file == _PIPE
    if piped and (sys.stdin is None or sys.stdin.isatty()):
        raise InvalidInput("nothing comes in", hint="send a backup: - < FILE")
    with _opened(config) as (settings, database):
        # what is open may be nothing that can be opened: a socket, or another user's pipe
        given = sys.stdin.buffer if piped else None
        name = Path("stdin") if piped else file
        counts = read_backup(database, name, settings.clock.clock(), opened=given)
    typer.echo(f"restored {_words(counts)}")
    typer.echo("the store is paused: start the daemon, compare with the cluster, remedyd resume")


@app.command()
def vacuum(config: Config = None) -> None:
    """Give the space of deleted proposals back: to the disk, on PostgreSQL to new rows."""
    with _opened(config) as (_, database):
        before, after = database.vacuum()
    typer.echo(f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after")


@contextmanager
def _opened(config: Path | None) -> Iterator[tuple[Settings, Database]]:
    settings = load(config)
    database = Database(settings.database_url(), busy_timeout=_PATIENCE, unhurried=True)
    try:
        yield settings, database
    finally:
        database.close()


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"
