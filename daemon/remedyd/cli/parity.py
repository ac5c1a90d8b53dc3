"""`remedyd parity`: does Elasticsearch answer as the offline engine does?

Exit 0 no difference, 1 differences (or Elasticsearch failed), 2 invalid input.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from remedyd import settings
from remedyd.cli.configured import Config
from remedyd.cli.failures import FAILED
from remedyd.errors import InvalidInput
from remedyd.paths import shipped

if TYPE_CHECKING:
    from remedyd.testing.parity.questions import Topic
    from remedyd.testing.parity.running import Compared


def parity(
    es_url: Annotated[str, typer.Option(help="Elasticsearch URL (default: settings)")] = "",
    cases: Annotated[Path | None, typer.Option(help="Directory of conformance cases")] = None,
    recording: Annotated[
        Path | None, typer.Option(help="Recording to run the shipped audits over")
    ] = None,
    at: Annotated[str, typer.Option(help="Time within the recording")] = "",
    documents: Annotated[int, typer.Option(min=1, help="Documents of one index, at most")] = 50_000,
    seconds: Annotated[float, typer.Option(min=1, help="Time for all questions, at most")] = 600.0,
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
    config: Config = None,
) -> None:
    """Ask Elasticsearch and the offline engine the same, over indices made and deleted here."""
    from remedyd.cli import retries
    from remedyd.elastic.client import ElasticSource
    from remedyd.elastic.connection import Connection
    from remedyd.elastic.scratch import Scratch
    from remedyd.model import SystemClock
    from remedyd.testing.parity.running import Bounds, compare

    if output not in ("text", "json"):
        raise InvalidInput(f"--output must be text or json, not {output}")
    connection = Connection.of(settings.load(config).elasticsearch)
    topics = _topics(cases, recording, at, documents)
    retries.tell()
    source = ElasticSource(replace(connection, url=es_url) if es_url else connection)
    prefix = f"remedyd-parity-{secrets.token_hex(4)}-"
    try:
        version = source.version()
        stack = version if version[0] == 9 else (9, 4)
        with Scratch(source) as scratch:
            found = list(
                compare(topics, scratch, prefix, stack, SystemClock(), Bounds(documents, seconds))
            )
    finally:
        source.close()
    typer.echo(_json(found) if output == "json" else _text(found))
    if any(one.differences for one in found):
        raise typer.Exit(FAILED)


def _topics(cases: Path | None, recording: Path | None, at: str, most: int) -> "list[Topic]":
    from remedyd.audits.loader import load_audits
    from remedyd.testing.parity.audits import audit_topic
    from remedyd.testing.parity.questions import topics

    if cases is None and recording is None:
        raise InvalidInput("nothing to compare", hint="give --cases, --recording, or both")
    found = list(topics(cases)) if cases is not None else []
    if recording is not None:
        audits = load_audits([shipped("esql")])
        found.append(audit_topic(audits, recording, _moment(at), most))
    return found


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f'--at must be a time within the recording, not "{text}"') from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _text(found: "Sequence[Compared]") -> str:
    lines: list[str] = []
    for one in found:
        if one.differences:
            lines.append(f"DIFFERS  {one.topic}: {one.question.name}")
            lines += [f"         {line}" for line in one.question.query.splitlines()]
            lines += [f"      !  {line}" for line in one.differences]
    skipped: dict[str, int] = {}
    for one in found:
        if one.skipped:
            skipped[one.skipped] = skipped.get(one.skipped, 0) + 1
    lines += [f"not asked: {count}x {why}" for why, count in sorted(skipped.items())]
    differ = sum(bool(one.differences) for one in found)
    same = len(found) - differ - sum(skipped.values())
    return "\n".join(
        [*lines, f"{same} the same, {differ} differ, {sum(skipped.values())} not asked"]
    )


def _json(found: "Sequence[Compared]") -> str:
    shown = [
        {
            "topic": one.topic,
            "name": one.question.name,
            "query": one.question.query,
            "differences": list(one.differences),
            "skipped": one.skipped,
        }
        for one in found
    ]
    return json.dumps(shown, indent=2)
