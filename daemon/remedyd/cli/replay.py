"""`remedyd replay`: what would have been proposed over a recording, when, and why not more."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remedyd.cli import tables
from remedyd.documents.values import parse_duration
from remedyd.errors import InvalidInput

if TYPE_CHECKING:
    from remedyd.audits.definition import AuditSet
    from remedyd.model import Decision
    from remedyd.policy.policy import PolicySet
    from remedyd.testing.backtest.collecting import Collector
    from remedyd.testing.backtest.run import Backtest
    from remedyd.testing.replay import Cycle

SHIPPED = "shipped policies"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Where a recording's figures go besides the terminal."""

    plot: Path | None
    report: Path | None

    def __post_init__(self) -> None:
        """Refuse what could only fail after minutes of work."""
        if self.plot is not None and self.plot.suffix != ".html":
            raise InvalidInput(
                f"--plot {self.plot}: only HTML is written",
                hint="Name a file that ends in .html; a browser prints or pictures it.",
            )
        for path in (self.plot, self.report):
            if path is not None and not path.parent.is_dir():
                raise InvalidInput(f"{path.parent}: no such directory")


_Recording = Annotated[Path, typer.Argument(help="Directory with the recorded telemetry")]
_Policies = Annotated[
    list[Path] | None, typer.Option("--policies", help="Policy files (default: shipped)")
]
_Against = Annotated[
    list[Path] | None, typer.Option("--against", help="Policies to compare them with")
]
_Audits = Annotated[
    list[Path] | None, typer.Option("--audits", help="Audit directories (default: shipped)")
]
_Guardrails = Annotated[
    Path | None, typer.Option("--guardrails", help="Guardrails file (default: built-in limits)")
]
_Every = Annotated[str, typer.Option("--every", help="Time between cycles")]
_From = Annotated[
    str, typer.Option("--from", help="First cycle, as 2026-01-01T00:00:00Z (default: begin)")
]
_To = Annotated[str, typer.Option("--to", help="Last cycle (default: end)")]
_After = Annotated[
    str, typer.Option("--approval-after", help="How long an approval would have taken")
]
_Cluster = Annotated[str, typer.Option(help="Cluster name in the telemetry")]
_Plot = Annotated[
    Path | None, typer.Option("--plot", help="Write a page with the plots: FILE.html")
]
_Report = Annotated[Path | None, typer.Option("--report", help="Write the figures: FILE.json")]
_Output = Annotated[str, typer.Option("--output", "-o", help="table, or json with every cycle")]


def replay(
    recording: _Recording,
    policies: _Policies = None,
    against: _Against = None,
    audits: _Audits = None,
    guardrails: _Guardrails = None,
    interval: _Every = "1m",
    since: _From = "",
    until: _To = "",
    approval: _After = "10m",
    cluster: _Cluster = "",
    plot: _Plot = None,
    report: _Report = None,
    output: _Output = "table",
) -> None:
    """Run audits and policies over recorded telemetry; nothing is written to any cluster."""
    from remedyd.audits.loader import load_audits
    from remedyd.paths import shipped

    tables.known_output(output)
    wanted = _Wanted(plot, report)
    step, after = _duration("--every", interval), _duration("--approval-after", approval)
    if not step:
        raise InvalidInput("--every: must be longer than nothing")
    span = _moment("--from", since), _moment("--to", until)
    _there(recording)
    loaded = load_audits(audits or [shipped("esql")])
    sets = dict(_sets(policies, against, loaded))
    test = _backtest(recording, loaded, list(sets.values()), (step, *span), (cluster, guardrails))
    collector = _collector(sets, step, after)
    if output == "json":
        typer.echo(json.dumps([_as_json(c) for c in _collected(test, collector)], indent=2))
    else:
        _print(test, collector, recording.name)
    _write(wanted, collector, recording.name, test)


def _there(recording: Path) -> None:
    if not recording.is_dir():
        what = "is a file" if recording.is_file() else "no such directory"
        raise InvalidInput(
            f"{recording}: {what}", hint="Name the directory that `remedyd record` wrote."
        )


