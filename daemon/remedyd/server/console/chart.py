"""Small curves of a signal as SVG geometry. Pure: the template draws, the style sheet colours.

The picture is stretched to the width there is, so it holds lines only: what has to be read (the
scale, the values before and after) stands beside it as text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from remedyd.audits.definition import AuditDefinition
from remedyd.model import Proposal
from remedyd.server.console import words
from remedyd.server.console.standing import evidence_columns
from remedyd.stages.signals import Moment

WIDTH: Final = 600
HEIGHT: Final = 90
CHARTS: Final = 3
_MARGIN: Final = 6.0
_NUMERIC: Final = frozenset({"double", "float", "integer", "long", "unsigned_long", "short"})


@dataclass(frozen=True, slots=True)
class Line:
    """One column: its curve as pieces of `x,y` points (a gap begins a new piece), and its ends."""

    column: str
    pieces: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    before: str
    after: str
    numbers: tuple[tuple[datetime, str], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment of the proposal's life, at `x`."""

    x: float
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines of one unit on one scale."""

    title: str
    lines: tuple[Line, ...]
    top: str
    bottom: str
    marks: tuple[Mark, ...]
    start: datetime
    end: datetime

    @property
    def spoken(self) -> str:
        """Say what the picture shows, for who does not see it."""
        told = [(words.label(line.column), line.before, line.after) for line in self.lines]
        return "; ".join(f"{name} {before} before, {after} last" for name, before, after in told)


def charts(
    proposal: Proposal,
    definition: AuditDefinition,
    moments: Sequence[Moment],
    weighty: Sequence[str] = (),
) -> list[Chart]:
    """Return a chart for each unit among the most telling columns; `weighty` ones come first."""
    columns = _columns(definition, moments, weighty, proposal)
    groups: dict[str, list[str]] = {}
    for name in columns:
        groups.setdefault(_unit(name), []).append(name)
    return [_chart(proposal, names[:2], moments) for names in list(groups.values())[:CHARTS]]


def _columns(
    definition: AuditDefinition,
    moments: Sequence[Moment],
    weighty: Sequence[str],
    proposal: Proposal,
) -> list[str]:
    """Rank the numeric columns: those the policy looks at, those that changed, then as declared."""
    types = {column.name: column.type for column in definition.columns}
    names = [
        name
        for name in evidence_columns(definition)
        if types[name] in _NUMERIC and not name.endswith("samples")
    ]
    seen = {name: {v for v in _series(name, moments) if v is not None} for name in names}
    shown = [name for name in names if seen[name] - {0.0}]
    return sorted(shown, key=lambda n: (n not in weighty, len(seen[n]) < 2, names.index(n)))


def _unit(name: str) -> str:
    for suffix in ("_bytes", "_seconds"):
        if name.endswith(suffix):
            return suffix
    return "%" if "_pct" in name else name


def _series(name: str, moments: Sequence[Moment]) -> list[float | None]:
    return [_number((moment.values or {}).get(name)) for moment in moments]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _chart(proposal: Proposal, names: Sequence[str], moments: Sequence[Moment]) -> Chart:
    start, end = moments[0].at, moments[-1].at
    series = {name: _series(name, moments) for name in names}
    values = [v for each in series.values() for v in each if v is not None]
    low, high = min(0.0, *values), max(*values, 0.0) or 1.0
    created = proposal.created_at
    lines = tuple(
        _line(name, each, [m.at for m in moments], (low, high), created)
        for name, each in series.items()
    )
    top, bottom = words.number(high, names[0]), words.number(low, names[0])
    title = " and ".join(words.label(name) for name in names)
    return Chart(title, lines, top, bottom, _marks(proposal, start, end), start, end)


def _line(
    name: str,
    values: Sequence[float | None],
    times: Sequence[datetime],
    scale: tuple[float, float],
    created: datetime,
) -> Line:
    low, high = scale
    pieces: list[list[tuple[float, float]]] = [[]]
    for at, value in zip(times, values, strict=True):
        if value is None:
            pieces.append([])
            continue
        share = (value - low) / (high - low)
        y = HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN)
        pieces[-1].append((round(_x(at, times[0], times[-1]), 1), round(y, 1)))
    known = [(at, v) for at, v in zip(times, values, strict=True) if v is not None]
    before = next((v for at, v in reversed(known) if at <= created), known[0][1] if known else None)
    return Line(
        column=name,
        pieces=tuple(" ".join(f"{x},{y}" for x, y in piece) for piece in pieces if len(piece) > 1),
        dots=tuple(piece[0] for piece in pieces if len(piece) == 1),
        before=words.cell(before, name),
        after=words.cell(known[-1][1] if known else None, name),
        numbers=tuple((at, words.number(v, name)) for at, v in known),
    )


def _marks(proposal: Proposal, start: datetime, end: datetime) -> tuple[Mark, ...]:
    moments: Mapping[str, datetime | None] = {
        "proposed": proposal.created_at,
        "applied": proposal.applied.at if proposal.applied else None,
        "verdict": proposal.verdict.at if proposal.verdict else None,
        "undone": proposal.rollback.at if proposal.rollback else None,
    }
    return tuple(
        Mark(round(_x(at, start, end), 1), name, at)
        for name, at in moments.items()
        if at is not None and start <= at <= end
    )


def _x(at: datetime, start: datetime, end: datetime) -> float:
    whole = (end - start).total_seconds() or 1.0
    return (at - start).total_seconds() / whole * WIDTH
