"""The audit trail's documents, in the Elastic Common Schema.

Everything that varies from audit to audit or action to action is text: a number in one document
and a word in the next would be refused by the mapping, and an audit trail must not have holes
where a policy was changed. Whole objects of a workload are named by their hash: a pod template
may hold passwords in its environment.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from remedyd import __version__
from remedyd.cluster.kinds import KINDS
from remedyd.model import Decision, DecisionKind, FieldChange, Hold, Proposal, State, Target, sha256
from remedyd.proposals.flags import Flag
from remedyd.proposals.refusals import Refusal

DATASET: Final = "k8s.remediation"
_ECS_VERSION: Final = "8.17.0"
_LONGEST: Final = 8_000
_MOST_CHANGES: Final = 50

_ACTIONS: Final[Mapping[str, str]] = {
    State.PROPOSED: "proposal-created",
    State.DRY_RUN: "proposal-recorded",
    State.ESCALATED: "escalated",
    State.VERIFYING: "rolled-out",
    State.EFFECTIVE: "verified",
    State.INEFFECTIVE: "verified",
    State.HARMFUL: "verified",
    State.INCONCLUSIVE: "verified",
    State.APPLYING: "apply-started",
    State.FAILED: "apply-failed",
    State.ROLLING_BACK: "rollback-started",
    State.ROLLED_BACK: "rolled-back",
    State.ROLLBACK_FAILED: "rollback-failed",
}
_SUCCESS: Final = frozenset({State.APPROVED, State.APPLIED, State.EFFECTIVE, State.ROLLED_BACK})
_FAILURE: Final = frozenset({State.FAILED, State.INEFFECTIVE, State.HARMFUL, State.ROLLBACK_FAILED})
_CHANGES: Final = frozenset({State.APPLYING, State.APPLIED, State.ROLLING_BACK, State.ROLLED_BACK})
_DENIED: Final = frozenset({State.REJECTED, State.EXPIRED})

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ecs:
    """Makes the documents of one daemon's trail; `cluster` is the name its telemetry carries."""

    cluster: str
    namespace: str = "default"

    def moved(
        self,
        proposal: Proposal,
        event: Mapping[str, Any],
        said: Mapping[str, Any],
        *,
        amended: bool,
    ) -> Document:
        """Return the document of one move; `said` holds the event's detail and data."""
        state = proposal.state
        action = event["action"] if amended else _ACTIONS.get(state, _kebab(state.value))
        plan, detail = proposal.plan, str(said["detail"])
        text = f"{action}: {plan.action} of {plan.target}"
        found = self._event(
            event["at"],
            f"{proposal.id}-{event['sequence']}",
            action,
            f"{text} ({detail})" if detail else text,
            outcome=_outcome(state, amended),
            type_=_type(state, amended),
        )
        found["event"] |= {"sequence": event["sequence"], "reason": _text(detail)}
        if proposal.row is not None:
            found["event"]["severity"] = int(proposal.row.severity)
        found["user"] = {"name": event["principal"]}
        found["related"] = {"user": _people(proposal, event["principal"])}
        if not amended and proposal.verdict is not None and proposal.applied is not None:
            found["event"] |= _span(proposal.applied.at, event["at"])
        found["labels"] = {"proposal_id": proposal.id}
        found["orchestrator"] |= _resource(plan.target)
        found["rule"] = _rule(proposal.policy, proposal.policy_hash, proposal.audit)
        found["remediation"] |= (
            _about(proposal) | _details(proposal) | _said(said.get("data") or {})
        )
        return _filled(found)

    def decided(self, decision: Decision, at: datetime) -> Document:
        """Return the document of what a policy said about a row."""
        kind = decision.kind
        key = (self.cluster, decision.policy, decision.target.identity, kind, decision.reason)
        text = f"decision: {kind.value} for {decision.target} ({decision.reason})"
        found = self._event(
            at,
            _hashed("decision", *map(str, key), at.isoformat()),
            "decided",
            f"{text}: {decision.detail}" if decision.detail else text,
            outcome="failure" if kind is DecisionKind.ERROR else "success",
        )
        found["event"]["reason"] = decision.reason
        if decision.row is not None:
            found["event"]["severity"] = int(decision.row.severity)
        found["orchestrator"] |= _resource(decision.target)
        found["rule"] = _rule(decision.policy, decision.policy_hash, decision.audit)
        found["remediation"] |= {
            "decision": kind.value,
            "policy": decision.policy,
            "audit": decision.audit,
            "mode": decision.mode.value,
            "condition": decision.condition,
            "evidence": _evidence(decision.row.values) if decision.row else {},
        }
        return _filled(found)

    def refused(self, refusal: Refusal) -> Document:
        """Return the document of an attempt that was refused."""
        key = (refusal.principal, refusal.operation, refusal.proposal, refusal.request_id)
        found = self._event(
            refusal.at,
            _hashed("refusal", self.cluster, *key, refusal.at.isoformat(), str(refusal.position)),
            "refused",
            f"refused: {refusal.operation} by {refusal.principal} ({refusal.detail})",
            outcome="failure",
            type_="denied",
        )
        found["event"]["reason"] = refusal.outcome
        found["user"] = {"name": refusal.principal}
        found["orchestrator"] |= {"namespace": refusal.namespace} if refusal.namespace else {}
        found["remediation"] |= {"operation": refusal.operation}
        if refusal.on_behalf_of:
            found["remediation"]["on_behalf_of"] = refusal.on_behalf_of
        if refusal.proposal:
            found["labels"] = {"proposal_id": refusal.proposal}
            found["remediation"]["proposal_id"] = refusal.proposal
        if refusal.request_id:
            found["http"] = {"request": {"id": refusal.request_id}}
        if refusal.source:
            found["client"] = {"address": refusal.source}
        return _filled(found)

    def switched(self, flag: Flag, sequence: int) -> Document:
        """Return the document of a switch that was set, such as the pause."""
        action = flag.name if flag.value is not False else f"{flag.name}-ended"
        found = self._event(
            flag.at,
            _hashed("switch", self.cluster, flag.name, str(sequence), flag.at.isoformat()),
            {"pause": "paused", "pause-ended": "resumed"}.get(action, action),
            f"{action} by {flag.principal}" + (f": {flag.reason}" if flag.reason else ""),
            outcome="success",
            type_="change",
        )
        found["event"]["reason"] = _text(flag.reason)
        found["user"] = {"name": flag.principal}
        return _filled(found)

    def held(self, hold: Hold) -> Document:
        """Return the document of a quarantine or storm that began or ended."""
        over = hold.ended_at is not None
        verb = "ended" if over else "began"
        why = hold.end_reason if over else hold.detail
        found = self._event(
            hold.ended_at or hold.since,
            _hashed("hold", self.cluster, hold.id, verb),
            f"{hold.kind.value.lower()}-{verb}",
            f"{hold.kind.value} {verb}: {hold.subject} ({why})",
            outcome="success",
        )
        found["event"]["reason"] = _text(why)
        found["user"] = {"name": hold.ended_by or "remedyd"}
        found["remediation"] |= {"hold": hold.id, "subject": hold.subject}
        return found

    def configured(self, at: datetime, digest: str, text: str, *, valid: bool) -> Document:
        """Return the document of policies and audits that were read anew, or were not valid.

        `digest` is the fingerprint of their files, `text` says how many there are or what is wrong.
        """
        action = "configuration-loaded" if valid else "configuration-refused"
        found = self._event(
            at,
            _hashed(action, self.cluster, digest, at.isoformat()),
            action,
            f"{action}: {text}",
            outcome="success" if valid else "failure",
            type_="change" if valid else "info",
        )
        found["event"]["reason"] = _text(text)
        found["event"]["hash"] = digest
        return found

    def heartbeat(self, at: datetime, facts: Mapping[str, Any]) -> Document:
        """Return the sign of life; `facts` are numbers and lists of names."""
        key = _hashed("heartbeat", self.cluster, at.isoformat())
        found = self._event(at, key, "heartbeat", "remedyd is alive", outcome="success")
        found["remediation"]["heartbeat"] = dict(facts)
        return found

    def _event(
        self,
        at: datetime,
        key: str,
        action: str,
        message: str,
        *,
        outcome: str,
        type_: str = "info",
    ) -> Document:
        stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "@timestamp": stamp,
            "ecs": {"version": _ECS_VERSION},
            "message": _text(message),
            "data_stream": {"type": "logs", "dataset": DATASET, "namespace": self.namespace},
            "event": {
                "id": key,
                "kind": "event",
                "category": ["configuration"],
                "type": [type_],
                "action": action,
                "outcome": outcome,
                "dataset": DATASET,
                "module": "k8s",
                "created": stamp,
            },
            "service": {"name": "remedyd", "type": "remedyd", "version": __version__},
            "orchestrator": {"type": "kubernetes"}
            | ({"cluster": {"name": self.cluster}} if self.cluster else {}),
            "remediation": {},
        }


