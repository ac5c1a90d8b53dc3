"""The table of functions, looked up by name and Elasticsearch release."""

from __future__ import annotations

from difflib import get_close_matches

from remedyd.offline.functions import (
    aggregates,
    arithmetic,
    calendar,
    comparison,
    conditional,
    conversion,
    dates,
    grouping,
    math,
    multivalue,
    network,
    strings,
    timeseries,
)
from remedyd.offline.functions.signature import Function, Kind, Parameter

__all__ = ["FUNCTIONS", "OPERATORS", "Function", "Kind", "Parameter", "lookup", "suggestions"]

_MODULES = (
    math,
    conditional,
    conversion,
    dates,
    calendar,
    strings,
    multivalue,
    network,
    grouping,
    aggregates,
    timeseries,
)

FUNCTIONS: dict[str, Function] = {
    function.name: function for module in _MODULES for function in module.FUNCTIONS
}
OPERATORS: dict[str, Function] = {
    function.name: function for module in (arithmetic, comparison) for function in module.FUNCTIONS
}


def lookup(name: str, stack: tuple[int, int]) -> Function | None:
    """Return the function of that (upper-case) name if the release has it."""
    function = FUNCTIONS.get(name)
    return function if function is not None and function.since <= stack else None


def suggestions(name: str, stack: tuple[int, int]) -> list[str]:
    """Return names of the release that look like `name`, best first, in lower case."""
    known = [item.name.lower() for item in FUNCTIONS.values() if item.since <= stack]
    return get_close_matches(name.lower(), known, n=5, cutoff=0.7)
