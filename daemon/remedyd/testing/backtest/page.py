"""A backtest as one HTML file: no scripts, no fonts, nothing loaded from elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from html import escape

from remedyd.documents import format_duration
from remedyd.testing.backtest.chart import bars, tracks
from remedyd.testing.backtest.figures import Fate, Report, Side
from remedyd.testing.backtest.style import CSS, PHASES

LISTED = 500
"""Proposals listed on the page for each set of policies at most."""


def page(report: Report) -> str:
    """Return the page."""
    body = "\n".join(_body(report))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Backtest: {escape(report.recording)}</title>\n<style>{CSS}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _body(report: Report) -> Iterator[str]:
    times, step = report.times, format_duration(report.interval)
    yield f"<h1>Backtest of {escape(report.recording)}</h1>"
    yield (
        f'<p class="dim">{times[0]:%Y-%m-%d %H:%M}Z to {times[-1]:%Y-%m-%d %H:%M}Z, '
        f"{len(times):,} cycles, one every {step}. Nobody answers in a backtest: a proposal stays "
        "open until it expires, and nothing is ever changed. A target that somebody repaired while "
        "the recording ran counts as recovered: telemetry cannot tell who did it.</p>"
    )
    if len(report.sides) > 1:
        yield f'<p class="sets">{" ".join(_named(report))}</p>'
    if notices := "".join(f"<li>{escape(notice)}</li>" for notice in _notices(report)):
        yield f'<div class="notice"><ul>{notices}</ul></div>'
    yield f'<div class="tiles">{"".join(_tiles(report))}</div>'
    yield "<h2>When (UTC)</h2>"
    yield bars(report)
    yield "<h2>Who, and what held them back</h2>"
    if len(report.sides) > 1:
        yield '<p class="dim">Upper lanes: A. Lower lanes: B.</p>'
    legend = "".join(
        f'<span><i class="{phase}"></i>{text}</span>' for phase, text in PHASES.items()
    )
    yield f'<div class="legend">{legend}</div>'
    yield tracks(report)
    yield "<h2>By policy</h2>"
    yield _policies(report)
    for side in report.sides:
        yield _proposals(side)


def _notices(report: Report) -> Iterator[str]:
    yield from report.notices
    for audit, outcomes in report.audits.items():
        bad = {name: count for name, count in outcomes.items() if name != "Ok"}
        if bad:
            told = ", ".join(f"{count} × {name}" for name, count in bad.items())
            when = "some cycles" if "Ok" in outcomes else "any cycle"
            yield f"{audit} gave no trustworthy result in {when}: {told}"


def _named(report: Report) -> Iterator[str]:
    for mark, side in zip(report.marks, report.sides, strict=True):
        yield f"<span>{_chip(mark)} {escape(side.name)}</span>"


def _chip(mark: str) -> str:
    return f'<b class="set-{mark}">{mark}</b>' if mark else ""


def _rate(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _tiles(report: Report) -> Iterator[str]:
    after = format_duration(report.approval_after)
    known = " and ".join(f"{side.judged():,}" for side in report.sides)
    tiles: Sequence[tuple[str, Callable[[Side], str], str]] = (
        ("Proposals", lambda side: f"{len(side.proposals):,}", "in the whole recording"),
        ("Targets", lambda side: f"{side.targets():,}", "proposed for at least once"),
        (
            "False remediation rate",
            lambda side: _rate(side.false_rate()),
            f"of {known} judged had recovered alone within {after}",
        ),
        ("Held back", lambda side: f"{_held(side):,}", "decisions, by limits and cooldowns"),
        ("Flapping", lambda side: f"{side.flapping():,}", "three episodes within a day"),
    )
    for label, value, note in tiles:
        yield f'<div class="tile"><div class="label">{label}</div>{_values(report, value)}'
        yield f'<div class="note">{note}</div></div>'


def _values(report: Report, value: Callable[[Side], str]) -> str:
    if len(report.sides) == 1:
        return f'<div class="value">{value(report.sides[0])}</div>'
    pairs = "".join(
        f'<div class="value">{_chip(mark)}{value(side)}</div>'
        for mark, side in zip(report.marks, report.sides, strict=True)
    )
    return f'<div class="pair">{pairs}</div>'


def _held(side: Side) -> int:
    quiet = ("Sustain", "AlreadyOpen")
    return sum(
        count
        for reasons in side.held.values()
        for reason, count in reasons.items()
        if reason not in quiet
    )


def _policies(report: Report) -> str:
    rows = "".join(
        _row(side, policy, mark)
        for policy in report.policies
        for mark, side in zip(report.marks, report.sides, strict=True)
        if policy in side.policies
    )
    heads = (
        "Proposals",
        "Targets",
        *(fate.capitalize() for fate in Fate),
        "False rate",
        "Flapping",
    )
    head = "".join(f'<th class="n">{name}</th>' for name in heads)
    return (
        f'<div class="scroll"><table><thead><tr><th>Policy</th>{head}'
        f"<th>Decisions held, by reason</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(side: Side, policy: str, mark: str) -> str:
    counts, held = side.fates(policy), side.held.get(policy, {})
    told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(held.items()))
    cells = (
        f"{sum(counts.values()):,}",
        f"{side.targets(policy):,}",
        *(f"{counts[fate]:,}" for fate in Fate),
        _rate(side.false_rate(policy)),
        f"{side.flapping(policy):,}",
    )
    numbers = "".join(f'<td class="n">{cell}</td>' for cell in cells)
    name = f'<td class="t">{_chip(mark)}{escape(policy)}</td>'
    return f"<tr>{name}{numbers}<td>{told or '–'}</td></tr>"


def _proposals(side: Side) -> str:
    rows = "".join(
        f'<tr><td class="t">{p.at:%Y-%m-%d %H:%M:%S}Z</td><td>{escape(p.policy)}</td>'
        f"<td>{escape(p.target)}</td><td>{escape(p.action)}</td>"
        f'<td class="{p.fate}">{p.fate}</td><td>{escape(p.detail)}</td></tr>'
        for p in side.proposals[:LISTED]
    )
    more = len(side.proposals) - LISTED
    rest = f'<p class="dim">and {more:,} more, see --report</p>' if more > 0 else ""
    heads = "".join(
        f"<th>{name}</th>" for name in ("Time", "Policy", "Target", "Action", "Fate", "Why")
    )
    return (
        f"<details><summary>{len(side.proposals):,} proposals of {escape(side.name)}</summary>"
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        f"</div>{rest}</details>"
    )
