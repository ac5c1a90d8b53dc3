"""A test after loading: checked, with every path read and every name known to exist."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from remedyd.audits.definition import AuditSet
from remedyd.errors import Problem
from remedyd.model import AuditOutcome, Cell, KubeObject, Outcome
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.policy import PolicySet
from remedyd.testing.policytest.schema import Came
from remedyd.testing.policytest.telemetry import Series


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written."""

    path: str
    line: int
    column: int

    def problem(self, message: str) -> Problem:
        """Return a problem at this place."""
        return Problem(message, self.path, self.line, self.column)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one audit returns in one cycle; `outcome` is None where there are rows."""

    audit: str
    rows: tuple[Mapping[str, Cell], ...] = ()
    outcome: AuditOutcome | None = None


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Series to run the audits over; the first sample was taken at `start`."""

    series: tuple[Series, ...]
    start: datetime
    step: timedelta


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens; `does` is approve, reject, settle, delete, pause or objects."""

    at: datetime
    does: str
    place: Place
    target: str = ""
    verdict: Outcome | None = None
    refused: str = ""
    paused: bool = False
    objects: tuple[KubeObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """One outcome that has to come in the cycle at `at`; empty fields may be anything."""

    at: datetime
    policy: str
    outcome: Came
    place: Place
    target: str = ""
    reason: str = ""
    condition: str = ""
    step: str = ""
    precheck: str = ""
    mode: str = ""
    patch: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One story; exactly one of `readings`, `telemetry` and `recording` is given."""

    name: str
    place: Place
    now: datetime
    cycles: tuple[datetime, ...]
    expected: tuple[Expected, ...] = ()
    objects: tuple[KubeObject, ...] = ()
    events: tuple[Event, ...] = ()
    readings: Mapping[datetime, tuple[Reading, ...]] = field(default_factory=dict)
    telemetry: Telemetry | None = None
    recording: Path | None = None
    guardrails: Guardrails = field(default_factory=Guardrails)

    def offset(self, at: datetime) -> timedelta:
        """Return a time as the file writes it: counted from `now`."""
        return at - self.now


@dataclass(frozen=True, slots=True)
class Suite:
    """One test file with what it tests."""

    name: str
    path: str
    audits: AuditSet
    policies: PolicySet
    cluster: str
    cases: tuple[Case, ...]
