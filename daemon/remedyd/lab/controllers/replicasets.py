"""How a Deployment finds, makes, scales and cleans up its ReplicaSets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from remedyd.lab.apiserver.copying import clone
from remedyd.lab.controllers.deployment_status import new_condition, set_condition, surge
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import (
    CONTROLLER_MANAGER,
    DEPLOYMENTS,
    HASH_LABEL,
    REPLICASETS,
    condition,
    is_terminating,
    key_of,
    owner_reference,
    template_hash,
    total,
)
from remedyd.model.values import KubeObject

_PREFIX = "deployment.kubernetes.io/"
Change = Callable[[KubeObject], None]
REVISION = f"{_PREFIX}revision"
HISTORY = f"{_PREFIX}revision-history"
DESIRED = f"{_PREFIX}desired-replicas"
MAXIMUM = f"{_PREFIX}max-replicas"
_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
}


@dataclass(slots=True)
class Owned:
    """A Deployment's ReplicaSets as they were when the sync began; `new` has its template."""

    new: KubeObject | None
    old: list[KubeObject]

    @property
    def every(self) -> list[KubeObject]:
        """All of them, the new one last."""
        return [*self.old, self.new] if self.new else list(self.old)


def replicas(obj: KubeObject) -> int:
    """Return the desired number of pods."""
    return int(obj["spec"].get("replicas", 1))


def age(obj: KubeObject) -> tuple[str, str]:
    """Sort key: oldest first, then by name."""
    return obj["metadata"]["creationTimestamp"], obj["metadata"]["name"]


def _revision(rs: KubeObject) -> int:
    return int((rs["metadata"].get("annotations") or {}).get(REVISION, 0))


def _bare(template: KubeObject) -> KubeObject:
    copy: KubeObject = clone(template)
    (copy.get("metadata", {}).get("labels") or {}).pop(HASH_LABEL, None)
    return copy


def find(env: Environment, deployment: KubeObject) -> Owned:
    """Return the Deployment's ReplicaSets, the oldest with its template as `new`."""
    mine = sorted(env.store.owned(REPLICASETS, deployment["metadata"]["uid"]), key=age)
    wanted = _bare(deployment["spec"]["template"])
    new = next((rs for rs in mine if _bare(rs["spec"]["template"]) == wanted), None)
    return Owned(new, [rs for rs in mine if rs is not new])


