"""JUnit's XML, as build servers read it."""

from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from remedyd.testing.policytest.runner import CaseResult
from remedyd.testing.policytest.summary import Summary

_UNPRINTABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32)), "\ufffd")


def junit(summary: Summary) -> str:
    """Return one suite for each file, and one for the coverage where it is too low."""
    root = Element("testsuites", name="policy tests")
    for path, group in groupby(summary.results, lambda result: result.suite.path):
        _suite(root, path, list(group))
    if summary.uncovered:
        suite = SubElement(root, "testsuite", name="coverage")
        for one in summary.uncovered:
            case = SubElement(suite, "testcase", classname="coverage", name=one.policy)
            text = f"{one.shown} is less than the {summary.minimum:g} % asked for"
            SubElement(case, "failure", message=text).text = ", ".join(one.missing)
        suite.set("tests", str(len(summary.uncovered)))
        suite.set("failures", str(len(summary.uncovered)))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True)


def _suite(root: Element, path: str, results: list[CaseResult]) -> None:
    suite = SubElement(root, "testsuite", name=results[0].suite.name, file=path)
    suite.set("tests", str(len(results)))
    suite.set("failures", str(sum(not result.passed for result in results)))
    suite.set("time", f"{sum(result.seconds for result in results):.3f}")
    for result in results:
        case = SubElement(
            suite,
            "testcase",
            classname=result.suite.name,
            name=result.case.name.translate(_UNPRINTABLE),
            file=path,
            line=str(result.case.place.line),
            time=f"{result.seconds:.3f}",
        )
        for failure in result.failures:
            told = SubElement(case, "failure", message=str(failure.problem).translate(_UNPRINTABLE))
            told.text = failure.diff.translate(_UNPRINTABLE)
