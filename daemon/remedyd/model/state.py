"""What `decide()` must remember between cycles, as one immutable snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DecisionState:
    """The past, as far as decisions depend on it. Times are aware, in UTC.

    sightings: (policy, row identity) -> times at which the row matched, oldest first.
    open: workload -> id of its open proposal.
    finished: (policy, workload) -> when its last proposal ended; a cooldown counts from here.
    proposed: policy -> times of its proposals within the last day.
    failures: workload -> times at which an applied change was not Effective.
    attempts: (policy, workload, step) -> times at which the step was applied, within a day.
    """

    sightings: Mapping[tuple[str, str], tuple[datetime, ...]] = field(default_factory=dict)
    open: Mapping[str, str] = field(default_factory=dict)
    finished: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    proposed: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    failures: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    attempts: Mapping[tuple[str, str, str], tuple[datetime, ...]] = field(default_factory=dict)
    paused: bool = False
