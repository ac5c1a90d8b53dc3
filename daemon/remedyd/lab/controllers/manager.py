"""All controllers together, fed by the store."""

from remedyd.lab.controllers.daemonset import DaemonSetController
from remedyd.lab.controllers.deployment import DeploymentController
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.garbage import GarbageCollector
from remedyd.lab.controllers.kubelet import Kubelets
from remedyd.lab.controllers.nodes import NodeController
from remedyd.lab.controllers.replicaset import ReplicaSetController
from remedyd.lab.controllers.scheduling import Scheduler
from remedyd.lab.controllers.statefulset import StatefulSetController
from remedyd.lab.faults import FaultBoard


class Controllers:
    """Builds the controllers and tells them of every change in the store."""

    def __init__(self, env: Environment, board: FaultBoard) -> None:
        """Start following the store."""
        self.kubelets = Kubelets(env, board)
        self.nodes = NodeController(env, board, self.kubelets)
        followers = (
            DeploymentController(env),
            ReplicaSetController(env),
            StatefulSetController(env),
            DaemonSetController(env),
            Scheduler(env),
            self.kubelets,
            GarbageCollector(env),
        )
        for follower in followers:
            env.store.on_change(follower.observe)
