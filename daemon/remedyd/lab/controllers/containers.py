"""The life of a container on a simulated kubelet: pull, run, get ready, exit, back off, restart.

Every step that lies in the future carries the container's epoch; a change in between (the pod
is deleted, a fault comes or goes) raises the epoch and so cancels what was planned.
"""

import dataclasses
from collections.abc import Callable

from remedyd.lab.behaviour import Behaviour, End
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import PODS, stamp
from remedyd.lab.controllers.runtime import FIRST_BACK_OFF, LAST_BACK_OFF, Container, PodRun
from remedyd.lab.faults import Fault, FaultBoard, afflict

_RESET_AFTER_SECONDS = 600.0
_REMINDER_SECONDS = 15.0

Publish = Callable[[PodRun], None]
FaultsOf = Callable[[PodRun], list[Fault]]


class ContainerLife:
    """Moves containers from state to state; `publish` writes the pod's status after each."""

    def __init__(
        self, env: Environment, board: FaultBoard, faults_of: FaultsOf, publish: Publish
    ) -> None:
        """Take the shared parts, the faults, and how to make a change visible."""
        self._env = env
        self._board = board
        self._faults_of = faults_of
        self._publish = publish

    def pull(self, run: PodRun, container: Container) -> None:
        """Get the image; start the container if it is there, else try again later."""
        present = container.image not in self._board.missing_images
        if present:
            text = f'Container image "{container.image}" already present on machine'
            self._report(run, container, "Pulled", f"{text} and can be accessed by the pod")
            self._report(run, container, "Created", "Container created")
            self.start(run, container)
            return
        image = container.image
        self._report(run, container, "Pulling", f'Pulling image "{image}"')
        text = (
            f'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to pull '
            f'and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
        )
        self._report(run, container, "Failed", text, warning=True)
        self._report(run, container, "Failed", "Error: ErrImagePull", warning=True)
        container.waiting = {"reason": "ErrImagePull", "message": text.split(": ", 1)[1]}
        self._publish(run)
        pause = min(LAST_BACK_OFF, FIRST_BACK_OFF * 2**container.pulls)
        container.pulls += 1
        self._later(run, container, self._env.jitter(1.0, 3.0), self._back_off_pull)
        self._later(run, container, pause + self._env.jitter(3.0, 5.0), self.pull)

    def _back_off_pull(self, run: PodRun, container: Container) -> None:
        text = f'Back-off pulling image "{container.image}"'
        container.waiting = {"reason": "ImagePullBackOff", "message": text}
        self._report(run, container, "BackOff", text)
        self._report(run, container, "Failed", "Error: ImagePullBackOff", warning=True)
        self._publish(run)

    def start(self, run: PodRun, container: Container) -> None:
        """Run the container from now on."""
        if container.terminated is not None or container.last is not None:
            container.restarts += 1
            container.last = container.terminated or container.last
        container.terminated = None
        container.pulls = 0
        container.id = f"{self._env.random.getrandbits(256):064x}"
        container.started_at = stamp(self._env.timeline.now())
        self._report(run, container, "Started", "Container started")
        self.plan(run, container, self._env.timeline.seconds)
        self._publish(run)

    def plan(self, run: PodRun, container: Container, started: float) -> None:
        """Work out, from the faults now in force, how a container started then goes on."""
        container.epoch += 1
        healthy = not container.profile.never_ready
        plain = Behaviour(container.profile, started, container.phase, healthy=healthy)
        first = run.containers[0].name
        behaviour = afflict(plain, self._faults_of(run), run.uid, container.name, first)
        container.behaviour = behaviour
        now = self._env.timeline.seconds
        end = behaviour.end()
        if end is not None:
            spread = self._env.jitter(0.0, 0.5)
            self._later(
                run, container, max(0.5, end.at - now) + spread, lambda r, c: self._exit(r, c, end)
            )
        if not behaviour.healthy:
            self._hang(run, container)
        elif not container.ready:
            wait = started + container.profile.ready_after - now
            spread = self._env.jitter(0.0, 0.6)
            self._later(run, container, max(0.1, wait) + spread, self._become_ready)

    def _become_ready(self, run: PodRun, container: Container) -> None:
        if container.behaviour is not None:
            container.ready = True
            self._publish(run)

    def _hang(self, run: PodRun, container: Container) -> None:
        if container.ready:
            container.ready = False
            self._publish(run)
        text = "Readiness probe failed: HTTP probe failed with statuscode: 503"
        self._report(run, container, "Unhealthy", text, warning=True)
        self._later(run, container, 10 * _REMINDER_SECONDS, self._hang)

    def _exit(self, run: PodRun, container: Container, end: End) -> None:
        behaviour = container.behaviour
        if behaviour is None:
            return
        now = self._env.timeline
        if now.seconds - behaviour.started >= _RESET_AFTER_SECONDS:
            container.crashes = 0
        container.crashes += 1
        container.epoch += 1
        container.behaviour, container.ready = None, False
        container.terminated = {
            "exitCode": end.code,
            "reason": end.reason,
            "startedAt": container.started_at,
            "finishedAt": stamp(now.now()),
            "containerID": f"containerd://{container.id}",
        }
        self._publish(run)
        self._later(run, container, self._env.jitter(0.5, 1.2), self._after_exit)

    def _after_exit(self, run: PodRun, container: Container) -> None:
        if container.back_off == 0:
            self.pull(run, container)
            return
        seconds = int(container.back_off)
        text = f"{seconds // 60}m{seconds % 60}s" if seconds >= 60 else f"{seconds}s"
        namespace, name = run.key
        message = f"back-off {text} restarting failed container={container.name} pod={name}"
        container.waiting = {
            "reason": "CrashLoopBackOff",
            "message": f"{message}_{namespace}({run.uid})",
        }
        container.last, container.terminated = container.terminated, None
        self._publish(run)
        self._remind(run, container)
        self._later(run, container, container.back_off, self.pull)

    def _remind(self, run: PodRun, container: Container) -> None:
        if container.behaviour is not None or not container.waiting:
            return
        namespace, name = run.key
        text = f"Back-off restarting failed container {container.name} in pod {name}"
        self._report(run, container, "BackOff", f"{text}_{namespace}({run.uid})", warning=True)
        self._later(run, container, _REMINDER_SECONDS, self._remind)

    def replan(self, run: PodRun) -> None:
        """Apply changed faults to containers that run, and try missing images again."""
        for container in run.containers:
            if container.behaviour is not None:
                self.plan(run, container, container.behaviour.started)
            elif container.waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff"):
                container.epoch += 1
                self._later(run, container, self._env.jitter(1.0, 5.0), self.pull)

    def resume(self, run: PodRun) -> None:
        """Go on after the node was away: what was due meanwhile happens now."""
        for container in run.containers:
            if container.behaviour is not None:
                self.plan(run, container, container.behaviour.started)
            else:
                container.epoch += 1
                self._later(run, container, self._env.jitter(0.5, 2.0), self.pull)

    def resize(self, run: PodRun, container: Container, limit: float | None) -> None:
        """Give a container another memory limit in place."""
        container.profile = dataclasses.replace(container.profile, memory_limit=limit)
        if container.behaviour is not None:
            self.plan(run, container, container.behaviour.started)

    def restart(self, run: PodRun, container: Container) -> None:
        """Stop a running container and start it at once, as a resize policy asks."""
        if container.behaviour is None:
            return
        container.epoch += 1
        container.behaviour, container.ready = None, False
        container.terminated = {
            "exitCode": 0,
            "reason": "Completed",
            "startedAt": container.started_at,
            "finishedAt": stamp(self._env.timeline.now()),
            "containerID": f"containerd://{container.id}",
        }
        self.start(run, container)

    def stop(self, run: PodRun) -> None:
        """Begin to stop all containers: nothing that was planned happens any more."""
        for container in run.containers:
            container.epoch += 1
            self._report(run, container, "Killing", f"Stopping container {container.name}")

    def _later(
        self,
        run: PodRun,
        container: Container,
        seconds: float,
        step: Callable[[PodRun, Container], None],
    ) -> None:
        epoch = container.epoch

        def go() -> None:
            if container.epoch == epoch and run.node not in self._board.dead_nodes:
                step(run, container)

        self._env.timeline.after(seconds, go)

    def _report(
        self, run: PodRun, container: Container, reason: str, text: str, *, warning: bool = False
    ) -> None:
        pod = self._env.store.peek(PODS, *run.key)
        if pod is not None:
            self._env.recorder.report(
                pod,
                reason,
                text,
                component="kubelet",
                warning=warning,
                host=run.node,
                container=container.name,
            )
