"""Dynamic mapping: the type of a field that first appears in a document."""

from __future__ import annotations

from remedyd.offline.catalog.schema import Leaf, Schema
from remedyd.offline.functions.moments import parse_nanos
from remedyd.offline.types import DataType, mapped

_TEMPLATES = {
    "gauge_long": ("long", "gauge"),
    "gauge_double": ("double", "gauge"),
    "counter_long": ("long", "counter"),
    "counter_double": ("double", "counter"),
    "histogram": ("histogram", ""),
    "summary": ("aggregate_metric_double", ""),
}
"""Dynamic templates of the OpenTelemetry mappings that a bulk request may name."""


def dynamic_leaf(schema: Schema, path: str, value: object, template: str = "") -> Leaf | None:
    """Return the leaf to map `path` as, judged by its first value; None when it is not mapped.

    Strings are keywords and whole numbers longs, as the OpenTelemetry templates have it; a string
    that is a date is one where the mapping has date detection on. Under
    `metrics` a number is a gauge unless the writer names another template.
    """
    container = schema.container_of(path)
    if container is None or not container.dynamic:
        return None
    if template in _TEMPLATES:
        kind, metric = _TEMPLATES[template]
        return Leaf(path, mapped(kind, metric), metric=metric)
    data_type = _judged(value)
    if data_type is None:
        return None
    if schema.date_detection and data_type is DataType.KEYWORD and _is_date(value):
        data_type = DataType.DATE
    number = data_type in {DataType.LONG, DataType.DOUBLE}
    metric = "gauge" if container.prefix == "metrics." and number else ""
    return Leaf(path, data_type, dimension=container.dimension, metric=metric)


def _is_date(value: object) -> bool:
    """Whether a string is a date by Elasticsearch's detection; a bare year is not."""
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, str) or not set(":-/") & set(first):
        return False
    return parse_nanos(first) is not None


def _judged(value: object) -> DataType | None:
    if isinstance(value, list):
        return next((kind for kind in map(_judged, value) if kind is not None), None)
    if isinstance(value, bool):
        return DataType.BOOLEAN
    if isinstance(value, int):
        return DataType.LONG
    if isinstance(value, float):
        return DataType.DOUBLE
    return DataType.KEYWORD if isinstance(value, str) else None
