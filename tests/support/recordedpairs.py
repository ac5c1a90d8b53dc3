"""Replays recorded API requests against the simulated server, each from the recorded state.

A recorded step shows the answer, not the state before it. The state is rebuilt from what the
steps before showed, plus what controllers wrote in between (status, revision, their owned
fields), which is taken from the step's own answer. After each step the recorded answer is put in
place, so that one difference does not spoil the steps behind it.
"""

import gzip
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from remedyd.lab.apiserver import fieldsets, paths, resources, versions
from remedyd.lab.apiserver.access import ADMINISTRATOR, RoleBased, service_account
from remedyd.lab.apiserver.server import LabApiServer
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model import ManualClock

RECORDINGS = Path(__file__).parents[1] / "recordings" / "api"
ADMIN, READER, BAD = "admin", "reader", "bad"
_CONTROLLERS = ("kube-controller-manager", "kubelet", "kube-scheduler", "kube-apiserver")
_REVISION = "deployment.kubernetes.io/revision"
_HEADERS = ("Content-Type", "Warning", "Retry-After", "Cache-Control")
_WATCH_SECONDS = "1"


@dataclass
class Step:
    """One recorded request and answer."""

    file: str
    index: int
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    status: int
    answer_headers: dict[str, Any]
    answer: Any
    note: str

    @property
    def name(self) -> str:
        """`04-patch-strategic-merge#3`."""
        return f"{self.file}#{self.index}"

    @property
    def watches(self) -> bool:
        """Whether the answer is a stream."""
        path = paths.parse(self.path)
        if path is None:
            return False
        return path.watch or (self.query.get("watch") == "true" and not path.name)


def load(file: str) -> list[Step]:
    """Return the steps of one recording."""
    document = json.loads(gzip.decompress((RECORDINGS / f"{file}.json.gz").read_bytes()))
    return [
        Step(
            file,
            index,
            raw["request"]["method"],
            raw["request"]["path"],
            raw["request"]["query"],
            raw["request"]["headers"],
            raw["request"]["body"],
            raw["response"]["status"],
            raw["response"]["headers"],
            raw["response"]["body"],
            raw.get("note", ""),
        )
        for index, raw in enumerate(document["steps"])
    ]


def files() -> list[str]:
    """Return the names of the recordings."""
    return sorted(path.name.removesuffix(".json.gz") for path in RECORDINGS.glob("*.json.gz"))


