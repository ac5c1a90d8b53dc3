"""What an approver reads, everywhere the same: what, why, diff, checks, effect, undo, expiry.

One screen, also on the smallest terminal: at most `LINES` lines of `WIDTH` columns. What does not
fit is cut and says so, but never the name of a check that objects. The text quotes telemetry and
live objects, which are not ours to trust: control and direction characters are shown as escapes,
and markdown cannot break out of its place.
"""

import html
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from remedyd.documents import format_duration
from remedyd.model import AuditRow, Cell, FieldChange, Plan, Precheck, PrecheckResult, Proposal
from remedyd.model.hidden import short
from remedyd.model.visible import visible

LINES: Final = 23
"""One less than a terminal of 24, for a line of state below it."""
WIDTH: Final = 76
"""Of 80, to leave room for a frame."""
_LABEL: Final = 9
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]|~#!]|^[-+]|(?<=\d)\.(?=\s))")


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the page: it always gets `least` lines, and more while there is room.

    `short` says the same in fewer lines, for when there is too little.
    """

    label: str
    lines: tuple[str, ...]
    least: int = 1
    verbatim: bool = False
    short: tuple[str, ...] = ()


def plain(proposal: Proposal, *, because: str = "") -> str:
    """Return the summary as plain text; `because` is the policy's or requester's own sentence."""
    head, *rest = _sections(proposal, because)
    lines = [head.lines[0]]
    for section in rest:
        label = section.label.ljust(_LABEL)
        for line in section.lines:
            lines.append(f"{label}{line}".rstrip())
            label = " " * _LABEL
    return "\n".join(lines)


def markdown(proposal: Proposal, *, because: str = "") -> str:
    """Return the same summary as markdown, for chat, case and issue."""
    head, *rest = _sections(proposal, because)
    blocks = [f"**{_escaped(head.lines[0])}**"]
    for section in rest:
        if section.verbatim:
            blocks.append(f"**{section.label}**\n\n{_fenced(section)}")
        else:
            text = "  \n".join(_escaped(line) for line in section.lines)
            blocks.append(f"**{section.label}**  \n{text}")
    return "\n\n".join(blocks)


def _sections(proposal: Proposal, because: str) -> list[_Section]:
    plan = proposal.plan
    diff = _squeezed(_diff(plan))
    head = _Section("", _clean([f"{plan.action} on {plan.target}"])[:1])
    why = _Section("Why", _wrapped(_why(proposal, because)), 4)
    if plan.tells:
        rest = [
            _Section("Now", _wrapped(_diff(plan)), 4),
            _Section("Told", _wrapped([plan.consequence]), 4),
            _Section("Approve", ("nothing: nothing is written", f"proposal {proposal.id}"), 2),
        ]
    else:
        rest = [
            _Section("Diff", diff, 5, verbatim=True, short=_without_context(diff)),
            _Section("Checks", _checks(plan), 1 + _OBJECTIONS),
            _Section("Effect", _wrapped([plan.consequence or "nothing restarts"])),
            *_lasting(plan),
            _Section("Undo", _wrapped([_undo(proposal)])),
            _Section("Expires", _wrapped([_expiry(proposal)])),
            _Section("Approve", _clean(_approve(proposal)), 2),
            _Section("Digest", (proposal.digest,)),
        ]
    return _fitted([head, why, *rest])


_GREEDY: Final = ("Effect", "Downtime", "Lasts", "Diff", "Why", "Undo", "Now", "Told")
"""Who gets the lines that the others leave, the most important first."""


def _fitted(parts: Sequence[_Section]) -> list[_Section]:
    """Give every part its least, and what is left by importance."""
    given = {part.label: min(len(part.lines), part.least) for part in parts}
    wanted = {part.label: len(part.lines) for part in parts}
    left = LINES - sum(given.values())
    for label in (label for label in _GREEDY if label in given):
        more = max(0, min(left, wanted[label] - given[label]))
        given[label] += more
        left -= more
    return [replace(part, lines=_cut(part, given[part.label])) for part in parts]


def _cut(part: _Section, most: int) -> tuple[str, ...]:
    """Return at most so many lines; the last one says how many are left."""
    lines = part.short if part.short and len(part.lines) > most else part.lines
    if len(lines) <= most:
        return lines
    if most == 1:
        return (_clipped(f"{lines[0]} …", WIDTH - _LABEL),)
    return (*lines[: most - 1], f"… {len(lines) - most + 1} more lines: --output yaml")


def _why(proposal: Proposal, because: str) -> list[str]:
    told = because.removeprefix(f"{proposal.plan.action} on {proposal.plan.target}").lstrip(": ")
    row = proposal.row
    if row is None:
        measured, numbers = "no audit row: asked for, not measured", []
    else:
        measured, numbers = _measured(row, proposal.created_at), _numbers(row.values, told)
    return [_rule(proposal), measured, *([told] if told else []), *numbers]


def _rule(proposal: Proposal) -> str:
    if proposal.source == "audit":
        step = f", step {proposal.step}" if proposal.step else ""
        return f"policy {proposal.policy}{step} (mode {proposal.mode})"
    if asker := proposal.requested_by:
        behalf = f", for {asker.on_behalf_of} (as it says)" if asker.on_behalf_of else ""
        return f"requested by {asker.name}{behalf}"
    return "requested"


def _measured(row: AuditRow, now: datetime) -> str:
    samples = "" if row.samples is None else f", {row.samples} samples"
    seen = "" if row.last_seen is None else f", last {_moment(row.last_seen, now)}"
    return f"audit {row.audit}: {row.severity.name.lower()} ({row.severity.value}){samples}{seen}"


def _numbers(values: Mapping[str, Cell], told: str) -> list[str]:
    """Return the columns that no sentence has named yet."""
    known = {"cluster", "namespace", "kind", "name", "container", "severity_score", "samples"}
    known |= {"last_seen", *re.findall(r"(\w+) (?:= |[^ ]+ → )", told)}
    shown = [f"{name}={cell(name, value)}" for name, value in values.items() if name not in known]
    return ["  ".join(shown)] if shown else []


def cell(name: str, value: Cell) -> str:
    """Return a value as people read it; columns named `..._bytes` in Mi."""
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, int | float) and name.endswith("_bytes"):
        return f"{value / 2**20:.5g}Mi"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple):
        return f"[{', '.join(cell(name, item) for item in value)}]"
    return "null" if value is None else str(value)


def _diff(plan: Plan) -> list[str]:
    if plan.diff.strip():
        lines = plan.diff.strip("\n").splitlines()
        titled = lines[0].startswith("--- ") and lines[1:2] and lines[1].startswith("+++ ")
        return lines[2:] if titled else lines  # the page is titled already
    if not plan.changes:
        return ["nothing is written"]
    parts = ((c.path, f"  {short(c.old)} -> {short(c.new)}") for c in plan.changes)
    return [line for part in parts for line in part]


_OBJECTIONS: Final = 4
_ELSEWHERE: Final = ("Downtime", "GitOps")
"""Checks whose answer is part of what the change does: it stands there."""


def _without_context(diff: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines of a unified diff that change something, and where."""
    return tuple(line for line in diff if line[:1] in ("+", "-", "@"))


