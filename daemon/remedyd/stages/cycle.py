"""What flows through the audit half of the loop, and the shape of a stage."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from remedyd.model import AuditResult, Decision, Proposal


@dataclass(frozen=True, slots=True)
class Cycle:
    """One pass for one audit: each stage returns it with its own part filled in."""

    audit: str
    at: datetime
    results: tuple[AuditResult, ...] = ()
    decisions: tuple[Decision, ...] = ()
    proposals: tuple[Proposal, ...] = ()


class Stage(Protocol):
    """One gate of the audit half; it may narrow what flows on, never widen it."""

    @property
    def name(self) -> str:
        """Name the stage in logs and metrics."""
        ...

    def run(self, cycle: Cycle) -> Cycle:
        """Do the stage's part and hand the cycle on."""
        ...


class Step(Protocol):
    """One move of a proposal after its approval."""

    def advance(self, proposal: Proposal) -> Proposal:
        """Move the proposal on, or return it unchanged when it has to wait."""
        ...
