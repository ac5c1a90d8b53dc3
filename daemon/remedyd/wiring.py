"""The daemon's parts, and who needs whom.

A part is made when it is first asked for, out of the parts that it asks for in turn: so there is no
order to keep by hand, and each dependency stands where it is used. What holds something open is
different, for it is closed in the reverse order: `open` tells that order.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import cached_property, partial

from remedyd.actions.planner import Planner
from remedyd.audits.revisions import AuditedRevisions
from remedyd.audits.runner import AuditRunner
from remedyd.cluster.client import Cluster
from remedyd.cluster.dates import Dates
from remedyd.cluster.door import ClusterDoor, Door, RecordingDoor
from remedyd.cluster.lately import Lately
from remedyd.credentials import Credentials
from remedyd.elastic.client import ElasticSource
from remedyd.elastic.connection import Connection
from remedyd.elastic.renewal import renewing
from remedyd.entitlements import Entitlements
from remedyd.errors import ConfigurationError, InvalidInput
from remedyd.leading import Leading
from remedyd.library import Library
from remedyd.loop import Loop
from remedyd.model import Clock, State
from remedyd.observability import logs, traces
from remedyd.observability.alerts import Alerts
from remedyd.observability.metrics import Metrics
from remedyd.policy.guardrails import Guardrails, load_guardrails
from remedyd.proposals import passwords
from remedyd.proposals.attempts import Attempts
from remedyd.proposals.gate import Gate
from remedyd.proposals.ids import ProposalIds
from remedyd.proposals.store import Store
from remedyd.readiness import Readiness
from remedyd.reporting import Reporting
from remedyd.rights import requested, rights
from remedyd.settings import Settings
from remedyd.stages.apply import Apply, AwaitRollout, StartApply
from remedyd.stages.cycle import Stage, Step
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
from remedyd.stages.report import Mail
from remedyd.stages.review import Review
from remedyd.stages.settle import Rollback, StartRollback
from remedyd.stages.signals import Signals
from remedyd.stages.storm import WatchStorms
from remedyd.stages.tally import CountedDoor, show_limits
from remedyd.stages.timekeeping import Timekeeping
from remedyd.stages.trend import Trend

_HURRIED_SECONDS = 3.0
"""For how long a request may hang whose next one comes soon enough: the Lease, readiness."""

_LARGEST_ANSWER = 16 << 20
"""Bytes that an audit's rows may have: 10,000 of them with 1.6 kB each."""