def moment(text: str) -> datetime:
    """Read a time as objects carry it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def is_object(body: Any) -> bool:
    """Say whether a body is one stored object."""
    return (
        isinstance(body, dict)
        and body.get("kind") not in ("Status", "Scale", "Table")
        and "items" not in body
        and bool(body.get("metadata", {}).get("uid"))
        and not str(body.get("kind", "")).startswith("Partial")
    )


def list_items(body: Any) -> list[dict[str, Any]]:
    """Return the items of a list answer as whole objects."""
    if not isinstance(body, dict) or not isinstance(body.get("items"), list):
        return []
    kind = str(body["kind"]).removesuffix("List")
    if kind.startswith(("Partial", "APIGroup")):
        return []
    return [{"kind": kind, "apiVersion": body["apiVersion"], **item} for item in body["items"]]


def template(name: str) -> dict[str, Any]:
    """Return the pod template that the recorder used."""
    container = {
        "name": "app",
        "image": "registry.example.com/demo/web:1.0.0",
        "env": [{"name": "LOG_LEVEL", "value": "info"}],
        "ports": [{"containerPort": 8080}],
        "resources": {
            "requests": {"cpu": "50m", "memory": "64Mi"},
            "limits": {"cpu": "200m", "memory": "128Mi"},
        },
    }
    spec = {"terminationGracePeriodSeconds": 2, "containers": [container]}
    return {"metadata": {"labels": {"app": name}}, "spec": spec}


def _times(body: dict[str, Any]) -> Iterator[str]:
    meta = body.get("metadata", {})
    for entry in meta.get("managedFields") or []:
        if entry["manager"] not in _CONTROLLERS and entry.get("time"):
            yield entry["time"]
    if meta.get("creationTimestamp"):
        yield meta["creationTimestamp"]


@dataclass
class World:
    """A server and what is known about the recorded cluster."""

    clock: ManualClock = field(
        default_factory=lambda: ManualClock(datetime(2026, 11, 22, 22, 0, tzinfo=UTC))
    )
    known: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    logs: dict[bool, str | None] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build store and server."""
        self.store = ObjectStore(self.clock, Random(7))
        account = {"namespace": "api-golden", "name": "reader"}
        account["uid"] = "c872aae3-e538-4a2a-80b4-07732e3cf355"
        extra = {"authentication.kubernetes.io/credential-id": [f"JTI={account['uid']}"]}
        self.server = LabApiServer(
            self.store,
            tokens={ADMIN: ADMINISTRATOR, READER: service_account(account, extra)},
            authorizer=RoleBased(self.store),
            logs=lambda pod, container, previous: self.logs.get(previous),
            metrics=lambda resource, namespace: self.metrics,
        )
        self.store._listeners.clear()  # what controllers do is in the recording
        for name in ("api-golden", "api-golden2", "api-quota", "api-limits", "api-life"):
            self.put({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}})
        self.put({"kind": "ServiceAccount", "apiVersion": "v1", "metadata": dict(account)})
        rule = {"verbs": ["get", "list", "watch"], "apiGroups": ["apps"]}
        rule["resources"] = ["deployments"]
        meta = {"name": "reader", "namespace": "api-golden"}
        rbac = "rbac.authorization.k8s.io/v1"
        self.put({"kind": "Role", "apiVersion": rbac, "metadata": dict(meta), "rules": [rule]})
        subject = {"kind": "ServiceAccount", **meta}
        binding = {"kind": "RoleBinding", "apiVersion": rbac, "metadata": dict(meta)}
        binding |= {"subjects": [subject], "roleRef": {"kind": "Role", "name": "reader"}}
        self.put(binding)

    def gvr(self, obj: dict[str, Any]) -> str:
        """Return under which name the store keeps an object."""
        found = resources.find_kind(obj["apiVersion"], obj["kind"])
        assert found is not None, obj["kind"]
        return found.stored_as

    def put(self, obj: dict[str, Any]) -> None:
        """Put a recorded object in, exactly."""
        found = resources.find_kind(obj["apiVersion"], obj["kind"])
        if found is None or found.group == "metrics.k8s.io":
            return
        if found.gvr == "autoscaling/v1/horizontalpodautoscalers":
            return
        new = deepcopy(obj)
        if found.gvr == "events.k8s.io/v1/events":
            new = versions.stored_from(found.gvr, new)
            new.setdefault("involvedObject", {})
        head = {"kind": found.kind, "apiVersion": found.group_version}
        if found.stored_as == "v1/events":
            head["apiVersion"] = "v1"
        body = {**head, **{k: v for k, v in new.items() if k not in head}}
        body["metadata"].setdefault("uid", f"uid-of-{body['metadata']['name']}")
        self.store.restore(found.stored_as, body)
        self.known[self.key(found.stored_as, body)] = body

    def key(self, gvr: str, obj: dict[str, Any]) -> tuple[str, str, str]:
        """Return the key of an object."""
        return gvr, obj["metadata"].get("namespace", ""), obj["metadata"]["name"]

    def drop(self, gvr: str, namespace: str, name: str) -> None:
        """Take an object out without a trace."""
        stored = self.store.peek(gvr, namespace, name)
        if stored is not None:
            version = self.store.version
            self.store.forget(gvr, namespace, name)
            self.store._version = version

    def rewind(self, version: int) -> None:
        """Set the resourceVersion counter."""
        self.store._version = version


