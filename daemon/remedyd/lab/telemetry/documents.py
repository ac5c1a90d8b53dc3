"""The shape all documents share: one resource, one scope, one time, one unit.

Documents share their inner objects, within a scrape and with later ones: whoever stores them must
not change them, and need read each of them only once.
"""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any

Document = dict[str, Any]
Attributes = Mapping[str, Any]

CLUSTER = "k8sclusterreceiver"
KUBELET = "kubeletstatsreceiver"
EVENTS = "k8seventsreceiver"

_RECEIVERS = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver"
_VERSION = "0.156.0"
_NOTHING: Attributes = {}


def stream_of(receiver: str) -> str:
    """Return the data stream that a receiver's documents go to."""
    kind = "logs" if receiver == EVENTS else "metrics"
    return f"{kind}-{receiver}.otel-default"


def milliseconds(moment: datetime) -> str:
    """Format a document's time."""
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.{moment.microsecond // 1000:03d}Z"


def nanoseconds(moment: datetime) -> str:
    """Format a start time."""
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z"


class Shared:
    """What the documents of one receiver have in common, kept from scrape to scrape."""

    def __init__(self, receiver: str, metrics: Container[str] | None = None) -> None:
        """Take which receiver scrapes, and which metrics are let through (None: all)."""
        self.metrics = metrics
        kind = "logs" if receiver == EVENTS else "metrics"
        self.stream = {"type": kind, "dataset": f"{receiver}.otel", "namespace": "default"}
        self.scope = {"name": f"{_RECEIVERS}/{receiver}", "version": _VERSION}
        self._wrapped: dict[int, tuple[Attributes, dict[str, Attributes]]] = {}

    def resource(self, attributes: Attributes) -> dict[str, Attributes]:
        """Return the resource with these attributes: for the same object, the same one."""
        known = self._wrapped.get(id(attributes))
        if known is None:
            known = self._wrapped[id(attributes)] = (attributes, {"attributes": attributes})
        return known[1]

    def forget(self) -> None:
        """Begin anew: much of what was seen is gone."""
        self._wrapped.clear()


class Page:
    """Collects the documents of one scrape of one receiver."""

    def __init__(self, shared: Shared, at: datetime) -> None:
        """Take what the receiver's documents have in common, and when it scraped."""
        self.documents: list[Document] = []
        self._at = milliseconds(at)
        self._shared = shared

    def add(
        self,
        resource: Attributes,
        metrics: Mapping[str, int | float],
        *,
        unit: str = "",
        start: str = "",
        attributes: Attributes = _NOTHING,
    ) -> None:
        """Add one document; nothing is added when there is no metric."""
        kept = self._shared.metrics
        if kept is not None:
            metrics = {name: value for name, value in metrics.items() if name in kept}
        if not metrics:
            return
        document: Document = {"@timestamp": self._at}
        if start:
            document["start_timestamp"] = start
        document["data_stream"] = self._shared.stream
        if unit:
            document["unit"] = unit
        document["metrics"] = metrics
        document["attributes"] = attributes
        document["scope"] = self._shared.scope
        document["resource"] = self._shared.resource(resource)
        self.documents.append(document)

    def log(
        self,
        at: str,
        resource: Attributes,
        attributes: Attributes,
        text: str,
        *,
        warning: bool,
        observed: str,
    ) -> None:
        """Add one log document."""
        self.documents.append(
            {
                "@timestamp": at,
                "observed_timestamp": observed,
                "data_stream": self._shared.stream,
                "severity_number": 13 if warning else 9,
                "severity_text": "Warning" if warning else "Normal",
                "body": {"text": text},
                "attributes": attributes,
                "scope": self._shared.scope,
                "resource": {"attributes": resource},
            }
        )