def _checks(plan: Plan) -> tuple[str, ...]:
    """Return the count and every objection, each in one line or at least by its name."""
    passed = sum(check.result is PrecheckResult.PASS for check in plan.prechecks)
    dry = f"API server, dry run: {plan.dry_run}" if plan.dry_run else ""
    count = f"{passed} of {len(plan.prechecks)} passed" if plan.prechecks else "none needed"
    told = sorted(
        (check for check in plan.prechecks if check.result is not PrecheckResult.PASS),
        key=lambda check: check.result is PrecheckResult.WARN,
    )
    room = _OBJECTIONS if len(told) <= _OBJECTIONS else _OBJECTIONS - 1
    lines = ["; ".join(part for part in (count, dry) if part), *map(_objection, told[:room])]
    if rest := [check.name for check in told[room:]]:
        lines.append(f"and {', '.join(rest)}")
    return tuple(_clipped(" ".join(_safe([line])), WIDTH - _LABEL) for line in lines)


def _objection(check: Precheck) -> str:
    word = check.result.value.upper()
    if check.name in _ELSEWHERE and check.result is PrecheckResult.WARN:
        return f"{word} {check.name}: {check.next_step or 'see below'}"
    step = f" ({check.next_step})" if check.next_step else ""
    return f"{word} {check.name}: {check.evidence}{step}"


