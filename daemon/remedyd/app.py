"""The daemon: what its settings make of it, from its start to its stop.

A start that fails half-way is taken back: what was opened is closed in reverse order, and the
error says what to mend. What the daemon consists of is in `wiring`; here it is put on a schedule.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial

from remedyd.cluster.access import Reviewer
from remedyd.credentials import Credentials
from remedyd.errors import IdentityUnavailable
from remedyd.jobs import Jobs
from remedyd.library import Library, Loaded
from remedyd.loop import Loop
from remedyd.model import Clock, ProposalId
from remedyd.observability import concealing, logs
from remedyd.observability.metrics import Metrics
from remedyd.proposals.store import Store
from remedyd.scheduler import Scheduler
from remedyd.service import Service
from remedyd.settings import Settings
from remedyd.stages.controls import Controls
from remedyd.stages.tally import Scheduled, Tally
from remedyd.stages.timekeeping import Timekeeping
from remedyd.wiring import Wiring

log = logs.get(__name__)


class App:
    """A daemon: everything between the settings and the faces."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; nothing is opened before `start`."""
        self.settings = settings
        self.clock: Clock = settings.clock.clock()
        self.metrics = Metrics()
        self.credentials = Credentials(self.metrics, partial(concealing.held, settings))
        self._opened = ExitStack()
        self._wiring: Wiring | None = None
        self._started = threading.Event()
        self._stopping = threading.Event()

    def start(self, chores: Mapping[str, Callable[[], object]] | None = None) -> Service:
        """Open everything, begin the schedule, and return the service.

        `chores` are further jobs, run every minute of the machine's clock. Raises RemedydError
        with everything taken back when a part cannot be opened.
        """
        self._stopping.clear()
        with ExitStack() as opened:
            service = self._begin(opened, chores or {})
            self._opened = opened.pop_all()
        self._started.set()
        named, dry = self.settings.cluster_name, self.settings.dry_run
        log.info(
            f"started for cluster {named or '(unnamed)'}, {'dry run' if dry else 'with writes'}",
            cluster=named,
            dry_run=dry,
        )
        return service

    def stop(self) -> None:
        """Stop the schedule, let running work end, and close everything."""
        self._stopping.set()  # a cycle ends with the stage that it is at, mail with its batch
        self._started.clear()
        self._opened.close()
        log.info("stopped")

    def reload(self) -> bool:
        """Read policies and audits again if their files changed; return whether they count now."""
        return self._wiring is not None and self._wiring.library.check()

    def reviewer(self) -> Reviewer:
        """Return whom to ask about callers; raise IdentityUnavailable before the start."""
        if self._wiring is None:
            raise IdentityUnavailable("not connected to Kubernetes yet", hint="try again")
        return self._wiring.cluster

    def _begin(self, opened: ExitStack, chores: Mapping[str, Callable[[], object]]) -> Service:
        parts = Wiring(
            self.settings,
            self.clock,
            self.metrics,
            self.credentials,
            opened,
            started=self._started.is_set,
            stopping=self._stopping.is_set,
        )
        parts.open()
        self._wiring = parts
        own: Mapping[str, Callable[[], object]] = {
            "retention": lambda: self._forget(parts.store, parts.timekeeping),
            "reload": parts.library.check,
            "credentials": self.credentials.check,
            "rights": parts.entitlements.refresh,
        }
        tally = Tally(parts.store, self.metrics, parts.leading)
        scheduler = self._schedule(
            parts.loop, parts.library, parts.pool, {**chores, **own}, parts.mail, tally
        )
        scheduler.on_jump(parts.timekeeping.jumped)
        opened.callback(scheduler.stop)
        parts.leading.on_gain(lambda: scheduler.run_now("proposals"))
        self._tell_of_changes(parts.library, parts.store)
        return self._service(parts, scheduler.run_now)

    def _service(self, parts: Wiring, run_now: Callable[[str], bool]) -> Service:
        return Service(
            store=parts.store,
            gate=parts.gate,
            loop=parts.loop,
            planner=parts.planner,
            runner=parts.runner,
            audits=parts.library.audits,
            policies=parts.library.policies,
            recent=parts.recent,
            guard=parts.guard,
            controls=Controls(parts.store, self.clock, parts.attempts),
            attempts=parts.attempts,
            readiness=parts.readiness,
            notices=parts.notices,
            wake=lambda proposal: _submit(parts.pool, parts.loop, proposal),
            run_now=run_now,
            signals=parts.signals,
            alerts=parts.alerts,
            pace=parts.pace,
        )

    def _schedule(
        self,
        loop: Loop,
        library: Library,
        pool: ThreadPoolExecutor,
        chores: Mapping[str, Callable[[], object]],
        mail: Callable[[], None],
        tally: Callable[[], None],
    ) -> Scheduler:
        """Start the jobs, and keep them in step with the audits in force."""
        scheduler = Scheduler(self.clock, pool, partial(self._left_out, library))
        jobs = Jobs(scheduler, loop)
        jobs.follow(library.loaded)
        jobs.begin({"outbox": mail, "tally": tally}, chores)
        scheduled = Scheduled(self.metrics, scheduler.pause)
        scheduled.follow(library.loaded.policies.audits)
        library.on_change(jobs.follow)
        library.on_change(lambda loaded: scheduled.follow(loaded.policies.audits))
        scheduler.start()
        return scheduler

    def _tell_of_changes(self, library: Library, store: Store) -> None:
        """Put into the audit trail what is read anew, and what is not valid.

        After everybody else has heard of it: a store that is silent must hold up no reload.
        """

        def loaded(new: Loaded) -> None:
            text = f"{len(new.policies)} policies and {len(new.audits)} audits"
            store.configured(self.clock.now(), new.digest, text, valid=True)

        def refused(digest: str, text: str) -> None:
            store.configured(self.clock.now(), digest, text, valid=False)

        library.on_change(loaded)
        library.on_refused(refused)

    def _left_out(self, library: Library, job: str) -> None:
        """Tell of an audit whose last run takes so long that the next one is left out."""
        if job in library.loaded.policies.audits:
            self.metrics.audits_skipped.labels(job).inc()
            log.warning(f"a run of audit {job} is left out: the last one is not over", audit=job)

    def _forget(self, store: Store, timekeeping: Timekeeping) -> None:
        """Delete finished proposals that are older than the retention, by a clock we believe.

        A stop does not wait for the end of a long history: the next start goes on with it.
        """
        if not timekeeping.settled():
            return
        kept = timedelta(days=self.settings.limits.retention_days)
        store.delete_finished(self.clock.now() - kept, rest=self._stopping.wait)


def _submit(pool: ThreadPoolExecutor, loop: Loop, proposal: ProposalId) -> None:
    try:
        pool.submit(loop.advance, proposal)
    except RuntimeError:  # stopping: the next start takes the approved proposal up
        log.info("approved while stopping: the next start applies it", proposal=proposal)
