"""The Kubernetes API as plain dicts over the official client's transport.

Its generated models are left alone: they are validated after a write has happened, drop fields
they do not know, and cost seconds on large lists. What is used is its configuration
(kubeconfig, in-cluster, token refresh, TLS) and connection pool. Nothing is retried below this
module: a library that repeats a PATCH on its own would undo every promise about single writes.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import stamina
import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, load_kube_config

from remedyd import __version__
from remedyd.cluster import failures
from remedyd.cluster.account import MOUNTED, Account, ServiceAccount
from remedyd.cluster.dates import Dates, date_of
from remedyd.cluster.kinds import Kind, kind_of
from remedyd.cluster.late import Late
from remedyd.cluster.ports import FIELD_MANAGER, STRATEGIC, Reader
from remedyd.cluster.slim import slim
from remedyd.deadlines import bounded
from remedyd.errors import ClusterRejected, ClusterUnavailable, ConfigurationError
from remedyd.model.clock import monotonic
from remedyd.model.values import KubeObject
from remedyd.rotation import Rotating

_CHUNK = 1 << 16
_LARGEST = 64 << 20
"""Bytes of one answer; a page of the largest objects has a tenth of it."""
_PAGE = 500
_SIZES = {"Node": 100, "Pod": 200}
"""These are large, and parsing a page keeps every other thread waiting."""
_ROWS = 1000
_JSON = "application/json"
_TABLE = f"{_JSON};as=Table;v=v1;g=meta.k8s.io,{_JSON}"
_EXPIRED = 410
_PATIENCE_SECONDS = 5.0
__all__ = ["FIELD_MANAGER", "Cluster", "Reader"]

_BAD_CONFIG = (ConfigException, OSError, ValueError, TypeError, KeyError, yaml.YAMLError)
Took = Callable[[str, float], object]
_NEVER_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


class Cluster:
    """A connection to one cluster's API; thread-safe.

    Every method raises NotFound, ClusterRejected or ClusterUnavailable; one that stores
    something raises OutcomeUnknown when it may have landed.
    """

    def __init__(
        self,
        api: ApiClient,
        *,
        timeout_seconds: float = 30.0,
        took: Took = lambda *_: None,
        dates: Dates | None = None,
    ) -> None:
        """Take a configured client; `timeout_seconds` bounds a whole request, body included.

        `dates` hears the headers of every answer.
        """
        self._api = api
        self._took = took
        self._timeout = timeout_seconds
        self._dates = dates
        self._remaining: Callable[[], float] | None = None
        self.account: Rotating[Account] | None = None
        """The pod's ServiceAccount, if that is who we are."""
        self._api.user_agent = f"remedyd/{__version__}"

    @classmethod
    def connect(
        cls,
        *,
        kubeconfig: Path | None = None,
        context: str = "",
        timeout_seconds: float = 30.0,
        took: Took = lambda *_: None,
        dates: Dates | None = None,
        mounted: Path = MOUNTED,
    ) -> "Cluster":
        """Connect by kubeconfig, or by the pod's ServiceAccount when none is given.

        Without a kubeconfig and outside a cluster the user's default kubeconfig is taken.
        `took` hears of each request, in its thread: the method, and the seconds until its answer.
        Raises ConfigurationError; does not speak to the server yet.
        """
        configuration, account = _configured(kubeconfig, context, mounted)
        configuration.retries = False
        # said once: else each request of a kubeconfig would search the environment for a proxy
        configuration.proxy = configuration.proxy
        client = ApiClient(configuration)
        _bound(client.rest_client.pool_manager)
        made = cls(client, timeout_seconds=timeout_seconds, took=took, dates=dates)
        if account is not None:
            account.follow(client)
            made.account = account.held
        return made

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return str(self._api.configuration.host)

    def while_(self, remaining: Callable[[], float]) -> "Cluster":
        """Return the same connection, whose writes land within `remaining()` seconds or never.

        `remaining` raises Refused to stop a write. It is asked before the request begins, for
        the time that the API server is told to give it, and again with the request half sent. A
        process that is stopped after that finds its request given up by the server when it wakes.
        """
        made = self._patient(self._timeout)
        made._remaining = remaining
        return made

    def hurried(self, seconds: float) -> "Cluster":
        """Return the same connection, that waits no longer than this for a whole request."""
        return self._patient(min(seconds, self._timeout))

    def _patient(self, seconds: float) -> "Cluster":
        return Cluster(self._api, timeout_seconds=seconds, took=self._took, dates=self._dates)

    def close(self) -> None:
        """Drop the pooled connections."""
        self._api.close()  # type: ignore[no-untyped-call]

    def version(self) -> str:
        """Return the server's version, such as `v1.36.2`."""
        return str(self._read("read the version", "/version", {}).get("gitVersion", ""))

    def time(self) -> datetime | None:
        """Return the server's time by its Date header, to the second; None if it tells none."""
        what = "read the time"
        _, headers, _ = self._send(what, "GET", "/version", {}, None, "", writes=False)
        return date_of(headers)

    def get(self, kind: str, namespace: str, name: str) -> KubeObject:
        """Return one object; raise NotFound."""
        path = kind_of(kind).path(namespace, name)
        return self._read(f"read {_label(kind, namespace, name)}", path, {})

    def list(
        self, kind: str, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> list[KubeObject]:
        """Return all objects of a kind that match the selectors, page by page.

        `namespace` empty: the whole cluster. Items carry `kind` and `apiVersion`, unlike the
        API server's. A list whose pages expire in between is read once more from the start.
        """
        found = kind_of(kind)
        try:
            items = list(self._pages(found, namespace, labels, fields))
        except ClusterRejected as error:
            if error.status != _EXPIRED:
                raise
            items = list(self._pages(found, namespace, labels, fields))
        return [{"apiVersion": found.api_version, "kind": kind, **item} for item in items]

    def count(self, kind: str, namespace: str = "") -> int:
        """Return how many objects there are, by one of them and what the server says remains."""
        found = kind_of(kind)
        what = f"count {found.plural}" + (f" in {namespace}" if namespace else "")
        page = self._read(what, found.path(namespace), {"limit": "1"})
        meta = page.get("metadata") or {}
        if meta.get("continue") and meta.get("remainingItemCount") is None:
            return len(self.list(kind, namespace))
        return len(page.get("items") or ()) + int(meta.get("remainingItemCount") or 0)

    def each(self, kind: str, namespace: str = "", *, labels: str = "") -> Iterator[KubeObject]:
        """Yield the objects of a kind as their pages arrive; after an expired page, some twice."""
        found = kind_of(kind)
        try:
            yield from self._pages(found, namespace, labels, "")
        except ClusterRejected as error:
            if error.status != _EXPIRED:
                raise
            yield from self._pages(found, namespace, labels, "")

    def printed(self, kind: str, *columns: str) -> Sequence[tuple[str, ...]] | None:
        """Return columns of the server's own table of a kind, row by row; None without such one.

        A row of a node is some 200 bytes, the node itself ten kilobytes and more.
        """
        found = kind_of(kind)
        rows: list[tuple[str, ...]] = []
        query = {"limit": str(_ROWS), "includeObject": "None"}
        for page in self._sheets(f"list {found.plural}", found.path(), query, _TABLE):
            heads = [column.get("name") for column in page.get("columnDefinitions") or ()]
            if page.get("kind") != "Table" or not set(columns) <= set(heads):
                return None
            places = [heads.index(column) for column in columns]
            rows += [tuple(str(row["cells"][n]) for n in places) for row in page.get("rows") or ()]
        return rows

    def _pages(self, kind: Kind, namespace: str, labels: str, fields: str) -> Iterator[KubeObject]:
        size = _SIZES.get(kind.name, _PAGE)
        query = {"limit": str(size), "labelSelector": labels, "fieldSelector": fields}
        what = f"list {kind.plural}" + (f" in {namespace}" if namespace else "")
        for page in self._sheets(what, kind.path(namespace), query):
            yield from (slim(kind.name, item) for item in page.get("items") or ())

    def _sheets(
        self, what: str, path: str, query: dict[str, str], accept: str = _JSON
    ) -> Iterator[KubeObject]:
        """Yield the pages of a list as the server sends them."""
        while True:
            page = self._read(what, path, query, accept)
            yield page
            query["continue"] = (page.get("metadata") or {}).get("continue") or ""
            if not query["continue"]:
                return

    def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        body: object,
        *,
        content_type: str = STRATEGIC,
        subresource: str = "",
        dry_run: bool = False,
    ) -> KubeObject:
        """Patch an object and return it as stored (`dry_run`: as it would be)."""
        path = kind_of(kind).path(namespace, name, subresource)
        what = f"patch {_label(kind, namespace, name)}"
        query = {"fieldManager": FIELD_MANAGER, "dryRun": "All" if dry_run else ""}
        return self._call(what, "PATCH", path, query, body, content_type, writes=not dry_run)

    def create(
        self,
        kind: str,
        namespace: str,
        body: KubeObject,
        *,
        name: str = "",
        subresource: str = "",
        dry_run: bool = False,
    ) -> KubeObject:
        """Create an object, or post to a subresource of `name` (an eviction); return the answer."""
        path = kind_of(kind).path(namespace, name, subresource)
        label = name or body.get("metadata", {}).get("name", "")
        query = {"fieldManager": FIELD_MANAGER, "dryRun": "All" if dry_run else ""}
        what = f"create {subresource or kind} {label}".rstrip()
        return self._call(what, "POST", path, query, body, writes=not dry_run)

    def replace(self, kind: str, namespace: str, name: str, body: KubeObject) -> KubeObject:
        """Replace an object; the resourceVersion in `body` is the precondition."""
        path = kind_of(kind).path(namespace, name)
        query = {"fieldManager": FIELD_MANAGER}
        what = f"replace {_label(kind, namespace, name)}"
        return self._call(what, "PUT", path, query, body, writes=True)

    def ask(self, kind: str, body: KubeObject) -> KubeObject:
        """Post a review, which stores nothing, and return the answer with its status."""
        path = kind_of(kind).path()
        return self._call(f"ask by {kind}", "POST", path, {}, body, writes=False)

    def _read(
        self, what: str, path: str, query: Mapping[str, str], accept: str = _JSON
    ) -> KubeObject:
        def once() -> KubeObject:
            return self._call(what, "GET", path, query, writes=False, accept=accept)

        return _patiently(once)

    def _call(
        self,
        what: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: object = None,
        content_type: str = _JSON,
        *,
        writes: bool,
        accept: str = _JSON,
    ) -> KubeObject:
        status, headers, answer = self._send(
            what, method, path, query, body, content_type, writes, accept
        )
        if not 200 <= status < 300:
            raise failures.failure(what, status, answer, headers, writes=writes)
        try:
            parsed = json.loads(answer)
        except ValueError as error:
            raise failures.silence(what, error, writes=writes, sent=True) from error
        if not isinstance(parsed, dict):
            raise failures.failure(what, 502, b"the answer is no object", {}, writes=writes)
        return parsed

    def _send(
        self,
        what: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: object,
        content_type: str,
        writes: bool,
        accept: str = _JSON,
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        guard = self._remaining if writes else None
        if guard is not None:
            query = {**query, "timeout": f"{max(1, int(guard() * 1000))}ms"}
        begun = monotonic()
        try:
            request = self._api.param_serialize(
                method=method,
                resource_path=path,
                query_params=[(key, value) for key, value in query.items() if value],
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            limits = (min(5.0, self._timeout), self._timeout)
            begun = monotonic()  # what came before is our own time
            if guard is not None:
                response = self._in_two(request, Late(guard, body), limits)
            else:
                response = self._api.call_api(*request, _request_timeout=limits).response
            if self._dates is not None:
                self._dates.heard(response.headers)
            return response.status, response.headers, _body(response, begun + self._timeout)
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            sent = not isinstance(error, _NEVER_SENT)
            raise failures.silence(what, error, writes=writes, sent=sent) from error
        finally:
            self._took(method, monotonic() - begun)

    def _in_two(self, request: Any, body: Late, limits: tuple[float, float]) -> Any:
        """Send the head of a request, and its body only after another look."""
        method, url, headers, *_ = request
        return self._api.rest_client.pool_manager.request(
            method,
            url,
            body=body,
            headers={**headers, "Content-Length": str(len(body.content))},
            timeout=urllib3.Timeout(connect=limits[0], read=limits[1]),
            preload_content=False,
        )


def _configured(
    kubeconfig: Path | None, context: str, mounted: Path
) -> tuple[Configuration, ServiceAccount | None]:
    """Return how the API server is reached, and who we are in a pod."""
    configuration = Configuration()
    inside = kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ
    try:
        if inside:
            return configuration, ServiceAccount(configuration, mounted)
        load_kube_config(  # type: ignore[no-untyped-call]
            config_file=str(kubeconfig) if kubeconfig else None,
            context=context or None,
            client_configuration=configuration,
            persist_config=False,
        )
    except (*_BAD_CONFIG, ConfigurationError) as error:
        where = "the pod's ServiceAccount" if inside else kubeconfig or "the default kubeconfig"
        raise ConfigurationError(
            f"no Kubernetes configuration from {where}: {error}",
            hint="set REMEDYD_KUBERNETES__KUBECONFIG, or run inside a cluster",
        ) from error
    return configuration, None


def _bound(manager: Any) -> None:
    """Let the time limit of a request hold for the whole head of its answer, too."""
    manager.pool_classes_by_scheme = {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": bounded(pool.ConnectionCls)})
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _body(response: Any, deadline: float) -> bytes:
    """Read the whole body before `deadline`: a dripping one would never hit a socket timeout."""
    parts, size = [], 0
    try:
        while part := response.read1(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > _LARGEST:
                raise ConnectionError(f"the answer is larger than {_LARGEST} bytes")
            if monotonic() > deadline:
                raise TimeoutError("the answer came too slowly")
    except BaseException:
        response.close()
        raise
    response.release_conn()
    length = response.headers.get("Content-Length")
    if length is not None and length.isdigit() and size < int(length):
        raise ConnectionError(f"the answer ended after {size} of {length} bytes")
    return b"".join(parts)


def _patiently(once: Callable[[], KubeObject]) -> KubeObject:
    """Run a read again when the server did not answer, for a few seconds at most."""
    begun = monotonic()
    try:
        return once()  # nearly always; setting up for another attempt costs a tenth of a read
    except ClusterUnavailable as error:
        left = _PATIENCE_SECONDS - (monotonic() - begun)
        if left <= 0:
            raise
        failed: ClusterUnavailable | None = error
    attempts = stamina.retry_context(
        on=_worth_another, attempts=3, timeout=left, wait_initial=0.1, wait_max=1.0
    )
    for attempt in attempts:
        with attempt:
            if failed is not None:  # the first attempt was made above
                first, failed = failed, None
                raise first
            return once()
    raise AssertionError("unreachable: the last attempt raises")


def _worth_another(error: Exception) -> bool:
    return isinstance(error, ClusterUnavailable) and error.retry_after <= 1.0


def _label(kind: str, namespace: str, name: str) -> str:
    return "/".join(part for part in (kind, namespace, name) if part)
