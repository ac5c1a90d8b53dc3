"""One policy against one result: which rows match, and why the others do not.

Looks at the rows alone. What happened before, and what else is proposed in this cycle, comes
later; so a row that matches here is a `Match`, not yet a proposal.
"""

from dataclasses import dataclass

from remedyd.model.audit import AuditRow, Severity
from remedyd.model.decision import Decision, DecisionKind, Mode, VerifySpec
from remedyd.model.target import Target
from remedyd.policy.cel import Condition, Fault
from remedyd.policy.frame import Frame
from remedyd.policy.policy import Policy, Step
from remedyd.policy.reasons import Reason
from remedyd.policy.schema import FailurePolicy
from remedyd.policy.selector import Selector

_VERIFY = VerifySpec()
_SKIP = DecisionKind.SKIP


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A row for which everything in the policy holds, and the steps that apply, in order.

    `index` is the row's place in `frame`.
    """

    policy: Policy
    row: AuditRow
    steps: tuple[Step, ...]
    frame: Frame
    index: int

    @property
    def target(self) -> Target:
        """The row's subject."""
        return self.row.target

    @property
    def evidence(self) -> str:
        """Return what the conditions read, such as `oom_kills = 9, oom_pods = 3`."""
        read = dict.fromkeys(name for c in self.policy.conditions for name in c.columns)
        return self.frame.shown(tuple(read), self.index)

    def decide(
        self, kind: DecisionKind, reason: Reason, detail: str, step: Step | None = None
    ) -> Decision:
        """Return the decision about this row; a step is given when it is proposed or was next."""
        return Decision(
            kind=kind,
            policy=self.policy.name,
            audit=self.policy.audit,
            target=self.row.target,
            reason=reason,
            detail=detail,
            mode=self.policy.mode,
            step=step.name if step else "",
            action=step.action if step and kind is DecisionKind.PROPOSE else None,
            verify=step.verify if step else _VERIFY,
            row=self.row,
            policy_hash=self.policy.hash,
        )


def unusable(policy: Policy, frame: Frame) -> Decision:
    """Return the one decision about a result that has no usable rows."""
    result = frame.result
    disabled = policy.mode is Mode.DISABLED
    detail = result.detail or f"the audit ended with {result.outcome}"
    return Decision(
        kind=_SKIP if disabled else DecisionKind.ERROR,
        policy=policy.name,
        audit=policy.audit,
        target=Target("", "", "Audit", policy.audit),
        reason=Reason.DISABLED if disabled else str(result.outcome),
        detail="the policy is disabled" if disabled else detail,
        mode=policy.mode,
        policy_hash=policy.hash,
    )


def judge(policy: Policy, frame: Frame) -> list[Decision | Match]:
    """Return a decision or a match for every row, in row order.

    Decisions are built from positional arguments here: most rows end in these lines, and building
    their decisions is most of a cycle's time.
    """
    name, audit, mode, of = policy.name, policy.audit, policy.mode, policy.hash
    if mode is Mode.DISABLED:
        why, text = Reason.DISABLED, "the policy is disabled"
        return [
            Decision(_SKIP, name, audit, r.target, why, text, "", mode, "", None, _VERIFY, r, of)
            for r in frame.rows
        ]
    refused = _severity_details(policy)
    ask = _Rows(policy, frame).judge
    why = Reason.SEVERITY
    return [
        Decision(_SKIP, name, audit, r.target, why, text, "", mode, "", None, _VERIFY, r, of)
        if (text := refused[severity])
        else ask(r, index)
        for index, (r, severity) in enumerate(zip(frame.rows, frame.severities, strict=True))
    ]


def set_aside(policy: Policy, frame: Frame) -> list[Decision]:
    """Return a Skip for each row that the audit does not vouch for."""
    disabled = policy.mode is Mode.DISABLED
    return [
        Decision(
            kind=_SKIP,
            policy=policy.name,
            audit=policy.audit,
            target=aside.row.target,
            reason=Reason.DISABLED if disabled else aside.reason,
            detail="the policy is disabled" if disabled else aside.detail,
            mode=policy.mode,
            row=aside.row,
            policy_hash=policy.hash,
        )
        for aside in frame.result.set_aside
    ]


def _severity_details(policy: Policy) -> list[str]:
    """Return for each grade why a row of it is skipped; empty where the policy acts."""
    wanted = [name.severity for name in policy.spec.audit.severities]
    shown = " and ".join(str(name) for name in policy.spec.audit.severities)
    details = [""] * (max(Severity) + 1)
    for grade in Severity:
        if grade not in wanted:
            details[grade] = f"the row is {grade.name.lower()}; the policy acts on {shown}"
    return details


class _Rows:
    """Judges the rows of one frame whose severity is right."""

    def __init__(self, policy: Policy, frame: Frame) -> None:
        self._policy = policy
        self._frame = frame
        self._refuse = Selector(policy.spec.match).refuse
        self._strict = policy.spec.failure_policy is FailurePolicy.ERROR

    def judge(self, row: AuditRow, index: int) -> Decision | Match:
        refused = self._refuse(row.target)
        if refused is not None:
            return self._not(_SKIP, row, *refused)
        test = self._frame.test
        for condition in self._policy.conditions:
            answer = test(condition, index)
            if answer is not True:
                return self._unmet(row, index, condition, answer)
        return self._steps(row, index)

    def _steps(self, row: AuditRow, index: int) -> Decision | Match:
        """Keep the steps whose `when` is true; one that gives no answer stops the ladder."""
        fitting: list[Step] = []
        for step in self._policy.steps:
            answer = True if step.when is None else self._frame.test(step.when, index)
            if isinstance(answer, Fault):
                assert step.when is not None
                return self._unmet(row, index, step.when, answer)
            if answer:
                fitting.append(step)
        if not fitting:
            names = ", ".join(step.name for step in self._policy.steps)
            return self._not(_SKIP, row, Reason.NO_STEP, f"no step applies to this row: {names}")
        return Match(self._policy, row, tuple(fitting), self._frame, index)

    def _unmet(
        self, row: AuditRow, index: int, condition: Condition, answer: bool | Fault
    ) -> Decision:
        detail = self._frame.unmet(condition, index, answer)
        if answer is False:
            return self._not(_SKIP, row, Reason.CONDITION, detail, condition.name)
        kind = DecisionKind.ERROR if self._strict else _SKIP
        return self._not(kind, row, Reason.CONDITION_ERROR, detail, condition.name)

    def _not(
        self, kind: DecisionKind, row: AuditRow, reason: Reason, detail: str, condition: str = ""
    ) -> Decision:
        p = self._policy
        return Decision(
            kind, p.name, p.audit, row.target, reason, detail, condition, p.mode, "", None,
            _VERIFY, row, p.hash,
        )  # fmt: skip