class Replay:
    """The steps of one recording, sent to a fresh server one after the other."""

    def __init__(self, file: str) -> None:
        """Load the recording and build the world around it."""
        self.file = file
        self.steps = load(file)
        self.world = World()
        self.issued: dict[int, str] = {}
        self._preload()

    def _preload(self) -> None:
        if self.file.startswith(("03", "41")):
            for step in self.steps:
                for item in list_items(step.answer):
                    self.world.put(item)
        if self.file.startswith("41"):
            self._fill_pages()
        if self.file.startswith("19"):
            allocatable = {"cpu": "8", "memory": "25066786816"}
            meta = {"name": "worker-5"}
            node = {"kind": "Node", "apiVersion": "v1", "metadata": meta, "spec": {}}
            self.world.put({**node, "status": {"allocatable": allocatable}})

    def _fill_pages(self) -> None:
        first = list_items(self.steps[0].answer)[0]
        for index in range(17):
            extra = deepcopy(first)
            extra["metadata"] |= {"name": f"zz-{index:02}", "uid": f"zz-{index:02}"}
            self.world.put(extra)

    def run(self) -> dict[str, str]:
        """Return, per step, what differs ('' when nothing does)."""
        results = {}
        with self.world.server as server:
            connection = HTTPConnection(server.address, timeout=20)
            for step in self.steps:
                results[step.name] = self._one(connection, step)
            connection.close()
        return results

    def _one(self, connection: HTTPConnection, step: Step) -> str:
        before = Prepared(self.world, step, self._ahead(step))
        before.prepare()
        status, headers, body = self._send(connection, step)
        self._remember(step, body)
        difference = compare(step, status, headers, body)
        before.settle()
        return difference

    def _ahead(self, step: Step) -> dict[str, Any] | None:
        """Return the first recorded state of the object that a step is about."""
        path = paths.parse(step.path)
        for other in self.steps[step.index :] if path and path.name else []:
            where = paths.parse(other.path)
            if is_object(other.answer) and where is not None and path is not None:
                same = (where.resource, where.namespace, where.name)
                if same == (path.resource, path.namespace, path.name):
                    return deepcopy(other.answer)
        return None

    def _remember(self, step: Step, body: Any) -> None:
        if step.file.startswith("26") and isinstance(body, dict):
            status = body.get("status")
            token = status.get("token") if isinstance(status, dict) else None
            if isinstance(token, str):
                self.issued[step.index] = token

    def _user(self, step: Step) -> str | None:
        number, note = step.file[:2], step.note
        if number == "13":
            return BAD if step.index in (0, 1) else None
        if number == "14":
            return READER
        if number == "25":
            return ADMIN if "as administrator" in note else READER
        if number == "26":
            return {9: READER, 10: self.issued.get(2, BAD)}.get(step.index, ADMIN)
        return ADMIN

    def _body(self, step: Step) -> bytes:
        body = step.body
        if body is None:
            return b""
        if isinstance(body, str):
            return body.encode()
        if step.file.startswith("26") and "token" in body.get("spec", {}):
            chosen = {3: 0, 5: 2, 6: 2, 7: 0, 9: 0}.get(step.index, -1)
            body = deepcopy(body)
            body["spec"]["token"] = "" if step.index == 8 else self.issued.get(chosen, BAD)
        if "repeated" in json.dumps(body):
            body = deepcopy(body)
            body["data"]["a"] = "x" * 1_100_000
        return json.dumps(body).encode()

    def _send(self, connection: HTTPConnection, step: Step) -> tuple[int, dict[str, Any], Any]:
        query = dict(step.query)
        if step.watches and "timeoutSeconds" in query:
            query["timeoutSeconds"] = _WATCH_SECONDS
        if query.get("continue"):
            query["continue"] = step.query["continue"]
        url = quote(step.path, safe="/:~")
        if query:
            url += f"?{urlencode(query)}"
        agent = "OpenAPI-Generator/37" if "Python client" in step.note else "api-client/1.0"
        headers = {"User-Agent": agent, **step.headers}
        user = self._user(step)
        if user is not None:
            headers["Authorization"] = f"Bearer {user}"
        if step.note == "no Accept header":
            headers.pop("accept", None)
        connection.request(step.method, url, self._body(step) or None, headers)
        response = connection.getresponse()
        raw = response.read()
        found: dict[str, Any] = {}
        for name in _HEADERS:
            values = response.headers.get_all(name) or []
            if values:
                found[name] = values if name == "Warning" else values[0]
        return response.status, found, self._parsed(step, raw, found)

    def _parsed(self, step: Step, raw: bytes, headers: dict[str, Any]) -> Any:
        if not raw:
            return None
        if step.watches and step.status == 200 and isinstance(step.answer, list | None):
            return [json.loads(line) for line in raw.splitlines()]
        if "json" in headers.get("Content-Type", ""):
            return json.loads(raw)
        return raw.decode()


