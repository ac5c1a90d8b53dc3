"""Watches that follow live changes, and pages that stay consistent."""

import json
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from remedyd.lab.apiserver.server import LabApiServer
from support.apiserver import DEPLOYMENTS, MERGE, STRATEGIC, deployment, running

PATH = f"{DEPLOYMENTS}/web"


def opened(server: LabApiServer, query: str) -> tuple[HTTPConnection, HTTPResponse]:
    """Open a watch and return the connection with its answer."""
    connection = HTTPConnection(server.address, timeout=10)
    connection.request("GET", f"{DEPLOYMENTS}?watch=true&{query}")
    return connection, connection.getresponse()


def read(response: HTTPResponse) -> dict[str, Any]:
    """Return the next event of a watch."""
    event: dict[str, Any] = json.loads(response.readline())
    return event


def test_watch_follows_live_changes() -> None:
    """An open watch gets a change as soon as it is made."""
    with running() as (server, client):
        connection, response = opened(server, "timeoutSeconds=10")
        client("POST", DEPLOYMENTS, deployment())
        client("PATCH", PATH, {"spec": {"replicas": 5}}, type_=STRATEGIC)
        first, second = read(response), read(response)
        connection.close()
        assert [first["type"], second["type"]] == ["ADDED", "MODIFIED"]
        assert second["object"]["spec"]["replicas"] == 5


def test_watch_can_ask_for_bookmarks() -> None:
    """With allowWatchBookmarks the stream tells the current version from time to time."""
    with running() as (server, client):
        server.backend.bookmark_seconds = 0.05
        client("POST", DEPLOYMENTS, deployment("other"))
        query = "timeoutSeconds=10&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dweb"
        connection, response = opened(server, query)
        event = read(response)
        connection.close()
        assert event["type"] == "BOOKMARK"
        assert event["object"]["metadata"] == {"resourceVersion": str(server.store.version)}


def test_stopping_ends_open_watches() -> None:
    """A server that stops does not wait for its watchers."""
    with running() as (server, _):
        connection, response = opened(server, "timeoutSeconds=600")

        def drain() -> None:
            with suppress(HTTPException):
                response.read()

        reader = threading.Thread(target=drain, daemon=True)
        reader.start()
    reader.join(timeout=5)
    connection.close()
    assert not reader.is_alive()


def test_pages_show_the_state_of_the_first() -> None:
    """Later pages of a list are as of the first page's version, whatever has changed since."""
    with running() as (_, client):
        for name in ("a", "b", "c"):
            client("POST", DEPLOYMENTS, deployment(name))
        first = client("GET", DEPLOYMENTS, limit="1").body
        client("DELETE", f"{DEPLOYMENTS}/b")
        client("POST", DEPLOYMENTS, deployment("bb"))
        patch = {"spec": {"replicas": 9}}
        client("PATCH", f"{DEPLOYMENTS}/c", patch, type_=MERGE)
        token = first["metadata"]["continue"]
        rest = client("GET", DEPLOYMENTS, limit="10", **{"continue": token}).body
        seen = [(each["metadata"]["name"], each["spec"]["replicas"]) for each in rest["items"]]
        assert seen == [("b", 2), ("c", 2)]


def test_table_watch_sends_rows() -> None:
    """`kubectl get --watch` gets one-row tables, the columns with the first only."""
    with running() as (server, client):
        client("POST", DEPLOYMENTS, deployment())
        connection = HTTPConnection(server.address, timeout=10)
        accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
        connection.request("GET", f"{DEPLOYMENTS}?watch=1&timeoutSeconds=10", headers=accept)
        response = connection.getresponse()
        first = read(response)["object"]
        client("PATCH", PATH, {"spec": {"replicas": 5}}, type_=STRATEGIC)
        second = read(response)["object"]
        connection.close()
        assert first["columnDefinitions"] and not second["columnDefinitions"]
        assert second["rows"][0]["cells"][:2] == ["web", "0/5"]


def test_pages_over_all_namespaces_lose_nothing() -> None:
    """A namespace whose name begins like another's is listed before it, as etcd has the keys."""
    with running() as (server, client):
        for namespace in ("a", "a-b"):
            for name in ("one", "two"):
                made = deployment(name)
                made["metadata"]["namespace"] = namespace
                server.store.restore("apps/v1/deployments", made)
        found, token = [], "first"
        while token:
            ask = {"limit": "1"} | ({"continue": token} if found else {})
            page = client("GET", "/apis/apps/v1/deployments", **ask).body
            found += [(o["metadata"]["namespace"], o["metadata"]["name"]) for o in page["items"]]
            token = page["metadata"].get("continue", "")
        assert found == [(space, name) for space in ("a-b", "a") for name in ("one", "two")]
