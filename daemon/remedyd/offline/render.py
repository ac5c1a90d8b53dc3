"""Syntax tree back to canonical ES|QL text.

Parsing the text again gives an equal tree. That holds the parser and the tree to each other,
and lets a tool show what it understood. Layout and comments of the original are gone; so are
the names of unaliased columns that were taken from their source text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from remedyd.offline import nodes as n
from remedyd.offline.nodes import BinaryOperator as B

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[_@][A-Za-z0-9_]+")
_RESERVED = frozenset(
    {
        *("AND", "OR", "NOT", "IN", "IS", "LIKE", "RLIKE", "NULL", "TRUE", "FALSE", "AS"),
        *("BY", "WHERE", "ON", "WITH", "ASC", "DESC", "NULLS", "FIRST", "LAST"),
    }
)
# Names after `IN (` that newer grammars would read as the start of a subquery.
_QUERY_WORDS = ("from", "row", "ts", "show", "promql")

_OR, _AND, _NOT, _TEST, _COMPARE, _ADD, _MULTIPLY, _SIGN, _CAST = range(1, 10)
_STRENGTH = {
    B.OR: _OR,
    B.AND: _AND,
    B.EQUAL: _COMPARE,
    B.NOT_EQUAL: _COMPARE,
    B.LESS: _COMPARE,
    B.LESS_EQUAL: _COMPARE,
    B.GREATER: _COMPARE,
    B.GREATER_EQUAL: _COMPARE,
    B.ADD: _ADD,
    B.SUBTRACT: _ADD,
    B.MULTIPLY: _MULTIPLY,
    B.DIVIDE: _MULTIPLY,
    B.MODULO: _MULTIPLY,
}


def render(query: n.Query) -> str:
    """The query, one command per line."""
    settings = [f"SET {_name(s.name)} = {expression(s.value)};\n" for s in query.settings]
    return "".join(settings) + "\n| ".join(command(step) for step in query.commands)


# --- expressions


def expression(node: n.Expression, floor: int = _OR) -> str:
    """An expression, in parentheses where its context binds more strongly than it does."""
    text, strength = _WRITERS[type(node)](node)
    return text if strength >= floor else f"({text})"


def _literal(node: n.Literal) -> tuple[str, int]:
    match node.type:
        case n.LiteralType.NULL:
            text = "null"
        case n.LiteralType.BOOLEAN:
            text = "true" if node.value else "false"
        case n.LiteralType.KEYWORD:
            text = _string(str(node.value))
        case n.LiteralType.DOUBLE:
            text = repr(node.value)
        case _:
            text = str(node.value)
    return text, _CAST


def _string(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return f'"{escaped}"'


def _time_span(node: n.TimeSpan) -> tuple[str, int]:
    return f"{node.amount} {node.unit}s", _CAST


def _array(node: n.ArrayLiteral) -> tuple[str, int]:
    return f"[{_listed(node.items)}]", _CAST


def _parameter(node: n.Parameter) -> tuple[str, int]:
    marks = "??" if node.identifier else "?"
    if node.kind is n.ParameterKind.ANONYMOUS:
        return marks, _CAST
    return marks + (node.name or str(node.number)), _CAST


def _column(node: n.Column) -> tuple[str, int]:
    return _dotted(node), _CAST


def _dotted(node: n.Column) -> str:
    return ".".join(
        _name(part) if isinstance(part, str) else _parameter(part)[0] for part in node.parts
    )


def _name(part: str) -> str:
    if _PLAIN_NAME.fullmatch(part) and part.upper() not in _RESERVED:
        return part
    return f"`{part.replace('`', '``')}`"


def _star(_: n.Star) -> tuple[str, int]:
    return "*", _CAST


def _call(node: n.FunctionCall) -> tuple[str, int]:
    if node.name_parameter is not None:
        name = _parameter(node.name_parameter)[0]
    else:
        name = node.name if node.name in ("FIRST", "LAST") else _name(node.name)
    return f"{name}({_listed(node.arguments)})", _CAST


def _listed(items: Iterable[n.Expression], floor: int = _OR) -> str:
    return ", ".join(expression(item, floor) for item in items)


def _unary(node: n.Unary) -> tuple[str, int]:
    if node.operator is n.UnaryOperator.NOT:
        return f"NOT {expression(node.operand, _NOT)}", _NOT
    inner = expression(node.operand, _SIGN)
    # A minus straight before digits would be read as part of the number.
    return (f"-({inner})" if inner[0] in "0123456789." else f"- {inner}"), _SIGN


def _binary(node: n.Binary) -> tuple[str, int]:
    strength = _STRENGTH[node.operator]
    left = expression(node.left, _ADD if strength == _COMPARE else strength)
    right = expression(node.right, strength + 1)
    return f"{left} {node.operator.value} {right}", strength


def _in_list(node: n.InList) -> tuple[str, int]:
    items = _listed(node.items, _COMPARE)
    if items.lower().startswith(_QUERY_WORDS):
        items = f"({expression(node.items[0])})" + items[len(expression(node.items[0], _COMPARE)) :]
    return f"{expression(node.value, _COMPARE)} {_not(node.negated)}IN ({items})", _TEST


def _pattern_match(node: n.PatternMatch) -> tuple[str, int]:
    patterns = _listed(node.patterns)
    if len(node.patterns) > 1:
        patterns = f"({patterns})"
    value = expression(node.value, _COMPARE)
    return f"{value} {_not(node.negated)}{node.kind.value} {patterns}", _TEST


def _is_null(node: n.IsNull) -> tuple[str, int]:
    return f"{expression(node.value, _COMPARE)} IS {_not(node.negated)}NULL", _TEST


def _cast(node: n.Cast) -> tuple[str, int]:
    return f"{expression(node.value, _CAST)}::{_name(node.type_name)}", _CAST


def _not(negated: bool) -> str:
    return "NOT " if negated else ""


_WRITERS: dict[type[n.Expression], Callable[..., tuple[str, int]]] = {
    n.Literal: _literal,
    n.TimeSpan: _time_span,
    n.ArrayLiteral: _array,
    n.Parameter: _parameter,
    n.Column: _column,
    n.Star: _star,
    n.FunctionCall: _call,
    n.Unary: _unary,
    n.Binary: _binary,
    n.InList: _in_list,
    n.PatternMatch: _pattern_match,
    n.IsNull: _is_null,
    n.Cast: _cast,
}


# --- commands


def command(node: n.Command) -> str:
    """One command without its pipe."""
    match node:
        case n.From() | n.TimeSeries():
            return _source(node)
        case n.Row():
            return f"ROW {_fields(node.fields)}"
        case n.Where():
            return f"WHERE {expression(node.condition)}"
        case n.Eval():
            return f"EVAL {_fields(node.fields)}"
        case n.Stats():
            return f"STATS {_stats(node)}"
        case n.InlineStats():
            return f"INLINE STATS {_stats(node)}"
        case n.Keep():
            return f"KEEP {', '.join(_pattern(name) for name in node.names)}"
        case n.Drop():
            return f"DROP {', '.join(_pattern(name) for name in node.names)}"
        case _:
            return _other_command(node)


def _other_command(node: n.Command) -> str:
    match node:
        case n.Rename():
            pairs = (f"{_dotted(pair.old)} AS {_dotted(pair.new)}" for pair in node.renames)
            return f"RENAME {', '.join(pairs)}"
        case n.Sort():
            return f"SORT {', '.join(_sort_key(key) for key in node.keys)}"
        case n.Limit():
            return f"LIMIT {expression(node.count)}"
        case n.MvExpand():
            return f"MV_EXPAND {_dotted(node.column)}"
        case n.LookupJoin():
            return f"LOOKUP JOIN {_index(node.index)} ON {_listed(node.keys)}"
        case n.Dissect():
            option = f" APPEND_SEPARATOR={_string(node.append_separator)}"
            head = f"DISSECT {expression(node.input, _CAST)} {expression(node.pattern)}"
            return head + (option if node.append_separator else "")
        case n.Grok():
            return f"GROK {expression(node.input, _CAST)} {_listed(node.patterns)}"
        case _:
            raise AssertionError(f"no text for {type(node).__name__}")


def _source(node: n.From | n.TimeSeries) -> str:
    word = "FROM" if isinstance(node, n.From) else "TS"
    metadata = ", ".join(field.name for field in node.metadata)
    indices = ", ".join(_index(source) for source in node.sources)
    return f"{word} {indices}" + (f" METADATA {metadata}" if metadata else "")


def _index(source: n.IndexPattern) -> str:
    cluster = f"{source.cluster}:" if source.cluster else ""
    return _string(f"{'-' if source.excluded else ''}{cluster}{source.pattern}")


def _fields(fields: Sequence[n.Named]) -> str:
    return ", ".join(_assigned(field) for field in fields)


def _assigned(field: n.Named | n.Aggregation) -> str:
    target = f"{_dotted(field.target)} = " if field.target else ""
    return target + expression(field.value)


def _stats(node: n.Stats | n.InlineStats) -> str:
    parts = [
        _assigned(item) + (f" WHERE {expression(item.condition)}" if item.condition else "")
        for item in node.aggregates
    ]
    groups = f"BY {_fields(node.groups)}" if node.groups else ""
    return " ".join(part for part in (", ".join(parts), groups) if part)


def _sort_key(key: n.SortKey) -> str:
    direction = "DESC" if key.descending else "ASC"
    nulls = "FIRST" if key.nulls_first else "LAST"
    return f"{expression(key.value)} {direction} NULLS {nulls}"


def _pattern(name: n.Column | n.NamePattern) -> str:
    if isinstance(name, n.Column):
        return _dotted(name)
    pieces = (f"`{piece.replace('`', '``')}`" if piece else "" for piece in name.pieces)
    return "*".join(pieces)
