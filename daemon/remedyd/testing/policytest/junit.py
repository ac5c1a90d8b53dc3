"""JUnit's XML, as build servers read it."""

from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from remedyd.errors import Problem
from remedyd.testing.policytest.runner import CaseResult
from remedyd.testing.policytest.summary import Summary

_UNPRINTABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32)), "\ufffd")


def junit(summary: Summary, name: str = "policy tests") -> str:
    """Return one suite for each file, and one for the coverage where it is too low."""
    root = Element("testsuites", name=name)
    _count(root, len(summary.results), summary.failed)
    for path, group in groupby(summary.results, lambda result: result.suite.path):
        _suite(root, path, list(group))
    if summary.uncovered:
        suite = SubElement(root, "testsuite", name="coverage")
        for one in summary.uncovered:
            case = SubElement(suite, "testcase", classname="coverage", name=one.policy)
            text = f"{one.shown} is less than the {summary.minimum:g} % asked for"
            told = SubElement(case, "failure", type="coverage", message=text)
            told.text = ", ".join(one.missing)
        _count(suite, len(summary.uncovered), len(summary.uncovered))
    return _written(root)


def problems(found: Sequence[Problem]) -> str:
    """Return one suite with an error for each mistake because of which nothing was run."""
    root = Element("testsuites", name="policy tests")
    suite = SubElement(root, "testsuite", name="load")
    for one in found:
        case = SubElement(suite, "testcase", classname="load", name=_clean(str(one)))
        SubElement(case, "error", type="load", message=_clean(one.message))
    for element in (root, suite):
        _count(element, len(found), 0, errors=len(found))
    return _written(root)


def _written(root: Element) -> str:
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True)


def _count(element: Element, tests: int, failures: int, *, errors: int = 0) -> None:
    element.set("tests", str(tests))
    element.set("failures", str(failures))
    element.set("errors", str(errors))


def _clean(text: str) -> str:
    return text.translate(_UNPRINTABLE)


def _suite(root: Element, path: str, results: list[CaseResult]) -> None:
    suite = SubElement(root, "testsuite", name=results[0].suite.name, file=path)
    _count(suite, len(results), sum(not result.passed for result in results))
    suite.set("time", f"{sum(result.seconds for result in results):.3f}")
    for result in results:
        case = SubElement(
            suite,
            "testcase",
            classname=result.suite.name,
            name=_clean(result.case.name),
            file=path,
            line=str(result.case.place.line),
            time=f"{result.seconds:.3f}",
        )
        if result.failures:
            _failure(case, result)


def _failure(case: Element, result: CaseResult) -> None:
    """Add everything that differs as one failure: readers take no more than one for a test."""
    first, *others = result.failures
    more = f" (and {len(others)} more)" if others else ""
    message = _clean(f"{first.problem}{more}")
    told = SubElement(case, "failure", type="difference", message=message)
    parts = (part for one in result.failures for part in (str(one.problem), one.diff) if part)
    told.text = _clean("\n".join(parts))
