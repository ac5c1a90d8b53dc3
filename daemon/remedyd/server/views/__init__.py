"""What the REST API shows: explicit shapes, so that the OpenAPI document is the contract."""

from remedyd.server.views.audits import (
    AuditDetailView,
    AuditView,
    ResultView,
    audit_detail_view,
    audit_view,
    result_view,
)
from remedyd.server.views.policies import PolicyView, policy_view
from remedyd.server.views.proposals import PageView, ProposalView, WorkloadView, proposal_view
from remedyd.server.views.proposals import workload_view as workload_view
from remedyd.server.views.rows import RowView, TargetView, row_view, target_view
from remedyd.server.views.trail import (
    EntryView,
    EventView,
    RefusalsView,
    RefusalView,
    TrailView,
    entry_view,
    event_view,
    refusal_view,
)

__all__ = [
    "AuditDetailView",
    "AuditView",
    "EntryView",
    "EventView",
    "PageView",
    "PolicyView",
    "ProposalView",
    "RefusalView",
    "RefusalsView",
    "ResultView",
    "RowView",
    "TargetView",
    "TrailView",
    "WorkloadView",
    "audit_detail_view",
    "audit_view",
    "entry_view",
    "event_view",
    "policy_view",
    "proposal_view",
    "refusal_view",
    "result_view",
    "row_view",
    "target_view",
    "workload_view",
]
