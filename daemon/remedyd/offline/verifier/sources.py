"""FROM, TS and ROW: where the first columns come from."""

from __future__ import annotations

from remedyd.offline import nodes
from remedyd.offline.catalog import Resolution
from remedyd.offline.catalog.patterns import Pattern
from remedyd.offline.errors import EsqlError
from remedyd.offline.plan import Column, Definition, Extend, Scan
from remedyd.offline.types import DataType
from remedyd.offline.verifier.context import Context
from remedyd.offline.verifier.scope import Names

INDEX = "_index"


class UnknownIndex(EsqlError):
    """No stream answers to the index list; Elasticsearch gives no position here."""

    @property
    def message(self) -> str:
        """What is wrong, without a position."""
        return self.reason


def patterns_of(sources: tuple[nodes.IndexPattern, ...], context: Context) -> tuple[Pattern, ...]:
    """Return the index list of a FROM; other clusters are refused."""
    for source in sources:
        if source.cluster is not None:
            raise context.reporter.unsupported(source, "cross-cluster search")
        if source.pattern.startswith("<"):
            raise context.reporter.unsupported(source, "date math in index names")
    return tuple(Pattern(source.pattern, source.excluded) for source in sources)


def resolve(node: nodes.From | nodes.TimeSeries, context: Context) -> Resolution:
    """Return the streams of a FROM; a missing one without wildcard is an error."""
    patterns = patterns_of(node.sources, context)
    resolution = context.catalog.resolve(patterns)
    missing = ",".join(resolution.missing)
    if not resolution.streams and not missing:
        missing = ",".join(entry.text for entry in patterns if not entry.excluded)
    if missing:
        position = context.reporter.source.position(node.span.start)
        raise UnknownIndex(f"Unknown index [{missing}]", position, kind="verification_exception")
    return resolution


def _columns(resolution: Resolution) -> tuple[tuple[Column, ...], Names]:
    names = Names()
    columns = []
    for name in resolution.names():
        types = resolution.types(name)
        data_type = next(iter(types)) if len(types) == 1 else DataType.UNSUPPORTED
        variants = resolution.variants(name)
        leaves = {stream: variant.leaf for stream, variant in variants.items()}
        multi = any(leaf.multi for leaf in leaves.values())
        columns.append(Column(name, names.take(name), data_type, multi, leaves))
    return tuple(columns), names


def from_command(node: nodes.From, context: Context) -> None:
    """Show every field of the streams, in alphabetical order, then the metadata asked for."""
    _show(resolve(node, context), node.metadata, context)


def _show(resolution: Resolution, metadata: tuple[nodes.Column, ...], context: Context) -> None:
    if "columns" not in resolution.memo:
        resolution.memo["columns"] = _columns(resolution)
    columns, names = resolution.memo["columns"]
    context.scope.names = names.copy()
    context.scope.columns = {column.name: column for column in columns}
    index = _metadata(metadata, context)
    until = context.now if context.hide_future else None
    context.steps.append(Scan(resolution.streams, columns, index, until))


def time_series_command(node: nodes.TimeSeries, context: Context) -> None:
    """FROM over the time series among the streams; the first STATS is theirs."""
    patterns = patterns_of(node.sources, context)
    found = context.catalog.resolve(patterns)
    streams = tuple(schema for schema in found.streams if schema.is_time_series)
    if not streams:
        missing = ",".join(entry.text for entry in patterns if not entry.excluded)
        position = context.reporter.source.position(node.span.start)
        raise UnknownIndex(f"Unknown index [{missing}]", position, kind="verification_exception")
    _show(Resolution(streams), node.metadata, context)
    context.time_series = True


def _metadata(names: tuple[nodes.Column, ...], context: Context) -> Column | None:
    index = None
    for node in names:
        if node.name != INDEX:
            raise context.reporter.unsupported(node, f"METADATA {node.name}")
        index = context.scope.define(INDEX, DataType.KEYWORD)
        context.scope.show(index)
    return index


def row_command(node: nodes.Row, context: Context) -> None:
    """One row of constants; later fields may use earlier ones."""
    from remedyd.offline.verifier.commands import define_fields

    context.steps.append(Extend(()))
    define_fields(node.fields, context, row=True)


__all__ = ["INDEX", "Definition", "UnknownIndex", "from_command", "resolve", "row_command"]
