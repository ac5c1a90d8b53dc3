"""The ReplicaSet controller: as many pods as wanted, and a status that counts them."""

from datetime import timedelta

from remedyd.lab.apiserver.status import StatusError
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import (
    CONTROLLER_MANAGER,
    PODS,
    REPLICASETS,
    Key,
    condition,
    controller_ref,
    is_active,
    is_finished,
    is_terminating,
    key_of,
    ready_since,
    stamp,
)
from remedyd.lab.controllers.podmaker import (
    create_pod,
    delete_pod,
    deletion_order,
    new_pod,
    pods_of,
)
from remedyd.lab.timeline import WorkQueue
from remedyd.model.values import KubeObject

_COMPONENT = "replicaset-controller"
_FIRST_RETRY, _LAST_RETRY = 0.5, 60.0


class ReplicaSetController:
    """Follows ReplicaSets and their pods."""

    def __init__(self, env: Environment) -> None:
        """Take the shared parts; the lab calls `observe` for every change."""
        self._env = env
        self._queue = WorkQueue(env.timeline, self.sync, env.lag)
        self._failures: dict[Key, int] = {}

    def observe(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Note which ReplicaSet a change is about."""
        if gvr == REPLICASETS and type_ != "DELETED":
            self._queue.add(key_of(obj))
        elif gvr == PODS:
            ref = controller_ref(obj)
            if ref and ref["kind"] == "ReplicaSet":
                self._queue.add((obj["metadata"]["namespace"], ref["name"]))

    def sync(self, key: Key) -> None:
        """Bring one ReplicaSet a step further."""
        rs = self._env.store.peek(REPLICASETS, *key)
        if rs is None:
            self._failures.pop(key, None)
            return
        pods = pods_of(self._env, rs)
        failure = None if is_terminating(rs) else self._manage(rs, pods)
        self._write_status(rs, pods, failure)
        if failure is None:
            self._failures.pop(key, None)
            return
        tries = self._failures[key] = self._failures.get(key, 0) + 1
        self._queue.add(key, min(_LAST_RETRY, _FIRST_RETRY * 2**tries))

    def _manage(self, rs: KubeObject, pods: list[KubeObject]) -> StatusError | None:
        active = [pod for pod in pods if is_active(pod)]
        missing = int(rs["spec"].get("replicas", 1)) - len(active)
        try:
            for _ in range(missing):
                pod = new_pod(rs, rs["spec"]["template"])
                create_pod(self._env, rs, pod, _COMPONENT)
            for pod in deletion_order(active)[: max(0, -missing)]:
                delete_pod(self._env, rs, pod, _COMPONENT)
        except StatusError as error:
            return error
        return None

    def _write_status(
        self, rs: KubeObject, pods: list[KubeObject], failure: StatusError | None
    ) -> None:
        now = self._env.timeline.now()
        active = [pod for pod in pods if is_active(pod)]
        ready = [since for pod in active if (since := ready_since(pod)) is not None]
        wait = timedelta(seconds=int(rs["spec"].get("minReadySeconds") or 0))
        counts = {
            "fullyLabeledReplicas": len(active),
            "readyReplicas": len(ready),
            "availableReplicas": sum(since + wait <= now for since in ready),
        }
        status: KubeObject = {"replicas": len(active)}
        status |= {name: count for name, count in counts.items() if count}
        leaving = [pod for pod in pods if is_terminating(pod) and not is_finished(pod)]
        status["terminatingReplicas"] = len(leaving)
        status["observedGeneration"] = rs["metadata"]["generation"]
        conditions = self._conditions(rs, failure)
        if conditions:
            status["conditions"] = conditions
        if wait and counts["availableReplicas"] < len(ready):
            soonest = min(since + wait for since in ready if since + wait > now)
            self._queue.add(key_of(rs), (soonest - now).total_seconds() + 0.01)
        if status == rs.get("status"):
            return

        def write(obj: KubeObject) -> None:
            obj["status"] = status

        self._env.store.mutate(
            REPLICASETS, *key_of(rs), write, manager=CONTROLLER_MANAGER, subresource="status"
        )

    def _conditions(self, rs: KubeObject, failure: StatusError | None) -> list[KubeObject]:
        if failure is None:
            return []
        known = condition(rs.get("status") or {}, "ReplicaFailure")
        return [
            known
            or {
                "type": "ReplicaFailure",
                "status": "True",
                "lastTransitionTime": stamp(self._env.timeline.now()),
                "reason": "FailedCreate",
                "message": failure.message,
            }
        ]
