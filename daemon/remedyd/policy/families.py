"""Which ES|QL types conditions can read, and as what."""

from enum import StrEnum


class Family(StrEnum):
    """What a column's values are to a condition."""

    WHOLE = "a whole number"
    DECIMAL = "a decimal number"
    TRUTH = "true or false"
    TIME = "a time"
    TEXT = "text"


FAMILIES: dict[str, Family] = {
    **dict.fromkeys(
        ("long", "integer", "unsigned_long", "counter_long", "counter_integer"), Family.WHOLE
    ),
    **dict.fromkeys(
        ("double", "float", "half_float", "scaled_float", "counter_double"), Family.DECIMAL
    ),
    "boolean": Family.TRUTH,
    **dict.fromkeys(("date", "date_nanos"), Family.TIME),
    **dict.fromkeys(("keyword", "text", "ip", "version"), Family.TEXT),
}
"""The family of each type; columns of other types cannot be read by conditions."""
