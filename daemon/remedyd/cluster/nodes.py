"""Which nodes the cluster itself has given up on.

Asked before every write and in every cycle, so it must not cost fifty megabytes in a cluster of
five thousand nodes: the API server is asked for the table that `kubectl get nodes` shows, a
fiftieth of that. The price is to rely on its column Status, which is printed from the condition
Ready; where there is no such table the nodes are read whole.
"""

from collections.abc import Iterable

from remedyd.cluster.ports import Printing, Reader, each
from remedyd.model.nodes import Nodes
from remedyd.model.values import KubeObject

_READY = "Ready"


def readiness(reader: Reader) -> Nodes:
    """Return the nodes that are not ready, and how many there are. Raises what reading raises."""
    rows = reader.printed("Node", "Name", "Status") if isinstance(reader, Printing) else None
    if rows is None:
        return readiness_of(each(reader, "Node"))
    return _nodes((name, status.split(",")[0] == _READY) for name, status in rows)


def readiness_of(nodes: Iterable[KubeObject]) -> Nodes:
    """Return the same of these nodes; one without the condition Ready is not ready."""
    return _nodes((str(node["metadata"]["name"]), _ready(node)) for node in nodes)


def _nodes(found: Iterable[tuple[str, bool]]) -> Nodes:
    """Count by name: between two pages a node may be told twice."""
    ready = dict(found)
    return Nodes(tuple(sorted(name for name in ready if not ready[name])), len(ready))


def _ready(node: KubeObject) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == _READY and c.get("status") == "True" for c in conditions)
