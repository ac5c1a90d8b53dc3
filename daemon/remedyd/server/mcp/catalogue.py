"""All tools, in the order in which an agent meets them."""

from typing import Final

from remedyd.model import Scope
from remedyd.server.mcp import acting, reading, results
from remedyd.server.mcp.tool import Tool

TOOLS: Final = (
    Tool(
        "list_proposals",
        "List proposals",
        "List proposed, running and ended changes, newest first. What waits for an approver is "
        "in state Proposed.",
        Scope.VIEWER,
        reading.ListProposals,
        results.Listed,
        reading.list_proposals,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "show_proposal",
        "Show a proposal",
        "Show one proposal on one screen: what, why, exact diff, checks, effect, undo, expiry and "
        "digest. With wait_seconds it answers as soon as the proposal moves on: use this to "
        "follow an approved change until it is Effective or has ended otherwise.",
        Scope.VIEWER,
        reading.ShowProposal,
        results.Shown,
        reading.show_proposal,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "explain",
        "Explain a proposal or a workload",
        "Say why a proposal was made (evidence, checks, history, verdict), or what every policy "
        "last decided about a workload and why nothing is proposed.",
        Scope.VIEWER,
        reading.Explain,
        results.Explained,
        reading.explain,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "run_audit",
        "Run an audit",
        "Run an ES|QL audit now and give its worst rows: use it to verify before proposing. "
        "No rows with an outcome other than Ok means unknown, not healthy. Changes nothing in "
        "the cluster; the daemon's own scheduled run is brought forward.",
        Scope.PROPOSER,
        reading.RunAudit,
        results.Measured,
        reading.run_audit,
        idempotent=True,
    ),
    Tool(
        "workload_status",
        "Status of a workload",
        "Read how many pods of a workload are ready, how its rollout stands, and its last "
        "proposals, from the Kubernetes API.",
        Scope.VIEWER,
        reading.WorkloadStatus,
        results.Standing,
        reading.workload_status,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "propose",
        "Propose a change",
        "Ask for a change of a workload. It is planned on the live object, checked and dry-run "
        "by the API server; then it waits for an approver. Nothing is changed by this call.",
        Scope.PROPOSER,
        acting.Propose,
        results.Shown,
        acting.propose,
    ),
    Tool(
        "reject",
        "Reject a proposal",
        "End a proposal that waits, with a reason. Nothing is changed in the cluster.",
        Scope.PROPOSER,
        acting.Reject,
        results.Shown,
        acting.reject,
        destructive=True,
    ),
    Tool(
        "approve",
        "Approve and apply a proposal",
        "Approve exactly what was shown, by its digest: it is applied to the cluster at once, "
        "then proved with the same audit and undone if it did not help. Call this only after "
        "your user has seen the summary of show_proposal and said yes to it.",
        Scope.APPROVER,
        acting.Approve,
        results.Shown,
        acting.approve,
        destructive=True,
        idempotent=True,
    ),
)

BY_NAME: Final = {tool.name: tool for tool in TOOLS}
