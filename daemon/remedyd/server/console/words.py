"""How things are said on a page: times, numbers, states and fields, short and alike everywhere."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from remedyd.model import FieldChange, Principal, Proposal, Scope, Severity, State
from remedyd.model.hidden import short
from remedyd.model.visible import visible

_LONG_AGO: Final = timedelta(days=99)
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_TONES: Final = {
    State.PROPOSED: "wait",
    State.APPROVED: "busy",
    State.APPLYING: "busy",
    State.APPLIED: "busy",
    State.VERIFYING: "busy",
    State.ROLLING_BACK: "busy",
    State.EFFECTIVE: "good",
    State.INEFFECTIVE: "warn",
    State.HARMFUL: "bad",
    State.INCONCLUSIVE: "warn",
    State.ROLLED_BACK: "warn",
    State.ROLLBACK_FAILED: "bad",
    State.FAILED: "bad",
    State.ESCALATED: "warn",
}
_SEVERITIES: Final = {Severity.HEALTHY: "good", Severity.WARNING: "warn", Severity.CRITICAL: "bad"}
_RESTARTED: Final = "restartedAt]"
_PREFIXES: Final = ("spec.template.spec.", "spec.template.", "spec.")


def safe(value: object) -> object:
    """Show control and direction characters of a text as escapes; leave anything else alone.

    Names and labels come from telemetry and from the cluster: none may rearrange the page.
    """
    return visible(value) if type(value) is str else value


def span(length: timedelta) -> str:
    """Say a length of time in one unit, two for hours: `45 s`, `12 min`, `3 h 20 min`, `4 d`."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 12:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"


def ago(at: datetime, now: datetime) -> str:
    """Say how long ago it was."""
    return "now" if now - at < timedelta(seconds=5) else f"{span(now - at)} ago"


def until(at: datetime, now: datetime) -> str:
    """Say how long it takes until then."""
    return f"in {span(at - now)}" if at > now else "over"


def stamp(at: datetime) -> str:
    """Give the time whole, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def clock(at: datetime) -> str:
    """Give the time of day, in UTC."""
    return at.astimezone(UTC).strftime("%H:%M:%S")


def minute(at: datetime) -> str:
    """Give the time of day without seconds, in UTC."""
    return at.astimezone(UTC).strftime("%H:%M")


def cell(value: Any, name: str = "") -> str:
    """Say a value of an audit's row; the column's name tells its unit."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(cell(item, name) for item in value)
    if isinstance(value, int | float):
        return number(float(value), name)
    return str(value)


def number(value: float, name: str = "") -> str:
    """Say a number in the unit that its column's name ends with."""
    if name.endswith("_bytes"):
        return _bytes(value)
    text = f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"
    if "_pct" in name or name.endswith("percent"):
        return f"{text} %"
    return f"{text} s" if name.endswith("_seconds") else text


def _bytes(value: float) -> str:
    for unit in _UNITS:
        if abs(value) < 1024 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:.0f} {unit}" if value >= 100 or value == int(value) else f"{value:.1f} {unit}"


def label(column: str) -> str:
    """Give a column's name as words; its unit goes with the numbers."""
    for suffix in ("_bytes", "_seconds"):
        column = column.removesuffix(suffix)
    return column.replace("_pct", " %").replace("_", " ")


def field(path: str) -> str:
    """Shorten a field's path to the part that tells it from others."""
    for prefix in _PREFIXES:
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    return path


def value(given: Any) -> str:
    """Say a field's value."""
    if isinstance(given, dict | list):
        return short(given)
    return "absent" if given is None else str(given)


def change(changes: tuple[FieldChange, ...]) -> str:
    """Say a plan's first changes in a few words: `memory limit 128Mi → 192Mi`."""
    told: list[str] = []
    for each in changes:
        old, new, name = value(each.old), value(each.new), named(each.path)
        if told and " " in name and told[-1].startswith(f"{name.split(' ')[0]} "):
            name = name.split(" ", 1)[1]
        if each.path.endswith(_RESTARTED):
            told.append("new pods")
        elif len(old) + len(new) < 40:
            told.append(f"{name} {old} → {new}")
        else:
            told.append(f"{name} changed")
    told = list(dict.fromkeys(told))
    if len(told) > 2:
        told = [*told[:2], f"{len(told) - 2} more"]
    return ", ".join(told) or "writes nothing"


def named(path: str) -> str:
    """Give a field's last name: `memory limit`, `replicas`, the key of an annotation."""
    if path.endswith("]"):
        return path[path.rindex("[") + 1 : -1]
    *before, last = path.split(".")
    kind = before[-1] if before else ""
    return f"{last} {kind[:-1]}" if kind in ("limits", "requests") else last


def because(proposal: Proposal) -> str:
    """Give its last word without the action and target that stand beside it anyway."""
    return own(proposal.reason, proposal)


def own(words: str, proposal: Proposal) -> str:
    """Take the action and target away from the head of a sentence about the proposal."""
    return words.removeprefix(f"{proposal.plan.action} on {proposal.plan.target}: ")


def tone(state: State) -> str:
    """Name the colour of a state; the word is always there beside it."""
    return _TONES.get(state, "calm")


def severity_tone(severity: Severity) -> str:
    """Name the colour of a severity."""
    return _SEVERITIES[severity]


def may_approve(principal: Principal, proposal: Proposal) -> bool:
    """Whether it waits for this principal; the gate has the last word when it comes to it."""
    named = proposal.approvers is None or principal.name in proposal.approvers
    given = any(each.principal.name == principal.name for each in proposal.approvals)
    there = principal.may(Scope.APPROVER, proposal.plan.target.namespace)
    return proposal.state is State.PROPOSED and named and not given and there
