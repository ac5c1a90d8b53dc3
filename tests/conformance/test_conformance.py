"""Every conformance case: columns, types, rows, warnings, errors."""

import pytest

from support.conformance import Case, ask, cases, comparable


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_case(case: Case) -> None:
    """The query answers as its case says."""
    answer = ask(case)
    assert answer.error == case.error
    assert answer.columns == case.columns
    assert comparable(case, answer.rows) == comparable(case, case.rows)
    assert answer.warnings == case.warnings


def test_names_are_unique() -> None:
    """A case can be named without doubt."""
    names = [str(case) for case in cases()]
    assert sorted(set(names)) == sorted(names)
