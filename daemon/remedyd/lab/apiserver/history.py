"""Lists as of an earlier resourceVersion, and the continue tokens that ask for them."""

import base64
import binascii
import json
from typing import NamedTuple

from remedyd.lab.apiserver import gojson
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


def objects_at(
    store: ObjectStore, gvr: str, namespace: str | None, version: int
) -> list[KubeObject]:
    """Return the objects as they were at an earlier resourceVersion that is still kept."""
    if version >= store.version:
        return store.scan(gvr, namespace)
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
    return [obj for _, obj in sorted(found.items())]
