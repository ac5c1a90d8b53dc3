"""Every node knows where it was written, and unaliased columns are named by that text."""

from __future__ import annotations

import pytest

from remedyd.offline.nodes import (
    Column,
    Eval,
    FunctionCall,
    Keep,
    NamePattern,
    Node,
    Stats,
    below,
    walk,
)
from remedyd.offline.parser import parse

QUERY = """\
// usage per container
FROM metrics-*
| STATS AVG( cpu )  + 1, SUM(mem) WHERE  mem > 0, n = COUNT(*) BY `pod name`, BUCKET(ts, 1 h)
| EVAL n, (n + 1), `n`
"""


def _stats() -> Stats:
    step = parse(QUERY).commands[1]
    assert isinstance(step, Stats)
    return step


def test_an_unaliased_aggregate_is_named_by_its_text() -> None:
    """Spacing and the WHERE of an aggregate belong to its name, as in Elasticsearch."""
    assert [item.name for item in _stats().aggregates] == [
        "AVG( cpu )  + 1",
        "SUM(mem) WHERE  mem > 0",
        "n",
    ]


def test_a_grouped_field_keeps_its_own_name() -> None:
    """Back-quotes are no part of a group's name; an expression is named by its text."""
    assert [group.name for group in _stats().groups] == ["pod name", "BUCKET(ts, 1 h)"]


def test_an_unaliased_eval_is_named_by_its_text() -> None:
    """Parentheses and back-quotes stay in the name of a bare expression of EVAL."""
    step = parse(QUERY).commands[2]
    assert isinstance(step, Eval)
    assert [field.name for field in step.fields] == ["n", "(n + 1)", "`n`"]


def test_positions_count_lines_and_columns_from_one() -> None:
    """A node's position is where its first character stands."""
    query = parse(QUERY)
    assert [str(query.position(command)) for command in query.commands] == ["2:1", "3:3", "4:3"]
    assert str(query.position(_stats().aggregates[1].value)) == "3:26"


def test_every_node_lies_inside_its_parent() -> None:
    """Spans nest, and none is empty."""

    def check(node: Node) -> None:
        assert node.span.start < node.span.end
        for child in below(node):
            assert node.span.start <= child.span.start
            assert child.span.end <= node.span.end
            check(child)

    for command in parse(QUERY).commands:
        check(command)


def test_a_binary_expression_covers_its_parentheses() -> None:
    """The text of an operation starts at the bracket that opens its left side."""
    query = parse("ROW x = (a + b) * c")
    product = next(node for node in walk(query) if node.__class__.__name__ == "Binary")
    assert query.text_of(product) == "(a + b) * c"


def test_functions_and_keywords_ignore_case_and_fields_do_not() -> None:
    """COUNT and count are one function, A and a are two fields."""
    assert parse("from x | stats count(A) by b") == parse("FROM x | STATS COUNT(A) BY b")
    assert parse("FROM x | KEEP A") != parse("FROM x | KEEP a")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a.b.c", "a.b.c"),
        ("a . `b c`", "a.b c"),
        ("`a.b`.c", "a.b.c"),
        ("`a``b`", "a`b"),
        ("@timestamp", "@timestamp"),
        ("_index", "_index"),
        ("`by`.x", "by.x"),
        ("a./* here */b", "a.b"),
        ("??field.b", "??field.b"),
    ],
)
def test_a_dotted_name_is_unquoted(written: str, name: str) -> None:
    """Parts may be quoted, spaced or commented; the name is what they say."""
    step = parse(f"FROM x | EVAL y = {written}").commands[1]
    assert isinstance(step, Eval)
    value = step.fields[0].value
    assert isinstance(value, Column)
    assert value.name == name


@pytest.mark.parametrize(
    ("pattern", "fits", "misfits"),
    [
        ("*", ["a", "a.b"], []),
        ("a*", ["a", "abc"], ["ba", "A"]),
        ("*.usage", ["cpu.usage"], ["usage", "cpu.usage.x"]),
        ("a*b*c", ["abc", "aXbYc", "abbc"], ["ab", "acb", "abcd"]),
        ("a*a", ["aa", "aba"], ["a"]),
        ("`a*`*", ["a*", "a*x"], ["ax"]),
        ("m.*.x", ["m.y.x", "m.y.z.x"], ["m.x"]),
    ],
)
def test_a_pattern_fits_whole_names(pattern: str, fits: list[str], misfits: list[str]) -> None:
    """`*` stands for any characters, dots included; a quoted `*` stands for itself."""
    step = parse(f"FROM x | KEEP {pattern}").commands[1]
    assert isinstance(step, Keep)
    (name,) = step.names
    assert isinstance(name, NamePattern)
    assert [text for text in fits if not name.matches(text)] == []
    assert [text for text in misfits if name.matches(text)] == []


def test_first_and_last_are_functions_before_a_parenthesis() -> None:
    """The keywords of SORT are aggregates elsewhere."""
    step = parse("FROM x | STATS LAST(a, @timestamp), first(a, b)").commands[1]
    assert isinstance(step, Stats)
    calls = [item.value for item in step.aggregates]
    assert [call.name for call in calls if isinstance(call, FunctionCall)] == ["LAST", "FIRST"]
