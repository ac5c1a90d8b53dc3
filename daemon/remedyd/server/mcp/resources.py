"""What can be read by address: the audits and the policies, each as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from remedyd.errors import NotFound
from remedyd.server import views
from remedyd.server.mcp.tool import Asking

SCHEME: Final = "remedyd://"
JSON: Final = "application/json"
ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing that can be read."""

    uri: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Template:
    """A family of things, by the name in its address."""

    uri: str
    name: str
    description: str


TEMPLATES: Final = (
    Template(
        f"{SCHEME}audits/{{name}}",
        "audit",
        f"An audit: its query, its columns, and up to {ROWS} rows of its last scheduled run",
    ),
    Template(
        f"{SCHEME}policies/{{name}}",
        "policy",
        "A policy: its mode and actions, and what it last decided about each row",
    ),
)


def listed(asking: Asking) -> Iterator[Resource]:
    """Give every audit and policy in force."""
    service = asking.ctx.service
    for audit in service.audits(asking.principal):
        yield Resource(_uri("audits", audit.name), f"audit {audit.name}", audit.description)
    for policy, _ in service.policies(asking.principal):
        yield Resource(
            _uri("policies", policy.name), f"policy {policy.name}", policy.spec.description
        )


def read(asking: Asking, uri: str) -> str:
    """Return the JSON at `uri`; raise NotFound, with what there is."""
    kind, _, name = uri.removeprefix(SCHEME).partition("/")
    name = unquote(name)
    if uri.startswith(SCHEME) and name:
        if kind == "audits":
            return _json(_audit(asking, name))
        if kind == "policies":
            found = asking.ctx.service.policy(asking.principal, name)
            return _json(views.policy_view(*found).model_dump(mode="json"))
    known = " or ".join(template.uri for template in TEMPLATES)
    raise NotFound(f"no resource {uri[:200]!r}", hint=f"read {known}")


def _audit(asking: Asking, name: str) -> dict[str, Any]:
    audit, last = asking.ctx.service.audit(asking.principal, name)
    return views.audit_detail_view(audit, last, ROWS).model_dump(mode="json")


def _uri(kind: str, name: str) -> str:
    return f"{SCHEME}{kind}/{quote(name, safe='')}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
