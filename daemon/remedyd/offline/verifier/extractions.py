"""DISSECT and GROK: columns taken out of a text."""

from __future__ import annotations

from remedyd.offline import nodes
from remedyd.offline.errors import EsqlError
from remedyd.offline.functions import Function
from remedyd.offline.functions.dissect import BadPattern, dissect
from remedyd.offline.functions.extraction import captured, joined
from remedyd.offline.functions.grok import Unsupported, grok
from remedyd.offline.plan import Call, Constant, Definition, Expression, Extend
from remedyd.offline.types import STRINGS, DataType
from remedyd.offline.verifier.binder import Binder
from remedyd.offline.verifier.context import Context
from remedyd.offline.verifier.problems import VerificationError


def dissect_command(node: nodes.Dissect, context: Context) -> None:
    """Add one text column per key; null where the pattern does not fit."""
    value = _input(node.input, "Dissect", context)
    try:
        extraction = dissect(_pattern(node.pattern, context))
    except BadPattern as problem:
        raise context.reporter.error(node, str(problem), kind="parsing_exception") from problem
    functions = {key: joined(extraction, key, node.append_separator) for key in extraction.keys}
    _define(functions, value, node, context)


def grok_command(node: nodes.Grok, context: Context) -> None:
    """Add one column per named pattern; null where none of the patterns fits."""
    value = _input(node.input, "Grok", context)
    try:
        extractions = [grok(_pattern(pattern, context)) for pattern in node.patterns]
    except Unsupported as problem:
        raise context.reporter.unsupported(node, str(problem)) from problem
    except BadPattern as problem:
        raise context.reporter.error(node, str(problem), kind="parsing_exception") from problem
    names = dict.fromkeys(key for item in extractions for key in item.keys)
    _define({key: captured(extractions, key) for key in names}, value, node, context)


def _input(node: nodes.Expression, command: str, context: Context) -> Expression:
    try:
        value = Binder(context).bind(node)
        if value.type not in STRINGS | {DataType.NULL}:
            text = context.reporter.text(node)
            reason = (
                f"{command} only supports KEYWORD or TEXT values, found expression [{text}] type "
                f"[{value.type.label.upper()}]"
            )
            raise context.reporter.error(node, reason)
    except EsqlError as problem:
        if problem.type != "verification_exception":
            raise
        raise VerificationError([problem], context.reporter.source) from problem
    if value.multi:
        raise context.reporter.unsupported(node, f"{command.upper()} of a multivalued field")
    return value


def _pattern(node: nodes.Expression, context: Context) -> str:
    bound = Binder(context).bind(node)
    if not isinstance(bound, Constant) or not isinstance(bound.value, str):
        raise context.reporter.error(node, "a pattern must be a constant string")
    return bound.value


def _define(
    functions: dict[str, Function], value: Expression, node: nodes.Node, context: Context
) -> None:
    definitions = []
    for key, function in functions.items():
        data_type = function.returns([value.type])
        call = Call(data_type, function.gives_multi, node, function, (value,))
        column = context.scope.define(key, data_type, multi=function.gives_multi)
        definitions.append(Definition(column, call))
    context.steps.append(Extend(tuple(definitions)))
    for definition in definitions:
        context.scope.show(definition.column)
