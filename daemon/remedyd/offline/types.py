"""ES|QL's data types, what they promote to, and the DuckDB type that holds each.

Counters keep a type of their own although they are stored as plain numbers, because
Elasticsearch rejects an AVG or SUM over them and a query that it rejects must not pass here.
"""

from __future__ import annotations

from enum import StrEnum


class DataType(StrEnum):
    """A column or expression type; the value is the name in a response's `columns`."""

    NULL = "null"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    LONG = "long"
    UNSIGNED_LONG = "unsigned_long"
    DOUBLE = "double"
    COUNTER_INTEGER = "counter_integer"
    COUNTER_LONG = "counter_long"
    COUNTER_DOUBLE = "counter_double"
    KEYWORD = "keyword"
    TEXT = "text"
    DATE = "date"
    DATE_NANOS = "date_nanos"
    IP = "ip"
    VERSION = "version"
    DATE_PERIOD = "date_period"
    TIME_DURATION = "time_duration"
    UNSUPPORTED = "unsupported"

    @property
    def label(self) -> str:
        """Name used in Elasticsearch's error texts, where a date is a `datetime`."""
        return "datetime" if self is DataType.DATE else self.value


INTEGERS = frozenset({DataType.INTEGER, DataType.LONG})
WHOLE = INTEGERS | {DataType.UNSIGNED_LONG}
NUMERIC = WHOLE | {DataType.DOUBLE}
PLAIN_NUMERIC = INTEGERS | {DataType.DOUBLE}
COUNTERS = frozenset({DataType.COUNTER_INTEGER, DataType.COUNTER_LONG, DataType.COUNTER_DOUBLE})
STRINGS = frozenset({DataType.KEYWORD, DataType.TEXT})
DATES = frozenset({DataType.DATE, DataType.DATE_NANOS})
SPANS = frozenset({DataType.DATE_PERIOD, DataType.TIME_DURATION})
REPRESENTABLE = (
    NUMERIC | STRINGS | DATES | {DataType.BOOLEAN, DataType.IP, DataType.VERSION, DataType.NULL}
)

_STORAGE = {
    DataType.NULL: "INTEGER",
    DataType.BOOLEAN: "BOOLEAN",
    DataType.INTEGER: "INTEGER",
    DataType.LONG: "BIGINT",
    DataType.UNSIGNED_LONG: "UBIGINT",
    DataType.DOUBLE: "DOUBLE",
    DataType.COUNTER_INTEGER: "INTEGER",
    DataType.COUNTER_LONG: "BIGINT",
    DataType.COUNTER_DOUBLE: "DOUBLE",
    DataType.KEYWORD: "VARCHAR",
    DataType.TEXT: "VARCHAR",
    DataType.DATE: "TIMESTAMP",
    DataType.DATE_NANOS: "TIMESTAMP_NS",
    DataType.IP: "VARCHAR",
    DataType.VERSION: "VARCHAR",
    DataType.UNSUPPORTED: "INTEGER",
}

_RANK = {DataType.INTEGER: 0, DataType.LONG: 1, DataType.UNSIGNED_LONG: 2, DataType.DOUBLE: 3}

_MAPPED = {
    "boolean": DataType.BOOLEAN,
    "byte": DataType.INTEGER,
    "short": DataType.INTEGER,
    "integer": DataType.INTEGER,
    "long": DataType.LONG,
    "unsigned_long": DataType.UNSIGNED_LONG,
    "half_float": DataType.DOUBLE,
    "float": DataType.DOUBLE,
    "scaled_float": DataType.DOUBLE,
    "double": DataType.DOUBLE,
    "keyword": DataType.KEYWORD,
    "constant_keyword": DataType.KEYWORD,
    "wildcard": DataType.KEYWORD,
    "text": DataType.TEXT,
    "match_only_text": DataType.TEXT,
    "date": DataType.DATE,
    "date_nanos": DataType.DATE_NANOS,
    "ip": DataType.IP,
    "version": DataType.VERSION,
}

_COUNTER_OF = {
    DataType.INTEGER: DataType.COUNTER_INTEGER,
    DataType.LONG: DataType.COUNTER_LONG,
    DataType.DOUBLE: DataType.COUNTER_DOUBLE,
}


def storage(data_type: DataType, *, multi: bool = False) -> str:
    """Return the DuckDB type of a column; a multivalued one is a list."""
    plain = _STORAGE[data_type]
    return f"{plain}[]" if multi else plain


def mapped(field_type: str, metric: str = "") -> DataType:
    """Return the ES|QL type of a mapped field; what ES|QL cannot read is `unsupported`."""
    data_type = _MAPPED.get(field_type, DataType.UNSUPPORTED)
    return _COUNTER_OF.get(data_type, data_type) if metric == "counter" else data_type


def plain(data_type: DataType) -> DataType:
    """Return the number type beneath a counter; any other type is itself."""
    return next((under for under, top in _COUNTER_OF.items() if top is data_type), data_type)


def promoted(left: DataType, right: DataType) -> DataType:
    """Return the type two numbers are computed in: integer < long < double."""
    return max(left, right, key=_RANK.__getitem__)


def common(types: list[DataType]) -> DataType | None:
    """Return the type that all branches of CASE, COALESCE or IN share, or None.

    Nulls fit everything, text joins keyword, integer, long and double promote.
    """
    result = DataType.NULL
    for data_type in types:
        if data_type is DataType.NULL or data_type is result:
            continue
        if result is DataType.NULL:
            result = data_type
        elif {result, data_type} <= STRINGS:
            result = DataType.KEYWORD
        elif {result, data_type} <= PLAIN_NUMERIC:
            result = promoted(result, data_type)
        else:
            return None
    return result
