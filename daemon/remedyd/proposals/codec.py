"""Proposals and events as JSON text and back, exactly.

Free values (a row's cells, an action's parameters) keep their Python type: a date, a tuple or a
key that looks like one of our tags is tagged. Typed fields are listed per record, so a record
that grows a field of a new kind fails loudly when written, never quietly when read back. Text
instead of a JSON column type: databases rewrite numbers (1e300, 5.0) and refuse NUL.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar

from remedyd.errors import InvalidInput, StoreError
from remedyd.model import (
    Applied,
    Approval,
    AuditRow,
    FieldChange,
    Mode,
    Outcome,
    Patch,
    Plan,
    Precheck,
    PrecheckResult,
    Principal,
    Proposal,
    Scope,
    Severity,
    State,
    Target,
    Verdict,
    VerifySpec,
)

VERSION: Final = 1
"""Written into every text; a higher one comes from a newer remedyd and is refused."""

_SCALARS: Final = (str, int, float, bool, type(None))
R = TypeVar("R")


class _Form(NamedTuple):
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def free(value: object) -> Any:
    """Return `value` as JSON data that `restored` turns back into an equal value."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, datetime):
        return {"$datetime": _iso(value)}
    if isinstance(value, tuple):
        return {"$tuple": [free(item) for item in value]}
    if isinstance(value, list):
        return [free(item) for item in value]
    if isinstance(value, Mapping):
        return _free_mapping(value)
    raise InvalidInput(f"a {type(value).__name__} cannot be stored in a proposal")


def _free_mapping(value: Mapping[Any, object]) -> Any:
    if any(type(key) is not str for key in value):
        raise InvalidInput("a mapping stored in a proposal needs text keys")
    if any(key.startswith("$") for key in value):
        return {"$mapping": [[key, free(item)] for key, item in value.items()]}
    return {key: free(item) for key, item in value.items()}


def restored(data: Any) -> Any:
    """Return the value that `free` took."""
    if isinstance(data, list):
        return [restored(item) for item in data]
    if not isinstance(data, dict):
        return data
    if "$datetime" in data:
        return datetime.fromisoformat(data["$datetime"])
    if "$tuple" in data:
        return tuple(restored(item) for item in data["$tuple"])
    if "$mapping" in data:
        return {key: restored(item) for key, item in data["$mapping"]}
    return {key: restored(item) for key, item in data.items()}


def _iso(value: datetime) -> str:
    if value.tzinfo is None:
        raise InvalidInput("a date stored in a proposal needs a time zone")
    return value.isoformat()


@dataclass(frozen=True, slots=True)
class _Layout:
    """A record's fields with their forms, looked up once."""

    names: frozenset[str]
    required: frozenset[str]
    forms: tuple[tuple[str, _Form], ...]


def _encode(record: object) -> dict[str, Any]:
    layout = _LAYOUTS[type(record)]
    return {name: form.encode(getattr(record, name)) for name, form in layout.forms}


def _decode(kind: type[R], data: dict[str, Any]) -> R:
    layout = _LAYOUTS[kind]
    if data.keys() - layout.names or layout.required - data.keys():
        odd = sorted((data.keys() - layout.names) | (layout.required - data.keys()))
        raise StoreError(
            f"a stored {kind.__name__} has other fields than this version knows: {', '.join(odd)}",
            hint="run the remedyd version that wrote the database, or a newer one",
        )
    return kind(**{name: form.decode(data[name]) for name, form in layout.forms if name in data})


def _enum(kind: type[Enum]) -> _Form:
    return _Form(lambda value: kind(value).value, kind)


def _record(kind: type[Any]) -> _Form:
    return _Form(_encode, lambda data: _decode(kind, data))


def _records(kind: type[Any]) -> _Form:
    return _Form(
        lambda values: [_encode(value) for value in values],
        lambda data: tuple(_decode(kind, item) for item in data),
    )


def _optional(form: _Form) -> _Form:
    return _Form(
        lambda value: None if value is None else form.encode(value),
        lambda data: None if data is None else form.decode(data),
    )


