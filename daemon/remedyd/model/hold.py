"""A durable reason to leave something alone: a target set aside, a storm."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from remedyd.model.values import Json


class HoldKind(StrEnum):
    """What kind of hold; a quarantine is lifted by a person, a storm ends when it is over."""

    QUARANTINE = "Quarantine"
    STORM = "Storm"


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold, open while `ended_at` is None.

    `subject` is a workload (`Target.workload`) for a quarantine, a cluster's name for a storm;
    `detail` says why in a sentence, `data` holds the facts.
    """

    id: str
    kind: HoldKind
    subject: str
    since: datetime
    detail: str
    data: Mapping[str, Json] = field(default_factory=dict)
    ended_at: datetime | None = None
    ended_by: str = ""
    end_reason: str = ""