class Wiring:
    """The parts of one daemon between its settings and its schedule."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        metrics: Metrics,
        credentials: Credentials,
        opened: ExitStack,
        *,
        started: Callable[[], bool],
        stopping: Callable[[], bool],
    ) -> None:
        """Take what is given; what is opened on the way is closed with `opened`."""
        self.settings = settings
        self.clock = clock
        self.metrics = metrics
        self.credentials = credentials
        self.pace = Pace(metrics)
        self.alerts = Alerts(metrics)
        self.recent = Recent()
        self.ids = ProposalIds(clock)
        self.dates = Dates(clock)
        self.reporting = Reporting(settings, clock, metrics)
        self._opened = opened
        self._started = started
        self._stopping = stopping
        self._deciding = threading.Lock()  # deciding and proposing take turns

    def open(self) -> None:
        """Open what can fail, each after what has to outlive it.

        Raises RemedydError that says what to mend.
        """
        trace = self.settings.traces
        self._opened.callback(
            traces.configure(trace.endpoint, trace.headers_value(), self.settings.cluster_name)
        )
        self._held = (
            self.store,
            self.source,
            self.cluster,
            self.leading,
            self.library,
            self.entitlements,
            self.guardrails,
            self.mail,
            self.pool,
        )
        show_limits(self.metrics, self.settings, self.guardrails)

    @cached_property
    def store(self) -> Store:
        """The store, brought to our schema."""
        file = self.settings.database_file
        held = passwords.renewing(self.settings.database_url, (file,) if file else ())
        self.credentials.follow(held)
        store = Store(
            held.current(),
            self.clock,
            reports=self.reporting.reports,
            entered=lambda state: self.metrics.transitions.labels(state.value).inc(),
            held=held,
        )
        self._opened.callback(store.close)
        store.migrate()
        return store

    @cached_property
    def source(self) -> ElasticSource:
        """The connection to the telemetry."""

        def connect() -> Connection:
            return replace(Connection.of(self.settings.elasticsearch), largest=_LARGEST_ANSWER)

        held = renewing("elasticsearch", connect)
        self.credentials.follow(held)
        source = ElasticSource(connect(), held)
        self._opened.callback(source.close)
        return source

    @cached_property
    def cluster(self) -> Cluster:
        """The connection to the API server."""
        kubernetes = self.settings.kubernetes
        cluster = Cluster.connect(
            kubeconfig=kubernetes.kubeconfig,
            context=kubernetes.context,
            timeout_seconds=kubernetes.timeout_seconds,
            took=self.pace.took,
            dates=self.dates,
        )
        self._opened.callback(cluster.close)
        if cluster.account is not None:
            self.credentials.follow(cluster.account)
        return cluster

    @cached_property
    def leading(self) -> Leading:
        """Whether this replica acts."""
        hurried = self.cluster.hurried(_HURRIED_SECONDS)
        return Leading.start(self.settings, hurried, self.clock, self._opened, self.store.outdated)

    def acts(self) -> bool:
        """Return whether this replica leads, and nobody stops it."""
        return not self._stopping() and self.leading()

    @cached_property
    def library(self) -> Library:
        """The policies and audits in force."""
        settings = self.settings
        return Library(settings.audits, settings.policies, self.clock, self.metrics)

    @cached_property
    def entitlements(self) -> Entitlements:
        """What the API server lets us do."""
        wanted = self.settings.rights
        try:
            asked = requested(wanted.requested_actions, wanted.requested_namespaces)
        except InvalidInput as error:
            words = f"rights.requested_actions: {error.message}"
            raise ConfigurationError(words, hint=error.hint) from error
        found = Entitlements(
            self.cluster,
            self.library.policies,
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
        self.library.on_change(lambda _: found.outdated())
        return found

    @cached_property
    def guardrails(self) -> Guardrails:
        """The limits in force; remedyd's own namespace is always protected."""
        path = self.settings.guardrails
        found = load_guardrails(path) if path else Guardrails()
        return found.protecting(self.settings.own_namespace())

    @cached_property
    def mail(self) -> Mail:
        """What carries the audit trail out of the store."""
        return self.reporting.open(
            self.store,
            self.cluster,
            self.acts,
            self.recent.failing,
            self._opened,
            self.credentials.follow,
        )

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """The threads that the work is done in."""
        pool = ThreadPoolExecutor(self.settings.limits.workers, thread_name_prefix="work")
        self._opened.callback(pool.shutdown, wait=True, cancel_futures=True)
        return pool

    @cached_property
    def timekeeping(self) -> Timekeeping:
        """Whether the machine's clock can be believed."""
        return Timekeeping(self.clock, self.dates.ahead, self.metrics)

    @cached_property
    def runner(self) -> AuditRunner:
        """Runs audits, with the gate of the audits in force before them."""
        runner = AuditRunner(
            self.source,
            self.clock,
            self.settings.cluster_name,
            gate=self.library.loaded.audits.gate,
        )
        self.library.on_change(lambda loaded: runner.guard_by(loaded.audits.gate))
        return runner

    @cached_property
    def signals(self) -> Signals:
        """Audits as people and agents ask for them."""
        ungated = AuditRunner(self.source, self.clock, self.settings.cluster_name)
        return Signals(ungated, self.library.audits, self.clock)

    @cached_property
    def lately(self) -> Lately:
        """What was read of the cluster a moment ago, for what may be that old."""
        return Lately(self.cluster, self.clock)

    @cached_property
    def planner(self) -> Planner:
        """Plans changes from live objects."""
        return Planner(
            self.cluster,
            self.clock,
            AuditedRevisions(self.runner, lambda: self.library.audits),
            entitled=self.entitlements.check,
            lately=self.lately,
        )

    @cached_property
    def lookback(self) -> LookBack:
        """Looks whether what was written is still there."""
        return LookBack(self.cluster, self.store, self.clock, self.ids, self.alerts, self.metrics)

    @cached_property
    def guard(self) -> Guard:
        """The guardrails at the decision and at the door."""
        return Guard(
            self.store,
            self.cluster,
            self.clock,
            self.guardrails,
            self.metrics,
            dry_run=self.settings.dry_run,
            lookback=self.lookback.check,
            lately=self.lately,
            timekeeping=self.timekeeping,
            in_force=InForce(self.library.policies, self.library.check),
        )

    @cached_property
    def gate(self) -> Gate:
        """Where proposals are approved."""
        limits = self.settings.limits
        return Gate(
            self.store,
            self.clock,
            ProposalIds(self.clock),
            life=timedelta(seconds=limits.approval_seconds),
            workflow_life=timedelta(seconds=limits.workflow_approval_seconds),
            review=Review(self.guard, self.cluster, self.planner),
        )

    @cached_property
    def door(self) -> Door:
        """The one door for writes. Dry run is substitution: all but the write is done."""
        kind = RecordingDoor if self.settings.dry_run else ClusterDoor
        fence = partial(self.leading.fence, partial(self.guard.fence, self.gate))
        door = kind(
            self.leading.guarded(self.cluster),
            self.clock,
            self.pace.fenced(fence),
            undo_fence=partial(self.leading.fence, partial(self.guard.undo_fence, self.gate)),
            recheck=self.planner.recheck,
        )
        return CountedDoor(PacedDoor(door, self.pace), self.metrics)

    @cached_property
    def attempts(self) -> Attempts:
        """Who was refused what."""
        return Attempts(self.store, self.clock)

    @cached_property
    def loop(self) -> Loop:
        """The loop from an audit to a verdict."""
        aside = SetAside(self.store, self.clock, self.ids, self.guardrails, self.alerts)
        return Loop(
            stages=self._stages(),
            steps=self._steps(),
            store=self.store,
            gate=self.gate,
            clock=self.clock,
            metrics=self.metrics,
            chores=(self.leading.look, aside),
            leads=self.acts,
        )

    def _stages(self) -> tuple[Stage, ...]:
        """Return the gates from an audit to a proposal, in their order."""
        store, clock, library, limits = self.store, self.clock, self.library, self.guardrails
        named = self.settings.cluster_name
        return (
            RunAudit(self.runner, library.audits, self.metrics),
            WatchStorms(store, self.lately, clock, self.ids, limits, self.alerts, named),
            Decide(store, library.policies, clock, self.metrics, self._deciding, limits),
            self.recent,
            Trend(self.runner, library.audits),
            Propose(
                self.planner,
                self.gate,
                self.metrics,
                self._deciding,
                self.guard,
                self.alerts,
                store.not_proposed,
            ),
            AutoApprove(self.gate),
        )

    def _steps(self) -> Mapping[State, Step]:
        """Return what follows from each state after the approval."""
        clock, cluster, lookback = self.clock, self.cluster, self.lookback
        moves = Moves(self.store, self.metrics, self.alerts)
        life = timedelta(seconds=self.settings.limits.approval_seconds)
        audits, settled = self.library.audits, self.timekeeping.settled
        undo = StartRollback(moves)
        return {
            State.APPROVED: StartApply(moves, clock, life),
            State.APPLYING: Apply(self.door, moves, clock, life),
            State.APPLIED: AwaitRollout(cluster, moves, clock, lookback, settled),
            State.VERIFYING: Prove(self.runner, audits, moves, clock, lookback, self.store.open_at),
            State.INEFFECTIVE: undo,
            State.HARMFUL: undo,
            State.ROLLING_BACK: Rollback(self.door, cluster, moves, clock),
        }

    @cached_property
    def readiness(self) -> Readiness:
        """Why audits or writes cannot run now."""
        return Readiness(
            {
                "store": self.store.check,
                "kubernetes": self.cluster.hurried(_HURRIED_SECONDS).version,
                "elasticsearch": self.source.ping,
            },
            started=self._started,
            others=(self.timekeeping.reasons, self.reporting.reasons),
        )

    def notices(self) -> list[str]:
        """Return what an operator should know although work goes on."""
        parts: Sequence[Callable[[], Sequence[str]]] = (
            self.library.notices,
            self.credentials.notices,
            self.entitlements.notices,
            self.leading.notices,
            self.timekeeping.notices,
            logs.trouble,
            self.reporting.notices,
        )
        return [text for each in parts for text in each()]
