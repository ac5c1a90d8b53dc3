"""Whether an applied change helped."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from remedyd.model.values import Cell


class Outcome(StrEnum):
    """The four answers. No data is `Inconclusive`, never success."""

    EFFECTIVE = "Effective"
    INEFFECTIVE = "Ineffective"
    HARMFUL = "Harmful"
    INCONCLUSIVE = "Inconclusive"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The proof: the audit's numbers for the target before and after the change."""

    outcome: Outcome
    at: datetime
    reason: str
    detail: str
    before: Mapping[str, Cell] = field(default_factory=dict)
    after: Mapping[str, Cell] = field(default_factory=dict)
    samples: int = 0
