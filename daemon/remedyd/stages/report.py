"""Empties the outbox: the audit trail to Elasticsearch, notes to Kubernetes.

Run by the leader every few seconds. While a receiver does not answer, the pauses grow to a
minute and everything stays in the outbox; how much waits is a metric, a notice at `/readyz`, and
one line in the log when it begins and when it ends.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

from remedyd.cluster.telling import Teller, Told
from remedyd.elastic.sink import Delivery, TrailSink
from remedyd.errors import SinkError
from remedyd.model import Clock, monotonic
from remedyd.observability import logs
from remedyd.observability.metrics import Metrics
from remedyd.proposals.outbox import Channel, Letter, Outbox

log = logs.get(__name__)

_BATCH: Final = 250
_BATCHES: Final = 40
_NOTES: Final = 50
_LONGEST_PAUSE: Final = 60.0
_NEWS: Final = timedelta(hours=1)
"""How long Kubernetes keeps an Event, and so how long one is worth creating."""
_BEAT: Final = timedelta(minutes=5)


class Courier(Protocol):
    """Takes letters of one channel; returns "" or what is in the way."""

    channel: Channel

    def deliver(self) -> str:
        """Deliver what waits."""
        ...


class Mail:
    """Delivers both channels, each with pauses of its own; safe to share between threads."""

    def __init__(
        self,
        outbox: Outbox,
        couriers: Sequence[Courier],
        metrics: Metrics,
        leads: Callable[[], bool] = lambda: True,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """Take where letters wait and who carries them; `now` measures the pauses, in seconds."""
        self._outbox = outbox
        self._couriers = couriers
        self._metrics = metrics
        self._leads = leads
        self._now = now
        self._lock = threading.Lock()
        self._trouble: dict[Channel, str] = {}
        self._failures: dict[Channel, int] = {}
        self._not_before: dict[Channel, float] = {}

    def __call__(self) -> None:
        """Deliver what waits, unless another daemon leads or a pause is not over."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            for courier in self._couriers if self._leads() else ():
                if self._now() >= self._not_before.get(courier.channel, 0.0):
                    self._outcome(courier.channel, courier.deliver())
            self._count()
        finally:
            self._lock.release()

    def notices(self) -> list[str]:
        """Return what an operator should know, in sentences; nothing when all is well."""
        found = []
        for courier in self._couriers:
            channel = courier.channel
            backlog = self._outbox.backlog(channel)
            if trouble := self._trouble.get(channel):
                since = f" since {backlog.oldest:%Y-%m-%d %H:%M:%SZ}" if backlog.oldest else ""
                found.append(f"{_NAMES[channel]}: {backlog.waiting} wait{since}: {trouble}")
            if backlog.set_aside:
                found.append(
                    f"{_NAMES[channel]}: {backlog.set_aside} set aside, the last: {backlog.why}"
                )
        return found

    def _outcome(self, channel: Channel, trouble: str) -> None:
        before = self._trouble.get(channel, "")
        self._trouble[channel] = trouble
        if not trouble:
            if before:
                log.info(f"{_NAMES[channel]}: delivered again", channel=channel.value)
            self._failures[channel] = 0
            self._not_before[channel] = 0.0
            return
        failures = self._failures.get(channel, 0) + 1
        self._failures[channel] = failures
        self._not_before[channel] = self._now() + min(2.0**failures, _LONGEST_PAUSE)
        if trouble != before:
            log.warning(f"{_NAMES[channel]}: not delivered: {trouble}", channel=channel.value)

    def _count(self) -> None:
        for channel in {courier.channel for courier in self._couriers}:
            backlog = self._outbox.backlog(channel)
            labels = channel.value
            self._metrics.outbox_waiting.labels(labels).set(backlog.waiting)
            self._metrics.outbox_set_aside.labels(labels).set(backlog.set_aside)
            oldest = backlog.oldest.timestamp() if backlog.oldest else 0.0
            self._metrics.outbox_oldest.labels(labels).set(oldest)