def _collector(sets: "Mapping[str, PolicySet]", step: timedelta, after: timedelta) -> "Collector":
    """Return what gathers the figures of each set of policies."""
    from remedyd.testing.backtest.collecting import PATIENCE, Collector, SideCollector

    patience = max(PATIENCE, 3 * step)
    sides = [SideCollector(name, found, after, patience) for name, found in sets.items()]
    return Collector(sides, step, after)


def _sets(
    policies: list[Path] | None, against: list[Path] | None, audits: "AuditSet"
) -> Iterator[tuple[str, "PolicySet"]]:
    """Yield the policies with a name to call them by, and those to compare them with."""
    from remedyd.actions.registry import SCHEMAS
    from remedyd.paths import shipped
    from remedyd.policy.loader import load_policies

    first = ", ".join(map(str, policies)) if policies else SHIPPED
    paths = policies or [shipped("policies")]
    yield first, load_policies(paths, audits=audits.specs, actions=SCHEMAS)
    if against:
        second = ", ".join(map(str, against))
        name = second if second != first else f"{second} (again)"
        yield name, load_policies(against, audits=audits.specs, actions=SCHEMAS)


def _backtest(
    recording: Path,
    audits: "AuditSet",
    sets: "list[PolicySet]",
    when: tuple[timedelta, datetime | None, datetime | None],
    rest: tuple[str, Path | None],
) -> "Backtest":
    from remedyd.model import ManualClock
    from remedyd.offline.recording import RecordingSource
    from remedyd.policy.guardrails import Guardrails, load_guardrails
    from remedyd.testing.backtest.run import Backtest
    from remedyd.testing.replay import times

    cluster, path = rest
    rails = load_guardrails(path) if path else Guardrails()
    clock = ManualClock(datetime.max.replace(tzinfo=UTC))
    source = RecordingSource(recording, clock)
    found = times(source, *when)
    return Backtest(source, clock, audits, sets, found, cluster=cluster, guardrails=rails)


def _duration(option: str, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidInput(f"{option}: {error}") from error


def _moment(option: str, text: str) -> datetime | None:
    from remedyd.testing.recording.export import moment

    try:
        return moment(text) if text else None
    except ValueError as error:
        hint = "Write it with its zone, as in 2026-01-01T00:00:00Z."
        raise InvalidInput(f'{option}: "{text}" is not a time', hint=hint) from error


def _collected(test: "Backtest", collector: "Collector") -> Iterator["Cycle"]:
    """Yield the cycles, with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    cycles = track(
        test.cycles(),
        "cycles",
        total=test.count,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    for cycle in cycles:
        collector.add(cycle)
        yield cycle


def _print(test: "Backtest", collector: "Collector", name: str) -> None:
    from remedyd.cli import replay_text

    rest = replay_text.Rest()
    for cycle in _collected(test, collector):
        rest.add(cycle.decided[0])
    replay_text.show(collector.report(name, test.notices), rest)


def _write(wanted: _Wanted, collector: "Collector", name: str, test: "Backtest") -> None:
    from remedyd.testing.backtest.export import exported
    from remedyd.testing.backtest.page import page

    found = collector.report(name, test.notices)
    if wanted.plot is not None:
        wanted.plot.write_text(page(found), encoding="utf-8")
        typer.echo(f"wrote {wanted.plot}", err=True)
    if wanted.report is not None:
        text = json.dumps(exported(found), indent=2, ensure_ascii=False)
        wanted.report.write_text(f"{text}\n", encoding="utf-8")
        typer.echo(f"wrote {wanted.report}", err=True)


def _as_json(cycle: "Cycle") -> dict[str, Any]:
    found = {
        "at": cycle.at.isoformat(),
        "audits": {result.audit: result.outcome.value for result in cycle.results},
        "decisions": [_decision(decision) for decision in cycle.decided[0]],
    }
    if len(cycle.decided) > 1:
        found["against"] = [_decision(decision) for decision in cycle.decided[1]]
    return found


def _decision(decision: "Decision") -> dict[str, Any]:
    return {
        "kind": decision.kind.value,
        "policy": decision.policy,
        "target": str(decision.target),
        "reason": decision.reason,
        "condition": decision.condition,
        "detail": decision.detail,
        "action": decision.action.type if decision.action else None,
    }
