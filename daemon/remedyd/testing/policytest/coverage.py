"""Which branches of a policy the tests assert.

A branch counts when an expectation names an outcome that took it: a condition that is evaluated
a thousand times while nobody looks at the answer is not tested.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from remedyd.model import Mode
from remedyd.policy.policy import Policy
from remedyd.policy.reasons import Reason
from remedyd.policy.schema import OnFailure, TargetKind
from remedyd.testing.policytest.schema import Came
from remedyd.testing.policytest.seen import Seen

Branch: TypeAlias = tuple[str, str]
"""A policy and the name of one of its branches."""

_ALL_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Coverage:
    """One policy's branches and those of them that were asserted."""

    policy: str
    branches: tuple[str, ...]
    covered: frozenset[str]

    @property
    def missing(self) -> tuple[str, ...]:
        """The branches that no expectation asserts."""
        return tuple(branch for branch in self.branches if branch not in self.covered)

    @property
    def percent(self) -> float:
        """The asserted share, from 0 to 100."""
        return 100 * (len(self.branches) - len(self.missing)) / len(self.branches)

    @property
    def shown(self) -> str:
        """The share with one digit, rounded down: what is below a minimum must not look like it."""
        return f"{math.floor(self.percent * 10) / 10:g} %"


def coverage(policies: Iterable[Policy], covered: Iterable[Branch]) -> tuple[Coverage, ...]:
    """Return the coverage of each policy, by name."""
    asserted = set(covered)
    by_name = {policy.name: policy for policy in policies}
    return tuple(
        Coverage(
            name,
            tuple(branches(by_name[name])),
            frozenset(branch for policy, branch in asserted if policy == name),
        )
        for name in sorted(by_name)
    )


def branches(policy: Policy) -> Iterator[str]:
    """Yield the branches that the policy's own text gives it."""
    if policy.mode is Mode.DISABLED:
        yield f"skip {Reason.DISABLED}"
        return
    spec = policy.spec
    yield f"skip {Reason.SEVERITY}"
    if len(spec.match.target_kinds) < len(TargetKind):
        yield f"skip {Reason.KIND}"
    if spec.match.namespaces or spec.match.exclude_namespaces:
        yield f"skip {Reason.NAMESPACE}"
    if spec.match.names or spec.match.exclude_names:
        yield f"skip {Reason.NAME}"
    yield from (f"condition {condition.name} false" for condition in policy.conditions)
    if all(step.when is not None for step in policy.steps):
        yield f"skip {Reason.NO_STEP}"
    yield from (f"step {step.name}" for step in policy.steps)
    if spec.sustain.cycles > 1:
        yield f"hold {Reason.SUSTAIN}"
    yield f"hold {Reason.ALREADY_OPEN}"
    if spec.cooldown > timedelta(0):
        yield f"hold {Reason.COOLDOWN}"
    if any(step.spec.on_failure is OnFailure.NEXT for step in policy.steps[:-1]):
        yield f"hold {Reason.LADDER_STOPPED}"
    yield f"hold {Reason.STEPS_EXHAUSTED}"
    yield f"hold {Reason.HOURLY_LIMIT}"
    if spec.limits.max_targets_percent < _ALL_PERCENT:
        yield f"hold {Reason.TOO_MANY_TARGETS}"


def branch_of(one: Seen) -> str:
    """Return the branch that an outcome took."""
    decision = one.decision
    if one.came in (Came.PROPOSED, Came.REFUSED):
        return f"step {decision.step}" if one.came is Came.PROPOSED else f"refused {one.reason}"
    if one.came is Came.HELD:
        return f"hold {one.reason}"
    if one.reason == Reason.CONDITION:
        return f"condition {decision.condition} false"
    return f"skip {one.reason}" if one.came is Came.SKIPPED else f"error {one.reason}"
