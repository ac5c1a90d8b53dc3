"""The objects of the simulated cluster, in memory, with one resourceVersion counter.

Stored objects are never changed in place: a write replaces the whole object, so a reference
handed to a watcher stays what it was. Reads that callers may change are copies; `peek` and
`scan` hand out the stored objects themselves, for readers that promise not to touch them.
The price is one copy per write, which the lab's size allows.
"""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from remedyd.lab.apiserver import status
from remedyd.lab.apiserver.admission import Admission, AdmissionRequest, Operation
from remedyd.lab.apiserver.copying import clone
from remedyd.lab.apiserver.events import StoreEvent, Subscription
from remedyd.lab.apiserver.strategies import DEFAULT_STRATEGIES, Strategy
from remedyd.model.clock import Clock
from remedyd.model.values import KubeObject

Listener = Callable[[str, str, KubeObject], None]
Key = tuple[str, str]
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_KEPT_EVENTS = 20_000


def timestamp(moment: datetime) -> str:
    """Return an aware UTC time as Kubernetes writes it, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def split(gvr: str) -> tuple[str, str, str]:
    """Return group, version and resource of `apps/v1/deployments` or `v1/pods`."""
    parts = gvr.split("/")
    return ("", parts[0], parts[1]) if len(parts) == 2 else (parts[0], parts[1], parts[2])


def matches_labels(wanted: Mapping[str, str] | None, obj: KubeObject) -> bool:
    """Say whether every wanted label is on the object with that value."""
    have = obj["metadata"].get("labels") or {}
    return all(have.get(key) == value for key, value in (wanted or {}).items())


def lookup(obj: KubeObject, path: str) -> str:
    """Return the value at a dotted path as text, empty when it is absent."""
    value: object = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def matches_fields(wanted: Mapping[str, str] | None, obj: KubeObject) -> bool:
    """Say whether every dotted path has the wanted value."""
    return all(lookup(obj, path) == value for path, value in (wanted or {}).items())


class ObjectStore:
    """Thread-safe objects by resource (`apps/v1/deployments`), namespace and name.

    `admission` holds checks run on every write, in order; each may change the object or raise
    a StatusError. Listeners run inside the write, after it is stored, in the order of writes.
    """

    def __init__(
        self, clock: Clock, ids: Random, strategies: Mapping[str, Strategy] = DEFAULT_STRATEGIES
    ) -> None:
        """Take the lab's clock and the source of uids and name suffixes."""
        self.clock = clock
        self.admission: list[Admission] = []
        self._ids = ids
        self._strategies = strategies
        self._lock = threading.RLock()
        self._objects: dict[str, dict[Key, KubeObject]] = {}
        self._version = 0
        self._log: deque[StoreEvent] = deque(maxlen=_KEPT_EVENTS)
        self._subscriptions: list[Subscription] = []
        self._listeners: list[Listener] = []
        self._waiting: deque[StoreEvent] = deque()
        self._telling = False

    @property
    def version(self) -> int:
        """The resourceVersion of the latest write."""
        return self._version

    def timestamp(self) -> str:
        """Return the lab's time as Kubernetes writes it."""
        return timestamp(self.clock.now())

    # reading

    def peek(self, gvr: str, namespace: str | None, name: str) -> KubeObject | None:
        """Return the stored object itself, or None; it must not be changed."""
        return self._objects.get(gvr, {}).get((namespace or "", name))

    def scan(self, gvr: str, namespace: str | None = None) -> list[KubeObject]:
        """Return the stored objects themselves by namespace and name; read only."""
        with self._lock:
            found = sorted(self._objects.get(gvr, {}).items())
        return [obj for key, obj in found if namespace is None or key[0] == namespace]

    def get(self, gvr: str, namespace: str | None, name: str) -> KubeObject:
        """Return a copy of an object; raise StatusError 404 when there is none."""
        copy: KubeObject = clone(self._required(gvr, namespace, name))
        return copy

    def list(
        self,
        gvr: str,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[KubeObject]:
        """Return copies of the objects with these labels and field values, sorted by name."""
        return [
            clone(obj)
            for obj in self.scan(gvr, namespace)
            if matches_labels(labels, obj) and matches_fields(fields, obj)
        ]

    # writing

    def create(
        self,
        gvr: str,
        namespace: str | None,
        obj: KubeObject,
        *,
        manager: str,
        dry_run: bool = False,
    ) -> KubeObject:
        """Store a new object and return a copy as stored; raise StatusError 409 when taken."""
        with self._lock:
            new = clone(obj)
            self._identify(new, namespace)
            strategy = self._strategies.get(gvr, Strategy())
            if strategy.status:
                new.pop("status", None)
                if strategy.initial_status is not None:
                    new["status"] = clone(strategy.initial_status)
            if strategy.generation:
                new["metadata"]["generation"] = 1
            name = new["metadata"]["name"]
            self._prepare(gvr, strategy, "CREATE", new, None, None, dry_run, manager)
            if self.peek(gvr, namespace, name) is not None:
                raise status.already_exists(*self._who(gvr), name)
            if not dry_run:
                self._put(gvr, "ADDED", new, None)
            created: KubeObject = clone(new)
            return created

    def update(
        self,
        gvr: str,
        namespace: str | None,
        name: str,
        obj: KubeObject,
        *,
        manager: str,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> KubeObject:
        """Replace an object; a resourceVersion in `obj` must be the stored one (else 409)."""
        with self._lock:
            old = self._required(gvr, namespace, name)
            new = clone(obj)
            sent = new.setdefault("metadata", {}).get("resourceVersion")
            if sent and sent != old["metadata"]["resourceVersion"]:
                raise status.modified(*self._who(gvr), name)
            return self._replace(gvr, old, new, manager, subresource, dry_run)

    def mutate(
        self,
        gvr: str,
        namespace: str | None,
        name: str,
        fn: Callable[[KubeObject], None],
        *,
        manager: str,
        subresource: str | None = None,
    ) -> KubeObject:
        """Change a copy with `fn` and store it, without conflicts: for controllers."""
        with self._lock:
            old = self._required(gvr, namespace, name)
            new = clone(old)
            fn(new)
            return self._replace(gvr, old, new, manager, subresource, False)

    def delete(
        self,
        gvr: str,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        grace_seconds: int | None = None,
        finalizer: str | None = None,
        manager: str = "",
        dry_run: bool = False,
    ) -> KubeObject | None:
        """Delete an object; return it when it lingers, None when it is gone.

        An object lingers with a deletionTimestamp while it has finalizers (`finalizer` adds
        one: foregroundDeletion or orphan) or while a scheduled pod has grace to stop; whoever
        stops the pod deletes it again with `grace_seconds=0`.
        """
        with self._lock:
            old = self._required(gvr, namespace, name)
            self._check_delete(gvr, old, uid, resource_version)
            self._admit(gvr, "DELETE", old, old, None, dry_run, manager)
            grace = self._grace(gvr, old, grace_seconds)
            finalizers = list(old["metadata"].get("finalizers") or [])
            if finalizer and finalizer not in finalizers:
                finalizers.append(finalizer)
            if not finalizers and grace == 0:
                if not dry_run:
                    self._remove(gvr, old)
                return None
            new = clone(old)
            self._mark_deleted(new, grace, finalizers)
            if not dry_run and new != old:
                self._put(gvr, "MODIFIED", new, old)
            marked: KubeObject = clone(new)
            return marked

    # following

    def watch(
        self, gvr: str, namespace: str | None = None, since: int | None = None
    ) -> Subscription:
        """Return the events after resourceVersion `since` (None: from now on).

        Raises StatusError 410 when events after `since` are no longer kept.
        """
        with self._lock:
            subscription = Subscription(gvr, namespace)
            if since is not None and since < self._version:
                if self._log and since < self._log[0].version - 1:
                    oldest = self._log[0].version
                    raise status.StatusError(
                        410, "Expired", f"too old resource version: {since} ({oldest})"
                    )
                for event in self._log:
                    if event.version > since:
                        subscription.offer(event)
            self._subscriptions.append(subscription)
            return subscription

    def on_change(self, listener: Listener) -> None:
        """Call `listener(type, gvr, object)` after every write, in order, inside the write.

        The object is shared: read it, never change it. A listener may write to the store;
        its own events follow after the current one.
        """
        self._listeners.append(listener)

    # inside

    def _who(self, gvr: str) -> tuple[str, str]:
        group, _, resource = split(gvr)
        return resource, group

    def _required(self, gvr: str, namespace: str | None, name: str) -> KubeObject:
        found = self.peek(gvr, namespace, name)
        if found is None:
            raise status.not_found(*self._who(gvr), name)
        return found

    def _identify(self, new: KubeObject, namespace: str | None) -> None:
        meta = new.setdefault("metadata", {})
        if not meta.get("name") and meta.get("generateName"):
            suffix = "".join(self._ids.choice(_SUFFIX) for _ in range(5))
            meta["name"] = meta["generateName"] + suffix
        if namespace:
            meta["namespace"] = namespace
        for volatile in ("resourceVersion", "deletionTimestamp", "selfLink"):
            meta.pop(volatile, None)
        meta["uid"] = str(uuid.UUID(int=self._ids.getrandbits(128), version=4))
        meta["creationTimestamp"] = self.timestamp()

    def _replace(
        self,
        gvr: str,
        old: KubeObject,
        new: KubeObject,
        manager: str,
        subresource: str | None,
        dry_run: bool,
    ) -> KubeObject:
        strategy = self._strategies.get(gvr, Strategy())
        meta, was = new.setdefault("metadata", {}), old["metadata"]
        for fixed in (
            "name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion",
            "deletionTimestamp", "deletionGracePeriodSeconds",
        ):  # fmt: skip
            meta.pop(fixed, None)
            if fixed in was:
                meta[fixed] = was[fixed]
        if strategy.status and subresource == "status":
            written = new.get("status")
            new = {**clone(old), "metadata": meta}
            new["status"] = written
        elif strategy.status:
            new.pop("status", None)
            if "status" in old:
                new["status"] = clone(old["status"])
        self._prepare(gvr, strategy, "UPDATE", new, old, subresource, dry_run, manager)
        if new == old:
            unchanged: KubeObject = clone(old)
            return unchanged
        if strategy.generation and new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = int(was.get("generation", 0)) + 1
        if not dry_run and self._released(new):
            self._remove(gvr, new)
        elif not dry_run:
            self._put(gvr, "MODIFIED", new, old)
        stored: KubeObject = clone(new)
        return stored

    def _prepare(
        self,
        gvr: str,
        strategy: Strategy,
        operation: Operation,
        new: KubeObject,
        old: KubeObject | None,
        subresource: str | None,
        dry_run: bool,
        manager: str,
    ) -> None:
        for fill in strategy.fill:
            fill(new)
        self._admit(gvr, operation, new, old, subresource, dry_run, manager)
        causes = [cause for check in strategy.check for cause in check(new, old)]
        if causes:
            group, _, _ = split(gvr)
            raise status.invalid(strategy.kind, group, new["metadata"].get("name", ""), causes)

    def _admit(
        self,
        gvr: str,
        operation: Operation,
        new: KubeObject,
        old: KubeObject | None,
        subresource: str | None,
        dry_run: bool,
        manager: str,
    ) -> None:
        meta = new["metadata"]
        request = AdmissionRequest(
            operation, gvr, meta.get("namespace"), meta.get("name", ""), new, old, subresource,
            dry_run, manager,
        )  # fmt: skip
        for check in self.admission:
            check(request)

    def _check_delete(
        self, gvr: str, old: KubeObject, uid: str | None, resource_version: str | None
    ) -> None:
        meta = old["metadata"]
        for label, wanted, have in (
            ("UID", uid, meta["uid"]),
            ("ResourceVersion", resource_version, meta["resourceVersion"]),
        ):
            if wanted is not None and wanted != have:
                raise status.conflict(
                    *self._who(gvr),
                    meta["name"],
                    f"Precondition failed: {label} in precondition: {wanted}, "
                    f"{label} in object meta: {have}",
                )

    def _grace(self, gvr: str, old: KubeObject, asked: int | None) -> int:
        if gvr != "v1/pods" or not (old.get("spec") or {}).get("nodeName"):
            return 0
        if (old.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return 0
        if asked is not None:
            return asked
        return int(old["spec"].get("terminationGracePeriodSeconds", 30))

    def _released(self, new: KubeObject) -> bool:
        """Say whether a deleted object has nothing left to wait for."""
        meta = new["metadata"]
        if not meta.get("deletionTimestamp") or meta.get("finalizers"):
            return False
        return int(meta.get("deletionGracePeriodSeconds") or 0) == 0

    def _mark_deleted(self, new: KubeObject, grace: int, finalizers: Sequence[str]) -> None:
        meta = new["metadata"]
        if "deletionTimestamp" not in meta:
            meta["deletionTimestamp"] = timestamp(self.clock.now() + timedelta(seconds=grace))
            meta["generation"] = int(meta.get("generation", 0)) + 1
        meta["deletionGracePeriodSeconds"] = min(
            grace, meta.get("deletionGracePeriodSeconds", grace)
        )
        if finalizers:
            meta["finalizers"] = [*finalizers]

    def _put(self, gvr: str, type_: str, new: KubeObject, old: KubeObject | None) -> None:
        self._version += 1
        new["metadata"]["resourceVersion"] = str(self._version)
        meta = new["metadata"]
        self._objects.setdefault(gvr, {})[(meta.get("namespace", ""), meta["name"])] = new
        self._publish(StoreEvent(type_, gvr, new, old, self._version))

    def _remove(self, gvr: str, old: KubeObject) -> None:
        meta = old["metadata"]
        del self._objects[gvr][(meta.get("namespace", ""), meta["name"])]
        self._version += 1
        gone = {**old, "metadata": {**meta, "resourceVersion": str(self._version)}}
        self._publish(StoreEvent("DELETED", gvr, gone, old, self._version))

    def _publish(self, event: StoreEvent) -> None:
        self._log.append(event)
        self._subscriptions = [sub for sub in self._subscriptions if not sub.closed]
        for subscription in self._subscriptions:
            subscription.offer(event)
        self._waiting.append(event)
        if self._telling:
            return
        self._telling = True
        try:
            for told in self._drain():
                for listener in self._listeners:
                    listener(told.type, told.gvr, told.object)
        finally:
            self._telling = False

    def _drain(self) -> Iterator[StoreEvent]:
        while self._waiting:
            yield self._waiting.popleft()
