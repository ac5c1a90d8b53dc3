"""The scheduler: each pod to a node that has room, or a condition that says why none has."""

from collections import Counter
from collections.abc import Iterable

from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import (
    NODES,
    PODS,
    SCHEDULER,
    Key,
    is_finished,
    is_terminating,
    key_of,
    stamp,
)
from remedyd.lab.quantities import quantity
from remedyd.lab.timeline import WorkQueue
from remedyd.model.values import KubeObject

_RETRY_SECONDS = 10.0
_RESOURCES = ("cpu", "memory")


def tolerates(tolerations: list[KubeObject], taint: KubeObject) -> bool:
    """Say whether one of the tolerations matches a taint."""
    return any(
        (not t.get("key") or t["key"] == taint["key"])
        and (not t.get("effect") or t["effect"] == taint["effect"])
        and (t.get("operator") == "Exists" or t.get("value", "") == taint.get("value", ""))
        for t in tolerations
    )


def selects(spec: KubeObject, node: KubeObject) -> bool:
    """Say whether a pod's node selector and required node affinity allow a node."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(k) != v for k, v in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms") or ()
    return not terms or any(_term(term, node, labels) for term in terms)


def _term(term: KubeObject, node: KubeObject, labels: dict[str, str]) -> bool:
    name = node["metadata"]["name"]
    fields = all(_matches(e, {"metadata.name": name}) for e in term.get("matchFields") or ())
    return fields and all(_matches(e, labels) for e in term.get("matchExpressions") or ())


def _matches(expression: KubeObject, values: dict[str, str]) -> bool:
    have, wanted = values.get(expression["key"]), expression.get("values") or ()
    operator = expression["operator"]
    if operator in ("Exists", "DoesNotExist"):
        return bool((have is not None) == (operator == "Exists"))
    return bool((have in wanted) == (operator == "In"))


def requests_of(pod: KubeObject) -> dict[str, float]:
    """Return the CPU (cores) and memory (bytes) that a pod's containers ask for."""
    totals = dict.fromkeys(_RESOURCES, 0.0)
    for container in pod["spec"]["containers"]:
        asked = (container.get("resources") or {}).get("requests") or {}
        for name in _RESOURCES:
            totals[name] += quantity(asked.get(name))
    return totals


class Occupancy:
    """Which pods are on which node, and what they ask for together, kept up change by change."""

    def __init__(self, pods: Iterable[KubeObject]) -> None:
        """Begin with the pods that there are."""
        self._on: dict[str, dict[Key, KubeObject]] = {}
        self._where: dict[Key, str] = {}
        self._sums: dict[str, dict[str, float]] = {}
        for pod in pods:
            self.note("ADDED", pod)

    def note(self, type_: str, pod: KubeObject) -> None:
        """Take in a change of a pod."""
        key = key_of(pod)
        before = self._where.pop(key, None)
        if before is not None:
            del self._on[before][key]
            self._sums.pop(before, None)
        node = pod["spec"].get("nodeName")
        if node and type_ != "DELETED" and not is_finished(pod):
            self._where[key] = node
            self._on.setdefault(node, {})[key] = pod
            self._sums.pop(node, None)

    def of(self, node: str) -> dict[str, float]:
        """Return the CPU (cores), memory (bytes) and number of a node's pods."""
        known = self._sums.get(node)
        if known is None:
            known = self._sums[node] = dict.fromkeys((*_RESOURCES, "pods"), 0.0)
            for _, pod in sorted(self._on.get(node, {}).items()):
                for name, amount in requests_of(pod).items():
                    known[name] += amount
                known["pods"] += 1
        return known


