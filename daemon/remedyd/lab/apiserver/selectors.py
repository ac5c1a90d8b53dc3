"""Label and field selectors, as query parameters spell them."""

import re
from collections.abc import Callable

from remedyd.lab.apiserver.matching import lookup
from remedyd.lab.apiserver.status import bad_request
from remedyd.model.values import KubeObject

Match = Callable[[KubeObject], bool]
_TOKEN = re.compile(r"\s*(==|!=|[=!,()<>]|[^\s=!,()<>]+)")

ALWAYS_FIELDS = ("metadata.name", "metadata.namespace")
FIELDS: dict[str, tuple[str, ...]] = {
    "v1/pods": (
        *ALWAYS_FIELDS, "spec.nodeName", "spec.restartPolicy", "spec.schedulerName",
        "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP",
        "status.podIPs", "status.nominatedNodeName",
    ),
    "v1/nodes": (*ALWAYS_FIELDS, "spec.unschedulable"),
    "v1/namespaces": ("metadata.name", "name", "status.phase"),
    "v1/secrets": (*ALWAYS_FIELDS, "type"),
    "v1/events": (
        *ALWAYS_FIELDS, "involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
        "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
    ),
    "events.k8s.io/v1/events": (
        *ALWAYS_FIELDS, "regarding.kind", "regarding.namespace", "regarding.name",
        "regarding.uid", "regarding.apiVersion", "regarding.resourceVersion",
        "regarding.fieldPath", "reason", "reportingController", "source", "type",
    ),
    "apps/v1/replicasets": (*ALWAYS_FIELDS, "status.replicas"),
    "batch/v1/jobs": (*ALWAYS_FIELDS, "status.successful"),
}  # fmt: skip
"""Which fields a resource can be selected by; every other one has name and namespace only."""

_EVENT_FIELDS = {"regarding": "involvedObject", "reportingController": "reportingComponent"}
_OWN_WORDS = frozenset(("v1/events", "events.k8s.io/v1/events", "v1/pods", "v1/nodes"))


class _Tokens:
    def __init__(self, text: str) -> None:
        self.items = [found[1] for found in _TOKEN.finditer(text.strip())]

    def peek(self) -> str:
        return self.items[0] if self.items else ""

    def take(self) -> str:
        return self.items.pop(0) if self.items else ""

    def expect(self, wanted: str, described: str) -> None:
        found = self.take()
        if found != wanted:
            raise bad_request(
                f"unable to parse requirement: found '{found}', expected: {described}"
            )


def _values(tokens: _Tokens) -> set[str]:
    tokens.expect("(", "'('")
    values: set[str] = set()
    while True:
        word = tokens.take()
        if word == ")":
            return values
        if word == "" or word in "=!()":
            raise bad_request(
                f"unable to parse requirement: found '{word}', expected: ',', ')' or identifier"
            )
        if word != ",":
            values.add(word)


def _labels(obj: KubeObject) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def _requirement(tokens: _Tokens) -> Match:
    if tokens.peek() == "!":
        tokens.take()
        absent = tokens.take()
        return lambda obj: absent not in _labels(obj)
    key = tokens.take()
    operator = tokens.peek()
    if operator in ("", ","):
        return lambda obj: key in _labels(obj)
    tokens.take()
    if operator in ("=", "==", "!="):
        value = tokens.take() if tokens.peek() not in ("", ",") else ""
        if operator == "!=":
            return lambda obj: _labels(obj).get(key) != value
        return lambda obj: _labels(obj).get(key) == value
    if operator == "in":
        wanted = _values(tokens)
        return lambda obj: _labels(obj).get(key) in wanted
    if operator == "notin":
        unwanted = _values(tokens)
        return lambda obj: _labels(obj).get(key) not in unwanted
    raise bad_request(
        f"unable to parse requirement: found '{operator}', expected: in, notin, =, ==, !=, gt, lt"
    )


def labels(text: str) -> Match | None:
    """Read a label selector, None for an empty one; raises StatusError 400."""
    tokens = _Tokens(text)
    if not tokens.items:
        return None
    wanted = [_requirement(tokens)]
    while tokens.items:
        tokens.expect(",", "',' or 'end of string'")
        wanted.append(_requirement(tokens))
    return lambda obj: all(match(obj) for match in wanted)


def of_object(selector: KubeObject | None) -> Match:
    """Read the `selector` of an object (matchLabels, matchExpressions); None matches nothing."""
    if selector is None:
        return lambda _: False
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for each in selector.get("matchExpressions") or []:
        key, values = each["key"], ",".join(each.get("values") or [])
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[each["operator"]]
        )
    return labels(",".join(parts)) or (lambda _: True)


def _stored_path(path: str) -> str:
    head, dot, rest = path.partition(".")
    return _EVENT_FIELDS.get(head, head) + dot + rest


def _unknown(gvr: str, path: str) -> str:
    if gvr in _OWN_WORDS:
        return f"field label not supported: {path}"
    known = '", "'.join(ALWAYS_FIELDS)
    return f'"{path}" is not a known field selector: only "{known}"'


def fields(text: str, gvr: str) -> Match | None:
    """Read a field selector of a resource, None for an empty one; raises StatusError 400."""
    wanted: list[tuple[str, str, bool]] = []
    for part in text.split(","):
        if not part.strip():
            continue
        path, operator, value = re.match(r"([^=!]*)(!=|==|=|)(.*)", part.strip()).groups()  # type: ignore[union-attr]
        if not operator:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if path not in FIELDS.get(gvr, ALWAYS_FIELDS):
            raise bad_request(_unknown(gvr, path))
        wanted.append((_stored_path(path), value, operator != "!="))
    if not wanted:
        return None
    return lambda obj: all((lookup(obj, path) == value) is equal for path, value, equal in wanted)


def both(first: Match | None, second: Match | None) -> Match | None:
    """Join two selectors."""
    if first is None or second is None:
        return first or second
    return lambda obj: first(obj) and second(obj)


def name_only(text: str) -> str:
    """Return the name when a field selector asks for `metadata.name=NAME` alone, else ''."""
    found = re.fullmatch(r"metadata\.name==?([^,=!]+)", text.strip())
    return found[1] if found else ""
