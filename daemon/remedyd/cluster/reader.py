"""A workload and what stands around it, read when asked for and only once.

Prechecks and plans look at pods, autoscalers, quotas, nodes; most look at one or two of them.
Reads are narrowed by namespace and selector, so that nobody lists the whole cluster to look at
one Deployment. Nodes have no namespace: they come page by page, and who has seen enough stops.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from remedyd.cluster.fields import whole
from remedyd.cluster.ports import Reader, each
from remedyd.cluster.rollout import observed
from remedyd.errors import NotFound
from remedyd.model.values import KubeObject


def selector(spec: Mapping[str, Any] | None) -> str:
    """Return a LabelSelector as the query parameter writes it; empty selects everything."""
    spec = spec or {}
    parts = [f"{key}={value}" for key, value in sorted((spec.get("matchLabels") or {}).items())]
    for wanted in spec.get("matchExpressions") or ():
        key, values = wanted["key"], ",".join(wanted.get("values") or ())
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[wanted["operator"]]
        )
    return ",".join(parts)


def owned_by(obj: KubeObject, uid: str) -> bool:
    """Say whether `uid` is the object's controller."""
    owner = controller(obj)
    return owner is not None and owner.get("uid") == uid


def controller(obj: KubeObject) -> KubeObject | None:
    """Return the owner reference marked as controller, None when nobody controls the object."""
    references: list[KubeObject] = obj["metadata"].get("ownerReferences") or []
    return next((owner for owner in references if owner.get("controller")), None)


