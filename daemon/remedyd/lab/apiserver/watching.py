"""Watches: one JSON event per line until `timeoutSeconds`, the client or the server ends it.

An object that stops matching the selector is reported as DELETED, one that starts to match as
ADDED. Timeouts and bookmarks run on the machine's clock: they belong to the connection, not to
the simulated cluster.
"""

from collections.abc import Iterator

from remedyd.lab.apiserver import decoding, negotiation, reading, tables
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.events import StoreEvent, Subscription
from remedyd.lab.apiserver.messages import Response
from remedyd.lab.apiserver.selectors import Match
from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.apiserver.wire import encode
from remedyd.model.clock import monotonic
from remedyd.model.values import KubeObject

_DEFAULT_SECONDS = 1800.0
_POLL_SECONDS = 0.5


def translate(event: StoreEvent, match: Match | None) -> str:
    """Return the type of an event as a watcher with a selector sees it, '' for none."""
    if match is None:
        return event.type
    now = event.type != "DELETED" and match(event.object)
    before = event.previous is not None and match(event.previous)
    if now:
        return "MODIFIED" if before else "ADDED"
    return "DELETED" if before else ""


def _shown(event: StoreEvent, kind: str) -> KubeObject:
    """Return the object of an event: one that left the selector as it was while it matched."""
    if kind != "DELETED" or event.type == "DELETED" or event.previous is None:
        return event.object
    meta = {**event.previous["metadata"], "resourceVersion": str(event.version)}
    return {**event.previous, "metadata": meta}


class _Watch:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.match = reading.matcher(call)
        self.form = negotiation.choose(call.request.headers.get("accept", ""))
        self.bookmarks = call.request.flag("allowWatchBookmarks")
        self.first_table = True

    def line(self, kind: str, obj: KubeObject) -> bytes:
        if self.form.shape == "Table":
            obj = self._table(obj)
        elif self.form.shape == "PartialObjectMetadata":
            obj = reading.partial(obj)
        return encode({"type": kind, "object": obj}) + b"\n"

    def _table(self, obj: KubeObject) -> KubeObject:
        call = self.call
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        include = call.request.option("includeObject") or "Metadata"
        now, columns = call.store.clock.now(), self.first_table
        self.first_table = False
        return tables.table(call.resource.kind, [obj], metadata, now, include, columns=columns)

    def bookmark(self, version: int, *, initial: bool = False) -> bytes:
        zero: KubeObject = {}
        if self.call.resource.type.shape != "any":
            zero = decoding.decode({}, self.call.resource.type).object
            if "replicas" not in zero.get("spec", {"replicas": 0}) and "strategy" in zero["spec"]:
                zero["spec"] = {"replicas": 0, **zero["spec"]}
        metadata: KubeObject = {"resourceVersion": str(version)}
        if initial:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        head = {"kind": self.call.resource.kind, "apiVersion": self.call.resource.group_version}
        return (
            encode({"type": "BOOKMARK", "object": {**head, **zero, "metadata": metadata}}) + b"\n"
        )

    def initial(self, objects: list[KubeObject], version: int) -> Iterator[bytes]:
        for obj in objects:
            if self.match is None or self.match(obj):
                yield self.line("ADDED", self.call.shown(obj))
        if self.call.request.flag("sendInitialEvents") and self.bookmarks:
            yield self.bookmark(version, initial=True)

    def follow(self, subscription: Subscription, seconds: float) -> Iterator[bytes]:
        end = monotonic() + seconds
        marked = monotonic()
        try:
            while not self.call.backend.stopping:
                left = end - monotonic()
                if left <= 0:
                    return
                pause = min(left, _POLL_SECONDS, self.call.backend.bookmark_seconds)
                event = subscription.get(timeout=pause)
                if event is not None and (kind := translate(event, self.match)):
                    yield self.line(kind, self.call.shown(_shown(event, kind)))
                if self.bookmarks and monotonic() - marked >= self.call.backend.bookmark_seconds:
                    marked = monotonic()
                    yield self.bookmark(self.call.store.version)
        finally:
            subscription.close()


def _seconds(call: Call) -> float:
    text = call.request.option("timeoutSeconds")
    return float(text) if text.isdigit() and int(text) else _DEFAULT_SECONDS


def _stream(call: Call, watch: _Watch) -> Iterator[bytes]:
    wanted = call.request.option("resourceVersion")
    fresh = wanted in ("", "0") or call.request.flag("sendInitialEvents")
    version = 0 if fresh else reading.parse_version(wanted)
    try:
        with call.store.lock:
            subscription = call.store.watch(call.gvr, call.namespace, None if fresh else version)
            now = call.store.version
            objects = call.store.scan(call.gvr, call.namespace) if fresh else []
    except StatusError as error:
        yield encode({"type": "ERROR", "object": error.body()}) + b"\n"
        return
    yield from watch.initial(objects, now)
    yield from watch.follow(subscription, _seconds(call))


def watch(call: Call) -> Response:
    """Answer a watch."""
    wanted = call.request.option("resourceVersion")
    if wanted:
        reading.parse_version(wanted)
    return Response(200, stream=_stream(call, _Watch(call)))
