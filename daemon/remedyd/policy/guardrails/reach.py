"""How much may be under way at once, and how much within an hour."""

from remedyd.policy.guardrails.snapshot import HOUR, Snapshot


def too_many_at_once(s: Snapshot) -> str:
    """Return why another change must wait until one has ended."""
    limit = s.guardrails.concurrency
    under_way = sum(change.open for change in s.ahead) + len(s.claimed)
    if under_way < limit:
        return ""
    return f"{under_way} changes are under way, at most {limit} may be"


def others_under_change(s: Snapshot) -> set[str]:
    """Return the other workloads of the namespace that are under change, or next in line."""
    place = s.namespace
    others = {c.workload for c in s.ahead if c.open and c.namespace == place}
    others |= {workload for workload in s.claimed if workload.startswith(f"{place}/")}
    others.discard(s.target.workload)
    return others


def too_much_of_a_namespace(s: Snapshot) -> str:
    """Return why no more workloads of the namespace may be under change at once."""
    others = others_under_change(s)
    if s.workloads is None:
        return "how many workloads the namespace has is not known"
    share = s.guardrails.workloads_percent
    allowed = max(1, int(s.workloads * share / 100))
    if len(others) + 1 <= allowed:
        return ""
    return (
        f"{len(others)} of {s.workloads} workloads in {s.target.namespace} are under change, "
        f"at most {allowed} may be ({share:g} %)"
    )


def too_fast(s: Snapshot) -> str:
    """Return why enough was written within the hour, everywhere or in the namespace."""
    rate = s.guardrails.rate
    recent = [
        change
        for change in s.ahead
        if change.applied_at is None or change.applied_at > s.now - HOUR
    ]
    here = [change for change in recent if change.namespace == s.namespace]
    near = [workload for workload in s.claimed if workload.startswith(f"{s.namespace}/")]
    if len(recent) + len(s.claimed) >= rate.per_hour:
        return f"{len(recent) + len(s.claimed)} changes within the hour, at most {rate.per_hour}"
    if len(here) + len(near) >= rate.per_namespace:
        return (
            f"{len(here) + len(near)} changes in {s.target.namespace} within the hour, "
            f"at most {rate.per_namespace}"
        )
    return ""
