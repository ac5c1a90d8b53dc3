"""Mistakes in a mapping file, all at once and each with the field that has it.

Elasticsearch's own answers are well formed; files are edited by people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from remedyd.offline.types import DataType, mapped

_READABLE = (
    "boolean", "byte", "short", "integer", "long", "unsigned_long", "half_float", "float",
    "scaled_float", "double", "keyword", "constant_keyword", "wildcard", "text",
    "match_only_text", "date", "date_nanos", "ip", "version",
)  # fmt: skip
_OTHERS = frozenset(
    {
        "object", "nested", "passthrough", "alias", "binary", "flattened", "join", "histogram",
        "exponential_histogram", "tdigest", "aggregate_metric_double", "counted_keyword",
        "geo_point", "geo_shape", "point", "shape", "completion", "search_as_you_type",
        "token_count", "percolator", "rank_feature", "rank_features", "rank_vectors",
        "dense_vector", "sparse_vector", "semantic_text", "pattern_text", "annotated_text",
        "integer_range", "long_range", "float_range", "double_range", "date_range", "ip_range",
        "murmur3", "icu_collation_keyword",
    }
)  # fmt: skip
"""Types that are known and that ES|QL cannot read here; one that is not may be newer."""

_METRICS = ("gauge", "counter", "position", "summary")


Mistake = tuple[tuple[str, ...], str]
"""The keys that lead to it, and what is wrong."""


def mistakes(definition: object) -> Iterator[Mistake]:
    """Yield what is wrong with one stream's `settings` and `mappings`."""
    if not isinstance(definition, Mapping):
        yield (), "is not a mapping: expected an object"
        return
    if not isinstance(definition.get("settings", {}), Mapping):
        yield ("settings",), "settings must be an object"
    mappings = definition.get("mappings", definition)
    keys = ("mappings",) if "mappings" in definition else ()
    if not isinstance(mappings, Mapping) or not isinstance(mappings.get("properties"), Mapping):
        yield keys, "has no `properties` object"
        return
    yield from _below("", keys, mappings)


def _below(prefix: str, keys: tuple[str, ...], definition: Mapping[str, Any]) -> Iterator[Mistake]:
    properties = definition.get("properties", {})
    keys = (*keys, "properties")
    if not isinstance(properties, Mapping):
        yield keys, f"properties of {prefix.removesuffix('.')} must be an object"
        return
    for key, child in properties.items():
        name = f"{prefix}{key}"
        if isinstance(child, Mapping):
            yield from _field(name, (*keys, key), child)
        else:
            yield (*keys, key), f"field {name} must be an object"


def _field(name: str, keys: tuple[str, ...], field: Mapping[str, Any]) -> Iterator[Mistake]:
    kind = field.get("type", "object")
    if not isinstance(kind, str):
        yield (*keys, "type"), f"the type of field {name} must be text"
    elif near := _misspelt(kind):
        reason = f'field {name} has the unknown type "{kind}" (did you mean "{near}"?)'
        yield (*keys, "type"), reason
    metric = field.get("time_series_metric", "gauge")
    if metric not in _METRICS:
        reason = f"time_series_metric of field {name} must be one of {', '.join(_METRICS)}"
        yield (*keys, "time_series_metric"), reason
    if not _whole(field.get("priority", 0)):
        yield (*keys, "priority"), f"priority of field {name} must be a whole number"
    if not isinstance(field.get("fields", {}), Mapping):
        yield (*keys, "fields"), f"fields of field {name} must be an object"
    else:
        for suffix, sub in field.get("fields", {}).items():
            if not isinstance(sub, Mapping):
                yield (*keys, "fields", suffix), f"field {name}.{suffix} must be an object"
    yield from _below(f"{name}.", keys, field)


def _misspelt(kind: str) -> str:
    """Return the type that was probably meant; empty where the type may well exist."""
    if kind in _OTHERS or mapped(kind) is not DataType.UNSUPPORTED:
        return ""
    return next(iter(get_close_matches(kind, _READABLE, n=1, cutoff=0.7)), "")


def _whole(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and value.isdigit())
