"""Which nodes the cluster itself has given up on."""

from collections.abc import Iterable

from remedyd.model.values import KubeObject


def not_ready(nodes: Iterable[KubeObject]) -> tuple[str, ...]:
    """Return the names of nodes whose condition Ready is not True; one without counts too."""
    return tuple(sorted(str(node["metadata"]["name"]) for node in nodes if not _ready(node)))


def _ready(node: KubeObject) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
