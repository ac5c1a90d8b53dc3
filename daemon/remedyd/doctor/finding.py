"""What the doctor says about one thing."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How it stands: `warn` works but should be looked at, `fail` keeps the daemon from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `fix` says what to do where it is not ok."""

    part: str
    check: str
    health: Health
    detail: str
    fix: str = ""


class Part:
    """Makes the findings about one part."""

    def __init__(self, name: str) -> None:
        """Take the part's name."""
        self.name = name

    def ok(self, check: str, detail: str) -> Finding:
        """Return that something is as it should be."""
        return Finding(self.name, check, Health.OK, detail)

    def warn(self, check: str, detail: str, fix: str) -> Finding:
        """Return that something should be looked at."""
        return Finding(self.name, check, Health.WARN, detail, fix)

    def fail(self, check: str, detail: str, fix: str) -> Finding:
        """Return that something keeps the daemon from working."""
        return Finding(self.name, check, Health.FAIL, detail, fix)
