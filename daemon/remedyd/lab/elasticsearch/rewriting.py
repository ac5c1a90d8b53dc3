"""What Elasticsearch does around a query: hide streams, apply the request's filter.

Both become part of the query's text, on the line of the source command, so that the positions
in error messages stay those of the query as it was sent (columns after FROM excepted).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from remedyd.lab.elasticsearch.messages import Failure
from remedyd.offline.nodes import From, IndexPattern, Query, TimeSeries

_COMPARE = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}


def sources_of(query: Query) -> Sequence[IndexPattern]:
    """Return the index list of a query; empty for ROW and SHOW."""
    first = query.commands[0]
    return first.sources if isinstance(first, From | TimeSeries) else ()


def rewrite(text: str, query: Query, hidden: Sequence[str], condition: str) -> str:
    """Return the query with `hidden` streams excluded and a condition right after FROM."""
    sources = sources_of(query)
    if not sources:
        return text
    cut = sources[-1].span.end
    excluded = "".join(f", -{name}" for name in hidden)
    after = query.commands[0].span.end
    where = f" | WHERE {condition}" if condition else ""
    return f"{text[:cut]}{excluded}{text[cut:after]}{where}{text[after:]}"


def condition_of(query: Any, types: Mapping[str, str]) -> str:
    """Return a Query DSL object as an ES|QL condition; `types` are the mapped fields.

    Raises Failure 400 for a query that is not offered here.
    """
    if not isinstance(query, Mapping) or len(query) != 1:
        raise Failure(400, "parsing_exception", "[1:1] query malformed, expected one query name")
    ((kind, body),) = query.items()
    if kind == "match_all":
        return "true"
    if kind == "match_none":
        return "false"
    if kind == "bool":
        return _bool(body, types)
    if kind == "exists":
        name = str(body["field"])
        return f"{_quoted(name)} IS NOT NULL" if name in types else "false"
    if kind not in ("term", "match", "match_phrase", "terms", "range"):
        raise Failure(400, "parsing_exception", f"unknown query [{kind}]")
    ((name, value),) = body.items()
    if name not in types:
        return "false"
    if kind == "range":
        return _range(name, value, types[name])
    if kind == "terms":
        return f"{_quoted(name)} IN ({', '.join(_literal(one, types[name]) for one in value)})"
    if isinstance(value, Mapping):
        value = value.get("value", value.get("query"))
    return f"{_quoted(name)} == {_literal(value, types[name])}"


def _bool(body: Mapping[str, Any], types: Mapping[str, str]) -> str:
    def part(name: str) -> list[str]:
        given = body.get(name) or []
        return [condition_of(one, types) for one in (given if isinstance(given, list) else [given])]

    needed = part("must") + part("filter")
    conditions = [f"({one})" for one in needed]
    conditions += [f"NOT COALESCE({one}, false)" for one in part("must_not")]
    if (should := part("should")) and not needed:
        conditions.append("(" + " OR ".join(f"COALESCE({one}, false)" for one in should) + ")")
    return " AND ".join(conditions) or "true"


def _range(name: str, limits: Mapping[str, Any], type_: str) -> str:
    unknown = set(limits) - set(_COMPARE) - {"format", "time_zone", "boost"}
    if unknown:
        raise Failure(400, "parsing_exception", f"[range] query does not support {sorted(unknown)}")
    conditions = [
        f"{_quoted(name)} {_COMPARE[operator]} {_literal(limit, type_)}"
        for operator, limit in limits.items()
        if operator in _COMPARE
    ]
    return " AND ".join(conditions) or "true"


def _literal(value: Any, type_: str) -> str:
    if type_ in ("date", "date_nanos"):
        return f"TO_DATETIME({_literal(_moment(value), 'keyword')})"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and type_ not in ("keyword", "text"):
        return repr(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _moment(value: Any) -> str:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        reason = f"failed to parse date field [{value}] with format [strict_date_optional_time]"
        raise Failure(400, "parse_exception", reason) from None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
