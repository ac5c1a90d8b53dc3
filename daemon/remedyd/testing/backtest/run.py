"""A backtest: every cycle of a recording under one or more sets of policies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from remedyd.audits.definition import AuditDefinition, AuditSet
from remedyd.audits.preflight import prepare
from remedyd.audits.rows import target_of
from remedyd.audits.runner import AuditRunner
from remedyd.errors import QueryError
from remedyd.model import AuditResult, ManualClock, Target
from remedyd.offline.recording import RecordingSource
from remedyd.offline.sliding import Sieve
from remedyd.offline.sliding.sieve import Subject
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.policy import PolicySet
from remedyd.testing.backtest.foresight import Foresight, SiftedTable
from remedyd.testing.backtest.sieves import sieve_of
from remedyd.testing.replay import Cycle, Judge, judge


class Backtest:
    """One recording, its audits, and the times at which they are run.

    `clock` is the one that the recording reads; it is moved. `sets` are judged side by side, each
    with a memory of its own. Decisions to skip a row for its severity are left out with the row.
    """

    def __init__(
        self,
        source: RecordingSource,
        clock: ManualClock,
        audits: AuditSet,
        sets: Sequence[PolicySet],
        times: Sequence[datetime],
        *,
        cluster: str = "",
        guardrails: Guardrails | None = None,
    ) -> None:
        """Take the parts; nothing is run before `cycles` is."""
        self._audits = audits
        self._sets = sets
        self._names = sorted({name for policies in sets for name in policies.audits})
        self._clock = clock
        self._times = times
        self._cluster = cluster
        self._guardrails = guardrails
        self._foresight = Foresight(source, clock, times, self._sieves(source))
        self._runner = AuditRunner(self._foresight, clock, cluster, gate=audits.gate)
        self._targets: dict[tuple[str, frozenset[Subject]], frozenset[Target]] = {}

    @property
    def count(self) -> int:
        """The number of cycles."""
        return len(self._times)

    @property
    def notices(self) -> Sequence[str]:
        """What the reader of the result should know about how it came about."""
        return self._foresight.notices

    def cycles(self) -> Iterator[Cycle]:
        """Yield what was decided at each time."""
        judges = [Judge(policies, self._guardrails) for policies in self._sets]
        definitions = [self._audits[name] for name in self._names]
        yield from judge(self._run, self._clock, definitions, judges, self._times)

    def _run(self, definition: AuditDefinition) -> AuditResult:
        result = self._runner.run(definition)
        if not isinstance(result.table, SiftedTable):
            return result
        shown = {row.target for row in result.rows}
        shown.update(aside.row.target for aside in result.set_aside)
        others = self._of(definition, result.table.subjects) - shown
        return replace(result, others=others)

    def _of(self, definition: AuditDefinition, subjects: frozenset[Subject]) -> frozenset[Target]:
        key = (definition.name, subjects)
        if key not in self._targets:
            columns = definition.identity.columns
            self._targets[key] = frozenset(
                target_of(definition, dict(zip(columns, subject, strict=True)), self._cluster)
                for subject in subjects
            )
        return self._targets[key]

    def _sieves(self, source: RecordingSource) -> Mapping[str, Sieve]:
        sieves = {}
        for name in self._names:
            try:
                text = prepare(self._audits[name], source).text
            except QueryError:
                continue  # the run itself reports it, at every cycle
            sieves[text] = sieve_of(self._audits[name], self._sets)
        return sieves
