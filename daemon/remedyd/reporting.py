"""Wires the audit trail: who is told of what the store records, and the courier that carries it.

The trail's Elasticsearch may be another than the telemetry's, and its key should be: the reader's
key reads telemetry, the trail's can only add to one data stream.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from remedyd.cluster.ports import Api
from remedyd.cluster.telling import Teller
from remedyd.elastic.connection import Connection
from remedyd.elastic.renewal import renewing
from remedyd.elastic.sink import TrailSink
from remedyd.model import Clock, State
from remedyd.observability.metrics import Metrics
from remedyd.proposals.ecs import DATASET, Ecs
from remedyd.proposals.outbox import Channel
from remedyd.proposals.reports import FULL, Reports
from remedyd.proposals.store import Store
from remedyd.rotation import Follow
from remedyd.settings import ElasticsearchSettings, Settings
from remedyd.stages.report import Courier, Mail, NoteCourier, TrailCourier


class Reporting:
    """The parts of the audit trail for one daemon."""

    def __init__(self, settings: Settings, clock: Clock, metrics: Metrics) -> None:
        """Take the settings; nothing is opened yet."""
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        trail = settings.trail
        self._ecs = Ecs(settings.cluster_name, trail.namespace)
        channels = {
            Channel.ELASTICSEARCH: trail.elasticsearch,
            Channel.KUBERNETES: trail.kubernetes_events,
        }
        self.reports = Reports(
            self._ecs,
            [channel for channel, wanted in channels.items() if wanted],
            most=trail.most_waiting,
            omitted=lambda kind: metrics.outbox_omitted.labels(kind).inc(),
        )
        self._mail: Mail | None = None
        self._store: Store | None = None

    def open(
        self,
        store: Store,
        cluster: Api,
        leads: Callable[[], bool],
        failing: Callable[[], list[str]],
        opened: ExitStack,
        follow: Follow = lambda _: None,
    ) -> Mail:
        """Return what empties the outbox; `failing` names the audits without usable rows.

        `follow` looks after credentials that may be rotated.
        """
        trail, couriers = self._settings.trail, list[Courier]()
        store.outbox.reconsider()
        if trail.elasticsearch:
            connect = partial(connection, self._settings)
            held = renewing("trail", connect)
            follow(held)
            sink = TrailSink(connect(), f"logs-{DATASET}-{trail.namespace}", held)
            opened.callback(sink.close)
            beat = self._heartbeat(store, failing)
            trailing = TrailCourier(
                store.outbox, sink, self._clock, self._metrics, beat, leads=leads
            )
            couriers.append(trailing)
        if trail.kubernetes_events:
            teller = Teller(cluster, dry_run=self._settings.dry_run)
            noting = NoteCourier(store.outbox, teller, self._clock, self._metrics, leads=leads)
            couriers.append(noting)
        self._store = store
        self._mail = Mail(store.outbox, couriers, self._metrics, leads)
        return self._mail

    def notices(self) -> list[str]:
        """Return what an operator should know of the trail."""
        return [] if self._mail is None else self._mail.notices()

    def reasons(self) -> list[str]:
        """Return why no new change may begin, as far as the trail is concerned."""
        if self._store is None or not self._settings.trail.elasticsearch:
            return []
        waiting = self._store.outbox.backlog(Channel.ELASTICSEARCH).waiting
        if not self.reports.full(waiting):
            return []
        return [f"audit trail: {waiting} events wait for Elasticsearch, nothing may begin ({FULL})"]

    def _heartbeat(
        self, store: Store, failing: Callable[[], list[str]]
    ) -> Callable[[], tuple[str, Mapping[str, Any]]]:
        def beat() -> tuple[str, Mapping[str, Any]]:
            now = self._clock.now()
            waiting = store.in_states(frozenset({State.PROPOSED}))
            backlog = store.outbox.backlog(Channel.ELASTICSEARCH)
            oldest = min((one.created_at for one in waiting), default=now)
            facts = {
                "proposals_waiting": len(waiting),
                "oldest_waiting_seconds": int((now - oldest).total_seconds()),
                "events_set_aside": backlog.set_aside,
                "audits_failing": failing(),
                "paused": store.flags.paused() is not None,
            }
            document = self._ecs.heartbeat(now, facts)
            return document["event"]["id"], document

        return beat


def connection(settings: Settings) -> Connection:
    """Return how the trail is reached: as the telemetry is, but for what it has of its own."""
    trail = settings.trail
    own = bool(trail.api_key or trail.api_key_file)
    # the telemetry's credentials are not for another host
    shared = _nobody(settings.elasticsearch) if own or trail.url else settings.elasticsearch
    base = Connection.of(shared)
    if trail.url:
        base = replace(base, url=trail.url)
    if own:
        file = None if trail.api_key else trail.api_key_file
        files = (*base.sources, file) if file else base.sources
        base = replace(base, api_key=trail.api_key_value(), sources=files)
    return base


def _nobody(settings: ElasticsearchSettings) -> ElasticsearchSettings:
    """Return the same Elasticsearch without credentials."""
    none = {"api_key": None, "api_key_file": None, "password": None, "password_file": None}
    return settings.model_copy(update={"username": "", **none})
