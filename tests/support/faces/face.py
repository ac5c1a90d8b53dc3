"""What a way in is, for the table of who may do what.

A module beside this one that has a `FACE` is a column of that table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from support.running import Running


class Outcome(StrEnum):
    """How a call ended, whatever the way in calls it."""

    DONE = "Done"
    STRANGER = "Stranger"
    FORBIDDEN = "Forbidden"
    MISSING = "Missing"
    OTHER = "Other"


@dataclass(frozen=True)
class Answer:
    """The outcome, everything that was said, and the id of a proposal that was made."""

    outcome: Outcome
    text: str
    made: str = ""


@dataclass(frozen=True)
class Subject:
    """What an operation is about: a prepared proposal, a free workload, a known audit, policy."""

    app: str
    audit: str
    policy: str
    proposal: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The proposal's id."""
        return str(self.proposal.get("id", ""))

    @property
    def digest(self) -> str:
        """The proposal's digest."""
        return str(self.proposal.get("digest", ""))


@dataclass(frozen=True)
class Face:
    """One way in.

    `call` takes the daemon, the caller ("none" for nobody), the operation's name and its subject.
    `operations` are the names it has; `left_out` says of every other one why not.
    """

    name: str
    operations: frozenset[str]
    left_out: Mapping[str, str]
    call: Callable[[Running, str, str, Subject], Answer]
