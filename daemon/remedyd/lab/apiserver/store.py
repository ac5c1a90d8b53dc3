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
from random import Random

from remedyd.lab.apiserver import deletion, resources, status, versions, writing
from remedyd.lab.apiserver.admission import Admission, AdmissionRequest, Operation
from remedyd.lab.apiserver.copying import clone
from remedyd.lab.apiserver.events import StoreEvent, Subscription
from remedyd.lab.apiserver.fieldsets import FieldSet
from remedyd.lab.apiserver.matching import matches_fields, matches_labels
from remedyd.lab.apiserver.shelves import Key, Shelves
from remedyd.lab.apiserver.strategies import Strategy, strategy
from remedyd.lab.apiserver.writing import Write, split
from remedyd.model.clock import Clock
from remedyd.model.values import KubeObject

Listener = Callable[[str, str, KubeObject], None]
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_KEPT_EVENTS = 5_000  # each holds an object as it was; real servers keep five minutes


class ObjectStore:
    """Thread-safe objects by resource (`apps/v1/deployments`), namespace and name.

    `admission` holds checks run on every write, in order; each may change the object or raise
    a StatusError. Listeners run inside the write, after it is stored, in the order of writes.
    """

    def __init__(self, clock: Clock, ids: Random, shelves: Shelves | None = None) -> None:
        """Take the lab's clock, the source of uids and name suffixes, and where objects lie."""
        self.clock = clock
        self.admission: list[Admission] = []
        self.lock = threading.RLock()
        self._ids = ids
        self._shelves = shelves or Shelves()
        self._version = 0
        self._oldest = 0
        self._log: deque[StoreEvent] = deque(maxlen=_KEPT_EVENTS)
        self._subscriptions: list[Subscription] = []
        self._listeners: list[Listener] = []
        self._waiting: deque[StoreEvent] = deque()
        self._telling = False

    @property
    def version(self) -> int:
        """The resourceVersion of the latest write."""
        return self._version

    @property
    def oldest_version(self) -> int:
        """The oldest resourceVersion from which a watch can still start."""
        return self._oldest

    def timestamp(self) -> str:
        """Return the lab's time as Kubernetes writes it."""
        return deletion.timestamp(self.clock.now())

    # reading

    def peek(self, gvr: str, namespace: str | None, name: str) -> KubeObject | None:
        """Return the stored object itself, or None; it must not be changed."""
        return self._shelves.get(gvr, (namespace or "", name))

    def scan(self, gvr: str, namespace: str | None = None) -> list[KubeObject]:
        """Return the stored objects themselves by namespace and name; read only."""
        with self.lock:
            keys = self._shelves.keys(gvr, namespace)
            return [obj for key in keys if (obj := self._shelves.get(gvr, key)) is not None]

    def keys(self, gvr: str, namespace: str | None = None, labels: str = "") -> Sequence[Key]:
        """Return namespace and name of the stored objects in the order in which they are listed.

        `labels` is a label selector; a store that can tell leaves out what it does not select.
        """
        with self.lock:
            return self._shelves.keys(gvr, namespace, labels)

    def owned(self, gvr: str, uid: str) -> list[KubeObject]:
        """Return the stored objects whose controller has this uid, by name; read only."""
        with self.lock:
            keys = self._shelves.owned(gvr, uid)
            return [obj for key in keys if (obj := self._shelves.get(gvr, key)) is not None]

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

    def kinds(self) -> Sequence[str]:
        """Return the resources of which objects are or were stored."""
        with self.lock:
            return self._shelves.kinds()

    # writing

    def create(
        self,
        gvr: str,
        namespace: str | None,
        obj: KubeObject,
        *,
        manager: str,
        dry_run: bool = False,
        named: FieldSet | None = None,
        api_version: str = "",
    ) -> KubeObject:
        """Store a new object and return a copy as stored; raise StatusError 409 when taken.

        `named` holds the fields of a server-side apply; `api_version` the version that the
        writer speaks, when it is not the stored one.
        """
        write = self._write(gvr, manager, None, dry_run, named, api_version)
        rules = strategy(gvr)
        new = writing.normal(gvr, obj)
        with self.lock:
            self._identify(new, namespace)
            rules.fill(new)
            if rules.status and not rules.keeps_status:
                new.pop("status", None)
            if rules.generation:
                new["metadata"]["generation"] = 1
            rules.begin(new)
            writing.record(new, None, write, self.timestamp(), versions.shown_as)
            self._admit(write, "CREATE", new, None)
            rules.born(new)
            self._check(gvr, rules, new, None)
            new = writing.normal(gvr, new)
            name = new["metadata"]["name"]
            if self.peek(gvr, new["metadata"].get("namespace"), name) is not None:
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
        named: FieldSet | None = None,
        api_version: str = "",
        owners: Sequence[KubeObject] | None = None,
    ) -> KubeObject:
        """Replace an object; a resourceVersion in `obj` must be the stored one (else 409).

        `owners` are managedFields worked out by the caller, instead of from what changed.
        """
        write = self._write(gvr, manager, subresource, dry_run, named, api_version)
        with self.lock:
            old = self._required(gvr, namespace, name)
            sent = (obj.get("metadata") or {}).get("resourceVersion")
            if sent and sent != old["metadata"]["resourceVersion"]:
                raise status.modified(*self._who(gvr), name)
            return self._replace(write, old, writing.normal(gvr, obj), owners)

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
        write = self._write(gvr, manager, subresource, False, None, "")
        with self.lock:
            old = self._required(gvr, namespace, name)
            new = clone(old)
            fn(new)
            # A spec may be filled in and admitted in place further on: it stays the new one's own
            known = writing.settled(old, "metadata", "" if subresource == "status" else "spec")
            return self._replace(write, old, writing.normal(gvr, new, known))

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
        write = self._write(gvr, manager, None, dry_run, None, "")
        with self.lock:
            old = self._required(gvr, namespace, name)
            deletion.check(gvr, old, uid, resource_version)
            self._admit(write, "DELETE", old, old)
            grace = deletion.grace_of(gvr, old, grace_seconds)
            finalizers = list(old["metadata"].get("finalizers") or [])
            if finalizer and finalizer not in finalizers:
                finalizers.append(finalizer)
            if not finalizers and grace == 0 and not deletion.held_namespace(gvr, old):
                if not dry_run:
                    self._remove(gvr, old)
                return None
            new = clone(old)
            deletion.mark(gvr, new, grace, finalizers, self.clock.now())
            if not dry_run and new != old:
                self._put(gvr, "MODIFIED", new, old)
            marked: KubeObject = clone(new)
            return marked

    def cut_grace(self, gvr: str, namespace: str | None, name: str) -> KubeObject:
        """Take away the rest of a terminating object's grace; return it, changed or not."""
        with self.lock:
            old = self._required(gvr, namespace, name)
            new = clone(old)
            if deletion.cut_grace(new):
                self._put(gvr, "MODIFIED", new, old)
            copy: KubeObject = clone(new)
            return copy

    def restore(self, gvr: str, obj: KubeObject) -> None:
        """Put an object in exactly as given, its resourceVersion included; the counter follows.

        For tests and snapshots: nothing is filled in, checked or recorded.
        """
        with self.lock:
            new = clone(obj)
            meta = new["metadata"]
            key = (meta.get("namespace", ""), meta["name"])
            old = self._shelves.get(gvr, key)
            version = meta.get("resourceVersion") or str(self._version + 1)
            meta["resourceVersion"] = version
            self._version = max(self._version, int(version))
            self._shelves.put(gvr, key, new)
            self._publish(StoreEvent("MODIFIED" if old else "ADDED", gvr, new, old, self._version))

    def forget(self, gvr: str, namespace: str, name: str) -> None:
        """Take an object away as if it had never been: the counterpart of `restore`."""
        with self.lock:
            self._shelves.take(gvr, (namespace, name))

    def advance(self, version: int) -> None:
        """Move the resourceVersion counter to at least `version`."""
        with self.lock:
            self._version = max(self._version, version)

    def compact(self) -> None:
        """Forget past events: a watch or list from before now gets 410, as after compaction."""
        with self.lock:
            self._log.clear()
            self._oldest = self._version

    # following

    def watch(
        self, gvr: str, namespace: str | None = None, since: int | None = None
    ) -> Subscription:
        """Return the events after resourceVersion `since` (None: from now on).

        Raises StatusError 410 when events after `since` are no longer kept.
        """
        with self.lock:
            subscription = Subscription(gvr, namespace)
            if since is not None and since < self._version:
                if since < self._oldest:
                    message = f"too old resource version: {since} ({self._oldest})"
                    raise status.StatusError(410, "Expired", message)
                for event in self._log:
                    if event.version > since:
                        subscription.offer(event)
            self._subscriptions.append(subscription)
            return subscription

    def events_since(self, gvr: str, version: int) -> Sequence[StoreEvent]:
        """Return the kept events of a resource after `version`, the latest first."""
        with self.lock:
            return [
                event
                for event in reversed(self._log)
                if event.version > version and event.gvr == gvr
            ]

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

    def _write(
        self,
        gvr: str,
        manager: str,
        subresource: str | None,
        dry_run: bool,
        named: FieldSet | None,
        api_version: str,
    ) -> Write:
        resource = resources.find(gvr)
        spoken = api_version or (resource.group_version if resource else "")
        return Write(gvr, manager, spoken, subresource, dry_run, named)

    def _identify(self, new: KubeObject, namespace: str | None) -> None:
        meta = new.get("metadata") or {}
        if not meta.get("name") and meta.get("generateName"):
            suffix = "".join(self._ids.choice(_SUFFIX) for _ in range(5))
            meta["name"] = meta["generateName"] + suffix
        if namespace:
            meta["namespace"] = namespace
        for volatile in ("resourceVersion", "deletionTimestamp", "selfLink", "managedFields"):
            meta.pop(volatile, None)
        meta["uid"] = str(uuid.UUID(int=self._ids.getrandbits(128), version=4))
        meta["creationTimestamp"] = self.timestamp()
        new["metadata"] = meta

    def _replace(
        self,
        write: Write,
        old: KubeObject,
        new: KubeObject,
        owners: Sequence[KubeObject] | None = None,
    ) -> KubeObject:
        gvr, was = write.gvr, old["metadata"]
        rules = strategy(gvr)
        new = writing.restrict(new, old, rules, write.subresource)
        rules.fill(new)
        if owners is None:
            writing.record(new, old, write, self.timestamp(), versions.shown_as)
        else:
            new["metadata"]["managedFields"] = owners
        self._admit(write, "UPDATE", new, old)
        rules.revise(new, old)
        self._check(gvr, rules, new, old, write.subresource)
        new = writing.normal(gvr, new, writing.settled(old, "metadata"))
        if new == old:
            unchanged: KubeObject = clone(old)
            return unchanged
        if writing.moves_generation(new, old, rules, write.subresource):
            new["metadata"]["generation"] = int(was.get("generation", 0)) + 1
        if not write.dry_run and deletion.released(gvr, new):
            self._remove(gvr, new)
        elif not write.dry_run:
            self._put(gvr, "MODIFIED", new, old)
        stored: KubeObject = clone(new)
        return stored

    def _check(
        self,
        gvr: str,
        rules: Strategy,
        new: KubeObject,
        old: KubeObject | None,
        subresource: str | None = None,
    ) -> None:
        causes = rules.check(new, old)
        if causes and subresource != "resize":
            kind, group = writing.kind_of(gvr), split(gvr)[0]
            raise status.invalid(kind, group, new["metadata"].get("name", ""), causes)

    def _admit(
        self, write: Write, operation: Operation, new: KubeObject, old: KubeObject | None
    ) -> None:
        meta = new["metadata"]
        request = AdmissionRequest(
            operation,
            write.gvr,
            meta.get("namespace"),
            meta.get("name", ""),
            new,
            old,
            write.subresource,
            write.dry_run,
            write.manager,
        )
        for check in self.admission:
            check(request)

    def _put(self, gvr: str, type_: str, new: KubeObject, old: KubeObject | None) -> None:
        self._version += 1
        new["metadata"]["resourceVersion"] = str(self._version)
        meta = new["metadata"]
        self._shelves.put(gvr, (meta.get("namespace", ""), meta["name"]), new)
        self._publish(StoreEvent(type_, gvr, new, old, self._version))

    def _remove(self, gvr: str, old: KubeObject) -> None:
        meta = old["metadata"]
        self._shelves.take(gvr, (meta.get("namespace", ""), meta["name"]))
        self._version += 1
        gone = {**old, "metadata": {**meta, "resourceVersion": str(self._version)}}
        self._publish(StoreEvent("DELETED", gvr, gone, old, self._version))

    def _publish(self, event: StoreEvent) -> None:
        if len(self._log) == _KEPT_EVENTS:
            self._oldest = self._log[0].version
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
