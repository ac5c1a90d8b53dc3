"""A policy in words, for people who have to trust it."""

import json
from collections.abc import Iterator

from remedyd.documents import format_duration
from remedyd.model.decision import Mode
from remedyd.model.plan import ESCALATE
from remedyd.policy.policy import Policy, Step
from remedyd.policy.schema import Match, OnFailure

_MODES = {
    Mode.DISABLED: "does nothing",
    Mode.DRY_RUN: "plans and records, never writes",
    Mode.PROPOSE: "proposes; a person or workflow approves",
    Mode.AUTO: "approves its own proposals",
}
_FAILURES = {
    OnFailure.STOP: "the change is kept and nothing follows",
    OnFailure.NEXT: "the change is undone and the next step is proposed",
    OnFailure.ROLLBACK: "the change is undone",
}


def explain(policy: Policy) -> str:
    """Return a description of what the policy does, line by line."""
    return "\n".join(_lines(policy))


def _lines(policy: Policy) -> Iterator[str]:
    spec = policy.spec
    yield f"{policy.name} ({policy.mode}: {_MODES[policy.mode]})"
    if spec.description:
        yield f"  {spec.description}"
    severities = " or ".join(str(name) for name in spec.audit.severities)
    yield f"  for {severities} rows of the audit {policy.audit}"
    yield from (f"  about {text}" for text in _match(spec.match))
    for condition in policy.conditions:
        yield f"  when {condition.name}: {condition.expression}"
    yield f"  once it held {_sustained(policy)}"
    for number, step in enumerate(policy.steps, 1):
        yield from _step(number, step)
    yield f"  then not again for the workload for {format_duration(spec.cooldown)}"
    if (approval := _approval(policy)) and policy.mode is Mode.PROPOSE:
        yield f"  {approval}"
    limits = spec.limits
    yield (
        f"  at most {limits.max_per_hour} proposals an hour, and none in a namespace where more "
        f"than {limits.max_targets_percent:g} % of the workloads match at once"
    )
    yield f"  hash {policy.hash[:12]}"


def _approval(policy: Policy) -> str:
    count, names = policy.spec.approvals, policy.spec.approvers
    if names is not None and not names:
        return "approved by nobody: approvers is empty"
    who = f" of {', '.join(names)}" if names else ""
    return f"approved by {count}{who}" if count > 1 or names else ""


def _match(match: Match) -> Iterator[str]:
    yield " and ".join(f"{kind}s" for kind in match.target_kinds)
    for words, patterns in (
        ("in namespaces", match.namespaces),
        ("not in namespaces", match.exclude_namespaces),
        ("named", match.names),
        ("not named", match.exclude_names),
    ):
        if patterns:
            yield f"workloads {words} {', '.join(patterns)}"


def _sustained(policy: Policy) -> str:
    sustain = policy.spec.sustain
    if sustain.cycles == 1:
        return "in one run of the audit"
    if sustain.window is None:
        return f"in {sustain.cycles} runs of the audit in a row"
    return f"in {sustain.cycles} runs of the audit within {format_duration(sustain.window)}"


def _step(number: int, step: Step) -> Iterator[str]:
    parameters = json.dumps(step.action.params, ensure_ascii=False) if step.action.params else ""
    yield f"  step {number}, {step.name}: {step.action.type} {parameters}".rstrip()
    if step.when is not None:
        yield f"    if {step.when.expression}"
    verify = step.spec.verify
    attempts = step.spec.max_attempts
    often = f"at most {'once' if attempts == 1 else f'{attempts} times'} a day"
    if step.action.type == ESCALATE:
        yield f"    {often}; writes nothing, needs no approval, calls a person"
        return
    yield (
        f"    {often}; proved from "
        f"{format_duration(verify.after)} after the rollout for {format_duration(verify.observe)}"
    )
    yield f"    if that fails, {_FAILURES[step.spec.on_failure]}"