class Scheduler:
    """Follows unbound pods; everything that may make room wakes the waiting ones."""

    def __init__(self, env: Environment) -> None:
        """Take the shared parts; the lab calls `observe` for every change."""
        self._env = env
        self._queue = WorkQueue(env.timeline, self.schedule, lambda: env.jitter(0.005, 0.02))
        self._used = Occupancy(env.store.scan(PODS))

    def observe(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Note a pod that needs a node."""
        if gvr != PODS:
            return
        self._used.note(type_, obj)
        if type_ == "DELETED":
            return
        if not obj["spec"].get("nodeName") and not is_terminating(obj):
            waiting = (obj.get("status") or {}).get("conditions")
            self._queue.add(key_of(obj), _RETRY_SECONDS if waiting else None)

    def schedule(self, key: Key) -> None:
        """Bind one pod, or say that it cannot be."""
        pod = self._env.store.peek(PODS, *key)
        if pod is None or pod["spec"].get("nodeName") or is_terminating(pod):
            return
        nodes = self._env.store.scan(NODES)
        siblings = self._siblings(pod)
        wrong: dict[str, int] = {}
        fits: list[tuple[float, str]] = []
        for node in nodes:
            name = node["metadata"]["name"]
            used = self._used.of(name)
            why = _why_not(pod, node, used)
            if why:
                wrong[why] = wrong.get(why, 0) + 1
            else:
                fits.append((siblings[name] + _load(node, used), name))
        if fits:
            self._bind(pod, min(fits)[1])
        else:
            self._refuse(pod, len(nodes), wrong)

    def _siblings(self, pod: KubeObject) -> Counter[str]:
        """Count the pods of the same owner by node: they are spread before anything else."""
        owner = _owner(pod)
        store = self._env.store
        others = (
            store.owned(PODS, owner) if owner else store.scan(PODS, pod["metadata"]["namespace"])
        )
        nodes = (other["spec"].get("nodeName") for other in others if _owner(other) == owner)
        return Counter(node for node in nodes if node)

    def _bind(self, pod: KubeObject, node: str) -> None:
        now = stamp(self._env.timeline.now())

        def bind(obj: KubeObject) -> None:
            obj["spec"]["nodeName"] = node

        def note(obj: KubeObject) -> None:
            kept = [c for c in obj["status"].get("conditions") or () if c["type"] != "PodScheduled"]
            done = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
            obj["status"]["conditions"] = [*kept, done | {"lastTransitionTime": now}]

        store, key = self._env.store, key_of(pod)
        store.mutate(PODS, *key, bind, manager=SCHEDULER, subresource="binding")
        bound = store.mutate(PODS, *key, note, manager=SCHEDULER, subresource="status")
        try:
            self._env.recorder.scheduled(bound, node)
        except StatusError:
            return  # the namespace is on its way out; the Event is not worth a failure

    def _refuse(self, pod: KubeObject, count: int, wrong: dict[str, int]) -> None:
        whys = ", ".join(f"{n} {why}" for why, n in sorted(wrong.items()))
        text = f"0/{count} nodes are available: {whys}." if count else "no nodes available"
        now = stamp(self._env.timeline.now())
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "lastTransitionTime": now,
            "reason": "Unschedulable",
            "message": text,
        }

        def note(obj: KubeObject) -> None:
            status = obj.setdefault("status", {"phase": "Pending"})
            before = status.get("conditions") or []
            if not before or before[0].get("message") != text:
                status["conditions"] = [condition]

        self._env.store.mutate(PODS, *key_of(pod), note, manager=SCHEDULER, subresource="status")
        self._env.recorder.report(
            pod, "FailedScheduling", text, component="default-scheduler", warning=True
        )
        self._queue.add(key_of(pod), _RETRY_SECONDS)


def _load(node: KubeObject, used: dict[str, float]) -> float:
    room = node["status"]["allocatable"]
    return sum(used[name] / quantity(room[name]) for name in _RESOURCES)


def _why_not(pod: KubeObject, node: KubeObject, used: dict[str, float]) -> str:
    if node["spec"].get("unschedulable") and not _ignores_cordon(pod):
        return "node(s) were unschedulable"
    if not selects(pod["spec"], node):
        return "node(s) didn't match Pod's node affinity/selector"
    tolerations = pod["spec"].get("tolerations") or []
    for taint in node["spec"].get("taints") or ():
        if taint["effect"] != "PreferNoSchedule" and not tolerates(tolerations, taint):
            return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    room = node["status"]["allocatable"]
    if used.get("pods", 0.0) + 1 > quantity(room["pods"]):
        return "Too many pods"
    for name, asked in requests_of(pod).items():
        if asked and used.get(name, 0.0) + asked > quantity(room[name]):
            return f"Insufficient {name}"
    return ""


def _ignores_cordon(pod: KubeObject) -> bool:
    taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    return tolerates(pod["spec"].get("tolerations") or [], taint)


def _owner(pod: KubeObject) -> str:
    references = pod["metadata"].get("ownerReferences") or [{}]
    return str(references[0].get("uid", ""))
