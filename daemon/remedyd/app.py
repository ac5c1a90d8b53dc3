"""Builds the daemon's object graph, starts it and stops it.

A start that fails half-way is taken back: what was opened is closed in reverse order, and the
error says what to mend. The order is: store, Elasticsearch, Kubernetes, audits and policies,
loop, schedule.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial

from remedyd.actions.planner import Planner
from remedyd.audits.definition import AuditDefinition
from remedyd.audits.revisions import AuditedRevisions
from remedyd.audits.runner import AuditRunner
from remedyd.cluster.access import Reviewer
from remedyd.cluster.client import Cluster
from remedyd.cluster.dates import Dates
from remedyd.cluster.door import ClusterDoor, Door, RecordingDoor
from remedyd.cluster.lately import Lately
from remedyd.elastic.client import ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.entitlements import Entitlements
from remedyd.errors import ConfigurationError, IdentityUnavailable, InvalidInput
from remedyd.jobs import Jobs
from remedyd.leading import Leading
from remedyd.library import Library, Loaded
from remedyd.loop import Loop
from remedyd.model import Clock, ProposalId, State
from remedyd.observability import logs, traces
from remedyd.observability.alerts import Alerts
from remedyd.observability.metrics import Metrics
from remedyd.policy.guardrails import Guardrails, load_guardrails
from remedyd.proposals.attempts import Attempts
from remedyd.proposals.gate import Gate
from remedyd.proposals.ids import ProposalIds
from remedyd.proposals.store import Store
from remedyd.readiness import Readiness
from remedyd.reporting import Reporting
from remedyd.rights import requested, rights
from remedyd.scheduler import Scheduler
from remedyd.service import Service
from remedyd.settings import Settings
from remedyd.stages.apply import Apply, AwaitRollout, StartApply
from remedyd.stages.controls import Controls
from remedyd.stages.cycle import Step
from remedyd.stages.guard import Guard
from remedyd.stages.inforce import InForce
from remedyd.stages.lookback import LookBack
from remedyd.stages.moves import Moves
from remedyd.stages.nominate import Decide, RunAudit
from remedyd.stages.pace import Pace, PacedDoor
from remedyd.stages.propose import AutoApprove, Propose
from remedyd.stages.prove import Prove
from remedyd.stages.quarantine import SetAside
from remedyd.stages.recent import Recent
from remedyd.stages.review import Review
from remedyd.stages.settle import Rollback, StartRollback
from remedyd.stages.signals import Signals
from remedyd.stages.storm import WatchStorms
from remedyd.stages.tally import CountedDoor, Scheduled, Tally, show_limits
from remedyd.stages.timekeeping import Timekeeping
from remedyd.stages.trend import Trend

log = logs.get(__name__)

_LEASE_SECONDS = 3.0
"""For how long a request about the Lease may hang; the next one comes soon enough."""


_LARGEST_ANSWER = 16 << 20
"""Bytes that an audit's rows may have: 10,000 of them with 1.6 kB each."""