def ensure_new(env: Environment, deployment: KubeObject, owned: Owned, *, create: bool) -> None:
    """Bring the new ReplicaSet and the Deployment's revision up to date.

    A write of the Deployment makes the sync's own copy stale, so that whatever it would write
    afterwards is dropped, as a real controller runs into a conflict and tries again.
    """
    revision = max((_revision(rs) for rs in owned.old), default=0) + 1
    if owned.new is not None:
        _keep(env, deployment, owned, revision)
    if owned.new is not None or not create:
        return
    meta, spec = deployment["metadata"], deployment["spec"]
    template = clone(spec["template"])
    suffix = template_hash(template, (deployment.get("status") or {}).get("collisionCount", 0))
    template.setdefault("metadata", {}).setdefault("labels", {})[HASH_LABEL] = suffix
    selector = clone(spec["selector"])
    selector.setdefault("matchLabels", {})[HASH_LABEL] = suffix
    rs: KubeObject = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name']}-{suffix}",
            "labels": dict(template["metadata"]["labels"]),
            "annotations": _annotations(deployment) | {REVISION: str(revision)},
            "ownerReferences": [owner_reference(deployment, "apps/v1", "Deployment")],
        },
        "spec": {
            "replicas": wanted_of_new(deployment, owned, 0),
            "selector": selector,
            "template": template,
        },
    }
    if spec.get("minReadySeconds"):
        rs["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    owned.new = env.store.create(REPLICASETS, meta["namespace"], rs, manager=CONTROLLER_MANAGER)
    if replicas(owned.new):
        _tell(env, deployment, owned.new, 0, replicas(owned.new))
    text = f'Created new replica set "{owned.new["metadata"]["name"]}"'
    _announce(env, deployment, revision, "NewReplicaSetCreated", text)


def _keep(env: Environment, deployment: KubeObject, owned: Owned, revision: int) -> None:
    new = owned.new
    assert new is not None
    notes = dict(new["metadata"].get("annotations") or {})
    changed = {**notes, **_copied(deployment)}
    held = _revision(new)
    if held < revision:
        changed[REVISION] = str(revision)
        if held:
            past = [part for part in notes.get(HISTORY, "").split(",") if part]
            changed[HISTORY] = ",".join([*past, str(held)])
    ready = int(deployment["spec"].get("minReadySeconds") or 0)
    if changed != notes or ready != int(new["spec"].get("minReadySeconds") or 0):

        def write(rs: KubeObject) -> None:
            rs["metadata"]["annotations"] = changed
            if ready:
                rs["spec"]["minReadySeconds"] = ready
            else:
                rs["spec"].pop("minReadySeconds", None)

        owned.new = env.store.mutate(REPLICASETS, *key_of(new), write, manager=CONTROLLER_MANAGER)
    text = f'Found new replica set "{new["metadata"]["name"]}"'
    _announce(env, deployment, max(held, revision), "FoundNewReplicaSet", text)


def _announce(
    env: Environment, deployment: KubeObject, revision: int, reason: str, text: str
) -> None:
    created = reason == "NewReplicaSetCreated"
    with_deadline = deployment["spec"].get("progressDeadlineSeconds") is not None
    known = condition(deployment.get("status") or {}, "Progressing")
    notes = deployment["metadata"].get("annotations") or {}
    note_it = with_deadline and (created or known is None)
    if (not note_it and notes.get(REVISION) == str(revision)) or is_stale(env, deployment):
        return

    def write(current: KubeObject) -> None:
        current["metadata"].setdefault("annotations", {})[REVISION] = str(revision)
        if note_it:
            status = current.setdefault("status", {})
            now = env.timeline.now()
            set_condition(status, new_condition("Progressing", "True", reason, text, now))

    env.store.mutate(
        DEPLOYMENTS, *key_of(deployment), write, manager=CONTROLLER_MANAGER, subresource="status"
    )


def is_stale(env: Environment, deployment: KubeObject) -> bool:
    """Say whether the Deployment was written since this copy was read, or is gone."""
    current = env.store.peek(DEPLOYMENTS, *key_of(deployment))
    version = deployment["metadata"]["resourceVersion"]
    return current is None or current["metadata"]["resourceVersion"] != version


def _copied(deployment: KubeObject) -> dict[str, str]:
    notes = deployment["metadata"].get("annotations") or {}
    return {name: value for name, value in notes.items() if name not in _NOT_COPIED}


def _annotations(deployment: KubeObject) -> dict[str, str]:
    return _copied(deployment) | _sizes(deployment)


def _sizes(deployment: KubeObject) -> dict[str, str]:
    wanted = replicas(deployment)
    return {DESIRED: str(wanted), MAXIMUM: str(wanted + surge(deployment))}


def wanted_of_new(deployment: KubeObject, owned: Owned, current: int) -> int:
    """Return how large the new ReplicaSet may be now."""
    wanted = replicas(deployment)
    if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        return wanted
    room = wanted + surge(deployment) - total(owned.every, "spec", "replicas")
    if room <= 0:
        return current
    return current + min(room, wanted - current)


def scale(env: Environment, deployment: KubeObject, rs: KubeObject, size: int) -> bool:
    """Give a ReplicaSet a size and note the Deployment's on it; say whether the size changed."""
    before = replicas(rs)
    notes = rs["metadata"].get("annotations") or {}
    sizes = _sizes(deployment)
    if before == size and all(notes.get(name) == value for name, value in sizes.items()):
        return False

    def write(current: KubeObject) -> None:
        current["spec"]["replicas"] = size
        current["metadata"].setdefault("annotations", {}).update(sizes)

    env.store.mutate(REPLICASETS, *key_of(rs), write, manager=CONTROLLER_MANAGER)
    if before != size:
        _tell(env, deployment, rs, before, size)
    return before != size


def _tell(env: Environment, deployment: KubeObject, rs: KubeObject, old: int, new: int) -> None:
    direction = "up" if new > old else "down"
    name = rs["metadata"]["name"]
    env.recorder.report(
        deployment,
        "ScalingReplicaSet",
        f"Scaled {direction} replica set {name} from {old} to {new}",
        component="deployment-controller",
    )


def clean_up(env: Environment, deployment: KubeObject, old: Sequence[KubeObject]) -> None:
    """Delete the oldest empty ReplicaSets beyond the revision history limit."""
    limit = deployment["spec"].get("revisionHistoryLimit", 10)
    alive = sorted((rs for rs in old if not is_terminating(rs)), key=_revision)
    for rs in alive[: max(0, len(alive) - int(limit))]:
        status = rs.get("status") or {}
        settled = int(status.get("observedGeneration", 0)) >= rs["metadata"]["generation"]
        if not status.get("replicas") and replicas(rs) == 0 and settled:
            env.store.delete(REPLICASETS, *key_of(rs), manager=CONTROLLER_MANAGER)
