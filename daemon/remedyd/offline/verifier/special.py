"""Functions that stand for other expressions: BUCKET, TBUCKET, TRANGE, time span conversions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from remedyd.offline import nodes
from remedyd.offline.catalog.schema import TIMESTAMP
from remedyd.offline.functions import FUNCTIONS, OPERATORS
from remedyd.offline.functions.dates import truncated
from remedyd.offline.functions.grouping import human_step, number_step
from remedyd.offline.plan import Call, Constant, Expression, Reference, Span
from remedyd.offline.types import DATES, NUMERIC, SPANS, STRINGS, DataType
from remedyd.offline.verifier.folding import moved
from remedyd.offline.verifier.literals import read_as

if TYPE_CHECKING:
    from remedyd.offline.verifier.binder import Binder
    from remedyd.offline.verifier.context import Context

Handler = Callable[["Binder", nodes.FunctionCall, Sequence[Expression]], Expression]


def bucket(binder: Binder, node: nodes.FunctionCall, given: Sequence[Expression]) -> Expression:
    """`BUCKET(field, span)`, `BUCKET(field, width)` or `BUCKET(field, count, from, to)`."""
    field, width, *bounds = given
    reporter = binder.reporter
    if field.type not in DATES | NUMERIC and field.type is not DataType.NULL:
        raise _wrong(binder, node, "first", "datetime or numeric", field)
    dated = field.type in DATES
    if dated:
        width = read_as(width, SPANS, reporter) if not bounds else width
    accepted = SPANS | {DataType.INTEGER, DataType.LONG} if dated else NUMERIC
    expected = "integral, date_period or time_duration" if dated else "numeric"
    if width.type not in accepted:
        raise _wrong(binder, node, "second", expected, width)
    whole = width.type in {DataType.INTEGER, DataType.LONG}
    wanted = "four" if whole else "two"
    counts = {2} if whole and dated else {0, 2} if whole else {0}
    if len(bounds) not in counts:
        reason = (
            f"function expects exactly {wanted} arguments when the first one is of type "
            f"[{field.type.label.upper()}] and the second of type [{width.type.label.upper()}]"
        )
        raise reporter.error(node, reason)
    if bounds:
        width = _counted(binder, node, width, bounds, dated=dated)
    if isinstance(width, Span) and truncated("x", width) is None:
        raise reporter.error(node, f"invalid bucket size [{reporter.text(node)}]")
    return _call(field, width, node)


def _call(field: Expression, width: Expression, node: nodes.Node) -> Call:
    function = FUNCTIONS["BUCKET"]
    data_type = function.returns([field.type])
    return Call(data_type, False, node, function, (field, width))


def _wrong(
    binder: Binder, node: nodes.FunctionCall, place: str, expected: str, found: Expression
) -> Exception:
    text = binder.reporter.text(found.node)
    reason = (
        f"{place} argument of [{binder.reporter.text(node)}] must be [{expected}], "
        f"found value [{text}] type [{found.type.label}]"
    )
    return binder.reporter.error(node, reason)


def _counted(
    binder: Binder,
    node: nodes.FunctionCall,
    count: Expression,
    bounds: Sequence[Expression],
    *,
    dated: bool,
) -> Expression:
    """Return the width that gives about `count` buckets between the bounds."""
    places = ("third", "fourth")
    values = []
    for place, bound in zip(places, bounds, strict=True):
        wanted = read_as(bound, {DataType.DATE}, binder.reporter) if dated else bound
        if dated and wanted.type in STRINGS and not isinstance(wanted, Constant):
            raise binder.reporter.unsupported(bound.node, "BUCKET with a column as a bound")
        fits = wanted.type in (DATES if dated else NUMERIC)
        if not fits:
            expected = "datetime or string" if dated else "numeric"
            raise _wrong(binder, node, place, expected, bound)
        if not isinstance(wanted, Constant) or not isinstance(wanted.value, int | float):
            text = binder.reporter.text(node)
            reason = f"{place} argument of [{text}] must be a constant, received "
            found = binder.reporter.text(bound.node)
            raise binder.reporter.error(bound.node, f"{reason}[{found}]")
        nanos = wanted.type is DataType.DATE_NANOS
        values.append(wanted.value // 1_000_000 if nanos else wanted.value)
    if not isinstance(count, Constant) or not isinstance(count.value, int | float):
        raise _wrong(binder, node, "second", "a constant", count)
    if values[1] <= values[0] or count.value <= 0:
        raise binder.reporter.error(node, "the bounds of buckets must be in ascending order")
    if not dated:
        step = number_step(int(count.value), *values)
        return Constant(DataType.DOUBLE, multi=False, node=node, value=step)
    months, days, milliseconds = human_step(int(count.value), int(values[0]), int(values[1]))
    kind = DataType.TIME_DURATION if milliseconds else DataType.DATE_PERIOD
    return Span(kind, False, node, months, days, milliseconds)


def timestamp(context: Context, node: nodes.Node) -> Reference:
    """Return @timestamp, for a function that reads it without naming it."""
    column = context.scope.columns.get(TIMESTAMP)
    if column is None:
        text = context.reporter.text(node)
        reason = f"[{text}] requires the [@timestamp] field, which was either not present in "
        raise context.reporter.error(
            node, f"{reason}the source index, or has been dropped or renamed"
        )
    return Reference(column.type, column.multi, node, column)


def tbucket(binder: Binder, node: nodes.FunctionCall, given: Sequence[Expression]) -> Expression:
    """`TBUCKET(span)` is `BUCKET(@timestamp, span)`."""
    moment = timestamp(binder.context, node)
    width = read_as(given[0], SPANS, binder.reporter)
    text = binder.reporter.text(node)
    if width.type not in SPANS | {DataType.INTEGER}:
        reason = f"argument of [{text}] must be [integer, date_period or time_duration], "
        found = f"found value [{binder.reporter.text(width.node)}] type [{width.type.label}]"
        raise binder.reporter.error(node, reason + found)
    if isinstance(width, Span):
        if len(given) > 1:
            reason = f"[from] and [to] in [{text}] cannot be used with a duration or period "
            raise binder.reporter.error(node, f"{reason}bucket size")
        return _call(moment, width, node)
    if len(given) == 1:
        reason = f"numeric bucket count in [{text}] requires [from] and [to] parameters or a "
        raise binder.reporter.error(node, f"{reason}`@timestamp` range in the query filter")
    if len(given) == 2:
        reason = f"[from] and [to] in [{text}] must both be provided or both omitted"
        raise binder.reporter.error(node, reason)
    return bucket(binder, node, [moment, width, *given[1:]])


def trange(binder: Binder, node: nodes.FunctionCall, given: Sequence[Expression]) -> Expression:
    """`TRANGE(span)` is `(NOW() - span, NOW()]`, `TRANGE(start, end)` is `(start, end]`."""
    moment = timestamp(binder.context, node)
    now = Constant(DataType.DATE, multi=False, node=node, value=binder.context.now)
    if len(given) == 1:
        span = read_as(given[0], SPANS, binder.reporter)
        if not isinstance(span, Span):
            raise _wrong(binder, node, "first", "time_duration or date_period", given[0])
        if min(span.months, span.days, span.milliseconds) < 0:
            raise binder.reporter.error(span.node, "start_time_or_offset cannot be negative")
        low, high = moved("-", now, span, node), now
    else:
        low, high = (_instant(binder, node, item) for item in given)
        if _value(low) > _value(high):
            reason = "TRANGE rangeStart time must be before rangeEnd time"
            raise binder.reporter.error(node, reason)
    above = _compared(">", moment, low, node)
    return Call(
        DataType.BOOLEAN,
        False,
        node,
        OPERATORS["AND"],
        (above, _compared("<=", moment, high, node)),
    )


def _value(constant: Constant) -> int:
    assert isinstance(constant.value, int)
    return constant.value if constant.type is DataType.DATE else constant.value // 1_000_000


def _compared(operator: str, left: Expression, right: Expression, node: nodes.Node) -> Call:
    return Call(DataType.BOOLEAN, False, node, OPERATORS[operator], (left, right))


def _instant(binder: Binder, node: nodes.FunctionCall, given: Expression) -> Constant:
    read = read_as(given, {DataType.DATE}, binder.reporter)
    if isinstance(read, Constant) and isinstance(read.value, int):
        if read.type in DATES:
            return read
        if read.type is DataType.LONG:
            return Constant(DataType.DATE, multi=False, node=given.node, value=read.value)
    raise _wrong(binder, node, "first", "string, long, date or date_nanos", given)


def span_conversion(kind: DataType) -> Handler:
    """TO_DATEPERIOD and TO_TIMEDURATION, of a string or a span already."""

    def handler(
        binder: Binder, node: nodes.FunctionCall, given: Sequence[Expression]
    ) -> Expression:
        read = read_as(given[0], {kind}, binder.reporter)
        if isinstance(read, Span) and read.type is kind:
            return read
        reporter = binder.reporter
        if read.type in STRINGS:
            reason = f"argument of [{reporter.text(node)}] must be a constant, received "
            raise reporter.error(node, f"{reason}[{reporter.text(given[0].node)}]")
        reason = f"argument of [{reporter.text(node)}] must be [{kind.value} or string], "
        found = f"found value [{reporter.text(read.node)}] type [{read.type.label}]"
        raise reporter.error(node, reason + found)

    return handler


HANDLERS: dict[str, Handler] = {
    "BUCKET": bucket,
    "TBUCKET": tbucket,
    "TRANGE": trange,
    "TO_DATEPERIOD": span_conversion(DataType.DATE_PERIOD),
    "TO_TIMEDURATION": span_conversion(DataType.TIME_DURATION),
}