_NAMES: Final[Mapping[Channel, str]] = {
    Channel.ELASTICSEARCH: "audit trail",
    Channel.KUBERNETES: "Kubernetes Events",
}


class TrailCourier:
    """Carries the audit trail to Elasticsearch, and now and then a sign of life."""

    channel = Channel.ELASTICSEARCH

    def __init__(
        self,
        outbox: Outbox,
        sink: TrailSink,
        clock: Clock,
        metrics: Metrics,
        heartbeat: Callable[[], tuple[str, Mapping[str, Any]]] | None = None,
        *,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take the outbox and the sink; `heartbeat` gives the sign of life as id and document.

        While `leads` says no, no further batch is sent.
        """
        self._leads = leads
        self._outbox = outbox
        self._sink = sink
        self._clock = clock
        self._sent = metrics.outbox_sent
        self._heartbeat = heartbeat
        self._beaten = clock.now() - _BEAT

    def deliver(self) -> str:
        """Send what waits, oldest first; return what is in the way."""
        for _ in range(_BATCHES):
            letters = self._outbox.due(self.channel, _BATCH)
            if not letters:
                break
            try:
                delivery = self._sink.create([(letter.id, letter.body) for letter in letters])
            except SinkError as error:
                return f"{error.message} ({error.hint})" if error.hint else error.message
            self._settle(letters, delivery)
            if delivery.trouble or not self._leads():
                return delivery.trouble
            if len(letters) < _BATCH:
                break
        return self._beat()

    def _settle(self, letters: Sequence[Letter], delivery: Delivery) -> None:
        arrived = {*delivery.created, *delivery.known}
        aside = {x.position: delivery.refused[x.id] for x in letters if x.id in delivery.refused}
        self._outbox.done(letter for letter in letters if letter.id in arrived)
        self._outbox.put_aside(aside, self._clock.now())
        for key, reason in delivery.refused.items():
            log.error(f"an event of the audit trail is set aside: {reason}", **{"event.id": key})
        for result, count in (
            ("created", len(delivery.created)),
            ("known", len(delivery.known)),
            ("set_aside", len(aside)),
        ):
            self._sent.labels(self.channel.value, result).inc(count)

    def _beat(self) -> str:
        """Say that we live; a sign that does not arrive is not kept: its absence is the news."""
        now = self._clock.now()
        if self._heartbeat is None or timedelta(0) <= now - self._beaten < _BEAT:
            return ""
        try:
            delivery = self._sink.create([self._heartbeat()])
        except SinkError as error:
            return error.message
        self._beaten = now
        return delivery.trouble or next(iter(delivery.refused.values()), "")


class NoteCourier:
    """Carries notes to Kubernetes; whatever the API server does not take is dropped and counted."""

    channel = Channel.KUBERNETES

    def __init__(
        self,
        outbox: Outbox,
        teller: Teller,
        clock: Clock,
        metrics: Metrics,
        *,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take the outbox and who creates Events, as long as `leads` says so."""
        self._leads = leads
        self._outbox = outbox
        self._teller = teller
        self._clock = clock
        self._sent = metrics.outbox_sent
        self._refused = ""

    def deliver(self) -> str:
        """Create what waits, oldest first; return what is in the way."""
        late = self._outbox.forget(self.channel, self._clock.now() - _NEWS)
        self._sent.labels(self.channel.value, "late").inc(late)
        done: list[Letter] = []
        trouble = ""
        for letter in self._outbox.due(self.channel, _NOTES):
            if not self._leads():
                break
            told, why = self._teller.tell(letter.id, letter.body, letter.at)
            if told is Told.LATER:
                trouble = why
                break
            kind = why.partition('"')[0]
            if told is Told.REFUSED and kind != self._refused:
                log.warning(f"a Kubernetes Event was refused: {why}")
                self._refused = kind
            done.append(letter)
            self._sent.labels(self.channel.value, told.name.lower()).inc()
        self._outbox.done(done)
        return trouble
