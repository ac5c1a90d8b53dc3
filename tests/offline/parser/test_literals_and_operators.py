"""What a literal is worth and how operators group."""

from __future__ import annotations

import pytest

from remedyd.offline.nodes import (
    ArrayLiteral,
    Eval,
    Expression,
    From,
    Literal,
    LiteralType,
    ParameterKind,
    Sort,
    TimeSpan,
    walk,
)
from remedyd.offline.nodes import Parameter as Param
from remedyd.offline.parser import parse
from remedyd.offline.render import expression


def _value(text: str) -> Expression:
    step = parse(f"FROM x | EVAL y = {text}").commands[1]
    assert isinstance(step, Eval)
    return step.fields[0].value


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("0", 0, "integer"),
        ("007", 7, "integer"),
        ("2147483647", 2147483647, "integer"),
        ("2147483648", 2147483648, "long"),
        ("-2147483648", -2147483648, "integer"),
        ("-2147483649", -2147483649, "long"),
        ("9223372036854775807", 9223372036854775807, "long"),
        ("9223372036854775808", 9223372036854775808, "unsigned_long"),
        ("18446744073709551615", 18446744073709551615, "unsigned_long"),
        ("18446744073709551616", 18446744073709551616.0, "double"),
        ("-9223372036854775809", -9223372036854775809.0, "double"),
        ("9" * 300, float("9" * 300), "double"),
        ("1.", 1.0, "double"),
        (".5", 0.5, "double"),
        ("1e3", 1000.0, "double"),
        ("2.5E-1", 0.25, "double"),
        ("- 5", -5, "integer"),
        ("+5", 5, "integer"),
        ("null", None, "null"),
        ("TRUE", True, "boolean"),
        ('"a\\tb\\"c\\\\"', 'a\tb"c\\', "keyword"),
        ('"""a"b\\d"""', 'a"b\\d', "keyword"),
        ('"""a"""""', 'a""', "keyword"),
        ('""', "", "keyword"),
    ],
)
def test_a_literal_has_the_type_its_size_and_spelling_give(
    text: str, value: object, kind: str
) -> None:
    """Whole numbers take the narrowest of integer, long, unsigned long, double."""
    node = _value(text)
    assert isinstance(node, Literal)
    assert (node.value, node.type) == (value, LiteralType(kind))


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("1 minute", 1, "minute"),
        ("15 MINUTES", 15, "minute"),
        ("-2 h", -2, "hour"),
        ("500 ms", 500, "millisecond"),
        ("1mo", 1, "month"),
        ("3 /* three */ q", 3, "quarter"),
        ("2 yr", 2, "year"),
    ],
)
def test_a_number_and_a_unit_are_a_time_span(text: str, amount: int, unit: str) -> None:
    """Any spelling of a unit, in any case, is the same span."""
    node = _value(text)
    assert isinstance(node, TimeSpan)
    assert (node.amount, node.unit) == (amount, unit)


def test_an_array_of_numbers_takes_its_widest_type() -> None:
    """One double makes every value a double."""
    node = _value("[1, -3000000000, 0.5]")
    assert isinstance(node, ArrayLiteral)
    assert [item.value for item in node.items] == [1.0, -3000000000.0, 0.5]
    assert {item.type for item in node.items} == {LiteralType.DOUBLE}


@pytest.mark.parametrize(
    ("written", "grouped"),
    [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a OR b AND c", "a OR (b AND c)"),
        ("NOT a AND b", "(NOT a) AND b"),
        ("NOT a == b", "NOT (a == b)"),
        ("NOT a IN (1) OR b", "(NOT (a IN (1))) OR b"),
        ("a == b IS NULL", "(a == b) IS NULL"),
        ("a + 1 > b * 2", "(a + 1) > (b * 2)"),
        ("a == b IN (c)", "(a == b) IN (c)"),
        ("-a::long", "-(a::long)"),
        ("-1::long", "(-1)::long"),
        ("-a * b", "(-a) * b"),
        ("a::long::string", "(a::long)::string"),
        ("a - -1", "a - (-1)"),
        ("a -1", "a - 1"),
        ("a + 1 day * 2", "a + ((1 day) * 2)"),
        ('a NOT LIKE "x*" AND b', '(a NOT LIKE "x*") AND b'),
        ('a LIKE ("x", "y") OR b', '(a LIKE ("x", "y")) OR b'),
    ],
)
def test_operators_group_by_precedence(written: str, grouped: str) -> None:
    """Fewer brackets mean the same as the full ones."""
    assert _value(written) == _value(grouped)


def test_brackets_change_the_grouping() -> None:
    """What is bracketed is kept together and printed so."""
    assert expression(_value("(a + b) * (c OR d)")) == "(a + b) * (c OR d)"


def test_parameters_are_numbered_in_order_of_appearance() -> None:
    """`?` counts up over the whole query, `?2` and `?name` stand for themselves."""
    query = parse("FROM x | WHERE a == ? AND b == ?2 AND ??f == ?name | EVAL c = ?")
    found = [node for node in walk(query) if isinstance(node, Param)]
    assert [(p.kind, p.name, p.number, p.identifier) for p in found] == [
        (ParameterKind.ANONYMOUS, "", 1, False),
        (ParameterKind.POSITIONAL, "", 2, False),
        (ParameterKind.NAMED, "f", 0, True),
        (ParameterKind.NAMED, "name", 0, False),
        (ParameterKind.ANONYMOUS, "", 2, False),
    ]


def test_sort_resolves_its_defaults() -> None:
    """Ascending puts nulls last, descending first, unless the query says otherwise."""
    step = parse("FROM x | SORT a, b DESC, c NULLS FIRST, d DESC NULLS LAST").commands[1]
    assert isinstance(step, Sort)
    assert [(key.descending, key.nulls_first) for key in step.keys] == [
        (False, False),
        (True, True),
        (False, True),
        (True, False),
    ]


@pytest.mark.parametrize(
    ("written", "sources"),
    [
        ("a", [("a", None, False)]),
        ("a-*, -a-old*", [("a-*", None, False), ("a-old*", None, True)]),
        ("east:a, *:b", [("a", "east", False), ("b", "*", False)]),
        ('"a,b-*,-b-1"', [("a", None, False), ("b-*", None, False), ("b-1", None, True)]),
        ("a*, -east:a1", [("a*", None, False), ("a1", "east", True)]),
        (".ds-logs@x", [(".ds-logs@x", None, False)]),
        ("-a*", [("a*", None, True)]),
    ],
)
def test_an_index_list_holds_names_wildcards_and_exclusions(
    written: str, sources: list[tuple[str, str | None, bool]]
) -> None:
    """A dash excludes once a wildcard was seen; a colon names a cluster; quotes hold lists."""
    step = parse(f"FROM {written}").commands[0]
    assert isinstance(step, From)
    found = [(one.pattern, one.cluster, one.excluded) for one in step.sources]
    assert found == sources


@pytest.mark.parametrize(
    "comment",
    ["// x\n", "/* x */", "/* a /* b */ c */", "/**/", "/* // */", "//\r\n", "/* \n */"],
)
def test_comments_are_blanks(comment: str) -> None:
    """Line and block comments, nested ones too, may stand between any two tokens."""
    plain = parse("FROM a | WHERE b == 1 | KEEP c , d")
    assert parse(f"FROM {comment}a | WHERE b {comment}== 1 | KEEP c {comment}, d") == plain
