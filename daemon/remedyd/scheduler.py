"""When things run. The only module that knows APScheduler, which is untyped.

Jobs are derived from the audits at every start and kept in memory: nothing is pickled, and the
state that matters is in the store. A run that is late runs once (`coalesce`), never twice at
the same time (`max_instances`), and audits do not all start in the same second (`jitter`).

APScheduler goes by the machine's clock: set back an hour, it would do nothing for an hour. So that
clock is watched, and when it is set every job is planned anew.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.base import run_job
from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from remedyd.model import Clock, Drift

_JITTER_SHARE = 0.05
_LOOK_SECONDS = 1.0
_LOOKED_AT = 30
"""Runs of a cron expression among which the longest pause is looked for: a month of daily ones."""
_LEAP = timedelta(minutes=15)
"""Runs that are closer are leapt over in a week that has many, such as one of office hours."""
_INSTANT = timedelta(microseconds=1)


class _SharedPool(BasePoolExecutor):  # type: ignore[misc]  # APScheduler has no types
    """Runs jobs in the daemon's own pool, so that one bound holds for all work."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        super().__init__(pool)

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        def ended(run: Future[Any]) -> None:
            if run.cancelled():  # the daemon stops: no result, and no complaint
                return
            if error := run.exception():
                self._run_job_error(job.id, error, error.__traceback__)
            else:
                self._run_job_success(job.id, run.result())

        work = (job, job._jobstore_alias, run_times, self._logger.name)
        self._pool.submit(run_job, *work).add_done_callback(ended)

    def shutdown(self, wait: bool = True) -> None:
        """Leave the pool to its owner."""


class Scheduler:
    """Starts jobs by interval or cron expression, or at once on request."""

    def __init__(
        self,
        clock: Clock,
        pool: ThreadPoolExecutor,
        skipped: Callable[[str], None],
        *,
        drift: Drift | None = None,
    ) -> None:
        """Take the clock that intervals are measured on; `skipped` hears of left-out runs.

        `drift` says when the machine's clock was set.
        """
        self._clock = clock
        self._drift = drift or Drift()
        self._stopping = threading.Event()
        self._told: Callable[[timedelta], None] = lambda by: None
        self._jobs = BackgroundScheduler(timezone=UTC)
        self._jobs.add_executor(_SharedPool(pool))
        self._jobs.add_listener(
            lambda event: skipped(event.job_id), EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED
        )

    def every(
        self, name: str, interval: timedelta, job: Callable[[], None], *, wall: bool = False
    ) -> None:
        """Run `job` now and then each `interval` of the clock, with a little jitter.

        `wall` measures on the machine's clock instead: for chores that concern the machine.
        """
        seconds = interval.total_seconds() if wall else self._clock.wall_seconds(interval)
        trigger = IntervalTrigger(
            seconds=max(seconds, 0.05), jitter=seconds * _JITTER_SHARE, timezone=UTC
        )
        self._add(name, trigger, job, first=datetime.now(UTC))

    def cron(self, name: str, expression: str, job: Callable[[], None]) -> None:
        """Run `job` by a five-field cron expression, in UTC."""
        self._add(name, CronTrigger.from_crontab(expression, timezone=UTC), job)

    def _add(
        self, name: str, trigger: Any, job: Callable[[], None], first: datetime | None = None
    ) -> None:
        options = {"next_run_time": first} if first else {}
        self._jobs.add_job(
            job,
            trigger,
            id=name,
            name=name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,  # late is better than never: the window follows the clock
            replace_existing=True,
            **options,
        )

    def remove(self, name: str) -> None:
        """Run job `name` no more; a run that has begun ends as it will."""
        with suppress(JobLookupError):
            self._jobs.remove_job(name)

    def run_now(self, name: str) -> bool:
        """Bring the next run of job `name` forward to now; False if there is no such job."""
        try:
            self._jobs.modify_job(name, next_run_time=datetime.now(UTC))
        except JobLookupError:
            return False
        return True

    def pause(self, name: str) -> float:
        """Return the most seconds between two runs of job `name` by its schedule, 0 without one."""
        job = self._jobs.get_job(name)
        if job is None:
            return 0.0
        if isinstance(job.trigger, IntervalTrigger):
            return float(job.trigger.interval.total_seconds())

        def after(moment: datetime) -> datetime | None:
            found: datetime | None = job.trigger.get_next_fire_time(None, moment)
            return found

        now = datetime.now(UTC)
        return max(_among_the_next(after, now), _within_a_week(after, now)).total_seconds()

    def on_jump(self, told: Callable[[timedelta], None]) -> None:
        """Have `told` hear by how much the machine's clock was set, whenever it was."""
        self._told = told

    def start(self) -> None:
        """Start the jobs."""
        self._jobs.start()
        threading.Thread(target=self._watch, name="clock-watch", daemon=True).start()

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            if by := self._drift.look():
                self._told(by)
                self.plan_anew()

    def plan_anew(self) -> None:
        """Run what goes by intervals now, and the rest when its expression says next."""
        now = datetime.now(UTC)
        for job in self._jobs.get_jobs():
            by_interval = isinstance(job.trigger, IntervalTrigger)
            when = now if by_interval else job.trigger.get_next_fire_time(None, now)
            with suppress(JobLookupError):  # removed meanwhile
                self._jobs.modify_job(job.id, next_run_time=when)

    def stop(self) -> None:
        """Start no further job; those that run are the pool's to finish."""
        self._stopping.set()
        if self._jobs.running:
            self._jobs.shutdown(wait=False)


def _among_the_next(after: Callable[[datetime], datetime | None], now: datetime) -> timedelta:
    """Return the longest pause between the next runs; an expression may be true once, or never."""
    longest, last = timedelta(0), after(now)
    for _ in range(_LOOKED_AT):
        following = last and after(last + _INSTANT)
        if not last or not following:
            break
        longest, last = max(longest, following - last), following
    return longest


def _within_a_week(after: Callable[[datetime], datetime | None], now: datetime) -> timedelta:
    """Return the longest pause that begins within eight days, 0 if none exceeds a leap."""
    longest, moment = timedelta(0), after(now)
    while moment and moment < now + timedelta(days=8):
        following = after(moment)
        if following and following - moment > longest:
            longest = following - _latest(after, moment)
        moment = max(following, moment + _LEAP) if following else None
    return longest


def _latest(after: Callable[[datetime], datetime | None], moment: datetime) -> datetime:
    """Return the last run before `moment`, which is no more than a leap earlier."""
    last = moment - _LEAP
    while (following := after(last + _INSTANT)) and following < moment:
        last = following
    return last
