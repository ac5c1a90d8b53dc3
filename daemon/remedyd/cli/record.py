"""`remedyd record` and `remedyd recording`: telemetry in files, to replay and to test with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from remedyd import settings
from remedyd.cli.configured import Config
from remedyd.documents.values import parse_duration
from remedyd.errors import InvalidInput

if TYPE_CHECKING:
    from remedyd.testing.recording.export import Progress, Report

INDICES = (
    "metrics-kubeletstatsreceiver.otel-*",
    "metrics-k8sclusterreceiver.otel-*",
    "logs-k8seventsreceiver.otel-*",
    "traces-*.otel-*",
)

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Work with recorded telemetry."""


def record(
    out: Annotated[Path, typer.Option(help="New directory, or one to go on with")],
    start: Annotated[str, typer.Option("--from", help="First time, as 2026-01-01T00:00:00Z")],
    end: Annotated[str, typer.Option("--to", help="Time to stop before")],
    es_url: Annotated[str, typer.Option(help="Elasticsearch URL (default: settings)")] = "",
    indices: Annotated[
        list[str] | None,
        typer.Option(help="Index pattern; may be repeated (default: what the shipped audits read)"),
    ] = None,
    slice_length: Annotated[
        str, typer.Option("--slice", help="Time that is written at once; an interruption loses one")
    ] = "15m",
    config: Config = None,
) -> None:
    """Export telemetry from Elasticsearch; after an interruption the same command goes on."""
    from remedyd.cli import retries
    from remedyd.elastic.client import ElasticSource
    from remedyd.elastic.connection import Connection
    from remedyd.elastic.history import History
    from remedyd.model import Window
    from remedyd.testing.recording.export import Export

    window = Window(_moment("--from", start), _moment("--to", end))
    if window.start >= window.end:
        raise InvalidInput("--from must be before --to")
    length = _length(slice_length)
    retries.tell()
    connection = Connection.of(settings.load(config).elasticsearch)
    source = ElasticSource(replace(connection, url=es_url) if es_url else connection)
    try:
        with _bar() as report:
            export = Export(History(source), out, slice_length=length, report=report)
            recorded = export.run(window, indices or INDICES, elasticsearch=source.ping())
    finally:
        source.close()
    for stream, count in recorded.documents.items():
        typer.echo(f"{count:>10,}  {stream}")
    typer.echo(f"recorded in {out}")


@app.command()
def convert(
    directory: Annotated[Path, typer.Argument(help="Recording as NDJSON")],
    out: Annotated[
        Path | None, typer.Option(help="New directory (default: DIRECTORY-parquet)")
    ] = None,
) -> None:
    """Write a recording as parquet: smaller, and read where it lies."""
    from remedyd.testing.recording.convert import convert as converted

    target = out or directory.with_name(f"{directory.resolve().name}-parquet")
    for stream, count in converted(directory, target).items():
        typer.echo(f"{count:>10,}  {stream}")
    before, after = _size(directory), _size(target)
    typer.echo(f"{before / 1e6:.1f} MB in {directory}, {after / 1e6:.1f} MB in {target}")


@contextmanager
def _bar() -> "Iterator[Report]":
    """Show a progress bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:

        def show(progress: "Progress") -> None:
            if progress.stream not in tasks:
                tasks[progress.stream] = bars.add_task(progress.stream)
            task = tasks[progress.stream]
            bars.update(task, completed=progress.documents, total=progress.total)

        yield show


def _moment(option: str, text: str) -> datetime:
    from remedyd.testing.recording.export import moment

    try:
        return moment(text)
    except ValueError as error:
        raise InvalidInput(f"{option}: {error}") from error


def _length(text: str) -> timedelta:
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise InvalidInput(f"--slice: {error}") from error
    if not found:
        raise InvalidInput("--slice must be longer than 0s")
    return found


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir() if path.is_file())
