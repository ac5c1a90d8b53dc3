"""Type names of the `::` operator."""

from __future__ import annotations

FUNCTION_OF = {
    **dict.fromkeys(("boolean", "bool"), "TO_BOOLEAN"),
    **dict.fromkeys(("date", "datetime"), "TO_DATETIME"),
    "date_nanos": "TO_DATE_NANOS",
    "date_period": "TO_DATEPERIOD",
    "time_duration": "TO_TIMEDURATION",
    **dict.fromkeys(("integer", "int"), "TO_INTEGER"),
    "long": "TO_LONG",
    "double": "TO_DOUBLE",
    **dict.fromkeys(("unsigned_long", "ulong", "ul"), "TO_UNSIGNED_LONG"),
    **dict.fromkeys(("string", "keyword"), "TO_STRING"),
    "ip": "TO_IP",
    "version": "TO_VERSION",
}
"""The conversion function behind each type name."""

ELSEWHERE = frozenset(
    {
        *("geo_point", "geo_shape", "cartesian_point", "cartesian_shape"),
        *("geohash", "geotile", "geohex", "dense_vector", "date_range"),
        *("aggregate_metric_double", "exponential_histogram", "tdigest"),
    }
)
"""Types that only Elasticsearch converts to."""

KNOWN = frozenset(
    {
        *("byte", "short", "float", "half_float", "scaled_float", "text", "object", "null"),
        *("unsupported", "counter_long", "counter_integer", "counter_double"),
    }
)
"""Types that exist and that nothing converts to."""
