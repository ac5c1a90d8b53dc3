"""Windows at equal distances, and the moments of them that a query mentions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from remedyd.offline.functions.moments import millis


class Edge(StrEnum):
    """A side of the window."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class Series:
    """`count` windows; the first is `[start, end)`, each next one is `step` later.

    Times are aware and whole milliseconds, as the parameters of a query carry them.
    """

    start: datetime
    end: datetime
    step: timedelta
    count: int

    def window(self, number: int) -> tuple[datetime, datetime]:
        """Return start and end of one window."""
        moved = self.step * number
        return self.start + moved, self.end + moved

    def first(self, edge: Edge, offset: int) -> int:
        """Return the moment `offset` after an edge of the first window; all in milliseconds."""
        return millis(self.start if edge is Edge.START else self.end) + offset

    @property
    def stride(self) -> int:
        """The step in milliseconds."""
        return self.step // timedelta(milliseconds=1)
