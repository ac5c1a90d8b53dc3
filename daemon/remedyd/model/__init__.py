"""Frozen records without I/O: the words every room speaks."""

from remedyd.model.audit import (
    AuditOutcome,
    AuditResult,
    AuditRow,
    Column,
    ColumnSpec,
    QuerySource,
    SetAside,
    Severity,
    Table,
    Window,
)
from remedyd.model.clock import (
    Clock,
    Drift,
    ManualClock,
    ScaledClock,
    SystemClock,
    WaitingClock,
    monotonic,
)
from remedyd.model.decision import (
    ActionRequest,
    Decision,
    DecisionKind,
    Mode,
    VerifySpec,
    strictest,
)
from remedyd.model.hold import Hold, HoldKind
from remedyd.model.nodes import Nodes
from remedyd.model.plan import (
    ESCALATE,
    Applied,
    FieldChange,
    Patch,
    Plan,
    Precheck,
    PrecheckResult,
)
from remedyd.model.principal import AUTO, Principal, Scope
from remedyd.model.proposal import Approval, Digest, Event, Proposal, ProposalId, State
from remedyd.model.state import Change, DecisionState, namespace_of
from remedyd.model.target import Target
from remedyd.model.values import Cell, Json, KubeObject, canonical, sha256
from remedyd.model.verdict import Outcome, Verdict

__all__ = [
    "AUTO",
    "ESCALATE",
    "ActionRequest",
    "Applied",
    "Approval",
    "AuditOutcome",
    "AuditResult",
    "AuditRow",
    "Cell",
    "Change",
    "Clock",
    "Column",
    "ColumnSpec",
    "Decision",
    "DecisionKind",
    "DecisionState",
    "Digest",
    "Drift",
    "Event",
    "FieldChange",
    "Hold",
    "HoldKind",
    "Json",
    "KubeObject",
    "ManualClock",
    "Mode",
    "Nodes",
    "Outcome",
    "Patch",
    "Plan",
    "Precheck",
    "PrecheckResult",
    "Principal",
    "Proposal",
    "ProposalId",
    "QuerySource",
    "ScaledClock",
    "Scope",
    "SetAside",
    "Severity",
    "State",
    "SystemClock",
    "Table",
    "Target",
    "Verdict",
    "VerifySpec",
    "WaitingClock",
    "Window",
    "canonical",
    "monotonic",
    "namespace_of",
    "sha256",
    "strictest",
]
