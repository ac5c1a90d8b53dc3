"""The revisions of a workload, from ReplicaSets or ControllerRevisions, in one form."""

import copy
from datetime import datetime

from remedyd.cluster.reader import revision
from remedyd.model.revision import Revision
from remedyd.model.values import KubeObject

_HASH = "pod-template-hash"


def of_replicaset(replicaset: KubeObject) -> Revision:
    """Return the revision that a Deployment's ReplicaSet is."""
    status = replicaset.get("status") or {}
    pods = int(status.get("replicas") or 0)
    return Revision(
        name=str(replicaset["metadata"]["name"]),
        number=revision(replicaset),
        created=_created(replicaset),
        template=template_of(replicaset),
        serves=0 < pods == int(status.get("readyReplicas") or 0),
    )


def of_controller_revision(found: KubeObject) -> Revision:
    """Return the revision that a ControllerRevision of a StatefulSet or DaemonSet keeps."""
    template: KubeObject = copy.deepcopy(found["data"]["spec"]["template"])
    template.pop("$patch", None)
    return Revision(
        name=str(found["metadata"]["name"]),
        number=int(found["revision"]),
        created=_created(found),
        template=template,
    )


def template_of(replicaset: KubeObject) -> KubeObject:
    """Return a ReplicaSet's pod template as its Deployment had it."""
    template: KubeObject = copy.deepcopy(replicaset["spec"]["template"])
    template["metadata"].get("labels", {}).pop(_HASH, None)
    return template


def _created(obj: KubeObject) -> datetime:
    return datetime.fromisoformat(obj["metadata"]["creationTimestamp"])
