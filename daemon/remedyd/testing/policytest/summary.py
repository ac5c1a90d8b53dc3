"""A whole run: its cases, its coverage, and whether it is good enough."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from remedyd.testing.policytest.coverage import Coverage, coverage
from remedyd.testing.policytest.runner import CaseResult
from remedyd.testing.policytest.suite import Suite


@dataclass(frozen=True, slots=True)
class Summary:
    """All results. `minimum` is the coverage in percent that every policy has to reach."""

    results: tuple[CaseResult, ...]
    coverages: tuple[Coverage, ...]
    minimum: float = 0.0

    @property
    def failed(self) -> int:
        """The number of cases that failed."""
        return sum(not result.passed for result in self.results)

    @property
    def uncovered(self) -> tuple[Coverage, ...]:
        """The policies below the minimum."""
        return tuple(one for one in self.coverages if one.percent < self.minimum)

    @property
    def passed(self) -> bool:
        """Whether every case passed and every policy is covered well enough."""
        return not self.failed and not self.uncovered


def summary(
    suites: Iterable[Suite], results: Sequence[CaseResult], minimum: float = 0.0
) -> Summary:
    """Put results together; a policy that several files test is covered by all of them."""
    policies = {
        (policy.path, policy.name): policy for suite in suites for policy in suite.policies.values()
    }
    covered = {branch for result in results for branch in result.covered}
    return Summary(tuple(results), coverage(policies.values(), covered), minimum)
