"""Fields that several streams map differently: usable once a conversion makes them one type."""

from __future__ import annotations

from dataclasses import replace

from remedyd.offline import nodes
from remedyd.offline.functions import Function
from remedyd.offline.plan import Column, Scan
from remedyd.offline.types import DataType
from remedyd.offline.verifier.context import Context


def converted(function: Function, node: nodes.FunctionCall, context: Context) -> Column | None:
    """Return the column that `TO_X(field)` reads, where `field` has several types.

    None for every other call. The conversion is done where the streams are read, before their
    rows are put together.
    """
    if function.topic != "conversion" or len(node.arguments) != 1:
        return None
    argument = node.arguments[0]
    if not isinstance(argument, nodes.Column):
        return None
    column = context.scope.columns.get(argument.name)
    if column is None or column.type is not DataType.UNSUPPORTED or not _fits(function, column):
        return None
    data_type = function.returns([DataType.NULL])
    made = replace(
        context.scope.define(column.name, data_type, multi=column.multi),
        leaves=column.leaves,
        convert=(function, node),
    )
    for index, step in enumerate(context.steps):
        if isinstance(step, Scan):
            context.steps[index] = replace(step, columns=(*step.columns, made))
    return made


def _fits(function: Function, column: Column) -> bool:
    types = {leaf.type for leaf in column.leaves.values()}
    return len(types) > 1 and types <= function.parameters[0].types
