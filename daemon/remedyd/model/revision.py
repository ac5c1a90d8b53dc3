"""An earlier or the present pod template of a workload, whatever the controller keeps it in."""

from dataclasses import dataclass
from datetime import datetime

from remedyd.model.values import KubeObject


@dataclass(frozen=True, slots=True)
class Revision:
    """A ReplicaSet of a Deployment, or a ControllerRevision of the other kinds.

    `number` grows with each rollout; a rollout back to an old template moves its revision to the
    top, so `created` may be older than the last time it was rolled out. `serves`: its pods run
    right now and all of them are ready (False also where that is not known).
    """

    name: str
    number: int
    created: datetime
    template: KubeObject
    serves: bool = False
