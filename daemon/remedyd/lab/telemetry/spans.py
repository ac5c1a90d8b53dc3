"""What instrumented services send: spans, as the Elasticsearch exporter writes them.

A sample of the requests is followed through the services: a Server span in each, and in the one
that calls a Client span around it. Durations are in nanoseconds. Which pod a span is about stands
in its resource attributes, as the k8s_attributes processor adds them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.controllers.kubelet import Kubelets
from remedyd.lab.controllers.objects import DAEMONSETS, DEPLOYMENTS, PODS, STATEFULSETS
from remedyd.lab.faults import FaultBoard
from remedyd.lab.telemetry.documents import Document, milliseconds
from remedyd.lab.telemetry.resources import Resources
from remedyd.lab.timeline import Timeline
from remedyd.lab.traffic import NETWORK_MS, Name, Network, Service, service_of

STREAM = "traces-generic.otel-default"

_KINDS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFULSETS, "DaemonSet": DAEMONSETS}
_OWNERS = tuple(f"k8s.{kind.lower()}.name" for kind in _KINDS)
_REQUESTS = 4
_STREAM = {"type": "traces", "dataset": "generic.otel", "namespace": "default"}
_SCOPE = {"name": "io.opentelemetry.http", "version": "2.9.0"}
_NANOS_A_MS = 1_000_000

Attributes = Mapping[str, Any]


class SpanReport:
    """Follows a few requests per scrape; the same seed follows the same ones."""

    def __init__(
        self,
        store: ObjectStore,
        timeline: Timeline,
        kubelets: Kubelets,
        board: FaultBoard,
        resources: Resources,
        interval: timedelta,
    ) -> None:
        """Take what is observed and how it is named; requests began within `interval`."""
        self._store = store
        self._timeline = timeline
        self._kubelets = kubelets
        self._board = board
        self._resources = resources
        self._interval = interval.total_seconds()
        self._random = Random("spans")

    def report(self) -> list[Document]:
        """Return the spans of one scrape, none when no workload serves requests."""
        services = list(self._services())
        if not services:
            return []
        pods = self._pods({service.key for service in services})
        network = Network(services, {key: len(found) for key, found in pods.items()})
        return [
            document
            for entry in network.entries()
            for _ in range(_REQUESTS)
            for document in self._request(entry, network, pods)
        ]

    def _services(self) -> Iterator[Service]:
        for kind, gvr in _KINDS.items():
            for obj in self._store.scan(gvr):
                meta = obj["metadata"]
                faults = self._board.of((meta["namespace"], kind, meta["name"]))
                if service := service_of(kind, obj, faults):
                    yield service

    def _pods(self, wanted: set[Name]) -> dict[Name, list[Attributes]]:
        """Return the attributes of the ready pods of each service."""
        found: defaultdict[Name, list[Attributes]] = defaultdict(list)
        for run in self._kubelets.runs():
            pod = self._store.peek(PODS, *run.key) if run.ready else None
            if pod is None or run.node in self._board.dead_nodes:
                continue
            who = self._resources.pod(pod)
            name = next((who[label] for label in _OWNERS if label in who), "")
            if (who["k8s.namespace.name"], name) in wanted:
                found[who["k8s.namespace.name"], name].append(who)
        return found

    def _request(
        self, entry: Service, network: Network, pods: Mapping[Name, list[Attributes]]
    ) -> list[Document]:
        began = self._timeline.now() - timedelta(seconds=self._random.uniform(0, self._interval))
        trace = _Trace(network, pods, began, self._random)
        trace.serve(entry, "", 0.0)
        return trace.spans


class _Trace:
    """One request on its way through the services."""

    def __init__(
        self,
        network: Network,
        pods: Mapping[Name, list[Attributes]],
        began: datetime,
        random: Random,
    ) -> None:
        self.spans: list[Document] = []
        self._network = network
        self._pods = pods
        self._began = began
        self._random = random
        self._id = self._key(128)

    def serve(self, service: Service, parent: str, at: float) -> tuple[float, bool]:
        """Serve it, calls included; return the milliseconds it took, and whether it failed.

        `at` is in milliseconds after the request began.
        """
        own = self._network.own_time(service)
        here = self._pods.get(service.key)
        if not here:
            return own, True
        who, key = self._random.choice(here), self._key()
        took, failed = own * self._jitter(), False
        for name, outside in service.calls:
            ms, bad = self._call(service, name, outside, who, key, at + took)
            took, failed = took + ms, failed or bad
        self._add(who, f"GET /{service.name}", "Server", (key, parent), at, took, failed)
        return took, failed

    def _call(
        self,
        service: Service,
        name: str,
        outside: float | None,
        who: Attributes,
        parent: str,
        at: float,
    ) -> tuple[float, bool]:
        key = self._key()
        callee = None if outside is not None else self._network.find(service.namespace, name)
        if callee is not None:
            ms, failed = self.serve(callee, key, at + NETWORK_MS)
            ms += NETWORK_MS
        else:
            ms = self._network.call_time(service, name, outside) * self._jitter()
            failed = outside is None or self._random.random() < service.errors
        self._add(who, f"GET {name}", "Client", (key, parent), at, ms, failed)
        return ms, failed

    def _jitter(self) -> float:
        return self._random.lognormvariate(0.0, 0.15)

    def _key(self, bits: int = 64) -> str:
        return f"{self._random.getrandbits(bits):0{bits // 4}x}"

    def _add(
        self,
        who: Attributes,
        name: str,
        kind: str,
        keys: tuple[str, str],
        at: float,
        ms: float,
        failed: bool,
    ) -> None:
        document: Document = {
            "@timestamp": milliseconds(self._began + timedelta(milliseconds=at)),
            "data_stream": _STREAM,
            "trace_id": self._id,
            "span_id": keys[0],
            "name": name,
            "kind": kind,
            "duration": int(ms * _NANOS_A_MS),
            "status": {"code": "Error" if failed else "Unset"},
            "attributes": {},
            "scope": _SCOPE,
            "resource": {"attributes": who},
        }
        if keys[1]:
            document["parent_span_id"] = keys[1]
        self.spans.append(document)
