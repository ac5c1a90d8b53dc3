"""Commands: one function per command, found by its first word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remedyd.offline.lexer import Kind, Mode
from remedyd.offline.nodes import (
    Aggregation,
    Column,
    Command,
    Dissect,
    Drop,
    Eval,
    Expression,
    From,
    FunctionCall,
    Grok,
    InlineStats,
    Keep,
    Limit,
    Literal,
    LiteralType,
    LookupJoin,
    MvExpand,
    Named,
    NamePattern,
    Parameter,
    Query,
    Rename,
    Renaming,
    Row,
    Setting,
    Sort,
    SortKey,
    Stats,
    TimeSeries,
    Where,
    walk,
)
from remedyd.offline.parser.cursor import AFTER_COMMAND
from remedyd.offline.parser.expressions import CAST, constant, expression, operand
from remedyd.offline.parser.names import column, column_or_pattern, parameter
from remedyd.offline.parser.refusals import refuse
from remedyd.offline.parser.sources import index_list, index_pattern, index_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from remedyd.offline.parser.cursor import Cursor


def query(cursor: Cursor) -> Query:
    """Settings, a source command, and the commands piped after it."""
    settings = []
    while cursor.at_word("SET"):
        settings.append(_setting(cursor))
    commands = [_command(cursor, _SOURCES, first=True)]
    while cursor.at_symbol("|"):
        cursor.enter(Mode.COMMAND)
        commands.append(_command(cursor, _COMMANDS, first=False))
    span = cursor.span(commands[0].span.start)
    return Query(span, cursor.source, tuple(settings), tuple(commands))


def _command(cursor: Cursor, known: dict[str, _Reader], *, first: bool) -> Command:
    token = cursor.token
    word = token.value.upper()
    if token.kind is not Kind.WORD or not token.value.isascii() or word not in known:
        raise refuse(cursor, token, frozenset(known), first=first)
    mode, read = known[word]
    cursor.enter(mode)
    command = read(cursor, token.start)
    if not cursor.at_symbol("|") and not cursor.at(Kind.END):
        raise cursor.unexpected(AFTER_COMMAND)
    return command


def _setting(cursor: Cursor) -> Setting:
    start = cursor.enter(Mode.SETTING).start
    if cursor.token.kind not in (Kind.NAME, Kind.QUOTED_NAME):
        raise cursor.unexpected("a setting name")
    name = cursor.advance().value.lower()
    cursor.expect_symbol("=")
    value_start = cursor.token.start
    if cursor.at_symbol("{"):
        raise cursor.unsupported("setting with a map of options", value_start)
    value = parameter(cursor) if cursor.at(Kind.PARAMETER) else constant(cursor)
    if not isinstance(value, Literal):
        raise cursor.unsupported("setting that is not a single constant", value_start)
    span = cursor.span(start)
    if not cursor.at_symbol(";"):
        raise cursor.unexpected("';'")
    cursor.enter(Mode.COMMAND)
    return Setting(span, name, value)


# --- sources


def _from(cursor: Cursor, start: int) -> From:
    sources, metadata = index_list(cursor)
    return From(cursor.span(start), sources, metadata)


def _time_series(cursor: Cursor, start: int) -> TimeSeries:
    sources, metadata = index_list(cursor)
    return TimeSeries(cursor.span(start), sources, metadata)


def _row(cursor: Cursor, start: int) -> Row:
    fields = _fields(cursor)
    return Row(cursor.span(start), fields)


# --- fields


def _fields(cursor: Cursor) -> tuple[Named, ...]:
    fields = [_field(cursor)]
    while cursor.take_symbol(","):
        fields.append(_field(cursor))
    return tuple(fields)


def _field(cursor: Cursor) -> Named:
    start = cursor.token.start
    target, value = _assigned(cursor)
    return Named(cursor.span(start), target, value, cursor.text(start))


def _group(cursor: Cursor) -> Named:
    field = _field(cursor)
    if isinstance(field.value, Column) and field.target is None:
        return Named(field.span, None, field.value, field.value.name)
    return field


def _assigned(cursor: Cursor) -> tuple[Column | None, Expression]:
    """`[name =] expression`; whether it was a name shows only at the `=` after it."""
    start = cursor.token.start
    value = expression(cursor)
    if not cursor.at_symbol("="):
        return None, value
    bare = value.span.start == start and value.span.end == cursor.end
    if bare and isinstance(value, Column):
        target = value
    elif bare and isinstance(value, Parameter):
        target = Column(value.span, (value,))
    else:
        raise cursor.unexpected("an operator", hint="equality is written ==")
    cursor.advance()
    return target, expression(cursor)


# --- STATS


def _aggregation(cursor: Cursor) -> Aggregation:
    start = cursor.token.start
    target, value = _assigned(cursor)
    condition = None
    if cursor.take_keyword("WHERE"):
        condition_start = cursor.token.start
        condition = expression(cursor)
        if not any(isinstance(node, FunctionCall) for node in walk(value)):
            raise cursor.error(
                f"WHERE clause allowed only for aggregate functions [{cursor.text(start)}]",
                condition_start,
                hint="filter rows with a WHERE command before STATS",
            )
    return Aggregation(cursor.span(start), target, value, condition, cursor.text(start))


def _aggregations(cursor: Cursor) -> tuple[Aggregation, ...]:
    found = [_aggregation(cursor)]
    while cursor.take_symbol(","):
        found.append(_aggregation(cursor))
    return tuple(found)


def _groups(cursor: Cursor) -> tuple[Named, ...]:
    if not cursor.take_keyword("BY"):
        return ()
    found = [_group(cursor)]
    while cursor.take_symbol(","):
        found.append(_group(cursor))
    return tuple(found)


def _stats(cursor: Cursor, start: int) -> Stats:
    bare = cursor.at(Kind.END) or cursor.at_symbol("|")
    if bare:
        raise cursor.error(
            f"At least one aggregation or grouping expression required in [{cursor.text(start)}]",
            start,
        )
    aggregates = () if cursor.at_keyword("BY") else _aggregations(cursor)
    groups = _groups(cursor)
    return Stats(cursor.span(start), aggregates, groups)


def _inline(cursor: Cursor, start: int) -> InlineStats:
    if not cursor.at_word("STATS"):
        raise cursor.unexpected("STATS")
    cursor.enter(Mode.EXPRESSION)
    return _inline_stats(cursor, start)


def _inline_stats(cursor: Cursor, start: int) -> InlineStats:
    aggregates = _aggregations(cursor)
    groups = _groups(cursor)
    return InlineStats(cursor.span(start), aggregates, groups)


# --- rows


def _where(cursor: Cursor, start: int) -> Where:
    condition = expression(cursor)
    return Where(cursor.span(start), condition)


def _eval(cursor: Cursor, start: int) -> Eval:
    fields = _fields(cursor)
    return Eval(cursor.span(start), fields)


def _sort(cursor: Cursor, start: int) -> Sort:
    keys = [_sort_key(cursor)]
    while cursor.take_symbol(","):
        keys.append(_sort_key(cursor))
    return Sort(cursor.span(start), tuple(keys))


def _sort_key(cursor: Cursor) -> SortKey:
    start = cursor.token.start
    value = expression(cursor)
    descending = cursor.take_keyword("DESC")
    if not descending:
        cursor.take_keyword("ASC")
    nulls_first = descending
    if cursor.take_keyword("NULLS"):
        nulls_first = cursor.take_keyword("FIRST")
        if not nulls_first and not cursor.take_keyword("LAST"):
            raise cursor.unexpected("FIRST or LAST")
    return SortKey(cursor.span(start), value, descending, nulls_first)


def _limit(cursor: Cursor, start: int) -> Limit:
    if cursor.at(Kind.PARAMETER) and not cursor.token.value.startswith("??"):
        count: Expression = parameter(cursor)
    else:
        count = constant(cursor)
        if not isinstance(count, Literal) or count.type is not LiteralType.INTEGER:
            raise _bad_limit(cursor, start, count)
        if not isinstance(count.value, int) or count.value < 0:
            raise _bad_limit(cursor, start, count)
    if cursor.at_keyword("BY"):
        raise cursor.unsupported("LIMIT ... BY", cursor.token.start)
    return Limit(cursor.span(start), count)


def _bad_limit(cursor: Cursor, start: int, count: Expression) -> Exception:
    kind = count.type.value if isinstance(count, Literal) else "array or time span"
    return cursor.error(
        f"value of [{cursor.text(start)}] must be a non negative integer, "
        f"found value [{cursor.source.cut(count.span)}] type [{kind}]",
        start,
    )


# --- columns


def _names(cursor: Cursor) -> tuple[Column | NamePattern, ...]:
    names = [column_or_pattern(cursor)]
    while cursor.take_symbol(","):
        names.append(column_or_pattern(cursor))
    return tuple(names)


def _keep(cursor: Cursor, start: int) -> Keep:
    names = _names(cursor)
    return Keep(cursor.span(start), names)


def _drop(cursor: Cursor, start: int) -> Drop:
    names = _names(cursor)
    for name in names:
        if isinstance(name, NamePattern) and name.text == "*":
            raise cursor.error("Removing all fields is not allowed [*]", name.span.start)
    return Drop(cursor.span(start), names)


def _rename(cursor: Cursor, start: int) -> Rename:
    renames = [_renaming(cursor)]
    while cursor.take_symbol(","):
        renames.append(_renaming(cursor))
    return Rename(cursor.span(start), tuple(renames))


def _renaming(cursor: Cursor) -> Renaming:
    start = cursor.token.start
    first = column_or_pattern(cursor)
    assigned = cursor.take_symbol("=")
    if not assigned:
        cursor.expect_keyword("AS")
    second = column_or_pattern(cursor)
    old, new = (second, first) if assigned else (first, second)
    if isinstance(old, NamePattern) or isinstance(new, NamePattern):
        raise cursor.error(
            f"Using wildcards [*] in RENAME is not allowed [{cursor.text(start)}]", start
        )
    return Renaming(cursor.span(start), old, new)


def _mv_expand(cursor: Cursor, start: int) -> MvExpand:
    name = column(cursor)
    return MvExpand(cursor.span(start), name)


# --- LOOKUP JOIN


def _lookup(cursor: Cursor, start: int) -> LookupJoin:
    cursor.expect_keyword("JOIN")
    index_start = cursor.token.start
    text = index_text(cursor)
    span = cursor.span(index_start)
    if not cursor.at_keyword("ON"):
        raise cursor.unexpected("ON")
    if "*" in text:
        raise cursor.error(
            f"invalid index pattern [{text}], wildcards are not supported in LOOKUP JOIN",
            index_start,
        )
    if ":" in text:
        raise cursor.error(
            f"invalid index pattern [{text}], remote clusters are not supported with LOOKUP JOIN",
            index_start,
        )
    index = index_pattern(cursor, text, span, False)
    cursor.enter(Mode.EXPRESSION)
    keys = [_join_key(cursor)]
    while cursor.take_symbol(","):
        keys.append(_join_key(cursor))
    return LookupJoin(cursor.span(start), index, tuple(keys))


def _join_key(cursor: Cursor) -> Column:
    start = cursor.token.start
    key = expression(cursor)
    if isinstance(key, Parameter):
        return Column(key.span, (key,))
    if not isinstance(key, Column):
        raise cursor.unsupported("LOOKUP JOIN on an expression", start)
    return key


# --- DISSECT and GROK


def _string(cursor: Cursor) -> Expression:
    if not cursor.at(Kind.STRING):
        raise cursor.unexpected("a string")
    return constant(cursor)


def _dissect(cursor: Cursor, start: int) -> Dissect:
    source = operand(cursor, CAST)
    pattern = _string(cursor)
    separator = ""
    if cursor.token.kind in (Kind.NAME, Kind.QUOTED_NAME):
        separator = _append_separator(cursor)
    return Dissect(cursor.span(start), source, pattern, separator)


def _append_separator(cursor: Cursor) -> str:
    option = cursor.advance()
    if option.value.lower() != "append_separator":
        raise cursor.error(
            f"Invalid option for dissect: [{option.value}]",
            option.start,
            hint="the only option is APPEND_SEPARATOR",
        )
    cursor.expect_symbol("=")
    value_start = cursor.token.start
    value = constant(cursor)
    if not isinstance(value, Literal) or not isinstance(value.value, str):
        raise cursor.error(
            "Invalid value for dissect append_separator: expected a string, "
            f"but was [{cursor.text(value_start)}]",
            option.start,
        )
    return value.value


def _grok(cursor: Cursor, start: int) -> Grok:
    source = operand(cursor, CAST)
    patterns = [_string(cursor)]
    while cursor.take_symbol(","):
        patterns.append(_string(cursor))
    return Grok(cursor.span(start), source, tuple(patterns))


if TYPE_CHECKING:
    _Reader = tuple[Mode, Callable[[Cursor, int], Command]]

_SOURCES: dict[str, _Reader] = {
    "FROM": (Mode.SOURCE, _from),
    "TS": (Mode.SOURCE, _time_series),
    "ROW": (Mode.EXPRESSION, _row),
}
_COMMANDS: dict[str, _Reader] = {
    "DISSECT": (Mode.EXPRESSION, _dissect),
    "DROP": (Mode.PATTERN, _drop),
    "EVAL": (Mode.EXPRESSION, _eval),
    "GROK": (Mode.EXPRESSION, _grok),
    "INLINE": (Mode.COMMAND, _inline),
    "INLINESTATS": (Mode.EXPRESSION, _inline_stats),
    "KEEP": (Mode.PATTERN, _keep),
    "LIMIT": (Mode.EXPRESSION, _limit),
    "LOOKUP": (Mode.JOIN, _lookup),
    "MV_EXPAND": (Mode.EXPAND, _mv_expand),
    "RENAME": (Mode.RENAME, _rename),
    "SORT": (Mode.EXPRESSION, _sort),
    "STATS": (Mode.EXPRESSION, _stats),
    "WHERE": (Mode.EXPRESSION, _where),
}
