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
