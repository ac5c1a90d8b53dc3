"""A card for people, for scripts and for a page."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from remedyd.documents import format_duration
from remedyd.testing.policytest.junit import junit
from remedyd.testing.policytest.summary import Summary
from remedyd.testing.scorecard.card import Card, Scored
from remedyd.testing.scorecard.grading import Grade


def text(card: Card) -> str:
    """Return one line a scenario, what is wrong with its answer, and the sums."""
    lines: list[str] = []
    for one in card.scored:
        word = "ok  " if one.result.passed else "FAIL"
        delays = _delays(one)
        lines.append(f"{word}  {one.name}{f' (after {delays})' if delays else ''}")
        lines += [f"      {failure.problem}" for failure in one.result.failures]
    return "\n".join([*lines, "", *(f"{name:<15} {told}" for name, told in _sums(card))])


def markdown(card: Card) -> str:
    """Return the same as a page."""
    lines = ["| scenario | answer | time to detect |", "| --- | --- | --- |"]
    for one in card.scored:
        answer = "right" if one.result.passed else "; ".join(_said(one))
        lines.append(f"| {_cell(one.name)} | {_cell(answer)} | {_delays(one) or '-'} |")
    lines += ["", "| figure | value |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {name} | {told} |" for name, told in _sums(card))])


def as_junit(card: Card) -> str:
    """Return one suite for each file, as build servers read it."""
    return junit(Summary(tuple(one.result for one in card.scored), ()), "scorecard")


def as_json(card: Card) -> str:
    """Return every figure, proposal and detection; times in seconds."""
    longest = card.time_to_detect
    shown = {
        "passed": card.passed,
        "detected": card.detected,
        "missed": card.missed,
        **{str(grade): card.count(grade) for grade in Grade},
        "recall": card.recall,
        "precision": card.precision,
        "minimumRecall": card.demand.recall,
        "minimumPrecision": card.demand.precision,
        "timeToDetect": longest
        and {"median": longest[0].total_seconds(), "longest": longest[1].total_seconds()},
        "scenarios": [_scenario(one) for one in card.scored],
    }
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _scenario(one: Scored) -> dict[str, Any]:
    place = one.result.case.place
    return {
        "scorecard": one.result.suite.name,
        "scenario": one.result.case.name,
        "path": place.path,
        "line": place.line,
        "passed": one.result.passed,
        "reasons": list(_said(one)),
        "detections": [
            {
                "target": found.wanted.spec.target,
                "actions": list(found.wanted.spec.actions),
                "begins": found.wanted.spec.begins.total_seconds(),
                "by": found.wanted.spec.by.total_seconds(),
                "at": _seconds(found.at),
                "delay": _seconds(found.delay),
            }
            for found in one.detections
        ],
        "proposals": [
            {
                "at": proposal.at.total_seconds(),
                "time": proposal.seen.at.isoformat(),
                "policy": proposal.seen.decision.policy,
                "target": str(proposal.seen.decision.target),
                "action": proposal.action,
                "grade": str(proposal.grade),
            }
            for proposal in one.proposals
        ],
    }


def _sums(card: Card) -> Iterator[tuple[str, str]]:
    right = len(card.scored) - card.failed
    yield "scenarios", f"{len(card.scored)}, {right} answered rightly"
    yield "detected", f"{card.detected} of {card.detected + card.missed}, {card.missed} missed"
    yield "wrong", str(card.count(Grade.WRONG))
    yield "forbidden", str(card.count(Grade.FORBIDDEN))
    yield "recall", _share(card.recall, card.demand.recall)
    yield "precision", _share(card.precision, card.demand.precision)
    if card.time_to_detect:
        middle, longest = card.time_to_detect
        told = f"median {format_duration(middle)}, longest {format_duration(longest)}"
        yield "time to detect", told


def _share(share: float | None, demanded: float) -> str:
    if share is None:
        return "-"
    return f"{share:.3f}" + (f", less than {demanded:g} asked for" if share < demanded else "")


def _said(one: Scored) -> Iterator[str]:
    return (failure.problem.message for failure in one.result.failures)


def _delays(one: Scored) -> str:
    found = (detection.delay for detection in one.detections)
    return ", ".join(format_duration(delay) for delay in found if delay is not None)


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
