"""A backtest's figures in the terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator

from rich.table import Table

from remedyd.cli import tables
from remedyd.documents import format_duration
from remedyd.model import Decision, DecisionKind
from remedyd.policy.reasons import Reason
from remedyd.testing.backtest.figures import Fate, Report, Side

LISTED = 100
"""Proposals listed for each set of policies; the page and the JSON have all."""

_QUIET = frozenset({Reason.SEVERITY, Reason.DISABLED})


class Rest:
    """What was held, skipped or in error, by policy and target; healthy rows are left out."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._counts: dict[tuple[str, str], Counter[str]] = {}
        self._last: dict[tuple[str, str], str] = {}

    def add(self, decisions: Iterable[Decision]) -> None:
        """Take the decisions of one cycle."""
        for decision in decisions:
            if decision.kind is DecisionKind.PROPOSE or decision.reason in _QUIET:
                continue
            key = (decision.policy, str(decision.target))
            self._counts.setdefault(key, Counter())[f"{decision.kind} {decision.reason}"] += 1
            self._last[key] = decision.detail

    def table(self, title: str) -> Table:
        """Return a line for each policy and target."""
        made = tables.table("POLICY", "TARGET", "DECISIONS", "LAST REASON", title=title)
        for key, counts in sorted(self._counts.items()):
            told = ", ".join(f"{n}x {what}" for what, n in counts.most_common(3))
            made.add_row(*key, told, self._last[key])
        return made


def show(report: Report, rest: Rest) -> None:
    """Print the figures of a backtest."""
    console = tables.console()
    first, last = report.times[0], report.times[-1]
    cycles = "1 cycle" if len(report.times) == 1 else f"{len(report.times)} cycles"
    console.print(
        f"{cycles} from {first:%Y-%m-%d %H:%M:%SZ} to {last:%Y-%m-%d %H:%M:%SZ}, "
        f"one every {format_duration(report.interval)}"
    )
    for notice in report.notices:
        console.print(f"note: {notice}")
    if len(report.sides) > 1:
        for made in _compared(report):
            console.print(made)
    for side in report.sides:
        console.print(_figures(side, report))
        console.print(_proposals(side) if side.proposals else "\nNothing would have been proposed.")
    of = f", under {report.sides[0].name}" if len(report.sides) > 1 else ""
    console.print(rest.table(f"\nWhy not the rest{of}"))


def _compared(report: Report) -> Iterator[Table]:
    """Yield the figures of both sets side by side, and the targets about which they differ."""
    one, other = report.sides
    made = tables.table(
        *("POLICY", "PROPOSALS", "TARGETS", "FALSE RATE", "FLAPPING", "HELD"),
        title=f"\nA: {one.name}, B: {other.name}; A | B",
    )
    for policy in (*report.policies, ""):
        pairs = zip(_cells(one, policy), _cells(other, policy), strict=True)
        made.add_row(policy or "all", *(f"{a} | {b}" for a, b in pairs))
    yield made
    rows = sorted(_differing(one, other))
    if rows:
        made = tables.table("POLICY", "TARGET", "PROPOSALS A | B", title="\nProposed differently")
        for policy, target, a, b in rows[:LISTED]:
            made.add_row(policy, target, f"{a} | {b}")
        yield made


def _cells(side: Side, policy: str) -> list[str]:
    """Return a set's figures of a policy, or of all; dashes where it does not have the policy."""
    if policy and policy not in side.policies:
        return ["-"] * 5
    counts = (sum(side.fates(policy).values()), side.targets(policy))
    rest = (side.flapping(policy), side.holds(policy))
    return [*map(str, counts), _share(side.false_rate(policy)), *map(str, rest)]


def _differing(one: Side, other: Side) -> Iterator[tuple[str, str, int, int]]:
    counts = [Counter((p.policy, p.target) for p in side.proposals) for side in (one, other)]
    for key in counts[0].keys() | counts[1].keys():
        if counts[0][key] != counts[1][key]:
            yield *key, counts[0][key], counts[1][key]


def _share(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.0%}"


def _figures(side: Side, report: Report) -> Table:
    after = format_duration(report.approval_after)
    made = tables.table(
        *("POLICY", "PROPOSALS", "TARGETS", f"RECOVERED ALONE IN {after}", "FALSE RATE"),
        *("FLAPPING", "HELD"),
        title=f"\nUnder {side.name}",
    )
    for policy in side.policies:
        counts, rate = side.fates(policy), side.false_rate(policy)
        held = Counter(dict(side.held.get(policy, {}))).most_common()
        made.add_row(
            policy,
            str(sum(counts.values())),
            str(side.targets(policy)),
            str(counts[Fate.RECOVERED]),
            _share(rate),
            str(side.flapping(policy)),
            ", ".join(f"{n}x {reason}" for reason, n in held) or "-",
        )
    return made


def _proposals(side: Side) -> Table:
    hidden = len(side.proposals) - LISTED
    more = f" (the first {LISTED} of {len(side.proposals)})" if hidden > 0 else ""
    made = tables.table(
        *("TIME", "POLICY", "TARGET", "ACTION", "AT APPROVAL", "WHY"),
        title=f"\nWould be proposed{more}",
    )
    for one in side.proposals[:LISTED]:
        made.add_row(
            f"{one.at:%m-%d %H:%M:%S}", one.policy, one.target, one.action, one.fate, one.detail
        )
    return made
