"""All the simulated kubelets in one: they start bound pods, run and stop them, and report."""

from collections.abc import Iterator

from remedyd.lab.controllers.containers import ContainerLife
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import (
    KUBELET,
    PODS,
    REPLICASETS,
    Key,
    controller_ref,
    is_finished,
    is_terminating,
    key_of,
    stamp,
)
from remedyd.lab.controllers.podresize import PodResizes
from remedyd.lab.controllers.podstatus import render
from remedyd.lab.controllers.runtime import PodRun, containers_of
from remedyd.lab.faults import Fault, FaultBoard, Workload
from remedyd.lab.timeline import WorkQueue
from remedyd.model.values import KubeObject


class Kubelets:
    """Follows pods that are bound to a node; `runs` is what telemetry reads."""

    def __init__(self, env: Environment, board: FaultBoard) -> None:
        """Take the shared parts and the faults; the lab calls `observe` for every change."""
        self._env = env
        self._board = board
        self._queue = WorkQueue(env.timeline, self.sync, lambda: env.jitter(0.02, 0.15))
        self._runs: dict[Key, PodRun] = {}
        self._addresses: dict[str, int] = {}
        self._life = ContainerLife(env, board, self._faults_of, self._publish)
        self._resizes = PodResizes(env, self._life, self.runs, self._publish, self._queue.add)

    def observe(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Note which pod a change is about."""
        if gvr == PODS and obj["spec"].get("nodeName"):
            self._queue.add(key_of(obj))

    def runs(self) -> Iterator[PodRun]:
        """Yield the pods on nodes that answer."""
        for run in list(self._runs.values()):
            if run.node not in self._board.dead_nodes:
                yield run

    def run_of(self, key: Key) -> PodRun | None:
        """Return what the kubelet knows of a pod."""
        return self._runs.get(key)

    def sync(self, key: Key) -> None:
        """Bring one pod a step further."""
        pod = self._env.store.peek(PODS, *key)
        run = self._runs.get(key)
        if run is not None and (pod is None or pod["metadata"]["uid"] != run.uid):
            for container in run.containers:
                container.epoch += 1
            del self._runs[key]
            run = None
        node = pod["spec"].get("nodeName") if pod else None
        if pod is None or not node or node in self._board.dead_nodes:
            return
        if run is None and not is_finished(pod):
            self._start(pod)
        elif run is not None:
            self._update(pod, run)

    def _start(self, pod: KubeObject) -> None:
        if is_terminating(pod):
            self._remove(pod["metadata"]["uid"], key_of(pod))
            return
        node = pod["spec"]["nodeName"]
        number = self._addresses[node] = self._addresses.get(node, 1) + 1
        subnet = int("".join(char for char in node if char.isdigit()) or 9) % 250
        timeline = self._env.timeline
        run = PodRun(
            key=key_of(pod),
            uid=pod["metadata"]["uid"],
            node=node,
            ip=f"10.200.{subnet}.{number % 250 + 2}",
            started=stamp(timeline.now()),
            started_seconds=timeline.seconds,
            sandboxed=stamp(timeline.now()),
            containers=containers_of(pod, self._env.random.random()),
        )
        self._runs[run.key] = run
        self._publish(run)
        timeline.after(self._env.jitter(0.5, 1.0), lambda: self._start_containers(run))

    def _start_containers(self, run: PodRun) -> None:
        if self._runs.get(run.key) is not run or run.stopping:
            return
        if run.node in self._board.dead_nodes:
            return
        for container in run.containers:
            self._life.pull(run, container)

    def _update(self, pod: KubeObject, run: PodRun) -> None:
        if is_terminating(pod):
            if not run.stopping:
                self._stop(pod, run)
            return
        self._resizes.sync(pod, run)

    def _stop(self, pod: KubeObject, run: PodRun) -> None:
        run.stopping = True
        self._life.stop(run)
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds", 30))
        slowest = max(container.profile.stop_after for container in run.containers)
        wait = min(grace, slowest) + self._env.jitter(0.1, 0.6)
        self._env.timeline.after(wait, lambda: self._stopped(run))

    def _stopped(self, run: PodRun) -> None:
        if run.node in self._board.dead_nodes:
            run.stopping = False
            return
        self._remove(run.uid, run.key)

    def _remove(self, uid: str, key: Key) -> None:
        pod = self._env.store.peek(PODS, *key)
        if pod is not None and pod["metadata"]["uid"] == uid:
            self._env.store.delete(PODS, *key, grace_seconds=0, manager=KUBELET)

    def _publish(self, run: PodRun) -> None:
        pod = self._env.store.peek(PODS, *run.key)
        if pod is None or pod["metadata"]["uid"] != run.uid or run.stopping:
            return
        status = render(pod, run, stamp(self._env.timeline.now()))

        def write(obj: KubeObject) -> None:
            obj["status"] = status

        self._env.store.mutate(PODS, *run.key, write, manager=KUBELET, subresource="status")

    def workload_of(self, run: PodRun) -> Workload:
        """Return the workload a pod belongs to: a Deployment rather than its ReplicaSet."""
        pod = self._env.store.peek(PODS, *run.key)
        ref = controller_ref(pod) if pod else None
        if ref is None:
            return run.key[0], "Pod", run.key[1]
        if ref["kind"] == "ReplicaSet":
            rs = self._env.store.peek(REPLICASETS, run.key[0], ref["name"])
            owner = controller_ref(rs) if rs else None
            if owner is not None:
                return run.key[0], owner["kind"], owner["name"]
        return run.key[0], ref["kind"], ref["name"]

    def _faults_of(self, run: PodRun) -> list[Fault]:
        return self._board.of(self.workload_of(run))

    def faults_changed(self, workload: Workload | None = None) -> None:
        """Work out anew how the containers of a workload (None: of all) go on."""
        for run in list(self._runs.values()):
            if not run.stopping and (workload is None or self.workload_of(run) == workload):
                self._life.replan(run)

    def node_is_back(self, node: str) -> None:
        """Catch up with everything that happened to a node's pods while it did not answer."""
        for pod in self._env.store.scan(PODS):
            if pod["spec"].get("nodeName") == node:
                self._queue.add(key_of(pod))
        for run in list(self._runs.values()):
            if run.node == node:
                self._publish(run)
                self._life.resume(run)
