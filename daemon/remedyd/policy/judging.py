"""One policy against one result: which rows match, and why the others do not.

Looks at the rows alone. What happened before, and what else is proposed in this cycle, comes
later; so a row that matches here is a `Match`, not yet a proposal.
"""

from dataclasses import dataclass, replace
from typing import cast

from remedyd.model.audit import AuditRow, Severity
from remedyd.model.decision import Decision, DecisionKind, Mode, VerifySpec
from remedyd.model.quick import quick
from remedyd.model.target import Target
from remedyd.policy.cel import Condition, Fault
from remedyd.policy.frame import Frame
from remedyd.policy.policy import Policy, Step
from remedyd.policy.reasons import Reason
from remedyd.policy.schema import FailurePolicy
from remedyd.policy.selector import Selector

_VERIFY = VerifySpec()
_SKIP, _HOLD, _PROPOSE = DecisionKind.SKIP, DecisionKind.HOLD, DecisionKind.PROPOSE


@quick
@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A row for which everything in the policy holds, and the steps that apply, in order.

    `index` is the row's place in `frame`, `slot` its decision's place in the answer.
    """

    policy: Policy
    row: AuditRow
    steps: tuple[Step, ...]
    frame: Frame
    index: int
    slot: int
    workload: str
    identity: str
    namespace: tuple[str, str]
    """Cluster and namespace."""

    @property
    def target(self) -> Target:
        """The row's subject."""
        return self.row.target

    @property
    def evidence(self) -> str:
        """Return what the conditions read, such as `oom_kills = 9, oom_pods = 3`."""
        read = dict.fromkeys(name for c in self.policy.conditions for name in c.columns)
        return self.frame.shown(tuple(read), self.index)

    def hold(self, reason: Reason, detail: str, step: Step | None = None) -> Decision:
        """Return that nothing is done now; `step` would have been next."""
        policy, row = self.policy, self.row
        spec = policy.spec
        name, verify = (step.spec.name, step.verify) if step else ("", _VERIFY)
        return Decision(
            _HOLD, policy.name, spec.audit.name, row.target, reason, detail, "", spec.mode, name,
            None, verify, row, policy.hash, "", spec.approvals, spec.approvers,
        )  # fmt: skip

    def propose(self, reason: Reason, detail: str, step: Step, after: str = "") -> Decision:
        """Return that the step is proposed; `after` is the proposal of the rung before."""
        held = self.hold(reason, detail, step)
        return replace(held, kind=_PROPOSE, action=step.action, after=after)


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


def judge(policy: Policy, frame: Frame, first: int) -> list[Decision | Match]:
    """Return a decision or a match for every row, in row order; `first` is the first one's slot."""
    bench = _Bench(policy, frame, first)
    if policy.mode is Mode.DISABLED:
        bench.disable()
    else:
        bench.ask_severity()
        bench.ask_selector()
        for condition in policy.conditions:
            bench.ask(condition)
        bench.ask_steps()
    return bench.answers


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


