"""Names, types and rules: a syntax tree becomes a plan, or an error worded as Elasticsearch's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from remedyd.offline import nodes
from remedyd.offline.catalog import Catalog
from remedyd.offline.functions.moments import millis
from remedyd.offline.plan import Limit, Plan
from remedyd.offline.verifier import commands, extractions, joins, sources, stats
from remedyd.offline.verifier.context import Context
from remedyd.offline.verifier.parameters import Given, Parameters, bind_identifiers
from remedyd.offline.verifier.problems import Reporter, VerificationError
from remedyd.offline.verifier.sources import UnknownIndex
from remedyd.offline.verifier.timeseries import time_series_stats

__all__ = ["Given", "Settings", "UnknownIndex", "VerificationError", "command_names", "verify"]


def _stats(node: nodes.Stats, context: Context) -> None:
    if context.time_series:
        time_series_stats(node, context)
    else:
        stats.stats_command(node, context)


def default_rows(query: nodes.Query) -> int:
    """Return how many rows a query without LIMIT gives at most."""
    from_series = isinstance(query.commands[0], nodes.TimeSeries)
    return commands.MAXIMUM_ROWS if from_series else commands.DEFAULT_ROWS


_COMMANDS: dict[type[nodes.Command], Callable[[Any, Context], None]] = {
    nodes.From: sources.from_command,
    nodes.TimeSeries: sources.time_series_command,
    nodes.Row: sources.row_command,
    nodes.Where: commands.where_command,
    nodes.Eval: commands.eval_command,
    nodes.Stats: _stats,
    nodes.InlineStats: stats.stats_command,
    nodes.Keep: commands.keep_command,
    nodes.Drop: commands.drop_command,
    nodes.Rename: commands.rename_command,
    nodes.Sort: commands.sort_command,
    nodes.Limit: commands.limit_command,
    nodes.MvExpand: commands.expand_command,
    nodes.LookupJoin: joins.lookup_join_command,
    nodes.Dissect: extractions.dissect_command,
    nodes.Grok: extractions.grok_command,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a verification depends on besides the query.

    `stack` is the release imitated. With `hide_future`, documents later than `now` are not
    there yet, as they would not have been in Elasticsearch.
    """

    now: datetime
    stack: tuple[int, int] = (9, 4)
    parameters: Given = field(default_factory=dict)
    hide_future: bool = False


def verify(query: nodes.Query, catalog: Catalog, settings: Settings) -> Plan:
    """Return the plan of a query. Raises EsqlError (VerificationError, UnsupportedEsql)."""
    reporter = Reporter(query.source)
    parameters = Parameters(settings.parameters, reporter)
    query = bind_identifiers(query, parameters)
    context = Context(
        reporter,
        query,
        parameters,
        catalog,
        settings.stack,
        millis(settings.now),
        hide_future=settings.hide_future,
    )
    _apply_settings(query, context)
    for command in query.commands:
        handler = _COMMANDS.get(type(command))
        if handler is None:
            raise reporter.unsupported(command, _name(type(command)))
        handler(command, context)
    if not context.limited:
        rows = default_rows(query)
        context.warnings.append(f"No limit defined, adding default limit of [{rows}]")
        context.steps.append(Limit(rows))
    output = tuple(context.scope.columns.items())
    return Plan(tuple(context.steps), output, tuple(context.warnings))


def command_names() -> set[str]:
    """Return the commands that can be run, as they are written."""
    return {_name(command) for command in _COMMANDS}


def _name(command: type[nodes.Command]) -> str:
    known = {nodes.TimeSeries: "TS", nodes.MvExpand: "MV_EXPAND"}
    spaced = (f" {char}" if char.isupper() else char for char in command.__name__)
    return known.get(command, "".join(spaced).strip().upper())


def _apply_settings(query: nodes.Query, context: Context) -> None:
    for setting in query.settings:
        if setting.name == "unmapped_fields" and context.stack >= (9, 3):
            value = str(setting.value.value).lower()
            if value not in {"nullify", "default", "fail"}:
                raise context.reporter.unsupported(setting, f"unmapped_fields={value}")
            context.nullify = value == "nullify"
        else:
            reason = f"Unknown setting [{setting.name}]"
            raise context.reporter.error(setting, reason, kind="parsing_exception")
