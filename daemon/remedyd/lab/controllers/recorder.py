"""Kubernetes Events as controllers report them: one object per repeated message, with a count."""

import contextlib
from random import Random

from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.controllers.objects import EVENTS, parse_stamp, stamp
from remedyd.lab.timeline import Timeline
from remedyd.model.values import KubeObject

_KEEP_SECONDS = 3600.0
_Identity = tuple[str, str, str, str, str]


class Recorder:
    """Writes Events into the store and forgets them after an hour, as an API server does."""

    def __init__(self, store: ObjectStore, timeline: Timeline, ids: Random) -> None:
        """Take where to write, the time, and the source of name suffixes."""
        self._store = store
        self._timeline = timeline
        self._ids = ids
        self._known: dict[_Identity, tuple[str, str, float]] = {}
        timeline.every(300.0, self._forget)

    def report(
        self,
        about: KubeObject,
        reason: str,
        message: str,
        *,
        component: str,
        warning: bool = False,
        host: str = "",
        container: str = "",
    ) -> None:
        """Report something about an object; the same again only raises the count."""
        involved = self._involved(about, container)
        identity = (involved["kind"], involved["name"], involved.get("uid", ""), reason, message)
        known = self._known.get(identity)
        if known is None or not self._repeat(known[0], known[1]):
            known = self._create(involved, reason, message, component, warning, host)
        self._known[identity] = (known[0], known[1], self._timeline.seconds)

    def scheduled(self, pod: KubeObject, node: str) -> None:
        """Report a binding, in the newer form that only the scheduler uses."""
        involved = self._involved(pod, "")
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        event = self._body(involved, "Scheduled", f"Successfully assigned {name} to {node}", False)
        event |= {
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "eventTime": self._timeline.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "action": "Binding",
            "reportingComponent": "default-scheduler",
            "reportingInstance": "default-scheduler-lab",
        }
        del event["count"]
        self._store.create(EVENTS, involved["namespace"], event, manager="kube-scheduler")

    def _involved(self, about: KubeObject, container: str) -> dict[str, str]:
        meta = about["metadata"]
        involved = {
            "kind": about["kind"],
            "namespace": meta.get("namespace", ""),
            "name": meta["name"],
            "uid": meta["uid"],
            "apiVersion": about["apiVersion"],
            "resourceVersion": meta.get("resourceVersion", ""),
            "fieldPath": f"spec.containers{{{container}}}" if container else "",
        }
        if about["kind"] == "Node":
            involved["resourceVersion"] = ""
        return {name: value for name, value in involved.items() if value}

    def _body(
        self, involved: dict[str, str], reason: str, message: str, warning: bool
    ) -> KubeObject:
        now = stamp(self._timeline.now())
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{involved['name']}.{self._ids.getrandbits(64):016x}"},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": "Warning" if warning else "Normal",
            "eventTime": None,
        }

    def _create(
        self,
        involved: dict[str, str],
        reason: str,
        message: str,
        component: str,
        warning: bool,
        host: str,
    ) -> tuple[str, str, float]:
        event = self._body(involved, reason, message, warning)
        event["source"] = {"component": component} | ({"host": host} if host else {})
        event["reportingComponent"] = component
        event["reportingInstance"] = host
        namespace = involved.get("namespace", "default")
        manager = "kubelet" if component == "kubelet" else "kube-controller-manager"
        with contextlib.suppress(StatusError):  # a namespace on its way out takes no more objects
            self._store.create(EVENTS, namespace, event, manager=manager)
        return namespace, event["metadata"]["name"], 0.0

    def _repeat(self, namespace: str, name: str) -> bool:
        def count_up(event: KubeObject) -> None:
            event["count"] = int(event.get("count", 1)) + 1
            event["lastTimestamp"] = stamp(self._timeline.now())

        try:
            self._store.mutate(EVENTS, namespace, name, count_up, manager="kube-controller-manager")
        except StatusError:
            return False
        return True

    def _forget(self) -> None:
        horizon = self._timeline.now().timestamp() - _KEEP_SECONDS
        for event in self._store.scan(EVENTS):
            meta = event["metadata"]
            last = event.get("lastTimestamp") or meta["creationTimestamp"]
            if parse_stamp(last).timestamp() < horizon:
                self._store.delete(EVENTS, meta["namespace"], meta["name"])
        limit = self._timeline.seconds - _KEEP_SECONDS
        self._known = {who: what for who, what in self._known.items() if what[2] >= limit}
