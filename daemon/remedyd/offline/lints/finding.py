"""What a lint says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from remedyd.offline.lints.subject import Subject
    from remedyd.offline.nodes import Node


class Severity(StrEnum):
    """ERROR: the result is wrong on ordinary data. WARNING: it is wrong on some data."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Mark:
    """One place that a lint objects to, and the change that would satisfy it there."""

    node: Node
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Lint:
    """A rule: its stable id, how bad a breach is, why, and the check itself."""

    id: str
    severity: Severity
    explanation: str
    check: Callable[[Subject], Iterable[Mark]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A breach of a lint in a query; line and column count from 1."""

    lint: str
    severity: Severity
    line: int
    column: int
    message: str
    explanation: str
    fix: str

    def __str__(self) -> str:
        """Format as `line:column: severity: message [lint]`."""
        return f"{self.line}:{self.column}: {self.severity}: {self.message} [{self.lint}]"
