"""Audits and their results as text for a terminal; wide tables are not wrapped."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from remedyd.audits.definition import AuditDefinition
from remedyd.documents import format_duration
from remedyd.model import AuditResult, Cell, Table


def listing(definitions: Iterable[AuditDefinition]) -> str:
    """Return one line an audit."""
    head = ("NAME", "WINDOW", "SCHEDULE", "ELASTICSEARCH", "DESCRIPTION")
    lines = [
        (
            one.name,
            format_duration(one.window),
            one.cron or format_duration(one.interval),
            ".".join(map(str, one.elasticsearch)),
            _first_sentence(one.description),
        )
        for one in definitions
    ]
    return grid([head, *lines])


def contract(shown: dict[str, Any]) -> str:
    """Return an audit's description for people; `shown` is what JSON output would hold."""
    parts = [
        f"{shown['name']}: {shown['description']}",
        "",
        f"window     {shown['window']}, ending {shown['lag']} before now; {shown['schedule']}",
        f"reads      {', '.join(shown['indices'])}",
        f"needs      Elasticsearch {shown['elasticsearch']}",
    ]
    evidence = [f"at least {shown['minimum_samples']} readings"] if shown["minimum_samples"] else []
    evidence += [f"newest within {shown['freshness']}"] if shown["freshness"] else []
    if evidence:
        parts.append(f"evidence   {', '.join(evidence)}")
    for title, key in (("parameters", "parameters"), ("columns", "columns")):
        if shown[key]:
            parts += ["", f"{title}:", _indented(_declared(shown[key]))]
    missing = shown.get("unavailable", ())
    parts += ["", "fields:", _indented(_fields(shown["fields"], shown.get("mapped"), missing))]
    sent = shown.get("sent")
    parts += ["", "query:" if sent is None else "query as it would be sent:"]
    parts.append(_indented((sent or shown)["query"].rstrip()))
    if sent is not None:
        values = [(name, repr(value)) for name, value in sent["params"].items()]
        parts += ["", "with:", _indented(grid(values))]
    return "\n".join(parts)


def result(found: AuditResult) -> str:
    """Return a result: its own table as the query orders it, then what there is to know."""
    window = f"{_time(found.window.start)} .. {_time(found.window.end)}"
    told = f"{len(found.rows)} rows" + (f" in {found.parts} queries" if found.parts > 1 else "")
    parts = [f"{found.audit}: {found.outcome} ({window}, {told})"]
    if found.detail:
        parts.append(f"  {found.detail}")
    if found.hint:
        parts.append(f"  hint: {found.hint}")
    if found.table is not None:
        parts += ["", table(found.table)]
    notes = [f"set aside: {a.row.target} {a.reason}: {a.detail}" for a in found.set_aside]
    notes += [f"not mapped, read as null: {name}" for name in found.unavailable]
    notes += [f"warning: {text}" for text in found.warnings]
    return "\n".join([*parts, *([""] if notes else []), *notes])


def table(found: Table) -> str:
    """Return a table with its columns in the order of the query; null is a dash."""
    head = tuple(column.name for column in found.columns)
    lines = [tuple(_cell(cell) for cell in row) for row in found.rows]
    numeric = [
        column.type in ("long", "integer", "double", "unsigned_long") for column in found.columns
    ]
    return grid([head, *lines], numeric)


def grid(lines: Sequence[Sequence[str]], right: Sequence[bool] = ()) -> str:
    """Return lines with their cells aligned in columns, two spaces apart."""
    if not lines:
        return ""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    sides = [*right, *[False] * (len(widths) - len(right))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if side else cell.ljust(width)
            for cell, width, side in zip(line, widths, sides, strict=True)
        ).rstrip()
        for line in lines
    )


def _declared(items: Sequence[dict[str, Any]]) -> str:
    lines = []
    for item in items:
        extra = "null possible" if item.get("nullable") else ""
        if "default" in item:
            extra = f"default {item['default']}"
        lines.append((item["name"], item["type"], extra, item["description"]))
    return grid(lines)


def _fields(
    items: Sequence[dict[str, Any]], mapped: dict[str, str] | None, missing: Sequence[str]
) -> str:
    lines = []
    for item in items:
        state = "optional" if item["optional"] else ""
        if mapped is not None:
            state = f"mapped as {mapped[item['name']]}" if item["name"] in mapped else "not mapped"
        if item["name"] in missing:
            state += ", read as null"
        lines.append((item["name"], item["type"], state))
    return grid(lines)


def _cell(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, datetime):
        return _time(cell)
    if isinstance(cell, tuple):
        return ", ".join(_cell(one) for one in cell)
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _first_sentence(text: str) -> str:
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
