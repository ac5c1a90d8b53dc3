"""Runs audits. Trouble with a query never raises: every run ends in one named outcome."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

from remedyd.audits import evidence, grouping, partition
from remedyd.audits.definition import AuditDefinition
from remedyd.audits.freshness import pass_gate
from remedyd.audits.parameters import ALL, bind, checked, window_at
from remedyd.audits.preflight import Rendered, prepare
from remedyd.audits.rows import rows_of
from remedyd.errors import QueryError
from remedyd.model import (
    AuditOutcome,
    AuditResult,
    AuditRow,
    Clock,
    Json,
    QuerySource,
    SetAside,
    Table,
    Target,
    Window,
    monotonic,
)

_CLUSTER_FIELD = "k8s.cluster.name"
_GATE_SECONDS = 10.0
_SHORTEST_SECONDS = 60.0
_FITS_AGAIN = 0.8
_HALVES = 2
_FILLED = 0.7
"""How full a part is meant to be the next time: namespaces grow, and are not alike."""
UNKNOWN_VERSION = (0, 0)
"""What a source answers that can not tell its release: then nothing is refused for it."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What is fixed for one run."""

    definition: AuditDefinition
    window: Window
    params: Mapping[str, Json]
    scope: Target | None
    cluster: str


@dataclass(frozen=True, slots=True)
class _Answer:
    table: Table
    rows: tuple[AuditRow, ...]
    rendered: Rendered
    parts: int = 1


class AuditRunner:
    """Runs audits against one source, for one cluster. Safe to share between threads."""

    def __init__(
        self,
        source: QuerySource,
        clock: Clock,
        cluster: str = "",
        *,
        gate: AuditDefinition | None = None,
    ) -> None:
        """Take the source and the cluster's name ("": not configured).

        `gate` is the audit that tells whether telemetry is fresh (`AuditSet.gate`); without one
        nothing is refused for stale telemetry.
        """
        self._source = source
        self._clock = clock
        self._cluster = cluster
        self._gate = gate
        self._lock = threading.Lock()
        self._split: dict[str, int] = {}
        self._gate_memory: tuple[Window, tuple[AuditRow, ...]] | None = None

    def guard_by(self, gate: AuditDefinition | None) -> None:
        """Use another gate from the next run on."""
        with self._lock:
            self._gate, self._gate_memory = gate, None

    def run(
        self,
        definition: AuditDefinition,
        *,
        params: Mapping[str, Json] | None = None,
        window: Window | None = None,
        scope: Target | None = None,
    ) -> AuditResult:
        """Run one audit over its window now, or over `window`; `scope` narrows it to a workload.

        Raises InvalidInput for parameters that the audit does not have; nothing else.
        """
        span = window or window_at(definition, self._clock.now())
        own = checked(definition, params or {})
        run = _Run(definition, span, own, scope, self._cluster)
        started = monotonic()
        try:
            result = self._trusted(run)
        except QueryError as error:
            result = _refused(run, error)
        return replace(result, took_ms=(monotonic() - started) * 1000)

    def _trusted(self, run: _Run) -> AuditResult:
        definition = run.definition
        gate = self._gate
        if gate is not None and definition.name != gate.name:
            pass_gate(definition, gate, self._gate_rows(gate, run.window), self._cluster)
        answer = self._whole(run)
        column = "" if _unnamed(answer.rendered) else definition.identity.cluster
        evidence.refuse_foreign(answer.rows, column, run.cluster)
        rows = evidence.about(answer.rows, run.scope)
        kept, aside = evidence.weigh(definition, rows, run.window)
        result = AuditResult(
            audit=definition.name,
            outcome=AuditOutcome.OK,
            window=run.window,
            rows=kept,
            unavailable=answer.rendered.unavailable,
            warnings=answer.table.warnings,
            table=answer.table,
            set_aside=aside,
            parts=answer.parts,
        )
        return result if kept else _without_rows(result, aside)

    def _whole(self, run: _Run) -> _Answer:
        """Run the query; one whose rows are cut off is asked again in parts, by namespace.

        An audit that had to be split is split at once the next time, until its rows fit again.
        """
        definition = run.definition
        free = run.scope is None and "namespace" not in run.params
        if not free or not partition.divisible(definition):
            return self._answer(run)
        if definition.name not in self._split:
            try:
                return self._answer(run)
            except QueryError as error:
                if error.outcome is not AuditOutcome.TRUNCATED:
                    raise
        answer = self._gathered(run)
        share = len(answer.table.rows) / definition.limit
        if share < _FITS_AGAIN:
            self._split.pop(definition.name, None)  # a run by hand may have been as far
        else:
            self._split[definition.name] = ceil(share / _FILLED)
        return answer

    def _gathered(self, run: _Run) -> _Answer:
        definition = run.definition
        rendered = prepare(definition, self._source)
        cluster = ALL if _unnamed(rendered) else run.cluster or ALL
        sizes = partition.namespaces(definition, self._source, run.window, cluster)
        several = grouping.groupable(rendered.text)
        parts = partition.groups(sizes, self._split.get(definition.name, _HALVES))

        def ask(group: tuple[str, ...]) -> partition.Part:
            text, more = grouping.grouped(rendered.text, group) if several else (rendered.text, {})
            narrowed = replace(run, params={**run.params, "namespace": group[0]})
            part = self._asked(narrowed, replace(rendered, text=text), more)
            return partition.Part(part.table, part.rows)

        seconds = max(definition.interval.total_seconds(), _SHORTEST_SECONDS)
        chosen = parts if several else [(name,) for name in sizes]
        whole, asked = partition.gather(chosen, ask, seconds=seconds)
        return _Answer(whole.table, whole.rows, rendered, asked)

    def _answer(self, run: _Run) -> _Answer:
        """Prepare and run the query; return its rows as the contract has them."""
        _refuse_old(run.definition, self._source.version())
        return self._asked(run, prepare(run.definition, self._source))

    def _asked(
        self, run: _Run, rendered: Rendered, more: Mapping[str, Json] | None = None
    ) -> _Answer:
        definition = run.definition
        cluster = ALL if _unnamed(rendered) else run.cluster or ALL
        values = bind(definition, run.window, cluster=cluster, scope=run.scope, params=run.params)
        table = self._source.query(rendered.text, values | dict(more or {}))
        return _Answer(table, rows_of(definition, table, run.cluster), rendered)

    def _gate_rows(self, gate: AuditDefinition, window: Window) -> tuple[AuditRow, ...]:
        """Return the gate's rows at the end of `window`, asked at most every few seconds."""
        span = Window(window.end - gate.window, window.end)
        with self._lock:
            memory = self._gate_memory
            if memory is not None:
                age = (span.end - memory[0].end).total_seconds()
                if 0 <= age < _GATE_SECONDS:
                    return memory[1]
            rows = self._answer(_Run(gate, span, {}, None, "")).rows
            self._gate_memory = (span, rows)
            return rows


