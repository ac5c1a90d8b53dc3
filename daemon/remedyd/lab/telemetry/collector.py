"""The collector: scrapes on time, watches Events, takes spans, and hands documents to a sink."""

from collections.abc import Callable, Container
from datetime import timedelta

from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.manager import Controllers
from remedyd.lab.controllers.objects import EVENTS, PODS
from remedyd.lab.faults import FaultBoard
from remedyd.lab.telemetry import cluster, documents, happenings, spans
from remedyd.lab.telemetry.documents import Document, Page, Shared, nanoseconds, stream_of
from remedyd.lab.telemetry.resources import Resources
from remedyd.lab.telemetry.spans import SpanReport
from remedyd.lab.telemetry.usage import UsageReport
from remedyd.model.values import KubeObject

Sink = Callable[[str, list[Document]], None]
_CLUSTER_OFFSET, _KUBELET_OFFSET, _SPANS_OFFSET = 0.78, 1.11, 1.37
_FORGET_SECONDS = 600.0


class Collector:
    """Runs from the moment it is built; `board.silent` names receivers that are to be quiet."""

    def __init__(
        self,
        env: Environment,
        controllers: Controllers,
        board: FaultBoard,
        sink: Sink,
        *,
        cluster_name: str,
        interval: timedelta,
        metrics: Container[str] | None = None,
    ) -> None:
        """Take what is observed, where documents go, and how often to scrape.

        `metrics` names those that are sent (None: all), as a filter in the collector would.
        """
        self._env = env
        self._board = board
        self._sink = sink
        self._resources = Resources(env.store, cluster_name)
        self._usage = UsageReport(
            env.store, env.timeline, controllers.kubelets, board, self._resources
        )
        self._spans = SpanReport(
            env.store, env.timeline, controllers.kubelets, board, self._resources, interval
        )
        receivers = (documents.CLUSTER, documents.KUBELET, documents.EVENTS)
        self._shared = {receiver: Shared(receiver, metrics) for receiver in receivers}
        self._start = nanoseconds(env.timeline.now())
        seconds = interval.total_seconds()
        env.timeline.every(seconds, self._scrape_cluster, first=_CLUSTER_OFFSET)
        env.timeline.every(seconds, self._scrape_kubelets, first=_KUBELET_OFFSET)
        env.timeline.every(seconds, self._export_spans, first=_SPANS_OFFSET)
        env.timeline.every(_FORGET_SECONDS, self._forget)
        env.store.on_change(self._observe)

    def _quiet(self, receiver: str) -> bool:
        return bool(self._board.silent & {receiver, "all"})

    def _page(self, receiver: str) -> Page:
        return Page(self._shared[receiver], self._env.timeline.now())

    def _scrape_cluster(self) -> None:
        if not self._quiet("k8s_cluster"):
            page = self._page(documents.CLUSTER)
            cluster.report(self._env.store, self._resources, page, self._start)
            self._sink(stream_of(documents.CLUSTER), page.documents)

    def _scrape_kubelets(self) -> None:
        if not self._quiet("kubelet_stats"):
            page = self._page(documents.KUBELET)
            self._usage.report(page)
            self._sink(stream_of(documents.KUBELET), page.documents)

    def _export_spans(self) -> None:
        if not self._quiet("traces"):
            self._sink(spans.STREAM, self._spans.report())

    def _observe(self, type_: str, gvr: str, obj: KubeObject) -> None:
        if gvr == EVENTS and type_ != "DELETED" and not self._quiet("k8s_events"):
            page = self._page(documents.EVENTS)
            happenings.report(obj, self._resources, page, self._env.timeline)
            self._sink(stream_of(documents.EVENTS), page.documents)

    def _forget(self) -> None:
        for shared in self._shared.values():
            shared.forget()
        self._resources.forget({pod["metadata"]["uid"] for pod in self._env.store.scan(PODS)})
