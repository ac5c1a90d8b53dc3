"""Does Elasticsearch answer, may we read, is the telemetry there, fresh, and of this cluster?"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from remedyd.audits import preflight
from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.doctor.clocks import skew
from remedyd.doctor.finding import Finding, Part
from remedyd.elastic.client import ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.errors import QueryError, RemedydError
from remedyd.model import AuditOutcome, Clock
from remedyd.settings import Settings

_PART: Final = Part("elasticsearch")
_TELEMETRY: Final = Part("telemetry")
_COLLECTORS: Final = "check the OpenTelemetry collectors and what they send"
_WAY: Final = "check that REMEDYD_ELASTICSEARCH__URL leads to Elasticsearch, and the API key"
_RECENT: Final = timedelta(minutes=30)


def elasticsearch(
    settings: Settings, audits: Sequence[AuditDefinition], clock: Clock
) -> Iterator[Finding]:
    """Yield the findings about Elasticsearch and about the telemetry that `audits` read."""
    try:
        source = ElasticSource(Connection.of(settings.elasticsearch))
    except (RemedydError, OSError) as error:
        detail = error.message if isinstance(error, RemedydError) else str(error)
        yield _PART.fail("configured", detail, "correct REMEDYD_ELASTICSEARCH__*")
        return
    try:
        yield _PART.ok("reachable", f"{source.where}, {source.ping()}")
        yield from _clock(source, clock)
        yield from _privileges(source, audits)
        yield from _fields(source, audits)
        yield from _clusters(source, settings.cluster_name, audits, clock)
        yield from _results(source, settings.cluster_name, audits, clock)
    except QueryError as error:
        yield _PART.fail("reachable", error.message, f"{_WAY}. {error.hint}".rstrip(". "))
    finally:
        source.close()


def _clock(source: ElasticSource, clock: Clock) -> Iterator[Finding]:
    rows = source.query("ROW now = NOW()", {}).rows
    if rows and isinstance(rows[0][0], datetime):
        yield skew(_PART, rows[0][0], clock.now())


def _privileges(source: ElasticSource, audits: Sequence[AuditDefinition]) -> Iterator[Finding]:
    patterns = sorted({pattern for audit in audits for pattern in audit.outline.indices})
    held = source.privileges(patterns)
    refused = [pattern for pattern, may in held.items() if not may]
    if refused:
        fix = "give the API key the privilege read on them (docs/running.md)"
        yield _PART.fail("privileges", f"may not read {', '.join(refused)}", fix)
    elif held:
        yield _PART.ok("privileges", f"may read {', '.join(sorted(held))}")
    else:
        yield _PART.warn(
            "privileges",
            "cannot be asked: security is off, or the key may not",
            "nothing, if that is meant",
        )


def _fields(source: ElasticSource, audits: Sequence[AuditDefinition]) -> Iterator[Finding]:
    for audit in audits:
        try:
            rendered = preflight.prepare(audit, source)
        except QueryError as error:
            yield _TELEMETRY.fail(f"fields of {audit.name}", error.message, error.hint)
            continue
        if rendered.unavailable:
            detail = f"not mapped, read as null: {', '.join(rendered.unavailable)}"
            fix = "nothing, if no document has carried them yet; else check the collectors"
            yield _TELEMETRY.warn(f"fields of {audit.name}", detail, fix)
        else:
            yield _TELEMETRY.ok(f"fields of {audit.name}", f"all {len(audit.fields)} are mapped")


def _clusters(
    source: ElasticSource, name: str, audits: Sequence[AuditDefinition], clock: Clock
) -> Iterator[Finding]:
    """Compare the configured name with those that the telemetry carries."""
    indices = ",".join(sorted({pattern for audit in audits for pattern in audit.outline.indices}))
    if not indices or not source.fields(indices, frozenset({"k8s.cluster.name"})):
        return
    since = (clock.now() - _RECENT).isoformat()
    query = (
        f"FROM {indices} | WHERE @timestamp >= TO_DATETIME(?since) "
        "| STATS documents = COUNT(*) BY name = k8s.cluster.name | SORT name | LIMIT 100"
    )
    found = [str(row[1] or "") for row in source.query(query, {"since": since}).rows]
    shown = ", ".join(one or "(no name)" for one in found) or "nothing"
    if not found:
        yield _TELEMETRY.fail("cluster name", "no document of the last half hour", _COLLECTORS)
    elif name and name not in found:
        fix = "set REMEDYD_CLUSTER_NAME to this cluster's k8s.cluster.name, or the collectors'"
        yield _TELEMETRY.fail("cluster name", f"{name} is not among {shown}", fix)
    elif not name and len(found) > 1:
        fix = "set REMEDYD_CLUSTER_NAME to this cluster's k8s.cluster.name"
        yield _TELEMETRY.fail("cluster name", f"not set, and there are several: {shown}", fix)
    else:
        yield _TELEMETRY.ok("cluster name", f"{name or '(not set)'}; in the telemetry: {shown}")


def _results(
    source: ElasticSource, name: str, audits: Sequence[AuditDefinition], clock: Clock
) -> Iterator[Finding]:
    """Run every audit once, the gate first."""
    gate = next((audit for audit in audits if audit.gate), None)
    runner = AuditRunner(source, clock, name, gate=gate)
    for audit in sorted(audits, key=lambda one: not one.gate):
        result = runner.run(audit)
        detail = f"{result.outcome.value}: {len(result.rows)} rows in {result.took_ms:.0f} ms"
        if result.outcome is AuditOutcome.OK:
            yield _TELEMETRY.ok(f"audit {audit.name}", detail)
        else:
            told = f"{result.outcome.value}: {result.detail}"
            yield _TELEMETRY.fail(f"audit {audit.name}", told, result.hint or _COLLECTORS)
