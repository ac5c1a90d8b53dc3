"""Expectations of a case, with their names looked up.

A name that does not exist would make an expectation that fails, or passes, for the wrong reason;
so unknown policies, steps, conditions, reasons and prechecks are mistakes of the file.
"""

from collections.abc import Iterator

from remedyd.cluster.prechecks.runner import CHECKS
from remedyd.documents import did_you_mean
from remedyd.documents.nodes import Location
from remedyd.policy.leaks import STEP as LEAK
from remedyd.policy.policy import Policy
from remedyd.policy.reasons import OUTCOMES, Reason
from remedyd.testing.policytest.context import Context, Timeline
from remedyd.testing.policytest.objects import patch
from remedyd.testing.policytest.schema import Came, CaseSpec, ExpectSpec
from remedyd.testing.policytest.suite import Expected

REASONS = (*map(str, Reason), *sorted(OUTCOMES))
_PRECHECKS = (*CHECKS, "Admission")


def expectations(
    context: Context, spec: CaseSpec, loc: Location, timeline: Timeline
) -> Iterator[Expected]:
    """Yield what has to come, one for each cycle."""
    for index, item in enumerate(spec.expect):
        place = (*loc, "expect", index)
        policy = _policy(context, item, place)
        if policy is None:
            continue
        _check(context, item, policy, place)
        wanted = patch(context.document, item.patch, (*place, "patch"), context.problems)
        for at in timeline.between(item.at, item.until):
            yield Expected(
                at=at,
                policy=policy.name,
                outcome=item.outcome,
                place=context.place(place),
                target=item.target or "",
                reason=item.reason or "",
                condition=item.condition or "",
                step=item.step or "",
                precheck=item.precheck or "",
                mode=item.mode or "",
                patch=wanted,
            )


def _policy(context: Context, item: ExpectSpec, place: Location) -> Policy | None:
    policies = context.policies
    known = ", ".join(policies)
    if item.policy is None:
        if len(policies) == 1:
            return next(iter(policies.values()))
        context.complain(place, f"name the policy: one of {known}")
    elif item.policy in policies:
        return policies[item.policy]
    else:
        near = did_you_mean(item.policy, policies) or f"; known are {known}"
        context.complain((*place, "policy"), f'unknown policy "{item.policy}"{near}')
    return None


def _check(context: Context, item: ExpectSpec, policy: Policy, place: Location) -> None:
    whens = [step.when.name for step in policy.steps if step.when is not None]
    conditions = [condition.name for condition in policy.conditions]
    # Reasons of a refusal are the actions' own; a wrong one shows as a difference.
    reason = None if item.outcome is Came.REFUSED else item.reason
    for key, name, known, of in (
        ("step", item.step, [*(step.name for step in policy.steps), LEAK], f" of {policy.name}"),
        ("condition", item.condition, conditions + whens, f" of {policy.name}"),
        ("precheck", item.precheck, _PRECHECKS, ""),
        ("reason", reason, REASONS, ""),
    ):
        if name is not None and name not in known:
            near = did_you_mean(name, known) or f"; known are {', '.join(known) or 'none'}"
            context.complain((*place, key), f'unknown {key} "{name}"{of}{near}')
    if item.patch is not None and item.outcome is not Came.PROPOSED:
        context.complain((*place, "patch"), "only a Proposed outcome has a patch")
    if item.precheck is not None and item.outcome is not Came.REFUSED:
        context.complain((*place, "precheck"), "only a Refused outcome names a precheck")
