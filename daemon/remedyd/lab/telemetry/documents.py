"""The shape all documents share: one resource, one scope, one time, one unit.

Documents of one scrape share their inner objects; whoever stores them must not change them.
"""

from collections.abc import Mapping
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


class Page:
    """Collects the documents of one scrape of one receiver."""

    def __init__(self, receiver: str, at: datetime) -> None:
        """Take which receiver scraped, and when."""
        self.documents: list[Document] = []
        self._at = milliseconds(at)
        kind = "logs" if receiver == EVENTS else "metrics"
        self._stream = {"type": kind, "dataset": f"{receiver}.otel", "namespace": "default"}
        self._scope = {"name": f"{_RECEIVERS}/{receiver}", "version": _VERSION}
        self._wrapped: dict[int, tuple[Attributes, dict[str, Attributes]]] = {}

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
        if not metrics:
            return
        document: Document = {"@timestamp": self._at}
        if start:
            document["start_timestamp"] = start
        document["data_stream"] = self._stream
        if unit:
            document["unit"] = unit
        document["metrics"] = metrics
        document["attributes"] = attributes
        document["scope"] = self._scope
        document["resource"] = self._resource(resource)
        self.documents.append(document)

    def _resource(self, attributes: Attributes) -> dict[str, Attributes]:
        known = self._wrapped.get(id(attributes))
        if known is None:
            known = self._wrapped[id(attributes)] = (attributes, {"attributes": attributes})
        return known[1]

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
                "data_stream": self._stream,
                "severity_number": 13 if warning else 9,
                "severity_text": "Warning" if warning else "Normal",
                "body": {"text": text},
                "attributes": attributes,
                "scope": self._scope,
                "resource": {"attributes": resource},
            }
        )
