"""A part of the Query DSL over documents, for small searches: enough to look around.

What is not known is refused as Elasticsearch refuses an unknown query, never ignored.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from remedyd.lab.elasticsearch.messages import Failure

Document = Mapping[str, Any]
Predicate = Callable[[Document], bool]
_PASSTHROUGH = ("resource.attributes.", "scope.attributes.", "attributes.", "metrics.")


def value_of(document: Document, name: str) -> Any:
    """Return what a field name means in a document: a path, or one without its passthrough."""
    found = _at(document, name)
    for prefix in _PASSTHROUGH:
        if found is not None:
            break
        found = _at(document, f"{prefix}{name}")
    return found


def _at(document: Any, path: str) -> Any:
    if not isinstance(document, Mapping):
        return None
    if path in document:
        return document[path]
    head, _, rest = path.partition(".")
    while rest:
        if head in document:
            return _at(document[head], rest)
        more, _, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None


def compile_query(query: Any) -> Predicate:
    """Return a predicate for a query; raise Failure 400 for one that is not known here."""
    if not isinstance(query, Mapping) or len(query) != 1:
        raise Failure(400, "parsing_exception", "[1:1] query malformed, expected one query name")
    ((kind, body),) = query.items()
    makers: dict[str, Callable[[Any], Predicate]] = {
        "match_all": lambda _: lambda document: True,
        "match_none": lambda _: lambda document: False,
        "term": _term,
        "match": _term,
        "match_phrase": _term,
        "terms": _terms,
        "exists": _exists,
        "range": _range,
        "bool": _bool,
    }
    if kind not in makers:
        raise Failure(400, "parsing_exception", f"unknown query [{kind}]")
    return makers[kind](body)


def _single(body: Any) -> tuple[str, Any]:
    if not isinstance(body, Mapping) or len(body) != 1:
        raise Failure(400, "parsing_exception", "[1:1] expected exactly one field")
    ((name, value),) = body.items()
    return name, value


def _term(body: Any) -> Predicate:
    name, value = _single(body)
    if isinstance(value, Mapping):
        value = value.get("value", value.get("query"))
    return lambda document: _equals(value_of(document, name), value)


def _terms(body: Any) -> Predicate:
    name, values = _single(body)
    return lambda document: any(_equals(value_of(document, name), value) for value in values)


def _equals(found: Any, wanted: Any) -> bool:
    values = found if isinstance(found, list) else [found]
    present = [value for value in values if value is not None]
    return any(value == wanted or str(value) == str(wanted) for value in present)


def _exists(body: Any) -> Predicate:
    name = body["field"]
    return lambda document: value_of(document, name) is not None


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "gte": lambda have, limit: bool(have >= limit),
    "gt": lambda have, limit: bool(have > limit),
    "lte": lambda have, limit: bool(have <= limit),
    "lt": lambda have, limit: bool(have < limit),
}


def _range(body: Any) -> Predicate:
    name, limits = _single(body)
    unknown = set(limits) - set(_ORDER) - {"format", "time_zone", "boost"}
    if unknown:
        raise Failure(400, "parsing_exception", f"[range] query does not support {sorted(unknown)}")
    wanted = [
        (_ORDER[operator], comparable(limit))
        for operator, limit in limits.items()
        if operator in _ORDER
    ]

    def holds(document: Document) -> bool:
        found = value_of(document, name)
        if found is None:
            return False
        have = comparable(found)
        try:
            return all(compare(have, limit) for compare, limit in wanted)
        except TypeError:
            return False

    return holds


def comparable(value: Any) -> Any:
    """Return a value that can be ordered: dates as aware datetimes, numbers as they are."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _bool(body: Any) -> Predicate:
    def part(name: str) -> list[Predicate]:
        given = body.get(name) or []
        return [compile_query(one) for one in (given if isinstance(given, list) else [given])]

    must, should, must_not = part("must") + part("filter"), part("should"), part("must_not")

    def holds(document: Document) -> bool:
        if not all(one(document) for one in must) or any(one(document) for one in must_not):
            return False
        return bool(must) or not should or any(one(document) for one in should)

    return holds
