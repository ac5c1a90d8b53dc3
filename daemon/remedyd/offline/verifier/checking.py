"""Argument checks of functions and operators, with Elasticsearch's wording."""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline import nodes
from remedyd.offline.errors import EsqlError
from remedyd.offline.functions import Function, Kind, Parameter
from remedyd.offline.plan import Constant, Expression, Span
from remedyd.offline.types import (
    DATES,
    NUMERIC,
    SPANS,
    STRINGS,
    DataType,
)
from remedyd.offline.verifier.literals import READABLE, read_as
from remedyd.offline.verifier.problems import ORDINALS, Reporter

_CONDITION = Parameter("condition", frozenset({DataType.BOOLEAN}), "boolean")
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_COUNTS = ("no", "one", "two", "three", "four", "five")


def check_arity(
    function: Function, count: int, node: nodes.FunctionCall, reporter: Reporter
) -> None:
    """Refuse a call with too few or too many arguments."""
    least, most = function.required, function.most
    if least <= count and (most is None or count <= most):
        return
    if most is None:
        wanted = f"at least {_COUNTS[least]} argument{'s' if least > 1 else ''}"
    elif least == most:
        amount = "exactly " + _COUNTS[least] if least else "no"
        wanted = f"{amount} argument{'s' if least != 1 else ''}"
    else:
        wanted = f"{' or '.join(_COUNTS[least : most + 1])} arguments"
    reason = f"error building [{function.name.lower()}]: expects {wanted}"
    raise reporter.error(node, reason, kind="parsing_exception")


def check_arguments(
    function: Function, arguments: Sequence[Expression], node: nodes.Node, reporter: Reporter
) -> list[Expression]:
    """Return the arguments, strings read as dates where dates belong; raise on a wrong type."""
    if function.name in COMPARISONS:
        return _check_comparison(function, arguments, node, reporter)
    if function.name in ARITHMETIC:
        return _check_arithmetic(function, arguments, node, reporter)
    checked: list[Expression] = []
    for index, argument in enumerate(arguments):
        parameter = function.parameter(index)
        if function.name == "CASE" and index % 2 == 0 and index < len(arguments) - 1:
            parameter = _CONDITION
        if not parameter.types & STRINGS and function.kind is not Kind.AGGREGATE:
            argument = read_as(argument, parameter.types, reporter)
        if argument.type not in parameter.types and argument.type is not DataType.NULL:
            raise _wrong_type(function, index, argument, parameter.expected, node, reporter)
        if parameter.constant:
            _check_constant(function, index, argument, node, reporter)
        checked.append(argument)
    return checked


_MAY_VARY = frozenset(
    {
        "CIDR_MATCH",
        "DATE_DIFF",
        "DATE_EXTRACT",
        "DATE_FORMAT",
        "DATE_PARSE",
        "HASH",
        "MV_PERCENTILE",
        "REPLACE",
    }
)
"""In Elasticsearch all their arguments may differ from row to row."""


def _check_constant(
    function: Function, index: int, argument: Expression, node: nodes.Node, reporter: Reporter
) -> None:
    """Refuse a column where a constant has to stand, and what is no single constant."""
    name = function.parameter(index).name
    text = reporter.text(argument.node)
    if argument.multi and isinstance(argument, Constant):
        raise reporter.unsupported(argument.node, f"{function.name} with several values as {name}")
    place = f"{ORDINALS[min(index, 4)]} argument of [{reporter.text(node)}]"
    if not isinstance(argument, Constant | Span):
        if function.name in _MAY_VARY:
            feature = f"{function.name} with a {name} that is not a constant"
            raise reporter.unsupported(argument.node, feature)
        raise reporter.error(node, f"{place} must be a constant, received [{text}]")
    if function.kind is Kind.AGGREGATE and argument.type is DataType.NULL:
        raise reporter.error(node, f"{place} cannot be null, received [{text}]")


def _wrong_type(
    function: Function,
    index: int,
    argument: Expression,
    expected: str,
    node: nodes.Node,
    reporter: Reporter,
) -> EsqlError:
    several = function.most != 1 and function.name not in {"LIKE", "RLIKE"}
    place = f"{ORDINALS[min(index, 4)]} argument" if several else "argument"
    found = f"found value [{reporter.text(argument.node)}] type [{argument.type.label}]"
    return reporter.error(node, f"{place} of [{reporter.text(node)}] must be [{expected}], {found}")


def _family(data_type: DataType) -> str:
    if data_type in NUMERIC:
        return "numeric"
    return "keyword" if data_type in STRINGS else data_type.label


def compatible(left: DataType, right: DataType) -> bool:
    """Whether two types may be compared with one another."""
    if DataType.NULL in {left, right} or left is right:
        return True
    return any({left, right} <= group for group in (NUMERIC, STRINGS, DATES))


def _check_comparison(
    function: Function, arguments: Sequence[Expression], node: nodes.Node, reporter: Reporter
) -> list[Expression]:
    left, right = arguments
    left = read_as(left, {right.type} & READABLE, reporter)
    right = read_as(right, {left.type} & READABLE, reporter)
    for index, operand in enumerate((left, right)):
        if operand.type not in function.parameters[index].types:
            expected = function.parameters[index].expected
            raise _wrong_type(function, index, operand, expected, node, reporter)
    if not compatible(left.type, right.type):
        wanted, found = _family(left.type), right.type.label
        reason = (
            f"first argument of [{reporter.text(node)}] is [{wanted}] so second argument must "
            f"also be [{wanted}] but was [{found}]"
        )
        raise reporter.error(node, reason)
    _refuse_mixed_unsigned(left, right, node, reporter)
    return [left, right]


def _refuse_mixed_unsigned(
    left: Expression, right: Expression, node: nodes.Node, reporter: Reporter
) -> None:
    types = {left.type, right.type} - {DataType.NULL}
    if DataType.UNSIGNED_LONG in types and len(types) > 1:
        reason = (
            f"first argument of [{reporter.text(node)}] is [{left.type.label}] and second is "
            f"[{right.type.label}]. [unsigned_long] can only be operated on together with "
            "another [unsigned_long]"
        )
        raise reporter.error(node, reason)


def _check_arithmetic(
    function: Function, arguments: Sequence[Expression], node: nodes.Node, reporter: Reporter
) -> list[Expression]:
    left, right = arguments
    if left.type in DATES:
        right = read_as(right, SPANS, reporter)
    elif right.type in DATES and function.name == "+":
        left = read_as(left, SPANS, reporter)
    for index, operand in enumerate((left, right)):
        accepted = function.parameters[index].types
        if operand.type not in accepted and operand.type is not DataType.NULL:
            expected = function.parameters[index].expected
            raise _wrong_type(function, index, operand, expected, node, reporter)
    if not _can_compute(function.name, left.type, right.type):
        reason = (
            f"[{function.name}] has arguments with incompatible types "
            f"[{left.type.label}] and [{right.type.label}]"
        )
        raise reporter.error(node, reason)
    return [left, right]


def _can_compute(operator: str, left: DataType, right: DataType) -> bool:
    if DataType.NULL in {left, right}:
        return True
    if left in NUMERIC and right in NUMERIC:
        unsigned = DataType.UNSIGNED_LONG in {left, right}
        return not unsigned or left is right
    if left in DATES:
        return right in SPANS
    if right in DATES:
        return left in SPANS and operator == "+"
    return left is right and left in SPANS
