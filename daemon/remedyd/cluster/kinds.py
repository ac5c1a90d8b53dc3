"""Which path of the API each kind that we touch lives at.

A table instead of discovery: the daemon only ever speaks of these kinds, and a plan must not
depend on one more request that can fail.
"""

import re
from dataclasses import dataclass

from remedyd.errors import InvalidInput, NotFound

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9._:]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource of the API: `group` is empty for the core group."""

    name: str
    group: str
    version: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The value of `apiVersion` in a body."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the request path of the collection, an object or its subresource.

        Raises NotFound for what nothing in Kubernetes can be named: names come out of telemetry,
        and one with a slash or a question mark would make another request of this one.
        """
        for given in (namespace, name):
            if given and _NAME.fullmatch(given) is None:
                raise NotFound(
                    f"{given[:80]!r} cannot be the name of anything in Kubernetes",
                    hint="look at the query that gave it, and at who writes this telemetry",
                )
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(parts)


_ALL = (
    Kind("Deployment", "apps", "v1", "deployments"),
    Kind("StatefulSet", "apps", "v1", "statefulsets"),
    Kind("DaemonSet", "apps", "v1", "daemonsets"),
    Kind("ReplicaSet", "apps", "v1", "replicasets"),
    Kind("ControllerRevision", "apps", "v1", "controllerrevisions"),
    Kind("Job", "batch", "v1", "jobs"),
    Kind("CronJob", "batch", "v1", "cronjobs"),
    Kind("Pod", "", "v1", "pods"),
    Kind("Event", "", "v1", "events"),
    Kind("ConfigMap", "", "v1", "configmaps"),
    Kind("Secret", "", "v1", "secrets"),  # never read; a review asks whether it could be
    Kind("LimitRange", "", "v1", "limitranges"),
    Kind("ResourceQuota", "", "v1", "resourcequotas"),
    Kind("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims"),
    Kind("Namespace", "", "v1", "namespaces", namespaced=False),
    Kind("Node", "", "v1", "nodes", namespaced=False),
    Kind("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers"),
    Kind("VerticalPodAutoscaler", "autoscaling.k8s.io", "v1", "verticalpodautoscalers"),
    Kind("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets"),
    Kind("Lease", "coordination.k8s.io", "v1", "leases"),
    Kind(
        "SelfSubjectAccessReview", "authorization.k8s.io", "v1", "selfsubjectaccessreviews",
        namespaced=False,
    ),
    Kind(
        "SubjectAccessReview", "authorization.k8s.io", "v1", "subjectaccessreviews",
        namespaced=False,
    ),
    Kind("TokenReview", "authentication.k8s.io", "v1", "tokenreviews", namespaced=False),
)  # fmt: skip
KINDS = {kind.name: kind for kind in _ALL}

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def kind_of(name: str) -> Kind:
    """Return the kind called `name`; raise InvalidInput for one that we do not touch."""
    found = KINDS.get(name)
    if found is None:
        raise InvalidInput(
            f"kind {name!r} is not supported", hint=f"use one of {', '.join(sorted(WORKLOADS))}"
        )
    return found
