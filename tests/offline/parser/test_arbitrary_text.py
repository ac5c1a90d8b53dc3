"""Whatever is typed, parsing ends with a tree or with an error of ours."""

from __future__ import annotations

import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from remedyd.offline.errors import EsqlError
from remedyd.offline.nodes import Query
from remedyd.offline.parser import parse
from remedyd.offline.render import render
from support.esql_trees import queries

_FRAGMENTS = st.sampled_from(
    [
        *("FROM", "ROW", "TS", "SET", "WHERE", "EVAL", "STATS", "INLINE", "KEEP", "DROP"),
        *("RENAME", "SORT", "LIMIT", "MV_EXPAND", "LOOKUP", "JOIN", "ON", "DISSECT", "GROK"),
        *("a", "b.c", "`d e`", "*", "m*", '"x"', '"""y"""', "1", "2.5", ".5", "1e3", "day"),
        *("(", ")", "[", "]", "{", "}", ",", ".", ":", "::", ";", "|", "=", "==", "!=", "<"),
        *("+", "-", "/", "%", "AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "RLIKE", "BY"),
        *("?", "?p", "??q", "?1", "//", "/*", "*/", "\n", "FIRST", "LAST", "NULLS", "DESC"),
    ]
)


def _parses_or_says_why(text: str) -> None:
    try:
        query = parse(text)
    except EsqlError as error:
        assert 1 <= error.line <= text.count("\n") + 1
        assert error.column >= 1
    else:
        assert isinstance(query, Query)
        assert parse(render(query)) == query


@given(st.text())
@example("\ud800")
@example("FROM \x00")
@example("ROW a = \u0661")
@example("ROW a = ?\u0661")
@example("FROM a | ﬁELDS")
@example("ſet a = 1; FROM b")
@example("FROM a | INLINE ſtats COUNT(*)")
@settings(max_examples=300, deadline=None)
def test_any_text_is_answered(text: str) -> None:
    """Arbitrary characters never raise anything unexpected."""
    _parses_or_says_why(text)


@given(st.lists(_FRAGMENTS, max_size=20).map(" ".join))
@settings(max_examples=600, deadline=None)
def test_any_sequence_of_tokens_is_answered(text: str) -> None:
    """Well-formed tokens in any order never raise anything unexpected."""
    _parses_or_says_why(text)


@given(queries, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_a_damaged_query_is_answered(query: Query, chance: random.Random) -> None:
    """A valid query with a piece cut out, doubled or moved never raises anything unexpected."""
    text = render(query)
    start, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
    other = chance.randrange(len(text) + 1)
    _parses_or_says_why(text[:start] + text[end:])
    _parses_or_says_why(text[:other] + text[start:end] + text[other:])