class Prepared:
    """The state before one step, and the state after it."""

    def __init__(self, world: World, step: Step, ahead: dict[str, Any] | None) -> None:
        """Take the world, the step to come, and the first recorded state of its object."""
        self.world = world
        self.ahead = ahead
        self.step = step
        self.path = paths.parse(step.path)
        self.resource = resources.find(self.path.gvr) if self.path else None

    def prepare(self) -> None:
        """Make the world what it was before the step."""
        step = self.step
        if self.path is None or self.resource is None:
            return
        if self.path.group == "metrics.k8s.io":
            self.world.metrics = [step.answer]
        elif self.path.subresource == "log":
            self._log()
        elif step.watches:
            self._watch()
        elif step.method == "GET":
            self._get()
        elif self.path.name:
            self._named()
        elif step.method == "POST":
            self._create()
        else:
            self._collection()

    @property
    def gvr(self) -> str:
        """The stored name of the resource."""
        assert self.resource is not None
        return self.resource.stored_as

    @property
    def namespace(self) -> str:
        """The namespace under which the object is stored."""
        assert self.path is not None and self.resource is not None
        return self.path.namespace if self.resource.namespaced else ""

    def _log(self) -> None:
        previous = self.step.query.get("previous") == "true"
        self.world.logs = {}
        if isinstance(self.step.answer, str):
            self.world.logs = {previous: self.step.answer}
        assert self.path is not None
        if self.step.status != 404:
            meta = {"name": self.path.name, "namespace": self.path.namespace, "uid": "u"}
            spec = {"containers": [{"name": "app", "image": "x"}]}
            pod = {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": spec}
            if self.world.store.peek("v1/pods", self.path.namespace, self.path.name) is None:
                self.world.put(pod)

    def _get(self) -> None:
        step, world = self.step, self.world
        assert self.path is not None
        if is_object(step.answer):
            world.put(step.answer)
        elif isinstance(step.answer, dict) and step.answer.get("kind") == "Scale":
            self._parent(step.answer)
        elif step.status == 404 and self.path.name:
            world.drop(self.gvr, self.namespace, self.path.name)
        elif "items" in (step.answer if isinstance(step.answer, dict) else {}):
            self._list()
        elif isinstance(step.answer, dict) and step.answer.get("kind") == "Table":
            self._age()
        if step.status == 504:
            world.rewind(int(re.findall(r"current: (\d+)", step.answer["message"])[0]))
        if step.status == 410:
            world.rewind(world.store.version + 1000)
            world.store.compact()

    def _age(self) -> None:
        row = self.step.answer["rows"][0]
        seconds = int(row["cells"][4].removesuffix("s"))
        created = row["object"]["metadata"]["creationTimestamp"]
        self.world.clock.current = moment(created) + timedelta(seconds=seconds)
        self.world.rewind(int(self.step.answer["metadata"]["resourceVersion"]))

    def _list(self) -> None:
        step, world = self.step, self.world
        assert self.path is not None
        if not self.step.file.startswith(("03", "41")):
            for obj in world.store.scan(self.gvr, self.path.namespace or None):
                meta = obj["metadata"]
                world.drop(self.gvr, meta.get("namespace", ""), meta["name"])
            for item in list_items(step.answer):
                world.put(item)
        version = int(step.answer["metadata"]["resourceVersion"])
        world.rewind(version)

    def _parent(self, scale: dict[str, Any]) -> None:
        """Make the workload fit what a Scale of it says."""
        assert self.path is not None and self.resource is not None
        key = (self.gvr, self.path.namespace, self.path.name)
        obj = deepcopy(self.world.known.get(key) or self.fixture(scale))
        keep = ("uid", "resourceVersion", "creationTimestamp")
        obj["metadata"] |= {name: scale["metadata"][name] for name in keep}
        obj["spec"]["replicas"] = scale["spec"].get("replicas", 0)
        obj.setdefault("status", {})["replicas"] = scale["status"]["replicas"]
        self.world.put(obj)

    def fixture(self, like: dict[str, Any]) -> dict[str, Any]:
        """Return the object that the recorder made before its first step."""
        assert self.path is not None and self.resource is not None
        world, name = self.world, self.path.name
        like = self.ahead or like
        if self.ahead is not None and self.resource.kind == "Pod":
            return self._pod_before(self.ahead)
        meta = {"name": name, "labels": {"app": name}}
        made: dict[str, Any] = {"metadata": meta}
        if self.resource.kind != "Pod":
            made["spec"] = {
                "replicas": self._replicas(),
                "selector": {"matchLabels": {"app": name}},
                "template": self._template(name),
            }
        else:
            made["spec"] = template(name)["spec"]
        created = like.get("metadata", {}).get("creationTimestamp")
        if created:
            world.clock.current = moment(created)
        version = world.store.version
        obj = world.store.create(self.gvr, self.path.namespace, made, manager="api-client")
        for key in ("uid", "creationTimestamp"):
            if like.get("metadata", {}).get(key):
                obj["metadata"][key] = like["metadata"][key]
        uid = (like.get("details") or {}).get("uid") or self._uid_in(like)
        if uid:
            obj["metadata"]["uid"] = uid
        world.drop(self.gvr, self.path.namespace, name)
        world.rewind(version)
        return obj

    def _replicas(self) -> int:
        """Return what the recorder had asked for."""
        touched = "replicas" in self._asked() or self.step.file.startswith("11")
        seen = (self.ahead or {}).get("spec", {}).get("replicas", 2)
        return 2 if touched else int(seen)

    def _asked(self) -> dict[str, Any]:
        body = self.step.body
        if isinstance(body, list):
            return {str(each.get("path")).split("/")[2]: True for each in body}
        return (body.get("spec") or {}) if isinstance(body, dict) else {}

    def _template(self, name: str) -> dict[str, Any]:
        made = template(name)
        seen = (self.ahead or {}).get("spec", {}).get("template")
        if seen and "template" not in self._asked():
            held = seen["spec"]["containers"][0]["resources"]
            made["spec"]["containers"][0]["resources"] = deepcopy(held)
        return made

    def _pod_before(self, seen: dict[str, Any]) -> dict[str, Any]:
        """Return a pod as it was before it was first deleted or resized."""
        pod = deepcopy(seen)
        meta = pod["metadata"]
        for gone in ("deletionTimestamp", "deletionGracePeriodSeconds"):
            if meta.pop(gone, None) is not None:
                meta["generation"] = 1
        resized = [e for e in meta["managedFields"] if e.get("subresource") == "resize"]
        if resized:
            meta["generation"] = 1
            meta["resourceVersion"] = str(int(meta["resourceVersion"]) - 1)
            meta["managedFields"] = [e for e in meta["managedFields"] if e not in resized]
            own = next(e for e in meta["managedFields"] if not e.get("subresource"))
            fields = fieldsets.from_tree(own["fieldsV1"])
            for entry in resized:
                fields |= fieldsets.from_tree(entry["fieldsV1"])
            own["fieldsV1"] = fieldsets.tree(fields)
            held = pod["status"]["containerStatuses"][0]["resources"]
            pod["spec"]["containers"][0]["resources"] = deepcopy(held)
        return pod

    def _uid_in(self, like: dict[str, Any]) -> str:
        found = re.search(r"UID in record \(([0-9a-f-]+)\)", str(like.get("message", "")))
        return found[1] if found else ""

    def _create(self) -> None:
        step, world = self.step, self.world
        assert self.path is not None
        meta = (step.body or {}).get("metadata", {}) if isinstance(step.body, dict) else {}
        if step.status == 409:
            key = (self.gvr, self.path.namespace, meta["name"])
            assert key in world.known, key
            return
        if step.status == 201 and is_object(step.answer):
            created = step.answer["metadata"]
            world.clock.current = moment(created["creationTimestamp"])
            world.drop(self.gvr, created.get("namespace", ""), created["name"])
            if created.get("resourceVersion"):
                world.rewind(int(created["resourceVersion"]) - 1)
        elif step.status == 201 and isinstance(step.answer, dict):
            entries = (step.answer.get("metadata") or {}).get("managedFields") or []
            stamp = (step.answer.get("metadata") or {}).get("creationTimestamp")
            if entries or stamp:
                world.clock.current = moment(stamp or entries[0]["time"])

    def _named(self) -> None:
        step, world = self.step, self.world
        assert self.path is not None
        key = (self.gvr, self.namespace, self.path.name)
        if step.status == 404 and self.path.subresource not in ("rollback", "nope"):
            world.drop(*key)
            return
        answer = step.answer if isinstance(step.answer, dict) else {}
        if step.status == 201 and step.method == "PATCH":
            world.drop(*key)
            world.clock.current = moment(answer["metadata"]["creationTimestamp"])
            world.rewind(int(answer["metadata"]["resourceVersion"]) - 1)
            return
        if answer.get("kind") == "Scale":
            self._scale(key, answer)
            return
        if self.path.subresource in ("token", "eviction"):
            self._subresource(key)
            return
        known = world.known.get(key)
        before = deepcopy(known) if known else self.fixture(answer)
        if known is None and self.ahead is not None and before.get("kind") != "Pod":
            self._grown(before)
        if is_object(answer):
            before = self._before(before, answer, fresh=known is None)
        if step.method == "DELETE":
            uid = (answer.get("details") or {}).get("uid")
            if uid:
                before["metadata"]["uid"] = uid
        world.put(before)
        if self.step.name == "21-resource-quota#13":  # the quota counts two pods
            twin = deepcopy(before)
            twin["metadata"] |= {"name": "twin", "uid": "twin"}
            world.put(twin)
        if is_object(answer):
            self._version(before, answer)

    def _grown(self, before: dict[str, Any]) -> None:
        """Add what controllers had written by the time of the first step."""
        assert self.ahead is not None
        meta, seen = before["metadata"], self.ahead["metadata"]
        if "status" in self.ahead:
            before["status"] = deepcopy(self.ahead["status"])
        meta["resourceVersion"] = seen["resourceVersion"]
        revision = (seen.get("annotations") or {}).get(_REVISION)
        if revision:
            meta["annotations"] = {_REVISION: revision}
        theirs = [e for e in seen.get("managedFields") or [] if e["manager"] in _CONTROLLERS]
        meta["managedFields"] = meta.get("managedFields", []) + deepcopy(theirs)

    def _scale(self, key: tuple[str, str, str], answer: dict[str, Any]) -> None:
        world = self.world
        obj = deepcopy(world.known.get(key) or self.fixture(answer))
        obj.setdefault("status", {})["replicas"] = answer["status"]["replicas"]
        obj["metadata"]["uid"] = answer["metadata"]["uid"]
        obj["metadata"]["creationTimestamp"] = answer["metadata"]["creationTimestamp"]
        wanted = int(answer["spec"].get("replicas", 0))
        version = answer["metadata"]["resourceVersion"]
        dry = self.step.query.get("dryRun") == "All"
        if dry or obj["spec"].get("replicas") == wanted:
            obj["metadata"]["resourceVersion"] = version
            world.put(obj)
            world.rewind(int(version))
        else:
            sent = (self.step.body or {}).get("metadata", {}).get("resourceVersion")
            obj["metadata"]["resourceVersion"] = sent or str(int(version) - 1)
            world.put(obj)
            world.rewind(int(version) - 1)

    def _subresource(self, key: tuple[str, str, str]) -> None:
        world, step = self.world, self.step
        if self.path is not None and self.path.subresource == "token":
            meta = (step.answer or {}).get("metadata") or {}
            if meta.get("creationTimestamp"):
                world.clock.current = moment(meta["creationTimestamp"])
            return
        if key not in world.known:
            pod = self.fixture(step.answer)
            pod["metadata"]["labels"] = {"app": "ev"}
            pod["spec"]["nodeName"] = "worker-1"
            ready = {"type": "Ready", "status": "True"}
            pod["status"] = {"phase": "Running", "conditions": [ready], "qosClass": "Burstable"}
            world.put(pod)
        else:
            world.put(world.known[key])
        self._budgets()

    def _budgets(self) -> None:
        """Two budgets for the step that wants two, else one whose status fits the answer."""
        world, step = self.world, self.step
        gvr = "policy/v1/poddisruptionbudgets"
        held = deepcopy(world.known.get((gvr, "api-golden", "ev")))
        if held is None:
            return
        message = json.dumps(step.answer)
        numbers = re.search(r"needs (\d+) healthy pods and has (\d+)", message)
        blocked = numbers is not None
        need, have = (int(numbers[1]), int(numbers[2])) if numbers else (1, 2)
        held["status"] |= {"desiredHealthy": need, "currentHealthy": have}
        held["status"]["disruptionsAllowed"] = 0 if blocked else 1
        held["status"]["observedGeneration"] = held["metadata"]["generation"]
        world.put(held)
        world.drop(gvr, "api-golden", "ev2")
        if "more than one" in message:
            second = deepcopy(held)
            second["metadata"] |= {"name": "ev2", "uid": "second"}
            world.put(second)

    def _stripped(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Return what controllers do not write."""
        held = deepcopy(obj)
        held.pop("status", None)
        meta = held["metadata"]
        meta.pop("resourceVersion", None)
        meta["managedFields"] = sorted(
            (e for e in meta.get("managedFields") or [] if e["manager"] not in _CONTROLLERS),
            key=lambda entry: json.dumps(entry, sort_keys=True),
        )
        if not meta["managedFields"]:
            del meta["managedFields"]
        notes = meta.get("annotations") or {}
        notes.pop(_REVISION, None)
        if not notes:
            meta.pop("annotations", None)
        return held

    def _before(
        self, known: dict[str, Any], answer: dict[str, Any], *, fresh: bool
    ) -> dict[str, Any]:
        """Return the state before a write from the known one and the answer."""
        dry = self.step.query.get("dryRun") == "All"
        if self._stripped(known) == self._stripped(answer):
            return deepcopy(answer)
        before = deepcopy(known)
        meta, after = before["metadata"], answer["metadata"]
        if self.path is not None and self.path.subresource != "status" and "status" in answer:
            before["status"] = deepcopy(answer["status"])
            if answer["metadata"].get("deletionTimestamp") and answer["kind"] == "Namespace":
                before["status"] = {"phase": "Active"}
        own = [e for e in meta.get("managedFields") or [] if e["manager"] not in _CONTROLLERS]
        theirs = [e for e in after.get("managedFields") or [] if e["manager"] in _CONTROLLERS]
        meta["managedFields"] = own + deepcopy(theirs)
        revision = (after.get("annotations") or {}).get(_REVISION)
        if revision:
            meta["annotations"] = {_REVISION: revision, **(meta.get("annotations") or {})}
            meta["annotations"][_REVISION] = revision
        sent = self._sent_version()
        if fresh and after.get("generation"):
            meta["generation"] = after["generation"] - 1
            if dry and after["generation"] == 1:
                meta["generation"] = 1
        if after.get("resourceVersion") and (dry or fresh):
            meta["resourceVersion"] = str(int(after["resourceVersion"]) - (0 if dry else 1))
        if sent:
            meta["resourceVersion"] = sent
        return before

    def _sent_version(self) -> str:
        """Return the resourceVersion that a successful write named, '' for none."""
        body = self.step.body
        if isinstance(body, list):
            for operation in body:
                if operation.get("path") == "/metadata/resourceVersion":
                    return str(operation["value"])
        if isinstance(body, dict):
            return str((body.get("metadata") or {}).get("resourceVersion") or "")
        return ""

    def _version(self, before: dict[str, Any], answer: dict[str, Any]) -> None:
        world = self.world
        version = int(answer["metadata"].get("resourceVersion") or world.store.version + 1)
        same = before["metadata"]["resourceVersion"] == str(version)
        world.rewind(version if same else version - 1)
        times = list(_times(answer))
        if answer["metadata"].get("deletionTimestamp"):
            grace = answer["metadata"].get("deletionGracePeriodSeconds") or 0
            stamp = moment(answer["metadata"]["deletionTimestamp"])
            world.clock.current = stamp - timedelta(seconds=grace)
        elif times:
            world.clock.current = moment(max(times))

    def _collection(self) -> None:
        step, world = self.step, self.world
        for obj in world.store.scan(self.gvr):
            meta = obj["metadata"]
            world.drop(self.gvr, meta.get("namespace", ""), meta["name"])
        for item in list_items(step.answer):
            world.put(item)
        if isinstance(step.answer, dict) and "items" in step.answer:
            count = len(step.answer["items"])
            world.rewind(int(step.answer["metadata"]["resourceVersion"]) - count)

    def _watch(self) -> None:
        """Let what the stream shows have happened just before it was asked for."""
        step, world = self.step, self.world
        since = step.query.get("resourceVersion", "")
        events = step.answer if isinstance(step.answer, list) else []
        first = events[0] if events else {}
        if first.get("type") == "ERROR":
            oldest = int(re.findall(r"\((\d+)\)", first["object"]["message"])[0])
            world.rewind(oldest)
            world.store.compact()
            world.rewind(oldest + 10)
            return
        objects = [e for e in events if e["type"] != "BOOKMARK"]
        if since.isdigit() and int(since) > 0:
            world.rewind(int(since))
            for event in objects:
                self._happen(event)
        else:
            for event in objects:
                world.put(event["object"])
        for event in events:
            if event["type"] == "BOOKMARK":
                world.rewind(int(event["object"]["metadata"]["resourceVersion"]))

    def _happen(self, event: dict[str, Any]) -> None:
        world, obj = self.world, event["object"]
        leaves = "labelSelector" in self.step.query and event["type"] == "DELETED"
        gone = {**obj, "metadata": dict(obj["metadata"])}
        if leaves:
            gone["metadata"]["labels"] = {}
            world.put(gone)
        elif event["type"] == "DELETED":
            world.rewind(int(obj["metadata"]["resourceVersion"]) - 1)
            meta = obj["metadata"]
            if world.store.peek(self.gvr, meta["namespace"], meta["name"]) is not None:
                world.store.delete(self.gvr, meta["namespace"], meta["name"])
        else:
            world.put(obj)

    def settle(self) -> None:
        """Put the recorded outcome in place for the steps to come."""
        step, world = self.step, self.world
        if self.path is None or self.resource is None or step.watches:
            return
        dry = step.query.get("dryRun") == "All"
        writes = step.method in ("POST", "PUT", "PATCH") and step.status < 300 and not dry
        if isinstance(step.body, dict) and (step.body.get("deleteOptions") or {}).get("dryRun"):
            return
        if writes and is_object(step.answer) and self.path.subresource != "token":
            world.put(step.answer)
        elif writes and isinstance(step.answer, dict) and step.answer.get("kind") == "Scale":
            self._settle_scale()
        elif step.method == "DELETE" and step.status == 200 and self.path.name and not dry:
            if isinstance(step.body, dict) and step.body.get("dryRun"):
                return
            key = (self.gvr, self.namespace, self.path.name)
            if is_object(step.answer):
                world.put(step.answer)
            else:
                world.known.pop(key, None)

    def _settle_scale(self) -> None:
        assert self.path is not None
        stored = self.world.store.peek(self.gvr, self.path.namespace, self.path.name)
        if stored is not None:
            key = (self.gvr, self.path.namespace, self.path.name)
            self.world.known[key] = deepcopy(stored)


_VOLATILE = (
    (re.compile(r"kube-api-access-[a-z0-9]{5}"), "kube-api-access-#"),
    (re.compile(r"JTI=[0-9a-f-]{36}"), "JTI=#"),
    (re.compile(r"\n@@ .*", re.S), ""),  # a diff of Go structures
)
_QUOTED = re.compile(r'Invalid value: ("\{.*\}"): ', re.S)


def _by(entry: dict[str, Any]) -> str:
    return json.dumps([entry.get(k, "") for k in ("manager", "operation", "subresource", "type")])


def _is_set(key: str, value: Any) -> bool:
    return key in ("managedFields", "conditions") and isinstance(value, list)


def normal(value: Any, key: str = "") -> Any:
    """Return a value without what may differ from run to run."""
    if isinstance(value, dict):
        return {name: normal(item, name) for name, item in value.items()}
    if isinstance(value, list):
        items = [normal(item) for item in value]
        return sorted(items, key=_by) if _is_set(key, value) else items
    if isinstance(value, str):
        for pattern, mark in _VOLATILE:
            value = pattern.sub(mark, value)
        quoted = _QUOTED.search(value)
        if quoted:
            inner = json.loads(json.loads(quoted[1]))
            shown = json.dumps(normal(inner), sort_keys=True)
            value = value.replace(quoted[1], shown)
    return value


_MADE_UP = {
    "gitCommit": "#",
    "serverAddress": "#",
    "token": "#",
}


def _smooth(found: Any, recorded: Any, step: Step) -> None:
    """Give made-up values the recorded spelling."""
    if not isinstance(found, dict) or not isinstance(recorded, dict):
        return
    for key in list(found):
        if key in _MADE_UP and key in recorded:
            found[key] = recorded[key]
        elif isinstance(found[key], dict):
            _smooth(found[key], recorded.get(key), step)
        elif isinstance(found[key], list) and isinstance(recorded.get(key), list):
            for one, other in zip(found[key], recorded[key], strict=False):
                _smooth(one, other, step)
    creates = step.method == "POST" or step.status == 201
    meta, other = found.get("metadata"), recorded.get("metadata")
    if creates and isinstance(meta, dict) and isinstance(other, dict):
        if "uid" in meta and "uid" in other:
            meta["uid"] = other["uid"]
        if meta.get("generateName") and "name" in other:
            meta["name"] = other["name"]


def differences(found: Any, recorded: Any, path: str = "") -> Iterator[str]:
    """Yield where two values differ."""
    if isinstance(found, dict) and isinstance(recorded, dict):
        for key in sorted(set(found) | set(recorded)):
            if key not in found:
                yield f"{path}.{key} missing, recorded {json.dumps(recorded[key])[:120]}"
            elif key not in recorded:
                yield f"{path}.{key} too much: {json.dumps(found[key])[:120]}"
            else:
                yield from differences(found[key], recorded[key], f"{path}.{key}")
    elif isinstance(found, list) and isinstance(recorded, list):
        if len(found) != len(recorded):
            yield f"{path} has {len(found)} items, recorded {len(recorded)}"
        for index, (one, other) in enumerate(zip(found, recorded, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
    elif found != recorded or type(found) is not type(recorded):
        yield f"{path} is {json.dumps(found)[:300]}, recorded {json.dumps(recorded)[:300]}"


def compare(step: Step, status: int, headers: dict[str, Any], body: Any) -> str:
    """Return how an answer differs from the recorded one."""
    found: list[str] = []
    if status != step.status:
        found.append(f"status is {status}, recorded {step.status}")
    recorded_headers = {k: v for k, v in step.answer_headers.items() if k in _HEADERS and v}
    found += differences(headers, recorded_headers, "header")
    ours, theirs = body, deepcopy(step.answer)
    if isinstance(theirs, str) and step.answer_headers.get("Content-Type") == "application/yaml":
        ours, theirs = _yaml(ours), _yaml(theirs)
    _smooth(ours, theirs, step)
    found += differences(normal(ours), normal(theirs), "body")
    return "; ".join(found)


def _yaml(text: Any) -> Any:
    import yaml

    return yaml.load(text, Loader=yaml.BaseLoader)