class Surroundings:
    """The objects around one workload. Each method raises ClusterError or NotFound."""

    def __init__(self, reader: Reader, workload: KubeObject) -> None:
        """Take where to read from and the workload as it was read."""
        self.workload = workload
        self.namespace = str(workload["metadata"].get("namespace", ""))
        self._reader = reader
        self._kept: dict[str, Any] = {}

    def namespace_object(self) -> KubeObject:
        """Return the Namespace."""
        found: KubeObject = self._once(
            "Namespace", lambda: self._reader.get("Namespace", "", self.namespace)
        )
        return found

    def pods(self) -> list[KubeObject]:
        """Return the workload's own pods, terminating ones included."""
        return self._list("Pod", self._own_pods)

    def current_pods(self) -> list[KubeObject]:
        """Return the pods that were made from the latest template and are not on their way out."""
        alive = [pod for pod in self.pods() if not pod["metadata"].get("deletionTimestamp")]
        if self.workload["kind"] == "Deployment":
            latest = [one["metadata"]["uid"] for one in self.replicasets()[:1]]
            return [pod for pod in alive if any(owned_by(pod, uid) for uid in latest)]
        status = self.workload.get("status") or {}
        if not observed(self.workload):
            return []  # the revision that the status names is that of the template before
        revision_hash = status.get("updateRevision")
        if not revision_hash:
            return alive
        return [pod for pod in alive if _revision_hash(pod) == revision_hash]

    def replicasets(self) -> list[KubeObject]:
        """Return a Deployment's ReplicaSets, the latest revision first; empty for others."""
        return self._list("ReplicaSet", self._own_replicasets)

    def controller_revisions(self) -> list[KubeObject]:
        """Return the revisions of a StatefulSet or DaemonSet, the latest first; else empty."""
        return self._list("ControllerRevision", self._own_controller_revisions)

    def autoscalers(self) -> list[KubeObject]:
        """Return the HorizontalPodAutoscalers that scale this workload."""
        return self._list("HorizontalPodAutoscaler", lambda: self._pointing("scaleTargetRef"))

    def vertical_autoscalers(self) -> list[KubeObject]:
        """Return the VerticalPodAutoscalers of this workload; none where VPA is not installed."""
        return self._list("VerticalPodAutoscaler", self._vertical)

    def disruption_budgets(self) -> list[KubeObject]:
        """Return the PodDisruptionBudgets whose selector matches the workload's pods."""
        return self._list("PodDisruptionBudget", self._budgets)

    def quotas(self) -> list[KubeObject]:
        """Return the namespace's ResourceQuotas."""
        return self._list(
            "ResourceQuota", lambda: self._reader.list("ResourceQuota", self.namespace)
        )

    def limit_ranges(self) -> list[KubeObject]:
        """Return the namespace's LimitRanges."""
        return self._list("LimitRange", lambda: self._reader.list("LimitRange", self.namespace))

    def nodes(self) -> Iterator[KubeObject]:
        """Yield all nodes, read page by page as they are taken; after a lost page some twice."""
        return each(self._reader, "Node")

    def claim(self, name: str) -> KubeObject:
        """Return a PersistentVolumeClaim of the namespace."""
        found: KubeObject = self._once(
            f"claim {name}",
            lambda: self._reader.get("PersistentVolumeClaim", self.namespace, name),
        )
        return found

    def _once(self, key: str, read: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = read()
        return self._kept[key]

    def _list(self, key: str, read: Callable[[], list[KubeObject]]) -> list[KubeObject]:
        found: list[KubeObject] = self._once(key, read)
        return found

    def _own_pods(self) -> list[KubeObject]:
        owners = {self.workload["metadata"]["uid"]}
        if self.workload["kind"] == "Deployment":
            owners = {owned["metadata"]["uid"] for owned in self.replicasets()}
        labels = selector(self.workload["spec"].get("selector"))
        pods = self._reader.list("Pod", self.namespace, labels=labels)
        return [pod for pod in pods if any(owned_by(pod, uid) for uid in owners)]

    def _own_replicasets(self) -> list[KubeObject]:
        if self.workload["kind"] != "Deployment":
            return []
        labels = selector(self.workload["spec"].get("selector"))
        uid = self.workload["metadata"]["uid"]
        found = self._reader.list("ReplicaSet", self.namespace, labels=labels)
        own = [replicaset for replicaset in found if owned_by(replicaset, uid)]
        return sorted(own, key=revision, reverse=True)

    def _own_controller_revisions(self) -> list[KubeObject]:
        if self.workload["kind"] == "Deployment":
            return []
        labels = selector(self.workload["spec"].get("selector"))
        uid = self.workload["metadata"]["uid"]
        found = self._reader.list("ControllerRevision", self.namespace, labels=labels)
        own = [one for one in found if owned_by(one, uid)]
        return sorted(own, key=lambda one: int(one["revision"]), reverse=True)

    def _pointing(self, field: str, kind: str = "HorizontalPodAutoscaler") -> list[KubeObject]:
        name = self.workload["metadata"]["name"]
        return [
            obj
            for obj in self._reader.list(kind, self.namespace)
            if (ref := obj["spec"].get(field) or {}).get("kind") == self.workload["kind"]
            and ref.get("name") == name
        ]

    def _vertical(self) -> list[KubeObject]:
        try:
            return self._pointing("targetRef", "VerticalPodAutoscaler")
        except NotFound:
            return []

    def _budgets(self) -> list[KubeObject]:
        labels = self.workload["spec"]["template"]["metadata"].get("labels") or {}
        found = self._reader.list("PodDisruptionBudget", self.namespace)
        return [budget for budget in found if matches(budget["spec"].get("selector"), labels)]


def _revision_hash(pod: KubeObject) -> str:
    labels: dict[str, str] = pod["metadata"].get("labels") or {}
    return labels.get("controller-revision-hash", "")


def revision(replicaset: KubeObject) -> int:
    """Return the rollout revision of a ReplicaSet, 0 when it has none."""
    text = (replicaset["metadata"].get("annotations") or {}).get(
        "deployment.kubernetes.io/revision", "0"
    )
    return whole(text) or 0


def matches(spec: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Say whether a LabelSelector matches; an absent one matches nothing, an empty one all."""
    if spec is None:
        return False
    if any(labels.get(key) != value for key, value in (spec.get("matchLabels") or {}).items()):
        return False
    return all(_expression(wanted, labels) for wanted in spec.get("matchExpressions") or ())


def _expression(wanted: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = wanted["key"], wanted.get("values") or ()
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(wanted["operator"], False)
