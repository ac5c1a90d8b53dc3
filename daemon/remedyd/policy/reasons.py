"""Why a decision came out as it did: stable codes for logs, metrics and policy tests."""

from enum import StrEnum

from remedyd.model.audit import AuditOutcome


class Reason(StrEnum):
    """The reason codes of decisions. An Error about an audit uses the audit's outcome instead."""

    MATCHED = "Matched"
    """Propose: everything the policy asks for holds."""
    SUSPECTED_LEAK = "SuspectedLeak"
    """Propose: more memory would feed a leak, so a person is told instead. Hold: told already."""

    SUSTAIN = "Sustain"
    """Hold: it matches, but not yet often enough."""
    ALREADY_OPEN = "AlreadyOpen"
    """Hold: the workload has an open proposal."""
    COOLDOWN = "Cooldown"
    """Hold: the last proposal of this policy for the workload, or the last change of the workload,
    ended too recently."""
    STEPS_EXHAUSTED = "StepsExhausted"
    """Hold: every step was tried as often as it may be within a day."""
    PAUSED = "Paused"
    """Hold: remedyd is paused."""
    DUPLICATE_TARGET = "DuplicateTarget"
    """Hold: another row or policy comes first for the same workload in this cycle."""
    TOO_MANY_TARGETS = "TooManyTargets"
    """Hold: too large a share of the namespace's workloads matches at once."""
    HOURLY_LIMIT = "HourlyLimit"
    """Hold: the policy has made as many proposals as it may within an hour."""
    LADDER_STOPPED = "LadderStopped"
    """Hold: the last rung did harm, proved nothing or could not be undone; a person decides."""

    CLOCK_WRONG = "ClockWrong"
    """Hold: our clock and the API server's are not the same time."""
    CLOCK_SET = "ClockSet"
    """Hold: the clock was set a moment ago, so telemetry cannot be dated."""
    PROTECTED_NAMESPACE = "ProtectedNamespace"
    """Hold: nothing is written in this namespace."""
    OPTED_OUT = "OptedOut"
    """Hold: the workload or its namespace is annotated `remedyd.io/mode: off`."""
    STRICTER_MODE = "StricterMode"
    """Hold: an annotation allows less than the change would go."""
    FROZEN = "Frozen"
    """Hold: a freeze window holds."""
    OUTSIDE_MAINTENANCE = "OutsideMaintenance"
    """Hold: no maintenance window is open."""
    STORM = "Storm"
    """Hold: too much is wrong at once, or a node is not ready."""
    QUARANTINED = "Quarantined"
    """Hold: the target was set aside after repeated failure."""
    REPEAT = "Repeat"
    """Hold: the same was tried and did not help."""
    CONCURRENCY = "Concurrency"
    """Hold: as many changes are under way as may be."""
    NAMESPACE_SHARE = "NamespaceShare"
    """Hold: as many of the namespace's workloads are under change as may be."""
    RATE_LIMIT = "RateLimit"
    """Hold: as many changes were written within the hour as may be."""

    DISABLED = "Disabled"
    """Skip: the policy's mode is Disabled."""
    SEVERITY = "Severity"
    """Skip: the row's severity is not one the policy acts on."""
    KIND = "Kind"
    """Skip: the policy does not act on this kind of workload."""
    NAMESPACE = "Namespace"
    """Skip: the policy does not act in this namespace."""
    NAME = "Name"
    """Skip: the policy does not act on a workload of this name."""
    CONDITION = "Condition"
    """Skip: a condition is false."""
    NO_STEP = "NoStep"
    """Skip: no step's `when` is true."""

    STALE = "Stale"
    """Skip: the row's newest sample is too old. As an Error: the whole audit's are."""
    TOO_FEW_SAMPLES = "TooFewSamples"
    """Skip: too few samples stand behind the row."""

    CONDITION_ERROR = "ConditionError"
    """Skip or Error, as `failurePolicy` says: a condition gave no answer."""


OUTCOMES = frozenset(str(outcome) for outcome in AuditOutcome if outcome is not AuditOutcome.OK)
"""The reasons of an Error about an audit that gave no usable rows."""
