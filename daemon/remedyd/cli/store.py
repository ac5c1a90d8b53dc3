"""`remedyd store`: copy the daemon's store into a file, and back into an empty one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from remedyd.cli.configured import Config
from remedyd.proposals.backup import backup as write_backup
from remedyd.proposals.backup import restore as read_backup
from remedyd.proposals.database import Database
from remedyd.settings import Settings, load

app = typer.Typer(no_args_is_help=True)

_PATIENCE = timedelta(seconds=10)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to, such as remedyd.backup.gz")],
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite the file")] = False,
    config: Config = None,
) -> None:
    """Write everything the store holds to a file; the daemon may be running."""
    with _opened(config) as (settings, database):
        counts = write_backup(database, file, settings.clock.clock(), replace=replace)
    typer.echo(f"wrote {_words(counts)} to {file}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup")],
    config: Config = None,
) -> None:
    """Read a backup into an empty store; it is paused until somebody resumes it."""
    with _opened(config) as (settings, database):
        counts = read_backup(database, file, settings.clock.clock())
    typer.echo(f"restored {_words(counts)}")
    typer.echo("the store is paused: start the daemon, compare with the cluster, remedyd resume")


@app.command()
def vacuum(config: Config = None) -> None:
    """Give the space of deleted proposals back to the disk."""
    with _opened(config) as (_, database):
        before, after = database.vacuum()
    typer.echo(f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after")


@contextmanager
def _opened(config: Path | None) -> Iterator[tuple[Settings, Database]]:
    settings = load(config)
    database = Database(settings.database, busy_timeout=_PATIENCE)
    try:
        yield settings, database
    finally:
        database.close()


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"
