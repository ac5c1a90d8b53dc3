"""What an approver reads, everywhere the same: what, why, diff, checks, effect, undo, expiry.

One screen: at most `LINES` lines of `WIDTH` columns, long parts are cut and say so. The text
quotes telemetry and live objects, which are not ours to trust: control and direction characters
are shown as escapes, and markdown cannot break out of its place.
"""

import html
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from remedyd.model import AuditRow, Cell, Json, Plan, PrecheckResult, Proposal

LINES: Final = 40
WIDTH: Final = 100
_LABEL: Final = 9
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]|~#!]|^[-+]|(?<=\d)\.(?=\s))")


@dataclass(frozen=True, slots=True)
class _Section:
    label: str
    lines: tuple[str, ...]
    verbatim: bool = False


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


def _sections(proposal: Proposal, because: str) -> Iterable[_Section]:
    plan = proposal.plan
    yield _Section("", _cut([f"{plan.action} on {plan.target}"], 1))
    yield _Section("Why", _cut([_rule(proposal, because), *_evidence(proposal.row)], 7))
    yield _Section("Diff", _cut(_diff(plan), 12, wrap=False), verbatim=True)
    yield _Section("Checks", _cut(_checks(plan), 8))
    yield _Section("Effect", _cut([plan.consequence or "nothing restarts"], 3))
    yield _Section("Undo", _cut([_undo(proposal)], 3))
    yield _Section("Expires", _cut([_expiry(proposal)], 1))
    yield _Section("Approve", _cut(_approve(proposal), 3))


def _rule(proposal: Proposal, because: str) -> str:
    if proposal.source == "audit":
        step = f", step {proposal.step}" if proposal.step else ""
        who = f"policy {proposal.policy}{step} (mode {proposal.mode})"
    elif asker := proposal.requested_by:
        behalf = f", for {asker.on_behalf_of} (as it says)" if asker.on_behalf_of else ""
        who = f"requested by {asker.name}{behalf}"
    else:
        who = "requested"
    return f"{who}: {because}" if because else who


def _evidence(row: AuditRow | None) -> list[str]:
    if row is None:
        return ["no audit row: asked for, not measured"]
    samples = "" if row.samples is None else f", {row.samples} samples"
    seen = "" if row.last_seen is None else f", last seen {_time(row.last_seen)}"
    grade = f"{row.severity.name.lower()} ({row.severity.value})"
    return [f"audit {row.audit}: severity {grade}{samples}{seen}", _numbers(row.values)]


def _numbers(values: Mapping[str, Cell]) -> str:
    told = ("cluster", "namespace", "kind", "name", "container", "severity_score", "samples")
    shown = [
        f"{name}={_cell(value)}"
        for name, value in values.items()
        if name not in told and name != "last_seen"
    ]
    return "  ".join(shown) or "no further columns"


def _cell(value: Cell) -> str:
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple):
        return f"[{', '.join(_cell(item) for item in value)}]"
    return "null" if value is None else str(value)


def _diff(plan: Plan) -> list[str]:
    if plan.diff.strip():
        return plan.diff.strip("\n").splitlines()
    if not plan.changes:
        return ["nothing is written"]
    return [f"{c.path}: {_json(c.old)} -> {_json(c.new)}" for c in plan.changes]


def _checks(plan: Plan) -> list[str]:
    passed = sum(check.result is PrecheckResult.PASS for check in plan.prechecks)
    lines = [f"{passed} of {len(plan.prechecks)} passed"] if plan.prechecks else ["none needed"]
    for check in sorted(plan.prechecks, key=lambda check: check.result is PrecheckResult.WARN):
        if check.result is not PrecheckResult.PASS:
            step = f" ({check.next_step})" if check.next_step else ""
            lines.append(f"{check.result.value.upper()} {check.name}: {check.evidence}{step}")
    if plan.dry_run:
        lines.insert(1, f"API server, dry run: {plan.dry_run}")
    return lines


def _undo(proposal: Proposal) -> str:
    plan = proposal.plan
    if plan.patch is None:
        return "nothing to undo"
    if plan.undo is None:
        return "cannot be undone"
    old = ", ".join(f"{c.path.rsplit('.', 1)[-1]} {_json(c.old)}" for c in plan.changes)
    when = "by itself if it does not help" if proposal.verify.rollback else "by hand only"
    return f"back to {old}, {when}"


def _expiry(proposal: Proposal) -> str:
    minutes = (proposal.expires_at - proposal.created_at).total_seconds() / 60
    return f"{_time(proposal.expires_at)}, {minutes:.0f} minutes after it was made"


def _approve(proposal: Proposal) -> list[str]:
    lines = [f"proposal {proposal.id}", f"digest   {proposal.digest}"]
    if proposal.approvals_needed == 1 and proposal.approvers is None:
        return lines
    count = proposal.approvals_needed
    many = "one principal" if count == 1 else f"{count} different principals"
    whom = "" if proposal.approvers is None else f": {', '.join(proposal.approvers) or 'nobody'}"
    return [*lines, _clipped(f"needs    {many}{whom}", WIDTH - _LABEL)]


def _json(value: Json) -> str:
    return "absent" if value is None else str(value)


def _time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _cut(texts: Iterable[str], most: int, *, wrap: bool = True) -> tuple[str, ...]:
    """Return clean lines that fit the width, at most `most`; the last one says what is left."""
    width = WIDTH - _LABEL
    lines: list[str] = []
    for text in texts:
        safe = _UNSAFE.sub(_visible, text.expandtabs(4))
        for line in safe.split("\n"):
            parts = textwrap.wrap(line, width) if wrap else [_clipped(line, width)]
            lines += parts or [""]
    if len(lines) > most:
        rest = len(lines) - most + 1
        lines = [*lines[: most - 1], f"… {rest} more lines"] if most > 1 else lines[:1]
    return tuple(lines)


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _escaped(text: str) -> str:
    """Take every meaning from the text: markup by backslash, HTML by entity."""
    return html.escape(_MARKDOWN.sub(r"\\\1", text), quote=False)


def _fenced(section: _Section) -> str:
    body = "\n".join(section.lines)
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{body}\n{fence}"
