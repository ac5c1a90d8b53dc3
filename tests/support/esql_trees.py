"""Random ES|QL syntax trees for round trips and differential tests."""

from __future__ import annotations

from hypothesis import strategies as st

from remedyd.offline import nodes as n
from remedyd.offline.source import Source, Span

NOWHERE = Span(0, 0)

_NAMES = st.sampled_from(
    ["a", "b", "cpu", "@timestamp", "_id", "first", "by", "from", "x y", "a`b", "é", "metrics"]
)
_FUNCTIONS = st.sampled_from(["ABS", "COUNT", "CONCAT", "ROUND", "FIRST", "LAST", "BY", "F 1"])
_UNITS = st.sampled_from(
    ["millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"]
)
_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8
) | st.sampled_from(['"', "\\", "\n", "a|b", "//", "/*", '"""', "100%", "*"])


def _typed(value: int) -> n.Literal:
    if -(2**31) <= value < 2**31:
        return n.Literal(NOWHERE, value, n.LiteralType.INTEGER)
    if -(2**63) <= value < 2**63:
        return n.Literal(NOWHERE, value, n.LiteralType.LONG)
    return n.Literal(NOWHERE, value, n.LiteralType.UNSIGNED_LONG)


integers = st.integers(-(2**63), 2**64 - 1).map(_typed)
doubles = st.floats(allow_nan=False, allow_infinity=False).map(
    lambda value: n.Literal(NOWHERE, value, n.LiteralType.DOUBLE)
)
strings = _TEXT.map(lambda value: n.Literal(NOWHERE, value, n.LiteralType.KEYWORD))
booleans = st.booleans().map(lambda value: n.Literal(NOWHERE, value, n.LiteralType.BOOLEAN))
nulls = st.just(n.Literal(NOWHERE, None, n.LiteralType.NULL))
time_spans = st.builds(n.TimeSpan, st.just(NOWHERE), st.integers(-(2**63), 2**63 - 1), _UNITS)
arrays = st.one_of(
    st.lists(strings, min_size=1, max_size=3),
    st.lists(booleans, min_size=1, max_size=3),
    st.lists(doubles, min_size=1, max_size=3),
).map(lambda items: n.ArrayLiteral(NOWHERE, tuple(items)))
parameters = st.one_of(
    st.builds(
        lambda name: n.Parameter(NOWHERE, n.ParameterKind.NAMED, name, 0, False),
        st.sampled_from(["start", "_x", "n1"]),
    ),
    st.builds(
        lambda number: n.Parameter(NOWHERE, n.ParameterKind.POSITIONAL, "", number, False),
        st.integers(1, 9),
    ),
)
identifiers = st.builds(
    lambda name: n.Parameter(NOWHERE, n.ParameterKind.NAMED, name, 0, True),
    st.sampled_from(["field", "_f"]),
)
columns = st.lists(_NAMES | identifiers, min_size=1, max_size=3).map(
    lambda parts: n.Column(NOWHERE, tuple(parts))
)
literals = st.one_of(integers, doubles, strings, booleans, nulls, time_spans, arrays)
leaves = st.one_of(columns, literals, parameters)


def _compound(inner: st.SearchStrategy[n.Expression]) -> st.SearchStrategy[n.Expression]:
    some = st.lists(inner, min_size=1, max_size=3).map(tuple)
    where = st.just(NOWHERE)
    return st.one_of(
        st.builds(n.Binary, where, st.sampled_from(n.BinaryOperator), inner, inner),
        st.builds(n.Unary, where, st.sampled_from(n.UnaryOperator), inner),
        st.builds(n.InList, where, inner, some, st.booleans()),
        st.builds(
            n.PatternMatch,
            where,
            st.sampled_from(n.MatchKind),
            inner,
            st.lists(strings | parameters, min_size=1, max_size=3).map(tuple),
            st.booleans(),
        ),
        st.builds(n.IsNull, where, inner, st.booleans()),
        st.builds(n.Cast, where, inner, st.sampled_from(["long", "datetime", "by", "a b"])),
        st.builds(n.FunctionCall, where, _FUNCTIONS, st.lists(inner, max_size=3).map(tuple)),
        st.just(n.FunctionCall(NOWHERE, "COUNT", (n.Star(NOWHERE),))),
        st.builds(
            lambda name, arguments: n.FunctionCall(NOWHERE, "", tuple(arguments), name),
            identifiers,
            st.lists(inner, max_size=2),
        ),
    )


