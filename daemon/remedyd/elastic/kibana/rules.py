"""Four alert rules: the daemon is silent, a change failed, nobody decides, telemetry is stale.

Alerts about the workloads themselves come with Elastic's Kubernetes integration and are not
repeated here.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from remedyd.elastic.kibana.wanted import Wanted, asset

PATH: Final = "/api/alerting/rule"


@dataclass(frozen=True, slots=True)
class _Rule:
    key: str
    name: str
    minutes: int
    every: str = "1m"


_RULES: Final = (
    _Rule("heartbeat", "remedyd is silent", 15),
    _Rule("apply-failed", "remedyd: a change or its undo failed", 5),
    _Rule("pending", "remedyd: a proposal waits for a decision", 24 * 60, "5m"),
    _Rule("telemetry-stale", "remedyd: no telemetry arrives", 10),
)


def rules(wanted: Wanted) -> list[tuple[str, dict[str, Any]]]:
    """Return the rules with their ids."""
    return [(key(rule.key, wanted.space), _body(rule)) for rule in _RULES]


def keys(space: str) -> list[str]:
    """Return the ids of the rules in a space."""
    return [key(rule.key, space) for rule in _RULES]


def key(name: str, space: str) -> str:
    """Return a rule's id: Kibana wants a UUID, and the same rule must always have the same."""
    digest = hashlib.sha256(f"remedyd/{space}/{name}".encode()).digest()
    return str(UUID(bytes=digest[:16], version=4))


def _body(rule: _Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "rule_type_id": ".es-query",
        "consumer": "stackAlerts",
        "tags": ["remedyd"],
        "schedule": {"interval": rule.every},
        "alert_delay": {"active": 1},
        "params": {
            "searchType": "esqlQuery",
            "esqlQuery": {"esql": asset(f"rules/{rule.key}.esql")},
            "size": 0,
            "threshold": [0],
            "thresholdComparator": ">",
            "timeField": "@timestamp",
            "timeWindowSize": rule.minutes,
            "timeWindowUnit": "m",
            "groupBy": "row",
        },
        "actions": [],
    }
