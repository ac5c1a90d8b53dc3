"""Was an earlier revision healthy? The audits of today, asked about the time when it ran.

No record of the past has to be kept: the telemetry is still there, and the same query that finds
fault today finds or does not find it then. A revision ran from its own creation until that of the
next one; where a rollout back moved an old revision to the top, that time is not known, and such
a revision is not judged. The first minutes of a rollout are left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from remedyd.audits.definition import AuditDefinition
from remedyd.audits.runner import AuditRunner
from remedyd.model import AuditOutcome, Severity, Target, Window
from remedyd.model.revision import Revision

_SETTLE = timedelta(minutes=2)
_SHORTEST = timedelta(minutes=3)
_LONGEST = timedelta(minutes=30)
_SILENT = frozenset({AuditOutcome.NO_DATA, AuditOutcome.MISSING_FIELD})


class AuditedRevisions:
    """Asks every audit about the last half hour of each earlier revision."""

    def __init__(
        self, runner: AuditRunner, audits: Callable[[], Mapping[str, AuditDefinition]]
    ) -> None:
        """Take the runner, and the audits in force."""
        self._runner = runner
        self._audits = audits

    def judged(self, target: Target, revisions: Sequence[Revision]) -> Mapping[str, bool]:
        """Return for revisions by name whether they were healthy; unknown ones are left out.

        `revisions` are the workload's, latest first.
        """
        found: dict[str, bool] = {}
        for later, one in pairwise(revisions):
            window = _ran(one, later.created)
            if window is None:
                continue
            healthy = self._healthy(replace(target, container="", uid=""), window)
            if healthy is not None:
                found[one.name] = healthy
        return found

    def _healthy(self, target: Target, window: Window) -> bool | None:
        """Say whether no audit found fault and one at least saw it; None when that is unknown."""
        seen = False
        for audit in self._audits().values():
            if audit.gate:
                continue
            result = self._runner.run(audit, window=window, scope=target)
            if not result.ok:
                if result.outcome in _SILENT:
                    continue
                return None
            if any(row.severity is not Severity.HEALTHY for row in result.rows):
                return False
            seen = seen or bool(result.rows)
        return True if seen else None


def _ran(revision: Revision, until: datetime) -> Window | None:
    """Return the last part of the time when only this revision ran, None when that is unknown."""
    start = max(revision.created + _SETTLE, until - _LONGEST)
    return Window(start, until) if until - start >= _SHORTEST else None