def _unnamed(rendered: Rendered) -> bool:
    """Whether telemetry carries no cluster name at all: then it can not be narrowed by it."""
    return any(name.endswith(_CLUSTER_FIELD) for name in rendered.unavailable)


def _refuse_old(definition: AuditDefinition, version: tuple[int, int]) -> None:
    if version != UNKNOWN_VERSION and version < definition.elasticsearch:
        need = ".".join(map(str, definition.elasticsearch))
        have = ".".join(map(str, version))
        raise QueryError(
            AuditOutcome.BAD_QUERY,
            f"needs Elasticsearch {need}, this is {have}",
            hint="Use an audit that runs on this release, or upgrade Elasticsearch.",
        )


def _refused(run: _Run, error: QueryError) -> AuditResult:
    place = f"{run.definition.query_path}:{error.line}:{error.column}: " if error.line else ""
    return AuditResult(
        audit=run.definition.name,
        outcome=AuditOutcome(error.outcome),
        window=run.window,
        detail=f"{place}{error.message}",
        hint=error.hint,
    )


def _without_rows(result: AuditResult, aside: tuple[SetAside, ...]) -> AuditResult:
    """Turn an answer without a usable row into Stale or NoData: silence is not health."""
    outcome, detail = AuditOutcome.NO_DATA, "the query gave no row"
    if aside:
        stale = all(one.reason == "Stale" for one in aside)
        outcome = AuditOutcome.STALE if stale else AuditOutcome.NO_DATA
        first = aside[0]
        detail = f"no row has enough fresh readings; {first.row.target}: {first.detail}"
    return replace(
        result,
        outcome=outcome,
        detail=detail,
        hint="Check that telemetry of this workload arrives, and the window of the audit.",
        table=None,
    )