def _lasting(plan: Plan) -> Iterable[_Section]:
    """Yield what users may notice, and how long the change lasts, where that is not for good."""
    found = {c.name: c.evidence for c in plan.prechecks if c.result is PrecheckResult.WARN}
    if "Downtime" in found and not plan.consequence.startswith("Downtime"):
        yield _Section("Downtime", _wrapped([found["Downtime"]]))
    if "GitOps" in found:
        who, _, until = found["GitOps"].rpartition(": ")
        yield _Section("Lasts", _wrapped([f"{until}: {who}" if who else until]))


def _undo(proposal: Proposal) -> str:
    plan = proposal.plan
    if plan.patch is None:
        return "nothing to undo"
    if plan.undo is None:
        return "cannot be undone"
    old = ", ".join(_kept(change) for change in plan.changes)
    return f"{'if it does not help' if proposal.verify.rollback else 'by hand only'}: {old}"


def _kept(change: FieldChange) -> str:
    """Name a field with its old value; one that fills pages stands in the diff."""
    if isinstance(change.old, dict | list):
        return f"{_field(change.path)} as it is now"
    return f"{_field(change.path)} {short(change.old)}"


def _field(path: str) -> str:
    """Return what tells a field apart on one page, such as `limits.memory` or `replicas`."""
    _, resources, last = path.rpartition(".resources.")
    return last if resources else path.rpartition(".")[2]


def _expiry(proposal: Proposal) -> str:
    after = format_duration(proposal.expires_at - proposal.created_at)
    return f"{_time(proposal.expires_at)}, {after} after it was made"


def _approve(proposal: Proposal) -> list[str]:
    lines = [f"proposal {proposal.id}"]
    if proposal.approvals_needed == 1 and proposal.approvers is None:
        return lines
    count = proposal.approvals_needed
    many = "one principal" if count == 1 else f"{count} different principals"
    whom = "" if proposal.approvers is None else f": {', '.join(proposal.approvers) or 'nobody'}"
    return [*lines, f"needs {many}{whom}"]


def _time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _wrapped(texts: Iterable[str]) -> tuple[str, ...]:
    """Return safe lines, broken to the width."""
    width = WIDTH - _LABEL
    return tuple(part for line in _safe(texts) for part in textwrap.wrap(line, width) or [""])


def _clean(texts: Iterable[str]) -> tuple[str, ...]:
    """Return safe lines, each cut at the width."""
    return tuple(_clipped(line, WIDTH - _LABEL) for line in _safe(texts))


def _squeezed(texts: Iterable[str]) -> tuple[str, ...]:
    """Return safe lines, shortened in the middle: a value ends with what tells it apart."""
    width = WIDTH - _LABEL
    ends = width // 2
    return tuple(
        line if len(line) <= width else f"{line[: width - ends - 1]}…{line[-ends:]}"
        for line in _safe(texts)
    )


def _moment(value: datetime, now: datetime) -> str:
    """Return a time of the same day without its date."""
    told = _time(value)
    return told.partition(" ")[2] if told[:10] == _time(now)[:10] else told


def _safe(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        yield from visible(text.expandtabs(4)).split("\n")


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _escaped(text: str) -> str:
    """Take every meaning from the text: markup by backslash, HTML by entity."""
    return html.escape(_MARKDOWN.sub(r"\\\1", text), quote=False)


def _fenced(section: _Section) -> str:
    body = "\n".join(section.lines)
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{body}\n{fence}"