_FREE = _Form(free, restored)
_INSTANT = _Form(_iso, datetime.fromisoformat)
_SCOPES = _Form(
    lambda value: sorted(scope.value for scope in value),
    lambda data: frozenset(Scope(item) for item in data),
)
_NAMES = _optional(_Form(sorted, frozenset))
_WITHIN = _Form(
    lambda value: sorted([namespace, scope.value] for namespace, scope in value),
    lambda data: frozenset((namespace, Scope(scope)) for namespace, scope in data),
)

_PODS = _Form(
    lambda values: [_encode(value) for value in values],
    # earlier versions wrote a tagged tuple, always an empty one
    lambda data: () if isinstance(data, dict) else tuple(_decode(Patch, item) for item in data),
)

_FORMS: Final[dict[type, dict[str, _Form]]] = {
    Target: {},
    Principal: {"scopes": _SCOPES, "namespaces": _NAMES, "within": _WITHIN},
    Approval: {"principal": _record(Principal), "at": _INSTANT},
    AuditRow: {
        "target": _record(Target),
        "severity": _enum(Severity),
        "last_seen": _optional(_INSTANT),
    },
    FieldChange: {},
    Precheck: {"result": _enum(PrecheckResult)},
    Patch: {},
    Plan: {
        "target": _record(Target),
        "changes": _records(FieldChange),
        "patch": _optional(_record(Patch)),
        "undo": _optional(_record(Patch)),
        "prechecks": _records(Precheck),
        "pods": _PODS,
    },
    Applied: {"at": _INSTANT, "differences": _records(FieldChange)},
    Verdict: {"outcome": _enum(Outcome), "at": _INSTANT},
    VerifySpec: {},
    Proposal: {
        "state": _enum(State),
        "mode": _enum(Mode),
        "plan": _record(Plan),
        "row": _optional(_record(AuditRow)),
        "verify": _record(VerifySpec),
        "created_at": _INSTANT,
        "updated_at": _INSTANT,
        "expires_at": _INSTANT,
        "requested_by": _optional(_record(Principal)),
        "approval": _optional(_record(Approval)),
        "approvals": _records(Approval),
        "applied": _optional(_record(Applied)),
        "rolled_out_at": _optional(_INSTANT),
        "verdict": _optional(_record(Verdict)),
        "rollback": _optional(_record(Applied)),
    },
}


def _needed(item: "Field[Any]") -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _layout(kind: type[Any]) -> _Layout:
    assert is_dataclass(kind)
    items = fields(kind)
    return _Layout(
        names=frozenset(item.name for item in items),
        required=frozenset(item.name for item in items if _needed(item)),
        forms=tuple((item.name, _FORMS[kind].get(item.name, _FREE)) for item in items),
    )


_LAYOUTS: Final = {kind: _layout(kind) for kind in _FORMS}


def dump(proposal: Proposal) -> str:
    """Return the proposal as ASCII JSON text; raise `InvalidInput` for a value without form."""
    return json.dumps({"codec": VERSION, "proposal": _encode(proposal)}, separators=(",", ":"))


def load(text: str) -> Proposal:
    """Return the proposal that `dump` took; raise `StoreError` if the text is not one of ours."""
    try:
        data = json.loads(text)
        version = data["codec"]
        if version != VERSION:
            raise StoreError(
                f"a stored proposal has format {version}, this version reads {VERSION}",
                hint="run the remedyd version that wrote the database, or a newer one",
            )
        return _decode(Proposal, data["proposal"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"a stored proposal cannot be read: {error}",
            hint="restore the database from a backup; nothing is applied from a damaged record",
        ) from error


def dump_free(value: Mapping[str, object]) -> str:
    """Return a mapping of free values as ASCII JSON text."""
    return json.dumps(free(value), separators=(",", ":"))


def load_free(text: str) -> dict[str, Any]:
    """Return the mapping that `dump_free` took."""
    value: dict[str, Any] = restored(json.loads(text))
    return value
