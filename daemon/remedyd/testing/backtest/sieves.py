"""Which rows of an audit a backtest need not look at."""

from collections.abc import Iterable

from remedyd.audits.definition import AuditDefinition
from remedyd.model import Severity
from remedyd.offline.sliding import Sieve
from remedyd.policy.policy import PolicySet


def sieve_of(definition: AuditDefinition, sets: Iterable[PolicySet]) -> Sieve:
    """Return the sieve that keeps every row that may change a decision under one of `sets`.

    Left out are rows that keep the audit's contract and have enough fresh evidence, of a severity
    that no policy on this audit acts on. Critical rows always stay: they may be signs of a storm.
    """
    wanted = {Severity.CRITICAL} | {
        name.severity
        for policies in sets
        for policy in policies.for_audit(definition.name)
        for name in policy.spec.audit.severities
    }
    identity = definition.identity
    return Sieve(
        types={column.name: column.type for column in definition.columns},
        identity=identity.columns,
        present=frozenset(column.name for column in definition.columns if not column.nullable),
        filled=frozenset({identity.name, identity.kind} - {""}),
        grade=(definition.severity, frozenset(int(s) for s in Severity if s not in wanted)),
        least=(definition.samples, definition.minimum_samples) if definition.samples else None,
        seen=(
            (definition.last_seen, definition.freshness)
            if definition.freshness is not None and definition.last_seen
            else None
        ),
        uniform=identity.cluster,
        limit=definition.limit,
    )
