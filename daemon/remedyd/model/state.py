"""What `decide()` must remember between cycles, as one immutable snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from remedyd.model.hold import Hold
from remedyd.model.plan import FieldChange
from remedyd.model.proposal import State
from remedyd.model.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Change:
    """A proposal that was approved, as far as limits, cooldowns and ladders look at it.

    `moved_at` is when it entered its `state`; `applied_at` when it was written, None when it was
    not yet; `ended_at` when it stopped holding its workload. `action`, `fields`, `outcome` and
    `detail` (the verdict's sentence) are known for those that failed, `action` and `fields` also
    for those that were written within a day.
    """

    proposal: str
    workload: str
    state: State
    moved_at: datetime
    policy: str = ""
    step: str = ""
    applied_at: datetime | None = None
    ended_at: datetime | None = None
    action: str = ""
    fields: tuple[FieldChange, ...] = ()
    outcome: Outcome | None = None
    detail: str = ""

    @property
    def namespace(self) -> str:
        """Name the namespace as `cluster/namespace`."""
        return namespace_of(self.workload)

    @property
    def open(self) -> bool:
        """Whether it still holds its workload."""
        return self.ended_at is None


def namespace_of(workload: str) -> str:
    """Return the `cluster/namespace` part of a `Target.workload`."""
    return workload.rsplit("/", 2)[0]


@dataclass(frozen=True, slots=True)
class DecisionState:
    """The past, as far as decisions depend on it. Times are aware, in UTC.

    sightings: (policy, row identity) -> times at which the row matched, oldest first.
    open: workload -> id of its open proposal.
    finished: (policy, workload) -> when its last proposal ended; a cooldown counts from here.
    proposed: policy -> times of its proposals within the last day.
    failures: workload -> times at which an applied change was not Effective, since one was or
        since a person lifted the workload's quarantine.
    attempts: (policy, workload, step) -> times at which the step was applied, or for a step that
        tells a person, at which it told, within a day.
    changes: what was approved and is not written yet, or was written within a week, oldest first.
    quarantined: workload -> the hold that sets it aside.
    storm: the hold of the storm in progress.
    """

    sightings: Mapping[tuple[str, str], tuple[datetime, ...]] = field(default_factory=dict)
    open: Mapping[str, str] = field(default_factory=dict)
    finished: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    proposed: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    failures: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    attempts: Mapping[tuple[str, str, str], tuple[datetime, ...]] = field(default_factory=dict)
    paused: bool = False
    changes: tuple[Change, ...] = ()
    quarantined: Mapping[str, Hold] = field(default_factory=dict)
    storm: Hold | None = None
