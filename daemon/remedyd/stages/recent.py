"""Remembers what the last cycles saw and decided, to show it; nothing is decided from it.

In memory and bounded by the number of audits and policies: after a restart it fills up again with
the next cycle of each audit. History that must last is in the store.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from remedyd.model import AuditResult, Decision
from remedyd.stages.cycle import Cycle


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy decided in its last cycle, and how often it decided what since the start.

    `counts` maps (kind, reason) to a number.
    """

    at: datetime
    decisions: tuple[Decision, ...]
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)


class Recent:
    """A stage that lets everything through and keeps a copy; safe to share between threads."""

    name = "remember"

    def __init__(self) -> None:
        """Begin without a memory."""
        self._lock = threading.Lock()
        self._results: dict[str, AuditResult] = {}
        self._judged: dict[str, Judged] = {}
        self._counts: dict[str, Counter[tuple[str, str]]] = {}

    def run(self, cycle: Cycle) -> Cycle:
        """Remember the cycle's results and decisions."""
        by_policy: dict[str, list[Decision]] = {}
        for decision in cycle.decisions:
            by_policy.setdefault(decision.policy, []).append(decision)
        with self._lock:
            self._results |= {result.audit: result for result in cycle.results}
            for policy, decisions in by_policy.items():
                counts = self._counts.setdefault(policy, Counter())
                counts.update((d.kind.value, d.reason) for d in decisions)
                self._judged[policy] = Judged(cycle.at, tuple(decisions), dict(counts))
        return cycle

    def result(self, audit: str) -> AuditResult | None:
        """Return the audit's last scheduled result, None before its first run."""
        with self._lock:
            return self._results.get(audit)

    def failing(self) -> list[str]:
        """Return the audits whose last scheduled run gave no usable rows, each with why."""
        with self._lock:
            last = sorted(self._results.items())
        return [f"{name}: {result.outcome.value}" for name, result in last if not result.ok]

    def judged(self, policy: str) -> Judged | None:
        """Return what the policy decided last, None before it saw a row."""
        with self._lock:
            return self._judged.get(policy)
