"""The Deployments of the original demo's validation plan."""

from collections.abc import Sequence

from remedyd.lab.scenario import Scenario, WorkloadSpec
from support.labcluster import spec

NAMES = ("billing-service", "frontend", "backend", "auth-api")


def deployment(
    name: str, namespace: str = "default", replicas: int = 2, *, sidecar: bool = False
) -> WorkloadSpec:
    """Return a Deployment of the plan's size."""
    size = {"memory": "40Mi", "limits": ("200m", "256Mi")}
    return spec(name, namespace=namespace, replicas=replicas, sidecar=sidecar, **size)


def scenario(
    names: Sequence[str] = NAMES,
    namespaces: Sequence[str] = ("default",),
    also: Sequence[WorkloadSpec] = (),
) -> Scenario:
    """Return a cluster with these Deployments in each of the namespaces."""
    made = tuple(deployment(name, namespace) for namespace in namespaces for name in names)
    return Scenario(workloads=(*made, *also), namespaces=(*namespaces, "kube-system"))
