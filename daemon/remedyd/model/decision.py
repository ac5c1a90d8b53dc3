"""What the policies say about a row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from remedyd.model.audit import AuditRow
from remedyd.model.quick import quick
from remedyd.model.target import Target


class Mode(StrEnum):
    """How far a policy may go."""

    DISABLED = "Disabled"
    DRY_RUN = "DryRun"
    PROPOSE = "Propose"
    AUTO = "Auto"

    def stricter_than(self, other: "Mode") -> bool:
        """Whether this mode allows less than `other`."""
        order = tuple(Mode)
        return order.index(self) < order.index(other)


def strictest(*modes: Mode) -> Mode:
    """Return the mode among `modes` that allows least."""
    return min(modes, key=tuple(Mode).index)


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


@quick
@dataclass(frozen=True, slots=True)
class Decision:
    """One policy's answer to one row.

    `reason` is a stable CamelCase code, `detail` a sentence for people, `condition` the name of
    the condition that decided (empty when none did). `action` is None unless `kind` is Propose.
    `after` is the proposal of the rung before, on a ladder's next rung. `approvals` principals
    have to approve, of `approvers` where they are named (None: anyone with the scope).
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
    after: str = ""
    approvals: int = 1
    approvers: tuple[str, ...] | None = None
