"""Mistakes, each with its one message, position and advice."""

from __future__ import annotations

import pytest

from remedyd.errors import RemedydError
from remedyd.offline.errors import EsqlError, UnsupportedEsql
from remedyd.offline.parser import parse

GALLERY = [
    # query, line:column, part of the message, part of the hint
    ("", "1:1", "mismatched input '<EOF>' expecting a source command", ""),
    ("  \n\n ", "3:2", "expecting a source command", ""),
    ("FORM logs", "1:1", "mismatched input 'FORM'", "did you mean FROM?"),
    ("SELECT a FROM b", "1:1", "mismatched input 'SELECT'", "starts with FROM"),
    ("| WHERE a", "1:1", "mismatched input '|'", ""),
    ("FROM", "1:5", "expecting an index name", ""),
    ("FROM a,", "1:8", "expecting an index name", ""),
    ("FROM a b", "1:8", "mismatched input 'b'", ""),
    ("FROM a WHERE b == 1", "1:8", "mismatched input 'WHERE'", "write | WHERE"),
    ("FROM a METADATA", "1:16", "expecting a metadata field", ""),
    ('FROM a METADATA "b"', "1:17", "expecting a metadata field", ""),
    ("FROM a, -b", "1:9", "Invalid index name [-b]", "must follow a pattern with *"),
    ("FROM a/b", "1:6", "must not contain '/'", ""),
    ('FROM ""', "1:6", "must not be empty", ""),
    ("FROM a |", "1:9", "expecting a command", ""),
    ("FROM a || WHERE b", "1:9", "mismatched input '|'", "a single | separates"),
    ("FROM a | WHER b", "1:10", "mismatched input 'WHER'", "did you mean WHERE?"),
    ("FROM a | WHERE(b)", "1:10", "mismatched input 'WHERE(b)'", "put a space after WHERE"),
    ("FROM a | GROUP BY b", "1:10", "mismatched input 'GROUP'", "STATS ... BY"),
    ("FROM a | ORDER BY b", "1:10", "mismatched input 'ORDER'", "SORT"),
    ("FROM a | HAVING b", "1:10", "mismatched input 'HAVING'", "after STATS"),
    ("FROM a | JOIN b ON c", "1:10", "mismatched input 'JOIN'", "LOOKUP JOIN"),
    ("FROM a | FROM b", "1:10", "mismatched input 'FROM'", ""),
    ("FROM a\n| WHERE b = 1", "2:11", "mismatched input '='", "equality is written =="),
    ("FROM a\n| WHERE b == 'x'", "2:14", "token recognition error at: '''", "double quotes"),
    ("FROM a | WHERE b && c", "1:18", "token recognition error at: '&'", "use AND"),
    ("FROM a | WHERE b || c", "1:19", "mismatched input '|'", "use OR"),
    ("FROM a | WHERE !b", "1:16", "token recognition error at: '!'", "use NOT"),
    ("FROM a | WHERE b <> c", "1:19", "mismatched input '>' expecting an expression", ""),
    ("FROM a | WHERE b =~ c", "1:18", "mismatched input '='", ""),
    ("FROM a | WHERE b < c < d", "1:22", "mismatched input '<'", ""),
    ("FROM a | WHERE b == NOT c", "1:21", "mismatched input 'NOT'", ""),
    ("FROM a | WHERE b IS NULL == true", "1:26", "mismatched input '=='", ""),
    ("FROM a | WHERE b IS 1", "1:21", "expecting NULL", ""),
    ("FROM a | WHERE b NOT c", "1:22", "expecting IN, LIKE or RLIKE", ""),
    ("FROM a | WHERE b IN ()", "1:22", "expecting an expression", ""),
    ("FROM a | WHERE b IN 1", "1:21", "expecting '('", ""),
    ("FROM a | WHERE b IN (1, 2", "1:26", "expecting ',' or ')'", ""),
    ("FROM a | WHERE b LIKE c", "1:23", "expecting a string", ""),
    ("FROM a | WHERE b ==", "1:20", "expecting an expression", ""),
    ("FROM a | WHERE (b == 1", "1:23", "expecting ')' or an operator", ""),
    ("FROM a | WHERE b == 1)", "1:22", "mismatched input ')'", ""),
    ("FROM a | WHERE first == 1", "1:22", "expecting '('", "needs back-quotes"),
    ("FROM a | WHERE b.by == 1", "1:18", "mismatched input 'by'", "BY is a keyword"),
    ("FROM a | EVAL by = 1", "1:15", "mismatched input 'by'", "needs back-quotes"),
    ("FROM a | EVAL b = 1,", "1:21", "expecting an expression", ""),
    ("FROM a | EVAL f(b) = 1", "1:20", "mismatched input '='", ""),
    ("FROM a | EVAL b = c = 1", "1:21", "mismatched input '='", ""),
    ('FROM a | EVAL b = "c', "1:19", "token recognition error at: '\"'", "close the string"),
    ("FROM a | EVAL b = `c", "1:19", "token recognition error at: '`'", "close the back-quoted"),
    ('FROM a | EVAL b = "\\d"', "1:19", "token recognition error", ""),
    ("FROM a | EVAL b = /* c", "1:19", "token recognition error at: '/*'", "close the comment"),
    (
        "FROM a | EVAL b = c # d",
        "1:21",
        "token recognition error at: '#'",
        "comments start with //",
    ),
    ("FROM a | EVAL b = c;", "1:20", "token recognition error at: ';'", "SET"),
    ("FROM a | EVAL b = $c", "1:19", "token recognition error at: '$'", "?name"),
    ("FROM a | EVAL b = 1 fortnight", "1:19", "Unexpected temporal unit: 'fortnight'", "week"),
    ("FROM a | EVAL b = 1.5 days", "1:23", "mismatched input 'days'", ""),
    ("FROM a | EVAL b = 1e999", "1:19", "Number [1e999] is too large", ""),
    ("FROM a | EVAL b = []", "1:20", "expecting a number, string or boolean", ""),
    ('FROM a | EVAL b = [1, "c"]', "1:23", "in an array of numbers", "of one kind"),
    ("FROM a | EVAL b = [null]", "1:20", "mismatched input 'null'", ""),
    ("FROM a | EVAL b = c::", "1:22", "expecting a type name", ""),
    ("FROM a | EVAL b = COUNT(*, c)", "1:26", "expecting ',' or ')'", ""),
    ("FROM a | EVAL b = f(c d)", "1:23", "expecting ',' or ')'", ""),
    ("FROM a | EVAL b = ?0", "1:19", "No parameter is defined for position 0", "count from 1"),
    ("FROM a | EVAL b = é", "1:19", "token recognition error at: 'é'", ""),
    ("FROM a | STATS", "1:10", "At least one aggregation or grouping expression", ""),
    ("FROM a | STATS x BY", "1:20", "expecting an expression", ""),
    ("FROM a | STATS x WHERE y > 1", "1:24", "WHERE clause allowed only for aggregate", ""),
    ("FROM a | STATS COUNT(*) BY b WHERE c", "1:30", "mismatched input 'WHERE'", "write | WHERE"),
    ("FROM a | INLINE STATS BY b", "1:23", "mismatched input 'BY'", ""),
    ("FROM a | INLINE b", "1:17", "expecting STATS", ""),
    ("FROM a | KEEP", "1:14", "expecting a field name or pattern", ""),
    ("FROM a | KEEP b, , c", "1:18", "mismatched input ','", ""),
    ("FROM a | KEEP b-c", "1:16", "token recognition error at: '-'", ""),
    ("FROM a | DROP *", "1:15", "Removing all fields is not allowed [*]", ""),
    ("FROM a | RENAME b c", "1:19", "expecting AS", ""),
    ("FROM a | RENAME b* AS c*", "1:17", "Using wildcards [*] in RENAME", ""),
    ("FROM a | SORT b DESC ASC", "1:22", "mismatched input 'ASC'", ""),
    ("FROM a | SORT b NULLS", "1:22", "expecting FIRST or LAST", ""),
    ("FROM a | LIMIT", "1:15", "expecting an expression", ""),
    ("FROM a | LIMIT -1", "1:10", "value of [LIMIT -1] must be a non negative integer", ""),
    ('FROM a | LIMIT "1"', "1:10", 'found value ["1"] type [keyword]', ""),
    ("FROM a | LIMIT 1 + 1", "1:18", "mismatched input '+'", ""),
    ("FROM a | MV_EXPAND b, c", "1:21", "token recognition error at: ','", ""),
    ("FROM a | LOOKUP JOIN b", "1:23", "expecting ON", ""),
    ("FROM a | LOOKUP b ON c", "1:17", "expecting JOIN", ""),
    ("FROM a | LOOKUP JOIN b-* ON c", "1:22", "wildcards are not supported", ""),
    ("FROM a | LOOKUP JOIN x:b ON c", "1:22", "remote clusters are not supported", ""),
    ("FROM a | DISSECT b", "1:19", "expecting a string", ""),
    ('FROM a | DISSECT b + c "%{d}"', "1:20", "mismatched input '+'", ""),
    ('FROM a | DISSECT b "%{c}" sep=","', "1:27", "Invalid option for dissect: [sep]", ""),
    ('FROM a | DISSECT b "%{c}" APPEND_SEPARATOR=1', "1:27", "expected a string", ""),
    ("FROM a | GROK b ?pattern", "1:17", "expecting a string", ""),
    ("SET a = 1", "1:10", "expecting ';'", ""),
    ("SET a = 1;", "1:11", "expecting a source command", ""),
    ("SET a = 1, b = 2; FROM c", "1:10", "expecting ';'", ""),
    ("SET a = b; FROM c", "1:9", "expecting an expression", ""),
]


