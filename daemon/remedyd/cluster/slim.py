"""What of listed objects is kept: the parts that somebody looks at.

A node carries the names of all its images and what every controller wrote; of five thousand nodes
that is tens of megabytes. Each page is cut as it arrives, so that no more than one is whole.
"""

from remedyd.model.values import KubeObject

_NODE = {
    "metadata": ("name", "uid", "labels"),
    "spec": ("taints", "unschedulable"),
    "status": ("conditions", "allocatable"),
}
_CONDITION = ("type", "status")


def slim(kind: str, item: KubeObject) -> KubeObject:
    """Return a listed node without what nobody asks for; any other object as it is."""
    if kind != "Node":
        return item
    kept = {
        part: {name: value for name, value in (item.get(part) or {}).items() if name in names}
        for part, names in _NODE.items()
    }
    conditions = kept["status"].get("conditions") or ()
    kept["status"]["conditions"] = [{key: c.get(key) for key in _CONDITION} for c in conditions]
    return kept
