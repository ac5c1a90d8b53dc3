"""The two plots of a backtest as SVG: proposals over time, and every target's track.

Weeks of cycles are narrower than a pixel each, so a stretch is drawn at least one pixel wide and
a proposal as a mark of its own: the one thing that must never vanish.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from html import escape

from remedyd.testing.backtest.figures import Fate, Phase, Report, Side, Track

WIDTH, LEFT, RIGHT = 1130, 300, 16
LANE, GAP = 13, 5
MOST = 60
"""Tracks drawn for each policy at most; the ones with most proposals come first."""

_STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 5, 10, 15, 30, 60, 180, 360, 720, 1440, 2880, 7200, 14_400, 43_200)
)


Needless = set[tuple[str, str, datetime]]
"""Policy, target and time of the proposals whose target recovered alone."""


class Scale:
    """Turns times into places from left to right."""

    def __init__(self, times: Sequence[datetime], interval: timedelta) -> None:
        """Take the times of the cycles; each takes up one interval."""
        self.first = times[0]
        self.last = times[-1] + interval
        self._interval = interval
        self._width = (WIDTH - LEFT - RIGHT) / (self.last - self.first).total_seconds()

    def x(self, at: datetime) -> float:
        """Return the place of a time."""
        return LEFT + (at - self.first).total_seconds() * self._width

    def cycle(self, number: int) -> float:
        """Return the place of a cycle's begin."""
        return self.x(self.time(number))

    def time(self, number: int) -> datetime:
        """Return the time of a cycle."""
        return self.first + self._interval * number

    def ticks(self, wanted: int = 8) -> Iterator[tuple[float, str]]:
        """Yield places and labels of round times."""
        span = self.last - self.first
        step = next((s for s in _STEPS if span / s <= wanted), _STEPS[-1])
        midnight = datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)
        at = midnight + step * -((midnight - self.first) // step)
        while at <= self.last:
            short = step < timedelta(days=1) and at.time() != datetime.min.time()
            yield self.x(at), f"{at:%H:%M}" if short else f"{at:%d %b}"
            at += step


def _axis(scale: Scale, top: int, bottom: int) -> Iterator[str]:
    for x, label in scale.ticks():
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'
        anchor = "middle" if x < WIDTH - 30 else "end"  # the last one must not be cut off
        x = min(x, WIDTH) if anchor == "end" else x
        yield (
            f'<text class="dim" x="{x:.1f}" y="{bottom + 15}" text-anchor="{anchor}">{label}</text>'
        )


def _svg(parts: Sequence[str], height: int, title: str) -> str:
    body = "\n".join(parts)
    return (
        f'<div class="scroll"><svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">{body}</svg></div>'
    )


def bars(report: Report) -> str:
    """Return how many proposals were made over time, one row of bars for each set of policies."""
    scale = Scale(report.times, report.interval)
    span = scale.last - scale.first
    width = next((s for s in _STEPS if span / s <= 62 and s >= report.interval), _STEPS[-1])
    counts = [_counts(side, scale, width) for side in report.sides]
    highest = max((max(found.values(), default=0) for found in counts), default=0) or 1
    parts = list(_axis(scale, 8, 92 * len(report.sides) - 4))
    top = 8
    for number, (side, found) in enumerate(zip(report.sides, counts, strict=True)):
        name = report.marks[number] or side.name
        parts += _bar_row(scale, name, found, (top, width, highest, number))
        top += 92
    return _svg(parts, top + 10, f"Proposals per {_name(width)}")


def _counts(side: Side, scale: Scale, width: timedelta) -> dict[int, int]:
    found: dict[int, int] = {}
    for proposal in side.proposals:
        bucket = (proposal.at - scale.first) // width
        found[bucket] = found.get(bucket, 0) + 1
    return found


def _bar_row(
    scale: Scale, name: str, found: dict[int, int], shape: tuple[int, timedelta, int, int]
) -> Iterator[str]:
    top, width, highest, number = shape
    base, colour = top + 72, "proposed" if number == 0 else "other"
    yield f'<text x="0" y="{top + 40}" class="policy">{escape(name)}</text>'
    yield f'<text x="0" y="{top + 56}" class="dim">proposals per {_name(width)}</text>'
    yield f'<text x="{LEFT - 8}" y="{top + 10}" class="dim" text-anchor="end">{highest}</text>'
    yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>'
    for bucket, count in sorted(found.items()):
        start = scale.first + width * bucket
        left, right = scale.x(start), scale.x(min(start + width, scale.last))
        height = 70 * count / highest
        yield (
            f'<rect x="{left + 0.5:.1f}" y="{base - height:.1f}" '
            f'width="{max(right - left - 1, 1):.1f}" height="{height:.1f}" rx="1.5" '
            f'style="fill: var(--{colour})">'
            f"<title>{start:%Y-%m-%d %H:%M}Z: {count} proposals</title></rect>"
        )


def _name(width: timedelta) -> str:
    minutes = int(width.total_seconds() // 60)
    if minutes % 1440 == 0:
        return "day" if minutes == 1440 else f"{minutes // 1440} days"
    if minutes % 60 == 0:
        return "hour" if minutes == 60 else f"{minutes // 60} hours"
    return "minute" if minutes == 1 else f"{minutes} minutes"


def tracks(report: Report) -> str:
    """Return every target's track, grouped by policy; two sets of policies one below the other."""
    scale = Scale(report.times, report.interval)
    lanes = len(report.sides)
    needless = [_needless(side) for side in report.sides]
    parts: list[str] = []
    top = 22
    for policy in _policies(report):
        rows = _rows(report, policy)
        parts.append(f'<text class="policy" x="0" y="{top + 12}">{escape(policy)}</text>')
        if len(rows) > MOST:
            parts.append(
                f'<text class="dim" x="{LEFT}" y="{top + 12}">'
                f"the {MOST} of {len(rows)} targets with most proposals</text>"
            )
        top += 20
        for target, found in rows[:MOST]:
            parts += _row(scale, target, list(zip(found, needless, strict=True)), top)
            top += lanes * LANE + GAP
        top += 10
    if not parts:
        return "<p>No target ever matched a policy.</p>"
    parts = [*_axis(scale, 14, top - 6), *parts]
    return _svg(parts, top + 16, "Targets over time")


def _policies(report: Report) -> list[str]:
    return sorted({track.policy for side in report.sides for track in side.tracks})


def _rows(report: Report, policy: str) -> list[tuple[str, list[Track | None]]]:
    """Return the targets of a policy, the most proposed for first, with a track for each side."""
    by_side = [
        {t.target: t for t in side.tracks if t.policy == policy and (t.matched or _is_audit(t))}
        for side in report.sides
    ]
    names = {name for found in by_side for name in found}

    def weight(name: str) -> tuple[int, int, str]:
        mine = [found[name] for found in by_side if name in found]
        return -sum(t.proposals for t in mine), -sum(t.matched for t in mine), name

    return [(name, [found.get(name) for found in by_side]) for name in sorted(names, key=weight)]


def _is_audit(track: Track) -> bool:
    """Whether it stands for an audit that failed, not for a workload."""
    return track.target.startswith("Audit//")


def _needless(side: Side) -> Needless:
    return {(p.policy, p.target, p.at) for p in side.proposals if p.fate is Fate.RECOVERED}


def _row(
    scale: Scale, target: str, lanes: Sequence[tuple[Track | None, Needless]], top: int
) -> Iterator[str]:
    middle = top + len(lanes) * LANE / 2 + 4
    target = target.replace("Audit//", "audit ")
    shown = target if len(target) <= 46 else f"{target[:22]}…{target[-22:]}"
    flaps = any(track.flapping for track, _ in lanes if track)
    mark = ' <tspan class="dim">flaps</tspan>' if flaps else ""
    name = f"{escape(shown)}{mark}<title>{escape(target)}</title>"
    yield f'<text x="0" y="{middle:.0f}">{name}</text>'
    for lane, (track, needless) in enumerate(lanes):
        y, width = top + lane * LANE, WIDTH - LEFT - RIGHT
        yield f'<rect class="lane" x="{LEFT}" y="{y}" width="{width}" height="{LANE - 2}"/>'
        if track is not None:
            yield from _lane(scale, track, needless, y)


def _lane(scale: Scale, track: Track, needless: Needless, y: int) -> Iterator[str]:
    """Yield the stretches, and the proposals above them."""
    for stretch in sorted(track.stretches, key=lambda s: s.phase is Phase.PROPOSED):
        at = scale.time(stretch.first)
        vain = (track.policy, track.target, at) in needless
        left, right = scale.cycle(stretch.first), scale.cycle(stretch.last + 1)
        proposed = stretch.phase is Phase.PROPOSED
        width = max(right - left, 3.0 if proposed else 1.0)
        top, height = (y - 1, LANE) if proposed else (y + 1, LANE - 4)
        cycles = stretch.last - stretch.first + 1
        told = f"{stretch.phase}{', recovered alone' if vain else ''}, {cycles} cycle(s)"
        yield (
            f'<rect class="{"needless" if vain else stretch.phase}" x="{left:.1f}" y="{top}" '
            f'width="{width:.1f}" height="{height}"><title>{escape(track.target)}: {told} '
            f"from {at:%Y-%m-%d %H:%M}Z</title></rect>"
        )
