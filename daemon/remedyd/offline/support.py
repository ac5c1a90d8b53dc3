"""What of ES|QL can be run offline, as a page generated from the tables the engine runs on."""

from __future__ import annotations

from collections.abc import Iterable

from remedyd.offline.functions import FUNCTIONS, OPERATORS, Function
from remedyd.offline.functions.grok import SUPPORTED as GROK_PATTERNS
from remedyd.offline.functions.refused import REFUSED
from remedyd.offline.functions.timeseries import INTERPOLATED_SINCE
from remedyd.offline.parser.refusals import UNSUPPORTED_COMMANDS, UNSUPPORTED_SOURCES

COMMANDS = (
    ("FROM", "lists, wildcards, exclusions, `METADATA _index`; several mappings of one field"),
    ("TS", "streams with `index.mode: time_series`; the first STATS aggregates series"),
    ("ROW", "constants and expressions of them"),
    ("WHERE", "three-valued logic; LIKE, RLIKE, IN, IS NULL"),
    ("EVAL", "later fields see earlier ones, shadowing included"),
    ("STATS", "expressions around and within aggregates, a WHERE per aggregate, BY expressions"),
    ("INLINE STATS", "as STATS; not grouped by a multivalued field"),
    ("KEEP", "names and patterns, with their precedence"),
    ("DROP", "names and patterns"),
    ("RENAME", "both spellings"),
    ("SORT", "several keys, NULLS FIRST and LAST, expressions, multivalues"),
    ("LIMIT", "1000 rows unless given, 10,000 at most"),
    ("MV_EXPAND", "one row per value"),
    ("LOOKUP JOIN", "equal keys of an index with `index.mode: lookup`, single values"),
    ("DISSECT", "all modifiers but reference keys, single values"),
    ("GROK", f"the patterns {', '.join(GROK_PATTERNS)}; ASCII word characters"),
    ("SET", "`unmapped_fields` (nullify, default, fail)"),
)
_INTERPOLATED = ".".join(map(str, INTERPOLATED_SINCE))
_NOTES = f"""\
## Where answers may differ from a cluster's

The engine states the published semantics and is tested against cases of its own; it has not been
compared with a live cluster query by query. Known differences:

- COUNT_DISTINCT is exact; Elasticsearch estimates (HyperLogLog++).
- PERCENTILE and MEDIAN interpolate over all values; Elasticsearch's t-digest does the same while
  a group is small and approximates beyond about a thousand values.
- VALUES gives its values in order; Elasticsearch promises no order.
- What Elasticsearch leaves undefined (rows without SORT, ties of SORT, LAST and FIRST at equal
  times) is undefined here too, and may come out differently.
- Documents are read as mapped. A field that no document and no mapping names is unknown, as in
  Elasticsearch; a recording therefore needs its `mappings.json`.
- RATE and INCREASE over time buckets interpolate counters between adjacent buckets, as
  Elasticsearch does from {_INTERPOLATED} on; for 9.2 each bucket stands alone. The window that
  may be given as their last argument is refused.
- Text in other alphabets: `\\w` and `\\b` of patterns know ASCII letters alone.

Whatever else is valid ES|QL is refused by name, line and column, never approximated.
"""
_REFUSED = (
    "subqueries, cross-cluster names, date math in index names, function options and the match "
    "operator."
)
_LEGEND = (
    "Square brackets mark what may be left out. `since` is the first Elasticsearch release with "
    "the function; the release imitated (9.4 unless set) gates it."
)
_TOPICS = (
    ("operator", "Operators"),
    ("conditional", "Conditional"),
    ("aggregate", "Aggregates"),
    ("time series", "Time series (within the STATS of TS)"),
    ("grouping", "Grouping"),
    ("date", "Dates"),
    ("math", "Numbers"),
    ("string", "Strings"),
    ("conversion", "Conversion"),
    ("multivalue", "Multivalues"),
    ("network", "Network"),
)


def support_page() -> str:
    """Return the whole page as Markdown."""
    refused = ", ".join(f"`{name}`" for name in sorted(UNSUPPORTED_SOURCES | UNSUPPORTED_COMMANDS))
    parts = [
        "# ES|QL offline: what is supported",
        "This page is generated from the engine's own tables.",
        "## Commands",
        _table(("command", "what of it"), ((f"`{name}`", what) for name, what in COMMANDS)),
        f"Recognised and refused: {refused}; {_REFUSED}",
        "## Functions",
        _LEGEND,
        *_sections(),
        "### Recognised and refused",
        ", ".join(f"`{name}`" for name in sorted(REFUSED)),
        _NOTES.rstrip(),
    ]
    return "\n\n".join(parts) + "\n"


def _sections() -> Iterable[str]:
    known = [*OPERATORS.values(), *FUNCTIONS.values()]
    for topic, title in _TOPICS:
        found = [item for item in known if item.topic == topic]
        if found:
            yield f"### {title}"
            yield _table(("function", "takes", "since"), map(_row, found))


def _row(function: Function) -> tuple[str, str, str]:
    names = []
    for parameter in function.parameters:
        name = f"{parameter.name}..." if parameter.variadic else parameter.name
        names.append(f"[{name}]" if parameter.optional else name)
    if function.leading:
        names[0] = f"[{names[0]}]"
    call = function.name if function.topic == "operator" else f"{function.name}({', '.join(names)})"
    kinds = list(dict.fromkeys(_readable(item.expected) for item in function.parameters))
    since = "" if function.since <= (8, 11) else ".".join(map(str, function.since))
    return f"`{call.replace('neg', '-')}`", "; ".join(kinds), since


def _readable(expected: str) -> str:
    short = expected.replace("aggregate_metric_double, exponential_histogram, tdigest or ", "")
    return short.replace(", aggregate_metric_double, exponential_histogram, tdigest", "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def functions_count() -> dict[str, int]:
    """Return how many functions there are, by where they may stand."""
    counts: dict[str, int] = {}
    for function in FUNCTIONS.values():
        counts[function.kind.value] = counts.get(function.kind.value, 0) + 1
    return counts
