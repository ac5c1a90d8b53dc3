"""Examples for the OpenAPI document: one story, told alike everywhere.

The out-of-memory kills of one container, the proposal to give it more, and its approval.
"""

from typing import Any, Final

PROPOSAL_ID: Final = "01m82yjdbz28c1ps1fwsh6ztct"
DIGEST: Final = "3f0f6ad1c2c7f6a2b7f7f0a6a1f04c9e0d5b1f2e3c4d5a6b7c8d9e0f1a2b3c4d"
_MEMORY: Final = "spec.template.spec.containers[app].resources.limits.memory"
_DIFF: Final = f"- {_MEMORY}: 256Mi\n+ {_MEMORY}: 384Mi"

TARGET: Final[dict[str, Any]] = {
    "cluster": "prod",
    "namespace": "shop",
    "kind": "Deployment",
    "name": "checkout",
    "container": "app",
    "uid": "0f4c9c1e-5f43-4a4e-9a59-6f4b3c1f2a10",
}

ROW: Final[dict[str, Any]] = {
    "audit": "container-memory",
    "target": TARGET,
    "severity": 3,
    "samples": 12,
    "last_seen": "2026-11-05T11:59:30Z",
    "values": {"memory_pct": 97.25, "oom_kills": 3},
}

RESULT: Final[dict[str, Any]] = {
    "audit": "container-memory",
    "outcome": "Ok",
    "start": "2026-11-05T11:44:00Z",
    "end": "2026-11-05T11:59:00Z",
    "detail": "",
    "hint": "",
    "unavailable": [],
    "warnings": [],
    "parts": 1,
    "total": 1,
    "rows": [ROW],
    "set_aside": [],
}

AUDIT: Final[dict[str, Any]] = {
    "name": "container-memory",
    "description": "Memory use of each container against its limit, and its kills",
    "columns": [{"name": "memory_pct", "type": "double", "nullable": True}],
}

_CHANGE: Final = {"path": _MEMORY, "old": "256Mi", "new": "384Mi"}
_PRECHECK: Final = {
    "name": "RolloutInProgress",
    "result": "Pass",
    "evidence": "generation 7 is rolled out",
    "next_step": "",
}
_APPROVAL: Final = {
    "principal": "workflow",
    "on_behalf_of": "alice@example.com",
    "digest": DIGEST,
    "at": "2026-11-05T12:04:00Z",
    "comment": "seen with the team",
}

PROPOSAL: Final[dict[str, Any]] = {
    "id": PROPOSAL_ID,
    "version": 1,
    "state": "Approved",
    "digest": DIGEST,
    "source": "audit",
    "policy": "oom-raise-memory",
    "step": "raise-memory",
    "mode": "Propose",
    "audit": "container-memory",
    "target": TARGET,
    "action": "UpdateResources",
    "params": {"memory": {"factor": 1.5, "max": "1Gi"}},
    "changes": [_CHANGE],
    "diff": _DIFF,
    "consequence": "rolling restart of 3 pods, no downtime (maxUnavailable 25 %)",
    "prechecks": [_PRECHECK],
    "dry_run": "accepted by the API server",
    "evidence": ROW,
    "summary": "UpdateResources on Deployment/shop/checkout[app]\n...",
    "summary_markdown": "**UpdateResources on Deployment/shop/checkout\\[app\\]**\n\n...",
    "created_at": "2026-11-05T12:00:00Z",
    "updated_at": "2026-11-05T12:04:00Z",
    "expires_at": "2026-11-05T12:15:00Z",
    "requested_by": None,
    "approval": _APPROVAL,
    "applied": None,
    "rolled_out_at": None,
    "verdict": None,
    "rollback": None,
    "reason": "seen with the team",
}

EVENT: Final[dict[str, Any]] = {
    "sequence": 1,
    "at": "2026-11-05T12:04:00Z",
    "action": "approve",
    "state": "Approved",
    "principal": "workflow",
    "detail": "seen with the team",
    "data": {"digest": DIGEST, "on_behalf_of": "alice@example.com"},
}

ENTRY: Final[dict[str, Any]] = EVENT | {
    "position": 42,
    "proposal": PROPOSAL_ID,
    "namespace": "shop",
    "workload": "prod/shop/Deployment/checkout",
    "policy": "oom-raise-memory",
}

REFUSAL: Final[dict[str, Any]] = {
    "position": 7,
    "at": "2026-11-05T12:02:00Z",
    "principal": "agent",
    "operation": "approve",
    "outcome": "Forbidden",
    "detail": "agent lacks the scope approver in namespace shop",
    "namespace": "shop",
    "proposal": PROPOSAL_ID,
    "on_behalf_of": "",
    "source": "10.0.0.7",
    "request_id": "5f0c7d8e1c2b4a6f9d3e",
}

POLICY: Final[dict[str, Any]] = {
    "name": "oom-raise-memory",
    "description": "Give a container that is killed for want of memory more of it",
    "mode": "Propose",
    "audit": "container-memory",
    "hash": "9d0b6f2c" * 8,
    "steps": [{"name": "raise-memory", "action": "UpdateResources"}],
    "decided_at": "2026-11-05T12:00:00Z",
    "decisions": [
        {
            "target": TARGET,
            "kind": "Propose",
            "reason": "Matched",
            "detail": "OOM killed twice within 10 minutes",
            "condition": "",
            "step": "raise-memory",
        }
    ],
    "counts": [{"kind": "Propose", "reason": "Matched", "count": 1}],
}
