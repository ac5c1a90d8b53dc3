"""ControllerRevisions: the history of StatefulSets and DaemonSets."""

from remedyd.lab.apiserver.copying import clone
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import (
    CONTROLLER_MANAGER,
    REVISIONS,
    key_of,
    owner_reference,
    template_hash,
)
from remedyd.model.values import KubeObject

REVISION_LABEL = "controller-revision-hash"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def template_of(revision: KubeObject) -> KubeObject:
    """Return the pod template that a revision keeps."""
    template: KubeObject = clone(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    return template


def history(env: Environment, owner: KubeObject) -> list[KubeObject]:
    """Return the owner's revisions, oldest first."""
    own = env.store.owned(REVISIONS, owner["metadata"]["uid"])
    return sorted(own, key=lambda revision: int(revision["revision"]))


def current_revision(env: Environment, owner: KubeObject) -> KubeObject:
    """Return the revision with the owner's template, made or moved to the top as needed."""
    known = history(env, owner)
    template = owner["spec"]["template"]
    last = int(known[-1]["revision"]) if known else 0
    found = next((r for r in known if template_of(r) == template), None)
    if found is None:
        return _create(env, owner, last + 1)
    if int(found["revision"]) == last:
        return found

    def write(revision: KubeObject) -> None:
        revision["revision"] = last + 1

    return env.store.mutate(REVISIONS, *key_of(found), write, manager=CONTROLLER_MANAGER)


def _create(env: Environment, owner: KubeObject, number: int) -> KubeObject:
    meta, template = owner["metadata"], owner["spec"]["template"]
    suffix = template_hash(template)
    labels = dict((template.get("metadata") or {}).get("labels") or {})
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if k != _LAST_APPLIED}
    revision: KubeObject = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{meta['name']}-{suffix}",
            "labels": labels | {REVISION_LABEL: hash_of(owner["kind"], meta["name"], suffix)},
            "ownerReferences": [owner_reference(owner, "apps/v1", owner["kind"])],
        },
        "data": {"spec": {"template": clone(template) | {"$patch": "replace"}}},
        "revision": number,
    }
    if notes:
        revision["metadata"]["annotations"] = notes
    return env.store.create(REVISIONS, meta["namespace"], revision, manager=CONTROLLER_MANAGER)


def hash_of(kind: str, name: str, suffix: str) -> str:
    """Return the value of the revision label: StatefulSets put their name in front."""
    return f"{name}-{suffix}" if kind == "StatefulSet" else suffix


def label_of(revision: KubeObject) -> str:
    """Return the value that pods of this revision carry in their revision label."""
    return str(revision["metadata"]["labels"][REVISION_LABEL])


def prune(env: Environment, owner: KubeObject, live: set[str]) -> None:
    """Delete the oldest revisions beyond the limit that no pod (`live` labels) uses."""
    limit = int(owner["spec"].get("revisionHistoryLimit", 10))
    spare = [revision for revision in history(env, owner) if label_of(revision) not in live]
    for revision in spare[: max(0, len(spare) - limit)]:
        env.store.delete(REVISIONS, *key_of(revision), manager=CONTROLLER_MANAGER)
