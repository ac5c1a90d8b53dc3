"""Which nodes the cluster itself has given up on.

Asked before every write and in every cycle, so it must not cost fifty megabytes in a cluster of
five thousand nodes: the API server is asked for the table that `kubectl get nodes` shows, a
fiftieth of that. The price is to rely on its column Status, which is printed from the condition
Ready; where there is no such table the nodes are read whole.
"""

from collections.abc import Iterable

from remedyd.cluster.ports import Printing, Reader, each
from remedyd.model.values import KubeObject

_READY = "Ready"


def unready(reader: Reader) -> tuple[str, ...]:
    """Return the names of nodes that are not ready. Raises what reading raises."""
    rows = reader.printed("Node", "Name", "Status") if isinstance(reader, Printing) else None
    if rows is None:
        return not_ready(each(reader, "Node"))
    return tuple(sorted({name for name, status in rows if status.split(",")[0] != _READY}))


def not_ready(nodes: Iterable[KubeObject]) -> tuple[str, ...]:
    """Return the names of nodes whose condition Ready is not True; one without counts too."""
    return tuple(sorted({str(node["metadata"]["name"]) for node in nodes if not _ready(node)}))


def _ready(node: KubeObject) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == _READY and c.get("status") == "True" for c in conditions)
