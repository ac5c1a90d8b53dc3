"""`remedyd audit`: what the audits are, what they would send, and what they find."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from remedyd import settings
from remedyd.audits.definition import AuditDefinition, AuditSet
from remedyd.audits.explain import described, preview, reported
from remedyd.audits.loader import Syntax, load_audits
from remedyd.audits.parameters import parsed
from remedyd.audits.runner import AuditRunner
from remedyd.cli import audit_lint, audit_text
from remedyd.cli.configured import Config
from remedyd.documents import did_you_mean
from remedyd.errors import InvalidInput, Problem
from remedyd.model import ManualClock, QuerySource

app = typer.Typer(no_args_is_help=True)
app.command("lint")(audit_lint.lint)

Name = Annotated[str, typer.Argument(help="Audit name", show_default=False)]
Source = Annotated[
    str,
    typer.Option(
        help="Elasticsearch URL, or the directory of a recording; default: the settings' URL"
    ),
]
Directories = Annotated[
    list[Path] | None,
    typer.Option("--audits", help="Directory with audits; may be repeated (default: settings)"),
]
Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", help="name=value; may be repeated")
]
Now = Annotated[
    str, typer.Option(help="Time to run at, such as 2026-11-22T22:20:00Z; needed for a recording")
]
Cluster = Annotated[str, typer.Option(help="Name of this cluster in telemetry (default: settings)")]
Output = Annotated[str, typer.Option("--output", "-o", help="table or json")]


@app.command("list")
def list_(audits: Directories = None, config: Config = None, output: Output = "table") -> None:
    """List the audits with window, cadence and the Elasticsearch they need."""
    _known_output(output)
    found = _audits(audits, settings.load(config), syntax=_syntax)
    if output == "json":
        typer.echo(json.dumps([described(one) for one in found.values()], indent=2))
    else:
        typer.echo(audit_text.listing(found.values()))


@app.command()
def explain(
    name: Name,
    source: Source = "",
    param: Params = None,
    now: Now = "",
    cluster: Cluster = "",
    audits: Directories = None,
    config: Config = None,
    output: Output = "table",
) -> None:
    """Explain an audit; with --source, also which fields are mapped and what would be sent."""
    _known_output(output)
    known = settings.load(config)
    definition = _named(_audits(audits, known, syntax=_syntax), name)
    shown: dict[str, Any] = described(definition)
    if source:
        with opened(source, known, _moment(now)) as (telemetry, moment):
            plan = preview(
                definition,
                telemetry,
                moment,
                cluster=cluster or known.cluster_name,
                params=parsed(definition, _pairs(param)),
            )
        shown["sent"] = {"query": plan.text, "params": dict(plan.params)}
        shown["mapped"] = dict(sorted(plan.mapped.items()))
        shown["unavailable"] = list(plan.unavailable)
    typer.echo(json.dumps(shown, indent=2) if output == "json" else audit_text.contract(shown))


@app.command()
def run(
    name: Name,
    source: Source = "",
    param: Params = None,
    now: Now = "",
    cluster: Cluster = "",
    audits: Directories = None,
    config: Config = None,
    output: Output = "table",
) -> None:
    """Run an audit once and show its rows; exit 1 when the outcome is not Ok."""
    _known_output(output)
    known = settings.load(config)
    found = _audits(audits, known)
    definition = _named(found, name)
    params = parsed(definition, _pairs(param))
    with opened(source, known, _moment(now)) as (telemetry, moment):
        runner = AuditRunner(
            telemetry, ManualClock(moment), cluster or known.cluster_name, gate=found.gate
        )
        result = runner.run(definition, params=params)
    if output == "json":
        typer.echo(json.dumps(reported(result), indent=2))
    else:
        typer.echo(audit_text.result(result))
    if not result.ok:
        raise typer.Exit(1)


def _audits(
    directories: list[Path] | None, known: settings.Settings, *, syntax: Syntax | None = None
) -> AuditSet:
    return load_audits(directories or known.audits, syntax=syntax)


def _syntax(text: str) -> Problem | None:
    """Return the first syntax error; what only Elasticsearch can run is none.

    Left out where audits are run: there Elasticsearch has the last word.
    """
    from remedyd.offline.errors import EsqlError, UnsupportedEsql
    from remedyd.offline.parser import parse

    try:
        parse(text)
    except UnsupportedEsql:
        return None
    except EsqlError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return Problem(f"{error.reason}{hint}", "", error.line, error.column)
    return None


def _named(found: AuditSet, name: str) -> AuditDefinition:
    if name not in found:
        raise InvalidInput(
            f"no audit {name}{did_you_mean(name, found)}", hint=f"known: {', '.join(found)}"
        )
    return found[name]


def _known_output(output: str) -> None:
    if output not in ("table", "json"):
        raise InvalidInput(f"--output must be table or json, not {output}")


def _pairs(params: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in params or ()]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise InvalidInput(f'--param must look like name=value, not "{name}"')
    return {name: value for name, _, value in pairs}


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f'--now must be a time such as 2026-11-22T22:20:00Z, not "{text}"'
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@contextmanager
def opened(
    source: str, known: settings.Settings, moment: datetime | None
) -> Iterator[tuple[QuerySource, datetime]]:
    """Open what `source` names: a URL, or the directory of a recording."""
    if source and "://" not in source:
        with _recording(Path(source), moment) as opened:
            yield opened
        return
    from remedyd.cli import retries
    from remedyd.elastic.client import ElasticSource
    from remedyd.elastic.connection import Connection

    retries.tell()
    connection = Connection.of(known.elasticsearch)
    elastic = ElasticSource(replace(connection, url=source) if source else connection)
    try:
        yield elastic, moment or known.clock.clock().now()  # the daemon's time, the lab's too
    finally:
        elastic.close()


@contextmanager
def _recording(path: Path, moment: datetime | None) -> Iterator[tuple[QuerySource, datetime]]:
    if not path.is_dir():
        raise InvalidInput(f"{path}: no such directory", hint="--source takes a URL or a directory")
    if moment is None:
        raise InvalidInput("a recording needs --now", hint="name a time within the recording")
    from remedyd.offline.recording import RecordingSource

    yield RecordingSource(path, moment), moment
