"""What ReplicaSets, StatefulSets and DaemonSets share: making pods, deleting them, telling it."""

from remedyd.lab.apiserver.copying import clone
from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import (
    CONTROLLER_MANAGER,
    PODS,
    is_ready,
    owner_reference,
)
from remedyd.model.values import KubeObject


def pods_of(env: Environment, owner: KubeObject) -> list[KubeObject]:
    """Return the pods that `owner` controls, by name; read only."""
    return env.store.owned(PODS, owner["metadata"]["uid"])


def new_pod(owner: KubeObject, template: KubeObject) -> KubeObject:
    """Return a pod as the template says, owned by `owner`, named after it."""
    meta = clone(template.get("metadata") or {})
    meta["generateName"] = f"{owner['metadata']['name']}-"
    meta["ownerReferences"] = [owner_reference(owner, owner["apiVersion"], owner["kind"])]
    spec = clone(template["spec"])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def create_pod(env: Environment, owner: KubeObject, pod: KubeObject, component: str) -> None:
    """Create a pod and report it; raise StatusError when the API server refuses it."""
    namespace = owner["metadata"]["namespace"]
    try:
        made = env.store.create(PODS, namespace, pod, manager=CONTROLLER_MANAGER)
    except StatusError as error:
        if error.reason != "AlreadyExists":
            text = f"Error creating: {error.message}"
            env.recorder.report(owner, "FailedCreate", text, component=component, warning=True)
        raise
    text = f"Created pod: {made['metadata']['name']}"
    env.recorder.report(owner, "SuccessfulCreate", text, component=component)


def delete_pod(env: Environment, owner: KubeObject, pod: KubeObject, component: str) -> None:
    """Delete a pod gracefully and report it."""
    meta = pod["metadata"]
    env.store.delete(PODS, meta["namespace"], meta["name"], manager=CONTROLLER_MANAGER)
    text = f"Deleted pod: {meta['name']}"
    env.recorder.report(owner, "SuccessfulDelete", text, component=component)


def _newest_first(text: str) -> tuple[int, ...]:
    return tuple(-ord(char) for char in text)


def deletion_order(pods: list[KubeObject]) -> list[KubeObject]:
    """Return pods, those first that are missed least: unscheduled, not ready, doubled, young."""
    per_node: dict[str, int] = {}
    for pod in pods:
        node = pod["spec"].get("nodeName", "")
        per_node[node] = per_node.get(node, 0) + 1

    def rank(pod: KubeObject) -> tuple[object, ...]:
        node = pod["spec"].get("nodeName", "")
        status = pod.get("status") or {}
        restarts = [c.get("restartCount", 0) for c in status.get("containerStatuses") or ()]
        phases = {"Pending": 0, "Unknown": 1, "Running": 2}
        return (
            bool(node),
            phases.get(status.get("phase", "Pending"), 2),
            is_ready(pod),
            -per_node[node],
            -max(restarts, default=0),
            _newest_first(pod["metadata"]["creationTimestamp"]),
            pod["metadata"]["name"],
        )

    return sorted(pods, key=rank)
