"""What a guardrail looks at: one target, one moment, and all that is known then.

The same record serves the decision (from telemetry and memory), the approval and the door (with
what the cluster says just then). What was not looked at has the value that objects to nothing,
except where a rule says that not knowing is an objection.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from remedyd.model.decision import Mode
from remedyd.model.nodes import Nodes
from remedyd.model.plan import Plan
from remedyd.model.state import Change, DecisionState, namespace_of
from remedyd.model.target import Target
from remedyd.policy.guardrails.schema import Guardrails

HOUR = timedelta(hours=1)
NOBODY_LOOKED = Nodes()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One intended change in its circumstances.

    `proposal` is its id ("" before it has one). `requested`: a principal asked for it, no policy
    did. `undo`: it takes an earlier change back. `climbing`: it is the next rung of a ladder.
    `tells`: it writes nothing and calls a person.
    `mode` is how far it would go, `ceiling` how far the annotations of workload and namespace
    let it, as `said` by which of them. `workloads` counts those in the namespace (None: unknown),
    `nodes` are those of the cluster, `storms` what this cycle's rows show of a storm.
    `claimed` are the workloads that were decided on before it in the same cycle. `clock` says why
    our clock is not believed, `clock_set` that it was set a moment ago.
    """

    now: datetime
    target: Target
    state: DecisionState
    guardrails: Guardrails
    proposal: str = ""
    requested: bool = False
    undo: bool = False
    climbing: bool = False
    tells: bool = False
    mode: Mode = Mode.PROPOSE
    ceiling: Mode = Mode.AUTO
    said: str = ""
    workloads: int | None = None
    nodes: Nodes = NOBODY_LOOKED
    storms: Mapping[str, str] = field(default_factory=dict)
    claimed: tuple[str, ...] = ()
    clock: str = ""
    clock_set: str = ""
    plan: Plan | None = None

    @property
    def namespace(self) -> str:
        """The namespace as `cluster/namespace`."""
        return namespace_of(self.target.workload)

    @property
    def failures(self) -> int:
        """How many changes of the target in a row did not help."""
        return len(self.state.failures.get(self.target.workload, ()))

    @property
    def ahead(self) -> tuple[Change, ...]:
        """Changes that count before this one: written, or next in line by approval."""
        own = next((c for c in self.state.changes if c.proposal == self.proposal), None)
        return tuple(
            change
            for change in self.state.changes
            if change.proposal != self.proposal and (own is None or _precedes(change, own))
        )


def _precedes(change: Change, own: Change) -> bool:
    """A total order, so that of those who ask at the same moment exactly the first ones pass."""
    if change.applied_at is not None:
        return True
    return (change.moved_at, change.proposal) < (own.moved_at, own.proposal)
