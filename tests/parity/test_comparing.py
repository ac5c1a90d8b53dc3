"""Columns, types, rows, warnings and errors are compared; noise is not."""

import pytest

from remedyd.model import Column, Table
from remedyd.testing.parity.comparing import Answer, differences


def table(*rows, columns=("a:long",), warnings=()):
    pairs = [text.split(":") for text in columns]
    return Answer(Table(tuple(Column(*pair) for pair in pairs), rows, tuple(warnings)))


def said(ours, theirs, query="FROM a"):
    return list(differences(query, ours, theirs))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (table((1,)), table((1,))),
        (table((1,), (2,)), table((2,), (1,))),
        (table((0.1 + 0.2,)), table((0.3,))),
        (table(((1.0, 2.0),)), table(((1.0, 2.0 + 1e-12),))),
        (table(warnings=["No limit defined, adding default limit of [1000]"]), table()),
        (table(warnings=["a", "b"]), table(warnings=["b", "a"])),
        (Answer(error="line 1:5: no", line=1, column=5), Answer(error="no", line=1, column=5)),
    ],
)
def test_equal_answers(ours, theirs):
    """Order without SORT, the last digit of a sum, and the default limit do not count."""
    assert said(ours, theirs) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "first"),
    [
        (table((1,)), table((2,)), "row 0 offline: (1,)"),
        (table((1,)), table((1.0,)), "row 0 offline: (1,)"),
        (table((True,)), table((1,)), "row 0 offline: (True,)"),
        (table((1,)), table(), "1 rows offline, 0 in Elasticsearch"),
        (table(), table(columns=["a:integer"]), "columns offline: a:long"),
        (table(), table(columns=["b:long"]), "columns offline: a:long"),
        (table(warnings=["w"]), table(), "warning only offline: w"),
        (table(), table(warnings=["w"]), "warning only in Elasticsearch: w"),
        (table(), Answer(error="no"), "offline gives rows, Elasticsearch an error: no"),
        (Answer(error="no"), table(), "offline gives an error, Elasticsearch rows: no"),
        (Answer(error="no"), Answer(error="never"), "error offline: no"),
        (
            Answer(error="no", line=1, column=2), Answer(error="no", line=1, column=3),
            "error at 1:2 offline, at 1:3 in Elasticsearch",
        ),
    ],
)  # fmt: skip
def test_differences_are_named(ours, theirs, first):
    """Each in one line that says whose is whose."""
    assert said(ours, theirs)[0] == first


def test_order_counts_where_the_query_sorts():
    """SORT is what makes an order."""
    both = table((1,), (2,)), table((2,), (1,))
    assert said(*both, query="FROM a | SORT a")[0] == "row 0 offline: (1,)"