class _Bench:
    """Judges all rows of a frame, one question after the other.

    `answers` fills up; `left` are the rows that every question so far has let through. Question by
    question instead of row by row, and with decisions built from positional arguments in place,
    because large clusters have many rows and nearly all of them end here.
    """

    def __init__(self, policy: Policy, frame: Frame, first: int) -> None:
        self._policy = policy
        self._frame = frame
        self._first = first
        self.answers: list[Decision | Match] = []
        self.left: list[int] = []

    def disable(self) -> None:
        """Skip every row."""
        name, audit, of, mode = self._names()
        why, text = Reason.DISABLED, "the policy is disabled"
        self.answers = [
            Decision(_SKIP, name, audit, r.target, why, text, "", mode, "", None, _VERIFY, r, of)
            for r in self._frame.rows
        ]

    def ask_severity(self) -> None:
        """Skip the rows whose severity the policy does not act on."""
        name, audit, of, mode = self._names()
        why, details = Reason.SEVERITY, _severity_details(self._policy)
        grades = self._frame.severities
        blank = cast("Decision", None)  # filled by a later question
        self.answers = [
            Decision(_SKIP, name, audit, r.target, why, text, "", mode, "", None, _VERIFY, r, of)
            if (text := details[grade])
            else blank
            for r, grade in zip(self._frame.rows, grades, strict=True)
        ]
        self.left = [index for index, grade in enumerate(grades) if not details[grade]]

    def ask_selector(self) -> None:
        """Skip the rows about workloads that the policy may not touch."""
        selector, frame = Selector(self._policy.spec.match), self._frame
        if selector.refuses_none(frame.places, all_named=frame.all_named):
            return
        refuse = selector.refuse
        rows, left = self._frame.rows, []
        for index in self.left:
            refused = refuse(rows[index].target)
            if refused is None:
                left.append(index)
            else:
                self._skip(index, *refused)
        self.left = left

    def ask(self, condition: Condition) -> None:
        """Skip the rows for which the condition is false or gives no answer."""
        name, audit, of, mode = self._names()
        rows, answers, left = self._frame.rows, self.answers, []
        found = self._frame.answers(condition, self.left)
        (no, false), (doubt, faulty) = self._unmet(False), self._unmet(Fault(""))
        c = condition.name
        for index, (answer, text) in zip(self.left, found, strict=True):
            if answer is True:
                left.append(index)
                continue
            kind, why = (no, false) if answer is False else (doubt, faulty)
            r = rows[index]
            answers[index] = Decision(
                kind, name, audit, r.target, why, text, c, mode, "", None, _VERIFY, r, of
            )
        self.left = left

    def ask_steps(self) -> None:
        """Turn the rows that are left into matches, with the steps whose `when` is true."""
        steps = self._policy.steps
        if all(step.when is None for step in steps):
            for index in self.left:
                self.answers[index] = self._match(index, steps)
            return
        fitting = {index: list(steps) for index in self.left}
        for step in steps:
            if step.when is not None:
                self._ask_when(step, step.when, fitting)
        none = ", ".join(step.name for step in steps)
        for index, kept in fitting.items():
            if kept:
                self.answers[index] = self._match(index, tuple(kept))
            else:
                self._skip(index, Reason.NO_STEP, f"no step applies to this row: {none}")

    def _ask_when(self, step: Step, when: Condition, fitting: dict[int, list[Step]]) -> None:
        """Drop the step where its `when` is false; a row to which it gives no answer is done."""
        asked = list(fitting)
        for index, (answer, text) in zip(asked, self._frame.answers(when, asked), strict=True):
            if answer is False:
                fitting[index].remove(step)
            elif answer is not True:
                del fitting[index]
                self._skip(index, Reason.CONDITION_ERROR, text, when.name)

    def _match(self, index: int, steps: tuple[Step, ...]) -> Match:
        frame, slot = self._frame, self._first + index
        return Match(
            self._policy, frame.rows[index], steps, frame, index, slot,
            frame.workloads[index], frame.identities[index], frame.namespaces[index],
        )  # fmt: skip

    def _unmet(self, answer: bool | Fault) -> tuple[DecisionKind, Reason]:
        if answer is False:
            return _SKIP, Reason.CONDITION
        strict = self._policy.spec.failure_policy is FailurePolicy.ERROR
        return DecisionKind.ERROR if strict else _SKIP, Reason.CONDITION_ERROR

    def _skip(self, index: int, reason: Reason, detail: str, condition: str = "") -> None:
        failed = reason is Reason.CONDITION_ERROR
        kind = self._unmet(Fault(detail))[0] if failed else _SKIP
        name, audit, of, mode = self._names()
        row = self._frame.rows[index]
        self.answers[index] = Decision(
            kind, name, audit, row.target, reason, detail, condition, mode, "", None, _VERIFY,
            row, of,
        )  # fmt: skip

    def _names(self) -> tuple[str, str, str, Mode]:
        p = self._policy
        return p.name, p.audit, p.hash, p.mode