expressions: st.SearchStrategy[n.Expression] = st.recursive(leaves, _compound, max_leaves=12)


def _target_and_value(
    draw: st.DrawFn, values: st.SearchStrategy[n.Expression]
) -> tuple[n.Column | None, n.Expression]:
    return draw(st.none() | columns), draw(values)


@st.composite
def named(draw: st.DrawFn) -> n.Named:
    """A field of EVAL, ROW or BY."""
    target, value = _target_and_value(draw, expressions)
    return n.Named(NOWHERE, target, value, "")


@st.composite
def aggregations(draw: st.DrawFn) -> n.Aggregation:
    """An item of STATS; a condition only beside a function call."""
    call = st.builds(n.FunctionCall, st.just(NOWHERE), _FUNCTIONS, st.tuples(expressions))
    target, value = _target_and_value(draw, call)
    return n.Aggregation(NOWHERE, target, value, draw(st.none() | expressions), "")


_PIECES = st.sampled_from(["", "a", "metrics.", "x y", "a`b", ".usage"])
_PATTERNS = st.lists(_PIECES, min_size=2, max_size=3).map(
    lambda pieces: n.NamePattern(NOWHERE, tuple(pieces))
)
_INDICES = st.builds(
    n.IndexPattern,
    st.just(NOWHERE),
    st.sampled_from(["logs-*", "metrics-a.otel-*", "x", ".ds-1"]),
    st.sampled_from([None, "east", "*"]),
)


def _several(items: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(items, min_size=1, max_size=3).map(tuple)


def _commands() -> st.SearchStrategy[n.Command]:
    where = st.just(NOWHERE)
    names = _several(columns | _PATTERNS)
    sort_keys = st.builds(n.SortKey, where, expressions, st.booleans(), st.booleans())
    return st.one_of(
        st.builds(n.Where, where, expressions),
        st.builds(n.Eval, where, _several(named())),
        st.builds(n.Stats, where, _several(aggregations()), st.just(())),
        st.builds(n.Stats, where, st.just(()), _several(named())),
        st.builds(n.Stats, where, _several(aggregations()), _several(named())),
        st.builds(n.InlineStats, where, _several(aggregations()), _several(named())),
        st.builds(n.Keep, where, names),
        st.builds(n.Drop, where, names.filter(_keeps_something)),
        st.builds(n.Rename, where, _several(st.builds(n.Renaming, where, columns, columns))),
        st.builds(n.Sort, where, _several(sort_keys)),
        st.builds(n.Limit, where, st.integers(0, 2**31 - 1).map(_typed) | parameters),
        st.builds(n.MvExpand, where, columns),
        st.builds(
            n.LookupJoin,
            where,
            st.just(n.IndexPattern(NOWHERE, "owners")),
            _several(columns),
        ),
        st.builds(n.Dissect, where, columns, strings, _TEXT),
        st.builds(n.Grok, where, columns, _several(strings)),
    )


def _keeps_something(names: tuple[n.Column | n.NamePattern, ...]) -> bool:
    return all(isinstance(name, n.Column) or name.text != "*" for name in names)


_SOURCES = st.one_of(
    st.builds(
        n.From,
        st.just(NOWHERE),
        _several(_INDICES),
        st.sampled_from([(), (n.Column(NOWHERE, ("_index",)),)]),
    ),
    st.builds(n.TimeSeries, st.just(NOWHERE), _several(_INDICES), st.just(())),
    st.builds(n.Row, st.just(NOWHERE), _several(named())),
)
_SETTINGS = st.lists(
    st.builds(
        n.Setting,
        st.just(NOWHERE),
        st.sampled_from(["unmapped_fields", "time_zone"]),
        strings | booleans,
    ),
    max_size=1,
).map(tuple)

queries: st.SearchStrategy[n.Query] = st.builds(
    lambda settings, source, rest: n.Query(NOWHERE, Source(""), settings, (source, *rest)),
    _SETTINGS,
    _SOURCES,
    st.lists(_commands(), max_size=3),
)
