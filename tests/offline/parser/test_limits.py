"""Queries too big or too deep are refused, not crashed on."""

from __future__ import annotations

import pytest

from remedyd.offline.errors import EsqlError
from remedyd.offline.parser import MAX_DEPTH, MAX_LENGTH, parse
from remedyd.offline.render import render


@pytest.mark.parametrize(
    "deep",
    [
        "(" * 2000 + "1" + ")" * 2000,
        "f(" * 2000 + "1" + ")" * 2000,
        "NOT " * 2000 + "a",
        "-" * 2000 + "a",
        "1" + " + 1" * 2000,
        "a" + " OR a" * 2000,
        "a" + "::long" * 2000,
        "a IN (" * 2000,
        "(" * 2000,
    ],
    ids=lambda text: text[:12],
)
def test_deep_nesting_is_one_clear_error(deep: str) -> None:
    """However the depth is built, the answer is an error of ours, not a RecursionError."""
    with pytest.raises(EsqlError):
        parse(f"ROW x = {deep}")


def test_the_allowed_depth_is_safe_to_walk() -> None:
    """A tree at the limit can be compared, hashed and printed."""
    query = parse("ROW x = 1" + " + 1" * (MAX_DEPTH - 1))
    assert parse(render(query)) == query
    assert hash(query) == hash(parse(render(query)))


def test_a_long_list_is_not_deep() -> None:
    """Breadth costs nothing: thousands of values in one IN are fine."""
    values = ", ".join(str(number) for number in range(5000))
    assert parse(f"FROM a | WHERE b IN ({values})").commands


def test_a_query_has_a_greatest_length() -> None:
    """Elasticsearch's own bound on the text holds here."""
    with pytest.raises(EsqlError, match="ESQL statement is too large"):
        parse("FROM a //" + "x" * MAX_LENGTH)
