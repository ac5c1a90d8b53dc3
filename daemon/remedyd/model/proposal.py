"""A proposal: a planned change, its evidence, its approval and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from remedyd.model.audit import AuditRow
from remedyd.model.decision import Mode, VerifySpec
from remedyd.model.plan import Applied, Plan
from remedyd.model.principal import Principal
from remedyd.model.verdict import Verdict

ProposalId = NewType("ProposalId", str)
Digest = NewType("Digest", str)


class State(StrEnum):
    """Where a proposal stands; the moves between are in `proposals.lifecycle`."""

    PROPOSED = "Proposed"
    APPROVED = "Approved"
    APPLYING = "Applying"
    APPLIED = "Applied"
    VERIFYING = "Verifying"
    EFFECTIVE = "Effective"
    INEFFECTIVE = "Ineffective"
    HARMFUL = "Harmful"
    INCONCLUSIVE = "Inconclusive"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    ROLLBACK_FAILED = "RollbackFailed"
    FAILED = "Failed"
    STALE = "Stale"
    EXPIRED = "Expired"
    REJECTED = "Rejected"
    SUPERSEDED = "Superseded"
    DRY_RUN = "DryRun"
    ESCALATED = "Escalated"


@dataclass(frozen=True, slots=True)
class Approval:
    """Who let the change through, for which digest, and when."""

    principal: Principal
    digest: Digest
    at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One planned change on its way. `version` counts transitions, for compare-and-set.

    `source` is `audit` when a policy proposed it, `request` when a principal did (`/manage`).
    `approvals` collects them, `approval` is the one that let it through. `after` is the proposal
    of the rung before, on a ladder's next rung.
    """

    id: ProposalId
    version: int
    state: State
    source: str
    policy: str
    policy_hash: str
    step: str
    mode: Mode
    audit: str
    plan: Plan
    row: AuditRow | None
    verify: VerifySpec
    digest: Digest
    summary: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    requested_by: Principal | None = None
    approval: Approval | None = None
    applied: Applied | None = None
    rolled_out_at: datetime | None = None
    verdict: Verdict | None = None
    rollback: Applied | None = None
    reason: str = ""
    after: str = ""
    approvals_needed: int = 1
    approvers: tuple[str, ...] | None = None
    """Who may approve; None: anyone with the scope, empty: nobody."""
    approvals: tuple[Approval, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a proposal's history, written in the same transaction as the move."""

    proposal: ProposalId
    sequence: int
    at: datetime
    action: str
    state: State
    principal: str
    detail: str
    data: dict[str, Any]