def _filled(document: Document) -> Document:
    """Return the document without what is empty: no field is a better answer than "".

    False and 0 are answers and stay.
    """
    kept = {
        name: _filled(value) if isinstance(value, dict) else value
        for name, value in document.items()
    }
    return {name: value for name, value in kept.items() if value not in ("", None, {}, [])}


def _people(proposal: Proposal, principal: str) -> list[str]:
    asked = proposal.requested_by.name if proposal.requested_by else ""
    return sorted({principal, asked, *(one.principal.name for one in proposal.approvals)} - {""})


def _span(start: datetime, end: datetime) -> Document:
    """Return what ECS calls a span; its duration is in nanoseconds."""
    length = max(end - start, timedelta())
    return {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "duration": int(length / timedelta(microseconds=1)) * 1_000,
    }


def _about(proposal: Proposal) -> Document:
    return {
        "proposal_id": proposal.id,
        "digest": proposal.digest,
        "state": proposal.state.value,
        "source": proposal.source,
        "policy": proposal.policy,
        "step": proposal.step,
        "mode": proposal.mode.value,
        "audit": proposal.audit,
        "action": proposal.plan.action,
        "workload": proposal.plan.target.workload,
        "container": proposal.plan.target.container,
        "expires_at": proposal.expires_at.isoformat(),
        "changes": [_change(one) for one in proposal.plan.changes[:_MOST_CHANGES]],
    }