@pytest.mark.parametrize(("query", "place", "message", "hint"), GALLERY)
def test_a_mistake_is_reported_where_it_is(query: str, place: str, message: str, hint: str) -> None:
    """Each broken query gives one parsing error with its position, reason and advice."""
    with pytest.raises(EsqlError) as caught:
        parse(query)
    error = caught.value
    assert (f"{error.line}:{error.column}", error.type) == (place, "parsing_exception")
    assert str(error).startswith(f"line {place}: ")
    assert message in error.reason
    assert hint in error.hint
    assert not isinstance(error, UnsupportedEsql)


def test_the_first_mistake_is_the_one_reported() -> None:
    """An unreadable character further on does not hide an earlier mistake."""
    with pytest.raises(EsqlError) as caught:
        parse("FROM a | WHERE b = 1 | EVAL c = 'x' | §")
    assert (caught.value.line, caught.value.column) == (1, 18)


def test_columns_count_characters_after_wide_ones() -> None:
    """An emoji in a comment is one column."""
    with pytest.raises(EsqlError) as caught:
        parse("FROM a /* 🔴 */ | WHERE b = 1")
    assert caught.value.column == 26


def test_a_query_error_is_one_of_the_projects_errors() -> None:
    """A caller that handles the project's errors handles these."""
    with pytest.raises(RemedydError, match=r"line 1:5: .*index"):
        parse("FROM")
