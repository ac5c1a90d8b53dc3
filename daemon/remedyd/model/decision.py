"""What the policies say about a row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from remedyd.model.audit import AuditRow
from remedyd.model.target import Target


class Mode(StrEnum):
    """How far a policy may go."""

    DISABLED = "Disabled"
    DRY_RUN = "DryRun"
    PROPOSE = "Propose"
    AUTO = "Auto"


class DecisionKind(StrEnum):
    """What is to be done about a row under a policy."""

    PROPOSE = "Propose"
    HOLD = "Hold"
    SKIP = "Skip"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """A typed action before it is planned: `type` and its parameters as the policy gives them."""

    type: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VerifySpec:
    """How to prove that an action helped; times in seconds."""

    settle_seconds: float = 60.0
    observe_seconds: float = 600.0
    timeout_seconds: float = 3600.0
    minimum_samples: int = 2
    rollback: bool = True
    """Undo when Ineffective or Harmful."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One policy's answer to one row.

    `reason` is a stable CamelCase code, `detail` a sentence for people, `condition` the name of
    the condition that decided (empty when none did). `action` is None unless `kind` is Propose.
    """

    kind: DecisionKind
    policy: str
    audit: str
    target: Target
    reason: str
    detail: str = ""
    condition: str = ""
    mode: Mode = Mode.PROPOSE
    step: str = ""
    action: ActionRequest | None = None
    verify: VerifySpec = VerifySpec()
    row: AuditRow | None = None
    policy_hash: str = ""
