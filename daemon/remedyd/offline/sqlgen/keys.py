"""Stored values that are not as a user writes them, translated on the way in and out.

IP addresses and versions are stored as keys that sort right, nanoseconds as whole numbers.
"""

from __future__ import annotations

from remedyd.offline.catalog import Leaf
from remedyd.offline.functions.conversion import as_text
from remedyd.offline.types import WHOLE, DataType, storage

_READ = {DataType.IP: "esql_ip_key", DataType.VERSION: "esql_version_key"}
_SHOWN = {DataType.IP: "esql_ip_text", DataType.VERSION: "esql_version_text"}


def keyed(text: str, leaf: Leaf) -> str:
    """Return the SQL of a leaf's value as stored, from the SQL of its text."""
    return _applied(_READ.get(leaf.type), text, multi=leaf.multi)


def readable(text: str, data_type: DataType, *, multi: bool) -> str:
    """Return the SQL of a stored value as text, where it is stored as a key."""
    return _applied(_SHOWN.get(data_type), text, multi=multi)


def reread(text: str, source: DataType, target: DataType, *, multi: bool) -> str:
    """Return the SQL of a stored value as a sub-field of another type sees it.

    What does not fit the type of the sub-field is not indexed there, so it is null.
    """
    each = _reread("v" if multi else text, source, target)
    if not multi:
        return each
    kept = f"list_filter(list_transform({text}, lambda v: {each}), lambda v: v IS NOT NULL)"
    return f"nullif(list_sort({kept}), [])"


def _reread(text: str, source: DataType, target: DataType) -> str:
    if storage(target) != "VARCHAR":
        whole = f"trunc({text})" if source is DataType.DOUBLE and target in WHOLE else text
        return f"TRY_CAST({whole} AS {storage(target)})"
    plain = as_text(text, source)
    return f"{_READ[target]}({plain})" if target in _READ else plain


def _applied(macro: str | None, text: str, *, multi: bool) -> str:
    if macro is None:
        return text
    return f"list_transform({text}, lambda v: {macro}(v))" if multi else f"{macro}({text})"
