"""A simulated API server for tests, and plain HTTP against it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from random import Random
from typing import Any
from urllib.parse import urlencode

from remedyd.lab.apiserver.server import LabApiServer
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model import ManualClock

DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


def new_store() -> ObjectStore:
    """Return an empty store whose time stands still."""
    return ObjectStore(ManualClock(datetime(2026, 1, 5, 9, tzinfo=UTC)), Random(1))


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    """Return a small Deployment."""
    container = {
        "name": "app",
        "image": "registry.example.com/shop/web:1.0",
        "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    }
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    made = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template, **spec}
    meta = {"name": name, "namespace": "shop", "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": made}


def pod(name: str, *, node: str = "", ready: bool = True, **labels: str) -> dict[str, Any]:
    """Return a small Pod, scheduled when a node is given."""
    spec: dict[str, Any] = {"containers": [{"name": "app", "image": "x:1"}]}
    if node:
        spec["nodeName"] = node
    meta = {"name": name, "namespace": "shop", "labels": {"app": "web", **labels}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


@dataclass(frozen=True)
class Answer:
    """Status, headers and parsed body of an answer."""

    status: int
    headers: dict[str, str]
    body: Any


class Client:
    """A keep-alive connection to a server."""

    def __init__(self, server: LabApiServer, token: str = "") -> None:
        """Connect; `token` is sent as bearer."""
        self.server = server
        self._token = token
        self._connection = HTTPConnection(server.address, timeout=10)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        type_: str = "application/json",
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> Answer:
        """Send a request and read the whole answer."""
        sent = {"Content-Type": type_, "User-Agent": "tests/1", **(headers or {})}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        url = f"{path}?{urlencode(query)}" if query else path
        self._connection.request(method, url, raw, sent)
        response = self._connection.getresponse()
        text = response.read()
        kind = response.headers.get("Content-Type", "")
        if "json" not in kind:
            parsed: Any = text.decode()
        elif response.headers.get("Transfer-Encoding") == "chunked":
            parsed = [json.loads(line) for line in text.splitlines()]
        else:
            parsed = json.loads(text)
        return Answer(response.status, dict(response.headers), parsed)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def running(
    store: ObjectStore | None = None, **options: Any
) -> Iterator[tuple[LabApiServer, Client]]:
    """Serve a store that has the namespace `shop`; the simulation must not crash meanwhile."""
    held = store or new_store()
    if held.peek("v1/namespaces", None, "shop") is None:
        held.create("v1/namespaces", None, {"metadata": {"name": "shop"}}, manager="tests")
    with LabApiServer(held, **options) as server:
        client = Client(server)
        yield server, client
        client.close()
    assert server.crashes == []
