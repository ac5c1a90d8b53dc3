"""Which jobs there are: one for each audit that a policy reads, and the daemon's own.

After a reload only the jobs of audits that came, went or changed their rhythm are touched; the
others keep their beat.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

from remedyd.audits.definition import AuditDefinition
from remedyd.errors import RemedydError
from remedyd.library import Loaded
from remedyd.loop import Loop
from remedyd.observability import logs
from remedyd.scheduler import Scheduler

log = logs.get(__name__)

_TICK = timedelta(seconds=5)
_CHORE = timedelta(minutes=1)


class Jobs:
    """Keeps the scheduler's jobs in step with the audits in force."""

    def __init__(self, scheduler: Scheduler, loop: Loop) -> None:
        """Take the scheduler and the loop that its jobs turn."""
        self._scheduler = scheduler
        self._loop = loop
        self._rhythms: dict[str, tuple[str, timedelta]] = {}
        self._lock = threading.Lock()

    def begin(
        self,
        often: Mapping[str, Callable[[], object]],
        chores: Mapping[str, Callable[[], object]],
    ) -> None:
        """Add the daemon's own jobs: what is done every few seconds, and every minute."""
        self._scheduler.every("proposals", _TICK, self._loop.tick)
        for rhythm, jobs in ((_TICK, often), (_CHORE, chores)):
            for name, job in jobs.items():
                self._scheduler.every(name, rhythm, _quietly(name, job), wall=True)

    def follow(self, loaded: Loaded) -> None:
        """Run each audit that an enabled policy reads, in its rhythm, and no other."""
        wanted = {
            name: (audit.cron or "", audit.interval)
            for name in sorted(loaded.policies.audits)
            for audit in (loaded.audits[name],)
        }
        with self._lock:
            for name in sorted(self._rhythms.keys() - wanted.keys()):
                self._scheduler.remove(name)
            for name, rhythm in wanted.items():
                if self._rhythms.get(name) != rhythm:
                    self._add(name, loaded.audits[name])
            self._rhythms = wanted

    def _add(self, name: str, audit: AuditDefinition) -> None:
        job = _cycle(self._loop, name)
        if audit.cron:
            self._scheduler.cron(name, audit.cron, job)
        else:
            self._scheduler.every(name, audit.interval, job)


def _cycle(loop: Loop, audit: str) -> Callable[[], None]:
    def job() -> None:
        loop.cycle(audit)

    return job


def _quietly(name: str, chore: Callable[[], object]) -> Callable[[], None]:
    """Return `chore` as a job whose failure is told and tried again at the next turn."""

    def job() -> None:
        try:
            chore()
        except RemedydError as error:
            log.error(f"the job {name} failed: {error.message}", job=name, hint=error.hint)

    return job
