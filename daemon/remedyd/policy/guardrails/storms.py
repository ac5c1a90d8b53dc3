"""The storm gate: when much is wrong at once there is one cause, and it is not each workload.

A share of a namespace's workloads that is critical in one audit, or a node that is not ready,
holds everything: raising limits or restarting while a node, a quota or a dependency is down
makes it worse. Signs come from the rows of the cycle, from memory and from the cluster.
"""

from collections.abc import Iterable, Mapping

from remedyd.model.audit import AuditResult, Severity
from remedyd.model.nodes import Nodes
from remedyd.model.state import namespace_of
from remedyd.policy.guardrails.schema import Storm
from remedyd.policy.guardrails.snapshot import Snapshot

_CRITICAL = Severity.CRITICAL


def critical_workloads(
    result: AuditResult, minimum: int = 1
) -> Mapping[str, tuple[frozenset[str], int]]:
    """Return for each namespace its critical workloads, and how many workloads are known.

    Namespaces with fewer than `minimum` critical workloads are left out.
    """
    critical: dict[str, set[str]] = {}
    for row in result.rows:
        if row.severity is _CRITICAL:
            namespace = namespace_of(row.target.workload)
            critical.setdefault(namespace, set()).add(row.target.workload)
    critical = {name: found for name, found in critical.items() if len(found) >= minimum}
    if not critical:
        return {}
    known: dict[str, set[str]] = {}
    for target in result.targets():
        known.setdefault(namespace_of(target.workload), set()).add(target.workload)
    return {n: (frozenset(found), len(known[n])) for n, found in critical.items()}


def signs(results: Iterable[AuditResult], limits: Storm) -> dict[str, str]:
    """Return the signs of a storm in these rows: `audit/cluster/namespace` -> a sentence."""
    found = {}
    for result in results:
        found_in = critical_workloads(result, limits.minimum_workloads)
        for namespace, (critical, known) in found_in.items():
            if _too_many(len(critical), known, limits):
                found[f"{result.audit}/{namespace}"] = (
                    f"{len(critical)} of {known} workloads in {namespace.rpartition('/')[2]} "
                    f"are critical at once in {result.audit}"
                )
    return found


def _too_many(critical: int, known: int, limits: Storm) -> bool:
    return critical * 100 / known > limits.workloads_percent


def node_sign(nodes: Nodes, limits: Storm) -> str:
    """Return the sentence about nodes that are not ready, empty while that is tolerated.

    A share of nodes that nobody counted tolerates none.
    """
    names, most = nodes.unready, limits.nodes_not_ready.of(nodes.total)
    if len(names) <= most:
        return ""
    of = "" if nodes.total is None else f" of {nodes.total}"
    one = len(names) == 1 and not of
    count = f"{len(names)}{of} node{'' if one or nodes.total == 1 else 's'}"
    shown = f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
    return f"{count} {'is' if len(names) == 1 else 'are'} not ready, at most {most}: {shown}"


def storm(s: Snapshot) -> str:
    """Return the storm that holds everything."""
    told = [*s.storms.values(), node_sign(s.nodes, s.guardrails.storm)]
    if s.state.storm is not None:
        told.append(s.state.storm.detail)
    found = next((text for text in told if text), "")
    return f"everything is held in a storm: {found}" if found else ""
