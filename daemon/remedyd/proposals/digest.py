"""The fingerprint an approval names, so that nobody approves one thing and gets another.

It covers what is to be done (uid, fields with old and new values, action), by whose rule (policy
name and hash), on what evidence (row hash) and until when (expiry). The resourceVersion is left
out: a status update of the workload must not void an approval, a changed field must.
"""

from datetime import UTC, datetime

from remedyd.model import AuditRow, Digest, FieldChange, Plan, Proposal, sha256
from remedyd.model.hidden import short

_LABELS = {
    "uid": "the workload's uid (it was replaced)",
    "action": "the action",
    "policy": "the policy",
    "policy_hash": "the policy's text",
    "evidence": "the evidence row",
    "expires_at": "the expiry",
}


def digest_of(
    plan: Plan, *, policy: str, policy_hash: str, row: AuditRow | None, expires_at: datetime
) -> Digest:
    """Return the hex SHA-256 over everything an approval binds; `expires_at` must be aware."""
    return Digest(
        sha256(
            {
                "uid": plan.target.uid,
                "fingerprint": plan.fingerprint,
                "action": plan.action,
                "policy": policy,
                "policy_hash": policy_hash,
                "evidence": row.hash if row else "",
                "expires_at": _instant(expires_at),
            }
        )
    )


def digest_of_proposal(proposal: Proposal) -> Digest:
    """Recompute the digest from a stored proposal: differs from `.digest` if tampered with."""
    return digest_of(
        proposal.plan,
        policy=proposal.policy,
        policy_hash=proposal.policy_hash,
        row=proposal.row,
        expires_at=proposal.expires_at,
    )


def differences(old: Proposal, new: Proposal) -> list[str]:
    """Say in words what an approver of `old` would not know about `new`; empty if nothing."""
    before, after = _bound(old), _bound(new)
    lines = _changed_fields(old.plan, new.plan)
    for key, label in _LABELS.items():
        if before[key] == after[key]:
            continue
        shown = key in ("action", "policy", "expires_at")
        lines.append(f"{label}: {before[key]} became {after[key]}" if shown else f"{label} changed")
    return lines


def _bound(proposal: Proposal) -> dict[str, str]:
    return {
        "uid": proposal.plan.target.uid,
        "action": proposal.plan.action,
        "policy": proposal.policy,
        "policy_hash": proposal.policy_hash,
        "evidence": proposal.row.hash if proposal.row else "",
        "expires_at": _instant(proposal.expires_at),
    }


def _changed_fields(old: Plan, new: Plan) -> list[str]:
    before = {change.path: change for change in old.changes}
    after = {change.path: change for change in new.changes}
    lines = []
    for path in dict.fromkeys([*before, *after]):
        was, now = before.get(path), after.get(path)
        if was != now:
            lines.append(f"{path}: {_arrow(was)} became {_arrow(now)}")
    return lines


def _arrow(change: FieldChange | None) -> str:
    if change is None:
        return "untouched"
    return f"{short(change.old)} -> {short(change.new)}"


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("an expiry needs a time zone")
    return value.astimezone(UTC).isoformat()
