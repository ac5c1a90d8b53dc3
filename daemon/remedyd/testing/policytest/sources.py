"""The three sources of a case, behind the interface through which audits are always run."""

from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import UNKNOWN_VERSION, AuditRunner
from remedyd.errors import QueryError
from remedyd.model import AuditResult, Column, Json, ManualClock, QuerySource, Table
from remedyd.testing.policytest.suite import Case, Reading, Suite, Telemetry
from remedyd.testing.policytest.telemetry import documents

_REMEMBERED_ROWS = 100_000
_START = datetime(1970, 1, 1, tzinfo=UTC)


class GivenRows:
    """Implements QuerySource for one audit: answers with what the test wrote down."""

    def __init__(self, definition: AuditDefinition, reading: Reading) -> None:
        """Take the audit and what it is to return."""
        self._definition = definition
        self._reading = reading

    def query(self, text: str, params: Mapping[str, Json]) -> Table:
        """Return the rows, or raise QueryError with the outcome."""
        if self._reading.outcome is not None:
            raise QueryError(self._reading.outcome, "as the test has it")
        columns = tuple(Column(spec.name, spec.type) for spec in self._definition.columns)
        rows = tuple(tuple(row[column.name] for column in columns) for row in self._reading.rows)
        return Table(columns, rows)

    def fields(self, indices: str, names: frozenset[str]) -> Mapping[str, str]:
        """Return every field that the audit declares as mapped."""
        return {field.name: field.type for field in self._definition.fields}

    def version(self) -> tuple[int, int]:
        """Return that no release is imitated."""
        return UNKNOWN_VERSION


class Sources:
    """Opens what cases run over; a recording is loaded once for all of them."""

    def __init__(self) -> None:
        """Start with nothing opened."""
        self._results: dict[Hashable, AuditResult] = {}
        self._room = _REMEMBERED_ROWS
        self._recordings: dict[Path, tuple[QuerySource, ManualClock]] = {}

    def result(self, key: Hashable, run: Callable[[], AuditResult]) -> AuditResult:
        """Return what was found under the key before; many cases look at one recording."""
        found = self._results.get(key)
        if found is None:
            found = run()
            self._room -= len(found.rows) + 1
            if self._room > 0:
                self._results[key] = found
        return found

    def open(self, case: Case) -> tuple[QuerySource, ManualClock] | None:
        """Return the case's telemetry and the clock that it reads; None where rows are given.

        Raises InvalidInput for a recording that cannot be read.
        """
        if case.telemetry is not None:
            return _rendered(case.telemetry)
        if case.recording is None:
            return None
        if case.recording not in self._recordings:
            from remedyd.offline.recording import RecordingSource

            clock = ManualClock(_START)
            self._recordings[case.recording] = RecordingSource(case.recording, clock), clock
        return self._recordings[case.recording]


def _rendered(telemetry: Telemetry) -> tuple[QuerySource, ManualClock]:
    from remedyd.offline.recording import RecordingSource

    clock = ManualClock(_START)
    source = RecordingSource([], clock)
    for stream, found in documents(telemetry.series, telemetry.start, telemetry.step):
        source.engine.add_documents(stream, found)
    return source, clock


class Audits:
    """Runs a case's audits, cycle by cycle, with the daemon's own runner."""

    def __init__(self, suite: Suite, case: Case, sources: Sources) -> None:
        """Take the case and where its telemetry comes from."""
        self._suite = suite
        self._case = case
        self._sources = sources
        self._opened = sources.open(case)
        self._runner = None
        if self._opened is not None:
            source, clock = self._opened
            self._runner = AuditRunner(source, clock, suite.cluster, gate=suite.audits.gate)

    def run(self, at: datetime) -> tuple[AuditResult, ...]:
        """Return the results of the cycle at `at`.

        Over telemetry every audit that a policy reads runs; with rows, those that have some.
        """
        if self._opened is None or self._runner is None:
            return tuple(self._given(one, at) for one in self._case.readings.get(at, ()))
        self._opened[1].current = at
        names = sorted(self._suite.policies.audits)
        return tuple(self._over(self._runner, name, at) for name in names)

    def _over(self, runner: AuditRunner, name: str, at: datetime) -> AuditResult:
        suite, recording = self._suite, self._case.recording
        if recording is None:
            return runner.run(suite.audits[name])
        key = (recording, suite.cluster, id(suite.audits), name, at)
        return self._sources.result(key, lambda: runner.run(suite.audits[name]))

    def _given(self, reading: Reading, at: datetime) -> AuditResult:
        definition = self._suite.audits[reading.audit]
        source = GivenRows(definition, reading)
        return AuditRunner(source, ManualClock(at), self._suite.cluster).run(definition)
