"""What a backtest found, as plain records: the source of the table, the page and the JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Fate(StrEnum):
    """What had become of a proposal's cause when the approval would have come."""

    RECOVERED = "recovered"
    """The row no longer matched: the change would have been made to a healthy workload."""
    PERSISTED = "persisted"
    GONE = "gone"
    """The workload was no longer there."""
    UNKNOWN = "unknown"
    """There was no trustworthy reading, or the recording ended before."""


class Phase(StrEnum):
    """Where a target stands under a policy in one cycle."""

    PROPOSED = "proposed"
    OPEN = "open"
    SUSTAIN = "sustain"
    COOLDOWN = "cooldown"
    LIMIT = "limit"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Proposed:
    """One proposal that would have been made."""

    at: datetime
    policy: str
    target: str
    action: str
    step: str
    detail: str
    fate: Fate = Fate.UNKNOWN


@dataclass(frozen=True, slots=True)
class Stretch:
    """Cycles `first` to `last`, both included, in one phase."""

    phase: Phase
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Track:
    """One target under one policy over time.

    `episodes` are the runs of cycles in which it matched; `flapping` tells that three of them
    began within a day.
    """

    policy: str
    target: str
    stretches: tuple[Stretch, ...]
    episodes: int
    flapping: bool

    @property
    def proposals(self) -> int:
        """How often it was proposed for."""
        return sum(s.last - s.first + 1 for s in self.stretches if s.phase is Phase.PROPOSED)

    @property
    def matched(self) -> int:
        """In how many cycles it matched."""
        return sum(s.last - s.first + 1 for s in self.stretches if s.phase is not Phase.UNSURE)


@dataclass(frozen=True, slots=True)
class Side:
    """The findings under one set of policies.

    `held` counts decisions by policy and reason, `errors` by policy and outcome.
    """

    name: str
    policies: tuple[str, ...]
    proposals: tuple[Proposed, ...]
    tracks: tuple[Track, ...]
    held: Mapping[str, Mapping[str, int]]
    errors: Mapping[str, Mapping[str, int]]

    def fates(self, policy: str = "") -> dict[Fate, int]:
        """Count the proposals (of one policy) by what had become of their cause."""
        counts = dict.fromkeys(Fate, 0)
        for proposal in self.proposals:
            if not policy or proposal.policy == policy:
                counts[proposal.fate] += 1
        return counts

    def false_rate(self, policy: str = "") -> float | None:
        """Return the share of proposals whose target had recovered alone, of those judged."""
        judged = self.judged(policy)
        return self.fates(policy)[Fate.RECOVERED] / judged if judged else None

    def judged(self, policy: str = "") -> int:
        """Count the proposals (of one policy) of which it is known what had become of the cause."""
        counts = self.fates(policy)
        return counts[Fate.RECOVERED] + counts[Fate.PERSISTED]

    def holds(self, policy: str = "") -> int:
        """Count the decisions (of one policy) that were held, for whatever reason."""
        found = self.held if not policy else {policy: self.held.get(policy, {})}
        return sum(sum(reasons.values()) for reasons in found.values())

    def flapping(self, policy: str = "") -> int:
        """Count the tracks (of one policy) that flap."""
        return sum(t.flapping for t in self.tracks if not policy or t.policy == policy)

    def targets(self, policy: str = "") -> int:
        """Count the targets that were proposed for."""
        found = {p.target for p in self.proposals if not policy or p.policy == policy}
        return len(found)


@dataclass(frozen=True, slots=True)
class Report:
    """A whole backtest: when, and what under each set of policies.

    `audits` counts cycles by audit and outcome; `notices` are sentences about how it was run.
    """

    recording: str
    times: Sequence[datetime]
    interval: timedelta
    approval_after: timedelta
    sides: tuple[Side, ...]
    audits: Mapping[str, Mapping[str, int]]
    notices: tuple[str, ...] = field(default=())

    @property
    def policies(self) -> list[str]:
        """The names of the policies in any of the sets."""
        return sorted({policy for side in self.sides for policy in side.policies})

    @property
    def marks(self) -> tuple[str, ...]:
        """What tells the sets of policies apart where their names are too long; empty for one."""
        return ("A", "B") if len(self.sides) > 1 else ("",)
