"""The values a query runs with: its time range, its scope, and its own parameters."""

from collections.abc import Mapping
from datetime import UTC, datetime

from remedyd.audits.checks import fits
from remedyd.audits.definition import SCOPE, AuditDefinition
from remedyd.documents import did_you_mean
from remedyd.errors import InvalidInput, Problem
from remedyd.model import Json, Target, Window

ALL = "*"
"""The value of a scope parameter that narrows nothing."""


def window_at(definition: AuditDefinition, now: datetime) -> Window:
    """Return the audit's time range at `now`: it ends `lag` before, for late documents."""
    end = now - definition.lag
    return Window(end - definition.window, end)


def bind(
    definition: AuditDefinition,
    window: Window,
    *,
    cluster: str = ALL,
    scope: Target | None = None,
    params: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """Return the value of every parameter the query uses.

    `scope` narrows to a workload and wins over `params`. Raises InvalidInput for a parameter the
    audit does not have, or a value of another type.
    """
    chosen = checked(definition, params or {})
    given: dict[str, Json] = {
        "start": instant(window.start),
        "end": instant(window.end),
        "cluster": cluster,
        "namespace": ALL,
        "name": ALL,
        **{p.name: p.default for p in definition.parameters},
        **chosen,
    }
    if scope is not None:
        given |= {"namespace": scope.namespace, "name": scope.name}
    return {name: given[name] for name in definition.outline.parameters}


def checked(definition: AuditDefinition, params: Mapping[str, Json]) -> dict[str, Json]:
    """Return `params` if every one may be set and has its declared type."""
    types = _settable(definition)
    problems = []
    for name, value in params.items():
        if name not in types:
            problems.append(Problem(_unknown(definition, name, types)))
        elif not fits(value, types[name]):
            problems.append(Problem(f"the parameter {name} must be a {types[name]}, not {value!r}"))
    _refuse(definition, problems)
    return dict(params)


def parsed(definition: AuditDefinition, texts: Mapping[str, str]) -> dict[str, Json]:
    """Read parameters given as text, each by its declared type; raise InvalidInput."""
    types = _settable(definition)
    values: dict[str, Json] = {}
    problems = []
    for name, text in texts.items():
        if name not in types:
            problems.append(Problem(_unknown(definition, name, types)))
            continue
        try:
            values[name] = _read(text, types[name])
        except ValueError:
            problems.append(Problem(f"the parameter {name} must be a {types[name]}, not {text!r}"))
    _refuse(definition, problems)
    return values


def instant(moment: datetime) -> str:
    """Format a time as ES|QL reads it: ISO 8601 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _settable(definition: AuditDefinition) -> dict[str, str]:
    scope = {name: "keyword" for name in SCOPE[1:] if name in definition.outline.parameters}
    return scope | {p.name: p.type for p in definition.parameters}


def _unknown(definition: AuditDefinition, name: str, types: Mapping[str, str]) -> str:
    known = ", ".join(types) or "none"
    near = did_you_mean(name, types)
    return f"{definition.name} has no parameter {name}{near}; it has: {known}"


def _read(text: str, type_name: str) -> Json:
    if type_name in ("integer", "long"):
        return int(text)
    if type_name == "double":
        return float(text)
    if type_name == "boolean":
        if text not in ("true", "false"):
            raise ValueError(text)
        return text == "true"
    return text


def _refuse(definition: AuditDefinition, problems: list[Problem]) -> None:
    if problems:
        raise InvalidInput(
            "; ".join(str(p) for p in problems),
            problems,
            hint=f"See: remedyd audit explain {definition.name}",
        )
