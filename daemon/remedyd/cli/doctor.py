"""`remedyd doctor`: examine everything the daemon depends on, with a fix for each finding."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from remedyd.cli import retries
from remedyd.cli.configured import Config
from remedyd.doctor import Finding, Health, examine
from remedyd.errors import InvalidInput
from remedyd.settings import load

_MARKS = {Health.OK: "ok  ", Health.WARN: "warn", Health.FAIL: "FAIL"}


def doctor(
    config: Config = None,
    output: Annotated[str, typer.Option("--output", "-o", help="text or json")] = "text",
) -> None:
    """Examine configuration, store, cluster, Elasticsearch and telemetry; nothing is changed.

    Run it where the daemon runs, with the daemon's settings, as by `kubectl exec`. Exit 0 when
    nothing failed, 1 otherwise.
    """
    if output not in ("text", "json"):
        raise InvalidInput(f"--output must be text or json, not {output}")
    retries.tell()
    settings = load(config)
    found: list[Finding] = []
    for finding in examine(settings, settings.clock.clock()):
        found.append(finding)
        if output == "text":
            _show(finding)
    if output == "json":
        typer.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        typer.echo(_summary(found))
    if any(one.health is Health.FAIL for one in found):
        raise typer.Exit(1)


def _show(finding: Finding) -> None:
    typer.echo(f"{_MARKS[finding.health]}  {finding.part}: {finding.check}: {finding.detail}")
    if finding.fix and finding.health is not Health.OK:
        typer.echo(f"      fix: {finding.fix}")


def _summary(found: list[Finding]) -> str:
    count = {health: sum(one.health is health for one in found) for health in Health}
    return (
        f"{len(found)} checks: {count[Health.OK]} ok, {count[Health.WARN]} to look at, "
        f"{count[Health.FAIL]} failed"
    )
