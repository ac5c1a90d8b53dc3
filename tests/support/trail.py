"""An Elasticsearch that takes documents: it can be down, lose answers, and refuse by mapping."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from remedyd.elastic.connection import Connection
from remedyd.elastic.sink import TrailSink
from remedyd.model import ManualClock
from remedyd.observability.metrics import Metrics
from remedyd.proposals.ecs import Ecs
from remedyd.proposals.outbox import Channel
from remedyd.proposals.reports import Reports
from remedyd.proposals.store import Store
from remedyd.stages.report import Mail, TrailCourier
from support.wire import listening

STREAM = "logs-k8s.remediation-default"


class Receiver:
    """Stores what is created, by id; `fate` decides what becomes of the next request.

    A fate is `take`, `lose` (stored, but the answer is lost) or a status that refuses it whole.
    """

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.requests: list[list[str]] = []
        self.fate: Callable[[], str | int] = lambda: "take"
        self.item_status: Callable[[dict[str, Any]], int] = lambda document: 201
        self.url = ""

    def bulk(self, lines: list[dict[str, Any]]) -> tuple[int, Any]:
        pairs = list(zip(lines[::2], lines[1::2], strict=True))
        self.requests.append([action["create"]["_id"] for action, _ in pairs])
        fate = self.fate()
        if isinstance(fate, int):
            return fate, {"error": {"type": "trouble", "reason": "as told"}, "status": fate}
        items = [self._item(action["create"]["_id"], document) for action, document in pairs]
        if fate == "lose":
            return 0, None
        return 200, {"took": 1, "errors": any(i["status"] > 299 for i in items), "items": [
            {"create": item} for item in items
        ]}  # fmt: skip

    def _item(self, key: str, document: dict[str, Any]) -> dict[str, Any]:
        status = self.item_status(document)
        if status == 201 and key in self.documents:
            status = 409
        if status == 201:
            self.documents[key] = document
            return {"_index": STREAM, "_id": key, "status": 201, "result": "created"}
        kind = "version_conflict_engine_exception" if status == 409 else "as_told_exception"
        return {"_id": key, "status": status, "error": {"type": kind, "reason": "as told"}}


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run one on loopback."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet for an answer: two would wait for each other

        def do_PUT(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            assert self.path.split("?")[0] == f"/{STREAM}/_bulk", self.path
            status, body = made.bulk([json.loads(line) for line in raw.splitlines() if line])
            if not status:
                self.close_connection = True
                return
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=9")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    with listening(Handler) as made.url:
        yield made


def until(found: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Return what `found` finds, looking again until it does."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.1)):
        if result := found():
            return result
        pause.wait(0.1)
    raise AssertionError(f"not within {seconds} s")


class Post:
    """A store that reports, and the mail that carries its letters to a receiver."""

    def __init__(
        self,
        url: str,
        clock: ManualClock,
        elasticsearch: str,
        *,
        most: int = 50_000,
        channels: tuple[Channel, ...] = (Channel.ELASTICSEARCH,),
        **connection: Any,
    ) -> None:
        self.metrics = Metrics()
        self.clock = clock
        self.seconds = 0.0
        self.reports = Reports(
            Ecs("prod"),
            channels,
            most=most,
            omitted=lambda kind: self.metrics.outbox_omitted.labels(kind).inc(),
        )
        self.store = Store(url, clock, reports=self.reports)
        self.sink = TrailSink(Connection(elasticsearch, timeout=5.0, **connection), STREAM)
        self.couriers = [TrailCourier(self.store.outbox, self.sink, clock, self.metrics)]
        self.leads = True
        self.mail = Mail(
            self.store.outbox,
            self.couriers,
            self.metrics,
            lambda: self.leads,
            lambda: self.seconds,
        )

    def deliver(self) -> None:
        """Let any pause pass and deliver."""
        self.seconds += 61
        self.mail()

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def close(self) -> None:
        self.sink.close()
        self.store.close()
