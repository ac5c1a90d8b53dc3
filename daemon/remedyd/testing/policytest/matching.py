"""Expectations against what came: every one has to be met, and nothing may be left over.

Each expectation takes one outcome and each outcome one expectation, the largest number of pairs
that is possible; so an expectation that fits several outcomes does not take the only one that
another fits.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from remedyd.documents import format_duration
from remedyd.errors import Problem
from remedyd.testing.policytest.schema import Came
from remedyd.testing.policytest.seen import MUST_BE_EXPECTED, Seen
from remedyd.testing.policytest.suite import Case, Expected

Pair = tuple[Expected, Seen]
_ALWAYS = dict.fromkeys(("policy", "outcome", "reason"))
"""What is told of an outcome even where the expectation leaves it open."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One difference between expected and got; `diff` is a unified diff, or empty."""

    problem: Problem
    diff: str = ""


def judged(case: Case, seen: Sequence[Seen]) -> tuple[list[Pair], list[Failure]]:
    """Return which expectation took which outcome, and everything that differs."""
    pairs: list[Pair] = []
    failures: list[Failure] = []
    for at in case.cycles:
        expected = [one for one in case.expected if one.at == at]
        came = [one for one in seen if one.at == at]
        found = _paired(expected, came)
        pairs += [pair for pair in found if not _patch_differs(*pair)]
        failures += [_wrong_patch(case, *pair) for pair in found if _patch_differs(*pair)]
        taken = [id(one) for _, one in found]
        left = [one for one in came if id(one) not in taken]
        met = [id(one) for one, _ in found]
        for one in expected:
            if id(one) not in met:
                failures.append(_unmet(case, one, left, came))
        failures += [_unexpected(case, one) for one in left if one.came in MUST_BE_EXPECTED]
    return pairs, failures


def fits(expected: Expected, came: Seen) -> bool:
    """Whether an outcome is what an expectation names; the patch is looked at later."""
    decision = came.decision
    target = str(decision.target)
    return (
        expected.policy == decision.policy
        and expected.outcome is came.came
        and expected.target in ("", target, target.partition("[")[0])
        and expected.reason in ("", came.reason)
        and expected.condition in ("", decision.condition)
        and expected.step in ("", decision.step)
        and expected.precheck in ("", came.precheck)
        and expected.mode in ("", decision.mode)
    )


def _paired(expected: Sequence[Expected], came: Sequence[Seen]) -> list[Pair]:
    """Pair as many as possible, by augmenting paths."""
    owner: dict[int, int] = {}
    choices = [[j for j, one in enumerate(came) if fits(item, one)] for item in expected]

    def place(i: int, tried: set[int]) -> bool:
        for j in choices[i]:
            if j not in tried:
                tried.add(j)
                if j not in owner or place(owner[j], tried):
                    owner[j] = i
                    return True
        return False

    for i in range(len(expected)):
        place(i, set())
    return [(expected[i], came[j]) for j, i in sorted(owner.items())]


# --- what is said ------------------------------------------------------------------------------


def _unmet(case: Case, expected: Expected, left: list[Seen], came: Sequence[Seen]) -> Failure:
    """Say what came instead; an outcome that is told here is not told again as unexpected."""
    near = [one for one in left if one.decision.policy == expected.policy]
    about = [one for one in near if _concerns(expected, one)]
    at = format_duration(case.offset(expected.at))
    if not near:
        decided = any(one.decision.policy == expected.policy for one in came)
        what = "decided nothing else: what it decided met other expectations"
        if not decided:
            what = "decided nothing: its audit did not run in this cycle"
        return Failure(expected.place.problem(f"at {at} {expected.policy} {what}"))
    if not about:
        whom = ", ".join(str(one.decision.target) for one in near)
        text = f"at {at} {expected.policy} decided about {whom}, not about {expected.target}"
        return Failure(expected.place.problem(text))
    nearest = max(about, key=lambda one: _likeness(expected, one))
    left.remove(nearest)
    wanted, got_fields = _written(expected), _came(nearest, expected)
    text = f"at {at} {expected.policy} gave something else"
    return Failure(expected.place.problem(text), diff(wanted, got_fields))


def _concerns(expected: Expected, one: Seen) -> bool:
    """Whether an outcome is about the expected workload, or about the whole audit."""
    whole_audit = one.decision.row is None
    return whole_audit or expected.target in ("", str(one.decision.target), _workload(one))


def _unexpected(case: Case, one: Seen) -> Failure:
    at = format_duration(case.offset(one.at))
    text = f"at {at} {one.decision.policy} gave {one.came}, which is not expected"
    return Failure(case.place.problem(text), diff({}, _came(one, None)))


def _wrong_patch(case: Case, expected: Expected, one: Seen) -> Failure:
    at = format_duration(case.offset(expected.at))
    if one.plan is None:
        text = f"at {at} nothing was planned for want of fixtures, so there is no patch"
        return Failure(expected.place.problem(text))
    text = f"at {at} {expected.policy} would write another patch"
    return Failure(expected.place.problem(text), diff({"patch": expected.patch}, _patch(one)))


def _patch_differs(expected: Expected, one: Seen) -> bool:
    return expected.patch is not None and _patch(one) != {"patch": expected.patch}


def _patch(one: Seen) -> dict[str, Any]:
    planned = one.plan.patch if one.plan else None
    return {"patch": planned.body} if planned else {}


def _likeness(expected: Expected, one: Seen) -> tuple[bool, bool, bool, bool]:
    decision = one.decision
    return (
        expected.outcome is one.came,
        one.came in MUST_BE_EXPECTED,
        one.came is not Came.SKIPPED,
        expected.reason == one.reason or expected.step == decision.step,
    )


def _workload(one: Seen) -> str:
    return str(one.decision.target).partition("[")[0]


def _written(expected: Expected) -> dict[str, Any]:
    given = {
        "policy": expected.policy,
        "target": expected.target,
        "outcome": str(expected.outcome),
        "reason": expected.reason,
        "condition": expected.condition,
        "step": expected.step,
        "precheck": expected.precheck,
        "mode": str(expected.mode),
    }
    found: dict[str, Any] = {name: value for name, value in given.items() if value}
    return found if expected.patch is None else {**found, "patch": expected.patch}


def _came(one: Seen, expected: Expected | None) -> dict[str, Any]:
    """Return an outcome as an expectation would be written, with the sentence that explains it."""
    decision = one.decision
    target = str(decision.target)
    if expected is not None and expected.target in ("", _workload(one)):
        target = expected.target
    given = {
        "policy": decision.policy,
        "target": target,
        "outcome": str(one.came),
        "reason": one.reason,
        "condition": decision.condition,
        "step": decision.step,
        "precheck": one.precheck,
        "mode": str(decision.mode),
    }
    named = given if expected is None else {**_written(expected), **_ALWAYS}
    found: dict[str, Any] = {name: v for name, v in given.items() if v and name in named}
    if one.plan is not None and (expected is None or expected.patch is not None):
        found |= _patch(one)
    return {**found, "detail": one.detail}


def diff(expected: Mapping[str, Any], got: Mapping[str, Any]) -> str:
    """Return a unified diff of two documents as YAML."""
    lines = difflib.unified_diff(_lines(expected), _lines(got), "expected", "got", lineterm="")
    return "\n".join(lines)


def _lines(document: Mapping[str, Any]) -> list[str]:
    if not document:
        return []
    plain = json.loads(json.dumps(document))  # no enum members, nothing shared
    return str(yaml.safe_dump(plain, sort_keys=False, width=96)).splitlines()
