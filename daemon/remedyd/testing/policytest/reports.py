"""A run's outcome for people, for scripts, and for the annotations of GitHub."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from remedyd.cli.annotations import annotation, escaped
from remedyd.errors import Problem
from remedyd.testing.policytest.coverage import Coverage
from remedyd.testing.policytest.matching import Failure
from remedyd.testing.policytest.runner import CaseResult
from remedyd.testing.policytest.summary import Summary


def text(summary: Summary) -> str:
    """Return one line a case, every failure with its difference, and the coverage."""
    lines: list[str] = []
    for result in summary.results:
        word = "ok  " if result.passed else "FAIL"
        lines.append(f"{word}  {result.suite.name}: {result.case.name}")
        for failure in result.failures:
            lines.append(f"      {failure.problem}")
            lines += [f"        {line}" for line in failure.diff.splitlines()]
    passed = len(summary.results) - summary.failed
    seconds = sum(result.seconds for result in summary.results)
    lines += ["", f"{passed} passed, {summary.failed} failed in {seconds:.2f} s", ""]
    return "\n".join([*lines, *_coverage(summary)])


def _coverage(summary: Summary) -> Iterator[str]:
    width = max((len(one.policy) for one in summary.coverages), default=0)
    for one in summary.coverages:
        count = f"{len(one.branches) - len(one.missing)}/{len(one.branches)}"
        line = f"{one.policy:<{width}}  {one.shown:>6} of branches asserted ({count})"
        yield f"{line}, missing: {', '.join(one.missing)}" if one.missing else line
    for one in summary.uncovered:
        yield _too_little(one, summary.minimum)


def _too_little(one: Coverage, minimum: float) -> str:
    return f"{one.policy}: {one.shown} is less than the {minimum:g} % asked for"


def as_json(summary: Summary) -> str:
    """Return everything, with what came in every cycle."""
    shown = {
        "passed": summary.passed,
        "cases": [_case(result) for result in summary.results],
        "coverage": [
            {
                "policy": one.policy,
                "percent": round(one.percent, 1),
                "branches": list(one.branches),
                "missing": list(one.missing),
            }
            for one in summary.coverages
        ],
        "minimumCoverage": summary.minimum,
    }
    return json.dumps(shown, indent=2, ensure_ascii=False)


def problems(found: Sequence[Problem]) -> str:
    """Return the mistakes because of which nothing was run."""
    shown = {"passed": False, "cases": [], "problems": [_problem(one) for one in found]}
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _case(result: CaseResult) -> dict[str, Any]:
    place = result.case.place
    return {
        "test": result.suite.name,
        "case": result.case.name,
        "path": place.path,
        "line": place.line,
        "passed": result.passed,
        "seconds": round(result.seconds, 4),
        "failures": [_failure(failure) for failure in result.failures],
        "outcomes": [
            {
                "at": one.at.isoformat(),
                "policy": one.decision.policy,
                "target": str(one.decision.target),
                "outcome": str(one.came),
                "reason": one.reason,
                "condition": one.decision.condition,
                "step": one.decision.step,
                "detail": one.detail,
                "patch": one.plan.patch.body if one.plan and one.plan.patch else None,
            }
            for one in result.seen
        ],
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {**_problem(failure.problem), "diff": failure.diff}


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
    }


def github(summary: Summary) -> str:
    """Return one workflow command for each failure, at its line of the test file."""
    lines = [
        annotation(
            Problem(
                f"{result.case.name}: {failure.problem.message}\n{failure.diff}".rstrip(),
                failure.problem.path,
                failure.problem.line,
                failure.problem.column,
            )
        )
        for result in summary.results
        for failure in result.failures
    ]
    lines += [f"::error::{escaped(_too_little(one, summary.minimum))}" for one in summary.uncovered]
    passed = len(summary.results) - summary.failed
    return "\n".join([*lines, f"::notice::{passed} policy tests passed, {summary.failed} failed"])
