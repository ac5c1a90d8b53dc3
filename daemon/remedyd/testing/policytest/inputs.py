"""Where the rows of a case come from: written down, computed from series, or recorded."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from remedyd.audits.definition import AuditDefinition
from remedyd.documents import did_you_mean, format_duration
from remedyd.documents.nodes import Location
from remedyd.errors import Problem
from remedyd.model import AuditOutcome, Cell
from remedyd.testing.policytest.context import Context, Timeline
from remedyd.testing.policytest.objects import beside
from remedyd.testing.policytest.responses import response
from remedyd.testing.policytest.rows import SAME, RowReader
from remedyd.testing.policytest.schema import RowSpec, StorySpec, TelemetrySpec
from remedyd.testing.policytest.series import Misprint, Sample, samples
from remedyd.testing.policytest.suite import Reading, Telemetry
from remedyd.testing.policytest.telemetry import Series, stream_of, unit_of

_Cycle = tuple[datetime, str]


def readings(
    context: Context, spec: StorySpec, loc: Location, timeline: Timeline
) -> Mapping[datetime, tuple[Reading, ...]]:
    """Return what the audits return in each cycle that the case has rows for."""
    rows: dict[_Cycle, list[dict[str, Cell]]] = {}
    ended: dict[_Cycle, Reading] = {}
    readers: dict[str, RowReader] = {}
    for index, item in enumerate(spec.rows or ()):
        place = (*loc, index)
        audit = _audit(context, item, place)
        lines, outcome = _lines(context, spec.rows or (), index, place)
        if audit is None or (lines is None and outcome is None):
            continue
        reader = readers.setdefault(audit.name, _reader(context, audit))
        for at in timeline.between(item.at, item.until):
            if lines is None:
                ended[at, audit.name] = Reading(audit.name, outcome=outcome)
                continue
            told = (*place, "row" if item.row is not None else "response")
            read = [reader.read(line, told, at) for line in lines]
            rows.setdefault((at, audit.name), []).extend(read)
    for key in sorted(set(rows) & set(ended)):
        offset = format_duration(key[0] - timeline.now)
        context.complain(loc, f"the audit {key[1]} has rows and an outcome at {offset}")
    found: dict[datetime, list[Reading]] = {}
    for (at, name), lines in rows.items():
        lines += _others(readers[name], lines, spec.others, at)
        found.setdefault(at, []).append(Reading(name, tuple(lines)))
    for (at, _), reading in ended.items():
        found.setdefault(at, []).append(reading)
    return {at: tuple(items) for at, items in found.items()}


def _lines(
    context: Context, rows: tuple[RowSpec, ...], index: int, place: Location
) -> tuple[list[dict[str, Any]] | None, AuditOutcome | None]:
    """Return the rows that an item stands for, or how the audit ends; neither when it is wrong."""
    item = rows[index]
    if item.response is not None:
        return response(context, item.response, (*place, "response"))
    if item.row is None:
        return None, item.outcome
    written = _written(context, rows, index, place)
    return (None if written is None else [written]), None


def _reader(context: Context, audit: AuditDefinition) -> RowReader:
    policies = context.policies.for_audit(audit.name)
    cluster = context.file.cluster
    return RowReader(context.document, audit, policies, cluster, context.problems)


def _audit(context: Context, item: RowSpec, place: Location) -> AuditDefinition | None:
    used = sorted({policy.audit for policy in context.policies.values()})
    if context.substituted:
        used = sorted(context.audits)  # a policy may be missing that the file was written for
    if item.audit is None:
        if len(used) == 1:
            return context.audits[used[0]]
        context.complain(place, f"name the audit: one of {', '.join(used)}")
    elif item.audit in used:
        return context.audits[item.audit]
    else:
        near = did_you_mean(item.audit, used) or f"; the policies read {', '.join(used)}"
        context.complain((*place, "audit"), f'no policy reads the audit "{item.audit}"{near}')
    return None


def _written(
    context: Context, rows: tuple[RowSpec, ...], index: int, place: Location
) -> dict[str, object] | None:
    """Return the row as written, with `$same` replaced by the row that it points to."""
    row = rows[index].row
    if row is None or SAME not in row:
        return row
    same = row[SAME]
    if not isinstance(same, int) or isinstance(same, bool) or not 0 <= same < index:
        context.complain((*place, "row", SAME), f"{SAME} is the number of an earlier row, from 0")
        return None
    if rows[same].row is None:
        text = f"item {same} of rows has no row that could be taken over"
        context.complain((*place, "row", SAME), text)
        return None
    before = _written(context, rows, same, place)
    own = {name: value for name, value in row.items() if name != SAME}
    return None if before is None else {**before, **own}


def _others(
    reader: RowReader, rows: list[dict[str, Cell]], count: int, at: datetime
) -> list[dict[str, Cell]]:
    """Return `count` healthy rows for each namespace that has a row."""
    namespace = reader.definition.identity.namespace
    if not namespace:
        return []
    by_namespace = {row[namespace]: row for row in rows}
    return [
        reader.other(row, f"other-{number}", at)
        for row in by_namespace.values()
        for number in range(1, count + 1)
    ]


def recording(context: Context, spec: StorySpec, loc: Location) -> Path | None:
    """Return the directory of a case that runs over recorded telemetry."""
    if spec.recording is None:
        return None
    path = beside(context.document, spec.recording)
    if not path.is_dir():
        context.complain(loc, f"there is no directory {path}")
    return path


def telemetry(
    context: Context, spec: TelemetrySpec | None, loc: Location, timeline: Timeline
) -> Telemetry | None:
    """Return the series of a case that runs over written telemetry."""
    if spec is None:
        return None
    used = [context.audits[name] for name in context.policies.audits]
    longest = max((audit.window + audit.lag for audit in used), default=timedelta(0))
    before = -(-longest // spec.step) * spec.step if spec.before is None else spec.before
    series = tuple(
        _series(context, spec, index, (*loc, "series", index)) for index in range(len(spec.series))
    )
    return Telemetry(series, timeline.now - before, spec.step)


def _series(context: Context, spec: TelemetrySpec, index: int, place: Location) -> Series:
    one = spec.series[index]
    values: tuple[Sample, ...] = ()
    try:
        values = samples(one.values)
    except Misprint as error:
        at = context.document.position_in((*place, "values"), error.offset)
        context.problems.append(Problem(error.message, context.document.path, *at))
    stream = one.stream or stream_of(one.metric)
    if not stream:
        text = f'the data stream of "{one.metric}" is not known: give it as stream'
        context.complain((*place, "metric"), text)
    cluster = {"k8s.cluster.name": context.file.cluster} if context.file.cluster else {}
    return Series(
        stream=stream,
        unit=unit_of(one.metric) if one.unit is None else one.unit,
        metric=one.metric,
        resource={**cluster, **spec.resource, **one.resource},
        attributes=one.attributes,
        samples=values,
    )
