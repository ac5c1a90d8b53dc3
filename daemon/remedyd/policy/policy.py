"""A policy as the daemon uses it: checked, compiled, with its hash."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from remedyd.documents import did_you_mean
from remedyd.errors import NotFound
from remedyd.model.audit import ColumnSpec
from remedyd.model.decision import ActionRequest, Mode, VerifySpec
from remedyd.policy.cel import Condition
from remedyd.policy.schema import OnFailure, Spec, StepSpec


@dataclass(frozen=True, slots=True)
class Step:
    """One rung with its compiled `when` and the action's parameters as the file gives them."""

    spec: StepSpec
    when: Condition | None
    action: ActionRequest
    verify: VerifySpec

    @property
    def name(self) -> str:
        """The step's name."""
        return self.spec.name

    @classmethod
    def of(cls, spec: StepSpec, when: Condition | None, action: ActionRequest) -> "Step":
        """Build the step; its proof comes from the specification."""
        verify = spec.verify
        proof = VerifySpec(
            settle_seconds=verify.after.total_seconds(),
            observe_seconds=verify.observe.total_seconds(),
            timeout_seconds=verify.timeout.total_seconds(),
            minimum_samples=verify.minimum_samples,
            rollback=spec.on_failure is not OnFailure.STOP,
        )
        return cls(spec, when, action, proof)


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. `hash` is the SHA-256 of the document's content, part of every digest."""

    name: str
    spec: Spec
    conditions: tuple[Condition, ...]
    steps: tuple[Step, ...]
    columns: Mapping[str, ColumnSpec]
    hash: str
    path: str = ""
    line: int = 0

    @property
    def audit(self) -> str:
        """The name of the audit whose rows it judges."""
        return self.spec.audit.name

    @property
    def mode(self) -> Mode:
        """How far it may go."""
        return self.spec.mode


class PolicySet(Mapping[str, Policy]):
    """The loaded policies by name, in name order."""

    def __init__(self, policies: Sequence[Policy] = ()) -> None:
        """Take policies with different names."""
        self._policies = {policy.name: policy for policy in sorted(policies, key=_name)}

    def __getitem__(self, name: str) -> Policy:
        """Return the policy; KeyError when there is none."""
        return self._policies[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in order."""
        return iter(self._policies)

    def __len__(self) -> int:
        """Count the policies."""
        return len(self._policies)

    def find(self, name: str) -> Policy:
        """Return the policy; raise NotFound that names the nearest one."""
        if name not in self._policies:
            near = did_you_mean(name, self)
            raise NotFound(f'there is no policy "{name}"{near}', hint="list them: policy explain")
        return self._policies[name]

    def for_audit(self, audit: str) -> tuple[Policy, ...]:
        """Return the policies that judge the rows of `audit`, in name order."""
        return tuple(policy for policy in self._policies.values() if policy.audit == audit)

    @property
    def audits(self) -> frozenset[str]:
        """The audits that enabled policies need."""
        return frozenset(p.audit for p in self._policies.values() if p.mode is not Mode.DISABLED)


def _name(policy: Policy) -> str:
    return policy.name
