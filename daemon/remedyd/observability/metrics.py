"""Prometheus metrics. One registry per daemon, so that two in one test process stay apart.

A counter that can be alerted on begins at zero for every value of its labels that is known: a
series that appears with its first event shows no increase.
"""

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.process_collector import ProcessCollector

from remedyd import __version__
from remedyd.model import State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_REQUESTS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
_ROUND_TRIPS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
_OWN: Final = (
    0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.0175, 0.02, 0.025, 0.03, 0.05, 0.1, 0.25, 1.0,
)  # fmt: skip
_STAGES: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The daemon's own counters and gauges; `docs/metrics.md` lists them."""

    def __init__(self) -> None:
        """Register every metric at its zero value."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series each, of no use
        self.registry = CollectorRegistry()
        add = self.registry
        ProcessCollector(registry=add)
        self._daemon(add)
        self._audits(add)
        self._proposals(add)
        self._stages(add)
        self._pace(add)
        self._faces(add)
        self._outbox(add)
        for state in State:
            self.transitions.labels(state.value)

    def _daemon(self, add: CollectorRegistry) -> None:
        build = Gauge("remedyd_build_info", "The running version; 1", ["version"], registry=add)
        build.labels(__version__).set(1)
        self.leading = Gauge(
            "remedyd_leading", "Whether this replica is the one that acts", registry=add
        )
        self.paused = Gauge(
            "remedyd_paused", "Whether a person has stopped every write", registry=add
        )
        self.limits = Gauge("remedyd_limit", "Limits in force", ["limit"], registry=add)
        self.configuration_valid = Gauge(
            "remedyd_configuration_valid",
            "Whether the policies and audits on disk are valid: 0 if older ones stay in force",
            registry=add,
        )
        self.configuration_loaded = Gauge(
            "remedyd_configuration_loaded_timestamp_seconds",
            "When the policies and audits in force were read",
            registry=add,
        )
        self.credentials_valid = Gauge(
            "remedyd_credentials_valid",
            "Whether the credentials and certificates on disk are in force: 0 if older ones stay",
            ["part"],
            registry=add,
        )
        self.rights = Gauge(
            "remedyd_rights",
            "Kubernetes rights that are missing, and ones held without need",
            ["finding"],
            registry=add,
        )
        self.clock_ahead = Gauge(
            "remedyd_clock_ahead_seconds",
            "How far our clock is ahead of the API server's, at its last answer",
            registry=add,
        )
        self.clock_jumps = Counter(
            "remedyd_clock_jumps", "How often the machine's clock was set", ["way"], registry=add
        )

    def _audits(self, add: CollectorRegistry) -> None:
        self.audit_runs = Counter(
            "remedyd_audit_runs", "Audit runs by outcome", ["audit", "outcome"], registry=add
        )
        self.audit_seconds = Histogram(
            "remedyd_audit_duration_seconds", "Time of an audit run", ["audit"], registry=add
        )
        self.audit_rows = Gauge(
            "remedyd_audit_rows", "Rows of the last run", ["audit", "severity"], registry=add
        )
        self.audit_last = Gauge(
            "remedyd_audit_last_success_timestamp_seconds",
            "When the audit last gave usable rows; 0: not since the start",
            ["audit"],
            registry=add,
        )
        self.audit_interval = Gauge(
            "remedyd_audit_interval_seconds",
            "Time between two runs of the audit, the longest of its schedule",
            ["audit"],
            registry=add,
        )
        self.audit_parts = Gauge(
            "remedyd_audit_parts",
            "Queries of the latest run: more than one where a big result is read by namespace",
            ["audit"],
            registry=add,
        )
        self.audits_skipped = Counter(
            "remedyd_audit_runs_skipped",
            "Runs that the scheduler left out",
            ["audit"],
            registry=add,
        )

    def _proposals(self, add: CollectorRegistry) -> None:
        self.decisions = Counter(
            "remedyd_decisions",
            "Decisions by policy, kind and reason",
            ["policy", "kind", "reason"],
            registry=add,
        )
        self.transitions = Counter(
            "remedyd_proposal_transitions", "Proposals entering a state", ["state"], registry=add
        )
        self.open_proposals = Gauge(
            "remedyd_proposals_open", "Proposals that have not ended", ["state"], registry=add
        )
        self.writes = Counter(
            "remedyd_writes",
            "Changes and undos at the door to the cluster by action and result",
            ["action", "operation", "result"],
            registry=add,
        )
        self.guardrails = Counter(
            "remedyd_guardrail_refusals",
            "Changes that a guardrail stopped when planning, approving, writing or undoing",
            ["at", "reason"],
            registry=add,
        )
        self.holds = Gauge(
            "remedyd_holds", "Quarantines and storms in force", ["kind"], registry=add
        )
        self.alerts = Counter(
            "remedyd_alerts", "Things that a person has to look at", ["kind"], registry=add
        )
        self.read_backs = Counter(
            "remedyd_changes_lost",
            "Changes that did not last or never reached the pods",
            ["finding"],
            registry=add,
        )

    def _stages(self, add: CollectorRegistry) -> None:
        self.stage_seconds = Histogram(
            "remedyd_stage_duration_seconds",
            "Time of a stage of an audit cycle, or of a step of a proposal",
            ["stage"],
            buckets=_STAGES,
            registry=add,
        )
        self.stage_errors = Counter(
            "remedyd_stage_errors",
            "Stages that ended in an error",
            ["stage", "error"],
            registry=add,
        )

    def _pace(self, add: CollectorRegistry) -> None:
        self.kubernetes_seconds = Histogram(
            "remedyd_kubernetes_request_duration_seconds",
            "Time of a request to the Kubernetes API, answer included",
            ["method"],
            buckets=_ROUND_TRIPS,
            registry=add,
        )
        self.own_seconds = Histogram(
            "remedyd_approval_to_write_own_seconds",
            "From the arrival of an approval to its write, without the API server's round trips",
            buckets=_OWN,
            registry=add,
        )

    def _faces(self, add: CollectorRegistry) -> None:
        self.request_seconds = Histogram(
            "remedyd_http_request_duration_seconds",
            "Time of a request by route, waiting reads included",
            ["route"],
            buckets=_REQUESTS,
            registry=add,
        )
        self.requests = Counter(
            "remedyd_http_requests",
            "Requests by route and status",
            ["route", "status"],
            registry=add,
        )
        self.authentication_failures = Counter(
            "remedyd_authentication_failures", "Requests without a valid credential", registry=add
        )

    def _outbox(self, add: CollectorRegistry) -> None:
        self.outbox_waiting = Gauge(
            "remedyd_outbox_waiting",
            "Letters that wait to be taken (audit trail, Kubernetes Events)",
            ["channel"],
            registry=add,
        )
        self.outbox_oldest = Gauge(
            "remedyd_outbox_oldest_timestamp_seconds",
            "When the oldest waiting letter was written; 0: none waits",
            ["channel"],
            registry=add,
        )
        self.outbox_set_aside = Gauge(
            "remedyd_outbox_set_aside",
            "Letters that the receiver does not take",
            ["channel"],
            registry=add,
        )
        self.outbox_sent = Counter(
            "remedyd_outbox_sent",
            "Letters by what became of them: created, known, set_aside, refused, late",
            ["channel", "result"],
            registry=add,
        )
        self.outbox_omitted = Counter(
            "remedyd_outbox_omitted",
            "Refusals, decisions and notes left out of a full outbox",
            ["kind"],
            registry=add,
        )

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
