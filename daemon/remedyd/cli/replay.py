"""`remedyd replay`: what would have been proposed over a recording, when, and why not more."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remedyd.cli import tables
from remedyd.documents.values import parse_duration
from remedyd.errors import InvalidInput
from remedyd.model import Decision, DecisionKind

if TYPE_CHECKING:
    from remedyd.testing.replay import ReplayCycle


def replay(
    recording: Annotated[Path, typer.Argument(help="Directory with the recorded telemetry")],
    policies: Annotated[
        list[Path] | None, typer.Option("--policies", help="Policy files [default: shipped]")
    ] = None,
    audits: Annotated[
        list[Path] | None, typer.Option("--audits", help="Audit directories [default: shipped]")
    ] = None,
    interval: Annotated[str, typer.Option("--every", help="Time between cycles")] = "1m",
    cluster: Annotated[str, typer.Option(help="Cluster name in the telemetry")] = "",
    output: Annotated[str, typer.Option("--output", "-o", help="table or json")] = "table",
) -> None:
    """Run audits and policies over recorded telemetry; nothing is written anywhere."""
    from remedyd.actions.registry import SCHEMAS
    from remedyd.audits.loader import load_audits
    from remedyd.audits.runner import AuditRunner
    from remedyd.model import ManualClock
    from remedyd.offline.recording import RecordingSource
    from remedyd.paths import shipped
    from remedyd.policy.loader import load_policies
    from remedyd.testing import replay as replaying

    tables.known_output(output)
    step = _interval(interval)
    if not recording.is_dir():
        raise InvalidInput(f"{recording}: no such directory", hint="name a recording's directory")
    loaded = load_audits(audits or [shipped("esql")])
    rules = load_policies(policies or [shipped("policies")], audits=loaded.specs, actions=SCHEMAS)
    clock = ManualClock(datetime.max.replace(tzinfo=UTC))
    source = RecordingSource(recording, clock)
    first, last = replaying.span(source)
    runner = AuditRunner(source, clock, cluster, gate=loaded.gate)
    times = replaying.every(first + step, last, step)
    cycles = list(replaying.replay(runner, clock, loaded, rules, times))
    if output == "json":
        typer.echo(json.dumps([_as_json(cycle) for cycle in cycles], indent=2))
        return
    _print(cycles, first, last)


def _interval(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidInput(f"--every: {error}") from error


def _print(cycles: list["ReplayCycle"], first: datetime, last: datetime) -> None:
    console = tables.console()
    console.print(f"{len(cycles)} cycles from {first:%Y-%m-%d %H:%M:%SZ} to {last:%H:%M:%SZ}\n")
    proposals = tables.table(
        "TIME", "POLICY", "TARGET", "ACTION", "EVIDENCE", title="Would be proposed"
    )
    for cycle in cycles:
        for decision in cycle.proposed:
            assert decision.action is not None
            proposals.add_row(
                f"{cycle.at:%H:%M:%S}",
                decision.policy,
                str(decision.target),
                decision.action.type,
                _evidence(decision),
            )
    console.print(proposals if proposals.row_count else "Nothing would have been proposed.")
    rest = tables.table("POLICY", "TARGET", "DECISIONS", "LAST REASON", title="\nWhy not the rest")
    for (policy, target), decisions in _others(cycles).items():
        counts = Counter(f"{d.kind} {d.reason}" for d in decisions)
        told = ", ".join(f"{n}x {what}" for what, n in counts.most_common(3))
        rest.add_row(policy, target, told, decisions[-1].detail)
    console.print(rest)


def _evidence(decision: Decision) -> str:
    """Return the numbers of the row that stand for something being wrong."""
    if decision.row is None:
        return decision.detail
    told = [
        f"{name} {value:g}"
        for name, value in decision.row.values.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and value
        and name not in ("samples", "severity_score")
    ]
    return ", ".join(told[:5])


def _others(cycles: Iterable["ReplayCycle"]) -> dict[tuple[str, str], list[Decision]]:
    """Group what was held, skipped or in error, leaving out rows that were simply healthy."""
    found: dict[tuple[str, str], list[Decision]] = {}
    for cycle in cycles:
        for decision in cycle.decisions:
            quiet = decision.kind is DecisionKind.SKIP and decision.reason == "Severity"
            if decision.kind is not DecisionKind.PROPOSE and not quiet:
                found.setdefault((decision.policy, str(decision.target)), []).append(decision)
    return dict(sorted(found.items()))


def _as_json(cycle: "ReplayCycle") -> dict[str, Any]:
    return {
        "at": cycle.at.isoformat(),
        "audits": {result.audit: result.outcome.value for result in cycle.results},
        "decisions": [
            {
                "kind": decision.kind.value,
                "policy": decision.policy,
                "target": str(decision.target),
                "reason": decision.reason,
                "condition": decision.condition,
                "detail": decision.detail,
                "action": decision.action.type if decision.action else None,
            }
            for decision in cycle.decisions
        ],
    }
