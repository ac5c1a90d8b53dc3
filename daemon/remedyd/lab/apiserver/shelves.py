"""Where the store's objects lie: by resource and name, in the order of lists, and by owner.

Lists and controllers ask for a namespace's or an owner's objects thousands of times; without the
order and the owners kept up write by write, each of them would go through all there is.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence

from remedyd.model.values import KubeObject

Key = tuple[str, str]


def listed(key: Key) -> tuple[str, str]:
    """Return what lists are ordered by: etcd's keys, in which a namespace ends with a slash."""
    return f"{key[0]}/", key[1]


def within(order: Sequence[Key], namespace: str | None) -> Sequence[Key]:
    """Return the keys of one namespace (None: of all) out of keys in the order of lists."""
    if namespace is None:
        return tuple(order)
    ends = ((f"{namespace}{mark}", "") for mark in "/0")  # 0 follows the slash
    first, last = (bisect_left(order, end, key=listed) for end in ends)
    return tuple(order[first:last])


class Shelves:
    """Objects by resource (`apps/v1/deployments`) and key; the store's lock guards them."""

    def __init__(self) -> None:
        """Begin empty."""
        self._objects: dict[str, dict[Key, KubeObject]] = {}
        self._order: dict[str, list[Key]] = {}
        self._owned: dict[tuple[str, str], set[Key]] = {}

    def get(self, gvr: str, key: Key) -> KubeObject | None:
        """Return an object, None when there is none."""
        return self._objects.get(gvr, {}).get(key)

    def keys(self, gvr: str, namespace: str | None, labels: str = "") -> Sequence[Key]:
        """Return the keys of a namespace (None: of all) in the order in which they are listed.

        `labels` is a label selector; shelves that can tell leave out what it does not select.
        """
        return within(self._order.get(gvr, []), namespace)

    def owned(self, gvr: str, uid: str) -> Sequence[Key]:
        """Return the keys of what the controller with this uid owns, by name."""
        return sorted(self._owned.get((gvr, uid), ()))

    def kinds(self) -> Sequence[str]:
        """Return the resources of which objects are or were kept."""
        return tuple(self._objects)

    def put(self, gvr: str, key: Key, new: KubeObject) -> None:
        """Keep an object in the place of what was there."""
        objects = self._objects.setdefault(gvr, {})
        old = objects.get(key)
        if old is None:
            insort(self._order.setdefault(gvr, []), key, key=listed)
        else:
            self._disown(gvr, key, old)
        objects[key] = new
        for owner in _controllers(new):
            self._owned.setdefault((gvr, owner), set()).add(key)

    def take(self, gvr: str, key: Key) -> None:
        """Take an object away."""
        old = self._objects[gvr].pop(key)
        order = self._order[gvr]
        del order[bisect_left(order, listed(key), key=listed)]
        self._disown(gvr, key, old)

    def _disown(self, gvr: str, key: Key, old: KubeObject) -> None:
        for owner in _controllers(old):
            mine = self._owned.get((gvr, owner), set())
            mine.discard(key)
            if not mine:
                self._owned.pop((gvr, owner), None)


def _controllers(obj: KubeObject) -> list[str]:
    references = obj["metadata"].get("ownerReferences") or ()
    return [ref.get("uid", "") for ref in references if ref.get("controller")]