class App:
    """A daemon: everything between the settings and the faces."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; nothing is opened before `start`."""
        self.settings = settings
        self.clock: Clock = settings.clock.clock()
        self.metrics = Metrics()
        self._pace = Pace(self.metrics)
        self._opened = ExitStack()
        self._cluster: Cluster | None = None
        self._library: Library | None = None
        self._started = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # deciding and proposing take turns

    def start(self, chores: Mapping[str, Callable[[], object]] | None = None) -> Service:
        """Open everything, begin the schedule, and return the service.

        `chores` are further jobs, run every minute of the machine's clock. Raises RemedydError
        with everything taken back when a part cannot be opened.
        """
        self._stopping.clear()
        with ExitStack() as opened:
            service = self._build(opened, chores or {})
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
        return self._library is not None and self._library.check()

    def reviewer(self) -> Reviewer:
        """Return whom to ask about callers; raise IdentityUnavailable before the start."""
        if self._cluster is None:
            raise IdentityUnavailable("not connected to Kubernetes yet", hint="try again")
        return self._cluster

    def _build(self, opened: ExitStack, chores: Mapping[str, Callable[[], object]]) -> Service:
        settings = self.settings
        opened.callback(
            traces.configure(
                settings.traces.endpoint, settings.traces.headers_value(), settings.cluster_name
            )
        )
        reporting = Reporting(settings, self.clock, self.metrics)
        store, source = self._open_store(opened, reporting), self._open_source(opened)
        dates = Dates(self.clock)
        timekeeping = Timekeeping(self.clock, dates.ahead, self.metrics)
        cluster = self._cluster = self._connect(opened, dates)
        hurried = cluster.hurried(_LEASE_SECONDS)
        leading = Leading.start(settings, hurried, self.clock, opened, store.outdated)

        def goes_on() -> bool:
            return not self._stopping.is_set() and leading()

        library = Library(settings.audits, settings.policies, self.clock, self.metrics)
        self._library, audits = library, library.audits
        entitlements = self._entitlements(cluster, library)
        gate_audit = library.loaded.audits.gate
        runner = AuditRunner(source, self.clock, settings.cluster_name, gate=gate_audit)
        library.on_change(lambda loaded: runner.guard_by(loaded.audits.gate))
        lately = Lately(cluster, self.clock)
        planner = Planner(
            cluster,
            self.clock,
            AuditedRevisions(runner, lambda: library.audits),
            entitled=entitlements.check,
            lately=lately,
        )
        guardrails = self._guardrails()
        show_limits(self.metrics, settings, guardrails)
        attempts = Attempts(store, self.clock)
        recent, alerts, ids = Recent(), Alerts(self.metrics), ProposalIds(self.clock)
        lookback = LookBack(cluster, store, self.clock, ids, alerts, self.metrics)
        guard = Guard(
            store,
            cluster,
            self.clock,
            guardrails,
            self.metrics,
            dry_run=settings.dry_run,
            lookback=lookback.check,
            lately=lately,
            timekeeping=timekeeping,
            in_force=InForce(library.policies, library.check),
        )
        gate = self._gate(store, Review(guard, cluster, planner))
        mail = reporting.open(store, cluster, goes_on, recent.failing, opened)
        storms = WatchStorms(
            store, lately, self.clock, ids, guardrails, alerts, settings.cluster_name
        )
        door = self._door(cluster, gate, planner, guard, leading)
        deciding = Decide(store, library.policies, self.clock, self.metrics, self._lock, guardrails)
        proposing = Propose(
            planner, gate, self.metrics, self._lock, guard, alerts, store.not_proposed
        )
        loop = Loop(
            stages=(
                RunAudit(runner, audits, self.metrics),
                storms,
                deciding,
                recent,
                Trend(runner, audits),
                proposing,
                AutoApprove(gate),
            ),
            steps=self._steps(
                runner, audits, cluster, door, store, alerts, lookback, timekeeping.settled
            ),
            store=store,
            gate=gate,
            clock=self.clock,
            metrics=self.metrics,
            chores=(leading.look, SetAside(store, self.clock, ids, guardrails, alerts)),
            leads=goes_on,
        )
        pool = ThreadPoolExecutor(settings.limits.workers, thread_name_prefix="work")
        opened.callback(pool.shutdown, wait=True, cancel_futures=True)
        own: Mapping[str, Callable[[], object]] = {
            "retention": lambda: self._forget(store, timekeeping),
            "reload": library.check,
            "rights": entitlements.refresh,
        }
        tally = Tally(store, self.metrics, leading)
        scheduler = self._schedule(loop, library, pool, {**chores, **own}, mail, tally)
        scheduler.on_jump(timekeeping.jumped)
        opened.callback(scheduler.stop)
        leading.on_gain(lambda: scheduler.run_now("proposals"))
        self._tell_of_changes(library, store)
        return Service(
            store=store,
            gate=gate,
            loop=loop,
            planner=planner,
            runner=runner,
            audits=audits,
            policies=library.policies,
            recent=recent,
            guard=guard,
            controls=Controls(store, self.clock, attempts),
            attempts=attempts,
            readiness=Readiness(
                {
                    "store": store.check,
                    "kubernetes": cluster.hurried(_LEASE_SECONDS).version,
                    "elasticsearch": source.ping,
                },
                started=self._started.is_set,
                others=(timekeeping.reasons, reporting.reasons),
            ),
            notices=_all_of(
                library.notices,
                entitlements.notices,
                timekeeping.notices,
                logs.trouble,
                reporting.notices,
            ),
            wake=lambda proposal: _submit(pool, loop, proposal),
            run_now=scheduler.run_now,
            signals=Signals(
                AuditRunner(source, self.clock, settings.cluster_name), audits, self.clock
            ),
            alerts=alerts,
            pace=self._pace,
        )

    def _open_store(self, opened: ExitStack, reporting: Reporting) -> Store:
        """Open the store and bring it to our schema."""
        store = Store(
            self.settings.database,
            self.clock,
            reports=reporting.reports,
            entered=lambda state: self.metrics.transitions.labels(state.value).inc(),
        )
        opened.callback(store.close)
        store.migrate()
        return store

    def _open_source(self, opened: ExitStack) -> ElasticSource:
        """Open the connection to the telemetry."""
        link = replace(Connection.of(self.settings.elasticsearch), largest=_LARGEST_ANSWER)
        source = ElasticSource(link)
        opened.callback(source.close)
        return source

    def _connect(self, opened: ExitStack, dates: Dates) -> Cluster:
        """Open the connection to the API server."""
        kubernetes = self.settings.kubernetes
        cluster = Cluster.connect(
            kubeconfig=kubernetes.kubeconfig,
            context=kubernetes.context,
            timeout_seconds=kubernetes.timeout_seconds,
            took=self._pace.took,
            dates=dates,
        )
        opened.callback(cluster.close)
        return cluster

    def _guardrails(self) -> Guardrails:
        """Return the limits in force; remedyd's own namespace is always protected."""
        path = self.settings.guardrails
        found = load_guardrails(path) if path else Guardrails()
        return found.protecting(self.settings.own_namespace())

    def _gate(self, store: Store, review: Review) -> Gate:
        limits = self.settings.limits
        return Gate(
            store,
            self.clock,
            ProposalIds(self.clock),
            life=timedelta(seconds=limits.approval_seconds),
            workflow_life=timedelta(seconds=limits.workflow_approval_seconds),
            review=review,
        )

    def _door(
        self, cluster: Cluster, gate: Gate, planner: Planner, guard: Guard, leading: Leading
    ) -> Door:
        """Dry run is substitution: the recording door does all but the write."""
        kind = RecordingDoor if self.settings.dry_run else ClusterDoor
        door = kind(
            leading.guarded(cluster),
            self.clock,
            self._pace.fenced(partial(leading.fence, partial(guard.fence, gate))),
            undo_fence=partial(leading.fence, partial(guard.undo_fence, gate)),
            recheck=planner.recheck,
        )
        return CountedDoor(PacedDoor(door, self._pace), self.metrics)

    def _steps(
        self,
        runner: AuditRunner,
        audits: Mapping[str, AuditDefinition],
        cluster: Cluster,
        door: Door,
        store: Store,
        alerts: Alerts,
        lookback: LookBack,
        settled: Callable[[], bool],
    ) -> Mapping[State, Step]:
        """Return what follows from each state after the approval."""
        moves = Moves(store, self.metrics, alerts)
        life = timedelta(seconds=self.settings.limits.approval_seconds)
        undo = StartRollback(moves)
        return {
            State.APPROVED: StartApply(moves, self.clock, life),
            State.APPLYING: Apply(door, moves, self.clock, life),
            State.APPLIED: AwaitRollout(cluster, moves, self.clock, lookback, settled),
            State.VERIFYING: Prove(runner, audits, moves, self.clock, lookback, store.open_at),
            State.INEFFECTIVE: undo,
            State.HARMFUL: undo,
            State.ROLLING_BACK: Rollback(door, cluster, moves, self.clock),
        }

    def _entitlements(self, cluster: Cluster, library: Library) -> Entitlements:
        wanted = self.settings.rights
        try:
            asked = requested(wanted.requested_actions, wanted.requested_namespaces)
        except InvalidInput as error:
            words = f"rights.requested_actions: {error.message}"
            raise ConfigurationError(words, hint=error.hint) from error
        found = Entitlements(
            cluster,
            library.policies,
            self.metrics,
            self.clock,
            requested=asked,
            most_excess=wanted.most_excess,
            least=partial(
                rights,
                dry_run=self.settings.dry_run,
                events=self.settings.trail.kubernetes_events,
            ),
        )
        found.start()
        library.on_change(lambda _: found.outdated())
        return found

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
        scheduled = Scheduled(self.metrics)
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
        """Delete finished proposals that are older than the retention, by a clock we believe."""
        if not timekeeping.settled():
            return
        store.delete_finished(
            self.clock.now() - timedelta(days=self.settings.limits.retention_days)
        )


def _all_of(*told: Callable[[], Sequence[str]]) -> Callable[[], list[str]]:
    return lambda: [text for each in told for text in each()]


def _submit(pool: ThreadPoolExecutor, loop: Loop, proposal: ProposalId) -> None:
    try:
        pool.submit(loop.advance, proposal)
    except RuntimeError:  # stopping: the next start takes the approved proposal up
        log.info("approved while stopping: the next start applies it", proposal=proposal)
