"""Lists as of an earlier resourceVersion, and the continue tokens that ask for them."""

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from remedyd.lab.apiserver import gojson
from remedyd.lab.apiserver.shelves import Key, listed
from remedyd.lab.apiserver.status import StatusError, bad_request
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model.values import KubeObject

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


class Position(NamedTuple):
    """Where a list goes on: at which resourceVersion (-1: now), after which key."""

    version: int
    start: str


def encode(position: Position) -> str:
    """Return the continue token of a position."""
    text = json.dumps(
        {"v": "meta.k8s.io/v1", "rv": position.version, "start": f"{position.start}\0"},
        separators=(",", ":"),
    )
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(token: str) -> Position:
    """Read a continue token; raises StatusError 400."""
    head = "invalid continue token: continue key is not valid: "
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        held = gojson.loads(raw)
        return Position(int(held["rv"]), str(held["start"]).rstrip("\0"))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"{head}{error}") from error


def expired(position: Position) -> StatusError:
    """Return the 410 for a token kept too long, with a token that goes on from now."""
    error = StatusError(410, "Expired", _TOO_OLD)
    error.metadata = {"continue": encode(Position(-1, position.start.lstrip("/")))}
    return error


def key_of(obj: KubeObject, namespace: str | None) -> str:
    """Return the key that pages are cut by: below the namespace that is listed."""
    meta = obj["metadata"]
    if namespace or not meta.get("namespace"):
        return f"/{meta['name']}"
    return f"/{meta['namespace']}/{meta['name']}"


@dataclass(frozen=True, slots=True)
class Listing:
    """Keys in the order of lists, and the objects behind them, which are looked at one by one."""

    keys: Sequence[Key]
    get: Callable[[Key], KubeObject | None]

    def after(self, start: str, namespace: str | None) -> int:
        """Return the place of the first key after `start`, as `key_of` writes it; 0 for none."""
        if not start:
            return 0
        above, _, name = start.lstrip("/").rpartition("/")
        return bisect_right(self.keys, listed((namespace or above, name)), key=listed)


def listing(
    store: ObjectStore, gvr: str, namespace: str | None, version: int, labels: str = ""
) -> Listing:
    """Return what there was at a resourceVersion that is still kept; hold the store's lock.

    `labels` is a hint as for `ObjectStore.keys`.
    """
    if version >= store.version:
        return Listing(
            store.keys(gvr, namespace, labels), lambda key: store.peek(gvr, key[0], key[1])
        )
    found = {
        (obj["metadata"].get("namespace", ""), obj["metadata"]["name"]): obj
        for obj in store.scan(gvr, namespace)
    }
    for event in store.events_since(gvr, version):
        meta = event.object["metadata"]
        if namespace and meta.get("namespace") != namespace:
            continue
        key = (meta.get("namespace", ""), meta["name"])
        if event.previous is None:
            found.pop(key, None)
        else:
            found[key] = event.previous
    return Listing(sorted(found, key=listed), found.get)
