"""Watches for storms: one durable report while one lasts, and everything held.

The report is opened by the first sign, revised while signs come and go, and ended when none was
seen for the time of calm. An audit that gave no usable rows changes nothing: silence is no calm.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from remedyd.cluster.lately import Lately
from remedyd.cluster.reader import selector
from remedyd.errors import ClusterError, NotFound
from remedyd.model import AuditResult, Clock, Hold, HoldKind, KubeObject, Severity, Target
from remedyd.observability import logs
from remedyd.observability.alerts import Alert, AlertKind, Alerts
from remedyd.policy.guardrails import Guardrails, node_sign, signs
from remedyd.proposals.store import Store
from remedyd.stages.cycle import Cycle

log = logs.get(__name__)

_NODES = "nodes"
_GROUPS = 10
_LOOKED_AT = 20
_PODS = 200
"""A cause shows in some pods: of a few workloads, and of each not all."""
_REVISION = ("pod-template-hash", "controller-revision-hash")

Signs = Mapping[str, str]


class WatchStorms:
    """A stage between the audit and the decision; it lets the cycle through as it is."""

    name = "storm"

    def __init__(
        self,
        store: Store,
        cluster: Lately,
        clock: Clock,
        ids: Callable[[], str],
        guardrails: Guardrails,
        alerts: Alerts,
        subject: str,
    ) -> None:
        """Take where storms are kept and seen; `subject` names the cluster."""
        self._store = store
        self._cluster = cluster
        self._clock = clock
        self._ids = ids
        self._limits = guardrails.storm
        self._alerts = alerts
        self._subject = subject or "cluster"

    def run(self, cycle: Cycle) -> Cycle:
        """Bring the report up to date with what this cycle saw."""
        now = self._clock.now()
        usable = [result for result in cycle.results if result.ok]
        seen = {**signs(usable, self._limits), **self._nodes()}
        heard = {result.audit for result in usable} | {_NODES}

        def change(hold: Hold | None) -> Hold | None:
            return self._changed(hold, seen, heard, now)

        before, after = self._store.holds.revise(HoldKind.STORM, self._subject, change)
        if after is not None and _signs(after) - _signs(before):
            after = self._explained(usable) or after
        self._tell(before, after)
        return cycle

    def _explained(self, results: Sequence[AuditResult]) -> Hold | None:
        """Add to the report what the critical pods have in common.

        Only now: everything is held already, and a cluster in a storm answers slowly. Within the
        transaction nobody else could have written meanwhile, not even a pause.
        """
        critical = _critical(results)
        some = critical[:: -(-len(critical) // _LOOKED_AT) or 1]
        told = {"groups": self._groups(some), "sample": _sample(some, critical)}

        def fill(hold: Hold | None) -> Hold | None:
            return hold and replace(hold, data={**hold.data, **told})

        return self._store.holds.revise(HoldKind.STORM, self._subject, fill)[1]

    def _changed(
        self,
        hold: Hold | None,
        seen: Signs,
        heard: set[str],
        now: datetime,
    ) -> Hold | None:
        kept: Any = hold.data["signs"] if hold else {}
        known: dict[str, Any] = dict(kept)
        for key, text in seen.items():
            since = known[key]["since"] if key in known else now.isoformat()
            known[key] = {"detail": text, "since": since, "last_seen": now.isoformat()}
        for key in [k for k in known if k not in seen and k.split("/")[0] in heard]:
            if now - datetime.fromisoformat(known[key]["last_seen"]) >= self._limits.calm:
                del known[key]
        if hold is None and not known:
            return None
        if not known:
            assert hold is not None
            return replace(hold, ended_at=now, ended_by="remedyd", end_reason="it is over")
        detail = "; ".join(entry["detail"] for entry in known.values())
        if hold is None:
            data: Any = {"signs": known, "groups": {}, "sample": ""}
            return Hold(self._ids(), HoldKind.STORM, self._subject, now, detail, data)
        return replace(hold, detail=detail, data={**hold.data, "signs": known})

    def _nodes(self) -> Signs:
        """Return the sign that nodes give; nodes that cannot be read are one."""
        try:
            text = node_sign(self._cluster.readiness(), self._limits)
        except (ClusterError, NotFound) as error:
            text = f"the nodes cannot be read: {error.message}"
        return {_NODES: text} if text else {}

    def _groups(self, critical: Sequence[Target]) -> Any:
        """Count the pods of critical workloads by node, image and revision: where is the cause?"""
        counts: dict[str, Counter[str]] = {"node": Counter(), "image": Counter()}
        counts["revision"] = Counter()
        for target in critical:
            for pod in self._pods(target):
                _count(pod, counts)
        return {name: dict(counter.most_common(_GROUPS)) for name, counter in counts.items()}

    def _pods(self, target: Target) -> list[KubeObject]:
        """Return the first pods of a workload, none of those that cannot be read."""
        namespace = target.namespace
        try:
            workload = self._cluster.get(target.kind, namespace, target.name)
            labels = selector(workload["spec"].get("selector"))
            some = islice(self._cluster.each("Pod", namespace, labels=labels), _PODS)
            return [pod for pod in some if _belongs(pod, target.name)]
        except (ClusterError, NotFound) as error:
            log.warning(f"the pods of {target} cannot be grouped: {error.message}")
            return []

    def _tell(self, before: Hold | None, after: Hold | None) -> None:
        if after is None or after == before:
            return
        if before is None:
            self._alerts.raise_(Alert(AlertKind.STORM, after.since, self._subject, _report(after)))
        elif after.ended_at is not None:
            log.info("the storm is over", subject=self._subject, hold=after.id)


def _signs(hold: Hold | None) -> set[str]:
    """Return the names of a report's signs; those that are over count no more."""
    found: Any = hold.data["signs"] if hold is not None and hold.ended_at is None else {}
    return set(found)


def _critical(results: Iterable[AuditResult]) -> list[Target]:
    """Return the critical workloads, a target for each."""
    found = {
        row.target.workload: row.target
        for result in results
        for row in result.rows
        if row.severity is Severity.CRITICAL
    }
    return [target for _, target in sorted(found.items())]


def _sample(some: Sequence[Target], critical: Sequence[Target]) -> str:
    """Say whose pods were counted, where it is not those of all."""
    if len(some) == len(critical):
        return ""
    return f"the pods of {len(some)} of {len(critical)} critical workloads"


def _belongs(pod: KubeObject, workload: str) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(_workload(owner["name"], pod) == workload for owner in owners)


def _workload(owner: str, pod: KubeObject) -> str:
    """Return the workload's name: a Deployment's pods are owned by a ReplicaSet named after it."""
    suffix = (pod["metadata"].get("labels") or {}).get("pod-template-hash")
    return owner.removesuffix(f"-{suffix}") if suffix else owner


def _count(pod: KubeObject, counts: Mapping[str, Counter[str]]) -> None:
    labels = pod["metadata"].get("labels") or {}
    counts["node"][str(pod["spec"].get("nodeName") or "none")] += 1
    counts["revision"][next((labels[k] for k in _REVISION if k in labels), "none")] += 1
    for container in pod["spec"].get("containers") or ():
        counts["image"][str(container.get("image", ""))] += 1


def _report(hold: Hold) -> str:
    groups: Any = hold.data["groups"]
    parts = [
        f"{name}: {', '.join(f'{value} ({count})' for value, count in list(found.items())[:3])}"
        for name, found in groups.items()
        if found
    ]
    sample = hold.data.get("sample")
    told = [hold.detail, *(f"by {part}" for part in parts)]
    return "; ".join([*told, f"counted: {sample}"] if sample else told)
