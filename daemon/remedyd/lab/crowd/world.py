"""A lab of another kind: as many nodes and pods as asked for, at rest, up within seconds.

The API server and the Elasticsearch endpoint are those of the ordinary lab, and writes are stored;
but no controller runs, so that nothing follows from them. For measuring, not for stories.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Self

from remedyd.lab.apiserver.messages import Request, Response
from remedyd.lab.apiserver.server import LabApiServer
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.lab.apiserver.wire import Wire, encode
from remedyd.lab.crowd.objects import CrowdShelves
from remedyd.lab.crowd.shape import Crowd
from remedyd.lab.crowd.telemetry import INTERVAL, STREAMS, Telemetry
from remedyd.lab.elasticsearch.endpoint import Endpoint
from remedyd.lab.elasticsearch.server import ElasticsearchServer
from remedyd.lab.elasticsearch.streams import DataStreams
from remedyd.lab.running import Running
from remedyd.lab.world import STACK, write_kubeconfig
from remedyd.model.clock import Clock, ManualClock, SystemClock
from remedyd.model.values import KubeObject

_RETENTION = timedelta(hours=1)
_AGE = 1_000_000
"""The resourceVersion at the start: later than that of any mould."""


class Fleeting(Wire):
    """Encodes each time: the memory of a wire would hold the whole crowd."""

    def item(self, gvr: str, obj: KubeObject) -> bytes:
        """Return the object as a list item."""
        return encode({k: v for k, v in obj.items() if k not in ("kind", "apiVersion")})


class Weighed(LabApiServer):
    """Notes how large each answer was: `sizes` goes with `requests`."""

    sizes: list[int]

    def answer(self, request: Request) -> Response:
        """Answer a request, and weigh the answer."""
        response = super().answer(request)
        self.sizes.append(0 if response.stream is not None else len(response.payload()))
        return response


class CrowdLab(Running):
    """Usable between `start` and `stop`, or as a context manager."""

    def __init__(
        self,
        crowds: Sequence[Crowd] = (Crowd(),),
        *,
        history: timedelta = timedelta(minutes=16),
        clock: Clock | None = None,
    ) -> None:
        """Take the clusters that send telemetry; the first one has an API server.

        `history` of telemetry lies before the start; afterwards each minute brings more, of the
        machine's clock or of one that `advance` moves.
        """
        self.clock = clock or SystemClock()
        self._crowds = crowds
        self._history = history
        self._directory = TemporaryDirectory(prefix="remedyd-crowd-")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._live, name="crowd-telemetry", daemon=True)
        self._due = self.clock.now().replace(second=0, microsecond=0) - history
        ids = Random("crowd")
        store = ObjectStore(self.clock, ids, CrowdShelves(crowds[0], self._due))
        store.advance(_AGE)
        self.apiserver = Weighed(store, ids=ids)
        self.apiserver.sizes = []
        self.apiserver.backend.wire = Fleeting()
        self._streams = DataStreams(self.clock, STACK, _RETENTION)
        self.elasticsearch = ElasticsearchServer(Endpoint(self._streams, ids))
        self._telemetry = [
            Telemetry(crowd, Path(self._directory.name), f"{number}-")
            for number, crowd in enumerate(crowds)
        ]

    def start(self) -> Self:
        """Write the history, open the ports, let telemetry come."""
        self.scrape(self.clock.now())
        for stream, name in STREAMS.items():
            pattern = str(Path(self._directory.name) / f"{stream}-*.parquet")
            self._streams.attach(name, pattern)
        self.apiserver.start()
        self.elasticsearch.start()
        if not isinstance(self.clock, ManualClock):
            self._thread.start()
        return self

    def stop(self) -> None:
        """Close the ports and delete the telemetry."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self.apiserver.stop()
        self.elasticsearch.stop()
        self._streams.close()
        for one in self._telemetry:
            one.close()
        self._directory.cleanup()

    def advance(self, span: timedelta) -> datetime:
        """Let `span` pass on the lab's own clock, and return the new time."""
        assert isinstance(self.clock, ManualClock)
        now = self.clock.advance(span)
        self.scrape(now)
        return now

    def scrape(self, until: datetime) -> None:
        """Write all scrapes that are due by then."""
        while self._due <= until:
            for one in self._telemetry:
                one.scrape(self._due)
            self._due += INTERVAL

    def _live(self) -> None:
        while not self._stopped.wait(1.0):
            self.scrape(self.clock.now())

    def daemon_settings(self, directory: Path) -> dict[str, str]:
        """Return what a daemon must be told (without `REMEDYD_`) to work on this lab.

        Writes a kubeconfig into `directory`.
        """
        return {
            "CLUSTER_NAME": self._crowds[0].cluster,
            "ELASTICSEARCH__URL": self.elasticsearch.url,
            "KUBERNETES__KUBECONFIG": str(write_kubeconfig(directory, self.apiserver)),
        }