def _details(proposal: Proposal) -> Document:
    """Return what only some moves have: evidence at birth, what was written, the verdict."""
    found: Document = {}
    if proposal.version == 0:
        found["consequence"] = _text(proposal.plan.consequence)
        found["prechecks"] = [f"{p.name}: {p.result.value}" for p in proposal.plan.prechecks]
        if proposal.row is not None:
            found["evidence"] = _evidence(proposal.row.values)
    if proposal.requested_by is not None:
        found["requested_by"] = proposal.requested_by.name
    if proposal.approvals:
        found["approved_by"] = [one.principal.name for one in proposal.approvals]
    if proposal.applied is not None:
        found["applied"] = {
            "at": proposal.applied.at.isoformat(),
            "resource_version": proposal.applied.resource_version,
            "replayed": proposal.applied.replayed,
            "dry_run": proposal.applied.recorded,
        }
    if proposal.verdict is not None:
        verdict = proposal.verdict
        found["verdict"] = {"outcome": verdict.outcome.value, "reason": verdict.reason}
        found["verdict"] |= {"detail": _text(verdict.detail), "samples": verdict.samples}
        found["verdict"] |= {"before": _evidence(verdict.before), "after": _evidence(verdict.after)}
    return found


def _said(data: Mapping[str, Any]) -> Document:
    kept = ("on_behalf_of", "execution_url", "still_needed")
    return {name: data[name] for name in kept if name in data}


def _resource(target: Target) -> Document:
    found: Document = {
        "namespace": target.namespace,
        "resource": {"name": target.name, "type": target.kind.lower()},
    }
    if target.kind in KINDS:
        found["api_version"] = KINDS[target.kind].api_version
    if target.uid:
        found["resource"]["id"] = target.uid
    return found


def _rule(policy: str, version: str, audit: str) -> Document:
    named = {"id": policy, "name": policy, "version": version[:12], "ruleset": audit}
    return {name: value for name, value in named.items() if value}


def _change(change: FieldChange) -> Document:
    hidden = ".env" in change.path
    old, new = (_value(one, hidden=hidden) for one in (change.old, change.new))
    return {"path": change.path, "before": old, "after": new}


def _value(value: object, *, hidden: bool) -> str:
    if value is None:
        return ""
    if hidden or isinstance(value, dict | list):
        text = json.dumps(value, sort_keys=True, default=str)
        return f"sha256:{sha256(text)[:16]}"
    return _text(value)


def _evidence(values: Mapping[str, Any]) -> dict[str, str]:
    """Return a row as text by column; a dot in a name would make objects of columns."""
    return {
        name.replace(".", "_"): _text(value) for name, value in values.items() if value is not None
    }


def _text(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 3]}..."


def _outcome(state: State, amended: bool) -> str:
    if amended:
        return "unknown"
    return "success" if state in _SUCCESS else "failure" if state in _FAILURE else "unknown"


def _type(state: State, amended: bool) -> str:
    if amended:
        return "info"
    return "change" if state in _CHANGES else "denied" if state in _DENIED else "info"


def _kebab(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:40]
