"""Expressions, by operator precedence (a Pratt parser).

The language is layered: comparisons do not chain (`a < b < c`), a test such as IS NULL takes
a whole comparison on its left, and NOT stands only where a condition may. Each layer is one
binding strength, so one loop covers them all and a nesting level costs two Python frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.offline.lexer import Kind
from remedyd.offline.nodes import (
    ArrayLiteral,
    Binary,
    BinaryOperator,
    Cast,
    Column,
    Expression,
    FunctionCall,
    InList,
    IsNull,
    Literal,
    LiteralType,
    MatchKind,
    Parameter,
    PatternMatch,
    Star,
    Unary,
    UnaryOperator,
)
from remedyd.offline.parser.cursor import AN_EXPRESSION
from remedyd.offline.parser.depth import check_depth
from remedyd.offline.parser.literals import decimal_literal, integer_literal, time_span, widened
from remedyd.offline.parser.names import parameter, rest_of_column

if TYPE_CHECKING:
    from remedyd.offline.parser.cursor import Cursor

OR, AND, NOT, TEST, COMPARE, ADD, MULTIPLY, SIGN, CAST = range(1, 10)

_INFIX: dict[str, tuple[int, BinaryOperator]] = {
    "OR": (OR, BinaryOperator.OR),
    "AND": (AND, BinaryOperator.AND),
    "==": (COMPARE, BinaryOperator.EQUAL),
    "!=": (COMPARE, BinaryOperator.NOT_EQUAL),
    "<": (COMPARE, BinaryOperator.LESS),
    "<=": (COMPARE, BinaryOperator.LESS_EQUAL),
    ">": (COMPARE, BinaryOperator.GREATER),
    ">=": (COMPARE, BinaryOperator.GREATER_EQUAL),
    "+": (ADD, BinaryOperator.ADD),
    "-": (ADD, BinaryOperator.SUBTRACT),
    "*": (MULTIPLY, BinaryOperator.MULTIPLY),
    "/": (MULTIPLY, BinaryOperator.DIVIDE),
    "%": (MULTIPLY, BinaryOperator.MODULO),
}
_POSTFIX = {"::": CAST, "IN": TEST, "LIKE": TEST, "RLIKE": TEST, "IS": TEST, "NOT": TEST, ":": TEST}
_CONSTANTS: dict[str, tuple[bool | None, LiteralType]] = {
    "NULL": (None, LiteralType.NULL),
    "TRUE": (True, LiteralType.BOOLEAN),
    "FALSE": (False, LiteralType.BOOLEAN),
}
_SUBQUERY_WORDS = ("from", "row", "ts", "show", "promql")


def expression(cursor: Cursor) -> Expression:
    """A whole condition or value, refused when nested too deep to be walked safely."""
    first = cursor.count
    start = cursor.token.start
    node = operand(cursor, OR)
    check_depth(cursor, node, start, cursor.count - first)
    return node


def operand(cursor: Cursor, floor: int) -> Expression:
    """An expression whose operators all bind at least as strongly as `floor`."""
    start = cursor.token.start
    ceiling = CAST
    node: Expression
    if floor <= NOT and cursor.at_keyword("NOT"):
        node, ceiling = _negation(cursor), NOT
    elif floor <= SIGN and (cursor.at_symbol("-") or cursor.at_symbol("+")):
        node = _signed(cursor)
        ceiling = SIGN if isinstance(node, Unary) else CAST
    else:
        node = _primary(cursor)
    while cursor.token.kind in (Kind.SYMBOL, Kind.KEYWORD):
        written = cursor.token.value
        if written in _INFIX:
            strength, operator = _INFIX[written]
            if not floor <= strength <= ceiling:
                break
            cursor.advance()
            right = operand(cursor, strength + 1)
            node = Binary(cursor.span(start), operator, node, right)
            ceiling = strength - 1 if strength == COMPARE else strength
        else:
            strength = _POSTFIX.get(written, 0)
            if not floor <= strength <= ceiling:
                break
            node = _postfix(cursor, node, start)
            ceiling = CAST if strength == CAST else TEST - 1
    return node


def _negation(cursor: Cursor) -> Unary:
    start = cursor.advance().start
    cursor.deepen()
    inner = operand(cursor, NOT)
    cursor.depth -= 1
    return Unary(cursor.span(start), UnaryOperator.NOT, inner)


def _signed(cursor: Cursor) -> Expression:
    """A signed number is one literal; a sign before anything else is an operator."""
    sign = cursor.advance()
    if cursor.at(Kind.INTEGER) or cursor.at(Kind.DECIMAL):
        return number(cursor, sign.value, sign.start)
    cursor.deepen()
    inner = operand(cursor, SIGN)
    cursor.depth -= 1
    if sign.value == "+":
        return inner
    return Unary(cursor.span(sign.start), UnaryOperator.NEGATE, inner)


def number(cursor: Cursor, sign: str, start: int) -> Expression:
    """The number in hand; a whole number followed by a word is a time span."""
    token = cursor.advance()
    span = cursor.span(start)
    if token.kind is Kind.DECIMAL:
        return decimal_literal(cursor, token.value, sign, span)
    literal = integer_literal(cursor, token.value, sign, span)
    if cursor.at(Kind.NAME):
        unit = cursor.advance().value
        return time_span(cursor, literal, unit, cursor.span(start))
    return literal


def _primary(cursor: Cursor) -> Expression:
    token = cursor.token
    match token.kind:
        case Kind.NAME | Kind.QUOTED_NAME:
            cursor.advance()
            if cursor.at_symbol("("):
                return _call(cursor, token.value.upper(), None, token.start)
            return rest_of_column(cursor, token.value, token.start)
        case Kind.PARAMETER:
            return _parameter(cursor)
        case Kind.SYMBOL if token.value == "(":
            return _parenthesised(cursor)
        case Kind.SYMBOL if token.value == "[":
            return _array(cursor)
        case Kind.KEYWORD if token.value in ("FIRST", "LAST"):
            return _first_or_last(cursor)
        case _:
            return constant(cursor)


def constant(cursor: Cursor) -> Expression:
    """A literal: number, string, boolean, null, time span or array."""
    token = cursor.token
    sign = cursor.advance().value if cursor.at_symbol("-") or cursor.at_symbol("+") else ""
    if cursor.at(Kind.INTEGER) or cursor.at(Kind.DECIMAL):
        return number(cursor, sign, token.start)
    if sign:
        raise cursor.unexpected("a number")
    if token.kind is Kind.STRING:
        cursor.advance()
        return Literal(cursor.span(token.start), token.value, LiteralType.KEYWORD)
    if token.kind is Kind.KEYWORD and token.value in _CONSTANTS:
        cursor.advance()
        value, kind = _CONSTANTS[token.value]
        return Literal(cursor.span(token.start), value, kind)
    if cursor.at_symbol("["):
        return _array(cursor)
    raise cursor.unexpected(AN_EXPRESSION)


def _parameter(cursor: Cursor) -> Expression:
    start = cursor.token.start
    node = parameter(cursor)
    if cursor.at_symbol("("):
        return _call(cursor, "", node, start)
    if cursor.at_symbol(".") or node.identifier:
        return rest_of_column(cursor, node, start)
    return node


def _first_or_last(cursor: Cursor) -> Expression:
    """FIRST and LAST are keywords of SORT, and function names before a parenthesis."""
    token = cursor.advance()
    if not cursor.at_symbol("("):
        raise cursor.unexpected(
            "'('", hint=f"{token.value} is a keyword; as a field name it needs back-quotes"
        )
    return _call(cursor, token.value, None, token.start)


def _parenthesised(cursor: Cursor) -> Expression:
    cursor.advance()
    cursor.deepen()
    inner = operand(cursor, OR)
    cursor.depth -= 1
    cursor.expect_symbol(")", "')' or an operator")
    return inner


def _call(cursor: Cursor, name: str, name_parameter: Parameter | None, start: int) -> FunctionCall:
    cursor.advance()
    cursor.deepen()
    arguments: list[Expression] = []
    if cursor.at_symbol("*"):
        token = cursor.advance()
        arguments.append(Star(cursor.span(token.start)))
    elif not cursor.at_symbol(")"):
        arguments.append(operand(cursor, OR))
        while cursor.take_symbol(","):
            if cursor.at_symbol("{"):
                raise cursor.unsupported("function options", cursor.token.start)
            arguments.append(operand(cursor, OR))
    cursor.depth -= 1
    cursor.expect_symbol(")", "',' or ')'")
    return FunctionCall(cursor.span(start), name, tuple(arguments), name_parameter)


def _array(cursor: Cursor) -> ArrayLiteral:
    """`[a, b]`: literals of one family, at least one, nothing nested, no null."""
    start = cursor.advance().start
    items = [_array_item(cursor)]
    while cursor.take_symbol(","):
        item = _array_item(cursor)
        if _family(item) != _family(items[0]):
            raise cursor.error(
                f"mismatched input '{cursor.source.cut(item.span)}' in an array of "
                f"{_family(items[0])}s",
                item.span.start,
                hint="all values of an array are of one kind",
            )
        items.append(item)
    cursor.expect_symbol("]", "',' or ']'")
    return ArrayLiteral(cursor.span(start), widened(items))


def _array_item(cursor: Cursor) -> Literal:
    token = cursor.token
    sign = cursor.advance().value if cursor.at_symbol("-") or cursor.at_symbol("+") else ""
    if cursor.at(Kind.INTEGER):
        digits = cursor.advance().value
        return integer_literal(cursor, digits, sign, cursor.span(token.start))
    if cursor.at(Kind.DECIMAL):
        written = cursor.advance().value
        return decimal_literal(cursor, written, sign, cursor.span(token.start))
    if not sign and (token.kind is Kind.STRING or token.value in ("TRUE", "FALSE")):
        literal = constant(cursor)
        assert isinstance(literal, Literal)
        return literal
    raise cursor.unexpected("a number, string or boolean")


def _family(literal: Literal) -> str:
    if literal.type in (LiteralType.KEYWORD, LiteralType.BOOLEAN):
        return "string" if literal.type is LiteralType.KEYWORD else "boolean"
    return "number"


def _postfix(cursor: Cursor, left: Expression, start: int) -> Expression:
    """What follows a complete value: a cast or one test."""
    if cursor.take_symbol("::"):
        if cursor.token.kind not in (Kind.NAME, Kind.QUOTED_NAME):
            raise cursor.unexpected("a type name")
        type_name = cursor.advance().value.lower()
        return Cast(cursor.span(start), left, type_name)
    if cursor.at_symbol(":"):
        if isinstance(left, Column) or (isinstance(left, Cast) and isinstance(left.value, Column)):
            raise cursor.unsupported("match operator :", cursor.token.start)
        raise cursor.unexpected("an operator", hint="equality is written ==, a cast is written ::")
    if cursor.take_keyword("IS"):
        negated = cursor.take_keyword("NOT")
        cursor.expect_keyword("NULL")
        return IsNull(cursor.span(start), left, negated)
    negated = cursor.take_keyword("NOT")
    if cursor.take_keyword("IN"):
        return _in_list(cursor, left, start, negated)
    if cursor.at_keyword("LIKE") or cursor.at_keyword("RLIKE"):
        return _pattern_match(cursor, left, start, negated)
    raise cursor.unexpected("IN, LIKE or RLIKE")


def _in_list(cursor: Cursor, left: Expression, start: int, negated: bool) -> InList:
    cursor.expect_symbol("(")
    token = cursor.token
    if token.kind is Kind.NAME and token.value.lower().startswith(_SUBQUERY_WORDS):
        raise cursor.unsupported(
            "IN subquery",
            token.start,
            hint=f"newer versions read {token.value} here as a query; a field needs back-quotes",
        )
    cursor.deepen()
    items = [operand(cursor, COMPARE)]
    while cursor.take_symbol(","):
        items.append(operand(cursor, COMPARE))
    cursor.depth -= 1
    cursor.expect_symbol(")", "',' or ')'")
    return InList(cursor.span(start), left, tuple(items), negated)


def _pattern_match(cursor: Cursor, left: Expression, start: int, negated: bool) -> PatternMatch:
    kind = MatchKind(cursor.advance().value)
    if cursor.take_symbol("("):
        patterns = [_pattern(cursor)]
        while cursor.take_symbol(","):
            patterns.append(_pattern(cursor))
        cursor.expect_symbol(")", "',' or ')'")
    else:
        patterns = [_pattern(cursor)]
    return PatternMatch(cursor.span(start), kind, left, tuple(patterns), negated)


def _pattern(cursor: Cursor) -> Expression:
    token = cursor.token
    if token.kind is Kind.STRING:
        return constant(cursor)
    if token.kind is Kind.PARAMETER and not token.value.startswith("??"):
        return parameter(cursor)
    raise cursor.unexpected("a string")
