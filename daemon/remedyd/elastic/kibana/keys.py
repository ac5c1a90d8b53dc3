"""Ready requests for the keys and the template, least privilege, to be run by an administrator.

Printed instead of sent: a key made with another key has no rights, and nobody should give an
installer the right to make keys.
"""

import json
from typing import Any, Final

_READ: Final = [
    "metrics-kubeletstatsreceiver.otel-*",
    "metrics-k8sclusterreceiver.otel-*",
    "logs-k8seventsreceiver.otel-*",
    "traces-*.otel-*",
]
_TRAIL: Final = "logs-k8s.remediation-*"
_APP: Final = {"app": "remedyd"}


def reader(days: int) -> dict[str, Any]:
    """Return the key with which the daemon reads telemetry."""
    role = {"cluster": [], "indices": [{"names": _READ, "privileges": ["read"]}]}
    return _key("remedyd-reader", days, {"reader": role})


def trail(days: int) -> dict[str, Any]:
    """Return the key with which the daemon adds to the audit trail; it cannot change it."""
    rights = {"names": [_TRAIL], "privileges": ["auto_configure", "create_doc"]}
    return _key("remedyd-trail", days, {"trail": {"cluster": [], "indices": [rights]}})


def installer(space: str) -> dict[str, Any]:
    """Return the key with which `remedyd elastic install` works; it lives for a day."""
    space_name = space or "default"
    features = (
        "feature_agentBuilder.all",
        "feature_workflowsManagement.all",
        "feature_actions.all",
        "feature_stackAlerts.all",
        "feature_dashboard_v2.all",
        "feature_savedObjectsManagement.all",
    )
    kibana = {
        "application": "kibana-.kibana",
        "privileges": list(features),
        "resources": [f"space:{space_name}"],
    }
    # rules run with the rights of who saves them
    reads = {"names": [_TRAIL, *_READ], "privileges": ["read", "view_index_metadata"]}
    role = {"cluster": [], "indices": [reads], "applications": [kibana]}
    return _key("remedyd-installer", 1, {"installer": role})


def template(retention_days: int) -> dict[str, Any]:
    """Return the index template of the audit trail: its mapping, and how long it is kept."""
    flattened = {"type": "flattened"}
    keyword = {"type": "keyword", "ignore_above": 1024}
    remediation = {
        "evidence": flattened,
        "digest": keyword,
        "proposal_id": keyword,
        "changes": {"properties": dict.fromkeys(("path", "before", "after"), keyword)},
        "verdict": {"properties": {"before": flattened, "after": flattened}},
    }
    return {
        "index_patterns": [_TRAIL],
        "priority": 250,
        "data_stream": {},
        "composed_of": ["logs@mappings", "logs@settings", "ecs@mappings"],
        "ignore_missing_component_templates": ["logs@mappings", "logs@settings", "ecs@mappings"],
        "template": {
            "mappings": {
                "date_detection": False,
                "properties": {"remediation": {"properties": remediation}},
            },
            "lifecycle": {"data_retention": f"{retention_days}d"},
        },
        "_meta": {"description": "remedyd's audit trail"},
    }


def shown(method: str, path: str, body: dict[str, Any]) -> str:
    """Return a request as Kibana's Dev Tools take it."""
    return f"{method} {path}\n{json.dumps(body, indent=2)}\n"


def _key(name: str, days: int, roles: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "expiration": f"{days}d",
        "metadata": _APP,
        "role_descriptors": roles,
    }
