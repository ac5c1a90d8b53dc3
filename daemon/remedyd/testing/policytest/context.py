"""What all readers of one test file share: the document, what it tests, and where problems go."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from remedyd.audits.definition import AuditSet
from remedyd.documents import Document, problem
from remedyd.documents.nodes import Location
from remedyd.errors import Problem
from remedyd.policy.policy import PolicySet
from remedyd.testing.policytest.schema import StoryFile, StorySpec
from remedyd.testing.policytest.suite import Place


@dataclass(frozen=True, slots=True)
class Context:
    """One test file while it is read."""

    document: Document
    file: StoryFile
    audits: AuditSet
    policies: PolicySet
    problems: list[Problem]
    substituted: bool = False
    """Whether the policies are others than those that the file was written for."""

    def complain(self, loc: Location, message: str) -> None:
        """Add a problem at a place of the document."""
        self.problems.append(problem(self.document, loc, message))

    def place(self, loc: Location) -> Place:
        """Return where something stands in the file."""
        return Place(self.document.path, *self.document.position(loc))


@dataclass(frozen=True, slots=True)
class Timeline:
    """The virtual time of one case."""

    now: datetime
    interval: timedelta
    last: timedelta

    @classmethod
    def of(cls, file: StoryFile, spec: StorySpec) -> "Timeline":
        """Return the case's times; the last cycle is the last one that anything speaks of."""
        interval = spec.interval or file.interval
        spoken = [item.until or item.at for items in spec.timed.values() for item in items]
        spoken += [-(-item.at // interval) * interval for item in spec.events]
        last = spec.until if spec.until is not None else max(spoken, default=timedelta(0))
        return cls((spec.now or file.now).astimezone(UTC), interval, last)

    @property
    def cycles(self) -> tuple[datetime, ...]:
        """The times of all cycles."""
        return tuple(self.between(timedelta(0), self.last))

    def between(self, first: timedelta, last: timedelta | None) -> Iterator[datetime]:
        """Yield the times of the cycles from `first` to `last` inclusive; `first` at least."""
        yield self.now + first
        for count in range(1, int(((last or first) - first) / self.interval) + 1):
            yield self.now + first + count * self.interval
